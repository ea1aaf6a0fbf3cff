//! What the rest of the program asks of chart repositories.

use crate::archive::{Archive, Place, Resolved};
use crate::digest::Digest;
use crate::documents::Document;
use crate::error::ChartError;
use crate::files::FileRequest;
use crate::http::{Counts, Http, name_of, within};
use crate::index::Index;
use crate::ledger::{Answer, Freshness, Ledger};
use crate::oci::{Form, Manifest, Tokens, version_of};
use crate::options::Options;
use crate::questions::{RegistryPlace, in_index, no_chart};
use crate::remote::Remote;
use crate::shelf::Shelf;
use crate::url::RepositoryUrl;
use net::Flights;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Bytes of lists of tags, of manifests and of values files in memory, each.
const LEDGER_BYTES: usize = 64 << 20;

/// How old a list may be that does not have what is asked for, before the server is asked again.
const STALE: Duration = Duration::from_secs(30);

/// All chart repositories. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Charts {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) http: Http,
    pub(crate) tokens: Tokens,
    /// Archives by what they are.
    pub(crate) archives: Shelf,
    /// Answers of servers by what they were asked.
    pub(crate) answers: Shelf,
    pub(crate) fetches: Flights<Digest, Result<Archive, ChartError>>,
    pub(crate) downloads: Semaphore,
    pub(crate) indexes: Ledger<Arc<Document<Index>>>,
    pub(crate) tags: Ledger<Arc<Document<Vec<String>>>>,
    pub(crate) manifests: Ledger<Arc<Document<Manifest>>>,
    pub(crate) files: Ledger<Arc<Document<bytes::Bytes>>>,
}

