//! Questions of operators: `admin settings rbac can` and `validate`.

use std::collections::BTreeMap;
use std::fmt;

use crate::permission::{Action, Object, Permission, Resource};
use crate::policy::Policy;
use crate::problem::Problem;
use crate::subject::is_role;

/// `can SUBJECT ACTION RESOURCE [OBJECT]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question<'q> {
    /// A role, a user or a group, as lines name it.
    pub subject: &'q str,
    /// A word, or a path like `action/apps/Deployment/restart`.
    pub action: &'q str,
    /// A word of policies or one of its short forms (`app`, `proj`, `repo`, …).
    pub resource: &'q str,
    /// What is meant; empty for all.
    pub object: &'q str,
    /// Whether an action that the resource does not have is an error. What is no resource always is one.
    pub strict: bool,
}

/// Yes or no, and by which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether it is permitted.
    pub allowed: bool,
    /// The line that permits or denies it, or else the line that is missing.
    pub line: String,
    /// What speaks against taking a yes at its word.
    pub warning: Option<String>,
}

/// The question makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuestionError {
    /// No such resource.
    Resource(String),
    /// The resource has no such action.
    Action {
        /// The action.
        action: String,
        /// The resource.
        resource: &'static str,
    },
}

/// In the peer's words.
impl fmt::Display for QuestionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource(word) => write!(f, "'{word}' is not a valid resource name"),
            Self::Action { action, resource } => write!(f, "'{action}' is not a valid action for {resource}"),
        }
    }
}

impl std::error::Error for QuestionError {}

impl Policy {
    /// Answers a question. The subject is taken at its word, so that roles and groups can be asked about.
    ///
    /// **Shape**: without an object, or with `*`, things in projects are asked for as `*/*`. Projects' own roles are not looked at.
    /// **Source**: `cmd/argocd/commands/admin/settings_rbac.go`, `checkPolicy`.
    pub fn can(&self, question: &Question<'_>) -> Result<Answer, QuestionError> {
        let resource = resource_of(question.resource)
            .ok_or_else(|| QuestionError::Resource(question.resource.to_owned()))?;
        if question.strict && !has_action(resource, question.action) {
            return Err(QuestionError::Action {
                action: question.action.to_owned(),
                resource: resource.as_str(),
            });
        }
        let in_projects = resource.is_project_scoped() || resource == Resource::WriteRepositories;
        let object = match question.object {
            "" | "*" if in_projects => "*/*",
            other => other,
        };
        let action = Action::parse(question.action);
        let permission = Permission::new(resource, action, Object::parse(resource, object));
        Ok(match self.decide_name(question.subject, permission) {
            Ok(decision) => Answer {
                allowed: true,
                line: decision.rule().text().to_owned(),
                warning: decision.through().is_none().then(|| self.unbound(question.subject)).flatten(),
            },
            Err(denied) => Answer {
                allowed: false,
                line: denied.rule().map_or_else(|| denied.missing_line(), |rule| rule.text().to_owned()),
                warning: None,
            },
        })
    }

    /// A group with lines of its own and no `g` line never gets to use them.
    fn unbound(&self, name: &str) -> Option<String> {
        (name.contains(':') && !is_role(name) && !self.is_bound(name)).then(|| {
            format!("{name} looks like a group; groups count only if a line like \"g, {name}, role:…\" begins with them")
        })
    }
}

/// All that is wrong with what `argocd-rbac-cm` holds. None of [`Weight::Refused`](crate::Weight::Refused) or `DeniesAll` means that
/// every line counts as it is written.
pub fn validate(data: &BTreeMap<String, String>) -> Vec<Problem> {
    Policy::compile(data).1
}

fn resource_of(word: &str) -> Option<Resource> {
    let long = match word {
        "account" => "accounts",
        "app" | "apps" | "application" => "applications",
        "appset" | "appsets" | "applicationset" => "applicationsets",
        "cert" | "certs" | "certificate" => "certificates",
        "cluster" => "clusters",
        "extension" => "extensions",
        "gpgkey" | "key" => "gpgkeys",
        "log" => "logs",
        "proj" | "projs" | "project" => "projects",
        "repo" | "repos" | "repository" => "repositories",
        other => other,
    };
    Resource::parse(long)
}

/// Whether lines about the resource can have the action: the word before a slash, and a path only where applications have one.
fn has_action(resource: Resource, action: &str) -> bool {
    let (word, path) = match action.split_once('/') {
        Some((word, _)) => (word, true),
        None => (action, false),
    };
    let words: &[&str] = match resource {
        Resource::Applications => {
            if path {
                return matches!(word, "action" | "update" | "delete");
            }
            &["create", "get", "update", "delete", "action", "override", "sync", "rollback"]
        }
        Resource::ApplicationSets
        | Resource::Clusters
        | Resource::Projects
        | Resource::Repositories
        | Resource::WriteRepositories => &["create", "get", "update", "delete"],
        // The peer does not know that accounts can be got.
        Resource::Accounts => &["create", "get", "update"],
        Resource::Certificates | Resource::GpgKeys => &["create", "get", "delete"],
        Resource::Logs => &["get"],
        Resource::Exec => &["create"],
        Resource::Extensions => &["invoke"],
    };
    !path && words.contains(&word)
}
