//! What git wants for one application: rendered, named, tracked, and kept as compact bytes between passes.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use api::tracking::{AppInstanceName, Tracking, TrackingError};
use api::{ApplicationSource, ApplicationSourceType, SyncOptions};
use filetree::ReadSet;
use resource::{GroupKind, Gvk, Object, ResourceKey};
use serde_json::Value;
use sync::desired::{Desired, Destination, Rendered, Scope, Wanted};

use crate::assess::own_options_of;
use crate::bases::BaseReads;
use crate::conditions::Findings;
use crate::hooks::WantedHook;

/// One source, rendered. Valid for every commit in whose tree `reads` holds.
pub(crate) struct RenderedSource {
    /// The commit it was first rendered at: what is shown as the revision while nothing that it read changes.
    pub(crate) revision: String,
    /// Everything but the tree that the render depends on.
    pub(crate) inputs: u64,
    /// The same for charts and kustomizations, which depend on where they will live as well.
    pub(crate) surroundings: Option<u64>,
    /// What was read of other repositories, which a kustomization names.
    pub(crate) bases: Vec<BaseReads>,
    /// Addresses of files that a kustomization names.
    pub(crate) addresses: Vec<String>,
    /// Whether it names its commit, so that it is no other's.
    pub(crate) of_the_revision: bool,
    pub(crate) tool: ApplicationSourceType,
    pub(crate) reads: ReadSet,
    /// What was read of sources that lend their files, by the name that they go by.
    pub(crate) borrowed: Vec<(String, ReadSet)>,
    pub(crate) manifests: Vec<Body>,
    pub(crate) warnings: Vec<String>,
}

/// An object as JSON text; a parsed one costs many times its size.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) json: Box<[u8]>,
    pub(crate) origin: Box<str>,
}

impl Body {
    pub(crate) fn new(object: &Object, origin: String) -> Self {
        let json = serde_json::to_vec(object.as_map()).unwrap_or_default().into_boxed_slice();
        Self { json, origin: origin.into_boxed_str() }
    }

    /// The object. It was one when it was written, so `None` does not happen.
    pub(crate) fn object(&self) -> Option<Object> {
        let value: Value = serde_json::from_slice(&self.json).ok()?;
        Object::from_value(value).ok()
    }
}

/// An object that git wants, as it is compared and applied.
#[derive(Debug, Clone)]
pub(crate) struct WantedObject {
    pub(crate) version: Box<str>,
    pub(crate) body: Body,
    /// Changes when the object does.
    pub(crate) hash: u64,
    pub(crate) wave: i32,
    /// What its own annotations say of how it is synced.
    pub(crate) options: SyncOptions,
}

/// What an application wants, at the revisions that were asked for.
#[derive(Default)]
pub(crate) struct WantedSet {
    /// Changes when anything in it does.
    pub(crate) id: u64,
    pub(crate) revisions: Vec<String>,
    /// The commits of what was taken from other repositories, as [`crate::bases::keep`] keeps them.
    pub(crate) bases: BTreeMap<String, String>,
    pub(crate) source_types: Vec<ApplicationSourceType>,
    pub(crate) objects: BTreeMap<ResourceKey, WantedObject>,
    pub(crate) hooks: Vec<WantedHook>,
    pub(crate) unknown_kinds: BTreeSet<Gvk>,
    /// What the project does not permit. With anything in it nothing is written at all.
    pub(crate) refused: Findings,
    pub(crate) findings: Findings,
}

