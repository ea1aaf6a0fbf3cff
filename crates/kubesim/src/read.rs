//! Get and list.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    body::SimBody,
    convert,
    registry::Kind,
    reply::{Accept, Answer, JSON, partial_chunks},
    route::Target,
    selectors::Selector,
    service::Context,
    status::{ApiError, ApiResult, FieldError},
    store::{Key, Stored},
    tables,
};

/// One object.
pub(crate) fn get(context: &Context, target: &Target) -> ApiResult<Answer> {
    if target.kind.plural == "componentstatuses" {
        return Err(ApiError::not_found(&target.kind, &target.name));
    }
    let stored = find(context, target)?;
    wait_for_revision(context, context.sim.lock().revision)?;
    Ok(Answer::object(context, &target.kind, &stored, 200))
}

/// The object that a path names.
pub(crate) fn find(context: &Context, target: &Target) -> ApiResult<Arc<Stored>> {
    let state = context.sim.lock();
    let found = state.get(&target.kind.storage, &Key::new(&target.namespace, &target.name));
    found.cloned().ok_or_else(|| ApiError::not_found(&target.kind, &target.name))
}

pub(crate) fn bad_revision(text: &str) -> ApiError {
    ApiError::bad_request(format!(
        "invalid resource version: resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: \
         invalid syntax"
    ))
}

/// Refuses a resourceVersion from the future or one that is none.
fn wait_for_revision(context: &Context, current: u64) -> ApiResult<Option<u64>> {
    let text = context.query.get("resourceVersion");
    if text.is_empty() {
        return Ok(None);
    }
    let wanted: u64 = text.parse().map_err(|_| bad_revision(text))?;
    if wanted > current {
        return Err(too_large(wanted, current));
    }
    Ok(Some(wanted))
}

