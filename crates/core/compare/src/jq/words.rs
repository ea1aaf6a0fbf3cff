//! The functions that an expression may call.

use jaq_core::load::parse::Def;

/// Functions by name and number of arguments: those that look at a value and end. What makes values out of nothing
/// (`range`, `repeat`, `input`), loops (`while`, `until`, `recurse(f)`), changes (`del`, `setpath`) or reaches
/// outside (`env`, `now`, `debug`) is not here.
const ALLOWED: &[(&str, &[usize])] = &[
    ("abs", &[0]),
    ("add", &[0]),
    ("all", &[0, 1, 2]),
    ("any", &[0, 1, 2]),
    ("arrays", &[0]),
    ("ascii_downcase", &[0]),
    ("ascii_upcase", &[0]),
    ("booleans", &[0]),
    ("ceil", &[0]),
    ("contains", &[1]),
    ("empty", &[0]),
    ("endswith", &[1]),
    ("error", &[0, 1]),
    ("false", &[0]),
    ("first", &[0, 1]),
    ("floor", &[0]),
    ("from_entries", &[0]),
    ("fromjson", &[0]),
    ("getpath", &[1]),
    ("group_by", &[1]),
    ("has", &[1]),
    ("in", &[1]),
    ("index", &[1]),
    ("indices", &[1]),
    ("inside", &[1]),
    ("isempty", &[1]),
    ("iterables", &[0]),
    ("join", &[1]),
    ("keys", &[0]),
    ("keys_unsorted", &[0]),
    ("last", &[0, 1]),
    ("length", &[0]),
    ("limit", &[2]),
    ("ltrimstr", &[1]),
    ("map", &[1]),
    ("max", &[0]),
    ("max_by", &[1]),
    ("min", &[0]),
    ("min_by", &[1]),
    ("not", &[0]),
    ("nth", &[1, 2]),
    ("null", &[0]),
    ("nulls", &[0]),
    ("numbers", &[0]),
    ("objects", &[0]),
    ("path", &[1]),
    ("paths", &[0]),
    ("recurse", &[0]),
    ("reverse", &[0]),
    ("rindex", &[1]),
    ("round", &[0]),
    ("rtrimstr", &[1]),
    ("scalars", &[0]),
    ("select", &[1]),
    ("skip", &[2]),
    ("sort", &[0]),
    ("sort_by", &[1]),
    ("split", &[1]),
    ("startswith", &[1]),
    ("strings", &[0]),
    ("test", &[1, 2]),
    ("to_entries", &[0]),
    ("tojson", &[0]),
    ("tonumber", &[0]),
    ("tostring", &[0]),
    ("trim", &[0]),
    ("true", &[0]),
    ("type", &[0]),
    ("unique", &[0]),
    ("unique_by", &[1]),
    ("utf8bytelength", &[0]),
    ("values", &[0]),
    ("with_entries", &[1]),
];

/// Definitions that the allowed ones are built on.
const INNER: &[(&str, &[usize])] = &[
    ("isarray", &[0]),
    ("isboolean", &[0]),
    ("isnumber", &[0]),
    ("isobject", &[0]),
    ("isstring", &[0]),
    ("recurse", &[1]),
    ("add", &[1]),
    ("totype", &[2]),
];

/// Native filters that the allowed ones are built on.
const NATIVE: &[(&str, &[usize])] = &[
    ("error_empty", &[0]),
    ("key_values", &[0]),
    ("max_by_or_empty", &[1]),
    ("min_by_or_empty", &[1]),
    ("path_value", &[1]),
];

fn lists(words: &[(&str, &[usize])], name: &str, arity: usize) -> bool {
    words.iter().any(|(word, arities)| *word == name && arities.contains(&arity))
}

/// Whether an expression may call this function.
pub(super) fn allowed(name: &str, arity: usize) -> bool {
    lists(ALLOWED, name, arity)
}

/// Whether the standard library's definition is kept: it is allowed, or an allowed one needs it. `test` is our own.
pub(super) fn in_prelude(def: &Def<&str>) -> bool {
    let arity = def.args.len();
    def.name != "test" && (allowed(def.name, arity) || lists(INNER, def.name, arity))
}

/// Whether the library's native filter is kept; what an expression cannot name, it cannot reach by a side door either.
pub(super) fn is_native(name: &str, arity: usize) -> bool {
    allowed(name, arity) || lists(NATIVE, name, arity)
}
