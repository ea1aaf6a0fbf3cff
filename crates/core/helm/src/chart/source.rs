//! Where the files of a chart come from: a directory of a tree, or an archive.

use super::LoadLimits;
use crate::archive::ArchiveFile;
use crate::error::Error;
use crate::ignore::Rules;
use filetree::{FileError, FileTree, TreePath};
use std::collections::BTreeMap;
use std::sync::Arc;

const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// The files of one chart.
pub(crate) enum Source {
    Tree(Directory),
    Files(Files),
}

/// Files that are in memory, in their order.
pub(crate) struct Files {
    all: Vec<ArchiveFile>,
    /// Where the last file of a name is.
    last: BTreeMap<String, usize>,
}

impl Files {
    pub(super) fn new(all: Vec<ArchiveFile>) -> Self {
        let last = all.iter().enumerate().map(|(at, file)| (file.name.clone(), at)).collect();
        Self { all, last }
    }

    fn get(&self, name: &str) -> Option<&ArchiveFile> {
        self.all.get(*self.last.get(name)?)
    }
}

/// A directory of a tree. Rules are those of the outermost chart, for paths from there.
pub(crate) struct Directory {
    pub(super) tree: Arc<FileTree>,
    /// The outermost chart.
    pub(super) top: TreePath,
    /// From there to this chart, with a `/` at the end unless empty.
    pub(super) below: String,
    pub(super) rules: Arc<Rules>,
    pub(super) file_bytes: u64,
    pub(super) entries: usize,
}

/// Something in `charts/`.
pub(super) enum Child {
    Directory(Source),
    Archive(Arc<[u8]>),
}

impl Source {
    /// A file's content, without a byte order mark. None when it is not there, ignored, or not a file.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Arc<[u8]>>, Error> {
        match self {
            Self::Tree(directory) => directory.read(name),
            Self::Files(files) => Ok(files.get(name).map(|file| Arc::clone(&file.content))),
        }
    }

    /// The names of all files below a directory (`""` for the chart's own), in the order of the archive or of a walk by name. `charts/`
    /// is left out, save for the provenance files in it.
    pub(crate) fn names(&self, below: &str) -> Result<Vec<String>, Error> {
        let wanted = |name: &str| {
            let inside =
                below.is_empty() || name.strip_prefix(below).is_some_and(|rest| rest.starts_with('/'));
            inside && (!name.starts_with("charts/") || name.ends_with(".prov"))
        };
        match self {
            Self::Tree(directory) => {
                let mut names = Vec::new();
                directory.walk(below, &mut names)?;
                names.retain(|name| wanted(name));
                Ok(names)
            }
            Self::Files(files) => {
                // Of two files with one name the last one counts.
                let counts = |(at, file): &(usize, &ArchiveFile)| files.last.get(&file.name) == Some(at);
                let all = files.all.iter().enumerate().filter(counts).map(|(_, file)| file.name.clone());
                let names = all.filter(|name| wanted(name)).collect();
                Ok(names)
            }
        }
    }

    /// What stands in `charts/`, by name; names with `.` or `_` in front are passed over, as in Helm.
    pub(super) fn children(&self) -> Result<BTreeMap<String, Child>, Error> {
        let mut children = BTreeMap::new();
        match self {
            Self::Tree(directory) => directory.children(&mut children)?,
            Self::Files(files) => {
                let mut inside: BTreeMap<&str, Vec<ArchiveFile>> = BTreeMap::new();
                for file in &files.all {
                    let Some(rest) = file.name.strip_prefix("charts/") else { continue };
                    let (child, below) = rest.split_once('/').unwrap_or((rest, ""));
                    if rest.ends_with(".prov") || child.starts_with(['.', '_']) {
                        continue;
                    }
                    if below.is_empty() && child.ends_with(".tgz") {
                        children.insert(child.to_owned(), Child::Archive(Arc::clone(&file.content)));
                        continue;
                    }
                    let files = inside.entry(child).or_default();
                    if !below.is_empty() {
                        let content = Arc::clone(&file.content);
                        files.push(ArchiveFile { name: below.to_owned(), content });
                    }
                }
                for (child, files) in inside {
                    children
                        .entry(child.to_owned())
                        .or_insert(Child::Directory(Self::Files(Files::new(files))));
                }
            }
        }
        Ok(children)
    }

    /// Whether there is any file at all.
    pub(super) fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.names("")?.is_empty())
    }
}

