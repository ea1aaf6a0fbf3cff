//! jq path expressions of ignore rules, on a budget.
//!
//! An expression is a stranger's program. It is parsed, refused where it could define or loop without end, and every
//! place at which work or data can multiply is given a meter; when the meter runs out, the evaluation fails, and
//! no `try` in the expression can catch that.

mod guard;
mod meter;
mod words;

use jaq_core::load::parse::{Def, Term};
use jaq_core::load::{Arena, File, Lexer, Loader, Parser};
use jaq_core::{Compiler, Ctx, Filter, Vars, unwrap_valr};
use jaq_json::Val;
use serde_json::Value;

use self::meter::{Context, Data, Meter};
use crate::path::Step;

/// Longest expression, in bytes.
const MAX_EXPRESSION: usize = 4 << 10;
/// Deepest nesting of brackets in an expression.
const MAX_BRACKETS: usize = 64;
/// Places that one expression may name in one object.
const MAX_PATHS: usize = 10_000;

/// A compiled expression.
pub(crate) struct Jq {
    filter: Filter<Data>,
}

impl std::fmt::Debug for Jq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Jq")
    }
}

impl Jq {
    /// Compiles an expression; the error says in one line what is wrong with it.
    pub(crate) fn compile(expression: &str) -> Result<Self, String> {
        if expression.len() > MAX_EXPRESSION {
            return Err(format!("the expression has {} bytes, more than {MAX_EXPRESSION}", expression.len()));
        }
        if nesting(expression) > MAX_BRACKETS {
            return Err(format!("brackets are nested deeper than {MAX_BRACKETS} levels"));
        }
        let tokens = Lexer::new(expression).lex().map_err(|errors| {
            format!("the expression cannot be read {}", near(errors.first().map(|(_, at)| *at)))
        })?;
        let term: Term<&str> = Parser::new(&tokens).parse(|parser| parser.term()).map_err(|errors| {
            let at = errors.first().and_then(|(_, token)| token.map(|token| token.0));
            format!("the expression cannot be read {}", near(at))
        })?;
        let body = guard::guarded(term)?;
        let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs()).filter(words::in_prelude);
        let rule = Def { name: "rule", args: Vec::new(), body };
        let defs = defs.map(shorten).chain([rule]);
        let arena = Arena::default();
        let modules = Loader::new(defs)
            .load(&arena, File { code: "path(rule)", path: () })
            .map_err(|_| "the expression cannot be loaded".to_owned())?;
        let funs = jaq_core::funs().chain(jaq_std::base_funs()).chain(jaq_json::funs());
        let funs = funs.filter(|(name, args, _)| words::is_native(name, args.len())).chain(meter::filters());
        let filter = Compiler::default().with_funs(funs).compile(modules).map_err(|errors| {
            let undefined = errors.iter().flat_map(|(_, errors)| errors).next();
            match undefined {
                Some((name, kind)) => format!("the {} {name} is not defined", kind.as_str()),
                None => "the expression cannot be compiled".to_owned(),
            }
        })?;
        Ok(Self { filter })
    }

    /// The places in `value` that the expression names. An expression that fails on the data names none, as the
    /// peer's `del` then changes nothing; one that runs out of budget is an error.
    pub(crate) fn paths(&self, value: &Value, budget: u64) -> Result<Vec<Vec<Step>>, String> {
        let meter = Meter::new(budget);
        let Some(input) = to_jq(value) else { return Err("the object cannot be read as JSON".to_owned()) };
        let context = Ctx::<Data>::new(Context { lut: &self.filter.lut, meter: &meter }, Vars::new([]));
        let mut paths = Vec::new();
        let mut failed = false;
        for path in self.filter.id.run((context, input)).map(unwrap_valr) {
            match path {
                Ok(path) if paths.len() < MAX_PATHS => paths.extend(steps(&path, value)),
                Ok(_) => return Err(format!("the expression names more than {MAX_PATHS} places")),
                Err(_) => {
                    failed = true;
                    break;
                }
            }
        }
        if meter.is_empty() {
            return Err(format!("the expression needs more than {budget} steps"));
        }
        Ok(if failed { Vec::new() } else { paths })
    }
}

/// A definition of the library, living as long as the expression that it is used with.
fn shorten<'s>(def: Def<&'static str>) -> Def<&'s str> {
    def
}

fn nesting(text: &str) -> usize {
    let mut depth = 0usize;
    text.bytes().fold(0, |deepest, byte| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest.max(depth)
    })
}

fn near(at: Option<&str>) -> String {
    match at.map(|rest| rest.chars().take(20).collect::<String>()) {
        Some(rest) if !rest.is_empty() => format!("near {rest:?}"),
        _ => "near its end".to_owned(),
    }
}

fn to_jq(value: &Value) -> Option<Val> {
    let json = serde_json::to_vec(value).ok()?;
    jaq_json::read::parse_single(&json).ok()
}

/// Turns a jq path (keys, indices, slices) into positions; a slice names each of its items.
fn steps(path: &Val, root: &Value) -> Vec<Vec<Step>> {
    let Ok(Value::Array(elements)) = serde_json::from_str(&path.to_string()) else { return Vec::new() };
    let mut places = vec![Vec::new()];
    for element in &elements {
        let mut next = Vec::new();
        for place in places {
            let value = crate::path::at(root, &place);
            let length = value.and_then(Value::as_array).map_or(0, Vec::len);
            let extend = |step| [place.as_slice(), &[step]].concat();
            match element {
                Value::String(name) => next.push(extend(Step::Field(name.clone()))),
                Value::Number(number) => {
                    next.extend(index(number.as_i64(), length).map(|index| extend(Step::Index(index))));
                }
                Value::Object(slice) => {
                    let bound = |name, default| {
                        let bound = slice.get(name).and_then(Value::as_i64);
                        bound.map_or(default, |bound| from_end(bound, length).unwrap_or(0).min(length))
                    };
                    let items = bound("start", 0)..bound("end", length);
                    next.extend(items.map(|index| extend(Step::Index(index))));
                }
                Value::Null | Value::Bool(_) | Value::Array(_) => {}
            }
        }
        places = next;
    }
    places
}

fn index(index: Option<i64>, length: usize) -> Option<usize> {
    from_end(index?, length)
}

/// Negative positions count from the end.
fn from_end(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    usize::try_from(if index < 0 { length + index } else { index }).ok()
}

#[cfg(test)]
mod tests;
