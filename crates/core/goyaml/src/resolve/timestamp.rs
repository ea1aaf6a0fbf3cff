//! Dates and times as yaml.v2 knows them: four layouts of Go's `time.Parse`.

/// Whether a text is a date (`2001-1-2`), or a date and time with a zone after `T` or `t`, or without one after spaces.
pub(super) fn is_timestamp(text: &str) -> bool {
    let Some(after_date) = date(text.as_bytes()) else { return false };
    match after_date {
        [] => true,
        [b'T' | b't', rest @ ..] => time(rest).is_some_and(zone),
        [b' ', ..] => {
            let start = after_date.iter().position(|&b| b != b' ').unwrap_or(after_date.len());
            after_date.get(start..).and_then(time).is_some_and(<[u8]>::is_empty)
        }
        _ => false,
    }
}

/// A timestamp as Go writes a time in JSON: `2001-01-02T00:00:00Z`. The text must be one.
pub(crate) fn rfc3339(text: &str) -> String {
    let (date, clock) = text.split_at(text.find(['T', 't', ' ']).unwrap_or(text.len()));
    let two = |part: &str| if part.len() == 1 { format!("0{part}") } else { part.to_owned() };
    let date: Vec<String> = date.split('-').map(two).collect();
    let clock = clock.trim_start_matches(['T', 't', ' ']);
    let (clock, zone) = clock.split_at(clock.find(['Z', '+', '-']).unwrap_or(clock.len()));
    let zone = if matches!(zone, "" | "+00:00" | "-00:00") { "Z" } else { zone };
    if clock.is_empty() {
        return format!("{}T00:00:00{zone}", date.join("-"));
    }
    let (whole, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, ""));
    let whole: Vec<String> = whole.split(':').map(two).collect();
    // Nanoseconds, and no zeros behind them.
    let fraction: String = fraction.chars().take(9).collect();
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{}T{}{point}{fraction}{zone}", date.join("-"), whole.join(":"))
}

/// A year of four digits, month and day of one or two; the rest.
fn date(text: &[u8]) -> Option<&[u8]> {
    let (year, rest) = text.split_at_checked(4)?;
    if !year.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let year = year.iter().fold(0_u32, |n, digit| n * 10 + u32::from(digit - b'0'));
    let (month, rest) = number(after(rest, b'-')?)?;
    let (day, rest) = number(after(rest, b'-')?)?;
    let leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => return None,
    };
    (1..=days).contains(&day).then_some(rest)
}

/// Hour, minute, second and perhaps a fraction; the rest.
fn time(text: &[u8]) -> Option<&[u8]> {
    let (hour, rest) = number(text)?;
    let (minute, rest) = number(after(rest, b':')?)?;
    let (second, rest) = number(after(rest, b':')?)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(match rest {
        [b'.' | b',', fraction @ ..] if fraction.first().is_some_and(u8::is_ascii_digit) => {
            let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            fraction.get(digits..).unwrap_or_default()
        }
        _ => rest,
    })
}

/// `Z` or `±hh:mm`, and nothing more. Go allows 24 hours and 60 minutes here.
fn zone(text: &[u8]) -> bool {
    match text {
        [b'Z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            let two = |a: &u8, b: &u8| {
                (a.is_ascii_digit() && b.is_ascii_digit()).then(|| (a - b'0') * 10 + b - b'0')
            };
            two(h1, h2).is_some_and(|hours| hours <= 24) && two(m1, m2).is_some_and(|minutes| minutes <= 60)
        }
        _ => false,
    }
}

fn after(text: &[u8], byte: u8) -> Option<&[u8]> {
    text.split_first().filter(|(first, _)| **first == byte).map(|(_, rest)| rest)
}

/// One or two digits.
fn number(text: &[u8]) -> Option<(u32, &[u8])> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u32::from(byte - b'0'));
    let (first, rest) = text.split_first()?;
    let first = digit(first)?;
    match rest.split_first().and_then(|(second, rest)| Some((digit(second)?, rest))) {
        Some((second, rest)) => Some((first * 10 + second, rest)),
        None => Some((first, rest)),
    }
}
