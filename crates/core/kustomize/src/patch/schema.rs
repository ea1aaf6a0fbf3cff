//! Which lists are merged, and by which keys.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

/// kustomize's own Kubernetes OpenAPI, reduced to lists that are merged; the tool that writes it documents the form.
const TABLE: &str = include_str!("../../data/kubernetes.txt");

/// How deep references between definitions are followed before they are taken for a loop.
const MAX_REFERENCES: usize = 64;

/// Depth to which the schemas of a user's OpenAPI document are read.
const MAX_DEPTH: usize = 256;

/// The built-in ones are pieces of [`TABLE`].
type Name = Cow<'static, str>;

/// The list keys of kinds, by exact `apiVersion` and `kind`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Schemas {
    nodes: Vec<Node>,
    kinds: BTreeMap<Name, Vec<Known>>,
    /// Definitions by name, without `io.k8s.`; of the built-in ones alone.
    names: BTreeMap<&'static str, NodeId>,
}

/// What is known of a kind in one `apiVersion`.
#[derive(Debug, Clone)]
struct Known {
    api_version: Name,
    /// Its type; `Some(None)` where no list in it is merged.
    node: Option<Option<NodeId>>,
    /// Whether its objects live in namespaces.
    namespaced: Option<bool>,
}

/// A place in [`Schemas`].
pub(crate) type NodeId = usize;

#[derive(Debug, Clone, Default)]
struct Node {
    fields: BTreeMap<Name, NodeId>,
    entry: Option<NodeId>,
    item: Option<NodeId>,
    merge: Option<Vec<String>>,
}

impl Schemas {
    /// The types that apply where a kustomization names no OpenAPI document of its own: Kubernetes 1.21, as the peer has
    /// it compiled in, whatever version is asked for.
    pub(crate) fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Schemas> = OnceLock::new();
        BUILTIN.get_or_init(|| Table::default().read(TABLE))
    }

    /// What [`Self::is_namespaced`] says of the built-in ones. Every resource is asked for it, and few builds need more.
    pub(crate) fn is_builtin_namespaced(api_version: &str, kind: &str) -> Option<bool> {
        static SCOPES: OnceLock<BTreeMap<(&str, &str), bool>> = OnceLock::new();
        let scopes =
            SCOPES.get_or_init(|| TABLE.lines().filter_map(TableKind::read).filter_map(scope).collect());
        scopes.get(&(kind, api_version)).copied()
    }

    /// The types of a user's OpenAPI (v2) document. It stands alone, or beside the built-in ones, which win where both define something.
    ///
    /// **Shape**: `definitions` with `x-kubernetes-group-version-kind`, `x-kubernetes-patch-strategy`,
    /// `x-kubernetes-patch-merge-key`, `x-kubernetes-list-map-keys`; `paths` say which kinds have namespaces.
    pub(crate) fn from_openapi(document: &Value, beside_builtin: bool) -> Self {
        let start = if beside_builtin { Self::builtin().clone() } else { Self::default() };
        let mut reader = OpenApi { schemas: start, named: BTreeMap::new(), definitions: document };
        for (name, definition) in document["definitions"].as_object().into_iter().flatten() {
            let kinds = group_version_kinds(&definition["x-kubernetes-group-version-kind"]);
            if !kinds.is_empty() {
                let node = reader.definition(name);
                for kind in kinds {
                    reader.schemas.known(kind).node.get_or_insert(node);
                }
            }
        }
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            let namespaced = path.contains("namespaces/{namespace}");
            let operation = &item["get"]["x-kubernetes-group-version-kind"];
            if let Some(kind) = group_version_kind(operation) {
                *reader.schemas.known(kind).namespaced.get_or_insert(false) |= namespaced;
            }
        }
        reader.schemas
    }

    /// The type of a kind. `None` for kinds that are not known; `Some(None)` for those in which no list is merged.
    pub(crate) fn kind(&self, api_version: &str, kind: &str) -> Option<Option<NodeId>> {
        self.find(api_version, kind)?.node
    }

    /// Whether objects of a kind live in namespaces, if the kind is known.
    pub(crate) fn is_namespaced(&self, api_version: &str, kind: &str) -> Option<bool> {
        self.find(api_version, kind)?.namespaced
    }

    /// The type of a field, or of a map's entry.
    pub(super) fn field(&self, node: NodeId, name: &str) -> Option<NodeId> {
        let node = self.nodes.get(node)?;
        node.fields.get(name).copied().or(node.entry)
    }

    /// The type of a list's items.
    pub(super) fn item(&self, node: NodeId) -> Option<NodeId> {
        self.nodes.get(node)?.item
    }

    /// The keys by which a list is merged: none for scalars. `None` where the list is replaced.
    pub(super) fn merge_keys(&self, node: NodeId) -> Option<&[String]> {
        self.nodes.get(node)?.merge.as_deref()
    }

    fn find(&self, api_version: &str, kind: &str) -> Option<&Known> {
        self.kinds.get(kind)?.iter().find(|known| known.api_version == api_version)
    }

    /// The place for what is known of an `apiVersion` and kind.
    fn known(&mut self, (api_version, kind): (Name, Name)) -> &mut Known {
        let versions = self.kinds.entry(kind).or_default();
        let at = versions.iter().position(|known| known.api_version == api_version).unwrap_or_else(|| {
            versions.push(Known { api_version, node: None, namespaced: None });
            versions.len() - 1
        });
        &mut versions[at]
    }

    fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        self.nodes.len() - 1
    }
}

/// Reader of the checked-in table.
#[derive(Default)]
struct Table {
    schemas: Schemas,
}

