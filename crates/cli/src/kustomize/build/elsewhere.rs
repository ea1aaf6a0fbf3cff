//! What a build names and does not have: repositories, files by http, charts.

use std::sync::Arc;

use ::kustomize::{RemoteNeed, RepoSpec, Supply};
use charts::Proxies;
use filetree::{FileTree, TreePath};
use source::Sources;

use crate::helm::TemplateArgs;
use crate::helm::locate::Fetcher;
use crate::image::credentials::{Given, remote};
use crate::{Surroundings, escape};

/// Fetches; what it fetched of git lies in a directory that ends with it.
pub(super) struct Elsewhere<'a> {
    surroundings: &'a Surroundings<'a>,
    scratch: Option<tempfile::TempDir>,
}

impl<'a> Elsewhere<'a> {
    pub(super) fn new(surroundings: &'a Surroundings<'a>) -> Self {
        Self { surroundings, scratch: None }
    }

    pub(super) async fn fetch(&mut self, need: &RemoteNeed) -> Result<Supply, String> {
        let failed = |error: String| {
            format!("accumulating resources: accumulation err='{}': {error}", escape::line(&need.text))
        };
        if let Some(chart) = &need.chart {
            let arguments = TemplateArgs::default();
            let data_dir = self.surroundings.temp_dir.join("capstan-cli");
            let archive = Fetcher::new(&arguments, &data_dir, self.proxies())
                .archive(&chart.repo, &chart.name, &chart.version)
                .await;
            return archive.map(|bytes| Supply::File(bytes.into())).map_err(failed);
        }
        let file_first = need.looks_like_file();
        let mut first = Err("it is no address".to_owned());
        for as_file in [file_first, !file_first] {
            let answer = match (as_file, &need.file, &need.repository) {
                (true, Some(address), _) => self.file(address).await,
                (false, _, Some(spec)) => self.repository(spec).await,
                _ => continue,
            };
            match (answer, &first) {
                (Ok(supply), _) => return Ok(supply),
                (Err(error), Err(_)) if as_file == file_first => first = Err(error),
                _ => {}
            }
        }
        first.map_err(failed)
    }

    fn proxies(&self) -> Proxies {
        Proxies::from_environment(self.surroundings.environment)
    }

    async fn file(&self, address: &str) -> Result<Supply, String> {
        let arguments = TemplateArgs::default();
        let data_dir = self.surroundings.temp_dir.join("capstan-cli");
        let bytes = Fetcher::new(&arguments, &data_dir, self.proxies()).file(address).await?;
        Ok(Supply::File(bytes.into()))
    }

    /// The files of a repository, at the commit that is meant, within the time that its address allows.
    pub(super) async fn repository(&mut self, spec: &RepoSpec) -> Result<Supply, String> {
        let Some(limit) = spec.timeout else { return self.clone_of(spec).await };
        let late = |_| format!("hit {limit:?} timeout fetching {}", escape::line(&spec.url));
        tokio::time::timeout(limit, self.clone_of(spec)).await.map_err(late)?
    }

    async fn clone_of(&mut self, spec: &RepoSpec) -> Result<Supply, String> {
        if spec.is_local() {
            return Err("a repository on this machine's own disk is not read: name its directory".to_owned());
        }
        let environment = self.surroundings.environment;
        let mut asked =
            remote(Given { repo: &spec.url, ..Given::default() }, environment).map_err(|failure| {
                [failure.what].into_iter().chain(failure.causes).collect::<Vec<_>>().join(": ")
            })?;
        asked.submodules = spec.submodules;
        let options = source::Options::new(self.scratch()?);
        let sources = Sources::new(options).map_err(|error| format!("no room for git's objects: {error}"))?;
        let refs = sources.ls_refs(&asked).await.map_err(|error| chain(&error))?;
        let commit = match source::resolve_name(&refs, &spec.reference) {
            Some(named) => named.commit,
            None => {
                let found = sources.revision(&asked, &refs, &spec.reference, "").await;
                found.map_err(|error| chain(&error))?.commit
            }
        };
        let snapshot = sources.snapshot(&asked, &commit).await.map_err(|error| chain(&error))?;
        let tree = FileTree::new(Arc::clone(&snapshot.store), filetree::Limits::default());
        let path = TreePath::parse(&spec.path).map_err(|error| error.to_string())?;
        Ok(Supply::Tree(Arc::new(tree), path))
    }

    fn scratch(&mut self) -> Result<std::path::PathBuf, String> {
        if self.scratch.is_none() {
            let made =
                tempfile::Builder::new().prefix("capstan-kustomize-").tempdir_in(&self.surroundings.temp_dir);
            self.scratch = Some(made.map_err(|error| format!("no room for git's objects: {error}"))?);
        }
        Ok(self.scratch.as_ref().map(|scratch| scratch.path().to_owned()).unwrap_or_default())
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
