//! Which components of those that an application asks for are added to its kustomization.

use filetree::TreePath;

use crate::value_files::{Names, matching};
use crate::{RenderError, Request};

/// Files that make a directory a kustomization or a component.
pub(crate) const FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const FIELD: &str = "kustomize.components";

/// The components, as the kustomization names them.
///
/// **Shape**: globs stand for what they match; an entry that matches nothing stays as it is, and may be an address. With
/// `ignore_missing` an entry without a kustomization file in this repository is left out, addresses too.
/// **Source**: Argo CD 3.6, `util/kustomize`, and `kustomize edit add component` v5.8. With `ignore_missing` the peer adds only the first
/// of those that exist; we add them all (test `components_are_added`).
pub(crate) fn found(
    request: &Request<'_>,
    asked: &[String],
    ignore_missing: bool,
) -> Result<Vec<String>, RenderError> {
    let mut components = Vec::with_capacity(asked.len());
    let mut names = Names::new(request.limits);
    for entry in asked {
        if ignore_missing {
            if is_there(request, entry)? {
                components.push(entry.clone());
            }
            continue;
        }
        let matches = expand(request, entry, &mut names)?;
        if matches.is_empty() {
            components.push(entry.clone());
        }
        components.extend(matches);
    }
    Ok(components)
}

fn is_there(request: &Request<'_>, entry: &str) -> Result<bool, RenderError> {
    // What leads out of the tree is not there.
    let Ok(directory) = request.path.join(entry) else { return Ok(false) };
    for name in FILES {
        let Ok(file) = directory.join(name) else { continue };
        if request.tree.kind(&file)?.is_some_and(filetree::Kind::is_file) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What a glob matches, from the kustomization's directory.
fn expand(request: &Request<'_>, entry: &str, names: &mut Names) -> Result<Vec<String>, RenderError> {
    let is_glob = |text: &str| text.contains(['*', '?', '[']);
    if !is_glob(entry) || entry.contains("://") {
        return Ok(Vec::new());
    }
    let Ok(pattern) = request.path.join(entry) else { return Ok(Vec::new()) };
    let mut found = vec![TreePath::root()];
    for segment in pattern.names() {
        let mut next = Vec::new();
        for directory in &found {
            if is_glob(segment) {
                let matches = matching(request.tree, directory, segment, (FIELD, entry), names)?;
                next.extend(matches.into_iter().map(|(path, _)| path));
            } else {
                next.extend(directory.join(segment).ok());
            }
        }
        found = next;
    }
    let mut there = Vec::with_capacity(found.len());
    for path in found {
        let hidden = path.name().is_some_and(|name| name.starts_with('.'));
        if !hidden && request.tree.kind(&path)?.is_some() {
            there.push(relative(request.path, &path));
        }
    }
    Ok(there)
}

/// A path as it is written in a file of another directory.
fn relative(from: &TreePath, to: &TreePath) -> String {
    let (from, to): (Vec<&str>, Vec<&str>) = (from.names().collect(), to.names().collect());
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", from.len() - same);
    up.chain(to.into_iter().skip(same)).collect::<Vec<_>>().join("/")
}
