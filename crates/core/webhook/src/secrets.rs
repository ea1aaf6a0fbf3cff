use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256, Sha512};

use crate::Provider;

/// What providers prove themselves with; a provider without one is believed, as in the peer.
#[derive(Clone, Default)]
pub struct Secrets {
    github: Vec<u8>,
    gitlab: Vec<u8>,
    bitbucket: Vec<u8>,
    bitbucket_server: Vec<u8>,
    gogs: Vec<u8>,
    harbor: Vec<u8>,
    azure_user: Vec<u8>,
    azure_password: Vec<u8>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// `look_up` gives entries of `argocd-secret` by their key, and of other Secrets by `name:key`. A value `$key` or `$name:key` stands for
    /// another entry.
    pub fn new<'a>(look_up: impl Fn(&str) -> Option<&'a [u8]>) -> Self {
        let entry = |key: &str| {
            let own = look_up(key).unwrap_or_default();
            let referred = std::str::from_utf8(own).ok().and_then(|text| text.strip_prefix('$'));
            let value = referred.and_then(&look_up);
            // One that refers to nothing stays what it is: it must not become one that everybody knows.
            value.filter(|value| !value.is_empty()).unwrap_or(own).to_vec()
        };
        Self {
            github: entry("webhook.github.secret"),
            gitlab: entry("webhook.gitlab.secret"),
            bitbucket: entry("webhook.bitbucket.uuid"),
            bitbucket_server: entry("webhook.bitbucketserver.secret"),
            gogs: entry("webhook.gogs.secret"),
            harbor: entry("webhook.harbor.secret"),
            azure_user: entry("webhook.azuredevops.username"),
            azure_password: entry("webhook.azuredevops.password"),
        }
    }

    /// Whether a message shows that it comes from where it says.
    pub(crate) fn prove<'a>(
        &self,
        provider: Provider,
        header: &impl Fn(&str) -> Option<&'a str>,
        body: &[u8],
    ) -> bool {
        let shown = |name: &str| header(name).unwrap_or_default();
        match provider {
            Provider::GitHub => signed(&self.github, shown("x-hub-signature-256"), body),
            Provider::Gogs => signed(&self.gogs, shown("x-gogs-signature"), body),
            Provider::BitbucketServer => {
                // A ping of its diagnostics has no signature and says nothing.
                header("x-event-key") == Some("diagnostics:ping")
                    || signed(&self.bitbucket_server, shown("x-hub-signature"), body)
            }
            Provider::GitLab => same(&self.gitlab, shown("x-gitlab-token").as_bytes()),
            Provider::Bitbucket => same(&self.bitbucket, shown("x-hook-uuid").as_bytes()),
            Provider::Harbor => same(&self.harbor, shown("authorization").as_bytes()),
            Provider::AzureDevOps => {
                self.azure_user.is_empty() && self.azure_password.is_empty() || {
                    let basic = shown("authorization").strip_prefix("Basic ").unwrap_or_default();
                    let basic = STANDARD.decode(basic).unwrap_or_default();
                    let expected = [self.azure_user.as_slice(), b":", &self.azure_password].concat();
                    same(&expected, &basic)
                }
            }
        }
    }
}

/// Whether a hexadecimal HMAC is the one of the body.
fn signed(secret: &[u8], signature: &str, body: &[u8]) -> bool {
    if secret.is_empty() {
        return true;
    }
    let signature = signature.strip_prefix("sha256=").unwrap_or(signature);
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return false };
    mac.update(body);
    bytes_of(signature).is_some_and(|signature| mac.verify_slice(&signature).is_ok())
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| u8::try_from(digit(*pair.first()?)? * 16 + digit(*pair.get(1)?)?).ok()).collect()
}

/// Whether they are equal, in a time that does not tell where they differ.
fn same(secret: &[u8], shown: &[u8]) -> bool {
    let unequal =
        Sha512::digest(secret).iter().zip(Sha512::digest(shown)).fold(0, |all, (a, b)| all | (a ^ b));
    secret.is_empty() || unequal == 0
}
