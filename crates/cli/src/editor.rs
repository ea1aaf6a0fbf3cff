//! A text that is changed in the user's editor, until it can be used or is left as it was.

use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Failure, Kind};

/// What stands in front of every text.
const HEAD: &str =
    "# Lines that begin with # do not count. An empty file, or one without changes, ends the edit.\n";

/// An edit under way.
pub(crate) struct Edit {
    /// The program, and its arguments.
    program: String,
    file: PathBuf,
    text: String,
    /// Why the text could not be used, in lines that do not count.
    reason: String,
    _folder: tempfile::TempDir,
}

impl Edit {
    /// The edit of a text, in `program` (`vi` where nothing is named). `name` is part of the file's.
    pub(crate) fn new(program: &str, name: &str, text: String) -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(|error| unusable(&error))?;
        let file = folder.path().join(format!("{name}-edit.yaml"));
        let program = if program.trim().is_empty() { "vi" } else { program }.to_owned();
        Ok(Self { program, file, text, reason: String::new(), _folder: folder })
    }

    /// The text as the editor leaves it.
    ///
    /// **Errors**: it was left as it was, or emptied; the editor did not end well. The peer's client says the same.
    pub(crate) fn round(&mut self) -> Result<&str, Failure> {
        let shown = format!("{HEAD}{}\n{}", self.reason, self.text);
        std::fs::write(&self.file, &shown).map_err(|error| unusable(&error))?;
        self.run()?;
        let edited = std::fs::read_to_string(&self.file).map_err(|error| unusable(&error))?;
        if edited.is_empty() || edited == shown {
            return Err(Failure::invalid("edit cancelled, no valid changes were saved"));
        }
        let counts = edited.lines().filter(|line| !line.starts_with('#'));
        self.text = counts.skip_while(|line| line.is_empty()).map(|line| format!("{line}\n")).collect();
        Ok(&self.text)
    }

    /// Has the next round begin with what was wrong.
    pub(crate) fn refused(&mut self, failure: &Failure) {
        let said = std::iter::once(&failure.what).chain(&failure.causes);
        self.reason = said.flat_map(|text| text.lines()).map(|line| format!("# {line}\n")).collect();
    }

    #[expect(clippy::disallowed_methods, reason = "the user's own editor, which is what the word is for")]
    fn run(&self) -> Result<(), Failure> {
        let mut words = self.program.split_whitespace();
        let program = words.next().unwrap_or_default();
        let failed = || Failure::new(Kind::Other, format!("the editor {program} did not end well"));
        let status = Command::new(program).args(words).arg(&self.file).status().map_err(|error| {
            let failure = failed().because(&error).next("name another one: EDITOR");
            match error.kind() {
                std::io::ErrorKind::NotFound if program.contains('/') => {
                    failure.peer(format!("fork/exec {program}: no such file or directory"), 20)
                }
                std::io::ErrorKind::NotFound => {
                    failure.peer(format!("exec: {program:?}: executable file not found in $PATH"), 20)
                }
                _ => failure,
            }
        })?;
        match status.code() {
            Some(0) => Ok(()),
            Some(code) => Err(failed().cause(status.to_string()).peer(format!("exit status {code}"), 20)),
            None => Err(failed().cause(status.to_string())),
        }
    }
}

fn unusable(error: &std::io::Error) -> Failure {
    Failure::new(Kind::Other, "the specification cannot be edited").because(error)
}
