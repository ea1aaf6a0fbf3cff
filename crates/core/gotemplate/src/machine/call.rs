//! Calls: arguments as the parameters want them, and what becomes of results.

use super::stack::Operand;
use super::{Calling, Fault, Flow, FrameKind, Machine, call_fault, constant_value, not_found};
use crate::error::ExecError;
use crate::functions::{Body, Call, Execute, Function, Outcome, Then};
use crate::node::NodeId;
use crate::program::{CallShape, Constant, Template};
use crate::value::{FloatKind, IntKind, Str, Type, UintKind, Value};

impl Machine<'_> {
    /// Checks the number of arguments and begins a call.
    pub(super) fn begin(
        &mut self,
        function: &'static Function,
        receiver: Option<Value>,
        piped: Option<Operand>,
        call: CallShape,
    ) -> Result<(), Fault> {
        let (given, wanted) = (call.args as usize + usize::from(call.piped), function.params.len());
        let name = function.name;
        if function.rest.is_some() {
            if given < wanted {
                let args = call.args;
                return Err(
                    format!("wrong number of args for {name}: want at least {wanted} got {args}").into()
                );
            }
        } else if given != wanted {
            return Err(format!("wrong number of args for {name}: want {wanted} got {given}").into());
        }
        self.calls.push(Calling { function, receiver, piped, base: self.stack.len() });
        Ok(())
    }

    fn parameter(&self, at: usize) -> Type {
        self.calls.last().map_or(Type::Any, |calling| parameter(calling.function, at))
    }

    pub(super) fn arg(&mut self, at: u32, end: u32) -> Result<Flow, Fault> {
        let operand = self.stack.pop();
        let checked = check(operand, self.parameter(at as usize))?;
        Ok(self.push_arg(checked, end))
    }

    pub(super) fn arg_constant(
        &mut self,
        template: &Template,
        node: NodeId,
        constant: u32,
        (at, end): (u32, u32),
    ) -> Result<Flow, Fault> {
        let wanted = self.parameter(at as usize);
        let value = match wanted {
            Type::Any | Type::Reflect => constant_value(template, node, constant)?,
            _ => {
                let constant = template.constants.get(constant as usize);
                constant_as(constant, wanted).ok_or_else(|| mismatch(template, node, wanted))?
            }
        };
        Ok(self.push_arg(Operand::plain(value), end))
    }

    pub(super) fn arg_nil(&mut self, at: u32, end: u32) -> Result<Flow, Fault> {
        let wanted = self.parameter(at as usize);
        if !can_be_nil(wanted) {
            return Err(format!("cannot assign nil to {}", wanted.name()).into());
        }
        let operand = Operand { value: wanted.zero(), boxed: wanted == Type::Any };
        Ok(self.push_arg(operand, end))
    }

    /// Pushes an argument; for `and` and `or` it may be the result already.
    fn push_arg(&mut self, operand: Operand, end: u32) -> Flow {
        let decided = match self.calls.last().map(|calling| calling.function.body) {
            Some(Body::And) => !operand.value.truth(),
            Some(Body::Or) => operand.value.truth(),
            _ => false,
        };
        if !decided {
            self.stack.push(operand);
            return Flow::On;
        }
        if let Some(calling) = self.calls.pop() {
            self.stack.truncate(calling.base);
        }
        self.stack.push(operand);
        Flow::Jump(end)
    }

    /// Calls with the arguments that lie on the stack.
    pub(super) fn call(&mut self, node: NodeId, next: usize) -> Result<Flow, Fault> {
        let Some(mut calling) = self.calls.pop() else { return Ok(Flow::On) };
        if let Some(piped) = calling.piped.take() {
            let at = self.stack.len() - calling.base;
            let checked = check(piped, parameter(calling.function, at))?;
            self.stack.push(checked);
        }
        let body = match calling.function.body {
            Body::Native(body) => body,
            Body::And | Body::Or => {
                let last = self.stack.pop();
                self.stack.truncate(calling.base);
                self.stack.push(last);
                return Ok(Flow::On);
            }
            Body::Call => crate::builtins::call,
        };
        let outcome = self.invoke_native(&calling, body, node);
        self.stack.truncate(calling.base);
        match outcome {
            Ok(Outcome::Value(value)) => {
                self.stack.push(result(value));
                Ok(Flow::On)
            }
            Ok(Outcome::Execute(execute)) => self.execute(*execute, calling.function, node, next),
            Err(error) => {
                self.at(node);
                Err(call_fault(calling.function, error))
            }
        }
    }

    fn invoke_native(
        &mut self,
        calling: &Calling,
        body: crate::functions::Native,
        node: NodeId,
    ) -> Result<Outcome, crate::error::CallError> {
        let (args, boxed) = self.stack.from(calling.base);
        let (Some(templates), Some(frame)) = (self.sets.last(), self.frames.last()) else {
            return Ok(Value::Nil.into());
        };
        let mut call = Call {
            function: calling.function,
            receiver: calling.receiver.as_ref(),
            args,
            boxed,
            source: (&frame.template.source, node),
            run: &mut *self.run,
            templates,
            template: frame.template.name(),
        };
        body(&mut call)
    }

    /// Calls a method without arguments.
    pub(super) fn call_plain(
        &mut self,
        method: &'static Function,
        receiver: Value,
        node: NodeId,
    ) -> Result<Operand, Fault> {
        self.begin(method, Some(receiver), None, CallShape { args: 0, piped: false })?;
        match self.call(node, 0)? {
            Flow::On => Ok(self.stack.pop()),
            Flow::Jump(_) | Flow::Switch | Flow::End => Err(Fault::Message(format!(
                "error calling {}: a method cannot run a template here",
                method.name
            ))),
        }
    }

    fn execute(
        &mut self,
        execute: Execute,
        function: &'static Function,
        call: NodeId,
        next: usize,
    ) -> Result<Flow, Fault> {
        self.check_depth()?;
        if let Some(frame) = self.frames.last_mut() {
            frame.resume = next;
        }
        let Execute { templates, name, data, then } = execute;
        let Some(template) = templates.lookup(&name).cloned() else {
            let error = not_found(&templates, &name);
            self.finish_call(then, Err(error), function, call)?;
            return Ok(Flow::Switch);
        };
        self.sets.push(templates);
        let out = self.out.len();
        self.push_frame(template, data, FrameKind::Called { out, then, function, call });
        Ok(Flow::Switch)
    }

    /// Gives the text, or the failure, of a template to the function that ran it, and pushes what it makes of it.
    pub(super) fn finish_call(
        &mut self,
        then: Then,
        text: Result<Str, ExecError>,
        function: &'static Function,
        call: NodeId,
    ) -> Result<(), Fault> {
        match then(self.run, text) {
            Ok(value) => {
                self.stack.push(result(value));
                Ok(())
            }
            Err(error) => {
                self.at(call);
                Err(call_fault(function, error))
            }
        }
    }
}

