//! Parsed templates into instructions. Variables get their slots here; nothing recurses.

mod pipeline;

use std::sync::Arc;

use crate::node::{NodeId, NodeKind, Source, Statement};
use crate::parse::{Tree, Trees, is_empty};
use crate::program::{LoopVariables, Op, Target, Template};

/// Compiles all templates of a text.
pub(crate) fn compile(trees: Trees) -> Vec<Arc<Template>> {
    let source = Arc::new(trees.source);
    trees.trees.iter().map(|tree| Arc::new(template(&source, tree))).collect()
}

fn template(source: &Arc<Source>, tree: &Tree) -> Template {
    let mut compiler = Compiler {
        source,
        program: Template {
            name: Arc::clone(&tree.name),
            source: Arc::clone(source),
            ops: Vec::with_capacity(tree.statements.len() * 4),
            names: Vec::new(),
            constants: Vec::new(),
            candidates: Vec::new(),
            slots: 1,
            empty: is_empty(&tree.statements, &source.text),
        },
        variables: vec![Variable { name: "$".into(), slot: 0, certain: true }],
        next_slot: 1,
        controls: Vec::new(),
        uncertain: 0,
    };
    for statement in &tree.statements {
        compiler.statement(statement);
    }
    compiler.emit(Op::Return);
    // It is kept as long as its text is.
    let mut program = compiler.program;
    program.ops.shrink_to_fit();
    program.names.shrink_to_fit();
    program.constants.shrink_to_fit();
    program
}

struct Compiler<'a> {
    source: &'a Source,
    program: Template,
    /// Variables that can be seen, innermost last.
    variables: Vec<Variable>,
    next_slot: u32,
    controls: Vec<Control>,
    /// How many arguments of `and` or `or` are open that may not be evaluated.
    uncertain: usize,
}

struct Variable {
    name: Arc<str>,
    slot: u32,
    /// Whether it is set wherever it can be seen.
    certain: bool,
}

/// An open `if`, `with` or `range`.
struct Control {
    kind: ControlKind,
    variables: usize,
    /// Slots from here on are free again behind it.
    next_slot: u32,
    /// The same, with what its own pipeline declares: those are seen in the other branch, too.
    header: (usize, u32),
    /// The jump to patch when the else-branch, or the end, is reached.
    to_else: Target,
    /// The jump over the else-branch.
    to_end: Option<Target>,
}

enum ControlKind {
    If,
    With,
    /// The first instruction of the body, and `break` and `continue` in it.
    Range {
        body: Target,
        breaks: Vec<Target>,
        continues: Vec<Target>,
    },
}

