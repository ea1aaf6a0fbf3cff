//! Renders that take the process with them.
//!
//! A stack that overflows, an abort and a kill for want of memory cannot be caught. So each render is on record while it goes on, as a
//! small file of its own. What a start finds there was being rendered when a process ended: a strike. Three within an hour, and the
//! application is not rendered again until something that it is made from changes or somebody asks for a hard refresh; a render that
//! comes to its end forgives all. One with a strike is rendered alone, so that no other shares the blame for the next one.
//!
//! Files are written without waiting for the disk: what the kernel was given outlives the process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Strikes until an application is not rendered any more.
const STRIKES: usize = 3;
/// How far apart they may lie.
const WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// Open renders that a start looks at; there is one a core.
const MOST_OPEN: usize = 1024;
/// Below the data directory.
const DIRECTORY: &str = "renders";
/// Where strikes are kept, beside the open renders.
const STRIKES_FILE: &str = "strikes.json";

/// Numbers of renders of this process.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A name that no process before this one had: in containers every process has the same number.
fn process() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| format!("{}-{}", std::process::id(), Timestamp::now().as_nanosecond()))
}

/// Which renders are going on, and which took processes with them.
#[derive(Debug)]
pub(crate) struct Journal {
    directory: PathBuf,
    strikes: Mutex<BTreeMap<String, Strikes>>,
}

/// What is held against an application.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Strikes {
    /// What the last of them was made from.
    of: u64,
    times: Vec<Timestamp>,
    /// Whether the hard refresh that is being asked for was heeded: it is still there when the next process starts.
    heeded: bool,
}

impl Strikes {
    fn is_out(&self, of: u64) -> bool {
        self.of == of && self.times.len() >= STRIKES
    }
}

/// A render that goes on; it is over when this is dropped, however it came to that.
#[derive(Debug)]
pub(crate) struct Open {
    journal: Arc<Journal>,
    application: String,
    file: PathBuf,
}

impl Drop for Open {
    fn drop(&mut self) {
        // What is not there any more was taken away by the end of the process.
        drop(std::fs::remove_file(&self.file));
        let mut strikes = self.journal.strikes();
        if strikes.remove(&self.application).is_some() {
            self.journal.keep(&strikes);
        }
    }
}

impl Journal {
    /// Counts what processes before this one left behind.
    ///
    /// **Errors**: the directory cannot be made or read.
    pub(crate) fn open(data: &Path, now: Timestamp) -> std::io::Result<Self> {
        let directory = data.join(DIRECTORY);
        std::fs::create_dir_all(&directory)?;
        let journal = Self { strikes: Mutex::new(read(&directory.join(STRIKES_FILE))), directory };
        let left = journal.left(|file| !file.starts_with(process()))?;
        let mut strikes = journal.strikes();
        for file in &left {
            let Some((application, of)) = entry(file) else { continue };
            tracing::error!(application = %application, "was being rendered when a process ended");
            let held = strikes.entry(application).or_default();
            held.of = of;
            held.times.push(now);
            held.times.retain(|time| now.duration_since(*time).abs() <= WITHIN);
            let surplus = held.times.len().saturating_sub(STRIKES);
            held.times.drain(..surplus);
        }
        if !left.is_empty() {
            journal.keep(&strikes);
        }
        drop(strikes);
        // Not before they are counted.
        left.iter().for_each(|file| drop(std::fs::remove_file(file)));
        Ok(journal)
    }

    /// Whether something is held against an application, so that it has to be rendered alone.
    pub(crate) fn is_suspect(&self, application: &str) -> bool {
        self.strikes().get(application).is_some_and(|held| !held.times.is_empty())
    }

    /// Why something is not to be rendered, for people. `of` tells apart what it is made from.
    pub(crate) fn refusal(&self, application: &str, of: u64) -> Option<String> {
        let strikes = self.strikes();
        let last = strikes.get(application).filter(|held| held.is_out(of))?.times.last()?;
        Some(format!(
            "it is not rendered: {STRIKES} times within an hour a process of Capstan ended while it was being rendered, the last \
             found at {}. It is rendered again when its revision or its spec changes, or by a hard refresh",
            api::format_time(*last)
        ))
    }

