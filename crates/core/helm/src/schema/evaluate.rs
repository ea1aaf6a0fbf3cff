//! A value against a schema.

use super::document::{Document, Draft, address};
use super::failure::{Failure, Kind, count, number, quote, quote_all, show};
use super::shape::type_name;
use super::{SchemaLimits, formats};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Looks at a whole document.
pub(super) fn evaluate(document: &Document<'_>, value: &Value, limits: &SchemaLimits) -> Result<(), String> {
    let mut run = Run { document, steps: limits.steps, depth: limits.depth, stopped: None };
    let mut at = Vec::new();
    let result =
        run.schema(&Here { schema: document.root, value, outer: None, quiet: false }, &mut at, false);
    match (run.stopped, result) {
        (Some(reason), _) => Err(reason),
        (None, Ok(_)) => Ok(()),
        (None, Err(failure)) => Err(failure.tell(limits.errors)),
    }
}

struct Run<'s> {
    document: &'s Document<'s>,
    steps: u64,
    depth: usize,
    /// Why nothing is looked at any more.
    stopped: Option<String>,
}

/// A schema and the value that it is held against, and how we came to it.
#[derive(Clone, Copy)]
struct Here<'a> {
    schema: &'a Value,
    value: &'a Value,
    outer: Option<&'a Self>,
    /// Whether anybody wants to know what fails.
    quiet: bool,
}

/// What no schema has looked at yet. Empty where nobody asks.
#[derive(Default, Clone)]
struct Unseen {
    names: BTreeSet<String>,
    items: BTreeSet<usize>,
}

impl Unseen {
    fn is_empty(&self) -> bool {
        self.names.is_empty() && self.items.is_empty()
    }

    /// What is unseen by both.
    fn merge(&mut self, other: &Self) {
        self.names.retain(|name| other.names.contains(name));
        self.items.retain(|item| other.items.contains(item));
    }
}

/// One schema's failures so far.
struct Found<'a> {
    here: &'a Here<'a>,
    failures: Vec<Failure>,
    unseen: Unseen,
}

impl Found<'_> {
    fn add(&mut self, at: &[String], words: impl FnOnce() -> String) {
        self.add_with(at, words, Vec::new());
    }

    fn add_with(&mut self, at: &[String], words: impl FnOnce() -> String, causes: Vec<Failure>) {
        self.failures.push(failure(self.here, at, words, causes));
    }

    fn keep<T>(&mut self, result: Result<T, Failure>) {
        if let Err(failure) = result {
            self.failures.push(failure);
        }
    }

    /// Whether more would be of no use.
    fn is_decided(&self) -> bool {
        self.here.quiet && !self.failures.is_empty()
    }
}

fn failure(here: &Here<'_>, at: &[String], words: impl FnOnce() -> String, causes: Vec<Failure>) -> Failure {
    if here.quiet {
        return Failure { at: Vec::new(), kind: Kind::Group, causes: Vec::new() };
    }
    Failure { at: at.to_vec(), kind: Kind::Words(words()), causes }
}

