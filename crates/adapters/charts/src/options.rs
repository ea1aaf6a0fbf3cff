//! How this crate behaves.

use net::Proxies;
use std::path::PathBuf;
use std::time::Duration;

/// How this crate behaves; the composition root makes one.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where indexes and archives are kept between runs. One process at a time.
    pub dir: PathBuf,
    /// What servers may send, and what is kept of it.
    pub limits: Limits,
    /// How long they may take.
    pub timeouts: Timeouts,
    /// For repositories whose Secret names no proxy.
    pub proxies: Proxies,
    /// Media types of layers that may hold an OCI artifact's files: the peer's `reposerver.oci.layer.media.types`.
    pub layer_media_types: Vec<String>,
    /// Whether an archive is used whose content is not what the index says. Helm never looks, and well-known repositories have
    /// wrong digests (archives that were packed twice); so an operator may choose to go on, with a warning in the log. What
    /// manifests and pins in registries say is always held.
    pub accept_index_mismatch: bool,
}

impl Options {
    /// Default limits and times, no proxy, the peer's media types, every digest held.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let types = [crate::oci::LAYER_TAR, crate::oci::LAYER_TAR_GZIP, crate::oci::LAYER_HELM_CHART];
        Self {
            dir: dir.into(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            proxies: Proxies::default(),
            layer_media_types: types.map(str::to_owned).to_vec(),
            accept_index_mismatch: false,
        }
    }
}

/// What a server may send, and what is kept of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of an `index.yaml`, decompressed.
    pub index_bytes: u64,
    /// Versions of all charts in one index.
    pub versions: usize,
    /// Tags of one repository in a registry.
    pub tags: usize,
    /// Bytes of a manifest in a registry.
    pub manifest_bytes: u64,
    /// Bytes of an archive, as it is sent (nothing is decompressed here).
    pub archive_bytes: u64,
    /// Bytes of a values file.
    pub file_bytes: u64,
    /// Bytes of archives on the disk, all together; those that were not read for longest go first.
    pub kept_archives_bytes: u64,
    /// Bytes of indexes, lists and answers on the disk, all together.
    pub kept_answers_bytes: u64,
    /// Bytes of indexes in memory, all together; what does not fit is read from the disk again.
    pub index_memory_bytes: usize,
    /// Archives that are downloaded at the same time.
    pub downloads: usize,
}

impl Default for Limits {
    /// 50 MiB with 250,000 versions an index (the peer's limit is 1 GB); 100,000 tags; 4 MiB a manifest (the specification's
    /// advice); 100 MiB an archive; 10 MiB a file; 10 GiB and 2 GiB on the disk; 256 MiB in memory; 4 downloads.
    fn default() -> Self {
        Self {
            index_bytes: 50 << 20,
            versions: 250_000,
            tags: 100_000,
            manifest_bytes: 4 << 20,
            archive_bytes: 100 << 20,
            file_bytes: 10 << 20,
            kept_archives_bytes: 10 << 30,
            kept_answers_bytes: 2 << 30,
            index_memory_bytes: 256 << 20,
            downloads: 4,
        }
    }
}

/// How long a server may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub idle: Duration,
    /// For an index, a list of tags, a manifest or a values file, all in all.
    pub answer: Duration,
    /// For an archive, all in all.
    pub archive: Duration,
}

impl Default for Timeouts {
    /// 10 s, 15 s, 60 s, 5 min.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(10), idle: seconds(15), answer: seconds(60), archive: seconds(300) }
    }
}
