//! Runs compiled templates. All stacks are on the heap.

mod access;
mod call;
mod range;
mod stack;

use std::sync::Arc;

use crate::budget::{Exceeded, Limit};
use crate::error::{CallError, ExecError};
use crate::functions::{Function, Run, Then};
use crate::node::{NodeId, NodeKind};
use crate::program::{Failure, Op, Template};
use crate::template::Templates;
use crate::value::{Str, Value};

pub(crate) use call::assignable;
use range::Loop;
use stack::{Operand, Stack};

/// Templates inside each other by `template`, as Go has it.
const MAX_TEMPLATES: usize = 100_000;

/// Runs a template of the set.
pub(crate) fn execute(
    templates: &Templates,
    run: &mut Run,
    name: &str,
    data: &Value,
) -> Result<Str, ExecError> {
    let template = templates.lookup(name).cloned().ok_or_else(|| not_found(templates, name))?;
    let mut machine = Machine {
        run,
        sets: vec![templates.clone()],
        frames: Vec::new(),
        stack: Stack::default(),
        variables: Vec::new(),
        dots: Vec::new(),
        loops: Vec::new(),
        calls: Vec::new(),
        out: Vec::new(),
    };
    machine.push_frame(template, data.clone(), FrameKind::Root);
    machine.run()
}

fn not_found(_: &Templates, name: &str) -> ExecError {
    let quoted = crate::quote::quoted(name.as_bytes());
    ExecError {
        name: String::new(),
        place: None,
        message: format!("no template {quoted} associated with template {quoted}"),
        exceeded: None,
    }
}

struct Machine<'a> {
    run: &'a mut Run,
    /// The sets that templates are looked up in: the first, and those of functions that run templates.
    sets: Vec<Templates>,
    frames: Vec<Frame>,
    stack: Stack,
    variables: Vec<Option<Operand>>,
    /// Dot, innermost last.
    dots: Vec<Operand>,
    loops: Vec<Loop>,
    calls: Vec<Calling>,
    out: Vec<u8>,
}

/// A template that is running.
struct Frame {
    template: Arc<Template>,
    kind: FrameKind,
    /// The next instruction, while another template runs.
    resume: usize,
    /// The node that errors are told of.
    node: NodeId,
    variables: usize,
    dots: usize,
    stack: usize,
    loops: usize,
    calls: usize,
}

enum FrameKind {
    Root,
    /// By `template`; with how many of them are inside each other.
    Invoked(usize),
    /// By a function: where its output begins, and what becomes of it.
    Called {
        out: usize,
        then: Then,
        function: &'static Function,
        call: NodeId,
    },
}

/// A call whose arguments are being evaluated.
struct Calling {
    function: &'static Function,
    receiver: Option<Value>,
    /// The value of the preceding command.
    piped: Option<Operand>,
    /// Where its arguments begin on the stack.
    base: usize,
}

/// Why an instruction failed.
enum Fault {
    /// With Go's message.
    Message(String),
    Exceeded(Exceeded),
    /// Already told of its place.
    Placed(Box<ExecError>),
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Self::Message(message)
    }
}

impl From<Exceeded> for Fault {
    fn from(exceeded: Exceeded) -> Self {
        Self::Exceeded(exceeded)
    }
}

/// What an instruction that may leave the template did.
enum Flow {
    /// Goes on with the next instruction.
    On,
    /// Goes on there.
    Jump(u32),
    /// Another template runs now, or this one has ended.
    Switch,
    /// The outermost template has ended.
    End,
}

