use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::say_skipped;

/// Somebody with an OpenPGP key, by the real `gpg` in a home of its own.
#[derive(Debug)]
pub struct Signer {
    home: tempfile::TempDir,
    key: String,
}

impl Signer {
    /// A new key that does not expire; `None` where there is no gpg, which is said.
    ///
    /// # Errors
    /// gpg refuses.
    pub fn new(user: &str) -> Result<Option<Self>> {
        let home = tempfile::Builder::new().prefix("capstan-gpg-").tempdir()?;
        let mut signer = Self { home, key: String::new() };
        if Command::new("gpg").arg("--version").stdout(Stdio::null()).status().is_err() {
            say_skipped("gpg", "it is not installed");
            return Ok(None);
        }
        signer.gpg(&["--quick-generate-key", user, "ed25519", "sign", "never"], "")?;
        let listed = signer.gpg(&["--with-colons", "--list-keys"], "")?;
        let line = listed.lines().find(|line| line.starts_with("fpr:")).context("a key has a fingerprint")?;
        line.split(':').nth(9).context("a fingerprint")?.clone_into(&mut signer.key);
        let script = format!(
            "#!/bin/sh\nexec gpg --homedir {} --batch --quiet --pinentry-mode=loopback --passphrase= \"$@\"\n",
            signer.home.path().display()
        );
        std::fs::write(signer.program(), script)?;
        std::fs::set_permissions(signer.program(), std::fs::Permissions::from_mode(0o700))?;
        Ok(Some(signer))
    }

    /// The fingerprint of the key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The last 16 digits of it.
    pub fn id(&self) -> &str {
        self.key.split_at_checked(24).map_or("", |(_, id)| id)
    }

    /// A program that git can sign with (`gpg.program`).
    pub fn program(&self) -> PathBuf {
        self.home.path().join("sign")
    }

    /// The public key, armored.
    ///
    /// # Errors
    /// gpg refuses.
    pub fn public(&self) -> Result<String> {
        self.gpg(&["--armor", "--export"], "")
    }

    /// An armored, detached signature of a text.
    ///
    /// # Errors
    /// gpg refuses.
    pub fn sign(&self, text: &str) -> Result<String> {
        self.gpg(&["--armor", "--detach-sign"], text)
    }

    fn gpg(&self, arguments: &[&str], input: &str) -> Result<String> {
        let mut command = gpg(self.home.path());
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("gpg could not be started")?;
        child.stdin.take().context("a pipe")?.write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "gpg {}", arguments.join(" "));
        Ok(String::from_utf8(output.stdout)?)
    }
}

fn gpg(home: &Path) -> Command {
    let mut command = Command::new("gpg");
    command.arg("--homedir").arg(home);
    command.args(["--batch", "--quiet", "--pinentry-mode=loopback", "--passphrase="]);
    command
}

impl Drop for Signer {
    fn drop(&mut self) {
        // The agent that gpg started for the secret key.
        let mut end = Command::new("gpgconf");
        drop(end.arg("--homedir").arg(self.home.path()).args(["--kill", "all"]).status());
    }
}
