//! Tokens of ours: JSON web tokens by HS256, and nothing else that calls itself so.
//!
//! By hand, on `hmac` and `sha2`, which are in the tree: one algorithm, one key, a header that must be what we write. What libraries have
//! beyond that (other algorithms, keys by name or URL) is what tokens are attacked by.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use serde_json::{Map, Value};
use sha2::Sha256;

use crate::account::Capability;

/// Who issues tokens of ours (`iss`).
pub const ISSUER: &str = "argocd";
/// How far a token's beginning may lie ahead, in seconds: clocks differ.
pub const LEEWAY_SECONDS: i64 = 60;
/// Longest token that is read, in bytes. Ours have some 300.
const MAX_TOKEN_BYTES: usize = 16 << 10;
/// Longest token whose issuer is looked for, in bytes. Those of identity providers may hold hundreds of groups.
const MAX_STRANGE_TOKEN_BYTES: usize = 256 << 10;

/// What a token of ours says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Whose: `<account>:login`, `<account>:apiKey` or `proj:<project>:<role>`.
    pub subject: String,
    /// Its identity (`jti`); old tokens have none.
    pub id: String,
    /// When it was made, in seconds since 1970.
    pub issued_at: i64,
    /// From when it counts, in seconds since 1970.
    pub not_before: Option<i64>,
    /// From when it does not count any more, in seconds since 1970.
    pub expires_at: Option<i64>,
}

impl Claims {
    /// A session after a login. **Units**: seconds (`users.session.duration`, 24 h by default).
    pub fn log_in(account: &str, id: &str, now: Timestamp, seconds: i64) -> Self {
        Self::of(format!("{account}:{}", Capability::Login.as_str()), id, now, seconds)
    }

    /// A token of an account. It never ends where `seconds` is not positive.
    pub fn api_key(account: &str, id: &str, now: Timestamp, seconds: i64) -> Self {
        Self::of(format!("{account}:{}", Capability::ApiKey.as_str()), id, now, seconds)
    }

    /// A token of a project's role. It never ends where `seconds` is not positive.
    pub fn project_role(project: &str, role: &str, id: &str, now: Timestamp, seconds: i64) -> Self {
        Self::of(format!("proj:{project}:{role}"), id, now, seconds)
    }

    fn of(subject: String, id: &str, now: Timestamp, seconds: i64) -> Self {
        let issued_at = now.as_second();
        let expires_at = (seconds > 0).then(|| issued_at.saturating_add(seconds));
        Self { subject, id: id.to_owned(), issued_at, not_before: Some(issued_at), expires_at }
    }

