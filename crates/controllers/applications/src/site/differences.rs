//! What an object would become if it were applied.

use compare::Verdict;
use resource::{Object, ResourceKey};
use serde_json::{Map, Value};

use super::Site;
use super::act::ActError;
use crate::assess::dry_run;

/// Characters of the placeholders for secret values, of which there are at least so many.
const PLACEHOLDER: usize = 8;

/// Both sides of an object, with placeholders for what is secret; `None` where there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicted {
    /// What it would be, or is where nothing is wanted of it.
    pub target: Option<Value>,
    /// What it is.
    pub live: Option<Value>,
    /// Whether they differ.
    pub modified: bool,
    /// The version that was looked at.
    pub resource_version: String,
}

impl Site {
    /// What one of the application's own objects would become, by a dry run of the server. `shown` is the live object as the caller was
    /// shown it: a placeholder in `target` stands for the value that it has there, if that has the same placeholder.
    ///
    /// **Source**: the peer's `Server.ServerSideDiff`, which believes the caller what is live.
    pub async fn predict(
        &self,
        key: &ResourceKey,
        target: Option<Object>,
        shown: Option<&Object>,
    ) -> Result<Predicted, ActError> {
        let (rules, _) = crate::rules::compile(&self.app, &self.view.settings.settings);
        let live = match self.view.to.cluster.get(key) {
            Some(live) => Some(self.read(&live, target.as_ref().map_or("", |target| version(target))).await?),
            None => None,
        };
        let resource_version =
            live.as_ref().map(|live| live.resource_version().to_owned()).unwrap_or_default();
        let masked = |desired: Option<&Object>, live: Option<&Object>| compare::mask(desired, live, &rules);
        let Some(mut target) = target else {
            let live = masked(None, live.as_ref()).1.map(Object::into_value);
            return Ok(Predicted { target: None, modified: live.is_some(), live, resource_version });
        };
        if let Some(live) = &live {
            restore(&mut target, live, shown);
        }
        let predicted = dry_run(self.writer()?, &target, live.as_ref(), &rules).await?;
        let Some(live) = live else {
            let target = masked(Some(&predicted), None).0.map(Object::into_value);
            return Ok(Predicted { target, live: None, modified: true, resource_version });
        };
        let modified = compare::compare_predicted(&live, &predicted, &rules) != Verdict::Synced;
        let (target, live) = compare::normalized(&predicted, &live, &rules);
        Ok(Predicted { target: Some(target), live: Some(live), modified, resource_version })
    }
}

/// The version of an object's kind.
fn version(object: &Object) -> &str {
    object.api_version().rsplit('/').next().unwrap_or_default()
}

/// Puts live values in the place of placeholders of a Secret that the caller was shown as equal.
fn restore(target: &mut Object, live: &Object, shown: Option<&Object>) {
    if !(target.kind() == "Secret" && target.api_version() == "v1") {
        return;
    }
    let data = |object: &Object, name: &str| object.as_map().get("data")?.get(name).cloned();
    let is_placeholder = |value: &Value| {
        value.as_str().is_some_and(|text| text.len() >= PLACEHOLDER && text.bytes().all(|byte| byte == b'+'))
    };
    let mut known = Map::new();
    for field in ["stringData", "data"] {
        let Some(wanted) = target.as_map_mut().get_mut(field).and_then(Value::as_object_mut) else {
            continue;
        };
        wanted.retain(|name, value| {
            let same =
                is_placeholder(value) && shown.and_then(|shown| data(shown, name)).as_ref() == Some(&*value);
            let own = data(live, name).filter(|_| same);
            own.map(|own| known.insert(name.clone(), own)).is_none()
        });
    }
    if !known.is_empty() {
        let data = target.as_map_mut().entry("data").or_insert_with(|| Value::Object(Map::new()));
        if let Some(data) = data.as_object_mut() {
            data.extend(known);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_placeholder_is_the_value_that_was_shown_as_equal() {
        let secret = |data: Value| {
            Object::from_value(
                json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": data}),
            )
            .unwrap()
        };
        let live = secret(json!({"a": "QQ==", "b": "Qg=="}));
        for (row, target, shown, expected) in [
            ("equal", json!({"a": "++++++++"}), json!({"a": "++++++++"}), json!({"a": "QQ=="})),
            ("different", json!({"b": "++++++++"}), json!({"b": "+++++++++"}), json!({"b": "++++++++"})),
            ("a value", json!({"a": "Wg=="}), json!({"a": "++++++++"}), json!({"a": "Wg=="})),
            ("not there", json!({"c": "++++++++"}), json!({"c": "++++++++"}), json!({"c": "++++++++"})),
        ] {
            let mut target = secret(target);
            restore(&mut target, &live, Some(&secret(shown)));
            assert_eq!(target.as_map().get("data"), Some(&expected), "{row}");
        }
        let mut target = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
        target["stringData"] = json!({"a": "++++++++", "b": "other"});
        let mut target = Object::from_value(target).unwrap();
        restore(&mut target, &live, Some(&secret(json!({"a": "++++++++"}))));
        assert_eq!(target.as_map().get("data"), Some(&json!({"a": "QQ=="})));
        assert_eq!(target.as_map().get("stringData"), Some(&json!({"b": "other"})));
    }
}
