use api::TrackingMethod;
use serde_json::json;

use super::*;

#[expect(clippy::needless_pass_by_value, reason = "JSON literals read better by value")]
fn config_map(name: &str, data: Value) -> Value {
    json!({"metadata": {"name": name}, "data": data})
}

fn secret(name: &str, role: &str, fields: &[(&str, &str)]) -> Value {
    let data: serde_json::Map<_, _> =
        fields.iter().map(|(key, text)| ((*key).to_owned(), json!(STANDARD.encode(text)))).collect();
    json!({"metadata": {"name": name, "labels": {"argocd.argoproj.io/secret-type": role}}, "data": data})
}

fn problems(store: &Store) -> Vec<String> {
    store.snapshot().problems.iter().map(ToString::to_string).collect()
}

#[test]
fn only_what_means_something_makes_another_snapshot() {
    let mut store = Store::default();
    let settings =
        |method: &str| config_map("argocd-cm", json!({"application.resourceTrackingMethod": method}));
    for (change, changed, reason) in [
        (Change::Replaced(vec![settings("label")]), true, "the first list"),
        (Change::Replaced(vec![settings("label")]), false, "the same list"),
        (Change::Set(settings("label")), false, "an annotation of the ConfigMap"),
        (Change::Set(config_map("other", json!({"a": "b"}))), false, "another ConfigMap"),
        (Change::Removed(config_map("other", json!({}))), false, "another ConfigMap gone"),
        (
            Change::Set(config_map("argocd-ssh-known-hosts-cm", json!({"ssh_known_hosts": "h ssh-rsa A"}))),
            true,
            "hosts",
        ),
        (Change::Set(config_map("argocd-tls-certs-cm", json!({"h": "PEM"}))), true, "certificates"),
        (Change::Set(settings("annotation")), true, "a setting"),
        (
            Change::Set(config_map(
                "argocd-cmd-params-cm",
                json!({"reposerver.helm.manifest.max.extracted.size": "2M", "reposerver.disable.oci.manifest.max.extracted.size": "?"}),
            )),
            true,
            "a parameter",
        ),
    ] {
        assert_eq!(store.apply(Watched::ConfigMaps, change), changed, "{reason}");
    }
    let snapshot = store.snapshot();
    assert_eq!(snapshot.settings.tracking.method, TrackingMethod::Annotation);
    assert_eq!(snapshot.known_hosts, "h ssh-rsa A");
    assert_eq!(snapshot.params.helm_extracted_bytes, Some(2_000_000));
    assert_eq!(
        problems(&store),
        [
            "argocd-cmd-params-cm/reposerver.disable.oci.manifest.max.extracted.size: \"?\" is neither true nor false; the last good value stays in force"
        ]
    );
    assert!(store.apply(Watched::ConfigMaps, Change::Removed(config_map("argocd-cmd-params-cm", json!({})))));
    assert_eq!(store.snapshot().params, Params::default());
    assert_eq!(snapshot.tls_certs, BTreeMap::from([("h".to_owned(), "PEM".to_owned())]));
}

#[test]
fn settings_outlive_their_config_map_and_trust_does_not() {
    let mut store = Store::default();
    let settings = config_map("argocd-cm", json!({"application.resourceTrackingMethod": "label"}));
    let hosts = config_map("argocd-ssh-known-hosts-cm", json!({"ssh_known_hosts": "h ssh-rsa A"}));
    store.apply(Watched::ConfigMaps, Change::Replaced(vec![settings.clone(), hosts]));
    assert!(store.apply(Watched::ConfigMaps, Change::Replaced(vec![])));
    assert_eq!(store.snapshot().settings.tracking.method, TrackingMethod::Label);
    assert_eq!(store.snapshot().known_hosts, "");
    assert_eq!(problems(&store), ["argocd-cm: it was deleted; what it said last stays in force"]);
    assert!(store.apply(Watched::ConfigMaps, Change::Set(settings)));
    assert_eq!(problems(&store), Vec::<String>::new());
}

