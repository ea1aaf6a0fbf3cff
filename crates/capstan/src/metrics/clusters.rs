//! What is counted of clusters, by the peer's names and labels where it has them.

use applications::ClusterFigures;

use tally::Exposition;

/// **Source**: the peer's `clustercollector.go`, 3.2. A cache that is kept by watches has the age of its connection; as in the peer,
/// -1 stands for a cluster that was never reached.
pub(super) fn write(page: &mut Exposition, clusters: &[ClusterFigures]) {
    page.head("argocd_cluster_info", "gauge", "Information about cluster.");
    for c in clusters {
        let labels = [("k8s_version", short(&c.version)), ("name", &c.name), ("server", &c.server)];
        page.line("argocd_cluster_info", &labels, 1);
    }
    let name = "argocd_cluster_connection_status";
    page.head(name, "gauge", "The k8s cluster current connection status.");
    for c in clusters {
        let labels = [("k8s_version", short(&c.version)), ("server", &c.server)];
        page.line(name, &labels, u8::from(c.connected));
    }
    let known = || clusters.iter().filter_map(|c| Some(c).zip(c.counters.as_ref()));
    let name = "argocd_cluster_api_resources";
    page.head(name, "gauge", "Number of monitored Kubernetes API resources.");
    for (c, counters) in known() {
        page.line(name, &[("server", &c.server)], counters.kinds);
    }
    let name = "argocd_cluster_api_resource_objects";
    page.head(name, "gauge", "Number of k8s resource objects in the cache.");
    for (c, counters) in known() {
        page.line(name, &[("server", &c.server)], counters.objects);
    }
    let name = "argocd_cluster_cache_age_seconds";
    page.head(name, "gauge", "Cluster cache age in seconds.");
    for c in clusters {
        let age = c.counters.as_ref().and_then(|counters| i64::try_from(counters.age.as_secs()).ok());
        page.line(name, &[("server", &c.server)], age.unwrap_or(-1));
    }
    let name = "argocd_cluster_events_total";
    page.head(name, "counter", "Number of processes k8s resource events.");
    for (c, counters) in known() {
        for (kind, count) in &counters.events {
            let labels = [("group", &*kind.group), ("kind", &*kind.kind), ("server", &*c.server)];
            page.line(name, &labels, count);
        }
    }
    let name = "capstan_cluster_untold_total";
    page.head(name, "counter", "Times that a list showed what a watch had not told.");
    for (c, counters) in known() {
        page.line(name, &[("server", &c.server)], counters.untold);
    }
}

/// Major and minor number alone, as the peer's version of a cluster.
fn short(version: &str) -> &str {
    let version = version.trim_start_matches('v');
    let end = version.match_indices('.').nth(1).map_or(version.len(), |(at, _)| at);
    version.get(..end).unwrap_or(version)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use applications::Counters;
    use resource::GroupKind;

    use super::*;

    #[test]
    fn a_cluster_that_was_never_reached_is_there_and_not_connected() {
        let counters = Counters {
            kinds: 60,
            objects: 1234,
            age: Duration::from_secs(7),
            untold: 2,
            events: BTreeMap::from([(GroupKind::new("apps", "Deployment"), 5)]),
            ..Counters::default()
        };
        let here = ClusterFigures {
            server: "https://here".to_owned(),
            name: "in-cluster".to_owned(),
            version: "v1.34.4+k3s1".to_owned(),
            connected: true,
            counters: Some(counters),
        };
        let away = ClusterFigures {
            server: "https://far".to_owned(),
            name: "far".to_owned(),
            ..ClusterFigures::default()
        };
        let mut page = Exposition::default();
        write(&mut page, &[here, away]);
        let text = page.into_text();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            lines,
            [
                r#"argocd_cluster_info{k8s_version="1.34",name="in-cluster",server="https://here"} 1"#,
                r#"argocd_cluster_info{k8s_version="",name="far",server="https://far"} 1"#,
                r#"argocd_cluster_connection_status{k8s_version="1.34",server="https://here"} 1"#,
                r#"argocd_cluster_connection_status{k8s_version="",server="https://far"} 0"#,
                r#"argocd_cluster_api_resources{server="https://here"} 60"#,
                r#"argocd_cluster_api_resource_objects{server="https://here"} 1234"#,
                r#"argocd_cluster_cache_age_seconds{server="https://here"} 7"#,
                r#"argocd_cluster_cache_age_seconds{server="https://far"} -1"#,
                r#"argocd_cluster_events_total{group="apps",kind="Deployment",server="https://here"} 5"#,
                r#"capstan_cluster_untold_total{server="https://here"} 2"#,
            ]
        );
    }
}
