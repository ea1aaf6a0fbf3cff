//! The recorded answers are those of the real API server.

use testkit::{RealCluster, RealOptions};

#[tokio::test]
async fn recorded_answers_are_current() {
    let Some(cluster) = RealCluster::start(RealOptions::default()).await.unwrap() else { return };
    let suite = conformance::suite::read().unwrap();
    let answers = conformance::suite::run(&cluster.client(), &suite).await.unwrap();
    if std::env::var_os("UPDATE").is_some() {
        conformance::suite::record(&answers).unwrap();
    }
    let golden = conformance::suite::golden().unwrap();
    let verdict = conformance::suite::compare(&golden, &answers, &[]);
    assert!(verdict.different.is_empty(), "{}", verdict.different.join("\n"));
}
