//! Which files and addresses an application's value files and file parameters stand for.

use std::collections::BTreeSet;
use std::sync::Arc;

use filetree::{FileError, FileTree, Kind, TreePath};
use globset::GlobBuilder;

use crate::environment::Environment;
use crate::{RenderError, Request};

/// Files that the value files of one source may come to.
const MAX_FILES: usize = 1000;

/// Longest entry, in bytes.
const MAX_ENTRY_BYTES: usize = 4096;

/// A file that lies in a tree, or elsewhere.
#[derive(Clone)]
pub(crate) enum Place<'a> {
    File { tree: &'a Arc<FileTree>, path: TreePath, shown: String },
    Url(String),
}

impl Place<'_> {
    /// As the user knows it.
    pub(crate) fn shown(&self) -> &str {
        match self {
            Self::File { shown, .. } => shown,
            Self::Url(url) => url,
        }
    }

    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File { tree: a, path: x, .. }, Self::File { tree: b, path: y, .. }) => {
                std::ptr::eq(*a, *b) && x == y
            }
            (Self::Url(a), Self::Url(b)) => a == b,
            (Self::File { .. }, Self::Url(_)) | (Self::Url(_), Self::File { .. }) => false,
        }
    }
}

/// The places of `helm.valueFiles`, in the order in which Helm reads them.
///
/// **Shape**: globs are expanded in the order of a walk, without the files that are named by themselves elsewhere in the list; each file
/// comes once. With `ignore_missing` files and globs that lead to nothing are left out.
/// **Errors**: a file outside the tree, a scheme that is not allowed, a glob without a match, a `$ref` without a path.
/// **Source**: Argo CD 3.4, `reposerver/repository`, value file resolution; globs as bmatcuk/doublestar v4.
pub(crate) fn resolve<'a>(
    request: &Request<'a>,
    environment: &Environment,
    entries: &[String],
    ignore_missing: bool,
) -> Result<(Vec<Place<'a>>, bool), RenderError> {
    let mut of_the_revision = false;
    let mut places = Vec::with_capacity(entries.len());
    for entry in entries {
        let (place, depends) = one(request, environment, "helm.valueFiles", entry)?;
        of_the_revision |= depends;
        places.push((entry, place));
    }
    let named: Vec<Place<'a>> =
        places.iter().filter(|(_, place)| !is_glob(place)).map(|(_, place)| place.clone()).collect();
    let mut all: Vec<Place<'a>> = Vec::new();
    let mut add = |place: Place<'a>| -> Result<(), RenderError> {
        if !all.iter().any(|other| other.is(&place)) {
            all.push(place);
        }
        if all.len() > MAX_FILES {
            return Err(invalid("helm.valueFiles", "", format!("more than {MAX_FILES} files")));
        }
        Ok(())
    };
    for (entry, place) in places {
        match &place {
            Place::File { tree, path, .. } if is_glob(&place) => {
                let found = expand(request, tree, path, entry)?;
                if found.is_empty() && !ignore_missing {
                    return Err(invalid("helm.valueFiles", entry, "the glob matched no files".to_owned()));
                }
                for path in found {
                    let shown = path.to_string();
                    let place = Place::File { tree, path, shown };
                    if !named.iter().any(|other| other.is(&place)) {
                        add(place)?;
                    }
                }
            }
            Place::File { tree, path, .. } if ignore_missing && tree.kind(path)?.is_none() => {}
            Place::File { .. } | Place::Url(_) => add(place)?,
        }
    }
    Ok((all, of_the_revision))
}

