//! From flags to an application's specification.

use std::collections::BTreeMap;

use api::{
    ApplicationDestination, ApplicationSource, ApplicationSourceDirectory, ApplicationSourceHelm,
    ApplicationSourceJsonnet, ApplicationSourceKustomize, ApplicationSourcePlugin, ApplicationSpec, Backoff,
    HelmFileParameter, HelmParameter, JsonnetVar, KustomizeReplica, NameValue, RetryStrategy, SyncPolicy,
    SyncPolicyAutomated,
};
use serde_json::Value;

use crate::command::SpecFlags;
use crate::failure::Failure;

/// Reads `key=value`. **Errors**: there is no `=` or nothing before it.
pub(crate) fn pair(text: &str) -> Result<(&str, &str), Failure> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key, value)),
        _ => Err(Failure::usage(format!("{text:?} is not of the form key=value"))),
    }
}

/// Reads a list of `key=value`, each of which may be several with commas between them, as the peer's maps are.
pub(crate) fn pairs(texts: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let texts = texts.iter().flat_map(|text| text.split(','));
    texts.map(|text| pair(text).map(|(key, value)| (key.to_owned(), value.to_owned()))).collect()
}

/// Writes what the flags say into a specification. `position` names one of several sources, from 0; `literal` is the
/// content of `--values-literal-file`.
///
/// **Shape**: what no flag speaks of stays; a parameter, image or option replaces the one of its name. **Errors**: a
/// flag that contradicts the others or cannot be read, a position that is not there, an empty flag for nothing.
pub(crate) fn apply(
    spec: &mut ApplicationSpec,
    flags: &SpecFlags,
    position: Option<usize>,
    literal: Option<String>,
) -> Result<(), Failure> {
    put(&mut spec.project, &flags.project);
    if let Some(limit) = flags.revision_history_limit {
        spec.revision_history_limit = Some(limit);
    }
    destination(&mut spec.destination, flags);
    sync_policy(spec, flags)?;
    let mut source = match (position, spec.sources.is_empty()) {
        (None, true) => spec.source.clone().unwrap_or_default(),
        (Some(at), false) if at < spec.sources.len() => spec.sources[at].clone(),
        (None, false) => spec.sources[0].clone(),
        (Some(at), _) => return Err(Failure::usage(format!("there is no source {}", at + 1))),
    };
    let before = source.clone();
    apply_source(&mut source, flags, literal)?;
    if source != before {
        match (position, spec.sources.is_empty()) {
            (_, true) => spec.source = Some(source),
            (Some(at), false) => spec.sources[at] = source,
            (None, false) => {
                return Err(Failure::usage("the application has several sources")
                    .next("say which one: --source-position 1"));
            }
        }
    }
    Ok(())
}

fn put(field: &mut String, flag: &Option<String>) {
    if let Some(value) = flag {
        field.clone_from(value);
    }
}

fn put_bool(field: &mut bool, flag: Option<bool>) {
    if let Some(value) = flag {
        *field = value;
    }
}

fn destination(destination: &mut ApplicationDestination, flags: &SpecFlags) {
    put(&mut destination.server, &flags.dest_server);
    put(&mut destination.name, &flags.dest_name);
    put(&mut destination.namespace, &flags.dest_namespace);
}

fn sync_policy(spec: &mut ApplicationSpec, flags: &SpecFlags) -> Result<(), Failure> {
    let mut policy = spec.sync_policy.clone().unwrap_or_default();
    match flags.sync_policy.as_deref() {
        Some("auto" | "automated" | "automatic") => {
            let automated = policy.automated.get_or_insert_with(SyncPolicyAutomated::default);
            automated.enabled = None;
        }
        Some(_) => policy.automated = None,
        None => {}
    }
    for (name, flag) in [
        ("--auto-prune", flags.auto_prune),
        ("--self-heal", flags.self_heal),
        ("--allow-empty", flags.allow_empty),
    ] {
        let Some(value) = flag else { continue };
        let Some(automated) = &mut policy.automated else {
            return Err(Failure::usage(format!(
                "cannot set {name}: the application is not synced automatically"
            ))
            .next("add --sync-policy automated"));
        };
        match name {
            "--auto-prune" => automated.prune = Some(value),
            "--self-heal" => automated.self_heal = Some(value),
            _ => automated.allow_empty = Some(value),
        }
    }
    for option in &flags.sync_options {
        let (name, wanted) = match option.strip_prefix('!') {
            Some(option) => (option, false),
            None => (option.as_str(), true),
        };
        let key = name.split('=').next().unwrap_or(name);
        policy.sync_options.retain(|there| there.split('=').next() != Some(key));
        if wanted {
            policy.sync_options.push(name.to_owned());
        }
    }
    retry(&mut policy, flags)?;
    let empty = policy == SyncPolicy::default();
    spec.sync_policy = if empty { None } else { Some(policy) };
    Ok(())
}

