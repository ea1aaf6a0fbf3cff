//! What servers are asked: for an index, a list of tags, a manifest; and what a revision means in their answers.

use crate::archive::{Place, Resolved};
use crate::charts::{Inner, blocking};
use crate::digest::Digest;
use crate::documents::{Document, Note, Reader};
use crate::error::ChartError;
use crate::http::{Request, name_of, within};
use crate::index::Index;
use crate::ledger::{Answer, Freshness};
use crate::oci::{Form, Manifest, Registry, is_tag, tag_of, version_of};
use crate::remote::Remote;
use crate::url::IndexUrl;
use gosemver::{Range, Version};
use net::excerpt;
use reqwest::Url;
use std::sync::Arc;

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

pub(crate) fn in_index(
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
        let detail = format!("the index has no URL for {}", excerpt(&format!("{chart} {}", entry.version)));
        return Err(ChartError::Protocol { repo: name_of(remote), detail });
    }
    let place = Place::Entry { url: entry.url.to_owned(), digest: entry.digest };
    let resolved = Resolved { version: entry.version.to_owned(), place };
    Ok(index.map(|_| resolved))
}

impl Inner {
    pub(crate) async fn index(
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

    pub(crate) async fn tags(
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

    pub(crate) async fn in_registry(
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
        read: Reader<T>,
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

pub(crate) fn no_chart(remote: &Remote, chart: &str) -> ChartError {
    ChartError::NoChart { repo: name_of(remote), chart: excerpt(chart) }
}

fn no_version(repo: String, chart: &str, revision: &str, known: usize) -> ChartError {
    let (chart, revision) = (excerpt(chart), excerpt(revision));
    ChartError::NoVersion { repo, chart, revision, known }
}
