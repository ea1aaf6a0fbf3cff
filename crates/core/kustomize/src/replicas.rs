//! `replicas`: how many of a workload there should be.

use serde::Deserialize;
use serde_json::Value;

use crate::fieldspec::{Create, FieldError, FieldSpec, for_each};
use crate::lenient;
use crate::scalar::styled;

/// An entry of `replicas`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Replica {
    /// Name of the workload, current or of before, exactly.
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) name: String,
    /// How many.
    #[serde(deserialize_with = "lenient::or_default")]
    pub(crate) count: i64,
}

/// Sets the count in one object where a spec leads, whatever its name.
///
/// **Source**: kustomize `filters/replicacount`, api v0.21.2. The caller selects the objects: those of which a
/// current or previous id has the name and a kind that the spec selects; none at all for any spec is [`no_match`].
pub(crate) fn set_replicas(object: &mut Value, count: i64, spec: &FieldSpec) -> Result<(), FieldError> {
    for_each(object, spec, Create::Scalar, &mut |place| {
        if place.is_object() || place.is_array() {
            return Err("wrong node kind: expected ScalarNode".to_owned());
        }
        // An empty text is one that was just made.
        let made = place.as_str() == Some("");
        *place = if made { Value::from(count) } else { styled(place, Value::from(count)) };
        Ok(())
    })
}

/// What the peer says where no object has the name.
pub(crate) fn no_match(name: &str, specs: &[FieldSpec]) -> String {
    let kinds: Vec<String> = specs.iter().map(|spec| spec.gvk.to_string()).collect();
    format!("resource with name {name} does not match a config with the following GVK [{}]", kinds.join(" "))
}
