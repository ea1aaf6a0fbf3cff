//! What is shown of a certificate: its subject and the algorithm of its key.
//!
//! By hand: two fields of a structure that has no choices before them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
/// The version, which old certificates do not have.
const VERSION: u8 = 0xa0;
/// Lines of one certificate, as in the peer.
const LINES: usize = 128;

/// What is shown of a certificate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// As Go writes a distinguished name.
    pub(crate) subject: String,
    /// `rsa`, `ecdsa`, `ed25519`, `dsa`, or `0` for others.
    pub(crate) algorithm: &'static str,
}

/// The certificates of a text, each as it stands there. **Errors**: one of too many lines.
pub(crate) fn blocks(text: &str) -> Result<Vec<String>, String> {
    let (mut all, mut open): (Vec<String>, Option<String>) = (Vec::new(), None);
    for line in text.lines() {
        match &mut open {
            None if line.starts_with("-----BEGIN CERTIFICATE-----") => open = Some(format!("{line}\n")),
            None => {}
            Some(block) => {
                block.push_str(line);
                block.push('\n');
                if block.lines().count() > LINES {
                    return Err("maximum number of lines exceeded during certificate parsing".to_owned());
                }
                if line.starts_with("-----END CERTIFICATE-----") {
                    all.extend(open.take());
                }
            }
        }
    }
    Ok(all)
}

/// Reads one of [`blocks`]; `None` where it is no certificate.
pub(crate) fn read(block: &str) -> Option<Shown> {
    let base64: String = block.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let der = STANDARD.decode(base64).ok()?;
    let (certificate, _) = expect(&der, SEQUENCE)?;
    let (mut body, _) = expect(certificate, SEQUENCE)?;
    if body.first() == Some(&VERSION) {
        body = element(body)?.2;
    }
    // Serial number, algorithm of the signature, issuer, validity.
    for _ in 0..4 {
        body = element(body)?.2;
    }
    let (subject, rest) = expect(body, SEQUENCE)?;
    let (key, _) = expect(rest, SEQUENCE)?;
    let (algorithm, _) = expect(key, SEQUENCE)?;
    let (oid, _) = expect(algorithm, OID)?;
    let algorithm = match dotted(oid)?.as_str() {
        "1.2.840.113549.1.1.1" => "rsa",
        "1.2.840.10045.2.1" => "ecdsa",
        "1.3.101.112" => "ed25519",
        "1.2.840.10040.4.1" => "dsa",
        _ => "0",
    };
    Some(Shown { subject: name(subject)?, algorithm })
}

/// Tag and content of what comes first, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        let bytes = rest.get(..count).filter(|bytes| (1..=4).contains(&bytes.len()))?;
        let length = bytes.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        (length, rest.get(count..)?)
    };
    Some((*tag, rest.get(..length)?, rest.get(length..)?))
}

fn expect(der: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    element(der).filter(|(tag, _, _)| *tag == wanted).map(|(_, content, rest)| (content, rest))
}

fn dotted(oid: &[u8]) -> Option<String> {
    let (first, _) = oid.split_first()?;
    let mut text = format!("{}.{}", first / 40, first % 40);
    let mut arc = 0_u64;
    for byte in oid.get(1..)? {
        arc = arc.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
        if byte & 0x80 == 0 {
            text.push_str(&format!(".{arc}"));
            arc = 0;
        }
    }
    Some(text)
}

/// Attributes with a name of their own, in the order in which Go writes them.
const NAMES: [(&str, &str); 9] = [
    ("2.5.4.5", "SERIALNUMBER"),
    ("2.5.4.3", "CN"),
    ("2.5.4.17", "POSTALCODE"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.8", "ST"),
    ("2.5.4.7", "L"),
    ("2.5.4.11", "OU"),
    ("2.5.4.10", "O"),
    ("2.5.4.6", "C"),
];

/// A distinguished name. **Source**: `pkix.Name.String`: known attributes in a fixed order, the others behind them, the last first.
fn name(mut rdns: &[u8]) -> Option<String> {
    let mut known: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut others = Vec::new();
    while !rdns.is_empty() {
        let (mut set, rest) = expect(rdns, SET)?;
        rdns = rest;
        while !set.is_empty() {
            let (attribute, rest) = expect(set, SEQUENCE)?;
            set = rest;
            let (oid, value) = expect(attribute, OID)?;
            let oid = dotted(oid)?;
            let (_, content, _) = element(value)?;
            match NAMES.iter().position(|(known, _)| *known == oid) {
                Some(place) => {
                    known.entry(place).or_default().push(escaped(&String::from_utf8_lossy(content)))
                }
                None => {
                    let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
                    others.push(format!("{oid}=#{hex}"));
                }
            }
        }
    }
    let mut parts: Vec<String> = Vec::new();
    for (place, values) in known {
        let (_, short) = NAMES.get(place)?;
        // Go keeps the last of these, which have but one.
        let last = matches!(*short, "CN" | "SERIALNUMBER").then(|| values.last().cloned()).flatten();
        let values = last.map_or(values, |last| vec![last]);
        parts.push(values.iter().map(|value| format!("{short}={value}")).collect::<Vec<_>>().join("+"));
    }
    parts.extend(others.into_iter().rev());
    Some(parts.join(","))
}

fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut text = String::new();
    for (place, c) in value.chars().enumerate() {
        let special = matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';');
        if special || (c == ' ' && (place == 0 || place == last)) || (c == '#' && place == 0) {
            text.push('\\');
        }
        // Whoever made the certificate must not steer a terminal.
        text.push(if c.is_control() { '\u{fffd}' } else { c });
    }
    text
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

    use super::*;

    #[test]
    fn subjects_are_written_as_go_writes_them() {
        for (algorithm, expected) in
            [(&rcgen::PKCS_ECDSA_P256_SHA256, "ecdsa"), (&rcgen::PKCS_ED25519, "ed25519")]
        {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let mut params = CertificateParams::default();
            params.distinguished_name = DistinguishedName::new();
            for (kind, value) in [
                (DnType::CountryName, "DE"),
                (DnType::OrganizationName, "Shop, \"Inc\""),
                (DnType::CommonName, " git.example"),
            ] {
                params.distinguished_name.push(kind, value);
            }
            let pem = params.self_signed(&key).unwrap().pem();
            let found = blocks(&format!("# a comment\n{pem}{pem}")).unwrap();
            assert_eq!(found.len(), 2);
            let subject = r#"CN=\ git.example,O=Shop\, \"Inc\",C=DE"#.to_owned();
            assert_eq!(read(&found[0]), Some(Shown { subject, algorithm: expected }));
        }
    }

    #[test]
    fn what_is_no_certificate_is_told() {
        let block = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        for body in ["", "AAAA", "MIIB", "MAA=", "MIT/////", "not base64"] {
            assert_eq!(read(&block(body)), None, "{body}");
        }
        assert_eq!(blocks("nothing"), Ok(Vec::new()));
        assert!(blocks(&block(&"A\n".repeat(LINES))).is_err());
    }
}
