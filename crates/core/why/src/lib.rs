//! Why an application is not as git wants it, as data: what differs and who wrote it, what is unwell down to the pod's event, and the
//! one thing that an operation waits for.
//!
//! [`Reason`] is the answer, one entry for each thing that is amiss; its JSON is what `capstan app why -o json` prints and, cut by
//! [`compact`], what the Application's status holds. [`WaitsFor`] is what an operation waits for, [`Rests`] why nothing is synced by
//! itself. [`pod`] and [`tree`] read the chain from an object down to a container and its event.
//!
//! It refuses to know how anything was found out: who compares, asks git or the cluster hands in what there is. The types are those of
//! a view, so they can be serialized. Values of Secrets come in masked.
//!
//! ```
//! use resource::ResourceKey;
//! use why::{Resource, WaitsFor};
//! let resource = Resource::from(&ResourceKey::new("batch", "Job", "shop", "migrate"));
//! assert_eq!(WaitsFor::Hook { resource, more: 0 }.to_string(), "waiting for completion of hook batch/Job/shop/migrate");
//! ```

pub mod compact;
pub mod pod;
mod reason;
pub mod tree;
mod waits;

pub use compact::compact;
pub use reason::{Commit, Container, Event, Field, Link, Reason, Resource, Why, Writer};
pub use waits::{Rests, WaitsFor, and_more};
