//! Archives: where they are, and having them.

use crate::charts::{Inner, blocking};
use crate::digest::Digest;
use crate::documents::Note;
use crate::error::ChartError;
use crate::http::{Request, name_of, read, refusal, same_server, within};
use crate::ledger::Freshness;
use crate::oci::{Form, LAYER_HELM_CHART, Layer, is_tag, tag_of};
use crate::questions::RegistryPlace;
use crate::remote::Remote;
use crate::url::{RegistryUrl, RepositoryUrl};
use bytes::Bytes;
use net::excerpt;
use reqwest::StatusCode;
use std::path::PathBuf;
use std::sync::Arc;

const WHAT: &str = "the archive";

/// One version of a chart or artifact, found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    pub(crate) version: String,
    pub(crate) place: Place,
}

/// Where its archive is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// An entry of an index.
    Entry {
        /// Perhaps relative to the index.
        url: String,
        digest: Option<Digest>,
    },
    /// A layer in a registry.
    Layer { host: String, repository: String, manifest: Digest, layer: Layer, is_artifact: bool },
}

impl Resolved {
    /// The version as the server writes it; in a registry the tag with `+` for `_`, or the digest that was asked for.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What an Application shows as its revision: the version of a chart; the manifest's digest of an OCI artifact.
    pub fn revision(&self) -> String {
        match &self.place {
            Place::Layer { manifest, is_artifact: true, .. } => manifest.to_string(),
            Place::Layer { .. } | Place::Entry { .. } => self.version.clone(),
        }
    }

    /// What the content is called by itself, where that is known before it is fetched: equal digests, equal files. The archive's
    /// from an index, the manifest's in a registry.
    pub fn digest(&self) -> Option<Digest> {
        match &self.place {
            Place::Entry { digest, .. } => *digest,
            Place::Layer { manifest, .. } => Some(*manifest),
        }
    }

    pub(crate) fn tag(&self) -> String {
        tag_of(&self.version)
    }
}

/// A chart's archive, or an artifact's layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The content; nothing of it was unpacked.
    pub bytes: Bytes,
    /// Of the content.
    pub digest: Digest,
    /// What it is. With [`LAYER_HELM_CHART`] there is one folder on top, which the peer strips from an artifact's tree as well.
    pub media_type: String,
    /// Where it lies on the disk for now. It may go at any time when the cache is full.
    pub path: PathBuf,
}

impl Inner {
    /// What the disk is asked for an archive. Part of it is who asks: nobody reads what was fetched for somebody else.
    pub(crate) fn archive_question(&self, remote: &Remote, resolved: &Resolved) -> Digest {
        match &resolved.place {
            Place::Entry { url, digest } => {
                let digest = digest.map(|digest| digest.to_string()).unwrap_or_default();
                remote.access(&["entry", &resolved.version, url, &digest])
            }
            Place::Layer { host, repository, layer, .. } => {
                remote.access(&["layer", host, repository, &layer.digest.to_string()])
            }
        }
    }

    pub(crate) async fn fetch(
        self: &Arc<Self>,
        remote: &Remote,
        resolved: &Resolved,
    ) -> Result<Archive, ChartError> {
        let question = self.archive_question(remote, resolved);
        let name = name_of(remote);
        let fly = async {
            let (inner, kind) = (Arc::clone(self), media_type(resolved).to_owned());
            let look = blocking(&name, move || Ok(inner.have(&question, &kind)));
            if let Some(archive) = look.await? {
                return Ok(archive);
            }
            let Ok(_turn) = self.downloads.acquire().await else {
                let detail = "no more downloads are made".to_owned();
                return Err(ChartError::Store { repo: name.clone(), detail });
            };
            let limit = self.http.options.timeouts.archive;
            // In a box of its own: the future of a download is large.
            let content = Box::pin(within(limit, &name, WHAT, self.download(remote, resolved)));
            let content = self.counted(&name, content).await?;
            let (inner, kind) = (Arc::clone(self), media_type(resolved).to_owned());
            blocking(&name, move || Ok(inner.store(&question, content, kind))).await
        };
        self.fetches.join(question, fly).await
    }

    /// The archive, where it was fetched before by the same who ask now.
    fn have(&self, question: &Digest, media_type: &str) -> Option<Archive> {
        let (_, content) = self.kept(question)?;
        let digest: Digest = std::str::from_utf8(&content).ok()?.parse().ok()?;
        let bytes = self.archives.read(&digest, |bytes| Digest::of(bytes) == digest)?;
        let (media_type, path) = (media_type.to_owned(), self.archives.path(&digest));
        Some(Archive { bytes: bytes.into(), digest, media_type, path })
    }

