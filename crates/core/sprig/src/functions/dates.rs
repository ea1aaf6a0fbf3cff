//! Times and durations, and the objects that they are in templates.

use std::any::Any;

use gotemplate::{Call, CallError, Function, IntKind, Kind, Object, Type, Value};

use super::{Answer, give, give_bytes};
use crate::host::{self, world};
use crate::time::calendar::{DAYS, MONTHS};
use crate::time::{Civil, Time, Zone, duration, parse};

const STRING: Type = Type::String;
const ANY: Type = Type::Any;
const TIME: Type = Type::Named("time.Time");

pub(crate) const TABLE: &[Function] = &[
    Function::new("now", &[], |call| give(object(now(call)?))),
    Function::new("date", &[STRING, ANY], |call| formatted(call, Some(0), 1, None)),
    Function::new("dateInZone", &[STRING, ANY, STRING], |call| formatted(call, Some(0), 1, Some(2))),
    Function::new("date_in_zone", &[STRING, ANY, STRING], |call| formatted(call, Some(0), 1, Some(2))),
    Function::new("htmlDate", &[ANY], |call| formatted(call, None, 0, None)),
    Function::new("htmlDateInZone", &[ANY, STRING], |call| formatted(call, None, 0, Some(1))),
    Function::new("dateModify", &[STRING, TIME], |call| modified(call, false)),
    Function::new("date_modify", &[STRING, TIME], |call| modified(call, false)),
    Function::new("mustDateModify", &[STRING, TIME], |call| modified(call, true)),
    Function::new("must_date_modify", &[STRING, TIME], |call| modified(call, true)),
    Function::new("toDate", &[STRING, STRING], |call| {
        give(object(
            parse::parse(call.bytes(0), call.bytes(1), &local(call)).unwrap_or_else(|_| Time::zero()),
        ))
    }),
    Function::new("mustToDate", &[STRING, STRING], |call| {
        give(object(parse::parse(call.bytes(0), call.bytes(1), &local(call))?))
    }),
    Function::new("unixEpoch", &[TIME], |call| give(time(call, 0)?.moment.seconds.to_string())),
    Function::new("ago", &[ANY], |call| {
        let age = match call.arg(0) {
            // Sprig knows no int32 here.
            Value::Int(IntKind::Int32, _) => 0,
            value => now(call)?.since(&given(call, value)?),
        };
        give(duration::text(duration::rounded(age, 1_000_000_000)))
    }),
    Function::new("duration", &[ANY], |call| {
        let seconds = match call.arg(0) {
            Value::String(text) => clamped(&text.to_text()),
            Value::Int(IntKind::Int64, seconds) => *seconds,
            _ => 0,
        };
        give(duration::text(seconds.wrapping_mul(1_000_000_000)))
    }),
    Function::new("durationRound", &[ANY], duration_round),
];

/// `strconv.ParseInt` in base 10 whose error nobody looks at: the nearest number where it is too large.
fn clamped(text: &str) -> i64 {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX })
}

fn object(time: Time) -> Value {
    Value::object(Stamp(time))
}

/// What Go calls `Local`; UTC where the run has no world.
fn local(call: &Call<'_>) -> Zone {
    zone(call, "Local")
}

fn zone(call: &Call<'_>, name: &str) -> Zone {
    let host = call.host::<host::Host>();
    let here = host.as_ref().map_or("UTC", |host| host.world().zone());
    Zone::load(name, here).unwrap_or(Zone::Utc)
}

fn now(call: &Call<'_>) -> Result<Time, CallError> {
    Ok(Time { moment: world(call)?.now(), zone: local(call) })
}

fn time<'a>(call: &Call<'a>, at: usize) -> Result<&'a Time, CallError> {
    of(call.arg(at))
}

fn of(value: &Value) -> Result<&Time, CallError> {
    value.as_object::<Stamp>().map(|stamp| &stamp.0).ok_or_else(|| super::not_a(value, "time.Time"))
}

/// The time that a value stands for: itself, seconds since 1970, or else now.
fn given(call: &Call<'_>, value: &Value) -> Result<Time, CallError> {
    match value {
        Value::Int(IntKind::Int | IntKind::Int32 | IntKind::Int64, seconds) => {
            Ok(Time::unix(*seconds, local(call)))
        }
        value => match value.as_object::<Stamp>() {
            Some(stamp) => Ok(stamp.0.clone()),
            None => now(call),
        },
    }
}

