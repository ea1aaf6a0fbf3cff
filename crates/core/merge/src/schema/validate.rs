//! Validation by schema, with the API server's words.

use std::fmt;

use serde_json::{Map, Value};

use super::formats::{has_format, is_known};
use super::is_standard;
use super::list_keys;
use crate::fields_v1::MAX_DEPTH;
use crate::types::{Rules, TypeId, TypeRef, View};
use crate::values::{self, go_json};

/// Most violations that are reported; the rest says nothing new.
const MAX_VIOLATIONS: usize = 1000;

/// One thing wrong with an object. `Display` is the API server's line for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field, as in `spec.ports[0].port`; `<nil>` where the server names none.
    pub path: String,
    /// What is wrong, as in `Required value` or `Unsupported value: "C": supported values: "A", "B"`.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Everything in which a value breaks the rules of its schema, in the order of the schema.
///
/// **Source**: apiextensions-apiserver's `validation` and `listtype` over kube-openapi, v1.34. The apiVersion, kind and
/// metadata of an object, and CEL rules, are not looked at. A pattern that is beyond the budget of our regular
/// expressions (10 MiB compiled) is not enforced. For built-in types the rules are those of the OpenAPI documents; null
/// counts as absent there.
pub fn validate(ty: &TypeRef, value: &Value) -> Vec<Violation> {
    let mut report = check(ty.view(), value, "", 0);
    if !ty.is_builtin() {
        list_keys::check(ty.view(), value, "", &mut report.violations, 0);
    }
    report.violations
}

/// What was found, and how many checks ran: of several alternatives the one with the most checks explains best.
#[derive(Debug, Default)]
struct Report {
    violations: Vec<Violation>,
    checks: usize,
}

impl Report {
    fn add(&mut self, path: &str, message: impl Into<String>) {
        let path = path.strip_prefix('.').unwrap_or(path).to_owned();
        self.push(Violation { path, message: message.into() });
    }

    fn invalid(&mut self, path: &str, value: &Value, detail: &str) {
        let field = path.strip_prefix('.').unwrap_or(path);
        self.add(path, format!("Invalid value: {}: {field} in body {detail}", bad_value(value)));
    }

    /// A finding that the server gives no path.
    fn whole(&mut self, detail: &str) {
        self.push(Violation { path: "<nil>".to_owned(), message: format!("Invalid value: \"\": {detail}") });
    }

    fn push(&mut self, violation: Violation) {
        if self.violations.len() < MAX_VIOLATIONS && !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }

    fn merge(&mut self, other: Self) {
        self.checks += other.checks;
        for violation in other.violations {
            self.push(violation);
        }
    }
}

/// A value as `field.Error` prints it.
pub(crate) fn bad_value(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => go_float(float),
            _ => number.to_string(),
        },
        Value::Bool(value) => value.to_string(),
        other => {
            let mut text = String::new();
            go_json::write(&mut text, other);
            text
        }
    }
}

/// A float as Go's `%v` prints it: with an exponent from a million on.
fn go_float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// A bound as the server prints it: next to an integer it is one too.
fn bound(value: &Value, bound: f64) -> String {
    if value.is_f64() || bound.fract() != 0.0 { go_float(bound) } else { format!("{bound:.0}") }
}

fn check(view: View<'_>, value: &Value, path: &str, depth: usize) -> Report {
    let mut report = Report::default();
    let ty = view.get();
    let default_rules = Rules::default();
    let rules = ty.rules.as_deref().unwrap_or(&default_rules);
    if depth > MAX_DEPTH {
        report.invalid(path, &Value::from(""), &format!("is nested deeper than {MAX_DEPTH} levels"));
        return report;
    }
    if value.is_null() {
        if !ty.nullable && !view.is_builtin() {
            check_type(rules, value, path, &mut report);
        }
        if !view.is_builtin() {
            check_enum(rules, value, path, &mut report);
        }
        return report;
    }
    check_type(rules, value, path, &mut report);
    report.checks += 1;
    check_alternatives(view, rules, value, path, depth, &mut report);
    report.checks += 2;
    match value {
        Value::String(text) => check_string(rules, text, value, path, &mut report),
        Value::Number(_) => check_number(rules, value, path, &mut report),
        Value::Array(items) => check_items(view, rules, items, path, depth, &mut report),
        Value::Object(entries) => check_entries(view, rules, entries, path, depth, &mut report),
        Value::Null | Value::Bool(_) => {}
    }
    check_enum(rules, value, path, &mut report);
    report.checks += 2;
    report
}

