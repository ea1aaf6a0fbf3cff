//! What is asked of a project before it is written.

use std::collections::BTreeSet;

use ::api::project::Windows;
use ::api::{AppProject, AppProjectSpec, SyncWindow};
use jiff::Timestamp;
use rbac::{Policy, ProjectRole, Weight};
use tonic::Status;

/// Characters that the name of a service account cannot have.
const NOT_IN_ACCOUNTS: [char; 8] = ['!', '*', '[', ']', '{', '}', '\\', '/'];
/// Longest description of a window, in bytes.
const DESCRIPTION: usize = 255;

/// **Errors**: the first thing that is wrong with it, in the peer's words; of roles in those of the policy's reader, which refuses what the
/// peer's `validatePolicy`, `validateRoleName` and `validateGroupName` refuse.
/// **Source**: `AppProject.ValidateProject`, `validateProject` of the server.
pub(super) fn check(project: &AppProject) -> Result<(), Status> {
    let spec = &project.spec;
    destinations(spec)?;
    each_once(&spec.source_namespaces, |namespace| {
        invalid(format!("source namespace '{namespace}' already added"))
    })?;
    if spec.source_repos.iter().any(|url| url == "!*") {
        return Err(invalid("source repository has an invalid format, '!*'".to_owned()));
    }
    each_once(&spec.source_repos, |url| {
        invalid(format!("source repository '{}' already added", ::api::redact_url(url)))
    })?;
    roles(project)?;
    windows(&spec.sync_windows)?;
    accounts(spec)
}

fn invalid(text: String) -> Status {
    Status::invalid_argument(text)
}

fn each_once<'a, T: Ord + 'a>(
    items: impl IntoIterator<Item = &'a T>,
    twice: impl Fn(&T) -> Status,
) -> Result<(), Status> {
    let mut seen = BTreeSet::new();
    match items.into_iter().find(|item| !seen.insert(*item)) {
        Some(item) => Err(twice(item)),
        None => Ok(()),
    }
}

fn destinations(spec: &AppProjectSpec) -> Result<(), Status> {
    for destination in &spec.destinations {
        for (field, value) in [
            ("name", &destination.name),
            ("server", &destination.server),
            ("namespace", &destination.namespace),
        ] {
            if value == "!*" {
                return Err(invalid(format!("{field} has an invalid format, '!*'")));
            }
        }
    }
    let keys: Vec<String> = spec
        .destinations
        .iter()
        .map(|destination| {
            let by_name = destination.server.is_empty() && !destination.name.is_empty();
            let cluster = if by_name { &destination.name } else { &destination.server };
            format!("{cluster}/{}", destination.namespace)
        })
        .collect();
    each_once(&keys, |key| invalid(format!("destination '{key}' already added")))
}

fn roles(project: &AppProject) -> Result<(), Status> {
    let exists = |text: String| Status::already_exists(text);
    let names: Vec<&String> = project.spec.roles.iter().map(|role| &role.name).collect();
    each_once(&names, |name| exists(format!("role '{name}' already exists")))?;
    for role in &project.spec.roles {
        let name = &role.name;
        each_once(&role.policies, |policy| {
            exists(format!("policy '{policy}' already exists for role '{name}'"))
        })?;
        each_once(&role.groups, |group| exists(format!("group '{group}' already exists for role '{name}'")))?;
        let rights = ProjectRole {
            name: role.name.clone(),
            policies: role.policies.clone(),
            groups: role.groups.clone(),
        };
        let (mut policy, _) = Policy::compile_bare(&Default::default());
        let problems = policy.set_project(&project.metadata.name, &[rights]);
        let refused = |weight| matches!(weight, Weight::Refused | Weight::DeniesAll);
        if let Some(problem) = problems.into_iter().find(|problem| refused(problem.weight)) {
            let text = format!("invalid policy rule '{}': {}", problem.text, problem.why);
            return Err(invalid(text));
        }
    }
    Ok(())
}

fn windows(windows: &[SyncWindow]) -> Result<(), Status> {
    let mut seen: Vec<SyncWindow> = Vec::new();
    for window in windows {
        let (kind, schedule, duration) = (&window.kind, &window.schedule, &window.duration);
        // What makes it another one.
        let identity = SyncWindow {
            manual_sync: false,
            description: String::new(),
            sync_overrun: false,
            other: Default::default(),
            ..window.clone()
        };
        if seen.contains(&identity) {
            return Err(Status::already_exists(format!(
                "sync window with kind '{kind}', schedule '{schedule}', and duration '{duration}' already exists"
            )));
        }
        if kind != "allow" && kind != "deny" {
            return Err(invalid(format!("kind '{kind}' mismatch: can only be allow or deny")));
        }
        if let Err(error) = Windows::new(std::slice::from_ref(window)).active(Timestamp::UNIX_EPOCH) {
            return Err(invalid(format!("cannot parse {} '{}': {}", error.field, error.text, error.reason)));
        }
        if window.description.len() > DESCRIPTION {
            return Err(invalid(format!("description must not exceed {DESCRIPTION} characters")));
        }
        if window.applications.is_empty() && window.namespaces.is_empty() && window.clusters.is_empty() {
            return Err(Status::out_of_range(format!(
                "window '{kind}':'{schedule}':'{duration}' requires one of application, cluster or namespace"
            )));
        }
        seen.push(identity);
    }
    Ok(())
}