/// The place of one entry, and whether it depends on the commit.
pub(crate) fn one<'a>(
    request: &Request<'a>,
    environment: &Environment,
    field: &'static str,
    entry: &str,
) -> Result<(Place<'a>, bool), RenderError> {
    if entry.len() > MAX_ENTRY_BYTES {
        return Err(invalid(field, "", format!("an entry is longer than {MAX_ENTRY_BYTES} bytes")));
    }
    let reference = entry.strip_prefix('$').map(|rest| rest.split_once('/').unwrap_or((rest, "")));
    if let Some((name, rest)) = reference
        && let Some(tree) = request.context.refs.get(name)
    {
        let expanded = environment.expand(&format!("/{rest}"));
        let path = inside(&TreePath::root(), field, entry, expanded.text.trim_start_matches('/'))?;
        if path.is_root() {
            return Err(invalid(field, entry, format!("names no file after ${name}/")));
        }
        return Ok((Place::File { tree, shown: format!("${name}/{path}"), path }, expanded.of_the_revision));
    }
    let expanded = environment.expand(entry);
    let text = expanded.text.as_str();
    if let Some((scheme, _)) = text.split_once("://")
        && !scheme.is_empty()
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    {
        if !request.context.value_schemes.iter().any(|allowed| allowed == scheme) {
            return Err(invalid(
                field,
                &api::redact_url(text),
                format!("the URL scheme '{scheme}' is not allowed (argocd-cm: helm.valuesFileSchemes)"),
            ));
        }
        if !matches!(scheme, "http" | "https") {
            let problem = format!("'{scheme}' needs a plugin of Helm's; there are none here");
            return Err(invalid(field, &api::redact_url(text), problem));
        }
        return Ok((Place::Url(text.to_owned()), expanded.of_the_revision));
    }
    if text.is_empty() {
        let problem = "names no file once its variables are filled in".to_owned();
        return Err(invalid(field, entry, problem));
    }
    let from = if text.starts_with('/') { TreePath::root() } else { request.path.clone() };
    let path = inside(&from, field, entry, text.trim_start_matches('/'))?;
    Ok((Place::File { tree: request.tree, shown: path.to_string(), path }, expanded.of_the_revision))
}

/// The text of a place that `field` names; `None` where it has to be fetched first.
pub(crate) fn read(
    request: &Request<'_>,
    field: &'static str,
    place: &Place<'_>,
) -> Result<Option<Arc<[u8]>>, RenderError> {
    match place {
        Place::File { tree, path, .. } => match tree.read(path) {
            Ok(text) => Ok(Some(text)),
            Err(FileError::NotFound { .. }) => {
                Err(invalid(field, place.shown(), "no such file or directory".to_owned()))
            }
            Err(error) => Err(error.into()),
        },
        Place::Url(url) => Ok(request.context.supplies.files.get(url).cloned()),
    }
}

fn inside(from: &TreePath, field: &'static str, entry: &str, path: &str) -> Result<TreePath, RenderError> {
    from.join(path).map_err(|error| invalid(field, entry, error.to_string()))
}

fn invalid(field: &'static str, entry: &str, problem: String) -> RenderError {
    RenderError::Entry { field, entry: entry.to_owned(), problem }
}

fn is_glob(place: &Place<'_>) -> bool {
    matches!(place, Place::File { path, .. } if path.as_str().contains(['*', '?', '[']))
}

/// Counts the names that globs look at.
pub(crate) struct Names {
    looked_at: usize,
    limit: usize,
}

impl Names {
    pub(crate) fn new(limits: &crate::Limits) -> Self {
        Self { looked_at: 0, limit: limits.entries }
    }

    pub(crate) fn count(&mut self, more: usize, entry: &str) -> Result<(), RenderError> {
        self.looked_at += more;
        if self.looked_at <= self.limit {
            return Ok(());
        }
        Err(RenderError::Limit {
            path: entry.to_owned(),
            what: "names of files and directories that are looked at",
            limit: self.limit as u64,
            name: "entries",
        })
    }
}

