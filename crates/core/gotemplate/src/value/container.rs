//! Lists and maps: references, as in Go.

use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use super::{Str, Type, Value};
use crate::functions::Function;

/// The Go type of a list.
#[derive(Debug)]
pub struct ListType {
    /// As `%T` prints it.
    pub name: &'static str,
    /// The type of its elements.
    pub element: Type,
}

impl ListType {
    /// `[]interface {}`.
    pub const ANY: &'static Self = &Self { name: "[]interface {}", element: Type::Any };
    /// `[]string`.
    pub const STRINGS: &'static Self = &Self { name: "[]string", element: Type::String };
    /// `[]int`.
    pub const INTS: &'static Self = &Self { name: "[]int", element: Type::Int };
    /// `[]map[string]interface {}`.
    pub const MAPS: &'static Self = &Self { name: "[]map[string]interface {}", element: Type::Map };
    /// `[][]interface {}`, as Sprig's `chunk` makes.
    pub const LISTS: &'static Self = &Self { name: "[][]interface {}", element: Type::List };
}

/// The Go type of a map with string keys.
pub struct MapType {
    /// As `%T` prints it.
    pub name: &'static str,
    /// The type of its values.
    pub element: Type,
    /// Methods of a named type. They win over keys in `.name`; the receiver is [`Call::receiver`](crate::Call::receiver).
    pub methods: &'static [Function],
}

impl MapType {
    /// `map[string]interface {}`.
    pub const ANY: &'static Self =
        &Self { name: "map[string]interface {}", element: Type::Any, methods: &[] };
    /// `map[string]string`.
    pub const STRINGS: &'static Self =
        &Self { name: "map[string]string", element: Type::String, methods: &[] };
    /// `map[string]bool`.
    pub const BOOLS: &'static Self = &Self { name: "map[string]bool", element: Type::Bool, methods: &[] };
}

impl fmt::Debug for MapType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// A Go slice. It cannot be changed; what makes another list makes a new one, as Sprig's list functions do.
#[derive(Clone)]
pub struct List(Rc<ListInner>);

struct ListInner {
    kind: &'static ListType,
    nil: bool,
    items: Vec<Value>,
    /// Elements that Go would have room for: `slice` reaches beyond the end up to here.
    capacity: usize,
    methods: &'static [Function],
}

impl List {
    /// A list of the given type. The items are trusted to be of its element type.
    #[must_use]
    pub fn new(kind: &'static ListType, items: Vec<Value>) -> Self {
        let capacity = items.len();
        Self::with_capacity(kind, items, capacity)
    }

    /// A list for which Go would have allocated more than its items: `slice` shows it, and nothing else.
    #[must_use]
    pub fn with_capacity(kind: &'static ListType, items: Vec<Value>, capacity: usize) -> Self {
        let capacity = capacity.max(items.len());
        Self(Rc::new(ListInner { kind, nil: false, items, capacity, methods: &[] }))
    }

    /// A list of a named type with methods, as [`MapType::methods`]: Helm's `.Capabilities.APIVersions`.
    #[must_use]
    pub fn with_methods(kind: &'static ListType, items: Vec<Value>, methods: &'static [Function]) -> Self {
        let capacity = items.len();
        Self(Rc::new(ListInner { kind, nil: false, items, capacity, methods }))
    }

    /// The methods of its type.
    #[must_use]
    pub fn methods(&self) -> &'static [Function] {
        self.0.methods
    }

    /// Go's `cap`.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.capacity
    }

    /// The nil slice of a type: without items, and equal to `nil`.
    #[must_use]
    pub fn nil(kind: &'static ListType) -> Self {
        Self(Rc::new(ListInner { kind, nil: true, items: Vec::new(), capacity: 0, methods: &[] }))
    }

    /// Its Go type.
    #[must_use]
    pub fn kind(&self) -> &'static ListType {
        self.0.kind
    }

    /// The items.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        &self.0.items
    }

    /// Whether it is a nil slice.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        self.0.nil
    }
}

/// A Go map with string keys, in the order of their bytes. Clones share the entries.
///
/// A map that is being built has entries ([`Map::new`]); one that a template may already hold is changed by
/// [`Call::set`](crate::Call::set) and [`Call::unset`](crate::Call::unset) only, so that the run knows of every circle that could arise.
#[derive(Clone)]
pub struct Map(Rc<MapInner>);

pub(crate) struct MapInner {
    kind: &'static MapType,
    nil: bool,
    entries: RefCell<BTreeMap<Str, Value>>,
}

impl Map {
    /// A map of the given type. The values are trusted to be of its element type.
    #[must_use]
    pub fn new(kind: &'static MapType, entries: BTreeMap<Str, Value>) -> Self {
        Self(Rc::new(MapInner { kind, nil: false, entries: RefCell::new(entries) }))
    }

    /// The nil map of a type: without entries, equal to `nil`, and setting a key of it is an error.
    #[must_use]
    pub fn nil(kind: &'static MapType) -> Self {
        Self(Rc::new(MapInner { kind, nil: true, entries: RefCell::default() }))
    }

    /// Its Go type.
    #[must_use]
    pub fn kind(&self) -> &'static MapType {
        self.0.kind
    }

    /// Whether it is a nil map.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// The value of a key; `Some(Value::Nil)` where the key is there and its value is nil.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value> {
        self.0.entries.borrow().get(key.as_bytes()).cloned()
    }

    /// As [`Map::get`], for keys that may not be UTF-8.
    #[must_use]
    pub fn get_bytes(&self, key: &[u8]) -> Option<Value> {
        self.0.entries.borrow().get(key).cloned()
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.entries.borrow().len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries, in order. Changing the map while the borrow lives is an error of the run, so keep it short; [`Map::snapshot`] is safe.
    #[must_use]
    pub fn entries(&self) -> Ref<'_, BTreeMap<Str, Value>> {
        self.0.entries.borrow()
    }

    /// A copy of the entries (their values are shared), in order.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(Str, Value)> {
        self.0.entries.borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Whether both are the same map, not only equal ones.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// A number that only this map has while it lives. For finding circles.
    #[must_use]
    pub fn address(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
    }

    /// Changes the entries; false where somebody is reading them.
    pub(crate) fn change(&self, change: impl FnOnce(&mut BTreeMap<Str, Value>)) -> bool {
        self.0.entries.try_borrow_mut().is_ok_and(|mut entries| {
            change(&mut entries);
            true
        })
    }
}

// A list in a list in a list … would be dropped by as many nested calls. So the children of what is dropped are moved to a worklist first.

impl Drop for ListInner {
    fn drop(&mut self) {
        if self.items.iter().any(is_container) {
            drop_all(std::mem::take(&mut self.items));
        }
    }
}

impl Drop for MapInner {
    fn drop(&mut self) {
        let entries = self.entries.get_mut();
        if entries.values().any(is_container) {
            drop_all(std::mem::take(entries).into_values().collect());
        }
    }
}

/// Also one that somebody else holds: it may be here twice, and the second time it is the last.
fn is_container(value: &Value) -> bool {
    matches!(value, Value::List(_) | Value::Map(_))
}

fn drop_all(mut work: Vec<Value>) {
    while let Some(value) = work.pop() {
        match value {
            Value::List(list) => {
                if let Some(mut inner) = Rc::into_inner(list.0) {
                    work.append(&mut inner.items);
                }
            }
            Value::Map(map) => {
                if let Some(mut inner) = Rc::into_inner(map.0) {
                    work.extend(std::mem::take(inner.entries.get_mut()).into_values());
                }
            }
            _ => {}
        }
    }
}
