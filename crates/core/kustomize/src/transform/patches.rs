//! `patches`, `patchesStrategicMerge` and `patchesJson6902`.

use serde_json::{Map, Value};

use super::select;
use crate::accumulate::Session;
use crate::error::Error;
use crate::origin::{ORIGIN, TRANSFORMATIONS};
use crate::patch::{Selector, apply_operations, scalar_text, strategic_merge};
use crate::resource::{Behavior, Resource, Scopes};
use crate::resources::Resources;

/// Merges a patch into the resource that it names, and drops that if it is deleted.
pub(crate) fn merge_by_name(
    resources: &mut Resources,
    patch: &Resource,
    session: &Session<'_>,
) -> Result<(), Error> {
    let at = find(resources, patch, &session.scopes())?;
    merge_into(resources, &[at], patch, session)
}

/// Merges the patches of one entry.
///
/// **Source**: kustomize `PatchTransformer`, api v0.21.2.
pub(crate) fn merge(
    resources: &mut Resources,
    patches: &[Resource],
    target: Option<&Selector>,
    source: &str,
    session: &Session<'_>,
) -> Result<(), Error> {
    let scopes = session.scopes();
    if let Some(target) = target {
        let [patch] = patches else {
            return Err(Error::invalid(format!(
                "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field: {source}"
            )));
        };
        let selected = select(resources, target, &scopes)
            .map_err(|error| error.within("unable to find patch target in `resources`"))?;
        return merge_into(resources, &selected, patch, session);
    }
    for patch in patches {
        let at = find(resources, patch, &scopes).map_err(|error| {
            error.within(&format!("no resource matches strategic merge patch {:?}", patch.id().to_string()))
        })?;
        if let Some(resource) = resources.list_mut().get_mut(at) {
            merge_one(resource, patch.body.clone(), patch, session)?;
        }
    }
    Ok(())
}

/// The one resource that is called what a patch is called.
fn find(resources: &Resources, patch: &Resource, scopes: &Scopes<'_>) -> Result<usize, Error> {
    let id = patch.id();
    let namespace = patch.effective_namespace(scopes);
    let mut found = resources
        .list()
        .iter()
        .enumerate()
        .filter(|(_, resource)| !resource.is_deleted() && resource.was_called(&id, namespace, scopes));
    let how = match (found.next(), found.next()) {
        (Some((at, _)), None) => return Ok(at),
        (Some(_), Some(_)) => "multiple matches",
        (None, _) => "no matches",
    };
    Err(Error::invalid(format!("{how} for Id {id}; failed to find unique target for patch {id}")))
}

/// Merges a patch into selected resources, whatever it is called, and drops what is deleted.
///
/// **Source**: kustomize `resWrangler.ApplySmPatch`, api v0.21.2: the patch's labels and annotations become texts first.
fn merge_into(
    resources: &mut Resources,
    selected: &[usize],
    patch: &Resource,
    session: &Session<'_>,
) -> Result<(), Error> {
    let mut body = patch.body.clone();
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in ["labels", "annotations"] {
            let texts: Option<Map<String, Value>> =
                metadata.get(field).and_then(Value::as_object).map(|map| {
                    map.iter()
                        .map(|(key, value)| (key.clone(), Value::String(scalar_text(value).into_owned())))
                        .collect()
                });
            match texts {
                Some(texts) if !texts.is_empty() => {
                    metadata.insert(field.to_owned(), Value::Object(texts));
                }
                _ => {
                    metadata.remove(field);
                }
            }
        }
        if metadata.get("namespace").is_some_and(|namespace| scalar_text(namespace).is_empty()) {
            metadata.remove("namespace");
        }
    }
    let mut lost = false;
    for at in selected {
        let Some(resource) = resources.list_mut().get_mut(*at) else { continue };
        let mut body = body.clone();
        if let Some(body) = body.as_object_mut() {
            body.insert("apiVersion".to_owned(), Value::from(resource.api_version()));
        }
        merge_one(resource, body, patch, session)?;
        lost |= resource.is_deleted();
    }
    if lost {
        resources.drop_deleted();
    }
    let changes = patch.allow_name_change || patch.allow_kind_change;
    match resources.repeated(&session.scopes()).filter(|_| changes) {
        Some(id) => Err(Error::invalid(format!("may not add resource with an already registered id: {id}"))),
        None => Ok(()),
    }
}

