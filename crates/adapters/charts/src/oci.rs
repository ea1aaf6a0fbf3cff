//! Registries: the pulling half of the distribution protocol.

mod challenge;
mod manifest;
mod registry;

pub(crate) use manifest::{Form, Layer, Manifest};
pub(crate) use registry::{Registry, Tokens};

/// An uncompressed file tree.
pub const LAYER_TAR: &str = "application/vnd.oci.image.layer.v1.tar";
/// A file tree; what `oras push` makes.
pub const LAYER_TAR_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// A Helm chart; what `helm push` makes.
pub const LAYER_HELM_CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/// A version as a tag: `+` is none of a tag's characters, so that Helm writes `_`.
pub(crate) fn tag_of(version: &str) -> String {
    version.replace('+', "_")
}

/// A tag as a version.
pub(crate) fn version_of(tag: &str) -> String {
    tag.replace('_', "+")
}

/// Whether a registry can have such a tag.
pub(crate) fn is_tag(text: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=128).contains(&text.len()) && text.bytes().all(fine) && !text.starts_with(['.', '-'])
}
