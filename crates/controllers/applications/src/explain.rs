//! Why an application is not as git wants it: brings together what a pass found, who wrote what, and what makes an object unwell.

mod authors;
mod chains;

use std::sync::Arc;
use std::time::Duration;

use api::{Application, ConditionType, OperationState, SyncStatusCode};
use why::{Field, Reason, Resource, Rests, WaitsFor, Why, Writer};

use crate::attempt::{between_attempts, retry_policy};
use crate::comparison::{Comparison, ResourceState};
use crate::conditions::Findings;
use crate::judge::Judge;
use crate::status::health_code;
use crate::wanted::{RenderedSource, WantedSet};

use authors::Authors;
use chains::Chains;

/// How much is found out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Objects that are told of.
    objects: usize,
    /// Fields (and with `missing` objects) whose author is asked for, all in all.
    fields: usize,
    /// Commits that are gone back for one author.
    commits: usize,
    /// Whether it is asked who wrote what is not in the cluster yet.
    missing: bool,
    /// Unwell objects that are followed down to their pods.
    chains: usize,
    /// Dependents that are looked at, of each object.
    children: usize,
    /// A dependent tree that changes all the time is not looked at more often than this.
    pace: Duration,
    /// An object that is Progressing is not looked into before it has been for this long.
    patience: Duration,
}

impl Limits {
    /// For the status: what is cut from it need not be found out.
    pub(crate) const STATUS: Self = Self {
        objects: why::compact::REASONS,
        fields: why::compact::FIELDS,
        commits: 1_000,
        missing: false,
        chains: 3,
        children: 3,
        pace: Duration::from_secs(10),
        patience: Duration::from_secs(60),
    };
    /// For somebody who asks.
    pub(crate) const WHOLE: Self = Self {
        objects: 100,
        fields: 200,
        commits: 20_000,
        missing: true,
        chains: 20,
        children: 20,
        pace: Duration::ZERO,
        patience: Duration::ZERO,
    };
}

/// What was found out before, as far as it holds still.
#[derive(Default)]
pub(crate) struct Memory {
    authors: Authors,
    chains: Chains,
}

impl Memory {
    /// Whether anything was told of what the application's objects made.
    pub(crate) fn looks_below(&self) -> bool {
        self.chains.any()
    }
}

/// What a pass found.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) judge: &'a Judge<'a>,
    pub(crate) app: &'a Application,
    /// What the spec asks for, where it can be had, and what it was made from.
    pub(crate) wanted: Option<(&'a WantedSet, &'a [Arc<RenderedSource>])>,
    pub(crate) comparison: Option<&'a Comparison>,
    pub(crate) findings: &'a Findings,
    pub(crate) state: Option<&'a OperationState>,
    pub(crate) waits: Option<&'a WaitsFor>,
    pub(crate) rests: Option<&'a Rests>,
    /// What the Application's status says so far, which knows since when.
    pub(crate) before: &'a Why,
    pub(crate) limits: Limits,
}

/// Everything that is amiss, and when to look again although nothing happens.
pub(crate) async fn explain(found: Found<'_>, memory: &mut Memory) -> (Why, Option<Duration>) {
    let now = found.judge.shared.now();
    let mut reasons = Vec::new();
    let retry = found.state.and_then(retry);
    reasons.extend(found.waits.cloned().or(retry).map(|waits| Why::waiting(found.before, waits, &now)));
    reasons.extend(found.rests.map(|rests| resting(rests, found.state)));
    reasons.extend(errors(found.findings, found.rests));
    let (mut again, mut more) = (None, 0);
    if let Some(comparison) = found.comparison {
        let (unwell, beyond, soon) = chains::unwell(found, comparison, &mut memory.chains).await;
        reasons.extend(unwell);
        again = soon;
        let differing: Vec<&ResourceState> =
            comparison.resources.iter().filter(|state| state.sync != SyncStatusCode::Synced).collect();
        more = beyond + differing.len().saturating_sub(found.limits.objects);
        memory.authors.begin(found.limits.fields);
        for state in differing.into_iter().take(found.limits.objects) {
            reasons.push(difference(found, state, &mut memory.authors).await);
        }
        memory.authors.end();
    }
    (Why { more, ..Why::new(reasons) }, again)
}

