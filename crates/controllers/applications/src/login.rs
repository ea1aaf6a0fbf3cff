//! How to log in at a cluster, from its Secret.

use std::net::{IpAddr, Ipv6Addr};

use api::names::IN_CLUSTER_SERVER;
use cluster::{ExecProgram, Identity, Login};
use settings::{ClusterConfig, ClusterSecret, ExecProvider};

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
    let identity = if config.aws.is_some() {
        return Err("awsAuthConfig is not implemented yet: give a bearerToken".to_owned());
    } else if let Some(exec) = &config.exec {
        Identity::Exec(program(exec, options)?)
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
