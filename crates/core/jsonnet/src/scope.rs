//! Names become places: which frame, counted from the innermost one, and which variable in it.

use std::rc::Rc;

use crate::error::Fault;
use crate::syntax::{Bind, Clause, Expr, FieldName, FunctionCode, Kind, Name, Node, ObjectCode, Span};

/// A frame, as it will be there when the program runs.
enum Frame {
    Names(Vec<Name>),
    /// Of the fields of an object: it has `self` besides its locals.
    Object(Vec<Name>),
}

/// Resolves all names of a file. The tree must not be shared yet.
///
/// **Errors**: a name that nobody bound, `self` and `super` outside of objects.
pub(crate) fn resolve(expr: &mut Expr) -> Result<(), Fault> {
    Scope { frames: Vec::new() }.expr(expr)
}

struct Scope {
    frames: Vec<Frame>,
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The node, which nobody else has yet.
fn only(expr: &mut Expr) -> Result<&mut Node, Fault> {
    let span = expr.span;
    Rc::get_mut(expr).ok_or_else(|| Fault::syntax("an expression is in two places", span))
}

impl Scope {
    fn within<T>(
        &mut self,
        frame: Frame,
        run: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.frames.push(frame);
        let result = run(self);
        self.frames.pop();
        result
    }

    /// Frames up to the innermost object, or to the outermost one.
    fn object(&self, outermost: bool) -> Option<u32> {
        let is_object = |frame: &Frame| matches!(frame, Frame::Object(_));
        if outermost {
            let from_outside = self.frames.iter().position(is_object)?;
            return Some(count(self.frames.len() - 1 - from_outside));
        }
        self.frames.iter().rev().position(is_object).map(count)
    }

    fn expr(&mut self, expr: &mut Expr) -> Result<(), Fault> {
        let Node { span, kind, .. } = only(expr)?;
        let span = *span;
        match kind {
            Kind::Null
            | Kind::True
            | Kind::False
            | Kind::Number(_)
            | Kind::Overflow
            | Kind::Text(_)
            | Kind::Variable(..)
            | Kind::Std
            | Kind::This(_)
            | Kind::Import(..) => Ok(()),
            Kind::Name(name) => {
                *kind = self.name(name, span)?;
                Ok(())
            }
            Kind::SelfWord(outermost) => {
                let problem = || Fault::syntax("Can't use self outside of an object.", span);
                *kind = match (self.object(*outermost), *outermost) {
                    (Some(up), _) => Kind::This(up),
                    (None, true) => return Err(Fault::syntax("No top-level object found.", span)),
                    (None, false) => return Err(problem()),
                };
                Ok(())
            }
            Kind::Super(up, index) | Kind::InSuper(up, index) => {
                let Some(found) = self.object(false) else {
                    return Err(Fault::syntax("Can't use super outside of an object.", span));
                };
                *up = found;
                self.expr(index)
            }
            Kind::Array(items) => items.iter_mut().try_for_each(|item| self.expr(item)),
            Kind::ArrayFor(body, clauses) => self.clauses(clauses, 0, &mut |scope| scope.expr(body)),
            Kind::Object(code) => {
                let code =
                    Rc::get_mut(code).ok_or_else(|| Fault::syntax("an object is in two places", span))?;
                self.field_names(code)?;
                self.inside(code)
            }
            Kind::ObjectFor(code, clauses) => {
                let code =
                    Rc::get_mut(code).ok_or_else(|| Fault::syntax("an object is in two places", span))?;
                self.clauses(clauses, 0, &mut |scope| {
                    scope.field_names(code)?;
                    scope.inside(code)
                })
            }
            Kind::Error(inner) | Kind::Unary(_, inner) => self.expr(inner),
            Kind::If(condition, then, otherwise) => {
                self.expr(condition)?;
                self.expr(then)?;
                otherwise.iter_mut().try_for_each(|otherwise| self.expr(otherwise))
            }
            Kind::Index(left, right) | Kind::Binary(_, left, right) => {
                self.expr(left)?;
                self.expr(right)
            }
            Kind::Slice(target, parts) => {
                self.expr(target)?;
                parts.iter_mut().flatten().try_for_each(|part| self.expr(part))
            }
            Kind::Local(binds, body) => {
                let names = binds.iter().map(|bind| Rc::clone(&bind.name)).collect();
                self.within(Frame::Names(names), |scope| {
                    scope.binds(binds)?;
                    scope.expr(body)
                })
            }
            Kind::Function(code) => {
                let code =
                    Rc::get_mut(code).ok_or_else(|| Fault::syntax("a function is in two places", span))?;
                self.function(code)
            }
            Kind::Apply(call) => {
                self.expr(&mut call.target)?;
                call.positional.iter_mut().try_for_each(|argument| self.expr(argument))?;
                call.named.iter_mut().try_for_each(|(_, argument)| self.expr(argument))
            }
        }
    }

    fn name(&self, name: &Name, span: Span) -> Result<Kind, Fault> {
        for (up, frame) in self.frames.iter().rev().enumerate() {
            let (Frame::Names(names) | Frame::Object(names)) = frame;
            if let Some(place) = names.iter().position(|other| other == name) {
                return Ok(Kind::Variable(count(up), count(place)));
            }
        }
        if &**name == "std" {
            return Ok(Kind::Std);
        }
        Err(Fault::syntax(format!("Unknown variable: {name}"), span))
    }

    fn binds(&mut self, binds: &mut [Bind]) -> Result<(), Fault> {
        binds.iter_mut().try_for_each(|bind| self.expr(&mut bind.value))
    }

    fn function(&mut self, code: &mut FunctionCode) -> Result<(), Fault> {
        let names = code.parameters.iter().map(|parameter| Rc::clone(&parameter.name)).collect();
        self.within(Frame::Names(names), |scope| {
            for parameter in &mut code.parameters {
                parameter.default.iter_mut().try_for_each(|default| scope.expr(default))?;
            }
            scope.expr(&mut code.body)
        })
    }

    /// Each `for` has a frame of its own, with one variable.
    fn clauses(
        &mut self,
        clauses: &mut [Clause],
        from: usize,
        body: &mut dyn FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        match clauses.get_mut(from) {
            None => body(self),
            Some(Clause::If(condition)) => {
                self.expr(condition)?;
                self.clauses(clauses, from + 1, body)
            }
            Some(Clause::For(name, list)) => {
                self.expr(list)?;
                let frame = Frame::Names(vec![Rc::clone(name)]);
                self.within(frame, |scope| scope.clauses(clauses, from + 1, body))
            }
        }
    }

    fn field_names(&mut self, code: &mut ObjectCode) -> Result<(), Fault> {
        for field in &mut code.fields {
            if let FieldName::Computed(name) = &mut field.name {
                self.expr(name)?;
            }
        }
        Ok(())
    }

    fn inside(&mut self, code: &mut ObjectCode) -> Result<(), Fault> {
        let names = code.locals.iter().map(|bind| Rc::clone(&bind.name)).collect();
        self.within(Frame::Object(names), |scope| {
            scope.binds(&mut code.locals)?;
            code.asserts.iter_mut().try_for_each(|check| scope.expr(check))?;
            code.fields.iter_mut().try_for_each(|field| scope.expr(&mut field.value))
        })
    }
}
