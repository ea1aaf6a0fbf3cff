//! What repositories are asked for people: whether they let us in, and what they have.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::ApplicationSource;
use charts::Freshness;
use cluster::chain;
use filetree::Store;
use settings::{ClusterSecret, RepositoryType, Snapshot};
use tokio::time::Instant;

use crate::controller::Controller;
use crate::login::client;
use crate::remote::{Origin, chart_remote, origin, remote};

/// Most charts of a Helm repository whose versions are listed.
const CHARTS: usize = 10_000;

/// Names of branches and tags.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RefNames {
    /// Branches, without `refs/heads/`.
    pub branches: Vec<String>,
    /// Tags, without `refs/tags/`.
    pub tags: Vec<String>,
}

impl Controller {
    /// A client of a cluster by what its Secret says, which need not be in force. **Errors**: a message without secrets.
    pub async fn cluster_client(&self, secret: &ClusterSecret) -> Result<kube::Client, String> {
        let shared = self.shared();
        client(secret, &shared.client, &shared.options).await
    }

    /// The version of a cluster, as in `v1.34.4`, by what its Secret says. **Errors**: why it does not answer, without secrets.
    pub async fn cluster_version(&self, secret: &ClusterSecret) -> Result<String, String> {
        let client = self.cluster_client(secret).await?;
        client.apiserver_version().await.map(|info| info.git_version).map_err(|error| chain(&error))
    }

    /// Whether a repository lets a project's applications in by these settings, which need not be those in force.
    ///
    /// **Errors**: a message without secrets. **Source**: `TestRepository` of the repository server.
    pub async fn reach_repository(
        &self,
        settings: &Snapshot,
        url: &str,
        project: &str,
    ) -> Result<(), String> {
        let shared = self.shared();
        match settings.repositories.lookup(url, project).repository_type {
            RepositoryType::Git => {
                let remote = remote(settings, url, project)?;
                shared.sources.ls_refs(&remote).await.map(drop).map_err(|error| chain(&error))
            }
            RepositoryType::Helm | RepositoryType::Oci => {
                let remote = chart_remote(settings, url, project)?;
                shared.charts.ping(&remote).await.map_err(|error| chain(&error))
            }
        }
    }

    /// The branches and tags of a git repository, as it has them now. **Errors**: a message without secrets.
    pub async fn repository_refs(&self, url: &str, project: &str) -> Result<RefNames, String> {
        let shared = self.shared();
        let remote = remote(&shared.settings.current(), url, project)?;
        let refs = shared.sources.ls_refs(&remote).await.map_err(|error| chain(&error))?;
        let named = |prefix: &str| {
            refs.by_name.keys().filter_map(|name| name.strip_prefix(prefix)).map(str::to_owned).collect()
        };
        Ok(RefNames { branches: named("refs/heads/"), tags: named("refs/tags/") })
    }

    /// The charts of a Helm repository, each with its versions in the index' order. **Errors**: a message without secrets.
    pub async fn repository_charts(
        &self,
        url: &str,
        project: &str,
    ) -> Result<BTreeMap<String, Vec<String>>, String> {
        let shared = self.shared();
        let remote = chart_remote(&shared.settings.current(), url, project)?;
        let fresh = Freshness::Since(Instant::now().into_std());
        let names = shared.charts.charts(&remote, fresh).await.map_err(|error| chain(&error))?;
        let mut charts = BTreeMap::new();
        for name in names.value.into_iter().take(CHARTS) {
            let versions = shared.charts.versions(&remote, &name, Freshness::Known).await;
            charts.insert(name, versions.map_err(|error| chain(&error))?.value);
        }
        Ok(charts)
    }

    /// The tags of an artifact. **Errors**: a message without secrets.
    pub async fn artifact_tags(&self, url: &str, project: &str) -> Result<Vec<String>, String> {
        let shared = self.shared();
        let remote = chart_remote(&shared.settings.current(), url, project)?;
        let fresh = Freshness::Since(Instant::now().into_std());
        let tags = shared.charts.versions(&remote, "", fresh).await.map_err(|error| chain(&error))?;
        Ok(tags.value)
    }

    /// The files of a git repository at a revision. **Errors**: a message without secrets.
    pub async fn repository_files(
        &self,
        url: &str,
        revision: &str,
        project: &str,
    ) -> Result<Arc<dyn Store>, String> {
        let shared = self.shared();
        let source = ApplicationSource { repo_url: url.to_owned(), ..ApplicationSource::default() };
        let Origin::Git(remote) = origin(&shared.settings.current(), &source, project)? else {
            return Err("only git repositories have directories of applications".to_owned());
        };
        let refs = shared.sources.ls_refs(&remote).await.map_err(|error| chain(&error))?;
        let resolved = shared.sources.revision(&remote, &refs, revision, "").await;
        let resolved = resolved.map_err(|error| chain(&error))?;
        let snapshot = shared.sources.snapshot(&remote, &resolved.commit).await;
        snapshot.map(|snapshot| Arc::clone(&snapshot.store)).map_err(|error| chain(&error))
    }
}
