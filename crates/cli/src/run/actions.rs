//! `app actions list` and `app actions run`.

use actions::{Action, Change, Param};
use api::names::{API_VERSION, APPLICATION};
use api::settings::Settings;
use resource::{Object, ResourceKey};
use serde_json::{Value, json};

use super::Session;
use super::manifests::side_of;
use crate::command::{ListActionsArgs, ResourceFlags, RunActionArgs};
use crate::console::Form;
use crate::failure::{Failure, Kind};
use crate::name::AppName;
use crate::store::{Server, Store};
use crate::table::{Cell, Table};

impl ResourceFlags {
    fn fits(&self, key: &ResourceKey) -> bool {
        let is =
            |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|wanted| wanted == value);
        is(&self.group, &key.group)
            && is(&self.kind, &key.kind)
            && is(&self.namespace, &key.namespace)
            && is(&self.resource_name, &key.name)
    }

    /// The objects that are meant. **Errors**: none is, or several without `all`. **Source**: the peer's client, in its words.
    pub(super) fn choose(&self, objects: Vec<Object>, all: bool) -> Result<Vec<Object>, Failure> {
        let chosen: Vec<Object> = objects.into_iter().filter(|object| self.fits(&object.key())).collect();
        match chosen.len() {
            0 => Err(Failure::new(Kind::NotFound, "no matching resource found")),
            1 => Ok(chosen),
            _ if all => Ok(chosen),
            _ => Err(Failure::invalid(
                "multiple resources match inputs, use the --all flag to patch multiple resources",
            )
            .next("name one with --kind, --namespace and --resource-name, or say --all")),
        }
    }
}

/// The live objects of an application behind a server.
pub(super) async fn managed(server: &Server, name: &AppName) -> Result<Vec<Object>, Failure> {
    let items = server.managed(name).await?;
    Ok(items.iter().filter_map(|item| Object::from_value(side_of(item, "liveState")).ok()).collect())
}

/// The same and the application, which has actions, too.
async fn actionable(server: &Server, name: &AppName) -> Result<Vec<Object>, Failure> {
    let mut objects = managed(server, name).await?;
    let mut app = server.find(name).await?.unwrap_or_default();
    app["apiVersion"] = json!(API_VERSION);
    app["kind"] = json!(APPLICATION);
    objects.extend(Object::from_value(app));
    Ok(objects)
}

/// A request about one object of an application.
pub(super) fn about(name: &AppName, object: &Object, project: Option<&str>) -> Value {
    let (key, gvk) = (object.key(), object.gvk());
    json!({
        "name": name.name, "appNamespace": name.namespace, "namespace": key.namespace, "resourceName": key.name,
        "group": key.group, "kind": key.kind, "version": gvk.version, "project": project.unwrap_or_default(),
    })
}

/// The actions that a server tells.
async fn told(
    server: &Server,
    name: &AppName,
    flags: &ResourceFlags,
) -> Result<Vec<(ResourceKey, Action)>, Failure> {
    let mut offered = Vec::new();
    for object in flags.choose(actionable(server, name).await?, true)? {
        let what = format!("cannot list the actions of {}", object.key());
        let answer = server.ask("ListResourceActions", &about(name, &object, None), what).await?;
        for action in answer["actions"].as_array().into_iter().flatten() {
            let text = |of: &Value, field: &str| of[field].as_str().unwrap_or_default().to_owned();
            let params = action["params"].as_array().into_iter().flatten();
            let params =
                params.map(|p| Param { name: text(p, "name"), default: text(p, "default") }).collect();
            offered.push((
                object.key(),
                Action {
                    name: text(action, "name"),
                    disabled: action["disabled"] == true,
                    display_name: text(action, "displayName"),
                    icon_class: text(action, "iconClass"),
                    params,
                },
            ));
        }
    }
    Ok(offered)
}