impl Table {
    fn read(mut self, text: &'static str) -> Schemas {
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("type ").and_then(|rest| rest.split(' ').next()) {
                let id = self.schemas.add(Node::default());
                self.schemas.names.insert(name, id);
            }
        }
        for line in text.lines() {
            if let Some(words) = line.strip_prefix("type ") {
                self.read_type(words.split(' '));
            } else if let Some(row) = TableKind::read(line) {
                self.read_kind(&row);
            }
        }
        self.schemas
    }

    fn read_type(&mut self, mut words: impl Iterator<Item = &'static str>) {
        let Some(id) = words.next().and_then(|name| self.schemas.names.get(name).copied()) else { return };
        for (name, expression) in words.filter_map(|word| word.split_once('=')) {
            if let Some(field) = self.expression(expression) {
                self.schemas.nodes[id].fields.insert(name.into(), field);
            }
        }
    }

    fn read_kind(&mut self, row: &TableKind) {
        let node = self.schemas.names.get(row.definition).copied();
        let known = self.schemas.known((row.api_version.into(), row.kind.into()));
        known.node = Some(node);
        known.namespaced = row.namespaced;
    }

    fn expression(&mut self, text: &'static str) -> Option<NodeId> {
        let node = if let Some(rest) = text.strip_prefix('[') {
            let (item, keys) = rest.rsplit_once(']')?;
            let merge = match keys {
                "" => None,
                "+" => Some(Vec::new()),
                keys => Some(keys.split(',').map(str::to_owned).collect()),
            };
            Node { item: self.expression(item), merge, ..Node::default() }
        } else if let Some(entry) = text.strip_prefix('{') {
            Node { entry: self.expression(entry.strip_suffix('}')?), ..Node::default() }
        } else {
            return self.schemas.names.get(text).copied();
        };
        Some(self.schemas.add(node))
    }
}

/// A line of the table that says what is known of a kind.
#[derive(Debug, Clone, Copy)]
struct TableKind {
    api_version: &'static str,
    kind: &'static str,
    namespaced: Option<bool>,
    definition: &'static str,
}

impl TableKind {
    fn read(line: &'static str) -> Option<Self> {
        let mut words = line.strip_prefix("kind ")?.split(' ');
        let (api_version, kind, scope) = (words.next()?, words.next()?, words.next()?);
        let namespaced = (scope != "-").then_some(scope == "N");
        Some(Self { api_version, kind, namespaced, definition: words.next()? })
    }
}

fn scope(row: TableKind) -> Option<((&'static str, &'static str), bool)> {
    Some(((row.kind, row.api_version), row.namespaced?))
}

/// Reader of a user's document.
struct OpenApi<'a> {
    schemas: Schemas,
    named: BTreeMap<&'a str, Option<NodeId>>,
    definitions: &'a Value,
}

impl<'a> OpenApi<'a> {
    fn definition(&mut self, name: &'a str) -> Option<NodeId> {
        if let Some(known) = self.named.get(name) {
            return *known;
        }
        let builtin = name.strip_prefix("io.k8s.").and_then(|name| self.schemas.names.get(name));
        if let Some(known) = builtin {
            return Some(*known);
        }
        let mut source = self.definitions["definitions"].get(name)?;
        for _ in 0..MAX_REFERENCES {
            match self.referred(source) {
                Some((_, target)) => source = target,
                None => break,
            }
        }
        let id = self.schemas.add(Node::default());
        self.named.insert(name, Some(id));
        let node = self.node(source, 0);
        self.schemas.nodes[id] = node;
        Some(id)
    }

    fn referred(&self, source: &'a Value) -> Option<(&'a str, &'a Value)> {
        let name = source["$ref"].as_str()?.strip_prefix("#/definitions/")?;
        Some((name, self.definitions["definitions"].get(name)?))
    }

    fn schema(&mut self, source: &'a Value, depth: usize) -> Option<NodeId> {
        if depth > MAX_DEPTH {
            return None;
        }
        if source.get("$ref").is_some() {
            return self.definition(source["$ref"].as_str()?.strip_prefix("#/definitions/")?);
        }
        let node = self.node(source, depth + 1);
        Some(self.schemas.add(node))
    }

    fn node(&mut self, source: &'a Value, depth: usize) -> Node {
        let mut node = Node::default();
        for (name, property) in source["properties"].as_object().into_iter().flatten() {
            if let Some(id) = self.schema(property, depth) {
                node.fields.insert(name.clone().into(), id);
            }
        }
        if source["additionalProperties"].is_object() {
            node.entry = self.schema(&source["additionalProperties"], depth);
        }
        if source["type"] == "array" && source["items"].is_object() {
            node.item = self.schema(&source["items"], depth);
        }
        let strategy = source["x-kubernetes-patch-strategy"].as_str().unwrap_or_default();
        if strategy.split(',').any(|part| part == "merge") {
            let list = source["x-kubernetes-list-map-keys"].as_array();
            let keys: Vec<String> = match (list, source["x-kubernetes-patch-merge-key"].as_str()) {
                (Some(keys), _) => keys.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                (None, Some(key)) => vec![key.to_owned()],
                (None, None) => Vec::new(),
            };
            node.merge = Some(keys);
        }
        node
    }
}

fn group_version_kinds(list: &Value) -> Vec<(Name, Name)> {
    list.as_array().into_iter().flatten().filter_map(group_version_kind).collect()
}

fn group_version_kind(entry: &Value) -> Option<(Name, Name)> {
    let (version, kind) = (entry["version"].as_str()?, entry["kind"].as_str()?);
    let api_version = match entry["group"].as_str() {
        Some(group) if !group.is_empty() => format!("{group}/{version}"),
        _ => version.to_owned(),
    };
    Some((api_version.into(), kind.to_owned().into()))
}
