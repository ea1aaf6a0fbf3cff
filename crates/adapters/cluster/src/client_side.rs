//! Apply as kubectl does it on the client: a three-way patch between what was last applied, what is wanted, and
//! what is there.

use resource::Object;
use serde_json::{Map, Value};

use crate::{cluster::Cluster, error::WriteError, options::ApplyOptions, write::Applied};

const STRATEGIC: &str = "application/strategic-merge-patch+json";
const MERGE: &str = "application/merge-patch+json";
/// Tries against changes of others. Source: kubectl's `maxPatchRetry`.
const MAX_TRIES: u32 = 5;

pub(crate) async fn apply(
    cluster: &Cluster,
    object: &Object,
    options: &ApplyOptions,
) -> Result<Applied, WriteError> {
    let desired = annotated(object);
    let mut tries = 0;
    loop {
        tries += 1;
        let result = match cluster.live_of(object).await? {
            None => cluster.post(&desired, options).await,
            Some(live) => {
                let (form, patch) = patch(&desired, &live)?;
                if patch.as_object().is_some_and(Map::is_empty) {
                    return Ok(Applied { object: live, warnings: Vec::new(), created: false, sent: false });
                }
                cluster.patch_object(&desired, form, &patch, options).await
            }
        };
        match result {
            Err(
                WriteError::Precondition { .. }
                | WriteError::AlreadyExists { .. }
                | WriteError::NotFound { .. },
            ) if tries < MAX_TRIES => {}
            other => return other,
        }
    }
}

/// The manifest with itself in the annotation, as kubectl writes it: one line, and a line end.
fn annotated(object: &Object) -> Object {
    let mut plain = object.clone();
    plain.remove_annotation(merge::LAST_APPLIED);
    plain.metadata_mut().remove("managedFields");
    let text = format!("{}\n", plain.to_value());
    plain.set_annotation(merge::LAST_APPLIED, text);
    plain
}

fn patch(desired: &Object, live: &Object) -> Result<(&'static str, Value), WriteError> {
    // An annotation that cannot be read counts as none: nothing is deleted on its word.
    let original = live.annotation(merge::LAST_APPLIED).and_then(|text| serde_json::from_str(text).ok());
    let original = original.unwrap_or_else(|| Value::Object(Map::new()));
    let (form, schema) = match merge::Schemas::builtin().get(&desired.gvk()) {
        Some(schema) => (STRATEGIC, schema.clone()),
        None => (MERGE, merge::deduced()),
    };
    let patch = merge::three_way_strategic(&schema, &original, &desired.to_value(), &live.to_value());
    // The cause may quote values, and a Secret comes this way, too.
    patch.map(|patch| (form, patch)).map_err(|_| WriteError::Invalid {
        key: Box::new(desired.key()),
        message: "no patch leads from the live object to the manifest".to_owned(),
        causes: Vec::new(),
        malformed: false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn built_in_kinds_are_patched_by_their_merge_keys_and_others_as_plain_json() {
        let object = |api_version: &str, kind: &str, images: &[(&str, &str)], last: Option<Value>| {
            let containers: Vec<_> =
                images.iter().map(|(name, image)| json!({"name": name, "image": image})).collect();
            let mut object = Object::from_value(
                json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"},
                "spec": {"containers": containers}}),
            )
            .unwrap();
            if let Some(last) = last {
                object.set_annotation(merge::LAST_APPLIED, last.to_string());
            }
            object
        };
        for (row, api_version, kind, form, containers) in [
            ("built in", "v1", "Pod", STRATEGIC, json!([{"name": "web", "image": "2"}])),
            ("custom", "demo.io/v1", "Widget", MERGE, json!([{"name": "web", "image": "2"}])),
        ] {
            let last = object(api_version, kind, &[("web", "1"), ("old", "1")], None).to_value();
            let live =
                object(api_version, kind, &[("web", "1"), ("old", "1"), ("injected", "1")], Some(last));
            let desired = annotated(&object(api_version, kind, &[("web", "2")], None));
            let (got, patch) = patch(&desired, &live).unwrap();
            assert_eq!(got, form, "{row}");
            let list = patch["spec"]["containers"].as_array().unwrap();
            let set: Vec<_> = list.iter().filter(|item| item.get("$patch").is_none()).cloned().collect();
            assert_eq!(Value::Array(set), containers, "{row}");
            let deletes: Vec<_> = list.iter().filter(|item| item.get("$patch").is_some()).collect();
            assert_eq!(
                deletes.len(),
                usize::from(form == STRATEGIC),
                "{row}: only what was applied before goes"
            );
        }
    }

    #[test]
    fn the_annotation_holds_the_manifest_without_itself() {
        let object = Object::from_value(json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a",
            "annotations": {merge::LAST_APPLIED: "old"}, "managedFields": []}}))
        .unwrap();
        let annotated = annotated(&object);
        assert_eq!(
            annotated.annotation(merge::LAST_APPLIED),
            Some("{\"apiVersion\":\"v1\",\"kind\":\"A\",\"metadata\":{\"name\":\"a\"}}\n")
        );
    }
}
