use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use sha2::{Digest, Sha256};

use crate::chart_repository::basic;
use crate::web::{WebReply, WebRequest, WebServer, WebTls};

/// Tags on one page of a list.
const PAGE: usize = 3;

/// How an [`OciRegistry`] knows its users.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RegistryLogin {
    /// It lets everybody read.
    #[default]
    Open,
    /// By name and password in each request: `user`, `secret`.
    Basic,
    /// By a token that its own `/token` gives for `user` and `secret`.
    Token,
}

/// An OCI registry that is read from: manifests, blobs, lists of tags in pages, tokens. Filled by the test itself; ends on drop.
pub struct OciRegistry {
    server: WebServer,
    store: Arc<Mutex<Store>>,
}

#[derive(Default)]
struct Store {
    /// By repository and tag or digest.
    manifests: BTreeMap<(String, String), Vec<u8>>,
    tags: BTreeMap<String, Vec<String>>,
    /// By repository and digest.
    blobs: BTreeMap<(String, String), Vec<u8>>,
    /// What a path is answered with instead.
    instead: BTreeMap<String, WebReply>,
}

/// The type of an image manifest.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The type of a chart's layer.
const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/// The type and the text of the manifest that `helm push` makes for a chart.
pub(crate) fn chart_manifest(archive: &[u8]) -> (&'static str, String) {
    (MANIFEST, manifest_of(CHART, archive))
}

fn manifest_of(media_type: &str, layer: &[u8]) -> String {
    let config = serde_json::json!({
        "mediaType": "application/vnd.cncf.helm.config.v1+json",
        "digest": digest(b"{}"),
        "size": 2,
    });
    let layer = serde_json::json!({"mediaType": media_type, "digest": digest(layer), "size": layer.len()});
    serde_json::json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]})
        .to_string()
}

impl OciRegistry {
    /// Starts it, empty.
    ///
    /// # Errors
    /// As [`WebServer::start`].
    pub fn start(tls: WebTls, login: RegistryLogin) -> Result<Self> {
        let store = Arc::new(Mutex::new(Store::default()));
        let served = Arc::clone(&store);
        let scheme = if tls == WebTls::Off { "http" } else { "https" };
        let server = WebServer::start(tls, move |request| {
            let store = served.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(reply) = store.instead.get(request.path()) {
                return reply.clone();
            }
            if request.path() == "/token" {
                return match request.header("authorization") == basic(("user", "secret")) {
                    true => WebReply::ok(r#"{"token":"let-me-in","expires_in":300}"#),
                    false => WebReply::new(401, r#"{"errors":[{"message":"who are you"}]}"#),
                };
            }
            challenge(login, scheme, request).unwrap_or_else(|| store.answer(request))
        })?;
        Ok(Self { server, store })
    }

    /// Stores a chart as `helm push` does; returns the manifest's digest.
    pub fn push_chart(&self, repository: &str, tag: &str, archive: &[u8]) -> String {
        self.push(repository, tag, CHART, archive)
    }

    /// Stores an artifact of one layer; returns the manifest's digest.
    pub fn push(&self, repository: &str, tag: &str, media_type: &str, layer: &[u8]) -> String {
        let manifest = manifest_of(media_type, layer);
        self.put_blob(repository, layer);
        self.put_manifest(repository, tag, manifest.as_bytes())
    }

    /// Stores any bytes as a manifest; returns their digest.
    pub fn put_manifest(&self, repository: &str, tag: &str, manifest: &[u8]) -> String {
        let digest = digest(manifest);
        let mut store = self.store();
        for reference in [tag, &digest] {
            store.manifests.insert((repository.to_owned(), reference.to_owned()), manifest.to_vec());
        }
        let tags = store.tags.entry(repository.to_owned()).or_default();
        if !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
        digest
    }

    /// Stores a blob; returns its digest.
    pub fn put_blob(&self, repository: &str, content: &[u8]) -> String {
        let digest = digest(content);
        self.store().blobs.insert((repository.to_owned(), digest.clone()), content.to_vec());
        digest
    }

    /// Answers a path with anything from now on.
    pub fn reply(&self, path: &str, reply: WebReply) {
        self.store().instead.insert(path.to_owned(), reply);
    }

    /// The server under it.
    pub fn server(&self) -> &WebServer {
        &self.server
    }

    /// `127.0.0.1:<port>`.
    pub fn host(&self) -> String {
        self.server.authority()
    }

    fn store(&self) -> std::sync::MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `sha256:…` of a content.
pub fn digest(content: &[u8]) -> String {
    let hex: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn challenge(login: RegistryLogin, scheme: &str, request: &WebRequest) -> Option<WebReply> {
    let (wanted, header) = match login {
        RegistryLogin::Open => return None,
        RegistryLogin::Basic => (basic(("user", "secret")), "Basic realm=\"registry\"".to_owned()),
        RegistryLogin::Token => {
            let host = request.header("host");
            let realm = format!("Bearer realm=\"{scheme}://{host}/token\",service=\"registry\"");
            ("Bearer let-me-in".to_owned(), realm)
        }
    };
    let refuse = || WebReply::new(401, r#"{"errors":[{"code":"UNAUTHORIZED"}]}"#);
    (request.header("authorization") != wanted).then(|| refuse().with("www-authenticate", header))
}

impl Store {
    fn answer(&self, request: &WebRequest) -> WebReply {
        let missing = || WebReply::new(404, r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#);
        let Some(path) = request.path().strip_prefix("/v2/") else { return missing() };
        if path.is_empty() {
            return WebReply::ok("{}");
        }
        let parts = |between: &str| {
            let (name, reference) = path.split_once(between)?;
            Some((name.to_owned(), reference.to_owned()))
        };
        if let Some(key) = parts("/manifests/") {
            let found = self.manifests.get(&key).map(|manifest| {
                let reply = WebReply::ok(manifest.clone()).with("content-type", MANIFEST);
                reply.with("docker-content-digest", digest(manifest))
            });
            return found.unwrap_or_else(missing);
        }
        if let Some(key) = parts("/blobs/") {
            return self.blobs.get(&key).map_or_else(missing, |blob| WebReply::ok(blob.clone()));
        }
        match path.strip_suffix("/tags/list").and_then(|name| self.tags.get(name).map(|tags| (name, tags))) {
            Some((name, tags)) => page(name, tags, request),
            None => missing(),
        }
    }
}

fn page(name: &str, tags: &[String], request: &WebRequest) -> WebReply {
    let last = request.target.split("last=").nth(1).and_then(|last| last.split('&').next());
    let start = last.and_then(|last| tags.iter().position(|tag| tag == last)).map_or(0, |at| at + 1);
    let page: Vec<_> = tags.iter().skip(start).take(PAGE).collect();
    let reply = WebReply::ok(serde_json::json!({"name": name, "tags": page}).to_string());
    match page.last() {
        Some(last) if start + PAGE < tags.len() => {
            reply.with("link", format!("</v2/{name}/tags/list?last={last}&n={PAGE}>; rel=\"next\""))
        }
        _ => reply,
    }
}
