//! What verified claims of an identity provider say about who it is.

use serde_json::Value;

use crate::Subject;

/// Most groups of one user. With more, none counts: which of them were meant cannot be known.
pub const MAX_GROUPS: usize = 4_096;

/// The user: `federated_claims.user_id` (Dex) before `sub`; empty where neither is a text.
///
/// **Source**: `util/jwt.GetUserIdentifier`.
pub fn user_of(claims: &Value) -> &str {
    let federated = claims.pointer("/federated_claims/user_id").and_then(Value::as_str).unwrap_or_default();
    if federated.is_empty() {
        claims.get("sub").and_then(Value::as_str).unwrap_or_default()
    } else {
        federated
    }
}

/// What the claims named by `scopes` hold: each a text or a list of texts; anything else is passed over, however it is nested.
///
/// **Source**: `util/jwt.GetScopeValues`; our limit is [`MAX_GROUPS`].
pub fn values_of(claims: &Value, scopes: &[String]) -> Vec<String> {
    let mut groups = Vec::new();
    for value in scopes.iter().filter_map(|scope| claims.get(scope)) {
        match value {
            Value::String(group) => groups.push(group.clone()),
            Value::Array(list) => {
                groups.extend(list.iter().filter_map(Value::as_str).take(MAX_GROUPS + 1).map(str::to_owned));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
        }
        if groups.len() > MAX_GROUPS {
            return Vec::new();
        }
    }
    groups
}

impl Subject {
    /// Who the claims of an identity provider speak of. The caller has verified them.
    pub fn from_claims(claims: &Value, scopes: &[String]) -> Self {
        Self::external(user_of(claims), values_of(claims, scopes))
    }
}
