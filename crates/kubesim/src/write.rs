//! Create, update and patch.

use std::sync::Arc;

use bytes::Bytes;
use merge::{Operation, PatchError};
use serde_json::{Map, Value, json};

use crate::{
    convert, crd, decode, defaults,
    fields::{Writer, seconds},
    gc, namespaces,
    prepare::{self, Part},
    read,
    registry::Kind,
    reply::Answer,
    route::Target,
    schema,
    service::Context,
    status::{ApiError, ApiResult, FieldError},
    store::{Key, State, Stored},
    validation,
};

/// How often a patch is tried anew when somebody else was faster.
const ATTEMPTS: usize = 20;
/// How often a generated name is tried anew when it is taken.
const NAME_ATTEMPTS: usize = 8;

/// POST to a collection.
pub(crate) fn create(context: &mut Context, target: &Target, body: &Bytes) -> ApiResult<Answer> {
    let object = decode::object(context, &target.kind, body)?;
    let writer = Writer::of(context, Operation::Update, "")?;
    let stored = create_object(context, target, object, &writer)?;
    Ok(Answer::object(context, &target.kind, &stored, 201))
}

/// Creates an object that is clean already.
pub(crate) fn create_object(
    context: &mut Context,
    target: &Target,
    mut object: Value,
    writer: &Writer,
) -> ApiResult<Arc<Stored>> {
    let kind = &target.kind;
    prepare::for_create(context, target, &mut object)?;
    let generated = prepare::generated_name(&object);
    for attempt in 0.. {
        if let Some(prefix) = &generated {
            let name = format!("{prefix}{}", context.sim.name_suffix());
            object["metadata"]["name"] = json!(name);
        }
        match create_named(context, target, object.clone(), writer) {
            Err(error)
                if error.reason == "AlreadyExists" && generated.is_some() && attempt < NAME_ATTEMPTS => {}
            Err(mut error) if error.reason == "AlreadyExists" && generated.is_some() => {
                error.reason = "AlreadyExists";
                error.message = format!(
                    "{}, the server was not able to generate a unique name for the object",
                    error.message
                );
                return Err(error);
            }
            other => return other,
        }
    }
    Err(ApiError::internal(format!("no name for {}", kind.kind)))
}

fn create_named(
    context: &mut Context,
    target: &Target,
    mut object: Value,
    writer: &Writer,
) -> ApiResult<Arc<Stored>> {
    let kind = &target.kind;
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    defaults::fill(kind, &mut object, None, writer.operation);
    let errors = validation::create(kind, &object);
    if !errors.is_empty() {
        return Err(ApiError::invalid(kind, &name, &errors));
    }
    crd::admit(context, kind, &object, None)?;
    context.warnings.extend(validation::warnings(kind, &object));
    if writer.operation == Operation::Update {
        object = writer.track(kind, None, object);
    }
    defaults::admit(kind, &mut object);
    let sim = context.sim.clone();
    let key = Key::new(&target.namespace, &name);
    let mut state = sim.lock();
    namespaces::admit(&state, kind, &target.namespace, &name)?;
    if state.get(&kind.storage, &key).is_some() {
        return Err(ApiError::already_exists(kind, &name));
    }
    defaults::allocate(&mut state, kind, &mut object, None)
        .map_err(|e| ApiError::invalid(kind, &name, &[e]))?;
    if context.dry_run {
        return Ok(Arc::new(Stored::new(kind, convert::store(kind, object))));
    }
    let stored = commit(&mut state, kind, object);
    drop(state);
    namespaces::after_create(&sim, kind, &stored);
    gc::after_write(&sim, kind, &stored);
    Ok(stored)
}

/// Stores, and lets CRDs take effect in the same moment.
fn commit(state: &mut State, kind: &Kind, object: Value) -> Arc<Stored> {
    let stored = state.put(kind, convert::store(kind, object));
    if crd::is_definition(kind) {
        crd::register(state, &stored);
    }
    stored
}

/// PUT.
pub(crate) fn update(context: &mut Context, target: &Target, body: &Bytes) -> ApiResult<Answer> {
    let object = decode::object(context, &target.kind, body)?;
    let (stored, created) = update_object(context, target, object, Part::Main)?;
    Ok(Answer::object(context, &target.kind, &stored, if created { 201 } else { 200 }))
}

