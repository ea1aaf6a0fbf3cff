//! What every look at an application has in common: whose it is, and by which rules differences count.

use std::sync::Arc;
use std::time::Duration;

use api::project::Begin;
use api::{Application, ConditionType};
use cluster::Cluster;
use compare::Rules;
use resource::ResourceKey;
use tracing::{Instrument as _, debug_span};

use crate::assess::{Memory, assess};
use crate::comparison::Comparison;
use crate::conditions::Findings;
use crate::obtain::View;
use crate::shared::{AppMemory, CompiledRules, Shared};
use crate::wanted::WantedSet;
use crate::writer::writer;

/// Shortest time after which a window is looked at again.
const SOON: Duration = Duration::from_millis(10);

/// What the windows of the project say about a sync.
pub(crate) enum Window {
    /// It may run.
    Open,
    /// It may not.
    Closed {
        /// What is wrong with the windows, if that is why.
        error: Option<String>,
        /// The same, or the windows that apply.
        message: String,
        /// When that may change, RFC 3339; empty where it does not by itself.
        until: String,
        /// When to look again, if ever.
        again: Option<Duration>,
    },
}

/// Compares wanted sets of one application with what is live.
pub(crate) struct Judge<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) view: &'a View,
    /// The rules for differences.
    pub(crate) rules: Arc<Rules>,
    /// Changes when `rules` does.
    pub(crate) rules_id: u64,
    /// What updates of its objects are not judged by.
    pub(crate) updates: Arc<Rules>,
    /// The cluster as the one sees it who syncs; else why nobody may.
    pub(crate) writer: Result<Cluster, String>,
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
        let writer = writer(app, &view.project, &view.settings, &view.to);
        let updates = shared.updates.of(&view.settings).rules;
        Self { shared, view, rules, rules_id, updates, writer }
    }

    /// Judges every object of the application, and the whole. Requests go out only where it cannot be told from here.
    pub(crate) async fn assess(
        &self,
        app: &Application,
        wanted: &WantedSet,
        memory: &mut Memory,
    ) -> (Comparison, Findings) {
        assess(self, app, wanted, memory).instrument(debug_span!("compare")).await
    }

    /// The name that the application's objects carry.
    pub(crate) fn instance(&self) -> &str {
        self.view.instance.as_str()
    }

    /// The cluster that it goes to.
    pub(crate) fn cluster(&self) -> &'a Cluster {
        &self.view.to.cluster
    }

    /// The same, as the one sees it who syncs. Where nobody may, it is compared as the controller sees it.
    pub(crate) fn writer(&self) -> &Cluster {
        self.writer.as_ref().unwrap_or(self.cluster())
    }

    /// Whether the windows of the project let a sync run now that began at `since`; else the reason, and when that may change.
    pub(crate) fn window(&self, app: &Application, begin: Begin, since: Option<&str>) -> Window {
        let assigned = self.view.project.limits.windows().of(app);
        if assigned.is_empty() {
            return Window::Open;
        }
        let now = (self.shared.options.clock)();
        let since = since.and_then(|since| api::parse_time(since).ok());
        let reason = match assigned.permits(begin, now, since) {
            Ok(true) => return Window::Open,
            Ok(false) => None,
            Err(error) => Some(error.to_string()),
        };
        let names: Vec<&str> = assigned.shown().collect();
        let message = reason.clone().unwrap_or_else(|| names.join(", "));
        let until = assigned.next_change(now);
        let again = until.map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default().max(SOON));
        let until = until.map(api::format_time).unwrap_or_default();
        Window::Closed { error: reason, message, until, again }
    }

    /// Another application that has this object in git.
    pub(crate) fn claimed_elsewhere(&self, key: &ResourceKey) -> Option<String> {
        self.shared.claimed_elsewhere(&self.view.to, key, &self.view.name)
    }
}
