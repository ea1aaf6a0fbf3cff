use super::{command, shell_quoted};
use crate::remote::Remote;
use crate::url::RepoUrl;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

#[test]
fn arguments_are_fixed_and_files_are_private() {
    let files = tempfile::tempdir().unwrap();
    let mut remote = Remote::new(RepoUrl::parse("ssh://git@host.example:2222/org/it's.git").unwrap());
    remote.credentials.ssh_private_key = Some("KEY\r\nTEXT".into());
    remote.credentials.known_hosts = Some("host ssh-ed25519 AAAA".into());
    let command = command(&remote, files.path(), Duration::from_secs(9), super::Service::UploadPack).unwrap();
    let args: Vec<_> = command.get_args().map(|arg| arg.to_str().unwrap()).collect();
    assert_eq!(
        args[args.len() - 7..],
        ["-p", "2222", "-l", "git", "--", "host.example", r"git-upload-pack '/org/it'\''s.git'"]
    );
    for option in ["StrictHostKeyChecking=yes", "IdentityAgent=none", "BatchMode=yes", "ConnectTimeout=9"] {
        assert!(args.contains(&option), "{option}");
    }
    assert!(!args.iter().any(|arg| arg.contains("KEY")), "no secret on the command line");
    let key = files.path().join("key");
    assert_eq!(std::fs::read_to_string(&key).unwrap(), "KEY\nTEXT\n");
    for file in [key, files.path().join("known_hosts")] {
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn the_other_shell_sees_one_word() {
    assert_eq!(shell_quoted("a b;$(c)"), "'a b;$(c)'");
    assert_eq!(shell_quoted("a'b"), r"'a'\''b'");
}
