//! Sync windows: when the applications of a project may be synced.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::cron::{Schedule, zone};
use crate::glob::{Dialect, Glob};
use crate::{Application, ApplicationDestination, SyncWindow};

/// Begins of windows in a row that are looked at for the end of what is active.
const MOST_BEGINS: usize = 128;
/// A window is not active at the very moment at which it begins, but right after.
const AFTER: SignedDuration = SignedDuration::from_millis(1);

/// A window that applies to an application and cannot be read: nothing is synced while it stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid sync windows: cannot parse {field} '{text}': {reason}")]
pub struct WindowError {
    /// `schedule` or `duration`.
    pub field: &'static str,
    /// What is written there.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

/// The windows of a project, ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct Windows(Vec<Window>);

#[derive(Debug, Clone)]
struct Window {
    kind: Kind,
    manual: bool,
    overrun: bool,
    and: bool,
    applications: Vec<Glob>,
    clusters: Vec<Glob>,
    namespaces: Vec<Glob>,
    time: Result<Time, WindowError>,
    zone: TimeZone,
    /// `kind:schedule:duration`.
    shown: String,
    /// As the project says it.
    said: SyncWindow,
    /// What is wrong with it and stops nothing.
    problems: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Allow,
    Deny,
    Other,
}

#[derive(Debug, Clone)]
struct Time {
    schedule: Schedule,
    duration: SignedDuration,
}

/// How a sync comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// By itself.
    Automatic,
    /// Because somebody asked for it.
    Manual,
}

impl Windows {
    /// Compiles windows. What cannot be read is said by [`Self::problems`], and by [`Assigned::permits`] for whom it matters.
    pub fn new(windows: &[SyncWindow]) -> Self {
        Self(windows.iter().enumerate().map(|(place, window)| Window::new(place, window)).collect())
    }

    /// The windows that apply to an application.
    ///
    /// **Shape**: one of the lists of names, destinations (by URL or by name, as the Application says it) and namespaces has a pattern
    /// that matches; with `andOperator` each list that is not empty has. A window whose lists are all empty applies to nobody.
    /// **Source**: the peer's `SyncWindows.Matches`.
    pub fn of(&self, app: &Application) -> Assigned<'_> {
        self.matching(&app.metadata.name, &app.spec.destination)
    }

    pub(crate) fn matching(&self, name: &str, destination: &ApplicationDestination) -> Assigned<'_> {
        Assigned(self.0.iter().filter(|window| window.applies_to(name, destination)).collect())
    }

    /// Places in the list of those that are active at a moment. **Errors**: one that cannot be read, whomever it is for.
    /// **Source**: the peer's `SyncWindows.Active`.
    pub fn active(&self, at: Timestamp) -> Result<Vec<usize>, WindowError> {
        let mut places = Vec::new();
        for (place, window) in self.0.iter().enumerate() {
            if window.is_active(at)? {
                places.push(place);
            }
        }
        Ok(places)
    }

    /// What is wrong with the windows, in words, those that stop syncs included.
    pub fn problems(&self) -> impl Iterator<Item = String> {
        self.0.iter().flat_map(|window| {
            let stops = window.time.as_ref().err().map(|error| format!("{}: {error}", window.shown));
            stops.into_iter().chain(window.problems.iter().cloned())
        })
    }
}

impl Window {
    fn new(place: usize, window: &SyncWindow) -> Self {
        let mut problems = Vec::new();
        let mut globs = |field: &str, patterns: &[String]| -> Vec<Glob> {
            let globs: Vec<Glob> = patterns.iter().map(|p| Glob::new(p, Dialect::Text)).collect();
            for glob in &globs {
                if let Some(problem) = glob.problem() {
                    let pattern = glob.pattern();
                    problems.push(format!(
                        "syncWindows[{place}].{field} has {pattern:?}, which matches nothing: {problem}"
                    ));
                }
            }
            globs
        };
        let applications = globs("applications", &window.applications);
        let clusters = globs("clusters", &window.clusters);
        let namespaces = globs("namespaces", &window.namespaces);
        let kind = match window.kind.as_str() {
            "allow" => Kind::Allow,
            "deny" => Kind::Deny,
            other => {
                problems.push(format!("syncWindows[{place}].kind is {other:?}, neither allow nor deny"));
                Kind::Other
            }
        };
        let zone = zone(&window.time_zone).unwrap_or_else(|| {
            let name = &window.time_zone;
            problems.push(format!("syncWindows[{place}].timeZone {name:?} is unknown: it counts as UTC"));
            TimeZone::UTC
        });
        let time = Time::new(window);
        if let Ok(time) = &time
            && time.schedule.next(0).is_none()
        {
            let schedule = &window.schedule;
            problems.push(format!(
                "syncWindows[{place}].schedule {schedule:?} never begins: it counts as active"
            ));
        }
        Self {
            kind,
            manual: window.manual_sync,
            overrun: window.sync_overrun,
            and: window.use_and_operator,
            applications,
            clusters,
            namespaces,
            time,
            zone,
            shown: format!("{}:{}:{}", window.kind, window.schedule, window.duration),
            said: window.clone(),
            problems,
        }
    }

