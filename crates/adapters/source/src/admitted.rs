//! Which credentials a repository's server has let in: only they read what is kept of it, also after a restart while the
//! server is away.

use crate::sources::lock;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;

/// How many different credentials are remembered of one repository.
const MOST: usize = 1024;

/// Bytes of a remembered one: a SHA-256 in hex and a line feed. Nothing leads back from it to the credentials.
const LINE: usize = 65;

/// The credentials of one repository, by [`Remote::access`](crate::Remote). What cannot be read or written is forgotten:
/// then the server is asked.
pub(crate) struct Admitted {
    file: PathBuf,
    known: Mutex<BTreeSet<String>>,
}

impl Admitted {
    pub(crate) fn open(file: PathBuf) -> Self {
        let fits = fs::metadata(&file).is_ok_and(|file| file.len() <= (MOST * LINE) as u64);
        let text = if fits { fs::read_to_string(&file).unwrap_or_default() } else { String::new() };
        let known = text.lines().filter(|line| line.len() + 1 == LINE).map(str::to_owned).collect();
        Self { file, known: Mutex::new(known) }
    }

    pub(crate) fn contains(&self, access: &[u8; 32]) -> bool {
        lock(&self.known).contains(&hex(access))
    }

    /// The server let them in.
    pub(crate) fn insert(&self, access: &[u8; 32]) {
        let mut known = lock(&self.known);
        if known.len() >= MOST {
            known.clear();
        }
        if known.insert(hex(access)) {
            self.write(&known);
        }
    }

    /// The server does not let them in any more.
    pub(crate) fn remove(&self, access: &[u8; 32]) {
        let mut known = lock(&self.known);
        if known.remove(&hex(access)) {
            self.write(&known);
        }
    }

    fn write(&self, known: &BTreeSet<String>) {
        if let Err(error) = self.replace(known) {
            tracing::debug!(file = %self.file.display(), error = %error, "admitted credentials are not remembered");
        }
    }

    fn replace(&self, known: &BTreeSet<String>) -> std::io::Result<()> {
        let directory = self.file.parent().unwrap_or(&self.file);
        fs::create_dir_all(directory)?;
        let mut new = tempfile::NamedTempFile::new_in(directory)?;
        for access in known {
            writeln!(new, "{access}")?;
        }
        new.persist(&self.file).map(drop).map_err(|error| error.error)
    }
}

fn hex(access: &[u8; 32]) -> String {
    access.iter().map(|byte| format!("{byte:02x}")).collect()
}
