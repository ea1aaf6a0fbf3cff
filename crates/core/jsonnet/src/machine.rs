//! What a run of a program has: its budget, its calls, and its files.

use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use filetree::{FileTree, TreePath};

use crate::error::Fault;
use crate::library;
use crate::meter;
use crate::syntax::{Expr, FunctionCode, Kind, Name};
use crate::text::Text;
use crate::value::{Env, Frame, Function, Layer, Lazy, Object, State, Thunk, Value};
use crate::{Cancelled, Limits};

/// Evaluations inside each other: what the stack of the thread has room for.
const MAX_DEPTH: u32 = 20_000;

/// How much has to be left behind before it is looked through.
const MIN_SWEEP: usize = 4096;

/// Steps between two looks at the memory.
const STEPS_A_LOOK: u64 = 256;
/// Steps between two questions whether the result is wanted still.
const STEPS_A_QUESTION: u64 = 4096;

/// One run of a program.
pub(crate) struct Machine<'a> {
    pub(crate) tree: &'a FileTree,
    /// Where imports are looked for, besides the directory of the file; the first one first.
    pub(crate) roads: Vec<TreePath>,
    pub(crate) limits: &'a Limits,
    steps: u64,
    next_look: u64,
    cancelled: Option<Cancelled<'a>>,
    next_question: u64,
    calls: u32,
    depth: u32,
    /// Files by number.
    pub(crate) files: Vec<Source>,
    pub(crate) numbers: BTreeMap<TreePath, u32>,
    pub(crate) external: BTreeMap<String, External>,
    pub(crate) natives: Rc<Layer>,
    pub(crate) library: Option<Rc<Layer>>,
    /// What may hold itself.
    cyclic: Vec<Cyclic>,
    next_sweep: usize,
}

pub(crate) struct Source {
    pub(crate) name: String,
    /// None for code in parameters.
    pub(crate) path: Option<TreePath>,
    pub(crate) value: Option<Thunk>,
    pub(crate) std: Option<Rc<Object>>,
}

/// A variable of a new frame.
pub(crate) enum Variable<'a> {
    Given(Thunk),
    Code(&'a Expr),
}

/// A variable from outside.
#[derive(Clone)]
pub(crate) enum External {
    Known(Thunk),
    /// Code that nobody asked for yet; read then, as in the peer.
    Code(String),
}

enum Cyclic {
    /// A variable, which is in the scope that its value is evaluated in.
    Variable(Weak<Lazy>),
    /// Its fields are in scopes that have it as `self`.
    Object(Weak<Object>),
}

/// The arguments of a call.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) positional: Vec<Thunk>,
    pub(crate) named: Vec<(Name, Thunk)>,
}

type Result<T> = std::result::Result<T, Fault>;

impl<'a> Machine<'a> {
    pub(crate) fn new(tree: &'a FileTree, limits: &'a Limits, cancelled: Option<Cancelled<'a>>) -> Self {
        Self {
            tree,
            roads: Vec::new(),
            limits,
            steps: 0,
            next_look: 0,
            cancelled,
            next_question: 0,
            calls: 0,
            depth: 0,
            files: Vec::new(),
            numbers: BTreeMap::new(),
            external: BTreeMap::new(),
            natives: library::natives(),
            library: None,
            cyclic: Vec::new(),
            next_sweep: MIN_SWEEP,
        }
    }