impl Run<'_> {
    fn schema(&mut self, here: &Here<'_>, at: &mut Vec<String>, wanted: bool) -> Result<Unseen, Failure> {
        let fail = |words: String| Err(failure(here, at, || words, Vec::new()));
        self.steps = self.steps.saturating_sub(1);
        if self.steps == 0 && self.stopped.is_none() {
            self.stopped = Some("looking at the values by the schema takes too many steps".to_owned());
        }
        if self.depth == 0 && self.stopped.is_none() {
            self.stopped = Some("the schema nests or refers too deep".to_owned());
        }
        if self.stopped.is_some() {
            return fail(String::new());
        }
        let map = match here.schema {
            Value::Bool(false) => return fail("false schema".to_owned()),
            Value::Object(map) if !map.is_empty() => map,
            _ => return Ok(unseen(here, None, wanted, self.document.draft)),
        };
        if in_circle(here) {
            return fail("the schema refers to itself, causing reference cycle".to_owned());
        }
        self.depth -= 1;
        let result = self.keywords(map, here, at, wanted);
        self.depth += 1;
        result
    }

    fn keywords(
        &mut self,
        map: &Map<String, Value>,
        here: &Here<'_>,
        at: &mut Vec<String>,
        wanted: bool,
    ) -> Result<Unseen, Failure> {
        let draft = self.document.draft;
        let unseen = unseen(here, Some(map), wanted, draft);
        let mut found = Found { here, failures: Vec::new(), unseen };
        let reference = map.get("$ref").and_then(Value::as_str);
        if draft < Draft::Y2019
            && let Some(reference) = reference
        {
            self.reference(reference, false, &mut found, at);
            return finish(found, at);
        }
        if let Some(words) = type_problem(map, here.value).or_else(|| self.value_problem(map, here.value)) {
            return Err(failure(here, at, || words, Vec::new()));
        }
        if draft < Draft::Y2019
            && let (Some(format), Value::String(text)) =
                (map.get("format").and_then(Value::as_str), here.value)
            && let Some(problem) = formats::problem(format, text)
        {
            let words = || format!("{} is not valid {format}: {problem}", quote(text));
            return Err(failure(here, at, words, Vec::new()));
        }
        if let Some(reference) = reference {
            self.reference(reference, false, &mut found, at);
        }
        match here.value {
            Value::Object(object) => self.object(map, object, &mut found, at),
            Value::Array(items) => self.array(map, items, &mut found, at),
            Value::String(text) => self.text(map, text, &mut found, at),
            Value::Number(value) => {
                numbers(map, value.as_f64().unwrap_or_default(), &mut found, at);
            }
            Value::Null | Value::Bool(_) => {}
        }
        if !found.is_decided() {
            if draft >= Draft::Y2019 {
                for keyword in ["$recursiveRef", "$dynamicRef"] {
                    if let Some(reference) = map.get(keyword).and_then(Value::as_str) {
                        self.reference(reference, true, &mut found, at);
                    }
                }
            }
            self.conditions(map, &mut found, at);
            if draft >= Draft::Y2019 {
                self.unevaluated(map, &mut found, at);
            }
        }
        finish(found, at)
    }

    fn reference(&mut self, reference: &str, dynamic: bool, found: &mut Found<'_>, at: &mut Vec<String>) {
        let document = self.document;
        let target = if dynamic {
            document.resolve_dynamic(found.here.schema, reference)
        } else {
            document.resolve(found.here.schema, reference)
        };
        let target = match target {
            Ok(target) => target,
            Err(problem) => {
                self.stopped.get_or_insert(problem);
                return;
            }
        };
        if let Err(failure) = self.itself(target, found, at, false) {
            let causes = if failure.kind == Kind::Group { failure.causes } else { vec![failure] };
            found.failures.push(Failure { at: at.clone(), kind: Kind::Reference, causes });
        }
    }

    /// The same value by another schema.
    fn itself(
        &mut self,
        schema: &Value,
        found: &mut Found<'_>,
        at: &mut Vec<String>,
        quiet: bool,
    ) -> Result<(), Failure> {
        let here = found.here;
        let inner = Here { schema, value: here.value, outer: Some(here), quiet: here.quiet || quiet };
        let unseen = self.schema(&inner, at, !found.unseen.is_empty())?;
        found.unseen.merge(&unseen);
        Ok(())
    }

    /// A value inside of this one.
    fn inside(
        &mut self,
        schema: &Value,
        value: &Value,
        name: String,
        found: &Found<'_>,
        at: &mut Vec<String>,
    ) -> Result<(), Failure> {
        at.push(name);
        let inner = Here { schema, value, outer: Some(found.here), quiet: found.here.quiet };
        let result = self.schema(&inner, at, false);
        at.pop();
        result.map(|_| ())
    }

    fn value_problem(&mut self, map: &Map<String, Value>, value: &Value) -> Option<String> {
        if let Some(wanted) = map.get("const").filter(|_| self.document.draft > Draft::Four)
            && !self.equal(value, wanted)
        {
            return Some(match wanted {
                Value::Array(_) | Value::Object(_) => "'const' failed".to_owned(),
                simple => format!("value must be {}", show(simple)),
            });
        }
        let wanted = map.get("enum").and_then(Value::as_array)?;
        if wanted.iter().any(|wanted| self.equal(value, wanted)) {
            return None;
        }
        Some(if wanted.iter().any(|wanted| wanted.is_array() || wanted.is_object()) {
            "'enum' failed".to_owned()
        } else if let [one] = wanted.as_slice() {
            format!("value must be {}", show(one))
        } else {
            format!("value must be one of {}", wanted.iter().map(show).collect::<Vec<_>>().join(", "))
        })
    }

    /// Numbers are equal by value. Every comparison is counted.
    fn equal(&mut self, a: &Value, b: &Value) -> bool {
        self.steps = self.steps.saturating_sub(1);
        match (a, b) {
            (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.equal(a, b))
            }
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| self.equal(a, b)))
            }
            (a, b) => a == b,
        }
    }

    fn object(
        &mut self,
        map: &Map<String, Value>,
        object: &Map<String, Value>,
        found: &mut Found<'_>,
        at: &mut Vec<String>,
    ) {
        let draft = self.document.draft;
        let missing = |names: &Value| -> Vec<String> {
            let names = names.as_array().into_iter().flatten().filter_map(Value::as_str);
            names.filter(|name| !object.contains_key(*name)).map(str::to_owned).collect()
        };
        for (keyword, bad) in bounds(map, "minProperties", "maxProperties", object.len()) {
            found.add(at, || format!("{keyword}: got {}, want {bad}", count(object.len())));
        }
        if let Some(names) = map.get("required").map(missing).filter(|names| !names.is_empty()) {
            found.add(at, || match names.as_slice() {
                [one] => format!("missing property {}", quote(one)),
                _ => format!("missing properties {}", quote_all(&names)),
            });
        }
        if found.is_decided() {
            return;
        }
        let required = |found: &mut Found<'_>, at: &[String], name: &str, missing: Vec<String>| {
            if !missing.is_empty() {
                found.add(at, || {
                    format!("properties {} required, if {} exists", quote_all(&missing), quote(name))
                });
            }
        };
        for (name, depends) in entries(map, "dependencies").filter(|(name, _)| object.contains_key(*name)) {
            if depends.is_array() {
                required(found, at, name, missing(depends));
            } else {
                let result = self.itself(depends, found, at, false);
                found.keep(result);
            }
        }
        let mut additional = Vec::new();
        for (name, value) in object {
            if found.is_decided() {
                return;
            }
            let mut evaluated = false;
            if let Some(schema) = map.get("properties").and_then(|it| it.get(name)) {
                evaluated = true;
                let result = self.inside(schema, value, name.clone(), found, at);
                found.keep(result);
            }
            for (pattern, schema) in entries(map, "patternProperties") {
                self.steps = self.steps.saturating_sub(1);
                if self.document.matches(pattern, name) {
                    evaluated = true;
                    let result = self.inside(schema, value, name.clone(), found, at);
                    found.keep(result);
                }
            }
            match map.get("additionalProperties").filter(|_| !evaluated) {
                None => {}
                Some(Value::Bool(false)) => {
                    evaluated = true;
                    additional.push(name.as_str());
                }
                Some(schema) => {
                    evaluated = true;
                    let result = self.inside(schema, value, name.clone(), found, at);
                    found.keep(result);
                }
            }
            if evaluated {
                found.unseen.names.remove(name);
            }
        }
        if !additional.is_empty() {
            found.add(at, || format!("additional properties {} not allowed", quote_all(&additional)));
        }
        if draft == Draft::Four {
            return;
        }
        if let Some(schema) = map.get("propertyNames") {
            for name in object.keys() {
                let value = Value::String(name.clone());
                let inner = Here { schema, value: &value, outer: None, quiet: found.here.quiet };
                if let Err(cause) = self.schema(&inner, &mut Vec::new(), false) {
                    let causes = if cause.kind == Kind::Group { cause.causes } else { vec![cause] };
                    found.add_with(at, || format!("invalid propertyName {}", quote(name)), causes);
                }
            }
        }
        if draft == Draft::Six {
            return;
        }
        for (name, schema) in entries(map, "dependentSchemas") {
            if object.contains_key(name) {
                let result = self.itself(schema, found, at, false);
                found.keep(result);
            }
        }
        for (name, depends) in entries(map, "dependentRequired") {
            if object.contains_key(name) {
                required(found, at, name, missing(depends));
            }
        }
    }

    fn array(
        &mut self,
        map: &Map<String, Value>,
        items: &[Value],
        found: &mut Found<'_>,
        at: &mut Vec<String>,
    ) {
        let draft = self.document.draft;
        for (keyword, bad) in bounds(map, "minItems", "maxItems", items.len()) {
            found.add(at, || format!("{keyword}: got {}, want {bad}", count(items.len())));
        }
        if map.get("uniqueItems") == Some(&Value::Bool(true))
            && let Some((first, second)) = self.duplicates(items)
        {
            found.add(at, || format!("items at {} and {} are equal", count(first), count(second)));
        }
        let (firsts, rest) = if draft < Draft::Y2020 {
            match map.get("items") {
                Some(Value::Array(firsts)) => (firsts.as_slice(), map.get("additionalItems")),
                rest => (&[][..], rest),
            }
        } else {
            let firsts = map.get("prefixItems").and_then(Value::as_array);
            (firsts.map(Vec::as_slice).unwrap_or_default(), map.get("items"))
        };
        let closed = draft < Draft::Y2020 && !firsts.is_empty() && rest == Some(&Value::Bool(false));
        if closed && items.len() > firsts.len() {
            let extra = items.len() - firsts.len();
            found.add(at, || format!("last {} additionalItem(s) not allowed", count(extra)));
        }
        for (index, item) in items.iter().enumerate() {
            let schema = match firsts.get(index) {
                Some(schema) => schema,
                None if closed => break,
                None => match rest {
                    Some(schema) => schema,
                    None => break,
                },
            };
            let result = self.inside(schema, item, index.to_string(), found, at);
            found.keep(result);
        }
        if let Some(schema) = map.get("contains").filter(|_| draft > Draft::Four) {
            self.contains(schema, map, items, found, at);
        }
    }

    fn contains(
        &mut self,
        schema: &Value,
        map: &Map<String, Value>,
        items: &[Value],
        found: &mut Found<'_>,
        at: &mut Vec<String>,
    ) {
        let draft = self.document.draft;
        let (mut matched, mut causes) = (Vec::new(), Vec::new());
        for (index, item) in items.iter().enumerate() {
            match self.inside(schema, item, index.to_string(), found, at) {
                Ok(()) => {
                    matched.push(index);
                    if draft >= Draft::Y2020 {
                        found.unseen.items.remove(&index);
                    }
                }
                Err(cause) => causes.push(cause),
            }
        }
        let limit = |keyword: &str| map.get(keyword).filter(|_| draft >= Draft::Y2019).and_then(whole);
        let places = || matched.iter().map(usize::to_string).collect::<Vec<_>>().join(" ");
        match limit("minContains") {
            Some(least) if matched.len() < least => {
                let words = || match matched.len() {
                    0 => format!("min {least} items required to match contains schema, but none matched"),
                    got => format!(
                        "min {least} items required to match contains schema, but matched {got} items at {}",
                        places()
                    ),
                };
                found.add_with(at, words, causes);
            }
            None if matched.is_empty() => {
                found.add_with(at, || "no items match contains schema".to_owned(), causes);
            }
            _ => {}
        }
        if let Some(most) = limit("maxContains")
            && matched.len() > most
        {
            found.add(at, || {
                format!(
                    "max {most} items required to match contains schema, but matched {} items at {}",
                    matched.len(),
                    places()
                )
            });
        }
    }

    fn duplicates(&mut self, items: &[Value]) -> Option<(usize, usize)> {
        for (second, item) in items.iter().enumerate() {
            for (first, before) in items.iter().enumerate().take(second) {
                if self.equal(before, item) {
                    return Some((first, second));
                }
                if self.steps == 0 {
                    return None;
                }
            }
        }
        None
    }

    fn text(&mut self, map: &Map<String, Value>, text: &str, found: &mut Found<'_>, at: &[String]) {
        let length = text.chars().count();
        for (keyword, bad) in bounds(map, "minLength", "maxLength", length) {
            found.add(at, || format!("{keyword}: got {}, want {bad}", count(length)));
        }
        if let Some(pattern) = map.get("pattern").and_then(Value::as_str)
            && !self.document.matches(pattern, text)
        {
            found.add(at, || format!("{} does not match pattern {}", quote(text), quote(pattern)));
        }
    }

    fn conditions(&mut self, map: &Map<String, Value>, found: &mut Found<'_>, at: &mut Vec<String>) {
        let list =
            |keyword| map.get(keyword).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if let Some(schema) = map.get("not")
            && self.itself(schema, found, at, true).is_ok()
        {
            found.add(at, || "'not' failed".to_owned());
        }
        let mut causes = Vec::new();
        for schema in list("allOf") {
            if let Err(cause) = self.itself(schema, found, at, false) {
                causes.push(cause);
            }
        }
        if !causes.is_empty() {
            found.add_with(at, || "'allOf' failed".to_owned(), causes);
        }
        self.any_of(list("anyOf"), found, at);
        self.one_of(list("oneOf"), found, at);
        if self.document.draft >= Draft::Seven
            && let Some(condition) = map.get("if")
        {
            let holds = self.itself(condition, found, at, true).is_ok();
            if let Some(schema) = map.get(if holds { "then" } else { "else" }) {
                let result = self.itself(schema, found, at, false);
                found.keep(result);
            }
        }
    }

    fn any_of(&mut self, schemas: &[Value], found: &mut Found<'_>, at: &mut Vec<String>) {
        let (mut matched, mut causes) = (schemas.is_empty(), Vec::new());
        for schema in schemas {
            match self.itself(schema, found, at, false) {
                Err(cause) => causes.push(cause),
                Ok(()) => {
                    matched = true;
                    if found.unseen.is_empty() {
                        break;
                    }
                }
            }
        }
        if !matched {
            found.add_with(at, || "'anyOf' failed".to_owned(), causes);
        }
    }

    fn one_of(&mut self, schemas: &[Value], found: &mut Found<'_>, at: &mut Vec<String>) {
        let (mut matched, mut causes) = (None, Vec::new());
        for (index, schema) in schemas.iter().enumerate() {
            match (self.itself(schema, found, at, matched.is_some()), matched) {
                (Err(cause), None) => causes.push(cause),
                (Err(_), Some(_)) => {}
                (Ok(()), None) => matched = Some(index),
                (Ok(()), Some(first)) => {
                    found.add(at, || format!("'oneOf' failed, subschemas {first}, {index} matched"));
                    break;
                }
            }
        }
        if matched.is_none() && !schemas.is_empty() {
            found.add_with(at, || "'oneOf' failed, none matched".to_owned(), causes);
        }
    }

    fn unevaluated(&mut self, map: &Map<String, Value>, found: &mut Found<'_>, at: &mut Vec<String>) {
        match (found.here.value, map.get("unevaluatedProperties"), map.get("unevaluatedItems")) {
            (Value::Object(object), Some(schema), _) => {
                for name in std::mem::take(&mut found.unseen.names) {
                    if let Some(value) = object.get(&name) {
                        let result = self.inside(schema, value, name, found, at);
                        found.keep(result);
                    }
                }
            }
            (Value::Array(items), _, Some(schema)) => {
                for index in std::mem::take(&mut found.unseen.items) {
                    if let Some(value) = items.get(index) {
                        let result = self.inside(schema, value, index.to_string(), found, at);
                        found.keep(result);
                    }
                }
            }
            _ => {}
        }
    }
}

