//! What is told between two looks.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use merge::json_merge_diff;
use query::Row;
use serde_json::json;

use super::detail::shown;
use super::hub::{Delta, Log, added, changed, removed};
use super::question::Which;
use super::same_policy;
use super::topic::{Made, Topic, View};
use crate::index::Name;
use crate::server::Backend;

/// Most bytes that are told of one topic at once. Whoever would have to read more reads a page anew instead.
pub(super) const FRAME_BYTES: usize = 64 << 10;

/// What somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    Nothing,
    /// Changes with commas between.
    Changes(Bytes),
    /// It cannot be told what changed, and why: all is to be asked anew.
    Reset(&'static str),
}

/// Why there is a reset.
pub(super) const CUT: &str = "the log of changes does not go back so far";
pub(super) const MUCH: &str = "more has changed than is told at once";

/// What of a topic changed from one look to another.
pub(super) fn tell(
    backend: &Backend,
    log: &Log,
    topic: &Topic,
    (from, to): (&View, &View),
    made: &mut Made,
) -> Told {
    if from.seq < log.floor {
        return Told::Reset(CUT);
    }
    let mut frame = Frame::default();
    match topic {
        Topic::List(which) => list(backend, log, which, (from, to), &mut frame),
        Topic::Application(name) => application(backend, log, name, (from, to), &mut frame, made),
        // Trees are of the cluster, and in no log.
        Topic::Tree(_) => {}
    }
    frame.told()
}

/// Changes as they are put together.
#[derive(Default)]
struct Frame(BytesMut);

impl Frame {
    fn push(&mut self, change: &[u8]) {
        if self.is_full() {
            return;
        }
        if !self.0.is_empty() {
            self.0.put_u8(b',');
        }
        self.0.put_slice(change);
    }

    fn is_full(&self) -> bool {
        self.0.len() > FRAME_BYTES
    }

    fn told(self) -> Told {
        match self.0.len() {
            0 => Told::Nothing,
            more if more > FRAME_BYTES => Told::Reset(MUCH),
            _ => Told::Changes(self.0.freeze()),
        }
    }
}

/// What became of one application between two looks.
struct Fold<'a> {
    before: Option<&'a Arc<Row>>,
    after: Option<&'a Arc<Row>>,
    /// The change, where it is a single one.
    single: Option<&'a Delta>,
}

fn fold(log: &Log, seq: u64) -> BTreeMap<&Name, Fold<'_>> {
    let mut folds: BTreeMap<&Name, Fold<'_>> = BTreeMap::new();
    for delta in log.since(seq) {
        let fold = folds.entry(&delta.name);
        let after = delta.after.as_ref();
        fold.and_modify(|fold| (fold.after, fold.single) = (after, None)).or_insert_with(|| Fold {
            before: delta.before.as_ref(),
            after,
            single: Some(delta),
        });
    }
    folds
}

fn list(backend: &Backend, log: &Log, which: &Which, (from, to): (&View, &View), frame: &mut Frame) {
    let shows = |view: &View, row: &Row| which.takes(row, view.at) && backend.apps.may_see(&view.guard, row);
    let folds = fold(log, from.seq);
    for fold in folds.values() {
        let before = fold.before.filter(|row| shows(from, row));
        let after = fold.after.filter(|row| shows(to, row));
        match (before, after, fold.single) {
            (None, None, _) => {}
            (Some(before), None, _) => frame.push(&removed(before)),
            (None, Some(after), Some(delta)) => frame.push(delta.added(after)),
            (None, Some(after), None) => frame.push(&added(after)),
            (Some(before), Some(after), Some(delta)) => frame.push(delta.changed(before, after)),
            (Some(before), Some(after), None) => frame.push(&changed(before, after)),
        }
    }
    let time = which.is_of_time() && from.at != to.at;
    let rights = !same_policy(&from.guard, &to.guard);
    if !time && !rights {
        return;
    }
    for (name, app) in &log.apps {
        let row = app.row();
        let (was, is) = (which.takes(row, from.at), which.takes(row, to.at));
        if frame.is_full() || folds.contains_key(name) || !was && !is || was == is && !rights {
            continue;
        }
        let was = was && backend.apps.may_see(&from.guard, row);
        let is = is && backend.apps.may_see(&to.guard, row);
        match (was, is) {
            (true, false) => frame.push(&removed(row)),
            (false, true) => frame.push(&added(row)),
            (true, true) | (false, false) => {}
        }
    }
}

/// `{"type": "changed", "version", "patch"}` where the state before is known, `{"type": "replaced", "version", "value"}` where it is not.
fn application(
    backend: &Backend,
    log: &Log,
    name: &Name,
    (from, to): (&View, &View),
    frame: &mut Frame,
    made: &mut Made,
) {
    let current = log.apps.get(name);
    let row = current.map(|app| app.row());
    let mut folds = fold(log, from.seq);
    let fold = folds.remove(name);
    let (before, after) = fold.as_ref().map_or((row, row), |fold| (fold.before, fold.after));
    let before = before.filter(|row| backend.apps.may_see(&from.guard, row));
    let after = after.filter(|row| backend.apps.may_see(&to.guard, row)).and(current);
    let Some(app) = after else {
        if let Some(before) = before {
            frame.push(&removed(before));
        }
        return;
    };
    if fold.is_none() && before.is_some() {
        return;
    }
    let version = &app.row().version;
    let known = before.and_then(|before| made.detail(&before.version));
    let value = Arc::new(shown(app));
    let event = match known {
        Some(known) => {
            json!({"type": "changed", "version": version, "patch": json_merge_diff(&known, &value)})
        }
        None => json!({"type": "replaced", "version": version, "value": &*value}),
    };
    made.keep_detail(version, value);
    frame.push(event.to_string().as_bytes());
}