pub(crate) fn too_large(wanted: u64, current: u64) -> ApiError {
    let mut error = ApiError::new(
        504,
        "Timeout",
        format!("Timeout: Too large resource version: {wanted}, current: {current}"),
    );
    let details =
        json!({"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]});
    error.details = details.as_object().cloned();
    error.retry_after = Some(1);
    error
}

/// Where a list goes on.
struct Continued {
    revision: u64,
    after: Key,
    /// The list is no longer one of a single moment.
    inconsistent: bool,
}

/// All objects that are asked for, page by page.
pub(crate) fn list(context: &Context, target: &Target) -> ApiResult<Answer> {
    let kind = &target.kind;
    let selector =
        Selector::parse(kind, context.query.get("labelSelector"), context.query.get("fieldSelector"))?;
    let limit = context.query.number("limit").filter(|n| *n > 0);
    let limit = limit.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    let mut state = context.sim.lock();
    let now = state.revision;
    let collection = state.collection(&kind.storage);
    let token = context.query.get("continue");
    let mut revision = now;
    let mut after = None;
    if token.is_empty() {
        check_match(context, collection.forgotten, now)?;
    } else {
        let from = read_token(token)?;
        if from.inconsistent {
            revision = now;
        } else if from.revision < collection.forgotten {
            let mut error = ApiError::expired(
                "The provided continue parameter is too old to display a consistent list result. You can start a new \
                 list without the continue parameter, or use the continue token in this response to retrieve the \
                 remainder of the results. Continuing with the provided token results in an inconsistent list - \
                 objects that were created, modified, or deleted between the time the first chunk was returned and \
                 now may show up in the list.",
            );
            error.resume = Some(write_token(0, &from.after, true));
            return Err(error);
        } else {
            revision = from.revision;
        }
        after = Some(from.after);
    }
    let mut chosen: Vec<Arc<Stored>> = Vec::new();
    let mut more = None;
    let mut rest = 0_u64;
    for stored in collection.scan(&target.namespace, after.as_ref()).filter(|s| selector.matches(s)) {
        if limit.is_some_and(|limit| chosen.len() >= limit) {
            rest += 1;
            more = more.or_else(|| chosen.last().map(|last| last.key.clone()));
            continue;
        }
        chosen.push(Arc::clone(stored));
    }
    drop(state);
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    if kind.custom.is_some() && context.accept == Accept::Json {
        // Lists of custom objects say so even when there is no more.
        metadata["continue"] = json!("");
    }
    if let Some(key) = more {
        metadata["continue"] = json!(write_token(revision, &key, false));
        // As with etcd, what is left can only be counted where nothing is filtered.
        if context.query.get("labelSelector").is_empty() && context.query.get("fieldSelector").is_empty() {
            metadata["remainingItemCount"] = json!(rest);
        }
    }
    Ok(render(context, kind, &chosen, &metadata))
}

/// `resourceVersionMatch`, and what it needs.
fn check_match(context: &Context, forgotten: u64, now: u64) -> ApiResult<()> {
    let how = context.query.get("resourceVersionMatch");
    let wanted = wait_for_revision(context, now)?;
    let field = "resourceVersionMatch";
    let error = match (how, wanted) {
        ("", _) | ("NotOlderThan" | "Exact", Some(1..)) | ("NotOlderThan", Some(_)) => None,
        ("NotOlderThan" | "Exact", None) => Some(FieldError::forbidden(
            field,
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        )),
        ("Exact", Some(0)) => Some(FieldError::forbidden(
            field,
            "resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\"",
        )),
        (other, _) => Some(FieldError::not_supported(field, json!(other), &["Exact", "NotOlderThan", ""])),
    };
    if let Some(error) = error {
        return Err(ApiError::invalid_options("ListOptions", &[error]));
    }
    // The past is not kept for lists: an exact one is answered while it is the present.
    if how == "Exact" && wanted.is_some_and(|w| w < forgotten || w < now) {
        let wanted = wanted.unwrap_or_default();
        return Err(ApiError::expired(format!(
            "The resourceVersion for the provided list is too old: {wanted}"
        )));
    }
    Ok(())
}

fn render(context: &Context, kind: &Kind, chosen: &[Arc<Stored>], metadata: &Value) -> Answer {
    if context.accept == Accept::Table {
        let wanted = tables::Wanted::of(context);
        let mut table = tables::table(kind, chosen, context.now, wanted, true);
        table["metadata"] = metadata.clone();
        return Answer::json(200, &table);
    }
    let partial = context.accept == Accept::Partial;
    let (list_kind, api_version) = if partial {
        ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned())
    } else {
        (kind.list_kind(), kind.api_version())
    };
    let head = format!(
        "{{\"kind\":{list_kind:?},\"apiVersion\":{api_version:?},\"metadata\":{metadata},\"items\":["
    );
    let mut chunks = Vec::with_capacity(chosen.len() * 3 + 2);
    chunks.push(Bytes::from(head));
    for (at, stored) in chosen.iter().enumerate() {
        if at > 0 {
            chunks.push(Bytes::from_static(b","));
        }
        if partial {
            // Items are complete objects of their own here.
            chunks.extend(partial_chunks(stored));
        } else {
            chunks.extend(convert::item(kind, stored));
        }
    }
    chunks.push(Bytes::from_static(b"]}"));
    Answer { code: 200, content_type: JSON, body: SimBody::chunks(chunks) }
}

/// A token is opaque to clients: `revision/inconsistent/namespace/name`, in hex so that nobody depends on it.
fn write_token(revision: u64, after: &Key, inconsistent: bool) -> String {
    let text = format!("{revision}/{}/{}/{}", u8::from(inconsistent), after.namespace, after.name);
    text.bytes().map(|b| format!("{b:02x}")).collect()
}

fn read_token(token: &str) -> ApiResult<Continued> {
    let bad = || ApiError::bad_request("invalid continue token: continue key is not valid");
    let bytes: Option<Vec<u8>> = token
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    let text = bytes.and_then(|b| String::from_utf8(b).ok()).ok_or_else(bad)?;
    let parts: Vec<&str> = text.splitn(4, '/').collect();
    match parts.as_slice() {
        [revision, inconsistent, namespace, name] => Ok(Continued {
            revision: revision.parse().map_err(|_| bad())?,
            after: Key::new(namespace, name),
            inconsistent: *inconsistent == "1",
        }),
        _ => Err(bad()),
    }
}