    /// In the order of the peer's library.
    fn json(&self) -> String {
        let mut text = format!(r#"{{"iss":"{ISSUER}","sub":{}"#, Value::from(self.subject.as_str()));
        for (name, value) in
            [("exp", self.expires_at), ("nbf", self.not_before), ("iat", Some(self.issued_at))]
        {
            if let Some(value) = value {
                text.push_str(&format!(r#","{name}":{value}"#));
            }
        }
        if !self.id.is_empty() {
            text.push_str(&format!(r#","jti":{}"#, Value::from(self.id.as_str())));
        }
        text.push('}');
        text
    }
}

/// The key of all sessions (`server.secretkey`).
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// There is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("server.secretkey is missing or empty")]
pub struct KeyError;

/// Why a text is no token of ours that counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three parts of base64, or no JSON in them.
    #[error("token is malformed: {0}")]
    Malformed(&'static str),
    /// Its header is not the one that we write.
    #[error("token is unverifiable: {0}")]
    Header(&'static str),
    /// It was signed by another key, or changed since.
    #[error("token signature is invalid")]
    Signature,
    /// A claim is missing or not what it should be.
    #[error("token has invalid claims: {0}")]
    Claim(&'static str),
    /// It is over.
    #[error("token is expired")]
    Expired,
    /// It does not count yet.
    #[error("token is not valid yet")]
    NotYet,
}

impl SigningKey {
    /// Takes the bytes as they are in the Secret. **Errors**: there are none.
    pub fn new(bytes: Vec<u8>) -> Result<Self, KeyError> {
        if bytes.is_empty() { Err(KeyError) } else { Ok(Self(bytes)) }
    }

    /// A token.
    pub fn sign(&self, claims: &Claims) -> String {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", part(r#"{"alg":"HS256","typ":"JWT"}"#), part(&claims.json()));
        let sum = self.mac(&signed).finalize().into_bytes();
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(sum))
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length");
        mac.update(signed.as_bytes());
        mac
    }

    /// What a token says, if we have signed it and it counts now.
    ///
    /// **Errors**: in this order: its form, its header (`alg` is HS256 and nothing else is in it but `typ`), the signature (in constant
    /// time), the claims, the times. The end counts to the second; the beginning may lie [`LEEWAY_SECONDS`] ahead.
    /// **Source**: `SessionManager.Parse` with golang-jwt 5, which takes HS384 and HS512 as well, passes over other parameters and takes
    /// an `iat` of any time.
    pub fn open(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
        let (signed, header, claims, signature) = parts(token, MAX_TOKEN_BYTES)?;
        check_header(&object(header, "its header is no JSON object")?)?;
        let signature = decode(signature)?;
        self.mac(signed).verify_slice(&signature).map_err(|_| TokenError::Signature)?;
        let claims = read(&object(claims, "its claims are no JSON object")?)?;
        let now = now.as_second();
        if claims.expires_at.is_some_and(|end| now >= end) {
            return Err(TokenError::Expired);
        }
        let begins = claims.not_before.unwrap_or(claims.issued_at).max(claims.issued_at);
        if begins > now.saturating_add(LEEWAY_SECONDS) {
            return Err(TokenError::NotYet);
        }
        Ok(claims)
    }
}

/// The signed text, and the three parts.
fn parts(token: &str, most: usize) -> Result<(&str, &str, &str, &str), TokenError> {
    let malformed = TokenError::Malformed("token contains an invalid number of segments");
    if token.len() > most {
        return Err(TokenError::Malformed("it is too long"));
    }
    let (signed, signature) = token.rsplit_once('.').ok_or_else(|| malformed.clone())?;
    let (header, claims) = signed.split_once('.').ok_or_else(|| malformed.clone())?;
    if claims.contains('.') {
        return Err(malformed);
    }
    Ok((signed, header, claims, signature))
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed("a part is not base64"))
}

fn object(part: &str, why: &'static str) -> Result<Map<String, Value>, TokenError> {
    serde_json::from_slice(&decode(part)?).map_err(|_| TokenError::Malformed(why))
}

fn check_header(header: &Map<String, Value>) -> Result<(), TokenError> {
    if header.get("alg").and_then(Value::as_str) != Some("HS256") {
        return Err(TokenError::Header("the algorithm is not HS256"));
    }
    if header.keys().any(|name| !matches!(name.as_str(), "alg" | "typ")) {
        return Err(TokenError::Header("its header has more than an algorithm and a type"));
    }
    match header.get("typ") {
        None => Ok(()),
        Some(Value::String(kind)) if kind.eq_ignore_ascii_case("JWT") => Ok(()),
        Some(_) => Err(TokenError::Header("its type is not JWT")),
    }
}

fn read(claims: &Map<String, Value>) -> Result<Claims, TokenError> {
    let text = |name: &str, why| match claims.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err(TokenError::Claim(why)),
    };
    // Fractions of seconds are cut off, as in the peer.
    let time = |name: &str, why| match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a float that is too great becomes the greatest second"
            )]
            let seconds = number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64));
            seconds.map(Some).ok_or(TokenError::Claim(why))
        }
        Some(_) => Err(TokenError::Claim(why)),
    };
    if text("iss", "iss is not a text")? != ISSUER {
        return Err(TokenError::Claim("another issuer"));
    }
    let subject = text("sub", "sub is not a text")?;
    if subject.is_empty() {
        return Err(TokenError::Claim("no subject"));
    }
    Ok(Claims {
        subject: subject.to_owned(),
        id: text("jti", "jti is not a text")?.to_owned(),
        issued_at: time("iat", "iat is not a number")?
            .ok_or(TokenError::Claim("token does not have iat claim"))?,
        not_before: time("nbf", "nbf is not a number")?,
        expires_at: time("exp", "exp is not a number")?,
    })
}

/// Who says that it has issued a token. Nothing is verified: it tells only whom to ask, [`SigningKey::open`] or an identity provider.
pub fn issuer_of(token: &str) -> Option<String> {
    let (_, _, claims, _) = parts(token, MAX_STRANGE_TOKEN_BYTES).ok()?;
    object(claims, "").ok()?.get("iss")?.as_str().map(str::to_owned)
}

/// An identity for a token, as `uuid.NewRandom` makes it of random bytes.
pub fn token_id(mut random: [u8; 16]) -> String {
    random[6] = random[6] & 0x0f | 0x40;
    random[8] = random[8] & 0x3f | 0x80;
    let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |range| hex.get(range).unwrap_or_default();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}
