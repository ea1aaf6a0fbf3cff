//! Compares what an application wants with what is live, and asks the server where it cannot tell by itself.

mod memory;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use api::{Application, ConditionType, HealthStatusCode, SyncOptions, SyncStatusCode};
use cluster::{ApplyOptions, Cluster, How, Knowledge, LiveObject, WriteError, chain};
use compare::{FieldDiff, Rules, Verdict};
use health::Health;
use resource::{Object, ResourceKey};
use sync::hooks::is_hook;

use crate::comparison::{Comparison, Fields, ResourceState};
use crate::conditions::Findings;
use crate::judge::Judge;
use crate::status::health_code;
use crate::wanted::{WantedObject, WantedSet};

pub(crate) use memory::Memory;
use memory::{About, Answer, Found, Recalled};

/// All that an assessment looks at.
#[derive(Clone, Copy)]
struct Question<'a> {
    judge: &'a Judge<'a>,
    app: &'a Application,
    wanted: &'a WantedSet,
}

/// Judges every object and the whole. Requests go out only for objects whose state cannot be told from here.
pub(crate) async fn assess(
    judge: &Judge<'_>,
    app: &Application,
    wanted: &WantedSet,
    memory: &mut Memory,
) -> (Comparison, Findings) {
    let (question, cluster) = (&Question { judge, app, wanted }, judge.writer());
    let Sight { wanted: seen, others } = sight(cluster, wanted, judge.instance());
    let wants = &question.wanted.objects;
    let all = seen.iter().flatten().count() + others.len();
    let mut findings = Findings::default();
    let (mut resources, mut images, mut urls) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let (mut health, mut hooks) = (Vec::new(), Vec::new());
    for (key, wanted, live) in joined(wants.iter().zip(&seen), &others) {
        let (state, counted, summary) =
            match assess_one(cluster, question, memory, key, wanted, live, &mut findings).await {
                Assessed::Object(state, counted, summary) => (*state, counted, summary),
                Assessed::Hook(version) => {
                    hooks.push((key.clone(), version));
                    continue;
                }
                Assessed::Nothing => continue,
            };
        health.push(counted);
        images.extend(summary.images);
        urls.extend(summary.external_urls);
        resources.push(state);
    }
    // Some of what is remembered is no more.
    if memory.len() > all {
        let at = |key: &ResourceKey| wants.contains_key(key) || others.contains_key(key);
        memory.retain(at);
    }
    let (status, message) = overall_health(&health, &resources);
    let comparison = Comparison {
        sync: Comparison::overall(&resources),
        health: status,
        health_message: message,
        revisions: question.wanted.revisions.clone(),
        source_types: question.wanted.source_types.clone(),
        images: images.into_iter().collect(),
        external_urls: urls.into_iter().collect(),
        rendered_any: !question.wanted.objects.is_empty() || !question.wanted.hooks.is_empty(),
        resources,
        hooks,
    };
    (comparison, findings)
}

/// What is live of what is wanted, in its order, and what else carries the application's tracking.
struct Sight {
    wanted: Vec<Option<Arc<LiveObject>>>,
    others: BTreeMap<ResourceKey, Arc<LiveObject>>,
}

/// Looks names up in hash tables, so that most of a large application's objects are not ordered anew.
fn sight(cluster: &Cluster, wanted: &WantedSet, instance: &str) -> Sight {
    let wanted = cluster.get_all(wanted.objects.keys());
    let seen: HashSet<*const LiveObject> = wanted.iter().flatten().map(Arc::as_ptr).collect();
    let owned = cluster.owned_by(instance).into_iter();
    let others = owned.filter(|object| !seen.contains(&Arc::as_ptr(object)));
    let others = others.map(|object| (object.key(), object)).collect();
    Sight { wanted, others }
}

