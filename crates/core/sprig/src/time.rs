//! Times as Go's `time` has them: a moment and a zone to show it in.

pub(crate) mod duration;
pub(crate) mod layout;
pub(crate) mod parse;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::world::Moment;

/// A zone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Zone {
    Utc,
    /// From the zone database, which is compiled in.
    Named(TimeZone),
    /// A name, or none, and seconds east of Greenwich.
    Fixed(String, i64),
}

impl Zone {
    /// As `time.LoadLocation`; `None` for an unknown name. `local` is what `Local` stands for.
    pub(crate) fn load(name: &str, local: &str) -> Option<Self> {
        match name {
            "" | "UTC" => Some(Self::Utc),
            "Local" if local != "Local" => Self::load(local, "Local"),
            _ => {
                let zone = TimeZoneDatabase::bundled().get(name).ok()?;
                // Go finds zones as files, so capitals count.
                (zone.iana_name() == Some(name)).then_some(Self::Named(zone))
            }
        }
    }

    /// Abbreviation and seconds east of Greenwich at a moment.
    pub(crate) fn at(&self, seconds: i64) -> (String, i64) {
        match self {
            Self::Utc => ("UTC".into(), 0),
            Self::Fixed(name, offset) => (name.clone(), *offset),
            Self::Named(zone) => {
                let (low, high) = (jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
                let moment = jiff::Timestamp::from_second(seconds.clamp(low, high)).unwrap_or_default();
                let info = zone.to_offset_info(moment);
                (info.abbreviation().to_owned(), i64::from(info.offset().seconds()))
            }
        }
    }
}

/// Seconds of a day.
const DAY: i64 = 86_400;
/// `time.Time{}`: the start of year 1.
const ZERO: Moment = Moment { seconds: -62_135_596_800, nanos: 0 };

/// A `time.Time`.
#[derive(Debug, Clone)]
pub(crate) struct Time {
    pub(crate) moment: Moment,
    pub(crate) zone: Zone,
}

/// What calendar and clock show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// From 1.
    pub(crate) month: i64,
    /// From 1.
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
}

impl Civil {
    /// Seconds since 1970, if the clock is in Greenwich. Fields past their range carry over, as in `time.Date`.
    pub(crate) fn to_seconds(self) -> i64 {
        let months = self.year.saturating_mul(12).saturating_add(self.month - 1);
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        let days = days_before(year, month).saturating_add(self.day - 1);
        days.saturating_mul(DAY) + self.hour * 3600 + self.minute * 60 + self.second
    }

    fn from_seconds(seconds: i64) -> Self {
        let (days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let (year, month, day) = date(days);
        Self { year, month, day, hour: rest / 3600, minute: rest / 60 % 60, second: rest % 60 }
    }

    /// From 1.
    pub(crate) fn year_day(&self) -> i64 {
        days_before(self.year, self.month) - days_before(self.year, 1) + self.day
    }

    /// Sunday is 0.
    pub(crate) fn weekday(&self) -> usize {
        let days = days_before(self.year, self.month) + self.day - 1;
        usize::try_from((days + 4).rem_euclid(7)).unwrap_or(0)
    }
}

pub(crate) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(crate) fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the first of a month. Years begin in March here, so that the leap day is their last.
fn days_before(year: i64, month: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

impl Time {
    /// `time.Unix`.
    pub(crate) fn unix(seconds: i64, zone: Zone) -> Self {
        Self { moment: Moment { seconds, nanos: 0 }, zone }
    }

    /// `time.Time{}`.
    pub(crate) fn zero() -> Self {
        Self { moment: ZERO, zone: Zone::Utc }
    }

    /// `Time.IsZero`.
    pub(crate) fn is_zero(&self) -> bool {
        self.moment == ZERO
    }

    /// When a clock in that zone shows this. `time.Date`.
    pub(crate) fn at(civil: Civil, nanos: u32, zone: Zone) -> Self {
        let wall = civil.to_seconds();
        let (_, guess) = zone.at(wall);
        let (_, offset) = zone.at(wall - guess);
        Self { moment: Moment { seconds: wall - offset, nanos }, zone }
    }

    pub(crate) fn civil(&self) -> Civil {
        let (_, offset) = self.zone.at(self.moment.seconds);
        Civil::from_seconds(self.moment.seconds.saturating_add(offset))
    }

    pub(crate) fn in_zone(&self, zone: Zone) -> Self {
        Self { moment: self.moment, zone }
    }

    /// Nanoseconds since 1970.
    pub(crate) fn nanos(&self) -> i128 {
        i128::from(self.moment.seconds) * 1_000_000_000 + i128::from(self.moment.nanos)
    }

    /// Later by so many nanoseconds.
    pub(crate) fn plus(&self, nanos: i64) -> Self {
        let total = self.nanos() + i128::from(nanos);
        let seconds = i64::try_from(total.div_euclid(1_000_000_000)).unwrap_or(i64::MAX);
        let nanos = u32::try_from(total.rem_euclid(1_000_000_000)).unwrap_or(0);
        Self { moment: Moment { seconds, nanos }, zone: self.zone.clone() }
    }

    /// Nanoseconds since another time, as far as they fit. `Time.Sub`.
    pub(crate) fn since(&self, other: &Self) -> i64 {
        let nanos = self.nanos() - other.nanos();
        i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
    }

    /// `Time.Format`.
    pub(crate) fn format(&self, layout: &[u8]) -> Vec<u8> {
        layout::format(self, layout)
    }

    /// `Time.String`.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.format(b"2006-01-02 15:04:05.999999999 -0700 MST")).into_owned()
    }
}
