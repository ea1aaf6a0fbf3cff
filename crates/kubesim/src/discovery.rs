//! What is served, said in all the ways in which clients ask.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value, json};

use crate::{
    body::SimBody,
    openapi,
    registry::{Kind, Registry},
    reply::Answer,
    service::Context,
    status::{ApiError, ApiResult},
};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Answers a path that names no resource.
pub(crate) fn answer(context: &Context, segments: &[&str], accept: &str) -> ApiResult<Answer> {
    let registry = Arc::clone(&context.sim.lock().registry);
    match segments {
        ["version"] => Ok(Answer::json(200, &version(&context.sim.options().version))),
        ["healthz" | "livez" | "readyz", ..] => Ok(Answer::text(200, "ok")),
        ["api"] if wants_aggregated(accept) => Ok(aggregated(&registry, 0)),
        ["apis"] if wants_aggregated(accept) => Ok(aggregated(&registry, 1)),
        ["api"] => Ok(Answer::json(
            200,
            &json!({"kind": "APIVersions", "versions": ["v1"],
                "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:443"}]}),
        )),
        ["apis"] => {
            let groups: Vec<Value> = groups(&registry).map(|(g, versions)| group(g, versions)).collect();
            Ok(Answer::json(200, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})))
        }
        ["apis", name] => match groups(&registry).find(|(g, _)| g == name) {
            Some((name, versions)) => {
                let mut found = json!({"kind": "APIGroup", "apiVersion": "v1"});
                if let (Value::Object(found), Value::Object(rest)) = (&mut found, group(name, versions)) {
                    found.extend(rest);
                }
                Ok(Answer::json(200, &found))
            }
            None => Ok(Answer::text(404, "404 page not found\n")),
        },
        ["api", version] => resources(&registry, "", version),
        ["apis", group, version] => resources(&registry, group, version),
        ["openapi", "v3", rest @ ..] => openapi::answer(context, &registry, rest),
        [] => {
            let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
            for (group, versions) in groups(&registry) {
                paths.push(format!("/apis/{group}"));
                paths.extend(versions.iter().map(|v| format!("/apis/{group}/{v}")));
            }
            paths.extend(["/healthz", "/livez", "/openapi/v3", "/readyz", "/version"].map(str::to_owned));
            Ok(Answer::json(200, &json!({"paths": paths})))
        }
        _ => Ok(Answer::text(404, "404 page not found\n")),
    }
}

fn version(version: &str) -> Value {
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    json!({
        "major": major, "minor": minor, "gitVersion": version, "gitCommit": "", "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "kubesim", "platform": "linux/amd64",
    })
}

/// All groups but the core one.
fn groups(registry: &Registry) -> impl Iterator<Item = &(String, Vec<String>)> {
    registry.groups().iter().filter(|(group, _)| !group.is_empty())
}

fn group(name: &str, versions: &[String]) -> Value {
    let all: Vec<Value> =
        versions.iter().map(|v| json!({"groupVersion": format!("{name}/{v}"), "version": v})).collect();
    json!({"name": name, "preferredVersion": all.first(), "versions": all})
}

fn resources(registry: &Registry, group: &str, version: &str) -> ApiResult<Answer> {
    let found = registry.groups().iter().find(|(g, _)| g == group);
    if !found.is_some_and(|(_, versions)| versions.iter().any(|v| v == version)) {
        return match found {
            Some(_) => Err(ApiError::no_such_resource()),
            None => Ok(Answer::text(404, "404 page not found\n")),
        };
    }
    let mut list = Vec::new();
    let mut group_version = version.to_owned();
    for kind in registry.kinds_of(group, version) {
        group_version = kind.api_version();
        list.push(resource(kind));
        for sub in &kind.subresources {
            let mut entry = json!({"name": format!("{}/{}", kind.plural, sub.name), "singularName": "",
                "namespaced": kind.namespaced, "kind": sub.kind, "verbs": sub.verbs});
            if let (Some(group), Some(version)) = (&sub.group, &sub.version) {
                entry["group"] = json!(group);
                entry["version"] = json!(version);
            }
            list.push(entry);
        }
    }
    let mut answer = json!({"kind": "APIResourceList", "groupVersion": group_version, "resources": list});
    if !group.is_empty() {
        answer["apiVersion"] = json!("v1");
    }
    Ok(Answer::json(200, &answer))
}

