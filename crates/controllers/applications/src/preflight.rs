//! A look at everything that a sync is to make, before it makes anything: one object that the server cannot read, or whose kind nobody
//! serves, stops the whole of it.
//!
//! **Source**: the peer's dry run at the start of an operation, which holds objects against their schemas on the client. Here the server
//! reads them in a dry run, and only what the texts themselves are to blame for counts: what admission, quotas or unchangeable fields say may
//! hang on what a hook or an earlier wave is about to do.

use std::collections::BTreeSet;

use api::{Application, SyncOptions};
use cluster::{ApplyOptions, Cluster, How, Validation, WriteError, chain};
use compare::Rules;
use futures::StreamExt as _;
use resource::{GroupKind, Object, ResourceKey};

use crate::assess::options_of;
use crate::operation::PARALLEL_APPLIES;

/// What the objects of one operation have in common.
pub(crate) struct Preflight<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) app: &'a Application,
    pub(crate) rules: &'a Rules,
    /// Options of the operation itself, which win over the application's.
    pub(crate) options: SyncOptions,
    /// Kinds that this sync defines, or whose definition it changes: how they are read is not known before.
    pub(crate) defines: BTreeSet<GroupKind>,
}

/// An object that is to be made.
pub(crate) struct Made<K> {
    /// What the caller knows it by.
    pub(crate) known_by: K,
    pub(crate) object: Object,
    /// Whether it is created, not applied.
    pub(crate) created: bool,
}

impl Preflight<'_> {
    /// What cannot be made, with the reason.
    pub(crate) async fn refused<K>(&self, all: Vec<Made<K>>) -> Vec<(K, String)> {
        let looks = all.into_iter().map(|made| async move {
            let reason = self.look(&made.object, made.created).await?;
            Some((made.known_by, reason))
        });
        futures::stream::iter(looks)
            .buffered(PARALLEL_APPLIES)
            .filter_map(|found| async { found })
            .collect()
            .await
    }

    async fn look(&self, object: &Object, created: bool) -> Option<String> {
        if self.defines.contains(&object.group_kind()) {
            return None;
        }
        // Its value might be quoted in the server's answer; this one says it without.
        if let Err(problem) = compare::check_secret(object) {
            return Some(problem.to_string());
        }
        let options = options_of(self.app, object).with(&self.options);
        let server_side =
            !created && options.replace != Some(true) && options.server_side_apply != Some(false);
        let validation =
            if options.validate == Some(false) { Validation::Ignore } else { Validation::Strict };
        let how = if server_side { How::ServerSide } else { How::Create };
        let body = compare::apply_body(object, None, self.rules, false);
        let dry_run = ApplyOptions { dry_run: true, validation, how, ..ApplyOptions::default() };
        match self.cluster.apply(&body, &dry_run).await {
            Err(error @ WriteError::Invalid { malformed: true, .. }) => Some(chain(&error)),
            Err(error @ WriteError::KindUnknown { .. }) => {
                let permitted = options.skip_dry_run_on_missing_resource == Some(true);
                (!permitted).then(|| chain(&error))
            }
            Ok(_) | Err(_) => None,
        }
    }
}

/// Whether an object of this key is a definition of a kind.
pub(crate) fn defines(key: &ResourceKey) -> bool {
    key.kind == "CustomResourceDefinition"
}

/// The kind that a definition defines.
pub(crate) fn defined_by(object: &Object) -> Option<GroupKind> {
    if !defines(&object.key()) {
        return None;
    }
    let spec = object.as_map().get("spec")?;
    Some(GroupKind::new(spec.get("group")?.as_str()?, spec.get("names")?.get("kind")?.as_str()?))
}

/// The end of an operation for what was refused, in the peer's words.
pub(crate) fn told(refused: &[(ResourceKey, String)]) -> Option<String> {
    let (key, reason) = refused.first()?;
    let more = match refused.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(format!(
        "one or more objects failed to apply (dry run), nothing was applied, reason: {key}: {reason}{more}"
    ))
}