    /// Work until now.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// Counts work.
    pub(crate) fn step(&mut self, steps: u64) -> Result<()> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps >= self.next_look {
            self.next_look = self.steps + STEPS_A_LOOK;
            if self.steps > self.limits.steps {
                return Err(Fault::limit_here("steps", self.limits.steps));
            }
            self.room(0)?;
            if self.steps >= self.next_question {
                self.next_question = self.steps + STEPS_A_QUESTION;
                if self.cancelled.is_some_and(|cancelled| cancelled()) {
                    return Err(Fault::cancelled());
                }
            }
        }
        Ok(())
    }

    /// Whether something of so many bytes may be made.
    pub(crate) fn room(&self, bytes: usize) -> Result<()> {
        if meter::live().saturating_add(bytes) > self.limits.bytes {
            return Err(Fault::limit_here("bytes of values", self.limits.bytes as u64));
        }
        Ok(())
    }

    /// A list of so many values can be made.
    pub(crate) fn room_for_items(&mut self, items: usize) -> Result<()> {
        self.room(items.saturating_mul(size_of::<Lazy>() + 24))?;
        self.step(items as u64)
    }

    /// A text that is about to be made has so many bytes.
    pub(crate) fn room_for_text(&mut self, bytes: usize) -> Result<()> {
        self.room(bytes)?;
        self.step(bytes as u64 / 32)
    }

    pub(crate) fn make_text(&mut self, text: String) -> Result<Value> {
        self.room_for_text(text.len())?;
        Ok(Value::Text(Text::from(text)))
    }

    /// Remembers what may hold itself, so that it can be taken apart at the end.
    fn remember(&mut self, cyclic: Cyclic) {
        if self.cyclic.len() >= self.next_sweep {
            self.cyclic.retain(|cyclic| match cyclic {
                Cyclic::Variable(thunk) => thunk.strong_count() > 0,
                Cyclic::Object(object) => object.strong_count() > 0,
            });
            self.next_sweep = (self.cyclic.len() * 2).max(MIN_SWEEP);
        }
        self.cyclic.push(cyclic);
    }

    /// Takes apart what holds itself.
    pub(crate) fn dismantle(&mut self) {
        for cyclic in std::mem::take(&mut self.cyclic) {
            match cyclic {
                Cyclic::Variable(thunk) => {
                    if let Some(thunk) = thunk.upgrade() {
                        let state = thunk.state.replace(State::Running);
                        drop(state);
                    }
                }
                Cyclic::Object(object) => {
                    if let Some(object) = object.upgrade() {
                        let held = (object.cache.take(), object.frames.take());
                        drop(held);
                    }
                }
            }
        }
    }

    /// A frame in which variables see each other. It may come to hold itself.
    pub(crate) fn frame<'b>(
        &mut self,
        up: &Env,
        this: Option<(Rc<Object>, usize)>,
        variables: impl Iterator<Item = Variable<'b>>,
    ) -> Env {
        let frame = Frame::new(Some(Rc::clone(up)), this);
        let thunks: Vec<Thunk> = variables
            .map(|variable| match variable {
                Variable::Given(thunk) => thunk,
                Variable::Code(expr) => match constant(&expr.kind) {
                    Some(value) => Lazy::done(value),
                    None => {
                        let thunk = Lazy::new(State::Code(Rc::clone(expr), Rc::clone(&frame)));
                        self.remember(Cyclic::Variable(Rc::downgrade(&thunk)));
                        thunk
                    }
                },
            })
            .collect();
        frame.variables.replace(thunks);
        frame
    }

    pub(crate) fn object(&mut self, layers: Vec<Rc<Layer>>) -> Rc<Object> {
        let object = Object::new(layers);
        self.remember(Cyclic::Object(Rc::downgrade(&object)));
        object
    }

    /// Runs a call, a field or a variable: a frame in the peer's sense.
    pub(crate) fn within_call<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.calls >= self.limits.frames {
            return Err(Fault::runtime("max stack frames exceeded."));
        }
        self.calls += 1;
        let result = self.deeper(run);
        self.calls -= 1;
        result.map_err(Fault::out)
    }

    /// Runs something that goes one level down the stack.
    pub(crate) fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_DEPTH {
            return Err(Fault::limit_here("evaluations inside each other", MAX_DEPTH.into()));
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    /// The value of a thunk.
    pub(crate) fn force(&mut self, thunk: &Thunk) -> Result<Value> {
        let state = match &*thunk.state.borrow() {
            State::Done(value) => return Ok(value.clone()),
            State::Code(..) | State::Call(..) | State::Field(..) | State::Running => State::Running,
        };
        let value = match thunk.state.replace(state) {
            State::Done(value) => value,
            State::Code(expr, env) => self.within_call(|machine| machine.eval(&expr, &env))?,
            State::Call(function, positional) => {
                let arguments = Arguments { positional, named: Vec::new() };
                self.call(&function, arguments)?
            }
            State::Field(object, name) => self.deeper(|machine| machine.checked_field(&object, &name))?,
            State::Running => return Err(Fault::runtime("max stack frames exceeded.")),
        };
        thunk.state.replace(State::Done(value.clone()));
        Ok(value)
    }

    /// Calls a function.
    pub(crate) fn call(&mut self, function: &Function, arguments: Arguments) -> Result<Value> {
        match function {
            Function::Closure(code, env) => {
                let frame = self.bind(code, env, arguments)?;
                self.within_call(|machine| machine.eval(&code.body, &frame))
            }
            Function::Native(native) => {
                self.step(1)?;
                let names = native.parameters.iter().map(|(name, required)| (*name, !required));
                let given = assign(&names.collect::<Vec<_>>(), arguments)?;
                self.deeper(|machine| (native.run)(machine, &library::Given(&given)))
            }
        }
    }

    /// Calls a function with values that it is given in order.
    pub(crate) fn call_with<const N: usize>(
        &mut self,
        function: &Function,
        given: [Thunk; N],
    ) -> Result<Value> {
        self.call(function, Arguments { positional: Vec::from(given), named: Vec::new() })
    }

    pub(crate) fn bind(&mut self, code: &Rc<FunctionCode>, env: &Env, arguments: Arguments) -> Result<Env> {
        let names = code.parameters.iter().map(|parameter| (&*parameter.name, parameter.default.is_some()));
        let given = assign(&names.collect::<Vec<_>>(), arguments)?;
        let variables = given.into_iter().zip(&code.parameters).map(|(given, parameter)| {
            match (given, &parameter.default) {
                (Some(given), _) => Variable::Given(given),
                (None, Some(default)) => Variable::Code(default),
                (None, None) => Variable::Given(Lazy::done(Value::Null)),
            }
        });
        Ok(self.frame(env, None, variables))
    }
}

