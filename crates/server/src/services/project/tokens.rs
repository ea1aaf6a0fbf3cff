//! Tokens of projects' roles.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::api::{AppProject, JwtToken};
use accounts::{Claims, token_id};
use rbac::Action;
use serde_json::{Value, json};
use tonic::Status;

use super::admission;
use super::writing::change;
use crate::call::Reply;
use crate::door::Caller;
use crate::server::{Backend, random};
use crate::services::{Asked, text};

/// Gives both places of tokens, the role and the status, the same tokens, the newest first; old tokens get their second as an id.
///
/// **Source**: `AppProject.NormalizeJWTTokens`.
pub(super) fn normalize(project: &mut AppProject) {
    let mut by_role = serde_json::Map::new();
    let recorded = project.status.as_ref().and_then(|status| status.get("jwtTokensByRole")).cloned();
    for role in &mut project.spec.roles {
        let items = recorded.as_ref().and_then(|roles| roles.get(&role.name)?.get("items")).cloned();
        let in_status: Vec<JwtToken> =
            items.and_then(|items| serde_json::from_value(items).ok()).unwrap_or_default();
        let all = in_status.into_iter().chain(std::mem::take(&mut role.jwt_tokens)).map(|mut token| {
            if token.id.is_empty() {
                token.id = token.iat.to_string();
            }
            (token.id.clone(), token)
        });
        role.jwt_tokens = all.collect::<BTreeMap<_, _>>().into_values().collect();
        role.jwt_tokens.sort_by_key(|token| std::cmp::Reverse(token.iat));
        let entry = if role.jwt_tokens.is_empty() { json!({}) } else { json!({"items": role.jwt_tokens}) };
        by_role.insert(role.name.clone(), entry);
    }
    if !by_role.is_empty() || recorded.is_some() {
        let status = project.status.get_or_insert_with(|| json!({}));
        status["jwtTokensByRole"] = Value::Object(by_role);
    }
}

/// Takes away a token by its id, or else by the second in which it was made. Whether there was one.
///
/// **Source**: `AppProject.RemoveJWTToken`.
fn remove(project: &mut AppProject, role: &str, id: &str, iat: i64) -> bool {
    normalize(project);
    let Some(role) = project.spec.roles.iter_mut().find(|known| known.name == role) else { return false };
    let by_id = role.jwt_tokens.iter().position(|token| !id.is_empty() && token.id == id);
    let place = by_id.or_else(|| role.jwt_tokens.iter().position(|token| token.iat == iat));
    let Some(place) = place else { return false };
    role.jwt_tokens.remove(place);
    let name = role.name.clone();
    // Else it would come back from there.
    if let Some(recorded) =
        project.status.as_mut().and_then(|status| status.get_mut("jwtTokensByRole")?.get_mut(&name))
    {
        *recorded = json!({});
    }
    normalize(project);
    true
}

/// Whoever may update the project may make and remove tokens, and so may members of the role.
fn may(caller: &Caller, project: &AppProject, role: &str) -> Result<String, Status> {
    let object = rbac::Object::project(&project.metadata.name);
    let decided = caller.guard.decide(rbac::Resource::Projects, Action::Update, object);
    let groups =
        project.spec.roles.iter().find(|known| known.name == role).map(|role| role.groups.as_slice());
    match decided {
        Ok(decision) => Ok(decision.rule().text().to_owned()),
        Err(_) if groups.is_some_and(|groups| caller.guard.is_in(groups)) => {
            Ok(format!("member of proj:{}:{role}", project.metadata.name))
        }
        Err(status) => Err(status),
    }
}

