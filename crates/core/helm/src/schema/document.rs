//! A schema document: which draft it is, what its references lead to, and its patterns.

use super::SchemaLimits;
use super::failure::pointer;
use super::shape;
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What the document is called in errors.
const ROOT: &str = "file:///values.schema.json";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    Four,
    Six,
    Seven,
    Y2019,
    Y2020,
}

/// A schema document, indexed. Schemas are known by their address.
pub(super) struct Document<'s> {
    pub(super) root: &'s Value,
    pub(super) draft: Draft,
    /// The address by which references of a schema go, where it is not the root's.
    bases: BTreeMap<usize, String>,
    /// `$id`s.
    resources: BTreeMap<String, &'s Value>,
    /// Address and `$anchor`.
    anchors: BTreeMap<(String, String), &'s Value>,
    /// `$dynamicAnchor`s, outermost first.
    dynamic: BTreeMap<String, &'s Value>,
    patterns: BTreeMap<String, Regex>,
}

static ANYTHING: Value = Value::Bool(true);

impl<'s> Document<'s> {
    /// Indexes a document and looks at all of it that can be reached.
    pub(super) fn new(
        root: &'s Value,
        limits: &SchemaLimits,
        warnings: &mut Vec<String>,
    ) -> Result<Self, String> {
        let draft = draft(root)?;
        let mut document = Self {
            root,
            draft,
            bases: BTreeMap::new(),
            resources: BTreeMap::from([(ROOT.to_owned(), root)]),
            anchors: BTreeMap::new(),
            dynamic: BTreeMap::new(),
            patterns: BTreeMap::new(),
        };
        document.index();
        document.check(limits, warnings)?;
        Ok(document)
    }

    fn index(&mut self) {
        let mut ahead = vec![(self.root, ROOT.to_owned())];
        while let Some((schema, base)) = ahead.pop() {
            let mut base = base;
            if let Value::Object(map) = schema {
                let id = map.get(if self.draft == Draft::Four { "id" } else { "$id" });
                let id = id
                    .and_then(Value::as_str)
                    .filter(|_| self.draft >= Draft::Y2019 || !map.contains_key("$ref"));
                if let Some(id) = id {
                    let (url, fragment) = id.split_once('#').unwrap_or((id, ""));
                    if !url.is_empty() {
                        base = join(&base, url);
                        self.resources.insert(base.clone(), schema);
                    }
                    if self.draft < Draft::Y2019 && !fragment.is_empty() {
                        self.anchors.insert((base.clone(), fragment.to_owned()), schema);
                    }
                }
                for (key, dynamic) in [("$anchor", false), ("$dynamicAnchor", true)] {
                    let Some(name) = map.get(key).and_then(Value::as_str) else { continue };
                    self.anchors.insert((base.clone(), name.to_owned()), schema);
                    if dynamic {
                        self.dynamic.entry(name.to_owned()).or_insert(schema);
                    }
                }
                if base != ROOT {
                    self.bases.insert(address(schema), base.clone());
                }
            }
            let mut below = Vec::new();
            shape::children(schema, |child| below.push(child));
            ahead.extend(below.into_iter().rev().map(|child| (child, base.clone())));
        }
    }

