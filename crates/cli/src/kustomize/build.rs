//! `kustomize build`: what a directory, or one in a repository, makes.

mod elsewhere;
mod files;

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use ::kustomize::{Built, Error, Failure, LoadRestrictor, Options, Order, Remotes, RepoSpec, Supply};
use filetree::{FileTree, TreePath};

use super::arguments::BuildArgs;
use super::{Said, Trouble};
use crate::Surroundings;
use elsewhere::Elsewhere;

/// How often a build may find that something more has to be fetched.
const ROUNDS: usize = 64;

const REORDER: [&str; 2] = ["legacy", "none"];
const RESTRICTORS: [&str; 2] = ["LoadRestrictionsRootOnly", "LoadRestrictionsNone"];

/// Builds what the arguments name.
pub(super) async fn build(
    here: &Path,
    arguments: &BuildArgs,
    surroundings: &Surroundings<'_>,
) -> Result<Said, Trouble> {
    let mut notes = deprecations(arguments);
    match stream(here, arguments, surroundings, &mut notes).await {
        Ok(out) => Ok(Said { out, notes }),
        Err(message) => Err(Trouble { message, notes }),
    }
}

/// What goes to standard output, and what is said on the way.
async fn stream(
    here: &Path,
    arguments: &BuildArgs,
    surroundings: &Surroundings<'_>,
    notes: &mut Vec<String>,
) -> Result<String, String> {
    let target = match arguments.words.as_slice() {
        [] => ".",
        [target] => target,
        _ => return Err("specify one path to kustomization.yaml".to_owned()),
    };
    check(arguments)?;
    if arguments.helm_command.as_deref().is_some_and(|command| command != "helm") {
        notes.push("--helm-command is not run: charts are rendered in this process".to_owned());
    }
    let managed = (surroundings.environment)("KUSTOMIZE_ENABLE_MANAGEDBY_LABEL");
    let world = || Rc::new(sprig::Host::new(world::System));
    let options = Options {
        load_restrictor: match arguments.load_restrictor.as_str() {
            "LoadRestrictionsNone" => LoadRestrictor::None,
            _ => LoadRestrictor::RootOnly,
        },
        enable_helm: arguments.enable_helm,
        managed_by_label: arguments.enable_managedby_label || managed.as_deref() == Some("on"),
        order: if arguments.reorder.as_deref() == Some("none") { Order::None } else { Order::Legacy },
        kube_version: arguments.helm_kube_version.as_deref(),
        api_versions: &arguments.helm_api_versions,
        world: Some(&world),
        ..Options::default()
    };
    let mut elsewhere = Elsewhere::new(surroundings);
    let (tree, path) = match RepoSpec::parse(target).filter(|_| !here.join(target).exists()) {
        Some(spec) => match elsewhere.repository(&spec).await? {
            Supply::Tree(tree, path) => (tree, path),
            Supply::File(_) => return Err(format!("{target} is a file")),
        },
        None => disk(here, target)?,
    };
    let mut remotes = Remotes::default();
    for _ in 0..ROUNDS {
        match ::kustomize::build(&tree, &path, &Options { remotes: Some(&remotes), ..options }) {
            Ok(built) => {
                notes.extend(built.warnings.iter().cloned());
                return give(here, arguments, &built);
            }
            Err(Failure { error: Error::Needs(needs), warnings }) => {
                for need in needs {
                    let supply = elsewhere.fetch(&need).await;
                    let supply = supply.inspect_err(|_| notes.extend(warnings.iter().cloned()))?;
                    remotes.0.insert(need.text, supply);
                }
            }
            Err(Failure { error, warnings }) => {
                notes.extend(warnings);
                return Err(error.to_string());
            }
        }
    }
    Err(format!("after {ROUNDS} rounds of fetching there is still more to fetch"))
}

