//! Holds: an application that does not sync by itself for a while, with a reason that everybody sees.
//!
//! The peer has none: there a rollback asks for automated sync to be turned off first, and to be remembered afterwards.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::names::annotation;
use crate::{Metadata, format_time, parse_time};

/// The word for a hold without an end.
pub const FOR_GOOD: &str = "released";

/// How long an automated application is held that was rolled back, where nobody says for how long.
pub const ROLLBACK: Duration = Duration::from_secs(24 * 3600);

/// The annotations of a hold until then.
pub fn annotations(until: &str, reason: &str) -> Value {
    json!({ annotation::HOLD_UNTIL: until, annotation::HOLD_REASON: reason })
}

/// The moment at which a hold ends that begins now; one of no time ends when somebody releases it.
pub fn until(time: Duration, now: Timestamp) -> String {
    match now.checked_add(time) {
        Ok(until) if !time.is_zero() => format_time(until),
        Ok(_) | Err(_) => FOR_GOOD.to_owned(),
    }
}

/// What an application's annotations say of a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Until when; `None` until somebody releases it, which is also what a time that cannot be read comes to: whoever wrote it meant to
    /// hold.
    pub until: Option<Timestamp>,
    /// Why, for people.
    pub reason: String,
    /// What is wrong with the annotation.
    pub problem: Option<String>,
}

impl Hold {
    /// The hold that is in force at a time.
    pub fn at(metadata: &Metadata, now: Timestamp) -> Option<Self> {
        let text = metadata.annotation(annotation::HOLD_UNTIL)?;
        let reason = metadata.annotation(annotation::HOLD_REASON).unwrap_or_default().to_owned();
        let (until, problem) = match (text.trim(), parse_time(text)) {
            (FOR_GOOD, _) => (None, None),
            (_, Ok(until)) => (Some(until), None),
            (_, Err(error)) => (None, Some(format!("annotation {}: {error}", annotation::HOLD_UNTIL))),
        };
        until.is_none_or(|until| until > now).then_some(Self { until, reason, problem })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_ends_at_its_time() {
        let now = parse_time("2026-01-02T03:04:05Z").unwrap();
        for (text, expected) in [
            (None, "none"),
            (Some("2026-01-02T03:04:06Z"), "until 2026-01-02T03:04:06Z"),
            (Some("2026-01-02T04:04:06+01:00"), "until 2026-01-02T03:04:06Z"),
            (Some("2026-01-02T03:04:05Z"), "none"),
            (Some("released"), "for good"),
            (
                Some("tomorrow"),
                "for good: annotation capstan/hold-until: \"tomorrow\" is no time in RFC 3339",
            ),
        ] {
            let mut metadata = Metadata::default();
            if let Some(text) = text {
                metadata.annotations.insert(annotation::HOLD_UNTIL.to_owned(), text.to_owned());
            }
            let found = match Hold::at(&metadata, now) {
                None => "none".to_owned(),
                Some(Hold { until: Some(until), .. }) => format!("until {}", format_time(until)),
                Some(Hold { problem: Some(problem), .. }) => format!("for good: {problem}"),
                Some(_) => "for good".to_owned(),
            };
            assert!(found.starts_with(expected), "{text:?}: {found}");
        }
    }
}
