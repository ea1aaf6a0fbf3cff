//! One of the clients, with a home of its own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(100);

/// A program that is called `argocd`.
#[derive(Debug)]
pub(crate) struct Client {
    program: PathBuf,
    /// What is made for it alone is called so; both names are of one length, so that tables are as wide.
    pub(crate) name: &'static str,
    home: tempfile::TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    /// What the lines of its log say.
    pub(crate) said: String,
    /// All of its error stream, for whoever reads a failure.
    pub(crate) err: String,
}

impl Client {
    pub(crate) fn new(program: &Path, name: &'static str) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let named = home.path().join("argocd");
        std::os::unix::fs::symlink(program, &named)?;
        Ok(Self { program: named, name, home })
    }

    /// A file in its home.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    /// Makes a program its editor: a script of the shell, which is given the file.
    pub(crate) fn edits_by(&self, script: &str) -> Result<()> {
        let (path, text) = (self.file("editor"), format!("#!/bin/sh\nset -e\n{script}\n"));
        std::fs::write(&path, text)?;
        Ok(std::fs::set_permissions(path, PermissionsExt::from_mode(0o755))?)
    }

    /// Runs a line of words; ␣ is a blank in a word, $NAME its own name. `input` is what is typed meanwhile.
    pub(crate) async fn types(&self, line: &str, input: &str) -> Result<Ended> {
        let (mut command, input) = (self.command(line), input.to_owned());
        let ended = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn()?;
            // A client that asks nothing may be gone already.
            drop(std::io::Write::write_all(&mut child.stdin.take().context("no input")?, input.as_bytes()));
            Ok::<_, anyhow::Error>(child.wait_with_output()?)
        });
        let output = tokio::time::timeout(PATIENCE, ended).await;
        Ok(self.ended(&output.with_context(|| format!("{line} does not end"))???))
    }

    /// Runs a line that waits for somebody in a browser, who gets the address that it prints.
    pub(crate) async fn waits_for(&self, line: &str, browse: impl AsyncFnOnce(String)) -> Result<Ended> {
        let mut child = self.command(line).spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().context("no output")?);
        let begun = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            while stdout.read_line(&mut text)? > 0 {
                if text.lines().next_back().is_some_and(|line| line.contains("copy-and-paste")) {
                    break;
                }
            }
            Ok::<_, std::io::Error>((stdout, text))
        });
        let (mut stdout, mut text) = tokio::time::timeout(PATIENCE, begun).await???;
        if let Some((_, url)) = text.trim_end().rsplit_once(' ').filter(|(_, url)| url.starts_with("http")) {
            browse(url.to_owned()).await;
        }
        let ended = tokio::task::spawn_blocking(move || {
            stdout.read_to_string(&mut text)?;
            Ok::<_, std::io::Error>(Output { stdout: text.into_bytes(), ..child.wait_with_output()? })
        });
        Ok(self.ended(&tokio::time::timeout(PATIENCE, ended).await???))
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", "/usr/bin:/bin")
            .env("EDITOR", self.file("editor"))
            .current_dir(self.home.path());
        let line = line.replace("$NAME", self.name);
        command.args(line.split_whitespace().map(|word| word.replace('␣', " ")));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn ended(&self, output: &Output) -> Ended {
        // Each has a home and a name of its own.
        let home = self.home.path().display().to_string();
        let text =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&home, "HOME").replace(self.name, "NAME");
        let err = text(&output.stderr).trim_end().to_owned();
        let said = |line: &str| match serde_json::from_str::<serde_json::Value>(line) {
            Ok(line) => Some(line["msg"].as_str()?.to_owned()),
            // Some of the official client's lines are no JSON: a time, and what it says.
            Err(_) => Some(line.splitn(3, ' ').nth(2).filter(|_| line.starts_with("20"))?.to_owned()),
        };
        let said = err.lines().filter_map(said).collect::<Vec<_>>().join("\n");
        Ended { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), said, err }
    }
}
