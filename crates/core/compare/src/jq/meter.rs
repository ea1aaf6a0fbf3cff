//! The meter of an evaluation, and the filters that charge it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use jaq_core::data::{DataT, HasLut};
use jaq_core::native::{self, Fun, bome, v};
use jaq_core::{Cv, Error, Lut, ValXs};
use jaq_json::Val;
use regex::{Regex, RegexBuilder};

use super::guard;

/// Memory of one compiled regular expression, in bytes.
const MAX_REGEX: usize = 1 << 20;
/// What compiling one costs, in steps.
const REGEX_STEPS: u64 = 5_000;
/// Bytes of text that count as one step.
const TEXT_BYTES: u64 = 16;

/// What evaluations work on: JSON values, and the meter.
pub(super) struct Data;

impl DataT for Data {
    type V<'a> = Val;
    type Data<'a> = Context<'a>;
}

#[derive(Clone)]
pub(super) struct Context<'a> {
    pub(super) lut: &'a Lut<Data>,
    pub(super) meter: &'a Meter,
}

impl<'a> HasLut<'a, Data> for Context<'a> {
    fn lut(&self) -> &'a Lut<Data> {
        self.lut
    }
}

/// What is left of the budget; once empty, it stays empty.
pub(super) struct Meter {
    left: Cell<u64>,
    /// Compiled once an evaluation, by flags and pattern.
    regexes: RefCell<BTreeMap<(String, String), Regex>>,
}

impl Meter {
    pub(super) fn new(steps: u64) -> Self {
        Self { left: Cell::new(steps), regexes: RefCell::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left.get() == 0
    }

    fn charge(&self, steps: u64) -> Result<Val, Error<Val>> {
        match self.left.get().checked_sub(steps) {
            Some(left) if left > 0 => {
                self.left.set(left);
                Ok(Val::from(true))
            }
            _ => {
                self.left.set(0);
                Err(Error::str("out of budget"))
            }
        }
    }

    /// Nodes and bytes of a value, counted up to what is left: shared parts count each time, as whoever walks it would.
    fn weigh(&self, value: &Val) -> u64 {
        let limit = self.left.get();
        let mut total = 0u64;
        let mut stack = vec![value];
        while let Some(value) = stack.pop() {
            total += 1;
            match value {
                Val::Null | Val::Bool(_) | Val::Num(_) => {}
                Val::BStr(text) | Val::TStr(text) => total += text.len() as u64 / TEXT_BYTES,
                Val::Arr(items) => stack.extend(items.iter()),
                Val::Obj(map) => stack.extend(map.iter().flat_map(|(key, value)| [key, value])),
            }
            // What is on the stack is certain to be counted still.
            if total + stack.len() as u64 > limit {
                return limit.saturating_add(1);
            }
        }
        total
    }

    fn matches(&self, input: &Val, pattern: &Val, flags: &Val) -> Result<Val, Error<Val>> {
        let key = (if matches!(flags, Val::Null) { String::new() } else { text(flags)? }, text(pattern)?);
        self.charge(1 + self.weigh(input))?;
        let mut regexes = self.regexes.borrow_mut();
        let regex = match regexes.get(&key) {
            Some(regex) => regex,
            None => {
                self.charge(REGEX_STEPS)?;
                let regex = compile(&key.1, &key.0)?;
                regexes.entry(key).or_insert(regex)
            }
        };
        Ok(Val::from(regex.is_match(&text(input)?)))
    }
}

fn text(value: &Val) -> Result<String, Error<Val>> {
    match value {
        Val::TStr(text) => std::str::from_utf8(text).map(str::to_owned).map_err(|_| Error::str("not UTF-8")),
        _ => Err(Error::str("test wants strings")),
    }
}

fn compile(pattern: &str, flags: &str) -> Result<Regex, Error<Val>> {
    let mut builder = RegexBuilder::new(pattern);
    builder.size_limit(MAX_REGEX).dfa_size_limit(MAX_REGEX);
    for flag in flags.chars() {
        match flag {
            'i' => builder.case_insensitive(true),
            'x' => builder.ignore_whitespace(true),
            's' => builder.dot_matches_new_line(true),
            'g' | 'n' => &mut builder,
            _ => return Err(Error::str("unknown flag")),
        };
    }
    builder.build().map_err(|_| Error::str("not a regular expression"))
}

/// The filters that are ours: the meters, and `test` on a linear-time engine.
pub(super) fn filters() -> impl Iterator<Item = Fun<Data>> {
    #[expect(clippy::needless_pass_by_value, reason = "jaq calls it by this signature")]
    fn step(cv: Cv<'_, Data>) -> ValXs<'_, Val> {
        bome(cv.0.data().meter.charge(1))
    }
    #[expect(clippy::needless_pass_by_value, reason = "jaq calls it by this signature")]
    fn size(cv: Cv<'_, Data>) -> ValXs<'_, Val> {
        let meter = cv.0.data().meter;
        bome(meter.charge(meter.weigh(&cv.1)))
    }
    fn product(mut cv: Cv<'_, Data>) -> ValXs<'_, Val> {
        let other = cv.0.pop_var();
        let meter = cv.0.data().meter;
        let steps = meter.weigh(&cv.1).saturating_mul(meter.weigh(&other));
        bome(meter.charge(steps).map(|_| cv.1))
    }
    fn test(mut cv: Cv<'_, Data>) -> ValXs<'_, Val> {
        let flags = cv.0.pop_var();
        let pattern = cv.0.pop_var();
        let meter = cv.0.data().meter;
        bome(meter.matches(&cv.1, &pattern, &flags))
    }
    [
        native::run::<Data>((guard::STEP, v(0), step)),
        native::run::<Data>((guard::SIZE, v(0), size)),
        native::run::<Data>((guard::PRODUCT, v(1), product)),
        native::run::<Data>((guard::TEST, v(2), test)),
    ]
    .into_iter()
}