    fn applies_to(&self, name: &str, destination: &ApplicationDestination) -> bool {
        let any = |globs: &[Glob], text: &str| globs.iter().any(|glob| glob.matches(text));
        let known = |globs: &[Glob], text: &str| !text.is_empty() && any(globs, text);
        let cluster = known(&self.clusters, &destination.name) || known(&self.clusters, &destination.server);
        let lists = [
            (&self.applications, any(&self.applications, name)),
            (&self.clusters, cluster),
            (&self.namespaces, any(&self.namespaces, &destination.namespace)),
        ];
        let mut set = lists.iter().filter(|(globs, _)| !globs.is_empty()).map(|(_, matches)| *matches);
        if self.and {
            set.clone().count() > 0 && set.all(|matches| matches)
        } else {
            set.any(|matches| matches)
        }
    }

    fn time(&self) -> Result<&Time, WindowError> {
        self.time.as_ref().map_err(Clone::clone)
    }

    /// What clocks of the window's zone show at a moment, as if they were UTC's. The peer takes the offset of this moment for all
    /// others: a window that a clock is put forward in lasts as long as any other.
    fn shown_at(&self, at: Timestamp) -> Option<(Timestamp, SignedDuration)> {
        let offset = SignedDuration::from_secs(i64::from(self.zone.to_offset(at).seconds()));
        Some((at.checked_add(offset).ok()?, offset))
    }

    fn is_active(&self, at: Timestamp) -> Result<bool, WindowError> {
        let time = self.time()?;
        let Some((now, _)) = self.shown_at(at) else { return Ok(false) };
        // A schedule that never begins is taken for one that began long ago, as in the peer.
        Ok(time.first_since(now).is_none_or(|begin| begin < now))
    }

    /// When it begins or ends next; `None` where it never does.
    fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        let time = self.time.as_ref().ok()?;
        let (now, offset) = self.shown_at(at)?;
        let first = time.first_since(now)?;
        let change = if first < now {
            let mut end = first.checked_add(time.duration).ok()?;
            for _ in 0..MOST_BEGINS {
                // The next one may begin before this one ends.
                match time.first_since(end).filter(|begin| *begin < end) {
                    Some(begin) => end = begin.checked_add(time.duration).ok()?,
                    None => break,
                }
            }
            end
        } else {
            time.begin_after(now.checked_sub(SignedDuration::from_secs(1)).ok()?)?.checked_add(AFTER).ok()?
        };
        let change = change.checked_sub(offset).ok()?;
        // Where its clocks are put forward or back, so is the window.
        let put = self.zone.following(at).next().map(|transition| transition.timestamp());
        Some(put.map_or(change, |put| put.min(change)))
    }
}

impl Time {
    fn new(window: &SyncWindow) -> Result<Self, WindowError> {
        let failed = |field, text: &str, reason: String| WindowError { field, text: text.to_owned(), reason };
        let schedule = Schedule::parse(&window.schedule)
            .map_err(|reason| failed("schedule", &window.schedule, reason))?;
        let duration =
            go_duration(&window.duration).map_err(|reason| failed("duration", &window.duration, reason))?;
        Ok(Self { schedule, duration })
    }

    /// The first begin whose window is not over at `now`.
    fn first_since(&self, now: Timestamp) -> Option<Timestamp> {
        self.begin_after(now.checked_sub(self.duration).ok()?)
    }

