//! Roles of a project: lines that speak of the project and of nothing else.

use crate::csv;
use crate::decision::Rule;
use crate::pattern::Mode;
use crate::permission::Resource;
use crate::policy::{Problems, read_line};
use crate::problem::{Place, Problem, Weight};
use crate::table::{Effect, Patterns, Permit, Table};

/// Lines of projects come after all others; far more than a policy may have.
const AFTER_ALL: u64 = 1 << 40;
/// The actions that lines of a project may name, beside paths.
const ACTIONS: [&str; 8] = ["get", "create", "update", "delete", "sync", "override", "rollback", "*"];

/// A role of an AppProject, as far as rights go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProjectRole {
    /// Name.
    pub name: String,
    /// `p` lines.
    pub policies: Vec<String>,
    /// Groups that have the role.
    pub groups: Vec<String>,
}

pub(crate) fn compile(project: &str, roles: &[ProjectRole], mode: Mode) -> (Table, Vec<Problem>) {
    let (mut table, mut problems) = (Table::default(), Problems::default());
    let (mut patterns, mut exact) = (Patterns::new(mode), Patterns::new(Mode::Glob));
    let mut order = AFTER_ALL;
    for role in roles {
        let subject = format!("proj:{project}:{}", role.name);
        let place = |entry| Place::Role { project: project.to_owned(), role: role.name.clone(), entry };
        if !is_role_name(&role.name) {
            problems.add(Problem {
                place: place(0),
                text: role.name.clone(),
                why:
                    "a role's name is letters, digits, - and _, and begins and ends with a letter or a digit"
                        .to_owned(),
                weight: Weight::Refused,
            });
            continue;
        }
        order += 1;
        // Names of projects are names of Kubernetes, which have nothing that a glob reads in its own way.
        if let (Ok(action), Ok(object)) = (exact.get("get"), exact.get(project)) {
            let text = csv::line(&["p", &subject, "projects", "get", project, "allow"]);
            table.add(Permit {
                subject: subject.clone(),
                resources: vec![Resource::Projects],
                action,
                object,
                effect: Effect::Allow,
                rule: Rule::new(order, place(0), text),
            });
        }
        for (i, policy) in role.policies.iter().enumerate() {
            order += 1;
            match check(policy, project, &subject) {
                Ok(()) => {
                    read_line(policy, &place(i + 1), order, &mut patterns, &mut table, &mut problems);
                }
                Err(why) => problems.add(Problem {
                    place: place(i + 1),
                    text: policy.clone(),
                    why,
                    weight: Weight::Refused,
                }),
            }
        }
        for (i, group) in role.groups.iter().enumerate() {
            match group_name(group) {
                Ok(name) => table.bind(&name, &subject),
                Err(why) => problems.add(Problem {
                    place: place(i + 1),
                    text: group.clone(),
                    why: why.to_owned(),
                    weight: Weight::Refused,
                }),
            }
        }
    }
    (table, problems.into_list())
}

/// What the peer's admission asks of a line. **Source**: `v1alpha1.validatePolicy`.
fn check(policy: &str, project: &str, subject: &str) -> Result<(), String> {
    if policy.contains(['\n', '\r']) {
        return Err("more than one line".to_owned());
    }
    let parts: Vec<&str> = policy.split(',').map(|part| part.trim_matches(' ')).collect();
    let ["p", named, resource, action, object, "allow" | "deny"] = parts.as_slice() else {
        return Err(format!("p, {subject}, resource, action, object, and allow or deny are expected"));
    };
    if *named != subject {
        return Err(format!("the subject must be {subject}"));
    }
    if !Resource::parse(resource).is_some_and(Resource::is_project_scoped) {
        return Err(
            "the resource must be applications, applicationsets, repositories, exec, logs or clusters"
                .to_owned(),
        );
    }
    let path = ["action/", "update/", "delete/"].iter().any(|verb| action.contains(verb));
    if !path && !ACTIONS.contains(action) {
        return Err(format!("there is no action {action} for projects"));
    }
    if !is_object(project, object) {
        return Err(format!(
            "the object must be {project}/*, {project}/<name> or {project}/<namespace>/<name>"
        ));
    }
    Ok(())
}

/// One or two parts after the project's name, of letters, digits and `_*-.`.
fn is_object(project: &str, object: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '*' | '-' | '.'))
    };
    let Some(rest) = object.strip_prefix(project).and_then(|rest| rest.strip_prefix('/')) else {
        return false;
    };
    match rest.split_once('/') {
        Some((namespace, name)) => part(namespace) && part(name),
        None => part(rest),
    }
}

/// **Source**: `v1alpha1.validateRoleName`.
fn is_role_name(name: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    ends(name.chars().next())
        && ends(name.chars().last())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// A group's name without the quotes that a comma needs. **Source**: `v1alpha1.validateGroupName`.
fn group_name(written: &str) -> Result<String, &'static str> {
    let name = written.trim();
    let quoted = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let bare = quoted.unwrap_or(name);
    if quoted.is_none() && name.contains(',') {
        return Err("a group with a comma must be in quotes");
    }
    if bare.is_empty() {
        return Err("an empty group");
    }
    if bare.contains(['"', '\n', '\r', '\t']) {
        return Err("a group with quotes, tabs or line ends in its name");
    }
    if name.len() < written.len() {
        return Err("a group that begins or ends with a blank");
    }
    Ok(bare.to_owned())
}
