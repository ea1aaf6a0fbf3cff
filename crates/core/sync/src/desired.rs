//! From rendered manifests to what an application wants: every object once, under the key it has in the cluster.

use std::collections::{BTreeMap, BTreeSet};

use api::ConditionType;
use api::names::annotation;
use resource::{GroupKind, Gvk, Object, ResourceKey};
use serde_json::Value;

use crate::hooks::is_hook;

/// Whether objects of a kind live in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// Cluster-wide.
    Cluster,
    /// The cluster does not serve the kind (yet).
    Unknown,
}

/// What has to be known of the destination.
#[derive(Clone, Copy)]
pub struct Destination<'a> {
    /// `spec.destination.namespace`: for namespaced objects that name none.
    pub namespace: &'a str,
    /// Scope of a kind, from discovery.
    pub scope: &'a dyn Fn(&Gvk) -> Scope,
    /// Kinds that the operator's settings leave out.
    pub excluded: &'a dyn Fn(&GroupKind) -> bool,
}

/// A rendered object, and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The object as rendered.
    pub object: Object,
    /// File and line, for messages.
    pub origin: String,
}

/// An object that git wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Its identity; the namespace is the one it will live in.
    pub key: ResourceKey,
    /// The object, its namespace set or removed as its kind's scope asks.
    pub object: Object,
    /// `argocd.argoproj.io/sync-wave`, 0 where absent.
    pub wave: i32,
    /// File and line, for messages.
    pub origin: String,
}

/// What an application wants.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Desired {
    /// Its objects.
    pub objects: BTreeMap<ResourceKey, Wanted>,
    /// Objects that are run at points of a sync instead of being kept in place.
    pub hooks: Vec<Wanted>,
    /// Kinds that the cluster does not serve and that no manifest here defines.
    pub unknown_kinds: BTreeSet<Gvk>,
    /// What is strange about it, as conditions.
    pub warnings: Vec<(ConditionType, String)>,
}

/// Builds the wanted set.
///
/// **Shape**: a namespaced object without a namespace gets the destination's; a cluster-wide one loses a namespace it
/// names; of two manifests for one object the last wins, with a `RepeatedResourceWarning`; excluded kinds are left out
/// with an `ExcludedResourceWarning`. The scope of a kind that the cluster does not serve is taken from a
/// CustomResourceDefinition among the manifests, else the kind counts as namespaced, as in the peer.
/// An object with only a `generateName` that is no hook cannot be kept in place; it is left out with a warning (the peer
/// creates another one at every sync).
pub fn desired(rendered: Vec<Rendered>, destination: Destination<'_>) -> Desired {
    let defined = defined_scopes(&rendered);
    let mut all = Desired::default();
    let mut repeated: BTreeMap<ResourceKey, usize> = BTreeMap::new();
    for Rendered { mut object, origin } in rendered {
        let gvk = object.gvk();
        let kind = gvk.group_kind();
        if (destination.excluded)(&kind) {
            all.warn(
                ConditionType::ExcludedResourceWarning,
                format!(
                    "Resource {}/{} {} is excluded in the settings",
                    kind.group,
                    kind.kind,
                    object.name()
                ),
            );
            continue;
        }
        let scope = match (destination.scope)(&gvk) {
            Scope::Unknown => defined.get(&kind).copied().unwrap_or_else(|| {
                all.unknown_kinds.insert(gvk.clone());
                Scope::Namespaced
            }),
            known => known,
        };
        match scope {
            Scope::Cluster => object.set_namespace(None),
            Scope::Namespaced | Scope::Unknown if object.namespace().is_none() => {
                object.set_namespace(Some(destination.namespace));
            }
            Scope::Namespaced | Scope::Unknown => {}
        }
        let wave = wave(&object).unwrap_or_else(|text| {
            all.warn(
                ConditionType::LintWarning,
                format!(
                    "{origin}: {} has sync-wave {text:?}, which is no whole number; 0 is used",
                    object.key()
                ),
            );
            0
        });
        let wanted = Wanted { key: object.key(), object, wave, origin };
        if is_hook(&wanted.object) {
            all.hooks.push(wanted);
        } else if wanted.object.name().is_empty() {
            all.warn(
                ConditionType::LintWarning,
                format!(
                    "{}: {} has no metadata.name; only hooks may use generateName, so it is left out",
                    wanted.origin,
                    wanted.object.kind()
                ),
            );
        } else {
            let key = wanted.key.clone();
            if all.objects.insert(key.clone(), wanted).is_some() {
                *repeated.entry(key).or_insert(1) += 1;
            }
        }
    }
    for (key, times) in repeated {
        all.warn(
            ConditionType::RepeatedResourceWarning,
            format!("Resource {key} appeared {times} times among application resources."),
        );
    }
    all
}

impl Desired {
    fn warn(&mut self, kind: ConditionType, message: String) {
        self.warnings.push((kind, message));
    }

    /// Kinds of all objects.
    pub fn kinds(&self) -> BTreeSet<GroupKind> {
        self.objects.keys().map(ResourceKey::group_kind).collect()
    }
}

