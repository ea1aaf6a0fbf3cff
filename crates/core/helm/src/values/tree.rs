//! Values while they are being put together: maps are references, as in Go.
//!
//! That is not for speed. Helm hands the same map to several charts (globals), and what one merge writes into it shows in the others.

use gotemplate::{Str, Value};
use serde_json::{Map, Number};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A value. Lists are never changed while values are put together.
#[derive(Clone)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Str),
    List(Rc<[Self]>),
    Table(Table),
}

/// A map. A clone is the same map; see [`Table::copy`].
#[derive(Clone, Default)]
pub(crate) struct Table(Rc<RefCell<BTreeMap<Str, Node>>>);

impl Table {
    /// From JSON, every number a float.
    pub(crate) fn from_chart(map: &Map<String, serde_json::Value>) -> Self {
        read_map(map, true)
    }

    /// From what a user gives: integers are those of `--set`.
    pub(crate) fn from_user(map: &Map<String, serde_json::Value>) -> Self {
        read_map(map, false)
    }

    pub(crate) fn get(&self, key: &str) -> Option<Node> {
        self.0.borrow().get(key.as_bytes()).cloned()
    }

    pub(crate) fn table(&self, key: &str) -> Option<Self> {
        match self.0.borrow().get(key.as_bytes()) {
            Some(Node::Table(table)) => Some(table.clone()),
            _ => None,
        }
    }

    /// The table at the end of a path of names.
    pub(crate) fn table_at<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        path.into_iter().try_fold(self.clone(), |table, name| table.table(name))
    }

    pub(crate) fn set(&self, key: impl Into<Str>, value: Node) {
        self.0.borrow_mut().insert(key.into(), value);
    }

    pub(crate) fn remove(&self, key: &Str) {
        self.0.borrow_mut().remove(key);
    }

    /// The entries as they are now, for loops that change the map.
    pub(crate) fn snapshot(&self) -> Vec<(Str, Node)> {
        self.0.borrow().iter().map(|(key, node)| (key.clone(), node.clone())).collect()
    }

    /// A map of its own with the same entries; maps inside are shared.
    pub(crate) fn shallow(&self) -> Self {
        Self(Rc::new(RefCell::new(self.0.borrow().clone())))
    }

    /// A copy that shares no map with this one. `left` counts entries down; none when it is used up.
    pub(crate) fn copy(&self, left: &mut u64) -> Option<Self> {
        let map = self.0.borrow();
        *left = left.checked_sub(map.len() as u64 + 1)?;
        let mut copy = BTreeMap::new();
        for (key, node) in map.iter() {
            let node = match node {
                Node::Table(table) => Node::Table(table.copy(left)?),
                other => other.clone(),
            };
            copy.insert(key.clone(), node);
        }
        Some(Self(Rc::new(RefCell::new(copy))))
    }

    pub(crate) fn to_json(&self) -> Map<String, serde_json::Value> {
        self.0.borrow().iter().map(|(key, node)| (key.to_text().into_owned(), node.to_json())).collect()
    }

    fn address(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
    }
}

fn read_map(map: &Map<String, serde_json::Value>, floats: bool) -> Table {
    let map = map.iter().map(|(key, value)| (Str::from(key.as_str()), Node::read(value, floats)));
    Table(Rc::new(RefCell::new(map.collect())))
}

impl Node {
    fn read(value: &serde_json::Value, floats: bool) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(truth) => Self::Bool(*truth),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(number) if !floats => Self::Int(number),
                _ => Self::Float(number.as_f64().unwrap_or_default()),
            },
            serde_json::Value::String(text) => Self::Text(text.as_str().into()),
            serde_json::Value::Array(items) => {
                Self::List(items.iter().map(|item| Self::read(item, floats)).collect())
            }
            serde_json::Value::Object(map) => Self::Table(read_map(map, floats)),
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(truth) => (*truth).into(),
            Self::Int(number) => (*number).into(),
            Self::Float(number) => Number::from_f64(*number).into(),
            Self::Text(text) => text.to_text().into_owned().into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Table(table) => table.to_json().into(),
        }
    }

    /// As Go's `%v` prints it.
    pub(crate) fn display(&self) -> String {
        match self {
            Self::Null => "<nil>".to_owned(),
            Self::Bool(truth) => truth.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => crate::go_json::float_text(*number),
            Self::Text(text) => text.to_text().into_owned(),
            Self::List(items) => {
                format!("[{}]", items.iter().map(Self::display).collect::<Vec<_>>().join(" "))
            }
            Self::Table(table) => {
                let entry = |(key, node): (Str, Self)| format!("{key}:{}", node.display());
                format!("map[{}]", table.snapshot().into_iter().map(entry).collect::<Vec<_>>().join(" "))
            }
        }
    }

    /// As Go's `%t` prints what is mostly no boolean.
    pub(crate) fn display_as_bool(&self) -> String {
        let go_type = match self {
            Self::Null => return "%!t(<nil>)".to_owned(),
            Self::Bool(truth) => return truth.to_string(),
            Self::Int(_) => "int64",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::List(items) => {
                return format!(
                    "[{}]",
                    items.iter().map(Self::display_as_bool).collect::<Vec<_>>().join(" ")
                );
            }
            Self::Table(_) => "map[string]interface {}",
        };
        format!("%!t({go_type}={})", self.display())
    }
}

/// Makes values of templates. What is one map here becomes one map there.
#[derive(Default)]
pub(crate) struct ToTemplate {
    done: BTreeMap<usize, gotemplate::Map>,
}

impl ToTemplate {
    pub(crate) fn map(&mut self, table: &Table) -> gotemplate::Map {
        self.map_of(table, gotemplate::MapType::ANY)
    }

    /// The map of a table; if it is made only now, with that type.
    pub(crate) fn map_of(&mut self, table: &Table, kind: &'static gotemplate::MapType) -> gotemplate::Map {
        if let Some(done) = self.done.get(&table.address()) {
            return done.clone();
        }
        let entries = table.0.borrow().iter().map(|(key, node)| (key.clone(), self.value(node))).collect();
        let map = gotemplate::Map::new(kind, entries);
        self.done.insert(table.address(), map.clone());
        map
    }

    fn value(&mut self, node: &Node) -> Value {
        match node {
            Node::Null => Value::Nil,
            Node::Bool(truth) => Value::Bool(*truth),
            Node::Int(number) => Value::int64(*number),
            Node::Float(number) => Value::float(*number),
            Node::Text(text) => Value::String(text.clone()),
            Node::List(items) => Value::list(items.iter().map(|item| self.value(item)).collect()),
            Node::Table(table) => Value::Map(self.map(table)),
        }
    }
}