impl Machine<'_> {
    fn push_frame(&mut self, template: Arc<Template>, data: Value, kind: FrameKind) {
        let frame = Frame {
            kind,
            resume: 0,
            node: 0,
            variables: self.variables.len(),
            dots: self.dots.len(),
            stack: self.stack.len(),
            loops: self.loops.len(),
            calls: self.calls.len(),
            template,
        };
        let slots = self.variables.len() + frame.template.slots;
        self.variables.push(Some(Operand::plain(data.clone())));
        self.variables.resize_with(slots, || None);
        self.dots.push(Operand::plain(data));
        self.frames.push(frame);
    }

    /// Removes the innermost frame and all that it left on the stacks.
    fn pop_frame(&mut self) -> Option<Frame> {
        let frame = self.frames.pop()?;
        self.variables.truncate(frame.variables);
        self.dots.truncate(frame.dots);
        self.stack.truncate(frame.stack);
        self.loops.truncate(frame.loops);
        self.calls.truncate(frame.calls);
        if matches!(frame.kind, FrameKind::Called { .. }) {
            self.sets.pop();
        }
        Some(frame)
    }

    fn run(mut self) -> Result<Str, ExecError> {
        loop {
            let fault = match self.run_frame() {
                Ok(Flow::End) => return Ok(self.out.into()),
                Ok(_) => continue,
                Err(fault) => fault,
            };
            self.unwind(fault)?;
        }
    }

    /// Runs the innermost template until it ends, fails, or runs another.
    fn run_frame(&mut self) -> Result<Flow, Fault> {
        let Some(frame) = self.frames.last() else { return Ok(Flow::End) };
        let template = Arc::clone(&frame.template);
        let mut at = frame.resume;
        loop {
            let Some(op) = template.ops.get(at) else { return Ok(Flow::End) };
            at += 1;
            self.run.budget.step(1)?;
            match self.step(*op, &template, at)? {
                Flow::On => {}
                Flow::Jump(target) => at = target as usize,
                flow @ (Flow::Switch | Flow::End) => return Ok(flow),
            }
        }
    }

    fn at(&mut self, node: NodeId) {
        if let Some(frame) = self.frames.last_mut() {
            frame.node = node;
        }
    }

    fn dot(&self) -> Operand {
        self.dots.last().cloned().unwrap_or_default()
    }

    fn slot(&mut self, slot: u32) -> Option<&mut Option<Operand>> {
        let base = self.frames.last()?.variables;
        self.variables.get_mut(base + slot as usize)
    }

    fn variable(&mut self, slot: u32) -> Operand {
        self.slot(slot).and_then(|slot| slot.clone()).unwrap_or_default()
    }

    fn store(&mut self, slot: u32, operand: Operand) {
        if let Some(slot) = self.slot(slot) {
            *slot = Some(operand);
        }
    }

    #[inline]
    fn step(&mut self, op: Op, template: &Arc<Template>, next: usize) -> Result<Flow, Fault> {
        match op {
            Op::Text { start, end } => {
                let text = template.source.text.get(start as usize..end as usize).unwrap_or_default();
                self.run.budget.write(text.len())?;
                self.out.extend_from_slice(text.as_bytes());
            }
            Op::At(node) => self.at(node),
            Op::Print(node) => {
                self.at(node);
                self.print(template, node)?;
            }
            Op::Drop => drop(self.stack.pop()),
            Op::Unbox => self.stack.unbox(),
            Op::Dot(node) => {
                self.at(node);
                self.stack.push(self.dot());
            }
            Op::DotPath(node, path) => {
                self.at(node);
                let value = self.fields(template, node, self.dot(), path)?;
                self.stack.push(value);
            }
            Op::Fields(node, path) => {
                let receiver = self.stack.pop();
                let value = self.fields(template, node, receiver, path)?;
                self.stack.push(value);
            }
            Op::Variable(node, slot) => {
                self.at(node);
                let value = self.variable(slot);
                self.stack.push(value);
            }
            Op::Candidate(node, candidates) => {
                self.at(node);
                let slot = self.candidate(template, candidates).ok_or_else(|| undefined(template, node))?;
                let value = self.variable(slot);
                self.stack.push(value);
            }
            Op::Constant(node, constant) => {
                self.at(node);
                let value = constant_value(template, node, constant)?;
                self.stack.push(Operand::plain(value));
            }
            Op::Store(slot) => {
                let value = self.stack.top();
                self.store(slot, value);
            }
            Op::StoreCandidate(candidates) => {
                let node = self.frames.last().map_or(0, |frame| frame.node);
                let slot = self.candidate(template, candidates).ok_or_else(|| undefined(template, node))?;
                let value = self.stack.top();
                self.store(slot, value);
            }
            Op::Begin { node, function, call } => {
                self.at(node);
                let piped = if call.piped { Some(self.stack.pop()) } else { None };
                self.begin(function, None, piped, call)?;
            }
            Op::BeginMethod { name, call, end } => return self.begin_method(template, name, call, end),
            Op::Clear { from, to } => {
                for slot in from..to {
                    if let Some(slot) = self.slot(slot) {
                        *slot = None;
                    }
                }
            }
            Op::Arg { at, end } => return self.arg(at, end),
            Op::ArgConstant { node, constant, at, end } => {
                self.at(node);
                return self.arg_constant(template, node, constant, (at, end));
            }
            Op::ArgNil { node, at, end } => {
                self.at(node);
                return self.arg_nil(at, end);
            }
            Op::Call(node) => return self.call(node, next),
            Op::JumpUnless(target) => {
                if !self.stack.pop().value.truth() {
                    return Ok(Flow::Jump(target));
                }
            }
            Op::Jump(target) => return Ok(Flow::Jump(target)),
            Op::With(target) => {
                let value = self.stack.pop();
                if !value.value.truth() {
                    return Ok(Flow::Jump(target));
                }
                self.dots.push(value);
            }
            Op::EndWith => drop(self.dots.pop()),
            Op::Range { loop_id, otherwise } => {
                if !self.begin_loop(loop_id)? {
                    return Ok(Flow::Jump(otherwise));
                }
            }
            Op::Next { body } => {
                if self.next_round() {
                    return Ok(Flow::Jump(body));
                }
            }
            Op::Break(target) => {
                self.end_loop();
                return Ok(Flow::Jump(target));
            }
            Op::Continue(target) => {
                self.end_round();
                return Ok(Flow::Jump(target));
            }
            Op::CheckTemplate(node) => {
                self.at(node);
                self.check_template(template, node)?;
            }
            Op::Invoke { node, with_data } => return self.invoke(template, node, with_data, next),
            Op::Return => return self.finish_frame(),
            Op::Fail(node, failure) => return Err(failed(template, node, failure).into()),
        }
        Ok(Flow::On)
    }

    /// The first of the candidates that is set.
    fn candidate(&mut self, template: &Template, candidates: u32) -> Option<u32> {
        let slots = template.candidates.get(candidates as usize)?;
        slots.iter().copied().find(|slot| self.slot(*slot).is_some_and(|slot| slot.is_some()))
    }

    fn print(&mut self, template: &Template, node: NodeId) -> Result<(), Fault> {
        let operand = self.stack.pop();
        let before = self.out.len();
        match &operand.value {
            Value::Nil => self.out.extend_from_slice(b"<no value>"),
            Value::String(text) => self.out.extend_from_slice(text.as_bytes()),
            Value::Function(function) => {
                let shown = template.source.shown(node);
                return Err(format!("can't print {shown} of type {}", function.type_name).into());
            }
            Value::Object(object)
                if template.source.has_place(node)
                    && let Some(text) = object.printed() =>
            {
                self.out.extend_from_slice(text.as_bytes());
            }
            value => {
                let limit = self.run.budget.output_left();
                crate::format::print_value(&mut self.out, value, limit)?;
            }
        }
        Ok(self.run.budget.write(self.out.len() - before)?)
    }

    fn check_template(&mut self, template: &Template, node: NodeId) -> Result<(), Fault> {
        let NodeKind::Template(name, _) = &template.source.node(node).kind else { return Ok(()) };
        if self.sets.last().and_then(|set| set.lookup(name)).is_none() {
            return Err(format!("template {} not defined", crate::quote::quoted(name.as_bytes())).into());
        }
        if self.invoked() == MAX_TEMPLATES {
            return Err(format!("exceeded maximum template depth ({MAX_TEMPLATES})").into());
        }
        Ok(self.check_frames()?)
    }

    fn invoked(&self) -> usize {
        match self.frames.last() {
            Some(Frame { kind: FrameKind::Invoked(depth), .. }) => *depth,
            _ => 0,
        }
    }

    /// All frames, however they came to be, so that memory has a limit.
    fn check_frames(&self) -> Result<(), Exceeded> {
        let limit = self.run.budget.limits().depth;
        if self.frames.len() > limit.saturating_add(MAX_TEMPLATES) {
            return Err(Exceeded { limit: Limit::Depth, value: limit as u64 });
        }
        Ok(())
    }

    /// Templates run by functions.
    fn check_depth(&self) -> Result<(), Exceeded> {
        let limit = self.run.budget.limits().depth;
        if self.sets.len() > limit {
            return Err(Exceeded { limit: Limit::Depth, value: limit as u64 });
        }
        self.check_frames()
    }

    fn invoke(
        &mut self,
        template: &Template,
        node: NodeId,
        with_data: bool,
        next: usize,
    ) -> Result<Flow, Fault> {
        let NodeKind::Template(name, _) = &template.source.node(node).kind else { return Ok(Flow::On) };
        let data = if with_data { self.stack.pop().value } else { Value::Nil };
        let Some(invoked) = self.sets.last().and_then(|set| set.lookup(name)).cloned() else {
            return Err(format!("template {} not defined", crate::quote::quoted(name.as_bytes())).into());
        };
        if let Some(frame) = self.frames.last_mut() {
            frame.resume = next;
        }
        let depth = self.invoked() + 1;
        self.push_frame(invoked, data, FrameKind::Invoked(depth));
        Ok(Flow::Switch)
    }

    fn finish_frame(&mut self) -> Result<Flow, Fault> {
        match self.pop_frame().map(|frame| frame.kind) {
            None | Some(FrameKind::Root) => Ok(Flow::End),
            Some(FrameKind::Invoked(_)) => Ok(Flow::Switch),
            Some(FrameKind::Called { out, then, function, call }) => {
                let text = Str::from(self.out.split_off(out));
                self.finish_call(then, Ok(text), function, call)?;
                Ok(Flow::Switch)
            }
        }
    }

    /// Takes the failure of the innermost template to whoever ran it: a function may make something of it, else everything ends.
    fn unwind(&mut self, fault: Fault) -> Result<(), ExecError> {
        let mut error = self.placed(fault);
        loop {
            let frame = self.pop_frame();
            let Some(Frame { kind: FrameKind::Called { out, then, function, call }, .. }) = frame else {
                if frame.is_none() || self.frames.is_empty() {
                    return Err(error);
                }
                continue;
            };
            self.out.truncate(out);
            if error.exceeded.is_some() {
                continue;
            }
            match self.finish_call(then, Err(error), function, call) {
                Ok(()) => return Ok(()),
                Err(fault) => error = self.placed(fault),
            }
        }
    }

    fn placed(&self, fault: Fault) -> ExecError {
        let (message, exceeded) = match fault {
            Fault::Placed(error) => return *error,
            Fault::Message(message) => (message, None),
            Fault::Exceeded(exceeded) => (exceeded.to_string(), Some(exceeded)),
        };
        let Some(frame) = self.frames.last() else {
            return ExecError { name: String::new(), place: None, message, exceeded };
        };
        let place = Some(Box::new(frame.template.source.place(frame.node)));
        ExecError { name: frame.template.name.as_ref().into(), place, message, exceeded }
    }
}

