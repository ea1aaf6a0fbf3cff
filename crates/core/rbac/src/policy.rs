//! A compiled policy, and decisions by it.

mod lines;
mod review;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::builtin;
use crate::decision::{Decision, Denied, Refusal, Rule};
use crate::pattern::Mode;
use crate::permission::{Action, Inheritance, Object, Permission, Resource, Target};
use crate::problem::{Place, Problem, Weight};
use crate::project::{self, ProjectRole};
use crate::subject::{Subject, Who, is_role};
use crate::survey::{Ask, Survey};
use crate::table::{Patterns, Start, Table, Verdict, judge, lines_of};

pub(crate) use lines::{Problems, read_line};

/// Key of `argocd-rbac-cm` that comes before all other `policy.*.csv`.
const CSV: &str = "policy.csv";

/// All lines, compiled. Cheap to clone; a clone may get other projects.
#[derive(Debug, Clone)]
pub struct Policy {
    table: Arc<Table>,
    projects: BTreeMap<String, Arc<Table>>,
    default_role: Option<String>,
    scopes: Vec<String>,
    mode: Mode,
}

impl Policy {
    /// Compiles the built-in roles and what `argocd-rbac-cm` holds; without any data nobody but `admin` may do anything.
    ///
    /// **Shape**: `policy.csv`, then all `policy.<any>.csv` in the order of their keys; `policy.default`, a role for everybody;
    /// `scopes`, a YAML list of the claims that hold groups (`[groups]`); `policy.matchMode`, `glob` or `regex`.
    /// **Errors**: none; what cannot be read is left out and named, at most 1,000 times.
    pub fn compile(data: &BTreeMap<String, String>) -> (Self, Vec<Problem>) {
        let (mut table, mut order) = (Table::default(), 0);
        builtin::add(&mut table, &mut order);
        Self::with_lines(data, table, order)
    }

    /// As [`Self::compile`], without the built-in roles.
    pub fn compile_bare(data: &BTreeMap<String, String>) -> (Self, Vec<Problem>) {
        Self::with_lines(data, Table::default(), 0)
    }

    fn with_lines(data: &BTreeMap<String, String>, mut table: Table, mut order: u64) -> (Self, Vec<Problem>) {
        let mut problems = Problems::default();
        let mode = mode(data, &mut problems);
        let mut patterns = Patterns::new(mode);
        let others = data.iter().filter(|(key, _)| {
            key.starts_with("policy.")
                && key.ends_with(".csv")
                && key.len() > "policy.csv".len()
                && *key != CSV
        });
        let mut bindings = Vec::new();
        for (key, text) in data.get_key_value(CSV).into_iter().chain(others) {
            for (i, line) in text.split('\n').enumerate() {
                let place = Place::Key { key: key.clone(), line: i + 1 };
                order += 1;
                if let Some(binding) =
                    read_line(line, &place, order, &mut patterns, &mut table, &mut problems)
                {
                    bindings.push((place, binding));
                }
            }
        }
        review::bindings(&table, &bindings, &mut problems);
        let default_role = data.get("policy.default").filter(|role| !role.is_empty()).cloned();
        let scopes = scopes(data, &mut problems);
        let policy = Self { table: Arc::new(table), projects: BTreeMap::new(), default_role, scopes, mode };
        (policy, problems.into_list())
    }

    /// Adds a project with its roles, or takes new ones for it. A project without roles has to be told of, too: tokens of other
    /// projects have no rights in it.
    ///
    /// **Shape**: `policies` are `p` lines of the role itself about things in the project; every role may `get` its project; `groups`
    /// are names as in a `g` line, in quotes where they have a comma.
    /// **Errors**: none; what the peer's admission would refuse is left out and named.
    /// **Source**: `AppProject.ProjectPoliciesString`, `validatePolicy`; the peer enforces without validating.
    pub fn set_project(&mut self, name: &str, roles: &[ProjectRole]) -> Vec<Problem> {
        let (table, problems) = project::compile(name, roles, self.mode);
        self.projects.insert(name.to_owned(), Arc::new(table));
        problems
    }

