use std::time::Duration;

use net::{Proxies, chain, excerpt};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};

use crate::error::AwsError;

/// How long a connection may take until it is there.
const CONNECT: Duration = Duration::from_secs(10);
/// How long one answer may take, all in all.
const WHOLE: Duration = Duration::from_secs(30);
/// Bytes of one answer.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// Clients: one on the ways out, one for what is beside us.
pub(crate) struct Http {
    /// For services of AWS.
    pub(crate) far: Client,
    /// For the agent of the node.
    pub(crate) near: Client,
}

impl Http {
    pub(crate) fn new(proxies: &Proxies) -> Result<Self, AwsError> {
        let unusable =
            |why: String| AwsError::Settings(format!("no client for AWS can be made: {}", excerpt(&why)));
        let builder = || {
            let plain = Client::builder().redirect(Policy::none()).no_proxy().user_agent("capstan");
            plain.connect_timeout(CONNECT).timeout(WHOLE)
        };
        let mut far = builder();
        for way in proxies.ways(None).map_err(unusable)? {
            far = far.proxy(way);
        }
        let made = |builder: reqwest::ClientBuilder| builder.build().map_err(|error| unusable(chain(&error)));
        Ok(Self { far: made(far)?, near: made(builder())? })
    }
}

/// Sends a request and reads its whole answer.
pub(crate) async fn send(request: RequestBuilder, what: &str) -> Result<(StatusCode, String), AwsError> {
    let refused = |why: String| AwsError::Refused { what: what.to_owned(), why: excerpt(&why) };
    let broken = |error: reqwest::Error| refused(chain(&error.without_url()));
    let mut response = request.send().await.map_err(broken)?;
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(broken)? {
        if body.len() + piece.len() > MAX_ANSWER_BYTES {
            return Err(refused(format!("the answer is larger than {MAX_ANSWER_BYTES} bytes")));
        }
        body.extend_from_slice(&piece);
    }
    let text = String::from_utf8(body).map_err(|_| refused("the answer is not UTF-8".to_owned()))?;
    Ok((response.status(), text))
}