#[test]
fn a_secret_that_cannot_be_read_keeps_what_it_said() {
    let mut store = Store::default();
    let good = secret("r", "repository", &[("url", "https://h/a"), ("password", "x")]);
    let mut bad = good.clone();
    bad["data"]["password"] = json!("***");
    for (change, changed, expected) in [
        (Change::Set(bad.clone()), true, vec!["secret/r: the key password is not in base64; it is left out"]),
        (Change::Set(good), true, vec![]),
        (
            Change::Set(bad.clone()),
            true,
            vec!["secret/r: the key password is not in base64; what it said before stays in force"],
        ),
        (
            Change::Set(bad),
            false,
            vec!["secret/r: the key password is not in base64; what it said before stays in force"],
        ),
    ] {
        assert_eq!(store.apply(Watched::Secrets, change), changed);
        assert_eq!(problems(&store), expected);
    }
    assert!(store.snapshot().repositories.lookup("https://h/a", "").credentials.are_there());
    assert!(store.apply(Watched::Secrets, Change::Removed(json!({"metadata": {"name": "r"}}))));
    assert!(!store.snapshot().repositories.lookup("https://h/a", "").credentials.are_there());
    assert_eq!(problems(&store), Vec::<String>::new());
}

#[test]
fn a_secret_changes_its_role_by_its_label() {
    let mut store = Store::default();
    let fields = [("url", "https://h/a"), ("password", "x")];
    let reaches =
        |store: &Store, url: &str| store.snapshot().repositories.lookup(url, "").credentials.are_there();
    for (role, itself, below) in
        [("repository", true, false), ("repo-creds", true, true), ("cluster", false, false)]
    {
        assert!(store.apply(Watched::Secrets, Change::Set(secret("r", role, &fields))), "{role}");
        assert_eq!(
            (reaches(&store, "https://h/a"), reaches(&store, "https://h/a/b")),
            (itself, below),
            "{role}"
        );
    }
}

#[test]
fn what_cannot_be_watched_is_said_until_it_can() {
    let mut store = Store::default();
    assert!(store.set_watch_problem(Watched::Secrets, Some("forbidden".to_owned())));
    assert!(!store.set_watch_problem(Watched::Secrets, Some("forbidden".to_owned())));
    assert_eq!(problems(&store), ["secrets: forbidden"]);
    assert!(store.set_watch_problem(Watched::Secrets, None));
    assert!(!store.set_watch_problem(Watched::Secrets, None));
}

#[test]
fn the_installations_own_secrets_are_told_apart() {
    let mut store = Store::default();
    let own = |data: Value| json!({"metadata": {"name": "argocd-secret"}, "data": data});
    let key = |store: &Store| {
        let secrets = store.snapshot().own_secrets.clone();
        secrets.get("argocd-secret").and_then(|secret| secret.expose().get("server.secretkey").cloned())
    };
    for (change, changed, expected) in [
        (Change::Replaced(vec![own(json!({"server.secretkey": "b25l"}))]), true, Some(b"one".to_vec())),
        (Change::Set(own(json!({"server.secretkey": "b25l"}))), false, Some(b"one".to_vec())),
        (Change::Set(own(json!({"server.secretkey": "dHdv"}))), true, Some(b"two".to_vec())),
        (Change::Removed(own(json!({}))), true, None),
    ] {
        assert_eq!(store.apply(Watched::OwnSecrets, change), changed);
        assert_eq!(key(&store), expected);
    }
    let tls = json!({"metadata": {"name": "argocd-server-tls"}, "data": {"tls.crt": "b25l"}});
    assert!(store.apply(Watched::ServerTls, Change::Set(tls)));
    assert!(store.snapshot().server_tls.is_some() && store.snapshot().own_secrets.is_empty());
    let rbac = config_map("argocd-rbac-cm", json!({"policy.default": "role:readonly"}));
    assert!(store.apply(Watched::ConfigMaps, Change::Set(rbac)));
    assert_eq!(store.snapshot().rbac["policy.default"], "role:readonly");
}
