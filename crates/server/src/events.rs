//! Kubernetes Events of what people did by the server.

use ::api::names::API_VERSION;
use cluster::{EventNote, Severity};
use resource::ResourceKey;
use serde_json::Value;

use crate::door::Caller;
use crate::server::Backend;

/// Who tells it: the name that the peer's users filter by.
const COMPONENT: &str = "argocd-server";

/// Tells that somebody did something to an Application or AppProject, as an event of it: `admin updated project`. One that is not taken is no reason
/// to fail.
///
/// **Source**: `Server.logAppEvent` and `logEvent`, `util/argo/audit_logger.go`, whose annotations (the user, the destination) are left out.
pub(crate) async fn tell(backend: &Backend, caller: &Caller, object: &Value, reason: &str, did: &str) {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let kind = Some(text("/kind")).filter(|kind| !kind.is_empty()).unwrap_or(::api::names::APPLICATION);
    let note = EventNote {
        regarding: ResourceKey::new(
            ::api::names::GROUP,
            kind,
            text("/metadata/namespace"),
            text("/metadata/name"),
        ),
        api_version: API_VERSION.to_owned(),
        uid: text("/metadata/uid").to_owned(),
        resource_version: text("/metadata/resourceVersion").to_owned(),
        reason: reason.to_owned(),
        message: format!("{} {did}", caller.shown()),
        severity: Severity::Normal,
        component: COMPONENT.to_owned(),
        at: backend.now(),
    };
    if let Err(error) = backend.controller.cluster().emit_event(&note).await {
        tracing::debug!(object = %note.regarding, %error, "event was not taken");
    }
}
