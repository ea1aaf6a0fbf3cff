//! What a render needs from elsewhere: charts that a chart depends on, value files by http, and what kustomizations name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::ApplicationSource;
use charts::dependencies::{Dependency, Step, plan};
use charts::{FileRequest, Freshness};
use cluster::chain;
use filetree::FileTree;
use render::{Locked, Need, RemoteNeed, Remotes, Supplies, Supply};
use tokio::time::Instant;

use crate::bases::{Base, BaseReads, Look, permitted};
use crate::obtain::View;
use crate::remote::chart_remote;
use crate::shared::Shared;

/// How old an answer may be that a render is made with. A render is kept until something that it read changes, so that
/// this is asked only when there is one.
const AGE: Duration = Duration::from_secs(60);

/// Bases and files by address that one kustomization may come to.
const MOST_REMOTES: usize = 200;

/// What was fetched for the renders of one source.
#[derive(Default)]
pub(crate) struct Supplied {
    files: BTreeMap<String, Arc<[u8]>>,
    charts: BTreeMap<render::Dependency, Arc<[u8]>>,
    bases: Vec<Base>,
    /// Resources and charts of kustomizations, by what asks for them.
    resources: BTreeMap<String, Arc<[u8]>>,
    /// Addresses of those resources.
    addresses: Vec<String>,
    /// What a plugin said.
    pub(crate) plugin: Option<render::PluginAnswer>,
}

/// What one render read of what was fetched for it.
pub(crate) struct Opened<'a> {
    bases: Vec<(&'a Base, Arc<FileTree>)>,
}

impl Supplied {
    /// Fetches the bases that a render read before, so that the next one need not ask for each of them.
    pub(crate) async fn again(&mut self, look: &mut Look<'_>, bases: &[BaseReads]) -> Result<(), String> {
        for base in bases {
            let base = look.fetch(&base.text, &base.repository).await?;
            self.bases.push(base);
        }
        Ok(())
    }

    /// Everything for one render.
    pub(crate) fn open(&self) -> (Supplies, Opened<'_>) {
        let mut remotes: BTreeMap<String, Supply> = BTreeMap::new();
        for (address, text) in &self.resources {
            remotes.insert(address.clone(), Supply::File(Arc::clone(text)));
        }
        let mut bases = Vec::with_capacity(self.bases.len());
        for base in &self.bases {
            let (tree, supply) = base.open();
            remotes.insert(base.text.clone(), supply);
            bases.push((base, tree));
        }
        let supplies = Supplies {
            files: self.files.clone(),
            charts: self.charts.clone(),
            remotes: Remotes(remotes),
            plugin: self.plugin.clone(),
        };
        (supplies, Opened { bases })
    }

    /// Resources that were fetched by their address.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.addresses.clone()
    }

    fn has(&self, text: &str) -> bool {
        self.resources.contains_key(text) || self.bases.iter().any(|base| base.text == text)
    }
}

impl Opened<'_> {
    /// What was read of bases by now.
    pub(crate) fn reads(&self) -> Vec<BaseReads> {
        self.bases.iter().map(|(base, tree)| base.reads(tree)).collect()
    }
}

/// Fetches what a render found missing. `Err` is a message without secrets.
pub(crate) async fn supply(
    look: &mut Look<'_>,
    source: &ApplicationSource,
    needs: &[Need],
    supplied: &mut Supplied,
) -> Result<(), String> {
    let (shared, view) = (look.shared, look.view);
    let fresh = fresh();
    let pass_credentials = source.helm.as_ref().is_some_and(|helm| helm.pass_credentials);
    for need in needs {
        match need {
            Need::File(url) => {
                let file = fetch_file(shared, view, url, fresh).await;
                let file = look.had(file)?;
                supplied.files.insert(url.clone(), file);
            }
            // Its answer is no file, and is asked for where the tree is.
            Need::Plugin(_) => return Err("a plugin is asked for beside something else".to_owned()),
            Need::Remote(need) => supply_remote(look, need, fresh, supplied).await?,
            Need::Charts { wanted, lock } => {
                let asked: Vec<Dependency> = wanted.iter().map(dependency).collect();
                let steps = steps(view, &asked, lock.as_deref())?;
                for (wanted, step) in wanted.iter().zip(steps) {
                    let archive = fetch(shared, view, pass_credentials, fresh, step).await;
                    let archive = look.had(archive)?;
                    supplied.charts.insert(wanted.clone(), archive);
                }
            }
        }
    }
    Ok(())
}

fn fresh() -> Freshness {
    Freshness::Since(Instant::now().checked_sub(AGE).unwrap_or_else(Instant::now).into_std())
}

