//! Users' Lua: health checks and resource actions from `argocd-cm`, run as the peer runs them and within limits that
//! hold for every script.
//!
//! It refuses to know where a script comes from and what becomes of its answer. Main types: [`World`], [`Limits`],
//! [`Verdict`], [`ScriptError`]; [`health`], [`actions`] and [`run_action`] run a script, [`check`] only reads it.
//!
//! Each run has a machine of its own. It is the C Lua 5.1, without what reaches outside; patterns and all of the
//! library `string` are in Rust, because a call into C cannot be stopped.
//!
//! **Source.** argo-cd 3.6 `util/lua`, with gopher-lua. **Where we differ.** A `goto` works to the end of a block around
//! it, and others are refused with words that say so; `package`, `load`, `coroutine`, `io` and `debug` are never there; numbers beyond 14 digits lose some
//! in `..` (not in `tostring` and `string.format`); clocks show UTC; memory, instructions and results are bounded.
//!
//! ```
//! let object = serde_json::json!({"apiVersion": "example.com/v1", "kind": "Database", "status": {"ready": true}});
//! let object = resource::Object::from_value(object)?;
//! let script = "return {status = obj.status.ready and 'Healthy' or 'Progressing', message = 'as it says'}";
//! let verdict = lua::health(script, &object, &lua::World::default())?;
//! assert_eq!(verdict, lua::Verdict::Said(health::Health::new(health::Status::Healthy, "as it says")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod action;
mod budget;
mod clock;
mod convert;
mod engine;
mod format;
mod jump;
mod number;
mod pattern;
mod sandbox;
mod strings;
mod verdict;

use std::rc::Rc;

use mlua::chunk::ChunkMode;
use mlua::{Lua, Value};
use resource::Object;

pub use action::{actions, run_action};
pub use budget::Limits;
pub use engine::{PerformError, offered, perform};
pub use verdict::{Verdict, health, settle};

use budget::{Budget, Spent};

/// A script longer than this is not read: a ConfigMap holds no more.
pub const MAX_SCRIPT_BYTES: usize = 1 << 20;

/// What a run stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct World {
    /// `useOpenLibs`: the libraries `string`, `math` and `os`, beside the base library and `table`.
    pub open_libs: bool,
    /// What time it is, in seconds since 1970.
    pub now: i64,
    /// What the run may use.
    pub limits: Limits,
}

/// Why a script gave no answer. Its text is shown on the resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// It is too long to be read.
    #[error("the script is {0} bytes long; at most {MAX_SCRIPT_BYTES} are read")]
    TooLong(usize),
    /// It is no Lua.
    #[error("{0}")]
    Syntax(String),
    /// It failed; the text is Lua's, with the line.
    #[error("{0}")]
    Failed(String),
    /// It ran too long.
    #[error("the script was stopped: it ran longer than {} ms", .0.as_millis())]
    Time(std::time::Duration),
    /// It did too much.
    #[error("the script was stopped: it took more than {0} steps")]
    Instructions(u64),
    /// It, with the object, took too much memory.
    #[error("the script was stopped: it took more than {} MiB of memory", .0 >> 20)]
    Memory(usize),
    /// It returned something else than a table.
    #[error("expect table output from Lua script, not {0}")]
    NotATable(&'static str),
    /// What it returned is no data.
    #[error("what the script returned cannot be read: {0}")]
    Result(String),
    /// What it returned is too large.
    #[error("the script was stopped: what it returned is too large")]
    ResultTooLarge,
}

impl ScriptError {
    /// Whether a limit ended the script, as opposed to what it says itself.
    pub fn is_limit(&self) -> bool {
        match self {
            Self::Time(_) | Self::Instructions(_) | Self::Memory(_) | Self::ResultTooLarge => true,
            Self::TooLong(_) | Self::Syntax(_) | Self::Failed(_) | Self::NotATable(_) | Self::Result(_) => {
                false
            }
        }
    }
}

/// Reads a script without running it.
///
/// **Errors.** [`ScriptError::Syntax`] and [`ScriptError::TooLong`].
pub fn check(script: &str) -> Result<(), ScriptError> {
    let budget = Rc::new(Budget::new(Limits::default()));
    let lua = sandbox::machine(&World::default(), &budget).map_err(|error| failure(&error, &budget))?;
    compile(&lua, script, &budget).map(|_| ())
}

