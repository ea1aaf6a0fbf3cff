//! Reading times by a layout.

use super::calendar::{DAYS, MONTHS};
use super::layout::{Item, Offset, Pad, next};
use super::{Civil, Time, Zone, days_in, is_leap};
use crate::show;

/// What has been read so far.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: u32,
    afternoon: Option<bool>,
    utc: bool,
    offset: Option<i64>,
    zone: Option<String>,
}

/// Why an item could not be read.
enum Bad {
    /// The text is not of that form.
    Form,
    /// It is, but the number is too large: of what.
    Range(&'static str),
}

/// `time.ParseInLocation`: a text without a zone is of `local`. **Errors**: Go's text.
pub(crate) fn parse(layout: &[u8], text: &[u8], local: &Zone) -> Result<Time, String> {
    let mut fields = Fields::default();
    let (mut rest_layout, mut rest) = (layout, text);
    let quoted = show::quoted_ascii(text);
    let cannot = |value: &[u8], element: &[u8]| {
        let (value, element) = (show::quoted_ascii(value), show::quoted_ascii(element));
        format!("parsing time {quoted} as {}: cannot parse {value} as {element}", show::quoted_ascii(layout))
    };
    loop {
        let (prefix, item) = next(rest_layout);
        rest = skip(rest, prefix).map_err(|at| cannot(at, prefix))?;
        let Some((item, element)) = item else {
            if rest.is_empty() {
                break;
            }
            return Err(format!("parsing time {quoted}: extra text: {}", show::quoted_ascii(rest)));
        };
        rest_layout = rest_layout.get(prefix.len() + element.len()..).unwrap_or_default();
        let hold = rest;
        read(item, &mut rest, &mut fields, rest_layout).map_err(|bad| match bad {
            Bad::Form => cannot(hold, element),
            Bad::Range(what) => format!("parsing time {quoted}: {what} out of range"),
        })?;
    }
    fields.finish(local).map_err(|what| format!("parsing time {quoted}: {what}"))
}

/// Takes `prefix` from the text, blanks for any number of blanks; the error is where it stopped.
fn skip<'t>(text: &'t [u8], prefix: &[u8]) -> Result<&'t [u8], &'t [u8]> {
    let (mut text, mut prefix) = (text, prefix);
    while let [first, after @ ..] = prefix {
        if *first == b' ' {
            if text.first().is_some_and(|byte| *byte != b' ') {
                return Err(text);
            }
            prefix = prefix.trim_ascii_start();
            text = text.get(text.iter().take_while(|byte| **byte == b' ').count()..).unwrap_or_default();
            continue;
        }
        text = text.strip_prefix(&[*first]).ok_or(text)?;
        prefix = after;
    }
    Ok(text)
}

fn take<'t>(rest: &mut &'t [u8], count: usize) -> Result<&'t [u8], Bad> {
    let (taken, after) = rest.split_at_checked(count).ok_or(Bad::Form)?;
    *rest = after;
    Ok(taken)
}

/// A number of one or more digits up to `most`; of exactly so many where `fixed`.
fn number(rest: &mut &[u8], most: usize, fixed: bool) -> Result<i64, Bad> {
    let digits = rest.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || (fixed && digits < most) {
        return Err(Bad::Form);
    }
    let taken = take(rest, digits)?;
    Ok(taken.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}

fn within(number: i64, low: i64, high: i64, what: &'static str) -> Result<i64, Bad> {
    if (low..=high).contains(&number) { Ok(number) } else { Err(Bad::Range(what)) }
}

fn name(rest: &mut &[u8], names: &[&str], len: Option<usize>) -> Result<i64, Bad> {
    for (at, name) in (1..).zip(names) {
        let name = len.and_then(|len| name.get(..len)).unwrap_or(name).as_bytes();
        if rest.get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name)) {
            take(rest, name.len())?;
            return Ok(at);
        }
    }
    Err(Bad::Form)
}

