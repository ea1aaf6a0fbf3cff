//! What a token of a provider says, if it counts.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::keys::{Algorithm, Keys, Signed};

/// How far the beginning of a token may lie ahead, in seconds: clocks differ.
pub const LEEWAY_SECONDS: i64 = 60;
/// Longest token that is read, in bytes.
const MAX_TOKEN_BYTES: usize = 256 << 10;
/// Most audiences of one token.
const MAX_AUDIENCES: usize = 1_000;

/// What a token is held against.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// Who must have made it.
    pub issuer: String,
    /// For whom it may be, one of these.
    pub audiences: Vec<String>,
    /// To whom it may have been given (`azp`), one of these; anybody where there are none.
    pub presenters: Vec<String>,
    /// Whether it may be for nobody in particular.
    pub audience_optional: bool,
    /// How it may be signed.
    pub algorithms: Vec<Algorithm>,
    /// What must be in it, where it answers a login of ours.
    pub nonce: Option<String>,
}

/// What a token says that counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    /// All of it. An `email` that the provider says not to have verified is left out.
    pub all: Value,
    /// Who made it, as configured.
    pub issuer: String,
    /// Whose it is (`sub`), never empty.
    pub subject: String,
    /// From when it does not count any more, in seconds since 1970.
    pub expires_at: i64,
    /// When it was made, in seconds since 1970, where it says so.
    pub issued_at: Option<i64>,
    /// What tells it from all others: a sum of what it says, so that another signature of the same is the same token.
    pub id: String,
}

/// Why a token does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not three parts of base64, or no JSON in them.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// Its header asks for something that we do not do.
    #[error("the token is unverifiable: {0}")]
    Header(&'static str),
    /// It is signed in a way that the provider does not sign in, or not at all.
    #[error("the token is signed in a way that is not permitted")]
    Algorithm,
    /// By a key that the provider does not have.
    #[error("the token's key is not among those of the provider")]
    UnknownKey,
    /// By another key, or it was changed since.
    #[error("the token's signature is invalid")]
    Signature,
    /// Somebody else made it.
    #[error("the token is of another issuer")]
    Issuer,
    /// It is for somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// It was given to somebody else.
    #[error("the token was given to another client")]
    Presenter,
    /// It belongs to no user.
    #[error("the token has no subject")]
    Subject,
    /// It does not answer the login that was begun.
    #[error("the token is of another login")]
    Nonce,
    /// It is over.
    #[error("the token is expired")]
    Expired,
    /// It does not count yet.
    #[error("the token is not valid yet")]
    NotYet,
    /// A claim is missing or not what it should be.
    #[error("the token has invalid claims: {0}")]
    Claim(&'static str),
}

/// A token taken apart, before anything of it is believed.
pub(crate) struct Token<'a> {
    signed: &'a str,
    key: Option<String>,
    algorithm: Option<Algorithm>,
    claims: Map<String, Value>,
    id: String,
    signature: Vec<u8>,
}

/// What a token says, if one of these keys made it and it counts now.
///
/// **Errors**: [`Refused`], in the order of its variants but for the claims, of which the first that is wrong is told.
/// **Source**: `go-oidc`'s `IDTokenVerifier.Verify` as `util/oidc/provider.go` uses it. Where we differ: `azp` is held against the clients
/// that we are, unless `allowedAudiences` says who may come; a token without a subject is nobody's; the beginning may lie
/// [`LEEWAY_SECONDS`] ahead instead of five minutes, of `iat`, too; headers that name other keys or must be understood, and tokens for
/// other purposes (logout), are refused.
pub fn open(token: &str, keys: &Keys, expected: &Expected, now: Timestamp) -> Result<Claims, Refused> {
    Token::read(token)?.open(keys, expected, now)
}

