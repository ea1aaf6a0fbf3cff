//! Against what the real `ssh-keygen` signs; where there is none, it is said.

use signatures::{Keyring, Verdict};
use std::collections::BTreeMap;
use testkit::SshKey;

#[tokio::test]
async fn a_signature_is_good_for_its_text_its_key_and_its_purpose_alone() {
    let kinds = [
        ("ed25519", "256", "SSH ED25519"),
        ("ecdsa", "256", "SSH ECDSA"),
        ("ecdsa", "384", "SSH ECDSA"),
        ("ecdsa", "521", "SSH ECDSA"),
        ("rsa", "2048", "SSH RSA"),
    ];
    let Some(stranger) = SshKey::new("ed25519", "256").unwrap() else { return };
    let all: Vec<SshKey> =
        kinds.iter().map(|(kind, bits, _)| SshKey::new(kind, bits).unwrap().unwrap()).collect();
    let public: String = all.iter().map(|key| key.public().unwrap()).collect();
    let keys =
        BTreeMap::from([("ssh".to_owned(), format!("{public}\n# a remark\nssh-ed25519 AAAA broken\n"))]);
    let data = tempfile::tempdir().unwrap();
    let ring = Keyring::new(&keys, data.path()).await.unwrap();
    let verify = async |text: &[u8], signature: &[u8]| ring.verify(text, signature).await.unwrap();
    for (maker, (kind, bits, expected)) in all.iter().zip(kinds) {
        let id = maker.fingerprint().unwrap();
        let made = maker.sign("git", "text\n").unwrap();
        let good = verify(b"text\n", made.as_bytes()).await;
        assert_eq!(good, Verdict::Good { key: id.clone(), cipher: expected, primary: id.clone() });
        let other = verify(b"other\n", made.as_bytes()).await;
        assert_eq!(other, Verdict::Invalid { key: id, reason: "bad signature" }, "{kind} {bits}");
        let elsewhere = verify(b"text\n", maker.sign("file", "text\n").unwrap().as_bytes()).await;
        assert!(matches!(elsewhere, Verdict::Unknown { .. }), "{kind} {bits}: {elsewhere:?}");
    }
    let unknown = verify(b"text\n", stranger.sign("git", "text\n").unwrap().as_bytes()).await;
    let Verdict::Unknown { reason } = &unknown else { panic!("{unknown:?}") };
    assert!(reason.ends_with("is not in the keyring"), "{reason}");

    // Whatever is changed or cut off is not good, and nothing panics.
    let made = all[0].sign("git", "text\n").unwrap().into_bytes();
    let text = "-----BEGIN SSH SIGNATURE-----".len()..made.len() - 1;
    for at in text.filter(|at| !made[*at].is_ascii_whitespace()) {
        let mut changed = made.clone();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        for bytes in [&changed[..], &made[..at]] {
            let found = verify(b"text\n", bytes).await;
            assert!(!matches!(found, Verdict::Good { .. }), "{at}: {}", String::from_utf8_lossy(bytes));
        }
    }
}