/// Runs a script and gives what it returns as JSON, `null` where it returns nothing.
///
/// **Errors.** [`ScriptError`].
pub fn value(script: &str, object: &Object, world: &World) -> Result<serde_json::Value, ScriptError> {
    run(script, object, &[], world, |value| convert::Reader::new(world.limits.result).read(value, 0))
}

fn compile(lua: &Lua, script: &str, budget: &Budget) -> Result<mlua::Function, ScriptError> {
    if script.len() > MAX_SCRIPT_BYTES {
        return Err(ScriptError::TooLong(script.len()));
    }
    let load =
        |script: &str| lua.load(script).set_name("=<string>").set_mode(ChunkMode::Text).into_function();
    let loaded = load(script).or_else(|error| match (&error, jump::rewritten(script)) {
        (mlua::Error::SyntaxError { .. }, Some(script)) => load(&script),
        _ => Err(error),
    });
    loaded.map_err(|error| match error {
        mlua::Error::SyntaxError { message, .. } => ScriptError::Syntax(explained(script, message)),
        other => failure(&other, budget),
    })
}

/// Lua 5.1 takes `goto` for a name; the words of its error would mislead.
fn explained(script: &str, message: String) -> String {
    let jumps = script.lines().any(|line| {
        let line = line.trim_start();
        line.starts_with("goto ") || line.contains(" goto ") || line.starts_with("::")
    });
    if jumps {
        format!("{message} (of goto, only one to the end of a block around it is supported)")
    } else {
        message
    }
}

/// Runs a script over an object; `finish` reads the returned value while the machine is still there.
fn run<T>(
    script: &str,
    object: &Object,
    parameters: &[(String, String)],
    world: &World,
    finish: impl FnOnce(&Value) -> Result<T, ScriptError>,
) -> Result<T, ScriptError> {
    let budget = Rc::new(Budget::new(world.limits));
    let failed = |error: mlua::Error| failure(&error, &budget);
    let lua = sandbox::machine(world, &budget).map_err(failed)?;
    let script = compile(&lua, script, &budget)?;
    let prepare = || -> mlua::Result<()> {
        let named = lua.create_table()?;
        for (name, value) in parameters {
            named.raw_set(name.as_str(), value.as_str())?;
        }
        lua.globals().set("actionParams", named)?;
        lua.globals().set("obj", convert::map_into_lua(&lua, object.as_map())?)
    };
    prepare().map_err(failed)?;
    let results: mlua::MultiValue = script.call(()).map_err(failed)?;
    // The last of several values is the answer, as in the peer.
    finish(results.back().unwrap_or(&Value::Nil))
}

/// The limit that ended the script, else what Lua says.
fn failure(error: &mlua::Error, budget: &Budget) -> ScriptError {
    let limits = budget.limits();
    match budget.spent() {
        Some(Spent::Time) => ScriptError::Time(limits.time),
        Some(Spent::Instructions) => ScriptError::Instructions(limits.instructions),
        Some(Spent::Memory) => ScriptError::Memory(limits.memory),
        None if is_memory(error) => ScriptError::Memory(limits.memory),
        None => ScriptError::Failed(runtime_text(error)),
    }
}

fn is_memory(error: &mlua::Error) -> bool {
    match error {
        mlua::Error::MemoryError(_) => true,
        mlua::Error::CallbackError { cause, .. } => is_memory(cause),
        other => matches!(other, mlua::Error::RuntimeError(text) if text.starts_with("not enough memory")),
    }
}

/// What a script calls the type of a value.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) => "number",
        other => other.type_name(),
    }
}

/// An error's own words, without the calls that led to it.
fn runtime_text(error: &mlua::Error) -> String {
    let text = match error {
        mlua::Error::CallbackError { cause, .. } => return runtime_text(cause),
        mlua::Error::RuntimeError(text) | mlua::Error::MemoryError(text) => text.clone(),
        mlua::Error::BadArgument { cause, .. } => return runtime_text(cause),
        other => other.to_string(),
    };
    text.split("\nstack traceback:").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