fn resource(kind: &Kind) -> Value {
    let mut entry = Map::new();
    entry.insert("name".to_owned(), json!(kind.plural));
    entry.insert("singularName".to_owned(), json!(kind.singular));
    entry.insert("namespaced".to_owned(), json!(kind.namespaced));
    entry.insert("kind".to_owned(), json!(kind.kind));
    entry.insert("verbs".to_owned(), json!(kind.verbs));
    for (field, words) in [("shortNames", &kind.short_names), ("categories", &kind.categories)] {
        if !words.is_empty() {
            entry.insert(field.to_owned(), json!(words));
        }
    }
    if kind.is_stored() {
        entry.insert("storageVersionHash".to_owned(), json!(storage_hash(&kind.storage)));
    }
    Value::Object(entry)
}

/// Any text that stays the same while the storage version does.
fn storage_hash(storage: &str) -> String {
    let hash = storage
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    format!("{:011x}=", hash >> 20)
}

fn wants_aggregated(accept: &str) -> bool {
    accept.split(',').any(|choice| {
        let parts: Vec<&str> = choice.split(';').map(str::trim).collect();
        let has = |part: &str| parts.contains(&part);
        has("application/json")
            && has("g=apidiscovery.k8s.io")
            && has("v=v2")
            && has("as=APIGroupDiscoveryList")
    })
}

fn aggregated(registry: &Registry, which: usize) -> Answer {
    let make = || {
        let items: Vec<Value> = registry
            .groups()
            .iter()
            .filter(|(group, _)| group.is_empty() == (which == 0))
            .map(|(group, versions)| aggregated_group(registry, group, versions))
            .collect();
        json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
            .to_string()
            .into()
    };
    let body = match registry.aggregated.get(which) {
        Some(cell) => cell.get_or_init(make).clone(),
        None => make(),
    };
    Answer { code: 200, content_type: AGGREGATED, body: SimBody::full(body) }
}

fn aggregated_group(registry: &Registry, group: &str, versions: &[String]) -> Value {
    let versions: Vec<Value> = versions
        .iter()
        .map(|version| {
            let resources: Vec<Value> =
                registry.kinds_of(group, version).map(|k| aggregated_resource(k)).collect();
            json!({"version": version, "resources": resources, "freshness": "Current"})
        })
        .collect();
    let mut metadata = json!({});
    if !group.is_empty() {
        metadata["name"] = json!(group);
    }
    json!({"metadata": metadata, "versions": versions})
}

fn aggregated_resource(kind: &Kind) -> Value {
    // Of built-in kinds the server leaves out what the list is under anyway.
    let (group, version) = match &kind.custom {
        Some(_) => (kind.group.as_str(), kind.version.as_str()),
        None => ("", ""),
    };
    let mut entry: BTreeMap<&str, Value> = BTreeMap::from([
        ("resource", json!(kind.plural)),
        ("responseKind", json!({"group": group, "version": version, "kind": kind.kind})),
        ("scope", json!(if kind.namespaced { "Namespaced" } else { "Cluster" })),
        ("singularResource", json!(kind.singular)),
        ("verbs", json!(kind.verbs)),
    ]);
    for (field, words) in [("shortNames", &kind.short_names), ("categories", &kind.categories)] {
        if !words.is_empty() {
            entry.insert(field, json!(words));
        }
    }
    let subresources: Vec<Value> = kind
        .subresources
        .iter()
        .map(|sub| {
            let group = sub.group.as_deref().unwrap_or(group);
            let version = sub.version.as_deref().unwrap_or(version);
            json!({"subresource": sub.name, "verbs": sub.verbs,
                "responseKind": {"group": group, "version": version, "kind": sub.kind}})
        })
        .collect();
    if !subresources.is_empty() {
        entry.insert("subresources", Value::Array(subresources));
    }
    json!(entry)
}
