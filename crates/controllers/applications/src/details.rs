//! What of a source can be set, for people who set applications up.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{Application, ApplicationSource};
use cluster::chain;
use plugins::Announcement;
use render::{ChartValues, Need, PluginAnswer, RenderError};
use tokio::time::Instant;

use crate::bases::Look;
use crate::conditions::Findings;
use crate::controller::Controller;
use crate::fetch::{Obtaining, fetch};
use crate::obtain::{Ask, NEVER_ENOUGH, SUPPLY_ROUNDS, View, at, with_files};
use crate::plugin;
use crate::repositories::Freshness;
use crate::sights::Seen;
use crate::supplies::{Supplied, supply};
use crate::tree::Tree;

/// What of a source can be set, by the tool that it is for.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceDetails {
    /// Of plain manifests nothing is said.
    Directory,
    /// A chart.
    Helm(ChartValues),
    /// The images of a kustomization.
    Kustomize(Vec<String>),
    /// The parameters that a plugin takes.
    Plugin(Vec<Announcement>),
}

impl Controller {
    /// Names of the config management plugins that are there.
    ///
    /// # Errors
    /// The directory of their sockets cannot be read.
    pub async fn plugins(&self) -> Result<Vec<String>, plugins::Error> {
        self.shared().plugins.names().await
    }

    /// What of a source can be set. `app` need not be there: it says the project, the name, and the sources that lend their files to this one
    /// (`$ref/…`). Nothing is asked of the cluster that it goes to.
    ///
    /// **Errors**: a message without secrets. **Source**: `GetAppDetails` of the repository server.
    pub async fn source_details(
        &self,
        app: &Application,
        source: &ApplicationSource,
    ) -> Result<SourceDetails, String> {
        let shared = self.shared();
        let name = shared.name_of(&app.metadata.namespace, &app.metadata.name);
        let project = self.read_project(app.spec.project_name()).await.map_err(|error| error.to_string())?;
        let view = View::new(shared, &name, project, shared.settings.current(), Arc::clone(&shared.home));
        let lenders = app.spec.sources().iter().filter(|one| !one.ref_name.is_empty() && *one != source);
        let sources: Vec<ApplicationSource> = std::iter::once(source).chain(lenders).cloned().collect();
        let freshness = Freshness::Since(Instant::now());
        let ask = Ask { sources: &sources, pinned: &[], freshness, afresh: false };
        let what = Obtaining { shared, view: &view, app, ask: &ask };
        let mut trees = Vec::with_capacity(sources.len());
        for (place, source) in sources.iter().enumerate() {
            let mut findings = Findings::default();
            let found = fetch(what, place, source, &mut findings, &mut Seen::new()).await;
            trees.push(found.map_err(|_| findings.first().unwrap_or_default().to_owned())?.tree);
        }
        let lent: BTreeMap<&str, &Tree> = (sources.iter().zip(&trees))
            .filter(|(source, _)| !source.ref_name.is_empty())
            .map(|(source, tree)| (source.ref_name.as_str(), tree))
            .collect();
        let tree = trees.first().ok_or("there is no source")?;
        let mut look = Look::new(shared, &view, freshness, Seen::new());
        found(&mut look, app, source, (tree, &lent)).await
    }
}

async fn found(
    look: &mut Look<'_>,
    app: &Application,
    source: &ApplicationSource,
    (tree, lent): (&Tree, &BTreeMap<&str, &Tree>),
) -> Result<SourceDetails, String> {
    let mut supplied = Supplied::default();
    for _ in 0..SUPPLY_ROUNDS {
        let (done, _) = with_files(look, app, source, (tree, lent), &supplied, render::details).await?;
        let needs = match done {
            Ok(render::Details::Directory) => return Ok(SourceDetails::Directory),
            Ok(render::Details::Helm(chart)) => return Ok(SourceDetails::Helm(chart)),
            Ok(render::Details::Kustomize(images)) => return Ok(SourceDetails::Kustomize(images)),
            Err(RenderError::Needs(needs)) => needs,
            Err(error) => return Err(at(source, tree, chain(&error))),
        };
        let refused = |message: String| at(source, tree, message);
        if let [Need::Plugin(need)] = needs.as_slice() {
            match plugin::announcements(look, app, source, tree, need).await.map_err(refused)? {
                Some(parameters) => return Ok(SourceDetails::Plugin(parameters)),
                None => supplied.plugin = Some(PluginAnswer::NoneWants),
            }
            continue;
        }
        supply(look, source, &needs, &mut supplied).await.map_err(refused)?;
    }
    Err(at(source, tree, NEVER_ENOUGH.to_owned()))
}
