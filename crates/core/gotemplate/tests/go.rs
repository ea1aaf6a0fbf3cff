//! Our own cases, with the verdicts of Go 1.26 as `tools/gotemplate-oracle` recorded them. No Go is needed here.

mod verdict;

use verdict::Case;

fn cases(lines: &str) -> Vec<Case> {
    lines
        .lines()
        .map(|line| Case::from_json(&serde_json::from_str(line).expect("a case is JSON"), "name"))
        .collect()
}

#[test]
fn templates_do_and_say_what_go_does_and_says() {
    verdict::check(&cases(include_str!("cases/exec.jsonl")));
}

#[test]
fn printf_writes_what_go_writes() {
    verdict::check(&cases(include_str!("cases/printf.jsonl")));
}

#[test]
fn templates_changed_at_random_fail_as_they_do_in_go() {
    verdict::check(&cases(include_str!("cases/mutated.jsonl")));
}
