//! `app patch`, `app edit` and `app confirm-deletion`.

use std::path::Path;

use api::names::annotation;
use api::{Application, ApplicationSpec};
use serde_json::{Value, json};

use super::Session;
use crate::command::{ConfirmDeletionArgs, EditArgs, PatchArgs};
use crate::console::Form;
use crate::escape;
use crate::failure::{Failure, Kind};
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
        let before = goyaml::to_string(&app.to_value()["spec"]);
        let (mut text, mut reason) = (before.clone(), String::new());
        let failed = |error: &std::io::Error| {
            Failure::new(Kind::Other, "the specification cannot be edited").because(error)
        };
        let folder = tempfile::tempdir().map_err(|error| failed(&error))?;
        let file = folder.path().join(format!("{}-edit.yaml", name.name));
        loop {
            let shown: String =
                reason.lines().map(|line| format!("# {line}\n")).chain([text.clone()]).collect();
            std::fs::write(&file, &shown).map_err(|error| failed(&error))?;
            self.run_editor(&file)?;
            let edited = std::fs::read_to_string(&file).map_err(|error| failed(&error))?;
            let plain: String = edited
                .lines()
                .filter(|line| !line.starts_with('#'))
                .map(|line| format!("{line}\n"))
                .collect();
            if edited.is_empty() || edited == shown {
                return Err(Failure::invalid("edit cancelled, no valid changes were saved"));
            }
            let tried = match specification(&plain, &app) {
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
                Err(failure) => {
                    reason =
                        std::iter::once(failure.what).chain(failure.causes).collect::<Vec<_>>().join("\n");
                    text = plain;
                }
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the user's own editor, which is what the word is for")]
    fn run_editor(&self, file: &Path) -> Result<(), Failure> {
        let mut words = self.context.editor.split_whitespace();
        let program = words.next().unwrap_or("vi");
        let failed = || Failure::new(Kind::Other, format!("the editor {program} did not end well"));
        let status = std::process::Command::new(program).args(words).arg(file).status();
        let status = status.map_err(|error| failed().because(&error).next("name another one: EDITOR"))?;
        if status.success() { Ok(()) } else { Err(failed().cause(status.to_string())) }
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
