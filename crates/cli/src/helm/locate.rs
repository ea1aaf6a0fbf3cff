//! Where a chart is: on this machine, at an address, in a repository, in a registry.

use std::path::Path;
use std::sync::Arc;

use charts::dependencies::{Dependency, Step, plan};
use charts::{Charts, FileRequest, Freshness, Proxies, Remote, RepositoryUrl, Tls};
use filetree::{FileTree, TreePath};
use helm::{Chart, LoadLimits};

use super::{TemplateArgs, os_text};

/// Reads charts, and fetches those that are elsewhere.
pub(crate) struct Fetcher<'a> {
    arguments: &'a TemplateArgs,
    data_dir: &'a Path,
    proxies: Proxies,
    /// Made when first needed.
    charts: Option<Charts>,
    limits: LoadLimits,
}

impl<'a> Fetcher<'a> {
    pub(crate) fn new(arguments: &'a TemplateArgs, data_dir: &'a Path, proxies: Proxies) -> Self {
        Self { arguments, data_dir, proxies, charts: None, limits: LoadLimits::default() }
    }

    /// A chart by its place.
    pub(super) async fn chart(&mut self, place: &str) -> Result<Chart, String> {
        let path = Path::new(place);
        let mut chart = if self.arguments.repo.is_none() && path.exists() {
            self.local(path)?
        } else {
            self.remote(place).await?
        };
        if self.arguments.dependency_update {
            self.add_dependencies(&mut chart, path).await?;
        }
        Ok(chart)
    }

    /// A value file by its address.
    pub(crate) async fn file(&mut self, url: &str) -> Result<Vec<u8>, String> {
        let tls = self.tls("")?;
        let request = FileRequest { url, schemes: &["http", "https"], tls: &tls };
        let answer = self.charts()?.fetch_file(request, now()).await;
        answer.map(|file| file.value.to_vec()).map_err(|error| error.to_string())
    }

    fn local(&self, path: &Path) -> Result<Chart, String> {
        let shown = path.display();
        if path.is_dir() {
            let store = source::open_dir(path).map_err(|error| format!("{shown}: {}", os_text(&error)))?;
            let tree = Arc::new(FileTree::new(Arc::new(store), filetree::Limits::default()));
            return Chart::from_tree(&tree, &TreePath::root(), &self.limits)
                .map_err(|error| error.to_string());
        }
        let bytes = std::fs::read(path).map_err(|error| format!("open {shown}: {}", os_text(&error)))?;
        Chart::from_archive(&bytes, &self.limits).map_err(|error| error.to_string())
    }

    async fn remote(&mut self, place: &str) -> Result<Chart, String> {
        let revision = match &self.arguments.version {
            Some(version) => version.clone(),
            None if self.arguments.devel => ">0.0.0-0".to_owned(),
            None => String::new(),
        };
        if place.starts_with("https://") || place.starts_with("http://") {
            let bytes = self.file(place).await?;
            return Chart::from_archive(&bytes, &self.limits).map_err(|error| error.to_string());
        }
        let (repository, name) = match (&self.arguments.repo, place.strip_prefix("oci://")) {
            (Some(repository), _) => (repository.clone(), place.to_owned()),
            (None, Some(rest)) => match rest.rsplit_once('/') {
                Some((registry, name)) => (format!("oci://{registry}"), name.to_owned()),
                None => return Err(format!("{place} names no chart in the registry")),
            },
            (None, None) if place.starts_with(['.', '/']) || !place.contains('/') => {
                return Err(format!("path {place:?} not found"));
            }
            (None, None) => {
                let name = place.split('/').next().unwrap_or_default();
                return Err(format!(
                    "repo {name} not found: name its address with --repo, or the chart's with oci://"
                ));
            }
        };
        self.fetch(&repository, &name, &revision).await
    }

