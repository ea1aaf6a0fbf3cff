//! `/terminal`: a shell in a container of an application, over a WebSocket.

mod session;

use std::sync::Arc;

use applications::Site;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cluster::LiveObject;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use rbac::{Action, Decision, Resource};
use resource::ResourceKey;
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::TEXT;
use crate::api::{Door as _, Visit};
use crate::body::{Body, Incoming, answer as reply};
use crate::door::{Caller, is_own_origin};
use crate::guard::Guard;
use crate::server::Backend;
use crate::services::site::{kept, visit};
use session::Terminal;

/// Setting: whether there are terminals.
const ENABLED: &str = "exec.enabled";
/// Setting: the shells that may be asked for, and are tried where none is.
const SHELLS: &str = "exec.shells";
/// The same where nothing is said.
const USUAL_SHELLS: &str = "bash,sh,powershell,cmd";
/// What the key of a WebSocket is hashed with, by RFC 6455.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Longest name of a namespace, pod or container.
const NAME: usize = 253;

type Refusal = (StatusCode, String);

/// What a browser asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    pod: String,
    container: String,
    namespace: String,
    shell: String,
    /// The application, in the words of an `application.ApplicationQuery`.
    app: Value,
}

impl Asked {
    fn of(query: &str) -> Result<Self, Refusal> {
        let value = |name: &str| {
            let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name);
            values.next().map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        let bad = |text: &str| Err((StatusCode::BAD_REQUEST, text.to_owned()));
        let names = ["pod", "container", "appName", "projectName", "namespace"].map(value);
        if names.iter().any(String::is_empty) {
            return bad("Missing required parameters");
        }
        let [pod, container, name, project, namespace] = names;
        let app_namespace = value("appNamespace");
        for (text, what) in [
            (&pod, "Pod name is not valid"),
            (&container, "Container name is not valid"),
            (&name, "App name is not valid"),
            (&project, "Project name is not valid"),
            (&namespace, "Namespace name is not valid"),
            (&app_namespace, "App namespace name is not valid"),
        ] {
            let fits = |letter: char| {
                letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-.".contains(letter)
            };
            if text.len() > NAME || !text.chars().all(fits) {
                return bad(what);
            }
        }
        let app = json!({"name": name, "appNamespace": app_namespace, "project": [project]});
        Ok(Self { pod, container, namespace, shell: value("shell"), app })
    }
}

/// Opens a terminal for whoever has the right to `exec, create` of the application.
///
/// **Shape**: the peer's parameters and messages; see [`session`]. **Errors**: 404 where `exec.enabled` does not say `true`; the peer's texts and codes
/// where the request is wrong, but for 403 where something is not permitted (peer: 401). Before frames begin, everything is checked.
/// **Source**: `server/application/terminal.go`. Beyond the peer: pages of other origins are refused, and so is a container that does not run.
pub(super) async fn answer(backend: &Arc<Backend>, request: Request<Incoming>) -> Response<Body> {
    if backend.settings.current().config.get(ENABLED).is_none_or(|text| text != "true") {
        return reply(StatusCode::NOT_FOUND, TEXT, "");
    }
    match Box::pin(open(backend, request)).await {
        Ok(response) => response,
        Err((status, text)) => reply(status, TEXT, format!("{text}\n")),
    }
}

