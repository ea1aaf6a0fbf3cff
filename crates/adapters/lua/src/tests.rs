use std::time::{Duration, Instant};

use health::Status;
use serde_json::{Value as Json, json};

use super::*;

fn object() -> Object {
    let value = json!({"apiVersion": "example.com/v1", "kind": "Database", "metadata": {"name": "db", "generation": 2},
        "spec": {"empty": {}, "list": []}, "status": {"phase": "Up"}});
    Object::from_value(value).unwrap()
}

fn open() -> World {
    World { open_libs: true, now: 1_700_000_000, ..World::default() }
}

fn said(status: Status, message: &str) -> Verdict {
    Verdict::Said(health::Health::new(status, message))
}

#[test]
fn verdicts() {
    for (row, script, expected) in [
        ("a status", "return {status='Healthy', message=obj.status.phase}", said(Status::Healthy, "Up")),
        ("no message", "return {status='Degraded'}", said(Status::Degraded, "")),
        ("names in any case", "return {Status='Missing', MESSAGE='m'}", said(Status::Missing, "m")),
        ("other fields", "return {status='Healthy', extra={1}}", said(Status::Healthy, "")),
        ("a wrong status", "return {status='Bad', message='m'}", said(Status::Unknown, verdict_text())),
        ("no status", "return {message='m'}", said(Status::Unknown, verdict_text())),
        ("empty", "return {}", Verdict::Nothing),
        ("a list", "return {1, 2}", Verdict::Nothing),
        ("a number for a message", "return {status='Healthy', message=1}", Verdict::Nothing),
        ("nil", "return nil", Verdict::Undecided),
        ("nothing", "", Verdict::Undecided),
        ("the last of two", "return {status='Healthy'}, {status='Missing'}", said(Status::Missing, "")),
    ] {
        assert_eq!(health(script, &object(), &World::default()), Ok(expected), "{row}");
    }
}

fn verdict_text() -> &'static str {
    "Lua returned an invalid health status"
}

#[test]
fn a_jump_to_the_end_of_a_loop_goes_on() {
    let script = "local kept = {}\nfor _, n in ipairs({1, 2, 3, 4}) do\n  if n % 2 == 1 then goto continue end\n  table.insert(kept, n)\n  ::continue::\nend\nreturn kept";
    assert_eq!(value(script, &object(), &World::default()), Ok(json!([2, 4])));
    let error = value(&format!("{script}\n, obj.none.x"), &object(), &World::default()).unwrap_err();
    assert!(error.to_string().starts_with("<string>:8: "), "lines stay where they are: {error}");
}

#[test]
fn errors_say_what_and_where() {
    for (row, script, expected) in [
        ("a number", "return 7", "expect table output from Lua script, not number"),
        (
            "a field of nothing",
            "\nreturn obj.none.x",
            "<string>:2: attempt to index field 'none' (a nil value)",
        ),
        ("its own words", "error('no ' .. obj.kind, 0)", "no Database"),
        ("no Lua", "if true", "<string>:1: 'then' expected near '<eof>'"),
        (
            "goto",
            "for i = 1, 2 do\n  goto continue\n  f()\n  ::continue::\n  g()\nend",
            "<string>:2: '=' expected near 'continue' (of goto, only one to the end of a block around it is supported)",
        ),
        ("bytecode", "\x1bLua", "attempt to load a binary chunk (mode is 't')"),
        (
            "recursion in the result",
            "local t = {} t.t = t return t",
            "what the script returned cannot be read: cannot encode recursively nested tables to JSON",
        ),
        (
            "a function in the result",
            "return {f=print}",
            "what the script returned cannot be read: cannot encode function to JSON",
        ),
        (
            "an unknown module",
            "require('socket')",
            "module socket not found: scripts have the libraries os and table, and string and math with useOpenLibs",
        ),
    ] {
        let error = health(script, &object(), &World::default()).unwrap_err();
        let text = error.to_string();
        assert!(text.ends_with(expected), "{row}: {text}");
    }
    assert!(matches!(check("return {"), Err(ScriptError::Syntax(_))));
    assert_eq!(check("return {}"), Ok(()));
    assert_eq!(check(&" ".repeat(MAX_SCRIPT_BYTES + 1)), Err(ScriptError::TooLong(MAX_SCRIPT_BYTES + 1)));
}