/// A value that is written down as it is.
pub(crate) fn constant(kind: &Kind) -> Option<Value> {
    Some(match kind {
        Kind::Null => Value::Null,
        Kind::True => Value::Bool(true),
        Kind::False => Value::Bool(false),
        Kind::Number(number) => Value::Number(*number),
        Kind::Text(text) => Value::Text(text.clone()),
        _ => return None,
    })
}

/// A variable; none only while its scope is being made.
pub(crate) fn variable(env: &Env, up: u32, place: u32) -> Option<Thunk> {
    let mut frame = env;
    for _ in 0..up {
        frame = frame.up.as_ref()?;
    }
    frame.variables.borrow().get(place as usize).cloned()
}

/// Which argument is for which parameter; none where the default is to be taken.
fn assign(parameters: &[(&str, bool)], arguments: Arguments) -> Result<Vec<Option<Thunk>>> {
    let count = arguments.positional.len();
    if count > parameters.len() {
        return Err(Fault::runtime(format!(
            "function expected {} positional argument(s), but got {count}",
            parameters.len()
        )));
    }
    let mut given: Vec<Option<Thunk>> = arguments.positional.into_iter().map(Some).collect();
    given.resize(parameters.len(), None);
    for (name, thunk) in arguments.named {
        let slot = parameters.iter().position(|(other, _)| *other == &*name).and_then(|at| given.get_mut(at));
        match slot {
            None => return Err(Fault::runtime(format!("function has no parameter {name}"))),
            Some(Some(_)) => return Err(Fault::runtime(format!("Argument {name} already provided"))),
            Some(slot) => *slot = Some(thunk),
        }
    }
    let missing = given.iter().zip(parameters).find(|(given, (_, optional))| given.is_none() && !optional);
    match missing {
        Some((_, (name, _))) => Err(Fault::runtime(format!("Missing argument: {name}"))),
        None => Ok(given),
    }
}

pub(crate) fn boolean(value: &Value) -> Result<bool> {
    if let Value::Bool(value) = value { Ok(*value) } else { Err(wrong_type(value, "boolean")) }
}

pub(crate) fn number(value: &Value) -> Result<f64> {
    if let Value::Number(value) = value { Ok(*value) } else { Err(wrong_type(value, "number")) }
}

pub(crate) fn wrong_type(value: &Value, wanted: &str) -> Fault {
    Fault::runtime(format!("Unexpected type {}, expected {wanted}", value.type_name()))
}
