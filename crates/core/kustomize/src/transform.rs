//! What changes resources.

mod labels;
mod names;
mod namespace;
mod patches;
mod value_add;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::accumulate::Session;
use crate::config::Specs;
use crate::error::Error;
use crate::generate::hash;
use crate::images::{Image, apply_image, pattern};
use crate::origin::Origin;
use crate::patch::Selector;
use crate::replacements::{Replacement, replace};
use crate::replicas::{Replica, no_match, set_replicas};
use crate::resource::{Resource, Scopes};
use crate::resources::Resources;

pub(crate) use namespace::Subjects;
pub(crate) use value_add::ValueTarget;

/// One change, and where it is configured.
#[derive(Debug, Clone)]
pub(crate) struct Transformer {
    pub(crate) action: Action,
    /// For the annotation of what changed a resource.
    pub(crate) origin: Option<Origin>,
}

/// A change.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// Patches to be merged, each into the one resource that it names.
    MergeByName(Vec<Resource>),
    /// Patches of one entry of `patches`, to be merged; with a target, into all that it selects.
    Merge { patches: Vec<Resource>, target: Option<Selector>, source: String },
    /// Operations of JSON 6902.
    Operations { operations: serde_json::Value, target: Option<Selector>, source: String, remembers: bool },
    /// A namespace for everything that has one.
    Namespace { namespace: String, specs: Specs, unset_only: bool, subjects: Subjects },
    /// A prefix for names.
    Prefix { prefix: String, specs: Specs },
    /// A suffix for names.
    Suffix { suffix: String, specs: Specs },
    /// Entries of maps of labels or annotations.
    Entries { pairs: BTreeMap<String, String>, specs: Specs },
    /// How many of a workload.
    Replicas { replica: Replica, specs: Specs },
    /// Other images.
    Image { image: Image, specs: Specs },
    /// Values copied from field to field.
    Replacements(Arc<Vec<Replacement>>),
    /// Hashes behind names that ask for one.
    Hash,
    /// A value in fields.
    ValueAdd { value: String, targets: Vec<ValueTarget> },
    /// Several, one after the other.
    All(Vec<Self>),
    /// Nothing.
    Nothing,
}

impl Transformer {
    /// Changes the resources; what patches delete is still there, empty.
    pub(crate) fn apply(&self, resources: &mut Resources, session: &Session<'_>) -> Result<(), Error> {
        self.action.apply(resources, session)
    }
}

impl Action {
    pub(crate) fn apply(&self, resources: &mut Resources, session: &Session<'_>) -> Result<(), Error> {
        let scopes = session.scopes();
        let failed = |error: &dyn std::fmt::Display| Error::invalid(error.to_string());
        match self {
            Self::MergeByName(patches) => {
                patches.iter().try_for_each(|patch| patches::merge_by_name(resources, patch, session))
            }
            Self::Merge { patches, target, source } => {
                patches::merge(resources, patches, target.as_ref(), source, session)
            }
            Self::Operations { operations, target, source, remembers } => {
                patches::operate(resources, operations, target.as_ref(), source, *remembers, &scopes)
            }
            Self::Namespace { namespace, specs, unset_only, subjects } => {
                namespace::apply(resources, namespace, specs, *unset_only, *subjects, &scopes)
            }
            Self::Prefix { prefix, specs } => names::apply(resources, prefix, "", specs, &scopes),
            Self::Suffix { suffix, specs } => names::apply(resources, "", suffix, specs, &scopes),
            Self::Entries { pairs, specs } => {
                resources.list_mut().iter_mut().try_for_each(|resource| labels::add(resource, pairs, specs))
            }
            Self::Replicas { replica, specs } => replicas(resources, replica, specs),
            Self::Image { image, specs } => {
                let Some(pattern) = pattern(&image.name) else { return Ok(()) };
                let apply = |resource: &mut Resource| apply_image(&mut resource.body, image, &pattern, specs);
                resources.list_mut().iter_mut().try_for_each(apply).map_err(|error| failed(&error))
            }
            Self::Replacements(replacements) => {
                let list = resources.list_mut();
                replacements.iter().try_for_each(|one| replace(list, one)).map_err(|error| failed(&error))
            }
            Self::Hash => {
                for resource in resources.list_mut().iter_mut().filter(|resource| resource.needs_hash) {
                    let hash = hash(&resource.body);
                    resource.remember_id(&scopes);
                    let name = format!("{}-{hash}", resource.name());
                    resource.set_name(&name);
                }
                Ok(())
            }
            Self::ValueAdd { value, targets } => value_add::apply(resources, value, targets, &scopes),
            Self::All(actions) => actions.iter().try_for_each(|action| action.apply(resources, session)),
            Self::Nothing => Ok(()),
        }
    }
}

/// **Source**: kustomize `ReplicaCountTransformer`, api v0.21.2.
fn replicas(resources: &mut Resources, replica: &Replica, specs: &Specs) -> Result<(), Error> {
    let mut found = false;
    let list = resources.list_mut();
    for spec in specs.iter() {
        for resource in list.iter_mut().filter(|resource| !resource.is_deleted()) {
            let called = resource.name() == replica.name && resource.gvk().is_selected(&spec.gvk);
            let named =
                || resource.previous_ids().any(|id| id.name == replica.name && id.gvk.is_selected(&spec.gvk));
            if called || named() {
                found = true;
                set_replicas(&mut resource.body, replica.count, spec)
                    .map_err(|error| Error::invalid(error.to_string()))?;
            }
        }
    }
    if found { Ok(()) } else { Err(Error::invalid(no_match(&replica.name, specs))) }
}

/// Indexes of what a selector selects, by original or current name and namespace.
///
/// **Source**: kustomize `resWrangler.Select`, api v0.21.2.
fn select(resources: &Resources, selector: &Selector, scopes: &Scopes<'_>) -> Result<Vec<usize>, Error> {
    let matcher = selector.matcher().map_err(|error| Error::invalid(error.to_string()))?;
    let mut selected = Vec::new();
    for (at, resource) in resources.list().iter().enumerate() {
        let first = resource.previous.first();
        let namespaces = first
            .is_some_and(|first| matcher.selects_namespace(crate::resource::effective(&first.namespace)))
            || matcher.selects_namespace(resource.effective_namespace(scopes));
        let names = first.is_some_and(|first| matcher.selects_name(&first.name))
            || matcher.selects_name(resource.name());
        let (group, version) = resource.api_version().split_once('/').unwrap_or(("", resource.api_version()));
        if namespaces
            && names
            && matcher.selects_kind(group, version, resource.kind())
            && matcher.selects_metadata(&resource.body).map_err(|error| Error::invalid(error.to_string()))?
        {
            selected.push(at);
        }
    }
    Ok(selected)
}
