//! Layouts: times written as the reference time, `Mon Jan 2 15:04:05 MST 2006`, would be.

use super::Time;
use super::calendar::{DAYS, MONTHS};

/// How many digits a number has at least, or what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pad {
    None,
    Zero,
    Space,
}

/// The parts of a zone's offset that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offset {
    /// `Z` for none.
    pub(crate) z: bool,
    pub(crate) colons: bool,
    pub(crate) minutes: bool,
    pub(crate) seconds: bool,
}

/// What a piece of a layout stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    LongMonth,
    ShortMonth,
    Month(Pad),
    LongWeekday,
    ShortWeekday,
    Day(Pad),
    YearDay(Pad),
    Hour,
    Hour12(Pad),
    Minute(Pad),
    Second(Pad),
    LongYear,
    ShortYear,
    /// In capitals or not.
    Half(bool),
    Zone,
    Offset(Offset),
    /// Digits, whether zeros at the end stay, and the separator.
    Fraction(usize, bool, u8),
}

const fn offset(z: bool, colons: bool, minutes: bool, seconds: bool) -> Item {
    Item::Offset(Offset { z, colons, minutes, seconds })
}

/// Longest first where one begins another; those that depend on what follows are not here.
const FIXED: [(&[u8], Item); 35] = [
    (b"January", Item::LongMonth),
    (b"Monday", Item::LongWeekday),
    (b"MST", Item::Zone),
    (b"01", Item::Month(Pad::Zero)),
    (b"02", Item::Day(Pad::Zero)),
    (b"03", Item::Hour12(Pad::Zero)),
    (b"04", Item::Minute(Pad::Zero)),
    (b"05", Item::Second(Pad::Zero)),
    (b"06", Item::ShortYear),
    (b"002", Item::YearDay(Pad::Zero)),
    (b"15", Item::Hour),
    (b"1", Item::Month(Pad::None)),
    (b"2006", Item::LongYear),
    (b"2", Item::Day(Pad::None)),
    (b"_2", Item::Day(Pad::Space)),
    (b"__2", Item::YearDay(Pad::Space)),
    (b"3", Item::Hour12(Pad::None)),
    (b"4", Item::Minute(Pad::None)),
    (b"5", Item::Second(Pad::None)),
    (b"PM", Item::Half(true)),
    (b"pm", Item::Half(false)),
    (b"-070000", offset(false, false, true, true)),
    (b"-07:00:00", offset(false, true, true, true)),
    (b"-0700", offset(false, false, true, false)),
    (b"-07:00", offset(false, true, true, false)),
    (b"-07", offset(false, false, false, false)),
    (b"Z070000", offset(true, false, true, true)),
    (b"Z07:00:00", offset(true, true, true, true)),
    (b"Z0700", offset(true, false, true, false)),
    (b"Z07:00", offset(true, true, true, false)),
    (b"Z07", offset(true, false, false, false)),
    (b"Jan", Item::ShortMonth),
    (b"Mon", Item::ShortWeekday),
    (b".", Item::Fraction(0, false, b'.')),
    (b",", Item::Fraction(0, false, b',')),
];

/// The next item of a layout: what stands before it, itself, and its text. Without one, all of the layout stands before.
pub(crate) fn next(layout: &[u8]) -> (&[u8], Option<(Item, &[u8])>) {
    for at in 0..layout.len() {
        let rest = layout.get(at..).unwrap_or_default();
        // `_2006` is a year behind a line.
        let item = if rest.starts_with(b"_2006") { None } else { item(rest) };
        if let Some((item, len)) = item {
            return (layout.get(..at).unwrap_or_default(), Some((item, rest.get(..len).unwrap_or_default())));
        }
    }
    (layout, None)
}

fn item(rest: &[u8]) -> Option<(Item, usize)> {
    let (text, item) = FIXED.iter().find(|(text, _)| rest.starts_with(text))?;
    let after = rest.get(text.len()..).unwrap_or_default();
    match item {
        Item::ShortMonth | Item::ShortWeekday if after.first().is_some_and(u8::is_ascii_lowercase) => None,
        Item::Fraction(_, _, separator) => {
            let digit = *after.first().filter(|digit| matches!(digit, b'0' | b'9'))?;
            let digits = after.iter().take_while(|byte| **byte == digit).count();
            let ends = !after.get(digits).is_some_and(u8::is_ascii_digit);
            ends.then_some((Item::Fraction(digits, digit == b'0', *separator), digits + 1))
        }
        item => Some((*item, text.len())),
    }
}