    /// The first begin after a moment; seconds are not divided.
    fn begin_after(&self, at: Timestamp) -> Option<Timestamp> {
        let floor = at.as_nanosecond().div_euclid(1_000_000_000);
        let next = self.schedule.next(i64::try_from(floor).ok()?)?;
        Timestamp::from_second(next).ok()
    }
}

/// As Go's `time.ParseDuration`: a sign is allowed, a number without a unit is not.
fn go_duration(text: &str) -> Result<SignedDuration, String> {
    let (negative, bare) = match text.strip_prefix('-') {
        Some(bare) => (true, bare),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let unitless = bare.bytes().all(|byte| byte.is_ascii_digit()) && bare != "0";
    if unitless || bare.starts_with(['+', '-']) || bare.trim() != bare {
        return Err(format!("time: invalid duration {text:?}"));
    }
    let read = crate::parse_duration(bare)
        .map_err(|error| format!("time: invalid duration {text:?}: {}", error.reason))?;
    let read = SignedDuration::try_from(read).map_err(|error| error.to_string())?;
    Ok(if negative { -read } else { read })
}

/// The windows that apply to one application.
#[derive(Debug, Clone)]
pub struct Assigned<'a>(Vec<&'a Window>);

impl Assigned<'_> {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The windows, each as `kind:schedule:duration`.
    pub fn shown(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|window| window.shown.as_str())
    }

    /// The windows as the project says them.
    pub fn windows(&self) -> impl Iterator<Item = &SyncWindow> {
        self.0.iter().map(|window| &window.said)
    }

    /// Those that are active at a moment. **Errors**: one that cannot be read.
    pub fn active(&self, at: Timestamp) -> Result<Vec<&SyncWindow>, WindowError> {
        let mut active = Vec::new();
        for window in &self.0 {
            if window.is_active(at)? {
                active.push(&window.said);
            }
        }
        Ok(active)
    }

    /// Whether a sync may run at a moment. `since` is when it began, for one that is under way.
    ///
    /// **Shape**: an active window that denies wins, then one that allows; where there are only inactive ones that allow, nothing is
    /// synced. Somebody's own sync runs still where every window that stops it has `manualSync`. One that began while it might goes on
    /// where every window that stops it has `syncOverrun`. **Errors**: a window that applies and cannot be read.
    /// **Source**: the peer's `SyncWindows.CanSync`, the overrun as since its version 3.3.
    pub fn permits(
        &self,
        begin: Begin,
        at: Timestamp,
        since: Option<Timestamp>,
    ) -> Result<bool, WindowError> {
        let stopping = self.stopping(at)?;
        if stopping.is_empty() || (begin == Begin::Manual && stopping.iter().all(|window| window.manual)) {
            return Ok(true);
        }
        match since {
            Some(since) if stopping.iter().all(|window| window.overrun) => self.permits(begin, since, None),
            _ => Ok(false),
        }
    }

    /// The windows that stop syncs at a moment.
    fn stopping(&self, at: Timestamp) -> Result<Vec<&Window>, WindowError> {
        let mut active = Vec::new();
        for window in &self.0 {
            active.push((*window, window.is_active(at)?));
        }
        let of = |kind: Kind, wanted: bool| -> Vec<&Window> {
            let found = active.iter().filter(|(window, active)| window.kind == kind && *active == wanted);
            found.map(|(window, _)| *window).collect()
        };
        let denying = of(Kind::Deny, true);
        if !denying.is_empty() {
            return Ok(denying);
        }
        Ok(if of(Kind::Allow, true).is_empty() { of(Kind::Allow, false) } else { Vec::new() })
    }

    /// When what [`Self::permits`] says may change next; never before, and perhaps not even then.
    pub fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        self.0.iter().filter_map(|window| window.next_change(at)).min()
    }

    /// What `app get` says, in the peer's words.
    pub fn verdict(&self, at: Timestamp) -> &'static str {
        let permits = |begin| self.permits(begin, at, None).unwrap_or(false);
        match (permits(Begin::Automatic), permits(Begin::Manual)) {
            (true, _) => "Sync Allowed",
            (false, true) => "Manual Allowed",
            (false, false) => "Sync Denied",
        }
    }

    #[cfg(test)]
    pub(crate) fn active_shown(&self, at: Timestamp) -> Vec<String> {
        let active = self.0.iter().filter(|window| window.is_active(at) == Ok(true));
        active.map(|window| window.shown.clone()).collect()
    }
}

#[cfg(test)]
mod tests;
