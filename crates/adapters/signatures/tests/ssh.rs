//! Against what the real `ssh-keygen` signs; where there is none, it is said.

use signatures::{Keyring, Verdict};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

fn keygen(directory: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("ssh-keygen").current_dir(directory).args(arguments).output().ok()?;
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

fn sign(directory: &Path, key: &str, namespace: &str, text: &str) -> Vec<u8> {
    let file = directory.join("text");
    std::fs::write(&file, text).unwrap();
    drop(std::fs::remove_file(directory.join("text.sig")));
    keygen(directory, &["-q", "-Y", "sign", "-f", key, "-n", namespace, "text"]).unwrap();
    std::fs::read(directory.join("text.sig")).unwrap()
}

#[tokio::test]
async fn a_signature_is_good_for_its_text_its_key_and_its_purpose_alone() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let kinds = [
        ("ed25519", "256", "SSH ED25519"),
        ("ecdsa", "256", "SSH ECDSA"),
        ("ecdsa", "384", "SSH ECDSA"),
        ("ecdsa", "521", "SSH ECDSA"),
        ("rsa", "2048", "SSH RSA"),
    ];
    for (n, (kind, bits, _)) in kinds.iter().enumerate() {
        let name = format!("key-{n}");
        if keygen(home, &["-q", "-t", kind, "-b", bits, "-N", "", "-C", "somebody", "-f", &name]).is_none() {
            eprintln!("NOT RUN: signatures by SSH keys: there is no ssh-keygen");
            return;
        }
    }
    keygen(home, &["-q", "-t", "ed25519", "-N", "", "-f", "stranger"]).unwrap();
    let public: Vec<String> = (0..kinds.len())
        .map(|n| std::fs::read_to_string(home.join(format!("key-{n}.pub"))).unwrap())
        .collect();
    let keys = BTreeMap::from([(
        "ssh".to_owned(),
        format!("{}\n# a remark\nssh-ed25519 AAAA broken\n", public.concat()),
    )]);
    let ring = Keyring::new(&keys, &home.join("ring")).await.unwrap();
    for (n, (kind, bits, expected)) in kinds.iter().enumerate() {
        let name = format!("key-{n}");
        let listed = keygen(home, &["-l", "-f", &name]).unwrap();
        let id = listed.split_whitespace().nth(1).unwrap();
        let made = sign(home, &name, "git", "text\n");
        let good = ring.verify(b"text\n", &made).await.unwrap();
        let Verdict::Good { key, cipher, primary } = &good else { panic!("{kind} {bits}: {good:?}") };
        assert_eq!((key.as_str(), primary.as_str(), *cipher), (id, id, *expected));
        let other = ring.verify(b"other\n", &made).await.unwrap();
        assert_eq!(other, Verdict::Invalid { key: id.to_owned(), reason: "bad signature" }, "{kind} {bits}");
        let elsewhere = ring.verify(b"text\n", &sign(home, &name, "file", "text\n")).await.unwrap();
        assert!(matches!(elsewhere, Verdict::Unknown { .. }), "{kind} {bits}: {elsewhere:?}");
    }
    let stranger = ring.verify(b"text\n", &sign(home, "stranger", "git", "text\n")).await.unwrap();
    let Verdict::Unknown { reason } = &stranger else { panic!("{stranger:?}") };
    assert!(reason.ends_with("is not in the keyring"), "{reason}");

    // Whatever is cut off or changed is not good, and nothing panics.
    let made = String::from_utf8(sign(home, "key-0", "git", "text\n")).unwrap();
    for at in "-----BEGIN SSH SIGNATURE-----".len()..made.len() {
        let mut changed = made.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        for bytes in [&changed[..], &made.as_bytes()[..at]] {
            let found = ring.verify(b"text\n", bytes).await;
            // A line break more or less is the same signature.
            let same = made.as_bytes()[at].is_ascii_whitespace() || at + 1 >= made.len();
            assert!(
                same || !matches!(found, Ok(Verdict::Good { .. })),
                "{at}: {found:?}\n{}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}
