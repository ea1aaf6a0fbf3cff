//! What the server counts, by the peer's names and labels.

use server::Figures;
use tally::Exposition;

/// **Source**: the peer's `server/metrics` and the interceptor of go-grpc-prometheus. Calls by REST are counted as the methods that they
/// are, as in the peer, whose gateway calls its own methods.
pub(super) fn write(page: &mut Exposition, figures: &Figures) {
    let name = "grpc_server_handled_total";
    page.head(
        name,
        "counter",
        "Total number of RPCs completed on the server, regardless of success or failure.",
    );
    for handled in &figures.handled {
        let code = format!("{:?}", handled.code);
        let code = if code == "Ok" { "OK" } else { &code };
        let kind = if handled.stream { "server_stream" } else { "unary" };
        let labels = [
            ("grpc_code", code),
            ("grpc_method", handled.method),
            ("grpc_service", handled.service),
            ("grpc_type", kind),
        ];
        page.line(name, &labels, handled.count);
    }
    let name = "argocd_login_request_total";
    page.head(name, "counter", "Number of login requests.");
    page.line(name, &[("status", "success")], figures.logins);
    page.line(name, &[("status", "failure")], figures.refused_logins);
    let name = "argocd_webhook_requests_total";
    page.head(name, "counter", "Number of webhook requests by repo.");
    for (repo, count) in &figures.webhooks {
        page.line(name, &[("repo", repo)], count);
    }
}
