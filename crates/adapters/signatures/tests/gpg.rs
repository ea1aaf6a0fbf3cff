//! Against the real program; where there is none, it is said.

use signatures::{Keyring, Verdict};
use std::collections::BTreeMap;
use testkit::Signer;

#[tokio::test]
async fn a_signature_is_good_for_its_text_and_its_key_alone() {
    let Some(ada) = Signer::new("Ada <ada@example.com>").unwrap() else { return };
    let eve = Signer::new("Eve <eve@example.com>").unwrap().unwrap();
    let data = tempfile::tempdir().unwrap();
    let keys = |list: &[(&str, String)]| -> BTreeMap<String, String> {
        list.iter().map(|(name, key)| ((*name).to_owned(), key.clone())).collect()
    };
    let both = keys(&[("ada", ada.public().unwrap()), ("odd", "no key".to_owned())]);
    let ring = Keyring::new(&both, data.path()).await.unwrap();
    assert!(ring.is_of(&both) && !ring.is_of(&keys(&[])));

    let good = ring.verify(b"text\n", ada.sign("text\n").unwrap().as_bytes()).await.unwrap();
    let Verdict::Good { key, cipher: "EDDSA", primary } = &good else { panic!("{good:?}") };
    assert!(ada.key().ends_with(key.as_str()) && ada.key() == primary, "{key} {primary}");

    let other = ring.verify(b"other\n", ada.sign("text\n").unwrap().as_bytes()).await.unwrap();
    assert_eq!(other, Verdict::Invalid { key: key.clone(), reason: "bad signature" });
    for (reason, signature) in [
        ("a key that nobody knows", eve.sign("text\n").unwrap()),
        ("no signature", "-----BEGIN PGP SIGNATURE-----\n".to_owned()),
        ("nothing", String::new()),
        ("an option", "--version".to_owned()),
    ] {
        let found = ring.verify(b"text\n", signature.as_bytes()).await.unwrap();
        assert!(matches!(found, Verdict::Unknown { .. }), "{reason}: {found:?}");
    }
    // A keyring of nobody knows nobody.
    let nobody = Keyring::new(&keys(&[]), data.path()).await.unwrap();
    let found = nobody.verify(b"text\n", ada.sign("text\n").unwrap().as_bytes()).await.unwrap();
    assert!(matches!(found, Verdict::Unknown { .. }), "{found:?}");
    let too_large = ring.verify(b"text\n", &vec![b'x'; 1 << 20]).await.unwrap_err();
    assert_eq!(too_large.to_string(), "a signature of more than 65536 bytes");
}
