//! Functions that templates call, and what a call sees.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use crate::budget::{Budget, Exceeded, Limit};
use crate::error::{CallError, ExecError};
use crate::node::{NodeId, NodeKind, Source};
use crate::template::Templates;
use crate::value::{List, Map, Str, Type, Value};

/// The code of a function. State comes from the run's hosts ([`Call::host`]), so that a function is plain data and compiled templates
/// may be kept and shared between threads.
pub type Native = fn(&mut Call<'_>) -> Result<Outcome, CallError>;

/// A function, declared as Go would: the engine evaluates, checks and converts the arguments by the parameter types, with Go's error texts.
///
/// ```
/// use gotemplate::{Call, CallError, Function, Outcome, Type};
///
/// fn repeat(call: &mut Call<'_>) -> Result<Outcome, CallError> {
///     let (count, text) = (usize::try_from(call.int(0)).unwrap_or(0), call.text(1));
///     call.budget().allocate(text.len().saturating_mul(count))?;
///     Ok(text.repeat(count).into())
/// }
/// const STRINGS: &[Function] = &[Function::new("repeat", &[Type::Int, Type::String], repeat)];
/// ```
pub struct Function {
    /// As templates call it.
    pub name: &'static str,
    /// Fixed parameters.
    pub params: &'static [Type],
    /// The type of each further argument.
    pub rest: Option<Type>,
    /// As `%T` prints it.
    pub type_name: &'static str,
    pub(crate) body: Body,
}

/// What a function does.
#[derive(Clone, Copy)]
pub(crate) enum Body {
    Native(Native),
    /// The builtins that the machine itself runs: they evaluate some of their arguments only, or call a value.
    And,
    Or,
    Call,
}

impl Function {
    /// A function with fixed parameters.
    #[must_use]
    pub const fn new(name: &'static str, params: &'static [Type], body: Native) -> Self {
        Self { name, params, rest: None, type_name: "func()", body: Body::Native(body) }
    }

    /// A function that takes any number of further arguments of a type.
    #[must_use]
    pub const fn variadic(name: &'static str, params: &'static [Type], rest: Type, body: Native) -> Self {
        Self { name, params, rest: Some(rest), type_name: "func()", body: Body::Native(body) }
    }

    pub(crate) const fn special(name: &'static str, params: &'static [Type], body: Body) -> Self {
        Self { name, params, rest: Some(Type::Reflect), type_name: "func()", body }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "func {}", self.name)
    }
}

/// The functions of a dialect, by name. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Functions(Arc<BTreeMap<&'static str, &'static Function>>);

impl Functions {
    /// Go's own: `and call eq ge gt html index js le len lt ne not or print printf println slice urlquery`.
    #[must_use]
    pub fn builtin() -> Self {
        Self(Arc::default()).with(crate::builtins::TABLE)
    }

    /// These too; they replace those of the same name.
    #[must_use]
    pub fn with(mut self, functions: &'static [Function]) -> Self {
        let map = Arc::make_mut(&mut self.0);
        for function in functions {
            map.insert(function.name, function);
        }
        self
    }

    /// All but these.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Self {
        Arc::make_mut(&mut self.0).retain(|name, _| !names.contains(name));
        self
    }

    /// The function of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'static Function> {
        self.0.get(name).copied()
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
}

/// What a function gives back: a value, or a template to run first.
pub enum Outcome {
    /// The result.
    Value(Value),
    /// Runs a template without using the thread's stack; its text becomes the result by [`Execute::then`].
    Execute(Box<Execute>),
}

impl<T: Into<Value>> From<T> for Outcome {
    fn from(value: T) -> Self {
        Self::Value(value.into())
    }
}

/// What is done with the text, or the failure, of a template that a function ran.
pub type Then = Box<dyn FnOnce(&mut Run, Result<Str, ExecError>) -> Result<Value, CallError>>;

