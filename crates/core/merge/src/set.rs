//! A set of paths as a tree, with the algebra that ownership needs.

use std::cmp::Ordering;

use crate::path::{Path, PathElement};
use crate::trail::Item;

/// A set of paths, kept as a tree in the order of [`PathElement`].
///
/// A container can be a member itself (`.spec.template` owned as such), have members below it, or both.
/// The empty path is never a member: nobody owns a whole object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Sorted by element; each node is a member, has children, or both.
    pub(crate) nodes: Vec<Node>,
}

/// One element at one level of a [`FieldSet`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The step from the parent.
    pub element: PathElement,
    /// Whether this very path is in the set.
    pub member: bool,
    /// What the set has below this path.
    pub children: FieldSet,
}

impl Node {
    fn alive(&self) -> bool {
        self.member || !self.children.is_empty()
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.alive()
    }
}

impl FieldSet {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// A set of the given paths.
    pub fn from_paths(paths: impl IntoIterator<Item = Path>) -> Self {
        let mut set = Self::new();
        for path in paths {
            set.insert(&path);
        }
        set
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        !self.nodes.iter().any(Node::alive)
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.nodes.iter().map(|node| usize::from(node.member) + node.children.len()).sum()
    }

    /// The nodes of this level, in order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node at `element` of this level.
    pub fn get(&self, element: &PathElement) -> Option<&Node> {
        self.find(element).ok().map(|at| &self.nodes[at])
    }

    /// The node of the field `name` of this level; saves making a [`PathElement`].
    pub fn get_field(&self, name: &str) -> Option<&Node> {
        self.nodes
            .binary_search_by(|node| match &node.element {
                PathElement::Field(field) => field.as_str().cmp(name),
                PathElement::Key(_) | PathElement::Value(_) | PathElement::Index(_) => Ordering::Greater,
            })
            .ok()
            .map(|at| &self.nodes[at])
    }

    /// The node of an item of this level.
    pub(crate) fn get_item(&self, item: &Item<'_>) -> Option<&Node> {
        self.nodes.binary_search_by(|node| item.order_of(&node.element)).ok().map(|at| &self.nodes[at])
    }

    /// Whether exactly this path is a member; children and parents do not count.
    pub fn contains(&self, path: &[PathElement]) -> bool {
        let Some((last, parents)) = path.split_last() else { return false };
        let mut level = self;
        for element in parents {
            match level.get(element) {
                Some(node) => level = &node.children,
                None => return false,
            }
        }
        level.get(last).is_some_and(|node| node.member)
    }

    /// Adds a path, not its parents. The empty path is ignored.
    pub fn insert(&mut self, path: &[PathElement]) {
        let Some((last, parents)) = path.split_last() else { return };
        let mut level = self;
        for element in parents {
            level = &mut level.entry(element).children;
        }
        level.entry(last).member = true;
    }

    /// Paths of the members in structured-merge-diff's order: the members of a level, then what is below them.
    pub fn paths(&self) -> Vec<Path> {
        let mut paths = Vec::new();
        self.walk(&mut |path| paths.push(path.to_vec()));
        paths
    }

    /// Calls `visit` for each member, in the order of [`FieldSet::paths`].
    pub fn walk(&self, visit: &mut impl FnMut(&[PathElement])) {
        self.walk_below(&mut Vec::new(), visit);
    }

    fn walk_below(&self, prefix: &mut Path, visit: &mut impl FnMut(&[PathElement])) {
        for node in self.nodes.iter().filter(|node| node.member) {
            prefix.push(node.element.clone());
            visit(prefix);
            prefix.pop();
        }
        for node in self.nodes.iter().filter(|node| !node.children.nodes.is_empty()) {
            prefix.push(node.element.clone());
            node.children.walk_below(prefix, visit);
            prefix.pop();
        }
    }

