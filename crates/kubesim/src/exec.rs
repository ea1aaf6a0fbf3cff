//! Programs in containers, as a kubelet runs them for `pods/exec`: over a WebSocket of `v4.channel.k8s.io` or `v5`. What runs is a [`shell`] that
//! is not one.

mod shell;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

use crate::body::SimBody;
use crate::logs;
use crate::read;
use crate::reply::Answer;
use crate::route::{self, Target};
use crate::service::{Context, Reset, SimService};
use crate::sim::KubeSim;
use crate::status::{ApiError, ApiResult};
use crate::store::Key;
use shell::{Begun, Container, Shell};

/// What the key of a WebSocket is hashed with, by RFC 6455.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const ERROR: u8 = 3;
const RESIZE: u8 = 4;
/// Ends a channel, in v5.
const CLOSE: u8 = 255;
/// Bytes of a message.
const MESSAGE: usize = 1 << 20;
/// How long a client may take to go.
const PARTING: std::time::Duration = std::time::Duration::from_secs(1);
/// Of the end of a container nobody tells.
const LOOK: std::time::Duration = std::time::Duration::from_millis(50);

/// A request to speak in frames from now on.
#[derive(Debug)]
pub(crate) struct Upgrade {
    on: OnUpgrade,
    key: String,
    protocol: &'static str,
    query: String,
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

impl Upgrade {
    pub(crate) fn of(parts: &http::request::Parts) -> Option<Self> {
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let offered = text(header::SEC_WEBSOCKET_PROTOCOL)?;
        let offered: Vec<&str> = offered.split(',').map(str::trim).collect();
        Some(Self {
            on: parts.extensions.get::<OnUpgrade>().filter(|_| is_upgrade(&parts.headers))?.clone(),
            key: text(header::SEC_WEBSOCKET_KEY)?.to_owned(),
            protocol: PROTOCOLS.into_iter().find(|protocol| offered.contains(protocol))?,
            query: parts.uri.query().unwrap_or_default().to_owned(),
        })
    }

    /// All values of a parameter.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        route::repeated(&self.query, name)
    }

    /// The frames, once they have begun; `None` where the client went.
    pub(crate) async fn socket(self) -> Option<Socket> {
        let io = TokioIo::new(self.on.await.ok()?);
        let mut limits = WebSocketConfig::default();
        (limits.max_message_size, limits.max_frame_size) = (Some(MESSAGE), Some(MESSAGE));
        Some(WebSocketStream::from_raw_socket(io, Role::Server, Some(limits)).await)
    }

    /// What says that the frames begin.
    pub(crate) fn headers(&self) -> HeaderMap {
        let hash = aws_lc_rs::digest::digest(
            &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
            format!("{}{GUID}", self.key).as_bytes(),
        );
        let mut headers = HeaderMap::new();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(self.protocol));
        if let Ok(accept) = BASE64_STANDARD.encode(hash).parse() {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        headers
    }
}

/// Whether a request wants frames and comes from within the process, where there is no connection that could carry them.
pub(crate) fn needs_a_pipe(parts: &http::request::Parts) -> bool {
    is_upgrade(&parts.headers) && parts.extensions.get::<OnUpgrade>().is_none()
}

/// Sends a request to the same service through a pipe that speaks HTTP.
pub(crate) async fn through_a_pipe(
    service: SimService,
    parts: http::request::Parts,
) -> Result<Response<SimBody>, Reset> {
    let (near, far) = tokio::io::duplex(64 << 10);
    let serve = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(far), TowerToHyperService::new(service))
        .with_upgrades();
    tokio::spawn(async move { drop(serve.await) });
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(near)).await.map_err(|_| Reset)?;
    tokio::spawn(async move { drop(connection.with_upgrades().await) });
    let request = Request::from_parts(parts, Empty::<Bytes>::new());
    let (parts, body) = sender.send_request(request).await.map_err(|_| Reset)?.into_parts();
    let body = if parts.status == http::StatusCode::SWITCHING_PROTOCOLS {
        Bytes::new()
    } else {
        body.collect().await.map_err(|_| Reset)?.to_bytes()
    };
    Ok(Response::from_parts(parts, SimBody::full(body)))
}

/// Answers `GET` or `POST …/pods/<name>/exec`.
pub(crate) fn answer(context: &mut Context, target: &Target) -> ApiResult<Answer> {
    let stored = read::find(context, target)?;
    let pod: Value = serde_json::from_slice(&stored.bare()).unwrap_or_default();
    let name = logs::container(&pod, &target.name, context.query.get("container"))?;
    let Some(upgrade) = context.upgrade.take() else {
        let text = "the Kubernetes simulator runs programs over WebSockets only (kubectl 1.31 or later)";
        return Err(ApiError::bad_request(text));
    };
    if !logs::runs(&context.sim, &stored.key, &stored.uid, &name) {
        let text = format!("container {name} not found in pod {}_{}", target.name, target.namespace);
        return Err(ApiError::new(500, "InternalError", format!("Internal error occurred: {text}")));
    }
    let (container, terminal) = (container_of(context, &pod, &name), context.query.flag("tty"));
    let session = Session {
        sim: context.sim.clone(),
        pod: stored.key.clone(),
        uid: stored.uid.clone(),
        name,
        shell: Shell::new(container, terminal),
    };
    context.switched = Some(upgrade.headers());
    tokio::spawn(session.serve(upgrade));
    Ok(Answer { code: 101, content_type: "text/plain", body: SimBody::full("") })
}

