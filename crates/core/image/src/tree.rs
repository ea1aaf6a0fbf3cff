//! Images in a tree of files: which files name them, and which of those are edited.

use std::collections::{BTreeMap, BTreeSet};

use filetree::{FileError, FileTree, TreePath};
use globset::{Glob, GlobBuilder, GlobMatcher};

use crate::builds::{Builds, builds};
use crate::{Change, Edited, Error, Request, Wanted, set_image};

/// Most files that are looked at.
const MAX_FILES: usize = 50_000;

/// How deep directories are searched.
const MAX_DEPTH: usize = 64;

/// Largest file that is searched, in bytes.
pub(crate) const FILE_BYTES: usize = 8 << 20;

/// The names that a kustomization may have.
pub(crate) const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Where to look in a tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// Directories, searched with all below them, and files. Each is looked at by itself: an image has to be found in all.
    pub paths: Vec<TreePath>,
    /// Only files that one of these globs fits: their path below the directory, or their name where the glob has no `/`. None: every
    /// file of YAML or JSON; with [`Request::values_keys`] the directory's `values.yaml`.
    pub files: Vec<String>,
}

/// Where an image stands, changed or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Index in [`Request::images`].
    pub image: usize,
    /// The file.
    pub path: TreePath,
    /// Line in the new text, from 1.
    pub line: usize,
    /// Path of the value in the file.
    pub field: String,
}

/// An image that is not where it was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Index in [`Request::images`].
    pub image: usize,
    /// Where it was looked for.
    pub path: TreePath,
}

/// What becomes of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EditedTree {
    /// The files that are others now, with their texts.
    pub files: BTreeMap<TreePath, String>,
    /// What changed in them.
    pub changes: Vec<Change>,
    /// Where the images are.
    pub found: Vec<Place>,
    /// What was looked for and not found.
    pub missing: Vec<Missing>,
    /// What was left alone though it may matter, a sentence each.
    pub notes: Vec<String>,
}

