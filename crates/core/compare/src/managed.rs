//! Who owns which fields, as `metadata.managedFields` has it.

use merge::{FieldSet, PathElement};
use resource::Object;
use serde_json::{Map, Value};

use crate::FIELD_MANAGER;

/// `kubectl apply` without `--server-side`.
const KUBECTL_CLIENT_SIDE: &str = "kubectl-client-side-apply";
/// The peer's name for itself before it had the one that we share.
const OLD_FIELD_MANAGER: &str = "argocd-application-controller";
/// Where client-side apply keeps what it applied last.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// One entry, its field set not read yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    raw: &'a Value,
}

impl<'a> Entry<'a> {
    fn text(self, field: &str) -> &'a str {
        self.raw.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn manager(self) -> &'a str {
        self.text("manager")
    }

    /// When its fields were last written.
    pub(crate) fn time(self) -> &'a str {
        self.text("time")
    }

    pub(crate) fn api_version(self) -> &'a str {
        self.text("apiVersion")
    }

    pub(crate) fn applied(self) -> bool {
        self.text("operation") == "Apply"
    }

    pub(crate) fn raw(self) -> &'a Value {
        self.raw
    }

    /// Whether this is the entry under which we apply.
    pub(crate) fn ours(self) -> bool {
        self.applied() && self.manager() == FIELD_MANAGER && self.text("subresource").is_empty()
    }

    /// Whether this is what a client-side apply wrote, by kubectl or by a peer of us.
    fn client_side(self) -> bool {
        let known = matches!(self.manager(), KUBECTL_CLIENT_SIDE | FIELD_MANAGER | OLD_FIELD_MANAGER);
        let applied = known && !self.applied() && self.text("subresource").is_empty();
        applied && !self.split().0.is_empty()
    }

    /// Its fields in two parts: what may come from a manifest, and what a controller reports. An Application has no
    /// status subresource, so that its controller's writes look like anybody's: folded, they would be deleted.
    pub(crate) fn split(self) -> (Map<String, Value>, Map<String, Value>) {
        let fields = self.raw.get("fieldsV1").and_then(Value::as_object).cloned().unwrap_or_default();
        fields.into_iter().partition(|(field, _)| !matches!(field.as_str(), "f:status" | "f:operation"))
    }

    /// `None` where the set cannot be read.
    pub(crate) fn fields(self) -> Option<FieldSet> {
        FieldSet::from_fields_v1(self.raw.get("fieldsV1")?).ok()
    }
}

pub(crate) fn entries(live: &Object) -> impl Iterator<Item = Entry<'_>> {
    let list = live.metadata().and_then(|metadata| metadata.get("managedFields")).and_then(Value::as_array);
    list.into_iter().flatten().map(|raw| Entry { raw })
}

pub(crate) fn ours(live: &Object) -> Option<Entry<'_>> {
    entries(live).find(|entry| entry.ours())
}

/// Entries whose fields are ours by right, since a client-side apply of the same manifests made them.
///
/// A controller's name with operation `Update` counts while there is no `Apply` entry, or while the annotation of
/// client-side apply is there. Afterwards such an entry comes from elsewhere (a replace, a webhook's changes), and
/// taking it over would remove what we never applied.
pub(crate) fn foldable(live: &Object) -> Vec<Entry<'_>> {
    let never_applied = ours(live).is_none() || live.annotation(LAST_APPLIED).is_some();
    let ripe =
        |entry: &Entry<'_>| entry.client_side() && (never_applied || entry.manager() == KUBECTL_CLIENT_SIDE);
    entries(live).filter(ripe).collect()
}

/// The entry of the first manager that owns this place or something below it.
pub(crate) fn owner<'a>(live: &'a Object, path: &[PathElement]) -> Option<Entry<'a>> {
    entries(live).find(|entry| {
        let fields = entry.fields();
        let level = fields.as_ref().and_then(|fields| level(fields, path));
        level.is_some_and(|(member, below)| member || !below.is_empty())
    })
}

/// Whether some manager owns this place as a whole: a scalar, or a container that is not merged.
pub(crate) fn owned_whole(live: &Object, path: &[PathElement]) -> bool {
    entries(live)
        .filter_map(Entry::fields)
        .any(|fields| level(&fields, path).is_some_and(|(member, below)| member && below.is_empty()))
}

/// What a set has at a path: whether the place itself, and what is below. A member above it that has nothing
/// below is owned as a whole, this place included.
fn level<'a>(set: &'a FieldSet, path: &[PathElement]) -> Option<(bool, &'a FieldSet)> {
    let (mut member, mut below) = (false, set);
    for (depth, element) in path.iter().enumerate() {
        if member && below.is_empty() && depth > 0 {
            return Some((true, below));
        }
        let node = below.get(element)?;
        (member, below) = (node.member, &node.children);
    }
    Some((member, below))
}