impl Session<'_> {
    pub(super) async fn list_actions(&mut self, args: ListActionsArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let offered = match &self.store {
            Store::Server(server) => told(server, &name, &args.resources).await?,
            Store::Cluster(_) => self.offered(&name, &args.resources).await?,
        };
        match (args.output.as_str(), self.console.look.native()) {
            ("json", true) => self.console.object(&listed(&offered), Form::Json),
            ("yaml", true) => self.console.object(&listed(&offered), Form::Yaml),
            ("json", false) => self.console.print(&format!("{}\n", peer_json(&offered))),
            ("yaml", false) => {
                self.console.object(&peer_value(&offered), Form::Yaml);
                self.console.print("\n");
            }
            _ => self.console.print(&table(&offered, self.console.look)),
        }
        Ok(0)
    }

    async fn offered(
        &mut self,
        name: &AppName,
        flags: &ResourceFlags,
    ) -> Result<Vec<(ResourceKey, Action)>, Failure> {
        let settings = self.settings().await?;
        let mut offered = Vec::new();
        for object in self.live(name, flags).await? {
            let own = settings.overrides.actions(&object.group_kind());
            match lua::offered(own, &object, &self.world()) {
                Ok(found) => offered.extend(found.into_iter().map(|action| (object.key(), action))),
                // One script that is broken does not hide the actions of other kinds.
                Err(error) => self.console.note(&format!("the actions of {}: {error}", object.key())),
            }
        }
        Ok(offered)
    }

    /// A server looks for the action, asks the project, and does it.
    async fn ask_action(&mut self, args: &RunActionArgs, params: &[(String, String)]) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let server = self.server("actions")?.clone();
        let objects = actionable(&server, &name).await?;
        for object in args.resources.choose(objects, args.all)? {
            let mut request = about(&name, &object, None);
            request["action"] = json!(args.action);
            let params: Vec<Value> =
                params.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
            request["resourceActionParameters"] = json!(params);
            let what = format!("{} of {} cannot be done", args.action, object.key());
            server.ask("RunResourceActionV2", &request, what).await?;
            if self.console.look.native() {
                self.console.print(&format!("{}: {} done\n", object.key(), args.action));
            }
        }
        Ok(0)
    }

    /// **Shape**: the action runs on the one resource that the flags mean; on several only with `--all`.
    /// **Where we differ from the peer**: its server asks the project whether what an action creates is permitted; here the
    /// API server asks whether the user may.
    pub(super) async fn run_action(&mut self, args: RunActionArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let params = args.params.iter().map(|param| parameter(param)).collect::<Result<Vec<_>, _>>()?;
        if matches!(self.store, Store::Server(_)) {
            return self.ask_action(&args, &params).await;
        }
        let settings = self.settings().await?;
        let objects = self.live(&name, &args.resources).await?;
        let has = |object: &&Object| {
            let own = settings.overrides.actions(&object.group_kind());
            let offered = lua::offered(own, object, &self.world()).unwrap_or_default();
            offered.iter().any(|action| action.name == args.action)
        };
        let meant: Vec<&Object> = objects.iter().filter(has).collect();
        match meant.len() {
            0 => {
                let failure = Failure::new(
                    Kind::NotFound,
                    format!("no resource that is meant has the action {}", args.action),
                );
                return Err(
                    failure.next(format!("see which there are: capstan app actions list {}", args.name))
                );
            }
            1 => {}
            _ if args.all => {}
            count => {
                let failure = Failure::usage(format!("{count} resources have the action {}", args.action));
                return Err(
                    failure.next("name one with --kind, --namespace and --resource-name, or say --all")
                );
            }
        }
        for object in meant {
            let own = settings.overrides.actions(&object.group_kind());
            let failed = |error: lua::PerformError| {
                Failure::new(Kind::Other, format!("{} of {} cannot be done", args.action, object.key()))
                    .cause(error.to_string())
            };
            let changes = lua::perform(own, object, &args.action, &params, &self.world()).map_err(failed)?;
            for change in &changes {
                self.cluster("actions")?.carry_out(object, change).await?;
                let said = match change {
                    Change::Patch(patched) => format!("{} changed\n", patched.key()),
                    Change::Create(created) => format!("{} created\n", created.key()),
                };
                self.console.print(&said);
            }
        }
        Ok(0)
    }

    fn world(&self) -> lua::World {
        lua::World { now: self.context.now().as_second(), ..lua::World::default() }
    }

    async fn settings(&self) -> Result<Settings, Failure> {
        let data = self.cluster("actions")?.settings(&self.context.namespace).await;
        let data = data.map_err(|error| Failure::from_kube(&error, "cannot read argocd-cm".to_owned()))?;
        Ok(Settings::parse(&data, None).0)
    }

    /// The live objects of an application that the flags mean, by key.
    async fn live(&self, name: &AppName, flags: &ResourceFlags) -> Result<Vec<Object>, Failure> {
        let app = self.store.application(name).await?;
        let mut found = Vec::new();
        for resource in &app.status.resources {
            let key = resource.key();
            if flags.fits(&key) {
                found.extend(self.cluster("actions")?.live(&resource.version, &key).await?);
            }
        }
        Ok(found)
    }
}

fn parameter(text: &str) -> Result<(String, String), Failure> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| Failure::usage(format!("{text} is no parameter: say NAME=VALUE")))?;
    Ok((name.to_owned(), value.to_owned()))
}

fn table(offered: &[(ResourceKey, Action)], look: crate::look::Look) -> String {
    let mut table = Table::new(&["GROUP", "KIND", "NAME", "ACTION", "DISABLED"]);
    for (key, action) in offered {
        let disabled = if action.disabled { "true" } else { "false" };
        let cells = [key.group.as_str(), &key.kind, &key.name, &action.name, disabled];
        table.row(cells.map(Cell::from).to_vec());
    }
    table.render(look)
}

/// As the peer's client prints them: its own names, in its own order.
fn peer_json(offered: &[(ResourceKey, Action)]) -> String {
    let entry = |(key, action): &(ResourceKey, Action)| {
        let fields =
            [("Group", &key.group), ("Kind", &key.kind), ("Name", &key.name), ("Action", &action.name)];
        let fields = fields.map(|(name, text)| format!("    \"{name}\": {},\n", json!(text)));
        format!("  {{\n{}    \"Disabled\": {}\n  }}", fields.concat(), action.disabled)
    };
    match offered.iter().map(entry).collect::<Vec<_>>() {
        entries if entries.is_empty() => "null".to_owned(),
        entries => format!("[\n{}\n]", entries.join(",\n")),
    }
}

fn peer_value(offered: &[(ResourceKey, Action)]) -> Value {
    let entry = |(key, action): &(ResourceKey, Action)| json!({"Group": key.group, "Kind": key.kind, "Name": key.name, "Action": action.name, "Disabled": action.disabled});
    offered.iter().map(entry).collect()
}

fn listed(offered: &[(ResourceKey, Action)]) -> Value {
    let entry = |(key, action): &(ResourceKey, Action)| {
        let params = action.params.iter().map(|param| json!({"name": param.name, "default": param.default}));
        json!({
            "group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name,
            "action": action.name, "disabled": action.disabled, "displayName": action.display_name,
            "params": params.collect::<Vec<_>>(),
        })
    };
    offered.iter().map(entry).collect()
}
