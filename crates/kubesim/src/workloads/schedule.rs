//! Cron schedules: five fields, in UTC.

use jiff::civil::DateTime;
use jiff::{Timestamp, ToSpan, Unit, tz::TimeZone};

/// Days searched for the next time; further than any real schedule except impossible dates.
const HORIZON_DAYS: i64 = 366 * 5;

/// A parsed schedule: for each field the allowed values as bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schedule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Either of day and weekday is enough where both are restricted.
    either_day: bool,
}

impl Schedule {
    /// Reads `* * * * *` with lists, ranges, steps, names of months and days, and `@hourly` and the like. `None`
    /// for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = match text.trim() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else { return None };
        let weekday_bits = bits(weekdays, 0, 7, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"], 0)?;
        let months_names =
            ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
        Some(Self {
            minutes: bits(minutes, 0, 59, &[], 0)?,
            hours: bits(hours, 0, 23, &[], 0)?,
            days: bits(days, 1, 31, &[], 0)?,
            months: bits(months, 1, 12, &months_names, 1)?,
            // Both 0 and 7 are Sunday.
            weekdays: weekday_bits | (weekday_bits >> 7 & 1),
            either_day: !days.starts_with(['*', '?']) && !weekdays.starts_with(['*', '?']),
        })
    }

    /// The first time after `after`, at a full minute.
    pub(super) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let start = after.to_zoned(TimeZone::UTC).datetime();
        let start = start
            .round(jiff::civil::DateTimeRound::new().smallest(Unit::Minute).mode(jiff::RoundMode::Trunc));
        let start = start.ok()?.checked_add(1.minute()).ok()?;
        let has = |bits: u64, value: i8| bits >> value & 1 == 1;
        for day in 0..HORIZON_DAYS {
            let date = start.date().checked_add(day.days()).ok()?;
            let by_day = has(self.days, date.day());
            let by_weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
            let fits = if self.either_day { by_day || by_weekday } else { by_day && by_weekday };
            if !fits || !has(self.months, date.month()) {
                continue;
            }
            for hour in (0..24_i8).filter(|hour| has(self.hours, *hour)) {
                for minute in (0..60_i8).filter(|minute| has(self.minutes, *minute)) {
                    let time: DateTime = date.at(hour, minute, 0, 0);
                    if time >= start {
                        return time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
                    }
                }
            }
        }
        None
    }
}

/// The allowed values of one field, as bits.
fn bits(field: &str, low: u32, high: u32, names: &[&str], first_name: u32) -> Option<u64> {
    let number = |text: &str| -> Option<u32> {
        let lower = text.to_ascii_lowercase();
        let named = names.iter().position(|name| *name == lower).and_then(|i| u32::try_from(i).ok());
        named.map(|i| i + first_name).or_else(|| text.parse().ok()).filter(|n| (low..=high).contains(n))
    };
    let mut all = 0;
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u32>().ok().filter(|s| *s > 0)?)),
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" || range == "?" => (low, if high == 7 { 6 } else { high }),
            Some((from, to)) => (number(from)?, number(to)?),
            None => (number(range)?, if step.is_some() { high } else { number(range)? }),
        };
        let step = usize::try_from(step.unwrap_or(1)).ok()?;
        all |= (from..=to).step_by(step).fold(0, |bits, n| bits | 1 << n);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_next_time() {
        for (schedule, after, next) in [
            ("*/5 * * * *", "2026-01-01T00:04:59Z", "2026-01-01T00:05:00Z"),
            ("*/5 * * * *", "2026-01-01T00:05:00Z", "2026-01-01T00:10:00Z"),
            ("@daily", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
            ("30 2 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T02:30:00Z"),
            ("0 9 * * mon-fri", "2026-01-02T09:00:00Z", "2026-01-05T09:00:00Z"),
            ("0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
            ("0 0 * * 7", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"),
            ("15,45 8-10/2 1 dec *", "2026-01-01T00:00:00Z", "2026-12-01T08:15:00Z"),
        ] {
            let found = Schedule::parse(schedule).unwrap().next(after.parse().unwrap()).unwrap();
            assert_eq!(found.to_string(), next, "{schedule} after {after}");
        }
    }

    #[test]
    fn refuses_what_is_no_schedule() {
        for text in ["", "* * * *", "60 * * * *", "* * 0 * *", "*/0 * * * *", "x * * * *", "@reboot"] {
            assert_eq!(Schedule::parse(text), None, "{text}");
        }
        assert_eq!(Schedule::parse("0 0 31 2 *").unwrap().next(Timestamp::UNIX_EPOCH), None);
    }
}