/// A template to run on behalf of a function: `include`, `tpl`.
pub struct Execute {
    /// The set that it is looked up in, and that `template` and `include` inside it see.
    pub templates: Templates,
    /// Its name.
    pub name: String,
    /// Its dot.
    pub data: Value,
    /// Also called when the template fails, save by a limit, which ends the run at once.
    pub then: Then,
}

/// One call of a function.
pub struct Call<'a> {
    pub(crate) function: &'static Function,
    pub(crate) receiver: Option<&'a Value>,
    pub(crate) args: &'a [Value],
    /// Which arguments lie in an interface.
    pub(crate) boxed: &'a [bool],
    /// The call in its text.
    pub(crate) source: (&'a Source, NodeId),
    pub(crate) run: &'a mut Run,
    pub(crate) templates: &'a Templates,
    pub(crate) template: &'a str,
}

impl<'a> Call<'a> {
    /// The function's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.function.name
    }

    /// All arguments, checked and converted by the declared types.
    #[must_use]
    pub fn args(&self) -> &'a [Value] {
        self.args
    }

    /// Number of arguments.
    #[must_use]
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.args.is_empty()
    }

    /// An argument; nil past the last.
    #[must_use]
    pub fn arg(&self, at: usize) -> &'a Value {
        const NIL: &Value = &Value::Nil;
        self.args.get(at).unwrap_or(NIL)
    }

    /// An argument declared [`Type::String`], its bytes.
    #[must_use]
    pub fn bytes(&self, at: usize) -> &'a [u8] {
        self.arg(at).as_bytes().unwrap_or_default()
    }

    /// An argument declared [`Type::String`], with U+FFFD for what is not UTF-8.
    #[must_use]
    pub fn text(&self, at: usize) -> std::borrow::Cow<'a, str> {
        match self.arg(at) {
            Value::String(text) => text.to_text(),
            _ => std::borrow::Cow::Borrowed(""),
        }
    }

    /// An argument declared as one of the integer types; 0 if it is something else.
    #[must_use]
    pub fn int(&self, at: usize) -> i64 {
        match self.arg(at) {
            Value::Int(_, number) => *number,
            Value::Uint(_, number) => i64::try_from(*number).unwrap_or(i64::MAX),
            _ => 0,
        }
    }

    /// An argument declared [`Type::Float64`].
    #[must_use]
    pub fn float(&self, at: usize) -> f64 {
        match self.arg(at) {
            Value::Float(_, number) => *number,
            _ => 0.0,
        }
    }

    /// An argument declared [`Type::Bool`].
    #[must_use]
    pub fn bool(&self, at: usize) -> bool {
        matches!(self.arg(at), Value::Bool(true))
    }

    /// An argument declared as a map. For an argument that is none: an error in the words of a failed conversion.
    pub fn map(&self, at: usize) -> Result<&'a Map, CallError> {
        self.arg(at).as_map().ok_or_else(|| self.unexpected(at, "map[string]interface {}"))
    }

    /// An argument declared as a list.
    pub fn list(&self, at: usize) -> Result<&'a List, CallError> {
        self.arg(at).as_list().ok_or_else(|| self.unexpected(at, "[]interface {}"))
    }

    fn unexpected(&self, at: usize, wanted: &str) -> CallError {
        CallError::Message(format!(
            "interface conversion: interface {{}} is {}, not {wanted}",
            self.arg(at).type_name().replace("<nil>", "nil")
        ))
    }

    pub(crate) fn is_boxed(&self, at: usize) -> bool {
        self.boxed.get(at).copied().unwrap_or_default()
    }

    /// What `call` calls, as the template has it.
    pub(crate) fn callee(&self) -> String {
        let (source, node) = self.source;
        match &source.node(node).kind {
            NodeKind::Command(words) if words.len() > 1 => source.shown(words[1]),
            _ => match self.arg(0) {
                Value::String(text) => text.to_string(),
                value => format!("<{} Value>", value.type_name()),
            },
        }
    }

    /// Calls a function with some of the arguments.
    pub(crate) fn delegate(
        &mut self,
        function: &'static Function,
        args: &'a [Value],
    ) -> Result<Outcome, CallError> {
        let Body::Native(body) = function.body else { return Err("call of a builtin".into()) };
        body(&mut Call {
            function,
            receiver: None,
            args,
            boxed: &[],
            source: self.source,
            run: &mut *self.run,
            templates: self.templates,
            template: self.template,
        })
    }

    /// What the method was called on.
    #[must_use]
    pub fn receiver(&self) -> &'a Value {
        const NIL: &Value = &Value::Nil;
        self.receiver.unwrap_or(NIL)
    }

    /// The budget of the run.
    pub fn budget(&mut self) -> &mut Budget {
        &mut self.run.budget
    }

    /// The run.
    pub fn run(&mut self) -> &mut Run {
        self.run
    }

    /// The host of a type that the run was given ([`Run::with`]).
    #[must_use]
    pub fn host<T: Any>(&self) -> Option<Rc<T>> {
        self.run.host()
    }

    /// The templates that the running one sees.
    #[must_use]
    pub fn templates(&self) -> &'a Templates {
        self.templates
    }

    /// The name of the running template.
    #[must_use]
    pub fn template(&self) -> &'a str {
        self.template
    }

    /// Sets a key of a map that templates may hold.
    ///
    /// **Errors**: a nil map, in Go's words; a limit.
    pub fn set(&mut self, map: &Map, key: Str, value: Value) -> Result<(), CallError> {
        self.run.set(map, key, value)
    }

    /// Removes a key of a map that templates may hold.
    pub fn unset(&mut self, map: &Map, key: &str) -> Result<(), CallError> {
        changed(map.change(|entries| {
            entries.remove(key.as_bytes());
        }))
    }
}

