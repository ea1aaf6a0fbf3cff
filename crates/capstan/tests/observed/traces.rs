//! A collector is told what passes and calls do, and is not needed for them; requests and orphans are counted by application.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use e2e::{Api, Cluster, On};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};
use testkit::{Child, GitServer, GitServerOptions, Repository};
use tokio::task::JoinHandle;
use tonic::{Request, Response, Status};

use crate::until;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
const CANARIES: [&str; 2] = ["c4n4ry-password", "c4n4ry-token"];

/// A collector that keeps what it is told, and who says it.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        if request.metadata().get("authorization").is_none_or(|token| token != CANARIES[1]) {
            return Err(Status::unauthenticated("who is that?"));
        }
        self.0.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    async fn serve(&self) -> (SocketAddr, JoinHandle<()>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, own) = (listener.local_addr().unwrap(), self.clone());
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(TraceServiceServer::new(own.clone()));
                connections.spawn(async move {
                    let builder = auto::Builder::new(TokioExecutor::new());
                    drop(builder.serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        (address, task)
    }

    fn spans(&self) -> Vec<Span> {
        let told = self.0.lock().unwrap();
        let resources = told.iter().flat_map(|request| &request.resource_spans);
        resources.flat_map(|of| &of.scope_spans).flat_map(|of| of.spans.clone()).collect()
    }

    fn text(&self) -> String {
        format!("{:?}", self.0.lock().unwrap())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn install(api: &Api, repository: &Repository, git: &GitServer) {
    for manifest in api::install_manifests("argocd") {
        api.apply(&manifest).await.unwrap();
    }
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "repo", "namespace": "argocd", "labels": {"argocd.argoproj.io/secret-type": "repository"}},
        "stringData": {"type": "git", "url": git.url(repository), "username": "u", "password": CANARIES[0]},
    });
    let app = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "app", "namespace": "argocd"},
        "spec": {
            "project": "default", "source": {"repoURL": git.url(repository), "path": "app"}, "syncPolicy": {"automated": {}},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "default"},
        },
    });
    api.apply(&secret).await.unwrap();
    api.apply(&app).await.unwrap();
    let orphan = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "nobodys", "namespace": "default"}});
    api.apply(&orphan).await.unwrap();
    let project = "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/default";
    api.patch(project, &json!({"spec": {"orphanedResources": {"warn": true}}})).await.unwrap();
}

/// An address that the log tells with this message.
async fn address(capstan: &Child, message: &str) -> String {
    until(message, async || {
        let log = capstan.log_tail();
        let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.find(|line| line["message"] == message)?["address"].as_str().map(str::to_owned)
    })
    .await
}

