//! PEM: base64 between two lines that name it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The first block of a text: its label and bytes.
pub(crate) fn decode(text: &str) -> Option<(&str, Vec<u8>)> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        rest = after;
        let Some((label, body)) = after.split_once("-----") else { continue };
        let Some((body, _)) = body.split_once(&format!("-----END {label}-----")) else { continue };
        let body =
            body.split_once("\n\n").filter(|(head, _)| head.contains(':')).map_or(body, |(_, body)| body);
        let digits: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        if let Ok(bytes) = STANDARD.decode(digits) {
            return Some((label, bytes));
        }
    }
    None
}

/// With lines of 64 digits.
pub(crate) fn encode(label: &str, bytes: &[u8]) -> String {
    let digits = STANDARD.encode(bytes);
    let mut text = format!("-----BEGIN {label}-----\n");
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(digit);
    }
    if !digits.is_empty() {
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}
