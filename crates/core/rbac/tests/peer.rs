//! What the peer decides, recorded by `tools/rbac-oracle`, and what we decide.

use std::collections::BTreeMap;

use rbac::{Action, Object, Permission, Policy, ProjectRole, Resource, Subject, Weight, project_role_of};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct Case {
    name: String,
    /// Where we mean to differ: letters as in `verdicts`, and why.
    #[serde(default)]
    ours: Option<String>,
    data: BTreeMap<String, String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    projects: Vec<Project>,
    requests: Vec<Request>,
    #[serde(default)]
    verdicts: String,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct Project {
    name: String,
    roles: Vec<Role>,
}

#[derive(Deserialize)]
struct Role {
    name: String,
    #[serde(default)]
    policies: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
}

#[derive(Deserialize)]
struct Request {
    sub: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    claims: Map<String, Value>,
    res: String,
    act: String,
    obj: String,
}

impl Case {
    fn policy(&self) -> (Policy, usize) {
        let mut data = self.data.clone();
        if !self.scopes.is_empty() {
            data.insert("scopes".to_owned(), format!("[{}]", self.scopes.join(", ")));
        }
        let (mut policy, mut problems) = Policy::compile(&data);
        for project in &self.projects {
            let role = |role: &Role| ProjectRole {
                name: role.name.clone(),
                policies: role.policies.clone(),
                groups: role.groups.clone(),
            };
            let roles: Vec<_> = project.roles.iter().map(role).collect();
            problems.extend(policy.set_project(&project.name, &roles));
        }
        (policy, problems.iter().filter(|problem| problem.weight != Weight::Suspicious).count())
    }
}

impl Request {
    fn subject(&self, policy: &Policy) -> Subject {
        if self.sub == "admin" {
            return Subject::account("admin");
        }
        if let Some((project, role)) = project_role_of(&self.sub) {
            return Subject::project_role(project, role);
        }
        let mut claims = self.claims.clone();
        claims.insert("sub".to_owned(), self.sub.clone().into());
        claims.insert("groups".to_owned(), self.groups.clone().into());
        Subject::from_claims(&claims.into(), policy.scopes())
    }

    fn permission(&self) -> Permission {
        let resource = Resource::parse(&self.res).expect("a word of policies");
        Permission::new(resource, Action::parse(&self.act), Object::parse(resource, &self.obj))
    }
}

fn check(text: &str) -> (usize, usize) {
    let (mut decisions, mut allowed) = (0, 0);
    for line in text.lines() {
        let case: Case = serde_json::from_str(line).expect("a case");
        let (policy, refused) = case.policy();
        if !case.error.is_empty() {
            assert_ne!(refused, 0, "{}: the peer says {}, and we say nothing", case.name, case.error);
            assert!(case.ours.is_some(), "{}: what we decide is not written down", case.name);
        }
        let expected = case.ours.as_ref().unwrap_or(&case.verdicts);
        assert_eq!(expected.len(), case.requests.len(), "{}", case.name);
        for (request, expected) in case.requests.iter().zip(expected.chars()) {
            let decided = policy.decide(&request.subject(&policy), request.permission());
            assert_eq!(
                if decided.is_ok() { 'y' } else { 'n' },
                expected,
                "{}: {} with {:?} and {:?}: {}\n{:#?}\n{decided:?}",
                case.name,
                request.sub,
                request.groups,
                request.claims,
                request.permission(),
                case.data,
            );
            // The same question about many objects.
            let (subject, Permission { resource, action, .. }) =
                (request.subject(&policy), request.permission());
            let mut survey = policy.survey(&subject, resource, &action);
            for other in case.requests.iter().filter(|other| other.res == request.res) {
                let object = other.permission().object;
                let decided =
                    policy.decide(&subject, Permission::new(resource, action.clone(), object.clone()));
                assert_eq!(
                    survey.allows(&object),
                    decided.is_ok(),
                    "{}: {} and {object:?}",
                    case.name,
                    request.sub
                );
            }
            decisions += 1;
            allowed += usize::from(decided.is_ok());
        }
    }
    (decisions, allowed)
}

#[test]
fn written_policies_have_the_peers_verdicts() {
    check(include_str!("cases/policies.jsonl"));
}

#[test]
fn random_policies_have_the_peers_verdicts() {
    let (decisions, allowed) = check(include_str!("cases/random.jsonl"));
    assert!(decisions >= 4_000 && allowed >= decisions / 8, "{allowed} of {decisions}");
}
