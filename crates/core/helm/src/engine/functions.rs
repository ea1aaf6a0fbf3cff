//! Functions that need a chart at hand: `include`, `tpl`, `lookup`.

use gotemplate::{
    Call, CallError, ExecError, Execute, Function, Functions, Outcome, Run, Str, Templates, Type, Value,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// How often a template may be inside of itself by `include`. Helm has the same limit.
const MAX_INCLUDES: u32 = 1000;

/// The name under which Helm parses what is no file.
const ROOT: &str = "gotpl";

/// `lookup`: API version, kind, namespace and name to an object, or for an empty name to a list; an empty map for what is not there.
pub type Lookup = dyn Fn(&str, &str, &str, &str) -> Result<serde_json::Value, String>;

/// What the functions remember of a run.
pub(super) struct Host {
    /// How often each template is inside of itself just now.
    included: RefCell<BTreeMap<String, u32>>,
    lookup: Option<Rc<Lookup>>,
}

impl Host {
    pub(super) fn new(lookup: Option<Rc<Lookup>>) -> Self {
        Self { included: RefCell::default(), lookup }
    }
}

const TABLE: &[Function] = &[
    Function::new("include", &[Type::String, Type::Any], include),
    Function::new("tpl", &[Type::String, Type::Any], tpl),
    Function::new("lookup", &[Type::String, Type::String, Type::String, Type::String], lookup),
];

/// All functions of Helm's dialect.
pub(super) fn all() -> Functions {
    sprig::functions(sprig::Dialect::Helm).with(TABLE)
}

fn include(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let name = call.text(0).into_owned();
    let host = call.host::<Host>();
    if let Some(host) = &host {
        let mut included = host.included.borrow_mut();
        let times = included.entry(name.clone()).or_default();
        if *times > MAX_INCLUDES {
            return Err(format!(
                "rendering template has a nested reference name: {name}: unable to execute template"
            )
            .into());
        }
        *times += 1;
    }
    let leave = move |host: Option<Rc<Host>>, name: &str| {
        if let Some(host) = host
            && let Some(times) = host.included.borrow_mut().get_mut(name)
        {
            *times = times.saturating_sub(1);
        }
    };
    if call.templates().lookup(&name).is_none() {
        leave(host, &name);
        return Err(format!("template: no template {name:?} associated with template \"{ROOT}\"").into());
    }
    Ok(Outcome::Execute(Box::new(Execute {
        templates: call.templates().clone(),
        name: name.clone(),
        data: call.arg(1).clone(),
        then: Box::new(move |run: &mut Run, result: Result<Str, ExecError>| {
            leave(run.host::<Host>(), &name);
            Ok(Value::String(result?))
        }),
    })))
}

fn tpl(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let text = call.text(0).into_owned();
    // A text without actions is itself, and most are.
    if !text.contains("{{") {
        return Ok(Value::from(text.replace("<no value>", "")).into());
    }
    call.budget().step(1 + (text.len() as u64 >> 3))?;
    let mut templates = call.templates().overlay();
    let outer = templates.lookup(ROOT).cloned();
    let parse = |templates: &mut Templates| {
        templates
            .parse(ROOT, &text)
            .map_err(|error| format!("cannot parse template {}: {error}", quoted(&text)))
    };
    parse(&mut templates)?;
    // A text of blanks and comments replaces nothing, so inside of another `tpl` that one's text would run again.
    if let (Some(before), Some(now)) = (outer, templates.lookup(ROOT))
        && Arc::ptr_eq(&before, now)
    {
        templates = Templates::new(all());
        parse(&mut templates)?;
    }
    Ok(Outcome::Execute(Box::new(Execute {
        templates,
        name: ROOT.to_owned(),
        data: call.arg(1).clone(),
        then: Box::new(move |_: &mut Run, result: Result<Str, ExecError>| match result {
            Ok(rendered) => Ok(match rendered.as_str() {
                Some(text) if text.contains("<no value>") => text.replace("<no value>", "").into(),
                _ => Value::String(rendered),
            }),
            Err(error) => {
                Err(format!("error during tpl function execution for {}: {error}", quoted(&text)).into())
            }
        }),
    })))
}

fn quoted(text: &str) -> String {
    gotemplate::format::quoted(text.as_bytes())
}

fn lookup(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let lookup = call.host::<Host>().and_then(|host| host.lookup.clone());
    let Some(lookup) = lookup else { return Ok(Value::map(BTreeMap::new()).into()) };
    let found = lookup(&call.text(0), &call.text(1), &call.text(2), &call.text(3))?;
    let found = Value::from_json(&found, gotemplate::Numbers::Int64).map_err(|error| error.to_string())?;
    Ok(found.into())
}
