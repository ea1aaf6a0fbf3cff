//! Which kind has which actions.

use resource::Object;
use serde_json::Value;

use crate::edit::{at, remove, set, text, yes};
use crate::{Action, ActionError, Change, Moment, create, custom, numa, workloads};

/// A kind whose controller can be told to rest by a field, and perhaps to look again by an annotation.
struct Rests {
    group: &'static str,
    kinds: &'static [&'static str],
    /// The field, or with a slash in it the annotation, that is true while it rests.
    flag: &'static [&'static str],
    /// Names of the actions that set and unset it.
    names: [&'static str; 2],
    /// The annotation that takes the time and makes the controller look again, and what stands in front of the time.
    look: Option<(&'static str, &'static str)>,
    /// An action that makes no sense is left out, and not only disabled.
    hides: bool,
}

/// The most common form.
const SUSPENDS: Rests = Rests {
    group: "",
    kinds: &[],
    flag: &["spec", "suspend"],
    names: ["suspend", "resume"],
    look: None,
    hides: false,
};
const FLUX: Rests = Rests { look: Some(("reconcile.fluxcd.io/requestedAt", "By Argo CD at: ")), ..SUSPENDS };
const CAPSULE: Rests = Rests {
    group: "capsule.clastix.io",
    flag: &["spec", "cordoned"],
    names: ["cordon", "uncordon"],
    ..SUSPENDS
};

/// The peer's kinds with such a switch.
const RESTS: &[Rests] = &[
    Rests {
        group: "source.toolkit.fluxcd.io",
        kinds: &["Bucket", "GitRepository", "HelmChart", "HelmRepository", "OCIRepository"],
        ..FLUX
    },
    Rests { group: "helm.toolkit.fluxcd.io", kinds: &["HelmRelease"], ..FLUX },
    Rests { group: "kustomize.toolkit.fluxcd.io", kinds: &["Kustomization"], ..FLUX },
    Rests { group: "image.toolkit.fluxcd.io", kinds: &["ImageRepository", "ImageUpdateAutomation"], ..FLUX },
    Rests { group: "notification.toolkit.fluxcd.io", kinds: &["Receiver"], ..FLUX },
    Rests { group: "notification.toolkit.fluxcd.io", kinds: &["Alert", "Provider"], ..SUSPENDS },
    Rests { group: "k8s.mariadb.com", kinds: &["MariaDB"], hides: true, ..SUSPENDS },
    Rests {
        group: "psmdb.percona.com",
        kinds: &["PerconaServerMongoDB"],
        flag: &["spec", "pause"],
        names: ["pause", "unpause"],
        ..SUSPENDS
    },
    Rests {
        group: "keda.sh",
        kinds: &["ScaledJob"],
        flag: &["metadata", "annotations", "autoscaling.keda.sh/paused"],
        names: ["pause", "resume"],
        ..SUSPENDS
    },
    Rests {
        kinds: &["GlobalTenantResource", "TenantResource"],
        look: Some(("reconcile.projectcapsule.dev/requestedAt", "")),
        ..CAPSULE
    },
    Rests { kinds: &["Tenant"], ..CAPSULE },
];

impl Rests {
    fn of(object: &Object) -> Option<&'static Self> {
        let kind = object.group_kind();
        RESTS.iter().find(|row| row.group == kind.group && row.kinds.contains(&kind.kind.as_str()))
    }

    fn rests(&self, object: &Object) -> bool {
        yes(object, self.flag) || text(object, self.flag) == "true"
    }

    fn actions(&self, object: &Object) -> Vec<Action> {
        let rests = self.rests(object);
        let [begin, end] = self.names;
        let switch = [
            Action::new(begin).icon("pause").disabled(rests),
            Action::new(end).icon("play").disabled(!rests),
        ];
        let mut found: Vec<Action> =
            switch.into_iter().filter(|action| !(self.hides && action.disabled)).collect();
        found.extend(self.look.map(|_| Action::new("reconcile").disabled(rests)));
        found
    }

    fn run(&self, object: &Object, action: &str, now: Moment<'_>) -> Option<Object> {
        let mut changed = object.clone();
        let annotation = self.flag.first() == Some(&"metadata");
        match (action, self.look) {
            (name, _) if name == self.names[0] && annotation => set(&mut changed, self.flag, "true"),
            (name, _) if name == self.names[0] => set(&mut changed, self.flag, true),
            (name, _) if name == self.names[1] && annotation => remove(&mut changed, self.flag),
            (name, _) if name == self.names[1] => {
                if at(object, self.flag).is_some() {
                    set(&mut changed, self.flag, false);
                }
            }
            ("reconcile", Some((annotation, words))) => {
                // Flux's time has no zone in the peer.
                let now = if words.is_empty() { now.0 } else { now.0.trim_end_matches('Z') };
                changed.set_annotation(annotation, format!("{words}{now}"));
            }
            _ => return None,
        }
        Some(changed)
    }
}

