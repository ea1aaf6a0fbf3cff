//! The build environment: variables that a source's parameters may name.

use std::collections::BTreeMap;

/// Values that parameters, value files and annotations may refer to as `$NAME` or `${NAME}`.
///
/// **Source**: Argo CD 3, "Build Environment"; expansion as Go's `os.Expand`, with `$$` for a dollar sign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    values: BTreeMap<&'static str, String>,
}

/// What the environment is made of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// Name of the application, as tracked (`namespace_name` outside the controller's namespace).
    pub application: &'a str,
    /// `spec.destination.namespace`.
    pub namespace: &'a str,
    /// `spec.project`.
    pub project: &'a str,
    /// Commit, chart version or digest.
    pub revision: &'a str,
    /// `source.path`.
    pub path: &'a str,
    /// `source.repoURL`.
    pub repo_url: &'a str,
    /// `source.targetRevision`.
    pub target_revision: &'a str,
    /// Version of the destination, without `v`.
    pub kube_version: &'a str,
    /// What the destination serves, as `group/version` and `group/version/Kind`.
    pub api_versions: &'a [String],
}

/// Variables whose value is another one at each commit.
const OF_THE_REVISION: [&str; 3] =
    ["ARGOCD_APP_REVISION", "ARGOCD_APP_REVISION_SHORT", "ARGOCD_APP_REVISION_SHORT_8"];

/// A text with its variables filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expanded {
    /// The text.
    pub text: String,
    /// Whether it depends on the commit. What is rendered from it is no other commit's then.
    pub of_the_revision: bool,
}

impl Environment {
    /// The variables of one source.
    pub fn new(facts: &Facts<'_>) -> Self {
        let short = |length: usize| facts.revision.get(..length).unwrap_or(facts.revision).to_owned();
        let values = BTreeMap::from([
            ("ARGOCD_APP_NAME", facts.application.to_owned()),
            ("ARGOCD_APP_NAMESPACE", facts.namespace.to_owned()),
            ("ARGOCD_APP_PROJECT_NAME", facts.project.to_owned()),
            ("ARGOCD_APP_REVISION", facts.revision.to_owned()),
            ("ARGOCD_APP_REVISION_SHORT", short(7)),
            ("ARGOCD_APP_REVISION_SHORT_8", short(8)),
            ("ARGOCD_APP_SOURCE_PATH", facts.path.to_owned()),
            ("ARGOCD_APP_SOURCE_REPO_URL", facts.repo_url.to_owned()),
            ("ARGOCD_APP_SOURCE_TARGET_REVISION", facts.target_revision.to_owned()),
            ("KUBE_VERSION", facts.kube_version.to_owned()),
            ("KUBE_API_VERSIONS", facts.api_versions.join(",")),
        ]);
        Self { values }
    }

    /// The variables of the source that is rendered.
    pub(crate) fn of(request: &crate::Request<'_>) -> Self {
        let context = request.context;
        let api::ApplicationSource { repo_url, path, target_revision, .. } = request.source;
        Self::new(&Facts {
            application: request.application,
            namespace: &context.namespace,
            project: &context.project,
            revision: &context.revision,
            path,
            repo_url,
            target_revision,
            kube_version: context.kube_version.trim_start_matches('v'),
            api_versions: &context.api_versions,
        })
    }

    /// The variables, by name.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.values.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Fills in the variables of a text; one that is not known is empty.
    pub fn expand(&self, text: &str) -> Expanded {
        let mut expanded = Expanded { text: String::with_capacity(text.len()), of_the_revision: false };
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            expanded.text.push_str(before);
            let (name, left) = split_name(after);
            rest = left;
            match name {
                // A dollar sign that names nothing is one.
                Name::None => expanded.text.push('$'),
                Name::Broken => {}
                Name::Is("$") => expanded.text.push('$'),
                Name::Is(name) => {
                    expanded.of_the_revision |= OF_THE_REVISION.contains(&name);
                    expanded.text.push_str(self.values.get(name).map_or("", String::as_str));
                }
            }
        }
        expanded.text.push_str(rest);
        expanded
    }
}

enum Name<'a> {
    None,
    /// `${}` and `${` without an end: both vanish, as in Go.
    Broken,
    Is(&'a str),
}

/// The name at the start of what follows a dollar sign, and the text behind it.
fn split_name(text: &str) -> (Name<'_>, &str) {
    let special = |c: char| matches!(c, '*' | '#' | '$' | '@' | '!' | '?' | '-' | '0'..='9');
    if let Some(inner) = text.strip_prefix('{') {
        return match inner.split_once('}') {
            Some(("", rest)) => (Name::Broken, rest),
            Some((name, rest)) => (Name::Is(name), rest),
            None => (Name::Broken, inner),
        };
    }
    let mut end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    if text.starts_with(special) {
        end = 1;
    }
    match text.split_at_checked(end) {
        Some(("", rest)) => (Name::None, rest),
        Some((name, rest)) => (Name::Is(name), rest),
        None => (Name::None, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_as_go_does() {
        let environment = Environment::new(&Facts {
            application: "web",
            revision: "0123456789abcdef",
            namespace: "shop",
            ..Facts::default()
        });
        // Recorded from os.Expand, with `$$` for a dollar sign.
        let rows = [
            ("plain", "plain"),
            ("$ARGOCD_APP_NAME", "web"),
            ("${ARGOCD_APP_NAME}-x", "web-x"),
            ("a$ARGOCD_APP_NAME.b", "aweb.b"),
            ("$ARGOCD_APP_NAMEx", ""),
            ("$$ARGOCD_APP_NAME", "$ARGOCD_APP_NAME"),
            ("$UNKNOWN!", "!"),
            ("a ${} b", "a  b"),
            ("a ${ b", "a  b"),
            ("cost: 5$", "cost: 5$"),
            ("$ {x}", "$ {x}"),
            ("$1x", "x"),
            ("${*}y", "y"),
            ("é$ARGOCD_APP_NAMESPACE é", "éshop é"),
        ];
        for (text, expected) in rows {
            assert_eq!(environment.expand(text).text, expected, "{text}");
        }
    }

    #[test]
    fn what_depends_on_the_commit_is_known() {
        let environment = Environment::new(&Facts { revision: "0123456789abcdef", ..Facts::default() });
        let short = environment.expand("v-$ARGOCD_APP_REVISION_SHORT");
        assert_eq!((short.text.as_str(), short.of_the_revision), ("v-0123456", true));
        assert!(!environment.expand("$ARGOCD_APP_NAME").of_the_revision);
    }
}
