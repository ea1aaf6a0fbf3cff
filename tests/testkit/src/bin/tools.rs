//! Builds the programs that the tests run as the real Kubernetes, where they are not built yet.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its user")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let folder = testkit::tools_dir();
    println!("test tools: Kubernetes {} and etcd in {}", testkit::KUBERNETES_VERSION, folder.display());
    match testkit::ensure_tools() {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
