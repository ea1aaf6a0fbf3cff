//! What public keys there are in a text.

use std::collections::BTreeMap;

use tokio::sync::Semaphore;

use crate::{Keyring, SignatureError};

/// Keys that are read of one text.
const MOST_KEYS: usize = 1000;
/// Texts that are read at the same time: for each the program is started several times.
static TURNS: Semaphore = Semaphore::const_new(2);

/// A public key of OpenPGP.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PublicKey {
    /// The last 16 digits of the fingerprint, in capitals.
    pub id: String,
    /// 40 digits, in capitals.
    pub fingerprint: String,
    /// The first name on it; whatever its owner wrote, without control characters.
    pub owner: String,
    /// `rsa4096`, `ed25519` and the like.
    pub kind: String,
}

/// The keys of an armored text, each with its own armored text, by their ids. A text without keys has none.
///
/// **Errors**: [`SignatureError`]. **Source**: `gpg.ValidatePGPKeysFromString`.
pub async fn public_keys(text: &str) -> Result<Vec<(PublicKey, String)>, SignatureError> {
    let files = |error: std::io::Error| SignatureError::Files(error.to_string());
    let _turn = TURNS.acquire().await.map_err(|_| SignatureError::Program("the process ends".to_owned()))?;
    let home = tempfile::tempdir().map_err(files)?;
    let ring = Keyring::new(&BTreeMap::from([("text".to_owned(), text.to_owned())]), home.path()).await?;
    let listed = ring.run(&["--with-colons", "--list-keys"], b"").await?;
    let mut keys = Vec::new();
    for key in read(&listed) {
        let answer = ring.run(&["--armor", "--export", "--", &key.fingerprint], b"").await?;
        // The lines for machines come by the same way.
        let lines = answer.lines().filter(|line| !line.starts_with("[GNUPG:]"));
        let armored: String = lines.flat_map(|line| [line, "\n"]).collect();
        if !armored.trim_end().ends_with("-----END PGP PUBLIC KEY BLOCK-----") {
            return Err(SignatureError::TooLarge { what: "a public key", limit: crate::ANSWER_BYTES });
        }
        keys.push((key, armored));
    }
    Ok(keys)
}

/// Reads a list with colons, as `doc/DETAILS` of GnuPG describes it.
fn read(listed: &str) -> Vec<PublicKey> {
    let mut keys: Vec<PublicKey> = Vec::new();
    // Fingerprints of subkeys follow their subkeys.
    let mut primary = false;
    for line in listed.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let field = |place: usize| fields.get(place).copied().unwrap_or_default();
        match field(0) {
            "pub" if keys.len() < MOST_KEYS => {
                primary = true;
                let (bits, curve) = (field(2), field(16));
                let kind = match field(3) {
                    _ if !curve.is_empty() => curve.to_owned(),
                    "1" | "2" | "3" => format!("rsa{bits}"),
                    "17" => format!("dsa{bits}"),
                    _ => "unknown".to_owned(),
                };
                keys.push(PublicKey { kind, ..PublicKey::default() });
            }
            "pub" => break,
            "sub" => primary = false,
            "fpr" if primary => {
                if let Some(key) = keys.last_mut().filter(|key| key.fingerprint.is_empty()) {
                    field(9).clone_into(&mut key.fingerprint);
                    key.id = key.fingerprint.get(24..).unwrap_or_default().to_owned();
                }
            }
            "uid" => {
                if let Some(key) = keys.last_mut().filter(|key| key.owner.is_empty()) {
                    key.owner = unescaped(field(9));
                }
            }
            _ => {}
        }
    }
    keys.retain(|key| key.fingerprint.len() == 40);
    keys
}

/// A colon is written as `\x3a`. Control characters would steer a terminal.
fn unescaped(text: &str) -> String {
    text.replace(r"\x3a", ":").chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read() {
        let listed = "tru::1:1:0:3:1:5\n\
            pub:-:4096:1:4AEE18F83AFDEB23:1502908800:::-:::scESC::::::23::0:\n\
            fpr:::::::::5DE3E0509C47EA3CF04A42D34AEE18F83AFDEB23:\n\
            uid:-::::1502908800::HASH::GitHub (web-flow\\x3a signing) <noreply@github.com>::::::::::0:\n\
            uid:-::::1502908800::HASH::Another::::::::::0:\n\
            sub:-:2048:1:AAAAAAAAAAAAAAAA:1502908800::::::e::::::23:\n\
            fpr:::::::::AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA:\n\
            pub:-:255:22:BBBBBBBBBBBBBBBB:1:::-:::sc:::::ed25519:::0:\n\
            fpr:::::::::BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB:\n";
        let github = PublicKey {
            id: "4AEE18F83AFDEB23".to_owned(),
            fingerprint: "5DE3E0509C47EA3CF04A42D34AEE18F83AFDEB23".to_owned(),
            owner: "GitHub (web-flow: signing) <noreply@github.com>".to_owned(),
            kind: "rsa4096".to_owned(),
        };
        let other = PublicKey {
            id: "B".repeat(16),
            fingerprint: "B".repeat(40),
            owner: String::new(),
            kind: "ed25519".to_owned(),
        };
        assert_eq!(read(listed), [github, other]);
        assert_eq!(read("pub:-:1:1:X:1\nfpr:::::::::short:\n"), []);
    }
}
