//! The keys of which one must have signed what applications are made from.

use crate::SignatureKey;

/// A project's `signatureKeys`.
#[derive(Debug, Clone)]
pub struct SignatureKeys {
    /// Ids, 16 upper-case hex digits.
    ids: Vec<String>,
    /// Those that are none.
    odd: Vec<String>,
}

impl SignatureKeys {
    /// Reads the ids. What is none stands for no key.
    pub fn new(keys: &[SignatureKey]) -> Self {
        let read = |key: &SignatureKey| key_id(&key.key_id).ok_or_else(|| key.key_id.clone());
        let (mut ids, mut odd) = (Vec::new(), Vec::new());
        for key in keys {
            match read(key) {
                Ok(id) => ids.push(id),
                Err(text) => odd.push(text),
            }
        }
        Self { ids, odd }
    }

    /// Whether a signature is required at all.
    pub fn are_required(&self) -> bool {
        !self.ids.is_empty() || !self.odd.is_empty()
    }

    /// Whether a key is one of them, by its id or its fingerprint. **Source**: the peer's `verifyGnuPGSignature`: it is the key that signed, a
    /// subkey where that was one.
    pub fn allows(&self, key: &str) -> bool {
        key_id(key).is_some_and(|id| self.ids.contains(&id))
    }

    /// What is no id of a key, in words.
    pub fn problems(&self) -> impl Iterator<Item = String> {
        self.odd.iter().map(|text| {
            format!(
                "signatureKeys has {text:?}, which is no key: give its id of 16 hex digits or its fingerprint"
            )
        })
    }
}

/// The id of a key, of an id or of a fingerprint.
fn key_id(text: &str) -> Option<String> {
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = match text.len() {
        16 => text,
        40 => text.get(24..)?,
        _ => return None,
    };
    hex.then(|| id.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_known_by_their_ids() {
        let keys = |ids: &[&str]| {
            let keys: Vec<_> = ids.iter().map(|id| json!({"keyID": id})).collect();
            SignatureKeys::new(&serde_json::from_value::<Vec<_>>(json!(keys)).unwrap())
        };
        const LONG: &str = "5DE3E0509C47EA3CF04A42D34AEE18F83AFDEB23";
        for (ids, key, allowed) in [
            (&["4AEE18F83AFDEB23"][..], LONG, true),
            (&["4aee18f83afdeb23"], "4AEE18F83AFDEB23", true),
            (&[LONG], "4AEE18F83AFDEB23", true),
            (&["0000000000000000", LONG], LONG, true),
            (&["3AFDEB23"], "3AFDEB23", false),
            (&["4AEE18F83AFDEB2Z"], LONG, false),
            (&[""], "", false),
            (&["0000000000000000"], LONG, false),
            (&[], LONG, false),
        ] {
            assert_eq!(keys(ids).allows(key), allowed, "{ids:?} {key}");
        }
        assert!(!keys(&[]).are_required());
        let odd = keys(&["3AFDEB23"]);
        assert!(odd.are_required(), "what cannot be read permits nothing");
        assert_eq!(odd.problems().count(), 1);
    }
}
