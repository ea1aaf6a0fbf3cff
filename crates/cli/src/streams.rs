//! The standard streams of commands that need no cluster.

use std::io::{ErrorKind, Write as _};

use crate::escape;

/// Writes a result, byte for byte. A reader that has seen enough is no error.
pub(crate) fn print(text: &str) -> std::io::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Says what is not the result: files may be strangers', so it is escaped. Where nobody reads, nothing is lost.
pub(crate) fn complain(text: &str) {
    drop(writeln!(std::io::stderr(), "{}", escape::lines(text)));
}

/// Writes a result, or says what stood in the way; the answer is the exit code, 0 or 1.
pub(crate) fn finish(result: Result<String, String>) -> u8 {
    match result.and_then(|text| print(&text).map_err(|error| error.to_string())) {
        Ok(()) => 0,
        Err(message) => {
            complain(&format!("Error: {message}"));
            1
        }
    }
}