impl Compiler<'_> {
    fn here(&self) -> Target {
        // Texts are far below 4 GiB.
        Target::try_from(self.program.ops.len()).unwrap_or(Target::MAX)
    }

    fn emit(&mut self, op: Op) -> Target {
        let here = self.here();
        self.program.ops.push(op);
        here
    }

    /// Lets a jump go to here.
    fn land(&mut self, jump: Target) {
        let here = self.here();
        if let Some(
            Op::JumpUnless(target)
            | Op::Jump(target)
            | Op::With(target)
            | Op::Break(target)
            | Op::Continue(target)
            | Op::Range { otherwise: target, .. }
            | Op::Arg { end: target, .. }
            | Op::ArgConstant { end: target, .. }
            | Op::ArgNil { end: target, .. }
            | Op::BeginMethod { end: target, .. },
        ) = self.program.ops.get_mut(jump as usize)
        {
            *target = here;
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Text(span) => {
                let [start, end] = [span.start, span.end].map(|at| u32::try_from(at).unwrap_or(u32::MAX));
                self.emit(Op::Text { start, end });
            }
            Statement::Action(action) => self.action(*action),
            Statement::If(pipe) => {
                let variables = (self.variables.len(), self.next_slot);
                self.pipeline(*pipe);
                let to_else = self.emit(Op::JumpUnless(0));
                self.open(ControlKind::If, variables, to_else);
            }
            Statement::With(pipe) => {
                let variables = (self.variables.len(), self.next_slot);
                self.pipeline(*pipe);
                let to_else = self.emit(Op::With(0));
                self.open(ControlKind::With, variables, to_else);
            }
            Statement::Range(pipe) => self.range(*pipe),
            Statement::Else => self.else_branch(),
            Statement::End => self.end(),
            Statement::Break => {
                let jump = self.emit(Op::Break(0));
                if let Some((breaks, _)) = self.innermost_loop() {
                    breaks.push(jump);
                }
            }
            Statement::Continue => {
                let jump = self.emit(Op::Continue(0));
                if let Some((_, continues)) = self.innermost_loop() {
                    continues.push(jump);
                }
            }
            Statement::Template(node) => {
                self.emit(Op::CheckTemplate(*node));
                let pipe = match self.source.node(*node).kind {
                    NodeKind::Template(_, pipe) => pipe,
                    _ => None,
                };
                if let Some(pipe) = pipe {
                    self.pipeline(pipe);
                }
                self.emit(Op::Invoke { node: *node, with_data: pipe.is_some() });
            }
        }
    }

    /// The jumps of the innermost range whose body, not its else-branch, is open.
    fn innermost_loop(&mut self) -> Option<(&mut Vec<Target>, &mut Vec<Target>)> {
        self.controls.iter_mut().rev().find_map(|control| match &mut control.kind {
            ControlKind::Range { breaks, continues, .. } if control.to_end.is_none() => {
                Some((breaks, continues))
            }
            _ => None,
        })
    }

    fn action(&mut self, action: NodeId) {
        let NodeKind::Action(pipe) = self.source.node(action).kind else { return };
        self.pipeline(pipe);
        let declares =
            matches!(&self.source.node(pipe).kind, NodeKind::Pipe(pipe) if !pipe.declared.is_empty());
        self.emit(if declares { Op::Drop } else { Op::Print(action) });
    }

    fn open(&mut self, kind: ControlKind, (variables, next_slot): (usize, u32), to_else: Target) {
        let header = (self.variables.len(), self.next_slot);
        self.controls.push(Control { kind, variables, next_slot, header, to_else, to_end: None });
    }

    fn range(&mut self, pipe: NodeId) {
        let variables = (self.variables.len(), self.next_slot);
        let slots = self.pipeline(pipe);
        let loop_id = match slots.as_slice() {
            [] => LoopVariables { index: LoopVariables::NONE, element: LoopVariables::NONE },
            [element] => LoopVariables { index: LoopVariables::NONE, element: *element },
            [index, element, ..] => LoopVariables { index: *index, element: *element },
        };
        let to_else = self.emit(Op::Range { loop_id, otherwise: 0 });
        let body = self.here();
        self.open(ControlKind::Range { body, breaks: Vec::new(), continues: Vec::new() }, variables, to_else);
    }

    /// Ends the first branch.
    fn close_branch(&mut self, control: &mut Control) {
        match &mut control.kind {
            ControlKind::If => {}
            ControlKind::With => {
                self.emit(Op::EndWith);
            }
            ControlKind::Range { body, continues, .. } => {
                for jump in std::mem::take(continues) {
                    self.land(jump);
                }
                self.emit(Op::Next { body: *body });
            }
        }
    }

    fn else_branch(&mut self) {
        let Some(mut control) = self.controls.pop() else { return };
        self.close_branch(&mut control);
        control.to_end = Some(self.emit(Op::Jump(0)));
        self.land(control.to_else);
        // Go's parser still knows the variables of the first branch, but they have not been set when the other one runs.
        self.variables.truncate(control.header.0);
        self.next_slot = control.header.1;
        self.controls.push(control);
    }

    fn end(&mut self) {
        let Some(mut control) = self.controls.pop() else { return };
        if control.to_end.is_none() {
            self.close_branch(&mut control);
            self.land(control.to_else);
        }
        if let Some(jump) = control.to_end {
            self.land(jump);
        }
        if let ControlKind::Range { breaks, .. } = control.kind {
            for jump in breaks {
                self.land(jump);
            }
        }
        self.variables.truncate(control.variables);
        self.next_slot = control.next_slot;
    }
}
