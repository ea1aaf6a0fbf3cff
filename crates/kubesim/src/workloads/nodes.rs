use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::engine::{Engine, Handle, World};
use super::kinds::Kind;
use super::value::stamp;
use super::{cloud, kubelet, scheduler};

/// What becomes of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It runs and is ready; in a pod that is not restarted (`Never`, `OnFailure`) it ends with code 0.
    Runs,
    /// Its image cannot be pulled: `ErrImagePull`, then `ImagePullBackOff`.
    ImageMissing,
    /// It ends with this code as soon as it is started: `CrashLoopBackOff`, or a failed pod.
    Crashes(i32),
}

/// Tells a container's fate from its image and its command line (command and arguments, joined by spaces).
pub type FateRule = Arc<dyn Fn(&str, &str) -> Fate + Send + Sync>;

/// The default [`FateRule`]: a tag (or name without a tag) that contains `bad`, `does-not-exist` or `missing` cannot
/// be pulled; one that contains `crash` crashes, as does a command `false` or one that contains `exit 1`.
pub fn fate_by_name(image: &str, command: &str) -> Fate {
    let last = image.rsplit('/').next().unwrap_or(image);
    let tag = last.split_once(':').map_or(last, |(_, tag)| tag);
    if ["bad", "does-not-exist", "missing"].iter().any(|mark| tag.contains(mark)) {
        Fate::ImageMissing
    } else if tag.contains("crash") || command == "false" || command.contains("exit 1") {
        Fate::Crashes(1)
    } else {
        Fate::Runs
    }
}

/// Settings of [`spawn_nodes`].
#[derive(Clone)]
pub struct NodeOptions {
    /// Names of the nodes.
    pub names: Vec<String>,
    /// From a pod's binding until it is ready (or fails).
    pub ready_delay: Duration,
    /// How long the pods of Jobs run.
    pub run_time: Duration,
    /// From a pod's deletion until it is gone.
    pub stop_delay: Duration,
    /// Bind pods to nodes; false where there is a scheduler.
    pub schedule: bool,
    /// How often each node renews its Lease.
    pub heartbeat: Duration,
    /// What becomes of each container.
    pub fate: FateRule,
    /// The time that goes into statuses.
    pub clock: crate::Clock,
}

impl Default for NodeOptions {
    fn default() -> Self {
        Self {
            names: vec!["node-1".to_owned(), "node-2".to_owned()],
            ready_delay: Duration::from_millis(20),
            run_time: Duration::from_millis(20),
            stop_delay: Duration::ZERO,
            schedule: true,
            heartbeat: Duration::from_secs(10),
            fate: Arc::new(fate_by_name),
            clock: Arc::new(jiff::Timestamp::now),
        }
    }
}

impl fmt::Debug for NodeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeOptions")
            .field("names", &self.names)
            .field("ready_delay", &self.ready_delay)
            .field("run_time", &self.run_time)
            .field("stop_delay", &self.stop_delay)
            .field("schedule", &self.schedule)
            .finish_non_exhaustive()
    }
}

/// Starts nodes that take pods and make them run as [`NodeOptions::fate`] says, and what a cloud gives: addresses of
/// load balancers and Ingresses, and volumes for claims. Works on the simulator and on a real API server. Ends when
/// the handle is dropped. Must be called on a tokio runtime.
pub fn spawn_nodes(client: kube::Client, options: NodeOptions) -> Handle {
    let mut controllers = vec![kubelet::CONTROLLER];
    if options.schedule {
        controllers.push(scheduler::CONTROLLER);
    }
    controllers.extend(cloud::CONTROLLERS);
    let register = tokio::spawn(register(client.clone(), options.clone()));
    let world = World { clock: Arc::clone(&options.clock), nodes: Some(options) };
    Engine::spawn(client, AGENT, controllers, world).with(register)
}

const AGENT: &str = "kubelet";
const RETRY: Duration = Duration::from_millis(200);
const LEASES: &str = "kube-node-lease";

