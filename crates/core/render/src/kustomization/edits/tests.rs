use api::ApplicationSourceKustomize;
use serde_json::{Value, json};

use super::{Edits, Problem};
use crate::environment::{Environment, Facts};

/// What becomes of a kustomization, or why not.
fn edit(there: Value, asked: Value) -> Result<Value, String> {
    let environment =
        Environment::new(&Facts { application: "web", revision: "0123456789", ..Facts::default() });
    let asked: ApplicationSourceKustomize = serde_json::from_value(asked).unwrap();
    let edited = Edits::new(there, &environment).and_then(|mut edits| {
        edits.apply(&asked)?;
        Ok(edits.into_value())
    });
    edited.map_err(|problem| match problem {
        Problem::Asked { field, entry, problem } => format!("{field}: {entry}: {problem}"),
        Problem::There { field, problem } => format!("{field} {problem}"),
    })
}

/// Rows of: why, the kustomization, what is asked for, what becomes of it.
fn check(rows: impl IntoIterator<Item = (&'static str, Value, Value, Value)>) {
    for (reason, there, asked, expected) in rows {
        assert_eq!(edit(there, asked), Ok(expected), "{reason}");
    }
}

fn check_refused(rows: impl IntoIterator<Item = (&'static str, Value, Value, &'static str)>) {
    for (reason, there, asked, expected) in rows {
        let said = edit(there, asked).expect_err(reason);
        assert!(said.starts_with(expected), "{reason}: {said}");
    }
}

#[test]
fn names_and_namespace_replace() {
    check([
        ("new", json!(null), json!({"namePrefix": "a-"}), json!({"namePrefix": "a-"})),
        (
            "in place of what was there",
            json!({"namePrefix": "x-", "namespace": "old", "resources": ["a"]}),
            json!({"namePrefix": "a-", "nameSuffix": "-z", "namespace": "new"}),
            json!({"namePrefix": "a-", "nameSuffix": "-z", "namespace": "new", "resources": ["a"]}),
        ),
        (
            "however the field is spelled",
            json!({"nameprefix": "x-"}),
            json!({"namePrefix": "a-"}),
            json!({"namePrefix": "a-"}),
        ),
    ]);
    check_refused([("no map", json!(["a"]), json!({"namePrefix": "a-"}), " is not a map")]);
}

#[test]
fn images_are_set_in_every_form() {
    let row = |reason, image: &'static str, expected: Value| {
        (reason, json!({}), json!({"images": [image]}), json!({"images": [expected]}))
    };
    check([
        row("tag", "web:v1", json!({"name": "web", "newTag": "v1"})),
        row("digest", "web@sha256:aa", json!({"name": "web", "digest": "sha256:aa"})),
        row(
            "tag and digest",
            "web:v1@sha256:aa",
            json!({"name": "web", "newTag": "v1", "digest": "sha256:aa"}),
        ),
        row("name", "web=other", json!({"name": "web", "newName": "other"})),
        row(
            "name and tag, a port in between",
            "h:5000/web=h:5000/new:v1",
            json!({"name": "h:5000/web", "newName": "h:5000/new", "newTag": "v1"}),
        ),
        row("a variable", "web:$ARGOCD_APP_REVISION_SHORT", json!({"name": "web", "newTag": "0123456"})),
        row("nothing to keep", "web=*:v1", json!({"name": "web", "newTag": "v1"})),
        (
            "over those of the same name, sorted, the rest as it is",
            json!({"images": [
                {"name": "web", "newName": "old", "newTag": "v0"}, {"name": "db", "newTag": "1", "extra": true},
            ]}),
            json!({"images": ["web:v1", "cache:v2", "web:v3"]}),
            json!({"images": [
                {"name": "cache", "newTag": "v2"}, {"name": "db", "newTag": "1", "extra": true},
                {"name": "web", "newTag": "v3"},
            ]}),
        ),
        (
            "a star keeps what is there",
            json!({"images": [{"name": "web", "newName": "old", "newTag": "v0", "digest": "sha256:aa"}]}),
            json!({"images": ["web=new:*"]}),
            json!({"images": [{"name": "web", "newName": "new", "newTag": "v0"}]}),
        ),
        (
            "the field of old",
            json!({"imageTags": [{"name": "web", "newTag": "v0"}, {"name": "db", "newTag": "v0"}]}),
            json!({"images": ["web:v1"]}),
            json!({"images": [{"name": "db", "newTag": "v0"}, {"name": "web", "newTag": "v1"}]}),
        ),
    ]);
    check_refused([
        (
            "nothing new",
            json!({}),
            json!({"images": ["web"]}),
            "kustomize.images: web: invalid format of image, use one of",
        ),
        ("no list", json!({"images": {"a": "b"}}), json!({"images": ["web:v1"]}), "images is not a list"),
    ]);
}

#[test]
fn replicas_replace_those_of_their_name() {
    check([(
        "numbers and texts",
        json!({"replicas": [{"name": "web", "count": 1}, {"name": "a", "count": 7}]}),
        json!({"replicas": [{"name": "web", "count": 3}, {"name": "db", "count": "2"}]}),
        json!({"replicas": [{"name": "a", "count": 7}, {"name": "db", "count": 2}, {"name": "web", "count": 3}]}),
    )]);
    check_refused([
        (
            "no number",
            json!({}),
            json!({"replicas": [{"name": "web", "count": "many"}]}),
            "kustomize.replicas: web: expected integer value for count. Received: many",
        ),
        (
            "no name",
            json!({}),
            json!({"replicas": [{"name": "a=b", "count": 1}]}),
            "kustomize.replicas: a=b: invalid format of replica",
        ),
    ]);
}