fn read(item: Item, rest: &mut &[u8], fields: &mut Fields, layout: &[u8]) -> Result<(), Bad> {
    match item {
        Item::ShortYear => {
            let year = number(rest, 2, true)?;
            fields.year = year + if year >= 69 { 1900 } else { 2000 };
        }
        Item::LongYear => fields.year = number(rest, 4, true)?,
        Item::LongMonth => fields.month = Some(name(rest, &MONTHS, None)?),
        Item::ShortMonth => fields.month = Some(name(rest, &MONTHS, Some(3))?),
        Item::Month(pad) => fields.month = Some(within(number(rest, 2, pad == Pad::Zero)?, 1, 12, "month")?),
        Item::LongWeekday => drop(name(rest, &DAYS, None)?),
        Item::ShortWeekday => drop(name(rest, &DAYS, Some(3))?),
        Item::Day(pad) => {
            if pad == Pad::Space {
                *rest = rest.strip_prefix(b" ").unwrap_or(rest);
            }
            fields.day = Some(number(rest, 2, pad == Pad::Zero)?);
        }
        Item::YearDay(pad) => {
            for _ in 0..2 {
                if pad == Pad::Space {
                    *rest = rest.strip_prefix(b" ").unwrap_or(rest);
                }
            }
            fields.year_day = Some(number(rest, 3, pad == Pad::Zero)?);
        }
        Item::Hour => fields.hour = within(number(rest, 2, false)?, 0, 23, "hour")?,
        Item::Hour12(pad) => fields.hour = within(number(rest, 2, pad == Pad::Zero)?, 0, 12, "hour")?,
        Item::Minute(pad) => fields.minute = within(number(rest, 2, pad == Pad::Zero)?, 0, 59, "minute")?,
        Item::Second(pad) => {
            fields.second = within(number(rest, 2, pad == Pad::Zero)?, 0, 59, "second")?;
            // A fraction is taken even where the layout has none, unless that is what comes next.
            let expected = matches!(next(layout), (_, Some((Item::Fraction(..), _))));
            if !expected && starts_fraction(rest) {
                fields.nanos = fraction(rest, None)?;
            }
        }
        Item::Half(capitals) => {
            fields.afternoon = match (take(rest, 2)?, capitals) {
                (b"PM", true) | (b"pm", false) => Some(true),
                (b"AM", true) | (b"am", false) => Some(false),
                _ => return Err(Bad::Form),
            }
        }
        Item::Offset(shape) => {
            if shape.z && rest.starts_with(b"Z") {
                take(rest, 1)?;
                fields.utc = true;
            } else {
                fields.offset = Some(offset(rest, shape)?);
            }
        }
        Item::Zone => {
            if rest.starts_with(b"UTC") {
                take(rest, 3)?;
                fields.utc = true;
            } else {
                let name = take(rest, zone_len(rest).ok_or(Bad::Form)?)?;
                fields.zone = Some(String::from_utf8_lossy(name).into_owned());
            }
        }
        Item::Fraction(digits, true, _) => fields.nanos = fraction(rest, Some(digits))?,
        Item::Fraction(_, false, _) => {
            if starts_fraction(rest) {
                fields.nanos = fraction(rest, None)?;
            }
        }
    }
    Ok(())
}

fn starts_fraction(text: &[u8]) -> bool {
    matches!(text, [b'.' | b',', digit, ..] if digit.is_ascii_digit())
}

/// A separator and digits: that many, or all there are. Those past the ninth do not count.
fn fraction(rest: &mut &[u8], digits: Option<usize>) -> Result<u32, Bad> {
    let [separator, text @ ..] = *rest else { return Err(Bad::Form) };
    let count = digits.unwrap_or_else(|| text.iter().take_while(|byte| byte.is_ascii_digit()).count());
    let digits = text.get(..count).filter(|digits| digits.iter().all(u8::is_ascii_digit)).ok_or(Bad::Form)?;
    if !matches!(separator, b'.' | b',') {
        return Err(Bad::Form);
    }
    let nanos =
        (0..9).fold(0, |nanos, at| nanos * 10 + digits.get(at).map_or(0, |digit| u32::from(digit - b'0')));
    take(rest, count + 1)?;
    Ok(nanos)
}

