//! `proj windows`.

use api::{AppProject, Project};
use serde_json::{Value, json};

use super::super::account::{is, joined, list, text};
use super::super::talk::{Talk, unknown_form};
use super::items;
use crate::command::{AddWindowArgs, WindowArgs, WindowFlags, WindowsCommand};
use crate::failure::{Failure, Kind};
use crate::table::Table;

const WINDOW: &str = "github.com.argoproj.argo_cd.v3.pkg.apis.application.v1alpha1.SyncWindow";

/// A refusal in the peer's words; it ends with 20.
fn wrong(said: impl Into<String>) -> Failure {
    let said = said.into();
    Failure::invalid(said.clone()).peer(said, 20)
}

impl Talk<'_> {
    pub(super) async fn windows(&mut self, command: WindowsCommand) -> Result<(), Failure> {
        match command {
            WindowsCommand::List(args) => self.list_windows(&args.project, &args.output).await,
            WindowsCommand::Add(args) => {
                let mut project = self.project(&args.project).await?;
                let window = window(&args)?;
                items(&mut project, "syncWindows").push(window);
                checked(&project)?;
                self.update_project(&project).await
            }
            WindowsCommand::Update(args) => {
                let mut project = self.project(&args.place.project).await?;
                let windows = items(&mut project, "syncWindows");
                if let Some(window) = windows.get_mut(args.place.id) {
                    update(window, &args.window)?;
                }
                self.update_project(&project).await
            }
            WindowsCommand::Delete(args) => self.delete_window(&args).await,
            WindowsCommand::EnableManualSync(args) => self.manual(&args, true).await,
            WindowsCommand::DisableManualSync(args) => self.manual(&args, false).await,
        }
    }

    async fn manual(&mut self, args: &WindowArgs, enabled: bool) -> Result<(), Failure> {
        let mut project = self.project(&args.project).await?;
        if let Some(window) = items(&mut project, "syncWindows").get_mut(args.id) {
            window["manualSync"] = json!(enabled);
        }
        self.update_project(&project).await
    }

    async fn delete_window(&mut self, args: &WindowArgs) -> Result<(), Failure> {
        let mut project = self.project(&args.project).await?;
        let windows = items(&mut project, "syncWindows");
        if args.id >= windows.len() {
            let said = format!("window with id '{}' not found", args.id);
            let next = format!("see which there are: capstan proj windows list {}", args.project);
            return Err(Failure::new(Kind::NotFound, said.clone()).next(next).peer(said, 20));
        }
        windows.remove(args.id);
        if !self.agreed("Are you sure you want to delete sync window? [y/n]")? {
            self.line("The command to delete the sync window was cancelled");
            return Ok(());
        }
        self.update_project(&project).await
    }

    async fn list_windows(&mut self, name: &str, form: &str) -> Result<(), Failure> {
        let project = self.project(name).await?;
        let windows = list(&project["spec"]["syncWindows"]);
        match form {
            "json" | "yaml" => return self.messages(WINDOW, windows, form),
            "wide" | "" => {}
            other => return Err(unknown_form(other)),
        }
        let now = (self.local.clock)();
        let switch = |value: &Value| if is(value) { "Enabled" } else { "Disabled" }.to_owned();
        let some = |values: &Value| match list(values) {
            [] => "-".to_owned(),
            _ => joined(values, ","),
        };
        let mut table = Table::new(&[
            "ID",
            "STATUS",
            "KIND",
            "SCHEDULE",
            "DURATION",
            "APPLICATIONS",
            "NAMESPACES",
            "CLUSTERS",
            "MANUALSYNC",
            "TIMEZONE",
            "",
        ]);
        for (id, window) in windows.iter().enumerate() {
            // One that cannot be read is active for nobody, whatever others are.
            let alone = alone(window);
            let active =
                alone.is_some_and(|one| one.windows().active(now).is_ok_and(|places| !places.is_empty()));
            let cells = [
                id.to_string(),
                if active { "Active" } else { "Inactive" }.to_owned(),
                text(&window["kind"]).to_owned(),
                text(&window["schedule"]).to_owned(),
                text(&window["duration"]).to_owned(),
                some(&window["applications"]),
                some(&window["namespaces"]),
                some(&window["clusters"]),
                switch(&window["manualSync"]),
                text(&window["timeZone"]).to_owned(),
                String::new(),
            ];
            table.row(cells.into_iter().map(Into::into).collect());
        }
        let text = table.render(self.console.look);
        self.console.print(&text);
        Ok(())
    }
}

/// A project with this window alone.
fn alone(window: &Value) -> Option<Project> {
    let project = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "any"},
        "spec": {"syncWindows": [window]},
    });
    Some(Project::new(&AppProject::from_value(project).ok()?))
}

/// Whether the window that was added can be read: the server's answer would say less.
fn checked(project: &Value) -> Result<(), Failure> {
    let last = list(&project["spec"]["syncWindows"]).last().and_then(alone);
    match last.map(|last| last.windows().active(jiff::Timestamp::UNIX_EPOCH)) {
        Some(Err(error)) => {
            Err(wrong(format!("cannot parse {} '{}': {}", error.field, error.text, error.reason)))
        }
        _ => Ok(()),
    }
}

fn window(args: &AddWindowArgs) -> Result<Value, Failure> {
    let flags = &args.window;
    if [&args.kind, &flags.schedule, &flags.duration].iter().any(|text| text.is_empty()) {
        return Err(wrong(
            "cannot create window: require kind, schedule, duration and one or more of applications, namespaces and clusters",
        ));
    }
    if !["allow", "deny"].contains(&args.kind.as_str()) {
        return Err(wrong(format!("kind '{}' mismatch: can only be allow or deny", args.kind)));
    }
    if flags.description.len() > 255 {
        return Err(wrong("description must not exceed 255 characters"));
    }
    let mut window = json!({
        "kind": args.kind, "manualSync": args.manual_sync, "andOperator": args.use_and_operator,
        "timeZone": if flags.time_zone.is_empty() { "UTC" } else { &flags.time_zone },
    });
    fill(&mut window, flags);
    Ok(window)
}

fn fill(window: &mut Value, flags: &WindowFlags) {
    for (field, text) in
        [("schedule", &flags.schedule), ("duration", &flags.duration), ("description", &flags.description)]
    {
        if !text.is_empty() {
            window[field] = json!(text);
        }
    }
    for (field, values) in [
        ("applications", &flags.applications),
        ("namespaces", &flags.namespaces),
        ("clusters", &flags.clusters),
    ] {
        if !values.is_empty() {
            window[field] = json!(values);
        }
    }
}

fn update(window: &mut Value, flags: &WindowFlags) -> Result<(), Failure> {
    let texts = [&flags.schedule, &flags.duration, &flags.description];
    let lists = [&flags.applications, &flags.namespaces, &flags.clusters];
    if texts.iter().all(|text| text.is_empty()) && lists.iter().all(|list| list.is_empty()) {
        return Err(wrong(
            "cannot update: require one or more of schedule, duration, application, namespace, cluster or description",
        ));
    }
    fill(window, flags);
    window["timeZone"] = json!(if flags.time_zone.is_empty() { "UTC" } else { &flags.time_zone });
    Ok(())
}
