//! `argocd cert …`, `argocd gpg …`.

use testkit::{GitServer, GitServerOptions, Repository, Signer};

use crate::stand::{Row, Stand};

/// The keys of two well-known servers.
const HOSTS: &str = "github.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n\
    [ssh.git.example]:2222 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf\n";
const GITLAB: &str =
    "github.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf\n";

fn ok(line: &str, printed: &'static str) -> Row {
    (line.to_owned(), 0, printed)
}

fn fails(line: &str, printed: &'static str) -> Row {
    (line.to_owned(), 20, printed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_added_listed_and_removed() {
    let Some(stand) = Stand::start().await else { return };
    stand.login().await;
    let shop = Repository::new("shop").unwrap();
    shop.commit(&[("a.txt", "")], "begin").unwrap();
    let git = GitServer::start(&shop, GitServerOptions { tls: true, ..GitServerOptions::default() }).unwrap();
    let url = git.url(&shop);
    let file = |name: &str, text: &str| {
        let path = stand.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (hosts, other) = (file("hosts", HOSTS), file("other", GITLAB));
    let (ca, nothing) = (file("ca.pem", git.ca_pem().unwrap()), file("nothing.pem", "nothing\n"));
    stand
        .types(&[
            fails(&format!("repo add {url}"), "error testing repository connectivity"),
            ok(&format!("cert add-tls 127.0.0.1 --from {ca}"), "Created entry with 1 PEM certificates"),
            ok(&format!("repo add {url}"), "added"),
            ok("cert list --cert-type https", "127.0.0.1"),
            ok("cert list", "ecdsa"),
            fails(&format!("cert add-tls bad/host --from {ca}"), "invalid hostname in request"),
            ok(&format!("cert add-tls git.example --from {nothing}"), "No valid certificates"),
            ok(
                &format!("cert add-ssh --batch --from {hosts}"),
                "Successfully created 2 SSH known host entries",
            ),
            ok(
                &format!("cert add-ssh --batch --from {hosts}"),
                "Successfully created 0 SSH known host entries",
            ),
            ok("cert list --cert-type ssh", "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"),
            ok("cert list --hostname-pattern *.com", "github.com"),
            fails(
                &format!("cert add-ssh --batch --from {other}"),
                "already exists, and upsert was not specified",
            ),
            ok(&format!("cert add-ssh --batch --from {other} --upsert"), "Successfully created 1"),
            ok("cert rm github.com --cert-type ssh", "Removed cert for 'github.com' of type 'ssh'"),
            ok("cert rm 127.0.0.1", "Removed cert for '127.0.0.1' of type 'https'"),
            ok("repo list --refresh hard", "Failed"),
        ])
        .await;
    let path = "/api/v1/namespaces/argocd/configmaps/argocd-ssh-known-hosts-cm";
    let map = stand.api.get(path).await.unwrap().unwrap();
    let left = map["data"]["ssh_known_hosts"].as_str().unwrap();
    assert!(left.contains("[ssh.git.example]:2222 ssh-ed25519 ") && !left.contains("github.com"), "{left}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_added_listed_and_removed() {
    let Some(stand) = Stand::start().await else { return };
    let Some(signer) = Signer::new("Ann Example <ann@git.example>").unwrap() else { return };
    stand.login().await;
    let path = stand.home.path().join("key.asc");
    std::fs::write(&path, signer.public().unwrap()).unwrap();
    let (id, path) = (signer.id(), path.display());
    stand
        .types(&[
            ok(&format!("gpg add --from {path}"), "Created 1 key(s) from input file"),
            ok(&format!("gpg add --from {path}"), "and 1 key(s) were skipped because they exist already"),
            ok("gpg list", "KEYID"),
            ok(&format!("gpg get {id}"), "Key owner:       Ann Example <ann@git.example>"),
            fails("gpg get none", "KeyID is malformed or empty"),
            ok(&format!("gpg rm {id}"), "Deleted key with key ID"),
            fails(&format!("gpg rm {id}"), "no such key configured"),
        ])
        .await;
}
