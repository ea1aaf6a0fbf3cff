use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

/// A bare git repository with a work clone, driven by the real `git` without any of the machine's settings. Commits
/// have fixed authors and dates that count up, so the same steps give the same ids. Each change is pushed to the
/// bare repository at once. All functions block for some milliseconds.
#[derive(Debug)]
pub struct Repository {
    root: Arc<TempDir>,
    name: String,
    commits: AtomicU32,
}

impl Repository {
    /// An empty repository `<name>.git`, whose default branch is `main`.
    ///
    /// # Errors
    /// `git` is not installed.
    pub fn new(name: &str) -> Result<Self> {
        Self::new_under(Arc::new(tempfile::Builder::new().prefix("capstan-git-").tempdir()?), name)
    }

    /// Another empty repository in the same served folder, so that one server serves both.
    ///
    /// # Errors
    /// The name is taken.
    pub fn sibling(&self, name: &str) -> Result<Self> {
        ensure!(name != self.name, "there is a repository {name} already");
        Self::new_under(Arc::clone(&self.root), name)
    }

    fn new_under(root: Arc<TempDir>, name: &str) -> Result<Self> {
        let repository = Self { root, name: name.to_owned(), commits: AtomicU32::new(0) };
        let bare = repository.bare().display().to_string();
        repository.run(repository.root(), &["init", "-q", "--bare", "-b", "main", &bare])?;
        for (key, value) in [
            ("uploadpack.allowFilter", "true"),
            ("uploadpack.allowAnySHA1InWant", "true"),
            ("http.receivepack", "true"),
        ] {
            repository.run(&repository.bare(), &["config", key, value])?;
        }
        repository.run(repository.root(), &["init", "-q", "-b", "main", &format!("work-{name}")])?;
        repository.git(&["remote", "add", "origin", &bare])?;
        Ok(repository)
    }

    /// The bare repository's folder.
    pub fn bare(&self) -> PathBuf {
        self.served().join(format!("{}.git", self.name))
    }

    /// The repository's name, without `.git`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder over the bare repository: a server's root.
    pub fn served(&self) -> PathBuf {
        self.root().join("served")
    }

    /// The work clone's folder.
    pub fn work(&self) -> PathBuf {
        self.root().join(format!("work-{}", self.name))
    }

    /// `file://` URL of the bare repository.
    pub fn file_url(&self) -> String {
        format!("file://{}", self.bare().display())
    }

    /// Writes `files` (path, content), commits, pushes the current branch; returns the commit's id.
    ///
    /// # Errors
    /// A path leaves the work clone, or git refuses.
    pub fn commit(&self, files: &[(&str, &str)], message: &str) -> Result<String> {
        self.write(files)?;
        self.commit_index(message)
    }

    fn write(&self, files: &[(&str, &str)]) -> Result<()> {
        for (path, content) in files {
            ensure!(
                !path.starts_with('/') && !path.split('/').any(|p| p == ".."),
                "{path} leaves the repository"
            );
            let path = self.work().join(path);
            std::fs::create_dir_all(path.parent().context("a file has a folder")?)?;
            std::fs::write(path, content)?;
        }
        self.git(&["add", "-A"]).map(drop)
    }

    /// As [`Self::commit`], signed.
    ///
    /// # Errors
    /// A path leaves the work clone, or git or gpg refuses.
    pub fn commit_signed(&self, files: &[(&str, &str)], message: &str, by: &crate::Signer) -> Result<String> {
        self.write(files)?;
        let (program, key) = (format!("gpg.program={}", by.program().display()), format!("-S{}", by.key()));
        self.git(&["-c", &program, "commit", "-q", &key, "--allow-empty", "-m", message])?;
        self.push_head()
    }

    /// Removes files or folders, commits, pushes; returns the commit's id.
    ///
    /// # Errors
    /// A path is not there.
    pub fn remove(&self, paths: &[&str], message: &str) -> Result<String> {
        let mut args = vec!["rm", "-r", "-q", "--"];
        args.extend(paths);
        self.git(&args)?;
        self.commit_index(message)
    }

    /// Reverts a commit by a new one, pushes; returns the new commit's id.
    ///
    /// # Errors
    /// The revert conflicts.
    pub fn revert(&self, commit: &str) -> Result<String> {
        self.git(&["revert", "--no-edit", commit])?;
        self.push_head()
    }

    /// Tags the current commit (a light tag; annotated with `message`) and pushes the tag, moving it if it exists.
    ///
    /// # Errors
    /// The name is no valid tag.
    pub fn tag(&self, name: &str, message: Option<&str>) -> Result<()> {
        match message {
            Some(message) => self.git(&["tag", "-f", "-a", name, "-m", message])?,
            None => self.git(&["tag", "-f", name])?,
        };
        self.git(&["push", "-q", "-f", "origin", &format!("refs/tags/{name}")]).map(drop)
    }

