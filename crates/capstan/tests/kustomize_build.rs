//! `capstan kustomize build` with bases in a repository, on git's own server over http.
#![expect(clippy::disallowed_methods, reason = "a test that starts the binary")]

use std::process::Command;

use testkit::{GitServer, GitServerOptions, Repository};

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
        let ran = Command::new(env!("CARGO_BIN_EXE_capstan"))
            .args(["kustomize", "build"])
            .args(words)
            .current_dir(directory.path())
            .output()
            .unwrap();
        let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        match expected {
            Ok(text) => {
                assert!(ran.status.success(), "{words:?}: {err}");
                assert_eq!(out, text, "{words:?}");
            }
            Err(part) => assert!(
                !ran.status.success() && err.starts_with("Error: ") && err.contains(part),
                "{words:?}: {err}"
            ),
        }
    }
}
