//! `capstan kustomize build` with bases in a repository, on git's own server over http.
#![expect(clippy::disallowed_methods, reason = "a test that starts the binary")]

use std::path::Path;
use std::process::Command;

use testkit::{Fault, GitServer, GitServerOptions, Repository};

/// Whether a build was made, and what it said on both streams.
fn run(directory: &Path, words: &[&str]) -> (bool, String, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_capstan"))
        .args(["kustomize", "build"])
        .args(words)
        .current_dir(directory)
        .output()
        .expect("the binary runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (ran.status.success(), text(&ran.stdout), text(&ran.stderr))
}

#[test]
fn bases_come_from_a_repository() {
    let repository = Repository::new("shop").unwrap();
    let map = |color: &str| {
        format!("apiVersion: v1\ndata:\n  color: {color}\nkind: ConfigMap\nmetadata:\n  name: shop\n")
    };
    let files = [("base/kustomization.yaml", "resources: [map.yaml]\n"), ("base/map.yaml", &map("red"))];
    repository.commit(&files, "one").unwrap();
    repository.tag("v1", None).unwrap();
    repository.commit(&[("base/map.yaml", &map("blue"))], "two").unwrap();
    // Of one name, the tag is taken, as git itself does.
    repository.git(&["push", "--quiet", "origin", "HEAD:refs/heads/v1"]).unwrap();
    let server = GitServer::start(&repository, GitServerOptions::default()).unwrap();
    let url = server.url(&repository);
    let directory = tempfile::tempdir().unwrap();
    let over = format!("namePrefix: dev-\nresources: ['{url}//base?ref=v1']\n");
    std::fs::write(directory.path().join("kustomization.yaml"), over).unwrap();
    let head = format!("{url}//base");
    let wrong = format!("{url}//base?ref=nowhere");
    let rows: [(&[&str], Result<String, &str>); 3] = [
        (&[], Ok(map("red").replace("name: shop", "name: dev-shop"))),
        (&[&head], Ok(map("blue"))),
        (&[&wrong], Err("nowhere")),
    ];
    for (words, expected) in rows {
        let (ran, out, err) = run(directory.path(), words);
        match expected {
            Ok(text) => {
                assert!(ran, "{words:?}: {err}");
                assert_eq!(out, text, "{words:?}");
            }
            Err(part) => {
                assert!(!ran && err.starts_with("Error: ") && err.contains(part), "{words:?}: {err}")
            }
        }
    }
}

#[test]
fn a_base_has_the_time_that_its_address_allows() {
    let repository = Repository::new("slow").unwrap();
    repository.commit(&[("base/kustomization.yaml", "namePrefix: a-\n")], "one").unwrap();
    let server = GitServer::start(&repository, GitServerOptions::default()).unwrap();
    server.set_fault(Fault::Hang);
    let url = format!("{}//base?timeout=100ms", server.url(&repository));
    let directory = tempfile::tempdir().unwrap();
    let text = format!("commonLabels: {{a: b}}\nresources: ['{url}']\n");
    std::fs::write(directory.path().join("kustomization.yaml"), text).unwrap();
    let (ran, _, err) = run(directory.path(), &[]);
    assert!(!ran && err.contains("hit 100ms timeout fetching"), "{err}");
    // What was said before is said, too.
    assert!(err.starts_with("# Warning: 'commonLabels' is deprecated."), "{err}");
}
