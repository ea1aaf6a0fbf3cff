//! What a project looks like.

use serde_json::Value;

use super::super::account::{list, text};
use crate::table::Table;

const NONE: &str = "<none>";

pub(super) fn table(projects: &[Value]) -> Table {
    let mut table = Table::new(&[
        "NAME",
        "DESCRIPTION",
        "DESTINATIONS",
        "SOURCES",
        "CLUSTER-RESOURCE-WHITELIST",
        "NAMESPACE-RESOURCE-BLACKLIST",
        "SIGNATURE-KEYS",
        "ORPHANED-RESOURCES",
        "DESTINATION-SERVICE-ACCOUNTS",
    ]);
    for project in projects {
        let spec = &project["spec"];
        let counted = |field: &str, one: fn(&Value) -> Option<String>, many: &str| match list(&spec[field]) {
            [] => NONE.to_owned(),
            [only] => one(only).unwrap_or_else(|| format!("1 {many}")),
            more => format!("{} {many}", more.len()),
        };
        let account =
            |rule: &Value| Some(format!("{},{}", destination(rule), text(&rule["defaultServiceAccount"])));
        let cells = [
            text(&project["metadata"]["name"]).to_owned(),
            text(&spec["description"]).to_owned(),
            counted("destinations", |dest| Some(destination(dest)), "destinations"),
            counted("sourceRepos", |url| Some(text(url).to_owned()), "repos"),
            counted("clusterResourceWhitelist", |item| Some(kind(item)), "resources"),
            counted("namespaceResourceBlacklist", |_| None, "resources"),
            counted("signatureKeys", |_| None, "key(s)"),
            orphans(spec),
            counted("destinationServiceAccounts", account, "destinationServiceAccounts"),
        ];
        table.row(cells.into_iter().map(Into::into).collect());
    }
    table
}

/// A project with the repositories and clusters that are its own, a line each.
pub(super) fn lines(all: &Value) -> Vec<String> {
    let project = &all["project"];
    let spec = &project["spec"];
    let texts =
        |values: &Value, one: fn(&Value) -> String| -> Vec<String> { list(values).iter().map(one).collect() };
    let own = |value: &Value| text(value).to_owned();
    let keys: Vec<&str> = list(&spec["signatureKeys"]).iter().map(|key| text(&key["keyID"])).collect();
    let rows: [(&str, Vec<String>); 10] = [
        ("Name:", vec![own(&project["metadata"]["name"])]),
        ("Description:", vec![own(&spec["description"])]),
        ("Destinations:", texts(&spec["destinations"], destination)),
        ("Repositories:", texts(&spec["sourceRepos"], own)),
        ("Source Namespaces:", texts(&spec["sourceNamespaces"], own)),
        (
            "Scoped Repositories:",
            texts(&all["repositories"], |repository| text(&repository["repo"]).to_owned()),
        ),
        ("Allowed Cluster Resources:", texts(&spec["clusterResourceWhitelist"], kind)),
        ("Scoped Clusters:", texts(&all["clusters"], |cluster| text(&cluster["server"]).to_owned())),
        ("Denied Namespaced Resources:", texts(&spec["namespaceResourceBlacklist"], kind)),
        ("Signature keys:", if keys.is_empty() { Vec::new() } else { vec![keys.join(", ")] }),
    ];
    let mut out = Vec::new();
    for (title, values) in rows {
        let mut values = values.into_iter();
        out.push(format!("{title:<29}{}", values.next().unwrap_or_else(|| NONE.to_owned())));
        out.extend(values.map(|value| format!("{:<29}{value}", "")));
    }
    out.push(format!("{:<29}{}", "Orphaned Resources:", orphans(spec)));
    out
}

fn destination(value: &Value) -> String {
    format!("{},{}", text(&value["server"]), text(&value["namespace"]))
}

fn kind(value: &Value) -> String {
    format!("{}/{}", text(&value["group"]), text(&value["kind"]))
}

fn orphans(spec: &Value) -> String {
    let settings = &spec["orphanedResources"];
    if settings.is_null() {
        return "disabled".to_owned();
    }
    let warn = settings["warn"].as_bool().unwrap_or_default();
    match list(&settings["ignore"]).len() {
        0 => format!("enabled (warn={warn})"),
        ignored => format!("enabled (warn={warn}, ignored {ignored})"),
    }
}
