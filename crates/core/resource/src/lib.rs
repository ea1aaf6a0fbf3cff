//! A Kubernetes object as data, and the names by which objects are known.
//!
//! It knows no kind by itself: an [`Object`] is any JSON map with `apiVersion`, `kind` and `metadata`.
//! What a kind means (its scope, its schema, its health) lives in the crates that need it.
//!
//! ```
//! use resource::Object;
//! let object = Object::from_value(serde_json::json!({
//!     "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}
//! }))?;
//! assert_eq!(object.key().to_string(), "apps/Deployment/shop/web");
//! # Ok::<(), resource::NotAnObject>(())
//! ```

mod names;
mod object;

pub use names::{GroupKind, Gvk, ResourceKey};
pub use object::{NotAnObject, Object, OwnerReference};
