//! The settings of a simulated cluster, while they change and while the API server misbehaves.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::TrackingMethod;
use futures::StreamExt as _;
use http_body_util::{BodyStream, StreamBody};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::Api;
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use kubesim::{Access, FaultAction, FaultRule, Faults, Identity, KubeSim, Options, Rule};
use settings::{SettingsError, SettingsHandle, Snapshot};
use tokio::sync::watch;
use tower::Service as _;

const NAMESPACE: &str = "argocd";
/// Simulated time after which a change that was not seen never will be.
const PATIENCE: Duration = Duration::from_secs(3_600);

async fn cluster(options: Options) -> KubeSim {
    let sim = KubeSim::new(options);
    let namespace = Namespace { metadata: named(NAMESPACE), ..Namespace::default() };
    Api::<Namespace>::all(sim.client()).create(&PostParams::default(), &namespace).await.unwrap();
    sim
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }
}

async fn set_config_map(sim: &KubeSim, name: &str, entries: &[(&str, &str)]) {
    let data = entries.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
    let object = ConfigMap { metadata: named(name), data: Some(data), ..ConfigMap::default() };
    let api = Api::<ConfigMap>::namespaced(sim.client(), NAMESPACE);
    api.patch(name, &PatchParams::apply("test").force(), &Patch::Apply(&object)).await.unwrap();
}

async fn set_repository(sim: &KubeSim, name: &str, fields: &[(&str, &str)]) {
    let data =
        fields.iter().map(|(key, text)| ((*key).to_owned(), ByteString(text.as_bytes().to_vec()))).collect();
    let labels = BTreeMap::from([("argocd.argoproj.io/secret-type".to_owned(), "repository".to_owned())]);
    let metadata = ObjectMeta { labels: Some(labels), ..named(name) };
    let object = Secret { metadata, data: Some(data), ..Secret::default() };
    let api = Api::<Secret>::namespaced(sim.client(), NAMESPACE);
    api.patch(name, &PatchParams::apply("test").force(), &Patch::Apply(&object)).await.unwrap();
}

/// Waits, in simulated time, for a snapshot of which something holds.
async fn until(
    handle: &SettingsHandle,
    what: &str,
    holds: impl FnMut(&Arc<Snapshot>) -> bool,
) -> Arc<Snapshot> {
    let mut snapshots = handle.subscribe();
    match tokio::time::timeout(PATIENCE, snapshots.wait_for(holds)).await {
        Ok(Ok(snapshot)) => Arc::clone(&snapshot),
        Ok(Err(_)) => panic!("the watches ended before {what}"),
        Err(_) => panic!("never seen: {what}; problems: {:?}", handle.current().problems),
    }
}

fn logs_in(snapshot: &Snapshot, url: &str) -> bool {
    snapshot.repositories.lookup(url, "default").credentials.are_there()
}

