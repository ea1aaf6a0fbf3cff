//! Compiles the rules for differences of an application from its spec and the settings.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use api::Application;
use api::settings::Settings;
use compare::{IgnoreRule, IgnoreStatus, KnownTypeField, Options, RuleProblem, Rules};
use resource::GroupKind;

/// The rules of `app` over those of the system. A rule that cannot be read is left out and named.
pub fn compile(app: &Application, settings: &Settings) -> (Rules, Vec<RuleProblem>) {
    let own: Vec<IgnoreRule> = app.spec.ignore_differences.iter().map(IgnoreRule::from).collect();
    let system: Vec<IgnoreRule> = settings.ignore_differences().iter().map(IgnoreRule::from).collect();
    Rules::compile(&own, &system, options(settings))
}

/// The rules of `ignoreResourceUpdates`, compiled once for each state of the settings.
#[derive(Default)]
pub(crate) struct UpdateRules(Mutex<Option<(Arc<settings::Snapshot>, Updates)>>);

/// What updates are not judged by, and which of the rules cannot be used.
#[derive(Clone)]
pub(crate) struct Updates {
    pub(crate) rules: Arc<Rules>,
    pub(crate) problems: Arc<[RuleProblem]>,
}

impl UpdateRules {
    /// Those of these settings.
    pub(crate) fn of(&self, settings: &Arc<settings::Snapshot>) -> Updates {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((of, updates)) if Arc::ptr_eq(of, settings) => updates.clone(),
            _ => {
                let rules: Vec<IgnoreRule> =
                    settings.settings.ignored_updates().iter().map(IgnoreRule::from).collect();
                let (rules, problems) = Rules::compile_updates(&rules);
                let updates = Updates { rules: Arc::new(rules), problems: problems.into() };
                *last = Some((Arc::clone(settings), updates.clone()));
                updates
            }
        }
    }
}

fn options(settings: &Settings) -> Options {
    let ignore_status = match settings.compare.ignore_status {
        api::settings::IgnoreStatus::All => IgnoreStatus::All,
        api::settings::IgnoreStatus::Crd => IgnoreStatus::Crd,
        api::settings::IgnoreStatus::None => IgnoreStatus::None,
    };
    Options {
        ignore_status,
        ignore_aggregated_roles: settings.compare.ignore_aggregated_roles,
        known_types: known_types(settings),
        mask_annotations: settings.sensitive_annotations.clone(),
    }
}

/// Fields of custom kinds that hold types of Kubernetes; patterns over kinds have none, as in the peer.
fn known_types(settings: &Settings) -> BTreeMap<GroupKind, Vec<KnownTypeField>> {
    let mut all: BTreeMap<GroupKind, Vec<KnownTypeField>> = BTreeMap::new();
    for (pattern, entry) in settings.overrides.entries() {
        let fields = entry.known_type_fields.iter();
        let fields =
            fields.map(|f| KnownTypeField { field: f.field.clone(), type_name: f.type_name.clone() });
        all.entry(GroupKind::new(&*pattern.group, &*pattern.kind)).or_default().extend(fields);
    }
    all.retain(|_, fields| !fields.is_empty());
    all
}
