//! Compiles the rules for differences of an application from its spec and the settings.

use api::Application;
use api::settings::Settings;
use compare::{IgnoreRule, IgnoreStatus, Options, RuleProblem, Rules};

/// The rules of `app` over those of the system. A rule that cannot be read is left out and named.
pub fn compile(app: &Application, settings: &Settings) -> (Rules, Vec<RuleProblem>) {
    let own: Vec<IgnoreRule> = app.spec.ignore_differences.iter().map(rule).collect();
    let system: Vec<IgnoreRule> = settings.ignore_differences().iter().map(rule).collect();
    Rules::compile(&own, &system, options(settings))
}

fn rule(rule: &api::ResourceIgnoreDifferences) -> IgnoreRule {
    IgnoreRule {
        group: rule.group.clone(),
        kind: rule.kind.clone(),
        name: rule.name.clone(),
        namespace: rule.namespace.clone(),
        json_pointers: rule.json_pointers.clone(),
        jq_path_expressions: rule.jq_path_expressions.clone(),
        managed_fields_managers: rule.managed_fields_managers.clone(),
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
        known_types: settings.overrides.known_type_fields(),
        mask_annotations: settings.sensitive_annotations.clone(),
    }
}
