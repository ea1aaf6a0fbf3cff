//! From an unwell object down to what makes it so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cluster::LiveObject;
use health::Status;
use resource::{Object, ResourceKey};
use tokio::time::Instant;
use why::tree::{Child, DEEPEST, culprit};
use why::{Link, Reason, Resource};

use super::{Found, health_word};
use crate::comparison::{Comparison, ResourceState};
use crate::wanted::hash_of;

/// Objects of a tree that its fingerprint is made of.
const FINGERPRINT: usize = 1_000;

/// Chains that were looked at, as long as they are asked for.
#[derive(Default)]
pub(super) struct Chains {
    known: BTreeMap<ResourceKey, Known>,
}

impl Chains {
    pub(super) fn any(&self) -> bool {
        !self.known.is_empty()
    }
}

/// A chain, what it depends on, and when it was looked at.
struct Known {
    fingerprint: u64,
    at: Instant,
    links: Vec<Link>,
}

/// The unwell objects, each with its chain, and how many more there are; and when to look again although nothing happens.
pub(super) async fn unwell(
    found: Found<'_>,
    comparison: &Comparison,
    chains: &mut Chains,
) -> (Vec<Reason>, usize, Option<Duration>) {
    let mut ill: Vec<(u8, &ResourceState)> =
        comparison.resources.iter().filter_map(|state| Some((severity(state)?, state))).collect();
    ill.sort_by_key(|(severity, _)| *severity);
    let beyond = ill.len().saturating_sub(found.limits.objects);
    let (mut reasons, mut again, mut kept) = (Vec::new(), None::<Duration>, BTreeMap::new());
    for (count, (_, state)) in ill.into_iter().take(found.limits.objects).enumerate() {
        let since = since(found, state);
        let mut chain = vec![first(state)];
        if count < found.limits.chains {
            let left = left_of_patience(found, state, &since);
            if left.is_zero() {
                let (below, soon) = below(found, state, chains.known.remove(&state.key)).await;
                chain.extend(below.links.iter().cloned());
                if chain.len() > 1
                    && below.links.first().is_some_and(|link| link.resource == chain[0].resource)
                {
                    // Only an event was found, which is the object's own.
                    chain.remove(0);
                }
                again = again.into_iter().chain(soon).min();
                kept.insert(state.key.clone(), below);
            } else {
                again = again.into_iter().chain(Some(left)).min();
            }
        }
        reasons.push(Reason::Unhealthy { health: health_word(state.health.as_ref()), since, chain });
    }
    chains.known = kept;
    (reasons, beyond, again)
}

/// The worst first; `None` for what is well, what rests on purpose, and what is not there, which is another reason.
fn severity(state: &ResourceState) -> Option<u8> {
    match state.health.as_ref().filter(|_| state.live)?.status {
        Status::Degraded => Some(0),
        Status::Unknown => Some(1),
        Status::Progressing => Some(2),
        Status::Missing | Status::Suspended | Status::Healthy => None,
    }
}

fn first(state: &ResourceState) -> Link {
    Link {
        resource: Resource::from(&state.key),
        health: health_word(state.health.as_ref()),
        message: state.health.as_ref().map(|health| health.message.clone()).unwrap_or_default(),
        container: None,
        event: None,
    }
}

/// Since when an object has its health, as its status says or will say.
fn since(found: Found<'_>, state: &ResourceState) -> String {
    let mut before = found.app.status.resources.iter();
    let before = before.find(|r| r.is(&state.key));
    let health = before.and_then(|r| r.health.as_ref());
    let word = health_word(state.health.as_ref());
    let same = health.filter(|health| health.status.as_ref().is_some_and(|status| status.as_str() == word));
    same.and_then(|health| health.last_transition_time.clone()).unwrap_or_else(|| found.judge.shared.now())
}

