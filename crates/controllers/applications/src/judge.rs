//! What every look at an application has in common: whose it is, and by which rules differences count.

use std::sync::Arc;

use api::{Application, ConditionType};
use cluster::Cluster;
use compare::Rules;
use resource::ResourceKey;

use crate::assess::{Memory, assess};
use crate::comparison::Comparison;
use crate::conditions::Findings;
use crate::obtain::View;
use crate::shared::{AppMemory, CompiledRules, Shared};
use crate::wanted::WantedSet;

/// Compares wanted sets of one application with what is live.
pub(crate) struct Judge<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) view: &'a View,
    /// The rules for differences.
    pub(crate) rules: Arc<Rules>,
    /// Changes when `rules` does.
    pub(crate) rules_id: u64,
}

impl<'a> Judge<'a> {
    /// With the rules of the application and of the settings, compiled anew only when one of them changes.
    pub(crate) fn new(
        shared: &'a Shared,
        view: &'a View,
        app: &Application,
        memory: &mut AppMemory,
        findings: &mut Findings,
    ) -> Self {
        let own = serde_json::to_string(&app.spec.ignore_differences).unwrap_or_default();
        let compiled = match memory.rules.take() {
            Some(compiled) if compiled.own == own && Arc::ptr_eq(&compiled.settings, &view.settings) => {
                compiled
            }
            _ => {
                let (rules, problems) = crate::rules::compile(app, &view.settings.settings);
                // Settings are never changed in place, and these are held: their address tells them apart.
                let id = crate::wanted::hash_of((&own, Arc::as_ptr(&view.settings) as usize));
                let settings = Arc::clone(&view.settings);
                CompiledRules { own, settings, id, rules: Arc::new(rules), problems }
            }
        };
        for problem in &compiled.problems {
            findings.add(ConditionType::ComparisonError, problem.to_string());
        }
        let (rules, rules_id) = (Arc::clone(&compiled.rules), compiled.id);
        memory.rules = Some(compiled);
        Self { shared, view, rules, rules_id }
    }

    /// Judges every object of the application, and the whole. Requests go out only where it cannot be told from here.
    pub(crate) async fn assess(
        &self,
        app: &Application,
        wanted: &WantedSet,
        memory: &mut Memory,
    ) -> (Comparison, Findings) {
        assess(self, app, wanted, memory).await
    }

    /// The name that the application's objects carry.
    pub(crate) fn instance(&self) -> &str {
        self.view.instance.as_str()
    }

    /// The cluster that it goes to.
    pub(crate) fn cluster(&self) -> &'a Cluster {
        &self.view.to.cluster
    }

    /// Another application that has this object in git.
    pub(crate) fn claimed_elsewhere(&self, key: &ResourceKey) -> Option<String> {
        self.shared.claimed_elsewhere(&self.view.to, key, &self.view.name)
    }
}