fn retry(policy: &mut SyncPolicy, flags: &SpecFlags) -> Result<(), Failure> {
    let times = [&flags.sync_retry_backoff_duration, &flags.sync_retry_backoff_max_duration];
    for text in times.into_iter().flatten() {
        api::parse_duration(text).map_err(|error| Failure::usage("a retry cannot be set").because(&error))?;
    }
    let backoff = times.iter().any(|time| time.is_some()) || flags.sync_retry_backoff_factor.is_some();
    if !backoff && flags.sync_retry_limit.is_none() && flags.sync_retry_refresh.is_none() {
        return Ok(());
    }
    if flags.sync_retry_limit == Some(0) {
        policy.retry = None;
        return Ok(());
    }
    let retry = policy.retry.get_or_insert_with(RetryStrategy::default);
    if let Some(limit) = flags.sync_retry_limit {
        retry.limit = limit;
    }
    put_bool(&mut retry.refresh, flags.sync_retry_refresh);
    if backoff {
        let backoff = retry.backoff.get_or_insert_with(Backoff::default);
        put(&mut backoff.duration, &flags.sync_retry_backoff_duration);
        put(&mut backoff.max_duration, &flags.sync_retry_backoff_max_duration);
        backoff.factor = flags.sync_retry_backoff_factor.or(backoff.factor);
    }
    Ok(())
}

fn apply_source(
    source: &mut ApplicationSource,
    flags: &SpecFlags,
    literal: Option<String>,
) -> Result<(), Failure> {
    put(&mut source.repo_url, &flags.repo);
    put(&mut source.path, &flags.path);
    put(&mut source.target_revision, &flags.revision);
    put(&mut source.chart, &flags.helm_chart);
    put(&mut source.ref_name, &flags.ref_name);
    put(&mut source.name, &flags.source_name);
    source.helm = changed(source.helm.take(), |helm| apply_helm(helm, flags, literal))?;
    source.kustomize = changed(source.kustomize.take(), |kustomize| apply_kustomize(kustomize, flags))?;
    source.directory = changed(source.directory.take(), |directory| apply_directory(directory, flags))?;
    source.plugin = changed(source.plugin.take(), |plugin: &mut ApplicationSourcePlugin| {
        put(&mut plugin.name, &flags.config_management_plugin);
        for text in &flags.plugin_env {
            let (name, value) = pair(text)?;
            plugin.env.retain(|there| there.name != name);
            plugin.env.push(NameValue {
                name: name.to_owned(),
                value: value.to_owned(),
                ..NameValue::default()
            });
        }
        Ok(())
    })?;
    Ok(())
}

/// A source that the flags describe.
pub(crate) fn source(flags: &SpecFlags, literal: Option<String>) -> Result<ApplicationSource, Failure> {
    let mut source = ApplicationSource::default();
    apply_source(&mut source, flags, literal)?;
    Ok(source)
}

/// Changes an optional part of a source, which is made only where there is something to say.
fn changed<T: Default + PartialEq>(
    part: Option<T>,
    change: impl FnOnce(&mut T) -> Result<(), Failure>,
) -> Result<Option<T>, Failure> {
    let there = part.is_some();
    let mut part = part.unwrap_or_default();
    change(&mut part)?;
    Ok((there || part != T::default()).then_some(part))
}

