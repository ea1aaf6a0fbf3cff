//! `app actions list` and `app actions run`.

use actions::{Action, Change};
use api::settings::Settings;
use resource::{Object, ResourceKey};
use serde_json::{Value, json};

use super::Session;
use crate::command::{ListActionsArgs, ResourceFlags, RunActionArgs};
use crate::console::Form;
use crate::failure::{Failure, Kind};
use crate::name::AppName;
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
}

impl Session<'_> {
    pub(super) async fn list_actions(&mut self, args: ListActionsArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let settings = self.settings().await?;
        let mut offered = Vec::new();
        for object in self.live(&name, &args.resources).await? {
            let own = settings.overrides.actions(&object.group_kind());
            match lua::offered(own, &object, &self.world()) {
                Ok(found) => offered.extend(found.into_iter().map(|action| (object.key(), action))),
                // One script that is broken does not hide the actions of other kinds.
                Err(error) => self.console.note(&format!("the actions of {}: {error}", object.key())),
            }
        }
        match args.output.as_str() {
            "json" => self.console.object(&listed(&offered), Form::Json),
            "yaml" => self.console.object(&listed(&offered), Form::Yaml),
            _ => self.console.print(&table(&offered, self.console.look)),
        }
        Ok(0)
    }

    /// **Shape**: the action runs on the one resource that the flags mean; on several only with `--all`.
    /// **Where we differ from the peer**: its server asks the project whether what an action creates is permitted; here the
    /// API server asks whether the user may.
    pub(super) async fn run_action(&mut self, args: RunActionArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let params = args.params.iter().map(|param| parameter(param)).collect::<Result<Vec<_>, _>>()?;
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
                self.store.carry_out(object, change).await?;
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
        let data = self.store.settings(&self.context.namespace).await;
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
                found.extend(self.store.live(&resource.version, &key).await?);
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
