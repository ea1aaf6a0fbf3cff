//! Projects, as far as they may be seen, and the rights that their roles give.

use std::sync::Arc;

use ::api::AppProject;
use rbac::{Action, Decision, Object, ProjectRole, Resource};
use serde_json::Value;
use tonic::Status;

use crate::guard::Guard;
use crate::index::{Entry, Index, Name};

/// An AppProject.
pub(crate) struct Project {
    pub(crate) project: AppProject,
    value: Value,
}

impl Project {
    /// As it is in the cluster.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// Its roles, as far as rights go.
    pub(crate) fn roles(&self) -> Vec<ProjectRole> {
        let role = |role: &::api::ProjectRole| ProjectRole {
            name: role.name.clone(),
            policies: role.policies.clone(),
            groups: role.groups.clone(),
        };
        self.project.spec.roles.iter().map(role).collect()
    }
}

impl Entry for Project {
    fn of(object: Value) -> Option<Self> {
        match AppProject::from_value(object.clone()) {
            Ok(project) => Some(Self { project, value: object }),
            Err(error) => {
                let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
                tracing::warn!(project = name, %error, "a project was left out");
                None
            }
        }
    }

    fn name(&self) -> Name {
        (self.project.metadata.namespace.clone(), self.project.metadata.name.clone())
    }

    fn version(&self) -> &str {
        &self.project.metadata.resource_version
    }
}

/// All projects of the installation. What is in it is had through a [`Guard`] only, but for rights.
pub(crate) struct Projects {
    index: Index<Project>,
    home: String,
}

impl Projects {
    pub(crate) fn new(home: &str) -> Self {
        Self { index: Index::new(), home: home.to_owned() }
    }

    pub(crate) fn index(&self) -> &Index<Project> {
        &self.index
    }

    /// Those that may be seen, by name.
    pub(crate) fn list(&self, guard: &Guard) -> Vec<Arc<Project>> {
        let mut projects = self.index.all();
        projects.retain(|project| {
            let object = Object::project(&project.project.metadata.name);
            guard.may(Resource::Projects, Action::Get, object).is_some()
        });
        projects
    }

    /// One, to do something with it.
    pub(crate) fn one(
        &self,
        guard: &Guard,
        action: Action,
        name: &str,
    ) -> Result<(Arc<Project>, Decision), Status> {
        let decision = guard.decide(Resource::Projects, action, Object::project(name))?;
        let project = self.index.get(&(self.home.clone(), name.to_owned()));
        let unknown = || Status::not_found(format!("appprojects.argoproj.io \"{name}\" not found"));
        Ok((project.ok_or_else(unknown)?, decision))
    }
}