/// A base in a repository, a resource by its address, or a chart: all only from where the project lets sources come from.
async fn supply_remote(
    look: &mut Look<'_>,
    need: &RemoteNeed,
    fresh: Freshness,
    supplied: &mut Supplied,
) -> Result<(), String> {
    let text = &need.text;
    if supplied.has(text) {
        return Err(format!("remote base {} is asked for again", api::redact_url(text)));
    }
    if supplied.bases.len() + supplied.resources.len() >= MOST_REMOTES {
        return Err(format!("a kustomization names more than {MOST_REMOTES} bases and files elsewhere"));
    }
    if let Some(chart) = &need.chart {
        let version = if chart.version.is_empty() { "*" } else { &chart.version };
        let (name, repository) = (chart.name.clone(), chart.repo.clone());
        let wanted = Dependency { name, version: version.to_owned(), repository };
        for step in steps(look.view, &[wanted], None)? {
            let archive = fetch(look.shared, look.view, false, fresh, step).await;
            supplied.resources.insert(text.clone(), look.had(archive)?);
        }
        return Ok(());
    }
    match (&need.file, &need.repository) {
        (Some(address), _) if need.looks_like_file() => {
            permitted(look.view, text, address)?;
            let file = fetch_file(look.shared, look.view, address, fresh).await;
            let file =
                file.map_err(|message| format!("remote resource {}: {message}", api::redact_url(text)))?;
            supplied.resources.insert(text.clone(), file);
            supplied.addresses.push(address.clone());
        }
        (_, Some(repository)) => supplied.bases.push(look.fetch(text, repository).await?),
        (_, None) => return Err(format!("remote base {} names no repository", api::redact_url(text))),
    }
    Ok(())
}

/// A file by http or https, as the setting for value files permits.
async fn fetch_file(shared: &Shared, view: &View, url: &str, fresh: Freshness) -> Result<Arc<[u8]>, String> {
    let schemes = &view.settings.settings.helm_values_file_schemes;
    let schemes: Vec<&str> = schemes.iter().map(String::as_str).collect();
    let tls = charts::Tls { ca_certs: view.settings.tls_certs.clone().into(), ..charts::Tls::default() };
    let request = FileRequest { url, schemes: &schemes, tls: &tls };
    let file = shared.charts.fetch_file(request, fresh).await.map_err(|error| chain(&error))?;
    Ok(file.value.to_vec().into())
}

/// Where charts come from, as the project permits it; a lock has to be the chart's own.
fn steps(view: &View, wanted: &[Dependency], lock: Option<&Locked>) -> Result<Vec<Step>, String> {
    let project = &view.project.limits;
    let named = |name: &str| {
        let repository = view.settings.repositories.named(name, project.name())?;
        Some(repository.url.clone())
    };
    let permitted = |url: &str| project.permits_source(url).is_ok();
    let lock = match lock {
        Some(Locked { chart, lock }) => {
            lock.check(chart, named).map_err(|error| error.to_string())?;
            let locked = lock.dependencies.iter().flatten();
            Some(locked.map(|it| dependency(&it.into())).collect::<Vec<_>>())
        }
        None => None,
    };
    plan(wanted, lock.as_deref(), named, permitted).map_err(|error| error.to_string())
}

fn dependency(wanted: &render::Dependency) -> Dependency {
    let render::Dependency { name, version, repository } = wanted.clone();
    Dependency { name, version, repository }
}

async fn fetch(
    shared: &Shared,
    view: &View,
    pass_credentials: bool,
    fresh: Freshness,
    step: Step,
) -> Result<Arc<[u8]>, String> {
    let (chart, revision, repository) = match step {
        Step::Fetch { chart, revision, repository, .. } => (chart, revision, repository),
        Step::Vendored { chart } => {
            return Err(format!("dependency {chart:?} names no repository, and is not in charts/"));
        }
        // The renderer reads these by itself.
        Step::InTree { chart, path } => {
            return Err(format!("dependency {chart:?}: there is no chart at file://{path}"));
        }
    };
    let mut remote = chart_remote(&view.settings, &repository, view.project.limits.name())?;
    remote.pass_credentials |= pass_credentials;
    let failed = |error: charts::ChartError| format!("dependency {chart:?}: {}", chain(&error));
    let found = shared.charts.resolve(&remote, &chart, &revision, fresh).await.map_err(failed)?;
    let archive = shared.charts.fetch(&remote, &found.value).await.map_err(failed)?;
    Ok(archive.bytes.to_vec().into())
}