    /// Keeps an archive; that it cannot be kept is no reason not to use it.
    fn store(&self, question: &Digest, content: Vec<u8>, media_type: String) -> Archive {
        let digest = Digest::of(&content);
        match self.archives.write(&digest, &[&content]) {
            Ok(()) => {
                let text = digest.to_string();
                self.keep(question, &Note::of(text.as_bytes()), text.as_bytes());
            }
            Err(error) => tracing::warn!(error = %error, "a chart's archive could not be kept"),
        }
        Archive { bytes: content.into(), digest, media_type, path: self.archives.path(&digest) }
    }

    async fn download(self: &Arc<Self>, remote: &Remote, resolved: &Resolved) -> Result<Vec<u8>, ChartError> {
        match &resolved.place {
            Place::Layer { host, repository, layer, .. } => {
                let name = format!("oci://{host}/{repository}");
                let place = RegistryPlace { remote, host, repository };
                self.registry(&place, &name).blob(layer).await
            }
            Place::Entry { url, digest } => {
                let (content, manifest) = match registry_reference(url) {
                    Some((registry, reference)) => {
                        let place = (registry.host.as_str(), registry.path.as_str());
                        let (content, manifest) =
                            self.download_from_registry(remote, place, &reference).await?;
                        (content, Some(manifest))
                    }
                    None => (self.download_from_web(remote, url).await?, None),
                };
                let found = Digest::of(&content);
                // Where the index names a registry, its digest may be either.
                let same = |expected: &Digest| *expected == found || Some(*expected) == manifest;
                let Some(expected) = digest.filter(|expected| !same(expected)) else { return Ok(content) };
                let repo = name_of(remote);
                if self.http.options.accept_index_mismatch {
                    tracing::warn!(repo, version = resolved.version, %expected, %found, "a chart was taken that is not what the index says");
                    return Ok(content);
                }
                Err(ChartError::Mismatch { repo, what: WHAT, expected, found })
            }
        }
    }

    async fn download_from_web(&self, remote: &Remote, url: &str) -> Result<Vec<u8>, ChartError> {
        let name = name_of(remote);
        let protocol = |detail: &str| ChartError::Protocol { repo: name.clone(), detail: detail.to_owned() };
        let RepositoryUrl::Index(index) = &remote.url else {
            return Err(protocol("the chart does not come from an index"));
        };
        let mut base = index.base.clone();
        base.set_path(&format!("{}/", base.path().trim_end_matches('/')));
        let mut target =
            base.join(url).map_err(|_| protocol("the URL of the chart in the index cannot be read"))?;
        // An index cannot say who we are.
        crate::url::user_of(&mut target);
        let own = same_server(&base, &target);
        if own && target.query().is_none() {
            target.set_query(base.query());
        }
        let request = Request::get(remote, &name, target);
        let request = if own || remote.pass_credentials { request.trusted()? } else { request };
        let response = self.http.send(&request).await?;
        if response.status() != StatusCode::OK {
            return Err(refusal(&request, response).await);
        }
        read(&request, response, WHAT, self.http.options.limits.archive_bytes).await
    }

    /// An index may name a place in a registry.
    async fn download_from_registry(
        self: &Arc<Self>,
        remote: &Remote,
        (host, repository): (&str, &str),
        reference: &str,
    ) -> Result<(Vec<u8>, Digest), ChartError> {
        let mut stranger = remote.clone();
        if !remote.pass_credentials {
            let url = RepositoryUrl::parse_registry(&format!("{host}/{repository}"))?;
            let tls = crate::Tls { client_cert: None, client_key: None, ..remote.tls.clone() };
            stranger = Remote { url, username: None, password: None, tls, ..stranger };
        }
        let place = RegistryPlace { remote: &stranger, host, repository };
        let manifest = self.manifest(&place, reference, Freshness::Known).await?.value;
        let name = format!("oci://{host}/{repository}");
        let wrong = |detail: String| ChartError::Protocol { repo: name.clone(), detail: excerpt(&detail) };
        let layer = manifest.value.content(Form::Chart).map_err(wrong)?;
        let content = self.registry(&place, &name).blob(layer).await?;
        Ok((content, manifest.value.digest))
    }
}

fn media_type(resolved: &Resolved) -> &str {
    match &resolved.place {
        Place::Entry { .. } => LAYER_HELM_CHART,
        Place::Layer { layer, .. } => &layer.media_type,
    }
}

/// What an `oci://` URL of an index names: a place in a registry, and a tag or digest.
fn registry_reference(url: &str) -> Option<(RegistryUrl, String)> {
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
