//! Manifests of files that the caller sends, rendered as an application would render them.

use std::sync::Arc;
use std::time::Duration;

use applications::{Files, What};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt as _;
use rbac::Action;
use serde_json::Value;
use tonic::Status;

use super::application::live_for;
use super::manifests::{answer, evaluate_value};
use super::{Asked, Table, text};
use crate::call::{NoSuchMethod, Reply, Requests};
use crate::server::Backend;

/// Bytes of the archive. The peer has the same limit.
const ARCHIVE: usize = 100 << 20;
/// How long the whole of it may take to come.
const SENDING: Duration = Duration::from_secs(90);

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.gather("application.ApplicationService/GetManifestsWithFiles", manifests)
}

/// **Source**: `Server.GetManifestsWithFiles`; values of Secrets are masked. Links in the archive are refused.
async fn manifests(backend: Arc<Backend>, ask: Asked, more: Requests) -> Result<Reply, Status> {
    let query = ask.request.get("query").filter(|query| query.is_object());
    let query = query.ok_or_else(|| Status::invalid_argument("error getting stream query: query is nil"))?;
    let (name, place) = (text(query, "name"), text(query, "appNamespace"));
    if name.is_empty() {
        return Err(Status::invalid_argument("invalid request: application name is missing"));
    }
    // Before anything is read of whoever may not see the application.
    let (app, _) = live_for(&backend, &ask.caller.guard, query, &Action::Get, (place, name)).await?;
    let archive = tokio::time::timeout(SENDING, gathered(more)).await;
    let archive = archive.map_err(|_| Status::deadline_exceeded("the files do not come in time"))??;
    let checksum = text(query, "checksum").to_owned();
    let opened = tokio::task::spawn_blocking(move || open(&archive, &checksum)).await;
    let files = opened.map_err(|error| Status::internal(error.to_string()))??;
    let what = What { files: Some(files), desired_only: true, ..What::default() };
    let (app, evaluation) = Box::pin(evaluate_value(&backend, app, &what)).await?;
    Ok(answer(&app, &evaluation))
}

/// The parts of the archive, put together.
async fn gathered(mut parts: Requests) -> Result<Vec<u8>, Status> {
    let mut archive = Vec::new();
    while let Some(part) = parts.next().await {
        let part = part?;
        let chunk = part.get("chunk").and_then(|chunk| chunk.get("chunk")).and_then(Value::as_str);
        let chunk =
            chunk.ok_or_else(|| Status::invalid_argument("error getting stream chunk: chunk is nil"))?;
        let chunk =
            STANDARD.decode(chunk).map_err(|error| Status::invalid_argument(format!("chunk: {error}")))?;
        if archive.len() + chunk.len() > ARCHIVE {
            return Err(Status::resource_exhausted(format!("the files have more than {ARCHIVE} bytes")));
        }
        archive.extend_from_slice(&chunk);
    }
    Ok(archive)
}

fn open(archive: &[u8], checksum: &str) -> Result<Files, Status> {
    let sum: String = digest(&SHA256, archive).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    if !checksum.eq_ignore_ascii_case(&sum) {
        return Err(Status::invalid_argument("the files have another checksum than was said"));
    }
    let limits = helm::ArchiveLimits { file_bytes: ARCHIVE as u64, ..helm::ArchiveLimits::default() };
    let invalid = |error: String| Status::invalid_argument(format!("the files cannot be unpacked: {error}"));
    let files =
        helm::Archive::read_tree(archive, &limits).map_err(|error| invalid(cluster::chain(&error)))?;
    let store = helm::ArchiveStore::new(&files).map_err(|error| invalid(error.to_string()))?;
    Ok(Files(Arc::new(store)))
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn parts_are_put_together_within_a_limit() {
        let part = |bytes: &[u8]| Ok(json!({"chunk": {"chunk": STANDARD.encode(bytes)}}));
        let put = |parts: Vec<Result<Value, Status>>| gathered(stream::iter(parts).boxed());
        assert_eq!(put(vec![part(b"ab"), part(b"c")]).await.unwrap(), b"abc");
        assert!(put(vec![Ok(json!({"query": {}}))]).await.is_err());
        let large = vec![b'x'; ARCHIVE / 2 + 1];
        let refused = put(vec![part(&large), part(&large)]).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
    }

    #[test]
    fn an_archive_is_what_was_said() {
        let wrong = open(b"no archive", "00").unwrap_err();
        assert!(wrong.message().contains("checksum"), "{wrong}");
        let bytes = b"no archive";
        let sum: String = digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let broken = open(bytes, &sum).unwrap_err();
        assert!(broken.message().contains("cannot be unpacked"), "{broken}");
    }
}
