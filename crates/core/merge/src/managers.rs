//! Entries of `metadata.managedFields`.

use std::fmt;

use serde_json::{Map, Value};

use crate::fields_v1::FieldsV1Error;
use crate::set::FieldSet;
use crate::values::go_json;

/// How a manager came to own its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Any other write.
    Update,
}

impl Operation {
    /// The word in `managedFields`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who writes, and when.
#[derive(Debug, Clone, Copy)]
pub struct Manager<'a> {
    /// Field manager; empty becomes `unknown`.
    pub name: &'a str,
    /// How it writes.
    pub operation: Operation,
    /// `apps/v1`, the version that it writes in.
    pub api_version: &'a str,
    /// `status`, `scale`, … or empty.
    pub subresource: &'a str,
    /// Now, RFC 3339 in UTC with whole seconds: `2026-01-01T00:00:00Z`.
    pub time: &'a str,
    /// Fields that this endpoint resets, so that a writer does not come to own them: `status` for a kind with a
    /// status subresource, all else for `/status` itself.
    pub resets: Option<&'a FieldSet>,
}

impl<'a> Manager<'a> {
    /// A server-side apply to the object itself.
    pub fn apply(name: &'a str, api_version: &'a str, time: &'a str) -> Self {
        Self { name, operation: Operation::Apply, api_version, subresource: "", time, resets: None }
    }

    /// Any other write to the object itself.
    pub fn update(name: &'a str, api_version: &'a str, time: &'a str) -> Self {
        Self { operation: Operation::Update, ..Self::apply(name, api_version, time) }
    }
}

/// Most entries of operation `Update`; past that the oldest are folded together, as the API server does.
const MAX_UPDATERS: usize = 10;

/// Why `managedFields` cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManagedFieldsError {
    /// Neither `Apply` nor `Update`.
    #[error("operation must be `Apply` or `Update`")]
    Operation,
    /// An entry without a version.
    #[error("apiVersion must not be empty")]
    ApiVersion,
    /// `fieldsType` is not `FieldsV1`.
    #[error("invalid fieldsType {found:?} in managed fields entry {index}")]
    FieldsType {
        /// Which entry, from 0.
        index: usize,
        /// What it says.
        found: String,
    },
    /// The fields themselves.
    #[error("error decoding set of {manager:?}")]
    Fields {
        /// Whose.
        manager: String,
        /// Why.
        source: FieldsV1Error,
    },
}

/// One entry of `managedFields`: who owns which fields, how, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagerEntry {
    /// The field manager.
    pub manager: String,
    /// How it writes.
    pub operation: Operation,
    /// The version that it wrote in.
    pub api_version: String,
    /// The subresource that it wrote through, or empty.
    pub subresource: String,
    /// When its set changed last, RFC 3339.
    pub time: Option<String>,
    /// What it owns.
    pub fields: FieldSet,
}

impl ManagerEntry {
    /// Whether the entry is the one of this writer. Appliers keep theirs when they change version.
    pub(crate) fn is_of(&self, manager: &Manager<'_>) -> bool {
        self.manager == manager.id()
            && self.operation == manager.operation
            && self.subresource == manager.subresource
            && (self.operation == Operation::Apply || self.api_version == manager.api_version)
    }

    fn same_identity(&self, other: &Self) -> bool {
        self.is_of(&Manager {
            name: &other.manager,
            operation: other.operation,
            api_version: &other.api_version,
            subresource: &other.subresource,
            time: "",
            resets: None,
        })
    }

    /// The key under which the API server keeps an entry, and by which it sorts where nothing else decides.
    pub(crate) fn identity(&self) -> String {
        let mut text = String::from("{\"manager\":");
        let mut put = |name: &str, value: &str| {
            text.push_str(name);
            go_json::write_string(&mut text, value);
        };
        put("", &self.manager);
        put(",\"operation\":", self.operation.as_str());
        if self.operation == Operation::Update {
            put(",\"apiVersion\":", &self.api_version);
        }
        if !self.subresource.is_empty() {
            put(",\"subresource\":", &self.subresource);
        }
        text.push('}');
        text
    }
}

impl<'a> Manager<'a> {
    /// The name that goes into the entry.
    pub(crate) fn id(&self) -> &'a str {
        if self.name.is_empty() { "unknown" } else { self.name }
    }

    pub(crate) fn entry(&self, fields: FieldSet, time: Option<String>) -> ManagerEntry {
        ManagerEntry {
            manager: self.id().to_owned(),
            operation: self.operation,
            api_version: self.api_version.to_owned(),
            subresource: self.subresource.to_owned(),
            time,
            fields,
        }
    }
}