/// What is wanted and what is live, by key.
fn joined<'a>(
    wanted: impl Iterator<Item = ((&'a ResourceKey, &'a WantedObject), &'a Option<Arc<LiveObject>>)>,
    others: &'a BTreeMap<ResourceKey, Arc<LiveObject>>,
) -> impl Iterator<Item = (&'a ResourceKey, Option<&'a WantedObject>, Option<&'a Arc<LiveObject>>)> {
    let (mut wanted, mut others) = (wanted.peekable(), others.iter().peekable());
    std::iter::from_fn(move || {
        // An object that changed in between is among both.
        let order = match (wanted.peek(), others.peek()) {
            (Some(((a, _), _)), Some((b, _))) => a.cmp(b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return None,
        };
        let other = if order.is_ge() { others.next() } else { None };
        if order.is_gt() {
            return other.map(|(key, live)| (key, None, Some(live)));
        }
        let ((key, object), live) = wanted.next()?;
        Some((key, Some(object), other.map(|(_, live)| live).or(live.as_ref())))
    })
}

/// What an object is to the application.
enum Assessed {
    /// Its state, how it counts towards the application's health, and what it adds to the summary.
    Object(Box<ResourceState>, health::Item, health::Summary),
    /// What a hook made, in this version: it is shown, and neither compared nor judged.
    Hook(String),
    /// None of its business.
    Nothing,
}

async fn assess_one(
    cluster: &Cluster,
    question: &Question<'_>,
    memory: &mut Memory,
    key: &ResourceKey,
    wanted: Option<&WantedObject>,
    live: Option<&Arc<LiveObject>>,
    findings: &mut Findings,
) -> Assessed {
    let state = |sync, reason: String| ResourceState {
        key: key.clone(),
        version: wanted.map_or_else(
            || live.map(|l| l.gvk().version.clone()).unwrap_or_default(),
            |w| w.version.to_string(),
        ),
        sync,
        health: None,
        wanted: wanted.is_some(),
        live: live.is_some(),
        requires_pruning: false,
        requires_confirmation: false,
        wave: wanted.map_or(0, |w| w.wave),
        reason,
        fields: Fields::default(),
    };
    let absent = health::Item { live: false, counts: true, application: false, health: None };
    if let Some(other) = question.claimed_by_another(key, live.map(AsRef::as_ref)) {
        findings.add(
            ConditionType::SharedResourceWarning,
            format!(
                "{}/{} {} is part of applications {} and {other}",
                key.group,
                key.kind,
                key.name,
                question.app.qualified_name()
            ),
        );
    }
    match (wanted, live) {
        (Some(_), None) => {
            let (sync, reason) = match cluster.knowledge(&key.group_kind()) {
                Knowledge::Complete => (SyncStatusCode::OutOfSync, "not in the cluster".to_owned()),
                // A kind that the cluster does not serve has no objects.
                Knowledge::Absent => {
                    (SyncStatusCode::OutOfSync, format!("the cluster does not serve {}", key.group_kind()))
                }
                unseen => {
                    let reason = format!("{key} cannot be compared: {}", why_unseen(&unseen));
                    findings.add(ConditionType::ComparisonError, reason.clone());
                    (SyncStatusCode::Unknown, reason)
                }
            };
            let missing = Health { status: health::Status::Missing, message: String::new() };
            let state = ResourceState { health: Some(missing), ..state(sync, reason) };
            Assessed::Object(Box::new(state), absent, health::Summary::default())
        }
        (wanted, Some(live)) => {
            // What a controller made belongs to its owner, whatever annotations it copied; hooks come and go by themselves.
            if wanted.is_none() && live.has_controller() {
                return Assessed::Nothing;
            }
            let about = About { wanted: wanted.map_or(0, |w| w.hash), rules: question.judge.rules_id };
            let recalled = memory.recall(key, about, live, &question.judge.rules);
            let found = match recalled {
                Recalled::Whole(found) => found,
                recalled => {
                    let Some(object) = whole(cluster, key, live).await else { return Assessed::Nothing };
                    if wanted.is_none() && is_hook(&object) {
                        return Assessed::Hook(live.gvk().version.clone());
                    }
                    let (found, keep) = match recalled {
                        Recalled::Comparison(found) => {
                            let health =
                                question.judge.shared.health_with(&object, &mut memory.scripts).await;
                            (found.with_status(health, &object), true)
                        }
                        _ => look(cluster, question, memory, key, wanted, &object, findings).await,
                    };
                    let found = Arc::new(found);
                    if keep {
                        let update = compare::update_hash(&object, &question.judge.updates);
                        memory.remember(key, about, live, update, Arc::clone(&found));
                    }
                    found
                }
            };
            if let Some(problem) = &found.problem {
                findings.add(ConditionType::ComparisonError, format!("{key}: {problem}"));
            }
            let prune = wanted.is_none();
            let sync = if found.answer.synced || (prune && found.extraneous_ignored) {
                SyncStatusCode::Synced
            } else {
                SyncStatusCode::OutOfSync
            };
            let item = health::Item {
                live: true,
                counts: !found.ignores_health && !question.is_itself(key),
                application: key.kind == api::names::APPLICATION && key.group == api::names::GROUP,
                health: found.health.as_ref().map(|h| h.status),
            };
            let reason =
                if prune { "in the cluster and not in git".to_owned() } else { found.answer.reason.clone() };
            let state = ResourceState {
                health: found.health.clone(),
                requires_pruning: prune && !found.extraneous_ignored,
                requires_confirmation: found.prune_confirm,
                wave: wanted.map_or(found.wave, |w| w.wave),
                fields: found.answer.fields.clone(),
                ..state(sync, reason)
            };
            Assessed::Object(Box::new(state), item, found.summary.clone())
        }
        (None, None) => Assessed::Nothing,
    }
}

impl Question<'_> {
    /// Another application that has this object in git too, and whose tracking it carries.
    fn claimed_by_another(&self, key: &ResourceKey, live: Option<&LiveObject>) -> Option<String> {
        let owner = live?.instance()?;
        if owner.as_ref() == self.judge.instance() {
            return None;
        }
        self.judge.claimed_elsewhere(key)
    }

    /// Whether an object is the application itself, as with a root application that lies in its own path.
    fn is_itself(&self, key: &ResourceKey) -> bool {
        key.kind == api::names::APPLICATION
            && key.group == api::names::GROUP
            && key.name == self.app.metadata.name
            && key.namespace == self.app.metadata.namespace
    }
}

