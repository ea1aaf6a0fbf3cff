//! The last steps: what is local goes, what the build remembers goes, everything is put in order.

use serde_json::{Map, Value};

use crate::BuiltResource;
use crate::accumulate::Session;
use crate::error::Error;
use crate::manifests::check_metadata;
use crate::options::Order;
use crate::origin::{ORIGIN, TRANSFORMATIONS, list};
use crate::patch::scalar_text;
use crate::resource::Resource;
use crate::resources::Resources;
use crate::resources::repeated;
use crate::scalar::{UNWRITABLE_KEY, is_text};
use crate::sort::SortOptions;

/// A resource with this annotation is for the build alone, unless it says `false`.
const LOCAL: &str = "config.kubernetes.io/local-config";
/// The label of `managedByLabel`, and what it says.
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kustomize-v5.8.2");

/// Annotations that the peer takes for its own, and takes off.
const INTERNAL: [&str; 19] = [
    "internal.config.kubernetes.io/previousKinds",
    "internal.config.kubernetes.io/previousNames",
    "internal.config.kubernetes.io/prefixes",
    "internal.config.kubernetes.io/suffixes",
    "internal.config.kubernetes.io/previousNamespaces",
    "internal.config.kubernetes.io/allowNameChange",
    "internal.config.kubernetes.io/allowKindChange",
    "internal.config.kubernetes.io/refBy",
    "internal.config.kubernetes.io/generatorBehavior",
    "internal.config.kubernetes.io/needsHashSuffix",
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "internal.config.kubernetes.io/helm-generated",
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.k8s.io/id",
];

/// Makes the result.
///
/// **Errors**: a resource that lost its name or kind, one that cannot be written, more bytes than are allowed.
/// **Source**: kustomize `krusty.Kustomizer.Run`, api v0.21.2.
pub(crate) fn finish(
    resources: Resources,
    session: &Session<'_>,
    order: Option<&SortOptions>,
) -> Result<Vec<BuiltResource>, Error> {
    let mut kept = Vec::new();
    for resource in resources.into_list() {
        check_metadata(&resource)?;
        let local = &resource.body["metadata"]["annotations"][LOCAL];
        if local.is_null() || scalar_text(local) == "false" {
            kept.push(resource);
        }
    }
    if let Some(id) = repeated(&kept, &session.scopes()) {
        return Err(Error::invalid(format!("may not add resource with an already registered id: {id}")));
    }
    sort(&mut kept, session, order)?;
    let has = |option: &str| session.metadata.contains(option);
    let managed = session.options.managed_by_label || has("managedByLabel");
    let mut bytes = 0_usize;
    let mut finished = Vec::with_capacity(kept.len());
    for mut resource in kept {
        clean(&mut resource, has("originAnnotations"), has("transformerAnnotations"))?;
        if managed
            && let Some(labels) = resource.metadata_mut().and_then(|metadata| map_in(metadata, "labels"))
        {
            labels.insert(MANAGED_BY.0.to_owned(), Value::from(MANAGED_BY.1));
        }
        if let Some(flaw) = &resource.flaw {
            return Err(Error::invalid(format!("{}: {flaw}", resource.id())));
        }
        bytes += size(&resource.body);
        let limit = session.options.limits.bytes;
        if bytes > limit {
            return Err(Error::Limit { what: "bytes of resources", limit });
        }
        finished.push(BuiltResource { value: resource.body, origin: resource.origin });
    }
    Ok(finished)
}

fn sort(resources: &mut [Resource], session: &Session<'_>, order: Option<&SortOptions>) -> Result<(), Error> {
    let legacy = SortOptions::legacy();
    let order = match (order, session.options.order) {
        (Some(order), _) => order,
        (None, Order::Legacy) => &legacy,
        (None, Order::None) => return Ok(()),
    };
    let lists = order.lists().map_err(|error| Error::invalid(error.to_string()))?;
    if let Some(lists) = lists {
        resources.sort_by_cached_key(|resource| lists.key(&resource.id()));
    }
    Ok(())
}

/// Makes annotations texts, takes off those that were for the build alone, and adds those that were asked for.
fn clean(resource: &mut Resource, origin: bool, transformations: bool) -> Result<(), Error> {
    let made = resource.made.take().filter(|_| origin).map(|origin| origin.text());
    let changed = std::mem::take(&mut resource.transformations);
    let changed = (transformations && !changed.is_empty()).then(|| list(&changed));
    let id = resource.id();
    let Some(metadata) = resource.metadata_mut() else { return Ok(()) };
    let mut texts = Map::new();
    for (key, value) in metadata.get("annotations").and_then(Value::as_object).into_iter().flatten() {
        let ours = key == ORIGIN || key == TRANSFORMATIONS;
        if ours || INTERNAL.contains(&key.as_str()) {
            continue;
        }
        if !is_text(key) {
            return Err(Error::invalid(format!("{id}: {UNWRITABLE_KEY}")));
        }
        let text = match value {
            Value::Object(_) | Value::Array(_) => String::new(),
            scalar => scalar_text(scalar).into_owned(),
        };
        texts.insert(key.clone(), Value::String(text));
    }
    for (key, text) in [(ORIGIN, made), (TRANSFORMATIONS, changed)] {
        if let Some(text) = text {
            texts.insert(key.to_owned(), Value::String(text));
        }
    }
    if texts.is_empty() {
        metadata.remove("annotations");
    } else {
        metadata.insert("annotations".to_owned(), Value::Object(texts));
    }
    Ok(())
}

fn map_in<'a>(metadata: &'a mut Map<String, Value>, field: &str) -> Option<&'a mut Map<String, Value>> {
    let place = metadata.entry(field).or_insert(Value::Null);
    if place.is_null() {
        *place = Value::Object(Map::new());
    }
    place.as_object_mut()
}

/// Bytes of a value as JSON, about.
fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 10,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| size(item) + 1).sum::<usize>() + 2,
        Value::Object(map) => map.iter().map(|(key, value)| key.len() + size(value) + 4).sum::<usize>() + 2,
    }
}
