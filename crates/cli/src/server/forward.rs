//! A port of this machine that leads to the server's pod, through the API of the cluster that it runs in.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::{SinkExt as _, StreamExt as _};
use http::{Request, Response, StatusCode, header};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::Local;
use super::account::{list, text};
use crate::command::ConnectionFlags;
use crate::failure::{Failure, Kind};

/// Where the server listens in its pod, as in the peer.
const PORT: u16 = 8080;
/// How the server's pod is called where nobody says otherwise.
const NAME: &str = "argocd-server";
/// What frames mean: the first byte is the channel, and the first frame of a channel its port.
const PROTOCOL: &str = "v4.channel.k8s.io";
const DATA: u8 = 0;
const ERROR: u8 = 1;
/// Bytes that are passed on at once.
const CHUNK: usize = 16 << 10;
/// Bytes of one message of the API server's.
const MESSAGE: usize = 1 << 20;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Begins to listen on a port of this machine that leads to the server's pod, until the process ends. The pod is the first one that is ready with
/// the label `app.kubernetes.io/name` of `--server-name`.
///
/// **Errors**: there is no such pod, or the cluster does not forward. **Source**: the peer's client, which goes to port 8080, too; RBAC of
/// `pods/portforward` decides who may.
pub(super) async fn forward(local: &Local, flags: &ConnectionFlags) -> Result<Forwarded, Failure> {
    let config = config(local).await?;
    let named = flags.port_forward_namespace.as_deref().filter(|namespace| !namespace.is_empty());
    let namespace = named.unwrap_or(&config.default_namespace).to_owned();
    let client = Client::try_from(config)
        .map_err(|error| Failure::usage("the kubeconfig names no usable cluster").because(&error))?;
    let name = flags.server_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(NAME);
    let pod = ready_pod(&client, &namespace, name).await?;
    let said = Arc::default();
    let line = Line { client, namespace, pod, said: Arc::clone(&said) };
    // Whether it can be done at all is known before anybody asks.
    let mut first = Some(line.open().await?);
    let unheard =
        |error: std::io::Error| Failure::new(Kind::Other, "no port can be listened on").because(&error);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(unheard)?;
    let address = listener.local_addr().map_err(unheard)?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(line.clone().carry(first.take(), stream));
        }
    });
    Ok(Forwarded { address, said })
}

/// A forwarded port.
pub(super) struct Forwarded {
    pub(super) address: SocketAddr,
    said: Arc<OnceLock<String>>,
}

impl Forwarded {
    /// Why the pod was not reached, in the cluster's words.
    pub(super) fn said(&self) -> Option<&String> {
        self.said.get()
    }
}

async fn config(local: &Local) -> Result<Config, Failure> {
    let options = KubeConfigOptions { context: local.kube_context.clone(), ..KubeConfigOptions::default() };
    let config = match &local.kubeconfig {
        Some(path) => match Kubeconfig::read_from(path) {
            Ok(file) => Config::from_custom_kubeconfig(file, &options).await,
            Err(error) => Err(error),
        },
        None => Config::from_kubeconfig(&options).await,
    };
    config.map_err(|error| {
        Failure::usage("no cluster is named whose server's port could be forwarded")
            .because(&error)
            .next("name it: --kubeconfig FILE, --kube-context NAME")
    })
}

async fn ready_pod(client: &Client, namespace: &str, name: &str) -> Result<String, Failure> {
    let what = format!("cannot look for the server's pod in the namespace {namespace}");
    let selector: String = form_urlencoded::byte_serialize(format!("{LABEL}={name}").as_bytes()).collect();
    let request = Request::get(format!("/api/v1/namespaces/{namespace}/pods?labelSelector={selector}"))
        .body(Vec::new())
        .map_err(|error| Failure::usage(what.clone()).because(&error))?;
    let found: Value = client.request(request).await.map_err(|error| {
        let failure = Failure::from_kube(&error, what);
        let said = failure.causes.join(": ");
        failure.peer(said, 1)
    })?;
    let ready = list(&found["items"]).iter().find(|pod| is_ready(pod));
    ready.map(|pod| text(&pod["metadata"]["name"]).to_owned()).ok_or_else(|| {
        let said = format!(
            "cannot find ready pod with selector: [{LABEL}={name}] - use the --{{component}}-name flag in this command or set the environmental variable (Refer to https://argo-cd.readthedocs.io/en/stable/user-guide/environment-variables), to change the Argo CD component name in the CLI"
        );
        Failure::new(Kind::NotFound, format!("no pod with the label {LABEL}={name} is ready in the namespace {namespace}"))
            .next("name the namespace and the label: --port-forward-namespace NAMESPACE, --server-name NAME")
            .peer(said, 1)
    })
}

