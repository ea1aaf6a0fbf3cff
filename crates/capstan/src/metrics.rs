//! `/metrics` and `/healthz`, on a listener of their own.

mod apps;
mod calls;
mod clusters;
mod git;
mod process;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use applications::Controller;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use server::{Figures, Meter};
use tally::Exposition;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) use apps::ApplicationLabels;

/// A listener. Dropping it ends it.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What is told.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) controller: Controller,
    /// The server beside it, if there is one.
    pub(crate) server: Option<Meter>,
    pub(crate) labels: Arc<ApplicationLabels>,
}

pub(crate) async fn serve(address: SocketAddr, told: Told) -> Result<Serving> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let told = told.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let answer = answer(&request, &told);
                    async move { Ok::<_, Infallible>(answer) }
                });
                let connection = hyper::server::conn::http1::Builder::new();
                if let Err(error) = connection.serve_connection(TokioIo::new(stream), service).await {
                    tracing::debug!(error = %error, "connection ended early");
                }
            });
        }
    });
    Ok(Serving { address, task })
}

fn answer(request: &Request<Incoming>, told: &Told) -> Response<Full<Bytes>> {
    let (status, body) = match request.uri().path() {
        "/healthz" | "/livez" => match told.controller.stuck() {
            None => (StatusCode::OK, "ok\n".to_owned()),
            Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
        },
        "/readyz" => (StatusCode::OK, "ok\n".to_owned()),
        "/metrics" => {
            let figures = told.server.as_ref().map(Meter::figures);
            (StatusCode::OK, metrics(&told.controller, figures.as_ref(), &told.labels))
        }
        _ => (StatusCode::NOT_FOUND, "not found; there are /metrics and /healthz\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let kind = http::HeaderValue::from_static("text/plain; version=0.0.4");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}

/// Everything in Prometheus' text format.
fn metrics(controller: &Controller, figures: Option<&Figures>, labels: &ApplicationLabels) -> String {
    let own = controller.metrics();
    let mut page = Exposition::default();
    for (name, help, value) in [
        (
            "capstan_renders_total",
            "Times that manifests were rendered; cache hits do not count.",
            own.renders(),
        ),
        ("capstan_passes_total", "Passes over an application.", own.passes()),
        ("capstan_comparisons_total", "Times that an object was held against git.", own.comparisons()),
        ("capstan_status_writes_total", "Writes of an Application.", own.status_writes()),
        ("capstan_syncs_total", "Operations that ended well.", own.syncs()),
        ("capstan_syncs_failed_total", "Operations that ended otherwise.", own.failed_syncs()),
    ] {
        page.head(name, "counter", help);
        page.line(name, &[], value);
    }
    page.head("capstan_active", "gauge", "Whether this controller holds the lease.");
    page.line("capstan_active", &[], u64::from(own.is_leading()));
    page.head("argocd_info", "gauge", "Information about the version.");
    page.line("argocd_info", &[("version", concat!("v", env!("CARGO_PKG_VERSION"), "+capstan"))], 1);
    let name = "capstan_cluster_requests_total";
    page.head(name, "counter", "Requests to the API server, by verb.");
    for (verb, count) in controller.requests() {
        page.line(name, &[("verb", verb)], count);
    }
    let name = "workqueue_depth";
    page.head(name, "gauge", "Applications that wait for a worker.");
    page.line(name, &[("name", "app_reconciliation_queue")], controller.queue().0);
    git::write(&mut page, &controller.git_requests());
    clusters::write(&mut page, &controller.clusters());
    apps::write(&mut page, controller, labels);
    if let Some(figures) = figures {
        calls::write(&mut page, figures);
    }
    process::write(&mut page);
    page.into_text()
}
