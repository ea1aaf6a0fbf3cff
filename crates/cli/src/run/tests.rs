//! Commands, on an API server in memory. The test plays the controller: it writes what a controller would.

mod actions;
mod changing;
mod comparing;
mod reading;
mod waiting;

use api::names::API_VERSION;
use clap::Parser;
use jiff::Timestamp;
use kube::core::Request;
use kube::core::params::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::execute;
use crate::command::AppCommand;
use crate::console::{Console, Sink};
use crate::context::{Connection, Context, Style};
use crate::view::sample;

#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    command: AppCommand,
}

/// What a command did.
#[derive(Debug)]
struct Done {
    code: u8,
    out: String,
    err: String,
}

/// A cluster with our definitions, a living controller's lease, and nothing else.
struct Bench {
    sim: kubesim::KubeSim,
    client: kube::Client,
    context: Context,
}

impl Bench {
    fn empty() -> Self {
        let sim = kubesim::KubeSim::new(kubesim::Options::default());
        let client = sim.client();
        Self { sim, context: Context::new(Connection::Cluster(client.clone()), "argocd", "unused"), client }
    }

    /// Until somebody watches applications.
    async fn watched(&self) {
        while !self.sim.requests().iter().any(|request| request.verb == "watch") {
            tokio::task::yield_now().await;
        }
        self.sim.clear_requests();
    }

    async fn new() -> Self {
        let bench = Self::empty();
        for definition in api::crds() {
            bench.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition).await;
        }
        bench
            .post(
                "/api/v1/namespaces",
                &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}}),
            )
            .await;
        bench.beat(Timestamp::now()).await;
        bench
    }

    async fn post(&self, path: &str, value: &Value) {
        let body = value.to_string().into_bytes();
        let request = Request::new(path).create(&PostParams::default(), body).unwrap();
        self.client.request::<Value>(request).await.unwrap();
    }

    /// Creates the sample, changed.
    async fn app(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut value = sample::guestbook().to_value();
        value["metadata"]["name"] = json!(name);
        value["spec"].as_object_mut().unwrap().remove("syncPolicy");
        change(&mut value);
        self.post(&format!("/apis/{API_VERSION}/namespaces/argocd/applications"), &value).await;
    }

    async fn patch(&self, name: &str, patch: &Value) {
        let request = Request::new(format!("/apis/{API_VERSION}/namespaces/argocd/applications"))
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .unwrap();
        self.client.request::<Value>(request).await.unwrap();
    }

    async fn read(&self, name: &str) -> Value {
        let name = crate::name::AppName::parse(name, "argocd").unwrap();
        crate::store::Store::new(&Connection::Cluster(self.client.clone()))
            .find(&name)
            .await
            .unwrap()
            .unwrap_or_default()
    }

    async fn beat(&self, at: Timestamp) {
        let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "argocd-application-controller", "namespace": "argocd"},
            "spec": {"renewTime": format!("{at:.6}")}});
        self.post("/apis/coordination.k8s.io/v1/namespaces/argocd/leases", &lease).await;
    }

    async fn run(&self, line: &str) -> Done {
        self.run_as(line, Style::Native, "").await
    }

    async fn run_as(&self, line: &str, style: Style, input: &str) -> Done {
        let words = ["app"].into_iter().chain(line.split_whitespace());
        let command = Line::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}")).command;
        let context = Context { style, user: "eve".to_owned(), ..self.context.clone() };
        let (out, err) = (Sink::default(), Sink::default());
        let input = Box::new(std::io::Cursor::new(input.to_owned().into_bytes()));
        let mut console = Console::new(&context.face(), Box::new(out.clone()), Box::new(err.clone()), input);
        let code = execute(command, &context, &mut console).await;
        Done { code, out: out.text(), err: err.text() }
    }
}