    /// Every schema that can be reached must be one: its keywords of the right type, references that lead somewhere, patterns that can be
    /// read.
    fn check(&mut self, limits: &SchemaLimits, warnings: &mut Vec<String>) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        let mut ahead = vec![(self.root, Vec::<String>::new())];
        while let Some((schema, at)) = ahead.pop() {
            if !seen.insert(address(schema)) {
                continue;
            }
            if let Some(problem) = shape::problem(schema, self.draft) {
                return Err(format!(
                    "\"{ROOT}#\" is not valid against metaschema: jsonschema validation failed with '{}#'\n- at '{}{}': {}",
                    self.draft.url(),
                    pointer(&at),
                    problem.keyword,
                    problem.words
                ));
            }
            let Value::Object(map) = schema else { continue };
            for pattern in shape::patterns(map) {
                if !self.patterns.contains_key(pattern) {
                    let built = RegexBuilder::new(pattern).size_limit(limits.pattern_bytes).build();
                    let built = built.map_err(|error| {
                        let error = error.to_string();
                        let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
                        format!("invalid regex {pattern:?} at \"{ROOT}#{}\": {reason}", pointer(&at))
                    })?;
                    self.patterns.insert(pattern.to_owned(), built);
                }
            }
            for keyword in ["$ref", "$dynamicRef", "$recursiveRef"] {
                if let Some(reference) = map.get(keyword).and_then(Value::as_str) {
                    let target = self.resolve(schema, reference)?;
                    if reference.starts_with("urn:") && std::ptr::eq(target, &raw const ANYTHING) {
                        warnings.push(format!(
                            "WARNING: unresolved URN reference ignored; using permissive schema: {reference}"
                        ));
                    }
                    ahead.push((target, at.clone()));
                }
            }
            if self.draft < Draft::Y2019 && map.contains_key("$ref") {
                continue;
            }
            shape::named_children(schema, |keyword, name, child| {
                let mut at = at.clone();
                at.push(keyword.to_owned());
                at.extend(name);
                ahead.push((child, at));
            });
        }
        Ok(())
    }

    /// The schema that a reference in another one leads to.
    pub(super) fn resolve(&self, from: &Value, reference: &str) -> Result<&'s Value, String> {
        let base = self.bases.get(&address(from)).map_or(ROOT, String::as_str);
        let (url, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let url = if url.is_empty() { base.to_owned() } else { join(base, url) };
        let Some(resource) = self.resources.get(&url).copied() else {
            // The schemas of schemas are part of the peer's library. What they say of values is of no use here.
            return if known_draft(&url).is_some() || url.starts_with("urn:") {
                Ok(&ANYTHING)
            } else {
                Err(format!("failing loading {url:?}: references to other documents are not followed"))
            };
        };
        if fragment.is_empty() {
            return Ok(resource);
        }
        let fragment = percent_decoded(fragment);
        if fragment.starts_with('/') {
            return resource
                .pointer(&fragment)
                .ok_or_else(|| format!("json-pointer in \"{url}#{fragment}\" not found"));
        }
        self.anchors
            .get(&(url.clone(), fragment.clone()))
            .copied()
            .ok_or_else(|| format!("anchor in \"{url}#{fragment}\" not found in schema {url:?}"))
    }

    /// Where a `$dynamicRef` leads: the outermost schema with that anchor, if its plain target has it, too.
    pub(super) fn resolve_dynamic(&self, from: &Value, reference: &str) -> Result<&'s Value, String> {
        let target = self.resolve(from, reference)?;
        let anchor = reference.split_once('#').map_or("", |(_, anchor)| anchor);
        let has = target.get("$dynamicAnchor").and_then(Value::as_str) == Some(anchor);
        Ok(if has { self.dynamic.get(anchor).copied().unwrap_or(target) } else { target })
    }

    /// Whether a pattern occurs in a text.
    pub(super) fn matches(&self, pattern: &str, text: &str) -> bool {
        self.patterns.get(pattern).is_some_and(|pattern| pattern.is_match(text))
    }
}

/// What a schema is known by.
pub(super) fn address(schema: &Value) -> usize {
    std::ptr::from_ref(schema).addr()
}

impl Draft {
    fn url(self) -> &'static str {
        match self {
            Self::Four => "http://json-schema.org/draft-04/schema",
            Self::Six => "http://json-schema.org/draft-06/schema",
            Self::Seven => "http://json-schema.org/draft-07/schema",
            Self::Y2019 => "https://json-schema.org/draft/2019-09/schema",
            Self::Y2020 => "https://json-schema.org/draft/2020-12/schema",
        }
    }
}

fn draft(root: &Value) -> Result<Draft, String> {
    let said = root.as_object().and_then(|map: &Map<String, Value>| map.get("$schema")?.as_str());
    let Some(url) = said else { return Ok(Draft::Y2020) };
    let address = url.strip_suffix('#').unwrap_or(url);
    known_draft(address)
        .ok_or_else(|| format!("failing loading {address:?}: references to other documents are not followed"))
}

fn known_draft(url: &str) -> Option<Draft> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or(url);
    match rest.strip_prefix("json-schema.org/")? {
        "schema" | "draft/2020-12/schema" => Some(Draft::Y2020),
        "draft/2019-09/schema" => Some(Draft::Y2019),
        "draft-07/schema" => Some(Draft::Seven),
        "draft-06/schema" => Some(Draft::Six),
        "draft-04/schema" => Some(Draft::Four),
        _ => None,
    }
}

/// A URL as seen from another one.
fn join(base: &str, url: &str) -> String {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    if !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    {
        return url.to_owned();
    }
    let host_end = base.find("://").map_or(0, |at| {
        let rest = base.get(at + 3..).unwrap_or_default();
        at + 3 + rest.find('/').unwrap_or(rest.len())
    });
    let (host, path) = base.split_at_checked(host_end).unwrap_or((base, ""));
    if url.starts_with('/') {
        return format!("{host}{url}");
    }
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut names: Vec<&str> = directory.split('/').filter(|name| !name.is_empty()).collect();
    for name in url.split('/') {
        match name {
            "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    format!("{host}/{}", names.join("/"))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let mut ahead = bytes.clone();
        match (byte, hex(ahead.next()), hex(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                bytes = ahead;
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
