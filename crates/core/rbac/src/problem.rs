//! What is wrong with a policy.

use std::fmt;

/// Where a line stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A key of `argocd-rbac-cm` and the line in its text, counted from 1; 0 where the value as a whole is meant.
    Key {
        /// The key, like `policy.csv`.
        key: String,
        /// The line.
        line: usize,
    },
    /// A role of a project, and which of its policies or groups, counted from 1.
    Role {
        /// The project.
        project: String,
        /// The role.
        role: String,
        /// The entry.
        entry: usize,
    },
    /// The built-in policy.
    Builtin,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { key, line: 0 } => f.write_str(key),
            Self::Key { key, line } => write!(f, "{key}, line {line}"),
            Self::Role { project, role, entry } => write!(f, "project {project}, role {role}, entry {entry}"),
            Self::Builtin => f.write_str("built-in policy"),
        }
    }
}

/// What follows from a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// The line has no effect.
    Refused,
    /// The line cannot be read in full, and denies more than it says rather than less.
    DeniesAll,
    /// The line counts, and is likely not what was meant.
    Suspicious,
}

/// A line that is wrong. The others are kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it stands.
    pub place: Place,
    /// The line, as it was written.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
    /// What follows.
    pub weight: Weight,
}

/// `policy.csv, line 3: an effect is allow or deny: "p, a, b, c, d, Allow"`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {:?}", self.place, self.why, self.text)
    }
}
