//! How to log in at a cluster, from its Secret.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use api::names::IN_CLUSTER_SERVER;
use aws::Eks;
use cluster::{Credential, ExecProgram, Identity, Issuer, Login};
use settings::{AwsAuth, ClusterConfig, ClusterSecret, ExecProvider};

use crate::shared::Options;

fn secret(text: &settings::Secret) -> cluster::Secret {
    cluster::Secret::new(text.expose().clone())
}

/// A client of a cluster. `here` serves where the Secret says nothing of how to log in, which one of the cluster that this runs in
/// need not.
pub(crate) async fn client(
    cluster: &ClusterSecret,
    here: &kube::Client,
    options: &Options,
) -> Result<kube::Client, String> {
    if cluster.server == IN_CLUSTER_SERVER && cluster.config == ClusterConfig::default() {
        return Ok(here.clone());
    }
    login(cluster, options)?.client().await.map_err(|error| error.to_string())
}

/// The ways of a Secret, in the order of the peer: AWS, a program, a token, a certificate, a password.
fn login(cluster: &ClusterSecret, options: &Options) -> Result<Login, String> {
    let (config, tls) = (&cluster.config, &cluster.config.tls);
    for (field, url) in [
        ("server", Some(&cluster.server)),
        ("config.proxyUrl", config.proxy_url.as_ref().map(|p| p.expose())),
    ] {
        if url.is_some_and(|url| is_link_local(url)) {
            return Err(format!("{field} is a link-local address, where machines tell secrets of their own"));
        }
    }
    let identity = if let Some(aws) = &config.aws {
        let AwsAuth { cluster_name, role_arn, profile } = aws.clone();
        if cluster_name.is_empty() {
            return Err("config.awsAuthConfig has no clusterName".to_owned());
        }
        let environment = options.aws.clone();
        Identity::Issued(eks(Eks { cluster: cluster_name, role_arn, profile, environment }, options))
    } else if let Some(exec) = &config.exec {
        match built_in(exec, options)? {
            Some(eks_cluster) => Identity::Issued(eks(eks_cluster, options)),
            None => Identity::Exec(program(exec, options)?),
        }
    } else if let Some(token) = &config.bearer_token {
        Identity::Bearer(secret(token))
    } else if let Some(key) = &tls.key_data {
        if tls.cert_data.is_empty() {
            return Err("config.tlsClientConfig has keyData and no certData".to_owned());
        }
        let key = String::from_utf8(key.expose().clone())
            .map_err(|_| "config.tlsClientConfig.keyData is not PEM".to_owned())?;
        Identity::Certificate { certificate: tls.cert_data.clone(), key: cluster::Secret::new(key) }
    } else if !config.username.is_empty() {
        let password = config.password.as_ref().map(secret).unwrap_or_default();
        Identity::Basic { username: config.username.clone(), password }
    } else {
        Identity::Anonymous
    };
    Ok(Login {
        server: cluster.server.clone(),
        insecure: tls.insecure,
        server_name: tls.server_name.clone(),
        ca: tls.ca_data.clone(),
        identity,
        proxy: config.proxy_url.as_ref().map(secret),
    })
}

/// Whether a URL's host is a link-local address: no API server is there, but the metadata of clouds are.
fn is_link_local(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_unicast_link_local() || address == METADATA_V6,
        Err(_) => false,
    }
}

/// Where one cloud tells a machine's metadata by IPv6.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// The peer's program for clouds, which Secrets of its users name.
const PEERS_PROGRAM: &str = "argocd-k8s-auth";

/// What is done here in the place of the peer's own program, which the image does not have; `None` for every other program. One that
/// the operator permits is run for what is not done here.
fn built_in(exec: &ExecProvider, options: &Options) -> Result<Option<Eks>, String> {
    if exec.command.rsplit('/').next() != Some(PEERS_PROGRAM) {
        return Ok(None);
    }
    match exec.args.split_first() {
        Some((cloud, rest)) if cloud == "aws" => {
            let own = exec.env.iter().map(|(name, value)| (name.as_str(), value.expose().as_str()));
            let named = |why: &dyn std::fmt::Display| format!("config.execProviderConfig: {why}");
            Eks::from_arguments(rest, options.aws.with(own)).map(Some).map_err(|error| named(&error))
        }
        _ if options.credential_programs.contains(&exec.command) => Ok(None),
        other => Err(format!(
            "config.execProviderConfig: of {PEERS_PROGRAM}, aws alone is built in, and {:?} is not: give a bearerToken, or a program of your own that --credential-program permits",
            other.map_or("", |(cloud, _)| cloud.as_str())
        )),
    }
}

