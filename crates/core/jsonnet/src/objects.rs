//! Objects: how they are made, and what their fields are.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::error::Fault;
use crate::machine::{Machine, Variable};
use crate::syntax::{Clause, FieldName, Name, ObjectCode};
use crate::value::{Body, Env, Field, Frame, Layer, Object, Value};

type Result<T> = std::result::Result<T, Fault>;

impl Machine<'_> {
    /// The name of a field; none where it is left out.
    fn field_name(&mut self, name: &FieldName, env: &Env) -> Result<Option<Name>> {
        match name {
            FieldName::Fixed(name) => Ok(Some(Rc::clone(name))),
            FieldName::Computed(expr) => match self.eval(expr, env)? {
                Value::Text(text) => Ok(Some(Rc::from(text.as_str()))),
                Value::Null => Ok(None),
                other => Err(Fault::runtime(format!("Field name must be string, got {}", other.type_name()))),
            },
        }
    }

    pub(crate) fn object_literal(&mut self, code: &Rc<ObjectCode>, env: &Env) -> Result<Rc<Object>> {
        let mut fields = BTreeMap::new();
        for field in &code.fields {
            let Some(name) = self.field_name(&field.name, env)? else { continue };
            let body = Body::Code(Rc::clone(&field.value));
            let made = Field { shown: field.shown, plus: field.plus, body };
            if fields.insert(Rc::clone(&name), made).is_some() {
                return Err(duplicate(&name));
            }
        }
        Ok(self.object(vec![Layer::new(fields, Some(Rc::clone(env)), Some(Rc::clone(code)))]))
    }

    pub(crate) fn object_comprehension(
        &mut self,
        code: &Rc<ObjectCode>,
        clauses: &[Clause],
        env: &Env,
    ) -> Result<Rc<Object>> {
        let mut fields = BTreeMap::new();
        self.comprehension(clauses, env, &mut |machine, env| {
            for field in &code.fields {
                let Some(name) = machine.field_name(&field.name, env)? else { continue };
                let body = Body::CodeIn(Rc::clone(env), Rc::clone(&field.value));
                let made = Field { shown: field.shown, plus: field.plus, body };
                if fields.insert(Rc::clone(&name), made).is_some() {
                    return Err(duplicate(&name));
                }
            }
            Ok(())
        })?;
        Ok(self.object(vec![Layer::new(fields, None, Some(Rc::clone(code)))]))
    }

    /// The scope of the fields of a layer, under `env`.
    fn scope(&mut self, object: &Rc<Object>, layer: usize, env: &Env, code: Option<&Rc<ObjectCode>>) -> Env {
        let locals = code.map_or(&[][..], |code| code.locals.as_slice());
        let variables = locals.iter().map(|bind| Variable::Code(&bind.value));
        self.frame(env, Some((Rc::clone(object), layer)), variables)
    }

    fn layer_scope(&mut self, object: &Rc<Object>, at: usize) -> Result<Env> {
        if let Some(frame) = object.frames.borrow().get(&at) {
            return Ok(Rc::clone(frame));
        }
        let layer = object.layers.get(at).ok_or_else(|| Fault::runtime("an object lost a layer"))?;
        let env = layer.env.clone().unwrap_or_else(|| Frame::new(None, None));
        let frame = self.scope(object, at, &env, layer.code.as_ref());
        object.frames.borrow_mut().insert(at, Rc::clone(&frame));
        Ok(frame)
    }

    /// The value of a field as the layers below `below` have it; none where there is no such field.
    pub(crate) fn field(&mut self, object: &Rc<Object>, name: &str, below: usize) -> Result<Option<Value>> {
        let Some(at) = object.layer_of(name, below) else { return Ok(None) };
        let Some((name, field)) = object.layers.get(at).and_then(|layer| layer.fields.get_key_value(name))
        else {
            return Ok(None);
        };
        let key = (Rc::clone(name), at);
        if let Some(value) = object.cache.borrow().get(&key) {
            return Ok(Some(value.clone()));
        }
        self.step(1)?;
        let own = match &field.body {
            Body::Value(thunk) => self.force(thunk)?,
            Body::Code(expr) => {
                let env = self.layer_scope(object, at)?;
                self.within_call(|machine| machine.eval(expr, &env))?
            }
            Body::CodeIn(env, expr) => {
                let code = object.layers.get(at).and_then(|layer| layer.code.clone());
                let env = self.scope(object, at, env, code.as_ref());
                self.within_call(|machine| machine.eval(expr, &env))?
            }
        };
        let value = if field.plus {
            match self.deeper(|machine| machine.field(object, name, at))? {
                Some(inherited) => self.plus(&inherited, &own)?,
                None => own,
            }
        } else {
            own
        };
        object.cache.borrow_mut().insert(key, value.clone());
        Ok(Some(value))
    }

    /// The value of a field of an object whose assertions hold.
    pub(crate) fn checked_field(&mut self, object: &Rc<Object>, name: &str) -> Result<Value> {
        self.assert(object)?;
        self.field(object, name, object.layers.len())?.ok_or_else(|| no_field(name))
    }

    /// Looks at the assertions of an object, once.
    pub(crate) fn assert(&mut self, object: &Rc<Object>) -> Result<()> {
        if object.asserted.replace(true) {
            return Ok(());
        }
        for at in (0..object.layers.len()).rev() {
            let code = object.layers.get(at).and_then(|layer| layer.code.clone());
            let Some(code) = code.filter(|code| !code.asserts.is_empty()) else { continue };
            let env = self.layer_scope(object, at)?;
            for check in &code.asserts {
                if let Err(fault) = self.within_call(|machine| machine.eval(check, &env)) {
                    object.asserted.set(false);
                    return Err(fault);
                }
            }
        }
        Ok(())
    }
}

pub(crate) fn no_field(name: &str) -> Fault {
    Fault::runtime(format!("Field does not exist: {name}"))
}

fn duplicate(name: &str) -> Fault {
    Fault::runtime(format!("Duplicate field name: {name:?}"))
}