fn check_enum(rules: &Rules, value: &Value, path: &str, report: &mut Report) {
    if !rules.allowed.is_empty()
        && !rules.allowed.iter().any(|allowed| !value.is_null() && values::equal(allowed, value))
    {
        let names: Vec<_> = rules
            .allowed
            .iter()
            .map(|allowed| {
                allowed
                    .as_str()
                    .map_or_else(|| format!("{:?}", allowed.to_string()), |text| format!("{text:?}"))
            })
            .collect();
        report.add(
            path,
            format!("Unsupported value: {}: supported values: {}", bad_value(value), names.join(", ")),
        );
    }
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn check_type(rules: &Rules, value: &Value, path: &str, report: &mut Report) {
    let wanted = match &rules.json_type {
        _ if rules.int_or_string => "integer,string",
        Some(wanted) => wanted,
        None => return,
    };
    let found = json_type(value);
    let whole = value.as_f64().is_some_and(|number| number.fract() == 0.0);
    let fits = wanted.split(',').any(|wanted| match wanted {
        "integer" => found == "integer" || (found == "number" && whole),
        "number" => matches!(found, "integer" | "number"),
        wanted => wanted == found,
    });
    let format = rules.format.as_deref().filter(|format| is_known(format));
    if let (Some(format), false) = (format, fits || found == "null") {
        // The peer blames the format where it can, and lets strings and lists pass it here.
        let of_value = match found {
            "integer" => "int64",
            "number" => "float64",
            "array" | "string" => return,
            _ => "",
        };
        report.invalid(path, &Value::from(of_value), &format!("must be of type {format}: {of_value:?}"));
    } else if fits {
        report.checks += 1;
    } else {
        report.invalid(path, &Value::from(found), &format!("must be of type {wanted}: {found:?}"));
    }
}

fn check_string(rules: &Rules, text: &str, value: &Value, path: &str, report: &mut Report) {
    let length = text.chars().count();
    if let Some(longest) = rules.max_length.filter(|longest| length > *longest) {
        report.add(path, format!("Too long: may not be more than {longest} bytes"));
    } else if let Some(shortest) = rules.min_length.filter(|shortest| length < *shortest) {
        report.invalid(path, value, &format!("should be at least {shortest} chars long"));
    } else if let Some(pattern) = rules.pattern.as_ref().filter(|pattern| !pattern.matches(text)) {
        report.invalid(path, value, &format!("should match '{}'", pattern.text()));
    }
    if let Some(format) = &rules.format
        && has_format(format, text) == Some(false)
    {
        report.invalid(path, value, &format!("must be of type {format}: {text:?}"));
    }
    report.checks += 1;
}

fn check_number(rules: &Rules, value: &Value, path: &str, report: &mut Report) {
    report.checks += 2;
    let Some(number) = value.as_f64() else { return };
    if let Some(step) = rules.multiple_of {
        let quotient = number / step;
        if step > 0.0 && quotient.fract() != 0.0 {
            report.invalid(path, value, &format!("should be a multiple of {}", bound(value, step)));
        }
    }
    if let Some((most, excluded)) = rules.maximum
        && (number > most || (excluded && number >= most))
    {
        let or_equal = if excluded { "" } else { " or equal to" };
        report.invalid(path, value, &format!("should be less than{or_equal} {}", bound(value, most)));
    }
    if let Some((least, excluded)) = rules.minimum
        && (number < least || (excluded && number <= least))
    {
        let or_equal = if excluded { "" } else { " or equal to" };
        report.invalid(path, value, &format!("should be greater than{or_equal} {}", bound(value, least)));
    }
}

fn check_items(
    view: View<'_>,
    rules: &Rules,
    items: &[Value],
    path: &str,
    depth: usize,
    report: &mut Report,
) {
    if let Some(list) = &view.get().list {
        for (index, item) in items.iter().enumerate() {
            report.merge(check(view.at(list.element), item, &format!("{path}[{index}]"), depth + 1));
        }
    }
    let count = items.len();
    if let Some(fewest) = rules.min_items.filter(|fewest| count < *fewest) {
        report.invalid(path, &Value::from(count), &format!("should have at least {fewest} items"));
    }
    if let Some(most) = rules.max_items.filter(|most| count > *most) {
        report.add(path, format!("Too many: {count}: must have at most {most} items"));
    }
    report.checks += 2;
}

fn check_entries(
    view: View<'_>,
    rules: &Rules,
    entries: &Map<String, Value>,
    path: &str,
    depth: usize,
    report: &mut Report,
) {
    let ty = view.get();
    let count = entries.len();
    if let Some(fewest) = rules.min_properties.filter(|fewest| count < *fewest) {
        report.invalid(path, &Value::from(count), &format!("should have at least {fewest} properties"));
    }
    if let Some(most) = rules.max_properties.filter(|most| count > *most) {
        report.add(path, format!("Too many: {count}: must have at most {most} items"));
    }
    let map = ty.map.as_ref();
    for (name, entry) in entries.iter().filter(|(name, _)| !(ty.embedded && is_standard(name))) {
        let declared = map.and_then(|map| map.field(name)).map(|field| field.ty);
        let child = declared.or_else(|| map.filter(|map| !map.implied).and_then(|map| map.element));
        if let Some(child) = child {
            report.merge(check(view.at(child), entry, &format!("{path}.{name}"), depth + 1));
        }
    }
    for name in &rules.required {
        let there = entries.get(name).is_some_and(|entry| !(view.is_builtin() && entry.is_null()));
        if !there {
            report.add(&format!("{path}.{name}"), "Required value");
        }
    }
    report.checks += 1;
}

/// anyOf, oneOf, allOf and not.
fn check_alternatives(
    view: View<'_>,
    rules: &Rules,
    value: &Value,
    path: &str,
    depth: usize,
    report: &mut Report,
) {
    let field = path.strip_prefix('.').unwrap_or(path);
    let run = |id: &TypeId| check(view.at(*id), value, path, depth + 1);
    if !rules.any_of.is_empty() {
        let (valid, explained) = best(rules.any_of.iter().map(run), true);
        if valid == 0 {
            report.whole(&format!("\"{field}\" must validate at least one schema (anyOf)"));
        }
        report.merge(explained);
    }
    if !rules.one_of.is_empty() {
        let (valid, explained) = best(rules.one_of.iter().map(run), false);
        if valid != 1 {
            let found =
                if valid == 0 { "none valid".to_owned() } else { format!("{valid} valid alternatives") };
            report
                .whole(&format!("\"{field}\" must validate one and only one schema (oneOf). Found {found}"));
        }
        if valid < 2 {
            report.merge(explained);
        }
    }
    if !rules.all_of.is_empty() {
        let mut valid = 0;
        for part in rules.all_of.iter().map(run) {
            valid += usize::from(part.violations.is_empty());
            report.merge(part);
        }
        if valid != rules.all_of.len() {
            let none = if valid == 0 { ". None validated" } else { "" };
            report.whole(&format!("\"{field}\" must validate all the schemas (allOf){none}"));
        }
    }
    if let Some(not) = &rules.not
        && run(not).violations.is_empty()
    {
        report.whole(&format!("\"{field}\" must not validate the schema (not)"));
    }
}

/// How many alternatives hold, and the first that does or else the one that comes closest.
fn best(alternatives: impl Iterator<Item = Report>, stop_at_first: bool) -> (usize, Report) {
    let mut valid = 0;
    let mut explained: Option<Report> = None;
    for alternative in alternatives {
        if alternative.violations.is_empty() {
            valid += 1;
            if valid == 1 {
                explained = Some(alternative);
            }
            if stop_at_first {
                break;
            }
        } else if valid == 0 && explained.as_ref().is_none_or(|known| alternative.checks > known.checks) {
            explained = Some(alternative);
        }
    }
    (valid, explained.unwrap_or_default())
}
