//! The form for the Application's status: small, and the same while nothing changes.

use serde_json::Value;

use crate::reason::{Commit, Field, Link, Reason, Why};
use crate::waits::{Rests, WaitsFor};

/// Reasons that are told.
pub const REASONS: usize = 10;
/// Fields that are told, all in all.
pub const FIELDS: usize = 10;
/// Bytes of a text or a value; a longer one is cut.
const TEXT_BYTES: usize = 240;
/// Links of a chain that are told: the first and the last ones.
const LINKS: usize = 4;

/// Cuts an answer to what a status can hold, some 10 KiB at most.
///
/// **Shape**: the first reasons; of those, the first fields; long texts and values end in `…`; what changes though nothing happens
/// (counts, times of events, the two words for one image that cannot be pulled) is left out.
pub fn compact(why: &Why) -> Why {
    let mut fields_left = FIELDS;
    let reasons: Vec<Reason> =
        why.reasons.iter().take(REASONS).map(|reason| reason_of(reason.clone(), &mut fields_left)).collect();
    Why { more: why.more + why.reasons.len() - reasons.len(), reasons }
}

fn reason_of(mut reason: Reason, fields_left: &mut usize) -> Reason {
    match &mut reason {
        Reason::Waits { waits_for, .. } => match waits_for {
            WaitsFor::Health { message, .. }
            | WaitsFor::Retry { message, .. }
            | WaitsFor::Window { message, .. } => cut(message),
            WaitsFor::Deletion { finalizers, .. } => finalizers.truncate(3),
            WaitsFor::Hook { .. }
            | WaitsFor::Leftover { .. }
            | WaitsFor::Confirmation { .. }
            | WaitsFor::Pause { .. }
            | WaitsFor::OtherApplications
            | WaitsFor::Unknown => {}
        },
        Reason::Rests { because, .. } => match because {
            Rests::Failed { message, .. }
            | Rests::Refused { message }
            | Rests::DependsOn { message, .. }
            | Rests::Window { message, .. } => {
                cut(message);
            }
            Rests::Held { reason, .. } => cut(reason),
            Rests::Disabled
            | Rests::OnlyPruning
            | Rests::AlreadySynced { .. }
            | Rests::Empty
            | Rests::HealLater { .. }
            | Rests::Uncompared
            | Rests::Contested
            | Rests::Unknown => {}
        },
        Reason::Runs { message, .. } | Reason::Error { message, .. } | Reason::Uncompared { message, .. } => {
            cut(message)
        }
        Reason::Unhealthy { chain, .. } => {
            if chain.len() > LINKS {
                chain.drain(1..=chain.len() - LINKS);
            }
            chain.iter_mut().for_each(steady);
        }
        Reason::Differs { fields, more, .. } => {
            let all = fields.len();
            fields.truncate(*fields_left);
            *fields_left -= fields.len();
            *more += all - fields.len();
            fields.iter_mut().for_each(field);
        }
        Reason::Missing { message, commit, .. } => {
            cut(message);
            commit.iter_mut().for_each(written);
        }
        Reason::Extra { .. } => {}
    }
    reason
}

fn field(field: &mut Field) {
    cut(&mut field.path);
    for value in [&mut field.git, &mut field.live].into_iter().flatten() {
        if value.to_string().len() > TEXT_BYTES {
            let mut text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            cut(&mut text);
            *value = Value::String(text);
        }
    }
    field.commit.iter_mut().for_each(written);
}

fn written(commit: &mut Commit) {
    cut(&mut commit.author);
    cut(&mut commit.subject);
    cut(&mut commit.file);
}

fn steady(link: &mut Link) {
    cut(&mut link.message);
    if let Some(container) = &mut link.container {
        cut(&mut container.message);
        container.restarts = 0;
        match container.reason.as_str() {
            "ErrImagePull" | "ImagePullBackOff" => {
                container.reason = "ImagePullBackOff".to_owned();
                container.message.clear();
            }
            // The time of the next start grows.
            "CrashLoopBackOff" => {
                container.message = container.message.split("; ").next().unwrap_or_default().to_owned();
            }
            _ => {}
        }
        // The pod's own words are the container's, which go to and fro.
        link.message.clear();
    }
    if let Some(event) = &mut link.event {
        cut(&mut event.message);
        event.at.clear();
        event.count = 0;
    }
}

fn cut(text: &mut String) {
    if text.len() > TEXT_BYTES {
        let end = (0..=TEXT_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
mod tests;
