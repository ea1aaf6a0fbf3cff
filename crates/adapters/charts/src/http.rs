//! HTTP on our terms: time, bytes and redirections bounded, credentials to one server only, errors told apart.

use crate::error::{ChartError, named};
use crate::options::Options;
use crate::remote::Remote;
use crate::url::shown;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use net::{Proxy, Secret, chain, excerpt, without};
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use reqwest::{Client, Method, Response, StatusCode, Url, redirect::Policy, tls};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a server may send us on for one answer.
const REDIRECTS: usize = 5;

/// How much of a server's error page is read for the message.
const ERROR_PAGE_BYTES: usize = 2048;

/// How many clients with different trust and proxies are kept.
const CLIENTS: usize = 64;

/// How many repositories are counted by name.
const COUNTED: usize = 10_000;

/// What was asked of one repository's servers since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests, redirections and requests for tokens included.
    pub requests: u64,
    /// Answers that could not be had, whatever number of requests they took.
    pub failures: u64,
}

/// The way out for everything in this crate.
pub(crate) struct Http {
    pub(crate) options: Options,
    clients: Mutex<HashMap<[u8; 32], Client>>,
    counts: Mutex<BTreeMap<String, Counts>>,
}

/// One question to a server.
#[derive(Clone)]
pub(crate) struct Request<'a> {
    /// Whose trust, proxy and secrets these are.
    pub(crate) remote: &'a Remote,
    /// What errors call the place.
    pub(crate) name: &'a str,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// For the URL's own server; not sent where that leads to another.
    pub(crate) authorization: Option<HeaderValue>,
    /// Whether the client certificate is shown to the URL's own server.
    pub(crate) identity: bool,
}

impl<'a> Request<'a> {
    pub(crate) fn get(remote: &'a Remote, name: &'a str, url: Url) -> Self {
        Self {
            remote,
            name,
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            authorization: None,
            identity: false,
        }
    }

    /// Sends name, password and certificate along.
    pub(crate) fn trusted(mut self) -> Result<Self, ChartError> {
        self.authorization = basic(self.remote, self.name)?;
        self.identity = true;
        Ok(self)
    }

    /// With a header whose value is a text of a stranger or of ours; one that cannot be sent is left out.
    pub(crate) fn header(mut self, name: reqwest::header::HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(name, value);
        }
        self
    }

    /// A server's or library's text without our secrets.
    pub(crate) fn shown(&self, text: &str) -> String {
        // A server may repeat what it was sent.
        let sent = self.authorization.as_ref().and_then(|value| value.to_str().ok()?.split_once(' '));
        let sent = sent.map(|(_, sent)| Secret::new(sent));
        without(text, &self.remote.secrets().into_iter().chain(&sent).collect::<Vec<_>>())
    }

    pub(crate) fn protocol(&self, detail: impl Into<String>) -> ChartError {
        ChartError::Protocol { repo: self.name.to_owned(), detail: detail.into() }
    }
}

