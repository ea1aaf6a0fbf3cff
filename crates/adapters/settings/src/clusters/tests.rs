use serde_json::{Value, json};

use super::*;

fn parse(fields: &[(&str, &str)]) -> Result<ClusterSecret, SecretError> {
    let data = fields.iter().map(|(key, text)| ((*key).to_owned(), text.as_bytes().to_vec())).collect();
    ClusterSecret::parse("s", &data, false)
}

fn with_config(config: &Value) -> Result<ClusterConfig, SecretError> {
    parse(&[("server", "https://c"), ("config", &config.to_string())]).map(|cluster| cluster.config)
}

#[test]
fn a_secret_says_where_a_cluster_is_and_what_of_it_counts() {
    let whole = parse(&[
        ("server", "https://c.example:6443/\n"),
        ("name", "prod"),
        ("project", "shop"),
        ("namespaces", "a, b,,"),
        ("clusterResources", "true"),
    ])
    .unwrap();
    assert_eq!((whole.server.as_str(), whole.name.as_str()), ("https://c.example:6443", "prod"));
    assert_eq!((whole.namespaces, whole.cluster_resources), (vec!["a".to_owned(), "b".to_owned()], true));
    assert_eq!(whole.project, "shop");
    let bare = parse(&[("server", "https://c")]).unwrap();
    assert_eq!((bare.name.as_str(), bare.namespaces.len()), ("https://c", 0));
    assert_eq!(bare.config, ClusterConfig::default());
}

#[test]
fn every_way_to_log_in_is_read() {
    let config = with_config(&json!({
        "username": "u", "password": "p", "bearerToken": "t\n", "proxyUrl": "http://proxy", "disableCompression": true,
        "tlsClientConfig": {"insecure": true, "serverName": "n", "caData": "Y2E=", "certData": "Y2VydA==", "keyData": "a2V5"},
        "awsAuthConfig": {"clusterName": "e", "roleARN": "arn", "profile": "p"},
        "execProviderConfig": {"command": "c", "args": ["a"], "env": {"K": "V"}, "apiVersion": "v1", "installHint": "h"},
    }))
    .unwrap();
    assert_eq!(config.bearer_token, Some(Secret::new("t".to_owned())), "without the line end");
    assert_eq!((config.username.as_str(), config.password), ("u", Some(Secret::new("p".to_owned()))));
    let tls = config.tls;
    assert_eq!((tls.ca_data, tls.cert_data), (b"ca".to_vec(), b"cert".to_vec()));
    assert_eq!(tls.key_data, Some(Secret::new(b"key".to_vec())));
    assert!(tls.insecure && tls.server_name == "n");
    let (aws, exec) = (config.aws.unwrap(), config.exec.unwrap());
    assert_eq!([aws.cluster_name, aws.role_arn, aws.profile], ["e", "arn", "p"]);
    assert_eq!((exec.command.as_str(), exec.args, exec.env.len()), ("c", vec!["a".to_owned()], 1));
}

#[test]
fn what_cannot_be_read_is_named_and_not_repeated() {
    let key = json!({"tlsClientConfig": {"keyData": "?? hush"}});
    for (reason, result, text) in [
        ("no server", parse(&[("name", "a")]).map(|_| ()), "the key server is missing or empty"),
        (
            "no JSON",
            parse(&[("server", "s"), ("config", "{hush")]).map(|_| ()),
            "the key config is not a cluster's config in JSON",
        ),
        (
            "another type",
            with_config(&json!({"bearerToken": {"hush": 1}})).map(|_| ()),
            "the key config is not a cluster's config in JSON",
        ),
        (
            "no base64",
            with_config(&key).map(|_| ()),
            "the key config.tlsClientConfig.keyData is not in base64",
        ),
    ] {
        assert_eq!(result.unwrap_err().to_string(), text, "{reason}");
    }
}

#[test]
fn clusters_are_found_by_server_and_by_name() {
    let cluster = |secret: &str, server: &str, name: &str| ClusterSecret {
        secret_name: secret.to_owned(),
        server: server.to_owned(),
        name: name.to_owned(),
        ..ClusterSecret::default()
    };
    let all = Clusters::new([
        cluster("c", "https://2", "twin"),
        cluster("b", "https://1", "twin"),
        cluster("a", "https://1", "one"),
    ]);
    assert_eq!(all.by_server("https://1/").unwrap().secret_name, "a");
    assert_eq!(all.servers_named("twin"), ["https://1", "https://2"]);
    assert_eq!(all.servers_named("in-cluster"), [IN_CLUSTER_SERVER]);
    assert!(all.servers_named("").is_empty());
    let renamed = Clusters::new([cluster("a", IN_CLUSTER_SERVER, "home")]);
    assert_eq!(renamed.servers_named("home"), [IN_CLUSTER_SERVER]);
    assert!(renamed.servers_named("in-cluster").is_empty());
}
