//! The words of `kustomize`: `build`, `edit` and `create`. None of them needs a cluster.

mod arguments;
mod build;
mod create;
mod edit;
mod glob;

pub use arguments::KustomizeCommand;

use std::path::Path;

use crate::Surroundings;
use crate::streams::{complain, finish};

/// What a command says: its result, and what it mentions on the way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Said {
    /// For standard output.
    out: String,
    /// For standard error, a line each.
    notes: Vec<String>,
}

/// What went wrong, and what was mentioned before.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trouble {
    /// What stands behind `Error: `.
    message: String,
    /// For standard error, a line each.
    notes: Vec<String>,
}

impl From<String> for Trouble {
    fn from(message: String) -> Self {
        Self { message, notes: Vec::new() }
    }
}

/// Runs a command in the directory where it was typed, and returns its exit code: 0, or 1 with a text on standard error that begins with
/// `Error: `, as the real one's.
pub async fn kustomize(command: &KustomizeCommand, surroundings: &Surroundings<'_>) -> u8 {
    let here = Path::new(".");
    let said = match command {
        KustomizeCommand::Build(arguments) => build::build(here, arguments, surroundings).await,
        KustomizeCommand::Edit(command) => edit::edit(here, &command.0).map_err(Trouble::from),
        KustomizeCommand::Create(arguments) => create::create(here, arguments).map_err(Trouble::from),
    };
    let (result, notes) = match said {
        Ok(Said { out, notes }) => (Ok(out), notes),
        Err(Trouble { message, notes }) => (Err(message), notes),
    };
    for note in notes {
        complain(&note);
    }
    finish(result)
}