/// A35: each ends by a limit that it names, in bounded time.
#[test]
fn abuse_ends() {
    let limits = Limits { time: Duration::from_millis(200), ..Limits::default() };
    let world = World { limits, ..open() };
    for (row, script) in [
        ("a loop", "while true do end"),
        ("a loop of pcall", "while true do pcall(function() while true do end end) end"),
        ("pcall of pcall", "local function f() pcall(f) end while true do pcall(f) end"),
        (
            "xpcall with a handler that loops",
            "while true do xpcall(error, function() while true do end end) end",
        ),
        ("memory", "local t = {} for i = 1, 1e12 do t[i] = {i} end"),
        (
            "memory in pcall",
            "while true do pcall(function() local t = {} for i = 1, 1e12 do t[i] = {i} end end) end",
        ),
        ("text that doubles", "local s = 'x' while true do s = s .. s end"),
        ("a long text", "local s = ('x'):rep(2^31) return {s}"),
        ("a long text by gsub", "local s = ('x'):rep(1e6) return {(s:gsub('x', s))}"),
        ("a pattern", "return {(('a'):rep(40)):find(('a?'):rep(40) .. ('a'):rep(41))}"),
        ("patterns in pcall", "while true do pcall(string.find, ('a'):rep(60), ('a*'):rep(20) .. 'b') end"),
        ("gmatch", "for i = 1, 1e9 do for _ in (('a'):rep(1000)):gmatch('a-b') do end end"),
        (
            "sorting",
            "local t = {} for i = 1, 5e5 do t[i] = -i end while true do table.sort(t) table.sort(t, function(a, b) return a > b end) end",
        ),
        ("inserting in front", "local t = {} for i = 1, 1e9 do table.insert(t, 1, i) end"),
        (
            "concatenating",
            "local t = {} for i = 1, 1e5 do t[i] = 'xxxxxxxxxx' end while true do table.concat(t) end",
        ),
        (
            "metatables",
            "local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) while true do pcall(function() return t[1] end) end",
        ),
        (
            "the global table",
            "setmetatable(_G, {__index = function(t, k) return _G[k .. 'x'] end}) while true do pcall(function() return y end) end",
        ),
    ] {
        let begun = Instant::now();
        let error = health(script, &object(), &world).unwrap_err();
        let stopped =
            matches!(error, ScriptError::Time(_) | ScriptError::Instructions(_) | ScriptError::Memory(_));
        assert!(stopped, "{row}: {error:?}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{row}: {:?}", begun.elapsed());
    }
    for (row, script) in [
        ("recursion", "local function f() return 1 + f() end return f()"),
        (
            "recursion through tostring",
            "local t = setmetatable({}, {}) getmetatable(t).__tostring = function() return tostring(t) end return {tostring(t)}",
        ),
        ("recursion through pcall", "local function f() local ok, e = pcall(f) error(e, 0) end f()"),
        ("recursion through sort", "local function f() table.sort({1, 2}, f) end f()"),
        (
            "recursion through metatables",
            "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k] end return {t.x}",
        ),
        ("recursion through a library", "local function f() return (('x'):gsub('x', f)) end return {f()}"),
        ("a deep result", "local t = {} for i = 1, 5000 do t = {t} end return t"),
        ("a wide result", "local t = {} for i = 1, 1e6 do t[i] = 'xxxxxxxxxxxxxxxxxxxx' end return t"),
        ("many values", "return unpack({}, 1, 1e7)"),
        (
            "deep code",
            "return _((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1))",
        ),
    ] {
        let begun = Instant::now();
        health(script, &object(), &world).unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(10), "{row}: {:?}", begun.elapsed());
    }
}

