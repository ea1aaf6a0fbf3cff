//! A compact schema: what merging, defaulting, pruning and validation need to know of a type.

use std::sync::{Arc, LazyLock};

use serde_json::Value;

use crate::schema::Pattern;

/// A type of some schema; cheap to clone. Types may be recursive, so they live in an arena.
#[derive(Debug, Clone)]
pub struct TypeRef {
    pub(crate) schema: Arc<Schema>,
    pub(crate) id: TypeId,
}

impl TypeRef {
    /// The type itself.
    pub fn get(&self) -> &Type {
        self.schema.get(self.id)
    }

    pub(crate) fn view(&self) -> View<'_> {
        View { schema: &self.schema, id: self.id }
    }

    /// The type of a child: of a field, of a map's entry, or (with `None`) of a list's item.
    pub fn child(&self, field: Option<&str>) -> Option<Self> {
        let ty = self.get();
        let id = match field {
            Some(name) => ty.map.as_ref()?.field_type(name)?,
            None => ty.list.as_ref()?.element,
        };
        Some(Self { schema: Arc::clone(&self.schema), id })
    }

    /// The declared field of a struct, with its default and its patch strategy.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.get().map.as_ref()?.field(name)
    }

    /// Whether this is a kind that Kubernetes compiles in: its objects pass through Go structs, which hold no
    /// nulls and no empty lists and maps.
    pub fn is_builtin(&self) -> bool {
        self.schema.builtin
    }
}

/// Where there is no schema: maps are granular, lists atomic.
///
/// **Source**: kube-openapi's `__untyped_deduced_`, which the API server uses for parts of custom resources
/// that their schema leaves open.
pub fn deduced() -> TypeRef {
    static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| Arc::new(Schema::new(false)));
    TypeRef { schema: Arc::clone(&SCHEMA), id: DEDUCED }
}

/// Index of a type in its [`Schema`].
pub type TypeId = u32;

pub(crate) const UNTYPED_ATOMIC: TypeId = 0;
pub(crate) const DEDUCED: TypeId = 1;

/// An arena of types. The first two are always `untyped atomic` and `deduced`.
#[derive(Debug)]
pub struct Schema {
    types: Vec<Type>,
    pub(crate) builtin: bool,
}

impl Schema {
    pub(crate) fn new(builtin: bool) -> Self {
        let any = |element, atomic| Type {
            scalar: Some(Scalar::Any),
            list: Some(ListType { element: UNTYPED_ATOMIC, kind: ListKind::Atomic }),
            map: Some(MapType { element: Some(element), atomic, ..MapType::default() }),
            preserve_unknown: true,
            ..Type::default()
        };
        Self { types: vec![any(UNTYPED_ATOMIC, true), any(DEDUCED, false)], builtin }
    }

    pub(crate) fn add(&mut self, ty: Type) -> TypeId {
        self.types.push(ty);
        // Sources are bounded long before four thousand million types.
        TypeId::try_from(self.types.len() - 1).unwrap_or(UNTYPED_ATOMIC)
    }

    pub(crate) fn set(&mut self, id: TypeId, ty: Type) {
        if let Some(slot) = self.types.get_mut(id as usize) {
            *slot = ty;
        }
    }

    pub(crate) fn get(&self, id: TypeId) -> &Type {
        self.types.get(id as usize).unwrap_or(&self.types[0])
    }
}

/// A type that borrows its arena; what the walkers pass around.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    schema: &'a Schema,
    id: TypeId,
}

impl<'a> View<'a> {
    pub(crate) fn get(self) -> &'a Type {
        self.schema.get(self.id)
    }

    pub(crate) fn at(self, id: TypeId) -> Self {
        Self { schema: self.schema, id }
    }

    pub(crate) fn is_builtin(self) -> bool {
        self.schema.builtin
    }

    pub(crate) fn id(self) -> TypeId {
        self.id
    }
}

/// What a value may be, and what is known about it. A type can allow several shapes at once
/// (an untyped value: any of the three); the value at hand decides.
#[derive(Debug, Clone, Default)]
pub struct Type {
    /// Set where a scalar is allowed.
    pub scalar: Option<Scalar>,
    /// Set where a list is allowed.
    pub list: Option<ListType>,
    /// Set where a struct or map is allowed.
    pub map: Option<MapType>,
    /// Whether `null` is a value of its own (CRDs: `nullable: true`).
    pub nullable: bool,
    /// What defaulting fills in where the value is absent.
    pub default: Option<Value>,
    /// `x-kubernetes-preserve-unknown-fields`: pruning keeps fields that the schema does not name.
    pub preserve_unknown: bool,
    /// `x-kubernetes-embedded-resource`: an object of its own, with apiVersion, kind and metadata.
    pub embedded: bool,
    /// What validation checks besides the shape.
    pub rules: Option<Box<Rules>>,
}

