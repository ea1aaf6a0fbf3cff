//! A manifest: which layer holds the chart or the files.

use super::LAYER_HELM_CHART;
use crate::digest::Digest;
use net::excerpt;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What Helm 2 called a chart.
const LAYER_LEGACY_CHART: &str = "application/tar+gzip";

/// Layers an artifact may have, as in the peer.
const LAYERS: usize = 10;

/// What annotations begin with that say something of an artifact as a whole.
const SAID: &str = "org.opencontainers.image.";

/// Longest value of one that is kept, in bytes.
const SAID_BYTES: usize = 4096;

/// Kinds of manifests that are asked for.
pub(super) const ACCEPT: &str =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";

/// What an artifact is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form<'a> {
    /// A chart that `helm push` made.
    Chart,
    /// One layer of files, of one of these media types.
    Artifact(&'a [String]),
}

/// A manifest that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) digest: Digest,
    layers: Vec<Layer>,
    /// What it says of itself, by the names without what all begin with.
    pub(crate) said: BTreeMap<String, String>,
}

/// One content of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layer {
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    schema_version: i64,
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    layers: Vec<RawLayer>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, serde_json::Value>>,
    manifests: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawLayer {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: i64,
}

impl Manifest {
    /// Reads a manifest whose digest is known. The error says what is wrong with it.
    pub(crate) fn parse(text: &[u8], digest: Digest) -> Result<Self, String> {
        let raw: Raw = serde_json::from_slice(text)
            .map_err(|error| format!("the manifest cannot be read: {}", excerpt(&error.to_string())))?;
        if raw.manifests.is_some()
            || raw.media_type.contains("index")
            || raw.media_type.contains("manifest.list")
        {
            return Err("it is an index of manifests, where one artifact is wanted".to_owned());
        }
        if raw.schema_version != 2 {
            return Err(format!("the manifest has version {}, which is not known", raw.schema_version));
        }
        if raw.layers.len() > LAYERS {
            return Err(format!("it has {} layers, where {LAYERS} are the most", raw.layers.len()));
        }
        let layers = raw.layers.into_iter().map(|layer| {
            let digest = layer.digest.parse().map_err(|error| format!("a layer's digest is {error}"))?;
            let size = u64::try_from(layer.size).map_err(|_| "a layer has a negative size".to_owned())?;
            Ok(Layer { media_type: layer.media_type, digest, size })
        });
        let annotations = raw.annotations.into_iter().flatten();
        let said = annotations.filter_map(|(name, value)| {
            let value = value.as_str().filter(|value| value.len() <= SAID_BYTES)?;
            Some((name.strip_prefix(SAID)?.to_owned(), value.to_owned()))
        });
        Ok(Self { digest, said: said.collect(), layers: layers.collect::<Result<_, String>>()? })
    }

    /// The one layer that counts.
    ///
    /// **Source**: for charts helm's registry client; for artifacts the peer's `Extract`: a layer whose type ends in `tar` or
    /// `tar+gzip` holds content, there is exactly one, and its type must be allowed; others (signatures, provenance) are not
    /// looked at.
    pub(crate) fn content(&self, form: Form<'_>) -> Result<&Layer, String> {
        let is_content = |layer: &&Layer| match form {
            Form::Chart => [LAYER_HELM_CHART, LAYER_LEGACY_CHART].contains(&layer.media_type.as_str()),
            Form::Artifact(_) => layer.media_type.ends_with("tar") || layer.media_type.ends_with("tar+gzip"),
        };
        let mut found = self.layers.iter().filter(is_content);
        let (first, more) = (found.next(), found.count());
        let Some(layer) = first.filter(|_| more == 0 || form == Form::Chart) else {
            let types: Vec<_> = self.layers.iter().map(|layer| layer.media_type.as_str()).collect();
            let wanted = match form {
                Form::Chart => "a Helm chart",
                Form::Artifact(_) => "a single layer of files",
            };
            return Err(excerpt(&format!("it is not {wanted}: its layers are {types:?}")));
        };
        match form {
            Form::Artifact(allowed) if !allowed.contains(&layer.media_type) => Err(excerpt(&format!(
                "its layer has the media type {:?}, which is not allowed",
                layer.media_type
            ))),
            _ => Ok(layer),
        }
    }

    pub(crate) fn weight(&self) -> usize {
        let said: usize = self.said.iter().map(|(name, value)| name.len() + value.len() + 48).sum();
        said + self.layers.iter().map(|layer| layer.media_type.len() + 128).sum::<usize>()
    }
}
