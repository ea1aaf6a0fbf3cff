//! The crate's scenarios, on a scripted API server and virtual time.
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod live;
mod on_kubesim;
mod support;
mod writes;
