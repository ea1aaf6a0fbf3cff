//! A repository on a server, a directory to run in, and what came out of a run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use testkit::{GitServer, GitServerOptions, Repository};

/// A repository, served.
pub(crate) struct Place {
    pub(crate) repository: Repository,
    pub(crate) server: GitServer,
    pub(crate) home: tempfile::TempDir,
}

impl Place {
    /// Serves a repository with one commit; `token` is the password of `x-access-token` where there is one.
    pub(crate) fn new(name: &str, files: &[(&str, &str)], token: Option<&str>) -> Self {
        let repository = Repository::new(name).unwrap();
        repository.commit(files, "first").unwrap();
        let basic_auth = token.map(|token| ("x-access-token".to_owned(), token.to_owned()));
        let server = GitServer::start(&repository, GitServerOptions { basic_auth, tls: false }).unwrap();
        Self { repository, server, home: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url(&self.repository)
    }

    /// Git in the bare repository, as an administrator of the server would.
    pub(crate) fn bare(&self, arguments: &[&str]) -> String {
        let output =
            Command::new("git").args(arguments).current_dir(self.repository.bare()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn main(&self) -> String {
        self.bare(&["rev-parse", "main"])
    }

    pub(crate) fn file(&self, path: &str) -> String {
        self.bare(&["show", &format!("main:{path}")])
    }

    pub(crate) fn commits(&self) -> usize {
        self.bare(&["rev-list", "--count", "main"]).parse().unwrap()
    }

    /// Installs a hook of the server.
    pub(crate) fn hook(&self, name: &str, text: &str) {
        write_program(&self.repository.bare().join("hooks").join(name), text);
    }

    /// Runs `capstan image set` with some environment.
    pub(crate) fn set(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_capstan"));
        command.args(["image", "set"]).args(arguments);
        self.run(command, environment)
    }

    /// Runs a program with nothing of this process' environment but the search path.
    pub(crate) fn run(&self, mut command: Command, environment: &[(&str, &str)]) -> Ran {
        let path = std::env::var("PATH").unwrap_or_default();
        let own = Path::new(env!("CARGO_BIN_EXE_capstan")).parent().unwrap().display().to_string();
        command.env_clear().env("PATH", format!("{own}:{path}")).env("HOME", self.home.path());
        command.env("TMPDIR", self.home.path()).envs(environment.iter().copied());
        Ran::new(&command.output().unwrap())
    }
}

/// What a program printed, and its exit code.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn new(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

pub(crate) fn write_program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A file of `examples/ci`.
pub(crate) fn example(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/ci").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn deployment(name: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  selector:\n    matchLabels: {{app: {name}}}\n  template:\n    metadata:\n      labels: {{app: {name}}}\n    spec:\n      containers:\n      - name: {name}\n        image: {image} # by CI\n"
    )
}

/// The registry of the first pipeline.
pub(crate) const REGISTRY: &str = "123456789.dkr.ecr.us-east-1.amazonaws.com";

/// The config repository that the first pipeline writes to.
pub(crate) fn kustomize_files() -> Vec<(&'static str, String)> {
    let overlay = |replicas: u8| {
        format!(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nbases:\n- ../../base # ours\n\npatchesJson6902:\n- target: {{group: apps, version: v1, kind: Deployment, name: my-app}}\n  patch: |-\n    - op: replace\n      path: /spec/replicas\n      value: {replicas}\n"
        )
    };
    vec![
        ("base/deployment.yaml", deployment("my-app", &format!("{REGISTRY}/my-app:latest"))),
        (
            "base/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- deployment.yaml\ncommonLabels:\n  managed-by: argocd\n".to_owned(),
        ),
        ("overlays/dev/kustomization.yaml", overlay(1)),
        ("overlays/prod/kustomization.yaml", overlay(5)),
    ]
}

pub(crate) fn texts<'a>(files: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    files.iter().map(|(path, text)| (*path, text.as_str())).collect()
}

/// The directory of a program that is built where it is missing; says so where it cannot be had.
pub(crate) fn tool(program: &str, built: anyhow::Result<testkit::Tools>) -> Option<PathBuf> {
    match built {
        Ok(tools) => tools.program(program).parent().map(Path::to_owned),
        Err(error) => {
            println!("NOT RUN: a form needs {program}, which cannot be had here: {error:#}");
            None
        }
    }
}
