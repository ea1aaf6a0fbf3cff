//! What of long lists goes into an Application, which etcd refuses beyond 1.5 MiB.
//!
//! The rule: the results of an operation have [`RESULTS_BYTES`], the rest of the status together with the list of resources has
//! [`REST_BYTES`]; both are less than 1 MiB. What is over that leaves the lists, what is as it should be first: of results those of
//! objects that were applied, then those of prunes, then failures, and no hook's; of resources those that are in sync and have no
//! health, then those that are in sync and healthy, then the others, and of no kind the last. Within one rank the end of the list goes
//! first. Of images and addresses there are [`TEXTS_BYTES`] each. Everything else stays.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use api::{HealthStatusCode, ResourceResult, ResourceStatus, ResultCode, SyncStatusCode};
use serde::Serialize;

/// Bytes of JSON for the results of an operation.
pub(crate) const RESULTS_BYTES: usize = 240 << 10;
/// Bytes of JSON for a status without these results.
pub(crate) const REST_BYTES: usize = 768 << 10;
/// Bytes of JSON for all images, and for all addresses.
const TEXTS_BYTES: usize = 64 << 10;
/// Bytes of a result's message, where there are too many results.
const MESSAGE_BYTES: usize = 1 << 10;
/// What is left for resources is rounded down to this, so that a word more or less elsewhere does not move the end of the list.
const STEP: usize = 32 << 10;

/// Counts what is written.
struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The length of a value as JSON.
pub(crate) fn size(value: &impl Serialize) -> usize {
    let mut count = Count(0);
    // The types of the wire have string keys and plain values, so that this cannot fail.
    serde_json::to_writer(&mut count, value).ok();
    count.0
}

/// Takes out of `list` what does not fit into `room` bytes, in the order of ranks; what has none stays. How many went.
fn cut<T: Serialize>(list: &mut Vec<T>, room: usize, rank: impl Fn(usize, &T) -> Option<u8>) -> usize {
    // With the comma behind it.
    let sizes: Vec<usize> = list.iter().map(|item| size(item) + 1).collect();
    let mut surplus = sizes.iter().sum::<usize>().saturating_sub(room);
    if surplus == 0 {
        return 0;
    }
    let mut ranked: Vec<(u8, usize, usize)> = (list.iter().zip(&sizes).enumerate())
        .filter_map(|(place, (item, size))| Some((rank(place, item)?, place, *size)))
        .collect();
    ranked.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    let mut goes = vec![false; list.len()];
    for (_, place, size) in ranked {
        if surplus == 0 {
            break;
        }
        surplus = surplus.saturating_sub(size);
        if let Some(goes) = goes.get_mut(place) {
            *goes = true;
        }
    }
    let all = list.len();
    let mut goes = goes.into_iter();
    list.retain(|_| goes.next() != Some(true));
    all - list.len()
}

/// Cuts a list of resources beside a status that has `rest` bytes without it (and without results). How many went.
pub(crate) fn resources(list: &mut Vec<ResourceStatus>, rest: usize) -> usize {
    let room = REST_BYTES.saturating_sub(rest) / STEP * STEP;
    // A restart looks for what git no longer names among the kinds that are listed.
    let mut first = BTreeMap::new();
    for (place, resource) in list.iter().enumerate() {
        first.entry((&resource.group, &resource.kind)).or_insert(place);
    }
    let stays: BTreeSet<usize> = first.into_values().collect();
    cut(list, room, |place, resource| (!stays.contains(&place)).then(|| rank(resource)))
}

fn rank(resource: &ResourceStatus) -> u8 {
    let health = resource.health.as_ref().and_then(|health| health.status.as_ref());
    match (resource.status == Some(SyncStatusCode::Synced), health) {
        (true, None) => 0,
        (true, Some(HealthStatusCode::Healthy)) => 1,
        _ => 2,
    }
}

/// Cuts results of which `may_go` says that they need not be on record. How many went.
pub(crate) fn results(list: &mut Vec<ResourceResult>, may_go: impl Fn(&ResourceResult) -> bool) -> usize {
    if !overfull(list) {
        return 0;
    }
    list.iter_mut().for_each(|result| shorten(&mut result.message));
    cut(list, RESULTS_BYTES, |_, result| {
        (result.hook_type.is_none() && may_go(result)).then_some(match &result.status {
            Some(ResultCode::Synced) => 0,
            Some(ResultCode::SyncFailed) | None => 2,
            Some(_) => 1,
        })
    })
}

/// Cuts images or addresses.
pub(crate) fn texts(list: &mut Vec<String>) {
    cut(list, TEXTS_BYTES, |_, _| Some(0));
}

/// Whether results take more than their room.
pub(crate) fn overfull(list: &[ResourceResult]) -> bool {
    list.iter().map(|result| size(result) + 1).sum::<usize>() > RESULTS_BYTES
}

fn shorten(message: &mut String) {
    if message.len() > MESSAGE_BYTES {
        let end = message.floor_char_boundary(MESSAGE_BYTES);
        message.truncate(end);
        message.push('…');
    }
}

#[cfg(test)]
mod tests;
