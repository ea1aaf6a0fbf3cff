//! Plain requests to a simulator, and what came back.

#![allow(dead_code, reason = "each test file uses its part of it")]

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use kubesim::{KubeSim, Options, SimBody};
use serde_json::{Value, json};
use tower::ServiceExt;

/// A simulator whose clock stands still.
pub struct Api {
    pub sim: KubeSim,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub code: StatusCode,
    pub warnings: Vec<String>,
    pub headers: http::HeaderMap,
    pub body: Value,
}

impl Reply {
    /// The body of an answer that must have this status.
    #[track_caller]
    pub fn expect(self, code: u16) -> Value {
        assert_eq!(self.code.as_u16(), code, "{:#}", self.body);
        self.body
    }

    /// The Status of a refusal, with all of its message.
    #[track_caller]
    pub fn fails(self, code: u16, message: &str) -> Value {
        assert_eq!((self.code.as_u16(), self.body["message"].as_str().unwrap_or_default()), (code, message));
        assert_eq!((&self.body["kind"], &self.body["status"]), (&json!("Status"), &json!("Failure")));
        self.body
    }
}

impl Api {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        let clock: kubesim::Clock = std::sync::Arc::new(|| "2026-01-01T00:00:00Z".parse().unwrap());
        Self { sim: KubeSim::new(Options { clock, ..options }) }
    }

    pub async fn raw(&self, request: Request<Full<Bytes>>) -> http::Response<SimBody> {
        self.sim.service().oneshot(request).await.unwrap()
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
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

    pub async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], &Value::Null).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send("POST", path, &[("content-type", "application/json")], &body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send("PUT", path, &[("content-type", "application/json")], &body).await
    }

    pub async fn patch(&self, path: &str, kind: &str, body: Value) -> Reply {
        let media = format!("application/{kind}");
        self.send("PATCH", path, &[("content-type", &media)], &body).await
    }

    /// Server-side apply by the manager `test`.
    pub async fn apply(&self, path: &str, body: Value) -> Reply {
        self.patch(&format!("{path}?fieldManager=test&force=true"), "apply-patch+yaml", body).await
    }

    pub async fn delete(&self, path: &str, body: Value) -> Reply {
        self.send("DELETE", path, &[("content-type", "application/json")], &body).await
    }

    /// Starts a watch; its events come from [`Watch::next`].
    pub async fn watch(&self, path: &str) -> Watch {
        let request = Request::builder().uri(path).body(Full::default()).unwrap();
        let response = self.raw(request).await;
        assert_eq!(response.status(), 200);
        Watch { body: response.into_body(), text: String::new() }
    }
}

/// A running watch.
pub struct Watch {
    body: SimBody,
    text: String,
}

impl Watch {
    /// The next event; `None` at the end.
    pub async fn next(&mut self) -> Option<Value> {
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
    pub async fn line(&mut self) -> String {
        match self.next().await {
            Some(event) => format!("{} {}", event["type"].as_str().unwrap(), name_of(&event["object"])),
            None => "END".to_owned(),
        }
    }
}

pub fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}
