//! `app patch`, `app edit` and `app confirm-deletion`.

use api::names::annotation;
use api::{Application, ApplicationSpec};
use serde_json::{Value, json};

use super::Session;
use crate::command::{ConfirmDeletionArgs, EditArgs, PatchArgs};
use crate::console::Form;
use crate::editor::Edit;
use crate::escape;
use crate::failure::Failure;
use crate::store::Store;

impl Session<'_> {
    pub(super) async fn patch(&mut self, args: PatchArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let patched = match &self.store {
            Store::Server(server) => server.patch(&name, &args.kind, &args.patch).await?,
            Store::Cluster(cluster) => cluster.patch(&name, &args.kind, &args.patch).await?,
        };
        self.applications(patched, Form::Yaml);
        if !self.console.look.native() {
            self.console.print("\n");
        }
        Ok(0)
    }

    pub(super) async fn confirm_deletion(&mut self, args: ConfirmDeletionArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let now = api::format_time(self.context.now());
        let patch = json!({ "metadata": { "annotations": { annotation::DELETION_APPROVED: now } } });
        self.store.update(&name, |_| Ok(Some(patch.clone()))).await?;
        self.console.print(&format!("Application '{}' updated successfully\n", escape::line(&name.name)));
        Ok(0)
    }

    /// Has the user's editor change the specification. What cannot be used comes back with the reason in front of it.
    pub(super) async fn edit(&mut self, args: EditArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let app = self.store.application(&name).await?;
        let text = goyaml::to_string(&app.to_value()["spec"]);
        let mut edit = Edit::new(&self.context.editor, &name.name, text)?;
        loop {
            let tried = match specification(edit.round()?, &app) {
                Ok(spec) => {
                    let change = |app: &mut Application| {
                        app.spec.clone_from(&spec);
                        Ok(())
                    };
                    self.store.respecify(&name, true, change).await.map(drop)
                }
                Err(failure) => Err(failure),
            };
            match tried {
                Ok(()) => return Ok(0),
                Err(failure) => edit.refused(&failure),
            }
        }
    }
}

fn specification(text: &str, app: &Application) -> Result<ApplicationSpec, Failure> {
    let wrong = |error: String| Failure::invalid("this is no specification of an application").cause(error);
    let spec =
        goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default()).map_err(|e| wrong(e.to_string()))?;
    let mut value: Value = app.to_value();
    value["spec"] = spec;
    Application::from_value(value).map(|app| app.spec).map_err(|error| wrong(error.to_string()))
}