/// The built-in actions of an object, by name; none where its kind has none.
///
/// **Source.** argo-cd 3.6, `resource_customizations/*/actions`.
pub fn discover(object: &Object) -> Vec<Action> {
    let kind = object.group_kind();
    let mut found = match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet") => workloads::actions(object),
        ("batch", "CronJob" | "Job") => workloads::batch_actions(object),
        ("argoproj.io", "Rollout") => workloads::rollout_actions(object),
        ("argoproj.io", "CronWorkflow" | "WorkflowTemplate") => {
            vec![Action::new("create-workflow").icon("plus").title("Create Workflow")]
        }
        ("numaflow.numaproj.io" | "numaplane.numaproj.io", _) => numa::actions(object),
        _ => match Rests::of(object) {
            Some(row) => row.actions(object),
            None => custom::actions(object),
        },
    };
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// Runs a built-in action.
///
/// **Shape.** The object as it should be, or what is to be created. A disabled action runs as well, as in the peer; then
/// it mostly changes nothing.
/// **Errors.** [`ActionError::Unknown`], [`ActionError::Parameter`] and [`ActionError::State`].
pub fn run(
    object: &Object,
    action: &str,
    params: &[(String, String)],
    now: Moment<'_>,
) -> Result<Vec<Change>, ActionError> {
    let kind = object.group_kind();
    let patched = match (kind.group.as_str(), kind.kind.as_str(), action) {
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet", action) => {
            workloads::run(object, action, params, now)?
        }
        ("batch", "CronJob", "create-job") => return Ok(vec![Change::Create(create::job(object, now)?)]),
        ("argoproj.io", "CronWorkflow", "create-workflow") => {
            return Ok(vec![Change::Create(create::scheduled_workflow(object, now)?)]);
        }
        ("argoproj.io", "WorkflowTemplate", "create-workflow") => {
            return Ok(vec![Change::Create(create::workflow(object, now)?)]);
        }
        ("batch", "CronJob" | "Job", action) => workloads::run_batch(object, action, now),
        ("argoproj.io", "Rollout", action) => workloads::run_rollout(object, action, now),
        ("numaflow.numaproj.io" | "numaplane.numaproj.io", _, action) => numa::run(object, action),
        _ => match Rests::of(object) {
            Some(row) => row.run(object, action, now),
            None => custom::run(object, action, params, now)?,
        },
    };
    match patched {
        Some(object) => Ok(vec![Change::Patch(object)]),
        None => Err(ActionError::Unknown { kind: kind.to_string(), action: action.to_owned() }),
    }
}

/// A parameter's value.
pub(crate) fn parameter<'a>(params: &'a [(String, String)], name: &str) -> Result<&'a str, ActionError> {
    let found = params.iter().find(|(param, _)| param == name).map(|(_, value)| value.as_str());
    found.ok_or_else(|| ActionError::Parameter(format!("the parameter {name} is missing")))
}

/// A count among the parameters.
pub(crate) fn count(params: &[(String, String)], name: &str) -> Result<i64, ActionError> {
    let text = parameter(params, name)?;
    let number = text.trim().parse::<i64>().ok().filter(|number| *number >= 0);
    number.ok_or_else(|| ActionError::Parameter(format!("invalid number: {text}")))
}

/// The `ownerReferences` entry of an object.
pub(crate) fn owner(object: &Object) -> serde_json::Map<String, Value> {
    [
        ("apiVersion", object.api_version()),
        ("kind", object.kind()),
        ("name", object.name()),
        ("uid", object.uid()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), Value::from(value)))
    .collect()
}

#[cfg(test)]
mod tests;
