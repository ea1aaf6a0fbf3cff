//! Who asks.

use std::fmt;

/// Who asks, by where the name comes from: a name of a stranger is never taken for a role or an account of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject(pub(crate) Who);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    Anonymous,
    Account(String),
    External {
        user: String,
        groups: Vec<String>,
    },
    /// With the name that lines give to it.
    ProjectRole {
        project: String,
        name: String,
    },
}

impl Subject {
    /// Nobody in particular: the default role is all that counts.
    pub fn anonymous() -> Self {
        Self(Who::Anonymous)
    }

    /// An account of `argocd-cm`, or `admin`.
    pub fn account(name: &str) -> Self {
        if name.is_empty() { Self::anonymous() } else { Self(Who::Account(name.to_owned())) }
    }

    /// A user of an identity provider. Without a name it is nobody, whatever its groups.
    pub fn external(user: &str, groups: Vec<String>) -> Self {
        if user.is_empty() {
            return Self::anonymous();
        }
        Self(Who::External { user: user.to_owned(), groups })
    }

    /// Who holds a token of a project's role.
    pub fn project_role(project: &str, role: &str) -> Self {
        Self(Who::ProjectRole { project: project.to_owned(), name: format!("proj:{project}:{role}") })
    }

    /// The name that a line would give to it; empty for nobody.
    pub fn name(&self) -> &str {
        match &self.0 {
            Who::Anonymous => "",
            Who::Account(name) | Who::ProjectRole { name, .. } => name,
            Who::External { user, .. } => user,
        }
    }

    /// The name that lines may speak of it by where these projects' roles have a say, if any.
    pub(crate) fn own_name(&self, project: Option<&String>) -> Option<&str> {
        match &self.0 {
            Who::Anonymous => None,
            Who::Account(name) | Who::External { user: name, .. } => (!is_role(name)).then_some(name),
            // A token of one project has no rights in another.
            Who::ProjectRole { project: own, name } => {
                project.is_none_or(|project| project == own).then_some(name)
            }
        }
    }

    /// The groups of the identity provider.
    pub fn groups(&self) -> &[String] {
        match &self.0 {
            Who::External { groups, .. } => groups,
            Who::Anonymous | Who::Account(_) | Who::ProjectRole { .. } => &[],
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Who::Anonymous => f.write_str("(anonymous)"),
            Who::Account(_) | Who::External { .. } | Who::ProjectRole { .. } => f.write_str(self.name()),
        }
    }
}

/// The project and the role that `proj:<project>:<role>` names: exactly three parts, as in the peer's `GetProjectRoleFromSubject`.
pub fn project_role_of(subject: &str) -> Option<(&str, &str)> {
    let (project, role) = subject.strip_prefix("proj:")?.split_once(':')?;
    (!role.contains(':')).then_some((project, role))
}

/// Whether a name names a role in a policy, so that nobody from outside can be called so.
pub(crate) fn is_role(name: &str) -> bool {
    name.starts_with("role:") || project_role_of(name).is_some()
}
