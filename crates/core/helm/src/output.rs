//! The stream that `helm template` prints.

use crate::error::Error;
use crate::manifests::{HookEvent, split};
use crate::render::Rendered;
use filetree::path_match;

/// Which of a chart's documents are printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Printing {
    /// `--no-hooks`.
    pub no_hooks: bool,
    /// `--skip-tests`: hooks with the event `test` are left out.
    pub skip_tests: bool,
    /// `--show-only`: templates, relative to the chart; `*` may stand for parts of a name.
    pub show_only: Vec<String>,
}

/// What stands above each document, before the name of its file.
const SEPARATOR: &str = "---\n# Source: ";

/// Prints what `helm template` prints: CRDs, manifests, hooks, each with a comment on where it is from.
///
/// **Errors**: [`Error::NoSuchTemplate`].
/// **Source**: Helm 3.22, `cmd/helm/template.go`.
pub fn print(rendered: &Rendered, printing: &Printing) -> Result<String, Error> {
    let crds = rendered.crds.iter().map(|crd| (&*crd.source, &*crd.text));
    let parts = crds.chain(rendered.manifests.iter().map(|manifest| (&*manifest.source, &*manifest.text)));
    let mut out = String::with_capacity(
        parts.clone().map(|(source, text)| SEPARATOR.len() + source.len() + text.len() + 2).sum(),
    );
    parts.for_each(|(source, text)| add(&mut out, source, text));
    out.truncate(out.trim_end().len());
    out.push('\n');
    if !printing.no_hooks {
        for hook in &rendered.hooks {
            if !(printing.skip_tests && hook.events.contains(&HookEvent::Test)) {
                add(&mut out, &hook.manifest.source, &hook.manifest.text);
            }
        }
    }
    if printing.show_only.is_empty() { Ok(out) } else { only(&out, &printing.show_only) }
}

fn add(stream: &mut String, source: &str, text: &str) {
    stream.extend([SEPARATOR, source, "\n", text, "\n"]);
}

/// The documents of these templates, in the order in which they are asked for.
fn only(stream: &str, wanted: &[String]) -> Result<String, Error> {
    let documents = split(stream);
    let mut out = String::new();
    for pattern in wanted {
        let mut found = false;
        for document in &documents {
            if source(document).is_some_and(|source| path_match(pattern, source) == Ok(true)) {
                found = true;
                out.extend(["---\n", document, "\n"]);
            }
        }
        if !found {
            return Err(Error::NoSuchTemplate(pattern.clone()));
        }
    }
    Ok(out)
}

/// The template of a document, without the chart's name.
fn source(document: &str) -> Option<&str> {
    document.lines().find_map(|line| {
        let (_, path) = line.split_once("# Source: ")?;
        let (chart, path) = path.split_once('/')?;
        (!chart.is_empty() && !path.is_empty()).then_some(path)
    })
}
