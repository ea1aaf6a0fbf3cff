//! The files that a plugin is sent.

use std::io::Write as _;

use filetree::{Entry, FileError, FileTree, Kind, TreePath, path_match};
use flate2::Compression;
use flate2::write::GzEncoder;
use prost::bytes::Bytes;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

/// Files, directories and links in one archive.
const MAX_ENTRIES: usize = 200_000;

/// A compressed archive.
#[derive(Debug, Clone)]
pub struct Archive {
    /// `tar`, compressed by `gzip`.
    pub bytes: Bytes,
    /// SHA-256 of the bytes, in hexadecimal digits.
    pub checksum: String,
}

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A file cannot be read, or is too large.
    #[error(transparent)]
    File(#[from] FileError),
    /// `reposerver.plugin.tar.exclusions` has something that is no pattern.
    #[error("pattern {0:?} of files to leave out is none")]
    Pattern(String),
    /// More than a plugin is sent.
    #[error("{path} has more than {limit} {what}, which is more than a plugin is sent")]
    Limit {
        /// The directory that was to be sent.
        path: String,
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// All files are left out, or there is none.
    #[error("there are no files to send in {0:?}")]
    Nothing(String),
    /// It could not be written, which happens in memory alone.
    #[error("the archive cannot be written")]
    Write(#[from] std::io::Error),
}

/// Packs a directory of a tree with all that is below it.
///
/// **Shape**: paths from `root` on; directories, files (with their executable bit) and links that lead to something within `root`;
/// others are left out. No times, so that equal files give equal bytes. `excluded` are patterns of paths from `root` on; what is below an
/// excluded directory is left out with it. **Units**: at most `most` bytes when compressed; before that, as the tree allows.
/// **Source**: Argo CD 3.2, `util/io/files`, `Tgz`. There is no `.git` in it, which the peer has.
pub fn pack(
    tree: &FileTree,
    root: &TreePath,
    excluded: &[String],
    most: usize,
) -> Result<Archive, ArchiveError> {
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let too_many = |what, limit| ArchiveError::Limit { path: root.to_string(), what, limit };
    let (mut entries, mut files) = (0, 0);
    let mut ahead = children(tree, root)?;
    while let Some((path, entry)) = ahead.pop() {
        entries += 1;
        if entries > MAX_ENTRIES {
            return Err(too_many("files", MAX_ENTRIES));
        }
        let name = path.relative_to(root).unwrap_or(path.as_str()).to_owned();
        if is_excluded(excluded, &name)? {
            continue;
        }
        let mut header = Header::new_gnu();
        match entry.kind {
            Kind::Directory | Kind::Submodule => {
                header.set_entry_type(EntryType::Directory);
                header.set_mode(0o755);
                header.set_size(0);
                builder.append_data(&mut header, format!("{name}/"), std::io::empty())?;
                if entry.kind == Kind::Directory {
                    ahead.extend(children(tree, &path)?);
                }
            }
            Kind::Symlink => {
                let target = tree.real_path(&path).ok().flatten().map(|(target, _)| target);
                if let Some(target) = target.filter(|target| target.is_within(root)) {
                    header.set_entry_type(EntryType::Symlink);
                    header.set_mode(0o777);
                    header.set_size(0);
                    builder.append_link(&mut header, &name, relative(&path, &target))?;
                }
            }
            Kind::File { executable } => {
                let content = tree.read(&path)?;
                header.set_entry_type(EntryType::Regular);
                header.set_mode(if executable { 0o755 } else { 0o644 });
                header.set_size(content.len() as u64);
                builder.append_data(&mut header, &name, &*content)?;
                files += 1;
            }
        }
        if builder.get_ref().get_ref().len() > most {
            return Err(too_many("bytes when compressed", most));
        }
    }
    if files == 0 {
        return Err(ArchiveError::Nothing(root.to_string()));
    }
    let mut compressed = builder.into_inner()?;
    compressed.flush()?;
    let bytes = compressed.finish()?;
    if bytes.len() > most {
        return Err(too_many("bytes when compressed", most));
    }
    let checksum = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Archive { bytes: bytes.into(), checksum })
}

/// What is in a directory, the first one last. A path that is too long to be one is no file of git.
fn children(tree: &FileTree, directory: &TreePath) -> Result<Vec<(TreePath, Entry)>, ArchiveError> {
    let entries = tree.list(directory)?.into_iter().rev();
    Ok(entries.filter_map(|entry| Some((directory.join(&entry.name).ok()?, entry))).collect())
}

fn is_excluded(patterns: &[String], name: &str) -> Result<bool, ArchiveError> {
    for pattern in patterns {
        if path_match(pattern, name).map_err(|_| ArchiveError::Pattern(pattern.clone()))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `target` as seen from the directory of `link`.
fn relative(link: &TreePath, target: &TreePath) -> String {
    let from: Vec<&str> = link.names().collect();
    let to: Vec<&str> = target.names().collect();
    let from = from.split_last().map_or(&[][..], |(_, directory)| directory);
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", from.len() - same);
    let path: Vec<&str> = up.chain(to.iter().skip(same).copied()).collect();
    if path.is_empty() { ".".to_owned() } else { path.join("/") }
}
