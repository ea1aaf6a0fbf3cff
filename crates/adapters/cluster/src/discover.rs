//! Reads discovery: two requests where the server aggregates it, one a group version where it does not.

use std::sync::Arc;

use resource::Gvk;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    counters::Verb,
    discovery::{Discovery, ResourceKind},
    error::ClusterError,
    http::{Api, Failure},
};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// Group versions that one server may have before discovery is refused (a real cluster has some 30 to 300).
const MAX_GROUP_VERSIONS: usize = 10_000;

/// Asks the server for all kinds. A group that fails is noted in the answer; only the failure of a whole
/// request is an error.
pub(crate) async fn discover(api: &Api) -> Result<Discovery, ClusterError> {
    let mut discovery = Discovery::default();
    for root in ["/api", "/apis"] {
        let body =
            get(api, root, AGGREGATED).await.map_err(|failure| failure.into_cluster(Verb::Discover, root))?;
        let form: Form = parse(root, &body)?;
        match form.kind.as_str() {
            "APIGroupDiscoveryList" => read_aggregated(parse(root, &body)?, &mut discovery),
            "APIVersions" => {
                let legacy: CoreVersions = parse(root, &body)?;
                for version in &legacy.versions {
                    read_group_version(api, "", version, &mut discovery).await;
                }
            }
            _ => read_groups(api, parse(root, &body)?, &mut discovery).await?,
        }
    }
    Ok(discovery)
}

async fn get(api: &Api, path: &str, accept: &'static str) -> Result<bytes::Bytes, Failure> {
    api.get_bytes(Verb::Discover, path, accept).await
}

fn parse<T: DeserializeOwned>(what: &str, body: &[u8]) -> Result<T, ClusterError> {
    serde_json::from_slice(body).map_err(|error| ClusterError::Malformed {
        what: format!("discovery at {what}"),
        message: error.to_string(),
    })
}

async fn read_groups(api: &Api, groups: GroupList, discovery: &mut Discovery) -> Result<(), ClusterError> {
    let total: usize = groups.groups.iter().map(|group| group.versions.len()).sum();
    if total > MAX_GROUP_VERSIONS {
        let message = format!("{total} group versions, more than {MAX_GROUP_VERSIONS}");
        return Err(ClusterError::Malformed { what: "discovery at /apis".to_owned(), message });
    }
    for group in groups.groups {
        let preferred = group.preferred_version.version;
        let (first, rest): (Vec<_>, Vec<_>) =
            group.versions.into_iter().partition(|v| v.version == preferred);
        for version in first.iter().chain(&rest) {
            read_group_version(api, &group.name, &version.version, discovery).await;
        }
    }
    Ok(())
}

async fn read_group_version(api: &Api, group: &str, version: &str, discovery: &mut Discovery) {
    let path = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    let resources = match get(api, &path, "application/json").await {
        Ok(body) => parse::<ResourceList>(&path, &body).map_err(|error| error.to_string()),
        Err(failure) => Err(failure.to_string()),
    };
    let resources = match resources {
        Ok(list) => list.resources,
        Err(reason) => return discovery.fail(group, format!("{version}: {reason}")),
    };
    let subresources = |plural: &str| {
        let of = |name: &str| name.strip_prefix(plural)?.strip_prefix('/').map(str::to_owned);
        resources.iter().filter_map(|resource| of(&resource.name)).collect()
    };
    for resource in resources.iter().filter(|resource| !resource.name.contains('/')) {
        discovery.add(ResourceKind {
            gvk: Arc::new(Gvk::new(group, version, resource.kind.clone())),
            subresources: subresources(&resource.name),
            plural: resource.name.clone(),
            singular: resource.singular_name.clone(),
            short_names: resource.short_names.clone(),
            namespaced: resource.namespaced,
            verbs: resource.verbs.iter().cloned().collect(),
        });
    }
}

fn read_aggregated(list: AggregatedList, discovery: &mut Discovery) {
    for group in list.items {
        let name = group.metadata.name;
        for version in group.versions {
            if version.freshness == "Stale" {
                discovery.fail(
                    &name,
                    format!("{}: its server cannot be reached, what is known is stale", version.version),
                );
            }
            for resource in version.resources {
                let kind = resource.response_kind.unwrap_or_default();
                // A placeholder for subresources whose parent is served by nobody.
                if kind.kind.is_empty() {
                    continue;
                }
                discovery.add(ResourceKind {
                    gvk: Arc::new(Gvk::new(name.clone(), version.version.clone(), kind.kind)),
                    plural: resource.resource,
                    singular: resource.singular_resource,
                    short_names: resource.short_names,
                    namespaced: resource.scope == "Namespaced",
                    verbs: resource.verbs.into_iter().collect(),
                    subresources: resource.subresources.into_iter().map(|sub| sub.subresource).collect(),
                });
            }
        }
    }
}

#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    kind: String,
}

#[derive(Deserialize)]
struct CoreVersions {
    #[serde(default)]
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct GroupList {
    #[serde(default)]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    #[serde(default)]
    versions: Vec<GroupVersion>,
    #[serde(default)]
    preferred_version: GroupVersion,
}

#[derive(Deserialize, Default)]
struct GroupVersion {
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    name: String,
    kind: String,
    #[serde(default)]
    singular_name: String,
    #[serde(default)]
    namespaced: bool,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
}

#[derive(Deserialize)]
struct AggregatedList {
    #[serde(default)]
    items: Vec<AggregatedGroup>,
}

#[derive(Deserialize)]
struct AggregatedGroup {
    #[serde(default)]
    metadata: Named,
    #[serde(default)]
    versions: Vec<AggregatedVersion>,
}

#[derive(Deserialize, Default)]
struct Named {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct AggregatedVersion {
    version: String,
    #[serde(default)]
    freshness: String,
    #[serde(default)]
    resources: Vec<AggregatedResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AggregatedResource {
    resource: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    subresources: Vec<Subresource>,
}

#[derive(Deserialize, Default)]
struct ResponseKind {
    #[serde(default)]
    kind: String,
}

#[derive(Deserialize)]
struct Subresource {
    subresource: String,
}
