//! Git over the `ssh` program: the one program that a transport starts, with fixed arguments, key and known hosts by file.

use crate::call::{Call, Metered, Watchdog};
use crate::error::SourceError;
use crate::remote::Remote;
use crate::url::RepoUrl;
use gix_transport::Protocol;
use gix_transport::client::git::{ConnectMode, blocking_io::Connection};
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;

/// How much of what `ssh` says is kept for the message.
const STDERR_BYTES: u64 = 8 << 10;

/// A running `ssh`. Dropping it ends the process and removes the files.
pub(crate) struct Session {
    child: Arc<Mutex<Child>>,
    stderr: Option<JoinHandle<String>>,
    _watchdog: Watchdog,
    _files: TempDir,
}

/// Which of git's programs is asked for at the other end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// To read.
    UploadPack,
    /// To write.
    ReceivePack,
}

pub(crate) type SshTransport = Connection<Metered<ChildStdout>, ChildStdin>;

/// Starts `ssh` and gives a transport over its pipes.
///
/// # Errors
/// `Refused` for what is not supported over ssh, `Store` when files or the process cannot be made.
pub(crate) fn connect(
    remote: &Remote,
    call: &Arc<Call>,
    private: &Path,
    connect_timeout: Duration,
) -> Result<(SshTransport, Session), SourceError> {
    let (reader, stdin, session) = start(remote, call, private, connect_timeout, Service::UploadPack)?;
    let path = &*remote.url.path;
    Ok((
        Connection::new(reader, stdin, Protocol::V2, path, None::<(&str, _)>, ConnectMode::Process, false),
        session,
    ))
}

/// Starts `ssh` and gives its pipes.
///
/// # Errors
/// As [`connect`].
pub(crate) fn start(
    remote: &Remote,
    call: &Arc<Call>,
    private: &Path,
    connect_timeout: Duration,
    service: Service,
) -> Result<(Metered<ChildStdout>, ChildStdin, Session), SourceError> {
    let refuse = |reason: &str| SourceError::Refused { repo: remote.url.clone(), reason: reason.to_owned() };
    let broken = |error: io::Error| SourceError::Store {
        repo: remote.url.clone(),
        detail: format!("cannot start ssh: {error}"),
    };
    if remote.credentials.proxy.as_ref().is_some_and(|proxy| !proxy.expose().is_empty()) {
        return Err(refuse("a proxy for ssh is not supported"));
    }
    if private.to_str().is_none_or(|path| path.contains(['"', '%', '\n', '$'])) {
        return Err(refuse("the data directory has a character in its name that ssh's options cannot carry"));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(private).map_err(broken)?;
    let files = tempfile::Builder::new().prefix("ssh-").tempdir_in(private).map_err(broken)?;
    let mut command = command(remote, files.path(), connect_timeout, service).map_err(broken)?;
    let mut child = command.spawn().map_err(broken)?;
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(refuse("ssh has no pipes"));
    };
    let child = Arc::new(Mutex::new(child));
    let watchdog = Watchdog::new(call, {
        let child = Arc::clone(&child);
        move || end(&child)
    });
    let session = |watchdog| -> io::Result<Session> {
        let stderr =
            std::thread::Builder::new().name("ssh-stderr".to_owned()).spawn(move || collect(stderr))?;
        Ok(Session { child: Arc::clone(&child), stderr: Some(stderr), _watchdog: watchdog, _files: files })
    };
    let session = watchdog.and_then(session).map_err(|error| {
        end(&child);
        broken(error)
    })?;
    Ok((Metered::new(stdout, Arc::clone(call)), stdin, session))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the ssh client is the one program that a transport may start (design §1.4)"
)]
fn command(
    remote: &Remote,
    files: &Path,
    connect_timeout: Duration,
    service: Service,
) -> io::Result<Command> {
    let credentials = &remote.credentials;
    let known_hosts = files.join("known_hosts");
    write_private(&known_hosts, credentials.known_hosts.as_deref().unwrap_or_default())?;
    let mut command = Command::new("ssh");
    command.env_clear().env("LC_ALL", "C").current_dir("/");
    let program = match service {
        Service::UploadPack => {
            command.env("GIT_PROTOCOL", "version=2");
            "git-upload-pack"
        }
        // Pushing has one version, and none is asked for.
        Service::ReceivePack => "git-receive-pack",
    };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.args(["-F", "/dev/null", "-T", "-x", "-a"]);
    let mut option = |name: &str, value: &str| {
        command.arg("-o").arg(format!("{name}={value}"));
    };
    for (name, value) in [
        ("BatchMode", "yes"),
        ("PreferredAuthentications", "publickey"),
        ("IdentitiesOnly", "yes"),
        ("IdentityAgent", "none"),
        ("GlobalKnownHostsFile", "/dev/null"),
        ("UpdateHostKeys", "no"),
        ("VerifyHostKeyDNS", "no"),
        ("CheckHostIP", "no"),
        ("PermitLocalCommand", "no"),
        ("ControlMaster", "no"),
        ("ControlPath", "none"),
        ("ProxyCommand", "none"),
        ("ClearAllForwardings", "yes"),
        ("SendEnv", "GIT_PROTOCOL"),
        ("ServerAliveInterval", "15"),
        ("ServerAliveCountMax", "2"),
        ("LogLevel", "ERROR"),
    ] {
        option(name, value);
    }
    option("ConnectTimeout", &connect_timeout.as_secs().max(1).to_string());
    let quoted = |path: &Path| format!("\"{}\"", path.display());
    if credentials.insecure_ignore_host_key {
        option("StrictHostKeyChecking", "no");
        option("UserKnownHostsFile", "/dev/null");
    } else {
        option("StrictHostKeyChecking", "yes");
        option("UserKnownHostsFile", &quoted(&known_hosts));
    }
    match &credentials.ssh_private_key {
        Some(key) => {
            let file = files.join("key");
            write_private(&file, &format!("{}\n", key.expose().replace("\r\n", "\n").trim_end()))?;
            option("IdentityFile", &quoted(&file));
        }
        None => option("IdentityFile", "none"),
    }
    if let Some(port) = remote.url.port {
        command.arg("-p").arg(port.to_string());
    }
    let user = remote
        .url
        .user
        .as_deref()
        .or(credentials.username.as_deref().filter(|name| is_login(name)))
        .unwrap_or("git");
    command.arg("-l").arg(user).arg("--").arg(remote.url.host.trim_matches(['[', ']']));
    command.arg(format!("{program} {}", shell_quoted(&remote_path(&remote.url))));
    Ok(command)
}

