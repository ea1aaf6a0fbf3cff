use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::say_skipped;

/// Somebody with an SSH key, by the real `ssh-keygen`.
#[derive(Debug)]
pub struct SshKey {
    home: tempfile::TempDir,
}

impl SshKey {
    /// A new key of a type and size as `ssh-keygen` names them; `None` where that is not installed, which is said.
    ///
    /// # Errors
    /// `ssh-keygen` refuses.
    pub fn new(kind: &str, bits: &str) -> Result<Option<Self>> {
        let home = tempfile::Builder::new().prefix("capstan-ssh-key-").tempdir()?;
        let key = Self { home };
        if Command::new("ssh-keygen").arg("-?").output().is_err() {
            say_skipped("signatures by SSH keys", "there is no ssh-keygen");
            return Ok(None);
        }
        key.keygen(&["-q", "-t", kind, "-b", bits, "-N", "", "-C", "somebody", "-f", "key"])?;
        Ok(Some(key))
    }

    /// The private key.
    pub fn file(&self) -> PathBuf {
        self.home.path().join("key")
    }

    /// The public key's line.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn public(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.home.path().join("key.pub"))?)
    }

    /// `SHA256:…`.
    ///
    /// # Errors
    /// `ssh-keygen` refuses.
    pub fn fingerprint(&self) -> Result<String> {
        let listed = self.keygen(&["-l", "-f", "key"])?;
        listed.split_whitespace().nth(1).map(str::to_owned).context("a fingerprint")
    }

    /// An armored signature of a text, for a purpose (`git`).
    ///
    /// # Errors
    /// `ssh-keygen` refuses.
    pub fn sign(&self, purpose: &str, text: &str) -> Result<String> {
        let (file, signature) = (self.home.path().join("text"), self.home.path().join("text.sig"));
        std::fs::write(&file, text)?;
        drop(std::fs::remove_file(&signature));
        self.keygen(&["-q", "-Y", "sign", "-f", "key", "-n", purpose, "text"])?;
        Ok(std::fs::read_to_string(signature)?)
    }

    fn keygen(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new("ssh-keygen").current_dir(self.home.path()).args(arguments).output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "ssh-keygen {}: {told}", arguments.join(" "));
        Ok(String::from_utf8(output.stdout)?)
    }
}
