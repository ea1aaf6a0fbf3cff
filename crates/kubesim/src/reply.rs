//! From results to HTTP answers, in the form that the client accepts.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    body::SimBody,
    convert,
    registry::Kind,
    service::Context,
    status::{ApiError, ApiResult},
    store::Stored,
    tables,
};

pub(crate) const JSON: &str = "application/json";

/// An answer before it is HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: SimBody,
}

impl Answer {
    pub(crate) fn json(code: u16, value: &Value) -> Self {
        Self { code, content_type: JSON, body: SimBody::full(value.to_string()) }
    }

    pub(crate) fn text(code: u16, text: impl Into<Bytes>) -> Self {
        Self { code, content_type: "text/plain; charset=utf-8", body: SimBody::full(text) }
    }

    /// An object that exists, or would exist after a dry run.
    pub(crate) fn object(context: &Context, kind: &Kind, stored: &Arc<Stored>, code: u16) -> Self {
        let body = match context.accept {
            Accept::Json => SimBody::chunks(convert::chunks(kind, stored)),
            Accept::Partial => SimBody::chunks(partial_chunks(stored)),
            Accept::Table => {
                let table = tables::table(kind, [stored], context.now, tables::Wanted::of(context), true);
                SimBody::full(table.to_string())
            }
        };
        Self { code, content_type: JSON, body }
    }

    /// The Status of a deletion that is done.
    pub(crate) fn deleted(kind: &Kind, name: &str, uid: &str) -> Self {
        let mut details = json!({"name": name, "kind": kind.plural, "uid": uid});
        if !kind.group.is_empty() {
            details["group"] = json!(kind.group);
        }
        Self::json(
            200,
            &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}),
        )
    }

    pub(crate) fn error(error: &ApiError) -> Self {
        Self::json(error.code, &error.to_value())
    }
}

/// The parts of a `PartialObjectMetadata`.
pub(crate) fn partial_chunks(stored: &Stored) -> [Bytes; 2] {
    let prefix =
        Bytes::from_static(b"{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",");
    [prefix, stored.partial().slice(1..)]
}

/// The form in which objects are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accept {
    Json,
    Partial,
    Table,
}

impl Accept {
    /// Takes the first form of an `Accept` header that we have.
    pub(crate) fn parse(header: &str) -> ApiResult<Self> {
        if header.is_empty() {
            return Ok(Self::Json);
        }
        for choice in header.split(',') {
            let mut parts = choice.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            if !matches!(media, "application/json" | "application/*" | "*/*" | "application/yaml") {
                continue;
            }
            let mut form = "";
            let mut version = "v1";
            for part in parts {
                match part.split_once('=') {
                    Some(("as", value)) => form = value,
                    Some(("v", value)) => version = value,
                    _ => {}
                }
            }
            match form {
                "" | "APIGroupDiscoveryList" => return Ok(Self::Json),
                "PartialObjectMetadata" | "PartialObjectMetadataList" if version == "v1" => {
                    return Ok(Self::Partial);
                }
                "Table" if version == "v1" => return Ok(Self::Table),
                _ => {}
            }
        }
        let message = "406: Not Acceptable\n\nAvailable representations: application/json, application/json;stream=watch";
        let mut error = ApiError::new(406, "NotAcceptable", message);
        error.details = Some(serde_json::Map::new());
        Err(error)
    }
}