impl<'a> Token<'a> {
    /// **Errors**: those about its form.
    pub(crate) fn read(token: &'a str) -> Result<Self, Refused> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refused::Malformed("it is too long"));
        }
        let malformed = || Refused::Malformed("it has not three parts");
        let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        if claims.contains('.') {
            return Err(malformed());
        }
        let header = object(&decode(header)?, "its header is no JSON object")?;
        let payload = decode(claims)?;
        check_header(&header)?;
        let algorithm = header.get("alg").and_then(Value::as_str).ok_or(Refused::Algorithm)?;
        let key = match header.get("kid") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id.clone()).filter(|id| !id.is_empty()),
            Some(_) => return Err(Refused::Header("its key's name is no text")),
        };
        let sum = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&payload));
        Ok(Self {
            signed,
            key,
            algorithm: Algorithm::parse(algorithm),
            claims: object(&payload, "its claims are no JSON object")?,
            id: format!("sso:{sum}"),
            signature: decode(signature)?,
        })
    }

    pub(crate) fn open(&self, keys: &Keys, expected: &Expected, now: Timestamp) -> Result<Claims, Refused> {
        let algorithm = self.algorithm.filter(|algorithm| expected.algorithms.contains(algorithm));
        let algorithm = algorithm.ok_or(Refused::Algorithm)?;
        match keys.verify(self.key.as_deref(), algorithm, self.signed.as_bytes(), &self.signature) {
            Signed::Well => self.check(expected, now),
            Signed::NoKey => Err(Refused::UnknownKey),
            Signed::Badly => Err(Refused::Signature),
        }
    }

    /// Whether all but the signature is as it should be.
    pub(crate) fn check(&self, expected: &Expected, now: Timestamp) -> Result<Claims, Refused> {
        let issuer = self.text("iss", "iss is no text")?;
        if issuer != expected.issuer && !is_google(issuer, &expected.issuer) {
            return Err(Refused::Issuer);
        }
        self.check_audience(expected)?;
        let subject = self.text("sub", "sub is no text")?;
        if subject.trim().is_empty() {
            return Err(Refused::Subject);
        }
        if let Some(nonce) = &expected.nonce
            && self.text("nonce", "nonce is no text")? != nonce
        {
            return Err(Refused::Nonce);
        }
        let now = now.as_second();
        let expires_at = self.time("exp", "exp is no number")?.ok_or(Refused::Claim("exp is missing"))?;
        if now >= expires_at {
            return Err(Refused::Expired);
        }
        let issued_at = self.time("iat", "iat is no number")?;
        let begins = [self.time("nbf", "nbf is no number")?, issued_at].into_iter().flatten().max();
        if begins.is_some_and(|begins| begins > now.saturating_add(LEEWAY_SECONDS)) {
            return Err(Refused::NotYet);
        }
        Ok(Claims {
            all: Value::Object(self.trusted()),
            issuer: expected.issuer.clone(),
            subject: subject.to_owned(),
            expires_at,
            issued_at,
            id: self.id.clone(),
        })
    }

    fn check_audience(&self, expected: &Expected) -> Result<(), Refused> {
        let malformed = Refused::Claim("aud is neither a text nor a list of texts");
        let audiences = match self.claims.get("aud") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(all)) if all.len() <= MAX_AUDIENCES => {
                all.iter().map(Value::as_str).collect::<Option<_>>().ok_or(malformed)?
            }
            Some(_) => return Err(malformed),
        };
        let ours = audiences.iter().any(|one| expected.audiences.iter().any(|own| own == one));
        if !(ours || audiences.is_empty() && expected.audience_optional) {
            return Err(Refused::Audience);
        }
        let presenter = self.text("azp", "azp is no text")?;
        let stranger = !presenter.is_empty() && !expected.presenters.iter().any(|own| own == presenter);
        if stranger && !expected.presenters.is_empty() {
            return Err(Refused::Presenter);
        }
        Ok(())
    }

    /// What it says, without an address that may be somebody else's.
    fn trusted(&self) -> Map<String, Value> {
        let mut claims = self.claims.clone();
        let verified = match claims.get("email_verified") {
            None | Some(Value::Null | Value::Bool(true)) => true,
            // Some providers write a text.
            Some(Value::String(text)) => text == "true",
            Some(_) => false,
        };
        if !verified {
            claims.remove("email");
        }
        claims
    }

    fn text(&self, name: &str, why: &'static str) -> Result<&str, Refused> {
        match self.claims.get(name) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(Refused::Claim(why)),
        }
    }

    /// Fractions of seconds are cut off.
    fn time(&self, name: &str, why: &'static str) -> Result<Option<i64>, Refused> {
        match self.claims.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "what is too great becomes the greatest second"
                )]
                let seconds = number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64));
                seconds.map(Some).ok_or(Refused::Claim(why))
            }
            Some(_) => Err(Refused::Claim(why)),
        }
    }
}

/// Google's tokens have their issuer with and without a scheme.
fn is_google(issuer: &str, expected: &str) -> bool {
    expected == "https://accounts.google.com" && issuer == "accounts.google.com"
}

fn check_header(header: &Map<String, Value>) -> Result<(), Refused> {
    for name in ["jku", "jwk", "x5u"] {
        if header.contains_key(name) {
            return Err(Refused::Header("it brings a key of its own"));
        }
    }
    if ["crit", "b64", "zip", "enc"].iter().any(|name| header.contains_key(*name)) {
        return Err(Refused::Header("its header asks for what we do not do"));
    }
    // An access token of RFC 9068 may be made for us, too; a token that says to log out is none to log in with.
    match header.get("typ") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(kind)) => {
            let kind = kind.to_ascii_lowercase();
            let kind = kind.strip_prefix("application/").unwrap_or(&kind);
            if matches!(kind, "jwt" | "at+jwt") {
                Ok(())
            } else {
                Err(Refused::Header("it is no token of a user"))
            }
        }
        Some(_) => Err(Refused::Header("its type is no text")),
    }
}

fn decode(part: &str) -> Result<Vec<u8>, Refused> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| Refused::Malformed("a part is not base64"))
}

fn object(bytes: &[u8], why: &'static str) -> Result<Map<String, Value>, Refused> {
    serde_json::from_slice(bytes).map_err(|_| Refused::Malformed(why))
}

#[cfg(test)]
mod tests;
