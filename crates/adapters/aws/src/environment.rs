use std::collections::BTreeMap;

/// The variables that count.
///
/// **Source**: the AWS SDK for Go, which the peer's `argocd-k8s-auth` is made with.
const NAMES: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CONFIG_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_STS",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "HOME",
];

/// What the environment says of AWS.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Environment(BTreeMap<&'static str, String>);

impl Environment {
    /// Asks for each variable that counts; an empty one is absent.
    pub fn from_variables(read: impl Fn(&str) -> Option<String>) -> Self {
        let known = |name: &&'static str| Some((*name, read(name).filter(|value| !value.is_empty())?));
        Self(NAMES.iter().filter_map(known).collect())
    }

    /// The same with other values, as a program's own environment would have. Variables that do not count are passed over.
    #[must_use]
    pub fn with<'a>(&self, others: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut all = self.0.clone();
        for (name, value) in others {
            if let Some(name) = NAMES.iter().find(|known| **known == name) {
                all.insert(name, value.to_owned());
            }
        }
        Self(all)
    }

    /// One variable, if it is set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Names alone: there are keys among the values.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