/// Replaces an object, or a part of it, with one that is clean already.
pub(crate) fn update_object(
    context: &mut Context,
    target: &Target,
    object: Value,
    part: Part,
) -> ApiResult<(Arc<Stored>, bool)> {
    let kind = &target.kind;
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    if !name.is_empty() && name != target.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        )));
    }
    prepare::check_namespace(target, &object)?;
    let given = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    if given.is_empty() && !prepare::allows_unconditional_update(kind) && read::find(context, target).is_ok()
    {
        let error =
            FieldError::invalid("metadata.resourceVersion", json!(0), "must be specified for an update");
        // Said of the resource, not of the kind.
        let resource = Kind { kind: kind.plural.clone(), ..Kind::clone(kind) };
        return Err(ApiError::invalid(&resource, &target.name, &[error]));
    }
    let writer = Writer::of(context, Operation::Update, part.name())?;
    if part == Part::Main && prepare::allows_create_on_update(kind) && read::find(context, target).is_err() {
        let mut object = object;
        object["metadata"]["name"] = json!(target.name);
        return create_object(context, target, object, &writer).map(|stored| (stored, true));
    }
    let stored = change(context, target, part, &writer, |_, _| Ok(object.clone()))?;
    Ok((stored, false))
}

/// PATCH, of all four kinds.
pub(crate) fn patch(context: &mut Context, target: &Target, body: &Bytes) -> ApiResult<Answer> {
    let (stored, created) = patch_object(context, target, body, Part::Main)?;
    Ok(Answer::object(context, &target.kind, &stored, if created { 201 } else { 200 }))
}

/// Patches an object or a part of it; the answer says whether it was created.
pub(crate) fn patch_object(
    context: &mut Context,
    target: &Target,
    body: &Bytes,
    part: Part,
) -> ApiResult<(Arc<Stored>, bool)> {
    let kind = Arc::clone(&target.kind);
    let media = context.content_type.split(';').next().unwrap_or_default().trim().to_owned();
    let force = context.query.flag("force");
    if media == "application/apply-patch+yaml" {
        return apply(context, target, body, part, force);
    }
    if context.query.has("force") {
        let error = FieldError::forbidden("force", "may not be specified for non-apply patch");
        return Err(ApiError::invalid_options("PatchOptions", &[error]));
    }
    let parsed = match media.as_str() {
        "application/json-patch+json" | "application/merge-patch+json" => decode::parse(&media, body)?,
        "application/strategic-merge-patch+json" if kind.custom.is_none() => decode::parse(&media, body)?,
        _ => {
            if media.starts_with("application/strategic-merge-patch") {
                return Err(ApiError::unsupported_media(
                    "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
                ));
            }
            let mut error = ApiError::new(415, "UnsupportedMediaType", "415: Unsupported Media Type");
            error.details = Some(Map::new());
            return Err(error);
        }
    };
    let writer = Writer::of(context, Operation::Update, part.name())?;
    let ty = schema::type_of(&kind);
    let said = context.warnings.len();
    let stored = change(context, target, part, &writer, |context, live| {
        let patched = match media.as_str() {
            "application/json-patch+json" => merge::json_patch(live, &parsed.value),
            "application/merge-patch+json" => match &parsed.value {
                Value::Object(_) => Ok(merge::json_merge_patch(live.clone(), &parsed.value)),
                _ => Err(PatchError::Malformed("the patch is no object".to_owned())),
            },
            _ => merge::strategic_merge_patch(&ty, live, &parsed.value),
        };
        let mut patched = patched.map_err(|error| refused_patch(&kind, &target.name, &error))?;
        let Value::Object(map) = &mut patched else {
            return Err(ApiError::bad_request("the patched object is no object"));
        };
        decode::name_kind(&kind, map)?;
        context.warnings.truncate(said);
        let duplicates: &[String] =
            if media.starts_with("application/json-patch") { &[] } else { &parsed.duplicates };
        decode::clean(context, &kind, &mut patched, duplicates)?;
        Ok(patched)
    })?;
    Ok((stored, false))
}

fn refused_patch(kind: &Kind, name: &str, error: &PatchError) -> ApiError {
    match error {
        PatchError::Malformed(why) => ApiError::bad_request(why.clone()),
        PatchError::DoesNotFit(why) => {
            tracing::debug!(%name, kind = %kind.kind, %why, "a patch did not fit");
            let message = "the server rejected our request due to an error in our request";
            let mut error = ApiError::new(422, "Invalid", message);
            error.details = Some(Map::new());
            error
        }
    }
}