/// The same budget gives the same end wherever it runs.
#[test]
fn steps_end_a_run_like_time_does() {
    let limits = Limits { instructions: 10_000, ..Limits::default() };
    let world = World { limits, ..open() };
    for script in ["while true do end", "return {(('a'):rep(99)):find(('a*'):rep(9) .. 'b')}"] {
        assert_eq!(health(script, &object(), &world), Err(ScriptError::Instructions(10_000)), "{script}");
    }
    let limits = Limits { memory: 4 << 20, ..Limits::default() };
    let world = World { limits, ..open() };
    let error = health("local t = {} while true do t[#t + 1] = {} end", &object(), &world);
    assert_eq!(error, Err(ScriptError::Memory(4 << 20)));
}

/// A36: what reaches outside is not there, however it is asked for.
#[test]
fn nothing_reaches_outside() {
    for world in [World::default(), open()] {
        for name in [
            "io",
            "package",
            "load",
            "loadstring",
            "loadfile",
            "dofile",
            "debug",
            "coroutine",
            "module",
            "newproxy",
            "getfenv",
            "setfenv",
            "collectgarbage",
            "os and os.execute",
            "os and os.exit",
            "os and os.getenv",
            "os and os.remove",
            "string and string.dump",
            "require('os').execute",
            "require('os').getenv",
        ] {
            let script = format!(
                "return {{status = ({name}) == nil and 'Healthy' or ({name}) == false and 'Healthy' or 'Degraded'}}"
            );
            assert_eq!(health(&script, &object(), &world), Ok(said(Status::Healthy, "")), "{name}");
        }
    }
}

#[test]
fn clocks_show_the_time_that_they_are_given() {
    for (script, expected) in [
        ("return {require('os').time()}", json!([1_700_000_000])),
        ("return {os.date('!%Y-%m-%dT%XZ')}", json!(["2023-11-14T22:13:20Z"])),
        (
            "return {os.date('!%y%m%d%H%M', 0), os.date('%A %B %d %j', 86400)}",
            json!(["7001010000", "Friday January 02 %j"]),
        ),
        ("return {os.time({year=2024, month=2, day=30, hour=0})}", json!([1_709_251_200])),
        ("return {os.time({year=2024, month=14, day=1})}", json!([1_738_411_200])),
        ("return {os.date('*t', 951782400).month, os.date('*t', 951782400).day}", json!([2, 29])),
        ("return {table.date('%F', 0), table.time()}", json!(["1970-01-01", 1_700_000_000])),
        (
            "return {os.date('%I %p %P %x %c %b %a %w %z %Z %%', 43200)}",
            json!(["12 PM pm 12/00/00 01 Jan 70 12:00 UTC Jan mon 4 +0000 UTC %"]),
        ),
    ] {
        assert_eq!(value(script, &object(), &open()), Ok(expected), "{script}");
    }
    let error = value("return {os.time({year=1e300, month=1, day=1})}", &object(), &open());
    assert!(error.is_err());
}

#[test]
fn one_run_knows_nothing_of_another() {
    let first = value("x = 1 string.upper = nil table.insert = nil return {x}", &object(), &open());
    assert_eq!(first, Ok(json!([1])));
    let second = value("return {x == nil, string.upper ~= nil, table.insert ~= nil}", &object(), &open());
    assert_eq!(second, Ok(json!([true, true, true])));
    let numbers = "local t = {} for i = 1, 3 do t[i] = math.random(1, 6) end return t";
    assert_eq!(
        value(numbers, &object(), &open()),
        value(numbers, &object(), &open()),
        "chance is the same for all"
    );
}

