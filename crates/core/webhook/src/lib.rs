//! What providers send when somebody pushed: whether it is theirs, and which repositories they mean.
//!
//! - [`read`]: from headers and a body to an [`Event`], the body parsed only once it is known to be theirs.
//! - [`Secrets`]: what tells that, from `argocd-secret`.
//! - [`Place`]: where a repository is, whatever way its URL is written.
//!
//! An event says that something changed, never what: which commit a branch has is asked of the repository, and which applications a
//! commit concerns is known from what they read. So a forged event costs a question to a git server and nothing else.
//!
//! **Source**: `util/webhook` of Argo CD, which asks for applications by the names of files in the event, and refuses other events than
//! pushes (we say that they are not needed).

mod place;
mod provider;
mod secrets;
#[cfg(test)]
mod tests;

pub use place::Place;
pub use provider::Provider;
pub use secrets::Secrets;

use provider::Told;

/// Repositories that one event may name.
pub const REPOSITORIES: usize = 64;

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Who says it.
    pub provider: Provider,
    /// Where something changed, in each spelling that the event has; none for an event that concerns nobody, as a ping.
    pub places: Vec<Place>,
}

/// Why there is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No header names a provider that we know.
    #[error(
        "unknown webhook event: no header of GitHub, GitLab, Bitbucket, Azure DevOps, Gogs, Gitea or Harbor"
    )]
    Unknown,
    /// It does not show the secret that the settings have.
    #[error("{0}: it does not prove to come from there; check the secret on both sides")]
    Unproven(Provider),
    /// The body is none of theirs.
    #[error("{provider}: the body cannot be read: {what}")]
    Malformed {
        /// Whose it should be.
        provider: Provider,
        /// What is wrong with it.
        what: String,
    },
}

/// Reads what a provider sent. `header` gives a header's value by its name, in lower case.
///
/// # Errors
/// Where it does not come from a provider that we know, or is none of its messages.
pub fn read<'a>(
    header: impl Fn(&str) -> Option<&'a str>,
    body: &[u8],
    secrets: &Secrets,
) -> Result<Event, Refused> {
    let provider = Provider::of(&header).ok_or(Refused::Unknown)?;
    if !secrets.prove(provider, &header, body) {
        return Err(Refused::Unproven(provider));
    }
    let malformed = |what: &dyn ToString| Refused::Malformed { provider, what: what.to_string() };
    if !provider.tells(&header) {
        return Ok(Event { provider, places: Vec::new() });
    }
    let value = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
    let mut places: Vec<Place> = match provider.told(&header, &value) {
        Told::Nothing => Vec::new(),
        Told::Urls(urls) => urls.into_iter().take(REPOSITORIES).filter_map(Place::of).collect(),
        Told::Lacks(field) => return Err(malformed(&format!("{field} is missing"))),
    };
    places.sort();
    places.dedup();
    Ok(Event { provider, places })
}
