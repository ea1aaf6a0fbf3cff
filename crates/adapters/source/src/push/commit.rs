//! The text of a commit, and who is named in it.

use super::NewCommit;
use gix::ObjectId;
use std::fmt;

/// Longest message with its trailers, in bytes.
const MESSAGE_BYTES: usize = 64 << 10;

/// Longest name or address, in bytes.
const PERSON_BYTES: usize = 512;

/// Somebody with a name and an address, as commits know people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    name: String,
    email: String,
}

/// A text that is not `Name <address>`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{shown}' is not of the form 'Name <address>': {problem}")]
pub struct PersonError {
    shown: String,
    problem: &'static str,
}

impl Person {
    /// Takes a name and an address.
    ///
    /// **Errors**: one of them is empty, long, or has a character that would end it in a commit (`<`, `>`, control characters).
    pub fn new(name: &str, email: &str) -> Result<Self, PersonError> {
        let (name, email) = (name.trim(), email.trim());
        let wrong = |problem| PersonError { shown: net::excerpt(&format!("{name} <{email}>")), problem };
        for part in [name, email] {
            if part.is_empty() {
                return Err(wrong("a part of it is empty"));
            }
            if part.len() > PERSON_BYTES {
                return Err(wrong("it is longer than 512 bytes"));
            }
            if part.contains(['<', '>']) || part.chars().any(char::is_control) {
                return Err(wrong("it has a character that none can have"));
            }
        }
        Ok(Self { name: name.to_owned(), email: email.to_owned() })
    }

    /// Reads `Name <address>`.
    ///
    /// **Errors**: as for [`Person::new`], and where there is no address in angle brackets at the end.
    pub fn parse(text: &str) -> Result<Self, PersonError> {
        let parts = text.trim().strip_suffix('>').and_then(|text| text.split_once('<'));
        match parts {
            Some((name, email)) => Self::new(name, email),
            None => Err(PersonError {
                shown: net::excerpt(text),
                problem: "there is no address in angle brackets",
            }),
        }
    }
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <{}>", self.name, self.email)
    }
}

/// The full name of a branch.
pub(super) fn branch_name(branch: &str) -> Result<String, String> {
    let name = format!("refs/heads/{}", branch.strip_prefix("refs/heads/").unwrap_or(branch));
    match gix::refs::FullName::try_from(name.as_str()) {
        Ok(_) if !branch.starts_with('-') => Ok(name),
        Ok(_) | Err(_) => Err(format!("'{}' is no name of a branch", net::excerpt(branch))),
    }
}

/// A commit object's text.
pub(super) fn encode(
    commit: &NewCommit,
    tree: &ObjectId,
    parent: Option<&ObjectId>,
) -> Result<Vec<u8>, String> {
    let message = message(commit)?;
    let parent = parent.map_or_else(String::new, |parent| format!("parent {parent}\n"));
    let (author, committer, time) = (&commit.author, &commit.committer, commit.time);
    let head =
        format!("tree {tree}\n{parent}author {author} {time} +0000\ncommitter {committer} {time} +0000\n\n");
    Ok((head + &message).into_bytes())
}

fn message(commit: &NewCommit) -> Result<String, String> {
    let mut text = commit.message.trim().replace("\r\n", "\n");
    if text.is_empty() {
        return Err("a commit needs a message".to_owned());
    }
    text.push('\n');
    for (n, (key, value)) in commit.trailers.iter().enumerate() {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if key.is_empty() || !key.chars().all(word) || value.contains('\n') {
            return Err(format!("'{}' is no trailer of a commit", net::excerpt(&format!("{key}: {value}"))));
        }
        let gap = if n == 0 { "\n" } else { "" };
        text.push_str(&format!("{gap}{key}: {}\n", value.trim()));
    }
    if text.len() > MESSAGE_BYTES {
        return Err(format!("a commit's message is longer than {MESSAGE_BYTES} bytes"));
    }
    if text.contains('\0') {
        return Err("a commit's message has a NUL".to_owned());
    }
    Ok(text)
}
