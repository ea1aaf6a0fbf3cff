//! What the server tells of what people do: events, and lines of the log for an audit.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::resources::with_objects;
use crate::stand::Row;

/// The audit of the whole process.
#[derive(Clone, Default)]
struct Audit(Arc<Mutex<Vec<u8>>>);

impl Write for Audit {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Audit {
    fn lines(&self) -> Vec<Value> {
        let text =
            String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_do_is_told() {
    let audit = Audit::default();
    let writer = audit.clone();
    // What is filtered so is the audit and nothing else.
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter("off,audit=info")
        .with_writer(move || writer.clone())
        .try_init()
        .unwrap();
    let Some(stand) = with_objects().await else { return };
    let patch = r#"app patch-resource app --kind ConfigMap --resource-name a --patch {"data":{"key":"9"}}"#;
    let rows: Vec<Row> = vec![
        ("proj create audited --description x".into(), 0, ""),
        ("proj set audited --description y".into(), 0, ""),
        ("proj role create audited dev".into(), 0, ""),
        ("proj role create-token audited dev".into(), 0, ""),
        ("app set app --revision main --sync-option Validate=false".into(), 0, ""),
        (patch.into(), 0, "patched"),
        ("app rollback app 0".into(), 0, ""),
        ("proj delete audited".into(), 0, ""),
    ];
    stand.types(&rows).await;
    let token = stand.account("audited", "p, audited, applications, get, default/app, allow").await;
    let refused = stand.post("/api/v1/applications/app/sync", &token, &json!({"name": "app"})).await;
    assert_eq!(refused.status(), 403);
    stand.types(&[("app delete app --yes".into(), 0, "")]).await;

    let events = async |path: &str| {
        let list = stand.api.get(path).await.unwrap().unwrap();
        let items = list["items"].as_array().cloned().unwrap();
        let server = items.into_iter().filter(|event| event["source"]["component"] == "argocd-server");
        let told = |event: Value| {
            let of = &event["involvedObject"];
            format!("{} {} {} {}", of["kind"], of["name"], event["reason"], event["message"]).replace('"', "")
        };
        server.map(told).collect::<Vec<_>>()
    };
    let events = events("/api/v1/namespaces/argocd/events").await;
    for expected in [
        "Application app ResourceCreated admin created application",
        "Application app OperationStarted admin initiated sync to main",
        "Application app ResourceUpdated admin updated application spec",
        "Application app ResourceUpdated admin patched resource /ConfigMap 'a'",
        "Application app OperationStarted admin initiated rollback to 0",
        "Application app ResourceDeleted admin deleted application",
        "AppProject audited ResourceCreated admin created project",
        "AppProject audited ResourceUpdated admin updated project",
        "AppProject audited ResourceCreated admin created token",
        "AppProject audited ResourceDeleted admin deleted project",
    ] {
        assert!(events.iter().any(|event| event == expected), "{expected}: {events:#?}");
    }
    let lines = audit.lines();
    assert!(lines.iter().all(|line| line["target"] == "audit"));
    for (user, decision, object, action, message) in [
        ("admin", "permitted", "argocd/app", "create", "made an application"),
        ("admin", "permitted", "argocd/app", "sync", "asked for a sync of an application"),
        ("admin", "permitted", "argocd/app", "sync", "asked for a rollback of an application"),
        ("admin", "permitted", "argocd/app", "delete", "deleted an application"),
        ("admin", "permitted", "audited", "create", "created project"),
        ("admin", "permitted", "audited", "update", "created token"),
    ] {
        let found = lines.iter().find(|line| {
            (&line["user"], &line["decision"], &line["object"], &line["action"], &line["message"])
                == (&json!(user), &json!(decision), &json!(object), &json!(action), &json!(message))
        });
        let found = found.unwrap_or_else(|| panic!("no line of {message} of {object}"));
        assert!(found["rule"].as_str().is_some_and(|rule| rule.contains("role:admin")), "{found}");
        assert_eq!(found["from"], "127.0.0.1", "{found}");
    }
    let denied = lines.iter().find(|line| line["decision"] == "denied" && line["user"] == "audited").unwrap();
    assert_eq!(denied["method"], "application.ApplicationService/Sync", "{denied}");
    assert!(lines.iter().any(|line| line["message"] == "logged in" && line["user"] == "admin"));
}
