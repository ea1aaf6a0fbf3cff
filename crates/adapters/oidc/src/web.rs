//! Questions to a provider, bounded in time and bytes.

use std::time::Duration;

use net::{Proxies, chain, excerpt};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode, tls};

use crate::config::Config;
use crate::error::Error;

/// Longest answer, in bytes.
const ANSWER_BYTES: usize = 1 << 20;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take in all.
const ANSWER: Duration = Duration::from_secs(10);

/// An answer, whatever its status is.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Its content type, without parameters, in small letters.
    pub(crate) kind: String,
    pub(crate) body: Vec<u8>,
}

/// A client that follows no redirection: where the provider is, is said by whoever configured it and by nobody on the way.
pub(crate) fn client(config: &Config, proxies: &Proxies) -> Result<Client, String> {
    let mut builder = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .user_agent("capstan")
        .connect_timeout(CONNECT)
        .timeout(ANSWER)
        .tls_version_min(tls::Version::TLS_1_2)
        .tls_danger_accept_invalid_certs(config.insecure)
        .pool_max_idle_per_host(2);
    for way in proxies.ways(None)? {
        builder = builder.proxy(way);
    }
    if !config.root_ca.is_empty() {
        builder = builder.tls_certs_only(net::certificates(&config.root_ca)?);
    }
    builder.build().map_err(|error| format!("a client cannot be made: {}", excerpt(&chain(&error))))
}

pub(crate) async fn ask(request: RequestBuilder, what: &'static str) -> Result<Answer, Error> {
    let broken =
        |error: reqwest::Error| Error::Unavailable { what, detail: excerpt(&chain(&error.without_url())) };
    let mut response = request.send().await.map_err(broken)?;
    let kind = response.headers().get(reqwest::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
    let status = response.status();
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(broken)? {
        if body.len() + piece.len() > ANSWER_BYTES {
            return Err(Error::Protocol { what, detail: "it is larger than 1 MiB".to_owned() });
        }
        body.extend_from_slice(&piece);
    }
    Ok(Answer { status, kind, body })
}

/// The body of an answer that is a good one.
pub(crate) async fn get(client: &Client, url: &str, what: &'static str) -> Result<Vec<u8>, Error> {
    let answer = ask(client.get(url).header(reqwest::header::ACCEPT, "application/json"), what).await?;
    if answer.status != StatusCode::OK {
        return Err(Error::Unavailable {
            what,
            detail: format!("it answers with {}", answer.status.as_u16()),
        });
    }
    Ok(answer.body)
}
