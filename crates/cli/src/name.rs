//! The name of an Application, as typed.

use std::fmt;

use crate::failure::Failure;

/// Longest name of a Kubernetes object, in bytes.
const LONGEST: usize = 253;

/// A name and its namespace, both of a form that can stand in a URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AppName {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl AppName {
    /// Reads `name` or `namespace/name`; without either, the namespace is what the server takes. **Errors**: a form that no object can
    /// have, as misuse.
    pub(crate) fn parse(text: &str, namespace: &str) -> Result<Self, Failure> {
        let (namespace, name) = text.split_once('/').unwrap_or((namespace, text));
        let unsaid = namespace.is_empty() && !text.contains('/');
        for part in [namespace, name].into_iter().skip(usize::from(unsaid)) {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
            let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            let ends = ends(part.chars().next()) && ends(part.chars().last());
            if part.len() > LONGEST || !ends || !part.chars().all(fits) {
                let what = format!("{text:?} is no name of an application");
                return Err(Failure::invalid(what)
                    .cause("a name has lower case letters, digits, '-' and '.'; a namespace goes before it with a slash"));
            }
        }
        Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => f.write_str(&self.name),
            namespace => write!(f, "{namespace}/{}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_lead_elsewhere() {
        for (text, expected) in [
            ("api", Some("argocd/api")),
            ("team/api.v2", Some("team/api.v2")),
            ("../secrets/x", None),
            ("..", None),
            ("Api", None),
            ("a b", None),
            ("a/b/c", None),
            ("a?x=y", None),
            ("", None),
        ] {
            assert_eq!(
                AppName::parse(text, "argocd").ok().map(|n| n.to_string()).as_deref(),
                expected,
                "{text:?}"
            );
        }
    }
}
