use serde_json::Value;

use super::field_path::{Make, Place, for_each, lookup, split_field_path};
use super::{DEFAULT_FIELD, FieldOptions, Replacement, Source, Target, structured};
use crate::id::{Gvk, ResId};
use crate::patch::{Matcher, Selector, SelectorError, scalar_text};
use crate::resource::Resource;
use crate::scalar::{resolve, retyped};

/// Why a replacement cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReplacementError {
    /// An entry without a source or without targets.
    #[error("replacements must specify a source and at least one target")]
    Incomplete,
    /// An entry with a value and a source.
    #[error("value and resource selectors are mutually exclusive")]
    TwoSources,
    /// No object is the source.
    #[error("nothing selected by {0}")]
    NoSource(String),
    /// More than one is.
    #[error("multiple matches for selector {0}")]
    ManySources(String),
    /// The source's path leads over a value of the wrong kind.
    #[error("error looking up replacement source: {0}")]
    SourcePath(String),
    /// The source has no such field.
    #[error("fieldPath `{path}` is missing for replacement source {id}")]
    SourceMissing {
        /// The path.
        path: String,
        /// The source, as it is selected.
        id: String,
    },
    /// A delimiter with a list or a map.
    #[error("delimiter option can only be used with scalar nodes")]
    NotAScalar,
    /// A value has fewer parts.
    #[error("options.index {index} is out of bounds for value {value}")]
    Index {
        /// The index.
        index: i64,
        /// The value.
        value: String,
    },
    /// A target selects nothing because it does not say what.
    #[error("target must specify resources to select")]
    NoSelector,
    /// A target's selector cannot be used.
    #[error("error creating target selector: {0}")]
    Selector(SelectorError),
    /// The same of labels or annotations, which are looked at later.
    #[error("{0}")]
    Labels(SelectorError),
    /// A selected object has no such field.
    #[error("unable to find {or_create}field {path:?} in replacement target{reason}")]
    TargetMissing {
        /// `or create `, or nothing.
        or_create: &'static str,
        /// The path.
        path: String,
        /// `: why`, or nothing.
        reason: String,
    },
    /// The value does not fit what is there.
    #[error("{0}")]
    Value(String),
}

impl From<SelectorError> for ReplacementError {
    fn from(error: SelectorError) -> Self {
        match error {
            SelectorError::Labels(_) => Self::Labels(error),
            SelectorError::Pattern { .. } => Self::Selector(error),
        }
    }
}

/// Makes one replacement in all resources.
///
/// **Shape**: a scalar that is replaced keeps its type, so that `8080` goes into a text as `"8080"` and into a number as
/// `8080`; one that is made gets the type that the text has without quotes. Lists and maps are replaced whole.
/// **Source**: kustomize `filters/replacement`, api v0.21.2; verdicts of it are in `tests/cases/replacements.jsonl`.
pub(crate) fn replace(resources: &mut [Resource], replacement: &Replacement) -> Result<(), ReplacementError> {
    let targets = replacement.targets.as_ref().ok_or(ReplacementError::Incomplete)?;
    let value = match (&replacement.source, &replacement.source_value) {
        (None, None) => return Err(ReplacementError::Incomplete),
        (Some(_), Some(_)) => return Err(ReplacementError::TwoSources),
        (None, Some(text)) => Copied { text: text.clone(), whole: resolve(text) },
        (Some(source), None) => value_of(resources, source)?,
    };
    for target in targets {
        let selector = target.select.as_ref().ok_or(ReplacementError::NoSelector)?;
        let selected = Selected::new(selector, &target.reject)?;
        for resource in resources.iter_mut() {
            if selected.has(resource)? {
                copy(&mut resource.body, &value, target)?;
            }
        }
    }
    Ok(())
}

/// What is copied.
struct Copied {
    /// Its text, empty of a list or a map.
    text: String,
    /// All of it.
    whole: Value,
}