fn finish(mut found: Found<'_>, at: &[String]) -> Result<Unseen, Failure> {
    match found.failures.len() {
        0 => Ok(found.unseen),
        1 => found.failures.pop().map_or(Ok(found.unseen), Err),
        _ => Err(Failure { at: at.to_vec(), kind: Kind::Group, causes: found.failures }),
    }
}

/// Whether the same schema is already being held against the same value.
fn in_circle(here: &Here<'_>) -> bool {
    let mut outer = here.outer;
    while let Some(above) = outer.filter(|above| std::ptr::eq(above.value, here.value)) {
        if address(above.schema) == address(here.schema) {
            return true;
        }
        outer = above.outer;
    }
    false
}

fn unseen(here: &Here<'_>, map: Option<&Map<String, Value>>, wanted: bool, draft: Draft) -> Unseen {
    let has = |keyword: &str| map.is_some_and(|map| map.contains_key(keyword));
    let mut unseen = Unseen::default();
    match here.value {
        Value::Object(object) if (wanted || has("unevaluatedProperties")) && !has("additionalProperties") => {
            unseen.names = object.keys().cloned().collect();
        }
        Value::Array(items) if wanted || has("unevaluatedItems") => {
            let (firsts, rest) =
                if draft < Draft::Y2020 { ("items", "additionalItems") } else { ("prefixItems", "items") };
            let firsts = map.and_then(|map| map.get(firsts));
            let all = has(rest) || (draft < Draft::Y2020 && firsts.is_some_and(|items| !items.is_array()));
            let seen = firsts.and_then(Value::as_array).map_or(0, Vec::len);
            if !all {
                unseen.items = (seen..items.len()).collect();
            }
        }
        _ => {}
    }
    unseen
}

