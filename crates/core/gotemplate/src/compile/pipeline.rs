//! Pipelines, commands, operands.

use std::sync::Arc;

use super::{Compiler, Variable};
use crate::functions::{Body, Function};
use crate::node::{NodeId, NodeKind};
use crate::program::{CallShape, Constant, Failure, Op, Path, Target, looks_float};

/// What is still to be compiled of an expression, the next thing last.
enum Task {
    Pipe(NodeId),
    Command {
        node: NodeId,
        pipe: NodeId,
        piped: bool,
    },
    /// Evaluates an operand by itself.
    Operand(NodeId),
    /// Evaluates an operand as an argument.
    Arg {
        node: NodeId,
        at: u32,
        optional: bool,
    },
    /// The argument's value is there.
    ArgDone {
        at: u32,
        optional: bool,
    },
    Declare(NodeId),
    Emit(Op),
    /// Fields of what is on top, the last of them perhaps a method with arguments.
    Fields {
        node: NodeId,
        skip: usize,
        args: Vec<NodeId>,
        piped: bool,
    },
    /// All of `and` or `or` is compiled: arguments jump here, and these variables are unset before it.
    Shortcut {
        clear: Target,
        from: u32,
    },
}

impl Compiler<'_> {
    /// Compiles a pipeline. Its value is on top; the slots of its variables are returned.
    pub(super) fn pipeline(&mut self, pipe: NodeId) -> Vec<u32> {
        let mut tasks = vec![Task::Pipe(pipe)];
        let mut shortcuts: Vec<Vec<Target>> = Vec::new();
        let mut slots = Vec::new();
        while let Some(task) = tasks.pop() {
            match task {
                Task::Pipe(node) => self.pipe(node, &mut tasks),
                Task::Command { node, pipe, piped } => {
                    self.command(node, pipe, piped, &mut tasks, &mut shortcuts)
                }
                Task::Operand(node) => self.operand(node, &mut tasks, &mut shortcuts),
                Task::Arg { node, at, optional } => {
                    self.uncertain += usize::from(optional);
                    tasks.push(Task::ArgDone { at, optional });
                    self.arg(node, at, &mut tasks);
                }
                Task::ArgDone { at, optional } => {
                    self.uncertain -= usize::from(optional);
                    // A literal has been checked by its own instruction.
                    if !matches!(self.program.ops.last(), Some(Op::ArgConstant { at: done, .. } | Op::ArgNil { at: done, .. }) if *done == at)
                    {
                        self.emit(Op::Arg { at, end: 0 });
                    }
                    let jump = self.here().saturating_sub(1);
                    if let Some(jumps) = shortcuts.last_mut() {
                        jumps.push(jump);
                    }
                }
                Task::Declare(node) => slots = self.declare(node),
                Task::Emit(op) => {
                    self.emit(op);
                    if matches!(op, Op::Call(_)) {
                        for jump in shortcuts.pop().unwrap_or_default() {
                            self.land(jump);
                        }
                    }
                }
                Task::Fields { node, skip, args, piped } => {
                    self.fields(node, skip, &args, piped, &mut tasks, &mut shortcuts);
                }
                Task::Shortcut { clear, from } => {
                    let to = self.next_slot;
                    if let Some(op) = self.program.ops.get_mut(clear as usize) {
                        *op = Op::Clear { from, to };
                    }
                }
            }
        }
        slots
    }

    fn pipe(&mut self, node: NodeId, tasks: &mut Vec<Task>) {
        let NodeKind::Pipe(pipe) = &self.source.node(node).kind else { return };
        tasks.push(Task::Declare(node));
        for (at, command) in pipe.commands.iter().enumerate().rev() {
            tasks.push(Task::Emit(Op::Unbox));
            tasks.push(Task::Command { node: *command, pipe: node, piped: at > 0 });
        }
    }

    fn command(
        &mut self,
        node: NodeId,
        pipe: NodeId,
        piped: bool,
        tasks: &mut Vec<Task>,
        shortcuts: &mut Vec<Vec<Target>>,
    ) {
        let NodeKind::Command(words) = &self.source.node(node).kind else { return };
        let Some((first, args)) = words.split_first() else { return };
        let first = *first;
        let has_args = piped || !args.is_empty();
        match &self.source.node(first).kind {
            NodeKind::Identifier(function) => {
                self.begin(first, function, (node, args), piped, tasks, shortcuts)
            }
            NodeKind::Field(_) => {
                if has_args {
                    self.emit(Op::Dot(first));
                    tasks.push(Task::Fields { node: first, skip: 0, args: args.into(), piped });
                } else {
                    self.operand(first, tasks, shortcuts);
                }
            }
            NodeKind::Chain(inner, _) => {
                tasks.push(Task::Fields { node: first, skip: 0, args: args.into(), piped });
                tasks.push(Task::Operand(*inner));
            }
            NodeKind::Variable(names) if names.len() > 1 => {
                self.variable(first, &names[0]);
                tasks.push(Task::Fields { node: first, skip: 1, args: args.into(), piped });
            }
            NodeKind::Variable(names) => {
                self.variable(first, &names[0]);
                if has_args {
                    self.emit(Op::Fail(first, Failure::NotAFunction));
                }
            }
            NodeKind::Pipe(_) => {
                if has_args {
                    if !piped {
                        self.emit(Op::At(pipe));
                    }
                    self.emit(Op::Fail(first, Failure::NotAFunction));
                } else {
                    self.emit(Op::At(first));
                    tasks.push(Task::Pipe(first));
                }
            }
            kind => {
                let nil = matches!(kind, NodeKind::Nil);
                if has_args || nil {
                    self.emit(Op::At(first));
                    self.emit(Op::Fail(
                        first,
                        if has_args { Failure::NotAFunction } else { Failure::NilCommand },
                    ));
                } else if matches!(kind, NodeKind::Dot) {
                    self.emit(Op::Dot(first));
                } else {
                    let constant = self.constant(first);
                    self.emit(Op::Constant(first, constant));
                }
            }
        }
    }

    fn operand(&mut self, node: NodeId, tasks: &mut Vec<Task>, shortcuts: &mut Vec<Vec<Target>>) {
        match &self.source.node(node).kind {
            NodeKind::Dot => {
                self.emit(Op::Dot(node));
            }
            NodeKind::Field(names) => {
                let path = self.path(names);
                self.emit(Op::DotPath(node, path));
            }
            NodeKind::Variable(names) => {
                self.variable(node, &names[0]);
                if names.len() > 1 {
                    let path = self.path(&names[1..]);
                    self.emit(Op::Fields(node, path));
                }
            }
            NodeKind::Pipe(_) => {
                self.emit(Op::At(node));
                tasks.push(Task::Pipe(node));
            }
            NodeKind::Identifier(function) => {
                self.begin(node, function, (node, &[]), false, tasks, shortcuts)
            }
            NodeKind::Chain(inner, _) => {
                tasks.push(Task::Fields { node, skip: 0, args: Vec::new(), piped: false });
                tasks.push(Task::Operand(*inner));
            }
            _ => {
                let constant = self.constant(node);
                self.emit(Op::Constant(node, constant));
            }
        }
    }

    fn arg(&mut self, node: NodeId, at: u32, tasks: &mut Vec<Task>) {
        match &self.source.node(node).kind {
            NodeKind::Nil => {
                self.emit(Op::ArgNil { node, at, end: 0 });
            }
            NodeKind::Bool(_) | NodeKind::Number(..) | NodeKind::String(..) => {
                let constant = self.constant(node);
                self.emit(Op::ArgConstant { node, constant, at, end: 0 });
            }
            _ => tasks.push(Task::Operand(node)),
        }
    }

    /// Begins a call: `node` is the function's name, `call` the node that its failure is told of.
    fn begin(
        &mut self,
        node: NodeId,
        function: &'static Function,
        (call, args): (NodeId, &[NodeId]),
        piped: bool,
        tasks: &mut Vec<Task>,
        shortcuts: &mut Vec<Vec<Target>>,
    ) {
        let shape = CallShape { args: u32::try_from(args.len()).unwrap_or(u32::MAX), piped };
        self.emit(Op::Begin { node, function, call: shape });
        let logic = matches!(function.body, Body::And | Body::Or);
        if logic {
            let clear = self.emit(Op::Clear { from: 0, to: 0 });
            tasks.push(Task::Shortcut { clear, from: self.next_slot });
        }
        self.args(call, args, logic, tasks, shortcuts);
    }

    fn args(
        &mut self,
        call: NodeId,
        args: &[NodeId],
        logic: bool,
        tasks: &mut Vec<Task>,
        shortcuts: &mut Vec<Vec<Target>>,
    ) {
        shortcuts.push(Vec::new());
        tasks.push(Task::Emit(Op::Call(call)));
        for (at, arg) in args.iter().enumerate().rev() {
            let optional = logic && at > 0;
            tasks.push(Task::Arg { node: *arg, at: u32::try_from(at).unwrap_or(u32::MAX), optional });
        }
    }

    fn fields(
        &mut self,
        node: NodeId,
        skip: usize,
        args: &[NodeId],
        piped: bool,
        tasks: &mut Vec<Task>,
        shortcuts: &mut Vec<Vec<Target>>,
    ) {
        let (NodeKind::Field(names) | NodeKind::Variable(names) | NodeKind::Chain(_, names)) =
            &self.source.node(node).kind
        else {
            return;
        };
        let names = names.get(skip..).unwrap_or_default();
        if args.is_empty() && !piped {
            let path = self.path(names);
            self.emit(Op::Fields(node, path));
            return;
        }
        let Some((last, before)) = names.split_last() else { return };
        if !before.is_empty() {
            let path = self.path(before);
            self.emit(Op::Fields(node, path));
        }
        let name = self.path(std::slice::from_ref(last)).first;
        let shape = CallShape { args: u32::try_from(args.len()).unwrap_or(u32::MAX), piped };
        let begin = self.emit(Op::BeginMethod { name, call: shape, end: 0 });
        self.args(node, args, false, tasks, shortcuts);
        if let Some(jumps) = shortcuts.last_mut() {
            jumps.push(begin);
        }
    }

    fn path(&mut self, names: &[Arc<str>]) -> Path {
        let size = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let first = size(self.program.names.len());
        self.program.names.extend(names.iter().cloned());
        Path { first, count: size(names.len()) }
    }

    fn constant(&mut self, node: NodeId) -> u32 {
        let constant = match &self.source.node(node).kind {
            NodeKind::Number(number) => {
                Constant::Number(number.value, looks_float(self.source.spanned(&number.span)))
            }
            NodeKind::String(text) => Constant::String(text.value.clone()),
            NodeKind::Bool(truth) => Constant::Bool(*truth),
            _ => Constant::Bool(false),
        };
        self.program.constants.push(constant);
        u32::try_from(self.program.constants.len() - 1).unwrap_or(u32::MAX)
    }

    /// Slots that a name may stand for here, innermost first, up to the first that is certainly set; and whether there is such a one.
    fn resolve(&self, name: &str) -> (Vec<u32>, bool) {
        let mut slots = Vec::new();
        for variable in self.variables.iter().rev().filter(|variable| variable.name.as_ref() == name) {
            slots.push(variable.slot);
            if variable.certain {
                return (slots, true);
            }
        }
        (slots, false)
    }

    fn candidates(&mut self, slots: Vec<u32>) -> u32 {
        self.program.candidates.push(slots.into());
        u32::try_from(self.program.candidates.len() - 1).unwrap_or(u32::MAX)
    }

    fn variable(&mut self, node: NodeId, name: &str) {
        let (slots, certain) = self.resolve(name);
        match slots.as_slice() {
            [] => {
                self.emit(Op::At(node));
                self.emit(Op::Fail(node, Failure::Undefined));
            }
            [slot] if certain => {
                let slot = *slot;
                self.emit(Op::Variable(node, slot));
            }
            _ => {
                let candidates = self.candidates(slots);
                self.emit(Op::Candidate(node, candidates));
            }
        }
    }

    fn declare(&mut self, node: NodeId) -> Vec<u32> {
        let NodeKind::Pipe(pipe) = &self.source.node(node).kind else { return Vec::new() };
        let mut declared = Vec::new();
        for variable in &pipe.declared {
            let NodeKind::Variable(names) = &self.source.node(*variable).kind else { continue };
            let Some(name) = names.first() else { continue };
            if !pipe.assign {
                let slot = self.next_slot;
                self.next_slot += 1;
                self.program.slots = self.program.slots.max(self.next_slot as usize);
                self.variables.push(Variable { name: Arc::clone(name), slot, certain: self.uncertain == 0 });
                self.emit(Op::Store(slot));
                declared.push(slot);
                continue;
            }
            let (slots, certain) = self.resolve(name);
            match slots.as_slice() {
                [] => {
                    self.emit(Op::Fail(*variable, Failure::Undefined));
                }
                [slot] if certain => {
                    let slot = *slot;
                    self.emit(Op::Store(slot));
                    declared.push(slot);
                }
                _ => {
                    declared.extend(slots.first());
                    let candidates = self.candidates(slots);
                    self.emit(Op::StoreCandidate(candidates));
                }
            }
        }
        declared
    }
}
