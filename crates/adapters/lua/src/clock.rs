//! `os.time` and `os.date`, in UTC, about the time that the caller gives.

/// A moment in UTC, field by field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
    /// From Sunday, 0.
    pub(crate) weekday: i64,
}

const DAY: i64 = 86_400;
/// Beyond these years nothing is said; far outside of what a clock shows.
const YEARS: std::ops::RangeInclusive<i64> = -100_000..=100_000;

/// Days since 1970 of a day in the proleptic Gregorian calendar; months and days may be out of range and carry over.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = (year + (month - 1).div_euclid(12), (month - 1).rem_euclid(12) + 1);
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468 + day - 1
}

/// Seconds since 1970; `None` where the year is beyond reason.
pub(crate) fn seconds(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: i64) -> Option<i64> {
    let sane = |number: i64| number.unsigned_abs() < 1 << 40;
    if !YEARS.contains(&year) || ![month, day, hour, minute, second].into_iter().all(sane) {
        return None;
    }
    days(year, month, day).checked_mul(DAY)?.checked_add(hour * 3600 + minute * 60 + second)
}

impl Moment {
    /// The moment so many seconds after 1970 began; clamped to sane years.
    pub(crate) fn at(seconds: i64) -> Self {
        const FARTHEST: i64 = 100_000 * 366 * DAY;
        let seconds = seconds.clamp(-FARTHEST, FARTHEST);
        let (day_number, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let shifted = day_number + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Self {
            year: era * 400 + year_of_era + i64::from(month <= 2),
            month,
            day: of_year - (153 * shifted_month + 2) / 5 + 1,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
            weekday: (day_number + 4).rem_euclid(7),
        }
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
        const DAYS: [&str; 7] =
            ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
        const MONTHS: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let name = |names: &[&'static str], at: i64| -> &'static str {
            usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or_default()
        };
        let (month, day) = (name(&MONTHS, self.month - 1), name(&DAYS, self.weekday));
        let short = |name: &'static str| name.get(..3).unwrap_or(name);
        let twelve = (self.hour + 11) % 12 + 1;
        let century = self.year.rem_euclid(100);
        let Self { hour, minute, second, .. } = *self;
        Some(match flag {
            'a' => "mon".to_owned(),
            'A' => day.to_owned(),
            'b' => short(month).to_owned(),
            'B' => month.to_owned(),
            'c' => format!("{:02} {} {century:02} {hour:02}:{minute:02} UTC", self.day, short(month)),
            'd' => format!("{:02}", self.day),
            'F' => format!("{:04}-{:02}-{:02}", self.year, self.month, self.day),
            'H' => format!("{hour:02}"),
            'I' => format!("{twelve:02}"),
            'm' => format!("{:02}", self.month),
            'M' => format!("{minute:02}"),
            'p' => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            'P' => if hour < 12 { "am" } else { "pm" }.to_owned(),
            'S' => format!("{second:02}"),
            'w' => self.weekday.to_string(),
            'x' => format!("{hour:02}/{minute:02}/{second:02}"),
            'X' => format!("{hour:02}:{minute:02}:{second:02}"),
            'y' => format!("{century:02}"),
            'Y' => format!("{:04}", self.year),
            'z' => "+0000".to_owned(),
            'Z' => "UTC".to_owned(),
            _ => return None,
        })
    }
}
