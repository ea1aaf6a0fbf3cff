//! `project.ProjectService`.

use rbac::Action;
use serde_json::json;

use super::{Table, text};
use crate::call::NoSuchMethod;

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.plain("project.ProjectService/List", |backend, ask| {
        let projects = backend.projects.list(&ask.caller.guard);
        let items: Vec<_> = projects.iter().map(|project| project.value().clone()).collect();
        Ok(json!({"metadata": {}, "items": items}))
    })?;
    table.plain("project.ProjectService/Get", |backend, ask| {
        let (project, _) =
            backend.projects.one(&ask.caller.guard, Action::Get, text(&ask.request, "name"))?;
        Ok(project.value().clone())
    })
}