    /// As [`Self::commit`], signed by the private SSH key in a file.
    ///
    /// # Errors
    /// git or ssh-keygen refuse.
    pub fn commit_signed_by_ssh(&self, files: &[(&str, &str)], message: &str, key: &Path) -> Result<String> {
        self.write(files)?;
        let key = format!("user.signingkey={}", key.display());
        self.git(&[
            "-c",
            "gpg.format=ssh",
            "-c",
            &key,
            "commit",
            "-q",
            "-S",
            "--allow-empty",
            "-m",
            message,
        ])?;
        self.push_head()
    }

    /// An annotated tag that somebody signs, pushed.
    ///
    /// # Errors
    /// git or gpg refuse.
    pub fn tag_signed(&self, name: &str, by: &crate::Signer) -> Result<()> {
        let (program, key) = (format!("gpg.program={}", by.program().display()), by.key());
        self.git(&["-c", &program, "tag", "-f", "-s", "-u", key, name, "-m", name])?;
        self.git(&["push", "-q", "-f", "origin", &format!("refs/tags/{name}")]).map(drop)
    }

    /// Switches the work clone to a branch, made from the current commit where there is none, and pushes it.
    ///
    /// # Errors
    /// The name is no valid branch.
    pub fn branch(&self, name: &str) -> Result<()> {
        if self.git(&["switch", "-q", name]).is_err() {
            self.git(&["switch", "-q", "-c", name])?;
        }
        self.push_head().map(drop)
    }

    /// Moves the current branch to another commit, on the remote too (a force push).
    ///
    /// # Errors
    /// The commit does not exist.
    pub fn reset_to(&self, commit: &str) -> Result<()> {
        self.git(&["reset", "-q", "--hard", commit])?;
        self.push_head().map(drop)
    }

    /// The current commit's id.
    ///
    /// # Errors
    /// There is no commit yet.
    pub fn head(&self) -> Result<String> {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git in the work clone and returns its trimmed output: for what the other functions do not do
    /// (submodules, links, broken objects).
    ///
    /// # Errors
    /// Git's exit code is not 0; its messages are in the error.
    pub fn git(&self, args: &[&str]) -> Result<String> {
        self.run(&self.work(), args)
    }

    fn commit_index(&self, message: &str) -> Result<String> {
        self.git(&["commit", "-q", "--allow-empty", "-m", message])?;
        self.push_head()
    }

    fn push_head(&self) -> Result<String> {
        self.git(&["push", "-q", "-f", "origin", "HEAD"])?;
        self.head()
    }

    fn root(&self) -> &Path {
        self.root.path()
    }

    fn run(&self, dir: &Path, args: &[&str]) -> Result<String> {
        // One second a command, so that ids are the same in each run and history has an order.
        let date = format!("{} +0000", 1_700_000_000 + self.commits.fetch_add(1, Ordering::Relaxed));
        let output = hermetic_git()
            .current_dir(dir)
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .args(["-c", "protocol.file.allow=always", "-c", "commit.gpgsign=false"])
            .args(args)
            .output()
            .context("git could not be started")?;
        if !output.status.success() {
            bail!("git {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// `git` without the machine's and the user's settings, with an author, asking nothing.
pub(crate) fn hermetic_git() -> Command {
    let mut command = Command::new("git");
    for inherited in [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_SSL_CAINFO",
        "GIT_SSL_NO_VERIFY",
    ] {
        command.env_remove(inherited);
    }
    command.envs([
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_AUTHOR_NAME", "Ada Example"),
        ("GIT_AUTHOR_EMAIL", "ada@example.com"),
        ("GIT_COMMITTER_NAME", "Ada Example"),
        ("GIT_COMMITTER_EMAIL", "ada@example.com"),
    ]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_steps_give_the_same_ids() {
        let steps = || {
            let repository = Repository::new("config").unwrap();
            let first = repository.commit(&[("web/a.yaml", "a: 1\n")], "first").unwrap();
            let second = repository.commit(&[("web/a.yaml", "a: 2\n")], "second").unwrap();
            repository.tag("v1.0.0", Some("release")).unwrap();
            let third = repository.revert(&second).unwrap();
            repository.branch("other").unwrap();
            let fourth = repository.remove(&["web"], "gone").unwrap();
            let served = repository.run(&repository.bare(), &["for-each-ref"]).unwrap();
            assert!(served.contains(&format!("{fourth} commit\trefs/heads/other")), "{served}");
            assert!(served.contains(&format!("{third} commit\trefs/heads/main")), "{served}");
            (first, second, third, fourth)
        };
        assert_eq!(steps(), steps());
    }

    #[test]
    fn keeps_files_inside() {
        let repository = Repository::new("config").unwrap();
        assert!(repository.commit(&[("../x", "")], "out").is_err());
    }
}
