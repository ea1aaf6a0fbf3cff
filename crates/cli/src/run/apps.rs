//! `app history`, `app resources`, and what an application's surroundings say.

use std::collections::BTreeMap;

use api::Application;
use api::project::{Begin, Windows};
use applications::What;

use super::Session;
use crate::command::{HistoryArgs, ResourcesArgs};
use crate::console::Form;
use crate::failure::{Failure, Kind};
use crate::heartbeat::Heartbeat;
use crate::name::AppName;
use crate::store::{Cluster, Store};
use crate::view;
use crate::view::details::Around;
use crate::view::tree::{Children, Depth};

impl Session<'_> {
    pub(super) async fn history(&mut self, args: HistoryArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let value = self.store.get(&name).await?;
        match args.output.as_str() {
            "json" | "yaml" => {
                let form = if args.output == "json" { Form::Json } else { Form::Yaml };
                let history = value["status"]["history"].as_array().cloned().unwrap_or_default();
                self.console.object(&history.into(), form);
            }
            output => {
                let app = crate::store::parse(value)?;
                let look = self.console.look;
                let text =
                    if output == "id" { view::history::ids(&app) } else { view::history::table(&app, look) };
                self.console.print(&text);
            }
        }
        Ok(0)
    }

    pub(super) async fn resources(&mut self, args: ResourcesArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        if let Store::Server(server) = &self.store {
            let tree = server.tree(&name, args.project.as_deref()).await?;
            let listed = view::resources::Listed {
                tree: &tree,
                orphaned: args.orphaned,
                detailed: args.output == "tree=detailed",
            };
            let text = listed.table(self.context.now(), self.console.look);
            self.console.print(&text);
            return Ok(0);
        }
        let (app, _) = self.judged(&name).await?;
        let app = Box::pin(self.whole(app)).await;
        let look = self.console.look;
        let text = match args.output.as_str() {
            _ if args.orphaned => view::resources::orphaned(&self.orphans(&app).await?, look),
            "wide" => view::resources::owned(&app, look),
            output => self.tree(&app, depth(output)).await?,
        };
        self.console.print(&text);
        Ok(0)
    }

    /// The application with all of its resources: where its status has no room for them, they are looked at here.
    pub(super) async fn whole(&mut self, mut app: Application) -> Application {
        // A server gives all of them.
        if matches!(self.store, Store::Server(_)) || !applications::is_cut(&app.status) {
            return app;
        }
        let found = self.evaluate(&app, &What::default()).await;
        match found.map(|found| found.resources(&app.status, self.context.now())) {
            Ok(Some(all)) => app.status.resources = all,
            Ok(None) => {}
            Err(failure) => {
                let why: Vec<&str> =
                    std::iter::once(&failure.what).chain(&failure.causes).map(String::as_str).collect();
                self.console.note(&format!("not all resources are shown: {}", why.join(": ")));
            }
        }
        app
    }

    /// The application as it may be shown, and why it is not shown as it is.
    pub(super) async fn judged(&self, name: &AppName) -> Result<(Application, Option<String>), Failure> {
        let (app, heartbeat) = futures::join!(
            self.store.application(name),
            Heartbeat::read(&self.store, &self.context.namespace)
        );
        Ok(heartbeat.judged(&app?, self.context.now()))
    }

    /// What is said of an application beside what it says itself. **Errors**: the server does not tell.
    pub(super) async fn around(&self, app: &Application) -> Result<Around, Failure> {
        let (url, windows) = match &self.store {
            Store::Cluster(cluster) => {
                let mut settings = cluster.settings(&self.context.namespace).await.unwrap_or_default();
                let windows = self.windows(cluster, app, &settings).await;
                (settings.remove("url").unwrap_or_default(), windows)
            }
            Store::Server(server) => {
                let (url, project) = futures::join!(server.url(), server.project(app.spec.project_name()));
                (url?, Windows::new(&project?.spec.sync_windows))
            }
        };
        let windows = windows.of(app);
        Ok(Around {
            url,
            name: app.metadata.name.clone(),
            sync: windows.verdict(self.context.now()),
            windows: windows.shown().map(str::to_owned).collect(),
        })
    }

    /// The sync windows of an application's project; none where that cannot be read.
    async fn windows(
        &self,
        cluster: &Cluster,
        app: &Application,
        settings: &BTreeMap<String, String>,
    ) -> Windows {
        let project = cluster.project(&self.context.namespace, app.spec.project_name(), settings).await;
        Windows::new(&project.map(|project| project.spec.sync_windows).unwrap_or_default())
    }

    /// **Errors**: a sync window of the project lets nobody sync the application now. The controller would hold the operation until it
    /// opens. **Source**: the peer's server, which refuses it.
    pub(super) async fn check_windows(&self, cluster: &Cluster, name: &AppName) -> Result<(), Failure> {
        let app = self.store.application(name).await?;
        let settings = cluster.settings(&self.context.namespace).await.unwrap_or_default();
        let windows = self.windows(cluster, &app, &settings).await;
        let (windows, now) = (windows.of(&app), self.context.now());
        match windows.permits(Begin::Manual, now, None) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let names: Vec<&str> = windows.shown().collect();
                Err(Failure::new(Kind::Denied, "cannot sync: blocked by sync window")
                    .next(format!("the windows of the project are {}", names.join(", "))))
            }
            Err(error) => Err(Failure::new(Kind::Denied, format!("cannot sync: {error}"))),
        }
    }

    pub(super) async fn tree(&self, app: &Application, depth: Depth) -> Result<String, Failure> {
        let children = match &self.store {
            Store::Cluster(cluster) => Children::read(cluster, app).await,
            Store::Server(server) => {
                let name =
                    AppName { namespace: app.metadata.namespace.clone(), name: app.metadata.name.clone() };
                Children::told(&server.tree(&name, None).await?)
            }
        };
        Ok(view::tree::render(app, &children, depth, self.context.now(), self.console.look))
    }
}

/// How much a tree says.
pub(super) fn depth(output: &str) -> Depth {
    if output == "tree=detailed" { Depth::Detailed } else { Depth::Plain }
}
