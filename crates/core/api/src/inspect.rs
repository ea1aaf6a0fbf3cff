//! What is wrong or strange about an application's specification, told without looking anywhere else.

use crate::{
    Application, ApplicationDestination, ApplicationSource, ConditionType, SyncOptions, SyncPolicy,
    is_evasive, parse_duration, redact_url, unknown_fields,
};

/// Longest URL of a repository, in bytes.
const LONGEST_URL: usize = 4096;

/// A condition that a specification deserves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// `InvalidSpecError`, which stops the application, or `LintWarning`, which does not.
    pub condition: ConditionType,
    /// For people; names the field.
    pub message: String,
}

/// Everything that can be said about a specification by itself.
///
/// **Shape**: errors first, each kind in the order of the specification. **Source**: the peer's
/// `ValidatePermissions`, with its texts for destinations and sources; the warnings are ours, the peer says nothing.
/// Whether the project exists and permits it, and whether the repository answers, is found out elsewhere.
pub fn inspect(application: &Application) -> Vec<Finding> {
    let spec = &application.spec;
    let mut errors = Vec::new();
    if spec.sources().is_empty() && spec.source_hydrator.is_none() {
        errors.push(
            "spec.source.repoURL and either spec.source.path or spec.source.chart are required".to_owned(),
        );
    }
    for (index, source) in spec.sources().iter().enumerate() {
        let path = if spec.has_multiple_sources() {
            format!("spec.sources[{index}]")
        } else {
            "spec.source".to_owned()
        };
        source_errors(&path, source, &mut errors);
    }
    if spec.source_hydrator.is_some() {
        errors.push("spec.sourceHydrator: manifests are not rendered ahead into git yet".to_owned());
    }
    errors.extend(destination_error(&spec.destination));

    let mut warnings: Vec<_> = unknown_fields(spec).iter().map(ToString::to_string).collect();
    if let Some(policy) = &spec.sync_policy {
        policy_warnings(policy, &mut warnings);
    }
    for (index, rule) in spec.ignore_differences.iter().enumerate() {
        for pointer in rule.json_pointers.iter().filter(|pointer| !pointer.starts_with('/')) {
            warnings.push(format!(
                "spec.ignoreDifferences[{index}].jsonPointers: {pointer:?} is no JSON pointer: it does not begin with a slash"
            ));
        }
    }
    let finding = |condition: ConditionType| move |message| Finding { condition: condition.clone(), message };
    let errors = errors.into_iter().map(finding(ConditionType::InvalidSpecError));
    errors.chain(warnings.into_iter().map(finding(ConditionType::LintWarning))).collect()
}

fn source_errors(path: &str, source: &ApplicationSource, errors: &mut Vec<String>) {
    let url = source.repo_url.as_str();
    if url.is_empty() {
        errors.push(format!("{path}.repoURL is required"));
    } else if url.len() > LONGEST_URL {
        errors.push(format!("{path}.repoURL has {} bytes, {LONGEST_URL} are read", url.len()));
    } else if url.starts_with('-') || url.contains(char::is_whitespace) || is_evasive(url) {
        let shown = redact_url(url);
        errors.push(format!(
            "{path}.repoURL {shown:?} is not accepted: it begins with a dash, or has blanks, control characters, backslashes or dot segments"
        ));
    }
    let refers_only = !source.ref_name.is_empty();
    if source.path.is_empty() && source.chart.is_empty() && !refers_only && !url.starts_with("oci://") {
        errors.push(format!("{path}: either path or chart is required"));
    }
    if refers_only && !source.chart.is_empty() {
        errors.push(format!("{path}: a source with ref cannot have a chart"));
    }
    if !source.chart.is_empty() && source.target_revision.is_empty() {
        errors.push(format!("{path}.targetRevision is required if the manifest source is a helm chart"));
    }
    let tools = [
        ("helm", source.helm.is_some()),
        ("kustomize", source.kustomize.is_some()),
        ("directory", source.directory.is_some()),
        ("plugin", source.plugin.is_some()),
    ];
    let tools: Vec<_> = tools.into_iter().filter(|(_, set)| *set).map(|(name, _)| name).collect();
    if tools.len() > 1 {
        errors.push(format!("{path}: multiple application sources defined: {}", tools.join(",")));
    }
}

fn destination_error(destination: &ApplicationDestination) -> Option<String> {
    match (destination.name.as_str(), destination.server.as_str()) {
        ("", "") => Some("Destination server missing from app spec".to_owned()),
        (_, "") | ("", _) => None,
        (name, server) => {
            Some(format!("application destination can't have both name and server defined: {name} {server}"))
        }
    }
}

fn policy_warnings(policy: &SyncPolicy, warnings: &mut Vec<String>) {
    let (_, problems) = SyncOptions::parse(policy.sync_options.iter().map(String::as_str));
    warnings.extend(problems.into_iter().map(|problem| format!("spec.syncPolicy.syncOptions: {problem}")));
    let backoff = policy.retry.as_ref().and_then(|retry| retry.backoff.as_ref());
    for (field, text) in
        backoff.iter().flat_map(|b| [("duration", &b.duration), ("maxDuration", &b.max_duration)])
    {
        if !text.is_empty()
            && let Err(error) = parse_duration(text)
        {
            warnings.push(format!("spec.syncPolicy.retry.backoff.{field}: {error}; the default holds"));
        }
    }
    let creates = policy.sync_options.iter().any(|option| option.trim() == "CreateNamespace=true");
    if policy.managed_namespace_metadata.is_some() && !creates {
        warnings.push(
            "spec.syncPolicy.managedNamespaceMetadata has no effect without the sync option CreateNamespace=true"
                .to_owned(),
        );
    }
}

#[cfg(test)]
mod tests;
