//! The parity corpus, where it is there: all cases that Go alone decides, with the texts of errors.

mod verdict;

use verdict::Case;

#[test]
fn go_cases_of_the_corpus() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/parity/gotemplate/cases.jsonl");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("the parity corpus is absent");
        return;
    };
    let cases: Vec<Case> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|case: &serde_json::Value| case["env"] == "go")
        .map(|case| Case::from_json(&case, "id"))
        .collect();
    assert!(cases.len() > 200);
    verdict::check(&cases);
}