/// A token of the first admin, and where the API is, as the log says.
async fn login(capstan: &Child, api: &Api, client: &reqwest::Client) -> (String, String) {
    let base = format!("http://{}", address(capstan, "serves the API").await);
    let path = "/api/v1/namespaces/argocd/secrets/argocd-initial-admin-secret";
    let secret = api.get(path).await.unwrap().unwrap();
    let password = base64::Engine::decode(
        &base64::prelude::BASE64_STANDARD,
        secret["data"]["password"].as_str().unwrap(),
    );
    let body = json!({"username": "admin", "password": String::from_utf8(password.unwrap()).unwrap()});
    let request = client.post(format!("{base}/api/v1/session")).header("content-type", "application/json");
    let answer = request.body(body.to_string()).send().await.unwrap().text().await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    (base, answer["token"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_is_told_what_passes_and_calls_do() {
    let collector = Collector::default();
    let (address, serving) = collector.serve().await;
    let cluster = Cluster::start(On::Kubesim).await.unwrap().unwrap();
    let https = cluster.sim.clone().unwrap().serve_https(([127, 0, 0, 1], 0).into()).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let kubeconfig = home.path().join("kubeconfig");
    std::fs::write(&kubeconfig, https.kubeconfig()).unwrap();
    let repository = Repository::new("config").unwrap();
    repository
        .commit(&[("app/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")], "begin")
        .unwrap();
    let basic_auth = Some(("u".to_owned(), CANARIES[0].to_owned()));
    let git = GitServer::start(&repository, GitServerOptions { basic_auth, tls: false }).unwrap();
    let api = Api::new(cluster.client.clone());
    install(&api, &repository, &git).await;

    let (kubeconfig, address) = (kubeconfig.display().to_string(), address.to_string());
    let headers = format!("authorization={}", CANARIES[1]);
    let arguments = [
        "run",
        "--kubeconfig",
        &kubeconfig,
        "--data-dir",
        "data",
        "--metrics-addr",
        "127.0.0.1:0",
        "--log-json",
        "--server-addr",
        "127.0.0.1:0",
        "--server-insecure",
        "--otlp-address",
        &address,
        "--otlp-headers",
        &headers,
        "--otlp-attrs",
        "stage:test",
    ];
    let binary = Path::new(env!("CARGO_BIN_EXE_capstan"));
    let capstan = Child::start("capstan", binary, &arguments.map(str::to_owned), home.path()).unwrap();
    let client = reqwest::Client::new();
    let metrics = format!("http://{}/metrics", self::address(&capstan, "serves metrics and health").await);
    let (base, token) = login(&capstan, &api, &client).await;
    let list = async |trace: &str| {
        let request = client.get(format!("{base}/api/v1/applications")).bearer_auth(&token);
        let request = request.header("traceparent", format!("00-{trace}-{PARENT}-01"));
        request.send().await.unwrap().status()
    };
    assert_eq!(list(TRACE).await, 200);
    let strangers = "ffffffffffffffffffffffffffffffff";
    let refused = client
        .get(format!("{base}/api/v1/applications"))
        .header("traceparent", format!("00-{strangers}-{PARENT}-01"));
    assert_eq!(refused.send().await.unwrap().status(), 401);

    let call = until("the span of a call", async || {
        collector.spans().into_iter().find(|span| span.name == "application.ApplicationService/List")
    });
    let call = call.await;
    assert_eq!((hex(&call.trace_id), hex(&call.parent_span_id)), (TRACE.to_owned(), PARENT.to_owned()));
    for name in ["observe git", "compare", "wave", "report"] {
        let (child, pass) = until(name, async || {
            let spans = collector.spans();
            let child = spans.iter().find(|span| span.name == name)?.clone();
            let of = |span: &&Span| span.span_id == child.parent_span_id;
            let pass = spans.iter().find(of)?.clone();
            Some((child, pass))
        })
        .await;
        assert_eq!((pass.name.as_str(), &pass.trace_id), ("pass", &child.trace_id), "{name}");
        let about = pass.attributes.iter().find(|attribute| attribute.key == "application");
        assert!(format!("{about:?}").contains("\"app\""), "{about:?}");
    }
    let told = collector.text();
    for words in ["service.name", "\"capstan\"", "stage", "service.version"] {
        assert!(told.contains(words), "{words}");
    }
    let log = std::fs::read_to_string(home.path().join("capstan.log")).unwrap();
    for canary in CANARIES.iter().copied().chain([token.as_str()]) {
        assert!(!told.contains(canary) && !log.contains(canary), "{canary}");
    }
    let known: Vec<String> = collector.spans().iter().map(|span| hex(&span.trace_id)).collect();
    assert!(!known.iter().any(|trace| trace == strangers), "a stranger wrote into a trace");

    let whose = r#"name="app",namespace="argocd",project="default""#;
    let asked = format!(
        r#"argocd_app_k8s_request_total{{dry_run="false",{whose},resource_kind="configmaps",resource_namespace="default",response_code="201",server="https://kubernetes.default.svc",verb="Patch"}} 1"#
    );
    let orphans = format!("argocd_app_orphaned_resources_count{{{whose}}} 1");
    until("its figures", async || {
        let page = client.get(&metrics).send().await.ok()?.text().await.ok()?;
        let mut lines = page.lines().filter(|line| **line == *asked || **line == *orphans);
        assert!(!page.contains(r#"resource_kind="applications""#), "{page}");
        (lines.by_ref().count() == 2).then_some(())
    })
    .await;

    // A collector that goes away is missed by nobody else.
    serving.abort();
    until("that it is missed", async || {
        assert_eq!(list(TRACE).await, 200);
        capstan.log_tail().contains("traces are not sent").then_some(())
    })
    .await;
    https.shutdown().await;
}
