//! `.Files`.

use crate::chart::ChartFiles;
use crate::error::Error;
use crate::glob::Glob;
use base64::Engine as _;
use gotemplate::{Call, CallError, Function, Kind, Map, MapType, Object, Outcome, Str, Type, Value};
use std::any::Any;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// The first file that could not be read, if any: the render fails by it, not by what a template made of that.
pub(super) type Failure = Rc<RefCell<Option<Error>>>;

const METHODS: &[Function] = &[
    Function::new("Get", &[Type::String], get),
    Function::new("GetBytes", &[Type::String], get_bytes),
    Function::new("Glob", &[Type::String], glob),
    Function::new("Lines", &[Type::String], lines),
    Function::new("AsConfig", &[], as_config),
    Function::new("AsSecrets", &[], as_secrets),
];

/// `engine.files`: what `Glob` gives.
const FILES: &MapType = &MapType { name: "engine.files", element: Type::Bytes, methods: METHODS };

/// The files of a chart, read when a template asks for one.
struct Lazy {
    files: ChartFiles,
    failure: Failure,
    /// All of them, once somebody has gone through them.
    all: OnceCell<Map>,
}

impl Object for Lazy {
    fn type_name(&self) -> &str {
        "engine.files"
    }

    fn kind(&self) -> Kind {
        Kind::Map
    }

    fn contents(&self) -> Option<Value> {
        let all = self.all.get_or_init(|| {
            let files = self.files.all().unwrap_or_else(|error| {
                self.fail(error);
                Vec::new()
            });
            let entries = files.into_iter().map(|file| ((&*file.name).into(), bytes(&file.content)));
            Map::new(FILES, entries.collect())
        });
        Some(Value::Map(all.clone()))
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        METHODS.iter().find(|method| method.name == name)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `.Files` of a chart.
pub(super) fn value(files: &ChartFiles, failure: &Failure) -> Value {
    Value::object(Lazy { files: files.clone(), failure: Rc::clone(failure), all: OnceCell::new() })
}

fn bytes(content: &Arc<[u8]>) -> Value {
    Value::Bytes(Rc::from(&**content))
}

/// Asks the files that a method was called on, be they read or not.
fn one(call: &mut Call<'_>) -> Result<Option<Value>, CallError> {
    let name = call.text(0);
    let found = match call.receiver() {
        Value::Map(map) => map.get(&name),
        other => match other.as_object::<Lazy>() {
            Some(lazy) => lazy.read(&name)?.map(|content| bytes(&content)),
            None => None,
        },
    };
    if let Some(Value::Bytes(bytes)) = &found {
        call.budget().allocate(bytes.len())?;
    }
    Ok(found)
}

impl Lazy {
    fn read(&self, name: &str) -> Result<Option<Arc<[u8]>>, CallError> {
        self.files.get(name).map_err(|error| self.fail(error))
    }

    fn fail(&self, error: Error) -> CallError {
        let message = error.to_string();
        self.failure.borrow_mut().get_or_insert(error);
        message.into()
    }
}

/// All files that a method was called on, or those that match.
fn many(call: &mut Call<'_>, glob: Option<&Glob>) -> Result<BTreeMap<Str, Value>, CallError> {
    let wanted = |name: &str| glob.is_none_or(|glob| glob.matches(name));
    let mut found = BTreeMap::new();
    match call.receiver() {
        Value::Map(map) => {
            found.extend(map.snapshot().into_iter().filter(|(name, _)| wanted(&name.to_text())));
        }
        other => {
            let Some(lazy) = other.as_object::<Lazy>() else { return Ok(found) };
            for name in lazy.files.names().map_err(|error| lazy.fail(error))? {
                if wanted(&name)
                    && let Some(content) = lazy.read(&name)?
                {
                    found.insert(name.into(), bytes(&content));
                }
            }
        }
    }
    let size = |value: &Value| if let Value::Bytes(bytes) = value { bytes.len() } else { 0 };
    call.budget().allocate(found.values().map(size).sum())?;
    Ok(found)
}

fn get(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    Ok(match one(call)? {
        Some(Value::Bytes(bytes)) => Value::String(Str::from(&*bytes)).into(),
        _ => Value::from("").into(),
    })
}

fn get_bytes(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    Ok(one(call)?.unwrap_or_else(|| Value::Bytes(Rc::new([]))).into())
}

fn glob(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let glob = Glob::new(&call.text(0));
    Ok(Value::Map(Map::new(FILES, many(call, Some(&glob))?)).into())
}

fn lines(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let Some(Value::Bytes(bytes)) = one(call)? else { return Ok(Value::strings::<Str>([]).into()) };
    if bytes.is_empty() {
        return Ok(Value::strings::<Str>([]).into());
    }
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    call.budget().allocate(text.len())?;
    Ok(Value::strings(text.split(|byte| *byte == b'\n').map(Str::from)).into())
}

fn as_config(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    as_yaml(call, |bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn as_secrets(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    as_yaml(call, |bytes| base64::engine::general_purpose::STANDARD.encode(bytes))
}

/// A YAML map from the last part of the name to the content.
fn as_yaml(call: &mut Call<'_>, content: fn(&[u8]) -> String) -> Result<Outcome, CallError> {
    let mut map = serde_json::Map::new();
    for (name, value) in many(call, None)? {
        let name = name.to_text();
        let base = name.rsplit('/').next().unwrap_or(&name).to_owned();
        if let Value::Bytes(bytes) = value {
            call.budget().allocate(2 * bytes.len())?;
            map.insert(base, content(&bytes).into());
        }
    }
    let text = goyaml::to_string(&map.into());
    Ok(Value::from(text.strip_suffix('\n').unwrap_or(&text)).into())
}
