//! Schedules as the peer's library of cron reads them: five fields, names of months and days, ranges, steps, `?`, and a zone before them.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

/// Most bytes of a schedule.
const LONGEST: usize = 1_024;
/// Stands for "every" in a field that says `*` or `?`: days of the month and of the week are then both asked, else either.
const STAR: u64 = 1 << 63;
/// A schedule that does not begin within so many years never begins.
const YEARS: i64 = 5;
/// Most times that a search for a begin starts anew; a year of hours that match nothing takes fewer.
const MOST_TURNS: u32 = 200_000;
const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// When something begins, again and again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schedule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// A zone of its own; without one the fields are held against what they are given.
    zone: Option<TimeZone>,
}

struct Field {
    least: u64,
    most: u64,
    names: &'static [&'static str],
}

impl Schedule {
    /// Reads a schedule.
    ///
    /// **Shape**: `MINUTE HOUR DAY MONTH WEEKDAY`; each a list of `*`, `?`, `N`, `N-M`, with a step behind a slash; `TZ=NAME ` or
    /// `CRON_TZ=NAME ` may stand before them. Sunday is 0 and nothing else. Words such as `@daily` are refused.
    /// **Errors**: what is wrong, in the words of the library. **Source**: robfig/cron, as `SyncWindows` of the peer uses it. We differ
    /// where it panics: at a zone with nothing behind it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} bytes"));
        }
        if text.is_empty() {
            return Err("empty spec string".to_owned());
        }
        let named = text.strip_prefix("TZ=").or_else(|| text.strip_prefix("CRON_TZ="));
        let (zone, fields) = match named {
            Some(rest) => {
                let (name, fields) =
                    rest.split_once(' ').ok_or_else(|| "a zone with nothing behind it".to_owned())?;
                let found = zone(name)
                    .ok_or_else(|| format!("provided bad location {name}: unknown time zone {name}"))?;
                (Some(found), fields.trim())
            }
            None => (None, text),
        };
        if fields.starts_with('@') {
            return Err(format!("parser does not accept descriptors: {fields}"));
        }
        let words: Vec<&str> = fields.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = words.as_slice() else {
            let (found, all) = (words.len(), words.join(" "));
            return Err(format!("expected exactly 5 fields, found {found}: [{all}]"));
        };
        let read = |text: &str, least, most, names| list(text, &Field { least, most, names });
        Ok(Self {
            minutes: read(minutes, 0, 59, &[])?,
            hours: read(hours, 0, 23, &[])?,
            days: read(days, 1, 31, &[])?,
            months: read(months, 1, 12, &MONTHS)?,
            weekdays: read(weekdays, 0, 6, &DAYS)?,
            zone,
        })
    }

    /// The first begin after a moment, both in seconds since 1970; `None` where there is none within five years.
    pub(crate) fn next(&self, after: i64) -> Option<i64> {
        let all = [self.minutes, self.hours, self.days, self.months, self.weekdays];
        if all.iter().any(|field| field & !STAR == 0) {
            return None;
        }
        let clock = Clock { zone: self.zone.as_ref() };
        let mut at = after.checked_add(1)?;
        let last_year = clock.civil(at)?.year + YEARS;
        // Whether what is below the field that was moved on begins anew.
        let mut moved = false;
        let mut turns = 0;
        'anew: loop {
            turns += 1;
            if turns > MOST_TURNS || clock.civil(at)?.year > last_year {
                return None;
            }
            while !has(self.months, clock.civil(at)?.month) {
                at = clock.next_month(at, moved)?;
                moved = true;
                if clock.civil(at)?.month == 1 {
                    continue 'anew;
                }
            }
            while !self.matches_day(&clock.civil(at)?) {
                at = clock.next_day(at, moved)?;
                moved = true;
                if clock.civil(at)?.day == 1 {
                    continue 'anew;
                }
            }
            while !has(self.hours, clock.civil(at)?.hour) {
                let now = clock.civil(at)?;
                if !moved {
                    moved = true;
                    at = clock.moment(days_from(now.year, now.month, now.day)? * DAY + now.hour * HOUR)?;
                }
                at += HOUR;
                if clock.civil(at)?.hour == 0 {
                    continue 'anew;
                }
            }
            while !has(self.minutes, clock.civil(at)?.minute) {
                if !moved {
                    moved = true;
                    at -= at.rem_euclid(MINUTE);
                }
                at += MINUTE;
                if clock.civil(at)?.minute == 0 {
                    continue 'anew;
                }
            }
            let second = clock.civil(at)?.second;
            if second == 0 {
                return Some(at);
            }
            moved = true;
            at += MINUTE - second;
        }
    }

    fn matches_day(&self, at: &Civil) -> bool {
        let (day, weekday) = (has(self.days, at.day), has(self.weekdays, at.weekday));
        if (self.days | self.weekdays) & STAR != 0 { day && weekday } else { day || weekday }
    }
}

