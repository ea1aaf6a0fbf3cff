use resource::GroupKind;

use super::*;

const HERE: &str = "https://kubernetes.default.svc";

fn data(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect()
}

fn parse(entries: &[(&str, &str)]) -> Settings {
    let (settings, problems) = Settings::parse(&data(entries), None);
    assert_eq!(problems, [], "{entries:?}");
    settings
}

#[test]
fn an_empty_config_map_has_the_peers_defaults() {
    let settings = parse(&[]);
    assert_eq!(settings.tracking.method, TrackingMethod::Annotation);
    assert_eq!(settings.tracking.instance_label, "app.kubernetes.io/instance");
    assert_eq!(settings.reconciliation.timeout, Some(Duration::from_secs(120)));
    assert_eq!(settings.reconciliation.jitter, Duration::from_secs(60));
    assert_eq!(settings.reconciliation.hard, None);
    assert!(settings.helm_enabled && settings.kustomize_enabled && settings.jsonnet_enabled);
    for (group, kind, excluded) in [
        ("", "Event", true),
        ("events.k8s.io", "Event", true),
        ("metrics.k8s.io", "PodMetrics", true),
        ("coordination.k8s.io", "Lease", true),
        ("", "Endpoints", false),
        ("apps", "Deployment", false),
    ] {
        assert_eq!(settings.filter.excluded(group, kind, HERE), excluded, "{group}/{kind}");
    }
}

#[test]
fn the_installed_config_map_is_read_without_a_problem() {
    let (settings, problems) = Settings::parse(&installed_argocd_cm(), None);
    assert_eq!(problems, []);
    for (group, kind, excluded) in [
        ("", "Endpoints", true),
        ("discovery.k8s.io", "EndpointSlice", true),
        ("cilium.io", "CiliumEndpoint", true),
        ("", "Service", false),
    ] {
        assert_eq!(settings.filter.excluded(group, kind, HERE), excluded, "{group}/{kind}");
    }
    let updates = |kind: &GroupKind| {
        settings
            .overrides
            .of(kind)
            .filter(|entry| entry.ignore_resource_updates != IgnoreRules::default())
            .count()
    };
    assert_eq!(updates(&GroupKind::new("apps", "ReplicaSet")), 2);
    assert_eq!(updates(&GroupKind::new("apps", "Deployment")), 1);
}

#[test]
fn plain_keys() {
    let settings = parse(&[
        ("application.resourceTrackingMethod", "annotation+label"),
        ("application.instanceLabelKey", "example.com/app"),
        ("installationID", "here"),
        ("timeout.reconciliation", "0s"),
        ("timeout.reconciliation.jitter", "90s"),
        ("timeout.hard.reconciliation", "2d"),
        ("resource.respectRBAC", "strict"),
        ("helm.enable", "false"),
        ("kustomize.buildOptions", "--enable-helm"),
        ("kustomize.buildOptions.v5.0.0", "--load-restrictor LoadRestrictionsNone"),
        ("kustomize.path.v4.0.0", "/tools/kustomize"),
        ("resource.customLabels", "team, tier"),
        ("resource.sensitive.mask.annotations", "a/b,c/d"),
        ("ui.bannercontent", "ignored"),
        ("dex.config", "ignored: ["),
    ]);
    assert_eq!(settings.tracking.method, TrackingMethod::AnnotationAndLabel);
    assert_eq!(
        (&*settings.tracking.instance_label, &*settings.tracking.installation_id),
        ("example.com/app", "here")
    );
    assert_eq!(settings.reconciliation.timeout, None);
    assert_eq!(settings.reconciliation.jitter, Duration::from_secs(90));
    assert_eq!(settings.reconciliation.hard, Some(Duration::from_secs(172_800)));
    assert_eq!(settings.respect_rbac, RespectRbac::Strict);
    assert!(!settings.helm_enabled && settings.kustomize_enabled);
    assert!(settings.kustomize.build_options.enable_helm);
    assert!(
        settings.kustomize.options_of("v5.0.0").0.load_outside && settings.kustomize.options_of("v4.0.0").1
    );
    assert_eq!(settings.custom_labels, ["team", "tier"]);
    assert_eq!(settings.sensitive_annotations, ["a/b", "c/d"]);
}

