//! Against OpenSSH's own server, where it is installed.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use source::{Remote, RepoUrl, SourceError};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Instant;
use support::git::{Origins, command, git};
use support::{checkout, read, secs, sources};

struct Sshd {
    child: Child,
    port: u16,
    /// Lines of `known_hosts` for it.
    known_hosts: String,
    key: String,
    other_key: String,
    user: String,
    _files: tempfile::TempDir,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn key_pair(file: &Path) -> (String, String) {
    let status =
        command("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(file).status().unwrap();
    assert!(status.success());
    (std::fs::read_to_string(file).unwrap(), std::fs::read_to_string(file.with_extension("pub")).unwrap())
}

impl Sshd {
    /// None where there is no sshd, or it cannot be run by who runs the tests.
    #[expect(clippy::print_stdout, reason = "says that a suite did not run")]
    fn start(more: &str) -> Option<Self> {
        let program = PathBuf::from("/usr/sbin/sshd");
        let user =
            String::from_utf8(command("id").arg("-un").output().unwrap().stdout).unwrap().trim().to_owned();
        if !program.exists() {
            println!("sshd is not installed: the ssh suite did not run");
            return None;
        }
        if user == "root" {
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let files = tempfile::tempdir().unwrap();
        let at = |name: &str| files.path().join(name);
        let (_, host_key) = key_pair(&at("host"));
        let (key, public) = key_pair(&at("user"));
        let (other_key, _) = key_pair(&at("other"));
        std::fs::write(at("authorized"), public).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {host}\nAuthorizedKeysFile {authorized}\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nPidFile none\n{more}\n",
            host = at("host").display(),
            authorized = at("authorized").display(),
        );
        std::fs::write(at("config"), config).unwrap();
        let mut child = command("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(at("config"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("listening") {
            line.clear();
            if log.read_line(&mut line).unwrap() == 0 {
                println!("sshd does not start here: the ssh suite did not run");
                drop(child.wait());
                return None;
            }
        }
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let known_hosts = format!("[127.0.0.1]:{port} {host_key}");
        Some(Self { child, port, known_hosts, key, other_key, user, _files: files })
    }

    fn remote(&self, path: &Path) -> Remote {
        let url = format!("ssh://{}@127.0.0.1:{}{}", self.user, self.port, path.display());
        let mut remote = Remote::new(RepoUrl::parse(&url).unwrap());
        remote.credentials.ssh_private_key = Some(self.key.as_str().into());
        remote.credentials.known_hosts = Some(self.known_hosts.as_str().into());
        remote
    }
}

/// With it the server hears which protocol is wanted; without, it speaks the oldest.
const PROTOCOL_2: &str = "AcceptEnv GIT_PROTOCOL";

#[tokio::test]
async fn a_repository_is_read_over_ssh() {
    for protocol in [PROTOCOL_2, ""] {
        let Some(sshd) = Sshd::start(protocol) else { return };
        let origins = Origins::new();
        let origin = origins.create("it's an app");
        let old = origin.put("a", "0");
        origin.put("a", "1");
        origin.git(&["tag", "-a", "-m", "t", "v1.0.0"]);
        let data = tempfile::tempdir().unwrap();
        let sources = sources(data.path());
        let remote = sshd.remote(&PathBuf::from(origin.path.display().to_string().replace(' ', "%20")));
        // By its id alone, and no tip: old servers give it only with what is above it.
        assert_eq!(read(&sources.snapshot(&remote, &old).await.unwrap(), "a").unwrap(), "0", "{protocol}");
        assert_eq!(read(&checkout(&sources, &remote, "1.x").await.unwrap(), "a").unwrap(), "1", "{protocol}");
        let new = origin.put("a", "2");
        let refs = sources.ls_refs(&remote).await.unwrap();
        assert_eq!(refs.head.as_deref(), Some("refs/heads/main"), "{protocol}");
        assert_eq!(read(&sources.snapshot(&remote, &new).await.unwrap(), "a").unwrap(), "2", "{protocol}");
        assert_eq!(
            std::fs::read_dir(data.path().join("private")).unwrap().count(),
            0,
            "no key is left on the disk"
        );
        let missing =
            checkout(&sources, &sshd.remote(Path::new("/nonexistent/x.git")), "main").await.unwrap_err();
        assert!(matches!(missing, SourceError::NotFound { .. }), "{missing:?}");
        let never = sources.snapshot(&remote, &"1".repeat(40)).await.unwrap_err();
        assert!(matches!(never, SourceError::NoCommit { .. }), "{protocol}: {never:?}");
    }
}

#[tokio::test]
async fn a_repository_is_written_over_ssh() {
    use source::{Base, FileChange, NewCommit, Person, Push};
    for protocol in [PROTOCOL_2, ""] {
        let Some(sshd) = Sshd::start(protocol) else { return };
        let origins = Origins::new();
        let origin = origins.create("work");
        let first = origin.put("a", "1");
        git(origins.root.path(), &["clone", "-q", "--bare", "work", "it's bare.git"]);
        let bare = origins.root.path().join("it's bare.git");
        let data = tempfile::tempdir().unwrap();
        let sources = sources(data.path());
        let remote = sshd.remote(&PathBuf::from(bare.display().to_string().replace(' ', "%20")));
        let person = Person::parse("CI <ci@example.com>").unwrap();
        let commit = NewCommit {
            branch: "main".to_owned(),
            base: Base::Tip(first),
            changes: [(filetree::TreePath::parse("a").unwrap(), FileChange::Write(b"2".as_slice().into()))]
                .into(),
            author: person.clone(),
            committer: person,
            time: 1,
            message: "two".to_owned(),
            trailers: Vec::new(),
        };
        let pushed = sources.push(&remote, &commit).await.unwrap();
        let tip = git(&bare, &["rev-parse", "main"]);
        assert_eq!(pushed, Push::Pushed { commit: tip.clone() }, "{protocol}");
        assert_eq!(git(&bare, &["show", "main:a"]), "2");
        let lost = sources.push(&remote, &commit).await.unwrap();
        assert_eq!(lost, Push::Lost { tip: Some(tip.clone()), reason: None }, "{protocol}");
        std::fs::write(bare.join("hooks/pre-receive"), "#!/bin/sh\necho protected >&2; exit 1\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(bare.join("hooks/pre-receive"), mode).unwrap();
        let next = NewCommit {
            base: Base::Tip(tip),
            time: 2,
            changes: [(filetree::TreePath::parse("a").unwrap(), FileChange::Delete)].into(),
            ..commit
        };
        let refused = sources.push(&remote, &next).await.unwrap();
        let reason = "pre-receive hook declined: protected".to_owned();
        assert_eq!(refused, Push::Refused { reason }, "{protocol}");
        let files = std::fs::read_dir(data.path().join("private")).unwrap().count();
        assert_eq!(files, 0, "no key is left on the disk");
    }
}

#[tokio::test]
async fn a_server_is_trusted_for_its_key_and_knows_us_by_ours() {
    let Some(sshd) = Sshd::start(PROTOCOL_2) else { return };
    let origins = Origins::new();
    let origin = origins.create("app");
    origin.put("a", "1");
    let good = sshd.remote(&origin.path);
    let changed = sshd.known_hosts.replace("AAAAC3NzaC1lZDI1NTE5AAAAI", "AAAAC3NzaC1lZDI1NTE5AAAAIA");
    let changed = changed.trim().get(..sshd.known_hosts.trim().rfind(' ').unwrap()).unwrap().to_owned();
    let other_public = {
        let dir = tempfile::tempdir().unwrap();
        key_pair(&dir.path().join("k")).1
    };
    let stranger = format!("[127.0.0.1]:{} {other_public}", sshd.port);
    type Edit = Box<dyn Fn(&mut Remote)>;
    type Row = (&'static str, Edit, fn(&SourceError) -> bool);
    let set = |text: String| -> Edit {
        Box::new(move |remote| remote.credentials.known_hosts = Some(text.as_str().into()))
    };
    let other_key = sshd.other_key.clone();
    let rows: Vec<Row> = vec![
        ("A48 unknown", set(String::new()), |e| matches!(e, SourceError::Untrusted { .. })),
        ("A48 changed", set(stranger), |e| matches!(e, SourceError::Untrusted { .. })),
        ("A48 mangled", set(changed), |e| matches!(e, SourceError::Untrusted { .. })),
        (
            "wrong key",
            Box::new(move |remote| remote.credentials.ssh_private_key = Some(other_key.as_str().into())),
            |e| matches!(e, SourceError::Unauthorized { .. }),
        ),
        ("no key", Box::new(|remote| remote.credentials.ssh_private_key = None), |e| {
            matches!(e, SourceError::Unauthorized { .. })
        }),
        (
            "text in place of a key",
            Box::new(|remote| remote.credentials.ssh_private_key = Some("secret-word".into())),
            |e| matches!(e, SourceError::Unauthorized { .. }),
        ),
        ("proxy", Box::new(|remote| remote.credentials.proxy = Some("http://proxy".into())), |e| {
            matches!(e, SourceError::Refused { .. })
        }),
    ];
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    for (row, edit, verdict) in rows {
        let mut remote = good.clone();
        edit(&mut remote);
        let error = sources.ls_refs(&remote).await.unwrap_err();
        assert!(verdict(&error), "{row}: {error:?}");
        assert!(!error.to_string().contains("secret-word"), "{row}");
    }
    let mut trusting = good.clone();
    trusting.credentials.known_hosts = None;
    trusting.credentials.insecure_ignore_host_key = true;
    assert!(sources.ls_refs(&trusting).await.is_ok());
}

#[tokio::test]
async fn a_session_that_hangs_is_ended() {
    let Some(sshd) = Sshd::start("ForceCommand sleep 60") else { return };
    let data = tempfile::tempdir().unwrap();
    let mut options = source::Options::new(data.path());
    options.timeouts.ls_refs = secs(2);
    let sources = source::Sources::new(options).unwrap();
    let start = Instant::now();
    let error = sources.ls_refs(&sshd.remote(Path::new("/x"))).await.unwrap_err();
    assert!(matches!(error, SourceError::TimedOut { .. }), "{error:?}");
    assert!(start.elapsed() < secs(20), "the server would hang for a minute");
}