/// The sync wave of an object, or the text that is no number. Helm's hook weight counts where there is no wave.
pub fn wave(object: &Object) -> Result<i32, String> {
    let text =
        object.annotation(annotation::SYNC_WAVE).or_else(|| object.annotation(annotation::HELM_HOOK_WEIGHT));
    text.map_or(Ok(0), |text| text.trim().parse().map_err(|_| text.to_owned()))
}

fn defined_scopes(rendered: &[Rendered]) -> BTreeMap<GroupKind, Scope> {
    let definition = |object: &Object| {
        let spec = object.as_map().get("spec")?;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let kind =
            GroupKind::new(text(spec.get("group"))?, text(spec.get("names").and_then(|n| n.get("kind")))?);
        let scope =
            if spec.get("scope")?.as_str()? == "Cluster" { Scope::Cluster } else { Scope::Namespaced };
        Some((kind, scope))
    };
    let is_definition = |object: &Object| object.kind() == "CustomResourceDefinition";
    rendered.iter().map(|r| &r.object).filter(|o| is_definition(o)).filter_map(definition).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest(api_version: &str, kind: &str, metadata: impl Into<Value>) -> Rendered {
        let metadata: Value = metadata.into();
        let value = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata});
        Rendered { object: Object::from_value(value).unwrap(), origin: "a.yaml:1".to_owned() }
    }

    fn build(rendered: Vec<Rendered>) -> Desired {
        let scope = |gvk: &Gvk| match gvk.kind.as_str() {
            "Namespace" | "ClusterRole" | "CustomResourceDefinition" => Scope::Cluster,
            "ConfigMap" | "Job" => Scope::Namespaced,
            _ => Scope::Unknown,
        };
        let excluded = |kind: &GroupKind| kind.kind == "Event";
        desired(rendered, Destination { namespace: "shop", scope: &scope, excluded: &excluded })
    }

    #[test]
    fn every_object_gets_the_key_it_has_in_the_cluster() {
        for (reason, manifest, key) in [
            ("no namespace", manifest("v1", "ConfigMap", json!({"name": "a"})), "/ConfigMap/shop/a"),
            (
                "its own",
                manifest("v1", "ConfigMap", json!({"name": "a", "namespace": "b"})),
                "/ConfigMap/b/a",
            ),
            (
                "cluster-wide",
                manifest("v1", "Namespace", json!({"name": "a", "namespace": "b"})),
                "/Namespace//a",
            ),
            ("not served", manifest("x.io/v1", "Widget", json!({"name": "a"})), "x.io/Widget/shop/a"),
        ] {
            let all = build(vec![manifest]);
            let (found, wanted) = all.objects.first_key_value().unwrap();
            assert_eq!(found.to_string(), key, "{reason}");
            assert_eq!(wanted.object.key(), *found, "{reason}: the object says the same");
        }
    }

    #[test]
    fn a_definition_among_the_manifests_gives_the_scope() {
        let mut definition =
            manifest("apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({"name": "w"}));
        let spec = json!({"group": "x.io", "scope": "Cluster", "names": {"kind": "Widget"}});
        definition.object.as_map_mut().insert("spec".to_owned(), spec);
        let all = build(vec![manifest("x.io/v1", "Widget", json!({"name": "a"})), definition]);
        assert!(all.objects.contains_key(&ResourceKey::new("x.io", "Widget", "", "a")));
        assert!(all.unknown_kinds.is_empty());
        assert_eq!(build(vec![manifest("x.io/v1", "Widget", json!({"name": "a"}))]).unknown_kinds.len(), 1);
    }

    #[test]
    fn tells_what_is_strange() {
        let hook = json!({"generateName": "a-", "annotations": {"argocd.argoproj.io/hook": "PreSync"}});
        let wave = json!({"name": "w", "annotations": {"argocd.argoproj.io/sync-wave": "first"}});
        let weight = json!({"name": "h", "annotations": {"helm.sh/hook-weight": "-5"}});
        let all = build(vec![
            manifest("v1", "ConfigMap", json!({"name": "a", "labels": {"n": "1"}})),
            manifest("v1", "ConfigMap", json!({"name": "a", "namespace": "shop", "labels": {"n": "2"}})),
            manifest("v1", "Event", json!({"name": "a"})),
            manifest("v1", "ConfigMap", json!({"generateName": "a-"})),
            manifest("batch/v1", "Job", hook),
            manifest("v1", "ConfigMap", wave),
            manifest("v1", "ConfigMap", weight),
        ]);
        let warnings: Vec<String> =
            all.warnings.iter().map(|(kind, message)| format!("{kind}: {message}")).collect();
        assert_eq!(
            warnings,
            [
                "ExcludedResourceWarning: Resource /Event a is excluded in the settings",
                "LintWarning: a.yaml:1: ConfigMap has no metadata.name; only hooks may use generateName, so it is left out",
                "LintWarning: a.yaml:1: /ConfigMap/shop/w has sync-wave \"first\", which is no whole number; 0 is used",
                "RepeatedResourceWarning: Resource /ConfigMap/shop/a appeared 2 times among application resources.",
            ]
        );
        let last = &all.objects[&ResourceKey::new("", "ConfigMap", "shop", "a")];
        assert_eq!(last.object.label("n"), Some("2"), "the last one wins");
        assert_eq!(all.objects[&ResourceKey::new("", "ConfigMap", "shop", "h")].wave, -5);
        assert_eq!(all.hooks.len(), 1);
    }
}