#[test]
fn exclusions_and_inclusions() {
    const EXCLUDE: &str =
        "- apiGroups: ['*.aws.com']\n  kinds: ['*']\n  clusters: ['https://*']\n- kinds: [Secret]\n";
    const INCLUDE: &str = "- apiGroups: ['', apps]\n";
    for (exclusions, inclusions, (group, kind, cluster), excluded, reason) in [
        (EXCLUDE, "", ("s3.aws.com", "Bucket", HERE), true, "a glob of groups"),
        (EXCLUDE, "", ("s3.aws.com", "Bucket", "in-cluster"), false, "another cluster"),
        (EXCLUDE, "", ("any", "Secret", "x"), true, "no groups are all groups"),
        (EXCLUDE, "", ("", "ConfigMap", HERE), false, "not listed"),
        ("", INCLUDE, ("apps", "Deployment", HERE), false, "included"),
        ("", INCLUDE, ("batch", "Job", HERE), true, "not included"),
        ("", INCLUDE, ("", "Event", HERE), true, "what is always excluded stays so"),
        (EXCLUDE, INCLUDE, ("", "Secret", HERE), true, "exclusions win"),
        ("- kinds: ['Dep*']", "", ("apps", "Deployment", HERE), false, "kinds are no globs, as in the peer"),
    ] {
        let settings = parse(&[("resource.exclusions", exclusions), ("resource.inclusions", inclusions)]);
        assert_eq!(settings.filter.excluded(group, kind, cluster), excluded, "{reason}");
    }
}

#[test]
fn customizations_in_both_forms() {
    let split = parse(&[
        (
            "resource.customizations.ignoreDifferences.admissionregistration.k8s.io_MutatingWebhookConfiguration",
            "jqPathExpressions:\n- '.webhooks[]?.clientConfig.caBundle'\n",
        ),
        (
            "resource.customizations.ignoreDifferences.all",
            "managedFieldsManagers:\n- kube-controller-manager\n",
        ),
        (
            "resource.customizations.knownTypeFields.apps_StatefulSet",
            "- field: spec.template.spec\n  type: core/v1/PodSpec\n",
        ),
        ("resource.customizations.ignoreDifferences.ConfigMap", "jsonPointers: [/data/x]\n"),
    ]);
    let rules = |group: &str, kind: &str| {
        let kind = GroupKind::new(group, kind);
        split.overrides.of(&kind).map(|entry| entry.ignore_differences.clone()).collect::<Vec<_>>()
    };
    let managers = IgnoreRules {
        managed_fields_managers: vec!["kube-controller-manager".to_owned()],
        ..IgnoreRules::default()
    };
    assert_eq!(rules("apps", "Deployment"), std::slice::from_ref(&managers));
    let data = IgnoreRules { json_pointers: vec!["/data/x".to_owned()], ..IgnoreRules::default() };
    assert_eq!(rules("", "ConfigMap"), [data, managers]);
    assert_eq!(rules("other", "ConfigMap").len(), 1);

    let map = parse(&[(
        "resource.customizations",
        "admissionregistration.k8s.io/*:\n  ignoreDifferences: |\n    jsonPointers:\n    - /webhooks/0\n\
         apps/StatefulSet:\n  knownTypeFields:\n  - field: spec.template.spec\n    type: core/v1/PodSpec\n",
    )]);
    let found = map.ignore_differences();
    assert_eq!(
        (&*found[0].group, &*found[0].kind, &*found[0].json_pointers[0]),
        ("admissionregistration.k8s.io", "*", "/webhooks/0")
    );
    let types: Vec<_> =
        map.overrides.of(&GroupKind::new("apps", "StatefulSet")).flat_map(|e| &e.known_type_fields).collect();
    assert_eq!(types[0].type_name, "core/v1/PodSpec");
}

#[test]
fn status_counts_as_the_compare_options_say() {
    for (options, expected) in [
        ("", vec![("*", "/status"), ("CustomResourceDefinition", "/spec/preserveUnknownFields")]),
        (
            "ignoreResourceStatusField: none",
            vec![("CustomResourceDefinition", "/spec/preserveUnknownFields")],
        ),
        (
            "ignoreResourceStatusField: crd\nignoreAggregatedRoles: true",
            vec![
                ("CustomResourceDefinition", "/status"),
                ("CustomResourceDefinition", "/spec/preserveUnknownFields"),
            ],
        ),
    ] {
        let settings = parse(&[("resource.compareoptions", options)]);
        let rules = settings.ignore_differences();
        let found: Vec<_> = rules.iter().map(|rule| (&*rule.kind, &*rule.json_pointers[0])).collect();
        assert_eq!(found, expected, "{options}");
        assert_eq!(settings.compare.ignore_aggregated_roles, options.contains("AggregatedRoles"));
    }
}

