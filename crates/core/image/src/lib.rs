//! Container images as text: how a reference is split, where files name images, and how one is set there.
//!
//! It knows manifests, kustomizations and Helm values as text, and changes as little of them as it can: comments, order, quoting and
//! indentation stay. It knows no registry: whether an image exists is not asked.
//!
//! - [`ImageRef`]: name, tag and digest of a reference.
//! - [`ImageEdit`]: a word of `kustomize edit set image`.
//! - [`set_image`]: a file's text with other images.
//! - [`set_image_in_tree`]: the same for the files of a tree that name them.
//!
//! ```
//! let image = image::ImageRef::split("registry.example:5000/team/api:1.2");
//! assert_eq!((image.registry(), image.path(), image.tag.as_deref()), (Some("registry.example:5000"), "team/api", Some("1.2")));
//! ```

mod builds;
mod edit;
mod reference;
mod set;
mod tree;

pub use edit::ImageEdit;
pub use reference::{ImageRef, InvalidImage};
pub use set::{Change, Edited, Error, Found, Request, ValuesKey, Wanted, set_image};
pub use tree::{EditedTree, Missing, Place, Scope, TreeError, set_image_in_tree};
