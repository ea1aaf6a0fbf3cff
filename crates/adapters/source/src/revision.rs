//! From a target revision to a commit.

use gosemver::{Range, Version};
use net::excerpt;
use std::collections::BTreeMap;
use tokio::time::Instant;

/// Longest target revision, in bytes.
const MAX_REVISION_BYTES: usize = 1024;

/// Shortest abbreviation of a commit id, in digits; git's own default and the peer's rule.
const SHORT_COMMIT_DIGITS: usize = 7;

/// What a repository's server said its branches and tags are.
#[derive(Clone, Debug)]
pub struct Refs {
    /// The full name of the branch that `HEAD` stands for; none in a repository with a detached `HEAD`.
    pub head: Option<String>,
    /// Full name (`HEAD`, `refs/heads/main`, `refs/tags/v1`) → commit id in hex. An annotated tag stands for what it is on.
    pub by_name: BTreeMap<String, String>,
    /// Full name of an annotated tag → id of the tag itself, which may be signed.
    pub tags: BTreeMap<String, String>,
    /// When the question was sent: what was pushed before that is in the answer.
    pub fetched_at: Instant,
}

/// A commit, and the name that led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// 40 lower-case hex digits.
    pub commit: String,
    /// The full name of the branch or tag; none when the revision was a commit id.
    pub name: Option<String>,
}

/// Why a target revision leads to no commit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevisionError {
    /// Nothing of that name.
    #[error("unable to resolve revision '{revision}' to a commit")]
    NotFound {
        /// Escaped and shortened.
        revision: String,
    },
    /// A range that no tag satisfies.
    #[error("no tag of {tags} satisfies the version range '{revision}'")]
    NoVersion {
        /// Escaped and shortened.
        revision: String,
        /// How many tags there are.
        tags: usize,
    },
    /// The repository has no commit yet.
    #[error("the repository is empty")]
    Empty,
    /// Never looked up.
    #[error("revision '{revision}' refused: {reason}")]
    Refused {
        /// Escaped and shortened.
        revision: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An abbreviated commit id: the names cannot tell, the history can ([`crate::Sources::revision`]).
    #[error("'{prefix}' is an abbreviated commit id")]
    Abbreviated {
        /// 7 to 39 lower-case hex digits.
        prefix: String,
    },
    /// An abbreviated commit id that fits several commits.
    #[error("'{prefix}' fits more than one commit")]
    Ambiguous {
        /// The digits.
        prefix: String,
    },
}

/// Resolves `target_revision`, in this order: none or `HEAD`; a full commit id; a version range (highest tag, never a branch);
/// a branch; a tag; a full name. With `tag_prefix` only tags that begin with it are versions, and it is no part of them.
///
/// A plain version (`v1.2`) is a name and not a range, and a branch named like an abbreviated commit id is a branch.
/// Source: the peer, `util/git/client.go` (`lsRemote`) and `util/versions`.
///
/// # Errors
/// [`RevisionError`]; nothing here is ever given to a program.
pub fn resolve(refs: &Refs, target_revision: &str, tag_prefix: &str) -> Result<Resolved, RevisionError> {
    let revision = target_revision.trim();
    let refuse = |reason| RevisionError::Refused { revision: excerpt(revision), reason };
    if revision.len() > MAX_REVISION_BYTES {
        return Err(refuse("longer than 1024 bytes"));
    }
    if revision.starts_with('-') {
        return Err(refuse("begins with '-'"));
    }
    if revision.chars().any(char::is_control) {
        return Err(refuse("has a control character"));
    }
    if revision.is_empty() || revision == "HEAD" {
        let commit = refs.by_name.get("HEAD").or_else(|| refs.by_name.get(refs.head.as_deref()?));
        return match commit {
            Some(commit) => Ok(Resolved { commit: commit.clone(), name: refs.head.clone() }),
            None if refs.by_name.is_empty() => Err(RevisionError::Empty),
            None => Err(RevisionError::NotFound { revision: "HEAD".to_owned() }),
        };
    }
    let hex = revision.bytes().all(|b| b.is_ascii_hexdigit());
    if hex && revision.len() == 40 {
        return Ok(Resolved { commit: revision.to_ascii_lowercase(), name: None });
    }
    let named = |name: &str| {
        refs.by_name.get(name).map(|commit| Resolved { commit: commit.clone(), name: Some(name.to_owned()) })
    };
    let tags =
        || refs.by_name.keys().filter_map(|name| name.strip_prefix("refs/tags/")?.strip_prefix(tag_prefix));
    let range = if Version::parse(revision).is_none() { Range::parse(revision) } else { None };
    if let Some(tag) = range.as_ref().and_then(|range| range.highest(tags()))
        && let Some(resolved) = named(&format!("refs/tags/{tag_prefix}{tag}"))
    {
        return Ok(resolved);
    }
    let candidates = [
        format!("refs/heads/{revision}"),
        format!("refs/tags/{revision}"),
        format!("refs/tags/{tag_prefix}{revision}"),
        format!("refs/{revision}"),
        revision.to_owned(),
    ];
    if let Some(resolved) = candidates.iter().find_map(|name| named(name)) {
        return Ok(resolved);
    }
    if hex && (SHORT_COMMIT_DIGITS..40).contains(&revision.len()) {
        return Err(RevisionError::Abbreviated { prefix: revision.to_ascii_lowercase() });
    }
    if refs.by_name.is_empty() {
        return Err(RevisionError::Empty);
    }
    Err(match range {
        Some(_) => RevisionError::NoVersion { revision: excerpt(revision), tags: tags().count() },
        None => RevisionError::NotFound { revision: excerpt(revision) },
    })
}

/// The commit of a name as `git fetch URL NAME` takes it: a tag comes before a branch of the same name. `None` for what is no name.
///
/// **Source**: git's `ref_rev_parse_rules`.
pub fn resolve_name(refs: &Refs, name: &str) -> Option<Resolved> {
    let full =
        [name.to_owned(), format!("refs/{name}"), format!("refs/tags/{name}"), format!("refs/heads/{name}")];
    let found = full.into_iter().find_map(|full| refs.by_name.get_key_value(&full));
    found.map(|(full, commit)| Resolved { commit: commit.clone(), name: Some(full.clone()) })
}

#[cfg(test)]
mod tests;
