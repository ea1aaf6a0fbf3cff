//! `version`.

use serde_json::{Value, json};

use super::Backend;
use super::talk::{Talk, unknown_form};
use crate::command::VersionArgs;
use crate::failure::Failure;

/// What the server says of itself, and what the peer's client calls it.
const LINES: [(&str, &str); 11] = [
    ("BuildDate", "BuildDate"),
    ("GitCommit", "GitCommit"),
    ("GitTreeState", "GitTreeState"),
    ("GitTag", "GitTag"),
    ("GoVersion", "GoVersion"),
    ("Compiler", "Compiler"),
    ("Platform", "Platform"),
    ("KustomizeVersion", "Kustomize Version"),
    ("HelmVersion", "Helm Version"),
    ("KubectlVersion", "Kubectl Version"),
    ("JsonnetVersion", "Jsonnet Version"),
];

impl Talk<'_> {
    /// The server is left out with `--client`, and natively where there is none.
    pub(super) async fn version(&mut self, args: &VersionArgs) -> Result<u8, Failure> {
        let native = self.console.look.native();
        let name = if native { "capstan" } else { "argocd" };
        let ours = concat!("v", env!("CARGO_PKG_VERSION"));
        let short = args.short || args.output == "short";
        let form = args.output.as_str();
        if !["json", "yaml", "wide", "short", ""].contains(&form) {
            return Err(unknown_form(form).peer(format!("unknown output format: {form}"), 1));
        }
        let wide = !["json", "yaml"].contains(&form);
        if wide {
            self.line(&if native { format!("{name}: {ours}") } else { format!("{name}: {ours} (capstan)") });
        }
        let silent = args.client || native && self.local.target()?.is_none();
        let server = match silent {
            true => None,
            false => Some(
                self.ask("cannot ask for the server's version", "version.VersionService/Version", &json!({}))
                    .await?,
            ),
        };
        if wide {
            for server in server.iter() {
                self.server_version(server, short);
            }
            return Ok(0);
        }
        let client =
            if short { json!({ name: ours }) } else { json!({"Version": ours, "Program": "capstan"}) };
        let mut all = json!({ "client": client });
        if let Some(server) = server {
            all["server"] = if short { json!({"argocd-server": server["Version"]}) } else { server };
        }
        self.message("", &all, form)?;
        Ok(0)
    }

    fn server_version(&mut self, server: &Value, short: bool) {
        let text = |field: &str| server[field].as_str().unwrap_or_default();
        self.line(&format!("argocd-server: {}", text("Version")));
        for (field, title) in LINES.iter().filter(|(field, _)| !short && !text(field).is_empty()) {
            self.line(&format!("  {title}: {}", text(field)));
        }
    }
}

impl Backend {
    /// Whether a server is asked.
    pub fn is_server(&self) -> bool {
        matches!(self, Self::Server(_))
    }
}
