//! Decides what a sync does: which objects, in which order, when to wait, when to stop, and when to start by itself.
//!
//! It knows no cluster, no clock and no renderer: it is given what git wants and what is live, as facts about
//! [`ResourceKey`](resource::ResourceKey)s, and answers with a [`Plan`] and with what comes [`next`](operation::next).
//! Effects are the controller's.
//!
//! ```
//! use sync::{Item, Removal, Request, plan};
//! let item = Item {
//!     key: resource::ResourceKey::new("", "ConfigMap", "shop", "settings"),
//!     wanted: true, live: false, out_of_sync: true, wave: 0, prune_last: false, removal: Removal::Allowed,
//! };
//! let plan = plan(&[item], &[], &Request::default());
//! assert_eq!(plan.waves[0].applies[0].name, "settings");
//! ```

pub mod auto;
pub mod deletion;
pub mod depends;
pub mod desired;
pub mod hooks;
pub mod operation;
mod order;
pub mod pause;
mod plan;
pub mod retry;

pub use plan::{HookItem, Item, Kept, Phase, Plan, Removal, Request, Wave, plan};