/// Functions that give back nil have `interface {}` as their type.
fn result(value: Value) -> Operand {
    let boxed = matches!(value, Value::Nil);
    Operand { value, boxed }
}

fn parameter(function: &Function, at: usize) -> Type {
    function.params.get(at).copied().or(function.rest).unwrap_or(Type::Any)
}

fn can_be_nil(wanted: Type) -> bool {
    match wanted {
        Type::Any
        | Type::Reflect
        | Type::Bytes
        | Type::List
        | Type::Strings
        | Type::Map
        | Type::StringMap => true,
        Type::Named(name) => {
            name.starts_with(['*', '[', 'm', 'f']) && !name.contains('.') || name.starts_with('*')
        }
        Type::Bool
        | Type::String
        | Type::Int
        | Type::Int64
        | Type::Int32
        | Type::Uint8
        | Type::Uint32
        | Type::Uint64
        | Type::Float64 => false,
    }
}

/// Makes a value fit a parameter. **Errors**: Go's message.
fn check(operand: Operand, wanted: Type) -> Result<Operand, String> {
    if wanted == Type::Reflect {
        return Ok(operand);
    }
    if operand.is_invalid() {
        if can_be_nil(wanted) {
            return Ok(Operand { value: wanted.zero(), boxed: wanted == Type::Any });
        }
        return Err(format!("invalid value; expected {}", wanted.name()));
    }
    if assignable(&operand.value, wanted) {
        return Ok(operand);
    }
    let got = if matches!(operand.value, Value::Nil) { "interface {}" } else { operand.value.type_name() };
    Err(format!("wrong type for value; expected {}; got {got}", wanted.name()))
}

