//! Git's smart HTTP over `reqwest`, on our terms: credentials to one server only, time and bytes bounded, errors told apart.

use crate::call::{Call, Metered};
use crate::error::SourceError;
use crate::remote::Remote;
use crate::sources::Timeouts;
use crate::url::{RepoUrl, Scheme};
use gix_transport::Service;
use gix_transport::client::blocking_io::http::{
    GetResponse, Http, PostBodyDataKind, PostResponse, Transport,
};
use net::{Proxies, Proxy, chain};
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{StatusCode, Url, redirect::Policy, tls};
use std::io::{self, BufReader, Cursor, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often a server may send us on before the first answer.
const REDIRECTS: usize = 5;

/// Who we are to servers of pushes.
const AGENT: &str = concat!("User-Agent: git/capstan-", env!("CARGO_PKG_VERSION"));

/// How much of a server's error page is read for the message.
const ERROR_PAGE_BYTES: u64 = 2048;

type GixResult<T> = Result<T, gix::Error>;

/// A client for one set of trust and proxy settings; it holds connections open between polls.
pub(crate) fn client(remote: &Remote, timeouts: &Timeouts, proxies: &Proxies) -> Result<Client, SourceError> {
    let refuse = |reason: String| SourceError::Refused { repo: remote.url.clone(), reason };
    let credentials = &remote.credentials;
    let mut builder = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(timeouts.connect)
        .timeout(timeouts.idle)
        .https_only(remote.url.scheme() == Scheme::Https)
        .tls_version_min(tls::Version::TLS_1_2)
        .tls_danger_accept_invalid_certs(credentials.insecure)
        .pool_max_idle_per_host(1);
    let own = (credentials.proxy.clone()).map(|url| Proxy { url, no_proxy: credentials.no_proxy.clone() });
    for way in proxies.ways(own.as_ref()).map_err(refuse)? {
        builder = builder.proxy(way);
    }
    if let Some(pem) = credentials.ca_certs.get(remote.url.host()) {
        builder = builder.tls_certs_only(net::certificates(pem).map_err(refuse)?);
    }
    let (certificate, key) = (credentials.tls_client_cert.as_deref(), credentials.tls_client_key.as_ref());
    if let Some(own) = net::identity(certificate, key).map_err(refuse)? {
        builder = builder.identity(own);
    }
    builder.build().map_err(|error| refuse(format!("cannot make a client: {}", chain(&error))))
}

/// A transport for one conversation.
pub(crate) fn transport(
    remote: &Remote,
    client: Client,
    call: &Arc<Call>,
) -> Result<Transport<GitHttp>, SourceError> {
    let url = remote.url.connect_form();
    let parsed = gix::url::parse(url.as_str()).map_err(|_| SourceError::Refused {
        repo: remote.url.clone(),
        reason: "the URL cannot be used".to_owned(),
    })?;
    let http = GitHttp::new(remote, client, call, Service::UploadPack)?;
    Ok(Transport::new_http(http, parsed, gix_transport::Protocol::V2, false))
}

fn authorization(remote: &Remote) -> Result<Option<HeaderValue>, SourceError> {
    let credentials = &remote.credentials;
    let name = credentials.username.as_deref().filter(|name| !name.is_empty()).or(remote.url.user.as_deref());
    let text = match (&credentials.bearer_token, &credentials.password) {
        (Some(token), _) => format!("Bearer {}", token.expose()),
        (None, Some(password)) => basic(name.unwrap_or("git"), password.expose()),
        (None, None) => return Ok(None),
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| SourceError::Refused {
        repo: remote.url.clone(),
        reason: "the credentials have a character that no header can carry".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", base64(format!("{name}:{password}").as_bytes()))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |bits: u32| char::from(DIGITS.get((bits & 63) as usize).copied().unwrap_or(b'='));
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        out.extend([digit(bits >> 18), digit(bits >> 12)]);
        out.push(if three.len() > 1 { digit(bits >> 6) } else { '=' });
        out.push(if three.len() > 2 { digit(bits) } else { '=' });
    }
    out
}

/// A conversation with `receive-pack`: its offer, then one request.
pub(crate) struct ReceivePack {
    http: GitHttp,
    base: String,
}

impl ReceivePack {
    /// Asks for the offer, to be read from what comes second.
    pub(crate) fn open(
        remote: &Remote,
        client: Client,
        call: &Arc<Call>,
    ) -> Result<(Self, impl Read + use<>), SourceError> {
        let mut http = GitHttp::new(remote, client, call, Service::ReceivePack)?;
        let base = format!("{}/", remote.url.connect_form());
        let url = format!("{base}info/refs?service={}", Service::ReceivePack.as_str());
        let GetResponse { headers, body } =
            http.get(&url, &base, [AGENT]).map_err(|error| call.explain(&error))?;
        if !has_type(headers.get_ref(), Service::ReceivePack, "advertisement") {
            let detail = "it does not take pushes in the way of git's smart http".to_owned();
            return Err(SourceError::Protocol { repo: remote.url.clone(), detail });
        }
        Ok((Self { base: http.moved.clone().unwrap_or(base), http }, body))
    }

    /// Sends the request; the answer's body.
    pub(crate) fn post(&mut self, bytes: Vec<u8>) -> io::Result<impl Read + use<>> {
        self.http.call.check_time()?;
        let name = Service::ReceivePack.as_str();
        let headers = [
            AGENT.to_owned(),
            format!("Content-Type: application/x-{name}-request"),
            format!("Accept: application/x-{name}-result"),
        ];
        let request = self.http.prepare(self.http.client.post(format!("{}{name}", self.base)), headers);
        let shared = Arc::new(Mutex::new(Post { request: Some(request), body: bytes }));
        Ok(body(Body::Posting(shared, Arc::clone(&self.http.call), Service::ReceivePack)))
    }
}

fn has_type(headers: &[u8], service: Service, what: &str) -> bool {
    String::from_utf8_lossy(headers).contains(&format!("application/x-{}-{what}", service.as_str()))
}

/// Our side of gix's HTTP.
pub(crate) struct GitHttp {
    client: Client,
    authorization: Option<HeaderValue>,
    service: Service,
    call: Arc<Call>,
    /// Where the server sent us to, for the requests that follow.
    moved: Option<String>,
}

impl GitHttp {
    fn new(remote: &Remote, client: Client, call: &Arc<Call>, service: Service) -> Result<Self, SourceError> {
        let authorization = authorization(remote)?;
        Ok(Self { client, authorization, service, call: Arc::clone(call), moved: None })
    }

    fn prepare(
        &self,
        mut request: RequestBuilder,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> RequestBuilder {
        for line in headers {
            if let Some((name, value)) = line.as_ref().split_once(':')
                && let (Ok(name), Ok(value)) =
                    (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value.trim()))
            {
                request = request.header(name, value);
            }
        }
        match &self.authorization {
            Some(value) => request.header(AUTHORIZATION, value.clone()),
            None => request,
        }
    }
}

impl Http for GitHttp {
    type Headers = Cursor<Vec<u8>>;
    type ResponseBody = BufReader<Body>;
    type PostBody = PostBody;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> GixResult<GetResponse<Self::Headers, Self::ResponseBody>> {
        let lines: Vec<String> = headers.into_iter().map(|line| line.as_ref().to_owned()).collect();
        let tail = url.strip_prefix(base_url).unwrap_or_default();
        let mut url = url.to_owned();
        for _ in 0..=REDIRECTS {
            self.call.check_time().map_err(gix::Error::from_error)?;
            let response = send(&self.call, self.prepare(self.client.get(&url), &lines))
                .map_err(gix::Error::from_error)?;
            if !response.status().is_redirection() {
                let response = judge(&self.call, response).map_err(gix::Error::from_error)?;
                let headers = Cursor::new(content_type(&response));
                return Ok(GetResponse {
                    headers,
                    body: body(Body::Got(Metered::new(response, Arc::clone(&self.call)))),
                });
            }
            url = next_url(&response, tail).map_err(|detail| {
                let error = SourceError::Refused { repo: self.call.repo.clone(), reason: detail };
                gix::Error::from_error(self.call.fail(error))
            })?;
            self.moved = url.strip_suffix(tail).map(str::to_owned);
        }
        let error = SourceError::Protocol {
            repo: self.call.repo.clone(),
            detail: "too many redirections".to_owned(),
        };
        Err(gix::Error::from_error(self.call.fail(error)))
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _body: PostBodyDataKind,
    ) -> GixResult<PostResponse<Self::Headers, Self::ResponseBody, Self::PostBody>> {
        self.call.check_time().map_err(gix::Error::from_error)?;
        let request = self.prepare(self.client.post(url), headers);
        // What is sent is a list of commits: it fits into memory, and goes out when the answer is first asked for.
        let shared = Arc::new(Mutex::new(Post { request: Some(request), body: Vec::new() }));
        let expected = format!("content-type: application/x-{}-result\n", self.service.as_str());
        Ok(PostResponse {
            post_body: PostBody(Arc::clone(&shared)),
            // The true one is not known before the request has gone; it is checked then.
            headers: Cursor::new(expected.into_bytes()),
            body: body(Body::Posting(shared, Arc::clone(&self.call), self.service)),
        })
    }

    fn configure(&mut self, _config: &dyn std::any::Any) -> GixResult<()> {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.moved.clone()
    }
}

/// A request whose body is still being written.
pub(crate) struct Post {
    request: Option<RequestBuilder>,
    body: Vec<u8>,
}

/// Takes the body of a request.
pub(crate) struct PostBody(Arc<Mutex<Post>>);

impl Write for PostBody {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).body.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An answer's body; that of a POST sends the request when it is first read.
pub(crate) enum Body {
    Got(Metered<Response>),
    Posting(Arc<Mutex<Post>>, Arc<Call>, Service),
}

fn body(body: Body) -> BufReader<Body> {
    BufReader::with_capacity(64 << 10, body)
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let (shared, call, service) = match self {
                Self::Got(response) => return response.read(buffer),
                Self::Posting(shared, call, service) => (shared, Arc::clone(call), *service),
            };
            let (request, bytes) = {
                let mut post = shared.lock().unwrap_or_else(PoisonError::into_inner);
                (post.request.take(), std::mem::take(&mut post.body))
            };
            let Some(request) = request else { return Err(io::Error::other("the request failed before")) };
            let response = judge(&call, send(&call, request.body(bytes))?)?;
            if !has_type(&content_type(&response), service, "result") {
                let detail = "the answer is not of git's content type".to_owned();
                return Err(call.fail(SourceError::Protocol { repo: call.repo.clone(), detail }));
            }
            *self = Self::Got(Metered::new(response, call));
        }
    }
}