#[test]
fn updates_that_are_not_worth_a_look() {
    const UPDATES: &str = "resource.customizations.ignoreResourceUpdates.apps_Deployment";
    let update = (UPDATES, "jsonPointers: [/spec/replicas, /status, /status/x]");
    let difference = ("resource.customizations.ignoreDifferences.ConfigMap", "jqPathExpressions: [.data.a]");
    let off = ("resource.ignoreResourceUpdatesEnabled", "false");
    let apart = ("resource.compareoptions", "ignoreDifferencesOnResourceUpdates: false");
    let (replicas, data) = (("Deployment", "/spec/replicas"), ("ConfigMap", ".data.a"));
    for (row, entries, expected) in [
        ("what is said of updates", &[update][..], vec![replicas]),
        ("differences that do not count", &[update, difference], vec![replicas, data]),
        ("without these", &[update, difference, apart], vec![replicas]),
        ("off", &[update, difference, off], vec![]),
        ("a status alone says nothing", &[(UPDATES, "jsonPointers: [/status]")], vec![]),
    ] {
        let rules = parse(entries).ignored_updates();
        let parts = rules.iter().flat_map(|rule| {
            let named = rule.json_pointers.iter().chain(&rule.jq_path_expressions);
            named.map(|part| (rule.kind.as_str(), part.as_str()))
        });
        assert_eq!(parts.collect::<Vec<_>>(), expected, "{row}");
    }
}

#[test]
fn a_script_in_the_maps_form_is_unwrapped() {
    const SCRIPT: &str =
        "hs = {}\nif obj.status.ready == true then\n  hs.status = \"Healthy\"\nend\nreturn hs";
    let nested =
        format!("arn:aws:iam::ACCOUNT_ID:role/ArgoCD\nhealth.lua: |\n  {}\n", SCRIPT.replace('\n', "\n  "));
    for (text, warnings) in [(SCRIPT, 0), (nested.as_str(), 1)] {
        let key = "resource.customizations.health.database.example.com_PostgreSQL";
        let (settings, problems) = Settings::parse(&data(&[(key, text)]), None);
        assert_eq!(problems.len(), warnings, "{problems:?}");
        let kind = GroupKind::new("database.example.com", "PostgreSQL");
        let script = settings.overrides.health_script(&kind).unwrap();
        assert_eq!((script.lua, script.open_libs), (SCRIPT, false));
    }
}

#[test]
fn one_script_is_chosen_for_a_kind() {
    let map = "a.io/K: {health.lua: own of the map}\n'*.io/*': {health.lua: group, health.lua.useOpenLibs: true}\n\
               '*/*': {health.lua: all}\n'*.b.io/*': {health.lua: longer}\n'*.io/K*': {health.lua: ''}\n\
               Pod: {health.lua: core}";
    let mut entries = vec![("resource.customizations", map)];
    for (row, more, group, kind, expected) in [
        ("its own", None, "a.io", "K", Some(("own of the map", false))),
        ("a pattern", None, "a.io", "L", Some(("group", true))),
        ("the more exact of two patterns", None, "x.b.io", "K", Some(("longer", false))),
        ("the widest", None, "apps", "Deployment", Some(("all", false))),
        ("core kinds have no group", None, "", "Pod", Some(("core", false))),
        (
            "a split key goes before the map",
            Some(("resource.customizations.health.a.io_K", "own of a key")),
            "a.io",
            "K",
            Some(("own of a key", false)),
        ),
        (
            "libraries by a key beside it",
            Some(("resource.customizations.useOpenLibs.a.io_K", "true")),
            "a.io",
            "K",
            Some(("own of a key", true)),
        ),
        (
            "a split pattern goes before the same one of the map",
            Some(("resource.customizations.health.all", "all of a key")),
            "apps",
            "Deployment",
            Some(("all of a key", false)),
        ),
    ] {
        entries.extend(more);
        let settings = parse(&entries);
        let script = settings.overrides.health_script(&GroupKind::new(group, kind));
        assert_eq!(script.map(|script| (script.lua, script.open_libs)), expected, "{row}");
    }
    assert_eq!(parse(&[]).overrides.health_script(&GroupKind::new("", "Pod")), None);
}

