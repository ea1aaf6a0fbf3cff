//! CustomResourceDefinitions: what they must look like, and the kinds that they add.

use std::sync::Arc;

use merge::Operation;
use serde_json::{Map, Value, json};

use crate::{
    convert,
    fields::Writer,
    gc,
    registry::{Kind, Subresource, version_rank},
    service::Context,
    sim::KubeSim,
    status::{ApiError, ApiResult, FieldError, qualified},
    store::{Id, Key, State, Stored},
};

const GROUP: &str = "apiextensions.k8s.io";
const STORAGE: &str = "customresourcedefinitions.apiextensions.k8s.io";
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";
/// Most versions in one definition.
const MAX_VERSIONS: usize = 64;

/// What one version of a definition says.
#[derive(Debug)]
pub(crate) struct CrdVersion {
    pub(crate) list_kind: String,
    pub(crate) merge_type: merge::TypeRef,
    pub(crate) preserves_unknown: bool,
    /// Paths without the leading dot.
    pub(crate) selectable_fields: Vec<String>,
    pub(crate) columns: Vec<Column>,
    /// `openAPIV3Schema` as written.
    pub(crate) schema: Value,
    pub(crate) scale: Option<ScalePaths>,
    /// Name of the definition.
    pub(crate) definition: String,
}

/// Where a custom kind keeps what `/scale` shows; JSON paths with the leading dot.
#[derive(Debug, Clone)]
pub(crate) struct ScalePaths {
    pub(crate) spec: String,
    pub(crate) status: String,
    pub(crate) selector: Option<String>,
}

/// One of `additionalPrinterColumns`.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) json_path: String,
    pub(crate) kind: String,
    pub(crate) format: String,
    pub(crate) description: String,
    pub(crate) priority: i64,
}

pub(crate) fn is_definition(kind: &Kind) -> bool {
    &*kind.storage == STORAGE
}

/// Charts bring their webhooks along; so these can be there, and nobody calls them.
fn is_webhooks(kind: &Kind) -> bool {
    matches!(
        &*kind.storage,
        "mutatingwebhookconfigurations.admissionregistration.k8s.io"
            | "validatingwebhookconfigurations.admissionregistration.k8s.io"
    )
}

/// Looks at what is about to be written: definitions that cannot be served, and what the simulator does not do.
pub(crate) fn admit(
    context: &mut Context,
    kind: &Kind,
    object: &Value,
    live: Option<&Value>,
) -> ApiResult<()> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    if is_webhooks(kind) {
        let hooks = object["webhooks"].as_array().map_or(0, Vec::len);
        if hooks > 0 {
            context.warnings.push(format!(
                "the Kubernetes simulator does not call admission webhooks: the {hooks} of {name} are kept and ignored"
            ));
        }
        return Ok(());
    }
    if kind.group == "admissionregistration.k8s.io" {
        let error = FieldError::forbidden(
            "kind",
            format!("the Kubernetes simulator does not run admission policies; {} is not stored", kind.kind),
        );
        return Err(ApiError::invalid(kind, name, &[error]));
    }
    if !is_definition(kind) {
        return Ok(());
    }
    let mut errors = Vec::new();
    check(object, live, &mut errors);
    let mut rules = false;
    for (at, version) in versions(object).iter().enumerate() {
        let schema = &version["schema"]["openAPIV3Schema"];
        let field = format!("spec.versions[{at}].schema.openAPIV3Schema");
        if schema.is_null() {
            errors.push(FieldError::required(field, "schemas are required"));
            continue;
        }
        if let Err(error) = merge::type_from_crd(schema) {
            let path = if error.path.starts_with('.') { format!("{field}{}", error.path) } else { field };
            errors.push(FieldError::raw(path, error.reason));
        }
        rules |= mentions_rules(schema);
    }
    if !errors.is_empty() {
        return Err(ApiError::invalid(kind, name, &errors));
    }
    if rules {
        context.warnings.push(format!(
            "the Kubernetes simulator does not evaluate x-kubernetes-validations (CEL): the rules of {name} are kept \
             and ignored"
        ));
    }
    Ok(())
}