    /// Puts a render on record.
    pub(crate) fn enter(self: &Arc<Self>, application: &str, of: u64) -> Open {
        let file = self.directory.join(format!("{}.{}", process(), NEXT.fetch_add(1, Relaxed)));
        let text = json!({"application": application, "of": of.to_string()}).to_string();
        if let Err(error) = self.write(&file, &text) {
            tracing::warn!(error = %error, "a render could not be put on record");
        }
        Open { journal: Arc::clone(self), application: application.to_owned(), file }
    }

    /// Writes a file, and makes the directory again where somebody took it away.
    fn write(&self, file: &Path, text: &str) -> std::io::Result<()> {
        match std::fs::write(file, text) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                std::fs::create_dir_all(&self.directory)?;
                std::fs::write(file, text)
            }
            written => written,
        }
    }

    /// Whether somebody asks for a hard refresh now. Each asking is heeded once: should it end the process, it is still there
    /// when the next one looks.
    pub(crate) fn hard_refresh(&self, application: &str, asked: bool) {
        let mut strikes = self.strikes();
        let Some(held) = strikes.get_mut(application).filter(|held| held.heeded != asked) else { return };
        held.heeded = asked;
        if asked {
            held.times.clear();
        } else if held.times.is_empty() {
            strikes.remove(application);
        }
        self.keep(&strikes);
    }

    /// An end in order blames nobody for what is still going on.
    pub(crate) fn close(&self) {
        let own = self.left(|file| file.starts_with(process())).unwrap_or_default();
        own.iter().for_each(|file| drop(std::fs::remove_file(file)));
    }

    /// The open renders whose file is called so.
    fn left(&self, named: impl Fn(&str) -> bool) -> std::io::Result<Vec<PathBuf>> {
        let mut left = Vec::new();
        for file in std::fs::read_dir(&self.directory)?.take(MOST_OPEN) {
            let name = file?.file_name();
            let name = name.to_string_lossy();
            if !name.starts_with(STRIKES_FILE) && named(&name) {
                left.push(self.directory.join(&*name));
            }
        }
        Ok(left)
    }

    fn strikes(&self) -> MutexGuard<'_, BTreeMap<String, Strikes>> {
        self.strikes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, strikes: &BTreeMap<String, Strikes>) {
        let value = |held: &Strikes| {
            let times: Vec<String> = held.times.iter().map(ToString::to_string).collect();
            json!({"of": held.of.to_string(), "times": times, "heeded": held.heeded})
        };
        let all: serde_json::Map<String, Value> =
            strikes.iter().map(|(name, held)| (name.clone(), value(held))).collect();
        let (file, new) =
            (self.directory.join(STRIKES_FILE), self.directory.join(format!("{STRIKES_FILE}.new")));
        let written = self.write(&new, &Value::Object(all).to_string());
        if let Err(error) = written.and_then(|()| std::fs::rename(&new, &file)) {
            tracing::warn!(error = %error, "strikes could not be put on record");
        }
    }
}

/// What is on record. What cannot be read holds nothing against anybody.
fn read(file: &Path) -> BTreeMap<String, Strikes> {
    let all = std::fs::read(file).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    let held = |value: &Value| {
        Some(Strikes {
            of: value["of"].as_str()?.parse().ok()?,
            times: value["times"].as_array()?.iter().filter_map(|time| time.as_str()?.parse().ok()).collect(),
            heeded: value["heeded"].as_bool()?,
        })
    };
    let all = all.as_ref().and_then(Value::as_object).into_iter().flatten();
    all.filter_map(|(name, value)| Some((name.clone(), held(value)?))).collect()
}

