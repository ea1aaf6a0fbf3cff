//! What the rest of the program asks of chart repositories.

use crate::archive::{Archive, Place, Resolved};
use crate::digest::Digest;
use crate::documents::{Document, Note};
use crate::error::ChartError;
use crate::flights::Flights;
use crate::http::{Counts, Http, Request, name_of, within};
use crate::index::Index;
use crate::ledger::{Answer, Freshness, Ledger};
use crate::oci::{Form, Manifest, Registry, Tokens, is_tag, tag_of, version_of};
use crate::options::Options;
use crate::remote::{Remote, Tls};
use crate::shelf::Shelf;
use crate::url::{IndexUrl, RegistryUrl, RepositoryUrl};
use gosemver::{Range, Version};
use reqwest::Url;
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
    indexes: Ledger<Arc<Document<Index>>>,
    tags: Ledger<Arc<Document<Vec<String>>>>,
    manifests: Ledger<Arc<Document<Manifest>>>,
    files: Ledger<Arc<Document<bytes::Bytes>>>,
}

/// A values file somewhere on the web.
#[derive(Clone, Copy, Debug)]
pub struct FileRequest<'a> {
    /// Its URL. A user and password in it are sent, as Helm does; nothing else of ours is.
    pub url: &'a str,
    /// Schemes that may be used (`helm.valuesFileSchemes`); of them `https` and `http` are known here.
    pub schemes: &'a [&'a str],
    /// How its server is trusted; a client certificate in it is not used.
    pub tls: &'a Tls,
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
                let types = &self.inner.http.options.layer_media_types;
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

/// A repository of a registry, and who asks it.
pub(crate) struct RegistryPlace<'a> {
    pub(crate) remote: &'a Remote,
    pub(crate) host: &'a str,
    pub(crate) repository: &'a str,
}

impl RegistryPlace<'_> {
    fn question(&self, kind: &str, more: &str) -> Digest {
        self.remote.access(&[kind, self.host, self.repository, more])
    }

    fn name(&self) -> String {
        format!("oci://{}/{}", self.host, self.repository)
    }
}

fn in_index(
    remote: &Remote,
    chart: &str,
    revision: &str,
    index: Answer<Arc<Document<Index>>>,
) -> Result<Answer<Resolved>, ChartError> {
    let document = Arc::clone(&index.value);
    let known = &document.value;
    let Some(entries) = known.entries(chart) else { return Err(no_chart(remote, chart)) };
    let Some(entry) = known.resolve(chart, revision) else {
        return Err(no_version(name_of(remote), chart, revision, entries.count()));
    };
    if entry.url.is_empty() {
        let detail = format!(
            "the index has no URL for {}",
            crate::mask::excerpt(&format!("{chart} {}", entry.version))
        );
        return Err(ChartError::Protocol { repo: name_of(remote), detail });
    }
    let place = Place::Entry { url: entry.url.to_owned(), digest: entry.digest };
    let resolved = Resolved { version: entry.version.to_owned(), place };
    Ok(index.map(|_| resolved))
}

impl Inner {
    async fn index(
        self: &Arc<Self>,
        remote: &Remote,
        url: &IndexUrl,
        fresh: Freshness,
    ) -> Result<Answer<Arc<Document<Index>>>, ChartError> {
        let name = name_of(remote);
        let question = remote.access(&["index"]);
        let limit = self.http.options.limits.index_bytes;
        let ask = async |before| {
            let request = Request::get(remote, &name, index_url(&url.base)).trusted()?;
            let what = ("index.yaml", limit);
            self.counted(&name, self.document(request, question, what, before, read_index)).await
        };
        self.indexes.answer(question, fresh, || self.recall(question, read_index), ask).await
    }

    async fn tags(
        self: &Arc<Self>,
        place: &RegistryPlace<'_>,
        fresh: Freshness,
    ) -> Result<Answer<Arc<Document<Vec<String>>>>, ChartError> {
        let (name, question) = (place.name(), place.question("tags", ""));
        let ask = async |_| {
            let registry = self.registry(place, &name);
            let limit = self.http.options.timeouts.answer;
            let tags = self.counted(&name, within(limit, &name, "the list of tags", registry.tags())).await?;
            let text = serde_json::to_vec(&tags).unwrap_or_default();
            self.kept_document(question, text, read_tags, &name).await
        };
        self.tags.answer(question, fresh, || self.recall(question, read_tags), ask).await
    }

