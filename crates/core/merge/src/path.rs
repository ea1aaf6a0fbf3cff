//! One step of a path into an object, as managed fields write it.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde_json::Value;

use crate::values::{self, go_json};

/// One step from a container to a child. The order is structured-merge-diff's: fields, keys, values, indices.
#[derive(Debug, Clone)]
pub enum PathElement {
    /// A field of a struct or an entry of a map, `f:name`.
    Field(String),
    /// The item of a list map that has these keys, `k:{"name":"web"}`.
    Key(BTreeMap<String, Value>),
    /// The item of a set that equals this scalar, `v:"finalizer"`.
    Value(Value),
    /// The item at this index, `i:0`; only very old entries have it.
    Index(usize),
}

/// A path from the root of an object; the empty path is the object itself.
pub type Path = Vec<PathElement>;

/// Writes a path as the API server does in messages: `.spec.ports[port=80,protocol="TCP"].nodePort`.
pub fn display_path(path: &[PathElement]) -> String {
    path.iter().fold(String::new(), |mut text, element| {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{element}");
        text
    })
}

/// Why a key of `fieldsV1` is not a path element.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathElementError {
    /// Shorter than `f:`, or without the colon.
    #[error("{0:?} is not a path element: want a letter, a colon and a value")]
    Malformed(String),
    /// A letter that this version does not know; readers skip such entries.
    #[error("{0:?} is a path element of an unknown kind")]
    UnknownKind(String),
    /// What follows the colon does not parse.
    #[error("{text:?} is not a path element: {reason}")]
    Content {
        /// The whole key.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl PathElement {
    /// A field by name.
    pub fn field(name: impl Into<String>) -> Self {
        Self::Field(name.into())
    }

    /// A list-map item by its keys.
    pub fn key<K: Into<String>, V: Into<Value>>(keys: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Key(keys.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// Reads a key of `fieldsV1`.
    ///
    /// # Errors
    /// See [`PathElementError`].
    pub fn parse(text: &str) -> Result<Self, PathElementError> {
        let (Some(kind), Some(":"), Some(rest)) = (text.get(..1), text.get(1..2), text.get(2..)) else {
            return Err(PathElementError::Malformed(text.to_owned()));
        };
        let content = |reason: &dyn fmt::Display| PathElementError::Content {
            text: text.to_owned(),
            reason: reason.to_string(),
        };
        match kind {
            "f" => Ok(Self::Field(rest.to_owned())),
            "k" => serde_json::from_str(rest).map(Self::Key).map_err(|error| content(&error)),
            "v" => serde_json::from_str(rest).map(Self::Value).map_err(|error| content(&error)),
            "i" => rest.parse().map(Self::Index).map_err(|error| content(&error)),
            _ => Err(PathElementError::UnknownKind(text.to_owned())),
        }
    }

    /// Writes the key of `fieldsV1`, escaped as Go's JSON encoder escapes.
    pub fn serialize(&self) -> String {
        let mut text = String::new();
        match self {
            Self::Field(name) => {
                text.push_str("f:");
                text.push_str(name);
            }
            Self::Key(keys) => {
                text.push_str("k:{");
                for (index, (name, value)) in keys.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    go_json::write_string(&mut text, name);
                    text.push(':');
                    go_json::write(&mut text, value);
                }
                text.push('}');
            }
            Self::Value(value) => {
                text.push_str("v:");
                go_json::write(&mut text, value);
            }
            Self::Index(index) => {
                text.push_str("i:");
                text.push_str(&index.to_string());
            }
        }
        text
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Value(_) => 2,
            Self::Index(_) => 3,
        }
    }
}

impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(keys) => {
                f.write_str("[")?;
                for (index, (name, value)) in keys.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    write!(f, "{comma}{name}={}", values::readable(value))?;
                }
                f.write_str("]")
            }
            Self::Value(value) => write!(f, "[={}]", values::readable(value)),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

impl Ord for PathElement {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Field(a), Self::Field(b)) => a.cmp(b),
            (Self::Key(a), Self::Key(b)) => {
                for ((name_a, value_a), (name_b, value_b)) in a.iter().zip(b) {
                    let order = name_a.cmp(name_b).then_with(|| values::compare(value_a, value_b));
                    if order.is_ne() {
                        return order;
                    }
                }
                a.len().cmp(&b.len())
            }
            (Self::Value(a), Self::Value(b)) => values::compare(a, b),
            (Self::Index(a), Self::Index(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for PathElement {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for PathElement {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for PathElement {}