const LABEL: &str = "app.kubernetes.io/name";

fn is_ready(pod: &Value) -> bool {
    let status = &pod["status"];
    let ready = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
    status["phase"] == "Running" && list(&status["conditions"]).iter().any(ready)
}

/// The way to a pod.
#[derive(Clone)]
struct Line {
    client: Client,
    namespace: String,
    pod: String,
    /// Why it was not reached the first time that it was not.
    said: Arc<OnceLock<String>>,
}

impl Line {
    /// Opens a connection to the pod's port.
    async fn open(&self) -> Result<Socket, Failure> {
        let Self { namespace, pod, .. } = self;
        let what = || format!("cannot forward a port to the pod {namespace}/{pod}");
        let mut key = [0; 16];
        super::sso::random(&mut key)?;
        let request =
            Request::get(format!("/api/v1/namespaces/{namespace}/pods/{pod}/portforward?ports={PORT}"))
                .header(header::CONNECTION, "Upgrade")
                .header(header::UPGRADE, "websocket")
                .header(header::SEC_WEBSOCKET_VERSION, "13")
                .header(header::SEC_WEBSOCKET_KEY, BASE64_STANDARD.encode(key))
                .header(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL)
                .body(Body::empty())
                .map_err(|error| Failure::usage(what()).because(&error))?;
        let response = self.client.send(request).await;
        let response = response.map_err(|error| fatal(Failure::from_kube(&error, what())))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(fatal(refused(response, what()).await));
        }
        let upgraded = hyper::upgrade::on(response)
            .await
            .map_err(|error| fatal(Failure::new(Kind::Unreachable, what()).because(&error)))?;
        let mut limits = WebSocketConfig::default();
        (limits.max_message_size, limits.max_frame_size) = (Some(MESSAGE), Some(MESSAGE));
        Ok(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, Some(limits)).await)
    }

    /// Carries one connection; `opened` is the way to the pod where there is one already. Whoever connected sees its end.
    async fn carry(self, opened: Option<Socket>, mut stream: TcpStream) {
        let socket = match opened {
            Some(socket) => socket,
            None => match self.open().await {
                Ok(socket) => socket,
                Err(failure) => return drop(self.said.set(failure.causes.join(": "))),
            },
        };
        // It is told before whoever connected sees the end.
        if let Some(said) = pass(socket, &mut stream).await {
            drop(self.said.set(said));
        }
    }
}

/// Passes bytes on in both directions until one side ends, or the cluster says why it cannot.
async fn pass(mut socket: Socket, stream: &mut TcpStream) -> Option<String> {
    let mut chunk = vec![0; CHUNK];
    // The first frame of each channel names the port.
    let mut begun = [false; 2];
    loop {
        tokio::select! {
            read = stream.read(&mut chunk) => {
                let data = match read {
                    Ok(0) | Err(_) => break,
                    Ok(count) => chunk.get(..count).unwrap_or_default(),
                };
                if socket.send(Message::Binary([&[DATA], data].concat().into())).await.is_err() {
                    return None;
                }
            }
            message = socket.next() => {
                let data = match message {
                    Some(Ok(Message::Binary(data))) => data,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                    Some(Ok(_)) => continue,
                };
                let Some((channel, data)) = data.split_first() else { continue };
                let begun = begun.get_mut(usize::from(*channel))?;
                match (std::mem::replace(begun, true), *channel) {
                    (false, _) => {}
                    (true, ERROR) => return Some(String::from_utf8_lossy(data).trim_end().to_owned()),
                    (true, _) => {
                        if stream.write_all(data).await.is_err() {
                            break;
                        }
                    }
                }
            }
        }
    }
    // The other side may be gone, too.
    drop(socket.close(None).await);
    None
}

/// What a cluster answers that does not forward.
async fn refused(response: Response<Body>, what: String) -> Failure {
    let code = response.status();
    let body =
        http_body_util::BodyExt::collect(http_body_util::Limited::new(response.into_body(), MESSAGE)).await;
    let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let status: Value = serde_json::from_slice(&body).unwrap_or_default();
    let kind = match code {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Kind::Denied,
        StatusCode::NOT_FOUND => Kind::NotFound,
        _ => Kind::Unreachable,
    };
    let said = Some(text(&status["message"])).filter(|said| !said.is_empty());
    let failure =
        Failure::new(kind, what).cause(said.map_or_else(|| format!("it answers {code}"), str::to_owned));
    match kind {
        Kind::Denied => failure.next("ask for the right to create pods/portforward in that namespace"),
        _ => failure,
    }
}

/// The peer's client ends so where it cannot begin.
fn fatal(failure: Failure) -> Failure {
    let said = failure.causes.join(": ");
    failure.peer(said, 1)
}