fn send(call: &Call, request: RequestBuilder) -> io::Result<Response> {
    request.send().map_err(|error| {
        let detail = call.shown(&chain(&error.without_url()));
        let repo = call.repo.clone();
        call.fail(if detail.to_ascii_lowercase().contains("certificate") {
            SourceError::Untrusted { repo, detail }
        } else {
            SourceError::Unavailable { repo, detail, retry_after: None }
        })
    })
}

/// Lets a good answer through and tells the others apart.
fn judge(call: &Call, response: Response) -> io::Result<Response> {
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(response);
    }
    let repo = call.repo.clone();
    let challenge =
        response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let mut page = Vec::new();
    // What a server says in plain words helps; a page for a browser does not. A page that breaks off is as good as none.
    if content_type(&response).starts_with(b"content-type: text/plain")
        && response.take(ERROR_PAGE_BYTES).read_to_end(&mut page).is_err()
    {
        page.clear();
    }
    let page = String::from_utf8_lossy(&page);
    let said = [challenge.as_deref(), Some(&*page)]
        .into_iter()
        .flatten()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let detail = said.fold(format!("HTTP status {status}"), |detail, text| format!("{detail}: {text}"));
    let detail = call.shown(&detail);
    Err(call.fail(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            SourceError::Unauthorized { repo, detail }
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => SourceError::NotFound { repo, detail },
        status if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
            SourceError::Unavailable { repo, detail, retry_after: retry_after.map(Duration::from_secs) }
        }
        _ => SourceError::Protocol { repo, detail },
    }))
}

