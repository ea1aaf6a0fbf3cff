//! What a token says, unverified: it is the server that believes it or not.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::failure::{Failure, Kind};

/// Its claims.
///
/// **Errors**: it is no JSON Web Token.
pub(crate) fn claims(token: &str) -> Result<Value, Failure> {
    let wrong = |why: &str| {
        Failure::new(Kind::Invalid, "the token cannot be read")
            .cause(why.to_owned())
            .next("log in again: capstan login SERVER")
            .peer(format!("token is malformed: {why}"), 20)
    };
    let parts: Vec<&str> = token.split('.').collect();
    let [_, claims, _] = parts.as_slice() else {
        return Err(wrong("token contains an invalid number of segments"));
    };
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims.trim_end_matches('='));
    let claims = claims.map_err(|_| wrong("could not base64 decode claim"))?;
    serde_json::from_slice(&claims).map_err(|_| wrong("could not JSON decode claim"))
}

/// What a person is called: by the address, the name, or what the token is about.
pub(crate) fn display_name(claims: &Value) -> String {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    text(&claims["email"])
        .or_else(|| text(&claims["name"]))
        .or_else(|| text(&claims["federated_claims"]["user_id"]))
        .or_else(|| text(&claims["sub"]))
        .unwrap_or_default()
}

/// The account in a subject such as `admin:login`.
pub(crate) fn account(claims: &Value) -> String {
    claims["sub"].as_str().and_then(|sub| sub.split(':').next()).unwrap_or_default().to_owned()
}
