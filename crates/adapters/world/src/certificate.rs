//! X.509 certificates, as Go's `x509.CreateCertificate` writes them for Sprig.

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use sprig::{CertificateRequest, Moment, Pair};

use crate::key::PrivateKey;
use crate::{der, pem};

/// What is read of a certificate that signs: all as DER with tag and length, but the key's identifier.
pub(crate) struct Authority {
    subject: Vec<u8>,
    public: Vec<u8>,
    key_id: Option<Vec<u8>>,
}

/// Makes a certificate. **Errors**: Sprig's texts.
pub(crate) fn issue(request: &CertificateRequest<'_>, now: Moment, serial: &[u8]) -> Result<Pair, String> {
    let key = match request.key {
        Some(text) => PrivateKey::from_pem(text).map_err(|error| format!("parsing private key: {error}"))?,
        None => PrivateKey::for_certificate()?,
    };
    let signer = match request.signer {
        Some(pair) => {
            let authority = read(&pair.cert, "decodedSignerCert.Bytes")?;
            let key = PrivateKey::from_pem(&pair.key)
                .map_err(|error| format!("error parsing private key: {error}"))?;
            Some((authority, key))
        }
        None => None,
    };
    let failed = |error: String| format!("error creating certificate: {error}");
    let public = key.public()?;
    let subject = name(request.common_name);
    let (issuer, issuer_id, signing) = match &signer {
        Some((authority, key)) => {
            if key.public()? != authority.public {
                return Err(failed("x509: provided PrivateKey doesn't match parent's PublicKey".into()));
            }
            (
                authority.subject.clone(),
                authority.key_id.as_deref().filter(|_| authority.subject != subject),
                key,
            )
        }
        None => (subject.clone(), None, &key),
    };
    let seconds = request.days.saturating_mul(86_400).saturating_add(now.seconds);
    let validity =
        der::value(der::SEQUENCE, &[&time(now.seconds).map_err(failed)?, &time(seconds).map_err(failed)?]);
    let tbs = der::value(
        der::SEQUENCE,
        &[
            &der::value(0xA0, &[&der::integer(&[2])]),
            &der::integer(serial),
            &signing.algorithm(),
            &issuer,
            &validity,
            &subject,
            &public,
            &der::value(0xA3, &[&extensions(request, &public, issuer_id)?]),
        ],
    );
    let signature = signing.sign(&tbs).map_err(failed)?;
    let whole = der::value(der::SEQUENCE, &[&tbs, &signing.algorithm(), &der::bits(&signature, 0)]);
    Ok(Pair { cert: pem::encode("CERTIFICATE", &whole), key: key.to_pem()? })
}

/// Reads the first PEM block as a certificate. `what` is how Sprig calls it in an error.
pub(crate) fn read(text: &str, what: &str) -> Result<Authority, String> {
    let (_, bytes) = pem::decode(text).ok_or("unable to decode certificate")?;
    parse(&bytes).ok_or_else(|| format!("error parsing certificate: {what}: x509: malformed certificate"))
}

fn parse(bytes: &[u8]) -> Option<Authority> {
    let mut text = bytes;
    let mut whole = der::expect(&mut text, der::SEQUENCE)?.content;
    let mut tbs = der::expect(&mut whole, der::SEQUENCE)?.content;
    let mut first = der::next(&mut tbs)?;
    if first.tag == 0xA0 {
        first = der::next(&mut tbs)?;
    }
    if first.tag != der::INTEGER || !text.is_empty() {
        return None;
    }
    let [_algorithm, _issuer, _validity, subject, public] = [
        der::expect(&mut tbs, der::SEQUENCE)?,
        der::expect(&mut tbs, der::SEQUENCE)?,
        der::expect(&mut tbs, der::SEQUENCE)?,
        der::expect(&mut tbs, der::SEQUENCE)?,
        der::expect(&mut tbs, der::SEQUENCE)?,
    ];
    let mut key_id = None;
    while let Some(part) = der::next(&mut tbs) {
        if part.tag == 0xA3 {
            key_id = subject_key_id(part.content);
        }
    }
    Some(Authority { subject: subject.whole.to_vec(), public: public.whole.to_vec(), key_id })
}

fn subject_key_id(extensions: &[u8]) -> Option<Vec<u8>> {
    let mut text = extensions;
    let mut list = der::expect(&mut text, der::SEQUENCE)?.content;
    while let Some(extension) = der::next(&mut list) {
        let mut parts = extension.content;
        if der::expect(&mut parts, der::OID)?.content == [0x55, 0x1D, SUBJECT_KEY_ID] {
            let mut value = der::expect(&mut parts, der::OCTET_STRING)?.content;
            return Some(der::expect(&mut value, der::OCTET_STRING)?.content.to_vec());
        }
    }
    None
}