    /// Forgets a project.
    pub fn remove_project(&mut self, name: &str) {
        self.projects.remove(name);
    }

    /// Takes the projects of another policy, whose mode of matching must be the same; else `false`, and they have to be set anew.
    pub fn take_projects(&mut self, from: &Self) -> bool {
        if self.mode == from.mode {
            self.projects.clone_from(&from.projects);
        }
        self.mode == from.mode
    }

    /// The claims that hold groups.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// The role that everybody has.
    pub fn default_role(&self) -> Option<&str> {
        self.default_role.as_deref()
    }

    /// Decides.
    ///
    /// The default role is asked first and cannot be denied by anybody's lines; then the subject with all its roles; then each group
    /// with all its roles, if some `g` line begins with it. One that allows is enough: a denial counts for the name that it is found
    /// by, and not for the others.
    ///
    /// **Errors**: [`Denied`], with the line of the subject's own that denies, where there is one.
    /// **Source**: `rbac.enforce`, `RBACPolicyEnforcer.EnforceClaims`.
    pub fn decide(&self, subject: &Subject, permission: Permission) -> Result<Decision, Denied> {
        let (mut allowed, mut denied_by) = (None, None);
        {
            let Permission { resource, action, object } = &permission;
            let action = action.text();
            for ask in self.asks(subject, resource.project_of(object), *resource) {
                match judge(&ask.lines, &action, object.as_str()) {
                    Verdict::Allowed(rule) => {
                        allowed = Some((ask.through.map(str::to_owned), Arc::clone(rule)));
                        break;
                    }
                    Verdict::Denied(rule) if ask.through.is_none() => denied_by = Some(Arc::clone(rule)),
                    Verdict::Denied(_) | Verdict::Silent => {}
                }
            }
        }
        let subject = subject.name().to_owned();
        match allowed {
            Some((through, rule)) => Ok(Decision { subject, through, permission, rule }),
            None => Err(self.denied(subject, permission, denied_by)),
        }
    }

