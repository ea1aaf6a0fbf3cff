//! What is neither a list nor a map: structs with fields and methods.

use std::any::Any;

use super::{Kind, Value};
use crate::functions::Function;

/// A struct-like value: Helm's `.Chart`, a version, a time.
///
/// Everything but the name of its type has a default, that of an empty struct.
pub trait Object: Any {
    /// The Go type, as `%T` prints it: `*chart.Metadata`, `time.Time`.
    fn type_name(&self) -> &str;

    /// The kind of what a pointer points at. Default: a struct.
    fn kind(&self) -> Kind {
        Kind::Struct
    }

    /// Whether it is a pointer (`kindOf` is `ptr`). Default: `type_name` starts with `*`.
    fn is_pointer(&self) -> bool {
        self.type_name().starts_with('*')
    }

    /// The field of that name. `None`: there is none (`can't evaluate field … in type …`).
    fn field(&self, name: &str) -> Option<Value> {
        let _ = name;
        None
    }

    /// Names of all exported fields in the struct's order, for `%v`.
    fn field_names(&self) -> &[&'static str] {
        &[]
    }

    /// The method of that name. Its receiver is [`Call::receiver`](crate::Call::receiver). One that runs a template
    /// ([`Outcome::Execute`](crate::Outcome::Execute)) can be called with arguments only.
    fn method(&self, name: &str) -> Option<&'static Function> {
        let _ = name;
        None
    }

    /// Names and values that JSON shows, in the struct's order: where Go has `json` tags, by these, without what they leave out.
    /// Default: all of [`Object::field_names`].
    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        self.field_names().iter().map(|name| (*name, self.field(name).unwrap_or_default())).collect()
    }

    /// What its `String` or `Error` method says. `None`: it has neither, and `%v` prints the fields.
    fn text(&self) -> Option<String> {
        None
    }

    /// What `{{ }}` writes of it where that is not what functions print. Go looks for a `String` method of the pointer there, too, as long as it
    /// knows the value's place in memory: a field's, but not what a function gave. Functions get a copy, and print it by [`Object::text`] or the
    /// fields. Where we differ: what was put in a map, or given to another template, and is printed from there has its place yet.
    /// Default: `None`, there is no difference.
    fn printed(&self) -> Option<String> {
        None
    }

    /// The list or map that it is, for a named container type that is read only when somebody looks into it. What prints it, loops over
    /// it, counts or indexes it, uses this. Default: it is none.
    fn contents(&self) -> Option<Value> {
        None
    }

    /// Whether `if` takes it. Go: structs and pointers always; numbers where not 0.
    fn truth(&self) -> bool {
        true
    }

    /// The value of a named basic type (`type Kind string`), which is compared as such. Default: it is none.
    fn plain(&self) -> Option<Value> {
        None
    }

    /// Whether `==` says that they are equal. Default: never.
    fn equals(&self, other: &dyn Object) -> bool {
        let _ = other;
        false
    }

    /// For [`dyn Object::downcast`].
    fn as_any(&self) -> &dyn Any;
}

impl dyn Object {
    /// The concrete object.
    #[must_use]
    pub fn downcast<T: Object>(&self) -> Option<&T> {
        self.as_any().downcast_ref()
    }
}