/// Why a tree was left alone.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A file that names an image cannot be edited.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: TreePath,
        /// What is wrong with it.
        error: Box<Error>,
    },
    /// The tree could not be read, or a path is not there.
    #[error(transparent)]
    Tree(#[from] FileError),
    /// A glob is none.
    #[error("{0}")]
    Glob(#[from] globset::Error),
    /// There is more than is looked at.
    #[error("{path}: more than {limit} {what}")]
    Limit {
        /// Where.
        path: TreePath,
        /// How much is too much.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
}

/// Sets images in the files of a tree.
///
/// **Shape**: in each path of the scope: a kustomization that names an image is edited, and speaks for its directory: manifests and values
/// beside it and below it are left as they are for that image. Elsewhere every file that names the image is. Where nothing under the path
/// names it, the kustomizations that build something that does get an entry, those on which others under the path stand excepted. A
/// kustomization gets one in any case where the request says so. An image that has its new name already is found by that, too.
/// With [`Request::values_keys`] only values files are edited. Links are not followed while searching.
/// **Errors**: [`TreeError`]; a file that is no YAML for being a template is left alone with a note.
/// **Source**: ours. `kustomize edit set image` adds an entry whatever is built; `sed` finds what it happens to find.
pub fn set_image_in_tree(tree: &FileTree, scope: &Scope, request: &Request) -> Result<EditedTree, TreeError> {
    let globs = scope.files.iter().map(|glob| matcher(glob)).collect::<Result<Vec<_>, _>>()?;
    let mut editing = Editing { tree, request, out: EditedTree::default() };
    for path in &scope.paths {
        let found = if request.values_keys.is_empty() {
            let files = editing.files_in(path, &globs)?;
            editing.search(&files)?
        } else {
            editing.values(path, &globs)?
        };
        let missing = (0..request.images.len()).filter(|image| !found.contains(image));
        editing.out.missing.extend(missing.map(|image| Missing { image, path: path.clone() }));
    }
    let lines = |change: &Change| (change.path.clone(), change.line);
    editing.out.changes.sort_by_key(lines);
    Ok(editing.out)
}

struct Matcher {
    glob: GlobMatcher,
    by_name: bool,
}

fn matcher(text: &str) -> Result<Matcher, globset::Error> {
    let glob: Glob = GlobBuilder::new(text.trim_start_matches("./")).literal_separator(true).build()?;
    Ok(Matcher { glob: glob.compile_matcher(), by_name: !text.contains('/') })
}

struct Editing<'a> {
    tree: &'a FileTree,
    request: &'a Request,
    out: EditedTree,
}

impl Editing<'_> {
    /// The text of a file as it is by now; none for what is no text.
    fn text(&mut self, path: &TreePath) -> Result<Option<String>, TreeError> {
        if let Some(text) = self.out.files.get(path) {
            return Ok(Some(text.clone()));
        }
        let bytes = match self.tree.read(path) {
            Ok(bytes) if bytes.len() <= FILE_BYTES => bytes,
            Ok(_) | Err(FileError::TooLarge { .. }) => {
                self.out.notes.push(format!("{path} is larger than {FILE_BYTES} bytes and was not searched"));
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        Ok(std::str::from_utf8(&bytes).ok().map(str::to_owned))
    }

    /// The files that a path stands for.
    fn files_in(&self, path: &TreePath, globs: &[Matcher]) -> Result<Vec<TreePath>, TreeError> {
        match self.tree.kind(path)? {
            None => return Err(FileError::NotFound { path: path.clone() }.into()),
            Some(kind) if kind.is_file() => return Ok(vec![path.clone()]),
            Some(_) => {}
        }
        let (mut files, mut directories) = (Vec::new(), vec![path.clone()]);
        while let Some(directory) = directories.pop() {
            let limit = |limit, what| TreeError::Limit { path: directory.clone(), limit, what };
            for entry in self.tree.list(&directory)? {
                let Ok(child) = directory.join(&entry.name) else { continue };
                if entry.kind == filetree::Kind::Directory {
                    if child.names().count() > path.names().count() + MAX_DEPTH {
                        return Err(limit(MAX_DEPTH, "directories deep"));
                    }
                    directories.push(child);
                } else if entry.kind.is_file() && fits(&child, path, globs) {
                    files.push(child);
                    if files.len() > MAX_FILES {
                        return Err(limit(MAX_FILES, "files"));
                    }
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// Edits manifests, values and kustomizations; the images that were found.
    fn search(&mut self, files: &[TreePath]) -> Result<BTreeSet<usize>, TreeError> {
        let (kustomizations, others): (Vec<_>, Vec<_>) =
            files.iter().partition(|path| is_kustomization(path));
        let all: Vec<usize> = (0..self.request.images.len()).collect();
        let mut found = BTreeSet::new();
        // Directory → what its kustomization speaks for.
        let mut spoken: BTreeMap<TreePath, BTreeSet<usize>> = BTreeMap::new();
        for path in &kustomizations {
            let here = self.edit(path, &all, self.request.add_to_kustomization)?;
            found.extend(here.iter().copied());
            spoken.insert(path.parent().unwrap_or_else(TreePath::root), here);
        }
        for path in others {
            let free = |image: &usize| {
                !spoken.iter().any(|(directory, images)| images.contains(image) && path.is_within(directory))
            };
            let images: Vec<usize> = all.iter().copied().filter(free).collect();
            found.extend(self.edit(path, &images, false)?);
        }
        for image in all {
            if !found.contains(&image) && self.add(&kustomizations, image)? {
                found.insert(image);
            }
        }
        Ok(found)
    }

    /// Adds an image to the kustomizations that build something that uses it; whether there is one.
    fn add(&mut self, kustomizations: &[&TreePath], image: usize) -> Result<bool, TreeError> {
        let Some(wanted) = self.request.images.get(image) else { return Ok(false) };
        let (mut using, mut stood_on) = (Vec::new(), BTreeSet::new());
        for path in kustomizations {
            let Builds { uses, directories, unseen } = builds(self.tree, path, wanted)?;
            if uses {
                using.push(*path);
                stood_on.extend(directories);
            } else if !unseen.is_empty() {
                let unseen = unseen.join(", ");
                self.out.notes.push(format!("{path}: what {unseen} brings was not looked at"));
            }
        }
        let mut added = false;
        for path in using {
            if !stood_on.contains(&path.parent().unwrap_or_else(TreePath::root)) {
                added |= !self.edit(path, &[image], true)?.is_empty();
            }
        }
        Ok(added)
    }

    /// Edits the values files of a path.
    fn values(&mut self, path: &TreePath, globs: &[Matcher]) -> Result<BTreeSet<usize>, TreeError> {
        let files = if globs.is_empty() && !self.tree.kind(path)?.is_some_and(filetree::Kind::is_file) {
            let file = path
                .join("values.yaml")
                .map_err(|error| FileError::Refused { path: path.clone(), reason: error.to_string() })?;
            vec![file]
        } else {
            self.files_in(path, globs)?
        };
        let all: Vec<usize> = (0..self.request.images.len()).collect();
        let mut found = BTreeSet::new();
        for file in files {
            found.extend(self.edit(&file, &all, false)?);
        }
        Ok(found)
    }

    fn leave(&mut self, path: &TreePath) -> BTreeSet<usize> {
        self.out.notes.push(format!("{path} names the image, is a template, and was left alone"));
        BTreeSet::new()
    }

    /// Edits one file; the images of `images` that are in it now.
    fn edit(&mut self, path: &TreePath, images: &[usize], add: bool) -> Result<BTreeSet<usize>, TreeError> {
        let Some(text) = self.text(path)? else { return Ok(BTreeSet::new()) };
        let by_keys = !self.request.values_keys.is_empty();
        // By the new name too: what was renamed once is found again.
        let mut wanted: Vec<(usize, Wanted)> = Vec::new();
        for &image in images {
            let Some(one) = self.request.images.get(image) else { continue };
            wanted.push((image, one.clone()));
            if let Some(name) = one.new_name.clone().filter(|_| !by_keys && !is_kustomization(path)) {
                wanted.push((image, Wanted { name, new_name: None, ..one.clone() }));
            }
        }
        let mentioned = |(_, wanted): &(usize, Wanted)| text.contains(last_part(&wanted.name));
        if wanted.is_empty() || !(by_keys || add || wanted.iter().any(mentioned)) {
            return Ok(BTreeSet::new());
        }
        let request = Request {
            images: wanted.iter().map(|(_, wanted)| wanted.clone()).collect(),
            values_keys: self.request.values_keys.clone(),
            add_to_kustomization: add,
        };
        let edited = match set_image(path.as_str(), &text, &request) {
            // What is filled in later is not for us, be it YAML by chance or not.
            Ok(edited) if !by_keys && edited.changes.iter().any(is_filled_in) => return Ok(self.leave(path)),
            Ok(edited) => edited,
            Err(_) if text.contains("{{") && !by_keys => return Ok(self.leave(path)),
            Err(error) => return Err(TreeError::File { path: path.clone(), error: error.into() }),
        };
        let Edited { text: new, changes, found } = edited;
        let mut here = BTreeSet::new();
        for found in found {
            let Some((image, _)) = wanted.get(found.image) else { continue };
            here.insert(*image);
            let place = Place { image: *image, path: path.clone(), line: found.line, field: found.field };
            if !self.out.found.contains(&place) {
                self.out.found.push(place);
            }
        }
        if new != text {
            self.out.files.insert(path.clone(), new);
        }
        self.out.changes.extend(changes);
        Ok(here)
    }
}

fn is_filled_in(change: &Change) -> bool {
    change.old.as_ref().is_some_and(|old| old.contains("{{"))
}

fn fits(path: &TreePath, below: &TreePath, globs: &[Matcher]) -> bool {
    let name = path.name().unwrap_or_default();
    if globs.is_empty() {
        return KUSTOMIZATIONS.contains(&name)
            || [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end));
    }
    let inside = path.relative_to(below).unwrap_or_default();
    globs.iter().any(|matcher| matcher.glob.is_match(if matcher.by_name { name } else { inside }))
}

fn is_kustomization(path: &TreePath) -> bool {
    path.name().is_some_and(|name| KUSTOMIZATIONS.contains(&name))
}

/// `api` of `registry.example/team/api`: what stands in any text that names the image.
pub(crate) fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
