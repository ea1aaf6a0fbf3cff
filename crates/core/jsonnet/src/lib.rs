//! Jsonnet: a program and what it imports, evaluated to data.
//!
//! An evaluator of our own, since it runs what strangers wrote inside a process that serves others: it counts its steps, the memory
//! of its values and the depth of its calls, and sees files through a [`filetree::FileTree`] alone. The language, the library and the
//! texts of errors are those of go-jsonnet 0.21, whose verdicts are recorded in `tests/cases`.
//!
//! It refuses to know disks, the environment, native functions (`std.native` has none) and time.
//!
//! ```
//! use filetree::{FileTree, Limits, MemoryStore, TreePath};
//! use std::sync::Arc;
//!
//! let files = [("app/web.jsonnet", "local base = import 'base.libsonnet'; base { replicas: 2 }"),
//!              ("lib/base.libsonnet", "{ name: 'web-' + std.extVar('stage'), replicas: 1 }")];
//! let tree = FileTree::new(Arc::new(MemoryStore::from_files(files)?), Limits::default());
//! let result = jsonnet::evaluate(&jsonnet::Program {
//!     tree: &tree,
//!     file: &TreePath::parse("app/web.jsonnet")?,
//!     libraries: &[TreePath::parse("lib")?],
//!     external: &[jsonnet::Variable { name: "stage".into(), value: "test".into(), code: false }],
//!     arguments: &[],
//!     limits: &jsonnet::Limits::default(),
//!     cancelled: None,
//! })?;
//! assert_eq!(result.value.to_string(), r#"{"name":"web-test","replicas":2}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod eval;
mod files;
mod lexer;
mod library;
mod limits;
mod machine;
mod manifest;
mod meter;
mod number;
mod objects;
mod operators;
mod parser;
mod scope;
mod syntax;
mod text;
mod value;

use std::rc::Rc;
use std::thread;

use filetree::{FileTree, TreePath};

pub use error::{Error, Place};
pub use limits::Limits;

use crate::error::Fault;
use crate::machine::{Arguments, External, Machine};
use crate::syntax::Span;
use crate::text::Text;
use crate::value::{Lazy, Thunk, Value};

/// The stack of an evaluation, in bytes; what is not used costs nothing.
const STACK_BYTES: usize = 256 << 20;

/// Everything that a result depends on.
#[derive(Clone, Copy)]
pub struct Program<'a> {
    /// The files. It keeps the record of what was read, and of where imports were looked for.
    pub tree: &'a FileTree,
    /// The file to evaluate.
    pub file: &'a TreePath,
    /// Where imports are looked for that are not beside the file that imports; the first one first.
    pub libraries: &'a [TreePath],
    /// What `std.extVar` gives.
    pub external: &'a [Variable],
    /// Arguments, if the file is a function; else they are not looked at.
    pub arguments: &'a [Variable],
    /// What it may cost.
    pub limits: &'a Limits,
    /// Asked every few thousand steps whether nobody wants the result any more: how an edge with a clock sets a deadline.
    pub cancelled: Option<Cancelled<'a>>,
}

/// Whether nobody wants a result any more.
pub type Cancelled<'a> = &'a (dyn Fn() -> bool + Sync);

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value: a text, or code.
    pub value: String,
    /// Whether the value is code.
    pub code: bool,
}

/// What a program gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// What its file stands for.
    pub value: serde_json::Value,
    /// What that took, of [`Limits::steps`].
    pub steps: u64,
}

/// Evaluates a program.
///
/// **Shape**: what the file stands for, as JSON; whole numbers within 64 bits are integers. Nothing is printed: `std.trace` is silent.
/// **Errors**: the first one; see [`Error`].
/// **Source**: go-jsonnet 0.21.0, `VM.EvaluateFile`. We differ: an import cannot leave the tree, an absolute path is refused, and
/// `std.thisFile` is the path from the root of the tree.
pub fn evaluate(program: &Program<'_>) -> Result<Evaluated, Error> {
    // A thread of its own, for its stack, and so that what is counted is counted for this evaluation alone.
    let outcome = thread::scope(|scope| {
        let thread = thread::Builder::new().name("jsonnet".to_owned()).stack_size(STACK_BYTES);
        let running = thread.spawn_scoped(scope, || evaluate_here(program));
        running.map(thread::ScopedJoinHandle::join)
    });
    match outcome {
        Ok(Ok(result)) => result,
        // A panic is a bug; whoever isolates the render sees it.
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(problem) => Err(Error::Thread(problem.to_string())),
    }
}