fn versions(object: &Value) -> &[Value] {
    object["spec"]["versions"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn check(object: &Value, live: Option<&Value>, errors: &mut Vec<FieldError>) {
    let spec = &object["spec"];
    let text = |field: &str| spec["names"][field].as_str().unwrap_or_default();
    let group = spec["group"].as_str().unwrap_or_default();
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let expected = format!("{}.{group}", text("plural"));
    if name != expected {
        errors.push(FieldError::invalid(
            "metadata.name",
            json!(name),
            "must be spec.names.plural+\".\"+spec.group",
        ));
    }
    if group.is_empty() {
        errors.push(FieldError::required("spec.group", ""));
    }
    match spec["scope"].as_str() {
        Some("Namespaced" | "Cluster") => {}
        None | Some("") => errors.push(FieldError::required("spec.scope", "")),
        Some(other) => {
            errors.push(FieldError::not_supported("spec.scope", json!(other), &["Cluster", "Namespaced"]))
        }
    }
    for field in ["plural", "kind"] {
        if text(field).is_empty() {
            errors.push(FieldError::required(format!("spec.names.{field}"), ""));
        }
    }
    let versions = versions(object);
    if versions.len() > MAX_VERSIONS {
        errors.push(FieldError::too_many("spec.versions", versions.len(), MAX_VERSIONS));
    }
    let storing = versions.iter().filter(|v| v["storage"] == true).count();
    if storing != 1 {
        errors.push(FieldError::invalid(
            "spec.versions",
            spec["versions"].clone(),
            "must have exactly one version marked as storage version",
        ));
    }
    if spec["conversion"]["strategy"] == "Webhook" {
        errors.push(FieldError::invalid(
            "spec.conversion.strategy",
            json!("Webhook"),
            "the Kubernetes simulator does not run conversion webhooks",
        ));
    }
    if spec["preserveUnknownFields"] == true {
        errors.push(FieldError::invalid(
            "spec.preserveUnknownFields",
            json!(true),
            "must be false in order to use defaults in the schema",
        ));
    }
    if let Some(live) = live {
        for field in ["group", "scope"] {
            if live["spec"][field] != spec[field] {
                errors.push(FieldError::invalid(
                    format!("spec.{field}"),
                    spec[field].clone(),
                    "field is immutable",
                ));
            }
        }
        for field in ["plural", "kind"] {
            if live["spec"]["names"][field] != spec["names"][field] {
                let value = spec["names"][field].clone();
                errors.push(FieldError::invalid(format!("spec.names.{field}"), value, "field is immutable"));
            }
        }
    }
}

/// Whether some level of a schema has CEL rules.
fn mentions_rules(schema: &Value) -> bool {
    let mut queue = vec![schema];
    while let Some(value) = queue.pop() {
        match value {
            Value::Object(map) => {
                if map.get("x-kubernetes-validations").is_some_and(Value::is_array) {
                    return true;
                }
                queue.extend(map.values());
            }
            Value::Array(items) => queue.extend(items),
            _ => {}
        }
    }
    false
}

/// Makes a definition's kinds served, and says so in its status.
pub(crate) fn register(state: &mut State, stored: &Stored) {
    let object = Value::Object(stored.object());
    let kinds = kinds(&object);
    let name = stored.key.name.clone();
    let registry = state
        .registry
        .with_custom(|kind| kind.custom.as_ref().is_none_or(|custom| custom.definition != name), kinds);
    state.registry = Arc::new(registry);
    if !stored.deleting {
        establish(state, stored, object);
    }
}

/// What the server's controllers write when a definition is served.
fn establish(state: &mut State, stored: &Stored, mut object: Value) {
    let Some(kind) = state.registry.find(GROUP, "v1", "customresourcedefinitions").cloned() else { return };
    let created = object["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned();
    let live = convert::read(&kind, stored);
    let spec = object["spec"].clone();
    let storage: Vec<&Value> =
        versions(&object).iter().filter(|v| v["storage"] == true).map(|v| &v["name"]).collect();
    let mut kept: Vec<Value> = object["status"]["storedVersions"].as_array().cloned().unwrap_or_default();
    for version in storage.into_iter().cloned() {
        if !kept.contains(&version) {
            kept.push(version);
        }
    }
    let condition = |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": created});
    object["status"] = json!({
        "acceptedNames": spec["names"], "storedVersions": kept,
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
    });
    if object == Value::Object(stored.object()) {
        return;
    }
    object["apiVersion"] = live["apiVersion"].clone();
    object["kind"] = live["kind"].clone();
    let writer = Writer::server("status", &created);
    let object = writer.track(&kind, Some(&live), object);
    state.put(&kind, convert::store(&kind, object));
}

/// The kinds that a definition adds.
fn kinds(object: &Value) -> Vec<Kind> {
    let spec = &object["spec"];
    let names = &spec["names"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
    };
    let (group, plural, kind) = (text(&spec["group"]), text(&names["plural"]), text(&names["kind"]));
    let served = versions(object).iter().filter(|v| v["served"] == true);
    let mut kinds: Vec<Kind> = served
        .map(|version| {
            let custom = custom_version(object, version, &kind);
            Kind {
                storage: qualified(&plural, &group).into(),
                version: text(&version["name"]),
                singular: match text(&names["singular"]) {
                    given if given.is_empty() => kind.to_lowercase(),
                    given => given,
                },
                namespaced: spec["scope"] == "Namespaced",
                short_names: list(&names["shortNames"]),
                categories: list(&names["categories"]),
                verbs: ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]
                    .map(str::to_owned)
                    .to_vec(),
                subresources: subresources(version, &kind),
                custom: Some(Arc::new(custom)),
                group: group.clone(),
                plural: plural.clone(),
                kind: kind.clone(),
            }
        })
        .collect();
    kinds.sort_by_key(|k| std::cmp::Reverse(version_rank(&k.version)));
    kinds
}

fn subresources(version: &Value, kind: &str) -> Vec<Subresource> {
    let mut found = Vec::new();
    let verbs = || ["get", "patch", "update"].map(str::to_owned).to_vec();
    let given = &version["subresources"];
    if given["status"].is_object() {
        found.push(Subresource {
            name: "status".to_owned(),
            kind: kind.to_owned(),
            group: None,
            version: None,
            verbs: verbs(),
        });
    }
    if given["scale"].is_object() {
        found.push(Subresource {
            name: "scale".to_owned(),
            kind: "Scale".to_owned(),
            group: Some("autoscaling".to_owned()),
            version: Some("v1".to_owned()),
            verbs: verbs(),
        });
    }
    found
}

fn custom_version(object: &Value, version: &Value, kind: &str) -> CrdVersion {
    let schema = version["schema"]["openAPIV3Schema"].clone();
    let names = &object["spec"]["names"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let columns = version["additionalPrinterColumns"].as_array().map(Vec::as_slice).unwrap_or_default();
    let scale = &version["subresources"]["scale"];
    let selectable = version["selectableFields"].as_array().map(Vec::as_slice).unwrap_or_default();
    CrdVersion {
        list_kind: match text(&names["listKind"]) {
            given if given.is_empty() => format!("{kind}List"),
            given => given,
        },
        merge_type: merge::type_from_crd(&schema).unwrap_or_else(|_| merge::deduced()),
        preserves_unknown: object["spec"]["preserveUnknownFields"] == true,
        selectable_fields: selectable
            .iter()
            .map(|f| text(&f["jsonPath"]).trim_start_matches('.').to_owned())
            .collect(),
        columns: columns
            .iter()
            .map(|c| Column {
                name: text(&c["name"]),
                json_path: text(&c["jsonPath"]),
                kind: text(&c["type"]),
                format: text(&c["format"]),
                description: text(&c["description"]),
                priority: c["priority"].as_i64().unwrap_or_default(),
            })
            .collect(),
        scale: scale.is_object().then(|| ScalePaths {
            spec: text(&scale["specReplicasPath"]),
            status: text(&scale["statusReplicasPath"]),
            selector: scale["labelSelectorPath"].as_str().map(str::to_owned),
        }),
        definition: text(&object["metadata"]["name"]),
        schema,
    }
}

/// Takes a definition's kinds away.
pub(crate) fn unregister(state: &mut State, last: &Stored) {
    let name = &last.key.name;
    let registry = state
        .registry
        .with_custom(|kind| kind.custom.as_ref().is_none_or(|custom| custom.definition != *name), Vec::new());
    state.registry = Arc::new(registry);
}

/// Says in a definition's status that it is going, at `now`.
pub(crate) fn terminating(object: &mut Map<String, Value>, now: &str) {
    let conditions = object.get_mut("status").and_then(|s| s.get_mut("conditions"));
    if let Some(Value::Array(conditions)) = conditions {
        conditions.retain(|c| c["type"] != "Terminating");
        conditions.push(json!({
            "type": "Terminating", "status": "True", "reason": "InstanceDeletionPending", "lastTransitionTime": now,
            "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
        }));
    }
}

/// Deletes the objects of a definition that is being deleted, and then the definition.
pub(crate) fn finalize(sim: &KubeSim, name: &str) {
    let (kind, keys) = {
        let mut state = sim.lock();
        let Some(kind) = state.registry.by_storage(name).cloned() else {
            drop(state);
            end(sim, name);
            return;
        };
        let keys: Vec<Key> = state.collection(&kind.storage).objects.keys().cloned().collect();
        (kind, keys)
    };
    for key in keys {
        gc::collect(sim, &kind, &key);
    }
    end(sim, name);
}

/// Lets a definition go that is being deleted and has no objects left.
pub(crate) fn end(sim: &KubeSim, name: &str) {
    let id = Id { storage: Arc::from(STORAGE), key: Key::new("", name) };
    let done = {
        let mut state = sim.lock();
        state.find(&id).is_some_and(|d| d.deleting && d.has_finalizer(CLEANUP))
            && state.collection(&Arc::from(name)).objects.is_empty()
    };
    if done {
        gc::finish(sim, &id, CLEANUP);
    }
}

impl Writer {
    /// The API server itself, at a given time.
    pub(crate) fn server(subresource: &str, time: &str) -> Self {
        Self::named("kube-apiserver", Operation::Update, subresource, time)
    }
}

/// What the status of a new definition says before its names are accepted.
pub(crate) fn initial_status(object: &mut Map<String, Value>) {
    let versions = object.get("spec").and_then(|s| s["versions"].as_array()).cloned().unwrap_or_default();
    let stored: Vec<Value> =
        versions.iter().filter(|v| v["storage"] == true).map(|v| v["name"].clone()).collect();
    object.insert(
        "status".to_owned(),
        json!({"acceptedNames": {"kind": "", "plural": ""}, "conditions": null, "storedVersions": stored}),
    );
}

/// Fills the defaults that every definition has.
pub(crate) fn default_definition(object: &mut Map<String, Value>) {
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
    if let Some(Value::Object(names)) = spec.get_mut("names") {
        let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        set(names, "singular", json!(kind.to_lowercase()));
        set(names, "listKind", json!(format!("{kind}List")));
    }
    set(spec, "conversion", json!({"strategy": "None"}));
}

fn set(map: &mut Map<String, Value>, field: &str, value: Value) {
    if map.get(field).is_none_or(|v| v.is_null() || v == "") {
        map.insert(field.to_owned(), value);
    }
}
