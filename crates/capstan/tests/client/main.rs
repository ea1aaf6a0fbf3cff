//! Our binary under the name of `argocd`, held against the official client: the same lines, the same server, the same answers.
#![expect(clippy::disallowed_methods, reason = "a test starts the official client and ours")]
#![expect(clippy::print_stderr, reason = "a test says what is not there to run against")]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod app;
mod client;
mod elsewhere;
mod mask;
mod pair;
mod shells;
mod words;
