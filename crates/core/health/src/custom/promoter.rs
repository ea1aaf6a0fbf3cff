//! GitOps Promoter: which commit is on its way to which environment.

use resource::Object;
use serde_json::Value;

use crate::read::{at, below, field, items};
use crate::{Health, Status};

/// How many letters of a commit id are shown.
const SHORT_SHA: usize = 7;

/// Checks by how they went.
#[derive(Default)]
struct Checks<'a> {
    pending: Vec<&'a str>,
    successful: usize,
    failed: Vec<&'a str>,
}

impl<'a> Checks<'a> {
    fn of(list: Option<&'a Value>) -> Self {
        let mut checks = Self::default();
        for check in list.and_then(Value::as_array).into_iter().flatten() {
            match field(check, "phase") {
                "pending" => checks.pending.push(field(check, "key")),
                "success" => checks.successful += 1,
                "failure" => checks.failed.push(field(check, "key")),
                _ => {}
            }
        }
        checks
    }

    fn is_clean(&self) -> bool {
        self.pending.is_empty() && self.failed.is_empty()
    }

    fn counts(&self) -> String {
        let (pending, failed) = (self.pending.len(), self.failed.len());
        format!("{pending} pending, {} successful, {failed} failed. ", self.successful)
    }

    fn names(&self) -> String {
        let mut text = String::new();
        for (what, keys) in [("Pending", &self.pending), ("Failed", &self.failed)] {
            if !keys.is_empty() {
                text.push_str(&format!("{what} commit statuses: {}. ", keys.join(", ")));
            }
        }
        text
    }
}

fn short(sha: &str) -> &str {
    sha.get(..SHORT_SHA).unwrap_or(sha)
}

fn sha<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    below(value, path).and_then(Value::as_str).unwrap_or_default()
}

/// What is proposed: what the hydrator has noted, else the commit's own.
fn proposed(environment: &Value) -> Option<&str> {
    [&["proposed", "note", "drySha"], &["proposed", "dry", "sha"]]
        .into_iter()
        .map(|path| sha(environment, path))
        .find(|sha| !sha.is_empty())
}

/// One environment; its shas are there.
pub(super) fn change_transfer(object: &Object, _: &[String]) -> Option<Health> {
    let status = at(object, &["status"])?;
    let (active, next) = (sha(status, &["active", "dry", "sha"]), sha(status, &["proposed", "dry", "sha"]));
    if next != active {
        let checks = Checks::of(below(status, &["proposed", "commitStatuses"]));
        let message = format!(
            "Promotion in progress from '{}' to '{}': {}{}",
            short(active),
            short(next),
            checks.counts(),
            checks.names()
        );
        return Some(Health::new(Status::Progressing, message));
    }
    let checks = Checks::of(below(status, &["active", "commitStatuses"]));
    let message = if checks.is_clean() {
        format!("Environment is up-to-date on commit {}.", short(active))
    } else {
        let (counts, names) = (checks.counts(), checks.names());
        format!(
            "Environment is up-to-date, but there are non-successful active commit statuses: {counts}{names}"
        )
    };
    Some(Health::new(Status::Healthy, message))
}

/// All environments of a strategy; there is at least one.
pub(super) fn promotion(object: &Object, _: &[String]) -> Option<Health> {
    let environments = items(object, &["status", "environments"]);
    for environment in environments {
        let missing = if sha(environment, &["active", "dry", "sha"]).is_empty() {
            "active"
        } else if proposed(environment).is_none() {
            "proposed"
        } else {
            continue;
        };
        let branch = field(environment, "branch");
        let message = format!("The {missing} commit DRY SHA is missing or empty in environment '{branch}'.");
        return Some(Health::new(Status::Progressing, message));
    }
    let first = environments.first()?;
    if environments.iter().any(|environment| proposed(environment) != proposed(first)) {
        let message = "Not all environments have the same proposed commit SHA. This likely means the hydrator has not run for all environments yet.";
        return Some(Health::new(Status::Progressing, message));
    }
    let hydrated = |environment| short(proposed(environment).unwrap_or_default());
    for environment in environments {
        let (active, next) =
            (sha(environment, &["active", "dry", "sha"]), sha(environment, &["proposed", "dry", "sha"]));
        if active != next {
            let checks = Checks::of(below(environment, &["proposed", "commitStatuses"]));
            let message = format!(
                "Promotion in progress for environment '{}' from '{}' to '{}': {}{}Hydrator has processed dry commit '{}'. ",
                field(environment, "branch"),
                short(active),
                short(next),
                checks.counts(),
                checks.names(),
                hydrated(environment)
            );
            return Some(Health::new(Status::Progressing, message));
        }
    }
    let unclean: Vec<String> = environments
        .iter()
        .filter_map(|environment| {
            let checks = Checks::of(below(environment, &["active", "commitStatuses"]));
            let (failed, pending) = (checks.failed.len(), checks.pending.len());
            let branch = field(environment, "branch");
            (!checks.is_clean()).then(|| format!("{branch} ({failed} failed, {pending} pending)"))
        })
        .collect();
    let message = if unclean.is_empty() {
        format!(
            "All environments are up-to-date on commit '{}'. Hydrator has processed dry commit '{}'.",
            short(sha(first, &["active", "dry", "sha"])),
            hydrated(first)
        )
    } else {
        let list = unclean.join(", ");
        format!(
            "Environments are up-to-date, but some environments have non-successful commit statuses: {list}."
        )
    };
    Some(Health::new(Status::Healthy, message))
}

/// Environments by their phase. `args`: what is checked, and the words for nothing to do, failed, pending and passed.
pub(super) fn branches(object: &Object, args: &[String]) -> Option<Health> {
    let [what, nothing, failed, pending, passed] = args else { return None };
    let environments = items(object, &["status", "environments"]);
    if environments.is_empty() {
        return Some(Health::new(Status::Healthy, format!("{what} {nothing}")));
    }
    let with = |phases: fn(&str) -> bool| -> Vec<&str> {
        let fits = |environment: &&Value| phases(field(environment, "phase"));
        let branch = |environment| super::filled(environment, "branch").unwrap_or("?");
        environments.iter().filter(fits).map(branch).collect()
    };
    let broken = with(|phase| phase == "failure");
    if !broken.is_empty() {
        let message = format!("{what} {failed} for branch(es): {}", broken.join(", "));
        return Some(Health::new(Status::Degraded, message));
    }
    let waiting = with(|phase| phase != "failure" && phase != "success");
    if !waiting.is_empty() {
        let message = format!("{what} {pending} for branch(es): {}", waiting.join(", "));
        return Some(Health::new(Status::Progressing, message));
    }
    let count = environments.len();
    Some(Health::new(Status::Healthy, format!("{what} {passed} {count} environment(s)")))
}
