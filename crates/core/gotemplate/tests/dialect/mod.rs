//! A small dialect, as the crates on top of this one make theirs.

use std::any::Any;
use std::collections::BTreeMap;
use std::rc::Rc;

use gotemplate::{
    Budget, Call, CallError, ExecError, Execute, Function, Functions, Limits, List, ListType, Map, MapType,
    Numbers, Object, Outcome, Run, Str, Templates, Type, Value,
};

const TABLE: &[Function] = &[
    Function::variadic("dict", &[], Type::Any, dict),
    Function::variadic("list", &[], Type::Any, list),
    Function::new("set", &[Type::Map, Type::String, Type::Any], set),
    Function::new("include", &[Type::String, Type::Any], include),
    Function::new("tpl", &[Type::String, Type::Any], tpl),
    Function::new("upper", &[Type::String], upper),
    Function::new("plus", &[Type::Int, Type::Int64], plus),
    Function::new("fail", &[Type::String], fail),
    Function::new("greeting", &[], greeting),
    Function::new("flag", &[Type::Bool], echo),
    Function::new("half", &[Type::Float64], echo),
    Function::new("byte", &[Type::Uint8], echo),
    Function::new("items", &[Type::List], echo),
    Function::new("probe", &[Type::Named("*test.Probe")], echo),
    Function::new("bytes", &[Type::String], bytes),
];

pub(crate) fn functions() -> Functions {
    Functions::builtin().with(TABLE)
}

pub(crate) fn value(json: &str) -> Value {
    Value::from_json(&serde_json::from_str(json).expect("the test gives what parses"), Numbers::Int)
        .expect("the test gives what parses")
}

pub(crate) fn render(template: &str, data: &Value) -> Result<String, ExecError> {
    render_with(Limits::default(), template, data)
}

pub(crate) fn render_with(limits: Limits, template: &str, data: &Value) -> Result<String, ExecError> {
    let mut templates = Templates::new(functions());
    templates.parse("t", template).expect("the test gives what parses");
    let mut run = Run::new(Budget::new(limits)).with(Rc::new(Greeting("hello")));
    templates.execute(&mut run, "t", data)
}

/// An object with a field, a method, and a count of who holds it.
#[derive(Default)]
#[allow(dead_code, reason = "one of the tests that share this looks at the count")]
pub(crate) struct Probe(pub(crate) Rc<()>);

const ADD: Function = Function::new("Add", &[Type::String], add);
const NAME: Function = Function::new("Name", &[], name);

impl Object for Probe {
    fn type_name(&self) -> &str {
        "*test.Probe"
    }

    fn field(&self, name: &str) -> Option<Value> {
        (name == "Field").then(|| "field".into())
    }

    fn field_names(&self) -> &[&'static str] {
        &["Field"]
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        match name {
            "Add" => Some(&ADD),
            "Name" => Some(&NAME),
            _ => None,
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct Greeting(&'static str);

fn add(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    assert!(call.receiver().as_object::<Probe>().is_some());
    Ok(format!("added {}", call.text(0)).into())
}

fn name(_: &mut Call<'_>) -> Result<Outcome, CallError> {
    Ok("a probe".into())
}

fn dict(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let mut entries = BTreeMap::new();
    for pair in call.args().chunks(2) {
        let Value::String(key) = &pair[0] else { return Err("keys are strings".into()) };
        entries.insert(key.clone(), pair.get(1).cloned().unwrap_or_default());
    }
    call.budget().allocate(100)?;
    Ok(Map::new(MapType::ANY, entries).into())
}

fn list(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    Ok(Value::list(call.args().to_vec()).into())
}

fn set(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let map = call.map(0)?;
    call.set(map, call.text(1).into(), call.arg(2).clone())?;
    Ok(call.arg(0).clone().into())
}

fn include(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    Ok(Outcome::Execute(Box::new(Execute {
        templates: call.templates().clone(),
        name: call.text(0).into_owned(),
        data: call.arg(1).clone(),
        then: Box::new(|_, text| Ok(text?.into())),
    })))
}

fn tpl(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let mut templates = call.templates().overlay();
    let name = call.template().to_owned();
    templates.parse(&name, &call.text(0)).map_err(|error| format!("cannot parse: {error}"))?;
    let then = |_: &mut Run, text: Result<Str, ExecError>| match text {
        Ok(text) => Ok(text.into()),
        Err(error) => Err(format!("error during tpl: {error}").into()),
    };
    let data = call.arg(1).clone();
    Ok(Outcome::Execute(Box::new(Execute { templates, name, data, then: Box::new(then) })))
}

fn upper(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    Ok(call.text(0).to_uppercase().into())
}

fn plus(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    Ok(Value::int64(call.int(0) + call.int(1)).into())
}

fn fail(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    Err(call.text(0).into_owned().into())
}

fn greeting(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    Ok(call.host::<Greeting>().expect("the test gives what parses").0.into())
}

fn echo(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    Ok(call.arg(0).clone().into())
}

fn bytes(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    Ok(Value::Bytes(call.bytes(0).into()).into())
}

/// A list of a named type with a method, and a map that is made when somebody looks into it.
#[allow(dead_code, reason = "one of the tests that share this uses it")]
pub(crate) fn containers() -> Value {
    const VERSIONS: &ListType = &ListType { name: "test.Versions", element: Type::String };
    const METHODS: &[Function] = &[Function::new("Has", &[Type::String], has)];
    let versions = List::with_methods(VERSIONS, vec!["a".into(), "b".into()], METHODS);
    let entries = [("Versions".into(), versions.into()), ("Late".into(), Value::object(Late))];
    Value::map(entries.into())
}

fn has(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let Value::List(versions) = call.receiver() else { return Ok(false.into()) };
    Ok(versions.items().iter().any(|item| item.as_bytes() == Some(call.bytes(0))).into())
}

struct Late;

impl Object for Late {
    fn type_name(&self) -> &str {
        "test.Late"
    }

    fn contents(&self) -> Option<Value> {
        Some(Value::map([("k".into(), "v".into())].into()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
