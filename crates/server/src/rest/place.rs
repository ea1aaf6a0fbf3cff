//! Which call a path is.

use std::sync::Arc;

use http::Method as Verb;
use percent_encoding::percent_decode_str;

use crate::call::{Call, Calls};

/// A path with a verb, and the call that it is.
pub(crate) struct Place<C> {
    verb: Verb,
    segments: Vec<Segment>,
    body: String,
    call: Arc<Call<C>>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    /// One segment, for the field of this name.
    Field(String),
    /// All that is left, for the field of this name.
    Rest(String),
}

/// What is at a path.
pub(crate) enum Found<'a, C> {
    /// A call, with the fields that the path says.
    Place(&'a Place<C>, Vec<(String, String)>),
    /// Calls, for other verbs.
    OtherVerb,
    Nothing,
}

/// All places. A literal segment goes before a field, a field before all that is left.
pub(crate) struct Places<C>(Vec<Place<C>>);

impl<C: Send + 'static> Places<C> {
    pub(crate) fn new(calls: &Calls<C>) -> Self {
        let mut places: Vec<Place<C>> = Vec::new();
        for call in calls.all() {
            for rest in &call.method.rest {
                let Ok(verb) = rest.verb.parse() else { continue };
                let segments = rest.path.trim_start_matches('/').split('/').map(segment).collect();
                places.push(Place { verb, segments, body: rest.body.clone(), call: Arc::clone(call) });
            }
        }
        places.sort_by(|a, b| a.segments.cmp(&b.segments));
        Self(places)
    }

    /// What is at a path, which is still escaped: `%2F` is part of a segment.
    pub(crate) fn find(&self, verb: &Verb, path: &str) -> Found<'_, C> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let mut other = false;
        for place in &self.0 {
            let Some(captured) = place.matches(&parts) else { continue };
            if place.verb == *verb {
                return Found::Place(place, captured);
            }
            other = true;
        }
        if other { Found::OtherVerb } else { Found::Nothing }
    }
}

impl<C> Place<C> {
    pub(crate) fn call(&self) -> &Call<C> {
        &self.call
    }

    pub(crate) fn body(&self) -> &str {
        &self.body
    }

    fn matches(&self, parts: &[&str]) -> Option<Vec<(String, String)>> {
        let mut captured = Vec::new();
        for (index, segment) in self.segments.iter().enumerate() {
            match segment {
                Segment::Rest(name) => {
                    let rest: Vec<String> = parts.get(index..)?.iter().map(|part| unescaped(part)).collect();
                    captured.push((name.clone(), rest.join("/")));
                    return Some(captured);
                }
                Segment::Literal(text) => {
                    if parts.get(index)? != text {
                        return None;
                    }
                }
                Segment::Field(name) => {
                    let part = parts.get(index).filter(|part| !part.is_empty())?;
                    captured.push((name.clone(), unescaped(part)));
                }
            }
        }
        (parts.len() == self.segments.len()).then_some(captured)
    }
}

fn segment(text: &str) -> Segment {
    let Some(name) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
        return Segment::Literal(text.to_owned());
    };
    match name.strip_suffix("=**") {
        Some(name) => Segment::Rest(name.to_owned()),
        None => Segment::Field(name.to_owned()),
    }
}

fn unescaped(part: &str) -> String {
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}
