//! Times as Kubernetes writes them: RFC 3339, whole seconds, UTC.

use jiff::Timestamp;

/// A text that is no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no time in RFC 3339: {message}")]
pub struct TimeError {
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub message: String,
}

/// Reads a time; any offset and any fraction of a second are accepted.
pub fn parse_time(text: &str) -> Result<Timestamp, TimeError> {
    text.trim()
        .parse()
        .map_err(|error: jiff::Error| TimeError { text: text.to_owned(), message: error.to_string() })
}

/// Writes a time as Kubernetes' `metav1.Time`: `2026-01-02T03:04:05Z`, fractions of a second dropped.
pub fn format_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_offsets_and_writes_whole_seconds_in_utc() {
        for (text, expected) in [
            ("2026-01-02T03:04:05Z", Some("2026-01-02T03:04:05Z")),
            ("2026-01-02T03:04:05.987654321Z", Some("2026-01-02T03:04:05Z")),
            ("2026-01-02T03:04:05+02:00", Some("2026-01-02T01:04:05Z")),
            ("2026-01-02", None),
            ("soon", None),
        ] {
            assert_eq!(parse_time(text).ok().map(format_time).as_deref(), expected, "{text}");
        }
    }
}
