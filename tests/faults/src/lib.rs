//! What the controllers do while everything around them fails: killed at any request, refused, cut off, deposed.
//!
//! - [`Rig`]: a cluster in memory, a git server, controllers whose every request goes through a [`Line`].
//! - [`Line`]: what happens on the way between one controller and its cluster; it writes the [`Log`].
//! - [`judge`]: decides from the log alone whether a promise was broken; it shares no code with what it judges.
//! - [`story`]: what happens meanwhile. [`snapshot`]: what came of it, comparable between runs.

pub mod judge;
mod line;
mod rig;
pub mod snapshot;
pub mod story;
mod weather;

pub use judge::{Entry, Log, Record};
pub use line::{Gate, Kill, Line, Moment};
pub use rig::{Rig, Running, repository_secret, run};
pub use weather::Weather;

/// Whether the long suite was asked for: every kill point, many seeds.
#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
pub fn long() -> bool {
    std::env::var("CAPSTAN_LONG").is_ok_and(|value| value == "1")
}

/// A whole number from the environment.
#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
pub fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The n-th number of a seed (splitmix64).
pub fn draw(seed: u64, n: u64) -> u64 {
    let mut z = seed.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