pub(super) fn format(time: &Time, layout: &[u8]) -> Vec<u8> {
    let civil = time.civil();
    let (zone, offset) = time.zone.at(time.moment.seconds);
    let mut out = Vec::with_capacity(layout.len() + 10);
    let mut rest = layout;
    loop {
        let (before, item) = next(rest);
        out.extend_from_slice(before);
        let Some((item, text)) = item else { return out };
        rest = rest.get(before.len() + text.len()..).unwrap_or_default();
        let name = |names: &[&'static str], at: usize| names.get(at).copied().unwrap_or_default();
        let month = name(&MONTHS, usize::try_from(civil.month - 1).unwrap_or(0));
        let day = name(&DAYS, civil.weekday());
        let short = |name: &'static str| name.get(..3).unwrap_or(name).to_owned();
        let hour12 = (civil.hour + 11) % 12 + 1;
        let piece = match item {
            Item::LongMonth => month.to_owned(),
            Item::ShortMonth => short(month),
            Item::Month(pad) => padded(civil.month, pad, 2),
            Item::LongWeekday => day.to_owned(),
            Item::ShortWeekday => short(day),
            Item::Day(pad) => padded(civil.day, pad, 2),
            Item::YearDay(pad) => padded(civil.year_day(), pad, 3),
            Item::Hour => padded(civil.hour, Pad::Zero, 2),
            Item::Hour12(pad) => padded(hour12, pad, 2),
            Item::Minute(pad) => padded(civil.minute, pad, 2),
            Item::Second(pad) => padded(civil.second, pad, 2),
            Item::LongYear => long_year(civil.year),
            Item::ShortYear => padded(civil.year.abs() % 100, Pad::Zero, 2),
            Item::Half(capitals) => half(civil.hour >= 12, capitals).to_owned(),
            Item::Zone if zone.is_empty() => {
                offset_text(offset, Offset { z: false, colons: false, minutes: true, seconds: false })
            }
            Item::Zone => zone.clone(),
            Item::Offset(shape) => offset_text(offset, shape),
            Item::Fraction(digits, keep, separator) => fraction(time.moment.nanos, digits, keep, separator),
        };
        out.extend_from_slice(piece.as_bytes());
    }
}

fn padded(number: i64, pad: Pad, width: usize) -> String {
    match pad {
        Pad::None => number.to_string(),
        Pad::Zero => format!("{number:0width$}"),
        Pad::Space => format!("{number:width$}"),
    }
}

fn long_year(year: i64) -> String {
    if year < 0 { format!("-{:04}", year.unsigned_abs()) } else { format!("{year:04}") }
}

fn half(afternoon: bool, capitals: bool) -> &'static str {
    match (afternoon, capitals) {
        (true, true) => "PM",
        (false, true) => "AM",
        (true, false) => "pm",
        (false, false) => "am",
    }
}

fn offset_text(offset: i64, shape: Offset) -> String {
    if offset == 0 && shape.z {
        return "Z".into();
    }
    // Go decides the sign by whole minutes.
    let minutes = offset / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let colon = if shape.colons { ":" } else { "" };
    let seconds = if minutes < 0 { -offset } else { offset } % 60;
    let minutes = minutes.abs();
    let mut text = format!("{sign}{:02}", minutes / 60);
    if shape.minutes {
        text.push_str(&format!("{colon}{:02}", minutes % 60));
    }
    if shape.seconds {
        text.push_str(&format!("{colon}{seconds:02}"));
    }
    text
}

fn fraction(nanos: u32, digits: usize, keep: bool, separator: u8) -> String {
    if !keep && nanos == 0 {
        return String::new();
    }
    let all = format!("{nanos:09}");
    let text = all.get(..digits.min(9)).unwrap_or(&all);
    let text = if keep { text } else { text.trim_end_matches('0') };
    if text.is_empty() { String::new() } else { format!("{}{text}", char::from(separator)) }
}
