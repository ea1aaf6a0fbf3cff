//! What a render needs from elsewhere: charts that a chart depends on, and value files by http.

use std::time::Duration;

use api::ApplicationSource;
use charts::dependencies::{Dependency, Step, plan};
use charts::{FileRequest, Freshness};
use cluster::chain;
use render::{Need, Supplies};
use tokio::time::Instant;

use crate::obtain::View;
use crate::remote::chart_remote;
use crate::shared::Shared;

/// How old an answer may be that a render is made with. A render is kept until something that it read changes, so that
/// this is asked only when there is one.
const AGE: Duration = Duration::from_secs(60);

/// Fetches what a render found missing. `Err` is a message without secrets.
pub(crate) async fn supply(
    shared: &Shared,
    view: &View,
    source: &ApplicationSource,
    needs: &[Need],
    supplies: &mut Supplies,
) -> Result<(), String> {
    let fresh = Freshness::Since(Instant::now().checked_sub(AGE).unwrap_or_else(Instant::now).into_std());
    let pass_credentials = source.helm.as_ref().is_some_and(|helm| helm.pass_credentials);
    for need in needs {
        match need {
            Need::File(url) => {
                let schemes = &view.settings.settings.helm_values_file_schemes;
                let schemes: Vec<&str> = schemes.iter().map(String::as_str).collect();
                let tls = charts::Tls {
                    ca_certs: view.settings.tls_certs.clone().into(),
                    ..charts::Tls::default()
                };
                let request = FileRequest { url, schemes: &schemes, tls: &tls };
                let file = shared.charts.fetch_file(request, fresh).await;
                let file = file.map_err(|error| chain(&error))?;
                supplies.files.insert(url.clone(), file.value.to_vec().into());
            }
            Need::Charts { wanted, lock } => {
                let asked: Vec<Dependency> = wanted.iter().map(dependency).collect();
                let lock: Option<Vec<Dependency>> =
                    lock.as_ref().map(|lock| lock.iter().map(dependency).collect());
                let project = &view.project.limits;
                let named = |name: &str| {
                    let repository = view.settings.repositories.named(name, project.name())?;
                    Some(repository.url.clone())
                };
                let permitted = |url: &str| project.permits_source(url).is_ok();
                let steps =
                    plan(&asked, lock.as_deref(), named, permitted).map_err(|error| error.to_string())?;
                for (wanted, step) in wanted.iter().zip(steps) {
                    let archive = fetch(shared, view, pass_credentials, fresh, step).await?;
                    supplies.charts.insert(wanted.clone(), archive);
                }
            }
        }
    }
    Ok(())
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
) -> Result<std::sync::Arc<[u8]>, String> {
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