/// A zone by its name as Go knows it: the case counts, the empty name and `Local` are UTC (a pod's own).
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    if matches!(name, "" | "UTC" | "Local") {
        return Some(TimeZone::UTC);
    }
    let zone = TimeZoneDatabase::bundled().get(name).ok()?;
    (zone.iana_name() == Some(name)).then_some(zone)
}

fn has(field: u64, value: i64) -> bool {
    u32::try_from(value).is_ok_and(|bit| bit < 63 && field & (1 << bit) != 0)
}

fn list(text: &str, field: &Field) -> Result<u64, String> {
    text.split(',').filter(|part| !part.is_empty()).try_fold(0, |all, part| Ok(all | range(part, field)?))
}

fn range(text: &str, field: &Field) -> Result<u64, String> {
    let (ends, step) = match text.split('/').collect::<Vec<_>>()[..] {
        [ends] => (ends, None),
        [ends, step] => (ends, Some(number(step)?)),
        _ => return Err(format!("too many slashes: {text}")),
    };
    let bounds: Vec<&str> = ends.split('-').collect();
    let (mut first, mut last, mut star) = (field.least, field.most, STAR);
    if !matches!(bounds[..], ["*" | "?", ..]) {
        star = 0;
        first = named(bounds.first().copied().unwrap_or_default(), field)?;
        last = match bounds[..] {
            [_] if step.is_some() => field.most,
            [_] => first,
            [_, last] => named(last, field)?,
            _ => return Err(format!("too many hyphens: {text}")),
        };
    }
    let step = step.unwrap_or(1);
    if step > 1 {
        star = 0;
    }
    if first < field.least {
        return Err(format!("beginning of range ({first}) below minimum ({}): {text}", field.least));
    }
    if last > field.most {
        return Err(format!("end of range ({last}) above maximum ({}): {text}", field.most));
    }
    if first > last {
        return Err(format!("beginning of range ({first}) beyond end of range ({last}): {text}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {text}"));
    }
    let step = usize::try_from(step).unwrap_or(usize::MAX);
    Ok((first..=last).step_by(step).fold(star, |bits, value| bits | 1 << value))
}

fn named(text: &str, field: &Field) -> Result<u64, String> {
    let place = field.names.iter().position(|name| name.eq_ignore_ascii_case(text));
    match place.and_then(|place| u64::try_from(place).ok()) {
        Some(place) => Ok(place + field.least),
        None => number(text),
    }
}

/// As Go's `strconv.Atoi`, which takes a sign.
fn number(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let read = digits.parse::<u64>().ok().filter(|number| plain && i64::try_from(*number).is_ok());
    read.ok_or_else(|| format!("failed to parse int from {text}"))
}

/// A moment as clocks of a place show it. Sunday is 0.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    weekday: i64,
}

impl Civil {
    /// Seconds since the clock showed midnight.
    fn of_day(&self) -> i64 {
        self.hour * HOUR + self.minute * MINUTE + self.second
    }
}

/// The clocks of a place.
struct Clock<'a> {
    zone: Option<&'a TimeZone>,
}

