//! Expressions become values.

use std::rc::Rc;

use crate::error::Fault;
use crate::library;
use crate::machine::{Arguments, Machine, Variable, boolean, constant, number, variable, wrong_type};
use crate::objects::no_field;
use crate::syntax::{Call, Clause, Expr, Kind, Unary};
use crate::text::Text;
use crate::value::{Env, Frame, Function, Lazy, Object, State, Thunk, Value};

type Result<T> = std::result::Result<T, Fault>;

impl Machine<'_> {
    /// An expression for later; at once where it costs nothing.
    fn delay(&mut self, expr: &Expr, env: &Env) -> Thunk {
        match &expr.kind {
            Kind::Variable(up, place) => {
                if let Some(thunk) = variable(env, *up, *place) {
                    return thunk;
                }
                Lazy::new(State::Code(Rc::clone(expr), Rc::clone(env)))
            }
            kind => match constant(kind) {
                Some(value) => Lazy::done(value),
                None => Lazy::new(State::Code(Rc::clone(expr), Rc::clone(env))),
            },
        }
    }

    pub(crate) fn eval(&mut self, expr: &Expr, env: &Env) -> Result<Value> {
        if let Some(value) = constant(&expr.kind) {
            return Ok(value);
        }
        self.deeper(|machine| machine.run(Rc::clone(expr), Rc::clone(env)))
    }

    /// Evaluates; what comes last is gone on with, without going down.
    fn run(&mut self, mut expr: Expr, mut env: Env) -> Result<Value> {
        loop {
            let span = expr.span;
            match self.run_once(&expr, &env).map_err(|fault| fault.at(span))? {
                Next::Done(value) => return Ok(value),
                Next::On(next, next_env) => {
                    expr = next;
                    env = next_env;
                }
            }
        }
    }

    fn run_once(&mut self, expr: &Expr, env: &Env) -> Result<Next> {
        self.step(1)?;
        let value = match &expr.kind {
            Kind::Null => Value::Null,
            Kind::True => Value::Bool(true),
            Kind::False => Value::Bool(false),
            Kind::Number(number) => Value::Number(*number),
            Kind::Overflow => return Err(Fault::runtime("overflow")),
            Kind::Text(text) => Value::Text(text.clone()),
            Kind::Name(_) | Kind::SelfWord(_) => return Err(Fault::runtime("a name was not resolved")),
            Kind::Variable(up, place) => {
                let thunk =
                    variable(env, *up, *place).ok_or_else(|| Fault::runtime("max stack frames exceeded."))?;
                self.force(&thunk)?
            }
            Kind::Std => Value::Object(self.library(expr.span.file)?),
            Kind::This(up) => Value::Object(this(env, *up)?.0),
            Kind::Super(up, index) => {
                let name = self.eval_text(index, env)?;
                let (object, layer) = this(env, *up)?;
                if layer == 0 {
                    return Err(Fault::runtime("Attempt to use super when there is no super class."));
                }
                self.field(&object, name.as_str(), layer)?.ok_or_else(|| no_field(name.as_str()))?
            }
            Kind::InSuper(up, index) => {
                let name = self.eval_text(index, env)?;
                let (object, layer) = this(env, *up)?;
                Value::Bool(object.layer_of(name.as_str(), layer).is_some())
            }
            Kind::Array(items) => {
                self.room_for_items(items.len())?;
                Value::array(items.iter().map(|item| self.delay(item, env)).collect())
            }
            Kind::ArrayFor(body, clauses) => {
                let mut items = Vec::new();
                self.comprehension(clauses, env, &mut |machine, env| {
                    let item = machine.delay(body, env);
                    items.push(item);
                    Ok(())
                })?;
                Value::array(items)
            }
            Kind::Object(code) => Value::Object(self.object_literal(code, env)?),
            Kind::ObjectFor(code, clauses) => Value::Object(self.object_comprehension(code, clauses, env)?),
            Kind::Import(kind, path) => self.import(*kind, path, expr.span)?,
            Kind::Error(message) => {
                let message = self.eval(message, env)?;
                let message = self.show(&message)?;
                return Err(Fault::runtime(message.as_str()));
            }
            Kind::If(condition, then, otherwise) => {
                let condition = self.eval(condition, env)?;
                return Ok(match (boolean(&condition)?, otherwise) {
                    (true, _) => Next::On(Rc::clone(then), Rc::clone(env)),
                    (false, Some(otherwise)) => Next::On(Rc::clone(otherwise), Rc::clone(env)),
                    (false, None) => Next::Done(Value::Null),
                });
            }
            Kind::Index(target, index) => {
                let target = self.eval(target, env)?;
                let index = self.eval(index, env)?;
                self.index(&target, &index)?
            }
            Kind::Slice(target, parts) => {
                let target = self.eval(target, env)?;
                let mut given = vec![Value::Null, Value::Null, Value::Null];
                for (slot, part) in given.iter_mut().zip(parts) {
                    if let Some(part) = part {
                        *slot = self.eval(part, env)?;
                    }
                }
                library::slice(self, &target, &given)?
            }
            Kind::Local(binds, body) => {
                let frame = self.frame(env, None, binds.iter().map(|bind| Variable::Code(&bind.value)));
                return Ok(Next::On(Rc::clone(body), frame));
            }
            Kind::Function(code) => {
                Value::Function(Rc::new(Function::Closure(Rc::clone(code), Rc::clone(env))))
            }
            Kind::Apply(call) => return self.apply(call, env),
            Kind::Unary(operator, inner) => {
                let inner = self.eval(inner, env)?;
                unary(*operator, &inner)?
            }
            Kind::Binary(operator, left, right) => self.binary(*operator, left, right, env)?,
        };
        Ok(Next::Done(value))
    }

    fn apply(&mut self, call: &Call, env: &Env) -> Result<Next> {
        let target = self.eval(&call.target, env)?;
        let Value::Function(function) = target else { return Err(wrong_type(&target, "function")) };
        let positional = call.positional.iter().map(|argument| self.delay(argument, env)).collect();
        let named =
            call.named.iter().map(|(name, argument)| (Rc::clone(name), self.delay(argument, env))).collect();
        let arguments = Arguments { positional, named };
        if call.tailstrict {
            for thunk in arguments.positional.iter().chain(arguments.named.iter().map(|(_, thunk)| thunk)) {
                self.force(thunk)?;
            }
            if let Function::Closure(code, env) = &*function {
                let frame = self.bind(code, env, arguments)?;
                // Defaults, too.
                let all = frame.variables.borrow().clone();
                all.iter().try_for_each(|thunk| self.force(thunk).map(drop))?;
                return Ok(Next::On(Rc::clone(&code.body), frame));
            }
        }
        self.call(&function, arguments).map(Next::Done)
    }

    /// Runs `body` once for each combination, in an environment of its own.
    pub(crate) fn comprehension(
        &mut self,
        clauses: &[Clause],
        env: &Env,
        body: &mut dyn FnMut(&mut Self, &Env) -> Result<()>,
    ) -> Result<()> {
        self.step(1)?;
        match clauses.split_first() {
            None => body(self, env),
            Some((Clause::If(condition), rest)) => {
                let holds = self.eval(condition, env)?;
                if boolean(&holds)? { self.comprehension(rest, env, body) } else { Ok(()) }
            }
            Some((Clause::For(_, list), rest)) => {
                let list = self.eval(list, env)?;
                let Value::Array(list) = list else { return Err(wrong_type(&list, "array")) };
                for item in &list.items {
                    let frame = Frame::new(Some(Rc::clone(env)), None);
                    frame.variables.replace(vec![Rc::clone(item)]);
                    self.deeper(|machine| machine.comprehension(rest, &frame, body))?;
                }
                Ok(())
            }
        }
    }

    fn index(&mut self, target: &Value, index: &Value) -> Result<Value> {
        match target {
            Value::Object(object) => {
                let Value::Text(name) = index else { return Err(wrong_type(index, "string")) };
                self.checked_field(object, name.as_str())
            }
            Value::Array(array) => {
                let at = number(index)?;
                let item = place(at).and_then(|at| array.items.get(at)).cloned();
                let item = item.ok_or_else(|| out_of_bounds(at, array.items.len()))?;
                self.force(&item)
            }
            Value::Text(text) => {
                let at = number(index)?;
                let found = place(at).map_or("", |at| text.slice(at, at + 1));
                if found.is_empty() {
                    return Err(out_of_bounds(at, text.length()));
                }
                Ok(Value::text(found))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Function(_) => {
                Err(Fault::runtime(format!("Value non indexable: {}", target.type_name())))
            }
        }
    }

    fn eval_text(&mut self, expr: &Expr, env: &Env) -> Result<Text> {
        match self.eval(expr, env)? {
            Value::Text(text) => Ok(text),
            other => Err(wrong_type(&other, "string")),
        }
    }
}

enum Next {
    Done(Value),
    On(Expr, Env),
}

fn this(env: &Env, up: u32) -> Result<(Rc<Object>, usize)> {
    let mut frame = env;
    for _ in 0..up {
        frame = frame.up.as_ref().ok_or_else(|| Fault::runtime("self has no scope"))?;
    }
    frame.this.clone().ok_or_else(|| Fault::runtime("self has no object"))
}

fn unary(operator: Unary, value: &Value) -> Result<Value> {
    Ok(match operator {
        Unary::Not => Value::Bool(!boolean(value)?),
        Unary::Plus => Value::Number(number(value)?),
        Unary::Minus => Value::Number(-number(value)?),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "as the peer's int64"
        )]
        Unary::BitNot => Value::Number(!(number(value)? as i64) as f64),
    })
}

/// An index into a list; fractions are cut off, as in the peer.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
fn place(at: f64) -> Option<usize> {
    (at > -1.0 && at < 1e15).then_some(at.max(0.0) as usize)
}

fn out_of_bounds(at: f64, length: usize) -> Fault {
    Fault::runtime(format!("Index {} out of bounds, not within [0, {length})", at.trunc()))
}
