//! `labels`, `commonLabels` and `commonAnnotations`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::Error;
use crate::fieldspec::{Create, FieldSpec, for_each};
use crate::resource::Resource;
use crate::scalar::{UNWRITABLE_KEY, is_text};

/// Adds entries to the maps that the specs lead to.
///
/// **Source**: kustomize `filters/labels`, api v0.21.2. A key that YAML does not take for a text cannot be written by the peer, so that the
/// build fails in the end.
pub(crate) fn add(
    resource: &mut Resource,
    pairs: &BTreeMap<String, String>,
    specs: &[FieldSpec],
) -> Result<(), Error> {
    if pairs.is_empty() {
        return Ok(());
    }
    let mut flawed = false;
    let kind = resource.kind().to_owned();
    for spec in specs.iter().filter(|spec| spec.gvk.kind.is_empty() || spec.gvk.kind == kind) {
        let mut put = |place: &mut Value| match place {
            Value::Object(map) => {
                for (key, value) in pairs {
                    if map.insert(key.clone(), Value::from(value.as_str())).is_none() {
                        flawed |= !is_text(key);
                    }
                }
                Ok(())
            }
            Value::Null => Ok(()),
            other => Err(crate::scalar::wrong_node(crate::scalar::MAPPING, other)),
        };
        for_each(&mut resource.body, spec, Create::Map, &mut put)
            .map_err(|error| Error::invalid(error.to_string()))?;
    }
    if flawed && resource.flaw.is_none() {
        resource.flaw = Some(UNWRITABLE_KEY.to_owned());
    }
    Ok(())
}