/// The object itself, from memory where it is held whole, else asked for.
async fn whole(cluster: &Cluster, key: &ResourceKey, live: &LiveObject) -> Option<Object> {
    match live.object() {
        Some(object) => Some(object),
        None => cluster.fetch(key).await.ok().flatten(),
    }
}

/// Looks at an object, and says whether the answer should be kept.
async fn look(
    cluster: &Cluster,
    question: &Question<'_>,
    memory: &mut Memory,
    key: &ResourceKey,
    wanted: Option<&WantedObject>,
    live: &Object,
    findings: &mut Findings,
) -> (Found, bool) {
    let options = options_of(question.app, live);
    let mut found = Found {
        answer: Answer::default(),
        health: question.judge.shared.health_with(live, &mut memory.scripts).await,
        summary: health::summary([live]),
        prune_confirm: options.prune == Some(api::Consent::Confirm),
        extraneous_ignored: compare::ignores_extraneous(live),
        ignores_health: health::is_ignored(live),
        wave: sync::desired::wave(live).unwrap_or_default(),
        problem: None,
    };
    let Some(desired) = wanted.and_then(|w| w.body.object()) else {
        return (found, true);
    };
    if let Err(problem) = compare::check_secret(&desired) {
        found.answer = Answer::for_reason(problem.to_string());
        return (found, true);
    }
    found.problem = compare::run_problems(live, &question.judge.rules).map(|problem| problem.to_string());
    question.judge.shared.metrics.compared();
    match compare::compare(&desired, live, &question.judge.rules) {
        Verdict::Synced => found.answer = Answer::synced(),
        Verdict::OutOfSync(fields) => found.answer = Answer::differs(fields),
        Verdict::AskServer(why) => match ask(cluster, question, memory, key, &desired, live).await {
            Ok(answer) => found.answer = answer,
            Err(error) => {
                let text = format!("{key}: {why}, and the server could not be asked: {}", chain(&error));
                findings.add(ConditionType::ComparisonError, text.clone());
                found.answer = Answer::for_reason(text);
                return (found, false);
            }
        },
    }
    (found, true)
}

/// Why objects of a kind cannot be seen, with what to do about it.
pub(crate) fn why_unseen(knowledge: &Knowledge) -> String {
    match knowledge {
        Knowledge::Complete => "they can be seen".to_owned(),
        Knowledge::Loading => "they are being listed".to_owned(),
        Knowledge::Forbidden { reason } => format!("{reason}; grant the verbs get, list and watch"),
        Knowledge::Failed { reason } => reason.clone(),
        Knowledge::Absent => "the cluster does not serve the kind".to_owned(),
        Knowledge::Excluded => "the kind is excluded in the settings".to_owned(),
    }
}