#[test]
fn labels_and_annotations_are_added() {
    let selectors = json!({"pairs": {"x": "y"}, "includeSelectors": true});
    check([
        (
            "to selectors, too",
            json!({"commonLabels": {"a": "1"}}),
            json!({"commonLabels": {"b": "$ARGOCD_APP_NAME"}}),
            json!({"commonLabels": {"a": "1", "b": "web"}}),
        ),
        (
            "the same value is no conflict",
            json!({"commonLabels": {"a": "1"}}),
            json!({"commonLabels": {"a": "1"}}),
            json!({"commonLabels": {"a": "1"}}),
        ),
        (
            "forced",
            json!({"commonLabels": {"a": "1"}}),
            json!({"commonLabels": {"a": "2"}, "forceCommonLabels": true}),
            json!({"commonLabels": {"a": "2"}}),
        ),
        (
            "without selectors",
            json!({"labels": [selectors]}),
            json!({"commonLabels": {"a": "1", "b": "2"}, "labelWithoutSelector": true}),
            json!({"labels": [selectors, {"pairs": {"a": "1", "b": "2"}}]}),
        ),
        (
            "with templates",
            json!({}),
            json!({"commonLabels": {"a": "1"}, "labelWithoutSelector": true, "labelIncludeTemplates": true}),
            json!({"labels": [{"pairs": {"a": "1"}, "includeTemplates": true}]}),
        ),
        (
            "to the entry that is there",
            json!({"labels": [{"pairs": {"x": "y"}}]}),
            json!({"commonLabels": {"a": "1"}, "labelWithoutSelector": true}),
            json!({"labels": [{"pairs": {"a": "1", "x": "y"}}]}),
        ),
        (
            "variables of annotations as they are written",
            json!({}),
            json!({"commonAnnotations": {"a": "$ARGOCD_APP_NAME"}}),
            json!({"commonAnnotations": {"a": "$ARGOCD_APP_NAME"}}),
        ),
        (
            "and filled in",
            json!({"commonAnnotations": {"a": "old"}}),
            json!({
                "commonAnnotations": {"a": "${ARGOCD_APP_NAME}!"}, "commonAnnotationsEnvsubst": true,
                "forceCommonAnnotations": true,
            }),
            json!({"commonAnnotations": {"a": "web!"}}),
        ),
    ]);
    check_refused([
        (
            "another value",
            json!({"commonLabels": {"a": "1"}}),
            json!({"commonLabels": {"a": "2"}}),
            "kustomize.commonLabels: a: label a already in kustomization file. Set forceCommonLabels",
        ),
        (
            "another value beside selectors",
            json!({"labels": [{"pairs": {"a": "1"}}]}),
            json!({"commonLabels": {"a": "2"}, "labelWithoutSelector": true}),
            "kustomize.commonLabels: a: label a already in kustomization file. Set forceCommonLabels",
        ),
        (
            "another annotation",
            json!({"commonAnnotations": {"a": "1"}}),
            json!({"commonAnnotations": {"a": "2"}}),
            "kustomize.commonAnnotations: a: annotation a already in kustomization file. Set forceCommonAnnotations",
        ),
        (
            "templates alone",
            json!({}),
            json!({"commonLabels": {"a": "1"}, "labelIncludeTemplates": true}),
            "kustomize.labelIncludeTemplates: true: --without-selector flag must be specified",
        ),
    ]);
}

#[test]
fn patches_come_after_those_that_are_there() {
    check([(
        "all of a patch",
        json!({"patches": [{"path": "a.yaml"}]}),
        json!({"patches": [
            {"path": "b.yaml", "options": {"allowNameChange": true}},
            {"patch": "- op: remove", "target": {"kind": "Deployment", "labelSelector": "a=b"}},
        ]}),
        json!({"patches": [
            {"path": "a.yaml"}, {"path": "b.yaml", "options": {"allowNameChange": true}},
            {"patch": "- op: remove", "target": {"kind": "Deployment", "labelSelector": "a=b"}},
        ]}),
    )]);
}

#[test]
fn what_names_the_commit_is_told() {
    let environment = Environment::new(&Facts { revision: "0123456789", ..Facts::default() });
    for (asked, expected) in [
        (json!({"images": ["web:$ARGOCD_APP_REVISION"]}), true),
        (json!({"commonLabels": {"a": "$ARGOCD_APP_REVISION"}}), true),
        (json!({"commonAnnotations": {"a": "$ARGOCD_APP_REVISION"}}), false),
        (json!({"images": ["web:v1"]}), false),
    ] {
        let kustomize: ApplicationSourceKustomize = serde_json::from_value(asked.clone()).unwrap();
        let mut edits = Edits::new(Value::Null, &environment).unwrap();
        edits.apply(&kustomize).unwrap();
        assert_eq!(edits.of_the_revision, expected, "{asked}");
    }
}