/// What a directory makes without anything from elsewhere. `None` where it needs something.
pub(super) fn local(directory: &Path) -> Option<Result<String, String>> {
    let (tree, path) = match disk(directory, ".") {
        Ok(place) => place,
        Err(error) => return Some(Err(error)),
    };
    match ::kustomize::build(&tree, &path, &Options::default()) {
        Ok(built) => Some(Ok(::kustomize::print(&built))),
        Err(Failure { error: Error::Needs(_), .. }) => None,
        Err(failure) => Some(Err(failure.to_string())),
    }
}

/// A directory in the tree of all files: bases lie beside and above it.
fn disk(here: &Path, target: &str) -> Result<(Arc<FileTree>, TreePath), String> {
    let wrong = |problem: String| format!("must build at directory: {problem}");
    let failed = |error: std::io::Error| wrong(format!("not a valid directory: {target}: {error}"));
    let full = match std::fs::canonicalize(here.join(target)) {
        Ok(full) => full,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let place = std::path::absolute(here.join(target)).map_err(failed)?;
            let problem = format!("lstat {}: no such file or directory", place.display());
            return Err(wrong(format!(
                "not a valid directory: evalsymlink failure on '{target}' : {problem}"
            )));
        }
        Err(error) => return Err(failed(error)),
    };
    if !full.is_dir() {
        return Err(wrong(format!("'{target}': file is not directory")));
    }
    let inside = full.to_str().ok_or_else(|| wrong(format!("the name of {} is no text", full.display())))?;
    let path = TreePath::parse(inside.trim_start_matches('/')).map_err(|error| wrong(error.to_string()))?;
    let store = source::open_dir(Path::new("/")).map_err(failed)?;
    Ok((Arc::new(FileTree::new(Arc::new(store), filetree::Limits::default())), path))
}

/// Refuses values that mean nothing, and what would run programs.
fn check(arguments: &BuildArgs) -> Result<(), String> {
    let illegal = |flag: &str, value: &str, legal: [&str; 2]| {
        Err(format!("illegal flag value --{flag} {value}; legal values: [{}]", legal.join(" ")))
    };
    match (arguments.load_restrictor.as_str(), arguments.reorder.as_deref()) {
        (restrictor, _) if !restrictor.is_empty() && !RESTRICTORS.contains(&restrictor) => {
            return illegal("load-restrictor", restrictor, RESTRICTORS);
        }
        (_, Some(reorder)) if !REORDER.contains(&reorder) => return illegal("reorder", reorder, REORDER),
        _ => {}
    }
    let refused = [
        (
            arguments.enable_alpha_plugins,
            "--enable-alpha-plugins would run programs and containers that a kustomization names",
        ),
        (arguments.enable_exec, "--enable-exec would run programs that a kustomization names"),
        (arguments.network, "--network is for functions in containers"),
        (!arguments.mount.is_empty(), "--mount is for functions in containers"),
    ];
    match refused.iter().find(|(given, _)| *given) {
        Some((_, reason)) => Err(format!("{reason}, and none is run here")),
        None => Ok(()),
    }
}

fn deprecations(arguments: &BuildArgs) -> Vec<String> {
    let mut notes = Vec::new();
    if arguments.reorder.is_some() {
        let instead = "use the new 'sortOptions' field in kustomization.yaml instead.";
        notes.push(format!("Flag --reorder has been deprecated, {instead}"));
    }
    if arguments.enable_managedby_label {
        let instead = "The flag `enable-managedby-label` has been deprecated. Use the `managedByLabel` option in the `buildMetadata` field instead.";
        notes.push(format!("Flag --enable-managedby-label has been deprecated, {instead}"));
    }
    notes
}

/// The stream, or nothing where it was written to a file or, a resource each, into a directory.
fn give(here: &Path, arguments: &BuildArgs, built: &Built) -> Result<String, String> {
    let Some(output) = &arguments.output else { return Ok(::kustomize::print(built)) };
    let path = here.join(output);
    if path.is_dir() {
        files::write(&path, built)?;
    } else {
        std::fs::write(&path, ::kustomize::print(built))
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(String::new())
}

#[cfg(test)]
mod tests;
