use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use base64::Engine;

use crate::web::{WebReply, WebRequest, WebServer, WebTls};

/// A Helm repository: files by path, `index.yaml` among them, with an `ETag` each. Ends on drop.
pub struct ChartRepository {
    server: WebServer,
    files: Files,
}

type Files = Arc<Mutex<BTreeMap<String, WebReply>>>;

impl ChartRepository {
    /// Starts it, empty. With a login every request must carry it (Basic); 401 otherwise.
    ///
    /// # Errors
    /// As [`WebServer::start`].
    pub fn start(tls: WebTls, login: Option<(&str, &str)>) -> Result<Self> {
        let files = Files::default();
        let authorization = login.map(basic);
        let served = Arc::clone(&files);
        let server = WebServer::start(tls, move |request| {
            if authorization.as_deref().is_some_and(|wanted| request.header("authorization") != wanted) {
                return WebReply::new(401, "credentials, please")
                    .with("www-authenticate", "Basic realm=\"charts\"");
            }
            answer(&served, request)
        })?;
        Ok(Self { server, files })
    }

    /// Serves a file from now on.
    pub fn put(&self, path: &str, content: impl Into<Vec<u8>>) {
        self.reply(path, WebReply::ok(content));
    }

    /// Answers a path with anything from now on.
    pub fn reply(&self, path: &str, reply: WebReply) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), reply);
    }

    /// Serves an `index.yaml` of these charts: name, version, URL, digest (may be empty).
    pub fn index(&self, charts: &[(&str, &str, &str, &str)]) {
        self.put("/index.yaml", index_of(charts));
    }

    /// The server under it.
    pub fn server(&self) -> &WebServer {
        &self.server
    }

    /// `http(s)://127.0.0.1:<port>`, the URL of the repository.
    pub fn url(&self) -> String {
        self.server.url()
    }
}

/// The text of an index of these charts: name, version, URL, digest (may be empty).
pub fn index_of(charts: &[(&str, &str, &str, &str)]) -> String {
    let mut text = "apiVersion: v1\nentries:\n".to_owned();
    let mut last = "";
    for (name, version, url, digest) in charts {
        if *name != last {
            text.push_str(&format!("  {name}:\n"));
        }
        last = name;
        text.push_str(&format!(
            "  - apiVersion: v2\n    name: {name}\n    version: {version:?}\n    urls:\n    - {url:?}\n"
        ));
        if !digest.is_empty() {
            text.push_str(&format!("    digest: {digest:?}\n"));
        }
    }
    text
}

fn answer(files: &Files, request: &WebRequest) -> WebReply {
    let files = files.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(reply) = files.get(request.path()) else { return WebReply::new(404, "no such file") };
    let crate::web::WebBody::Bytes(body) = &reply.body else { return reply.clone() };
    let etag = format!("\"{:x}\"", checksum(body));
    if reply.status == 200 && request.header("if-none-match") == etag {
        return WebReply::new(304, "");
    }
    reply.clone().with("etag", etag)
}

/// Enough to tell a test's files apart.
fn checksum(body: &[u8]) -> u64 {
    body.iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// The `Authorization` of a user and a password.
pub(crate) fn basic((user, password): (&str, &str)) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}