impl Charts {
    /// Makes the folders and removes what an earlier process left half done.
    ///
    /// # Errors
    /// When they cannot be made, read or written.
    pub fn new(options: Options) -> std::io::Result<Self> {
        let limits = options.limits;
        let inner = Inner {
            archives: Shelf::open(options.dir.join("archives"), limits.kept_archives_bytes)?,
            answers: Shelf::open(options.dir.join("answers"), limits.kept_answers_bytes)?,
            http: Http::new(options),
            tokens: Tokens::default(),
            fetches: Flights::default(),
            downloads: Semaphore::new(limits.downloads.max(1)),
            indexes: Ledger::new(limits.index_memory_bytes, |index| index.value.bytes()),
            tags: Ledger::new(LEDGER_BYTES, |tags| tags.value.iter().map(|tag| tag.len() + 24).sum()),
            manifests: Ledger::new(LEDGER_BYTES, |manifest| manifest.value.weight()),
            files: Ledger::new(LEDGER_BYTES, |file| file.value.len()),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Which version a target revision means, and where its archive is.
    ///
    /// **Shape**: in a Helm repository `chart` is looked up in the index. In a registry a `chart` is Helm's own form, the artifact
    /// `URL/chart:revision`; without one (empty) the URL is the artifact itself, any tree of files. `revision` is an exact version
    /// (for an artifact: a tag), a range, `sha256:…` in a registry, or empty or `*` for the highest that is no pre-release.
    /// The highest in a range wins; pre-releases take part only where the range names one. `+` in versions is `_` in tags.
    /// **Freshness**: one request an interval and index, list of tags, or tag; a version of a chart in a registry is asked for
    /// once, since it is never moved (as in the peer: it keeps the archive by version). While a server fails, the last good
    /// answer comes with the error beside it. Where `Known` lacks the chart or version, the server is asked anew, at most twice a
    /// minute.
    /// **Errors**: [`ChartError`]; on any of them keep what you have.
    /// **Source**: the peer's `util/helm`, `util/oci` and `util/versions`, helm's `IndexFile.Get`.
    ///
    /// # Errors
    /// [`ChartError`].
    pub async fn resolve(
        &self,
        remote: &Remote,
        chart: &str,
        revision: &str,
        fresh: Freshness,
    ) -> Result<Answer<Resolved>, ChartError> {
        let outcome = Box::pin(self.resolve_once(remote, chart, revision, fresh)).await;
        match (&outcome, fresh, Instant::now().checked_sub(STALE)) {
            // What is known may be older than the version that is asked for.
            (
                Err(ChartError::NoChart { .. } | ChartError::NoVersion { .. }),
                Freshness::Known,
                Some(since),
            ) => Box::pin(self.resolve_once(remote, chart, revision, Freshness::Since(since))).await,
            _ => outcome,
        }
    }

    async fn resolve_once(
        &self,
        remote: &Remote,
        chart: &str,
        revision: &str,
        fresh: Freshness,
    ) -> Result<Answer<Resolved>, ChartError> {
        match &remote.url {
            RepositoryUrl::Index(url) => {
                if chart.is_empty() {
                    return Err(refused(remote, "a Helm repository needs the name of a chart"));
                }
                let index = self.inner.index(remote, url, fresh).await?;
                in_index(remote, chart, revision, index)
            }
            RepositoryUrl::Registry(url) => {
                let repository = url.repository(chart)?;
                let usual = &self.inner.http.options.layer_media_types;
                let types = remote.layer_media_types.as_deref().unwrap_or(usual);
                let form = if chart.is_empty() { Form::Artifact(types) } else { Form::Chart };
                let place = RegistryPlace { remote, host: &url.host, repository: &repository };
                self.inner.in_registry(&place, form, revision.trim(), fresh).await
            }
        }
    }

    /// The archive of what was resolved: from the disk, or fetched, one download for all who ask at the same time. Its content has
    /// the digest that the index or the manifest says; where neither says one, what was fetched first is kept.
    ///
    /// Archives are shared on the disk, but each set of credentials has to have fetched one itself before it is given from there.
    ///
    /// # Errors
    /// [`ChartError`].
    pub async fn fetch(&self, remote: &Remote, resolved: &Resolved) -> Result<Archive, ChartError> {
        self.inner.fetch(remote, resolved).await
    }

    /// The versions of a chart, or an artifact's tags as versions, in the server's order.
    ///
    /// # Errors
    /// [`ChartError`].
    pub async fn versions(
        &self,
        remote: &Remote,
        chart: &str,
        fresh: Freshness,
    ) -> Result<Answer<Vec<String>>, ChartError> {
        match &remote.url {
            RepositoryUrl::Index(url) => {
                let index = self.inner.index(remote, url, fresh).await?;
                let versions = |index: &Index| {
                    let entries = index.entries(chart)?;
                    Some(entries.map(|entry| entry.version.to_owned()).collect())
                };
                let versions: Option<Vec<_>> = versions(&index.value.value);
                versions.map(|versions| index.map(|_| versions)).ok_or_else(|| no_chart(remote, chart))
            }
            RepositoryUrl::Registry(url) => {
                let repository = url.repository(chart)?;
                let place = RegistryPlace { remote, host: &url.host, repository: &repository };
                let tags = self.inner.tags(&place, fresh).await?;
                Ok(tags.map(|tags| tags.value.iter().map(|tag| version_of(tag)).collect()))
            }
        }
    }

    /// What the manifest of a version in a registry says of it: its annotations `org.opencontainers.image.*`, by the names without that.
    ///
    /// # Errors
    /// [`ChartError`]; an index has none.
    pub async fn said(
        &self,
        remote: &Remote,
        chart: &str,
        revision: &str,
    ) -> Result<BTreeMap<String, String>, ChartError> {
        let resolved = self.resolve(remote, chart, revision, Freshness::Known).await?.value;
        let Place::Layer { host, repository, manifest, .. } = &resolved.place else {
            return Err(refused(remote, "a Helm repository has no manifests"));
        };
        let place = RegistryPlace { remote, host, repository };
        let found = self.inner.manifest(&place, &manifest.to_string(), Freshness::Known).await?;
        Ok(found.value.value.said.clone())
    }

    /// The names of all charts of a Helm repository.
    ///
    /// # Errors
    /// [`ChartError`]; a registry does not tell.
    pub async fn charts(&self, remote: &Remote, fresh: Freshness) -> Result<Answer<Vec<String>>, ChartError> {
        match &remote.url {
            RepositoryUrl::Index(url) => {
                let index = self.inner.index(remote, url, fresh).await?;
                Ok(index.map(|index| index.value.charts().map(str::to_owned).collect()))
            }
            RepositoryUrl::Registry(_) => Err(refused(remote, "a registry does not list its charts")),
        }
    }

    /// Asks a server whether it lets us in: for the index of a Helm repository, or the registry itself. Nothing that is known is the answer.
    ///
    /// # Errors
    /// [`ChartError`].
    pub async fn ping(&self, remote: &Remote) -> Result<(), ChartError> {
        match &remote.url {
            RepositoryUrl::Index(url) => {
                let index = self.inner.index(remote, url, Freshness::Since(Instant::now())).await?;
                index.error.map_or(Ok(()), Err)
            }
            RepositoryUrl::Registry(url) => {
                let place = RegistryPlace { remote, host: &url.host, repository: "" };
                let name = format!("oci://{}", url.host);
                let registry = self.inner.registry(&place, &name);
                let limit = self.inner.http.options.timeouts.answer;
                within(limit, &name, "the registry", registry.ping()).await
            }
        }
    }

    /// A values file by http or https.
    ///
    /// # Errors
    /// [`ChartError`]; [`ChartError::Refused`] where the scheme is not one of those that may be used.
    pub async fn fetch_file(
        &self,
        file: FileRequest<'_>,
        fresh: Freshness,
    ) -> Result<Answer<bytes::Bytes>, ChartError> {
        self.inner.file(file, fresh).await
    }

    /// Forgets what is known of a chart, so that it is asked for and fetched again (a hard refresh).
    pub fn forget(&self, remote: &Remote, chart: &str, resolved: &Resolved) {
        let inner = &self.inner;
        let archive = inner.archive_question(remote, resolved);
        inner.answers.remove(&archive);
        if let RepositoryUrl::Registry(url) = &remote.url
            && let Ok(repository) = url.repository(chart)
        {
            for reference in [resolved.tag(), resolved.revision()] {
                let question = remote.access(&["manifest", &url.host, &repository, &reference]);
                inner.manifests.forget(&question);
                inner.answers.remove(&question);
            }
        }
    }

    /// What was asked of servers, by repository or file (masked URL).
    pub fn counters(&self) -> BTreeMap<String, Counts> {
        self.inner.http.counts()
    }
}

fn refused(remote: &Remote, reason: &str) -> ChartError {
    ChartError::Refused { repo: name_of(remote), reason: reason.to_owned() }
}

/// Runs what reads files or large texts where it may block.
pub(crate) async fn blocking<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> Result<T, ChartError> + Send + 'static,
) -> Result<T, ChartError> {
    match tokio::task::spawn_blocking(run).await {
        Ok(outcome) => outcome,
        Err(error) => {
            Err(ChartError::Store { repo: name.to_owned(), detail: format!("a task failed: {error}") })
        }
    }
}
