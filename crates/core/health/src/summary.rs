//! `status.summary` of an application.

use std::collections::BTreeSet;

use resource::Object;
use serde_json::Value;

use crate::read::{at, below, field, items};

const LINK_PREFIX: &str = "link.argocd.argoproj.io/";
const IGNORE_DEFAULT_LINKS: &str = "argocd.argoproj.io/ignore-default-links";

/// `status.summary` of an application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Images of all containers, sorted, each once.
    pub images: Vec<String>,
    /// URLs under which the application can be reached, sorted, each once.
    pub external_urls: Vec<String>,
}

/// Collects the images of pods and pod templates, and the URLs of ingresses and link annotations.
///
/// **Source.** The peer's `controller/cache/info.go`. An ingress rule gives one URL a path, `https` where the ingress
/// has TLS for it; a rule without a host takes the first address of the load balancer. A link annotation is a URL or
/// `title|url`, kept as written.
/// **Where we differ.** The peer reads images of pods only, so that they appear when pods do; links are taken only
/// with the scheme `http` or `https` and without control characters; hosts listed under `tls` are honoured.
pub fn summary<'a>(objects: impl IntoIterator<Item = &'a Object>) -> Summary {
    let (mut images, mut urls) = (BTreeSet::new(), BTreeSet::new());
    for object in objects {
        images.extend(pod_specs(object).flat_map(container_images).map(str::to_owned));
        urls.extend(links(object).map(str::to_owned));
        let kind = object.group_kind();
        let own = object.annotation(IGNORE_DEFAULT_LINKS) != Some("true");
        if own && kind.kind == "Ingress" && matches!(kind.group.as_str(), "networking.k8s.io" | "extensions")
        {
            urls.extend(ingress_urls(object));
        }
    }
    Summary { images: images.into_iter().collect(), external_urls: urls.into_iter().collect() }
}

/// The pod specs of a pod, of a template, and of a cron job's template.
fn pod_specs(object: &Object) -> impl Iterator<Item = &Value> {
    let own = (object.kind() == "Pod").then(|| at(object, &["spec"])).flatten();
    let template = at(object, &["spec", "template", "spec"]);
    let job = at(object, &["spec", "jobTemplate", "spec", "template", "spec"]);
    own.into_iter().chain(template).chain(job)
}

fn container_images(spec: &Value) -> impl Iterator<Item = &str> {
    let lists = ["initContainers", "containers"].into_iter().filter_map(|name| spec.get(name)?.as_array());
    lists.flatten().map(|container| field(container, "image")).filter(|image| !image.is_empty())
}

pub(crate) fn links(object: &Object) -> impl Iterator<Item = &str> {
    let annotations = at(object, &["metadata", "annotations"]).and_then(Value::as_object);
    annotations
        .into_iter()
        .flatten()
        .filter(|(name, _)| name.starts_with(LINK_PREFIX))
        .filter_map(|(_, value)| value.as_str())
        .filter(|value| safe_url(value.split_once('|').map_or(*value, |(_, url)| url)))
}

/// What may become a link in a page: nothing that runs.
fn safe_url(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https")) && !url.chars().any(|c| c.is_control() || c == ' ')
}

pub(crate) fn ingress_urls(object: &Object) -> Vec<String> {
    let address = items(object, &["status", "loadBalancer", "ingress"])
        .iter()
        .flat_map(|ingress| [field(ingress, "hostname"), field(ingress, "ip")])
        .find(|address| !address.is_empty());
    let mut urls = Vec::new();
    for rule in items(object, &["spec", "rules"]) {
        let Some(host) = Some(field(rule, "host")).filter(|host| !host.is_empty()).or(address) else {
            continue;
        };
        let scheme = if has_tls(object, host) { "https" } else { "http" };
        for path in below(rule, &["http", "paths"]).and_then(Value::as_array).into_iter().flatten() {
            let path = field(path, "path");
            urls.push(format!("{scheme}://{host}{}", path.strip_suffix('*').unwrap_or(path)));
        }
    }
    urls.retain(|url| safe_url(url));
    urls
}

fn has_tls(object: &Object, host: &str) -> bool {
    items(object, &["spec", "tls"]).iter().any(|entry| {
        let hosts = entry.get("hosts").and_then(Value::as_array);
        let named = hosts.into_iter().flatten().any(|name| name.as_str() == Some(host));
        named || entry.get("secretName").is_some_and(|name| !name.is_null())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn urls(value: Value) -> Vec<String> {
        summary([&Object::from_value(value).unwrap()]).external_urls
    }

    #[test]
    fn images_of_pods_and_templates() {
        let containers =
            |image: &str| json!({"containers": [{"image": image}], "initContainers": [{"image": "init:1"}]});
        let objects = [
            json!({"apiVersion": "v1", "kind": "Pod", "spec": containers("b:1")}),
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": containers("a:1")}}}),
            json!({"apiVersion": "batch/v1", "kind": "CronJob",
                   "spec": {"jobTemplate": {"spec": {"template": {"spec": containers("c:1")}}}}}),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "spec": containers("no:1")}),
        ]
        .map(|value| Object::from_value(value).unwrap());
        assert_eq!(summary(&objects).images, ["a:1", "b:1", "c:1", "init:1"]);
    }

    #[test]
    fn urls_of_ingresses() {
        let ingress = |annotations: Value, spec: Value| {
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"annotations": annotations},
                   "spec": spec, "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}})
        };
        let paths = json!({"paths": [{"path": "/"}, {"path": "/api/*"}]});
        let rules = json!([{"host": "a.example", "http": paths}, {"http": {"paths": [{}]}}]);
        assert_eq!(
            urls(ingress(json!({}), json!({"rules": rules}))),
            ["http://10.0.0.1", "http://a.example/", "http://a.example/api/"]
        );
        let tls = json!({"rules": rules, "tls": [{"hosts": ["a.example"]}]});
        assert_eq!(
            urls(ingress(json!({}), tls)),
            ["http://10.0.0.1", "https://a.example/", "https://a.example/api/"]
        );
        let none =
            ingress(json!({"argocd.argoproj.io/ignore-default-links": "true"}), json!({"rules": rules}));
        assert!(urls(none).is_empty());
    }

    #[test]
    fn links_that_cannot_run() {
        for (value, kept) in [
            ("https://a.example/x", true),
            ("Title|http://a.example", true),
            ("javascript:alert(1)", false),
            ("Text|javascript:alert(1)//http://x", false),
            ("https://a\u{1b}[31m", false),
            ("data:text/html,x", false),
            (" java\tscript:alert(1)", false),
            ("vbscript:x", false),
        ] {
            let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
                                "metadata": {"annotations": {"link.argocd.argoproj.io/docs": value}}});
            assert_eq!(urls(object) == [value], kept, "{value}");
        }
    }
}
