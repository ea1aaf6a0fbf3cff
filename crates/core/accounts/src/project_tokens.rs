//! Tokens of projects' roles.

use std::collections::BTreeMap;

use api::AppProject;

use crate::account::IssuedToken;

/// The tokens of all roles of all projects that are there now. A role or project that is gone has none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProjectTokens(BTreeMap<String, BTreeMap<String, Vec<IssuedToken>>>);

impl ProjectTokens {
    /// Takes what an AppProject says of itself.
    ///
    /// **Shape**: for each role of `spec.roles` its `jwtTokens`, and those of `status.jwtTokensByRole`: a project that git applies again
    /// and again loses the former, and the peer restores them from the latter.
    /// **Source**: `AppProject.NormalizeJWTTokens`.
    pub fn set(&mut self, project: &AppProject) {
        let in_status = |role: &str| {
            let items = project.status.as_ref()?.get("jwtTokensByRole")?.get(role)?.get("items")?;
            serde_json::from_value::<Vec<IssuedToken>>(items.clone()).ok()
        };
        let tokens = project.spec.roles.iter().map(|role| {
            let in_spec = role.jwt_tokens.iter().map(|token| IssuedToken {
                id: token.id.clone(),
                iat: token.iat,
                exp: token.exp,
            });
            let mut tokens: Vec<_> = in_spec.collect();
            tokens.extend(in_status(&role.name).unwrap_or_default());
            (role.name.clone(), tokens)
        });
        self.0.insert(project.metadata.name.clone(), tokens.collect());
    }

    /// Forgets a project.
    pub fn remove(&mut self, project: &str) {
        self.0.remove(project);
    }

    /// Whether a token is on record: by its id and the second in which it was made, or by the second alone where it has no id.
    ///
    /// **Source**: `AppProject.GetJWTToken`, which takes the id or the second: there a token counts again once another one of the same
    /// id, or of the same second, is made.
    pub(crate) fn have(&self, project: &str, role: &str, id: &str, iat: i64) -> bool {
        let tokens = self.0.get(project).and_then(|roles| roles.get(role));
        tokens.into_iter().flatten().filter(|token| token.iat == iat).any(|token| {
            // The peer gives old tokens their second as an id.
            let old = token.id.is_empty() || token.id == iat.to_string();
            token.id == id || id.is_empty() && old
        })
    }
}