/// Reads the `metadata.managedFields` of an object; none is an empty list.
///
/// # Errors
/// See [`ManagedFieldsError`].
pub fn managed_fields(object: &Value) -> Result<Vec<ManagerEntry>, ManagedFieldsError> {
    let mut entries: Vec<ManagerEntry> = Vec::new();
    let listed = managed_fields_of(object).unwrap_or_default();
    for (index, source) in listed.iter().enumerate() {
        let text = |name: &str| source[name].as_str().unwrap_or_default().to_owned();
        let operation = match source["operation"].as_str() {
            Some("Apply") => Operation::Apply,
            Some("Update") => Operation::Update,
            _ => return Err(ManagedFieldsError::Operation),
        };
        let api_version = text("apiVersion");
        if api_version.is_empty() {
            return Err(ManagedFieldsError::ApiVersion);
        }
        let fields_type = text("fieldsType");
        if fields_type != "FieldsV1" {
            return Err(ManagedFieldsError::FieldsType { index, found: fields_type });
        }
        let manager = text("manager");
        let fields = match source.get("fieldsV1") {
            None | Some(Value::Null) => FieldSet::new(),
            Some(fields) => FieldSet::from_fields_v1(fields)
                .map_err(|source| ManagedFieldsError::Fields { manager: manager.clone(), source })?,
        };
        let time = source["time"].as_str().map(str::to_owned);
        let entry =
            ManagerEntry { manager, operation, api_version, subresource: text("subresource"), time, fields };
        entries.retain(|known| !known.same_identity(&entry));
        entries.push(entry);
    }
    Ok(entries)
}

/// The raw list.
pub(crate) fn managed_fields_of(object: &Value) -> Option<&[Value]> {
    object.pointer("/metadata/managedFields").and_then(Value::as_array).map(Vec::as_slice)
}

/// Writes `metadata.managedFields`, sorted as the API server sorts: by operation, time, manager, version,
/// subresource. An object without `metadata` is left alone; no entries remove the field.
pub fn set_managed_fields(object: &mut Value, mut entries: Vec<ManagerEntry>) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if entries.is_empty() {
        metadata.remove("managedFields");
        return;
    }
    entries.sort_by(|a, b| {
        // RFC 3339 in UTC with whole seconds sorts as text; an entry without a time comes first.
        (a.operation, &a.time, &a.manager, &a.api_version, &a.subresource).cmp(&(
            b.operation,
            &b.time,
            &b.manager,
            &b.api_version,
            &b.subresource,
        ))
    });
    let listed = entries.into_iter().map(write_entry).collect();
    metadata.insert("managedFields".to_owned(), Value::Array(listed));
}

fn write_entry(entry: ManagerEntry) -> Value {
    let mut map = Map::new();
    let mut put = |name: &str, value: String| map.insert(name.to_owned(), Value::String(value));
    put("apiVersion", entry.api_version);
    put("fieldsType", "FieldsV1".to_owned());
    put("manager", entry.manager);
    put("operation", entry.operation.as_str().to_owned());
    if !entry.subresource.is_empty() {
        put("subresource", entry.subresource);
    }
    if let Some(time) = entry.time {
        put("time", time);
    }
    map.insert("fieldsV1".to_owned(), entry.fields.to_fields_v1());
    Value::Object(map)
}

/// Folds the oldest updaters into `ancient-changes`, one entry for each version, until ten are left.
pub(crate) fn cap_updaters(entries: &mut Vec<ManagerEntry>) {
    let updaters = entries.iter().filter(|entry| entry.operation == Operation::Update).count();
    let Some(mut surplus) = updaters.checked_sub(MAX_UPDATERS).filter(|surplus| *surplus > 0) else { return };
    let (mut updaters, mut kept): (Vec<_>, Vec<_>) =
        std::mem::take(entries).into_iter().partition(|entry| entry.operation == Operation::Update);
    updaters.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| a.identity().cmp(&b.identity())));
    let mut out: Vec<ManagerEntry> = Vec::with_capacity(updaters.len());
    for entry in updaters {
        let same_version = out.iter().position(|known| known.api_version == entry.api_version);
        match same_version {
            Some(at) if surplus > 0 => {
                let bucket = &mut out[at];
                bucket.manager = ANCIENT.to_owned();
                bucket.subresource.clear();
                bucket.fields.extend(&entry.fields);
                bucket.time = entry.time;
                surplus -= 1;
            }
            _ => out.push(entry),
        }
    }
    kept.extend(out);
    *entries = kept;
}

const ANCIENT: &str = "ancient-changes";
