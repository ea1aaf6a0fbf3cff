//! Who may do what.

use serde_json::Value;

use crate::{convert, sim::KubeSim};

/// Who a bearer token stands for.
#[derive(Debug, Clone)]
pub struct Identity {
    /// User name, as in `system:serviceaccount:argocd:argocd-application-controller`.
    pub user: String,
    /// Groups.
    pub groups: Vec<String>,
    /// What it may do.
    pub access: Access,
}

/// What somebody may do.
#[derive(Debug, Clone)]
pub enum Access {
    /// Everything.
    All,
    /// What one of these rules allows, in all namespaces.
    Rules(Vec<Rule>),
    /// What the Role, ClusterRole and binding objects in the simulator allow to the user and its groups.
    Bindings,
}

/// A rule of a Role or ClusterRole; `*` stands for all.
#[derive(Debug, Clone, Default)]
pub struct Rule {
    /// API groups, `""` for core.
    pub groups: Vec<String>,
    /// Resources: `pods`, `pods/status`, `*/scale`.
    pub resources: Vec<String>,
    /// Names; all, if empty.
    pub names: Vec<String>,
    /// Verbs.
    pub verbs: Vec<String>,
    /// Paths that are no resources; a trailing `*` matches any end.
    pub paths: Vec<String>,
}

/// What somebody asks to do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attributes<'a> {
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    /// With its subresource: `pods/log`.
    pub(crate) resource: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    /// Set for a request that is for no resource.
    pub(crate) path: Option<&'a str>,
}

impl Identity {
    /// A member of `system:masters`, who may do all.
    pub fn admin() -> Self {
        Self {
            user: "kubernetes-admin".to_owned(),
            groups: vec!["system:masters".to_owned(), "system:authenticated".to_owned()],
            access: Access::All,
        }
    }
}

impl Rule {
    /// Reads a rule as it stands in a Role.
    pub fn from_value(rule: &Value) -> Self {
        let list = |field: &str| -> Vec<String> {
            let items = rule.get(field).and_then(Value::as_array);
            items.into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
        };
        Self {
            groups: list("apiGroups"),
            resources: list("resources"),
            names: list("resourceNames"),
            verbs: list("verbs"),
            paths: list("nonResourceURLs"),
        }
    }

    pub(crate) fn allows(&self, asked: &Attributes<'_>) -> bool {
        let has = |list: &[String], word: &str| list.iter().any(|w| w == "*" || w == word);
        if !has(&self.verbs, asked.verb) {
            return false;
        }
        if let Some(path) = asked.path {
            return self.paths.iter().any(|p| match p.strip_suffix('*') {
                Some(start) => path.starts_with(start),
                None => p == path,
            });
        }
        let any_parent = asked.resource.split_once('/').map(|(_, sub)| format!("*/{sub}"));
        has(&self.groups, asked.group)
            && (has(&self.resources, asked.resource)
                || any_parent.is_some_and(|any| self.resources.contains(&any)))
            && (self.names.is_empty() || self.names.iter().any(|n| n == asked.name))
    }
}

/// Paths that everybody may read.
const PUBLIC: [&str; 9] =
    ["/version", "/version/", "/healthz", "/livez", "/readyz", "/api", "/apis", "/openapi/v3", "/openapi/v2"];

/// Decides.
pub(crate) fn allowed(sim: &KubeSim, identity: &Identity, asked: &Attributes<'_>) -> bool {
    if asked.path.is_some_and(|path| {
        PUBLIC.contains(&path) || ["/api/", "/apis/", "/openapi/"].iter().any(|p| path.starts_with(p))
    }) || (asked.group == "authorization.k8s.io" && asked.resource.starts_with("selfsubject"))
    {
        return true;
    }
    match &identity.access {
        Access::All => true,
        Access::Rules(rules) => rules.iter().any(|rule| rule.allows(asked)),
        Access::Bindings => bound_rules(sim, identity, asked.namespace).iter().any(|rule| rule.allows(asked)),
    }
}

/// The rules that hold for somebody in a namespace, or cluster-wide with `""`.
pub(crate) fn bound_rules(sim: &KubeSim, identity: &Identity, namespace: &str) -> Vec<Rule> {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let mut rules = Vec::new();
    let mut state = sim.lock();
    let registry = std::sync::Arc::clone(&state.registry);
    for (plural, scope) in [("clusterrolebindings", ""), ("rolebindings", namespace)] {
        if plural == "rolebindings" && scope.is_empty() {
            continue;
        }
        let Some(kind) = registry.find(GROUP, "v1", plural) else { continue };
        let bindings: Vec<Value> =
            state.collection(&kind.storage).scan(scope, None).map(|s| convert::read(kind, s)).collect();
        for binding in bindings.iter().filter(|b| binds(b, identity)) {
            let text = |field: &str| binding["roleRef"][field].as_str().unwrap_or_default();
            let (plural, at) = if text("kind") == "Role" { ("roles", scope) } else { ("clusterroles", "") };
            let Some(kind) = registry.find(GROUP, "v1", plural) else { continue };
            let role = state.get(&kind.storage, &crate::store::Key::new(at, text("name")));
            let list = role.map(|role| convert::read(kind, role)["rules"].take());
            rules.extend(list.iter().filter_map(Value::as_array).flatten().map(Rule::from_value));
        }
    }
    rules
}

fn binds(binding: &Value, identity: &Identity) -> bool {
    let subjects = binding.get("subjects").and_then(Value::as_array);
    subjects.into_iter().flatten().any(|subject| {
        let text = |field: &str| subject[field].as_str().unwrap_or_default();
        match text("kind") {
            "User" => text("name") == identity.user,
            "Group" => identity.groups.iter().any(|g| g == text("name")),
            "ServiceAccount" => {
                let namespace = text("namespace");
                identity.user == format!("system:serviceaccount:{namespace}:{}", text("name"))
            }
            _ => false,
        }
    })
}

/// Why a request is refused, in the server's words.
pub(crate) fn refusal(identity: &Identity, asked: &Attributes<'_>) -> String {
    let user = &identity.user;
    if let Some(path) = asked.path {
        return format!("User \"{user}\" cannot {} path \"{path}\"", asked.verb);
    }
    let scope = if asked.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace \"{}\"", asked.namespace)
    };
    format!(
        "User \"{user}\" cannot {} resource \"{}\" in API group \"{}\" {scope}",
        asked.verb, asked.resource, asked.group
    )
}