fn changed(done: bool) -> Result<(), CallError> {
    if done { Ok(()) } else { Err("concurrent map iteration and map write".into()) }
}

/// What a number of executions share: budget, hosts, and what must be taken apart at the end.
///
/// Maps that were changed by [`Call::set`] to hold another container may hold themselves; when the run is dropped they are emptied, so that
/// nothing leaks. So values of a run are not to be used after it.
pub struct Run {
    pub(crate) budget: Budget,
    hosts: Vec<Rc<dyn Any>>,
    changed: Vec<Map>,
}

impl Run {
    /// A run on a budget.
    #[must_use]
    pub fn new(budget: Budget) -> Self {
        Self { budget, hosts: Vec::new(), changed: Vec::new() }
    }

    /// Adds something that functions ask for by its type: the time, randomness, the chart's files. Use cells for what changes.
    #[must_use]
    pub fn with<T: Any>(mut self, host: Rc<T>) -> Self {
        self.hosts.push(host);
        self
    }

    /// The host of a type.
    #[must_use]
    pub fn host<T: Any>(&self) -> Option<Rc<T>> {
        self.hosts.iter().rev().find_map(|host| Rc::clone(host).downcast().ok())
    }

    /// The budget.
    pub fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }

    /// As [`Call::set`].
    pub fn set(&mut self, map: &Map, key: Str, value: Value) -> Result<(), CallError> {
        if map.is_nil() {
            return Err("assignment to entry in nil map".into());
        }
        self.budget.allocate(ENTRY_BYTES + key.len())?;
        let container = matches!(value, Value::List(_) | Value::Map(_));
        changed(map.change(|entries| {
            entries.insert(key, value);
        }))?;
        if container && !self.changed.last().is_some_and(|last| last.same(map)) {
            self.changed.push(map.clone());
        }
        Ok(())
    }

    /// The error for values that nest too deep to follow.
    #[must_use]
    pub fn too_deep(levels: usize) -> CallError {
        CallError::Exceeded(Exceeded { limit: Limit::Nesting, value: levels as u64 })
    }
}

/// About what an entry of a map takes, beside its key.
const ENTRY_BYTES: usize = 96;

impl Drop for Run {
    fn drop(&mut self) {
        for map in self.changed.drain(..) {
            // One that somebody is reading just now is left alone.
            let _ = map.change(|entries| drop(std::mem::take(entries)));
        }
    }
}
