//! The world that a script sees.

use std::rc::Rc;

use mlua::{Error, HookTriggers, Lua, LuaOptions, MultiValue, Result, StdLib, Table, Value, VmState};
use sprig::Civil;

use crate::budget::{Budget, Spent};
use crate::clock::{Moment, seconds};
use crate::strings::{self, Text, ended, text_of_number};
use crate::{World, number};

/// How many instructions run between two looks at the budget. A call into the libraries for tables counts as one, so
/// that fewer bound how long many slow calls go on.
const HOOK_EVERY: u32 = 100;

/// What the base library has, and a health check must not: files, code made from texts, environments of others, and a
/// collector that may be called in a loop.
const TAKEN_AWAY: &[&str] = &[
    "collectgarbage",
    "dofile",
    "gcinfo",
    "getfenv",
    "load",
    "loadfile",
    "loadstring",
    "module",
    "newproxy",
    "package",
    "require",
    "setfenv",
    "coroutine",
    "debug",
    "io",
];

/// Functions of `table` that the peer's Lua has not.
const NOT_IN_TABLE: &[&str] = &["foreach", "foreachi", "setn"];

/// A new machine, with its libraries, its limits and its clock.
pub(crate) fn machine(world: &World, budget: &Rc<Budget>) -> Result<Lua> {
    let libraries = if world.open_libs { StdLib::TABLE | StdLib::MATH } else { StdLib::TABLE };
    let lua = Lua::new_with(libraries, LuaOptions::default())?;
    lua.set_memory_limit(budget.limits().memory)?;
    watch(&lua, budget)?;
    let globals = lua.globals();
    for name in TAKEN_AWAY {
        globals.set(*name, Value::Nil)?;
    }
    let table: Table = globals.get("table")?;
    for name in NOT_IN_TABLE {
        table.set(*name, Value::Nil)?;
    }
    base(&lua, &globals, budget)?;
    protected_calls(&lua, &globals, budget)?;
    libraries_of_the_peer(&lua, &globals, &table, world, budget)?;
    Ok(lua)
}

/// Ends the script when its budget is used up. After the end the hook comes at every instruction, so that no
/// `pcall` keeps a loop alive.
fn watch(lua: &Lua, budget: &Rc<Budget>) -> Result<()> {
    let account = Rc::clone(budget);
    lua.set_hook(HookTriggers::new().every_nth_instruction(HOOK_EVERY), move |lua, _| {
        if account.take(u64::from(HOOK_EVERY)) {
            return Ok(VmState::Continue);
        }
        lua.set_hook(HookTriggers::new().every_nth_instruction(1), |_, _| Err(ended()))?;
        Err(ended())
    })
}

/// `tostring` and `tonumber` as the peer's, and a `print` that goes nowhere.
fn base(lua: &Lua, globals: &Table, budget: &Rc<Budget>) -> Result<()> {
    let original: mlua::Function = globals.get("tostring")?;
    let account = Rc::clone(budget);
    let tostring = lua.create_function(move |lua, value: Value| match &value {
        Value::Integer(_) | Value::Number(_) => lua.create_string(text_of_number(&value)),
        other => {
            let _nested = account.enter().ok_or_else(strings::too_deep)?;
            original.call(other.clone())
        }
    })?;
    globals.set("tostring", tostring)?;
    let tonumber = lua.create_function(|_, (value, base): (Value, Option<f64>)| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked where it is used"
        )]
        let base = base.map(|base| base as u32);
        Ok(match &value {
            Value::Integer(_) | Value::Number(_) => value,
            Value::String(text) => {
                let text = text.as_bytes();
                let read = std::str::from_utf8(&text).ok().and_then(|text| number::parse(text, base));
                read.map_or(Value::Nil, Value::Number)
            }
            _ => Value::Nil,
        })
    })?;
    globals.set("tonumber", tonumber)?;
    globals.set("print", lua.create_function(|_, _: MultiValue| Ok(()))?)
}

/// `pcall` and `xpcall` that do not catch the end of the budget.
fn protected_calls(lua: &Lua, globals: &Table, budget: &Rc<Budget>) -> Result<()> {
    let account = Rc::clone(budget);
    let check = lua.create_function(move |lua, mut results: MultiValue| {
        if let Some(problem) = results.get_mut(1)
            && let Value::Error(error) = problem
        {
            // An error of our own functions is a text for scripts, as any other.
            *problem = Value::String(lua.create_string(crate::runtime_text(error))?);
        }
        let failed = matches!(results.front(), Some(Value::Boolean(false)));
        if failed
            && let Some(Value::String(text)) = results.get(1)
            && text.as_bytes() == b"not enough memory"
        {
            account.spend(Spent::Memory);
        }
        if account.spent().is_some() { Err(ended()) } else { Ok(results) }
    })?;
    // The handler of `xpcall` runs after the stack is unwound: before, it would run inside the hook that ends a
    // script, where no hook ends it.
    const WRAPPERS: &str = "
        local call, check = ...
        local function failed(_, ...) return false, ... end
        local function handled(handler, ok, ...)
            if ok then return true, ... end
            return failed(check(call(handler, ...)))
        end
        return function(...) return check(call(...)) end,
            function(f, handler) return handled(handler, check(call(f))) end";
    let original: mlua::Function = globals.get("pcall")?;
    let wrappers = lua.load(WRAPPERS).set_name("=sandbox").into_function()?;
    let (pcall, xpcall): (mlua::Function, mlua::Function) = wrappers.call((original, check))?;
    globals.set("pcall", pcall)?;
    globals.set("xpcall", xpcall)
}

