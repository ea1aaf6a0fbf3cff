//! `namePrefix` and `nameSuffix`.

use serde_json::Value;

use crate::error::Error;
use crate::fieldspec::{Create, FieldSpec, for_each};
use crate::patch::scalar_text;
use crate::resource::{Resource, Scopes};
use crate::resources::Resources;

/// The field whose change is a new name.
const NAME: &str = "metadata/name";

/// Puts a prefix or a suffix to the names of all resources but definitions, API services and namespaces.
///
/// **Source**: kustomize `PrefixTransformer` and `SuffixTransformer`, api v0.21.2.
pub(crate) fn apply(
    resources: &mut Resources,
    prefix: &str,
    suffix: &str,
    specs: &[FieldSpec],
    scopes: &Scopes<'_>,
) -> Result<(), Error> {
    for resource in resources.list_mut() {
        let id = resource.original_id();
        let (group, kind) = (id.gvk.group.as_str(), id.gvk.kind.as_str());
        let skipped = matches!(kind, "CustomResourceDefinition" | "Namespace")
            || (group == "apiregistration.k8s.io" && kind == "APIService");
        if skipped {
            continue;
        }
        for spec in specs.iter().filter(|spec| id.gvk.is_selected(&spec.gvk)) {
            if spec.path == NAME {
                remember(resource, prefix, suffix, scopes);
            }
            let mut put = |place: &mut Value| match place {
                Value::Object(_) | Value::Array(_) => {
                    Err(crate::scalar::wrong_node(crate::scalar::SCALAR, place))
                }
                place => {
                    let text = if place.is_null() { "".into() } else { scalar_text(place) };
                    *place = Value::String(format!("{prefix}{text}{suffix}"));
                    Ok(())
                }
            };
            for_each(&mut resource.body, spec, Create::Scalar, &mut put)
                .map_err(|error| Error::invalid(error.to_string()))?;
        }
    }
    Ok(())
}

fn remember(resource: &mut Resource, prefix: &str, suffix: &str, scopes: &Scopes<'_>) {
    if prefix.is_empty() && suffix.is_empty() {
        return;
    }
    if !prefix.is_empty() {
        resource.prefixes.push(prefix.to_owned());
    }
    if !suffix.is_empty() {
        resource.suffixes.push(suffix.to_owned());
    }
    resource.remember_id(scopes);
}