#[test]
fn actions_are_of_one_kind() {
    let text = "mergeBuiltinActions: true\ndiscovery.lua: return {}\ndefinitions:\n- name: restart\n  action.lua: return obj\n";
    let settings = parse(&[("resource.customizations.actions.apps_Deployment", text)]);
    let actions = settings.overrides.actions(&GroupKind::new("apps", "Deployment")).unwrap();
    assert!(actions.merge_builtin_actions);
    assert_eq!(
        (&*actions.definitions[0].name, &*actions.definitions[0].action_lua),
        ("restart", "return obj")
    );
    assert_eq!(settings.overrides.actions(&GroupKind::new("apps", "StatefulSet")), None);
    let (_, problems) =
        Settings::parse(&data(&[("resource.customizations.actions.apps_X", "definitions: 7")]), None);
    assert_eq!(problems.len(), 1, "{problems:?}");
}

#[test]
fn global_projects_select_by_labels() {
    let settings = parse(&[(
        "globalProjects",
        "- labelSelector:\n    matchExpressions:\n    - key: opt\n      operator: In\n      values: [prod]\n  projectName: proj-global\n",
    )]);
    let selector = &settings.global_projects[0].label_selector;
    assert!(selector.matches(&BTreeMap::from([("opt".to_owned(), "prod".to_owned())])));
    assert!(!selector.matches(&BTreeMap::<String, String>::new()));
}

/// F16: a malformed key keeps what it said, and only that key.
#[test]
fn malformed_keys_keep_their_last_good_value() {
    let good = parse(&[
        ("application.resourceTrackingMethod", "label"),
        ("timeout.reconciliation", "30s"),
        ("resource.exclusions", "- kinds: [Secret]"),
        ("resource.inclusions", "- kinds: [ConfigMap, Secret]"),
        ("resource.customizations.ignoreDifferences.apps_Deployment", "jsonPointers: [/spec/replicas]"),
        ("globalProjects", "- {labelSelector: {}, projectName: a}"),
        ("helm.enable", "false"),
        ("resource.respectRBAC", "normal"),
    ]);
    let bad = data(&[
        ("application.resourceTrackingMethod", "telepathy"),
        ("timeout.reconciliation", "soon"),
        ("resource.exclusions", "- kinds: ["),
        ("resource.inclusions", "- kinds: [ConfigMap]\n  labels: {a: b}"),
        ("resource.customizations.ignoreDifferences.apps_Deployment", "jsonPointers: [spec/replicas]"),
        ("globalProjects", "a: b"),
        ("helm.enable", "maybe"),
        ("resource.respectRBAC", "loosely"),
        ("timeout.hard.reconciliation", "1ms"),
        ("installationID", "new"),
    ]);
    let (settings, problems) = Settings::parse(&bad, Some(&good));
    let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
    let mut expected: Vec<_> =
        bad.keys().map(String::as_str).filter(|key| *key != "installationID").collect();
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert!(problems.iter().all(|problem| problem.message.ends_with("the last good value stays in force")));

    assert_eq!(settings.tracking.method, TrackingMethod::Label);
    assert_eq!(settings.tracking.installation_id, "new");
    assert_eq!(settings.reconciliation.timeout, Some(Duration::from_secs(30)));
    assert_eq!(settings.reconciliation.hard, None);
    assert!(settings.filter.excluded("", "Secret", HERE) && !settings.filter.excluded("", "ConfigMap", HERE));
    assert!(settings.filter.excluded("", "Pod", HERE));
    assert_eq!(settings.overrides, good.overrides);
    assert_eq!(settings.global_projects, good.global_projects);
    assert!(!settings.helm_enabled);
    assert_eq!(settings.respect_rbac, RespectRbac::Normal);
}

#[test]
fn a_malformed_key_that_was_never_good_has_its_default() {
    let (settings, problems) = Settings::parse(&data(&[("timeout.reconciliation", "soon")]), None);
    assert_eq!(settings.reconciliation.timeout, Some(RECONCILIATION_TIMEOUT));
    assert_eq!(
        problems[0].to_string(),
        "timeout.reconciliation: \"soon\" is no duration: a number is missing \
         (a duration is written like 30s, 5m or 1h30m); the last good value stays in force"
    );
}

#[test]
fn what_is_misspelt_or_not_in_force_is_said() {
    for (key, text, message) in [
        ("resource.exclusion", "", "the key is unknown; did you mean resource.exclusions?"),
        ("timeout.reconcilation", "", "the key is unknown; did you mean timeout.reconciliation?"),
        ("kustomize.buildOption", "", "the key is unknown; did you mean kustomize.buildOptions?"),
        (
            "kustomize.buildOptions",
            "--enable-exec",
            "--enable-exec is refused: plugins would run programs, which is never done; kustomizations are refused with these options",
        ),
    ] {
        let (_, problems) = Settings::parse(&data(&[(key, text)]), None);
        let found: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(found, [message], "{key}");
    }
}
