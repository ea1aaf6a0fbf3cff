//! `/metrics` and `/healthz`, on a listener of their own.

mod clusters;

use std::convert::Infallible;
use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use api::Application;
use applications::Controller;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

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

pub(crate) async fn serve(address: SocketAddr, controller: Controller) -> Result<Serving> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let controller = controller.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let answer = answer(&request, &controller);
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

fn answer(request: &Request<Incoming>, controller: &Controller) -> Response<Full<Bytes>> {
    let (status, body) = match request.uri().path() {
        "/healthz" | "/livez" => match controller.stuck() {
            None => (StatusCode::OK, "ok\n".to_owned()),
            Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
        },
        "/readyz" => (StatusCode::OK, "ok\n".to_owned()),
        "/metrics" => (StatusCode::OK, metrics(controller)),
        _ => (StatusCode::NOT_FOUND, "not found; there are /metrics and /healthz\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let kind = http::HeaderValue::from_static("text/plain; version=0.0.4");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}

/// Everything in Prometheus' text format.
fn metrics(controller: &Controller) -> String {
    let own = controller.metrics();
    let mut text = String::new();
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
        head(&mut text, name, "counter", help);
        line(&mut text, name, &[], value);
    }
    head(&mut text, "capstan_active", "gauge", "Whether this controller holds the lease.");
    line(&mut text, "capstan_active", &[], u64::from(own.is_leading()));
    let name = "capstan_cluster_requests_total";
    head(&mut text, name, "counter", "Requests to the API server, by verb.");
    for (verb, count) in controller.requests() {
        line(&mut text, name, &[("verb", verb)], count);
    }
    let name = "capstan_git_requests_total";
    head(&mut text, name, "counter", "Requests to git servers, by kind.");
    for (kind, count) in controller.git_requests() {
        line(&mut text, name, &[("request_type", kind)], count);
    }
    clusters::write(&mut text, &controller.clusters());
    let name = "argocd_app_info";
    head(&mut text, name, "gauge", "Information about an application.");
    // A controller that stands by knows the applications and nothing of their state: the active one speaks for them.
    if own.is_leading() {
        controller.each_app(|app| line(&mut text, name, &info(app), 1));
    }
    text
}

fn info(app: &Application) -> [(&'static str, &str); 10] {
    let status = &app.status;
    let running = status.running().is_some();
    let operation = match () {
        () if app.metadata.is_deleting() => "delete",
        () if running || app.operation.is_some() => "sync",
        () => "",
    };
    let destination = &app.spec.destination;
    let server =
        if destination.server.is_empty() { api::names::IN_CLUSTER_SERVER } else { &destination.server };
    [
        ("autosync_enabled", if app.spec.automated().is_some() { "true" } else { "false" }),
        ("dest_namespace", &destination.namespace),
        ("dest_server", server),
        ("health_status", status.health.status.as_ref().map_or("Unknown", |health| health.as_str())),
        ("name", &app.metadata.name),
        ("namespace", &app.metadata.namespace),
        ("operation", operation),
        ("project", app.spec.project_name()),
        ("repo", app.spec.sources().first().map_or("", |source| &source.repo_url)),
        ("sync_status", status.sync.status.as_str()),
    ]
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    push(text, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
}

fn line(text: &mut String, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
    let escape = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let labels: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    if labels.is_empty() {
        push(text, format_args!("{name} {value}\n"));
    } else {
        push(text, format_args!("{name}{{{}}} {value}\n", labels.join(",")));
    }
}

fn push(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.push_str(&what.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut text = String::new();
        line(&mut text, "m", &[("a", "x\"y\\z\n")], 1);
        assert_eq!(text, "m{a=\"x\\\"y\\\\z\\n\"} 1\n");
    }
}
