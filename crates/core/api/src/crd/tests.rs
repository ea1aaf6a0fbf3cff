use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;

/// What kubectl's client-side apply can put into an annotation.
const ANNOTATION_LIMIT: usize = 262_144;

const GENERATED: &str = "# Generated from crates/core/api by `UPDATE=1 cargo test -p api`.\n";

/// Every schema below this one, with its path.
fn each<'a>(schema: &'a Value, path: &str, found: &mut Vec<(String, &'a Value)>) {
    found.push((path.to_owned(), schema));
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        each(property, &format!("{path}.{name}"), found);
    }
    for (key, suffix) in [("items", "[]"), ("additionalProperties", "{}")] {
        if let Some(inner) = schema.get(key) {
            each(inner, &format!("{path}{suffix}"), found);
        }
    }
}

fn schemas(crd: &Value) -> Vec<(String, &Value)> {
    let mut found = vec![];
    each(&crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], "", &mut found);
    found
}

#[test]
fn schemas_are_structural() {
    let allowed: BTreeSet<_> = [
        "type",
        "format",
        "description",
        "properties",
        "items",
        "additionalProperties",
        "required",
        "default",
        PRESERVE,
        "x-kubernetes-int-or-string",
    ]
    .into();
    for crd in crds() {
        for (path, schema) in schemas(&crd) {
            let keys = schema.as_object().unwrap().keys();
            let foreign: Vec<_> = keys.filter(|key| !allowed.contains(key.as_str())).collect();
            assert!(foreign.is_empty(), "{path} has {foreign:?}");
            let typed = schema["type"].is_string()
                || schema[PRESERVE] == true
                || schema["x-kubernetes-int-or-string"] == true;
            assert!(typed, "{path} has no type: {schema}");
            assert!(
                !(schema.get("properties").is_some() && schema.get("additionalProperties").is_some()),
                "{path}"
            );
        }
    }
}

#[test]
fn unknown_fields_are_kept_at_every_level_of_the_specification() {
    for crd in crds() {
        for (path, schema) in schemas(&crd) {
            let is_struct = schema["type"] == "object" && schema.get("additionalProperties").is_none();
            if is_struct && (path.starts_with(".spec") || path.starts_with(".operation")) {
                assert_eq!(schema[PRESERVE], true, "{path} drops what it does not know");
            }
        }
    }
}

#[test]
fn fields_of_the_peer_are_there() {
    let crds = crds();
    let application: BTreeSet<_> = schemas(&crds[0]).into_iter().map(|(path, _)| path).collect();
    let project: BTreeSet<_> = schemas(&crds[1]).into_iter().map(|(path, _)| path).collect();
    for (paths, path) in [
        (&application, ".spec.source.repoURL"),
        (&application, ".spec.sources[].helm.valuesObject"),
        (&application, ".spec.sources[].ref"),
        (&application, ".spec.source.kustomize.commonAnnotationsEnvsubst"),
        (&application, ".spec.source.kustomize.patches[].target.labelSelector"),
        (&application, ".spec.source.directory.jsonnet.tlas[].code"),
        (&application, ".spec.source.plugin.parameters[].map{}"),
        (&application, ".spec.ignoreDifferences[].jqPathExpressions[]"),
        (&application, ".spec.ignoreDifferences[].managedFieldsManagers[]"),
        (&application, ".spec.sourceHydrator.drySource.repoURL"),
        (&application, ".spec.syncPolicy.managedNamespaceMetadata.labels{}"),
        (&application, ".spec.syncPolicy.retry.backoff.maxDuration"),
        (&application, ".operation.sync.autoHealAttemptsCount"),
        (&application, ".operation.retry.limit"),
        (&project, ".spec.signatureKeys[].keyID"),
        (&project, ".spec.syncWindows[].andOperator"),
        (&project, ".spec.roles[].jwtTokens[].iat"),
        (&project, ".spec.clusterResourceWhitelist[].name"),
        (&project, ".spec.destinationServiceAccounts[].defaultServiceAccount"),
    ] {
        assert!(paths.contains(path), "{path} is missing");
    }
}

#[test]
fn client_side_apply_can_hold_them() {
    for crd in crds() {
        let size = crd.to_string().len();
        assert!(size < ANNOTATION_LIMIT / 2, "{} has {size} bytes", crd["metadata"]["name"]);
    }
}

/// `UPDATE=1 cargo test -p api` rewrites the files.
#[test]
fn the_files_in_deploy_are_these() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../deploy/crds");
    #[expect(clippy::disallowed_methods, reason = "the switch of golden tests")]
    let update = std::env::var("UPDATE").is_ok();
    for crd in crds() {
        let path = folder.join(format!("{}.yaml", crd["spec"]["names"]["plural"].as_str().unwrap()));
        if update {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, format!("{GENERATED}{}", goyaml::to_string(&crd))).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let text = text.trim_start_matches(GENERATED);
        let found = goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default()).unwrap();
        assert!(found == crd, "{} is stale: run `UPDATE=1 cargo test -p api`", path.display());
    }
}
