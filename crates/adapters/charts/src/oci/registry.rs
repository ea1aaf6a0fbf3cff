//! Questions to one repository of a registry.

use super::challenge::{self, Challenge};
use super::manifest::{ACCEPT, Layer, Manifest};
use crate::digest::Digest;
use crate::error::ChartError;
use crate::http::{Http, Request, basic, lock, read, read_text, refusal, same_server, too_large};
use crate::remote::Remote;
use net::{Secret, excerpt};
use reqwest::header::{ACCEPT as ACCEPT_HEADER, HeaderValue, LINK, WWW_AUTHENTICATE};
use reqwest::{Method, Response, StatusCode, Url};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Bytes of a token server's answer.
const TOKEN_BYTES: u64 = 256 << 10;

/// How long a token holds whose server does not say (the specification's number), and the longest that is believed.
const TOKEN_SECONDS: u64 = 60;
const LONGEST_TOKEN_SECONDS: u64 = 3600;

/// Tokens that are kept.
const TOKENS: usize = 1024;

/// Pages of a list of tags.
const PAGES: usize = 1000;

/// Of these, pages without any tag.
const EMPTY_PAGES: usize = 10;

/// What registries let us in with, by who asks for what.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<Digest, (HeaderValue, Instant)>>);

impl Tokens {
    fn get(&self, key: &Digest) -> Option<HeaderValue> {
        lock(&self.0).get(key).filter(|(_, until)| Instant::now() < *until).map(|(value, _)| value.clone())
    }

    fn put(&self, key: Digest, value: HeaderValue, holds: Duration) {
        let mut tokens = lock(&self.0);
        if tokens.len() >= TOKENS {
            tokens.clear();
        }
        tokens.insert(key, (value, Instant::now() + holds));
    }
}

/// One repository of a registry, and who asks it.
pub(crate) struct Registry<'a> {
    pub(crate) http: &'a Http,
    pub(crate) tokens: &'a Tokens,
    pub(crate) remote: &'a Remote,
    /// What errors call it.
    pub(crate) name: &'a str,
    /// Host, and port where one is given.
    pub(crate) host: &'a str,
    /// Names between slashes.
    pub(crate) repository: &'a str,
}

#[derive(Deserialize)]
struct TagPage {
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl Registry<'_> {
    /// All tags.
    pub(crate) async fn tags(&self) -> Result<Vec<String>, ChartError> {
        const WHAT: &str = "the list of tags";
        let limits = &self.http.options.limits;
        let mut tags = Vec::new();
        let mut empty = 0;
        let mut url = self.url("tags/list")?;
        for _ in 0..PAGES {
            let request = self.request(url.clone());
            let response = self.good(&request).await?;
            let next = next_page(&response);
            let page = read_text(&request, response, WHAT, limits.manifest_bytes).await?;
            let page: TagPage = serde_json::from_slice(&page).map_err(|error| {
                request.protocol(format!("{WHAT} cannot be read: {}", excerpt(&error.to_string())))
            })?;
            let page = page.tags.unwrap_or_default();
            empty += usize::from(page.is_empty());
            tags.extend(page);
            if tags.len() > limits.tags {
                let repo = self.name.to_owned();
                return Err(ChartError::TooLarge {
                    repo,
                    what: WHAT,
                    limit: limits.tags as u64,
                    unit: "tags",
                });
            }
            let Some(next) = next else { return Ok(tags) };
            if empty > EMPTY_PAGES {
                return Err(request.protocol(format!("{WHAT} goes on and on without any tags")));
            }
            let next = url.join(&next).ok().filter(|next| same_server(&url, next));
            url = next.ok_or_else(|| request.protocol(format!("{WHAT} goes on at another server")))?;
        }
        Err(self.request(url).protocol(format!("{WHAT} has more than {PAGES} pages")))
    }

    /// Whether the registry lets us in. **Source**: the distribution specification, `GET /v2/`.
    pub(crate) async fn ping(&self) -> Result<(), ChartError> {
        let mut url = self.url("tags/list")?;
        url.set_path("/v2/");
        self.good(&self.request(url)).await.map(drop)
    }

    /// The manifest of a tag or digest, and its text. `before` is what the tag was last time.
    pub(crate) async fn manifest(
        &self,
        reference: &str,
        before: Option<Digest>,
    ) -> Result<Option<(Manifest, Vec<u8>)>, ChartError> {
        const WHAT: &str = "the manifest";
        let url = self.url(&format!("manifests/{reference}"))?;
        let request = self.request(url).header(ACCEPT_HEADER, ACCEPT);
        if let Some(before) = before {
            // Cheap, and not counted by those registries that ration pulls.
            let look = Request { method: Method::HEAD, ..request.clone() };
            let response = self.send(&look).await?;
            if response.status().is_success() && digest_header(&response) == Some(before) {
                return Ok(None);
            }
        }
        let response = self.good(&request).await?;
        let said = digest_header(&response);
        let text = read(&request, response, WHAT, self.http.options.limits.manifest_bytes).await?;
        let found = Digest::of(&text);
        let pinned = reference.parse().ok();
        if let Some(expected) = pinned.or(said).filter(|expected| *expected != found) {
            return Err(ChartError::Mismatch { repo: self.name.to_owned(), what: WHAT, expected, found });
        }
        let manifest = Manifest::parse(&text, found).map_err(|detail| request.protocol(detail))?;
        Ok(Some((manifest, text)))
    }

