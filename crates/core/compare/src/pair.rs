//! The two sides of a comparison, brought into a form in which what counts can be compared.

use merge::PathElement;
use resource::Object;
use serde_json::{Map, Value};

use crate::apply::sendable;
use crate::ignored;
use crate::managed;
use crate::path;
use crate::rules::{RuleProblem, Rules};
use crate::same::Kind;
use crate::secrets::{is_secret, mask_pair, store};
use crate::verdict::{FieldDiff, Place};

/// Both sides without what the server keeps for itself and without what is ignored; secrets are masked.
pub(crate) struct Pair<'a> {
    pub(crate) desired: Value,
    pub(crate) live: Value,
    /// The live object as it is, for its managed fields.
    pub(crate) original: &'a Object,
    pub(crate) kind: Kind<'a>,
    /// An ignore rule that could not be evaluated on one of the sides.
    pub(crate) problem: Option<RuleProblem>,
}

impl<'a> Pair<'a> {
    pub(crate) fn new(desired: &Object, live: &'a Object, rules: &'a Rules) -> Self {
        let (mut wanted, mut has) = (sendable(desired, rules), live.clone());
        strip(has.as_map_mut());
        strip(wanted.as_map_mut());
        store(has.as_map_mut());
        let known = rules.options.known_types.get(&live.group_kind()).map(Vec::as_slice).unwrap_or_default();
        let (mut wanted, mut has) = (wanted.into_value(), has.into_value());
        let (ignored, first) = ignored::places(&wanted, live, Some(live), rules);
        path::remove_with_parents(&mut wanted, &ignored);
        let (ignored, second) = ignored::places(&has, live, Some(live), rules);
        path::remove_with_parents(&mut has, &ignored);
        let masked = &rules.options.mask_annotations;
        if is_secret(live.as_map()) || !masked.is_empty() {
            mask_pair(wanted.as_object_mut(), has.as_object_mut(), masked);
        }
        let kind = Kind::new(&live.group_kind(), known);
        Self { desired: wanted, live: has, original: live, kind, problem: first.or(second) }
    }

    /// A difference at a path, with the owner of the live value.
    pub(crate) fn diff(
        &self,
        path: &[PathElement],
        desired: Option<&Value>,
        live: Option<&Value>,
    ) -> FieldDiff {
        let owner = managed::owner(self.original, path);
        FieldDiff {
            path: path::display(path),
            live: live.cloned(),
            desired: desired.cloned(),
            manager: owner.map(|entry| entry.manager().to_owned()),
            changed_at: owner.map(|entry| entry.time().to_owned()).filter(|time| !time.is_empty()),
            place: Place(path.to_vec()),
        }
    }
}

/// Removes what the server writes into `metadata` and what changes with every write.
fn strip(object: &mut Map<String, Value>) {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        for field in SERVER_FIELDS {
            metadata.remove(field);
        }
        metadata.remove("ownerReferences");
    }
}

/// Fields of `metadata` that are the server's. In a rendered object they are leftovers, or an attempt to pass for
/// another object.
pub(crate) const SERVER_FIELDS: [&str; 8] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];