/// Name and password for the `Authorization` header.
pub(crate) fn basic(remote: &Remote, name: &str) -> Result<Option<HeaderValue>, ChartError> {
    let Some((user, password)) = remote.login() else { return Ok(None) };
    let text = STANDARD.encode(format!("{user}:{password}"));
    let mut value = HeaderValue::from_str(&format!("Basic {text}")).map_err(|_| ChartError::Refused {
        repo: name.to_owned(),
        reason: "the credentials cannot be sent in a header".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

impl Http {
    pub(crate) fn new(options: Options) -> Self {
        Self { options, clients: Mutex::default(), counts: Mutex::default() }
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, Counts> {
        lock(&self.counts).clone()
    }

    pub(crate) fn count(&self, name: &str, change: impl FnOnce(&mut Counts)) {
        let mut counts = lock(&self.counts);
        let name = if counts.len() < COUNTED || counts.contains_key(name) { name } else { "others" };
        change(counts.entry(name.to_owned()).or_default());
    }

    /// Sends a question and follows redirections. Any status may come back.
    pub(crate) async fn send(&self, request: &Request<'_>) -> Result<Response, ChartError> {
        let mut url = request.url.clone();
        for _ in 0..=REDIRECTS {
            self.permit(request, &url)?;
            let own = same_server(&request.url, &url);
            let client = self.client(request, &url, own && request.identity)?;
            let mut builder =
                client.request(request.method.clone(), url.clone()).headers(request.headers.clone());
            if let Some(value) = request.authorization.as_ref().filter(|_| own) {
                builder = builder.header(AUTHORIZATION, value);
            }
            self.count(request.name, |counts| counts.requests += 1);
            let response = builder.send().await.map_err(|error| broken(request, error))?;
            let status = response.status();
            if !status.is_redirection() || status == StatusCode::NOT_MODIFIED {
                return Ok(response);
            }
            url = next(&response).map_err(|detail| request.protocol(detail))?;
        }
        Err(request.protocol(format!("redirected more than {REDIRECTS} times")))
    }

    fn permit(&self, request: &Request<'_>, url: &Url) -> Result<(), ChartError> {
        let remote = request.remote;
        match url.scheme() {
            "https" => Ok(()),
            "http" if remote.allow_http || remote.force_http => Ok(()),
            "http" => Err(ChartError::Refused {
                repo: request.name.to_owned(),
                reason: format!(
                    "{} is plain http, which is used only where the repository's Secret has an http URL",
                    shown(url)
                ),
            }),
            other => Err(ChartError::Refused {
                repo: request.name.to_owned(),
                reason: format!("charts cannot be had by {}", excerpt(other)),
            }),
        }
    }

    /// A client for one set of trust and proxy settings; it holds connections open between questions.
    fn client(&self, request: &Request<'_>, url: &Url, identity: bool) -> Result<Client, ChartError> {
        let tls = &request.remote.tls;
        let host = url.host_str().unwrap_or_default();
        let ca = tls.ca_certs.get(host).or_else(|| tls.ca_certs.get(host.trim_matches(['[', ']'])));
        let proxy = request.remote.proxy.as_ref();
        let exposed = |secret: &Secret| secret.expose().to_owned();
        let key = (
            ca,
            identity.then(|| (&tls.client_cert, tls.client_key.as_ref().map(exposed))),
            tls.insecure,
            proxy.map(|proxy| (exposed(&proxy.url), &proxy.no_proxy)),
        );
        let key: [u8; 32] = Sha256::digest(format!("{key:?}")).into();
        if let Some(client) = lock(&self.clients).get(&key) {
            return Ok(client.clone());
        }
        let client = self.make(request, ca.map(String::as_str), identity, proxy)?;
        let mut clients = lock(&self.clients);
        if clients.len() >= CLIENTS {
            clients.clear();
        }
        clients.insert(key, client.clone());
        Ok(client)
    }

    fn make(
        &self,
        request: &Request<'_>,
        ca: Option<&str>,
        identity: bool,
        proxy: Option<&Proxy>,
    ) -> Result<Client, ChartError> {
        let refuse = |reason: String| ChartError::Refused { repo: request.name.to_owned(), reason };
        let (tls, timeouts) = (&request.remote.tls, &self.options.timeouts);
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .user_agent("capstan")
            .connect_timeout(timeouts.connect)
            .read_timeout(timeouts.idle)
            .tls_version_min(tls::Version::TLS_1_2)
            .tls_danger_accept_invalid_certs(tls.insecure)
            .pool_max_idle_per_host(2);
        for way in self.options.proxies.ways(proxy).map_err(refuse)? {
            builder = builder.proxy(way);
        }
        if let Some(pem) = ca {
            builder = builder.tls_certs_only(net::certificates(pem).map_err(refuse)?);
        }
        if identity
            && let Some(own) =
                net::identity(tls.client_cert.as_deref(), tls.client_key.as_ref()).map_err(refuse)?
        {
            builder = builder.identity(own);
        }
        builder
            .build()
            .map_err(|error| refuse(format!("cannot make a client: {}", request.shown(&chain(&error)))))
    }
}

/// Ends an answer that takes too long in all.
pub(crate) async fn within<T>(
    limit: Duration,
    name: &str,
    what: &'static str,
    answer: impl Future<Output = Result<T, ChartError>>,
) -> Result<T, ChartError> {
    match tokio::time::timeout(limit, answer).await {
        Ok(outcome) => outcome,
        Err(_) => Err(ChartError::TimedOut { repo: name.to_owned(), what, limit }),
    }
}

/// An answer's body as it was sent, of at most `limit` bytes; one that is announced as larger is not read at all.
pub(crate) async fn read(
    request: &Request<'_>,
    mut response: Response,
    what: &'static str,
    limit: u64,
) -> Result<Vec<u8>, ChartError> {
    let too_large = || too_large(request.name, what, limit);
    let announced = response.content_length();
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| broken(request, error))? {
        if body.len() as u64 + piece.len() as u64 > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// As [`read`], decompressed where the server says that it has compressed it; the limit holds before and after.
pub(crate) async fn read_text(
    request: &Request<'_>,
    response: Response,
    what: &'static str,
    limit: u64,
) -> Result<Vec<u8>, ChartError> {
    let encoding = response.headers().get(CONTENT_ENCODING).cloned();
    let body = read(request, response, what, limit).await?;
    match encoding.as_ref().map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Ok(body),
        Some(b"gzip" | b"x-gzip") => {
            let unpack = move || {
                let mut text = Vec::new();
                let decoder = flate2::read::MultiGzDecoder::new(body.as_slice());
                decoder.take(limit + 1).read_to_end(&mut text).map(|_| text)
            };
            let text = tokio::task::spawn_blocking(unpack).await;
            let text = text.map_err(|error| request.protocol(excerpt(&error.to_string())))?;
            let text =
                text.map_err(|_| request.protocol(format!("{what} is not the gzip that it should be")))?;
            if text.len() as u64 > limit {
                return Err(too_large(request.name, what, limit));
            }
            Ok(text)
        }
        Some(_) => Err(request.protocol(format!("{what} has an unknown content encoding"))),
    }
}

pub(crate) fn too_large(name: &str, what: &'static str, limit: u64) -> ChartError {
    ChartError::TooLarge { repo: name.to_owned(), what, limit, unit: "bytes" }
}

/// Why a connection gave nothing, or broke off.
fn broken(request: &Request<'_>, error: reqwest::Error) -> ChartError {
    let detail = request.shown(&chain(&error.without_url()));
    let repo = request.name.to_owned();
    if detail.to_ascii_lowercase().contains("certificate") {
        ChartError::Untrusted { repo, detail }
    } else {
        ChartError::Unavailable { repo, detail, retry_after: None }
    }
}

/// What an answer that is no good one means.
pub(crate) async fn refusal(request: &Request<'_>, response: Response) -> ChartError {
    let status = response.status();
    let repo = request.name.to_owned();
    let text = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let challenge = text(WWW_AUTHENTICATE).map(str::to_owned);
    let retry_after = text(RETRY_AFTER).and_then(|value| value.parse().ok()).map(Duration::from_secs);
    // What a server says in plain words helps; a page for a browser does not. A page that breaks off is as good as none.
    let kind = text(CONTENT_TYPE).unwrap_or_default();
    let wordy = kind.starts_with("text/plain") || kind.contains("json");
    let page = if wordy { start_of(response).await } else { String::new() };
    let said = [challenge.as_deref(), Some(&*page)].into_iter().flatten().map(str::trim);
    let detail = said
        .filter(|text| !text.is_empty())
        .fold(format!("HTTP status {status}"), |detail, text| format!("{detail}: {text}"));
    let detail = request.shown(&detail);
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            ChartError::Unauthorized { repo, detail }
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => ChartError::NotFound { repo, detail },
        status if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
            ChartError::Unavailable { repo, detail, retry_after }
        }
        _ => ChartError::Protocol { repo, detail },
    }
}

async fn start_of(mut response: Response) -> String {
    let mut page = Vec::new();
    while page.len() < ERROR_PAGE_BYTES {
        match response.chunk().await {
            Ok(Some(piece)) => page.extend_from_slice(&piece),
            Ok(None) => break,
            Err(_) => return String::new(),
        }
    }
    page.truncate(ERROR_PAGE_BYTES);
    String::from_utf8_lossy(&page).into_owned()
}

/// Where a redirection leads. Never from https to http, nor to another kind of address.
fn next(response: &Response) -> Result<Url, String> {
    let from = response.url();
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.ok_or("redirected to nowhere")?;
    let mut to = from.join(location).map_err(|_| "redirected to something that is no URL")?;
    // Nobody but us says who we are.
    crate::url::user_of(&mut to);
    match (from.scheme(), to.scheme()) {
        (_, "https") | ("http", "http") => Ok(to),
        (_, "http") => Err(format!("redirected from https to plain http ({})", shown(&to))),
        _ => Err("redirected to something that is not https".to_owned()),
    }
}

/// Whether what one may see, the other may: the same scheme, host and port, or the same host's https instead of http.
pub(crate) fn same_server(one: &Url, other: &Url) -> bool {
    let same = one.scheme() == other.scheme() && one.port_or_known_default() == other.port_or_known_default();
    let better = one.scheme() == "http" && other.scheme() == "https" && other.port().is_none();
    one.host_str() == other.host_str() && (same || better)
}

/// What errors call a repository.
pub(crate) fn name_of(remote: &Remote) -> String {
    named(&remote.url)
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
