//! Builds the programs that the tests run as the real Kubernetes and the real registry, where they are not built yet.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its user")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let folder = testkit::tools_dir();
    println!("test tools: Kubernetes {} and etcd in {}", testkit::KUBERNETES_VERSION, folder.display());
    match testkit::ensure_tools().and_then(|_| testkit::ensure_registry()) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