/// **Source**: `Server.CreateToken`. A token that the answer shows counts from then on.
pub(super) async fn create(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let (name, role) = (text(&ask.request, "project").to_owned(), text(&ask.request, "role").to_owned());
    let asked_id = text(&ask.request, "id").to_owned();
    let seconds = ask.request.get("expiresIn").and_then(Value::as_i64).unwrap_or_default();
    if seconds < 0 {
        return Err(Status::invalid_argument("expiresIn must not be negative"));
    }
    let access = backend.access();
    let key =
        access.key.as_ref().ok_or_else(|| Status::unavailable("the server has no key for sessions yet"))?;
    let mut bytes = [0; 16];
    random(&mut bytes)?;
    let id = if asked_id.is_empty() { token_id(bytes) } else { asked_id };
    let claims = Claims::project_role(&name, &role, &id, backend.now(), seconds);
    let token = JwtToken {
        iat: claims.issued_at,
        exp: claims.expires_at.unwrap_or_default(),
        id: id.clone(),
        ..JwtToken::default()
    };
    change(&backend, &ask, &name, "created token", |project| {
        let rule = may(&ask.caller, project, &role)?;
        let found = project.spec.roles.iter().any(|known| known.name == role);
        if !found {
            return Err(Status::not_found(format!("project '{name}' does not have role '{role}'")));
        }
        admission::check(project)?;
        normalize(project);
        let known = project.spec.roles.iter_mut().find(|known| known.name == role);
        if let Some(known) = known {
            if known.jwt_tokens.iter().any(|token| token.id == id) {
                return Err(Status::invalid_argument(format!("Token id '{id}' has been used. ")));
            }
            known.jwt_tokens.push(token.clone());
        }
        normalize(project);
        Ok(Some(rule))
    })
    .await?;
    Ok(json!({"token": key.sign(&claims)}).into())
}

/// **Source**: `Server.DeleteToken`: a token or role that is not there is no error.
pub(super) async fn delete(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let (name, role) = (text(&ask.request, "project").to_owned(), text(&ask.request, "role").to_owned());
    let id = text(&ask.request, "id").to_owned();
    let iat = ask.request.get("iat").and_then(Value::as_i64).unwrap_or_default();
    change(&backend, &ask, &name, "deleted token", |project| {
        let rule = may(&ask.caller, project, &role)?;
        Ok(remove(project, &role, &id, iat).then_some(rule))
    })
    .await?;
    Ok(json!({}).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(in_spec: &Value, in_status: &Value) -> AppProject {
        let value = json!({
            "metadata": {"name": "p"},
            "spec": {"roles": [{"name": "r", "jwtTokens": in_spec}]},
            "status": {"jwtTokensByRole": {"r": {"items": in_status}, "gone": {"items": [{"iat": 1}]}}},
        });
        AppProject::from_value(value).unwrap()
    }

    fn tokens(project: &AppProject) -> (Value, Value) {
        let status = project.status.as_ref().unwrap();
        assert_eq!(status.pointer("/jwtTokensByRole/gone"), None);
        let recorded = status.pointer("/jwtTokensByRole/r/items").cloned().unwrap_or_else(|| json!([]));
        (json!(project.spec.roles[0].jwt_tokens), recorded)
    }

    #[test]
    fn both_places_have_all_tokens() {
        for (in_spec, in_status, expected) in [
            (json!([]), json!([]), json!([])),
            (json!([{"iat": 5}]), json!([]), json!([{"iat": 5, "id": "5"}])),
            (json!([]), json!([{"iat": 5, "id": "a"}]), json!([{"iat": 5, "id": "a"}])),
            (
                json!([{"iat": 5, "id": "a"}]),
                json!([{"iat": 5, "id": "a"}, {"iat": 7, "id": "b", "exp": 9}]),
                json!([{"iat": 7, "id": "b", "exp": 9}, {"iat": 5, "id": "a"}]),
            ),
        ] {
            let mut project = project(&in_spec, &in_status);
            normalize(&mut project);
            assert_eq!(tokens(&project), (expected.clone(), expected), "{in_spec} {in_status}");
        }
    }

    #[test]
    fn a_token_goes_from_both_places() {
        let both = json!([{"iat": 7, "id": "b"}, {"iat": 5, "id": "a"}]);
        for (id, iat, left) in [
            ("a", 0, Some(json!([{"iat": 7, "id": "b"}]))),
            ("", 7, Some(json!([{"iat": 5, "id": "a"}]))),
            ("none", 5, Some(json!([{"iat": 7, "id": "b"}]))),
            ("none", 1, None),
        ] {
            let mut project = project(&both, &both);
            assert_eq!(remove(&mut project, "r", id, iat), left.is_some(), "{id} {iat}");
            let left = left.unwrap_or_else(|| both.clone());
            assert_eq!(tokens(&project), (left.clone(), left), "{id} {iat}");
        }
        assert!(!remove(&mut project(&both, &both), "none", "a", 5));
    }
}
