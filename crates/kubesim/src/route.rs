//! From a path to what is asked for.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    registry::{Kind, Registry},
    status::{ApiError, ApiResult},
};

/// A request's query, decoded; of repeated parameters the last one counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|p| !p.is_empty());
        Self(
            pairs
                .map(|p| p.split_once('=').unwrap_or((p, "")))
                .map(|(k, v)| (decode(k, true), decode(v, true)))
                .collect(),
        )
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// `true`, `1`; anything else is false.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), "true" | "1" | "True" | "TRUE" | "t" | "T")
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.get(name).parse().ok()
    }
}

/// All values of a parameter that may be there several times.
pub(crate) fn repeated(query: &str, name: &str) -> Vec<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| decode(key, true) == name).map(|(_, value)| decode(value, true)).collect()
}

/// Percent-decodes; what is malformed stays as it is.
fn decode(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = bytes.get(at + 1..at + 3).and_then(|h| std::str::from_utf8(h).ok());
        match (byte, code.and_then(|h| u8::from_str_radix(h, 16).ok())) {
            (b'%', Some(code)) => {
                out.push(code);
                at += 2;
            }
            (b'+', _) if plus => out.push(b' '),
            (other, _) => out.push(*other),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What a path names.
#[derive(Debug, Clone)]
pub(crate) enum Route {
    /// Objects of a kind.
    Resource(Target),
    /// Anything else: `/version`, `/apis/apps`, … as segments.
    Other(Vec<String>),
}

/// Objects of a kind: all, those in a namespace, or one.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) kind: Arc<Kind>,
    /// Empty for all namespaces or for a cluster-wide kind.
    pub(crate) namespace: String,
    /// Empty for the collection.
    pub(crate) name: String,
    /// Empty for the object itself.
    pub(crate) subresource: String,
}

/// Reads a path.
pub(crate) fn parse(registry: &Registry, path: &str) -> ApiResult<Route> {
    let segments: Vec<String> = path.split('/').filter(|s| !s.is_empty()).map(|s| decode(s, false)).collect();
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (group, version, rest) = match words.as_slice() {
        ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
        ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
        _ => return Ok(Route::Other(segments)),
    };
    let find = |plural: &str| registry.find(group, version, plural);
    let target = |plural: &str, namespace: &str, rest: &[&str]| -> ApiResult<Route> {
        let kind = find(plural).ok_or_else(ApiError::no_such_resource)?;
        let (name, subresource) = match rest {
            [] => ("", String::new()),
            [name] => (*name, String::new()),
            [name, sub @ ..] => (*name, sub.join("/")),
        };
        Ok(Route::Resource(Target {
            kind: Arc::clone(kind),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            subresource,
        }))
    };
    match rest {
        // A namespace's own subresources look like collections inside of it.
        ["namespaces", name, sub @ ("status" | "finalize")] if group.is_empty() => {
            target("namespaces", "", &[name, sub])
        }
        ["namespaces", namespace, plural, rest @ ..] => {
            if find(plural).is_some_and(|kind| !kind.namespaced) {
                return Err(ApiError::no_such_resource());
            }
            target(plural, namespace, rest)
        }
        [plural, rest @ ..] => {
            if !rest.is_empty() && find(plural).is_some_and(|kind| kind.namespaced) {
                return Err(ApiError::no_such_resource());
            }
            target(plural, "", rest)
        }
        [] => Ok(Route::Other(segments)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_objects() {
        let registry = Registry::built_in();
        for (path, expected) in [
            ("/api/v1/pods", "pods |  |  | "),
            ("/api/v1/namespaces/a", "namespaces |  | a | "),
            ("/api/v1/namespaces/a/status", "namespaces |  | a | status"),
            ("/api/v1/namespaces/a/pods/b/log", "pods | a | b | log"),
            (
                "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
                "clusterroles |  | system:node | ",
            ),
        ] {
            let Route::Resource(t) = parse(&registry, path).unwrap() else { panic!("{path}") };
            let got = format!("{} | {} | {} | {}", t.kind.plural, t.namespace, t.name, t.subresource);
            assert_eq!(got, expected);
        }
        for path in ["/api/v1/foos", "/api/v1/pods/a", "/api/v1/namespaces/a/nodes", "/apis/none/v1/foos"] {
            assert_eq!(parse(&registry, path).unwrap_err().code, 404, "{path}");
        }
        assert!(matches!(parse(&registry, "/apis/apps").unwrap(), Route::Other(s) if s == ["apis", "apps"]));
    }

    #[test]
    fn queries_are_decoded() {
        let query = Query::parse("labelSelector=a%3Db%2Cc+in+%28d%29&watch=1&x");
        assert_eq!(query.get("labelSelector"), "a=b,c in (d)");
        assert!(query.flag("watch") && query.has("x"));
    }
}