fn eks(cluster: Eks, options: &Options) -> Issuer {
    let shared = Arc::new((cluster, options.proxies.clone(), Arc::clone(&options.clock)));
    Issuer::new(move || {
        let shared = Arc::clone(&shared);
        async move {
            let (cluster, proxies, clock) = &*shared;
            let named = |error| format!("no token for the EKS cluster {:?}: {error}", cluster.cluster);
            let token = cluster.token(proxies, clock()).await.map_err(named)?;
            Ok(Credential { token: Some(token.value), expires: Some(token.expires), ..Credential::default() })
        }
    })
}

/// A program of a Secret, if the operator permits it: whoever may write Secrets must not be able to run what he likes here.
fn program(exec: &ExecProvider, options: &Options) -> Result<ExecProgram, String> {
    if !options.credential_programs.contains(&exec.command) {
        return Err(format!(
            "config.execProviderConfig.command {:?} is not permitted: start the controller with --credential-program {}, or name it in CAPSTAN_CREDENTIAL_PROGRAMS",
            exec.command, exec.command
        ));
    }
    Ok(ExecProgram {
        command: exec.command.clone(),
        args: exec.args.clone(),
        env: exec.env.iter().map(|(name, value)| (name.clone(), secret(value))).collect(),
        api_version: exec.api_version.clone(),
        install_hint: exec.install_hint.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(config: &str) -> ClusterSecret {
        let data = [("server", "https://c"), ("config", config)];
        let data = data.map(|(key, text)| (key.to_owned(), text.as_bytes().to_vec())).into();
        ClusterSecret::parse("s", &data, false).unwrap()
    }

    #[test]
    fn a_machines_metadata_is_no_cluster() {
        for (server, refused) in [
            ("https://169.254.169.254", true),
            ("http://u:p@169.254.169.254:80/latest", true),
            ("https://[::ffff:169.254.169.254]:443", true),
            ("https://[fd00:ec2::254]", true),
            ("https://[fe80::1]:6443", true),
            ("https://10.0.0.1:6443", false),
            ("https://169.254.169.254.example.com", false),
        ] {
            let by_server = ClusterSecret { server: server.to_owned(), ..cluster("{}") };
            let by_proxy = cluster(&serde_json::json!({"proxyUrl": server}).to_string());
            for cluster in [by_server, by_proxy] {
                let found = login(&cluster, &Options::new("argocd", "test"));
                let said = found.as_ref().is_err_and(|why| why.contains("link-local"));
                assert_eq!(said, refused, "{server}: {found:?}");
            }
        }
    }

    #[test]
    fn one_of_the_ways_is_taken() {
        let mut options = Options::new("argocd", "test");
        options.credential_programs = vec!["aws".to_owned()];
        for (config, expected) in [
            ("{}", "Anonymous"),
            (r#"{"username":"u","password":"p"}"#, "Basic { username: \"u\", password: *** }"),
            (r#"{"username":"u","bearerToken":"t"}"#, "Bearer(***)"),
            (
                r#"{"tlsClientConfig":{"certData":"YQ==","keyData":"YQ=="}}"#,
                "Certificate { certificate: [97], key: *** }",
            ),
            (
                r#"{"tlsClientConfig":{"keyData":"YQ=="}}"#,
                "config.tlsClientConfig has keyData and no certData",
            ),
            (r#"{"bearerToken":"t","awsAuthConfig":{"clusterName":"prod"}}"#, "Issued(Issuer)"),
            (r#"{"awsAuthConfig":{"roleARN":"r"}}"#, "config.awsAuthConfig has no clusterName"),
            (
                r#"{"execProviderConfig":{"command":"argocd-k8s-auth","args":["aws","--cluster-name","prod"]}}"#,
                "Issued(Issuer)",
            ),
            (
                r#"{"execProviderConfig":{"command":"/usr/local/bin/argocd-k8s-auth","args":["gcp"]}}"#,
                "config.execProviderConfig: of argocd-k8s-auth, aws alone is built in, and \"gcp\" is not: give a bearerToken, or a program of your own that --credential-program permits",
            ),
            (
                r#"{"execProviderConfig":{"command":"/bin/sh"}}"#,
                "config.execProviderConfig.command \"/bin/sh\" is not permitted: start the controller with --credential-program /bin/sh, or name it in CAPSTAN_CREDENTIAL_PROGRAMS",
            ),
        ] {
            let found = match login(&cluster(config), &options) {
                Ok(login) => format!("{:?}", login.identity),
                Err(why) => why,
            };
            assert_eq!(found, expected, "{config}");
        }
        let permitted = login(&cluster(r#"{"execProviderConfig":{"command":"aws"}}"#), &options).unwrap();
        assert!(matches!(permitted.identity, Identity::Exec(program) if program.command == "aws"));
    }
}
