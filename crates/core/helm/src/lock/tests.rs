//! Digests that helm 3.22.0's `dependency update` wrote, and what its `dependency build` says of them.

use super::Lock;
use crate::metadata::Metadata;

const ONE: &str = "dependencies: [{name: one, repository: 'file://../one', version: 1.2.3}]";
const TWO: &str = "dependencies: [{name: one, repository: 'file://../one', version: 1.2.3}, {name: two, repository: 'file://../two', version: 1.2.3}]";
const FULL: &str = r#"apiVersion: v2
dependencies:
- {name: one, version: "1.x", repository: "file://../one", condition: "one.enabled,a<b&c", tags: [front, "é\t"], enabled: true, alias: uno,
   import-values: [data, {child: a, parent: b, n: 1.5, big: 1e21, small: 1e-7, deep: [null, true, {z: 1, a: 2}]}]}
- {name: two, version: "*", repository: "file://../two"}
"#;
const PLAIN: &str =
    "{apiVersion: v2, dependencies: [{name: one, version: '>=1.0.0 <2', repository: 'file://../one'}]}";
const OLD: &str = "{apiVersion: v1, dependencies: [{name: one, version: ~1.2, repository: 'file://../one'}]}";

const OF_PLAIN: &str = "sha256:cab721a4dfa6013e68ca952b9f5f7ea6f096b9972267b8953f955fb13c774fb3";
const OF_FULL: &str = "sha256:d9c9a6381c58e893600dd0040550cde0f7b42255be9aeb28eced57a53c30ff8f";
const OF_OLD: &str = "sha256:6595652af091c562f3b760d64ec7018c216efc7d9c8ebf10c1ff3c7b0a5ded24";
const OF_OLD_BY_HELM_2: &str = "sha256:5c21660bf88a0c557a17f9fddb07f1bcb4dc1b580b281f5034c276a929b19a43";
const OF_NOTHING: &str = "sha256:643d5437104296e21d906ecb15b2c96ad278f20cfc4af53b12bb6069bd853726";

fn check(chart: &str, locked: &str, digest: &str) -> String {
    let limits = goyaml::Limits::default();
    let mut metadata = Metadata::read(chart.as_bytes(), &limits).unwrap();
    (metadata.name, metadata.version) = ("app".to_owned(), "0.1.0".to_owned());
    metadata.check().unwrap();
    let lock = Lock::read(format!("{locked}\ndigest: {digest}\n").as_bytes(), &limits).unwrap();
    let named = |name: &str| (name == "near").then(|| "file://../one".to_owned());
    lock.check(&metadata, named).map_or_else(|error| error.to_string(), |()| "fits".to_owned())
}

#[test]
fn as_helm_does() {
    let newer = PLAIN.replace("<2", "<3");
    let by_name = PLAIN.replace("file://../one", "@near");
    let by_alias = PLAIN.replace("file://../one", "alias:near");
    let unknown = PLAIN.replace("file://../one", "@far");
    let newer_old = OLD.replace("1.2", "1.3");
    let out = "the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). Please update the dependencies";
    let out_old = "the lock file (requirements.lock) is out of sync with the dependencies file (requirements.yaml). Please update the dependencies";
    let rows = [
        ("one dependency", PLAIN, ONE, OF_PLAIN, "fits"),
        ("every field", FULL, TWO, OF_FULL, "fits"),
        ("none", "{apiVersion: v2, dependencies: []}", "dependencies: []", OF_NOTHING, "fits"),
        ("no list is not an empty one", "{apiVersion: v2}", "dependencies: []", OF_NOTHING, out),
        ("a repository by its name", &by_name, ONE, OF_PLAIN, "fits"),
        ("by its alias", &by_alias, ONE, OF_PLAIN, "fits"),
        ("by a name that nobody has", &unknown, ONE, OF_PLAIN, out),
        ("another range", &newer, ONE, OF_PLAIN, out),
        ("another version locked", PLAIN, &ONE.replace("1.2.3", "1.2.4"), OF_PLAIN, out),
        ("no digest", PLAIN, ONE, "''", out),
        ("v1", OLD, ONE, OF_OLD, "fits"),
        ("v1, locked by helm 2", OLD, ONE, OF_OLD_BY_HELM_2, "fits"),
        ("helm 2's way is for v1 only", &OLD.replace("v1", "v2"), ONE, OF_OLD_BY_HELM_2, out),
        ("v1, another range", &newer_old, ONE, OF_OLD, out_old),
    ];
    for (row, chart, locked, digest, expected) in rows {
        assert_eq!(check(chart, locked, digest), expected, "{row}");
    }
}
