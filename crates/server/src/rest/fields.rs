//! `fields=`: the parts of an answer that a client wants.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::Value;

/// Longest list of fields that is read, in bytes.
const BYTES: usize = 16 << 10;

/// See the module.
///
/// **Shape**: names separated by commas, as in `items.metadata.name,items.status.sync`; lists are gone through as if they were not there.
/// The metadata of a list always comes. With a `-` before the first, all but these. **Source**: `grpc/http` of argoproj/pkg, for every method. There a list of applications
/// has a fixed choice of fields, and a name counts for all that begin with it, also in the middle of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields {
    names: BTreeSet<String>,
    without: bool,
}

impl Fields {
    /// What a query asks for; `None` where it asks for all.
    pub(super) fn of(query: &str) -> Option<Self> {
        let mut asked = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "fields");
        let text = asked.next()?.1;
        let (text, without) = text.strip_prefix('-').map_or((&*text, false), |rest| (rest, true));
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        let names: BTreeSet<String> = names.collect();
        (!names.is_empty() && text.len() <= BYTES).then_some(Self { names, without })
    }

    /// That much of an answer's text.
    pub(super) fn of_text(&self, text: &Bytes) -> Bytes {
        match serde_json::from_slice::<Value>(text) {
            Ok(mut value) => {
                let head = value.get("metadata").filter(|_| value.get("items").is_some()).cloned();
                self.cut("", &mut value);
                if let (false, Some(head), Some(map)) = (self.without, head, value.as_object_mut()) {
                    map.insert("metadata".to_owned(), head);
                }
                value.to_string().into()
            }
            Err(_) => text.clone(),
        }
    }

    fn cut(&self, path: &str, value: &mut Value) {
        match value {
            Value::Object(map) => map.retain(|name, value| {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let named = self.names.contains(&path);
                let keeps = if self.without { !named } else { named || self.leads_to(&path) };
                if keeps && !named {
                    self.cut(&path, value);
                }
                keeps
            }),
            Value::Array(list) => list.iter_mut().for_each(|value| self.cut(path, value)),
            _ => {}
        }
    }

    /// Whether something is named below this.
    fn leads_to(&self, path: &str) -> bool {
        let below = self.names.range(format!("{path}.")..).next();
        below.is_some_and(|name| name.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_has_what_is_asked_for() {
        let answer = json!({
            "metadata": {"resourceVersion": "7"},
            "items": [{"metadata": {"name": "a", "labels": {"x": "y"}}, "status": {"sync": {"status": "Synced"}, "syncs": 3}}, {"metadata": {"name": "b"}}],
        });
        let all = answer.clone();
        for (query, expected) in [
            ("", all.clone()),
            ("fields=", all),
            (
                "name=x&fields=items.metadata.name",
                json!({"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]}),
            ),
            (
                "fields=items.status.sync,metadata",
                json!({"metadata": {"resourceVersion": "7"}, "items": [{"status": {"sync": {"status": "Synced"}}}, {}]}),
            ),
            ("fields=items.none", json!({"metadata": {"resourceVersion": "7"}, "items": [{}, {}]})),
            (
                "fields=-items.metadata,items.status.sync",
                json!({"metadata": {"resourceVersion": "7"}, "items": [{"status": {"syncs": 3}}, {}]}),
            ),
            ("fields=-items", json!({"metadata": {"resourceVersion": "7"}})),
        ] {
            let text = Bytes::from(answer.to_string());
            let text = Fields::of(query).map_or_else(|| text.clone(), |fields| fields.of_text(&text));
            assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), expected, "{query}");
        }
    }
}
