//! Plain requests to a simulator, and what came back.

#![expect(clippy::unwrap_used, reason = "what breaks here fails the test that uses it")]

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use kubesim::{KubeSim, Options, SimBody};
use serde_json::{Value, json};
use tower::ServiceExt;

/// A simulator whose clock stands still.
pub(crate) struct Api {
    pub(crate) sim: KubeSim,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) code: StatusCode,
    pub(crate) warnings: Vec<String>,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    /// The body of an answer that must have this status.
    #[track_caller]
    pub(crate) fn expect(self, code: u16) -> Value {
        assert_eq!(self.code.as_u16(), code, "{:#}", self.body);
        self.body
    }

    /// The Status of a refusal, with all of its message.
    #[track_caller]
    pub(crate) fn fails(self, code: u16, message: &str) -> Value {
        assert_eq!((self.code.as_u16(), self.body["message"].as_str().unwrap_or_default()), (code, message));
        assert_eq!((&self.body["kind"], &self.body["status"]), (&json!("Status"), &json!("Failure")));
        self.body
    }
}

impl Api {
    pub(crate) fn new() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        let clock: kubesim::Clock = std::sync::Arc::new(|| "2026-01-01T00:00:00Z".parse().unwrap());
        Self { sim: KubeSim::new(Options { clock, ..options }) }
    }

    pub(crate) async fn raw(&self, request: Request<Full<Bytes>>) -> http::Response<SimBody> {
        self.sim.service().oneshot(request).await.unwrap()
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let response = self.raw(request.body(Full::new(bytes)).unwrap()).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let warnings = parts.headers.get_all(header::WARNING).iter();
        Reply {
            code: parts.status,
            warnings: warnings.map(|w| w.to_str().unwrap().to_owned()).collect(),
            body: serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned())),
            headers: parts.headers,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], &Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send("POST", path, &[("content-type", "application/json")], &body).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        self.send("PUT", path, &[("content-type", "application/json")], &body).await
    }

    pub(crate) async fn patch(&self, path: &str, kind: &str, body: Value) -> Reply {
        let media = format!("application/{kind}");
        self.send("PATCH", path, &[("content-type", &media)], &body).await
    }

    /// Server-side apply by the manager `test`.
    pub(crate) async fn apply(&self, path: &str, body: Value) -> Reply {
        self.patch(&format!("{path}?fieldManager=test&force=true"), "apply-patch+yaml", body).await
    }

    pub(crate) async fn delete(&self, path: &str, body: Value) -> Reply {
        self.send("DELETE", path, &[("content-type", "application/json")], &body).await
    }

    /// A POST whose answer may be lost.
    pub(crate) async fn try_post(&self, path: &str, body: Value) -> Result<(), kubesim::Reset> {
        let request = Request::builder().method("POST").uri(path).header("content-type", "application/json");
        let request = request.body(Full::new(Bytes::from(body.to_string()))).unwrap();
        self.sim.service().oneshot(request).await.map(drop)
    }

    /// Starts a watch; its events come from [`Watch::next`].
    pub(crate) async fn watch(&self, path: &str) -> Watch {
        self.watch_with(path, &[]).await
    }

    pub(crate) async fn watch_with(&self, path: &str, headers: &[(&str, String)]) -> Watch {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = self.raw(request.body(Full::default()).unwrap()).await;
        assert_eq!(response.status(), 200);
        Watch { body: response.into_body(), text: String::new() }
    }
}

/// A running watch.
pub(crate) struct Watch {
    body: SimBody,
    text: String,
}

impl Watch {
    /// The next event; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((line, rest)) = self.text.split_once('\n') {
                let event = serde_json::from_str(line).unwrap();
                self.text = rest.to_owned();
                return Some(event);
            }
            let frame = self.body.frame().await?.unwrap();
            self.text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
    }

    /// The next event as `TYPE name`.
    pub(crate) async fn line(&mut self) -> String {
        match self.next().await {
            Some(event) => format!("{} {}", event["type"].as_str().unwrap(), name_of(&event["object"])),
            None => "END".to_owned(),
        }
    }
}

pub(crate) fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}
