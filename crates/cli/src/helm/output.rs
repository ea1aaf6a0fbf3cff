//! `--output-dir`: a file a template.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use filetree::TreePath;
use helm::{HookEvent, Printing, Rendered};

/// Writes each document into the file of its template, below a directory. The answer says which files were written.
pub(super) fn write(rendered: &Rendered, printing: &Printing, directory: &Path) -> Result<String, String> {
    let crds = rendered.crds.iter().map(|crd| (crd.source.as_str(), crd.text.as_str()));
    let manifests =
        rendered.manifests.iter().map(|manifest| (manifest.source.as_ref(), manifest.text.as_str()));
    let is_test = |hook: &helm::Hook| hook.events.contains(&HookEvent::Test);
    let shown = |hook: &&helm::Hook| !(printing.no_hooks || printing.skip_tests && is_test(hook));
    let hooks = rendered.hooks.iter().filter(shown).map(|hook| &hook.manifest);
    let hooks = hooks.map(|manifest| (manifest.source.as_ref(), manifest.text.as_str()));
    let (mut written, mut said) = (BTreeSet::new(), String::new());
    for (source, text) in crds.chain(manifests).chain(hooks) {
        // A chart's own names make the path: they stay below the directory.
        let inside = TreePath::parse(source).map_err(|error| error.to_string())?;
        let path: PathBuf = directory.join(inside.as_str());
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        let again = !written.insert(path.clone());
        let mut options = std::fs::OpenOptions::new();
        let mut file =
            options.create(true).write(true).append(again).truncate(!again).open(&path).map_err(failed)?;
        file.write_all(format!("---\n# Source: {source}\n{text}\n").as_bytes()).map_err(failed)?;
        said.push_str(&format!("wrote {}\n", path.display()));
    }
    // As helm ends its list.
    said.push('\n');
    Ok(said)
}
