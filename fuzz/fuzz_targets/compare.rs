//! Lines: what git wants, what is live, an ignore rule. No panic, and an object never differs from itself.
#![no_main]

use compare::{IgnoreRule, Options, Rules, Verdict};
use fuzz::values;
use libfuzzer_sys::fuzz_target;
use resource::Object;

fuzz_target!(|data: &[u8]| {
    let Some([desired, live, rule]) = values(data) else { return };
    let (Ok(desired), Ok(live)) = (Object::from_value(desired), Object::from_value(live)) else { return };
    let rule: Option<api::ResourceIgnoreDifferences> = serde_json::from_value(rule).ok();
    let rules: Vec<IgnoreRule> = rule.iter().map(IgnoreRule::from).collect();
    let (rules, _) = Rules::compile(&rules, &rules, Options::default());
    let rules = rules.with_jq_steps(2_000);
    let _ = compare::compare(&desired, &live, &rules);
    let _ = compare::compare_unowned(&desired, &live, &rules);
    let _ = compare::normalized(&desired, &live, &rules);
    let _ = compare::mask(Some(&desired), Some(&live), &rules);
    let _ = compare::cache_key(&desired, &live, &rules);
    let _ = compare::apply_body(&desired, Some(&live), &rules, true);
    let _ = compare::takeover(&live);
    let verdict = compare::compare_predicted(&live, &live, &rules);
    assert!(matches!(verdict, Verdict::Synced | Verdict::AskServer(_)), "{verdict:?}");
});
