//! What the suites share.
#![allow(dead_code, reason = "each suite uses a part")]
#![allow(unreachable_pub, reason = "a module of several test programs")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use charts::{Charts, Limits, Options, Remote, RepositoryUrl, Secret, Timeouts};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Long enough for a busy machine.
pub const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(5),
    idle: Duration::from_secs(20),
    answer: Duration::from_secs(30),
    archive: Duration::from_secs(30),
};

pub fn charts(dir: &Path) -> Charts {
    Charts::new(Options { timeouts: TIMEOUTS, ..Options::new(dir) }).unwrap()
}

/// With limits that are soon reached; `patience` is for a whole answer.
pub fn small(dir: &Path, patience: Duration) -> Charts {
    let limits = Limits {
        index_bytes: 64 << 10,
        versions: 100,
        tags: 50,
        manifest_bytes: 4 << 10,
        archive_bytes: 1 << 10,
        file_bytes: 1 << 10,
        ..Limits::default()
    };
    let timeouts = Timeouts { answer: patience, archive: patience, ..TIMEOUTS };
    Charts::new(Options { limits, timeouts, ..Options::new(dir) }).unwrap()
}

pub fn remote(url: &str) -> Remote {
    let mut remote = Remote::new(RepositoryUrl::parse(url).unwrap());
    remote.allow_http = remote.url.is_plain_http();
    remote
}

/// A registry that speaks plain http.
pub fn plain_registry(url: &str) -> Remote {
    Remote { force_http: true, ..remote(url) }
}

pub fn login(remote: Remote, name: &str, password: &str) -> Remote {
    Remote { username: Some(name.to_owned()), password: Some(Secret::new(password)), ..remote }
}

/// Trusts a certificate for loopback.
pub fn trusting(mut remote: Remote, pem: &str) -> Remote {
    remote.tls.ca_certs = Arc::new(BTreeMap::from([("127.0.0.1".to_owned(), pem.to_owned())]));
    remote
}
