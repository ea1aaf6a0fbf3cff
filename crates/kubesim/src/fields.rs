//! Who owns which field, through crate `merge`.

use std::sync::LazyLock;

use merge::{ApplyError, FieldSet, Manager, Operation, PathElement};
use serde_json::{Value, json};

use crate::{
    registry::Kind,
    schema,
    service::Context,
    status::{ApiError, ApiResult, FieldError},
};

/// Longest name of a field manager, in bytes.
const MAX_MANAGER: usize = 128;

/// Who writes, and how.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pub(crate) manager: String,
    pub(crate) operation: Operation,
    pub(crate) subresource: String,
    time: String,
}

static STATUS: LazyLock<FieldSet> =
    LazyLock::new(|| FieldSet::from_paths([vec![PathElement::Field("status".to_owned())]]));

static ALL_BUT_STATUS: LazyLock<FieldSet> = LazyLock::new(|| {
    FieldSet::from_paths(
        ["spec", "metadata", "data", "rules"].map(|f| vec![PathElement::Field(f.to_owned())]),
    )
});

impl Writer {
    /// The writer of a request: its `fieldManager`, or the first word of its `User-Agent`.
    pub(crate) fn of(context: &Context, operation: Operation, subresource: &str) -> ApiResult<Self> {
        let given = context.query.get("fieldManager");
        let invalid = |error: FieldError| {
            let options = if operation == Operation::Apply { "PatchOptions" } else { "UpdateOptions" };
            ApiError::invalid_options(options, &[error])
        };
        if given.len() > MAX_MANAGER {
            return Err(invalid(FieldError::too_long("fieldManager", MAX_MANAGER)));
        }
        if operation == Operation::Apply && given.is_empty() {
            return Err(invalid(FieldError::required("fieldManager", "is required for apply patch")));
        }
        let agent = context.user_agent.split('/').next().unwrap_or_default();
        let agent: String = agent.chars().filter(|c| !c.is_control()).take(MAX_MANAGER).collect();
        Ok(Self {
            manager: if given.is_empty() { agent } else { given.to_owned() },
            operation,
            subresource: subresource.to_owned(),
            time: seconds(context.now),
        })
    }

    /// A writer that is no request's.
    pub(crate) fn named(manager: &str, operation: Operation, subresource: &str, time: &str) -> Self {
        Self {
            manager: manager.to_owned(),
            operation,
            subresource: subresource.to_owned(),
            time: time.to_owned(),
        }
    }

    fn manager<'a>(&'a self, kind: &Kind, api_version: &'a str) -> Manager<'a> {
        let resets: Option<&'static FieldSet> = match self.subresource.as_str() {
            "" if kind.has_subresource("status") => Some(&*STATUS),
            "status" => Some(&*ALL_BUT_STATUS),
            _ => None,
        };
        Manager {
            name: &self.manager,
            operation: self.operation,
            api_version,
            subresource: &self.subresource,
            time: &self.time,
            resets,
        }
    }

    /// Ownership after a create or update.
    pub(crate) fn track(&self, kind: &Kind, live: Option<&Value>, new: Value) -> Value {
        let api_version = kind.api_version();
        merge::track_update(&schema::type_of(kind), live, new, &self.manager(kind, &api_version))
    }

    /// Merges an applied configuration into what is there.
    pub(crate) fn apply(
        &self,
        kind: &Kind,
        live: Option<&Value>,
        applied: &Value,
        force: bool,
    ) -> ApiResult<Value> {
        let api_version = kind.api_version();
        let ty = schema::type_of(kind);
        merge::server_side_apply(&ty, live, applied, &self.manager(kind, &api_version), force)
            .map_err(refused)
    }
}

fn refused(error: ApplyError) -> ApiError {
    let message = error.to_string();
    match error {
        ApplyError::Conflicts(conflicts) => {
            let causes: Vec<Value> = conflicts
                .iter()
                .map(|c| {
                    json!({"reason": "FieldManagerConflict", "message": format!("conflict with {}", c.who()),
                        "field": merge::display_path(&c.path)})
                })
                .collect();
            let mut status = ApiError::new(409, "Conflict", message);
            status.details = json!({"causes": causes}).as_object().cloned();
            status
        }
        ApplyError::Invalid(_) => ApiError::new(500, "", message),
        ApplyError::BadRequest(_) => ApiError::bad_request(message),
    }
}

/// A time as the API writes it: `2026-01-01T00:00:00Z`.
pub(crate) fn seconds(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
