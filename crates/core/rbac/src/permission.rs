//! What can be permitted: a resource, an action on it, an object.

use std::borrow::Cow;
use std::fmt;

/// What kind of thing a permission is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// `applications`.
    Applications,
    /// `applicationsets`.
    ApplicationSets,
    /// `clusters`.
    Clusters,
    /// `projects`.
    Projects,
    /// `repositories`.
    Repositories,
    /// `write-repositories`: where the hydrator pushes.
    WriteRepositories,
    /// `certificates`: known hosts and certificates of servers.
    Certificates,
    /// `accounts`.
    Accounts,
    /// `gpgkeys`.
    GpgKeys,
    /// `logs` of pods.
    Logs,
    /// `exec`: terminals in pods.
    Exec,
    /// `extensions` of the API server.
    Extensions,
}

impl Resource {
    /// All of them, as the peer lists them.
    pub const ALL: [Self; 12] = [
        Self::Clusters,
        Self::Projects,
        Self::Applications,
        Self::ApplicationSets,
        Self::Repositories,
        Self::WriteRepositories,
        Self::Certificates,
        Self::Accounts,
        Self::GpgKeys,
        Self::Logs,
        Self::Exec,
        Self::Extensions,
    ];

    /// The word of policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applications => "applications",
            Self::ApplicationSets => "applicationsets",
            Self::Clusters => "clusters",
            Self::Projects => "projects",
            Self::Repositories => "repositories",
            Self::WriteRepositories => "write-repositories",
            Self::Certificates => "certificates",
            Self::Accounts => "accounts",
            Self::GpgKeys => "gpgkeys",
            Self::Logs => "logs",
            Self::Exec => "exec",
            Self::Extensions => "extensions",
        }
    }

    /// The project whose roles have a say about an object of this kind.
    ///
    /// **Source**: `RBACPolicyEnforcer.getProjectFromRequest`: `write-repositories` is not among them.
    pub(crate) fn project_of(self, object: &Object) -> Option<&str> {
        let has_one = self.is_project_scoped() || self == Self::Projects;
        if has_one { object.project_name() } else { None }
    }

    /// Reads the word of policies.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.as_str() == word)
    }

    /// Whether roles of projects may have lines about it.
    ///
    /// **Source**: `rbac.ProjectScoped`; `write-repositories` is not in it.
    pub fn is_project_scoped(self) -> bool {
        match self {
            Self::Applications
            | Self::ApplicationSets
            | Self::Logs
            | Self::Exec
            | Self::Clusters
            | Self::Repositories => true,
            Self::Projects
            | Self::WriteRepositories
            | Self::Certificates
            | Self::Accounts
            | Self::GpgKeys
            | Self::Extensions => false,
        }
    }
}

/// One object of an application, as fine-grained actions name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// API group; empty for the core.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace; empty for objects of the cluster.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `get`.
    Get,
    /// `create`.
    Create,
    /// `update`.
    Update,
    /// `delete`.
    Delete,
    /// `sync`.
    Sync,
    /// `override`: a sync of what is not in git, or of another revision.
    Override,
    /// `rollback`.
    Rollback,
    /// `invoke` an extension.
    Invoke,
    /// `action/<group>/<kind>/<name>`.
    Run {
        /// API group of the object.
        group: String,
        /// Kind of the object.
        kind: String,
        /// Name of the action.
        name: String,
    },
    /// `update/<group>/<kind>/<namespace>/<name>`.
    UpdateTarget(Target),
    /// `delete/<group>/<kind>/<namespace>/<name>`.
    DeleteTarget(Target),
    /// A word as somebody wrote it, for questions of operators ([`Question`](crate::Question)).
    Written(String),
}

impl Action {
    /// The text that lines are held against.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Get => "get".into(),
            Self::Create => "create".into(),
            Self::Update => "update".into(),
            Self::Delete => "delete".into(),
            Self::Sync => "sync".into(),
            Self::Override => "override".into(),
            Self::Rollback => "rollback".into(),
            Self::Invoke => "invoke".into(),
            Self::Run { group, kind, name } => format!("action/{group}/{kind}/{name}").into(),
            Self::UpdateTarget(target) => target.after("update").into(),
            Self::DeleteTarget(target) => target.after("delete").into(),
            Self::Written(word) => word.into(),
        }
    }

    /// Reads a simple word; anything else stays as it was written.
    pub fn parse(word: &str) -> Self {
        match word {
            "get" => Self::Get,
            "create" => Self::Create,
            "update" => Self::Update,
            "delete" => Self::Delete,
            "sync" => Self::Sync,
            "override" => Self::Override,
            "rollback" => Self::Rollback,
            "invoke" => Self::Invoke,
            other => Self::Written(other.to_owned()),
        }
    }
}

impl Target {
    fn after(&self, verb: &str) -> String {
        format!("{verb}/{}/{}/{}/{}", self.group, self.kind, self.namespace, self.name)
    }
}

/// Whether who may `update` or `delete` an application may do so to each of its objects
/// (`server.rbac.disableApplicationFineGrainedRBACInheritance`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Inheritance {
    /// Only lines like `update/<group>/<kind>/<namespace>/<name>` count. The peer's default (the setting is `true`).
    #[default]
    Disabled,
    /// The plain word is enough.
    Enabled,
}

/// What a permission is about: an application of a project, a cluster, a repository, or a thing with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    text: String,
    /// How many of its bytes are the project's name, where it has one.
    project: Option<usize>,
}

impl Object {
    /// An Application, ApplicationSet, or the logs and terminals of one: `<project>/<name>`, or `<project>/<namespace>/<name>` where
    /// its namespace is not the installation's own (`None`).
    pub fn in_project(project: &str, namespace: Option<&str>, name: &str) -> Self {
        let text = match namespace {
            Some(namespace) => format!("{project}/{namespace}/{name}"),
            None => format!("{project}/{name}"),
        };
        Self { text, project: Some(project.len()) }
    }

    /// A cluster by its server, or a repository by its URL; `<project>/…` where it belongs to one.
    pub fn scoped(project: Option<&str>, name: &str) -> Self {
        match project.filter(|project| !project.is_empty()) {
            Some(project) => Self::in_project(project, None, name),
            None => Self { text: name.to_owned(), project: None },
        }
    }

    /// A project by its name.
    pub fn project(name: &str) -> Self {
        Self { text: name.to_owned(), project: Some(name.len()) }
    }

    /// An account, extension, or anything else that is in no project; empty where there is no name (`gpgkeys`).
    pub fn named(name: &str) -> Self {
        Self { text: name.to_owned(), project: None }
    }

    /// Reads what somebody wrote, as the peer does: what stands before the first slash may be a project.
    pub fn parse(resource: Resource, text: &str) -> Self {
        let project = match resource {
            Resource::Projects => Some(text.len()),
            _ if resource.is_project_scoped() => text.find('/'),
            _ => None,
        };
        Self { text: text.to_owned(), project }
    }

    /// The text that lines are held against.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The project that it is in.
    pub fn project_name(&self) -> Option<&str> {
        self.project.and_then(|length| self.text.get(..length))
    }
}

/// What somebody wants to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// The kind of thing.
    pub resource: Resource,
    /// The action.
    pub action: Action,
    /// The thing.
    pub object: Object,
}

impl Permission {
    /// All three.
    pub fn new(resource: Resource, action: Action, object: Object) -> Self {
        Self { resource, action, object }
    }
}

/// As the peer writes it in its errors: `applications, sync, demo/guestbook`.
impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {}", self.resource.as_str(), self.action.text(), self.object.as_str())
    }
}
