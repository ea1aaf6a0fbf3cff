//! Where a walker is, without allocating until somebody asks.

use std::cmp::Ordering;

use serde_json::Value;

use crate::errors::TypeError;
use crate::path::{Path, PathElement};
use crate::values;

/// The identity of an item of a set or list map, borrowed from the item.
#[derive(Debug, Clone)]
pub(crate) enum Item<'a> {
    /// Keys of a list map, sorted by name.
    Keys(Vec<(&'a str, &'a Value)>),
    /// The item of a set itself.
    Value(&'a Value),
}

impl Item<'_> {
    pub(crate) fn to_element(&self) -> PathElement {
        match self {
            Self::Keys(keys) => PathElement::Key(
                keys.iter().map(|(name, value)| ((*name).to_owned(), (*value).clone())).collect(),
            ),
            Self::Value(value) => PathElement::Value((*value).clone()),
        }
    }

    /// As the order of [`PathElement`]; items of one list are all of one kind.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Keys(a), Self::Keys(b)) => compare_keys(a.iter().copied(), b.iter().copied()),
            (Self::Value(a), Self::Value(b)) => values::compare(a, b),
            (Self::Keys(_), Self::Value(_)) => Ordering::Less,
            (Self::Value(_), Self::Keys(_)) => Ordering::Greater,
        }
    }

    /// How a path element stands to this item.
    pub(crate) fn order_of(&self, element: &PathElement) -> Ordering {
        match (element, self) {
            (PathElement::Field(_), _) | (PathElement::Key(_), Self::Value(_)) => Ordering::Less,
            (PathElement::Key(a), Self::Keys(b)) => {
                compare_keys(a.iter().map(|(name, value)| (name.as_str(), value)), b.iter().copied())
            }
            (PathElement::Value(a), Self::Value(b)) => values::compare(a, b),
            (PathElement::Value(_) | PathElement::Index(_), _) => Ordering::Greater,
        }
    }
}

/// An item in its order.
#[derive(Debug, Clone)]
pub(crate) struct Ordered<'a>(pub(crate) Item<'a>);

impl Ord for Ordered<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.compare(&other.0)
    }
}

impl PartialOrd for Ordered<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ordered<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered<'_> {}

fn compare_keys<'a>(
    mut a: impl Iterator<Item = (&'a str, &'a Value)>,
    mut b: impl Iterator<Item = (&'a str, &'a Value)>,
) -> Ordering {
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some((name_a, value_a)), Some((name_b, value_b))) => {
                name_a.cmp(name_b).then_with(|| values::compare(value_a, value_b))
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// A path as a chain of steps on the stack.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trail<'a> {
    parent: Option<&'a Self>,
    step: Step<'a>,
    /// How many steps lead here.
    pub(crate) depth: usize,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Field(&'a str),
    Item(&'a Item<'a>),
    Index(usize),
}

impl<'a> Trail<'a> {
    pub(crate) fn root() -> Self {
        Self { parent: None, step: Step::Root, depth: 0 }
    }

    pub(crate) fn field(&'a self, name: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Field(name), depth: self.depth + 1 }
    }

    pub(crate) fn item(&'a self, item: &'a Item<'a>) -> Self {
        Self { parent: Some(self), step: Step::Item(item), depth: self.depth + 1 }
    }

    pub(crate) fn index(&'a self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index), depth: self.depth + 1 }
    }

    pub(crate) fn path(&self) -> Path {
        let mut path = self.parent.map_or_else(|| Vec::with_capacity(8), Trail::path);
        match self.step {
            Step::Root => {}
            Step::Field(name) => path.push(PathElement::field(name)),
            Step::Item(item) => path.push(item.to_element()),
            Step::Index(index) => path.push(PathElement::Index(index)),
        }
        path
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> TypeError {
        TypeError { path: self.path(), message: message.into() }
    }
}