impl Directory {
    pub(super) fn new(tree: &Arc<FileTree>, top: &TreePath, limits: &LoadLimits) -> Result<Self, Error> {
        let mut directory = Self {
            tree: Arc::clone(tree),
            top: top.clone(),
            below: String::new(),
            rules: Arc::new(Rules::none()),
            file_bytes: limits.file_bytes,
            entries: limits.entries,
        };
        if let Some(text) = directory.read(".helmignore")? {
            let rules = Rules::parse(&String::from_utf8_lossy(&text)).map_err(Error::Chart)?;
            directory.rules = Arc::new(rules);
        }
        Ok(directory)
    }

    fn path(&self, name: &str) -> Option<TreePath> {
        // A name that is written in another way than the walk would write it finds nothing, as in Helm.
        let relative = TreePath::parse(name).ok().filter(|path| path.as_str() == name)?;
        self.top.join(&self.below).ok()?.join(relative.as_str()).ok()
    }

    fn read(&self, name: &str) -> Result<Option<Arc<[u8]>>, Error> {
        let Some(path) = self.path(name) else { return Ok(None) };
        if self.rules.ignores_file(&format!("{}{name}", self.below)) {
            return Ok(None);
        }
        let content = match self.tree.read(&path) {
            Ok(content) => content,
            Err(FileError::NotFound { .. } | FileError::NotAFile { .. }) => return Ok(None),
            Err(FileError::TooLarge { limit, .. }) => return Err(self.too_large(name, limit)),
            Err(error) => return Err(error.into()),
        };
        if content.len() as u64 > self.file_bytes {
            return Err(self.too_large(name, self.file_bytes));
        }
        Ok(Some(match content.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) => Arc::from(rest),
            None => content,
        }))
    }

    fn too_large(&self, name: &str, limit: u64) -> Error {
        let name = name.rsplit('/').next().unwrap_or(name);
        Error::Chart(format!("chart file {name:?} is larger than the maximum file size {limit}"))
    }

    /// Names of files below a directory, by name, directories in their place among files.
    fn walk(&self, below: &str, names: &mut Vec<String>) -> Result<(), Error> {
        let mut ahead = vec![below.to_owned()];
        let mut seen = 0;
        while let Some(name) = ahead.pop() {
            seen += 1;
            if seen > self.entries {
                return Err(Error::Chart(format!("the chart has more than {} files", self.entries)));
            }
            let full = format!("{}{name}", self.below);
            let path = self.top.join(&full).map_err(|error| Error::Chart(error.to_string()))?;
            let Some(kind) = self.tree.kind(&path)? else { continue };
            if !name.is_empty() && self.rules.ignores(&full, kind.is_directory()) {
                continue;
            }
            if kind.is_file() {
                names.push(name);
                continue;
            }
            // What links lead to may lie above; paths have a limit of length, so this ends.
            let entries = self.tree.list(&path)?;
            ahead.extend(entries.into_iter().rev().map(|entry| join(&name, &entry.name)));
        }
        Ok(())
    }

    fn children(&self, children: &mut BTreeMap<String, Child>) -> Result<(), Error> {
        let charts = format!("{}charts", self.below);
        let path = self.top.join(&charts).map_err(|error| Error::Chart(error.to_string()))?;
        let is_directory = self.tree.kind(&path)?.is_some_and(filetree::Kind::is_directory);
        if !is_directory || self.rules.ignores(&charts, true) {
            return Ok(());
        }
        for entry in self.tree.list(&path)? {
            let name = entry.name;
            if name.starts_with(['.', '_']) || name.ends_with(".prov") {
                continue;
            }
            let full = format!("{charts}/{name}");
            let Ok(path) = self.top.join(&full) else { continue };
            let Some(kind) = self.tree.kind(&path)? else { continue };
            if self.rules.ignores(&full, kind.is_directory()) {
                continue;
            }
            let child = if kind.is_directory() {
                let child = Source::Tree(Self {
                    tree: Arc::clone(&self.tree),
                    top: self.top.clone(),
                    below: format!("{full}/"),
                    rules: Arc::clone(&self.rules),
                    ..*self
                });
                Child::Directory(child)
            } else if name.ends_with(".tgz") {
                match self.read(&format!("charts/{name}"))? {
                    Some(content) => Child::Archive(content),
                    None => continue,
                }
            } else {
                // A file that is no archive stands for a chart without files, which is an error, as in Helm.
                Child::Directory(Source::Files(Files::new(Vec::new())))
            };
            children.insert(name, child);
        }
        Ok(())
    }
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}