/// What the shell knows of a container.
fn container_of(context: &Context, pod: &Value, name: &str) -> Container {
    let list = |of: &Value, field: &str| of.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |of: &Value, field: &str| of.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let spec =
        list(&pod["spec"], "containers").into_iter().find(|one| one["name"] == name).unwrap_or_default();
    let mut found = Container::default();
    found.environment.insert("HOSTNAME".to_owned(), text(&pod["metadata"], "name"));
    found.environment.insert("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned());
    for variable in list(&spec, "env").iter().filter(|variable| variable.get("valueFrom").is_none()) {
        found.environment.insert(text(variable, "name"), text(variable, "value"));
    }
    let volumes = list(&pod["spec"], "volumes");
    for mount in list(&spec, "volumeMounts") {
        let Some(volume) = volumes.iter().find(|volume| volume["name"] == mount["name"]) else { continue };
        let source = [("configmaps", "configMap", "name"), ("secrets", "secret", "secretName")]
            .into_iter()
            .find_map(|(storage, field, named)| Some((storage, volume.get(field)?.get(named)?.as_str()?)));
        let Some((storage, named)) = source else { continue };
        let key = Key::new(pod["metadata"]["namespace"].as_str().unwrap_or_default(), named);
        let object = context.sim.lock().get(storage, &key).map(|stored| stored.bare());
        let object: Value = object.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        for (file, value) in object.get("data").and_then(Value::as_object).into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            let value = match storage {
                "secrets" => {
                    String::from_utf8_lossy(&BASE64_STANDARD.decode(value).unwrap_or_default()).into_owned()
                }
                _ => value.to_owned(),
            };
            let folder = text(&mount, "mountPath");
            found.files.insert(format!("{}/{file}", folder.trim_end_matches('/')), value);
        }
    }
    found
}

/// A program at work.
struct Session {
    sim: KubeSim,
    pod: Key,
    uid: String,
    name: String,
    shell: Shell,
}

pub(crate) type Socket = WebSocketStream<TokioIo<Upgraded>>;

impl Session {
    async fn serve(mut self, upgrade: Upgrade) {
        let command = upgrade.all("command");
        let Some(mut socket) = upgrade.socket().await else { return };
        let status = match self.shell.begin(&command) {
            Begun::Ended(text, code) => {
                if send(&mut socket, STDOUT, text.as_bytes()).await.is_err() {
                    return;
                }
                ended(code)
            }
            Begun::Absent => absent(&command),
            Begun::Reads => match self.talk(&mut socket).await {
                Some(code) => ended(code),
                None => return,
            },
        };
        if send(&mut socket, ERROR, status.to_string().as_bytes()).await.is_ok() {
            let normal = CloseFrame { code: CloseCode::Normal, reason: "".into() };
            drop(socket.close(Some(normal)).await);
            // What the client still sends must not tear the connection before it has read the end.
            let rest = async { while let Some(Ok(_)) = socket.next().await {} };
            drop(tokio::time::timeout(PARTING, rest).await);
        }
    }

    /// Reads and prints until it ends; `None` where the client went.
    async fn talk(&mut self, socket: &mut Socket) -> Option<i32> {
        send(socket, STDOUT, self.shell.greeting().as_bytes()).await.ok()?;
        let mut look = tokio::time::interval(LOOK);
        loop {
            let message = tokio::select! {
                message = socket.next() => message?.ok()?,
                _ = look.tick() => {
                    if logs::runs(&self.sim, &self.pod, &self.uid, &self.name) {
                        continue;
                    }
                    return Some(137);
                }
            };
            let data = match message {
                Message::Binary(data) => data,
                Message::Text(text) => Bytes::from(text),
                Message::Close(_) => return None,
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
            };
            let (shown, code) = match data.split_first() {
                Some((&STDIN, typed)) => self.shell.read(typed),
                Some((&RESIZE, size)) => {
                    let size: Value = serde_json::from_slice(size).unwrap_or_default();
                    let side = |name: &str| {
                        u16::try_from(size[name].as_u64().unwrap_or_default()).unwrap_or_default()
                    };
                    self.shell.resize(side("Height"), side("Width"));
                    continue;
                }
                Some((&CLOSE, [STDIN])) => {
                    let (shown, code) = self.shell.end();
                    (shown, Some(code))
                }
                _ => continue,
            };
            send(socket, STDOUT, shown.as_bytes()).await.ok()?;
            if code.is_some() {
                return code;
            }
        }
    }
}

async fn send(
    socket: &mut Socket,
    channel: u8,
    data: &[u8],
) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    if data.is_empty() {
        return Ok(());
    }
    socket.send(Message::Binary([&[channel], data].concat().into())).await
}

fn ended(code: i32) -> Value {
    if code == 0 {
        return json!({"metadata": {}, "status": "Success"});
    }
    json!({
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": format!("command terminated with non-zero exit code: exit code {code}"),
        "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
    })
}

fn absent(command: &[String]) -> Value {
    let program = command.first().map_or("", String::as_str);
    json!({
        "metadata": {}, "status": "Failure", "reason": "InternalError", "code": 500,
        "message": format!(
            "Internal error occurred: error executing command in container: exec: \"{program}\": executable file not found in $PATH"
        ),
    })
}