    /// Members of either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.clone().merged(other)
    }

    /// As [`FieldSet::union`], in place.
    pub fn extend(&mut self, other: &Self) {
        *self = std::mem::take(self).merged(other);
    }

    fn merged(self, other: &Self) -> Self {
        if other.nodes.is_empty() {
            return self;
        }
        let mut nodes = Vec::with_capacity(self.nodes.len() + other.nodes.len());
        let mut right = other.nodes.iter().peekable();
        for mut node in self.nodes {
            while let Some(before) = right.next_if(|next| next.element < node.element) {
                nodes.push(before.clone());
            }
            if let Some(same) = right.next_if(|next| next.element == node.element) {
                node.member |= same.member;
                node.children = node.children.merged(&same.children);
            }
            nodes.push(node);
        }
        nodes.extend(right.cloned());
        Self { nodes }
    }

    /// Members of both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut nodes = Vec::new();
        for (left, right) in self.zip(other) {
            if let Some(right) = right {
                let node = Node {
                    element: left.element.clone(),
                    member: left.member && right.member,
                    children: left.children.intersection(&right.children),
                };
                nodes.extend(node.alive().then_some(node));
            }
        }
        Self { nodes }
    }

    /// Members of this set that the other one lacks, path by path: a parent does not take its children along.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.clone().without(other)
    }

    /// As [`FieldSet::difference`], consuming this set.
    #[must_use]
    pub(crate) fn without(mut self, other: &Self) -> Self {
        if other.nodes.is_empty() {
            return self;
        }
        let mut right = other.nodes.iter().peekable();
        self.nodes.retain_mut(|node| {
            while right.next_if(|next| next.element < node.element).is_some() {}
            if let Some(same) = right.next_if(|next| next.element == node.element) {
                node.member &= !same.member;
                node.children = std::mem::take(&mut node.children).without(&same.children);
                return node.alive();
            }
            true
        });
        self
    }

    /// Whether the other set has every member of this one.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.zip(other).all(|(left, right)| match right {
            Some(right) => (!left.member || right.member) && left.children.is_subset(&right.children),
            None => left.is_empty(),
        })
    }

    /// Members of this set that the other one has neither themselves nor by one of their parents.
    #[must_use]
    pub fn recursive_difference(&self, other: &Self) -> Self {
        let mut nodes = Vec::new();
        for (left, right) in self.zip(other) {
            match right {
                None => nodes.push(left.clone()),
                Some(right) if right.member => {}
                Some(right) => {
                    let node = Node {
                        element: left.element.clone(),
                        member: left.member,
                        children: left.children.recursive_difference(&right.children),
                    };
                    nodes.extend(node.alive().then_some(node));
                }
            }
        }
        Self { nodes }
    }

    /// The members below which there is no other member.
    #[must_use]
    pub fn leaves(&self) -> Self {
        let nodes = self
            .nodes
            .iter()
            .filter(|node| node.alive())
            .map(|node| Node {
                element: node.element.clone(),
                member: node.member && node.children.nodes.is_empty(),
                children: node.children.leaves(),
            })
            .collect();
        Self { nodes }
    }

    /// Each node of this level with its counterpart in `other`.
    pub(crate) fn zip<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a Node, Option<&'a Node>)> {
        let mut right = other.nodes.iter().peekable();
        self.nodes.iter().map(move |left| {
            while right.next_if(|next| next.element < left.element).is_some() {}
            (left, right.next_if(|next| next.element == left.element))
        })
    }

    fn find(&self, element: &PathElement) -> Result<usize, usize> {
        // Builders insert in order most of the time.
        match self.nodes.last() {
            Some(last) if last.element < *element => Err(self.nodes.len()),
            _ => self.nodes.binary_search_by(|node| node.element.cmp(element)),
        }
    }

    pub(crate) fn entry(&mut self, element: &PathElement) -> &mut Node {
        let at = self.find(element).unwrap_or_else(|at| {
            let node = Node { element: element.clone(), member: false, children: Self::new() };
            self.nodes.insert(at, node);
            at
        });
        &mut self.nodes[at]
    }
}
