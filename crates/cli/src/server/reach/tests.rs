//! Which server a command asks, and with what.

use std::path::Path;
use std::sync::Arc;

use clap::Parser;

use super::*;
use crate::context::{Face, Style};

const FILE: &str = "\
contexts:
- {name: a, server: 'a:1', user: a}
- {name: b, server: b, user: b}
- {name: k, server: kubernetes, user: k}
- {name: p, server: port-forward, user: p}
current-context: a
servers:
- {server: 'a:1', plain-text: true, grpc-web-root-path: ''}
- {server: b, insecure: true, grpc-web: true, grpc-web-root-path: /b}
- {server: kubernetes, core: true, grpc-web-root-path: ''}
- {server: port-forward, plain-text: true, grpc-web-root-path: ''}
users:
- {name: a, auth-token: ta}
- {name: b, auth-token: tb}
- {name: k}
- {name: p, auth-token: tp}
";

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    flags: ConnectionFlags,
}

fn local(line: &str, variable: fn(&str) -> Option<String>) -> Local {
    let flags = Line::parse_from(["x"].into_iter().chain(line.split_whitespace())).flags;
    let face = Face { style: Style::Argocd, ..Face::default() };
    Local {
        face,
        flags,
        kubeconfig: None,
        kube_context: None,
        variable,
        clock: Arc::new(jiff::Timestamp::now),
    }
}

/// Server, token and what else differs from a plain server; `cluster`, or the error.
fn outcome(line: &str, variable: fn(&str) -> Option<String>) -> String {
    match local(line, variable).target() {
        Ok(None) => "cluster".to_owned(),
        Ok(Some(Target { options, .. })) => {
            let token = options.token.map(|token| token.expose().to_owned()).unwrap_or_default();
            let mut text = format!("{} {token}", options.server);
            for (flag, name) in
                [(options.plaintext, "plain"), (options.insecure, "insecure"), (options.web, "web")]
            {
                if flag {
                    text = format!("{text} {name}");
                }
            }
            [text, options.web_root, options.headers.join("|")].join(" ").trim_end().to_owned()
        }
        Err(failure) => failure.what,
    }
}

fn write(folder: &Path, text: &str) -> String {
    let path = folder.join("config");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    path.display().to_string()
}

#[test]
fn flags_come_before_the_environment_and_contexts() {
    let dir = tempfile::tempdir().unwrap();
    let config = write(dir.path(), FILE);
    let nothing: fn(&str) -> Option<String> = |_| None;
    let env: fn(&str) -> Option<String> = |name| {
        let value = match name {
            "ARGOCD_SERVER" => "e",
            "ARGOCD_AUTH_TOKEN" => "te",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let opts: fn(&str) -> Option<String> = |name| {
        (name == "ARGOCD_OPTS")
            .then(|| "--grpc-web --server=o --header 'X: y,Z: w' --auth-token to".to_owned())
    };
    for (line, variable, expected) in [
        ("", nothing, "a:1 ta plain"),
        ("--argocd-context b", nothing, "b tb insecure web /b"),
        ("--server b", nothing, "b tb insecure web /b"),
        ("--server c", nothing, "c"),
        ("--server c --argocd-context a", nothing, "c ta plain"),
        ("--server c --plaintext --auth-token t", nothing, "c t plain"),
        ("--server c --grpc-web-root-path r --insecure=true", nothing, "c  insecure web r"),
        ("--argocd-context k", nothing, "cluster"),
        ("--core", env, "cluster"),
        ("", env, "e te"),
        ("--server f", env, "f te"),
        ("", opts, "o to web  X: y|Z: w"),
        ("--argocd-context none", nothing, "Context 'none' undefined"),
        ("--port-forward", nothing, "port-forward tp plain"),
        ("--port-forward-namespace x --argocd-context b", nothing, "port-forward tb insecure web /b"),
        ("--port-forward --auth-token t", env, "port-forward t plain"),
        ("--client-crt x", nothing, "--client-crt and --client-crt-key must always be specified together"),
    ] {
        assert_eq!(outcome(&format!("{line} --config {config}"), variable), expected, "{line}");
    }
    let config = dir.path().join("none").display().to_string();
    assert_eq!(outcome(&format!("--config {config}"), nothing), "cluster", "nothing says where");
    let bad: fn(&str) -> Option<String> = |name| (name == "ARGOCD_OPTS").then(|| "grpc-web".to_owned());
    assert_eq!(outcome(&format!("--config {config}"), bad), "ARGOCD_OPTS invalid at 'grpc-web'");
}

#[test]
fn the_file_is_where_the_peer_has_it() {
    let xdg: fn(&str) -> Option<String> = |name| match name {
        "XDG_CONFIG_HOME" => Some("/x".to_owned()),
        "HOME" => Some("/none".to_owned()),
        _ => None,
    };
    let own: fn(&str) -> Option<String> =
        |name| if name == "ARGOCD_CONFIG_DIR" { Some("/own".to_owned()) } else { None };
    let home: fn(&str) -> Option<String> = |name| (name == "HOME").then(|| "/none".to_owned());
    for (flag, variable, expected) in [
        (Some("/f"), own, "/f"),
        (None, own, "/own/config"),
        (None, xdg, "/x/argocd/config"),
        (None, home, "/none/.config/argocd/config"),
    ] {
        assert_eq!(contexts::path(flag, variable).unwrap(), Path::new(expected));
    }
}