fn formatted(call: &mut Call<'_>, layout: Option<usize>, date: usize, zone_name: Option<usize>) -> Answer {
    let layout: &[u8] = layout.map_or(b"2006-01-02", |at| call.bytes(at));
    call.budget().allocate(layout.len().saturating_mul(4))?;
    let time = given(call, call.arg(date))?;
    let zone = zone_name.map_or_else(|| local(call), |at| zone(call, &call.text(at)));
    give_bytes(time.in_zone(zone).format(layout))
}

fn modified(call: &mut Call<'_>, must: bool) -> Answer {
    let time = time(call, 1)?;
    match duration::parse(&call.text(0)) {
        Ok(nanos) => give(object(time.plus(nanos))),
        Err(error) if must => Err(error.into()),
        Err(_) => give(call.arg(1).clone()),
    }
}

fn duration_round(call: &mut Call<'_>) -> Answer {
    let nanos = match call.arg(0) {
        Value::String(text) => duration::parse(&text.to_text()).unwrap_or(0),
        Value::Int(IntKind::Int64, nanos) => *nanos,
        value => match value.as_object::<Stamp>() {
            Some(stamp) => now(call)?.since(&stamp.0),
            None => value.as_object::<Span>().map_or(0, |_| 0),
        },
    };
    const SECOND: u64 = 1_000_000_000;
    const UNITS: [(u64, &str); 6] = [
        (SECOND * 3600 * 24 * 365, "y"),
        (SECOND * 3600 * 24 * 30, "mo"),
        (SECOND * 3600 * 24, "d"),
        (SECOND * 3600, "h"),
        (SECOND * 60, "m"),
        (SECOND, "s"),
    ];
    let size = nanos.unsigned_abs();
    let unit = UNITS.iter().find(|(unit, _)| size > *unit);
    give(unit.map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", size / unit)))
}

/// A `time.Time`.
pub(crate) struct Stamp(pub(crate) Time);

impl Object for Stamp {
    fn type_name(&self) -> &str {
        "time.Time"
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        METHODS.iter().find(|method| method.name == name)
    }

    fn text(&self) -> Option<String> {
        Some(self.0.text())
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other
            .downcast::<Self>()
            .is_some_and(|other| self.0.moment == other.0.moment && self.0.zone == other.0.zone)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

const NONE: &[Type] = &[];
const OTHER: &[Type] = &[TIME];

const METHODS: &[Function] = &[
    Function::new("Format", &[STRING], |call| give_bytes(this(call)?.format(call.bytes(0)))),
    Function::new("String", NONE, |call| give(this(call)?.text())),
    Function::new("Unix", NONE, |call| give(Value::int64(this(call)?.moment.seconds))),
    Function::new("UnixNano", NONE, |call| unix(call, 1)),
    Function::new("UnixMicro", NONE, |call| unix(call, 1_000)),
    Function::new("UnixMilli", NONE, |call| unix(call, 1_000_000)),
    Function::new("Year", NONE, |call| part(call, |civil| civil.year)),
    Function::new("Day", NONE, |call| part(call, |civil| civil.day)),
    Function::new("Hour", NONE, |call| part(call, |civil| civil.hour)),
    Function::new("Minute", NONE, |call| part(call, |civil| civil.minute)),
    Function::new("Second", NONE, |call| part(call, |civil| civil.second)),
    Function::new("YearDay", NONE, |call| part(call, Civil::year_day)),
    Function::new("Nanosecond", NONE, |call| give(Value::int(i64::from(this(call)?.moment.nanos)))),
    Function::new("Month", NONE, |call| {
        let number = this(call)?.civil().month;
        let name = MONTHS.get(usize::try_from(number - 1).unwrap_or(0)).copied().unwrap_or_default();
        give(Value::object(Named { type_name: "time.Month", name }))
    }),
    Function::new("Weekday", NONE, |call| {
        let name = DAYS.get(this(call)?.civil().weekday()).copied().unwrap_or_default();
        give(Value::object(Named { type_name: "time.Weekday", name }))
    }),
    Function::new("UTC", NONE, |call| give(object(this(call)?.in_zone(Zone::Utc)))),
    Function::new("Local", NONE, |call| give(object(this(call)?.in_zone(local(call))))),
    Function::new("IsZero", NONE, |call| give(this(call)?.is_zero())),
    Function::new("Add", &[ANY], |call| {
        let nanos = match call.arg(0) {
            Value::Int(_, nanos) => *nanos,
            value => value
                .as_object::<Span>()
                .map(|span| span.0)
                .ok_or_else(|| super::not_a(value, "time.Duration"))?,
        };
        give(object(this(call)?.plus(nanos)))
    }),
    Function::new("AddDate", &[Type::Int, Type::Int, Type::Int], |call| {
        let time = this(call)?;
        let mut civil = time.civil();
        civil.year = civil.year.saturating_add(call.int(0));
        civil.month = civil.month.saturating_add(call.int(1));
        civil.day = civil.day.saturating_add(call.int(2));
        give(object(Time::at(civil, time.moment.nanos, time.zone.clone())))
    }),
    Function::new("Sub", OTHER, |call| give(Value::object(Span(this(call)?.since(time(call, 0)?))))),
    Function::new("Before", OTHER, |call| give(this(call)?.moment < time(call, 0)?.moment)),
    Function::new("After", OTHER, |call| give(this(call)?.moment > time(call, 0)?.moment)),
    Function::new("Equal", OTHER, |call| give(this(call)?.moment == time(call, 0)?.moment)),
    Function::new("Compare", OTHER, |call| {
        give(Value::int(this(call)?.moment.cmp(&time(call, 0)?.moment) as i64))
    }),
];

fn this<'a>(call: &Call<'a>) -> Result<&'a Time, CallError> {
    of(call.receiver())
}

fn unix(call: &mut Call<'_>, unit: i128) -> Answer {
    let number = this(call)?.nanos().div_euclid(unit);
    give(Value::int64(i64::try_from(number).unwrap_or(i64::MAX)))
}

fn part(call: &mut Call<'_>, get: fn(&Civil) -> i64) -> Answer {
    give(Value::int(get(&this(call)?.civil())))
}

/// A `time.Month` or `time.Weekday`: numbers that show as names.
struct Named {
    type_name: &'static str,
    name: &'static str,
}

impl Object for Named {
    fn type_name(&self) -> &str {
        self.type_name
    }

    fn kind(&self) -> Kind {
        Kind::Int(IntKind::Int)
    }

    fn text(&self) -> Option<String> {
        Some(self.name.into())
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.downcast::<Self>().is_some_and(|other| self.name == other.name)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A `time.Duration`.
struct Span(i64);

impl Object for Span {
    fn type_name(&self) -> &str {
        "time.Duration"
    }

    fn kind(&self) -> Kind {
        Kind::Int(IntKind::Int64)
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        SPAN_METHODS.iter().find(|method| method.name == name)
    }

    fn text(&self) -> Option<String> {
        Some(duration::text(self.0))
    }

    fn truth(&self) -> bool {
        self.0 != 0
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.downcast::<Self>().is_some_and(|other| self.0 == other.0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

const SPAN_METHODS: &[Function] = &[
    Function::new("String", NONE, |call| give(duration::text(span(call)?))),
    Function::new("Nanoseconds", NONE, |call| give(Value::int64(span(call)?))),
    Function::new("Microseconds", NONE, |call| give(Value::int64(span(call)? / 1_000))),
    Function::new("Milliseconds", NONE, |call| give(Value::int64(span(call)? / 1_000_000))),
    Function::new("Seconds", NONE, |call| floats(call, 1e9)),
    Function::new("Minutes", NONE, |call| floats(call, 6e10)),
    Function::new("Hours", NONE, |call| floats(call, 3.6e12)),
];

fn span(call: &Call<'_>) -> Result<i64, CallError> {
    let span = call.receiver().as_object::<Span>();
    span.map(|span| span.0).ok_or_else(|| super::not_a(call.receiver(), "time.Duration"))
}

#[expect(clippy::cast_precision_loss, reason = "as Go converts")]
fn floats(call: &mut Call<'_>, unit: f64) -> Answer {
    give(Value::float(span(call)? as f64 / unit))
}
