//! The service accounts that syncs run as.

use crate::DestinationServiceAccount;
use crate::glob::{Dialect, Glob};

/// What may not be in the name of an account: it would be a pattern.
const FORBIDDEN: [char; 8] = ['!', '*', '[', ']', '{', '}', '\\', '/'];

/// A rule that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// A pattern.
    #[error("invalid glob pattern for destination {field}: {pattern:?}: {problem}")]
    Pattern {
        /// `server` or `namespace`.
        field: &'static str,
        /// As it is written.
        pattern: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The account.
    #[error("default service account contains invalid chars '{0}'")]
    Account(String),
}

/// A project's `destinationServiceAccounts`, ready to be asked.
#[derive(Debug, Clone)]
pub struct ServiceAccounts(Vec<Rule>);

#[derive(Debug, Clone)]
struct Rule {
    server: Glob,
    namespace: Glob,
    account: String,
}

impl ServiceAccounts {
    /// Compiles the rules.
    pub fn new(rules: &[DestinationServiceAccount]) -> Self {
        let rules = rules.iter().map(|rule| Rule {
            server: Glob::new(&rule.server, Dialect::Text),
            namespace: Glob::new(&rule.namespace, Dialect::Text),
            account: rule.default_service_account.clone(),
        });
        Self(rules.collect())
    }

    /// The user that a sync to a destination runs as: `system:serviceaccount:NAMESPACE:NAME`; `None` where no rule is for it.
    ///
    /// **Shape**: the first rule whose server (the cluster's URL) and namespace match. An account without a namespace of its own is of
    /// the destination's, or of the Application's where that has none. **Errors**: a pattern that cannot be read, in any rule up to the
    /// one that matches; an account that is empty or a pattern. **Source**: the peer's `DeriveServiceAccountToImpersonate`.
    pub fn user(
        &self,
        server: &str,
        namespace: &str,
        application_namespace: &str,
    ) -> Result<Option<String>, AccountError> {
        let matches = |field: &'static str, glob: &Glob, text: &str| match glob.problem() {
            Some(problem) => Err(AccountError::Pattern {
                field,
                pattern: glob.pattern().to_owned(),
                problem: problem.to_owned(),
            }),
            None => Ok(glob.matches(text)),
        };
        for rule in &self.0 {
            let server = matches("server", &rule.server, server)?;
            if !(matches("namespace", &rule.namespace, namespace)? && server) {
                continue;
            }
            let account = rule.account.as_str();
            if account.trim_matches(' ').is_empty() || account.contains(FORBIDDEN) {
                return Err(AccountError::Account(account.to_owned()));
            }
            let home = if namespace.is_empty() { application_namespace } else { namespace };
            return Ok(Some(match account.contains(':') {
                true => format!("system:serviceaccount:{account}"),
                false => format!("system:serviceaccount:{home}:{account}"),
            }));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_rule_that_matches_counts() {
        let rules = json!([
            {"server": "https://a", "namespace": "prod-*", "defaultServiceAccount": "deployer"},
            {"server": "https://a", "namespace": "{x,y}", "defaultServiceAccount": "ops:shared"},
            {"server": "https://b", "defaultServiceAccount": "cluster"},
            {"server": "*", "namespace": "bad", "defaultServiceAccount": "d*"},
            {"server": "*", "namespace": "none", "defaultServiceAccount": " "},
            {"server": "https://c", "namespace": "*", "defaultServiceAccount": "all"},
            {"server": "[", "namespace": "*", "defaultServiceAccount": "never"},
        ]);
        let accounts = ServiceAccounts::new(&serde_json::from_value::<Vec<_>>(rules).unwrap());
        for (server, namespace, expected) in [
            ("https://a", "prod-1", Ok(Some("system:serviceaccount:prod-1:deployer"))),
            ("https://a", "y", Ok(Some("system:serviceaccount:ops:shared"))),
            ("https://b", "", Ok(Some("system:serviceaccount:team:cluster"))),
            ("https://c", "z", Ok(Some("system:serviceaccount:z:all"))),
            ("https://c", "bad", Err("default service account contains invalid chars 'd*'")),
            ("https://c", "none", Err("default service account contains invalid chars ' '")),
            (
                "https://b",
                "z",
                Err("invalid glob pattern for destination server: \"[\": a class that does not end"),
            ),
        ] {
            let found = accounts.user(server, namespace, "team").map_err(|error| error.to_string());
            let expected = expected.map(|user| user.map(str::to_owned)).map_err(str::to_owned);
            assert_eq!(found, expected, "{server} {namespace}");
        }
        assert_eq!(ServiceAccounts::new(&[]).user("https://a", "x", "team"), Ok(None));
    }
}