/// The files that a glob matches: name by name from the root, `**` being any number of directories, the nearest first.
fn expand(
    request: &Request<'_>,
    tree: &FileTree,
    glob: &TreePath,
    entry: &str,
) -> Result<Vec<TreePath>, RenderError> {
    let mut looked_at = Names::new(request.limits);
    let (names, of) = (&mut looked_at, ("helm.valueFiles", entry));
    let segments: Vec<&str> = glob.names().collect();
    let Some((last, before)) = segments.split_last() else { return Ok(Vec::new()) };
    let mut directories = vec![TreePath::root()];
    for segment in before {
        let mut next = Vec::new();
        for directory in &directories {
            match *segment {
                "**" => next.extend(all_below(tree, directory, entry, names)?),
                name if !name.contains(['*', '?', '[', '{', '\\']) => next.extend(directory.join(name).ok()),
                pattern => {
                    let matching = matching(tree, directory, pattern, of, names)?;
                    next.extend(
                        matching.into_iter().filter(|(_, kind)| kind.is_directory()).map(|(path, _)| path),
                    );
                }
            }
        }
        // Two `**` reach the same directory on several ways.
        let mut seen = BTreeSet::new();
        next.retain(|path| seen.insert(path.clone()));
        directories = next;
    }
    let mut files = Vec::new();
    for directory in &directories {
        if *last == "**" {
            for below in all_below(tree, directory, entry, names)? {
                let found = matching(tree, &below, "*", of, names)?;
                files.extend(found.into_iter().filter(|(_, kind)| kind.is_file()).map(|(path, _)| path));
            }
            continue;
        }
        let found = matching(tree, directory, last, of, names)?;
        files.extend(found.into_iter().filter(|(_, kind)| kind.is_file()).map(|(path, _)| path));
    }
    if glob.as_str().contains('{') || *last == "**" {
        files.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    }
    Ok(files)
}

/// A directory and all directories below it, each before those in it; links are followed as long as a look-up may.
fn all_below(
    tree: &FileTree,
    directory: &TreePath,
    entry: &str,
    names: &mut Names,
) -> Result<Vec<TreePath>, RenderError> {
    let mut all = Vec::new();
    let mut ahead = vec![directory.clone()];
    while let Some(directory) = ahead.pop() {
        let mut below = Vec::new();
        for (path, kind) in children(tree, &directory, entry, names)? {
            if kind.is_directory() {
                below.push(path);
            }
        }
        below.reverse();
        ahead.extend(below);
        all.push(directory);
    }
    Ok(all)
}

/// What in a directory has a name that fits a pattern. `field` and `entry` are whose it is.
pub(crate) fn matching(
    tree: &FileTree,
    directory: &TreePath,
    pattern: &str,
    (field, entry): (&'static str, &str),
    names: &mut Names,
) -> Result<Vec<(TreePath, Kind)>, RenderError> {
    let glob = GlobBuilder::new(pattern)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .map_err(|error| invalid(field, entry, error.kind().to_string()))?
        .compile_matcher();
    let found = children(tree, directory, entry, names)?;
    Ok(found.into_iter().filter(|(path, _)| path.name().is_some_and(|name| glob.is_match(name))).collect())
}

/// What is in a directory, by name; nothing where there is none.
fn children(
    tree: &FileTree,
    directory: &TreePath,
    entry: &str,
    names: &mut Names,
) -> Result<Vec<(TreePath, Kind)>, RenderError> {
    if !matches!(tree.kind(directory), Ok(Some(kind)) if kind.is_directory()) {
        return Ok(Vec::new());
    }
    let entries = tree.list(directory)?;
    names.count(entries.len(), entry)?;
    let mut found = Vec::with_capacity(entries.len());
    for child in entries {
        // A path that gets too long, and a link that leads out or in circles, match nothing.
        let Ok(path) = directory.join(&child.name) else { continue };
        let kind = match child.kind {
            Kind::Symlink => match tree.kind(&path) {
                Ok(Some(kind)) => kind,
                Ok(None) | Err(FileError::LeavesTree { .. } | FileError::TooManyLinks { .. }) => continue,
                Err(error) => return Err(error.into()),
            },
            kind => kind,
        };
        found.push((path, kind));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
