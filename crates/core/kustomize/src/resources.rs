//! The resources of a build, in order, no two with the same id.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::generate::{flaw_of_keys, merge_into, replace_by};
use crate::id::ResId;
use crate::resource::{Behavior, Resource, Scopes};

/// Resources in the order in which they were read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resources {
    list: Vec<Resource>,
    /// Their keys; none while they may have changed.
    keys: Option<BTreeSet<String>>,
}

impl Resources {
    /// All of them.
    pub(crate) fn list(&self) -> &[Resource] {
        &self.list
    }

    /// All of them, to be changed.
    pub(crate) fn list_mut(&mut self) -> &mut Vec<Resource> {
        self.keys = None;
        &mut self.list
    }

    /// All of them, to be kept.
    pub(crate) fn into_list(self) -> Vec<Resource> {
        self.list
    }

    /// Puts more behind those that are there.
    ///
    /// **Errors**: the first id that is there already.
    pub(crate) fn append(&mut self, more: Vec<Resource>, scopes: &Scopes<'_>) -> Result<(), Error> {
        let keys =
            self.keys.get_or_insert_with(|| self.list.iter().map(|resource| resource.key(scopes)).collect());
        self.list.reserve(more.len());
        for resource in more {
            if !keys.insert(resource.key(scopes)) {
                return Err(Error::invalid(format!(
                    "may not add resource with an already registered id: {}",
                    resource.id()
                )));
            }
            self.list.push(resource);
        }
        Ok(())
    }

    /// Puts generated resources behind those that are there, or into them, as their behaviour says.
    ///
    /// **Source**: kustomize `resWrangler.appendReplaceOrMerge`, api v0.21.2.
    pub(crate) fn absorb(&mut self, more: Vec<Resource>, scopes: &Scopes<'_>) -> Result<(), Error> {
        for mut new in more {
            let id = new.id();
            let namespace = new.effective_namespace(scopes).to_owned();
            let mut matches = self
                .list
                .iter_mut()
                .filter(|old| !old.is_deleted() && old.was_called(&id, &namespace, scopes));
            let (first, others) = (matches.next(), matches.count());
            let printed = go_syntax(&id);
            match (first, others, new.behavior) {
                (None, _, Behavior::Merge | Behavior::Replace) => {
                    return Err(Error::invalid(format!(
                        "id {printed} does not exist; cannot merge or replace"
                    )));
                }
                (None, _, Behavior::Create | Behavior::Unspecified) => self.append(vec![new], scopes)?,
                (Some(_), 1.., _) => {
                    return Err(Error::invalid(format!(
                        "found multiple objects that could accept merge of {id}"
                    )));
                }
                (Some(old), 0, Behavior::Replace) => {
                    replace_by(&old.body, &mut new.body);
                    new.made = new.made.or_else(|| old.made.take());
                    take_over(old, new);
                    self.keys = None;
                }
                (Some(old), 0, Behavior::Merge) => {
                    merge_into(&old.body, &mut new.body).map_err(|error| {
                        Error::invalid(error).within(&format!("failed to normalize stringData for {id}"))
                    })?;
                    new.made = old.made.take().or(new.made);
                    take_over(old, new);
                    self.keys = None;
                }
                (Some(_), 0, behavior @ (Behavior::Create | Behavior::Unspecified)) => {
                    let word = if behavior == Behavior::Create { "create" } else { "unspecified" };
                    return Err(Error::invalid(format!(
                        "id {printed} exists; can not use behavior: '{word}', behavior must be merge or replace"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Drops what patches deleted.
    pub(crate) fn drop_deleted(&mut self) {
        if self.list.iter().any(Resource::is_deleted) {
            self.list_mut().retain(|resource| !resource.is_deleted());
        }
    }

    /// The first key that two resources have.
    pub(crate) fn repeated(&self, scopes: &Scopes<'_>) -> Option<ResId> {
        repeated(&self.list, scopes)
    }
}

/// The first resource that is called as one before it.
pub(crate) fn repeated(list: &[Resource], scopes: &Scopes<'_>) -> Option<ResId> {
    let mut keys = BTreeSet::new();
    list.iter().find(|resource| !keys.insert(resource.key(scopes))).map(Resource::id)
}

/// Puts the new resource in the place of the old one, with the old one's history.
fn take_over(old: &mut Resource, mut new: Resource) {
    new.flaw = new.flaw.or_else(|| flaw_of_keys(&new.body));
    let needs_hash = old.needs_hash && new.needs_hash;
    let (body, made, flaw) = (new.body, new.made, old.flaw.take().or(new.flaw));
    old.body = body;
    old.made = made;
    old.flaw = flaw;
    old.needs_hash = needs_hash;
}

/// An id as Go prints the struct with `%#v`.
fn go_syntax(id: &ResId) -> String {
    format!(
        "resid.ResId{{Gvk:resid.Gvk{{Group:{:?}, Version:{:?}, Kind:{:?}, isClusterScoped:false}}, Name:{:?}, Namespace:{:?}}}",
        id.gvk.group, id.gvk.version, id.gvk.kind, id.name, id.namespace
    )
}