/// Whether Go assigns a value to a parameter of that type.
pub(crate) fn assignable(value: &Value, wanted: Type) -> bool {
    match (wanted, value) {
        (Type::Any | Type::Reflect, _)
        | (Type::Bool, Value::Bool(_))
        | (Type::String, Value::String(_))
        | (Type::Int, Value::Int(IntKind::Int, _))
        | (Type::Int64, Value::Int(IntKind::Int64, _))
        | (Type::Int32, Value::Int(IntKind::Int32, _))
        | (Type::Uint8, Value::Uint(UintKind::Uint8, _))
        | (Type::Uint32, Value::Uint(UintKind::Uint32, _))
        | (Type::Uint64, Value::Uint(UintKind::Uint64, _))
        | (Type::Float64, Value::Float(FloatKind::Float64, _))
        | (Type::Bytes, Value::Bytes(_)) => true,
        (Type::List, Value::List(list)) => list.kind().element == Type::Any,
        (Type::Strings, Value::List(list)) => list.kind().element == Type::String,
        (Type::Map, Value::Map(map)) => map.kind().element == Type::Any,
        (Type::StringMap, Value::Map(map)) => map.kind().element == Type::String,
        // A parameter that wants a struct takes a pointer to one.
        (Type::Named(name), value) => {
            let got = value.type_name();
            got == name || got.strip_prefix('*') == Some(name)
        }
        _ => false,
    }
}

/// A literal as a parameter of that type wants it.
fn constant_as(constant: Option<&Constant>, wanted: Type) -> Option<Value> {
    Some(match (wanted, constant?) {
        (Type::Bool, Constant::Bool(truth)) => Value::Bool(*truth),
        (Type::String, Constant::String(text)) => Value::String(text.clone()),
        (Type::Int, Constant::Number(number, _)) => Value::int(number.int?),
        (Type::Int64, Constant::Number(number, _)) => Value::int64(number.int?),
        (Type::Int32, Constant::Number(number, _)) => Value::Int(IntKind::Int32, wrap_i32(number.int?)),
        (Type::Uint8, Constant::Number(number, _)) => Value::Uint(UintKind::Uint8, number.uint? & 0xff),
        (Type::Uint32, Constant::Number(number, _)) => {
            Value::Uint(UintKind::Uint32, number.uint? & 0xffff_ffff)
        }
        (Type::Uint64, Constant::Number(number, _)) => Value::Uint(UintKind::Uint64, number.uint?),
        (Type::Float64, Constant::Number(number, _)) => Value::float(number.float?),
        _ => return None,
    })
}

/// The low 32 bits, as setting a Go `int32` keeps them.
#[expect(clippy::cast_possible_truncation, reason = "the low bits are wanted")]
fn wrap_i32(number: i64) -> i64 {
    (number as i32).into()
}

fn mismatch(template: &Template, node: NodeId, wanted: Type) -> String {
    let shown = template.source.shown(node);
    let expected = match wanted {
        Type::Bool => "bool",
        Type::String => "string",
        Type::Int | Type::Int64 | Type::Int32 => "integer",
        Type::Uint8 | Type::Uint32 | Type::Uint64 => "unsigned integer",
        Type::Float64 => "float",
        _ => return format!("can't handle {shown} for arg of type {}", wanted.name()),
    };
    format!("expected {expected}; found {shown}")
}
