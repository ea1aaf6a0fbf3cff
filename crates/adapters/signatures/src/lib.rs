//! Signatures of commits, held against a keyring of public keys: OpenPGP's by the program `gpg`, as the peer does it, and those of SSH
//! keys here.
//!
//! It knows no repository and no project: it is given what was signed, the signature, and the keys, and says whose signature it is.
//! The program gets fixed arguments, a home of its own, an empty environment and a deadline; what strangers wrote reaches it as files
//! and standard input only, and of its answers only the lines for machines are read.
//!
//! - [`Keyring`]: the keys. [`Verdict`]: the answer. [`public_keys`]: what keys a text has.

mod keys;
mod ssh;
mod status;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

pub use keys::{PublicKey, public_keys};
pub use status::Verdict;

/// How long the program may take for one step.
const DEADLINE: Duration = Duration::from_secs(20);
/// Bytes of its answer that are read.
const ANSWER_BYTES: usize = 256 << 10;
const MOST_ANSWER_BYTES: u64 = ANSWER_BYTES as u64;
/// Bytes of all keys together.
const MOST_KEY_BYTES: usize = 8 << 20;
/// Bytes of one signature.
const MOST_SIGNATURE_BYTES: usize = 64 << 10;
/// Always the same: nothing of the machine's settings, no agent, no network, no question of trust (who imports a key trusts it).
const ARGUMENTS: [&str; 10] = [
    "--no-options",
    "--batch",
    "--no-tty",
    "--quiet",
    "--no-autostart",
    "--no-auto-key-retrieve",
    "--disable-dirmngr",
    "--trust-model=always",
    "--status-fd=1",
    "--display-charset=utf-8",
];

/// Why nothing can be said of a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no such program, or it cannot be started.
    #[error("gpg cannot be run: {0}")]
    Program(String),
    /// It did not end in time.
    #[error("gpg did not end within {} seconds", DEADLINE.as_secs())]
    TimedOut,
    /// A budget is broken.
    #[error("{what} of more than {limit} bytes")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The keyring's files cannot be written.
    #[error("the keyring cannot be kept: {0}")]
    Files(String),
}

/// Public keys, in a directory that the program reads. It is named after them, and serves again after a restart.
#[derive(Debug)]
pub struct Keyring {
    home: PathBuf,
    ssh: ssh::Keys,
    id: u64,
}

impl Keyring {
    /// Imports armored public keys into a directory under this one, and reads SSH keys (lines as in `authorized_keys`). A text that holds
    /// no key adds none.
    ///
    /// # Errors
    /// [`SignatureError`]: the program cannot be run, or the directory not be written.
    pub async fn new(keys: &BTreeMap<String, String>, under: &Path) -> Result<Self, SignatureError> {
        let files = |error: std::io::Error| SignatureError::Files(error.to_string());
        if keys.values().map(String::len).sum::<usize>() > MOST_KEY_BYTES {
            return Err(SignatureError::TooLarge { what: "public keys", limit: MOST_KEY_BYTES });
        }
        let id = id_of(keys);
        let home = under.join(format!("{id:016x}"));
        // Its owner's alone, which the program insists on.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&home).map_err(files)?;
        let ring = Self { home, ssh: ssh::Keys::new(keys), id };
        for (name, key) in keys.iter().filter(|(_, text)| !ssh::is_keys(text)) {
            let answer = ring.run(&["--import"], key.as_bytes()).await?;
            if !answer.contains("[GNUPG:] IMPORT_OK") {
                tracing::warn!(key = name, "a public key could not be imported");
            }
        }
        Ok(ring)
    }

    /// Whether it was made from these keys.
    pub fn is_of(&self, keys: &BTreeMap<String, String>) -> bool {
        self.id == id_of(keys)
    }

    /// Changes when the keys do.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Judges an armored, detached signature, of OpenPGP or by an SSH key.
    ///
    /// # Errors
    /// [`SignatureError`]; then nothing is known of it.
    pub async fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<Verdict, SignatureError> {
        if signature.len() > MOST_SIGNATURE_BYTES {
            return Err(SignatureError::TooLarge { what: "a signature", limit: MOST_SIGNATURE_BYTES });
        }
        if ssh::is_signature(signature) {
            return Ok(self.ssh.verify(signed, signature));
        }
        let files = |error: std::io::Error| SignatureError::Files(error.to_string());
        let mut file = tempfile::NamedTempFile::new_in(&self.home).map_err(files)?;
        file.write_all(signature).map_err(files)?;
        let path = file.path().display().to_string();
        let answer = self.run(&["--verify", "--", &path, "-"], signed).await?;
        Ok(status::verdict(&answer))
    }

    /// Runs the program; the answer is what it says to machines. How it ends says nothing that these lines do not.
    async fn run(&self, arguments: &[&str], input: &[u8]) -> Result<String, SignatureError> {
        let program = |error: std::io::Error| SignatureError::Program(error.to_string());
        let mut command = Command::new("gpg");
        command.env_clear().env("LC_ALL", "C").env("PATH", PATH).env("HOME", &self.home);
        command.arg("--homedir").arg(&self.home).args(ARGUMENTS).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().map_err(program)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let told = async {
            let write = async {
                if let Some(mut stdin) = stdin {
                    // It may have read enough before the end.
                    drop(stdin.write_all(input).await);
                }
            };
            let read = async {
                let mut answer = Vec::new();
                if let Some(stdout) = stdout {
                    stdout.take(MOST_ANSWER_BYTES).read_to_end(&mut answer).await.map_err(program)?;
                }
                Ok(String::from_utf8_lossy(&answer).into_owned())
            };
            let ((), answer) = tokio::join!(write, read);
            child.wait().await.map_err(program)?;
            answer
        };
        tokio::time::timeout(DEADLINE, told).await.map_err(|_| SignatureError::TimedOut)?
    }
}

/// Where the program is looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin";

fn id_of(keys: &BTreeMap<String, String>) -> u64 {
    let mut hasher = DefaultHasher::new();
    keys.hash(&mut hasher);
    hasher.finish()
}