/// What was being rendered, by an open render's file.
fn entry(file: &Path) -> Option<(String, u64)> {
    let value: Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    Some((value["application"].as_str()?.to_owned(), value["of"].as_str()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn early() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn much_later() -> Timestamp {
        "2026-01-01T01:30:00Z".parse().unwrap()
    }

    /// A process that dies while it renders.
    fn dies(data: &Path, application: &str, of: u64) {
        let directory = data.join(DIRECTORY);
        std::fs::create_dir_all(&directory).unwrap();
        let text = json!({"application": application, "of": of.to_string()}).to_string();
        std::fs::write(directory.join(format!("1-1.{application}")), text).unwrap();
    }

    fn start(data: &Path) -> Arc<Journal> {
        Arc::new(Journal::open(data, early()).unwrap())
    }

    #[test]
    fn three_strikes_are_enough_for_what_it_is_made_from() {
        let data = tempfile::tempdir().unwrap();
        for strike in 1..=3 {
            dies(data.path(), "web", 7);
            let journal = start(data.path());
            assert!(journal.is_suspect("web") && !journal.is_suspect("other"), "{strike}");
            if strike < 3 {
                // What goes on when the next one dies is written before that.
                std::mem::forget(journal.enter("web", 7));
                journal.close();
            }
        }
        let journal = start(data.path());
        let why = journal.refusal("web", 7).unwrap();
        assert!(why.contains("3 times within an hour") && why.contains("2026-01-01T00:00:00Z"), "{why}");
        assert_eq!(journal.refusal("other", 7), None);
        assert_eq!(journal.refusal("web", 8), None);
        // A new revision has a try, and one more death is enough.
        std::mem::forget(journal.enter("web", 8));
        journal.close();
        dies(data.path(), "web", 8);
        assert!(start(data.path()).refusal("web", 8).is_some());
        // What ends well is forgiven.
        let journal = start(data.path());
        drop(journal.enter("web", 9));
        assert!(!journal.is_suspect("web") && start(data.path()).refusal("web", 8).is_none());
    }

    #[test]
    fn what_lies_far_apart_and_what_ends_in_order_does_not_count() {
        let data = tempfile::tempdir().unwrap();
        for now in [early(), early(), much_later()] {
            dies(data.path(), "web", 7);
            Journal::open(data.path(), now).unwrap();
        }
        assert_eq!(start(data.path()).refusal("web", 7), None);

        let data = tempfile::tempdir().unwrap();
        for _ in 0..3 {
            let journal = start(data.path());
            std::mem::forget(journal.enter("web", 7));
            journal.close();
        }
        assert!(!start(data.path()).is_suspect("web"));
        // A controller that begins beside one of the same process takes nothing for its remains.
        let journal = start(data.path());
        let open = journal.enter("web", 7);
        assert!(!start(data.path()).is_suspect("web"));
        drop(open);
    }

    #[test]
    fn a_hard_refresh_is_heeded_once() {
        let data = tempfile::tempdir().unwrap();
        let die_thrice = || {
            for _ in 0..3 {
                dies(data.path(), "web", 7);
                start(data.path()).hard_refresh("web", true);
            }
        };
        for _ in 0..3 {
            dies(data.path(), "web", 7);
            start(data.path());
        }
        let journal = start(data.path());
        journal.hard_refresh("web", true);
        std::mem::forget(journal.enter("web", 7));
        journal.close();
        // It is still asked for when the next processes look, and die of it.
        die_thrice();
        let journal = start(data.path());
        assert!(journal.refusal("web", 7).is_some());
        journal.hard_refresh("web", false);
        assert!(journal.refusal("web", 7).is_some(), "what was asked for was heeded");
        journal.hard_refresh("web", true);
        assert_eq!(journal.refusal("web", 7), None, "somebody asks again");
    }

    #[test]
    fn a_directory_that_was_taken_away_is_made_again() {
        let data = tempfile::tempdir().unwrap();
        let journal = start(data.path());
        std::fs::remove_dir_all(data.path().join(DIRECTORY)).unwrap();
        std::mem::forget(journal.enter("web", 7));
        assert_eq!(journal.left(|_| true).unwrap().len(), 1);
    }

    #[test]
    fn what_cannot_be_read_holds_up_nothing() {
        let data = tempfile::tempdir().unwrap();
        let directory = data.path().join(DIRECTORY);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(STRIKES_FILE), "{\"web\": 1, \"a\": {}}").unwrap();
        std::fs::write(directory.join("1-1.0"), [0xff, 0x00]).unwrap();
        std::fs::write(directory.join("1-1.1"), "").unwrap();
        let journal = start(data.path());
        assert_eq!((journal.refusal("web", 7), journal.refusal("a", 7)), (None, None));
        assert!(journal.left(|name| name.starts_with("1-1")).unwrap().is_empty(), "and is tidied up");
    }
}
