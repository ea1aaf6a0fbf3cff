//! Registries: the pulling half of the distribution protocol.

/// An uncompressed file tree.
pub const LAYER_TAR: &str = "application/vnd.oci.image.layer.v1.tar";
/// A file tree; what `oras push` makes.
pub const LAYER_TAR_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// A Helm chart; what `helm push` makes.
pub const LAYER_HELM_CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