impl RenderedSource {
    /// What stands for a source that only lends its files to others. In the peer, too, its tool is the empty word.
    pub(crate) fn lender(revision: String) -> Self {
        Self {
            revision,
            inputs: 0,
            surroundings: None,
            bases: Vec::new(),
            addresses: Vec::new(),
            of_the_revision: false,
            tool: ApplicationSourceType::Other(String::new()),
            reads: ReadSet::default(),
            borrowed: Vec::new(),
            manifests: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

impl WantedSet {
    pub(crate) fn kinds(&self) -> BTreeSet<GroupKind> {
        let keys = self.objects.keys().chain(self.hooks.iter().map(|hook| &hook.key));
        kinds(keys.map(|key| (key.group.as_str(), key.kind.as_str())))
    }
}

/// The kinds of objects, where those of one kind stand together.
pub(crate) fn kinds<'a>(all: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeSet<GroupKind> {
    let (mut kinds, mut last) = (BTreeSet::new(), None);
    for kind in all {
        if last.replace(kind) != Some(kind) {
            kinds.insert(GroupKind::new(kind.0, kind.1));
        }
    }
    kinds
}

/// Names, filters and tracks what was rendered.
pub(crate) struct Naming<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) scope: &'a dyn Fn(&Gvk) -> Scope,
    pub(crate) excluded: &'a dyn Fn(&GroupKind) -> bool,
    pub(crate) tracking: &'a Tracking,
    pub(crate) instance: &'a AppInstanceName,
}

/// The wanted set of an application whose sources are `rendered`.
pub(crate) fn wanted(
    rendered: &[Arc<RenderedSource>],
    naming: &Naming<'_>,
) -> Result<WantedSet, TrackingError> {
    let mut findings = Findings::default();
    let mut all = Vec::new();
    for source in rendered {
        for warning in &source.warnings {
            findings.add(api::ConditionType::LintWarning, warning.clone());
        }
        for body in &source.manifests {
            if let Some(object) = body.object() {
                all.push(Rendered { object, origin: body.origin.clone().into_string() });
            }
        }
    }
    let destination =
        Destination { namespace: naming.namespace, scope: naming.scope, excluded: naming.excluded };
    let Desired { objects, hooks, unknown_kinds, warnings } = sync::desired::desired(all, destination);
    for (kind, message) in warnings {
        findings.add(kind, message);
    }
    let mut id = DefaultHasher::new();
    let mut compact = BTreeMap::new();
    for (key, Wanted { mut object, wave, origin, .. }) in objects {
        naming.tracking.stamp(&mut object, naming.instance, naming.namespace)?;
        let version = object.gvk().version.into_boxed_str();
        let body = Body::new(&object, origin);
        let hash = hash_of(&body.json);
        hash.hash(&mut id);
        let options = own_options_of(&object);
        compact.insert(key, WantedObject { version, body, hash, wave, options });
    }
    let hooks: Vec<WantedHook> = hooks.into_iter().map(wanted_hook).collect();
    hooks.iter().for_each(|hook| hook.body.json.hash(&mut id));
    let revisions: Vec<String> = rendered.iter().map(|source| source.revision.clone()).collect();
    revisions.hash(&mut id);
    Ok(WantedSet {
        id: id.finish(),
        revisions,
        bases: crate::bases::records(rendered.iter().flat_map(|source| &source.bases)),
        source_types: rendered.iter().map(|source| source.tool.clone()).collect(),
        objects: compact,
        hooks,
        unknown_kinds,
        refused: Findings::default(),
        findings,
    })
}

fn wanted_hook(wanted: Wanted) -> WantedHook {
    let Wanted { key, object, wave, origin } = wanted;
    WantedHook {
        generate_name: object.generate_name().map(Into::into),
        version: object.gvk().version.into_boxed_str(),
        hook: sync::hooks::read(&object),
        body: Body::new(&object, origin),
        key,
        wave,
    }
}

/// A hash for telling things apart inside this process.
pub(crate) fn hash_of(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What a render depends on, beside the tree: the source's own words, the settings that renderers see, and this version.
pub(crate) fn inputs(source: &ApplicationSource, settings: &settings::Snapshot) -> u64 {
    let (settings, params) = (&settings.settings, &settings.params);
    // The revision only chooses the tree.
    let source = ApplicationSource { target_revision: String::new(), ..source.clone() };
    let tools = (settings.helm_enabled, settings.kustomize_enabled, settings.jsonnet_enabled);
    let options = (&settings.helm_values_file_schemes, params.directory_bytes);
    hash_of((serde_json::to_string(&source).unwrap_or_default(), tools, options, env!("CARGO_PKG_VERSION")))
}
