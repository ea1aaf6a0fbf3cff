//! What a project permits.

mod accounts;
mod cron;
mod orphans;
mod signatures;
mod windows;

use resource::GroupKind;

pub use accounts::{AccountError, ServiceAccounts};
pub use orphans::Orphans;
pub use signatures::{Integrity, SignatureKeys};
pub use windows::{Assigned, Begin, WindowError, Windows};

use crate::glob::{Dialect, Glob};
use crate::repo_url::{is_evasive, normal_form, redact_url};
use crate::settings::Namespaces;
use crate::{AppProject, AppProjectSpec, ClusterResource, NamespaceResource};

/// A refusal: which rule, and in the words that the user sees.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Denied {
    /// The list of the project that refused: `sourceRepos`, `destinations`, `clusterResourceWhitelist`, …
    pub rule: &'static str,
    /// What was refused and why.
    pub message: String,
}

/// An AppProject's limits, ready to be asked.
#[derive(Debug, Clone)]
pub struct Project {
    name: String,
    sources: Vec<Pattern>,
    destinations: Vec<Destination>,
    cluster_whitelist: Vec<KindPattern>,
    cluster_blacklist: Vec<KindPattern>,
    namespace_whitelist: Option<Vec<KindPattern>>,
    namespace_blacklist: Vec<KindPattern>,
    source_namespaces: Namespaces,
    only_own_clusters: bool,
    windows: Windows,
    orphans: Option<Orphans>,
    accounts: ServiceAccounts,
    integrity: Result<Integrity, String>,
}

#[derive(Debug, Clone)]
struct Pattern {
    denies: bool,
    glob: Glob,
}

#[derive(Debug, Clone)]
struct Destination {
    server: Pattern,
    name: Pattern,
    namespace: Pattern,
}

#[derive(Debug, Clone)]
struct KindPattern {
    group: Glob,
    kind: Glob,
    name: Option<Glob>,
}

impl Pattern {
    /// `!` makes a pattern deny what it matches.
    fn new(pattern: &str, dialect: Dialect) -> Self {
        let (denies, pattern) = pattern.strip_prefix('!').map_or((false, pattern), |rest| (true, rest));
        Self { denies, glob: Glob::new(pattern, dialect) }
    }

    /// A denying pattern lets through what it does not match. One that cannot be read lets nothing through: the
    /// peer takes it for one that matches nothing, and so permits what was meant to be denied.
    fn lets_through(&self, text: &str) -> bool {
        if self.denies {
            self.glob.problem().is_none() && !self.glob.matches(text)
        } else {
            self.glob.matches(text)
        }
    }

    fn text(&self) -> String {
        format!("{}{}", if self.denies { "!" } else { "" }, self.glob.pattern())
    }
}

impl KindPattern {
    fn new(group: &str, kind: &str, name: &str) -> Self {
        let name = (!name.is_empty()).then(|| Glob::new(name, Dialect::Shell));
        Self { group: Glob::new(group, Dialect::Shell), kind: Glob::new(kind, Dialect::Shell), name }
    }

    fn of_cluster(list: &[ClusterResource]) -> Vec<Self> {
        list.iter().map(|item| Self::new(&item.group, &item.kind, &item.name)).collect()
    }

    fn of_namespace(list: &[NamespaceResource]) -> Vec<Self> {
        list.iter().map(|item| Self::new(&item.group, &item.kind, "")).collect()
    }

    fn matches(&self, kind: &GroupKind, name: &str) -> bool {
        self.group.matches(&kind.group)
            && self.kind.matches(&kind.kind)
            && self.name.as_ref().is_none_or(|glob| glob.matches(name))
    }

    /// On a list of what is denied, a pattern that cannot be read denies what it might have meant.
    fn may_match(&self, kind: &GroupKind, name: &str) -> bool {
        let may = |glob: &Glob, text: &str| glob.problem().is_some() || glob.matches(text);
        may(&self.group, &kind.group)
            && may(&self.kind, &kind.kind)
            && self.name.as_ref().is_none_or(|g| may(g, name))
    }
}

impl Project {
    /// Compiles the limits. Patterns that cannot be read permit nothing and deny what they might mean.
    pub fn new(project: &AppProject) -> Self {
        let spec = &project.spec;
        let text = |pattern: &str| Pattern::new(pattern, Dialect::Text);
        Self {
            name: project.metadata.name.clone(),
            sources: spec.source_repos.iter().map(|url| source_pattern(url)).collect(),
            destinations: spec
                .destinations
                .iter()
                .map(|d| Destination {
                    server: text(&d.server),
                    name: text(&d.name),
                    namespace: text(&d.namespace),
                })
                .collect(),
            cluster_whitelist: KindPattern::of_cluster(&spec.cluster_resource_whitelist),
            cluster_blacklist: KindPattern::of_cluster(&spec.cluster_resource_blacklist),
            namespace_whitelist: spec.namespace_resource_whitelist.as_deref().map(KindPattern::of_namespace),
            namespace_blacklist: KindPattern::of_namespace(&spec.namespace_resource_blacklist),
            source_namespaces: Namespaces::new(&spec.source_namespaces),
            only_own_clusters: spec.permit_only_project_scoped_clusters,
            windows: Windows::new(&spec.sync_windows),
            accounts: ServiceAccounts::new(&spec.destination_service_accounts),
            integrity: Integrity::new(spec),
            orphans: spec.orphaned_resources.as_ref().map(Orphans::new),
        }
    }