/// What the server says that an apply would change; remembered until desired or live (its status aside) change.
async fn ask(
    cluster: &Cluster,
    question: &Question<'_>,
    memory: &mut Memory,
    key: &ResourceKey,
    desired: &Object,
    live: &Object,
) -> Result<Answer, WriteError> {
    let asked = compare::cache_key(desired, live, &question.judge.rules);
    if let Some((about, answer)) = memory.answers.get(key)
        && *about == asked
    {
        return Ok(answer.clone());
    }
    let answer = match dry_run(cluster, desired, Some(live), &question.judge.rules).await {
        Ok(predicted) => match compare::compare_predicted(live, &predicted, &question.judge.rules) {
            Verdict::Synced => Answer::synced(),
            Verdict::OutOfSync(fields) => Answer::differs(fields),
            Verdict::AskServer(why) => Answer::for_reason(why.to_string()),
        },
        // The server refuses the object: it cannot be in sync, and the sync's own error says more.
        Err(WriteError::Invalid { message, .. } | WriteError::DuplicateListKeys { message, .. }) => {
            Answer::for_reason(format!("the server refuses it: {message}"))
        }
        Err(error) => return Err(error),
    };
    memory.answers.insert(key.clone(), (asked, answer.clone()));
    Ok(answer)
}

/// What an object would be if it were applied, as the server says in a dry run.
pub(crate) async fn dry_run(
    cluster: &Cluster,
    desired: &Object,
    live: Option<&Object>,
    rules: &Rules,
) -> Result<Object, WriteError> {
    let body = compare::apply_body(desired, live, rules, false);
    let dry_run = ApplyOptions { dry_run: true, ..ApplyOptions::default() };
    let mut applied = cluster.apply(&body, &dry_run).await;
    if matches!(applied, Err(WriteError::DuplicateListKeys { .. })) {
        // A sync applies it the client's way; so does the question.
        applied = cluster.apply(&body, &ApplyOptions { how: How::ClientSide, ..dry_run }).await;
    }
    applied.map(|applied| applied.object)
}

/// The options that hold for one object: the application's, with its own annotation on top.
pub(crate) fn options_of(app: &Application, object: &Object) -> SyncOptions {
    let policy = app.spec.sync_policy.as_ref();
    let (general, _) =
        SyncOptions::parse(policy.into_iter().flat_map(|p| p.sync_options.iter().map(String::as_str)));
    general.with(&own_options_of(object))
}

/// The options that an object's own annotations say.
pub(crate) fn own_options_of(object: &Object) -> SyncOptions {
    let own = object.annotation(api::names::annotation::SYNC_OPTIONS).unwrap_or_default();
    let (mut own, _) = SyncOptions::parse_annotation(own);
    if object.annotation(api::names::annotation::HELM_RESOURCE_POLICY) == Some("keep") {
        own.delete = own.delete.or(Some(api::Consent::No));
    }
    own
}

/// Up to three fields, by path, with who changed them.
fn name_fields(fields: &[FieldDiff]) -> String {
    const SHOWN: usize = 3;
    let mut names: Vec<String> = fields
        .iter()
        .take(SHOWN)
        .map(|field| match &field.manager {
            Some(manager) if manager != api::names::FIELD_MANAGER => format!("{} (by {manager})", field.path),
            _ => field.path.clone(),
        })
        .collect();
    if fields.len() > SHOWN {
        names.push(format!("{} more", fields.len() - SHOWN));
    }
    format!("differs in {}", names.join(", "))
}

/// The whole's health and, where it is not healthy, which object makes it so.
fn overall_health(items: &[health::Item], resources: &[ResourceState]) -> (HealthStatusCode, String) {
    let status = health::aggregate(items.iter().copied());
    let culprit = resources
        .iter()
        .find(|r| r.health.as_ref().is_some_and(|h| h.status == status && !h.message.is_empty()));
    let message = match (status, culprit) {
        (health::Status::Healthy, _) | (_, None) => String::new(),
        (_, Some(r)) => {
            let message = r.health.as_ref().map(|h| h.message.as_str()).unwrap_or_default();
            format!("{} {}: {message}", r.key.kind, r.key.name)
        }
    };
    (health_code(status), message)
}
