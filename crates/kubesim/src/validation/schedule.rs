//! The syntax of a cron job's schedule.

const FIELDS: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];
const NAMES: [&str; 19] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", "SUN", "MON", "TUE",
    "WED", "THU", "FRI", "SAT",
];
const WORDS: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/// What is wrong with a schedule.
pub(super) fn complaint(text: &str) -> Option<String> {
    if text.starts_with("TZ") || text.starts_with("CRON_TZ") {
        return Some("cannot use TZ or CRON_TZ in schedule, use timeZone field instead".to_owned());
    }
    if text.starts_with('@') {
        let known = WORDS.contains(&text) || text.starts_with("@every ");
        return (!known).then(|| format!("unrecognized descriptor: {text}"));
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Some(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
    }
    fields.iter().zip(FIELDS).find_map(|(field, (low, high))| {
        field.split(',').find_map(|part| {
            let (range, step) = part.split_once('/').unwrap_or((part, "1"));
            if !step.parse::<u32>().is_ok_and(|s| s > 0) {
                return Some(format!(
                    "failed to parse int from {step}: strconv.Atoi: parsing {step:?}: invalid syntax"
                ));
            }
            if matches!(range, "*" | "?") {
                return None;
            }
            range.split('-').find_map(|number| {
                if NAMES.contains(&number.to_uppercase().as_str()) {
                    return None;
                }
                match number.parse::<u32>() {
                    Err(_) => Some(format!(
                        "failed to parse int from {number}: strconv.Atoi: parsing {number:?}: invalid syntax"
                    )),
                    Ok(n) if n < low => {
                        Some(format!("beginning of range ({n}) below minimum ({low}): {part}"))
                    }
                    Ok(n) if n > high => Some(format!("end of range ({n}) above maximum ({high}): {part}")),
                    Ok(_) => None,
                }
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules() {
        for (text, good) in [
            ("* * * * *", true),
            ("*/5 0-6 1,15 JAN-MAR MON", true),
            ("@daily", true),
            ("@never", false),
            ("bad", false),
            ("60 * * * *", false),
            ("*/0 * * * *", false),
            ("TZ=UTC * * * * *", false),
        ] {
            assert_eq!(complaint(text).is_none(), good, "{text}");
        }
    }
}
