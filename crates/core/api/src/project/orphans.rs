//! Objects of no application that a project wants to know of.

use resource::ResourceKey;

use crate::OrphanedResources;
use crate::glob::{Dialect, Glob};

/// What every namespace has, and the service of the API server: group, kind, namespace (any where empty), name.
const GIVEN: [(&str, &str, &str, &str); 3] = [
    ("", "Service", "default", "kubernetes"),
    ("", "ServiceAccount", "", "default"),
    ("", "ConfigMap", "", "kube-root-ca.crt"),
];

/// Which objects count as orphaned, and whether they are worth a condition.
#[derive(Debug, Clone)]
pub struct Orphans {
    warns: bool,
    ignored: Vec<Ignored>,
}

/// `None` matches everything.
#[derive(Debug, Clone)]
struct Ignored {
    group: Glob,
    kind: Option<Glob>,
    name: Option<Glob>,
}

impl Orphans {
    /// Compiles the setting. A pattern that cannot be read ignores nothing.
    pub fn new(setting: &OrphanedResources) -> Self {
        let some = |pattern: &str| (!pattern.is_empty()).then(|| Glob::new(pattern, Dialect::Text));
        let ignored = setting.ignore.iter().map(|item| Ignored {
            group: Glob::new(&item.group, Dialect::Text),
            kind: some(&item.kind),
            name: some(&item.name),
        });
        Self { warns: setting.warn == Some(true), ignored: ignored.collect() }
    }

    /// Whether they are reported as a condition. **Source**: the peer's `IsWarn`, for which nothing said is no.
    pub fn warns(&self) -> bool {
        self.warns
    }

    /// Whether an object is none that counts.
    ///
    /// **Shape**: what a cluster makes by itself, and what `ignore` names; an empty kind or name there is any, an empty group the core
    /// group. **Source**: the peer's `isKnownOrphanedResourceExclusion`.
    pub fn ignores(&self, key: &ResourceKey) -> bool {
        let given = GIVEN.iter().any(|(group, kind, namespace, name)| {
            *group == key.group
                && *kind == key.kind
                && *name == key.name
                && (namespace.is_empty() || *namespace == key.namespace)
        });
        let matches = |glob: &Option<Glob>, text: &str| glob.as_ref().is_none_or(|glob| glob.matches(text));
        given
            || self.ignored.iter().any(|item| {
                item.group.matches(&key.group)
                    && matches(&item.kind, &key.kind)
                    && matches(&item.name, &key.name)
            })
    }

    /// The patterns that cannot be read, in words.
    pub fn problems(&self) -> impl Iterator<Item = String> {
        self.ignored.iter().enumerate().flat_map(|(place, item)| {
            let globs =
                [("group", Some(&item.group)), ("kind", item.kind.as_ref()), ("name", item.name.as_ref())];
            globs.into_iter().filter_map(move |(field, glob)| {
                let (glob, problem) = glob.and_then(|glob| Some((glob, glob.problem()?)))?;
                let pattern = glob.pattern();
                Some(format!(
                    "orphanedResources.ignore[{place}].{field} has {pattern:?}, which matches nothing: {problem}"
                ))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_counts() {
        let setting = json!({"ignore": [
            {"group": "apps", "kind": "Deploy*"}, {"kind": "Secret", "name": "sh.helm.*"}, {"group": "*", "name": "scratch"},
            {"group": "[", "kind": "Pod"},
        ]});
        let orphans = Orphans::new(&serde_json::from_value(setting).unwrap());
        for (group, kind, namespace, name, ignored) in [
            ("", "ConfigMap", "shop", "left", false),
            ("", "ConfigMap", "shop", "kube-root-ca.crt", true),
            ("", "ServiceAccount", "shop", "default", true),
            ("", "ServiceAccount", "shop", "web", false),
            ("", "Service", "default", "kubernetes", true),
            ("", "Service", "shop", "kubernetes", false),
            ("apps", "Deployment", "shop", "web", true),
            ("apps", "StatefulSet", "shop", "web", false),
            ("extensions", "Deployment", "shop", "web", false),
            ("", "Secret", "shop", "sh.helm.release.v1.web.v1", true),
            ("", "Secret", "shop", "web", false),
            ("batch", "Job", "shop", "scratch", true),
            ("", "Pod", "shop", "web", false),
        ] {
            let key = ResourceKey::new(group, kind, namespace, name);
            assert_eq!(orphans.ignores(&key), ignored, "{key}");
        }
        let problem =
            "orphanedResources.ignore[3].group has \"[\", which matches nothing: a class that does not end";
        assert_eq!(orphans.problems().collect::<Vec<_>>(), [problem]);
        for (setting, warns) in
            [(json!({}), false), (json!({"warn": false}), false), (json!({"warn": true}), true)]
        {
            let setting: OrphanedResources = serde_json::from_value(setting).unwrap();
            assert_eq!(Orphans::new(&setting).warns(), warns);
        }
    }
}