fn undefined(template: &Template, node: NodeId) -> String {
    failed(template, node, Failure::Undefined)
}

fn failed(template: &Template, node: NodeId, failure: Failure) -> String {
    match failure {
        Failure::NotAFunction => {
            format!("can't give argument to non-function {}", template.source.shown(node))
        }
        Failure::NilCommand => "nil is not a command".into(),
        Failure::Undefined => match &template.source.node(node).kind {
            NodeKind::Variable(names) => {
                format!("undefined variable: {}", names.first().map_or("", |name| name.as_ref()))
            }
            _ => "undefined variable".into(),
        },
    }
}

fn constant_value(template: &Template, node: NodeId, constant: u32) -> Result<Value, String> {
    let Some(constant) = template.constants.get(constant as usize) else { return Ok(Value::Nil) };
    let text = match &template.source.node(node).kind {
        NodeKind::Number(number) => template.source.spanned(&number.span),
        _ => "",
    };
    constant.value(text)
}

/// A function's failure, told as Go does.
fn call_fault(function: &Function, error: CallError) -> Fault {
    match error {
        CallError::Exceeded(exceeded) => Fault::Exceeded(exceeded),
        CallError::Exec(error) if error.exceeded.is_some() => Fault::Placed(error),
        error => Fault::Message(format!("error calling {}: {error}", function.name)),
    }
}