fn evaluate_here(program: &Program<'_>) -> Result<Evaluated, Error> {
    let mut machine = Machine::new(program.tree, program.limits, program.cancelled);
    machine.roads = program.libraries.to_vec();
    let result = run(&mut machine, program);
    machine.external.clear();
    machine.dismantle();
    let steps = machine.steps();
    result
        .map(|value| Evaluated { value, steps })
        .map_err(|fault| fault.named(|file| machine.file_name(file)))
}

fn run(machine: &mut Machine<'_>, program: &Program<'_>) -> Result<serde_json::Value, Fault> {
    for variable in program.external {
        let value = if variable.code {
            External::Code(variable.value.clone())
        } else {
            External::Known(text_of(variable))
        };
        machine.external.insert(variable.name.clone(), value);
    }
    let code = machine.code_of(program.file)?;
    let start = Span { file: 0, begin: (1, 1), end: (1, 1) };
    let mut whole = || {
        let mut value = machine.force(&code)?;
        if let Value::Function(function) = &value {
            let mut named = Vec::new();
            for variable in program.arguments {
                let given = if variable.code {
                    let file = machine.add_file(format!("<top-level-arg:{}>", variable.name), None);
                    machine.read_code(file, &variable.value)?
                } else {
                    text_of(variable)
                };
                named.push((Rc::from(variable.name.as_str()), given));
            }
            value = machine.call(function, Arguments { positional: Vec::new(), named })?;
        }
        let mut spent = 0;
        let most = program.limits.output_bytes;
        machine.within_call(|machine| machine.manifest(&value, &mut spent, most))
    };
    // The file's number is 0, since it was the first one.
    whole().map_err(|fault| fault.somewhere(start))
}

fn text_of(variable: &Variable) -> Thunk {
    Lazy::done(Value::Text(Text::new(&variable.value)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use filetree::MemoryStore;

    use super::*;

    #[test]
    fn memory_is_given_back() {
        // Values that hold themselves: by a variable, by `self`, by a cached field, by the library.
        let programs = [
            "local l = [{ me:: self, n: i, f:: function() l } for i in std.range(1, 500)]; l[499].me.n",
            "local f(n) = if n == 0 then f else f(n - 1); std.isFunction(f(9))",
            "{ a: self.b, b: $, c:: local x = [x, self]; x, assert std.length(self.c) == 2 }.c[1].c[0] == 1",
            "std.prune(std.mapWithKey(function(k, v) { [k]: v, s:: self }.s, { a: 1, b: { c: std } }))",
            "local o = { x: error 'failed', y: o }; o.y.x",
        ];
        for text in programs {
            let program = text;
            let store = MemoryStore::from_files([("a.jsonnet", program)]).unwrap();
            let tree = FileTree::new(Arc::new(store), filetree::Limits::default());
            let file = TreePath::parse("a.jsonnet").unwrap();
            let limits = Limits::default();
            let program = Program {
                tree: &tree,
                file: &file,
                libraries: &[],
                external: &[],
                arguments: &[],
                limits: &limits,
                cancelled: None,
            };
            let left = thread::scope(|scope| {
                let here = || {
                    drop(evaluate_here(&program));
                    meter::live()
                };
                thread::Builder::new()
                    .stack_size(STACK_BYTES)
                    .spawn_scoped(scope, here)
                    .unwrap()
                    .join()
                    .unwrap()
            });
            assert_eq!(left, 0, "bytes of values are left of {text}");
        }
    }
}
