//! Who may come in and what they may do, as the settings and the projects have it now.

use std::collections::BTreeMap;
use std::sync::Arc;

use accounts::{Accounts, PasswordRules, ProjectTokens, SigningKey};
use net::Proxies;
use rbac::Policy;
use settings::Snapshot;

use crate::projects::Project;
use crate::seal::{Purpose, Seal};
use crate::shelf::Shelf;
use crate::sso::Sso;

/// How long a session lasts where `users.session.duration` says nothing, in seconds.
const SESSION_SECONDS: i64 = 24 * 3600;
pub(crate) use settings::ARGOCD_SECRET as SECRET;

/// See the module. It is made anew where anything of it changes, and never changed in place.
pub(crate) struct Access {
    pub(crate) accounts: Accounts,
    /// `None` while the Secret has none: nobody can log in.
    pub(crate) key: Option<SigningKey>,
    /// What keeps logins by the identity provider that are under way; there as long as `key` is.
    pub(crate) state_key: Option<Seal>,
    pub(crate) sso: Sso,
    /// What webhooks are proven by.
    pub(crate) webhooks: webhook::Secrets,
    pub(crate) policy: Arc<Policy>,
    pub(crate) tokens: ProjectTokens,
    pub(crate) passwords: PasswordRules,
    /// Whether everybody comes in and may do everything, whatever they show.
    pub(crate) open: bool,
    /// Whether one may come in without a token.
    pub(crate) anonymous: bool,
    pub(crate) session_seconds: i64,
    /// What cannot be read, each a line for people.
    pub(crate) problems: Vec<String>,
}

impl Access {
    /// Of the settings and all projects. What cannot be read now is as it was in `before`.
    pub(crate) fn new(
        settings: &Snapshot,
        projects: &[Arc<Project>],
        before: Option<&Self>,
        proxies: &Proxies,
        shelf: Option<&Shelf>,
    ) -> Result<Self, String> {
        let mut problems = Vec::new();
        let secret = settings.own_secret();
        let (accounts, unread) = Accounts::read(&settings.config, secret);
        problems.extend(unread.iter().map(ToString::to_string));
        let open = settings.params.server.open;
        let (mut policy, unread) =
            if open { Policy::compile_bare(&everything()) } else { Policy::compile(&settings.rbac) };
        problems.extend(unread.iter().map(ToString::to_string));
        let mut tokens = ProjectTokens::default();
        for project in projects {
            let unread = policy.set_project(&project.project.metadata.name, &project.roles());
            problems.extend(unread.iter().map(ToString::to_string));
            tokens.set(&project.project);
        }
        let key = secret.get("server.secretkey").filter(|key| !key.is_empty());
        let text = |name: &str| settings.config.get(name).map(String::as_str);
        let passwords = match (PasswordRules::read(text("passwordPattern")), before) {
            (Ok(rules), _) => rules,
            (Err(error), before) => {
                problems.push(format!("passwordPattern: {error}; what it said before stays in force"));
                match before {
                    Some(before) => before.passwords.clone(),
                    None => PasswordRules::read(None)?,
                }
            }
        };
        let session_seconds = match text("users.session.duration").map(::api::parse_duration) {
            None => SESSION_SECONDS,
            Some(Ok(duration)) => i64::try_from(duration.as_secs()).unwrap_or(SESSION_SECONDS),
            Some(Err(error)) => {
                problems.push(format!("users.session.duration: {error}; what it said before stays in force"));
                before.map_or(SESSION_SECONDS, |before| before.session_seconds)
            }
        };
        let sso = Sso::read(settings, proxies, shelf, before.map(|before| &before.sso), &mut problems);
        Ok(Self {
            accounts,
            key: key.and_then(|key| SigningKey::new(key.clone()).ok()),
            state_key: key.and_then(|key| Seal::new(key, Purpose::Logins)),
            sso,
            webhooks: webhook::Secrets::new(|reference| settings.secret(reference)),
            policy: Arc::new(policy),
            tokens,
            passwords,
            open,
            anonymous: text("users.anonymous.enabled") == Some("true"),
            session_seconds,
            problems,
        })
    }
}

/// A policy by which everybody may do everything.
fn everything() -> BTreeMap<String, String> {
    let lines = [("policy.csv", "p, role:everybody, *, *, *, allow"), ("policy.default", "role:everybody")];
    lines.map(|(key, text)| (key.to_owned(), text.to_owned())).into()
}
