//! `capstan health`: judges objects of files as the controllers judge live ones.

use std::collections::BTreeMap;
use std::io::Read as _;

use ::health::{Health, Status};
use api::settings::Settings;
use clap::ValueEnum;
use resource::Object;
use serde_json::{Value, json};

use crate::look::Look;
use crate::streams::{complain, print};
use crate::table::{Cell, Table};

/// Files larger than this are refused.
const MOST_BYTES: u64 = 64 << 20;

/// Every object is well, suspended on purpose, or of a kind without health.
const WELL: u8 = 0;
/// Some object is not.
const NOT_WELL: u8 = 1;
/// A file cannot be read.
const UNREADABLE: u8 = 2;

/// `health`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    disable_version_flag = true,
    after_help = "Exit codes:\n  \
    0  every object is Healthy or Suspended, or its kind has no health\n  \
    1  some object is Progressing, Missing, Degraded or Unknown\n  \
    2  a file cannot be read\n\n\
    Examples:\n  \
    capstan health live.yaml --settings argocd-cm.yaml\n  \
    kubectl get rollouts,certificates -A -o yaml | capstan health -"
)]
pub struct HealthArgs {
    /// Files with live objects, in YAML or JSON; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// The ConfigMap `argocd-cm` with health scripts; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub settings: Option<String>,
    /// How to print
    #[arg(short, long, value_enum, default_value_t)]
    pub output: HealthOutput,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum HealthOutput {
    /// A table
    #[default]
    Table,
    /// A list of `{group, kind, namespace, name, status, message}`
    Json,
}

/// Runs the command and returns its exit code.
pub fn health(arguments: &HealthArgs) -> u8 {
    let said = judge(arguments, &mut read).and_then(|said| {
        for note in &said.notes {
            complain(&format!("warning: {note}"));
        }
        print(&said.out).map(|()| said.code).map_err(|error| error.to_string())
    });
    said.unwrap_or_else(|message| {
        complain(&format!("Error: {message}"));
        UNREADABLE
    })
}

/// What the command says.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    out: String,
    notes: Vec<String>,
    code: u8,
}

/// Reads a file, or standard input for `-`.
type Reader<'a> = &'a mut dyn FnMut(&str) -> std::io::Result<Vec<u8>>;

fn judge(arguments: &HealthArgs, read: Reader<'_>) -> Result<Said, String> {
    let (settings, notes) = match &arguments.settings {
        Some(file) => settings(file, read)?,
        None => (Settings::default(), Vec::new()),
    };
    let mut judged = Vec::new();
    for file in &arguments.files {
        for object in objects(file, read)? {
            let health = of(&object, &settings);
            judged.push((object, health));
        }
    }
    let well = |health: &Option<Health>| {
        health.as_ref().is_none_or(|health| matches!(health.status, Status::Healthy | Status::Suspended))
    };
    let code = if judged.iter().all(|(_, health)| well(health)) { WELL } else { NOT_WELL };
    let out = match arguments.output {
        HealthOutput::Table => table(&judged),
        HealthOutput::Json => {
            let list: Vec<Value> =
                judged.iter().map(|(object, health)| entry(object, health.as_ref())).collect();
            format!("{:#}\n", Value::Array(list))
        }
    };
    Ok(Said { out, notes, code })
}

/// As the controllers judge: deletion, the kind's script, the built-in rules.
fn of(object: &Object, settings: &Settings) -> Option<Health> {
    let script = settings.overrides.health_script(&object.group_kind());
    let Some(script) = script.filter(|_| !object.is_deleting()) else { return ::health::of(object) };
    let now = jiff::Timestamp::now().as_second();
    let world = lua::World { open_libs: script.open_libs, now, ..lua::World::default() };
    lua::settle(lua::health(script.lua, object, &world), object)
}

fn table(judged: &[(Object, Option<Health>)]) -> String {
    let mut table = Table::new(&["KIND", "NAMESPACE", "NAME", "HEALTH", "MESSAGE"]);
    for (object, health) in judged {
        let kind = object.group_kind().to_string();
        let status = health.as_ref().map_or("-", |health| health.status.as_str());
        let message = health.as_ref().map(|health| health.message.as_str()).unwrap_or_default();
        let namespace = object.namespace().unwrap_or_default();
        table.row([kind.as_str(), namespace, object.name(), status, message].map(Cell::from).to_vec());
    }
    table.render(Look::plain())
}

fn entry(object: &Object, health: Option<&Health>) -> Value {
    let kind = object.group_kind();
    json!({
        "group": kind.group, "kind": kind.kind, "namespace": object.namespace(), "name": object.name(),
        "status": health.map(|health| health.status.as_str()),
        "message": health.map(|health| health.message.as_str()),
    })
}

/// The objects of a file; lists are their items. An error names the file and the document.
fn objects(file: &str, read: Reader<'_>) -> Result<Vec<Object>, String> {
    let mut objects = Vec::new();
    for (number, value) in documents(file, read)?.into_iter().enumerate() {
        let named = |what: String| format!("{file}: document {}: {what}", number + 1);
        let items = value.get("items").and_then(Value::as_array).cloned();
        let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
        match items.filter(|_| is_list) {
            Some(items) => {
                for (at, item) in items.into_iter().enumerate() {
                    let object = Object::from_value(item);
                    objects.push(object.map_err(|error| named(format!("item {}: {error}", at + 1)))?);
                }
            }
            None => objects.push(Object::from_value(value).map_err(|error| named(error.to_string()))?),
        }
    }
    Ok(objects)
}

fn documents(file: &str, read: Reader<'_>) -> Result<Vec<Value>, String> {
    let text = read(file).map_err(|error| format!("{file}: {error}"))?;
    let limits = goyaml::Limits::default();
    let documents = goyaml::parse_all(&text, &limits).map_err(|error| format!("{file}: {error}"))?;
    Ok(documents.into_iter().map(|document| document.value).collect())
}

/// The settings of the file's ConfigMap: the one named `argocd-cm`, else the only one. Keys that cannot be read are
/// notes, as they are events in a cluster.
fn settings(file: &str, read: Reader<'_>) -> Result<(Settings, Vec<String>), String> {
    let maps: Vec<Object> = objects(file, read)?.into_iter().filter(|o| o.kind() == "ConfigMap").collect();
    let named = maps.iter().find(|map| map.name() == api::names::config_map::ARGOCD_CM);
    let ((Some(map), _) | (None, [map])) = (named, maps.as_slice()) else {
        return Err(format!("{file}: there is no ConfigMap argocd-cm"));
    };
    let entries = map.as_map().get("data").and_then(Value::as_object).into_iter().flatten();
    let data: BTreeMap<String, String> =
        entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
    let (settings, problems) = Settings::parse(&data, None);
    let mut notes: Vec<String> = problems.iter().map(|problem| format!("{file}: {problem}")).collect();
    for (pattern, entry) in settings.overrides.entries() {
        if let Some(Err(error)) = entry.health_lua.as_deref().map(lua::check) {
            notes.push(format!("{file}: the health script of {}/{}: {error}", pattern.group, pattern.kind));
        }
    }
    Ok((settings, notes))
}

fn read(file: &str) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == "-" {
        std::io::stdin().take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(file)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 > MOST_BYTES {
        return Err(std::io::Error::other(format!("it is larger than {} MiB", MOST_BYTES >> 20)));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
