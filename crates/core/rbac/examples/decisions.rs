//! How many decisions a second of one core: `cargo run --release -p rbac --example decisions`; with Go installed, casbin's beside it.
//!
//! Every second line of a policy is a role's, every other binds a user to one; each request is another user's, about another application.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement: it has a clock and starts the peer; nothing of this ships"
)]

use std::process::Command;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use rbac::{Action, Object, Permission, Policy, Resource, Subject};

const REQUESTS: usize = 200_000;

fn main() {
    for lines in [200, 10_000] {
        let expressions = teams(lines).replace(", *,", ", ^(get|sync)$,").replace("/*", "/.*");
        for (shape, mode, csv) in [
            ("a role for each team", "glob", teams(lines)),
            ("all lines one role's", "glob", one_role(lines)),
            ("regular expressions", "regex", expressions),
        ] {
            let data = [("policy.csv", csv.as_str()), ("policy.matchMode", mode)];
            let data = data.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
            let start = cpu();
            let (policy, problems) = Policy::compile(&data);
            let compiled = cpu() - start;
            assert!(problems.is_empty(), "{problems:?}");
            let requests: Vec<_> = (0..REQUESTS)
                .map(|i| {
                    let team = i % (lines / 2);
                    let object = Object::in_project(&format!("team-{team}"), None, &format!("app-{i}"));
                    let groups = vec![format!("org:team-{team}"), "org:everybody".to_owned()];
                    let user = Subject::external(&format!("user-{team}@example.com"), groups);
                    (user, Permission::new(Resource::Applications, Action::Sync, object))
                })
                .collect();
            let start = cpu();
            let allowed =
                requests.into_iter().filter(|(user, what)| policy.decide(user, what.clone()).is_ok()).count();
            let seconds = (cpu() - start).as_secs_f64();
            let rate = REQUESTS as f64 / seconds;
            println!(
                "{lines} lines, {shape}: {rate:.0} decisions a second of CPU ({allowed} of {REQUESTS} allowed; compiled in {compiled:?})"
            );
        }
        match casbin(lines) {
            Some(answer) => println!("{lines} lines, the peer: {answer}"),
            None => println!("{lines} lines, the peer: NOT RUN (no Go, or no modules)"),
        }
    }
}

fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

fn teams(lines: usize) -> String {
    let pair = |i| {
        format!(
            "p, role:team-{i}, applications, *, team-{i}/*, allow\ng, user-{i}@example.com, role:team-{i}\n"
        )
    };
    (0..lines / 2).map(pair).collect()
}

fn one_role(lines: usize) -> String {
    let pair = |i| format!("p, role:all, applications, *, team-{i}/*, allow\ng, org:team-{i}, role:all\n");
    (0..lines / 2).map(pair).collect()
}

/// The peer's own enforcer on the same policy, by its own processor time.
fn casbin(lines: usize) -> Option<String> {
    let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tools/rbac-oracle");
    let output =
        Command::new("go").args(["run", ".", "bench", &lines.to_string()]).current_dir(tool).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
