//! What the controllers do while everything around them fails: killed at any request, refused, cut off, deposed.
//!
//! - [`Rig`]: a cluster (kubesim, or a part of a real one), a git server, controllers whose every request goes through a [`Line`].
//! - [`Line`]: what happens on the way between one controller and its cluster; it writes the [`Log`].
//! - [`judge`]: decides from the log alone whether a promise was broken; it shares no code with what it judges. On the real API
//!   server it decides a second time, from the audit log.
//! - [`story`]: what happens meanwhile. [`snapshot`]: what came of it, comparable between runs.

pub mod judge;
mod line;
mod observer;
mod rig;
pub mod snapshot;
pub mod story;
mod weather;

pub use judge::{Entry, Log, Record};
pub use line::{Gate, Kill, Line, Moment, Stop};
pub use rig::{Rig, Running, real, repository_secret};
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

/// A number that is another one each day (UTC), so that samples rotate; `CAPSTAN_SEED_FROM` puts another in its place.
pub fn of_the_day() -> u64 {
    let day = u64::try_from(jiff::Timestamp::now().as_second() / 86_400).unwrap_or_default();
    let seed = number("CAPSTAN_SEED_FROM").unwrap_or(day);
    say(&format!("to repeat this sample: CAPSTAN_SEED_FROM={seed}"));
    seed
}

/// Tells whoever runs the suite with `--nocapture` how far it is.
#[expect(clippy::print_stdout, reason = "figures are read from a run's output")]
pub fn say(text: &str) {
    println!("{text}");
}

/// The n-th number of a seed (splitmix64).
pub fn draw(seed: u64, n: u64) -> u64 {
    let mut z = seed.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