fn value_of(resources: &[Resource], source: &Source) -> Result<Copied, ReplacementError> {
    let mut found: Option<&Resource> = None;
    for resource in resources {
        if ids(resource).iter().any(|id| source.selects(id)) {
            if found.is_some() {
                return Err(ReplacementError::ManySources(source.describe()));
            }
            found = Some(resource);
        }
    }
    let resource = found.ok_or_else(|| ReplacementError::NoSource(source.describe()))?;
    let path = if source.field_path.is_empty() { DEFAULT_FIELD } else { &source.field_path };
    let value = lookup(&resource.body, &split_field_path(path)).map_err(ReplacementError::SourcePath)?;
    let value = value.filter(|value| !is_empty(value)).ok_or_else(|| ReplacementError::SourceMissing {
        path: path.to_owned(),
        id: source.id().to_string(),
    })?;
    match source.options.as_ref().filter(|options| !options.delimiter.is_empty()) {
        None => Ok(Copied { text: scalar_text(value).into_owned(), whole: value.clone() }),
        Some(_) if value.is_object() || value.is_array() => Err(ReplacementError::NotAScalar),
        Some(options) => {
            let text = scalar_text(value);
            let part =
                usize::try_from(options.index).ok().and_then(|at| text.split(&options.delimiter).nth(at));
            let out_of_bounds =
                || ReplacementError::Index { index: options.index, value: text.clone().into_owned() };
            let text = part.ok_or_else(out_of_bounds)?.to_owned();
            let whole = retyped(value, text.clone()).unwrap_or_else(|_| Value::String(text.clone()));
            Ok(Copied { text, whole })
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn ids(resource: &Resource) -> Vec<ResId> {
    std::iter::once(resource.id()).chain(resource.previous_ids()).collect()
}

impl Source {
    fn id(&self) -> ResId {
        let gvk = Gvk { group: self.group.clone(), version: self.version.clone(), kind: self.kind.clone() };
        ResId { gvk, name: self.name.clone(), namespace: self.namespace.clone() }
    }

    /// Cluster-wide kinds are not told from others here.
    fn selects(&self, id: &ResId) -> bool {
        let effective =
            |namespace: &str| if namespace.is_empty() { "default".to_owned() } else { namespace.to_owned() };
        let own = self.id();
        (own.name.is_empty() || own.name == id.name)
            && (own.namespace.is_empty() || effective(&own.namespace) == effective(&id.namespace))
            && id.gvk.is_selected(&own.gvk)
    }

    fn describe(&self) -> String {
        let mut text = self.id().to_string();
        if !self.field_path.is_empty() {
            text = format!("{text}:{}", self.field_path);
        }
        match &self.options {
            Some(FieldOptions { delimiter, index, create, .. }) if !delimiter.is_empty() || *create => {
                format!("{text}:{delimiter}({index}), create={create}")
            }
            _ => text,
        }
    }
}

/// A target's selectors, ready to be used.
struct Selected {
    select: Matcher,
    reject: Vec<(Matcher, bool, bool)>,
}

impl Selected {
    fn new(select: &Selector, reject: &[Selector]) -> Result<Self, SelectorError> {
        let rejects = reject.iter().map(|selector| {
            let on_metadata = !selector.annotation_selector.is_empty() || !selector.label_selector.is_empty();
            Ok((selector.matcher()?, on_metadata, !selector.names_nothing()))
        });
        Ok(Self { select: select.matcher()?, reject: rejects.collect::<Result<_, SelectorError>>()? })
    }

    /// A `reject` rejects by its labels and annotations alone, and by its names alone.
    fn has(&self, resource: &Resource) -> Result<bool, SelectorError> {
        if !self.select.selects_metadata(&resource.body)? {
            return Ok(false);
        }
        let ids = ids(resource);
        for (matcher, on_metadata, on_names) in &self.reject {
            if *on_metadata && matcher.selects_metadata(&resource.body)? {
                return Ok(false);
            }
            if *on_names && ids.iter().any(|id| selects(matcher, id)) {
                return Ok(false);
            }
        }
        Ok(ids.iter().any(|id| selects(&self.select, id)))
    }
}

fn selects(matcher: &Matcher, id: &ResId) -> bool {
    matcher.selects_kind(&id.gvk.group, &id.gvk.version, &id.gvk.kind)
        && matcher.selects_name(&id.name)
        && matcher.selects_namespace(&id.namespace)
}

fn copy(object: &mut Value, value: &Copied, target: &Target) -> Result<(), ReplacementError> {
    let default = [DEFAULT_FIELD.to_owned()];
    let paths = if target.field_paths.is_empty() { &default[..] } else { &target.field_paths };
    let options = target.options.as_ref();
    let create = options.is_some_and(|options| options.create);
    let make = match &value.whole {
        _ if !create => Make::Nothing,
        Value::Object(_) => Make::Map,
        Value::Array(_) => Make::List,
        _ => Make::Scalar,
    };
    for text in paths {
        let path = split_field_path(text);
        let mut put = |place: Place<'_>| put(place, value, options);
        if structured::replace(object, &path, make, &mut put) {
            continue;
        }
        let missing = |reason: String| ReplacementError::TargetMissing {
            or_create: if create { "or create " } else { "" },
            path: text.clone(),
            reason,
        };
        let mut unfit = None;
        let found = for_each(object, &path, make, &mut |place| {
            put(place).map_err(|error| {
                let message = error.to_string();
                unfit = Some(error);
                message
            })
        });
        match (found, unfit) {
            (_, Some(error)) => return Err(error),
            (Err(reason), None) => return Err(missing(format!(": {reason}"))),
            (Ok(0), None) => return Err(missing(String::new())),
            (Ok(_), None) => {}
        }
    }
    Ok(())
}

/// Puts a value, or a part of it, into a place.
fn put(place: Place<'_>, value: &Copied, options: Option<&FieldOptions>) -> Result<(), ReplacementError> {
    let (slot, made) = match place {
        Place::Found(slot) => (slot, false),
        Place::Made(slot) => (slot, true),
        Place::Detached => return Ok(()),
    };
    let mut text = value.text.clone();
    if let Some(options) = options.filter(|options| !options.delimiter.is_empty()) {
        if slot.is_object() || slot.is_array() {
            return Err(ReplacementError::NotAScalar);
        }
        let current = if made { "".into() } else { scalar_text(slot) };
        let mut parts: Vec<&str> = current.split(&options.delimiter).collect();
        match usize::try_from(options.index) {
            Err(_) => parts.insert(0, &text),
            Ok(at) if at >= parts.len() => parts.push(&text),
            Ok(at) => parts[at] = &text,
        }
        text = parts.join(&options.delimiter);
    }
    if slot.is_object() || slot.is_array() {
        *slot = value.whole.clone();
    } else if made {
        *slot = resolve(&text);
    } else {
        *slot = retyped(slot, text).map_err(ReplacementError::Value)?;
    }
    Ok(())
}