#[test]
fn actions_of_scripts() {
    let script = "return {restart = {}, scale = {displayName = 'Scale', disabled = obj.status.phase ~= 'Up', params = {{name = 'n', default = '1'}}}}";
    let found = actions(script, &object(), &World::default()).unwrap();
    let names: Vec<(&str, bool, usize)> =
        found.iter().map(|action| (action.name.as_str(), action.disabled, action.params.len())).collect();
    assert_eq!(names, [("restart", false, 0), ("scale", false, 1)]);

    let changed = run_action(
        "obj.spec.size = tonumber(actionParams.n) return obj",
        &object(),
        &[("n".to_owned(), "3".to_owned())],
        &World::default(),
    )
    .unwrap();
    let [::actions::Change::Patch(patch)] = changed.as_slice() else {
        unreachable!("one patch: {changed:?}")
    };
    let field = |pointer: &str| patch.to_value().pointer(pointer).cloned().unwrap_or(Json::Null);
    assert_eq!(field("/spec/size"), json!(3));
    assert_eq!(field("/spec/empty"), json!({}), "an empty map stays one");
    assert_eq!(field("/spec/list"), json!([]), "and so does an empty list");

    let create = "return {{operation = 'create', resource = {apiVersion = 'v1', kind = 'Pod', metadata = {name = obj.metadata.name}}}}";
    let changed = run_action(create, &object(), &[], &World::default()).unwrap();
    assert!(
        matches!(changed.as_slice(), [::actions::Change::Create(pod)] if pod.name() == "db"),
        "{changed:?}"
    );

    for (row, script, expected) in [
        ("an operation", "return {{operation='delete', resource=obj}}", "unsupported operation: \"delete\""),
        ("no object", "return {a=1}", "apiVersion"),
        ("no table", "return 1", "expect table output from Lua script, not number"),
    ] {
        let error = run_action(script, &object(), &[], &World::default()).unwrap_err().to_string();
        assert!(error.contains(expected), "{row}: {error}");
    }
}

#[test]
fn own_and_built_in_actions_together() {
    let pod = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "d"}, "spec": {"template": {}}});
    let object = Object::from_value(pod).unwrap();
    let world = World { now: 1_700_000_000, ..World::default() };
    let mut settings = api::settings::KindActions {
        discovery_lua: "return {poke = {}, restart = {disabled = true}}".to_owned(),
        definitions: vec![api::settings::ActionDefinition {
            name: "poke".to_owned(),
            action_lua: "obj.spec.poked = require('os').date('!%F') return obj".to_owned(),
        }],
        merge_builtin_actions: false,
    };
    let names = |settings: Option<&api::settings::KindActions>| -> Vec<String> {
        let found = offered(settings, &object, &world).unwrap();
        found.iter().map(|a| format!("{}{}", a.name, if a.disabled { "-" } else { "" })).collect()
    };
    assert_eq!(names(None), ["restart"]);
    assert_eq!(names(Some(&settings)), ["poke", "restart-"]);
    settings.discovery_lua = "return {poke = {}}".to_owned();
    assert_eq!(names(Some(&settings)), ["poke"]);
    settings.merge_builtin_actions = true;
    assert_eq!(names(Some(&settings)), ["poke", "restart"]);

    let patched = |name: &str| match perform(Some(&settings), &object, name, &[], &world).unwrap().as_slice()
    {
        [::actions::Change::Patch(patched)] => ::actions::patches(&object, patched).main.unwrap(),
        other => unreachable!("one patch: {other:?}"),
    };
    assert_eq!(patched("poke"), json!({"spec": {"poked": "2023-11-14"}}));
    let at = json!({"annotations": {"kubectl.kubernetes.io/restartedAt": "2023-11-14T22:13:20Z"}});
    assert_eq!(patched("restart"), json!({"spec": {"template": {"metadata": at}}}));
    let error = perform(Some(&settings), &object, "none", &[], &world).unwrap_err();
    assert_eq!(error.to_string(), "DaemonSet.apps has no action none");
}
