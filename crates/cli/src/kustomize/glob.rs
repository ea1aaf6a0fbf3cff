//! Patterns of files, as Go's `path/filepath` has them.

use std::path::Path;

use filetree::path_match;

/// Files and directories that a pattern leads to from a directory, in the order of their names; hidden ones only where the pattern's last
/// name begins with a dot.
///
/// **Errors**: a pattern that is none.
pub(super) fn glob(directory: &Path, pattern: &str) -> Result<Vec<String>, String> {
    path_match(pattern, "").map_err(|error| error.to_string())?;
    let found = find(directory, pattern);
    let hidden =
        |path: &str| path.trim_end_matches('/').rsplit('/').next().is_some_and(|name| name.starts_with('.'));
    let all = hidden(pattern);
    Ok(found.into_iter().filter(|path| all || !hidden(path)).collect())
}

/// What patterns lead to; one that leads nowhere has to be the address of a repository.
pub(super) fn existing(directory: &Path, patterns: &[String]) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for pattern in patterns {
        let here = glob(directory, pattern)?;
        if here.is_empty() && !is_remote(pattern) {
            return Err(format!(
                "{pattern} has no match: it is no file, no directory and no address of a repository"
            ));
        }
        if here.is_empty() {
            found.push(pattern.clone());
        } else {
            found.extend(here);
        }
    }
    Ok(found)
}

fn find(directory: &Path, pattern: &str) -> Vec<String> {
    if !pattern.contains(['*', '?', '[', '\\']) {
        let there = !pattern.is_empty() && directory.join(pattern).symlink_metadata().is_ok();
        return if there { vec![pattern.to_owned()] } else { Vec::new() };
    }
    let (above, last) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let directories = if above.is_empty() { vec![above.to_owned()] } else { find(directory, above) };
    let mut found = Vec::new();
    for above in directories {
        let Ok(entries) = std::fs::read_dir(directory.join(&above)) else { continue };
        let mut names: Vec<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        let fitting = names.into_iter().filter(|name| path_match(last, name) == Ok(true));
        found.extend(fitting.map(|name| if above.is_empty() { name } else { format!("{above}/{name}") }));
    }
    found
}

/// Whether a text is the address of a repository, or of a file.
fn is_remote(text: &str) -> bool {
    text.starts_with("https://")
        || text.starts_with("http://")
        || ::kustomize::RepoSpec::parse(text).is_some()
}
