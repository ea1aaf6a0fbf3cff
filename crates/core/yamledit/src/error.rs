use goyaml::Mark;

use crate::Path;

/// Why a text was left as it was. Each names the line and the column where it has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text cannot be read.
    #[error("{}{}", at(.0.mark()), .0.kind())]
    Syntax(goyaml::Error),
    /// There is no document of this number.
    #[error("there is no document {document}: the text has {documents}")]
    NoDocument {
        /// The number asked for, from 0.
        document: usize,
        /// How many there are.
        documents: usize,
    },
    /// The path leads to nothing.
    #[error("{}{path} is not there", at(Some(*mark)))]
    NotFound {
        /// The path, as far as it was followed, and the step that failed.
        path: Path,
        /// Where the value is that does not have it.
        mark: Mark,
    },
    /// The path goes through a value that is something else.
    #[error("{}{path} is {found}, not {wanted}", at(Some(*mark)))]
    WrongKind {
        /// The value's path.
        path: Path,
        /// What it is: `a list`.
        found: &'static str,
        /// What it would have to be: `a map`.
        wanted: &'static str,
        /// Where it is.
        mark: Mark,
    },
    /// The value is written somewhere else, and an alias stands for it here.
    #[error("{}{path} is the alias *{anchor}: a change would be one of its anchor, too (line {})", at(Some(*mark)), anchor_mark.line)]
    Alias {
        /// The alias' path.
        path: Path,
        /// Its name.
        anchor: String,
        /// Where it is.
        mark: Mark,
        /// Where its anchor is.
        anchor_mark: Mark,
    },
    /// The value has an anchor, or lies in one that has, and an alias elsewhere stands for it.
    #[error("{}{path} has the anchor &{anchor}: a change would be one of its alias, too (line {})", at(Some(*mark)), alias_mark.line)]
    Anchor {
        /// Path of the value with the anchor.
        path: Path,
        /// Its name.
        anchor: String,
        /// Where it is.
        mark: Mark,
        /// Where the first alias is.
        alias_mark: Mark,
    },
    /// The key comes from a merge (`<<`) and is not written in its map.
    #[error("{}{path} comes from a merge (`<<`)", at(Some(*mark)))]
    Merged {
        /// The key's path.
        path: Path,
        /// Where the map is.
        mark: Mark,
    },
    /// A way of writing that no edit is made in.
    #[error("{}{what}", at(Some(*mark)))]
    Unsupported {
        /// Which.
        what: &'static str,
        /// Where it is.
        mark: Mark,
    },
    /// The edited text would not say what it should, and nothing but that.
    #[error("{}{path} cannot be changed without changing something else", at(*mark))]
    Disturbs {
        /// The path of the change.
        path: Path,
        /// Where it is, as far as there is something.
        mark: Option<Mark>,
    },
}

fn at(mark: Option<Mark>) -> String {
    mark.map(|Mark { line, column }| format!("line {line}, column {column}: ")).unwrap_or_default()
}
