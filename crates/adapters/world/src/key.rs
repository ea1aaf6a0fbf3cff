//! Private keys: made, read, written, and what signs with them.

use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use sprig::KeyKind;

use crate::{der, pem};

/// One of the kinds that we sign with.
pub(crate) enum PrivateKey {
    Rsa(RsaKeyPair),
    /// With the object identifier of its signatures, as DER content.
    Ecdsa(EcdsaKeyPair, &'static [u8]),
    Ed25519(Ed25519KeyPair),
}

/// ecdsa-with-SHA256, 384 and 512: as DER content, below 1.2.840.10045.4.3.
const CURVES: [(&EcdsaSigningAlgorithm, &[u8]); 3] = [
    (&ECDSA_P256_SHA256_ASN1_SIGNING, &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02]),
    (&ECDSA_P384_SHA384_ASN1_SIGNING, &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03]),
    (&ECDSA_P521_SHA512_ASN1_SIGNING, &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x04]),
];
/// sha256WithRSAEncryption.
const SHA256_RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B];
/// id-Ed25519.
const ED25519: &[u8] = &[0x2B, 0x65, 0x70];

fn failed(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl PrivateKey {
    /// A new key of the kind, as `genPrivateKey` names it.
    pub(crate) fn generate(kind: KeyKind) -> Result<Self, String> {
        match kind {
            KeyKind::Rsa => RsaKeyPair::generate(KeySize::Rsa4096).map(Self::Rsa).map_err(failed),
            KeyKind::Ecdsa => {
                let [(curve, signature), ..] = CURVES;
                EcdsaKeyPair::generate(curve).map(|key| Self::Ecdsa(key, signature)).map_err(failed)
            }
            KeyKind::Ed25519 => Ed25519KeyPair::generate().map(Self::Ed25519).map_err(failed),
            KeyKind::Dsa => Err("dsa keys are not made here; use ecdsa or ed25519".into()),
        }
    }

    /// A new RSA key of 2048 bits, as certificates have.
    pub(crate) fn for_certificate() -> Result<Self, String> {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).map(Self::Rsa);
        key.map_err(|error| format!("error generating rsa key: {error}"))
    }

    /// Reads the first block of a text. **Errors**: Sprig's texts, where Go's parsers stand behind them ours.
    pub(crate) fn from_pem(text: &str) -> Result<Self, String> {
        let (label, bytes) = pem::decode(text).ok_or("no PEM data in input")?;
        match label {
            "PRIVATE KEY" => {
                Self::from_pkcs8(&bytes).ok_or_else(|| "decoding PEM as PKCS#8: not a key we know".into())
            }
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&bytes)
                .map(Self::Rsa)
                .map_err(|error| format!("parsing RSA private key from PEM: {error}")),
            "EC PRIVATE KEY" => CURVES
                .iter()
                .find_map(|(curve, signature)| {
                    let key = EcdsaKeyPair::from_private_key_der(curve, &bytes).ok()?;
                    Some(Self::Ecdsa(key, signature))
                })
                .ok_or_else(|| "parsing EC private key from PEM: not a key on P-256, P-384 or P-521".into()),
            "DSA PRIVATE KEY" => Err("parsing DSA private key from PEM: dsa keys are not supported".into()),
            _ => Err(match label.strip_suffix(" PRIVATE KEY") {
                Some(_) => format!("invalid private key type {label}"),
                None => format!("no private key data in PEM block of type {label}"),
            }),
        }
    }

    fn from_pkcs8(bytes: &[u8]) -> Option<Self> {
        if let Ok(key) = RsaKeyPair::from_pkcs8(bytes) {
            return Some(Self::Rsa(key));
        }
        if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes) {
            return Some(Self::Ed25519(key));
        }
        CURVES.iter().find_map(|(curve, signature)| {
            Some(Self::Ecdsa(EcdsaKeyPair::from_pkcs8(curve, bytes).ok()?, signature))
        })
    }

    /// PKCS #1 for RSA, SEC 1 for ECDSA, PKCS #8 for Ed25519, as Sprig writes them.
    pub(crate) fn to_pem(&self) -> Result<String, String> {
        match self {
            Self::Rsa(key) => {
                let pkcs8: Pkcs8V1Der<'_> = key.as_der().map_err(failed)?;
                let inner = pkcs8_content(pkcs8.as_ref()).ok_or("a key that cannot be written")?;
                Ok(pem::encode("RSA PRIVATE KEY", inner))
            }
            Self::Ecdsa(key, _) => {
                let private = key.private_key();
                let sec1: EcPrivateKeyRfc5915Der<'_> = private.as_der().map_err(failed)?;
                Ok(pem::encode("EC PRIVATE KEY", sec1.as_ref()))
            }
            Self::Ed25519(key) => {
                let pkcs8: Pkcs8V1Der<'_> = key.as_der().map_err(failed)?;
                Ok(pem::encode("PRIVATE KEY", pkcs8.as_ref()))
            }
        }
    }

    /// SubjectPublicKeyInfo.
    pub(crate) fn public(&self) -> Result<Vec<u8>, String> {
        let public: PublicKeyX509Der<'_> = match self {
            Self::Rsa(key) => key.public_key().as_der(),
            Self::Ecdsa(key, _) => key.public_key().as_der(),
            Self::Ed25519(key) => key.public_key().as_der(),
        }
        .map_err(failed)?;
        Ok(public.as_ref().to_vec())
    }

    /// AlgorithmIdentifier of its signatures.
    pub(crate) fn algorithm(&self) -> Vec<u8> {
        let oid = |content: &[u8]| der::value(der::OID, &[content]);
        match self {
            Self::Rsa(_) => der::value(der::SEQUENCE, &[&oid(SHA256_RSA), &der::value(der::NULL, &[])]),
            Self::Ecdsa(_, signature) => der::value(der::SEQUENCE, &[&oid(signature)]),
            Self::Ed25519(_) => der::value(der::SEQUENCE, &[&oid(ED25519)]),
        }
    }

    /// The signature of a message.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Self::Ecdsa(key, _) => Ok(key.sign(&random, message).map_err(failed)?.as_ref().to_vec()),
            Self::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
        }
    }
}

/// The algorithm's own form of a key inside of PKCS #8: version, algorithm, octets.
fn pkcs8_content(text: &[u8]) -> Option<&[u8]> {
    let mut text = text;
    let mut inner = der::expect(&mut text, der::SEQUENCE)?.content;
    der::expect(&mut inner, der::INTEGER)?;
    der::expect(&mut inner, der::SEQUENCE)?;
    Some(der::expect(&mut inner, der::OCTET_STRING)?.content)
}