    pub(crate) async fn manifest(
        self: &Arc<Self>,
        place: &RegistryPlace<'_>,
        reference: &str,
        fresh: Freshness,
    ) -> Result<Answer<Arc<Document<Manifest>>>, ChartError> {
        let (name, question) = (place.name(), place.question("manifest", reference));
        let ask = async |before: Option<Arc<Document<Manifest>>>| {
            let registry = self.registry(place, &name);
            let known = before.as_ref().map(|before| before.value.digest);
            let limit = self.http.options.timeouts.answer;
            let asked = within(limit, &name, "the manifest", registry.manifest(reference, known));
            match (self.counted(&name, asked).await?, before) {
                (None, Some(before)) => Ok(before),
                (Some((_, text)), _) => self.kept_document(question, text, read_manifest, &name).await,
                (None, None) => {
                    let detail = "it has no manifest".to_owned();
                    Err(ChartError::Protocol { repo: name.clone(), detail })
                }
            }
        };
        self.manifests.answer(question, fresh, || self.recall(question, read_manifest), ask).await
    }

    async fn in_registry(
        self: &Arc<Self>,
        place: &RegistryPlace<'_>,
        form: Form<'_>,
        revision: &str,
        fresh: Freshness,
    ) -> Result<Answer<Resolved>, ChartError> {
        if revision.parse::<Digest>().is_ok() {
            // A content is what its digest says for ever.
            return self.tagged(place, form, revision, revision, Freshness::Known).await;
        }
        let exact = Version::parse(revision).is_some();
        let range = if revision.is_empty() { Range::parse("*") } else { Range::parse(revision) };
        let tag = tag_of(revision);
        match form {
            Form::Chart if exact => return self.tagged(place, form, &tag, revision, Freshness::Known).await,
            Form::Chart => {}
            // Any tag can be a revision of an artifact; only what is none is looked up as a range.
            Form::Artifact(_) if is_tag(&tag) => {
                match self.tagged(place, form, &tag, revision, fresh).await {
                    Err(ChartError::NotFound { .. }) if range.is_some() && !exact => {}
                    outcome => return outcome,
                }
            }
            Form::Artifact(_) => {}
        }
        let Some(range) = range else {
            return match is_tag(&tag) {
                true => self.tagged(place, form, &tag, revision, fresh).await,
                false => Err(no_version(place.name(), place.repository, revision, 0)),
            };
        };
        let tags = self.tags(place, fresh).await?;
        let Some(tag) = highest(&tags.value.value, &range) else {
            let known = tags.value.value.len();
            return Err(no_version(place.name(), place.repository, revision, known));
        };
        let least = if form == Form::Chart { Freshness::Known } else { fresh };
        let mut answer = self.tagged(place, form, tag, &version_of(tag), least).await?;
        answer.error = tags.error.or(answer.error);
        answer.asked = tags.asked;
        Ok(answer)
    }

    /// What lies under a tag or digest, which is to be shown as `version`.
    async fn tagged(
        self: &Arc<Self>,
        place: &RegistryPlace<'_>,
        form: Form<'_>,
        reference: &str,
        version: &str,
        fresh: Freshness,
    ) -> Result<Answer<Resolved>, ChartError> {
        let manifest = Box::pin(self.manifest(place, reference, fresh)).await?;
        let layer = manifest.value.value.content(form);
        let layer = layer.map_err(|detail| ChartError::Protocol { repo: place.name(), detail })?.clone();
        let digest = manifest.value.value.digest;
        let is_artifact = form != Form::Chart;
        let found = Place::Layer {
            host: place.host.to_owned(),
            repository: place.repository.to_owned(),
            manifest: digest,
            layer,
            is_artifact,
        };
        Ok(manifest.map(|_| Resolved { version: version.to_owned(), place: found }))
    }