    async fn fetch(&mut self, repository: &str, name: &str, revision: &str) -> Result<Chart, String> {
        let archive = self.archive(repository, name, revision).await?;
        Chart::from_archive(&archive, &self.limits).map_err(|error| error.to_string())
    }

    /// The archive of a chart in a repository or a registry.
    pub(crate) async fn archive(
        &mut self,
        repository: &str,
        name: &str,
        revision: &str,
    ) -> Result<Vec<u8>, String> {
        let url = RepositoryUrl::parse(repository).map_err(|error| error.to_string())?;
        let tls = self.tls(url.host())?;
        let plain = url.is_plain_http();
        let remote = Remote {
            username: self.arguments.username.clone(),
            password: self.arguments.password.clone().map(charts::Secret::new),
            pass_credentials: self.arguments.pass_credentials,
            tls,
            allow_http: plain,
            force_http: self.arguments.plain_http,
            ..Remote::new(url)
        };
        let charts = self.charts()?;
        let found = charts.resolve(&remote, name, revision, now()).await;
        let found = found.map_err(|error| error.to_string())?;
        if let Some(error) = found.error {
            return Err(error.to_string());
        }
        let archive = charts.fetch(&remote, &found.value).await.map_err(|error| error.to_string())?;
        Ok(archive.bytes.to_vec())
    }

    /// `--dependency-update`: what is not in `charts/` is fetched, and nothing is written.
    async fn add_dependencies(&mut self, chart: &mut Chart, path: &Path) -> Result<(), String> {
        let wanted: Vec<Dependency> = chart
            .missing_dependencies()
            .into_iter()
            .map(|wanted| Dependency {
                name: wanted.name.clone(),
                version: wanted.version.clone(),
                repository: wanted.repository.clone(),
            })
            .collect();
        // As helm's flag, which is its `dependency update`: the ranges count, and not what `Chart.lock` has of them.
        let steps = plan(&wanted, None, |_| None, |_| true).map_err(|error| error.to_string())?;
        for step in steps {
            let dependency = match step {
                Step::Fetch { chart, revision, repository, .. } => {
                    let fetched = self.fetch(&repository, &chart, &revision).await;
                    fetched.map_err(|error| format!("dependency {chart:?}: {error}"))?
                }
                Step::InTree { path: relative, .. } => self.local(&path.join(relative))?,
                Step::Vendored { chart } => {
                    return Err(format!("dependency {chart:?} names no repository, and is not in charts/"));
                }
            };
            chart.add_dependency(dependency);
        }
        Ok(())
    }

    fn charts(&mut self) -> Result<Charts, String> {
        if let Some(charts) = &self.charts {
            return Ok(charts.clone());
        }
        let options = charts::Options {
            accept_index_mismatch: true,
            proxies: self.proxies.clone(),
            ..charts::Options::new(self.data_dir.join("charts"))
        };
        let made = Charts::new(options);
        let made = made.map_err(|error| format!("{}: {error}", self.data_dir.display()))?;
        self.charts = Some(made.clone());
        Ok(made)
    }

    fn tls(&self, host: &str) -> Result<Tls, String> {
        let read = |path: &Option<std::path::PathBuf>| -> Result<Option<String>, String> {
            let Some(path) = path else { return Ok(None) };
            let text = std::fs::read_to_string(path);
            text.map(Some).map_err(|error| format!("open {}: {}", path.display(), os_text(&error)))
        };
        let ca_certs = read(&self.arguments.ca_file)?.map(|pem| (host.to_owned(), pem)).into_iter().collect();
        Ok(Tls {
            client_cert: read(&self.arguments.cert_file)?,
            client_key: read(&self.arguments.key_file)?.map(charts::Secret::new),
            insecure: self.arguments.insecure_skip_tls_verify,
            ca_certs: Arc::new(ca_certs),
        })
    }
}

/// Whoever types a command means what is there now, not what an earlier one kept.
fn now() -> Freshness {
    Freshness::Since(std::time::Instant::now())
}
