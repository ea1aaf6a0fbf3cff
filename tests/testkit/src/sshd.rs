use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::child::Child;
use crate::repository::Repository;

const PROGRAM: &str = "/usr/sbin/sshd";
const STARTUP: Duration = Duration::from_secs(20);

/// OpenSSH's server on a free loopback port, with a host key and one authorised key of its own, for the account that
/// runs the test. It serves every repository that this account can read, so a [`Repository`] by its absolute path.
/// Ends on drop.
#[derive(Debug)]
pub struct Sshd {
    _child: Child,
    port: u16,
    user: String,
    dir: TempDir,
}

impl Sshd {
    /// Starts it. `None`, with the reason on standard error, where sshd is not installed: as root it is installed
    /// first, from the distribution's package `openssh-server`. Blocks.
    ///
    /// # Errors
    /// It is there and does not come up.
    pub fn start() -> Result<Option<Self>> {
        if !Path::new(PROGRAM).exists()
            && let Err(error) = install()
        {
            crate::say_skipped("tests of git over ssh", &format!("{error:#}"));
            return Ok(None);
        }
        let dir = tempfile::Builder::new().prefix("capstan-ssh-").tempdir()?;
        for name in ["host_key", "client_key", "other_key"] {
            run(Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(dir.path().join(name)))?;
        }
        std::fs::copy(dir.path().join("client_key.pub"), dir.path().join("authorized_keys"))?;
        if run(Command::new("id").arg("-u"))? == "0" {
            // Where sshd drops its rights to; made by the system's service, which does not run here.
            std::fs::create_dir_all("/run/sshd")?;
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let user = run(Command::new("id").arg("-un"))?;
        std::fs::write(dir.path().join("sshd_config"), config(dir.path(), port))?;
        let args = ["-D", "-e", "-f", "sshd_config"].map(str::to_owned);
        let child = Child::start("sshd", Path::new(PROGRAM), &args, dir.path())?;
        let start = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            child.check_running()?;
            ensure!(start.elapsed() < STARTUP, "sshd does not listen:\n{}", child.log_tail());
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Some(Self { _child: child, port, user, dir }))
    }

    /// `ssh://<account>@127.0.0.1:<port>/<absolute path>`.
    pub fn url(&self, repository: &Repository) -> String {
        format!("ssh://{}@127.0.0.1:{}{}", self.user, self.port, repository.bare().display())
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The private key that it lets in, as in a repository Secret's `sshPrivateKey`.
    ///
    /// # Errors
    /// The file is gone.
    pub fn private_key(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.dir.path().join("client_key"))?)
    }

    /// A private key that it does not let in.
    ///
    /// # Errors
    /// The file is gone.
    pub fn wrong_private_key(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.dir.path().join("other_key"))?)
    }

    /// Its host key as a line of `known_hosts` (`[127.0.0.1]:<port> ssh-ed25519 …`).
    ///
    /// # Errors
    /// The file is gone.
    pub fn known_hosts(&self) -> Result<String> {
        let key = std::fs::read_to_string(self.dir.path().join("host_key.pub"))?;
        Ok(format!("[127.0.0.1]:{} {key}", self.port))
    }

    /// The file of [`Self::private_key`], readable by its owner only.
    pub fn private_key_file(&self) -> PathBuf {
        self.dir.path().join("client_key")
    }
}

fn config(dir: &Path, port: u16) -> String {
    format!(
        "ListenAddress 127.0.0.1
Port {port}
HostKey {dir}/host_key
AuthorizedKeysFile {dir}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AcceptEnv GIT_PROTOCOL
LogLevel ERROR
",
        dir = dir.display()
    )
}

fn install() -> Result<()> {
    ensure!(
        run(Command::new("id").arg("-u"))? == "0",
        "{PROGRAM} is not installed (package openssh-server), and only root could install it"
    );
    // Another test process may be installing as well; dpkg's own lock makes one wait.
    let wait = "DPkg::Lock::Timeout=120";
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", wait, "-qq", "-y", "update"]);
    run(&mut apt)?;
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").args([
        "-o",
        wait,
        "-qq",
        "-y",
        "--no-install-recommends",
        "install",
        "openssh-server",
    ]);
    run(&mut apt).map(drop)
}

fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{name} could not be started"))?;
    if !output.status.success() {
        bail!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::hermetic_git;

    #[test]
    fn git_clones_over_ssh() {
        let Some(sshd) = Sshd::start().unwrap() else { return };
        let repository = Repository::new("config").unwrap();
        let head = repository.commit(&[("a.yaml", "a: 1\n")], "first").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let known = dir.path().join("known_hosts");
        std::fs::write(&known, sshd.known_hosts().unwrap()).unwrap();
        let clone = |key: &Path, to: &str| {
            let ssh = format!(
                "ssh -F none -o BatchMode=yes -o IdentitiesOnly=yes -o UserKnownHostsFile={} -i {}",
                known.display(),
                key.display()
            );
            let mut git = hermetic_git();
            git.env("GIT_SSH_COMMAND", ssh)
                .args(["clone", "-q", &sshd.url(&repository)])
                .arg(dir.path().join(to));
            run(&mut git)
        };
        assert!(clone(&sshd.dir.path().join("other_key"), "refused").is_err());
        clone(&sshd.private_key_file(), "ok").unwrap();
        assert!(std::fs::read_to_string(dir.path().join("ok/.git/refs/heads/main")).unwrap().contains(&head));
    }
}