fn apply(
    context: &mut Context,
    target: &Target,
    body: &Bytes,
    part: Part,
    force: bool,
) -> ApiResult<(Arc<Stored>, bool)> {
    let kind = Arc::clone(&target.kind);
    let writer = Writer::of(context, Operation::Apply, part.name())?;
    let parsed = decode::parse("application/apply-patch+yaml", body)?;
    let Value::Object(mut map) = parsed.value else {
        return Err(ApiError::bad_request("error decoding YAML: the applied configuration is no object"));
    };
    for field in ["apiVersion", "kind"] {
        if map.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
            let text = |field: &str| map.get(field).and_then(Value::as_str).unwrap_or_default();
            let (group, version) = text("apiVersion").rsplit_once('/').unwrap_or(("", text("apiVersion")));
            return Err(ApiError::bad_request(format!(
                "invalid object type: {group}/{version}, Kind={}",
                text("kind")
            )));
        }
    }
    let duplicates = parsed.duplicates;
    decode::name_kind(&kind, &mut map)?;
    let applied = Value::Object(map);
    let name = applied["metadata"]["name"].as_str().unwrap_or_default();
    if !name.is_empty() && name != target.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        )));
    }
    prepare::check_namespace(target, &applied)?;
    let said = context.warnings.len();
    let strict = |context: &mut Context| -> ApiResult<()> {
        let mut copy = applied.clone();
        decode::clean(context, &kind, &mut copy, &duplicates)
    };
    if read::find(context, target).is_err() && part == Part::Main {
        if let Some(uid) = applied["metadata"]["uid"].as_str().filter(|uid| !uid.is_empty()) {
            return Err(ApiError::conflict(
                &kind,
                &target.name,
                &format!(
                    "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
                ),
            ));
        }
        let mut object = writer.apply(&kind, None, &applied, force)?;
        object["metadata"]["name"] = json!(target.name);
        strict(context)?;
        schema::clean(&kind, &mut object)?;
        return match create_object(context, target, object, &writer) {
            Err(error) if error.reason == "AlreadyExists" => {
                change(context, target, part, &writer, |_, live| {
                    writer.apply(&kind, Some(live), &applied, force)
                })
                .map(|stored| (stored, false))
            }
            other => other.map(|stored| (stored, true)),
        };
    }
    let stored = change(context, target, part, &writer, |context, live| {
        let mut object = writer.apply(&kind, Some(live), &applied, force)?;
        context.warnings.truncate(said);
        strict(context)?;
        schema::clean(&kind, &mut object)?;
        Ok(object)
    })?;
    Ok((stored, false))
}

/// Reads, changes and writes, until nobody else was in between; a resourceVersion in the new object that is not the
/// live one's is a conflict at once.
pub(crate) fn change(
    context: &mut Context,
    target: &Target,
    part: Part,
    writer: &Writer,
    make: impl Fn(&mut Context, &Value) -> ApiResult<Value>,
) -> ApiResult<Arc<Stored>> {
    let kind = &target.kind;
    for _ in 0..ATTEMPTS {
        let before = read::find(context, target)?;
        let live = convert::read(kind, &before);
        let mut new = make(context, &live)?;
        prepare::for_update(target, &live, &mut new, part)?;
        if part != Part::Status {
            defaults::fill(kind, &mut new, Some(&live), writer.operation);
        }
        let errors = validation::update(kind, &new, &live, part);
        if !errors.is_empty() {
            return Err(ApiError::invalid(kind, &target.name, &errors));
        }
        crd::admit(context, kind, &new, Some(&live))?;
        if writer.operation == Operation::Update && part != Part::Other("binding") {
            new = writer.track(kind, Some(&live), new);
        }
        if part != Part::Other("binding") {
            prepare::bump_generation(kind, &live, &mut new);
        }
        merge::keep_times(&live, &mut new);
        if live == new {
            return Ok(before);
        }
        let sim = context.sim.clone();
        let mut state = sim.lock();
        match state.get(&kind.storage, &before.key) {
            Some(now) if now.revision == before.revision => {}
            Some(_) => continue,
            None => return Err(ApiError::not_found(kind, &target.name)),
        }
        defaults::allocate(&mut state, kind, &mut new, Some(&live))
            .map_err(|e| ApiError::invalid(kind, &target.name, &[e]))?;
        if context.dry_run {
            return Ok(Arc::new(Stored::new(kind, convert::store(kind, new))));
        }
        let stored = Stored::new(kind, convert::store(kind, new.clone()));
        let gone = stored.deleting
            && stored.finalizers.is_empty()
            && before.deleting
            && new["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or_default() == 0
            && !prepare::is_held_by_spec(kind, &new);
        if gone {
            drop(state);
            gc::remove(&sim, kind, &before.key);
            return Ok(Arc::new(stored));
        }
        let stored = commit(&mut state, kind, new);
        drop(state);
        gc::after_write(&sim, kind, &stored);
        return Ok(stored);
    }
    Err(ApiError::modified(kind, &target.name))
}

/// The fields of metadata that the server gives a new object.
pub(crate) fn stamp(metadata: &mut Map<String, Value>, uid: String, now: jiff::Timestamp) {
    metadata.insert("uid".to_owned(), Value::String(uid));
    metadata.insert("creationTimestamp".to_owned(), Value::String(seconds(now)));
}
