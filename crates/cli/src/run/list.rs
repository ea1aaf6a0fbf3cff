//! `app list`.

use api::Application;
use serde_json::Value;

use super::Session;
use crate::command::ListArgs;
use crate::console::Form;
use crate::escape;
use crate::failure::Failure;
use crate::heartbeat::Heartbeat;
use crate::store::parse;
use crate::view;

impl Session<'_> {
    pub(super) async fn list(&mut self, args: ListArgs) -> Result<u8, Failure> {
        let listed = self.store.list(&self.context.namespace, args.app_namespace.as_deref(), &args.selector);
        let (listed, heartbeat) =
            futures::join!(listed, Heartbeat::read(&self.store, &self.context.namespace));
        let (values, unreadable) = listed?;
        for problem in unreadable {
            self.console.note(&format!("left out, since it cannot be read: {problem}"));
        }
        let mut chosen: Vec<(Value, Application)> = Vec::new();
        for value in values {
            let app = parse(value.clone())?;
            if passes(&app, &args) {
                chosen.push((value, app));
            }
        }
        match args.output.as_str() {
            "json" | "yaml" => {
                let form = if args.output == "json" { Form::Json } else { Form::Yaml };
                self.applications(chosen.into_iter().map(|(value, _)| value).collect(), form);
            }
            "name" => {
                for (_, app) in chosen {
                    self.console.print(&format!("{}\n", escape::line(&app.qualified_name())));
                }
            }
            _ => {
                let now = self.context.now();
                let judged: Vec<_> = chosen.iter().map(|(_, app)| heartbeat.judged(app, now)).collect();
                let doubts: Vec<&String> = judged.iter().filter_map(|(_, doubt)| doubt.as_ref()).collect();
                if let Some(reason) = doubts.first() {
                    let shown = format!(
                        "{reason}; {} of {} statuses are shown as Unknown",
                        doubts.len(),
                        judged.len()
                    );
                    self.console.note(&shown);
                }
                let apps: Vec<Application> = judged.into_iter().map(|(app, _)| app).collect();
                let text = view::list::table(&apps, self.console.look);
                self.console.print(&text);
            }
        }
        Ok(0)
    }
}

fn passes(app: &Application, args: &ListArgs) -> bool {
    let any = |test: &dyn Fn(&api::ApplicationSource) -> bool| app.spec.sources().iter().any(test);
    (args.projects.is_empty() || args.projects.iter().any(|p| p == app.spec.project_name()))
        && args.cluster.as_deref().is_none_or(|cluster| is_on(app, cluster))
        && args.path.as_deref().is_none_or(|path| any(&|source| source.path == path))
        && args.repo.as_deref().is_none_or(|repo| any(&|source| api::same_repository(&source.repo_url, repo)))
}

/// Whether an application goes to a cluster; the one that we live in is known by name and by URL.
fn is_on(app: &Application, cluster: &str) -> bool {
    let canonical = |word: &str| {
        if word == api::names::IN_CLUSTER_NAME {
            api::names::IN_CLUSTER_SERVER.to_owned()
        } else {
            word.to_owned()
        }
    };
    let destination = &app.spec.destination;
    [&destination.server, &destination.name].into_iter().any(|word| canonical(word) == canonical(cluster))
}
