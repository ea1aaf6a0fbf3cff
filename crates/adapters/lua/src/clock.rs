//! `os.time` and `os.date`, in UTC, about the time that the caller gives.

use std::ops::RangeInclusive;

use sprig::{Civil, DAYS, MONTHS};

/// A moment in UTC, field by field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Civil);

/// Beyond these years nothing is said; far outside of what a clock shows.
const YEARS: RangeInclusive<i64> = -100_000..=100_000;

/// Seconds since 1970; `None` where the year is beyond reason.
pub(crate) fn seconds(civil: Civil) -> Option<i64> {
    let Civil { year, month, day, hour, minute, second } = civil;
    let sane = |number: i64| number.unsigned_abs() < 1 << 40;
    let all = YEARS.contains(&year) && [month, day, hour, minute, second].into_iter().all(sane);
    all.then(|| civil.to_seconds())
}

impl Moment {
    /// The moment so many seconds after 1970 began; clamped to sane years.
    pub(crate) fn at(seconds: i64) -> Self {
        const FARTHEST: i64 = 100_000 * 366 * 86_400;
        Self(Civil::from_seconds(seconds.clamp(-FARTHEST, FARTHEST)))
    }

    /// The text of a format with `%Y`, `%m` and so on. The peer's `%a` is the word `mon`, its `%x` has slashes
    /// between hour, minute and second; so have ours.
    pub(crate) fn format(&self, format: &str) -> String {
        let mut text = String::new();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                text.push(c);
                continue;
            }
            match chars.next() {
                Some('%') | None => text.push('%'),
                Some(flag) => match self.field(flag) {
                    Some(field) => text.push_str(&field),
                    None => text.extend(['%', flag]),
                },
            }
        }
        text
    }

    fn field(&self, flag: char) -> Option<String> {
        let Civil { year, month, day, hour, minute, second } = self.0;
        let weekday = self.0.weekday();
        let month_name =
            usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or_default();
        let short = month_name.get(..3).unwrap_or(month_name);
        let (twelve, century) = ((hour + 11) % 12 + 1, year.rem_euclid(100));
        Some(match flag {
            'a' => "mon".to_owned(),
            'A' => DAYS.get(weekday).copied().unwrap_or_default().to_owned(),
            'b' => short.to_owned(),
            'B' => month_name.to_owned(),
            'c' => format!("{day:02} {short} {century:02} {hour:02}:{minute:02} UTC"),
            'd' => format!("{day:02}"),
            'F' => format!("{year:04}-{month:02}-{day:02}"),
            'H' => format!("{hour:02}"),
            'I' => format!("{twelve:02}"),
            'm' => format!("{month:02}"),
            'M' => format!("{minute:02}"),
            'p' => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            'P' => if hour < 12 { "am" } else { "pm" }.to_owned(),
            'S' => format!("{second:02}"),
            'w' => weekday.to_string(),
            'x' => format!("{hour:02}/{minute:02}/{second:02}"),
            'X' => format!("{hour:02}:{minute:02}:{second:02}"),
            'y' => format!("{century:02}"),
            'Y' => format!("{year:04}"),
            'z' => "+0000".to_owned(),
            'Z' => "UTC".to_owned(),
            _ => return None,
        })
    }
}
