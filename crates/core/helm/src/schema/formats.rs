//! `format`, which drafts before 2019 hold values to.

/// Why a text has not the format; none where it has, or where nobody knows the format.
pub(super) fn problem(format: &str, text: &str) -> Option<String> {
    let fits = match format {
        "ipv4" if text.split('.').count() != 4 => return Some("expected four decimals".to_owned()),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => !text.contains('%') && text.parse::<std::net::Ipv6Addr>().is_ok(),
        "hostname" => is_hostname(text),
        "email" => return email_problem(text),
        "date" => {
            let problem =
                format!("parsing time {text:?} as \"2006-01-02\": cannot parse {text:?} as \"2006\"");
            return (!is_date(text)).then_some(problem);
        }
        "time" => is_time(text),
        "date-time" => match text.split_once(['T', 't']) {
            Some((date, time)) => is_date(date) && is_time(time),
            None => false,
        },
        "uri" => return uri_problem(text),
        "uuid" => is_uuid(text),
        "json-pointer" => is_json_pointer(text),
        "regex" => regex::Regex::new(text).is_ok(),
        _ => true,
    };
    (!fits).then(|| format!("not a valid {format}"))
}

fn is_hostname(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn email_problem(text: &str) -> Option<String> {
    if text.len() > 254 {
        return Some("more than 255 characters long".to_owned());
    }
    let Some((local, domain)) = text.rsplit_once('@') else { return Some("missing @".to_owned()) };
    if local.is_empty() || local.len() > 64 {
        return Some("local part more than 64 characters long or empty".to_owned());
    }
    let fine = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c);
    let quoted = local.len() > 1 && local.starts_with('"') && local.ends_with('"');
    let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    if !quoted && (dots || !local.chars().all(fine)) {
        return Some("invalid local part".to_owned());
    }
    let literal = domain.starts_with('[') && domain.ends_with(']');
    (!literal && !is_hostname(domain)).then(|| "invalid domain".to_owned())
}

fn digits(text: &str, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
    let fine = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| fine && range.contains(number))
}

fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let (Some(year), Some(month), Some(day), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let (4, Ok(year)) = (year.len(), year.parse::<u32>()) else { return false };
    let Some(month) = digits(month, 1..=12) else { return false };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    digits(day, 1..=days).is_some()
}

/// Hours and minutes; what stands behind them.
fn clock(text: &str) -> Option<Vec<&str>> {
    let mut parts = text.split(':');
    digits(parts.next()?, 0..=23)?;
    digits(parts.next()?, 0..=59)?;
    Some(parts.collect())
}

fn is_time(text: &str) -> bool {
    let Some(at) = text.find(['Z', 'z', '+', '-']) else { return false };
    let (time, zone) = text.split_at_checked(at).unwrap_or((text, ""));
    let (time, fraction) = time.split_once('.').map_or((time, None), |(time, rest)| (time, Some(rest)));
    let fraction = fraction.is_none_or(|f| !f.is_empty() && f.bytes().all(|byte| byte.is_ascii_digit()));
    let seconds =
        clock(time).is_some_and(|rest| matches!(*rest, [second] if digits(second, 0..=60).is_some()));
    let zone = matches!(zone, "Z" | "z")
        || zone.strip_prefix(['+', '-']).and_then(clock).is_some_and(|rest| rest.is_empty());
    fraction && seconds && zone
}

fn uri_problem(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
    let mut letters = scheme.bytes();
    let fine = letters.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if text.starts_with(':') {
        return Some(format!("parse {text:?}: missing protocol scheme"));
    }
    if !fine {
        return Some("relative url".to_owned());
    }
    rest.contains([' ', '\\', '<', '>', '"', '{', '}', '|', '^', '`'])
        .then(|| format!("parse {text:?}: invalid character in URL"))
}

fn is_uuid(text: &str) -> bool {
    let mut groups = text.split('-');
    [8, 4, 4, 4, 12].iter().all(|length| {
        groups
            .next()
            .is_some_and(|group| group.len() == *length && group.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }) && groups.next().is_none()
}

fn is_json_pointer(text: &str) -> bool {
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    escapes && (text.is_empty() || text.starts_with('/'))
}
