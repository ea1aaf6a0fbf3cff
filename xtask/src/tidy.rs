//! Holds the architecture up: the rings of the workspace, what the core may not know, and the code map.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// Crates that nothing under `crates/core/` may depend on, directly or not: runtimes, clients, sockets.
const NOT_IN_CORE: &[&str] = &[
    "tokio",
    "kube",
    "kube-client",
    "kube-core",
    "hyper",
    "reqwest",
    "gix",
    "k8s-openapi",
    "mio",
    "socket2",
];

/// Crates that nothing in the product may depend on: a second TLS stack, or an open advisory.
const NOWHERE: &[&str] = &["openssl", "openssl-sys", "ring", "rsa", "git2"];

/// A ring of the workspace; a crate may depend on its own ring only where that is said here, and on rings below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ring {
    Core,
    /// What adapters that speak with servers have in common; it is below them, for they do not see each other.
    Net,
    Adapters,
    /// Beside the others: the Kubernetes API in memory and the playground's git server, for the binary and tests only.
    Playground,
    Controllers,
    Faces,
    Binary,
    Tests,
}

fn ring(manifest: &str) -> Option<Ring> {
    Some(match manifest {
        m if m.contains("/crates/core/") => Ring::Core,
        m if m.contains("/crates/adapters/net/") => Ring::Net,
        m if m.contains("/crates/adapters/") => Ring::Adapters,
        m if m.contains("/crates/kubesim/") || m.contains("/crates/gitserver/") => Ring::Playground,
        m if m.contains("/crates/controllers/") => Ring::Controllers,
        m if m.contains("/crates/cli/") || m.contains("/crates/server/") => Ring::Faces,
        m if m.contains("/crates/capstan/") => Ring::Binary,
        m if m.contains("/tests/") || m.contains("/xtask/") => Ring::Tests,
        _ => return None,
    })
}

fn may_depend(from: Ring, on: Ring) -> bool {
    match (from, on) {
        (Ring::Tests, _) => true,
        (_, Ring::Tests) => false,
        (Ring::Binary, _) => true,
        // The playground stands on the core alone, and only the binary and the tests know it.
        (Ring::Playground, on) => on == Ring::Core,
        (_, Ring::Playground) => false,
        (Ring::Core, Ring::Core) => true,
        // Adapters do not see each other, nor do controllers, nor the faces.
        (from, on) => on < from,
    }
}

/// Runs every check; fails with all that is wrong, a line each.
pub(crate) fn run() -> Result<()> {
    let metadata = metadata()?;
    let mut problems = Vec::new();
    let graph = Graph::read(&metadata)?;
    graph.check_rings(&mut problems);
    graph.check_banned(&mut problems);
    check_map(&graph, &mut problems)?;
    if problems.is_empty() {
        return Ok(());
    }
    problems.sort();
    bail!("{} found\n  {}", problems.len(), problems.join("\n  "))
}