fn content_type(response: &Response) -> Vec<u8> {
    let value = response.headers().get(reqwest::header::CONTENT_TYPE);
    [b"content-type: ".as_slice(), value.map(HeaderValue::as_bytes).unwrap_or_default(), b"\n"].concat()
}

/// Where a redirection of `…/info/refs?…` leads: to the same server, at most from http to https, and to the same end.
fn next_url(response: &Response, tail: &str) -> Result<String, String> {
    let from = response.url();
    let location = response
        .headers()
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .ok_or("redirected to nowhere")?;
    let to = from.join(location).map_err(|_| "redirected to something that is no URL")?;
    let upgrade = from.scheme() == "http" && to.scheme() == "https" && to.port().is_none();
    let same = from.scheme() == to.scheme() && from.port_or_known_default() == to.port_or_known_default();
    if from.host_str() != to.host_str() || !(same || upgrade) {
        return Err(format!("redirected to another server ({}); name that one instead", origin(&to)));
    }
    let base = to.as_str().strip_suffix(tail).ok_or("redirected to something that is no repository")?;
    RepoUrl::parse(base).map_err(|error| format!("redirected: {error}"))?;
    Ok(to.into())
}

fn origin(url: &Url) -> String {
    net::excerpt(&format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn base64_is_padded() {
        let rows =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("u:p\u{fc}?>", "dTpww7w/Pg==")];
        for (text, expected) in rows {
            assert_eq!(super::base64(text.as_bytes()), expected);
        }
    }
}
