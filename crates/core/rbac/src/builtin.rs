//! The roles that every installation has, and the account that has one.

use crate::decision::Rule;
use crate::pattern::Mode;
use crate::permission::Resource::{self, *};
use crate::problem::Place;
use crate::table::{Effect, Patterns, Permit, Table};

/// The account that is made with the installation.
pub(crate) const ADMIN: &str = "admin";
/// The role that may do everything.
pub(crate) const ADMIN_ROLE: &str = "role:admin";
/// The role that may see everything.
const READONLY_ROLE: &str = "role:readonly";

/// What `role:readonly` may see.
const READONLY: &[Resource] = &[
    Applications,
    ApplicationSets,
    Certificates,
    Clusters,
    Repositories,
    WriteRepositories,
    Projects,
    Accounts,
    GpgKeys,
    Logs,
];

/// What `role:admin` may do beside that. `rollback` came with Argo CD 3.4; older ones have no such permission to ask for.
const ADMIN_MAY: &[(Resource, &[&str])] = &[
    (
        Applications,
        &["create", "update", "update/*", "delete", "delete/*", "sync", "rollback", "override", "action/*"],
    ),
    (ApplicationSets, &["get", "create", "update", "delete"]),
    (Certificates, &["create", "update", "delete"]),
    (Clusters, &["create", "update", "delete"]),
    (Repositories, &["create", "update", "delete"]),
    (WriteRepositories, &["create", "update", "delete"]),
    (Projects, &["create", "update", "delete"]),
    (Accounts, &["update"]),
    (GpgKeys, &["create", "delete"]),
    (Exec, &["create"]),
];

/// Adds the built-in lines. Their globs are globs whatever `policy.matchMode` says.
///
/// **Source**: `assets/builtin-policy.csv`; its line `g, admin, role:admin` is in `table::judge`, because it is about one account.
pub(crate) fn add(table: &mut Table, order: &mut u64) {
    let mut patterns = Patterns::new(Mode::Glob);
    let readonly = READONLY.iter().map(|resource| (READONLY_ROLE, *resource, "get"));
    let admin = ADMIN_MAY
        .iter()
        .flat_map(|(resource, actions)| actions.iter().map(|action| (ADMIN_ROLE, *resource, *action)));
    for (subject, resource, action) in readonly.chain(admin) {
        let object = match resource {
            Applications | ApplicationSets | Logs | Exec => "*/*",
            Clusters | Projects | Repositories | WriteRepositories | Certificates | Accounts | GpgKeys
            | Extensions => "*",
        };
        // They are all written above, and can be read.
        let (Ok(action_pattern), Ok(object_pattern)) = (patterns.get(action), patterns.get(object)) else {
            continue;
        };
        *order += 1;
        let text = format!("p, {subject}, {}, {action}, {object}, allow", resource.as_str());
        table.add(Permit {
            subject: subject.to_owned(),
            resources: vec![resource],
            action: action_pattern,
            object: object_pattern,
            effect: Effect::Allow,
            rule: Rule::new(*order, Place::Builtin, text),
        });
    }
    table.bind(ADMIN_ROLE, READONLY_ROLE);
}