/// The kinds of scalars that structured-merge-diff tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// Integers and floats.
    Number,
    /// Strings without a format.
    String,
    /// Booleans.
    Bool,
    /// Any scalar: int-or-string, quantities, dates, strings with a format.
    Any,
}

/// A list.
#[derive(Debug, Clone)]
pub struct ListType {
    /// Type of the items.
    pub element: TypeId,
    /// How items are told apart.
    pub kind: ListKind,
}

/// How the items of a list are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListKind {
    /// The list is one value.
    Atomic,
    /// Items are scalars, each present or not.
    Set,
    /// Items are maps, told apart by these fields (in the schema's order).
    Map(Vec<String>),
}

/// A struct (known fields), a map (entries of one type), or both.
#[derive(Debug, Clone, Default)]
pub struct MapType {
    /// Known fields, sorted by name.
    pub fields: Vec<Field>,
    /// Type of every other entry; none: no other entry is declared.
    pub element: Option<TypeId>,
    /// `element` is there only because the schema says nothing: merging takes such entries, pruning drops them.
    pub implied: bool,
    /// The map is one value.
    pub atomic: bool,
}

impl MapType {
    /// The declared field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.binary_search_by(|field| field.name.as_str().cmp(name)).ok().map(|at| &self.fields[at])
    }

    pub(crate) fn field_type(&self, name: &str) -> Option<TypeId> {
        self.field(name).map(|field| field.ty).or(self.element)
    }
}

/// A declared field of a struct.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: TypeId,
    /// Whether it must be there.
    pub required: bool,
    /// The default that the schema writes on the field; keys of list maps take it where absent.
    pub default: Option<Value>,
    /// Built-in kinds: the Go field is a plain value with `omitempty`, so `false`, `0` and `""` are not kept.
    pub omits_zero: bool,
    /// Built-in kinds: what Go writes where nobody set the field; an empty map stands for the struct's own.
    pub always: Option<Value>,
    /// How a strategic merge patch treats it.
    pub strategy: Strategy,
}

/// `x-kubernetes-patch-strategy` and `x-kubernetes-patch-merge-key` of a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strategy {
    /// Lists: merge items instead of replacing the list.
    pub merge: bool,
    /// Maps: replace the whole value.
    pub replace: bool,
    /// Maps: `$retainKeys` drops the keys that it does not name.
    pub retain_keys: bool,
    /// Lists of maps: the field that tells items apart.
    pub merge_key: Option<String>,
}

/// What validation checks besides the shape, as in OpenAPI. Bounds are inclusive unless said otherwise.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The declared JSON type: `object`, `array`, `string`, `integer`, `number`, `boolean`.
    pub json_type: Option<String>,
    /// `x-kubernetes-int-or-string`.
    pub int_or_string: bool,
    /// Declared format.
    pub format: Option<String>,
    /// Allowed values.
    pub allowed: Vec<Value>,
    /// A regular expression that a string must match somewhere.
    pub pattern: Option<Pattern>,
    /// Smallest number, and whether it is itself excluded.
    pub minimum: Option<(f64, bool)>,
    /// Largest number, and whether it is itself excluded.
    pub maximum: Option<(f64, bool)>,
    /// The number must be a multiple of this.
    pub multiple_of: Option<f64>,
    /// Shortest string, in characters.
    pub min_length: Option<usize>,
    /// Longest string, in characters.
    pub max_length: Option<usize>,
    /// Fewest items.
    pub min_items: Option<usize>,
    /// Most items.
    pub max_items: Option<usize>,
    /// Items must differ.
    pub unique_items: bool,
    /// Fewest entries.
    pub min_properties: Option<usize>,
    /// Most entries.
    pub max_properties: Option<usize>,
    /// Required field names; also those that the schema requires without declaring them.
    pub required: Vec<String>,
    /// Every one of these must hold.
    pub all_of: Vec<TypeId>,
    /// At least one of these must hold.
    pub any_of: Vec<TypeId>,
    /// Exactly one of these must hold.
    pub one_of: Vec<TypeId>,
    /// This must not hold.
    pub not: Option<TypeId>,
}
