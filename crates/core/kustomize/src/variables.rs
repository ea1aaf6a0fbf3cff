//! `vars`: values of fields in place of `$(NAME)`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::accumulate::Accumulator;
use crate::error::Error;
use crate::fieldspec::{Create, FieldSpec, for_each};
use crate::id::{Gvk, ResId};
use crate::kustomization::{ObjectReference, Variable};
use crate::patch::scalar_text;
use crate::replacements::{lookup, split_field_path};
use crate::resource::Scopes;
use crate::resources::Resources;

/// The field that a variable reads if it names none.
const DEFAULT_FIELD: &str = "metadata.name";

/// Adds a kustomization's variables, and marks the resources that they read from.
///
/// **Errors**: a variable whose object is not the only one of its id, or that is there already.
/// **Source**: kustomize `ResAccumulator.MergeVars`, api v0.21.2.
pub(crate) fn merge(sum: &mut Accumulator, variables: &[Variable], scopes: &Scopes<'_>) -> Result<(), Error> {
    let all: Vec<String> =
        variables.iter().map(|variable| shown(variable, &written(&variable.object))).collect();
    for variable in variables {
        let id = object_id(&variable.object);
        let cluster_wide = scopes.is_cluster_wide(&id.gvk.api_version(), &id.gvk.kind);
        let namespace = if cluster_wide {
            crate::resource::CLUSTER_WIDE
        } else {
            crate::resource::effective(&id.namespace)
        };
        let anywhere = id.namespace.is_empty() && !cluster_wide;
        let matches = |resource: &&mut crate::resource::Resource| {
            !resource.is_deleted()
                && if anywhere {
                    let same = |other: &ResId| other.name == id.name && other.gvk == id.gvk;
                    same(&resource.id()) || resource.previous_ids().any(|other| same(&other))
                } else {
                    resource.was_called(&id, namespace, scopes)
                }
        };
        let mut found: Vec<_> = sum.resources.list_mut().iter_mut().filter(matches).collect();
        match found.as_mut_slice() {
            [] => {}
            [one] => one.variables.push(variable.name.clone()),
            several => {
                return Err(Error::invalid(format!(
                    "found {} resId matches for var {} (unable to disambiguate)",
                    several.len(),
                    shown(variable, &object_id(&variable.object).gvk)
                ))
                .within(&format!("merging vars [{}]", all.join(" "))));
            }
        }
    }
    variables
        .iter()
        .try_for_each(|variable| add(&mut sum.variables, variable.clone()))
        .map_err(|error| error.within(&format!("merging vars [{}]", all.join(" "))))
}

/// Adds one variable.
pub(crate) fn add(variables: &mut BTreeMap<String, Variable>, mut variable: Variable) -> Result<(), Error> {
    if variable.field.field_path.is_empty() {
        variable.field.field_path = DEFAULT_FIELD.to_owned();
    }
    match variables.insert(variable.name.clone(), variable) {
        Some(known) => Err(Error::invalid(format!("var '{}' already encountered", known.name))),
        None => Ok(()),
    }
}

/// Puts the values into all fields that may hold variables; says which variables nothing uses.
///
/// **Source**: kustomize `ResAccumulator.ResolveVars` and `filters/refvar`, api v0.21.2.
pub(crate) fn resolve(
    resources: &mut Resources,
    variables: &BTreeMap<String, Variable>,
    specs: &[FieldSpec],
    warnings: &mut Vec<String>,
) -> Result<(), Error> {
    let mut values: BTreeMap<&str, Value> = BTreeMap::new();
    for variable in variables.values() {
        values.insert(&variable.name, value_of(resources, variable)?);
    }
    if values.is_empty() {
        return Ok(());
    }
    let mut used = BTreeSet::new();
    for resource in resources.list_mut() {
        for spec in specs {
            for_each(&mut resource.body, spec, Create::Never, &mut |place| {
                replace_in(place, &values, &mut used)
            })
            .map_err(|error| Error::invalid(error.to_string()))?;
        }
    }
    let unused: Vec<&str> = values.keys().copied().filter(|name| !used.contains(*name)).collect();
    if !unused.is_empty() {
        warnings.push(format!("well-defined vars that were never replaced: {}", unused.join(",")));
    }
    Ok(())
}

