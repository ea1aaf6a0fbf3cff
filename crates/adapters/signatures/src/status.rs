//! What gpg says to machines.

/// What a signature is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// One signature, good, by a key of the keyring that is neither expired nor revoked.
    Good {
        /// The key that made it, by its id or its fingerprint; it may be a subkey.
        key: String,
        /// What kind of key: `RSA`, `EDDSA`.
        cipher: &'static str,
        /// The fingerprint of the key that this one is a part of, or of itself.
        primary: String,
    },
    /// A signature that does not hold: of something else, expired, by an expired or a revoked key.
    Invalid {
        /// The key that it claims.
        key: String,
        /// Why.
        reason: &'static str,
    },
    /// A signature of which nothing can be said: its key is not in the keyring, or it cannot be read.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// Reads the lines of `--status-fd`. Anything but one good signature and nothing beside it is not good.
pub(crate) fn verdict(status: &str) -> Verdict {
    let mut good: Option<String> = None;
    let mut valid = None;
    let mut bad = None;
    let mut signatures = 0;
    for line in status.lines() {
        let Some(rest) = line.strip_prefix("[GNUPG:] ") else { continue };
        let mut words = rest.split(' ');
        let word = words.next().unwrap_or_default();
        let key = words.next().unwrap_or_default().to_owned();
        let invalid = |reason| Some(Verdict::Invalid { key: key.clone(), reason });
        let found = match word {
            "NEWSIG" => {
                signatures += 1;
                None
            }
            "GOODSIG" => {
                good = Some(key);
                None
            }
            "VALIDSIG" => {
                // Fingerprint, date, time, expiry, version, a field that is reserved, the algorithm.
                let cipher = cipher(words.nth(5).unwrap_or_default());
                valid = Some((cipher, words.next_back().unwrap_or_default().to_owned()));
                None
            }
            "BADSIG" => invalid("bad signature"),
            "EXPSIG" => invalid("the signature has expired"),
            "EXPKEYSIG" => invalid("the key has expired"),
            "REVKEYSIG" => invalid("the key was revoked"),
            "NO_PUBKEY" => Some(Verdict::Unknown { reason: format!("key {key} is not in the keyring") }),
            "ERRSIG" => {
                Some(Verdict::Unknown { reason: format!("the signature by key {key} cannot be checked") })
            }
            "NODATA" => Some(Verdict::Unknown { reason: "it is no signature".to_owned() }),
            _ => None,
        };
        // A missing key is said twice, the second time by its name.
        if bad.is_none() || matches!(found, Some(Verdict::Unknown { .. })) && word == "NO_PUBKEY" {
            bad = found.or(bad);
        }
    }
    match (bad, good.zip(valid)) {
        (Some(bad), _) => bad,
        (None, Some((key, (cipher, primary)))) if signatures == 1 => Verdict::Good { key, cipher, primary },
        (None, Some(_)) => Verdict::Unknown { reason: "there is more than one signature".to_owned() },
        (None, None) => Verdict::Unknown { reason: "gpg says nothing of it".to_owned() },
    }
}

/// The name of an algorithm, by its number in RFC 9580.
fn cipher(number: &str) -> &'static str {
    match number {
        "1" | "2" | "3" => "RSA",
        "17" => "DSA",
        "19" => "ECDSA",
        "22" | "27" | "28" => "EDDSA",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_good_signature_is_good() {
        const ID: &str = "4AEE18F83AFDEB23";
        let good = "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 4AEE18F83AFDEB23 GitHub <noreply@example.com>\n[GNUPG:] VALIDSIG F 2020-01-01 1 0 4 0 22 8 00 P\n";
        let invalid = |reason| Verdict::Invalid { key: ID.to_owned(), reason };
        let unknown = |reason: &str| Verdict::Unknown { reason: reason.to_owned() };
        for (status, expected) in [
            (good.to_owned(), Verdict::Good { key: ID.to_owned(), cipher: "EDDSA", primary: "P".to_owned() }),
            (format!("{good}{good}"), unknown("there is more than one signature")),
            (good.replace("VALIDSIG", "OTHER"), unknown("gpg says nothing of it")),
            (format!("{good}[GNUPG:] BADSIG {ID} x\n"), invalid("bad signature")),
            (good.replace("GOODSIG", "EXPKEYSIG"), invalid("the key has expired")),
            (good.replace("GOODSIG", "REVKEYSIG"), invalid("the key was revoked")),
            (good.replace("GOODSIG", "EXPSIG"), invalid("the signature has expired")),
            (
                format!("[GNUPG:] NEWSIG\n[GNUPG:] ERRSIG {ID} 1 8 00 1 9 -\n[GNUPG:] NO_PUBKEY {ID}\n"),
                unknown("key 4AEE18F83AFDEB23 is not in the keyring"),
            ),
            ("[GNUPG:] NODATA 4\n".to_owned(), unknown("it is no signature")),
            // A name that pretends to be an answer is on the line of another one.
            ("gpg: [GNUPG:] GOODSIG 4AEE18F83AFDEB23 x\n".to_owned(), unknown("gpg says nothing of it")),
            (String::new(), unknown("gpg says nothing of it")),
        ] {
            assert_eq!(verdict(&status), expected, "{status}");
        }
    }
}