    /// One question about many objects, which is decided as [`Self::decide`] decides it: the lines that count are looked up once for
    /// each project.
    pub fn survey<'a>(&'a self, subject: &'a Subject, resource: Resource, action: &'a Action) -> Survey<'a> {
        Survey { policy: self, subject, resource, action: action.text(), asks: BTreeMap::new() }
    }

    /// What is asked for a subject, one name after another: the first that allows is enough.
    pub(crate) fn asks<'a>(
        &'a self,
        subject: &'a Subject,
        project: Option<&str>,
        resource: Resource,
    ) -> impl Iterator<Item = Ask<'a>> {
        let scope = project.and_then(|project| self.projects.get_key_value(project));
        let ask = move |tables: &[&'a Table], through, name, may_be_admin| {
            let lines = lines_of(tables, Start { name, may_be_admin }, resource);
            Ask { through, lines }
        };
        let (global, all) = (&*self.table, scope.map(|(_, table)| &**table));
        let both = move || -> Vec<&'a Table> { std::iter::once(global).chain(all).collect() };

        // A denial that a project's role brings in does not take from it what it has without.
        let role = self.default_role.as_deref();
        let default = role.into_iter().map(move |role| ask(&[global], Some(role), role, true));
        let default_there = role.into_iter().filter(move |_| all.is_some());
        let default_there = default_there.map(move |role| ask(&both(), Some(role), role, true));
        let own = subject.own_name(scope.map(|(project, _)| project)).into_iter();
        let own = own.map(move |name| ask(&both(), None, name, matches!(subject.0, Who::Account(_))));
        let bound = move |group: &&String| {
            !is_role(group) && (global.is_bound(group) || all.is_some_and(|table| table.is_bound(group)))
        };
        let groups = subject.groups().iter().filter(bound);
        let groups = groups.map(move |group| ask(&both(), Some(group.as_str()), group.as_str(), false));
        default.chain(default_there).chain(own).chain(groups)
    }

    /// Decides about one object of an application: `update` or `delete` it.
    ///
    /// **Shape**: with [`Inheritance::Enabled`] the plain word is asked first; either is enough then.
    /// **Source**: `server/application.Server.getAppLiveResource`.
    pub fn decide_target(
        &self,
        subject: &Subject,
        application: &Object,
        plain: Action,
        target: Target,
        inheritance: Inheritance,
    ) -> Result<Decision, Denied> {
        let ask = |action| {
            self.decide(subject, Permission::new(Resource::Applications, action, application.clone()))
        };
        let fine = match plain {
            Action::Update => Action::UpdateTarget(target),
            Action::Delete => Action::DeleteTarget(target),
            other => return ask(other),
        };
        match inheritance {
            Inheritance::Disabled => ask(fine),
            Inheritance::Enabled => ask(plain).or_else(|_| ask(fine)),
        }
    }

    /// What a name of a policy may do: a role, a user, a group. For questions of operators; no project's roles are looked at.
    pub(crate) fn decide_name(&self, name: &str, permission: Permission) -> Result<Decision, Denied> {
        let action = permission.action.text().into_owned();
        let (resource, object) = (permission.resource, permission.object.as_str());
        let mut denied_by = None;
        for (name, through) in
            self.default_role.as_deref().map(|role| (role, Some(role))).into_iter().chain([(name, None)])
        {
            let start = Start { name, may_be_admin: true };
            match judge(&lines_of(&[&self.table], start, resource), &action, object) {
                Verdict::Allowed(rule) => {
                    let rule = Arc::clone(rule);
                    let (subject, through) = (name.to_owned(), through.map(str::to_owned));
                    return Ok(Decision { subject, through, permission, rule });
                }
                Verdict::Denied(rule) => denied_by = Some(Arc::clone(rule)),
                Verdict::Silent => denied_by = None,
            }
        }
        Err(self.denied(name.to_owned(), permission, denied_by))
    }

    /// Whether a group would count: it has a `g` line.
    pub(crate) fn is_bound(&self, name: &str) -> bool {
        self.table.is_bound(name)
    }

    fn denied(&self, subject: String, permission: Permission, by: Option<Arc<Rule>>) -> Denied {
        let default_role = self.default_role.clone();
        Denied(Box::new(Refusal { subject, permission, default_role, by }))
    }
}

impl Action {
    /// What a rollback asks for: `rollback` where `server.rbac.rollback.enforce.enable` says so, else `sync`.
    pub fn of_rollback(enforced: bool) -> Self {
        if enforced { Self::Rollback } else { Self::Sync }
    }
}

fn mode(data: &BTreeMap<String, String>, problems: &mut Problems) -> Mode {
    let key = "policy.matchMode";
    match data.get(key).map(String::as_str) {
        Some("regex") => Mode::Regex,
        Some("glob" | "") | None => Mode::Glob,
        Some(other) => {
            problems.add(Problem {
                place: Place::Key { key: key.to_owned(), line: 0 },
                text: other.to_owned(),
                why: "the modes are glob and regex; glob is taken".to_owned(),
                weight: Weight::Suspicious,
            });
            Mode::Glob
        }
    }
}

fn scopes(data: &BTreeMap<String, String>, problems: &mut Problems) -> Vec<String> {
    let default = || vec!["groups".to_owned()];
    let Some(text) = data.get("scopes").filter(|text| !text.is_empty()) else { return default() };
    let list =
        goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default()).ok().and_then(|value| match value {
            serde_json::Value::Array(list) => {
                list.into_iter().map(|scope| scope.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
            }
            serde_json::Value::Null => Some(Vec::new()),
            _ => None,
        });
    list.unwrap_or_else(|| {
        problems.add(Problem {
            place: Place::Key { key: "scopes".to_owned(), line: 0 },
            text: text.clone(),
            why: "a list of claims was expected, like [groups, email]; groups is taken".to_owned(),
            weight: Weight::Refused,
        });
        default()
    })
}