/// **Source**: kustomize `Resource.ApplySmPatch`, api v0.21.2.
fn merge_one(
    resource: &mut Resource,
    body: Value,
    patch: &Resource,
    session: &Session<'_>,
) -> Result<(), Error> {
    let (name, namespace, kind) =
        (resource.name().to_owned(), resource.namespace().to_owned(), resource.kind().to_owned());
    if patch.allow_name_change || patch.allow_kind_change {
        resource.remember_id(&session.scopes());
    }
    if resource.flaw.is_none() {
        resource.flaw.clone_from(&patch.flaw);
    }
    let target = std::mem::take(&mut resource.body);
    let merged = strategic_merge(target, body, session.schemas(), &resource.empty_nulls)
        .map_err(|error| Error::invalid(error.to_string()))?;
    let Some(merged) = merged.filter(|merged| merged.as_object().is_some_and(|map| !map.is_empty())) else {
        return Ok(());
    };
    resource.body = merged;
    if !patch.allow_kind_change
        && resource.kind() != kind
        && let Some(map) = resource.body.as_object_mut()
    {
        map.insert("kind".to_owned(), Value::String(kind));
    }
    if !patch.allow_name_change && resource.name() != name {
        resource.set_name(&name);
    }
    if resource.namespace() != namespace {
        resource.set_namespace(&namespace);
    }
    Ok(())
}

/// Applies operations to all that the target selects. `remembers`: whether what a resource was called before is kept, as `patches` does and
/// `patchesJson6902` does not.
pub(crate) fn operate(
    resources: &mut Resources,
    operations: &Value,
    target: Option<&Selector>,
    source: &str,
    remembers: bool,
    scopes: &Scopes<'_>,
) -> Result<(), Error> {
    let Some(target) = target else {
        let what = if remembers { "JSON patch" } else { "patch" };
        return Err(Error::invalid(format!("must specify a target for {what} {source}")));
    };
    let selected = select(resources, target, scopes)?;
    let list = resources.list_mut();
    for at in selected {
        let Some(resource) = list.get_mut(at) else { continue };
        if remembers {
            resource.remember_id(scopes);
        }
        mark(resource);
        apply_operations(&mut resource.body, operations)
            .map_err(|error| Error::invalid(error.to_string()))?;
        unmark(resource);
        // All of it was written as JSON and read again.
        resource.empty_nulls.clear();
    }
    Ok(())
}

/// Stands for what the peer keeps in annotations for itself.
const REMEMBERED: &str = "internal.config.kubernetes.io/previousNames";

/// Shows operations the annotations in which the peer keeps what it remembers, as far as they can tell a difference: whether there are
/// annotations at all, and whether those that `buildMetadata` asks for are left.
fn mark(resource: &mut Resource) {
    let remembered = !resource.previous.is_empty()
        || !resource.prefixes.is_empty()
        || !resource.suffixes.is_empty()
        || resource.needs_hash
        || resource.behavior != Behavior::Unspecified;
    let marks = [
        (REMEMBERED, remembered),
        (ORIGIN, resource.made.is_some()),
        (TRANSFORMATIONS, !resource.transformations.is_empty()),
    ];
    for (name, _) in marks.iter().filter(|(_, there)| *there) {
        let annotations =
            resource.metadata_mut().map(|metadata| metadata.entry("annotations").or_insert(Value::Null));
        let Some(annotations) = annotations else { continue };
        if annotations.is_null() {
            *annotations = Value::Object(Map::new());
        }
        if let Some(map) = annotations.as_object_mut() {
            map.insert((*name).to_owned(), Value::String(String::new()));
        }
    }
}

/// Takes the marks off again; what is not there any more is forgotten.
fn unmark(resource: &mut Resource) {
    let annotations = resource.metadata_mut().and_then(|metadata| metadata.get_mut("annotations"));
    let taken = |name: &str| {
        let map = annotations.as_ref().and_then(|value| value.as_object());
        map.is_some_and(|map| map.contains_key(name))
    };
    let (made, changed) = (taken(ORIGIN), taken(TRANSFORMATIONS));
    if let Some(map) = annotations.and_then(Value::as_object_mut) {
        for name in [REMEMBERED, ORIGIN, TRANSFORMATIONS] {
            map.remove(name);
        }
    }
    if !made {
        resource.made = None;
    }
    if !changed {
        resource.transformations.clear();
    }
}