#[expect(clippy::disallowed_methods, reason = "cargo is asked for the dependency graph")]
fn metadata() -> Result<Value> {
    let output = Command::new("cargo")
        // What the product is built for: elsewhere other crates may stand in for those that are banned.
        .args(["metadata", "--format-version=1", "--locked", "--filter-platform=x86_64-unknown-linux-gnu"])
        .output()
        .context("cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

struct Graph {
    /// Package id → name.
    names: BTreeMap<String, String>,
    /// Package id → its ring, for crates of ours.
    ours: BTreeMap<String, Ring>,
    /// Package id → normal and build dependencies.
    edges: BTreeMap<String, Vec<String>>,
}

impl Graph {
    fn read(metadata: &Value) -> Result<Self> {
        let mut graph = Self { names: BTreeMap::new(), ours: BTreeMap::new(), edges: BTreeMap::new() };
        for package in list(metadata, "packages")? {
            let (id, name) = (text(package, "id")?, text(package, "name")?);
            if package.get("source").is_none_or(Value::is_null) {
                let manifest = text(package, "manifest_path")?;
                let ring = ring(&manifest).with_context(|| format!("{manifest} lies in no ring"))?;
                graph.ours.insert(id.clone(), ring);
            }
            graph.names.insert(id, name);
        }
        let packages: BTreeMap<String, &Value> =
            list(metadata, "packages")?.iter().map(|p| Ok((text(p, "id")?, p))).collect::<Result<_>>()?;
        let resolve = metadata.get("resolve").context("no resolve")?;
        for node in list(resolve, "nodes")? {
            let absent = absent(packages.get(&text(node, "id")?).copied().unwrap_or(&Value::Null), node);
            let mut on = Vec::new();
            for dependency in list(node, "deps")? {
                let kinds = list(dependency, "dep_kinds")?;
                let pkg = text(dependency, "pkg")?;
                let built = kinds.iter().any(|k| k.get("kind").and_then(Value::as_str) != Some("dev"));
                if built && !graph.names.get(&pkg).is_some_and(|name| absent.contains(name)) {
                    on.push(pkg);
                }
            }
            graph.edges.insert(text(node, "id")?, on);
        }
        Ok(graph)
    }

    fn check_rings(&self, problems: &mut Vec<String>) {
        for (id, from) in &self.ours {
            for on in self.edges.get(id).into_iter().flatten() {
                if self.ours.get(on).is_some_and(|ring| !may_depend(*from, *ring)) {
                    problems.push(format!("{} must not depend on {}", self.names[id], self.names[on]));
                }
            }
        }
    }

    fn check_banned(&self, problems: &mut Vec<String>) {
        for (id, ring) in &self.ours {
            let reach = self.reach(id);
            let banned = NOWHERE.iter().chain(NOT_IN_CORE.iter().filter(|_| *ring == Ring::Core));
            for name in banned.filter(|name| reach.contains(**name)) {
                problems.push(format!("{} reaches {name}", self.names[id]));
            }
        }
    }

    /// Names of all that a crate depends on, however far.
    fn reach(&self, id: &str) -> BTreeSet<&str> {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![id]);
        while let Some(next) = todo.pop() {
            for on in self.edges.get(next).into_iter().flatten() {
                if seen.insert(on.as_str()) {
                    todo.push(on);
                }
            }
        }
        seen.iter().filter_map(|id| self.names.get(*id)).map(String::as_str).collect()
    }
}

/// Optional dependencies of a package that no active feature turns on: cargo lists them where a weak feature
/// (`ring?/std`) names them, though they are not built.
fn absent(package: &Value, node: &Value) -> BTreeSet<String> {
    let strings = |value: Option<&Value>| -> Vec<String> {
        value
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let active = strings(node.get("features"));
    let mut on: BTreeSet<String> = active.iter().cloned().collect();
    for feature in &active {
        for entry in strings(package.get("features").and_then(|features| features.get(feature))) {
            let entry = entry.strip_prefix("dep:").unwrap_or(&entry);
            let name = entry.split('/').next().unwrap_or_default();
            on.extend((!name.ends_with('?')).then(|| name.to_owned()));
        }
    }
    let dependencies = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
    let optional = dependencies.filter(|d| d.get("optional").and_then(Value::as_bool) == Some(true));
    let named = |d: &Value, field: &str| d.get(field).and_then(Value::as_str).map(str::to_owned);
    optional
        .filter(|d| !named(d, "rename").or_else(|| named(d, "name")).is_some_and(|name| on.contains(&name)))
        .filter_map(|d| named(d, "name"))
        .collect()
}

/// Every crate has its place in the code map.
fn check_map(graph: &Graph, problems: &mut Vec<String>) -> Result<()> {
    let path = Path::new("ARCHITECTURE.md");
    let map = std::fs::read_to_string(path).context("ARCHITECTURE.md")?;
    for id in graph.ours.keys() {
        let name = &graph.names[id];
        if !map.contains(&format!("`{name}`")) {
            problems.push(format!("ARCHITECTURE.md does not say what `{name}` is for"));
        }
    }
    Ok(())
}

fn list<'v>(value: &'v Value, field: &str) -> Result<&'v Vec<Value>> {
    value.get(field).and_then(Value::as_array).with_context(|| format!("no list {field}"))
}

fn text(value: &Value, field: &str) -> Result<String> {
    Ok(value.get(field).and_then(Value::as_str).with_context(|| format!("no text {field}"))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_point_downwards() {
        for (from, on, allowed) in [
            (Ring::Core, Ring::Core, true),
            (Ring::Core, Ring::Adapters, false),
            (Ring::Adapters, Ring::Adapters, false),
            (Ring::Adapters, Ring::Net, true),
            (Ring::Net, Ring::Adapters, false),
            (Ring::Core, Ring::Net, false),
            (Ring::Controllers, Ring::Adapters, true),
            (Ring::Controllers, Ring::Playground, false),
            (Ring::Playground, Ring::Core, true),
            (Ring::Playground, Ring::Adapters, false),
            (Ring::Faces, Ring::Controllers, true),
            (Ring::Controllers, Ring::Faces, false),
            (Ring::Binary, Ring::Playground, true),
            (Ring::Binary, Ring::Tests, false),
        ] {
            assert_eq!(may_depend(from, on), allowed, "{from:?} → {on:?}");
        }
    }
}