    /// The project's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When its applications may be synced.
    pub fn windows(&self) -> &Windows {
        &self.windows
    }

    /// The service accounts to sync as, where the settings ask for that.
    pub fn service_accounts(&self) -> &ServiceAccounts {
        &self.accounts
    }

    /// What is asked of the signatures of commits. **Errors**: it cannot be read; then the project is refused by [`unimplemented_limits`].
    pub fn integrity(&self) -> Result<&Integrity, &str> {
        self.integrity.as_ref().map_err(String::as_str)
    }

    /// Which objects of no application it wants to know of; `None` where of none.
    pub fn orphans(&self) -> Option<&Orphans> {
        self.orphans.as_ref()
    }

    /// Whether an application may take manifests from this repository.
    ///
    /// **Shape**: patterns and URL are compared in [normal form](crate::normal_form); `*` stops at a slash, `**` does
    /// not, a lone `*` is everything. A `!` pattern that matches refuses; one that does not match permits.
    /// **Source**: the peer's `IsSourcePermitted`, which accepts dot segments; a client that resolves them
    /// would leave the permitted path.
    pub fn permits_source(&self, repo_url: &str) -> Result<(), Denied> {
        let url = normal_form(repo_url);
        let refused = |why: &str| Denied {
            rule: "sourceRepos",
            message: format!(
                "application repo {} is not permitted in project '{}': {why}",
                redact_url(repo_url),
                self.name
            ),
        };
        if is_evasive(&url) {
            return Err(refused("its path has dot segments, backslashes or control characters"));
        }
        if let Some(denial) = self.sources.iter().find(|p| p.denies && !p.lets_through(&url)) {
            return Err(refused(&format!("sourceRepos has {}", denial.text())));
        }
        if self.sources.iter().any(|pattern| pattern.lets_through(&url)) {
            return Ok(());
        }
        Err(refused("no entry of sourceRepos matches"))
    }

    /// Whether an application may put objects into this cluster and namespace. Give both the cluster's URL and its
    /// name where both are known; an empty one is unknown. The namespace is empty for cluster-wide objects.
    ///
    /// **Shape**: one entry must match by server or name, and by namespace; a `!` pattern that matches refuses,
    /// whatever the rest of its entry says, and one that does not match counts as a match. A `!` on a name or
    /// server that is not known refuses. **Source**: the peer's `isDestinationMatched`.
    pub fn permits_destination(&self, server: &str, name: &str, namespace: &str) -> Result<(), Denied> {
        let refused = |why: String| {
            let cluster = if server.is_empty() { name } else { server };
            Denied {
                rule: "destinations",
                message: format!(
                    "application destination server '{cluster}' and namespace '{namespace}' do not match any of the \
                     allowed destinations in project '{}': {why}",
                    self.name
                ),
            }
        };
        let mut permitted = false;
        for entry in &self.destinations {
            let by_server = !server.is_empty() && entry.server.lets_through(server);
            let by_name = !name.is_empty() && entry.name.lets_through(name);
            let by_namespace = entry.namespace.lets_through(namespace);
            for (field, pattern, passed) in [
                ("server", &entry.server, by_server),
                ("name", &entry.name, by_name),
                ("namespace", &entry.namespace, by_namespace),
            ] {
                if pattern.denies && !passed {
                    return Err(refused(format!("destinations has {field} {}", pattern.text())));
                }
            }
            permitted |= (by_server || by_name) && by_namespace;
        }
        if permitted { Ok(()) } else { Err(refused("no entry of destinations matches".to_owned())) }
    }

    /// Whether applications may go to a cluster that belongs to this project (to none where empty).
    ///
    /// **Source**: the peer's `permitOnlyProjectScopedClusters`; without it a cluster of another project is as good as any that
    /// `destinations` permits.
    pub fn permits_cluster_of(&self, project: &str, server: &str) -> Result<(), Denied> {
        if !self.only_own_clusters || project == self.name {
            return Ok(());
        }
        let message = format!(
            "application destination server '{server}' is not a cluster of project '{}', which permits no others: name the project \
             in the cluster's Secret (project), or change permitOnlyProjectScopedClusters",
            self.name
        );
        Err(Denied { rule: "permitOnlyProjectScopedClusters", message })
    }