#[tokio::test(start_paused = true)]
async fn changes_are_seen_and_malformed_ones_keep_the_last_good_value() {
    let sim = cluster(Options::default()).await;
    set_config_map(&sim, "argocd-cm", &[("application.resourceTrackingMethod", "label")]).await;
    set_repository(&sim, "shop", &[("url", "https://h/shop"), ("password", "x")]).await;
    let handle = SettingsHandle::start(sim.client(), NAMESPACE).await.unwrap();
    let first = handle.current();
    assert_eq!(first.settings.tracking.method, TrackingMethod::Label);
    assert!(logs_in(&first, "https://h/shop"));
    assert_eq!(first.problems, []);

    set_config_map(
        &sim,
        "argocd-cm",
        &[("application.resourceTrackingMethod", "nonsense"), ("installationID", "a")],
    )
    .await;
    let second = until(&handle, "the new id", |now| now.settings.tracking.installation_id == "a").await;
    assert_eq!(second.settings.tracking.method, TrackingMethod::Label);
    assert_eq!(
        second.problems.iter().map(|p| p.key.as_str()).collect::<Vec<_>>(),
        ["application.resourceTrackingMethod"]
    );

    set_config_map(&sim, "argocd-tls-certs-cm", &[("h", "PEM")]).await;
    until(&handle, "a certificate", |now| now.tls_certs.contains_key("h")).await;
    set_repository(&sim, "other", &[("url", "https://h/other"), ("password", "y")]).await;
    until(&handle, "a new repository", |now| logs_in(now, "https://h/other")).await;
    Api::<Secret>::namespaced(sim.client(), NAMESPACE)
        .delete("shop", &DeleteParams::default())
        .await
        .unwrap();
    until(&handle, "a repository gone", |now| !logs_in(now, "https://h/shop")).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_when_watches_break() {
    let sim = cluster(Options::default()).await;
    let handle = SettingsHandle::start(sim.client(), NAMESPACE).await.unwrap();
    let rule = |action| FaultRule::new(action).verb("watch");
    let refuse = FaultAction::Refuse { status: 500, retry_after: None };
    for (name, fault) in [
        ("ends", rule(FaultAction::EndWatchAfter(1))),
        ("expires", rule(FaultAction::ExpireWatchAfter(1))),
        ("refuses", rule(refuse).times(12)),
        ("resets", rule(FaultAction::Reset).times(12)),
        ("repeats", rule(FaultAction::RepeatEvents)),
    ] {
        sim.clear_requests();
        sim.set_faults(Faults::default().rule(fault));
        // The watches that are open end by themselves; the next ones meet the fault.
        tokio::time::sleep(Duration::from_secs(400)).await;
        for round in 0..3 {
            let id = format!("{name}-{round}");
            set_config_map(&sim, "argocd-cm", &[("installationID", &id)]).await;
            until(&handle, &id, |now| now.settings.tracking.installation_id == id).await;
        }
        let watches = sim.requests().iter().filter(|request| request.verb == "watch").count();
        assert!((2..=100).contains(&watches), "{name}: {watches} watches");
        sim.set_faults(Faults::default());
    }
    // The history is gone: what is watched must be listed again.
    sim.set_faults(Faults::default().rule(rule(FaultAction::Refuse { status: 503, retry_after: None })));
    until(&handle, "a problem", |now| now.problems.iter().any(|p| p.key == "configmaps")).await;
    set_config_map(&sim, "argocd-cm", &[("installationID", "after")]).await;
    sim.compact();
    sim.set_faults(Faults::default());
    until(&handle, "what was missed", |now| {
        now.settings.tracking.installation_id == "after" && now.problems.is_empty()
    })
    .await;
}

/// A client of the first cluster, and of the second one once it is said, when all that goes on with the first breaks off.
fn client_of_one_then(sims: [&KubeSim; 2], second: &watch::Receiver<bool>) -> kube::Client {
    let (services, second) = (sims.map(KubeSim::service), second.clone());
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let mut second = second.clone();
        let mut service = services[usize::from(*second.borrow_and_update())].clone();
        async move {
            let response = service.call(request).await?;
            let end = async move { drop(second.changed().await) };
            let cut = |body| StreamBody::new(BodyStream::new(body).take_until(Box::pin(end)));
            Ok::<_, kubesim::Reset>(response.map(cut))
        }
    });
    kube::Client::new(service, "default")
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_was_put_back_is_read_anew() {
    let (before, after) = (cluster(Options::default()).await, cluster(Options::default()).await);
    for (sim, id) in [(&before, "later"), (&after, "earlier")] {
        set_config_map(sim, "argocd-cm", &[("installationID", id)]).await;
    }
    // What was seen last is of a time that is yet to come in the other.
    for n in 0..10 {
        set_config_map(&before, "argocd-ssh-known-hosts-cm", &[("ssh_known_hosts", &format!("# {n}"))]).await;
    }
    let (switch, second) = watch::channel(false);
    let client = client_of_one_then([&before, &after], &second);
    let handle = SettingsHandle::start(client, NAMESPACE).await.unwrap();
    until(&handle, "the later one", |now| now.settings.tracking.installation_id == "later").await;
    // Until the watches are open.
    tokio::time::sleep(Duration::from_secs(1)).await;
    switch.send_replace(true);
    let waited = tokio::time::Instant::now();
    until(&handle, "the earlier one", |now| now.settings.tracking.installation_id == "earlier").await;
    assert!(waited.elapsed() < Duration::from_secs(60), "{:?}", waited.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_named_and_waited_for() {
    let sim = cluster(Options::default()).await;
    set_repository(&sim, "shop", &[("url", "https://h/shop"), ("password", "x")]).await;
    let may_read = |resources: &[&str]| Identity {
        user: "limited".to_owned(),
        groups: vec![],
        access: Access::Rules(vec![Rule {
            groups: vec![String::new()],
            resources: resources.iter().map(|resource| (*resource).to_owned()).collect(),
            verbs: vec!["*".to_owned()],
            ..Rule::default()
        }]),
    };
    sim.set_identity("token", may_read(&[]));
    let Err(SettingsError::ConfigMaps { code, message, .. }) =
        SettingsHandle::start(sim.client_with_token("token"), NAMESPACE).await
    else {
        panic!("defaults must not stand in for settings that cannot be read");
    };
    assert_eq!(code, Some(403), "{message}");

    sim.set_identity("token", may_read(&["configmaps"]));
    let handle = SettingsHandle::start(sim.client_with_token("token"), NAMESPACE).await.unwrap();
    let text = handle.current().problems[0].to_string();
    assert!(
        text.starts_with("secrets: they cannot be listed in namespace argocd: secrets is forbidden"),
        "{text}"
    );
    assert!(!logs_in(&handle.current(), "https://h/shop"));

    sim.set_identity("token", may_read(&["configmaps", "secrets"]));
    until(&handle, "the repository", |now| logs_in(now, "https://h/shop") && now.problems.is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn at_rest_there_are_watches_and_lists_that_make_sure_of_them() {
    let sim = cluster(Options::default()).await;
    set_config_map(&sim, "argocd-cm", &[("installationID", "a")]).await;
    let handle = SettingsHandle::start(sim.client(), NAMESPACE).await.unwrap();
    let mut snapshots = handle.subscribe();
    snapshots.mark_unchanged();
    sim.clear_requests();
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert!(!snapshots.has_changed().unwrap());
    let requests = sim.requests();
    let asked = |verb: &str| requests.iter().filter(|request| request.verb == verb).count();
    let (watches, lists) = (asked("watch"), asked("list"));
    assert_eq!(watches + lists, requests.len());
    assert!((2..=14).contains(&watches) && lists <= watches, "{watches} watches, {lists} lists");
}
