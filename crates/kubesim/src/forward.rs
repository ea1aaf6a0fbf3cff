//! Ports of pods, as a kubelet forwards them for `pods/portforward`: over a WebSocket of `v4.channel.k8s.io`, one port a connection. What answers is
//! what [`KubeSim::set_port`] names: containers run nowhere here.

use futures::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::body::SimBody;
use crate::exec::{Socket, Upgrade};
use crate::read;
use crate::reply::Answer;
use crate::route::Target;
use crate::service::Context;
use crate::sim::KubeSim;
use crate::status::{ApiError, ApiResult};
use crate::store::Key;

const DATA: u8 = 0;
const ERROR: u8 = 1;
/// Bytes that are passed on at once.
const CHUNK: usize = 16 << 10;

/// Answers `GET` or `POST …/pods/<name>/portforward`.
pub(crate) fn answer(context: &mut Context, target: &Target) -> ApiResult<Answer> {
    let stored = read::find(context, target)?;
    let pod: Value = serde_json::from_slice(&stored.bare()).unwrap_or_default();
    let phase = pod["status"]["phase"].as_str().unwrap_or_default();
    let Some(upgrade) = context.upgrade.take() else {
        let text = "the Kubernetes simulator forwards ports over WebSockets of v4.channel.k8s.io only";
        return Err(ApiError::bad_request(text));
    };
    if phase != "Running" {
        let text = format!("unable to forward port because pod is not running. Current status={phase}");
        return Err(ApiError::bad_request(text));
    }
    let ports: Vec<u16> = upgrade.all("ports").iter().filter_map(|port| port.parse().ok()).collect();
    let [port] = ports.as_slice() else {
        let text = "the Kubernetes simulator forwards one port a connection: ports=8080";
        return Err(ApiError::bad_request(text));
    };
    context.switched = Some(upgrade.headers());
    tokio::spawn(serve(upgrade, context.sim.clone(), stored.key.clone(), *port));
    Ok(Answer { code: 101, content_type: "text/plain", body: SimBody::full("") })
}

async fn serve(upgrade: Upgrade, sim: KubeSim, pod: Key, port: u16) {
    let Some(mut socket) = upgrade.socket().await else { return };
    for channel in [DATA, ERROR] {
        if send(&mut socket, channel, &port.to_le_bytes()).await.is_err() {
            return;
        }
    }
    let stream = match sim.port(&pod, port) {
        Some(address) => TcpStream::connect(address).await.map_err(|error| error.to_string()),
        None => Err("connection refused".to_owned()),
    };
    match stream {
        Ok(stream) => pass(&mut socket, stream).await,
        Err(error) => {
            let text = format!("error forwarding port {port} to pod {}_{}: {error}", pod.name, pod.namespace);
            drop(send(&mut socket, ERROR, text.as_bytes()).await);
        }
    }
    drop(socket.close(None).await);
}

/// Passes bytes on in both directions until one side ends.
async fn pass(socket: &mut Socket, mut stream: TcpStream) {
    let mut chunk = vec![0; CHUNK];
    loop {
        tokio::select! {
            read = stream.read(&mut chunk) => {
                let data = match read {
                    Ok(0) | Err(_) => return,
                    Ok(count) => chunk.get(..count).unwrap_or_default(),
                };
                if send(socket, DATA, data).await.is_err() {
                    return;
                }
            }
            message = socket.next() => {
                let data = match message {
                    Some(Ok(Message::Binary(data))) => data,
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Text(_) | Message::Frame(_))) => continue,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                };
                if let Some((&DATA, data)) = data.split_first()
                    && stream.write_all(data).await.is_err()
                {
                    return;
                }
            }
        }
    }
}

async fn send(
    socket: &mut Socket,
    channel: u8,
    data: &[u8],
) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    socket.send(Message::Binary([&[channel], data].concat().into())).await
}
