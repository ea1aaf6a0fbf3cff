//! Plain manifests in a directory, and programs that make them.

use api::ApplicationSourceDirectory;
use filetree::{Entry, Kind, TreePath};
use globset::{GlobBuilder, GlobMatcher};

use crate::manifests::Collector;
use crate::programs::Programs;
use crate::{RenderError, Rendered, Request, Tool};

/// Files are read that end so, unless `disableExtensionFilter` is set.
const EXTENSIONS: [&str; 4] = [".yaml", ".yml", ".json", ".jsonnet"];

/// A file with this anywhere in it is left out.
const SKIP_MARKER: &str = "+argocd:skip-file-rendering";

/// Longest glob, in bytes. Its automaton grows with it.
const MAX_GLOB_BYTES: usize = 4096;

/// Renders a directory of manifests.
///
/// **Shape**: files by name, a directory where its own name comes; subdirectories only with `recurse`. Hidden files are files like any
/// other. Links to files are followed, links to directories are not.
/// **Source**: Argo CD 3, `findManifests`.
pub(crate) fn render(
    request: &Request<'_>,
    options: &ApplicationSourceDirectory,
) -> Result<Rendered, RenderError> {
    let filter = Filter::new(options)?;
    let mut collector = Collector::new(request.limits);
    let mut programs = Programs::new(request, options.jsonnet.as_ref())?;
    let mut combined = 0_u64;
    let mut looked_at = 0;
    // Entries still to look at, the next one last.
    let mut ahead = entries(request, request.path, &mut looked_at)?;
    while let Some((path, entry)) = ahead.pop() {
        if entry.kind == Kind::Directory {
            if options.recurse {
                ahead.extend(entries(request, &path, &mut looked_at)?);
            }
            continue;
        }
        if entry.kind == Kind::Submodule || !filter.takes(request.path, &path, &entry.name) {
            continue;
        }
        if entry.kind == Kind::Symlink && !leads_to_file(request, &path, &mut collector)? {
            continue;
        }
        let jsonnet = entry.name.ends_with(".jsonnet");
        if jsonnet && !request.tools.jsonnet {
            continue;
        }
        let text = request.tree.read(&path)?;
        if String::from_utf8_lossy(&text).contains(SKIP_MARKER) {
            continue;
        }
        if jsonnet {
            programs.add_objects(&path, &mut collector)?;
            continue;
        }
        combined = combined.saturating_add(text.len() as u64);
        let most = request.limits.combined_bytes;
        if most != 0 && combined > most {
            let name = "reposerver.max.combined.directory.manifests.size";
            return Err(limit(&path, "bytes of all manifest files together", most, name));
        }
        collector.add_file(&path, &text)?;
    }
    let (manifests, warnings) = collector.finish();
    Ok(Rendered { tool: Tool::Directory, of_the_revision: programs.of_the_revision, manifests, warnings })
}

/// The entries of a directory with their paths, the first one last.
fn entries(
    request: &Request<'_>,
    directory: &TreePath,
    looked_at: &mut usize,
) -> Result<Vec<(TreePath, Entry)>, RenderError> {
    let list = request.tree.list(directory)?;
    *looked_at += list.len();
    if *looked_at > request.limits.entries {
        return Err(limit(
            directory,
            "names of files and directories",
            request.limits.entries as u64,
            "entries",
        ));
    }
    // A path that is too long to be one holds nothing that git could have checked out.
    let located = list.into_iter().rev().filter_map(|entry| Some((directory.join(&entry.name).ok()?, entry)));
    Ok(located.collect())
}

fn leads_to_file(
    request: &Request<'_>,
    path: &TreePath,
    collector: &mut Collector<'_>,
) -> Result<bool, RenderError> {
    match request.tree.kind(path)? {
        Some(kind) if kind.is_file() => Ok(true),
        Some(_) => {
            collector.warn(format!("{path}: left out, since it is a link to something that is no file"));
            Ok(false)
        }
        None => {
            collector.warn(format!("{path}: left out, since the link leads nowhere"));
            Ok(false)
        }
    }
}

fn limit(path: &TreePath, what: &'static str, limit: u64, name: &'static str) -> RenderError {
    RenderError::Limit { path: path.to_string(), what, limit, name }
}

/// Which files are manifests.
struct Filter {
    any_extension: bool,
    include: Option<GlobMatcher>,
    exclude: Option<GlobMatcher>,
}

impl Filter {
    fn new(options: &ApplicationSourceDirectory) -> Result<Self, RenderError> {
        Ok(Self {
            any_extension: options.disable_extension_filter,
            include: glob("directory.include", &options.include)?,
            exclude: glob("directory.exclude", &options.exclude)?,
        })
    }

    /// Globs see the path from the application's directory on.
    fn takes(&self, root: &TreePath, path: &TreePath, name: &str) -> bool {
        let relative = path.relative_to(root).unwrap_or(path.as_str());
        (self.any_extension || EXTENSIONS.iter().any(|extension| name.ends_with(extension)))
            && !self.exclude.as_ref().is_some_and(|glob| glob.is_match(relative))
            && self.include.as_ref().is_none_or(|glob| glob.is_match(relative))
    }
}

/// As gobwas/glob without separators: `*` crosses slashes, `{a,b}` are alternatives, `{,a}` may be empty.
fn glob(field: &'static str, pattern: &str) -> Result<Option<GlobMatcher>, RenderError> {
    if pattern.is_empty() {
        return Ok(None);
    }
    let error =
        |problem: String| RenderError::Glob { field, pattern: pattern.chars().take(100).collect(), problem };
    if pattern.len() > MAX_GLOB_BYTES {
        return Err(error(format!("longer than {MAX_GLOB_BYTES} bytes")));
    }
    let glob = GlobBuilder::new(pattern)
        .literal_separator(false)
        .backslash_escape(true)
        .empty_alternates(true)
        .build()
        .map_err(|problem| error(problem.kind().to_string()))?;
    Ok(Some(glob.compile_matcher()))
}
