//! The official client against our server: what it prints and how it ends.
#![expect(clippy::disallowed_methods, reason = "a test starts the official client")]
#![expect(clippy::print_stderr, reason = "a test says what is not there to run against")]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod abuse;
mod audit;
mod certificates;
mod clusters;
mod details;
mod first;
mod history;
mod logs;
mod matrix;
mod pages;
mod params;
mod peer;
mod projects;
mod replicas;
mod repositories;
mod resources;
mod secrets;
mod seeds;
mod sso;
mod stand;
mod terminal;
mod v2;
