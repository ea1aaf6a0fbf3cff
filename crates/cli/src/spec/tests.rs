use serde_json::json;

use super::*;

fn after(spec: &Value, change: impl FnOnce(&mut SpecFlags)) -> Result<Value, String> {
    let app = json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "spec": spec });
    let mut app = api::Application::from_value(app).map_err(|e| e.to_string())?;
    let mut flags = SpecFlags::default();
    change(&mut flags);
    apply(&mut app.spec, &flags, None, None).map_err(|failure| failure.what)?;
    Ok(app.to_value()["spec"].clone())
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn what_flags_say_replaces_what_is_there_and_nothing_else() {
    let spec = || {
        json!({"destination": {"server": "s"}, "project": "p", "source": {"repoURL": "r", "path": "a",
        "kustomize": {"images": ["web:v1", "host:5000/db:v1"]}, "helm": {"parameters": [{"name": "x", "value": "1"}]}},
        "syncPolicy": {"automated": {"prune": true}, "syncOptions": ["Validate=false", "PruneLast=true"]}})
    };
    type Row<'a> = (&'a str, Box<dyn FnOnce(&mut SpecFlags)>, &'a str, Value);
    let rows: Vec<Row<'_>> = vec![
        ("path", Box::new(|f| f.path = text("b")), "/source/path", json!("b")),
        (
            "an image of the same name",
            Box::new(|f| f.kustomize_image = vec!["web=new:v2".to_owned(), "host:5000/db:v2".to_owned()]),
            "/source/kustomize/images",
            json!(["web=new:v2", "host:5000/db:v2"]),
        ),
        (
            "parameters",
            Box::new(|f| {
                (f.parameters, f.helm_set_string) = (vec!["x=2".to_owned()], vec!["y=a=b".to_owned()])
            }),
            "/source/helm/parameters",
            json!([{"name": "x", "value": "2"}, {"name": "y", "value": "a=b", "forceString": true}]),
        ),
        ("manual", Box::new(|f| f.sync_policy = text("none")), "/syncPolicy/automated", Value::Null),
        (
            "automated keeps what it is",
            Box::new(|f| (f.sync_policy, f.self_heal) = (text("automated"), Some(true))),
            "/syncPolicy/automated",
            json!({"prune": true, "selfHeal": true}),
        ),
        (
            "options",
            Box::new(|f| f.sync_options = vec!["!PruneLast=true".to_owned(), "Validate=true".to_owned()]),
            "/syncPolicy/syncOptions",
            json!(["Validate=true"]),
        ),
        (
            "retry",
            Box::new(|f| (f.sync_retry_limit, f.sync_retry_backoff_duration) = (Some(3), text("10s"))),
            "/syncPolicy/retry",
            json!({"limit": 3, "backoff": {"duration": "10s"}}),
        ),
        (
            "directory",
            Box::new(|f| f.directory_recurse = Some(true)),
            "/source/directory",
            json!({"recurse": true}),
        ),
        ("nothing for nothing", Box::new(|_| {}), "/source/directory", Value::Null),
    ];
    for (reason, change, pointer, expected) in rows {
        let found = after(&spec(), change).unwrap();
        assert_eq!(found.pointer(pointer).cloned().unwrap_or_default(), expected, "{reason}");
        assert_eq!(found["destination"]["server"], "s", "{reason}");
    }
    assert_eq!(after(&spec(), |_| {}).unwrap(), spec(), "no flags, no change");
}

#[test]
fn contradictions_are_refused() {
    type Row<'a> = (&'a str, Box<dyn FnOnce(&mut SpecFlags)>, &'a str);
    let rows: Vec<Row<'_>> = vec![
        (
            "heal what is not automated",
            Box::new(|f| f.self_heal = Some(true)),
            "cannot set --self-heal: the application is not synced automatically",
        ),
        ("no pair", Box::new(|f| f.parameters = vec!["x".to_owned()]), "\"x\" is not of the form key=value"),
        ("no time", Box::new(|f| f.sync_retry_backoff_duration = text("soon")), "a retry cannot be set"),
    ];
    for (reason, change, expected) in rows {
        assert_eq!(after(&json!({"destination": {}}), change).unwrap_err(), expected, "{reason}");
    }
    let several = json!({"destination": {}, "sources": [{"repoURL": "a"}, {"repoURL": "b"}]});
    assert_eq!(after(&several, |f| f.path = text("x")).unwrap_err(), "the application has several sources");
}