    /// Whether an application may manage objects of this kind; `name` matters for cluster-wide kinds only.
    ///
    /// **Shape**: a cluster-wide kind must be on the whitelist (an absent or empty one permits none); a namespaced
    /// kind must be on the whitelist only where there is one (an empty one permits none). A blacklist always wins.
    /// **Source**: the peer's `IsGroupKindNamePermitted`.
    pub fn permits_kind(&self, kind: &GroupKind, name: &str, namespaced: bool) -> Result<(), Denied> {
        let refused = |rule: &'static str, why: &str| {
            let scope = if namespaced { "" } else { "cluster-wide " };
            let message = format!(
                "{scope}resource {}:{} is not permitted in project {}: {why} {rule}",
                kind.group, kind.kind, self.name
            );
            Err(Denied { rule, message })
        };
        let on = |list: &[KindPattern]| list.iter().any(|pattern| pattern.matches(kind, name));
        let denied_by = |list: &[KindPattern]| list.iter().any(|pattern| pattern.may_match(kind, name));
        if namespaced {
            if self.namespace_whitelist.as_ref().is_some_and(|list| !on(list)) {
                return refused("namespaceResourceWhitelist", "it is not on");
            }
            if denied_by(&self.namespace_blacklist) {
                return refused("namespaceResourceBlacklist", "it is on");
            }
            return Ok(());
        }
        if !on(&self.cluster_whitelist) {
            return refused("clusterResourceWhitelist", "it is not on");
        }
        if denied_by(&self.cluster_blacklist) {
            return refused("clusterResourceBlacklist", "it is on");
        }
        Ok(())
    }

    /// Whether an Application may belong to the project, by its namespace; those beside the controller always may.
    /// **Source**: the peer's `IsAppNamespacePermitted`, in its words.
    pub fn permits_application(
        &self,
        name: &str,
        namespace: &str,
        controller_namespace: &str,
    ) -> Result<(), Denied> {
        let beside = namespace.is_empty() || namespace == controller_namespace;
        if beside || self.source_namespaces.contains(namespace) {
            return Ok(());
        }
        let project = &self.name;
        Err(Denied {
            rule: "sourceNamespaces",
            message: format!(
                "application '{name}' in namespace '{namespace}' is not allowed to use project {project}"
            ),
        })
    }

    /// The patterns of namespaces of applications.
    pub fn source_namespaces(&self) -> &Namespaces {
        &self.source_namespaces
    }
}

fn source_pattern(url: &str) -> Pattern {
    let (denies, pattern) = url.strip_prefix('!').map_or((false, url), |rest| (true, rest));
    Pattern { denies, glob: Glob::new(&normal_form(pattern), Dialect::Path) }
}

/// The limits of a project that cannot be kept, each with the reason to refuse its applications: one that is not enforced must not
/// be passed over.
pub fn unimplemented_limits(project: &AppProject) -> Vec<String> {
    let name = &project.metadata.name;
    let unread = Integrity::new(&project.spec).err();
    unread.into_iter().map(|error| format!("project '{name}' sets sourceIntegrity: {error}")).collect()
}

/// A project with what global projects add to it.
///
/// **Shape**: the lists are joined. **Source**: the peer's `mergeVirtualProject`: repositories, destinations, sync
/// windows and the four lists of kinds; nothing else is inherited.
pub fn with_global_projects<'a>(
    project: &AppProject,
    globals: impl IntoIterator<Item = &'a AppProject>,
) -> AppProject {
    let mut merged = project.clone();
    for global in globals {
        inherit(&mut merged.spec, &global.spec);
    }
    merged
}

/// A project as the settings complete it: with what the global projects that are for it add. `known` are all projects.
pub fn completed<'a>(
    project: &AppProject,
    settings: &crate::Settings,
    known: impl Fn(&str) -> Option<&'a AppProject>,
) -> AppProject {
    let globals = globals_of(project, settings).filter_map(known).filter(|global| *global != project);
    with_global_projects(project, globals)
}

/// The names of the global projects that are for a project, by the settings.
pub fn globals_of<'a>(project: &AppProject, settings: &'a crate::Settings) -> impl Iterator<Item = &'a str> {
    let labels = &project.metadata.labels;
    let joined = settings.global_projects.iter().filter(move |global| global.label_selector.matches(labels));
    joined.map(|global| global.project_name.as_str())
}

fn inherit(spec: &mut AppProjectSpec, global: &AppProjectSpec) {
    spec.source_repos.extend(global.source_repos.iter().cloned());
    spec.destinations.extend(global.destinations.iter().cloned());
    spec.sync_windows.extend(global.sync_windows.iter().cloned());
    spec.cluster_resource_whitelist.extend(global.cluster_resource_whitelist.iter().cloned());
    spec.cluster_resource_blacklist.extend(global.cluster_resource_blacklist.iter().cloned());
    spec.namespace_resource_blacklist.extend(global.namespace_resource_blacklist.iter().cloned());
    if let Some(list) = &global.namespace_resource_whitelist {
        spec.namespace_resource_whitelist.get_or_insert_default().extend(list.iter().cloned());
    }
}

#[cfg(test)]
mod tests;
