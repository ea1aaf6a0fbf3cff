//! Fields and methods.

use super::stack::Operand;
use super::{Fault, Flow, Machine};
use crate::functions::Function;
use crate::node::NodeId;
use crate::program::{CallShape, Path, Target, Template};
use crate::template::MissingKey;
use crate::value::{Object, Type, Value};

/// What a name stands for.
enum Member {
    Value(Operand),
    Method(&'static Function),
}

impl Machine<'_> {
    /// `.a.b.c` of a value.
    pub(super) fn fields(
        &mut self,
        template: &Template,
        node: NodeId,
        mut receiver: Operand,
        path: Path,
    ) -> Result<Operand, Fault> {
        let first = path.first as usize;
        let names = template.names.get(first..first + path.count as usize).unwrap_or_default();
        for (at, name) in names.iter().enumerate() {
            if at > 0 {
                self.run.budget.step(1)?;
            }
            receiver = match self.member(&receiver, name, false)? {
                Member::Value(value) => value,
                Member::Method(method) => self.call_plain(method, receiver.value, node)?,
            };
        }
        Ok(receiver)
    }

    pub(super) fn begin_method(
        &mut self,
        template: &Template,
        name: u32,
        call: CallShape,
        end: Target,
    ) -> Result<Flow, Fault> {
        let receiver = self.stack.pop();
        let piped = if call.piped { Some(self.stack.pop()) } else { None };
        let name = template.names.get(name as usize).map_or("", |name| name.as_ref());
        match self.member(&receiver, name, true)? {
            Member::Method(method) => {
                self.begin(method, Some(receiver.value), piped, call)?;
                Ok(Flow::On)
            }
            Member::Value(value) => {
                self.stack.push(value);
                Ok(Flow::Jump(end))
            }
        }
    }

    fn member(&self, receiver: &Operand, name: &str, has_args: bool) -> Result<Member, String> {
        let missing_key = self.sets.last().map(|set| set.missing_key_option()).unwrap_or_default();
        match &receiver.value {
            Value::Nil if receiver.boxed => Err(format!("nil pointer evaluating interface {{}}.{name}")),
            Value::Nil => match missing_key {
                MissingKey::Error => {
                    Err(format!("nil data; no entry for key {}", crate::quote::quoted(name.as_bytes())))
                }
                MissingKey::Default | MissingKey::Zero => Ok(Member::Value(Operand::default())),
            },
            Value::Map(map) => {
                let kind = map.kind();
                if let Some(method) = kind.methods.iter().find(|method| method.name == name) {
                    return Ok(Member::Method(method));
                }
                if has_args {
                    return Err(format!("{name} is not a method but has arguments"));
                }
                let boxed = kind.element == Type::Any;
                if let Some(value) = map.get(name) {
                    return Ok(Member::Value(Operand { value, boxed }));
                }
                match missing_key {
                    MissingKey::Default => Ok(Member::Value(Operand::default())),
                    MissingKey::Zero => Ok(Member::Value(Operand { value: kind.element.zero(), boxed })),
                    MissingKey::Error => {
                        Err(format!("map has no entry for key {}", crate::quote::quoted(name.as_bytes())))
                    }
                }
            }
            Value::List(list) => match list.methods().iter().find(|method| method.name == name) {
                Some(method) => Ok(Member::Method(method)),
                None => Err(no_field(receiver, name)),
            },
            Value::Object(object) => self.object_member(object.as_ref(), receiver, name, has_args),
            _ => Err(no_field(receiver, name)),
        }
    }

    fn object_member(
        &self,
        object: &dyn Object,
        receiver: &Operand,
        name: &str,
        has_args: bool,
    ) -> Result<Member, String> {
        if let Some(method) = object.method(name) {
            return Ok(Member::Method(method));
        }
        match object.field(name) {
            Some(_) if has_args => Err(format!("{name} has arguments but cannot be invoked as function")),
            Some(value) => {
                let boxed = matches!(value, Value::Nil);
                Ok(Member::Value(Operand { value, boxed }))
            }
            None => Err(no_field(receiver, name)),
        }
    }
}

fn no_field(receiver: &Operand, name: &str) -> String {
    format!("can't evaluate field {name} in type {}", receiver.type_name())
}
