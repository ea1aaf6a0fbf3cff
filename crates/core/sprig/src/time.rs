//! Times as Go's `time` has them: a moment and a zone to show it in.

pub(crate) mod calendar;
pub(crate) mod duration;
pub(crate) mod layout;
pub(crate) mod parse;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::world::Moment;
pub(crate) use calendar::{Civil, days_in, is_leap};

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

/// `time.Time{}`: the start of year 1.
const ZERO: Moment = Moment { seconds: -62_135_596_800, nanos: 0 };

/// A `time.Time`.
#[derive(Debug, Clone)]
pub(crate) struct Time {
    pub(crate) moment: Moment,
    pub(crate) zone: Zone,
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
