//! Tables: what `kubectl get` prints.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{convert, registry::Kind, service::Context, store::Stored};

/// How much of each object goes into its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Metadata,
    Object,
    Nothing,
}

impl Wanted {
    pub(crate) fn of(context: &Context) -> Self {
        match context.query.get("includeObject") {
            "Object" => Self::Object,
            "None" => Self::Nothing,
            _ => Self::Metadata,
        }
    }
}

/// A Table of some objects, with or without its headings.
pub(crate) fn table<'a>(
    kind: &Kind,
    objects: impl IntoIterator<Item = &'a Arc<Stored>>,
    now: Timestamp,
    wanted: Wanted,
    headings: bool,
) -> Value {
    let _ = now;
    let rows: Vec<Value> = objects
        .into_iter()
        .map(|stored| {
            let object = convert::read(kind, stored);
            let shown = match wanted {
                Wanted::Object => object.clone(),
                Wanted::Metadata => json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                    "metadata": object["metadata"]}),
                Wanted::Nothing => Value::Null,
            };
            json!({"cells": [object["metadata"]["name"]], "object": shown})
        })
        .collect();
    let columns = if headings {
        json!([{"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0}])
    } else {
        json!([])
    };
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "columnDefinitions": columns, "rows": rows})
}
