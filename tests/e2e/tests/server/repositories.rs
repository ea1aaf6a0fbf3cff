//! `argocd repo …`, `argocd repocreds …`.

use testkit::{ChartRepository, GitServer, GitServerOptions, OciRegistry, RegistryLogin, Repository, WebTls};

use crate::stand::{Row, Stand};

/// A password that must be in no answer.
const CANARY: &str = "canary-4711";

fn ok(line: &str, printed: &'static str) -> Row {
    (line.to_owned(), 0, printed)
}

fn fails(line: &str, printed: &'static str) -> Row {
    (line.to_owned(), 20, printed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repositories_are_added_listed_and_removed() {
    let Some(stand) = Stand::start().await else { return };
    stand.login().await;
    let shop = Repository::new("shop").unwrap();
    shop.commit(&[("a/kustomization.yaml", "resources: []\n")], "begin").unwrap();
    let login = Some(("user".to_owned(), CANARY.to_owned()));
    let git = GitServer::start(&shop, GitServerOptions { basic_auth: login, tls: false }).unwrap();
    let (url, base) = (git.url(&shop), git.base_url());
    let charts = ChartRepository::start(WebTls::Off, Some(("user", CANARY))).unwrap();
    charts.index(&[("web", "1.0.0", "web-1.0.0.tgz", "")]);
    let helm = charts.url();
    let registry = OciRegistry::start(WebTls::Off, RegistryLogin::Token).unwrap();
    let oci = format!("oci://{}/shop", registry.host());
    let user = format!("--username user --password {CANARY}");
    let rows: Vec<Row> = vec![
        ok("repo list", "Successful"),
        ok("repo list -o url", "config.git"),
        ok("repo add $REPO", "added"),
        fails("repo add $REPO --enable-lfs", "existing repository spec is different"),
        ok("repo add $REPO --enable-lfs --upsert", "added"),
        ok("repo add $REPO --upsert", "added"),
        fails(&format!("repo add {url}"), "error testing repository connectivity"),
        fails(
            &format!("repo add {url} --username user --password wrong"),
            "error testing repository connectivity",
        ),
        ok(&format!("repo add {url} {user}"), "added"),
        ok(&format!("repo add {url} {user}"), "added"),
        ok(&format!("repo get {url}"), "Successful"),
        fails(&format!("repo get {base}/none.git"), "permission denied"),
        ok(&format!("repo rm {url}"), "removed"),
        fails(&format!("repo rm {url}"), "permission denied"),
        ok(&format!("repocreds add {base} {user}"), "added"),
        ok(&format!("repocreds add {base} {user}"), "added"),
        fails(&format!("repocreds add {base} --username user --password other"), "spec is different"),
        ok(&format!("repocreds add {base} --username other --password {CANARY} --upsert"), "added"),
        ok("repocreds list", "other"),
        ok(&format!("repocreds add {base} {user} --upsert"), "added"),
        ok(&format!("repo add {url}"), "added"),
        ok("repo list", "inherited"),
        ok(&format!("repo get {url} -o yaml"), "inheritedCreds: true"),
        ok("proj create web", ""),
        ok(&format!("repo add {url} --project web {user}"), "added"),
        ok(&format!("repo get {url} --project web"), "Successful"),
        fails(&format!("repo rm {url} --project none"), "repository not found for url"),
        ok(&format!("repo rm {url} --project web"), "removed"),
        ok(&format!("repo rm {url}"), "removed"),
        ok(&format!("repocreds rm {base}"), "removed"),
        fails(&format!("repocreds rm {base}"), "not found"),
        fails(&format!("repo add {helm} --type helm --name charts"), "error testing repository connectivity"),
        ok(&format!("repo add {helm} --type helm --name charts {user}"), "added"),
        fails(
            &format!(
                "repo add {oci} --type oci --name art --insecure-oci-force-http --username user --password wrong"
            ),
            "error testing repository connectivity",
        ),
        ok(
            &format!(
                "repo add {oci} --type oci --name art --insecure-oci-force-http --username user --password secret"
            ),
            "added",
        ),
        ok("repo list --refresh hard", "oci"),
        ok(&format!("repo rm {oci} {helm}"), "removed"),
    ];
    for row in &rows {
        stand.types(std::slice::from_ref(row)).await;
        let shows = row.0.starts_with("repo list") || row.0.starts_with("repo get");
        let wide = if row.0.contains("-o") { "" } else { " -o json" };
        let (_, text) =
            if shows { stand.argocd(&format!("{}{wide}", row.0)).await.unwrap() } else { continue };
        assert!(!text.contains(CANARY), "{}: {text}", row.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_have_the_peers_layout() {
    let Some(stand) = Stand::start().await else { return };
    stand.login().await;
    let shop = Repository::new("shop").unwrap();
    shop.commit(&[("a.txt", "")], "begin").unwrap();
    let git = GitServer::start(&shop, GitServerOptions::default()).unwrap();
    let url = git.url(&shop);
    stand
        .types(&[
            ok("proj create web", ""),
            ok(
                &format!("repo add {url} --project web --username user --password {CANARY} --name shop"),
                "added",
            ),
            ok(&format!("repocreds add https://git.example --username user --password {CANARY}"), "added"),
        ])
        .await;
    for (name, kind, keys) in [
        (
            format!("repo-{}", fnv(&format!("{url}web"))),
            "repository",
            "name password project type url username",
        ),
        ("creds-2468785718".to_owned(), "repo-creds", "password type url username"),
    ] {
        let path = format!("/api/v1/namespaces/argocd/secrets/{name}");
        let secret = stand.api.get(&path).await.unwrap().unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(secret["metadata"]["labels"]["argocd.argoproj.io/secret-type"], kind);
        assert_eq!(secret["metadata"]["annotations"]["managed-by"], "argocd.argoproj.io");
        let found: Vec<&str> = secret["data"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(found.join(" "), keys, "{name}");
    }
    // One that somebody else has made is let go of, not deleted.
    stand.types(&[ok("repo rm $REPO", "removed")]).await;
    let kept = stand.api.get("/api/v1/namespaces/argocd/secrets/repo-config").await.unwrap().unwrap();
    assert_eq!(
        kept["metadata"].get("labels").and_then(|labels| labels.get("argocd.argoproj.io/secret-type")),
        None
    );
}

/// As Go's `hash/fnv` has it, `New32a`.
fn fnv(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
