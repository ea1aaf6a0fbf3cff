//! Names made from content, in the alphabet that Kubernetes uses for them.

use serde_json::Value;

/// No vowels and no look-alikes, so that no word comes out.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A short name for a value: the same value, the same name. Shape: 8 to 10 letters of the alphabet that Kubernetes
/// uses in `pod-template-hash`; the letters differ from the peer's, which hashes Go's memory.
pub(super) fn of_value(value: &Value) -> String {
    // serde_json's maps are sorted, so this text is canonical.
    let hash = fnv1a(value.to_string().as_bytes());
    (hash as u32).to_string().bytes().map(|b| char::from(ALPHABET[usize::from(b) % ALPHABET.len()])).collect()
}

/// A number from text, for picking addresses and the like.
pub(super) fn of_text(text: &str) -> u64 {
    fnv1a(text.as_bytes())
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
