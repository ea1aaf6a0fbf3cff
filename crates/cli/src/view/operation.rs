//! The lines about an operation.

use api::{Application, OperationState, ResultCode};
use jiff::Timestamp;

use super::{field, go_duration, go_time};
use crate::look::Look;
use crate::table::Cell;

/// The lines about the last operation; nothing where there was none.
pub(crate) fn summary(app: &Application, now: Timestamp, look: Look) -> String {
    let Some(state) = &app.status.operation_state else { return String::new() };
    let line = |label: &str, value: Cell| field(look, label, &value);
    let mut out = String::new();
    if let Some(result) = &state.sync_result {
        out += &line("Operation:", "Sync".into());
        let revision =
            if result.revisions.is_empty() { result.revision.clone() } else { result.revisions.join(", ") };
        out += &line("Sync Revision:", revision.into());
    }
    out += &line("Phase:", look.phase(&state.phase));
    out += &line("Start:", go_time(&state.started_at).into());
    let finished = state.finished_at.as_deref().map_or_else(|| "<nil>".to_owned(), go_time);
    out += &line("Finished:", finished.into());
    out += &line("Duration:", duration(state, now).into());
    if !state.message.is_empty() {
        out += &line("Message:", state.message.as_str().into());
    }
    out
}

/// Resources that the operation left although git no longer has them.
pub(crate) fn pruning_required(state: &OperationState) -> usize {
    let results = state.sync_result.iter().flat_map(|result| &result.resources);
    results.filter(|r| r.status == Some(ResultCode::PruneSkipped)).count()
}

fn duration(state: &OperationState, now: Timestamp) -> String {
    let end = state.finished_at.as_deref().and_then(|at| api::parse_time(at).ok()).unwrap_or(now);
    match api::parse_time(&state.started_at) {
        Ok(start) => go_duration(end.duration_since(start)),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::context::Style;

    #[test]
    fn the_peers_lines() {
        let expected = "\
Operation:          Sync
Sync Revision:      4f2a91c0d3e5f60718293a4b5c6d7e8f90a1b2c3
Phase:              Succeeded
Start:              2026-01-02 03:03:00 +0000 UTC
Finished:           2026-01-02 03:04:05 +0000 UTC
Duration:           1m5s
Message:            successfully synced
";
        let look = Look { style: Style::Argocd, ..Look::default() };
        assert_eq!(summary(&sample::guestbook(), Timestamp::UNIX_EPOCH, look), expected);
        assert_eq!(summary(&sample::hostile(), Timestamp::UNIX_EPOCH, look), "");
    }
}