async fn open(backend: &Arc<Backend>, mut request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
    if !is_own_origin(backend, request.headers()) {
        return Err((StatusCode::FORBIDDEN, "pages of other origins open no terminals".to_owned()));
    }
    let visited = Visit::new(None, request.headers(), request.extensions());
    let caller = backend.enter(visited).await.map_err(|status| refused(&status))?;
    let asked = Asked::of(request.uri().query().unwrap_or_default())?;
    let found = visit(backend, &caller.guard, &asked.app, &[Action::Get], "name")
        .await
        .map_err(|status| refused(&status))?;
    let decision = decide(backend, &caller.guard, &found.value).map_err(|status| refused(&status))?;
    let pod = running(&found.site, &asked).await?;
    let answer = handshake(request.headers())?;
    let on = request.extensions_mut().remove::<OnUpgrade>();
    let on = on.ok_or_else(|| (StatusCode::BAD_REQUEST, "Failed to start terminal session".to_owned()))?;
    let room = Arc::clone(&backend.terminals).try_acquire_owned();
    let room =
        room.map_err(|_| (StatusCode::SERVICE_UNAVAILABLE, "too many terminals are open".to_owned()))?;
    let cookies = backend.renewal(&caller);
    let terminal = Terminal {
        backend: Arc::clone(backend),
        shells: shells(backend, &asked.shell),
        app: asked.app,
        container: asked.container,
        site: found.site,
        pod,
        decision,
        caller,
    };
    let work = async move {
        terminal.serve(on).await;
        drop(room);
    };
    let taken = backend.sessions.send(Box::pin(work)).await;
    taken.map_err(|_| (StatusCode::SERVICE_UNAVAILABLE, "the server ends".to_owned()))?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().extend(answer);
    response.headers_mut().extend(cookies.into_iter().map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(response)
}

fn refused(status: &Status) -> Refusal {
    let code = match status.code() {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Unavailable | Code::DeadlineExceeded => StatusCode::SERVICE_UNAVAILABLE,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    (code, status.message().to_owned())
}

/// Whether somebody may have a terminal of this application.
fn decide(backend: &Backend, guard: &Guard, app: &Value) -> Result<Decision, Status> {
    let object = backend.apps.object(app).ok_or_else(crate::guard::denied)?;
    guard.decide(Resource::Exec, Action::Create, object)
}

/// The pod, if it is the application's and its container runs.
async fn running(site: &Site, asked: &Asked) -> Result<Arc<LiveObject>, Refusal> {
    let bad = |text: &str| (StatusCode::BAD_REQUEST, text.to_owned());
    let key = ResourceKey::new("", "Pod", asked.namespace.as_str(), asked.pod.as_str());
    let live = site.find(&key).ok_or_else(|| bad("Pod doesn't belong to specified app"))?;
    let pod = site.read(&live, "").await.map_err(|_| bad("Cannot find pod"))?.to_value();
    // One of the same name that came meanwhile may be somebody else's.
    if pod.pointer("/metadata/uid").and_then(Value::as_str) != Some(live.uid()) {
        return Err(bad("Cannot find pod"));
    }
    if pod.pointer("/status/phase").and_then(Value::as_str) != Some("Running") {
        return Err(bad("Pod not running"));
    }
    let named = |pointer: &str| {
        let all = pod.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        all.filter(|one| one["name"] == asked.container.as_str()).collect::<Vec<_>>()
    };
    if named("/spec/containers").is_empty() {
        return Err(bad("Cannot find container"));
    }
    if !named("/status/containerStatuses").iter().any(|one| one.pointer("/state/running").is_some()) {
        return Err(bad("Container not running"));
    }
    Ok(live)
}

/// The shells that are tried, one after the other: the one that is asked for, if it may be.
fn shells(backend: &Backend, asked: &str) -> Vec<String> {
    let settings = backend.settings.current();
    let said = settings.config.get(SHELLS).map_or(USUAL_SHELLS, String::as_str);
    let all: Vec<String> =
        said.split(',').map(|shell| shell.trim().to_owned()).filter(|shell| !shell.is_empty()).collect();
    if all.iter().any(|shell| shell == asked) { vec![asked.to_owned()] } else { all }
}

/// What says that frames begin.
fn handshake(headers: &HeaderMap) -> Result<HeaderMap, Refusal> {
    let text =
        |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let connection = text(header::CONNECTION);
    let upgrades = text(header::UPGRADE).eq_ignore_ascii_case("websocket")
        && connection.split(',').any(|word| word.trim().eq_ignore_ascii_case("upgrade"))
        && text(header::SEC_WEBSOCKET_VERSION) == "13";
    let key = text(header::SEC_WEBSOCKET_KEY);
    if !upgrades || key.is_empty() {
        return Err((StatusCode::BAD_REQUEST, "Failed to start terminal session".to_owned()));
    }
    let hash = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
        format!("{key}{GUID}").as_bytes(),
    );
    let mut answer = HeaderMap::new();
    answer.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = BASE64_STANDARD.encode(hash).parse() {
        answer.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    Ok(answer)
}

/// Whether the caller still is somebody who may have this terminal. `None` where the session is over.
async fn ask_again(backend: &Arc<Backend>, caller: &Caller, app: &Value) -> Option<Result<(), Status>> {
    let Ok(guard) = crate::services::enter_again(backend, caller).await else { return None };
    let permitted = || {
        if backend.settings.current().config.get(ENABLED).is_none_or(|text| text != "true") {
            return Err(crate::guard::denied());
        }
        let (app, _) = kept(backend, &guard, app, "name")?;
        let app = serde_json::from_slice(app.text()).map_err(|error| Status::internal(error.to_string()))?;
        decide(backend, &guard, &app).map(drop)
    };
    Some(permitted())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_checked() {
        let whole = "pod=p-1&container=c&appName=a&projectName=team&namespace=n&shell=sh";
        for (query, expected) in [
            (whole.to_owned(), Ok("team")),
            (whole.replace("pod=p-1&", ""), Err("Missing required parameters")),
            (whole.replace("pod=p-1", "pod=p/1"), Err("Pod name is not valid")),
            (whole.replace("container=c", "container=..%2F"), Err("Container name is not valid")),
            (whole.replace("namespace=n", "namespace=N"), Err("Namespace name is not valid")),
            (whole.replace("team", "a%20b"), Err("Project name is not valid")),
            (format!("{whole}&appNamespace=%2F"), Err("App namespace name is not valid")),
        ] {
            let asked = Asked::of(&query);
            let found = asked.as_ref().map(|asked| asked.app["project"][0].as_str().unwrap());
            assert_eq!(found.map_err(|(_, text)| text.as_str()), expected, "{query}");
        }
    }
}
