//! `app get-resource`, `patch-resource` and `delete-resource`: single objects of an application, by a server.

use resource::Object;
use serde_json::{Map, Value, json};

use super::Session;
use super::actions::{about, managed};
use crate::command::{DeleteResourceArgs, GetResourceArgs, PatchResourceArgs};
use crate::console::Form;
use crate::failure::{Failure, Kind};
use crate::look::Look;
use crate::table::{Cell, Table};

impl Session<'_> {
    pub(super) async fn get_resource(&mut self, args: GetResourceArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let server = self.server("get-resource")?.clone();
        let tree = server.tree(&name, None).await?;
        let mut found = Vec::new();
        for node in tree["nodes"].as_array().into_iter().flatten() {
            let is = |field: &str, wanted: &str| node[field] == wanted;
            if !is("kind", &args.kind)
                || args.resource_name.as_ref().is_some_and(|wanted| !is("name", wanted))
            {
                continue;
            }
            let request = json!({
                "name": name.name, "appNamespace": name.namespace, "project": args.project.clone().unwrap_or_default(),
                "namespace": node["namespace"], "resourceName": node["name"], "group": node["group"],
                "kind": node["kind"], "version": node["version"],
            });
            let what = format!("cannot read {} of application {name}", node["name"]);
            let answer = server.ask("GetResource", &request, what).await?;
            let text = answer["manifest"].as_str().unwrap_or_default();
            let mut object: Value = serde_json::from_str(text).map_err(|error| {
                Failure::new(Kind::Other, "the server's manifest cannot be read").because(&error)
            })?;
            if !args.show_managed_fields
                && let Some(metadata) = object["metadata"].as_object_mut()
            {
                metadata.remove("managedFields");
            }
            found.push(object);
        }
        if self.console.look.native() && found.is_empty() {
            let failure =
                Failure::new(Kind::NotFound, format!("application '{name}' has no such {}", args.kind));
            return Err(failure.next(format!("see what it has: capstan app resources {name}")));
        }
        self.print_objects(&args, found);
        Ok(0)
    }

    fn print_objects(&mut self, args: &GetResourceArgs, found: Vec<Value>) {
        let fields: Vec<&str> = args.filter_fields.iter().map(String::as_str).collect();
        let shown: Vec<Value> = found
            .into_iter()
            .map(|object| if fields.is_empty() { object } else { only(&object, &fields) })
            .collect();
        if args.output == "wide" {
            let text = table(&shown, !fields.is_empty(), args.resource_name.is_none(), self.console.look);
            self.console.print(&text);
            return;
        }
        let form = if args.output == "json" { Form::Json } else { Form::Yaml };
        for (index, object) in shown.iter().enumerate() {
            if index > 0 {
                self.console.print("---\n");
            }
            self.console.object(object, form);
        }
    }

    pub(super) async fn patch_resource(&mut self, args: PatchResourceArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let server = self.server("patch-resource")?.clone();
        for object in args.resources.choose(managed(&server, &name).await?, args.all)? {
            let mut request = about(&name, &object, args.project.as_deref());
            request["patch"] = json!(args.patch);
            request["patchType"] = json!(args.patch_type);
            server.ask("PatchResource", &request, format!("cannot patch {}", object.key())).await?;
            self.done(&object, "patched");
        }
        Ok(0)
    }

    pub(super) async fn delete_resource(&mut self, args: DeleteResourceArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let server = self.server("delete-resource")?.clone();
        for object in args.resources.choose(managed(&server, &name).await?, args.all)? {
            let key = object.key();
            let shown = format!("{}/{} {}/{}", key.group, key.kind, key.namespace, key.name);
            let asks = self.console.look.native() && !args.yes;
            if asks && !self.console.confirm(&format!("Are you sure you want to delete {shown} ?"))? {
                self.console.print(&format!("The command to delete {shown} was cancelled.\n"));
                continue;
            }
            let mut request = about(&name, &object, args.project.as_deref());
            request["force"] = json!(args.force);
            request["orphan"] = json!(args.orphan);
            server.ask("DeleteResource", &request, format!("cannot delete {key}")).await?;
            self.done(&object, "deleted");
        }
        Ok(0)
    }

    /// The peer's client says this in its log.
    fn done(&mut self, object: &Object, what: &str) {
        let text = format!("{} {what}\n", object.key());
        if self.console.look.native() { self.console.print(&text) } else { self.console.tell(&text) }
    }
}

/// An object with nothing but these fields and its name. A field below a list is taken of each of its items.
///
/// **Source**: the peer's `filterFieldsFromObject`, which forgets the fields before one that goes through a list; here all stay.
fn only(object: &Value, fields: &[&str]) -> Value {
    let mut kept = Value::Object(Map::new());
    for field in fields {
        let path: Vec<&str> = field.split('.').collect();
        if let Some(part) = taken(object, &path) {
            join(&mut kept, part);
        }
    }
    join(&mut kept, json!({"metadata": {"name": object["metadata"]["name"]}}));
    kept
}

fn taken(value: &Value, path: &[&str]) -> Option<Value> {
    let Some((first, rest)) = path.split_first() else { return Some(value.clone()) };
    match value {
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().filter_map(|item| taken(item, path)).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        other => Some(json!({ *first: taken(other.get(first)?, rest)? })),
    }
}

fn join(into: &mut Value, part: Value) {
    match (into, part) {
        (Value::Object(into), Value::Object(part)) => {
            for (name, value) in part {
                join(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(part)) if into.len() == part.len() => {
            into.iter_mut().zip(part).for_each(|(into, part)| join(into, part));
        }
        (into, part) => *into = part,
    }
}

/// A line for each field that holds a value. Of chosen fields the name is said by a column alone.
fn table(objects: &[Value], chosen: bool, names: bool, look: Look) -> String {
    let mut table =
        Table::new(if names { &["FIELD", "RESOURCE NAME", "VALUE"] } else { &["FIELD", "VALUE"] });
    for object in objects {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let mut rows = Vec::new();
        flat(object, String::new(), &mut rows);
        for (field, value) in rows.into_iter().filter(|(field, _)| !(chosen && field == "metadata.name")) {
            let mut row: Vec<Cell> = vec![field.into()];
            row.extend(names.then(|| name.into()));
            row.push(value.into());
            table.row(row);
        }
    }
    table.render(look)
}

fn flat(value: &Value, field: String, rows: &mut Vec<(String, String)>) {
    let below = |name: &str| if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") };
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| flat(value, below(name), rows)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| flat(item, format!("{field}[{index}]"), rows));
        }
        Value::String(text) => rows.push((field, text.clone())),
        Value::Null => rows.push((field, "<nil>".to_owned())),
        other => rows.push((field, other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_chosen_and_laid_flat() {
        let pod = json!({"kind": "Pod", "metadata": {"name": "web", "labels": {"a": "b"}},
            "spec": {"containers": [{"name": "x", "image": "i:1"}, {"name": "y", "image": "j:2"}]}});
        let look = Look::plain();
        let text = table(&[only(&pod, &["spec.containers.image", "metadata.labels"])], true, false, look);
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert_eq!(
            lines,
            [
                "FIELD                     VALUE",
                "metadata.labels.a         b",
                "spec.containers[0].image  i:1",
                "spec.containers[1].image  j:2",
            ]
        );
        let all = table(&[pod], false, true, look);
        assert!(all.starts_with("FIELD                     RESOURCE NAME  VALUE\nkind                      web            Pod\n"), "{all}");
    }
}
