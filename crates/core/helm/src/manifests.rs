//! What templates made, as manifests and hooks, in the order in which Helm installs them.
//!
//! **Source**: Helm 3.22, `pkg/releaseutil`.

use crate::cache::Cache;
use crate::error::Error;
use crate::go_json::{Fields, mismatch, yaml};
use serde_json::Value;
use std::sync::Arc;

/// Kinds in the order in which they are installed. Others come after them, by name.
const INSTALL_ORDER: &[&str] = &[
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
];

/// One document that a template made.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The template: `chart/templates/x.yaml`, `chart/charts/sub/templates/x.yaml`.
    pub source: Arc<str>,
    /// The text, without blanks around it.
    pub text: String,
    /// The text as data. `null` for a document of comments.
    pub value: Arc<Value>,
    /// `kind`, or empty.
    pub kind: String,
    /// `metadata.name`, or empty.
    pub name: String,
}

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum HookEvent {
    PreInstall,
    PostInstall,
    PreDelete,
    PostDelete,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    /// `test`, and `test-success` of Helm 2.
    Test,
}

impl HookEvent {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "pre-install" => Self::PreInstall,
            "post-install" => Self::PostInstall,
            "pre-delete" => Self::PreDelete,
            "post-delete" => Self::PostDelete,
            "pre-upgrade" => Self::PreUpgrade,
            "post-upgrade" => Self::PostUpgrade,
            "pre-rollback" => Self::PreRollback,
            "post-rollback" => Self::PostRollback,
            "test" | "test-success" => Self::Test,
            _ => return None,
        })
    }
}

/// A document with the annotation `helm.sh/hook`.
#[derive(Debug, Clone, PartialEq)]
pub struct Hook {
    /// The document.
    pub manifest: Manifest,
    /// When it runs.
    pub events: Vec<HookEvent>,
    /// `helm.sh/hook-weight`; 0 where that is no number.
    pub weight: i64,
    /// `helm.sh/hook-delete-policy`, in small letters.
    pub delete_policies: Vec<String>,
    /// `helm.sh/hook-output-log-policy`, in small letters.
    pub output_log_policies: Vec<String>,
}

/// Manifests and hooks, each in their order.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    pub(crate) manifests: Vec<Manifest>,
    pub(crate) hooks: Vec<Hook>,
    pub(crate) warnings: Vec<String>,
}

/// Splits what templates made into documents and sorts them. `files` are in the order of their names.
pub(crate) fn sort(
    files: Vec<(Arc<str>, String)>,
    limits: &goyaml::Limits,
    cache: Option<&Cache>,
) -> Result<Sorted, Error> {
    let mut sorted = Sorted::default();
    for (source, text) in files {
        for text in split(&text) {
            let document = read(text, limits, cache).map_err(|message| Error::Manifest {
                file: source.to_string(),
                message,
                text: text.into(),
            })?;
            let manifest = Manifest {
                source: Arc::clone(&source),
                text: text.to_owned(),
                value: Arc::clone(&document.value),
                kind: document.kind.clone(),
                name: document.name.clone(),
            };
            let annotations = &document.annotations;
            let annotation = |name: &str| {
                annotations.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
            };
            let Some(events) = annotation("helm.sh/hook") else {
                sorted.manifests.push(manifest);
                continue;
            };
            let parsed: Option<Vec<HookEvent>> = words(events).map(|word| HookEvent::parse(&word)).collect();
            let Some(parsed) = parsed else {
                sorted.warnings.push(format!("info: skipping unknown hook: {events:?}"));
                continue;
            };
            let list = |name| annotation(name).map(|text| words(text).collect()).unwrap_or_default();
            sorted.hooks.push(Hook {
                manifest,
                events: parsed,
                weight: annotation("helm.sh/hook-weight").and_then(|it| it.parse().ok()).unwrap_or(0),
                delete_policies: list("helm.sh/hook-delete-policy"),
                output_log_policies: list("helm.sh/hook-output-log-policy"),
            });
        }
    }
    sorted.manifests.sort_by(|a, b| place(&a.kind).cmp(&place(&b.kind)));
    sorted.hooks.sort_by(|a, b| place(&a.manifest.kind).cmp(&place(&b.manifest.kind)));
    Ok(sorted)
}

