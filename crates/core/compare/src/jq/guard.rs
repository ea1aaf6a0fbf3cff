//! Refuses what is unbounded, and puts meters into what is left.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::ops::Math;
use jaq_core::path::{Opt, Part, Path};

use super::words;

/// Charges one step.
pub(super) const STEP: &str = "capstan_step";
/// Charges the size of its input.
pub(super) const SIZE: &str = "capstan_size";
/// Passes its input on and charges its size times that of its argument.
pub(super) const PRODUCT: &str = "capstan_product";
/// `test(pattern; flags)`.
pub(super) const TEST: &str = "capstan_test";

/// Deepest nesting of terms; each level costs stack when it runs.
const MAX_DEPTH: usize = 80;

type T<'s> = Term<&'s str>;

/// The term with meters in it, or why it is refused.
pub(super) fn guarded(term: T<'_>) -> Result<T<'_>, String> {
    rewrite(term, 0)
}

fn rewrite(term: T<'_>, depth: usize) -> Result<T<'_>, String> {
    if depth > MAX_DEPTH {
        return Err(format!("the expression is nested deeper than {MAX_DEPTH} levels"));
    }
    let below = depth + 1;
    Ok(match term {
        Term::Id | Term::Num(_) | Term::Var(_) | Term::Str(None, _) if is_plain(&term) => term,
        Term::Recurse => metered(Term::Recurse, STEP),
        Term::Str(Some(format), _) => return Err(format!("the format {format} is not available")),
        Term::Str(None, parts) => metered(Term::Str(None, string(parts, below)?), SIZE),
        Term::Arr(None) => Term::Arr(None),
        Term::Arr(Some(items)) => metered(Term::Arr(Some(boxed(items, below)?)), SIZE),
        Term::Obj(fields) => {
            let fields = fields.into_iter().map(|(key, value)| match value {
                Some(value) => Ok((rewrite(key, below)?, Some(rewrite(value, below)?))),
                // `{$x}` and `{name}`: what is read is the key as it is written.
                None if matches!(key, Term::Var(_) | Term::Str(None, _)) && is_plain(&key) => Ok((key, None)),
                None => Err("a computed key needs a value".to_owned()),
            });
            metered(Term::Obj(fields.collect::<Result<_, String>>()?), SIZE)
        }
        Term::Neg(term) => Term::Neg(boxed(term, below)?),
        Term::BinOp(left, op, right) => binary(left, op, right, below)?,
        Term::Fold(name, values, pattern, args) => {
            let values = boxed(values, below)?;
            let args = args.into_iter().map(|arg| rewrite(arg, below)).collect::<Result<_, _>>()?;
            metered(Term::Fold(name, values, bind(pattern, below)?, args), SIZE)
        }
        // When the meter is empty, the handler fails too: nothing catches that.
        Term::TryCatch(body, handler) => {
            let handler = match handler {
                Some(handler) => rewrite(*handler, below)?,
                None => Term::Call("empty", Vec::new()),
            };
            let handler = pipe(metered(Term::Id, STEP), handler);
            Term::TryCatch(boxed(body, below)?, Some(Box::new(handler)))
        }
        Term::IfThenElse(branches, otherwise) => {
            let branches = branches
                .into_iter()
                .map(|(condition, then)| Ok((rewrite(condition, below)?, rewrite(then, below)?)));
            let branches = branches.collect::<Result<_, String>>()?;
            Term::IfThenElse(branches, otherwise.map(|term| boxed(term, below)).transpose()?)
        }
        Term::Call(name, args) => call(name, args, below)?,
        Term::Path(term, path) => access(term, path, below)?,
        Term::Def(..) => return Err("`def` is not available".to_owned()),
        Term::Label(..) | Term::Break(_) => return Err("`label` and `break` are not available".to_owned()),
        Term::Id | Term::Num(_) | Term::Var(_) => term,
    })
}

fn is_plain(term: &T<'_>) -> bool {
    match term {
        Term::Str(None, parts) => !parts.iter().any(|part| matches!(part, StrPart::Term(_))),
        _ => true,
    }
}

#[expect(clippy::boxed_local, reason = "terms hold boxes, and so does what comes back")]
fn boxed(term: Box<T<'_>>, depth: usize) -> Result<Box<T<'_>>, String> {
    rewrite(*term, depth).map(Box::new)
}

type Parts<'s> = Vec<StrPart<&'s str, T<'s>>>;

fn string(parts: Parts<'_>, depth: usize) -> Result<Parts<'_>, String> {
    let part = |part| {
        Ok(match part {
            StrPart::Term(term) => StrPart::Term(rewrite(term, depth)?),
            StrPart::Str(_) | StrPart::Char(_) => part,
        })
    };
    parts.into_iter().map(part).collect()
}

fn binary<'s>(
    left: Box<T<'s>>,
    op: BinaryOp<&'s str>,
    right: Box<T<'s>>,
    depth: usize,
) -> Result<T<'s>, String> {
    let (left, right) = (boxed(left, depth)?, boxed(right, depth)?);
    let join = |left, op, right| Term::BinOp(left, op, right);
    Ok(match op {
        BinaryOp::Pipe(None) => join(left, BinaryOp::Pipe(None), right),
        BinaryOp::Pipe(Some(pattern)) => join(left, BinaryOp::Pipe(Some(bind(pattern, depth)?)), right),
        BinaryOp::Comma => metered(join(left, op, right), STEP),
        BinaryOp::Alt | BinaryOp::Or | BinaryOp::And => join(left, op, right),
        BinaryOp::Cmp(_) => join(Box::new(metered(*left, SIZE)), op, right),
        // A product of a text and a number can be as large as the number says, in one step.
        BinaryOp::Math(Math::Mul) => return Err("the operator `*` is not available".to_owned()),
        BinaryOp::Math(_) => metered(join(left, op, right), SIZE),
        BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => {
            return Err(
                "assignments are not available: the expression names places, it does not change them"
                    .to_owned(),
            );
        }
    })
}

fn bind(pattern: Pattern<&str>, depth: usize) -> Result<Pattern<&str>, String> {
    if depth > MAX_DEPTH {
        return Err(format!("the expression is nested deeper than {MAX_DEPTH} levels"));
    }
    Ok(match pattern {
        Pattern::Var(name) => Pattern::Var(name),
        Pattern::Arr(items) => {
            Pattern::Arr(items.into_iter().map(|item| bind(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        Pattern::Obj(fields) => {
            let fields = fields
                .into_iter()
                .map(|(key, pattern)| Ok((rewrite(key, depth + 1)?, bind(pattern, depth + 1)?)));
            Pattern::Obj(fields.collect::<Result<_, String>>()?)
        }
    })
}

fn call<'s>(name: &'s str, args: Vec<T<'s>>, depth: usize) -> Result<T<'s>, String> {
    if !words::allowed(name, args.len()) {
        let arity = args.len();
        return Err(format!("the function `{name}` with {arity} arguments is not available in ignore rules"));
    }
    let mut args = args.into_iter().map(|arg| rewrite(arg, depth)).collect::<Result<Vec<_>, _>>()?;
    let name = if name == "test" {
        if args.len() == 1 {
            args.push(Term::Str(None, vec![StrPart::Str("")]));
        }
        TEST
    } else {
        name
    };
    // These look for one value in another, at every place.
    let search = matches!(name, "contains" | "inside" | "indices" | "index" | "rindex");
    let before = search.then(|| Term::Call(PRODUCT, args.clone()));
    let call = metered(Term::Call(name, args), SIZE);
    Ok(match before {
        Some(before) => pipe(before, call),
        None => call,
    })
}

fn access<'s>(term: Box<T<'s>>, path: Path<T<'s>>, depth: usize) -> Result<T<'s>, String> {
    let mut many = false;
    let parts = path.0.into_iter().map(|(part, opt): (Part<T<'s>>, Opt)| {
        let part = match part {
            Part::Index(index) => {
                many |= !is_plain(&index) || !matches!(index, Term::Str(..) | Term::Num(_));
                Part::Index(rewrite(index, depth)?)
            }
            Part::Range(from, upto) => {
                many = true;
                let bound = |term: Option<T<'s>>| term.map(|term| rewrite(term, depth)).transpose();
                Part::Range(bound(from)?, bound(upto)?)
            }
        };
        Ok((part, opt))
    });
    let parts = Path(parts.collect::<Result<_, String>>()?);
    let term = Term::Path(boxed(term, depth)?, parts);
    Ok(if many { metered(term, STEP) } else { term })
}

fn pipe<'s>(left: T<'s>, right: T<'s>) -> T<'s> {
    Term::BinOp(Box::new(left), BinaryOp::Pipe(None), Box::new(right))
}

/// `term | if meter then . end`: passes every output on, paths included, until the meter fails.
fn metered<'s>(term: T<'s>, meter: &'s str) -> T<'s> {
    pipe(term, Term::IfThenElse(vec![(Term::Call(meter, Vec::new()), Term::Id)], None))
}