fn type_problem(map: &Map<String, Value>, value: &Value) -> Option<String> {
    let mut wanted: Vec<&str> = match map.get("type")? {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let found = type_name(value);
    let is_whole = || value.as_f64().is_some_and(|number| number.fract() == 0.0);
    if wanted.is_empty() || wanted.contains(&found) || (wanted.contains(&"integer") && is_whole()) {
        return None;
    }
    const ORDER: [&str; 7] = ["null", "boolean", "number", "integer", "string", "array", "object"];
    wanted.sort_by_key(|name| ORDER.iter().position(|known| known == name));
    wanted.dedup();
    Some(format!("got {found}, want {}", wanted.join(" or ")))
}

fn numbers(map: &Map<String, Value>, value: f64, found: &mut Found<'_>, at: &[String]) {
    let limit = |keyword: &str| map.get(keyword).and_then(Value::as_f64);
    let flag = |keyword: &str| map.get(keyword) == Some(&Value::Bool(true));
    let (least, most) = (limit("minimum"), limit("maximum"));
    let (above, least) =
        if flag("exclusiveMinimum") { (least, None) } else { (limit("exclusiveMinimum"), least) };
    let (below, most) =
        if flag("exclusiveMaximum") { (most, None) } else { (limit("exclusiveMaximum"), most) };
    let mut check = |keyword: &str, limit: Option<f64>, broken: fn(f64, f64) -> bool| {
        if let Some(limit) = limit.filter(|limit| broken(value, *limit)) {
            found.add(at, || format!("{keyword}: got {}, want {}", number(value), number(limit)));
        }
    };
    check("minimum", least, |value, limit| value < limit);
    check("maximum", most, |value, limit| value > limit);
    check("exclusiveMinimum", above, |value, limit| value <= limit);
    check("exclusiveMaximum", below, |value, limit| value >= limit);
    check("multipleOf", limit("multipleOf"), |value, of| {
        let times = value / of;
        (times - times.round()).abs() > 1e-9 * times.abs().max(1.0)
    });
}

/// The bounds that a count breaks, with the bound as text.
fn bounds<'k>(
    map: &Map<String, Value>,
    least: &'k str,
    most: &'k str,
    got: usize,
) -> impl Iterator<Item = (&'k str, String)> {
    let low = map.get(least).and_then(whole).filter(|low| got < *low).map(|low| (least, count(low)));
    let high = map.get(most).and_then(whole).filter(|high| got > *high).map(|high| (most, count(high)));
    low.into_iter().chain(high)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be whole and not negative"
)]
fn whole(value: &Value) -> Option<usize> {
    value.as_f64().filter(|number| number.fract() == 0.0 && *number >= 0.0).map(|number| number as usize)
}

fn entries<'m>(map: &'m Map<String, Value>, keyword: &str) -> impl Iterator<Item = (&'m String, &'m Value)> {
    map.get(keyword).and_then(Value::as_object).into_iter().flatten()
}
