//! Lines: a target revision, then names of refs. What is found is one of the commits that were offered.
#![no_main]

use gosemver::{Range, Version};
use libfuzzer_sys::fuzz_target;
use source::{Refs, resolve};

fuzz_target!(|text: &str| {
    let (target, names) = text.split_once('\n').unwrap_or((text, "HEAD"));
    let _ = Version::parse(target);
    if let Some(range) = Range::parse(target) {
        let best = range.highest(names.lines());
        assert!(best.is_none_or(|best| names.lines().any(|name| name == best)));
    }
    let commit = "1".repeat(40);
    let by_name = names.lines().map(|name| (name.to_owned(), commit.clone())).collect();
    #[allow(clippy::disallowed_methods, reason = "when it was asked is of no consequence here")]
    let refs = Refs { head: None, by_name, tags: std::collections::BTreeMap::new(), fetched_at: std::time::Instant::now().into() };
    if let Ok(resolved) = resolve(&refs, target, "") {
        assert!(resolved.commit == commit || target.trim().eq_ignore_ascii_case(&resolved.commit));
    }
});