/// A name of a common name alone.
fn name(common_name: &str) -> Vec<u8> {
    if common_name.is_empty() {
        return der::value(der::SEQUENCE, &[]);
    }
    let printable = |byte: u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte);
    let tag = if common_name.bytes().all(printable) { der::PRINTABLE_STRING } else { der::UTF8_STRING };
    let oid = der::value(der::OID, &[&[0x55, 0x04, 0x03]]);
    let attribute = der::value(der::SEQUENCE, &[&oid, &der::value(tag, &[common_name.as_bytes()])]);
    der::value(der::SEQUENCE, &[&der::value(der::SET, &[&attribute])])
}

fn time(seconds: i64) -> Result<Vec<u8>, String> {
    let moment = Timestamp::from_second(seconds)
        .map_err(|_| "x509: cannot represent time as GeneralizedTime".to_owned())?
        .to_zoned(TimeZone::UTC);
    let (tag, layout) = match moment.year() {
        1950..=2049 => (der::UTC_TIME, "%y%m%d%H%M%SZ"),
        0..=9999 => (der::GENERALIZED_TIME, "%Y%m%d%H%M%SZ"),
        _ => return Err("x509: cannot represent time as GeneralizedTime".into()),
    };
    Ok(der::value(tag, &[moment.strftime(layout).to_string().as_bytes()]))
}

// Last parts of the object identifiers 2.5.29.x.
const SUBJECT_KEY_ID: u8 = 14;
const KEY_USAGE: u8 = 15;
const SUBJECT_ALT_NAME: u8 = 17;
const BASIC_CONSTRAINTS: u8 = 19;
const AUTHORITY_KEY_ID: u8 = 35;
const EXTENDED_KEY_USAGE: u8 = 37;

fn extension(id: u8, critical: bool, content: &[u8]) -> Vec<u8> {
    let oid = der::value(der::OID, &[&[0x55, 0x1D, id]]);
    let mark = if critical { der::value(der::BOOLEAN, &[&[0xFF]]) } else { Vec::new() };
    der::value(der::SEQUENCE, &[&oid, &mark, &der::value(der::OCTET_STRING, &[content])])
}

fn extensions(
    request: &CertificateRequest<'_>,
    public: &[u8],
    issuer_id: Option<&[u8]>,
) -> Result<Vec<u8>, String> {
    // digitalSignature and keyEncipherment; for authorities keyCertSign too.
    let usage = if request.authority { der::bits(&[0xA4], 2) } else { der::bits(&[0xA0], 5) };
    // id-kp-serverAuth and id-kp-clientAuth: 1.3.6.1.5.5.7.3.1 and 2.
    let purpose = |last: u8| der::value(der::OID, &[&[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, last]]);
    let purposes = der::value(der::SEQUENCE, &[&purpose(1), &purpose(2)]);
    let is_authority = if request.authority { der::value(der::BOOLEAN, &[&[0xFF]]) } else { Vec::new() };
    let mut all = vec![
        extension(KEY_USAGE, true, &usage),
        extension(EXTENDED_KEY_USAGE, false, &purposes),
        extension(BASIC_CONSTRAINTS, true, &der::value(der::SEQUENCE, &[&is_authority])),
    ];
    if request.authority {
        let id = key_id(public).ok_or("a public key that cannot be read")?;
        all.push(extension(SUBJECT_KEY_ID, false, &der::value(der::OCTET_STRING, &[&id])));
    }
    if let Some(id) = issuer_id {
        let content = der::value(der::SEQUENCE, &[&der::value(0x80, &[id])]);
        all.push(extension(AUTHORITY_KEY_ID, false, &content));
    }
    let names = alternative_names(request)?;
    if !names.is_empty() {
        let content = der::value(der::SEQUENCE, &[&names]);
        all.push(extension(SUBJECT_ALT_NAME, request.common_name.is_empty(), &content));
    }
    Ok(der::value(der::SEQUENCE, &[&all.concat()]))
}

/// Go 1.25: the first 160 bits of the SHA-256 of the public key's bits.
fn key_id(public: &[u8]) -> Option<Vec<u8>> {
    let mut text = public;
    let mut inner = der::expect(&mut text, der::SEQUENCE)?.content;
    der::expect(&mut inner, der::SEQUENCE)?;
    let bits = der::expect(&mut inner, der::BIT_STRING)?.content.get(1..)?;
    Sha256::digest(bits).get(..20).map(<[u8]>::to_vec)
}

/// Host names, then addresses.
fn alternative_names(request: &CertificateRequest<'_>) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    for name in &request.names {
        if !name.is_ascii() {
            let error = format!("x509: {name:?} cannot be encoded as an IA5String");
            return Err(format!("error creating certificate: {error}"));
        }
        all.extend(der::value(0x82, &[name.as_bytes()]));
    }
    for text in &request.addresses {
        let address = text.parse::<IpAddr>().map_err(|_| format!("error parsing ip: {text}"))?;
        all.extend(match address.to_canonical() {
            IpAddr::V4(address) => der::value(0x87, &[&address.octets()]),
            IpAddr::V6(address) => der::value(0x87, &[&address.octets()]),
        });
    }
    Ok(all)
}
