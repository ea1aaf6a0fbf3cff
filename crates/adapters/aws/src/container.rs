//! The identity of a pod (EKS pod identity) or of a task (ECS): an agent beside us hands out credentials.

use jiff::Timestamp;
use net::{Secret, excerpt};
use serde::Deserialize;

use crate::credentials::Credentials;
use crate::environment::Environment;
use crate::error::AwsError;
use crate::http::{Http, send};
use crate::profile::read_file;

/// Where plain http is spoken beside the machine itself: the agents of ECS and EKS.
const AGENTS: &[&str] =
    &["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "localhost", "127.0.0.1", "[::1]"];
const ECS: &str = "http://169.254.170.2";

/// `None` where the environment names no agent.
pub(crate) async fn credentials(env: &Environment, http: &Http) -> Result<Option<Credentials>, AwsError> {
    let relative = env.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map(|path| format!("{ECS}{path}"));
    let full = || env.get("AWS_CONTAINER_CREDENTIALS_FULL_URI").map(str::to_owned);
    let Some(url) = relative.or_else(full) else { return Ok(None) };
    let what = "AWS credentials of the pod";
    let refused = |why: &str| AwsError::Refused { what: what.to_owned(), why: excerpt(why) };
    let parsed =
        reqwest::Url::parse(&url).map_err(|_| refused("AWS_CONTAINER_CREDENTIALS_FULL_URI is no URL"))?;
    let beside_us = parsed.scheme() == "http" && parsed.host_str().is_some_and(|host| AGENTS.contains(&host));
    if !(beside_us || parsed.scheme() == "https") {
        return Err(refused("AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor the agent of the node"));
    }
    let mut request = if beside_us { &http.near } else { &http.far }.get(parsed);
    let token = match env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(path) => Some(read_file("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path).await?),
        None => env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(str::to_owned),
    };
    if let Some(token) = &token {
        request = request.header(reqwest::header::AUTHORIZATION, token.trim());
    }
    let (status, body) = send(request, what).await?;
    if !status.is_success() {
        let secret: Vec<Secret> = token.iter().map(|token| Secret::new(token.trim())).collect();
        let words = net::without(&body, &secret.iter().collect::<Vec<_>>());
        return Err(refused(&format!("{status}: {words}")));
    }
    // The error would repeat what it could not read.
    let answer: Answer =
        serde_json::from_str(&body).map_err(|_| refused("the answer has no credentials in it"))?;
    Ok(Some(Credentials {
        access_key_id: answer.access_key_id,
        secret_access_key: Secret::new(answer.secret_access_key),
        session_token: answer.token.map(Secret::new),
        expires: answer.expiration,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<Timestamp>,
}