fn apply_helm(
    helm: &mut ApplicationSourceHelm,
    flags: &SpecFlags,
    literal: Option<String>,
) -> Result<(), Failure> {
    if !flags.values.is_empty() {
        helm.value_files.clone_from(&flags.values);
    }
    if let Some(literal) = literal {
        helm.values = literal;
        helm.values_object = None;
    }
    put_bool(&mut helm.ignore_missing_value_files, flags.ignore_missing_value_files);
    put(&mut helm.release_name, &flags.release_name);
    put_bool(&mut helm.pass_credentials, flags.helm_pass_credentials);
    put_bool(&mut helm.skip_crds, flags.helm_skip_crds);
    put_bool(&mut helm.skip_tests, flags.helm_skip_tests);
    put_bool(&mut helm.skip_schema_validation, flags.helm_skip_schema_validation);
    put(&mut helm.namespace, &flags.helm_namespace);
    put(&mut helm.kube_version, &flags.helm_kube_version);
    if !flags.helm_api_versions.is_empty() {
        helm.api_versions.clone_from(&flags.helm_api_versions);
    }
    let plain = flags.parameters.iter().chain(&flags.helm_set).map(|text| (text, false));
    for (text, force_string) in plain.chain(flags.helm_set_string.iter().map(|text| (text, true))) {
        let (name, value) = pair(text)?;
        let parameter = HelmParameter {
            name: name.to_owned(),
            value: value.to_owned(),
            force_string,
            ..HelmParameter::default()
        };
        match helm.parameters.iter_mut().find(|there| there.name == name) {
            Some(there) => *there = parameter,
            None => helm.parameters.push(parameter),
        }
    }
    for text in &flags.helm_set_file {
        let (name, path) = pair(text)?;
        helm.file_parameters.retain(|there| there.name != name);
        let parameter = HelmFileParameter {
            name: name.to_owned(),
            path: path.to_owned(),
            ..HelmFileParameter::default()
        };
        helm.file_parameters.push(parameter);
    }
    Ok(())
}

fn apply_kustomize(kustomize: &mut ApplicationSourceKustomize, flags: &SpecFlags) -> Result<(), Failure> {
    put(&mut kustomize.name_prefix, &flags.name_prefix);
    put(&mut kustomize.name_suffix, &flags.name_suffix);
    put(&mut kustomize.version, &flags.kustomize_version);
    put(&mut kustomize.namespace, &flags.kustomize_namespace);
    put(&mut kustomize.kube_version, &flags.kustomize_kube_version);
    if !flags.kustomize_api_versions.is_empty() {
        kustomize.api_versions.clone_from(&flags.kustomize_api_versions);
    }
    for image in &flags.kustomize_image {
        match kustomize.images.iter_mut().find(|there| image_name(there) == image_name(image)) {
            Some(there) => there.clone_from(image),
            None => kustomize.images.push(image.clone()),
        }
    }
    for text in &flags.kustomize_replica {
        let (name, count) = pair(text)?;
        let count: u32 = count
            .parse()
            .map_err(|error| Failure::usage(format!("{text:?} has no number of replicas")).because(&error))?;
        kustomize.replicas.retain(|there| there.name != name);
        kustomize.replicas.push(KustomizeReplica {
            name: name.to_owned(),
            count: Value::from(count),
            ..KustomizeReplica::default()
        });
    }
    kustomize.common_labels.extend(pairs(&flags.kustomize_common_label)?);
    kustomize.common_annotations.extend(pairs(&flags.kustomize_common_annotation)?);
    put_bool(&mut kustomize.force_common_labels, flags.kustomize_force_common_label);
    put_bool(&mut kustomize.force_common_annotations, flags.kustomize_force_common_annotation);
    put_bool(&mut kustomize.label_without_selector, flags.kustomize_label_without_selector);
    Ok(())
}

/// The image that an override is about: what stands before `=`, or before the tag or digest.
pub(crate) fn image_name(image: &str) -> &str {
    if let Some((name, _)) = image.split_once('=') {
        return name;
    }
    let name = image.split('@').next().unwrap_or(image);
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    }
}

fn apply_directory(directory: &mut ApplicationSourceDirectory, flags: &SpecFlags) -> Result<(), Failure> {
    put_bool(&mut directory.recurse, flags.directory_recurse);
    put(&mut directory.include, &flags.directory_include);
    put(&mut directory.exclude, &flags.directory_exclude);
    directory.jsonnet = changed(directory.jsonnet.take(), |jsonnet: &mut ApplicationSourceJsonnet| {
        for (texts, code, external) in [
            (&flags.jsonnet_ext_var_str, false, true),
            (&flags.jsonnet_ext_var_code, true, true),
            (&flags.jsonnet_tla_str, false, false),
            (&flags.jsonnet_tla_code, true, false),
        ] {
            let variables = if external { &mut jsonnet.ext_vars } else { &mut jsonnet.tlas };
            for text in texts {
                let (name, value) = pair(text)?;
                variables.retain(|there| there.name != name);
                let variable = JsonnetVar {
                    name: name.to_owned(),
                    value: value.to_owned(),
                    code,
                    ..JsonnetVar::default()
                };
                variables.push(variable);
            }
        }
        jsonnet.libs.extend(flags.jsonnet_libs.iter().filter(|lib| !lib.is_empty()).cloned());
        Ok(())
    })?;
    Ok(())
}

#[cfg(test)]
mod tests;