fn left_of_patience(found: Found<'_>, state: &ResourceState, since: &str) -> Duration {
    let progressing = state.health.as_ref().is_some_and(|health| health.status == Status::Progressing);
    if !progressing {
        return Duration::ZERO;
    }
    found.limits.patience.saturating_sub(crate::deciding::age(found.judge.shared, since))
}

/// What lies below an object, looked at anew where it changed, but not too often.
async fn below(found: Found<'_>, state: &ResourceState, known: Option<Known>) -> (Known, Option<Duration>) {
    let fingerprint = fingerprint(found, state);
    if let Some(known) = known {
        let wait = found.limits.pace.saturating_sub(known.at.elapsed());
        if known.fingerprint == fingerprint {
            return (known, None);
        }
        if !wait.is_zero() {
            return (known, Some(wait));
        }
    }
    let links = look(found, state).await;
    (Known { fingerprint, at: Instant::now(), links }, None)
}

/// Changes when an object or something below it does.
fn fingerprint(found: Found<'_>, state: &ResourceState) -> u64 {
    let cluster = found.judge.cluster();
    let mut all: Vec<(String, String)> = Vec::new();
    let mut level: Vec<Arc<LiveObject>> = cluster.get(&state.key).into_iter().collect();
    for _ in 0..=DEEPEST {
        let room = FINGERPRINT.saturating_sub(all.len());
        all.extend(level.iter().take(room).map(|o| (o.uid().to_owned(), o.resource_version().to_owned())));
        if level.is_empty() || room == 0 {
            break;
        }
        level = level.iter().flat_map(|object| cluster.children(object.uid())).collect();
    }
    all.sort_unstable();
    hash_of(&all)
}

/// The links below an object. Where there is none, its own with an event, if there is one.
async fn look(found: Found<'_>, state: &ResourceState) -> Vec<Link> {
    let (shared, cluster) = (found.judge.shared, found.judge.cluster());
    let Some(live) = cluster.get(&state.key) else { return Vec::new() };
    let mut links = Vec::new();
    let (mut namespace, mut uid) = (live.namespace().to_owned(), live.uid().to_owned());
    let mut last = first(state);
    for _ in 0..DEEPEST {
        let mut children = cluster.children(&uid);
        children.sort_by(|a, b| b.created().cmp(&a.created()).then_with(|| a.name().cmp(b.name())));
        let mut objects: Vec<(Object, Option<health::Health>)> = Vec::new();
        for child in children.iter().take(found.limits.children) {
            let object = match child.object() {
                Some(object) => Some(object),
                None => cluster.fetch(&child.key()).await.ok().flatten(),
            };
            if let Some(object) = object {
                let health = shared.health(&object).await;
                objects.push((object, health));
            }
        }
        let candidates: Vec<Child> =
            objects.iter().map(|(object, health)| candidate(object, health.clone())).collect();
        let Some((object, health)) = culprit(&candidates).map(|at| objects.swap_remove(at)) else { break };
        (namespace, uid) = (object.namespace().unwrap_or_default().to_owned(), object.uid().to_owned());
        let is_pod = object.group_kind() == resource::GroupKind::new("", "Pod");
        last = Link {
            resource: Resource::from(&object.key()),
            health: health_word(health.as_ref()),
            message: health.map(|health| health.message).unwrap_or_default(),
            container: if is_pod { why::pod::container(&object) } else { None },
            event: None,
        };
        links.push(last.clone());
    }
    // Who may not list events learns the rest all the same.
    let events = cluster.warnings(&namespace, &uid).await.unwrap_or_default();
    last.event = why::pod::latest_warning(&events);
    if last.event.is_some() {
        links.pop();
        links.push(last);
    }
    links
}

fn candidate(object: &Object, health: Option<health::Health>) -> Child {
    let created = object.metadata().and_then(|metadata| metadata.get("creationTimestamp"));
    Child {
        health,
        created: created.and_then(serde_json::Value::as_str).unwrap_or_default().to_owned(),
        name: object.key().to_string(),
    }
}
