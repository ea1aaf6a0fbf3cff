use sprig::{CertificateRequest, KeyKind, Pair, World};

use crate::System;
use crate::key::PrivateKey;

fn request(common_name: &str) -> CertificateRequest<'_> {
    CertificateRequest {
        common_name,
        addresses: vec!["10.0.0.1".into(), "::1".into()],
        names: vec!["a.example".into()],
        days: 365,
        authority: false,
        key: None,
        signer: None,
    }
}

#[test]
fn private_keys_come_back_as_they_were() {
    let rows = [
        (KeyKind::Rsa, "RSA PRIVATE KEY"),
        (KeyKind::Ecdsa, "EC PRIVATE KEY"),
        (KeyKind::Ed25519, "PRIVATE KEY"),
    ];
    for (kind, label) in rows {
        let pem = System.private_key(kind).unwrap();
        assert!(pem.starts_with(&format!("-----BEGIN {label}-----\n")), "{kind:?}: {pem}");
        let again = PrivateKey::from_pem(&pem).unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        assert_eq!(again.to_pem().unwrap(), pem, "{kind:?}");
    }
    assert!(System.private_key(KeyKind::Dsa).unwrap_err().contains("dsa"));
}

#[test]
fn an_authority_signs_and_others_are_refused() {
    let key = System.private_key(KeyKind::Ecdsa).unwrap();
    let root = System
        .certificate(&CertificateRequest { authority: true, key: Some(&key), ..request("root") })
        .unwrap();
    assert_eq!(System.check_pair(&root.cert, &root.key), Ok(()));
    let leaf = System.certificate(&CertificateRequest { signer: Some(&root), ..request("leaf") }).unwrap();
    assert_eq!(System.check_pair(&leaf.cert, &leaf.key), Ok(()));
    let other = Pair { cert: root.cert.clone(), key: leaf.key };
    let rows = [
        (other, "error creating certificate: x509: provided PrivateKey doesn't match parent's PublicKey"),
        (Pair { cert: "x".into(), key: root.key.clone() }, "unable to decode certificate"),
        (Pair { cert: root.cert, key: "x".into() }, "error parsing private key: no PEM data in input"),
        (
            Pair { cert: root.key.clone(), key: root.key },
            "error parsing certificate: decodedSignerCert.Bytes: x509: malformed certificate",
        ),
    ];
    for (signer, expected) in rows {
        let request = CertificateRequest { signer: Some(&signer), key: Some(&key), ..request("leaf") };
        assert_eq!(System.certificate(&request).unwrap_err(), expected);
    }
}

#[test]
fn randomness_differs() {
    let (mut one, mut other) = ([0; 32], [0; 32]);
    System.random(&mut one);
    System.random(&mut other);
    assert_ne!(one, other);
    assert!(System.now().seconds > 1_600_000_000);
}