impl Clock<'_> {
    /// What is added to a moment for what the clock shows, in seconds.
    fn offset(&self, at: i64) -> Option<i64> {
        let Some(zone) = self.zone else { return Some(0) };
        Some(i64::from(zone.to_offset(Timestamp::from_second(at).ok()?).seconds()))
    }

    fn civil(&self, at: i64) -> Option<Civil> {
        let shown = at.checked_add(self.offset(at)?)?;
        let shown = Offset::UTC.to_datetime(Timestamp::from_second(shown).ok()?);
        Some(Civil {
            year: shown.year().into(),
            month: shown.month().into(),
            day: shown.day().into(),
            hour: shown.hour().into(),
            minute: shown.minute().into(),
            second: shown.second().into(),
            weekday: shown.weekday().to_sunday_zero_offset().into(),
        })
    }

    /// The moment at which the clock shows so many seconds since 1970. Of two, and of none, the one that Go's `time.Date` takes.
    fn moment(&self, shown: i64) -> Option<i64> {
        let near = self.offset(shown)?;
        if near == 0 {
            return Some(shown);
        }
        Some(shown - self.offset(shown - near)?)
    }

    /// The next month's begin, or what the clock shows now a month later.
    fn next_month(&self, at: i64, same_time: bool) -> Option<i64> {
        let now = self.civil(at)?;
        let (year, month) = if now.month == 12 { (now.year + 1, 1) } else { (now.year, now.month + 1) };
        let shown = days_from(year, month, 1)? * DAY;
        self.moment(if same_time { shown + (now.day - 1) * DAY + now.of_day() } else { shown })
    }

    /// The next day's begin, or what the clock shows now a day later. Where there is no midnight that day, the hour is put right as
    /// the library does.
    fn next_day(&self, at: i64, same_time: bool) -> Option<i64> {
        let now = self.civil(at)?;
        let shown = (days_from(now.year, now.month, now.day)? + 1) * DAY;
        let at = self.moment(if same_time { shown + now.of_day() } else { shown })?;
        let hour = self.civil(at)?.hour;
        Some(match hour {
            0 => at,
            late if late > 12 => at + (24 - late) * HOUR,
            early => at - early * HOUR,
        })
    }
}

/// Days from 1970 to a date of the Gregorian calendar; `None` for none that there is.
fn days_from(year: i64, month: i64, day: i64) -> Option<i64> {
    let date =
        Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    Some(Offset::UTC.to_timestamp(date.to_datetime(Time::midnight())).ok()?.as_second().div_euclid(DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_counted_as_calendars_do() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (11_016, (2000, 2, 29)),
            (20_454, (2026, 1, 1)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            let shown = Clock { zone: None }.civil(days * DAY).unwrap();
            assert_eq!((shown.year, shown.month, shown.day), date);
            assert_eq!(days_from(date.0, date.1, date.2), Some(days));
        }
    }

    #[test]
    fn the_next_begin_is_found() {
        let second = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        for (schedule, after, expected) in [
            ("0 8 * * *", "2026-03-11T08:00:00Z", Some("2026-03-12T08:00:00Z")),
            ("0 8 * * *", "2026-03-11T07:59:59Z", Some("2026-03-11T08:00:00Z")),
            ("*/7 * * * *", "2026-03-11T07:56:30Z", Some("2026-03-11T08:00:00Z")),
            ("30 * * * *", "2026-12-31T23:30:01Z", Some("2027-01-01T00:30:00Z")),
            ("0 0 29 2 *", "2026-03-11T08:00:00Z", Some("2028-02-29T00:00:00Z")),
            ("0 0 13 * fri", "2026-03-11T08:00:00Z", Some("2026-03-13T00:00:00Z")),
            ("0 0 13 * fri", "2026-03-13T08:00:00Z", Some("2026-03-20T00:00:00Z")),
            ("0 0 * * fri", "2026-03-13T08:00:00Z", Some("2026-03-20T00:00:00Z")),
            ("0 0 30 2 *", "2026-03-11T08:00:00Z", None),
            (", 8 * * *", "2026-03-11T08:00:00Z", None),
            ("TZ=Europe/Berlin 30 2 * * *", "2026-03-28T02:00:00Z", Some("2026-03-30T00:30:00Z")),
            ("TZ=Asia/Kolkata 0 8 * * *", "2026-03-11T00:00:00Z", Some("2026-03-11T02:30:00Z")),
        ] {
            let found = Schedule::parse(schedule).unwrap().next(second(after));
            assert_eq!(found, expected.map(second), "{schedule} after {after}");
        }
    }
}
