//! Chart archives (`.tgz`), read into memory and never unpacked.
//!
//! What Helm refuses is refused with its words. Beyond that, an archive that could mean different things to different readers is
//! refused: links, devices, disagreeing sizes, a missing end, more than one gzip member, names that leave the chart's directory.

mod store;
mod tar;

use flate2::bufread::GzDecoder;
use std::io::Read;
use std::sync::Arc;

pub use store::ArchiveStore;

/// What an archive may cost. Everything beyond is an error that names the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Bytes of all files together, unpacked. Helm has the same limit.
    pub total_bytes: u64,
    /// Bytes of one file, unpacked. Helm has the same limit.
    pub file_bytes: u64,
    /// Headers, those of directories and of extended attributes included.
    pub entries: usize,
    /// Names on the way to a file.
    pub depth: usize,
    /// Bytes of a file's name.
    pub name_bytes: usize,
}

impl Default for ArchiveLimits {
    /// 100 MiB together, 5 MiB a file, 50,000 entries, 100 levels, 4 KiB of name.
    fn default() -> Self {
        Self { total_bytes: 100 << 20, file_bytes: 5 << 20, entries: 50_000, depth: 100, name_bytes: 4096 }
    }
}

/// Why an archive was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// Not gzip at all.
    #[error("gzip: invalid header")]
    NotGzip,
    /// Gzip that ends early or is damaged.
    #[error("the gzip stream is damaged or cut off: {0}")]
    Damaged(String),
    /// Something follows the gzip stream.
    #[error("{0} bytes follow the end of the gzip stream")]
    Trailing(usize),
    /// Not a tar, or one that no honest program writes.
    #[error("archive/tar: invalid tar header: {0}")]
    Header(&'static str),
    /// The end blocks are missing: the archive was cut off before it was packed.
    #[error("the archive ends without its end blocks")]
    NoEnd,
    /// A link, device, pipe, or a type of entry that a chart has no use for.
    #[error("chart archive holds {name:?}, which is a {what} and not a regular file")]
    NotAFile {
        /// As in the archive.
        name: String,
        /// What it is.
        what: &'static str,
    },
    /// A name that is absolute, leaves the chart's directory or could be read in two ways.
    #[error("{reason}: {name:?}")]
    Name {
        /// As in the archive.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// All files together are too large.
    #[error("decompressed chart is larger than the maximum file size {0}")]
    TotalTooLarge(u64),
    /// One file is too large.
    #[error("decompressed chart file {name:?} is larger than the maximum file size {limit}")]
    FileTooLarge {
        /// As in the archive.
        name: String,
        /// The limit in force.
        limit: u64,
    },
    /// More entries than [`ArchiveLimits::entries`].
    #[error("chart archive has more than {0} entries")]
    TooManyEntries(usize),
    /// No file at all.
    #[error("no files in chart archive")]
    Empty,
}

/// One file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveFile {
    /// Below the chart's directory, `/` between names.
    pub name: String,
    /// Its content, without a byte order mark.
    pub content: Arc<[u8]>,
}

/// The files of a chart archive in its order, the name of the chart's own directory taken off. A name may be there twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    files: Vec<ArchiveFile>,
}

impl Archive {
    /// Reads a `.tgz`.
    ///
    /// # Errors
    /// See [`ArchiveError`]; nothing of the archive is usable then.
    ///
    /// **Source**: Helm 3.22, `loader.LoadArchiveFiles`, which takes more: it reads links as empty files, several gzip members as one,
    /// and `/x` and `../x` as `x`.
    pub fn read(bytes: &[u8], limits: &ArchiveLimits) -> Result<Self, ArchiveError> {
        Self::packed(bytes, limits, tar::Top::Chart)
    }

    /// Reads a tree of any files, with or without gzip around it: no directory on top is taken off.
    ///
    /// # Errors
    /// See [`ArchiveError`].
    pub fn read_tree(bytes: &[u8], limits: &ArchiveLimits) -> Result<Self, ArchiveError> {
        if is_gzip(bytes) {
            return Self::packed(bytes, limits, tar::Top::Nothing);
        }
        Self::of(tar::read_files(bytes, limits, tar::Top::Nothing)?)
    }

    fn packed(bytes: &[u8], limits: &ArchiveLimits, top: tar::Top) -> Result<Self, ArchiveError> {
        if !is_gzip(bytes) {
            return Err(ArchiveError::NotGzip);
        }
        let mut decoder = GzDecoder::new(bytes);
        let files = tar::read_files(&mut decoder, limits, top)?;
        drain(&mut decoder, limits)?;
        let rest = decoder.into_inner();
        if !rest.is_empty() {
            return Err(ArchiveError::Trailing(rest.len()));
        }
        Self::of(files)
    }

    fn of(files: Vec<ArchiveFile>) -> Result<Self, ArchiveError> {
        if files.is_empty() {
            return Err(ArchiveError::Empty);
        }
        Ok(Self { files })
    }

    /// The files, in the order of the archive.
    pub fn files(&self) -> &[ArchiveFile] {
        &self.files
    }

    pub(crate) fn into_files(self) -> Vec<ArchiveFile> {
        self.files
    }

    /// The content of a file; of the last one with that name.
    pub fn get(&self, name: &str) -> Option<&Arc<[u8]>> {
        self.files.iter().rev().find(|file| file.name == name).map(|file| &file.content)
    }
}

fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b, 8])
}

/// Reads what is behind the end blocks (padding), so that the checksum of the gzip stream is looked at.
fn drain(decoder: &mut GzDecoder<&[u8]>, limits: &ArchiveLimits) -> Result<(), ArchiveError> {
    let mut left = limits.total_bytes;
    let mut block = [0; 8192];
    loop {
        let read = decoder.read(&mut block).map_err(|error| ArchiveError::Damaged(error.to_string()))? as u64;
        if read == 0 {
            return Ok(());
        }
        left = left.checked_sub(read).ok_or(ArchiveError::TotalTooLarge(limits.total_bytes))?;
    }
}

#[cfg(test)]
pub(crate) mod tests;