    pub(crate) fn registry<'a>(&'a self, place: &RegistryPlace<'a>, name: &'a str) -> Registry<'a> {
        let (http, tokens) = (&self.http, &self.tokens);
        Registry { http, tokens, remote: place.remote, name, host: place.host, repository: place.repository }
    }

    async fn kept_document<T: Send + Sync + 'static>(
        self: &Arc<Self>,
        question: Digest,
        text: Vec<u8>,
        read: crate::documents::Reader<T>,
        name: &str,
    ) -> Result<Arc<Document<T>>, ChartError> {
        let (inner, repo) = (Arc::clone(self), name.to_owned());
        blocking(name, move || {
            let note = Note::of(&text);
            inner.keep(&question, &note, &text);
            let value = read(&inner, &text).map_err(|detail| ChartError::Protocol { repo, detail })?;
            Ok(Arc::new(Document::new(value, note)))
        })
        .await
    }

    async fn file(
        self: &Arc<Self>,
        file: FileRequest<'_>,
        fresh: Freshness,
    ) -> Result<Answer<bytes::Bytes>, ChartError> {
        let wrong = |repo: String, reason: String| ChartError::Refused { repo, reason };
        let url = Url::parse(file.url);
        let url = url.map_err(|_| wrong("a values file".to_owned(), "its URL cannot be read".to_owned()))?;
        let name = crate::mask::shown(&url);
        if !file.schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case(url.scheme())) {
            let reason = format!("values files by {} are not allowed", crate::mask::excerpt(url.scheme()));
            return Err(wrong(name, reason));
        }
        let mut remote = Remote::new(RepositoryUrl::parse(file.url)?);
        let RepositoryUrl::Index(index) = &remote.url else {
            return Err(wrong(name, "values files come by https or http".to_owned()));
        };
        let base = index.base.clone();
        remote.tls = Tls { client_cert: None, client_key: None, ..file.tls.clone() };
        remote.allow_http = base.scheme() == "http";
        let question = remote.access(&["file"]);
        let what = ("the values file", self.http.options.limits.file_bytes);
        let ask = async |before| {
            let request = Request::get(&remote, &name, base.clone()).trusted()?;
            self.counted(&name, self.document(request, question, what, before, read_file)).await
        };
        let answer = self.files.answer(question, fresh, || self.recall(question, read_file), ask).await?;
        Ok(answer.map(|file| file.value.clone()))
    }

    pub(crate) async fn counted<T>(
        &self,
        name: &str,
        answer: impl Future<Output = Result<T, ChartError>>,
    ) -> Result<T, ChartError> {
        let outcome = answer.await;
        if outcome.is_err() {
            self.http.count(name, |counts| counts.failures += 1);
        }
        outcome
    }
}

fn read_index(inner: &Inner, text: &[u8]) -> Result<Index, String> {
    let index = Index::parse(text, inner.http.options.limits.versions).map_err(|error| error.to_string())?;
    for note in index.notes() {
        tracing::debug!(note, "an entry of index.yaml was left out");
    }
    Ok(index)
}

fn read_tags(_: &Inner, text: &[u8]) -> Result<Vec<String>, String> {
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

fn read_manifest(_: &Inner, text: &[u8]) -> Result<Manifest, String> {
    Manifest::parse(text, Digest::of(text))
}

#[expect(clippy::unnecessary_wraps, reason = "the other readers can fail")]
fn read_file(_: &Inner, text: &[u8]) -> Result<bytes::Bytes, String> {
    Ok(bytes::Bytes::copy_from_slice(text))
}

/// `index.yaml` below a repository's URL, whose query stays.
fn index_url(base: &Url) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/index.yaml", base.path().trim_end_matches('/')));
    url
}

/// The tag with the highest version in a range.
fn highest<'a>(tags: &'a [String], range: &Range) -> Option<&'a str> {
    let mut best: Option<(Version, &str)> = None;
    for tag in tags.iter().filter(|tag| is_tag(tag)) {
        if let Some(version) = Version::parse(&version_of(tag))
            && best.as_ref().is_none_or(|(highest, _)| version > *highest)
            && range.matches(&version)
        {
            best = Some((version, tag));
        }
    }
    best.map(|(_, tag)| tag)
}

fn refused(remote: &Remote, reason: &str) -> ChartError {
    ChartError::Refused { repo: name_of(remote), reason: reason.to_owned() }
}

fn no_chart(remote: &Remote, chart: &str) -> ChartError {
    ChartError::NoChart { repo: name_of(remote), chart: crate::mask::excerpt(chart) }
}

fn no_version(repo: String, chart: &str, revision: &str, known: usize) -> ChartError {
    let (chart, revision) = (crate::mask::excerpt(chart), crate::mask::excerpt(revision));
    ChartError::NoVersion { repo, chart, revision, known }
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

/// What an `oci://` URL of an index names: a place in a registry, and a tag or digest.
pub(crate) fn registry_reference(url: &str) -> Option<(RegistryUrl, String)> {
    let rest = url.get(..6).filter(|scheme| scheme.eq_ignore_ascii_case("oci://")).and(url.get(6..))?;
    let slash = rest.rfind('/')?;
    let (path, reference) = match rest.split_once('@') {
        Some((path, digest)) => (path, digest.parse::<Digest>().ok()?.to_string()),
        None => {
            let colon = rest.rfind(':').filter(|colon| *colon > slash)?;
            (rest.get(..colon)?, rest.get(colon + 1..).filter(|tag| is_tag(tag))?.to_owned())
        }
    };
    match RepositoryUrl::parse_registry(path).ok()? {
        RepositoryUrl::Registry(registry) if !registry.path.is_empty() => Some((registry, reference)),
        RepositoryUrl::Registry(_) | RepositoryUrl::Index(_) => None,
    }
}
