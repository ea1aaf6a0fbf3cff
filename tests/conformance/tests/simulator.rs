//! The simulator answers as the real API server does.

use conformance::suite;

/// As the real server that the answers are recorded from: without a controller manager.
fn simulator() -> kubesim::KubeSim {
    let options = kubesim::Options {
        namespace_content: false,
        garbage_collection: false,
        ..kubesim::Options::default()
    };
    kubesim::KubeSim::new(options)
}

#[tokio::test]
async fn answers_as_the_real_server() {
    let sim = simulator();
    let answers = suite::run(&sim.client(), &suite::read().unwrap()).await.unwrap();
    let verdict = suite::compare(&suite::golden().unwrap(), &answers, &suite::allowed().unwrap());
    println!(
        "{} same, {} allowed (of them {} open), {} different",
        verdict.same,
        verdict.allowed,
        verdict.open,
        verdict.different.len()
    );
    assert!(verdict.different.is_empty(), "{}", verdict.different.join("\n"));
    for entry in verdict.unused {
        println!("allowed, but the same by now: {entry}");
    }
}
