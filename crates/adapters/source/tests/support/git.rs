//! Origins.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A directory of repositories.
pub struct Origins {
    pub root: TempDir,
}

impl Origins {
    pub fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    /// A repository with a work tree at `<root>/<name>`, on branch main, with no commit.
    pub fn create(&self, name: &str) -> Origin {
        let path = self.root.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        let origin = Origin { path };
        origin.git(&["init", "-q", "-b", "main", "."]);
        origin
    }
}

pub struct Origin {
    pub path: PathBuf,
}

impl Origin {
    pub fn git(&self, args: &[&str]) -> String {
        git(&self.path, args)
    }

    pub fn write(&self, path: &str, content: &str) {
        let path = self.path.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Commits everything; the commit's id.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// One file and a commit.
    pub fn put(&self, path: &str, content: &str) -> String {
        self.write(path, content);
        self.commit(&format!("write {path}"))
    }

    pub fn file_url(&self) -> String {
        format!("file://{}", self.path.display())
    }
}

#[expect(clippy::disallowed_methods, reason = "git makes the repositories that the tests read")]
pub fn command(program: &str) -> Command {
    Command::new(program)
}

pub fn git(directory: &Path, args: &[&str]) -> String {
    let mut command = command("git");
    command.args([
        "-c",
        "protocol.file.allow=always",
        "-c",
        "user.name=A. Author",
        "-c",
        "user.email=author@example.org",
    ]);
    command.args(["-c", "gc.auto=0"]).args(args).current_dir(directory).stdin(Stdio::null());
    for (name, value) in [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_SYSTEM", "/dev/null"),
        ("GIT_AUTHOR_DATE", "1700000000 +0100"),
    ] {
        command.env(name, value);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