fn place(kind: &str) -> (usize, &str) {
    match INSTALL_ORDER.iter().position(|known| *known == kind) {
        Some(place) => (place, ""),
        None => (usize::MAX, kind),
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(|word| word.trim().to_lowercase())
}

/// A document as far as its head was looked at.
#[derive(Debug, Default)]
pub(crate) struct Document {
    value: Arc<Value>,
    kind: String,
    name: String,
    annotations: Vec<(String, String)>,
}

fn read(text: &str, limits: &goyaml::Limits, cache: Option<&Cache>) -> Result<Arc<Document>, String> {
    if let Some(known) = cache.and_then(|cache| cache.document(text)) {
        return Ok(known);
    }
    let document = Arc::new(parse(text, limits)?);
    if let Some(cache) = cache {
        cache.keep_document(text, Arc::clone(&document));
    }
    Ok(document)
}

fn parse(text: &str, limits: &goyaml::Limits) -> Result<Document, String> {
    let value = yaml(text.as_bytes(), limits)?;
    let mut document = Document::default();
    match &value {
        Value::Null => {}
        Value::Object(map) => {
            let head = Fields::new(map, "SimpleHead.");
            head.text("apiVersion")?;
            document.kind = head.text("kind")?;
            match head.get("metadata") {
                None | Some(Value::Null) => {}
                Some(Value::Object(map)) => {
                    let metadata = Fields::new(map, ".metadata.");
                    document.annotations = metadata.text_map("annotations")?.unwrap_or_default();
                    document.name = metadata.text("name")?;
                }
                Some(other) => return Err(head.error("metadata", other, METADATA)),
            }
        }
        other => return Err(mismatch(other, "Go value", "releaseutil.SimpleHead")),
    }
    document.value = Arc::new(value);
    Ok(document)
}

const METADATA: &str =
    r#"struct { Name string "json:\"name\""; Annotations map[string]string "json:\"annotations\"" }"#;

/// Cuts a text at `---` in front of lines, before anybody looks at YAML. Blanks around the parts and empty parts are left out.
///
/// What follows `---` belongs to the next part, and a `---` right behind another one is text; both are Helm's ways.
pub(crate) fn split(text: &str) -> Vec<&str> {
    let text = text.trim();
    let mut parts = Vec::new();
    let mut rest = text;
    if let Some(after) = text.strip_prefix("---") {
        rest = after.trim_start_matches(is_blank);
    }
    while let Some(at) = rest.find("\n---") {
        let (part, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
        parts.push(part.trim());
        rest = after.strip_prefix("\n---").unwrap_or_default().trim_start_matches(is_blank);
    }
    parts.push(rest.trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// Go's `\s`.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

#[cfg(test)]
mod tests {
    use super::{sort, split};
    use std::sync::Arc;

    #[test]
    fn split_as_helm_does() {
        let rows: &[(&str, &[&str])] = &[
            ("", &[]),
            ("# only\n", &["# only"]),
            ("---\n---\na: 1\n", &["---\na: 1"]),
            ("a: 1\n--- # c\nb: 2\n----\nc: 3\n", &["a: 1", "# c\nb: 2", "-\nc: 3"]),
            ("a: 1\n   \n---   \n\n---\nb: 2\n", &["a: 1", "---\nb: 2"]),
            ("---", &[]),
            ("a: |\n  x\n  ---\n  y\n", &["a: |\n  x\n  ---\n  y"]),
            ("a\n---\n\n\n", &["a"]),
        ];
        for (text, want) in rows {
            assert_eq!(&split(text), want, "{text:?}");
        }
    }

    fn sorted(files: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let files = files.iter().map(|(name, text)| (Arc::from(*name), (*text).to_owned())).collect();
        let sorted = sort(files, &goyaml::Limits::default(), None).map_err(|error| error.to_string())?;
        let manifests = sorted.manifests.iter().map(|it| format!("{} {}", it.kind, it.source));
        let hooks = sorted.hooks.iter().map(|it| {
            format!(
                "{} {} {:?} {} {:?}",
                it.manifest.kind, it.manifest.source, it.events, it.weight, it.delete_policies
            )
        });
        Ok(manifests.chain(hooks).chain(sorted.warnings).collect())
    }

    #[test]
    fn order_of_kinds() {
        let got = sorted(&[
            ("a", "kind: Zebra\n---\nkind: Deployment\n---\nkind: Apple"),
            ("b", "kind: Service\n---\nkind: Namespace\n---\nkind: Deployment\n---\n# nothing"),
        ]);
        let want = ["Namespace b", "Service b", "Deployment a", "Deployment b", " b", "Apple a", "Zebra a"];
        assert_eq!(got.unwrap(), want);
    }

    #[test]
    fn hooks() {
        let hook = |rest: &str| format!("kind: Job\nmetadata: {{annotations: {{helm.sh/hook: {rest}}}}}");
        let rows = [
            ("\"PRE-Install , post-upgrade\"", "Job f [PreInstall, PostUpgrade] 0 []"),
            ("test-success, helm.sh/hook-weight: 5", "Job f [Test] 5 []"),
            ("test, helm.sh/hook-weight: \"-7\"", "Job f [Test] -7 []"),
            ("test, helm.sh/hook-weight: x", "Job f [Test] 0 []"),
            (
                "test, helm.sh/hook-delete-policy: \"Before-Hook-Creation, x\"",
                "Job f [Test] 0 [\"before-hook-creation\", \"x\"]",
            ),
            ("crd-install", "info: skipping unknown hook: \"crd-install\""),
        ];
        for (annotations, want) in rows {
            assert_eq!(sorted(&[("f", &hook(annotations))]).unwrap(), [want], "{annotations}");
        }
    }

    #[test]
    fn what_is_no_manifest() {
        const JSON: &str = "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal";
        let rows = [
            ("- a", format!("{JSON} array into Go value of type releaseutil.SimpleHead")),
            ("just text", format!("{JSON} string into Go value of type releaseutil.SimpleHead")),
            ("kind: [a]", format!("{JSON} array into Go struct field SimpleHead.kind of type string")),
            (
                "metadata: {name: {}}",
                format!("{JSON} object into Go struct field .metadata.name of type string"),
            ),
            (
                "metadata: {annotations: {a: [x]}}",
                format!("{JSON} array into Go struct field .metadata.annotations of type string"),
            ),
            ("a: *y", "error converting YAML to JSON: yaml: unknown anchor 'y' referenced".to_owned()),
        ];
        for (text, want) in rows {
            assert_eq!(sorted(&[("f", text)]), Err(format!("YAML parse error on f: {want}")), "{text}");
        }
    }
}
