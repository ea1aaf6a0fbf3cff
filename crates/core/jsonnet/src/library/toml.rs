//! TOML.

use std::rc::Rc;

use super::{Given, Result};
use crate::error::Fault;
use crate::machine::Machine;
use crate::manifest::quote;
use crate::value::{Object, Value};

pub(super) fn manifest(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let value = given.value(machine, 0)?;
    print(machine, &value, "  ")
}

pub(super) fn manifest_ex(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let indent = given.text(machine, 1)?;
    let value = given.value(machine, 0)?;
    print(machine, &value, indent.as_str())
}

fn print(machine: &mut Machine<'_>, value: &Value, indent: &str) -> Result<Value> {
    let Value::Object(object) = value else {
        return Err(Fault::runtime(format!("TOML body must be an object. Got {}", value.type_name())));
    };
    let text =
        Writer { machine: &mut *machine, indent }.table(object, &mut Vec::new(), &mut Vec::new(), "")?;
    machine.make_text(text)
}

struct Writer<'a, 'b> {
    machine: &'a mut Machine<'b>,
    indent: &'a str,
}

fn key(name: &str) -> String {
    if name.is_empty() {
        return "''".to_owned();
    }
    if name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
        return name.to_owned();
    }
    let mut quoted = String::new();
    quote(name, &mut quoted);
    quoted
}

fn has_fields(object: &Object) -> bool {
    object.names().iter().any(|(_, shown)| *shown)
}

impl Writer<'_, '_> {
    /// The fields of a table, and its tables behind them.
    fn table(
        &mut self,
        object: &Rc<Object>,
        path: &mut Vec<String>,
        at: &mut Vec<String>,
        indent: &str,
    ) -> Result<String> {
        let level = at.len();
        let (mut lines, mut tables) = (Vec::new(), vec![String::new()]);
        for name in object.shown() {
            let field = self.machine.checked_field(object, &name)?;
            at.truncate(level);
            at.push(name.to_string());
            let here = key(&name);
            match self.sections(&field)? {
                None => {
                    let value = self.value(&field, false, at)?;
                    lines.extend(format!("{here} = {value}").split('\n').map(str::to_owned));
                }
                Some(sections) => {
                    path.push(here);
                    let list = matches!(field, Value::Array(_));
                    let mut printed = Vec::new();
                    for (number, section) in sections.into_iter().enumerate() {
                        at.truncate(level + 1);
                        at.extend(list.then(|| number.to_string()));
                        let title = path.join(".");
                        let title =
                            if list { format!("{indent}[[{title}]]") } else { format!("{indent}[{title}]") };
                        let newline = if has_fields(&section) { "\n" } else { "" };
                        let deeper = [indent, self.indent].concat();
                        self.machine.room(printed.len() * 64)?;
                        let body = self.deeper(|writer| writer.table(&section, path, at, &deeper))?;
                        printed.push([title.as_str(), newline, &body].concat());
                    }
                    path.pop();
                    tables.push(printed.join("\n\n"));
                }
            }
        }
        at.truncate(level);
        let start = if lines.is_empty() { "" } else { indent };
        let between = ["\n", indent].concat();
        Ok([start, &lines.join(&between), &tables.join("\n\n")].concat())
    }

    fn deeper<T>(&mut self, run: impl FnOnce(&mut Writer<'_, '_>) -> Result<T>) -> Result<T> {
        let indent = self.indent;
        self.machine.within_call(|machine| run(&mut Writer { machine, indent }))
    }

    /// The tables that a value is: an object, or a list of nothing but objects.
    fn sections(&mut self, value: &Value) -> Result<Option<Vec<Rc<Object>>>> {
        match value {
            Value::Object(object) => Ok(Some(vec![Rc::clone(object)])),
            Value::Array(list) if !list.items.is_empty() => {
                let mut objects = Vec::new();
                for item in &list.items {
                    match self.machine.force(item)? {
                        Value::Object(object) => objects.push(object),
                        _ => return Ok(None),
                    }
                }
                Ok(Some(objects))
            }
            _ => Ok(None),
        }
    }

    fn value(&mut self, value: &Value, inline: bool, at: &mut Vec<String>) -> Result<String> {
        self.machine.step(1)?;
        Ok(match value {
            Value::Null => {
                return Err(Fault::runtime(format!("Tried to manifest \"null\" at [{}]", at.join(" "))));
            }
            Value::Function(_) => {
                return Err(Fault::runtime(format!("Tried to manifest function at [{}]", at.join(" "))));
            }
            Value::Bool(value) => value.to_string(),
            Value::Number(number) => crate::number::print(*number),
            Value::Text(text) => {
                let mut quoted = String::new();
                quote(text.as_str(), &mut quoted);
                quoted
            }
            Value::Array(list) => {
                if list.items.is_empty() {
                    return Ok("[]".to_owned());
                }
                let (indent, line) =
                    if inline { (String::new(), " ") } else { (self.indent.to_owned(), "\n") };
                let mut items = Vec::new();
                for (number, item) in list.items.iter().enumerate() {
                    let item = self.machine.force(item)?;
                    at.push(number.to_string());
                    items.push(
                        [indent.as_str(), &self.deeper(|writer| writer.value(&item, true, at))?].concat(),
                    );
                    at.pop();
                }
                ["[", line, &items.join(&[",", line].concat()), line, "]"].concat()
            }
            Value::Object(object) => {
                let mut fields = Vec::new();
                for name in object.shown() {
                    let field = self.machine.checked_field(object, &name)?;
                    at.push(name.to_string());
                    let field = self.deeper(|writer| writer.value(&field, true, at))?;
                    at.pop();
                    fields.push([key(&name).as_str(), " = ", &field].concat());
                }
                ["{ ", &fields.join(", "), " }"].concat()
            }
        })
    }
}