impl Session {
    /// What `ssh` said, told apart; none when it said nothing that explains a failure.
    pub(crate) fn failure(&mut self, call: &Call) -> Option<SourceError> {
        end(&self.child);
        let said = self.stderr.take()?.join().ok()?;
        let detail = call.shown(&said);
        let has = |text: &str| said.contains(text);
        let repo = call.repo.clone();
        if has("Host key verification failed")
            || has("REMOTE HOST IDENTIFICATION HAS CHANGED")
            || has("no matching host key type")
        {
            Some(SourceError::Untrusted { repo, detail })
        } else if has("Permission denied")
            || has("error in libcrypto")
            || has("invalid format")
            || has("marked as read only")
            || has("not allowed to push")
            || has("access denied")
        {
            Some(SourceError::Unauthorized { repo, detail })
        } else if has("does not appear to be a git repository")
            || has("Repository not found")
            || has("repository not found")
        {
            Some(SourceError::NotFound { repo, detail })
        } else if has("not our ref") || has("unadvertised object") {
            Some(SourceError::Protocol { repo, detail })
        } else if !said.trim().is_empty() {
            Some(SourceError::Unavailable { repo, detail, retry_after: None })
        } else {
            None
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        end(&self.child);
    }
}

fn end(child: &Mutex<Child>) {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    // Both fail only for a process that has ended and been waited for.
    if child.kill().is_ok() && child.wait().is_err() {
        tracing::debug!("the ssh process was not waited for");
    }
}

fn collect(mut stderr: impl Read) -> String {
    let mut kept = Vec::new();
    if (&mut stderr).take(STDERR_BYTES).read_to_end(&mut kept).is_ok() {
        // The rest is read so that ssh does not hang on a full pipe.
        drop(io::copy(&mut stderr, &mut io::sink()));
    }
    String::from_utf8_lossy(&kept).into_owned()
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

fn is_login(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    !name.is_empty() && !name.starts_with('-') && name.bytes().all(plain)
}

/// `ssh://host/~user/x` is `~user/x` to the server, as in git.
fn remote_path(url: &RepoUrl) -> String {
    match url.path.strip_prefix('/') {
        Some(home) if home.starts_with('~') => home.to_owned(),
        _ => url.path.to_string(),
    }
}

/// One word for the shell at the other end.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''").replace('!', r"'\!'"))
}

#[cfg(test)]
mod tests;