fn accounts(spec: &AppProjectSpec) -> Result<(), Status> {
    for rule in &spec.destination_service_accounts {
        for (field, value) in [("server", &rule.server), ("namespace", &rule.namespace)] {
            if value.contains('!') {
                return Err(invalid(format!("{field} has an invalid format, '{value}'")));
            }
        }
        let account = &rule.default_service_account;
        if account.trim_matches(' ').is_empty() || account.contains(NOT_IN_ACCOUNTS) {
            return Err(invalid(format!("defaultServiceAccount has an invalid format, '{account}'")));
        }
    }
    let places = |rule: &::api::DestinationServiceAccount| format!("{}/{}", rule.server, rule.namespace);
    let keys: Vec<String> = spec.destination_service_accounts.iter().map(places).collect();
    each_once(&keys, |key| invalid(format!("destinationServiceAccount '{key}' already added")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tonic::Code;

    use super::*;

    /// What is tried, the spec, and how it is refused.
    type Row = (&'static str, Value, Option<(Code, &'static str)>);

    #[test]
    fn what_the_peer_refuses_is_refused() {
        let window = |schedule: &str| json!({"kind": "allow", "schedule": schedule, "duration": "1h", "applications": ["*"]});
        let role = |policy: &str| json!({"name": "r", "policies": [policy]});
        let rows: Vec<Row> = vec![
            ("nothing", json!({}), None),
            (
                "a name without a server",
                json!({"destinations": [{"name": "a", "namespace": "n"}, {"name": "b", "namespace": "n"}]}),
                None,
            ),
            (
                "a destination twice",
                json!({"destinations": [{"server": "s", "namespace": "n"}, {"server": "s", "namespace": "n", "name": "x"}]}),
                Some((Code::InvalidArgument, "destination 's/n' already added")),
            ),
            (
                "everything denied",
                json!({"destinations": [{"server": "!*", "namespace": "n"}]}),
                Some((Code::InvalidArgument, "server has an invalid format, '!*'")),
            ),
            (
                "a repository twice",
                json!({"sourceRepos": ["a", "a"]}),
                Some((Code::InvalidArgument, "source repository 'a' already added")),
            ),
            (
                "a role twice",
                json!({"roles": [{"name": "r"}, {"name": "r"}]}),
                Some((Code::AlreadyExists, "role 'r' already exists")),
            ),
            (
                "a role's name",
                json!({"roles": [{"name": "-r"}]}),
                Some((Code::InvalidArgument, "a role's name is letters")),
            ),
            ("a line", json!({"roles": [role("p, proj:p:r, applications, get, p/*, allow")]}), None),
            (
                "a line about another project",
                json!({"roles": [role("p, proj:p:r, applications, get, other/*, allow")]}),
                Some((Code::InvalidArgument, "the object must be p/*")),
            ),
            (
                "a line of another role",
                json!({"roles": [role("p, role:admin, applications, get, p/*, allow")]}),
                Some((Code::InvalidArgument, "invalid policy rule")),
            ),
            (
                "an empty group",
                json!({"roles": [{"name": "r", "groups": [""]}]}),
                Some((Code::InvalidArgument, "an empty group")),
            ),
            ("a window", json!({"syncWindows": [window("* * * * *")]}), None),
            (
                "a window twice",
                json!({"syncWindows": [window("* * * * *"), window("* * * * *")]}),
                Some((Code::AlreadyExists, "sync window with kind 'allow'")),
            ),
            (
                "a schedule",
                json!({"syncWindows": [window("sometimes")]}),
                Some((Code::InvalidArgument, "cannot parse schedule 'sometimes'")),
            ),
            (
                "a window for nobody",
                json!({"syncWindows": [{"kind": "deny", "schedule": "* * * * *", "duration": "1h"}]}),
                Some((Code::OutOfRange, "requires one of application, cluster or namespace")),
            ),
            (
                "an account",
                json!({"destinationServiceAccounts": [{"server": "*", "defaultServiceAccount": "a*"}]}),
                Some((Code::InvalidArgument, "defaultServiceAccount has an invalid format, 'a*'")),
            ),
        ];
        for (row, spec, expected) in rows {
            let project = AppProject::from_value(json!({"metadata": {"name": "p"}, "spec": spec})).unwrap();
            match (check(&project), expected) {
                (Ok(()), None) => {}
                (Err(status), Some((code, text))) => {
                    assert_eq!(status.code(), code, "{row}: {status}");
                    assert!(status.message().contains(text), "{row}: {status}");
                }
                (outcome, _) => panic!("{row}: {outcome:?}"),
            }
        }
    }
}