/// Keeps the Node and Lease objects alive.
async fn register(client: kube::Client, options: NodeOptions) {
    loop {
        let mut pause = options.heartbeat;
        for (index, name) in options.names.iter().enumerate() {
            if let Err(error) = heartbeat(&client, index, name, (options.clock)()).await {
                tracing::debug!(error = &error as &dyn std::error::Error, node = name, "heartbeat failed");
                pause = RETRY;
            }
        }
        tokio::time::sleep(pause).await;
    }
}

async fn heartbeat(
    client: &kube::Client,
    index: usize,
    name: &str,
    now: jiff::Timestamp,
) -> Result<(), kube::Error> {
    let node_path = format!("{}/{name}", Kind::Node.collection());
    let lease_path = format!("{}/{name}", Kind::Lease.collection_in(LEASES));
    let renew = json!({"spec": {"holderIdentity": name, "leaseDurationSeconds": 40,
        "renewTime": now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()}});
    match send(client, "PATCH", &lease_path, &renew).await {
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        other => return other.map(drop),
    }
    // The first heartbeat, or somebody deleted the node's objects.
    let created = send(client, "POST", &Kind::Node.collection(), &node(name)).await;
    if let Err(error) = created
        && !matches!(&error, kube::Error::Api(status) if status.reason == "AlreadyExists")
    {
        return Err(error);
    }
    send(
        client,
        "PATCH",
        &format!("{node_path}/status"),
        &json!({"status": status(index, name, &stamp(now))}),
    )
    .await?;
    let mut lease = renew;
    for (field, content) in [
        ("apiVersion", json!(Kind::Lease.api_version())),
        ("kind", json!("Lease")),
        ("metadata", json!({"name": name, "namespace": LEASES})),
    ] {
        super::value::set(&mut lease, field, content);
    }
    send(client, "POST", &Kind::Lease.collection_in(LEASES), &lease).await.map(drop)
}

fn node(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64"}}})
}

/// The address of a node by its place in the list.
fn address(index: usize) -> String {
    format!("172.18.{}.{}", index / 250, index % 250 + 2)
}

fn status(index: usize, name: &str, now: &str) -> Value {
    let capacity = json!({"cpu": "16", "memory": "65536Mi", "pods": "1100", "ephemeral-storage": "500Gi"});
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({"type": kind, "status": status, "reason": reason, "message": message,
            "lastHeartbeatTime": now, "lastTransitionTime": now})
    };
    json!({"capacity": capacity, "allocatable": capacity,
        "addresses": [{"type": "InternalIP", "address": address(index)}, {"type": "Hostname", "address": name}],
        "conditions": [
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")],
        "nodeInfo": {"architecture": "amd64", "operatingSystem": "linux", "kubeletVersion": "v1.34.4",
            "kubeProxyVersion": "", "containerRuntimeVersion": "simulated://1", "kernelVersion": "6.1.0",
            "osImage": "simulated node", "bootID": "", "machineID": "", "systemUUID": ""}})
}

async fn send(client: &kube::Client, method: &str, uri: &str, body: &Value) -> Result<Value, kube::Error> {
    let content_type = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let request = http::Request::builder()
        .method(method)
        .uri(format!("{uri}?fieldManager={AGENT}"))
        .header(http::header::USER_AGENT, AGENT)
        .header(http::header::CONTENT_TYPE, content_type)
        .body(body.to_string().into_bytes())
        .map_err(kube::Error::HttpError)?;
    client.request(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_fates_by_name() {
        for (image, command, fate) in [
            ("nginx:1.27", "", Fate::Runs),
            ("nginx", "", Fate::Runs),
            ("nginx:does-not-exist", "", Fate::ImageMissing),
            ("registry.example:5000/team/bad", "", Fate::ImageMissing),
            ("bad.example:5000/team/web:v1", "", Fate::Runs),
            ("web:v2-crash", "", Fate::Crashes(1)),
            ("busybox:1", "sh -c exit 1", Fate::Crashes(1)),
            ("busybox:1", "false", Fate::Crashes(1)),
        ] {
            assert_eq!(fate_by_name(image, command), fate, "{image} {command}");
        }
    }
}
