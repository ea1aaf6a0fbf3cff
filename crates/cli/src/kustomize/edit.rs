//! `kustomize edit`: the real commands' effects on the file as data, made in its text by [`yamledit`], so that all else stays as it is.
//!
//! **Source**: kustomize v5.8.2, `kustomize/commands/edit`. It writes the whole file anew, sorts lists of images and replicas, adds
//! `apiVersion` and `kind`, and moves deprecated fields whatever was asked for; here only `fix` does.

mod add;
mod field;
mod file;
mod fix;
mod generator;
mod metadata;
mod remove;
mod set;
mod vars;

use std::path::Path;

use super::Said;
use super::arguments::EditCommand;
use file::Kustomization;

pub(super) use file::NAMES;
pub(super) use metadata::pairs;

/// Runs a command on the kustomization in a directory.
pub(super) fn edit(directory: &Path, command: &EditCommand) -> Result<Said, String> {
    match command {
        EditCommand::Set(command) => set::set(directory, command),
        EditCommand::Add(command) => add::add(directory, command),
        EditCommand::Remove(command) => remove::remove(directory, command),
        EditCommand::Fix(arguments) => fix::fix(directory, arguments),
    }
}

/// Reads the kustomization, changes what it says, and writes it if that is something else. `change` may mention things.
fn change(
    directory: &Path,
    change: impl FnOnce(&mut field::Fields, &mut Vec<String>) -> Result<(), String>,
) -> Result<Said, String> {
    let file = Kustomization::read(directory)?;
    let (mut fields, mut said) = (file.fields(), Said::default());
    change(&mut fields, &mut said.notes)?;
    file.write(fields)?;
    Ok(said)
}

#[cfg(test)]
mod tests;
