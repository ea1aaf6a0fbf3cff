//! What every client of a stranger's server needs, whatever it says to him.
//!
//! Secrets that no text shows ([`Secret`]), strangers' texts made fit for errors and logs ([`excerpt`], [`without`], [`chain`]), one
//! question for all who ask the same ([`Flights`]), and the parts of an HTTP client: ways out ([`Proxies`], [`Proxy`]), trust
//! ([`certificates`]) and who we are ([`identity`]). This crate refuses to know git, charts, Kubernetes and what is asked; it sends
//! nothing by itself.
//!
//! ```
//! let secret = net::Secret::new("hush");
//! assert_eq!(format!("{secret:?}"), "***");
//! assert_eq!(net::without("401: hush is wrong\n", &[&secret]), "401: *** is wrong");
//! ```

mod client;
mod flights;
mod mask;

pub use client::{Proxies, Proxy, certificates, identity};
pub use flights::Flights;
pub use mask::{Secret, chain, excerpt, without};
