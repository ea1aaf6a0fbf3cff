//! Manifests that an operation brings along, in the place of what its sources have (`operation.sync.manifests`, `app sync --local`).

use std::sync::Arc;

use api::{
    Application, ApplicationSourceType, ConditionType, NameValue, Operation, OperationState, SyncOperation,
};
use filetree::ReadSet;
use resource::Object;

use crate::conditions::Findings;
use crate::obtain::{View, name_and_track};
use crate::shared::TargetMemory;
use crate::wanted::{Body, RenderedSource, WantedSet, hash_of};

/// Name of the entry in an operation's `info` that stands for manifests which were taken out.
const RECORD: &str = "local manifests";

/// What an operation brings along; empty where it is about git.
pub(crate) fn brought(operation: &Operation) -> &[String] {
    operation.sync.as_ref().map(|sync| sync.manifests.as_slice()).unwrap_or_default()
}

/// Whether it brings something along, or did.
pub(crate) fn is_local(operation: &Operation) -> bool {
    !brought(operation).is_empty() || operation.info.iter().any(|info| info.name == RECORD)
}

/// Why manifests may not be brought along, if so.
///
/// **Source**: the peer's server (`Sync`). Here the controller says it, so that it holds for whoever writes `operation` himself.
pub(crate) fn refusal(app: &Application, sync: &SyncOperation) -> Option<String> {
    let refused = !sync.manifests.is_empty() && !sync.dry_run && app.spec.automated().is_some();
    let why = "cannot use local sync when Automatic Sync Policy is enabled unless for dry run";
    refused.then(|| why.to_owned())
}

/// The wanted set of these manifests: named, tracked and held against the project like what comes from git.
///
/// **Errors**: one is no object, or the project asks for signed commits, which these are not.
pub(crate) fn wanted_of(
    view: &View,
    app: &Application,
    memory: &mut TargetMemory,
    state: &OperationState,
) -> Result<Arc<WantedSet>, Findings> {
    let manifests = brought(&state.operation);
    let refused = |message: String| Findings::one(ConditionType::InvalidSpecError, message);
    for source in app.spec.sources() {
        let integrity = view.project.limits.integrity().map_err(|why| refused(why.to_owned()))?;
        if integrity.asked_of(&source.repo_url).map_err(refused)?.is_some() {
            let project = view.project.limits.name();
            return Err(refused(format!(
                "cannot use local sync: project {project} asks for signed commits, and local manifests have no signature"
            )));
        }
    }
    let inputs = hash_of(manifests);
    let same = |source: &&Arc<RenderedSource>| source.inputs == inputs && source.revision.is_empty();
    let rendered = match memory.rendered.as_slice() {
        [one] if same(&one) => vec![Arc::clone(one)],
        _ => vec![Arc::new(RenderedSource {
            inputs,
            tool: ApplicationSourceType::Directory,
            manifests: bodies(manifests).map_err(refused)?,
            reads: ReadSet::default(),
            ..RenderedSource::lender(String::new())
        })],
    };
    memory.rendered.clone_from(&rendered);
    name_and_track(view, app, memory, &rendered)
        .map_err(|message| Findings::one(ConditionType::ComparisonError, message))
}

fn bodies(manifests: &[String]) -> Result<Vec<Body>, String> {
    let limits = goyaml::Limits::default();
    let body = |(place, text): (usize, &String)| {
        let at = |why: String| format!("operation.sync.manifests[{place}] is no object: {why}");
        let value = goyaml::parse_one(text.as_bytes(), &limits).map_err(|error| at(error.to_string()))?;
        let object = Object::from_value(value).map_err(|error| at(error.to_string()))?;
        Ok(Body::new(&object, format!("operation.sync.manifests[{place}]")))
    };
    manifests.iter().enumerate().map(body).collect()
}

/// Takes the manifests out of an operation that is over, and leaves a note: they may hold Secrets, and whoever reads the Application
/// need not. (The peer keeps them in `status.operationState`.)
pub(crate) fn forget(operation: &mut Operation) {
    let Some(sync) = operation.sync.as_mut().filter(|sync| !sync.manifests.is_empty()) else { return };
    let value = format!("{}, {:016x}", sync.manifests.len(), hash_of(&sync.manifests));
    sync.manifests.clear();
    operation.info.push(NameValue { name: RECORD.to_owned(), value, ..NameValue::default() });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn operation(manifests: &[&str]) -> Operation {
        serde_json::from_value(json!({"sync": {"manifests": manifests}})).unwrap()
    }

    #[test]
    fn what_is_over_keeps_a_note_alone() {
        let (one, mut over) = (operation(&["{}"]), operation(&["{}"]));
        forget(&mut over);
        assert!(brought(&over).is_empty() && is_local(&over) && is_local(&one) && !is_local(&operation(&[])));
        assert!(crate::status::is_same(&one, &over));
        assert!(!crate::status::is_same(&operation(&["{\"a\":1}"]), &over), "others than those that ran");
    }

    #[test]
    fn texts_are_objects() {
        let map = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#;
        for (text, said) in [
            (map, None),
            ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", None),
            ("- 1", Some("operation.sync.manifests[1] is no object")),
            ("{", Some("operation.sync.manifests[1] is no object")),
        ] {
            let found = bodies(&[map.to_owned(), text.to_owned()]);
            match (found, said) {
                (Ok(found), None) => assert_eq!(found.len(), 2, "{text}"),
                (Err(why), Some(said)) => assert!(why.contains(said), "{text}: {why}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn an_automated_application_may_only_try() {
        for (policy, dry_run, refused) in [
            (json!({}), false, false),
            (json!({"automated": {}}), false, true),
            (json!({"automated": {}}), true, false),
            (json!({"automated": {"enabled": false}}), false, false),
        ] {
            let spec = json!({"source": {"repoURL": "r", "path": "p"}, "syncPolicy": policy});
            let app = Application::from_value(json!({"metadata": {"name": "web"}, "spec": spec})).unwrap();
            let sync = SyncOperation { dry_run, ..operation(&["{}"]).sync.unwrap() };
            assert_eq!(refusal(&app, &sync).is_some(), refused, "{policy} {dry_run}");
        }
    }
}
