//! What a kustomization stands on, as far as it is in the same tree, and whether an image is used there.

use std::collections::BTreeSet;

use filetree::{FileError, FileTree, TreePath};
use goyaml::Limits;
use serde_json::Value;

use crate::tree::{FILE_BYTES, KUSTOMIZATIONS, TreeError, last_part};
use crate::{Request, Wanted, set_image};

/// Most directories and files that one kustomization may lead to.
const MAX_PLACES: usize = 10_000;

/// What a kustomization brings.
#[derive(Debug, Default)]
pub(crate) struct Builds {
    /// Whether something of it uses the image.
    pub(crate) uses: bool,
    /// The directories that it stands on, its own left out.
    pub(crate) directories: BTreeSet<TreePath>,
    /// What is somewhere else: remote bases, charts.
    pub(crate) unseen: Vec<String>,
}

/// Follows `resources`, `bases` and `components`. What is not there or cannot be read is for the build to complain about.
pub(crate) fn builds(
    tree: &FileTree,
    kustomization: &TreePath,
    wanted: &Wanted,
) -> Result<Builds, TreeError> {
    let mut out = Builds::default();
    let (mut todo, mut seen) = (vec![kustomization.clone()], BTreeSet::new());
    while let Some(path) = todo.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        if seen.len() > MAX_PLACES {
            return Err(TreeError::Limit {
                path: kustomization.clone(),
                limit: MAX_PLACES,
                what: "files behind one kustomization",
            });
        }
        match tree.kind(&path) {
            Ok(Some(kind)) if kind.is_directory() => {
                out.directories.insert(path.clone());
                let inside = KUSTOMIZATIONS.iter().filter_map(|name| path.join(name).ok());
                todo.extend(
                    inside.filter(|path| matches!(tree.kind(path), Ok(Some(kind)) if kind.is_file())),
                );
                continue;
            }
            Ok(Some(_)) => {}
            Ok(None) | Err(FileError::LeavesTree { .. }) => continue,
            Err(error) => return Err(error.into()),
        }
        let Ok(bytes) = tree.read(&path) else { continue };
        let Some(text) = std::str::from_utf8(&bytes).ok().filter(|text| text.len() <= FILE_BYTES) else {
            continue;
        };
        if path != *kustomization && names(&path, text, wanted) {
            out.uses = true;
        }
        if path.name().is_some_and(|name| KUSTOMIZATIONS.contains(&name)) {
            follow(&path, text, &mut todo, &mut out.unseen);
        }
    }
    Ok(out)
}

fn names(path: &TreePath, text: &str, wanted: &Wanted) -> bool {
    if !text.contains(last_part(&wanted.name)) {
        return false;
    }
    let request = Request { images: vec![wanted.clone()], ..Request::default() };
    set_image(path.as_str(), text, &request).is_ok_and(|edited| !edited.found.is_empty())
}

fn follow(path: &TreePath, text: &str, todo: &mut Vec<TreePath>, unseen: &mut Vec<String>) {
    let Ok(value) = goyaml::parse_one(text.as_bytes(), &Limits::default()) else { return };
    let directory = path.parent().unwrap_or_else(TreePath::root);
    let list = |key: &str| value.get(key).and_then(Value::as_array).into_iter().flatten();
    for entry in ["resources", "bases", "components"].into_iter().flat_map(list).filter_map(Value::as_str) {
        match directory.join(entry) {
            Ok(path) if !is_remote(entry) => todo.push(path),
            Ok(_) => unseen.push(entry.to_owned()),
            // It leaves the tree: no build takes it.
            Err(_) => {}
        }
    }
    for chart in list("helmCharts").chain(list("helmChartInflationGenerator")) {
        let name = chart.get("name").or_else(|| chart.get("chartName")).and_then(Value::as_str);
        unseen.push(format!("the chart {}", name.unwrap_or_default()));
    }
}

fn is_remote(entry: &str) -> bool {
    entry.contains("://")
        || entry.contains("?ref=")
        || entry.starts_with("github.com/")
        || entry.starts_with("git@")
}