    /// A layer's content, verified. One that is said to be too large is not asked for.
    pub(crate) async fn blob(&self, layer: &Layer) -> Result<Vec<u8>, ChartError> {
        const WHAT: &str = "the archive";
        let limit = self.http.options.limits.archive_bytes;
        if layer.size > limit {
            return Err(too_large(self.name, WHAT, limit));
        }
        let request = self.request(self.url(&format!("blobs/{}", layer.digest))?);
        let response = self.good(&request).await?;
        // One byte more than announced is enough to know.
        let content = read(&request, response, WHAT, layer.size).await?;
        if content.len() as u64 != layer.size {
            let detail =
                format!("{WHAT} has {} bytes, where the manifest says {}", content.len(), layer.size);
            return Err(request.protocol(detail));
        }
        let found = Digest::of(&content);
        if found != layer.digest {
            let repo = self.name.to_owned();
            return Err(ChartError::Mismatch { repo, what: WHAT, expected: layer.digest, found });
        }
        Ok(content)
    }

    fn url(&self, tail: &str) -> Result<Url, ChartError> {
        let scheme = if self.remote.force_http { "http" } else { "https" };
        // The hub answers to another name than the one that is written everywhere.
        let host = if self.host == "docker.io" { "registry-1.docker.io" } else { self.host };
        let text = format!("{scheme}://{host}/v2/{}/{tail}", self.repository);
        Url::parse(&text).map_err(|_| ChartError::Refused {
            repo: self.name.to_owned(),
            reason: "the registry's URL cannot be used".to_owned(),
        })
    }

    fn request(&self, url: Url) -> Request<'_> {
        Request { identity: true, ..Request::get(self.remote, self.name, url) }
    }

    async fn good(&self, request: &Request<'_>) -> Result<Response, ChartError> {
        let response = self.send(request).await?;
        if response.status() == StatusCode::OK {
            return Ok(response);
        }
        Err(refusal(request, response).await)
    }

    /// Asks as the registry wants to be asked: it says so itself when it does not answer.
    async fn send(&self, request: &Request<'_>) -> Result<Response, ChartError> {
        let key = self.remote.access(&["token", self.host, self.repository]);
        let known = self.tokens.get(&key);
        let first = self.http.send(&Request { authorization: known, ..request.clone() }).await?;
        if first.status() != StatusCode::UNAUTHORIZED || !same_server(&request.url, first.url()) {
            return Ok(first);
        }
        let headers = first.headers().get_all(WWW_AUTHENTICATE).iter();
        let Some(challenge) = headers.filter_map(|value| value.to_str().ok()).find_map(challenge::parse)
        else {
            return Ok(first);
        };
        let (value, holds) = match challenge {
            Challenge::Basic => match basic(self.remote, self.name)? {
                Some(value) => (value, Duration::from_secs(LONGEST_TOKEN_SECONDS)),
                None => return Ok(first),
            },
            Challenge::Bearer { realm, service, scope } => {
                self.token(request, &realm, service, scope).await?
            }
        };
        self.tokens.put(key, value.clone(), holds);
        self.http.send(&Request { authorization: Some(value), ..request.clone() }).await
    }

    /// Fetches a token for reading this repository.
    async fn token(
        &self,
        request: &Request<'_>,
        realm: &str,
        service: Option<String>,
        scope: Option<String>,
    ) -> Result<(HeaderValue, Duration), ChartError> {
        const WHAT: &str = "the registry's token";
        let mut url = request
            .url
            .join(realm)
            .map_err(|_| request.protocol("its token server has no URL that can be read"))?;
        crate::url::user_of(&mut url);
        if request.url.scheme() == "https" && url.scheme() != "https" {
            return Err(request.protocol("its token server does not speak https"));
        }
        // Of no repository: only whether we are known.
        let own = (!self.repository.is_empty()).then(|| format!("repository:{}:pull", self.repository));
        {
            let mut query = url.query_pairs_mut();
            if let Some(service) = service {
                query.append_pair("service", &service);
            }
            if let Some(scope) = scope.or(own) {
                query.append_pair("scope", &scope);
            }
        }
        let asked = Request {
            identity: same_server(&request.url, &url),
            ..Request::get(self.remote, self.name, url)
        };
        let asked = Request { authorization: basic(self.remote, self.name)?, ..asked };
        let response = self.http.send(&asked).await?;
        if response.status() != StatusCode::OK {
            return Err(refusal(&asked, response).await);
        }
        let answer = read_text(&asked, response, WHAT, TOKEN_BYTES).await?;
        // Errors of the reader would repeat parts of the token.
        let answer: TokenAnswer = serde_json::from_slice(&answer)
            .map_err(|_| asked.protocol("its token server's answer cannot be read"))?;
        let token = [answer.token, answer.access_token].into_iter().flatten().find(|token| !token.is_empty());
        let token = Secret::new(token.ok_or_else(|| asked.protocol("its token server gave no token"))?);
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
            .map_err(|_| asked.protocol("its token cannot be sent in a header"))?;
        value.set_sensitive(true);
        let seconds = answer.expires_in.unwrap_or(TOKEN_SECONDS).clamp(1, LONGEST_TOKEN_SECONDS);
        // A little before the server forgets it.
        Ok((value, Duration::from_secs(seconds).mul_f32(0.9)))
    }
}

fn digest_header(response: &Response) -> Option<Digest> {
    response.headers().get("docker-content-digest")?.to_str().ok()?.parse().ok()
}

/// The target of `Link: <…>; rel="next"`.
fn next_page(response: &Response) -> Option<String> {
    let links = response.headers().get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    links.flat_map(|value| value.split(',')).find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        parameters.replace('"', "").split(';').any(|one| one.trim() == "rel=next").then(|| target.to_owned())
    })
}
