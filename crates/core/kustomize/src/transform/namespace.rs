//! `namespace`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::Error;
use crate::fieldspec::{Create, FieldError, FieldSpec, for_each};
use crate::patch::scalar_text;
use crate::resource::{Resource, Scopes};
use crate::resources::Resources;
use crate::scalar::{SCALAR, SEQUENCE, wrong_node};

/// Which subjects of role bindings get the namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Subjects {
    /// Those called `default`.
    #[default]
    Default,
    /// All service accounts.
    ServiceAccounts,
    /// None.
    None,
}

impl Subjects {
    /// Reads `setRoleBindingSubjects`.
    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        match text {
            "" | "defaultOnly" => Ok(Self::Default),
            "allServiceAccounts" => Ok(Self::ServiceAccounts),
            "none" => Ok(Self::None),
            other => Err(Error::invalid(format!(
                "invalid value {other:?} for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or \"allServiceAccounts\""
            ))),
        }
    }
}

/// Puts all resources but those of charts into a namespace.
///
/// **Errors**: two resources that would have the same id.
/// **Source**: kustomize `NamespaceTransformer` and `filters/namespace`, api v0.21.2.
pub(crate) fn apply(
    resources: &mut Resources,
    namespace: &str,
    specs: &[FieldSpec],
    unset_only: bool,
    subjects: Subjects,
    scopes: &Scopes<'_>,
) -> Result<(), Error> {
    if namespace.is_empty() {
        return Ok(());
    }
    // The peer looks for another of the same id after each change, when those behind are not changed yet.
    let mut keys: BTreeMap<String, usize> = BTreeMap::new();
    for resource in resources.list() {
        *keys.entry(resource.key(scopes)).or_default() += 1;
    }
    for resource in resources.list_mut() {
        if resource.is_deleted() || resource.of_chart {
            continue;
        }
        let before = resource.key(scopes);
        resource.remember_id(scopes);
        set(resource, namespace, specs, unset_only, subjects, scopes)?;
        let after = resource.key(scopes);
        if before != after {
            if let Some(count) = keys.get_mut(&before) {
                *count -= 1;
            }
            *keys.entry(after.clone()).or_default() += 1;
        }
        if keys.get(&after).is_some_and(|count| *count > 1) {
            return Err(Error::invalid(format!(
                "namespace transformation produces ID conflict: more than one {}",
                resource.id()
            )));
        }
    }
    Ok(())
}

/// The same for one resource, without asking for others.
pub(crate) fn set(
    resource: &mut Resource,
    namespace: &str,
    specs: &[FieldSpec],
    unset_only: bool,
    subjects: Subjects,
    scopes: &Scopes<'_>,
) -> Result<(), Error> {
    let failed = |error: FieldError| Error::invalid(error.to_string());
    let mut put = |place: &mut Value| put(place, namespace, unset_only);
    if !scopes.is_cluster_wide(resource.api_version(), resource.kind()) {
        let metadata = FieldSpec::new("", "", "", "metadata/namespace", true);
        for_each(&mut resource.body, &metadata, Create::Scalar, &mut put).map_err(failed)?;
    }
    let binding = matches!(resource.kind(), "RoleBinding" | "ClusterRoleBinding");
    if binding {
        set_subjects(resource, subjects, &mut put).map_err(|why| {
            Error::invalid(format!("setting namespace on (cluster)role binding subjects: {why}"))
        })?;
    }
    let core = resource.api_version() == "v1";
    for spec in specs {
        let of_metadata = spec.path == "metadata/namespace" || (spec.path == "metadata/name" && !core);
        let of_subjects = binding
            && matches!(spec.gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding")
            && spec.path == "subjects/namespace";
        if of_metadata || of_subjects {
            continue;
        }
        for_each(&mut resource.body, spec, Create::Scalar, &mut put).map_err(|error| {
            let unfit =
                matches!(&error, FieldError::Unfit { reason, .. } if reason.contains("wrong node kind"));
            let what = if unfit {
                "namespace field specs must target scalar nodes"
            } else {
                "namespace transformation failed"
            };
            failed(error).within(what)
        })?;
    }
    Ok(())
}

fn put(place: &mut Value, namespace: &str, unset_only: bool) -> Result<(), String> {
    if place.is_object() || place.is_array() {
        return Err(wrong_node(SCALAR, place));
    }
    let unset = place.is_null() || scalar_text(place).is_empty();
    if !unset_only || unset {
        *place = Value::from(namespace);
    }
    Ok(())
}

fn set_subjects(
    resource: &mut Resource,
    subjects: Subjects,
    put: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> Result<(), String> {
    let (field, wanted) = match subjects {
        Subjects::None => return Ok(()),
        Subjects::Default => ("name", "default"),
        Subjects::ServiceAccounts => ("kind", "ServiceAccount"),
    };
    let list = match resource.body.get_mut("subjects") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(list)) => list,
        Some(other) => return Err(wrong_node(SEQUENCE, other)),
    };
    for subject in list {
        let Some(map) = subject.as_object_mut() else { continue };
        if map.get(field).is_some_and(|value| !value.is_null() && scalar_text(value) == wanted) {
            put(map.entry("namespace").or_insert(Value::Null))?;
        }
    }
    Ok(())
}