fn offset(rest: &mut &[u8], shape: Offset) -> Result<i64, Bad> {
    let sign = match take(rest, 1)? {
        b"+" => 1,
        b"-" => -1,
        _ => return Err(Bad::Form),
    };
    let hours = number(rest, 2, true)?;
    let mut part = |wanted: bool| {
        if !wanted {
            return Ok(0);
        }
        if shape.colons && take(rest, 1)? != b":" {
            return Err(Bad::Form);
        }
        number(rest, 2, true)
    };
    let (minutes, seconds) = (part(shape.minutes)?, part(shape.seconds)?);
    within(hours, 0, 24, "time zone offset hour")?;
    within(minutes, 0, 60, "time zone offset minute")?;
    within(seconds, 0, 60, "time zone offset second")?;
    Ok(sign * ((hours * 60 + minutes) * 60 + seconds))
}

/// Bytes of a zone's abbreviation: `PST`, `WITA`, `GMT+3`, `+03`.
fn zone_len(text: &[u8]) -> Option<usize> {
    let signed = |text: &[u8]| match text {
        [b'+' | b'-', digits @ ..] => {
            let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let hours =
                digits.iter().take(count.min(9)).fold(0_u32, |n, digit| n * 10 + u32::from(digit - b'0'));
            if count > 0 && hours <= 23 { count + 1 } else { 0 }
        }
        _ => 0,
    };
    if text.len() < 3 {
        return None;
    }
    if text.starts_with(b"ChST") || text.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(after) = text.strip_prefix(b"GMT") {
        return Some(3 + signed(after));
    }
    if text.starts_with(b"+") || text.starts_with(b"-") {
        return Some(signed(text)).filter(|len| *len > 0);
    }
    let capitals = text.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
    match capitals {
        3 => Some(3),
        4 if text.get(3) == Some(&b'T') || text.starts_with(b"WITA") => Some(4),
        5 if text.get(4) == Some(&b'T') => Some(5),
        _ => None,
    }
}

impl Fields {
    fn finish(self, local: &Zone) -> Result<Time, &'static str> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let (month, day) = match self.year_day {
            Some(year_day) => self.by_year_day(year_day)?,
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        if day < 1 || day > days_in(self.year, month) {
            return Err("day out of range");
        }
        let civil = Civil { year: self.year, month, day, hour, minute: self.minute, second: self.second };
        if self.utc {
            return Ok(Time::at(civil, self.nanos, Zone::Utc));
        }
        let wall = civil.to_seconds();
        let shown_at = |offset: i64, zone: Zone| {
            let mut time = Time::unix(wall - offset, zone);
            time.moment.nanos = self.nanos;
            time
        };
        if let Some(offset) = self.offset {
            let (name, there) = local.at(wall - offset);
            let same = offset == there && self.zone.as_ref().is_none_or(|zone| *zone == name);
            let zone = if same { local.clone() } else { Zone::Fixed(self.zone.unwrap_or_default(), offset) };
            return Ok(shown_at(offset, zone));
        }
        if let Some(name) = self.zone {
            // The abbreviation may be that of the other half of the year.
            const HALF_YEAR: i64 = 182 * 86_400;
            let known = [0, HALF_YEAR, -HALF_YEAR].into_iter().map(|shift| local.at(wall + shift));
            if let Some((_, offset)) = known.into_iter().find(|(zone, _)| *zone == name) {
                return Ok(shown_at(offset, local.clone()));
            }
            let hours: i64 = name.strip_prefix("GMT").and_then(|hours| hours.parse().ok()).unwrap_or(0);
            // As in Go, an unknown abbreviation is of no offset, and the clock shows it as given.
            return Ok(Time {
                moment: Time::at(civil, self.nanos, Zone::Utc).moment,
                zone: Zone::Fixed(name, hours * 3600),
            });
        }
        Ok(Time::at(civil, self.nanos, local.clone()))
    }

    fn by_year_day(&self, year_day: i64) -> Result<(i64, i64), &'static str> {
        let days = if is_leap(self.year) { 366 } else { 365 };
        if year_day < 1 || year_day > days {
            return Err("day-of-year out of range");
        }
        let (mut month, mut day) = (1, year_day);
        while day > days_in(self.year, month) {
            day -= days_in(self.year, month);
            month += 1;
        }
        if self.month.is_some_and(|given| given != month) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|given| given != day) {
            return Err("day-of-year does not match day");
        }
        Ok((month, day))
    }
}