/// `os.time` and `os.date` are also in `table`, where the peer's sandbox puts them; `require` gives what is open.
fn libraries_of_the_peer(
    lua: &Lua,
    globals: &Table,
    table: &Table,
    world: &World,
    budget: &Rc<Budget>,
) -> Result<()> {
    let os = lua.create_table()?;
    let now = world.now;
    os.set("time", lua.create_function(move |_, fields: Option<Table>| time(now, fields))?)?;
    let date = lua
        .create_function(move |lua, (format, at): (Option<Text>, Option<f64>)| date(lua, now, format, at))?;
    os.set("date", date)?;
    for name in ["time", "date"] {
        table.set(name, os.get::<Value>(name)?)?;
    }
    if world.open_libs {
        strings::open(lua, budget)?;
        chance(lua, &globals.get("math")?)?;
        globals.set("os", &os)?;
    }
    let open = lua.create_table()?;
    open.set("os", os)?;
    for name in ["table", "string", "math"] {
        open.set(name, globals.get::<Value>(name)?)?;
    }
    let require = lua.create_function(move |_, name: Text| {
        let name = String::from_utf8_lossy(&name.0).into_owned();
        match open.get::<Value>(name.as_str())? {
            Value::Nil => Err(Error::runtime(format!("module {name} not found: scripts have the libraries os and table, and string and math with useOpenLibs"))),
            library => Ok(library),
        }
    })?;
    globals.set("require", require)
}

/// `math.random` without the process's own state: the same numbers for everybody.
fn chance(lua: &Lua, math: &Table) -> Result<()> {
    const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
    let state = Rc::new(std::cell::Cell::new(SEED));
    let seeded = Rc::clone(&state);
    let random = lua.create_function(move |_, (low, high): (Option<f64>, Option<f64>)| {
        let mut x = state.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        state.set(x);
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let unit = (x >> 11) as f64 / (1u64 << 53) as f64;
        let (low, high) = match (low, high) {
            (None, _) => return Ok(unit),
            (Some(high), None) => (1.0, high),
            (Some(low), Some(high)) => (low, high),
        };
        if low > high {
            return Err(Error::runtime("interval is empty"));
        }
        Ok((unit * (high - low + 1.0)).floor() + low)
    })?;
    math.set("random", random)?;
    let randomseed = lua.create_function(move |_, seed: f64| {
        seeded.set(seed.to_bits() | 1);
        Ok(())
    })?;
    math.set("randomseed", randomseed)
}

#[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^53")]
fn time(now: i64, fields: Option<Table>) -> Result<f64> {
    let Some(fields) = fields else { return Ok(now as f64) };
    let field = |name: &str, default: i64| -> Result<i64> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "clamped; seconds() refuses what is beyond reason"
        )]
        Ok(match fields.raw_get::<Value>(name)? {
            Value::Integer(number) => number,
            Value::Number(number) => number.trunc() as i64,
            _ => default,
        })
    };
    let (year, month, day) = (field("year", -1)?, field("month", -1)?, field("day", -1)?);
    let (hour, minute, second) = (field("hour", 12)?, field("min", 0)?, field("sec", 0)?);
    seconds(Civil { year, month, day, hour, minute, second })
        .map(|at| at as f64)
        .ok_or_else(|| Error::runtime("a time beyond reason"))
}

fn date(lua: &Lua, now: i64, format: Option<Text>, at: Option<f64>) -> Result<Value> {
    #[expect(clippy::cast_possible_truncation, reason = "clamped; Moment::at takes any number")]
    let moment = Moment::at(at.map_or(now, |at| at.trunc() as i64));
    let format = format.map_or_else(|| "%c".to_owned(), |text| String::from_utf8_lossy(&text.0).into_owned());
    let format = format.trim_start_matches('!');
    if !format.starts_with("*t") {
        return lua.create_string(moment.format(format)).map(Value::String);
    }
    let fields = lua.create_table()?;
    let Civil { year, month, day, hour, minute, second } = moment.0;
    for (name, value) in [
        ("year", year),
        ("month", month),
        ("day", day),
        ("hour", hour),
        ("min", minute),
        ("sec", second),
        ("yday", 0),
    ] {
        fields.set(name, value)?;
    }
    fields.set("wday", moment.0.weekday() + 1)?;
    fields.set("isdst", false)?;
    Ok(Value::Table(fields))
}
