//! `/api/webhook`: somebody says that a repository changed.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ::api::names::annotation;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Code;
use webhook::{Event, Place, Refused};

use super::TEXT;
use crate::body::{Body, Incoming, answer as reply, broken};
use crate::server::Backend;
use crate::store::Kind;

/// Largest body where `webhook.maxPayloadSizeMB` says nothing, in MiB.
const PAYLOAD_MIB: usize = 50;
/// Bodies that are being read, all together, in KiB.
const ALL_KIB: usize = 256 * 1024;
/// How long a body may take.
const HASTE: Duration = Duration::from_secs(30);
const LATE: &str = "the body did not come in time";

/// Room for bodies that are being read.
#[derive(Debug, Clone)]
pub(crate) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ALL_KIB)))
    }
}

/// A body with the room that it takes.
struct Held {
    bytes: Vec<u8>,
    _room: Vec<OwnedSemaphorePermit>,
}

/// Reads an event and has the repositories asked that it names. The answer is the same whether we know them or not.
///
/// **Source**: `util/webhook.Handler`; 401 instead of 400 for what does not prove to be theirs.
pub(super) async fn answer(backend: &Arc<Backend>, request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let settings = backend.settings.current();
    let mib = settings.config.get("webhook.maxPayloadSizeMB").and_then(|text| text.trim().parse().ok());
    let limit = mib.filter(|mib| *mib > 0).unwrap_or(PAYLOAD_MIB);
    let held = match tokio::time::timeout(HASTE, take(body, limit * 1024 * 1024, &backend.room)).await {
        Ok(Ok(held)) => held,
        Ok(Err((status, why))) => return reply(status, TEXT, format!("{why}\n")),
        Err(_) => return reply(StatusCode::REQUEST_TIMEOUT, TEXT, format!("{LATE}\n")),
    };
    match webhook::read(|name| header(&head.headers, name), &held.bytes, &backend.access().webhooks) {
        Ok(event) => {
            announce(backend, &event);
            reply(StatusCode::OK, TEXT, "")
        }
        Err(refused) => {
            tracing::info!(error = %refused, "a webhook was refused");
            let status = match refused {
                Refused::Unproven(_) => StatusCode::UNAUTHORIZED,
                Refused::Unknown | Refused::Malformed { .. } => StatusCode::BAD_REQUEST,
            };
            reply(status, TEXT, format!("{refused}\n"))
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

async fn take(mut body: Incoming, limit: usize, room: &Room) -> Result<Held, (StatusCode, String)> {
    let mut held = Held { bytes: Vec::new(), _room: Vec::new() };
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(broken_off)?.into_data() else { continue };
        if held.bytes.len() + data.len() > limit {
            let why =
                format!("the body is larger than {} MiB (webhook.maxPayloadSizeMB)", limit / 1024 / 1024);
            return Err((StatusCode::PAYLOAD_TOO_LARGE, why));
        }
        let kib = u32::try_from(data.len().div_ceil(1024)).unwrap_or(u32::MAX);
        let busy =
            |_| (StatusCode::SERVICE_UNAVAILABLE, "too many webhooks at once; send it again".to_owned());
        held._room.push(Arc::clone(&room.0).try_acquire_many_owned(kib).map_err(busy)?);
        held.bytes.extend_from_slice(&data);
    }
    Ok(held)
}

fn broken_off(error: Box<dyn Error + Send + Sync>) -> (StatusCode, String) {
    let status = broken(error);
    match status.code() {
        Code::Cancelled => (StatusCode::REQUEST_TIMEOUT, LATE.to_owned()),
        _ => (StatusCode::BAD_REQUEST, format!("the body broke off: {}", status.message())),
    }
}

/// Has the repositories of an event asked. A replica that stands by asks the active one, through one application of each.
fn announce(backend: &Arc<Backend>, event: &Event) {
    if event.places.is_empty() {
        return;
    }
    let places: BTreeSet<&Place> = event.places.iter().collect();
    let is_one = |url: &str| Place::of(url).is_some_and(|place| places.contains(&place));
    tracing::info!(provider = %event.provider, repository = %event.places[0], "a push was announced");
    if backend.controller.metrics().is_leading() {
        let asked = backend.controller.repositories_changed(is_one);
        let mut counts = backend.counters.webhooks.lock().unwrap_or_else(PoisonError::into_inner);
        asked.into_iter().for_each(|url| *counts.entry(url).or_default() += 1);
        return;
    }
    let mut readers: BTreeMap<(String, String), (String, String)> = BTreeMap::new();
    backend.controller.each_app(|app| {
        let metadata = &app.metadata;
        for source in app.spec.sources().iter().filter(|source| is_one(&source.repo_url)) {
            let repository = (::api::normal_form(&source.repo_url), app.spec.project_name().to_owned());
            readers.entry(repository).or_insert_with(|| (metadata.namespace.clone(), metadata.name.clone()));
        }
    });
    let backend = Arc::clone(backend);
    tokio::spawn(async move {
        let refresh = json!({"metadata": {"annotations": {annotation::REFRESH: "normal"}}});
        for (namespace, name) in readers.into_values() {
            if let Err(error) = backend.store.patch(Kind::Application, &namespace, &name, &refresh).await {
                let code = crate::store::code(&error);
                tracing::warn!(application = %name, ?code, "the active controller was not told of a push");
            }
        }
    });
}