fn object_id(object: &ObjectReference) -> ResId {
    let mut gvk =
        Gvk { group: object.group.clone(), version: object.version.clone(), kind: object.kind.clone() };
    let parts: Vec<&str> = object.api_version.split('/').collect();
    match parts.as_slice() {
        [""] => {}
        [version] => (*version).clone_into(&mut gvk.version),
        [group, version] => {
            (*group).clone_into(&mut gvk.group);
            (*version).clone_into(&mut gvk.version);
        }
        _ => {}
    }
    ResId { gvk, name: object.name.clone(), namespace: object.namespace.clone() }
}

fn value_of(resources: &Resources, variable: &Variable) -> Result<Value, Error> {
    let marked = resources.list().iter().find(|resource| resource.variables.contains(&variable.name));
    let Some(resource) = marked else {
        return Err(Error::invalid(format!(
            "var '{}' cannot be mapped to a field in the set of known resources",
            shown(variable, &object_id(&variable.object).gvk)
        )));
    };
    let path = field_path(&variable.field.field_path);
    match lookup(&resource.body, &path) {
        Ok(Some(value)) => Ok(value.clone()),
        Ok(None) | Err(_) => Err(Error::invalid(format!(
            "field specified in var '{}' not found in corresponding resource",
            shown(variable, &object_id(&variable.object).gvk)
        ))),
    }
}

/// A path whose names may have an index: `ports[0]` is two names.
fn field_path(path: &str) -> Vec<String> {
    let mut names = Vec::new();
    for name in split_field_path(path) {
        match name.strip_suffix(']').and_then(|head| head.rsplit_once('[')) {
            Some((before, index))
                if !before.is_empty() && !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()) =>
            {
                names.push(before.to_owned());
                names.push(index.to_owned());
            }
            _ => names.push(name),
        }
    }
    names
}

/// The kind of an object as it is written beside its `apiVersion`.
fn written(object: &ObjectReference) -> Gvk {
    Gvk { group: object.group.clone(), version: object.version.clone(), kind: object.kind.clone() }
}

/// A variable as Go prints the struct: of the object only the kind is seen.
fn shown(variable: &Variable, gvk: &Gvk) -> String {
    format!("{{{} {gvk} {{{}}}}}", variable.name, variable.field.field_path)
}

fn replace_in<'a>(
    place: &mut Value,
    values: &BTreeMap<&'a str, Value>,
    used: &mut BTreeSet<&'a str>,
) -> Result<(), String> {
    match place {
        Value::String(text) => {
            if text.contains('$') {
                *place = expand(text, values, used);
            }
            Ok(())
        }
        Value::Object(map) => {
            for value in map.values_mut() {
                if let Value::String(text) = value
                    && text.contains('$')
                {
                    *value = expand(text, values, used);
                }
            }
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| match item {
            Value::String(text) => {
                if text.contains('$') {
                    *item = expand(text, values, used);
                }
                Ok(())
            }
            _ => Err("invalid value type expect a string".to_owned()),
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Replaces `$(NAME)`; `$$` stands for `$`. A text that is nothing but a variable becomes what that is.
fn expand<'a>(text: &str, values: &BTreeMap<&'a str, Value>, used: &mut BTreeSet<&'a str>) -> Value {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('$') {
        out.push_str(before);
        rest = behind;
        if let Some(escaped) = behind.strip_prefix('$') {
            out.push('$');
            rest = escaped;
        } else if let Some((name, after)) = behind.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            let known =
                values.get_key_value(name).filter(|(_, value)| !value.is_object() && !value.is_array());
            match known {
                Some((name, value)) => {
                    used.insert(name);
                    if text.len() == name.len() + 3 {
                        return value.clone();
                    }
                    out.push_str(&scalar_text(value));
                }
                None => {
                    out.push_str("$(");
                    out.push_str(name);
                    out.push(')');
                }
            }
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    Value::String(out)
}
