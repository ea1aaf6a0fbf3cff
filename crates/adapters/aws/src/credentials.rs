use jiff::Timestamp;
use net::Secret;

use crate::environment::Environment;
use crate::error::AwsError;
use crate::http::Http;
use crate::{container, profile, sts};

/// What signs a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Public name of the key.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: Secret,
    /// Belongs to keys that end.
    pub session_token: Option<Secret>,
    /// When they end, if they do.
    pub expires: Option<Timestamp>,
}

/// Those that the environment leads to.
///
/// **Source**: the default chain of the AWS SDK for Go (`config.resolveCredentialChain`): a profile that was asked for, keys, a web
/// identity, the profile of the environment, the container's. The machine's own role (instance metadata) is not asked: it is the
/// node's and not ours.
pub(crate) async fn find(
    env: &Environment,
    asked: &str,
    region: &sts::Region,
    http: &Http,
    now: Timestamp,
) -> Result<Credentials, AwsError> {
    if !asked.is_empty() {
        return profile::credentials(env, asked, region, http, now).await?.ok_or_else(|| {
            AwsError::Settings(format!("the AWS profile {asked:?} has neither keys nor a role"))
        });
    }
    if let (Some(id), Some(key)) = (env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")) {
        return Ok(Credentials {
            access_key_id: id.to_owned(),
            secret_access_key: Secret::new(key),
            session_token: env.get("AWS_SESSION_TOKEN").map(Secret::new),
            expires: None,
        });
    }
    if let Some(file) = env.get("AWS_WEB_IDENTITY_TOKEN_FILE") {
        let role = env.get("AWS_ROLE_ARN").ok_or_else(|| {
            AwsError::Settings("AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not".to_owned())
        })?;
        return sts::assume_with_web_identity(env, region, http, role, file, now).await;
    }
    let by_default = env.get("AWS_PROFILE").unwrap_or("default");
    match profile::credentials(env, by_default, region, http, now).await {
        Ok(Some(found)) => return Ok(found),
        // Nobody has asked for a file, so none has to be there.
        Err(error) if env.get("AWS_PROFILE").is_some() => return Err(error),
        Ok(None) | Err(_) => {}
    }
    container::credentials(env, http).await?.ok_or(AwsError::NoCredentials)
}
