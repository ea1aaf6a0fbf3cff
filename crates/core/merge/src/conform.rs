//! Whether an applied object has the shape of its type.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::errors::TypeError;
use crate::fields_v1::MAX_DEPTH;
use crate::path::{Path, PathElement};
use crate::shape::{self, Shape};
use crate::types::{ListKind, TypeRef, View};

/// Everything in which a value departs from its type: wrong shapes, undeclared fields, duplicate items.
///
/// **Source**: structured-merge-diff's `Validate` without `AllowDuplicates`.
pub(crate) fn misfits(ty: &TypeRef, value: &Value) -> Vec<TypeError> {
    let mut checker = Checker { path: Vec::new(), errors: Vec::new() };
    checker.value(ty.view(), value);
    checker.errors
}

struct Checker {
    path: Path,
    errors: Vec<TypeError>,
}

impl Checker {
    fn report(&mut self, message: impl Into<String>) {
        self.errors.push(TypeError { path: self.path.clone(), message: message.into() });
    }

    fn value(&mut self, view: View<'_>, value: &Value) {
        if self.path.len() > MAX_DEPTH {
            self.report(format!("nested deeper than {MAX_DEPTH} levels"));
            return;
        }
        match (Shape::of(view.get(), Some(value)), value) {
            (Shape::Scalar(scalar), value) => {
                if let Some(complaint) = shape::check_scalar(scalar, value, "") {
                    self.report(complaint);
                }
            }
            (Shape::Map(_) | Shape::List(_), Value::Null) => {}
            (Shape::Map(map), Value::Object(entries)) => {
                for (name, entry) in entries {
                    self.path.push(PathElement::Field(name.clone()));
                    match map.field_type(name) {
                        Some(ty) => self.value(view.at(ty), entry),
                        None => self.report("field not declared in schema"),
                    }
                    self.path.pop();
                }
            }
            (Shape::Map(_), other) => {
                self.report(format!("expected map, got &{{{}}}", shape::go_plain(other)))
            }
            (Shape::List(list), Value::Array(items)) => {
                let mut seen = BTreeSet::new();
                for (index, item) in items.iter().enumerate() {
                    let element = if list.kind == ListKind::Atomic {
                        PathElement::Index(index)
                    } else {
                        match shape::item_element(view, list, item) {
                            Ok(element) => element,
                            Err(reason) => return self.report(format!("element {index}: {reason}")),
                        }
                    };
                    if list.kind != ListKind::Atomic && !seen.insert(element.clone()) {
                        self.report(format!("duplicate entries for key {element}"));
                    }
                    self.path.push(element);
                    self.value(view.at(list.element), item);
                    self.path.pop();
                }
            }
            (Shape::List(_), other) => {
                self.report(format!("expected list, got &{{{}}}", shape::go_plain(other)))
            }
            (Shape::Nothing, _) => self.report("schema error: invalid atom: inlined"),
        }
    }
}