/// The reasons where nothing could be compared.
pub(crate) fn errors(findings: &Findings, rests: Option<&Rests>) -> Vec<Reason> {
    // What it rests for says the same.
    let told = |kind: &ConditionType| {
        matches!(rests, Some(Rests::Failed { .. } | Rests::Empty)) && *kind == ConditionType::SyncError
    };
    error_reasons(findings.iter().filter(|(kind, _)| !told(kind))).collect()
}

/// Errors among findings as reasons.
pub(crate) fn error_reasons<'a>(
    findings: impl Iterator<Item = &'a (ConditionType, String)>,
) -> impl Iterator<Item = Reason> {
    let errors = findings.filter(|(kind, _)| kind.is_error());
    errors.map(|(kind, message)| Reason::Error {
        condition: kind.as_str().to_owned(),
        message: message.clone(),
    })
}

/// The time of the next attempt of an operation that failed.
fn retry(state: &OperationState) -> Option<WaitsFor> {
    let ended = api::parse_time(between_attempts(state)?).ok()?;
    let wait = retry_policy(&state.operation).next(state.retry_count).unwrap_or_default();
    let message = match state.message.rsplit_once(". Retrying attempt #") {
        Some((message, _)) => message,
        None => &state.message,
    };
    let due = ended.checked_add(wait).unwrap_or(ended);
    Some(WaitsFor::Retry {
        attempt: state.retry_count + 1,
        due: api::format_time(due),
        message: message.to_owned(),
    })
}

fn resting(rests: &Rests, state: Option<&OperationState>) -> Reason {
    let since = match rests {
        Rests::Failed { .. } | Rests::AlreadySynced { .. } | Rests::HealLater { .. } => {
            state.and_then(|state| state.finished_at.clone()).unwrap_or_default()
        }
        Rests::Disabled
        | Rests::OnlyPruning
        | Rests::Empty
        | Rests::Uncompared
        | Rests::Refused { .. }
        | Rests::Window { .. }
        | Rests::Held { .. }
        | Rests::DependsOn { .. }
        | Rests::Contested
        | Rests::Unknown => String::new(),
    };
    Reason::Rests { because: rests.clone(), since }
}

async fn difference(found: Found<'_>, state: &ResourceState, authors: &mut Authors) -> Reason {
    let resource = Resource::from(&state.key);
    if state.sync != SyncStatusCode::OutOfSync {
        return Reason::Uncompared { resource, message: state.reason.clone() };
    }
    if !state.wanted {
        return Reason::Extra { resource };
    }
    if !state.live {
        let commit = if found.limits.missing { authors.of(found, &state.key, None).await } else { None };
        return Reason::Missing { resource, message: state.reason.clone(), commit };
    }
    if state.fields.listed.is_empty() {
        return Reason::Uncompared { resource, message: state.reason.clone() };
    }
    let mut fields = Vec::with_capacity(state.fields.listed.len());
    for field in state.fields.listed.iter() {
        let writer = field.manager.as_ref().filter(|_| field.live.is_some());
        fields.push(Field {
            path: field.path.clone(),
            git: field.desired.clone(),
            live: field.live.clone(),
            commit: authors.of(found, &state.key, Some(&field.place)).await,
            writer: writer.map(|manager| Writer { manager: manager.clone(), at: field.changed_at.clone() }),
        });
    }
    Reason::Differs { resource, fields, more: state.fields.more }
}

/// The word for an object's health, where it has any.
fn health_word(health: Option<&health::Health>) -> String {
    health.map(|health| health_code(health.status).as_str().to_owned()).unwrap_or_default()
}
