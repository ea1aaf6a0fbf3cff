//! `certificate.CertificateService`: keys of SSH servers and certificates of TLS servers that are trusted.

mod known_hosts;

use std::collections::BTreeMap;
use std::sync::Arc;

use ::api::names::config_map;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rbac::{Action, Decision, Object, Resource};
use serde_json::{Value, json};
use tonic::Status;

use self::known_hosts::{HostKey, KnownHosts};
use super::{Asked, Table, text};
use crate::audit;
use crate::call::{NoSuchMethod, Reply};
use crate::server::Backend;
use crate::{config_maps, secrets, x509};

/// Key of `argocd-ssh-known-hosts-cm`.
const KNOWN_HOSTS: &str = "ssh_known_hosts";
/// Certificates and keys of one request.
const ITEMS: usize = 10_000;

pub(super) fn add(table: &mut Table<'_>) -> Result<(), NoSuchMethod> {
    table.plain("certificate.CertificateService/ListCertificates", |backend, ask| {
        decide(ask, Action::Get)?;
        let (snapshot, query) = (backend.settings.current(), Query::of(&ask.request));
        let hosts = KnownHosts::read(&snapshot.known_hosts);
        let keys = hosts.keys().filter(|key| query.takes_key(key)).map(shown_key);
        let certificates = snapshot.tls_certs.iter().filter(|(host, _)| query.takes_certificate(host));
        let certificates = certificates.flat_map(|(host, pem)| {
            x509::blocks(pem).unwrap_or_default().into_iter().map(|block| shown_certificate(host, &block))
        });
        Ok(json!({"metadata": {}, "items": keys.chain(certificates).collect::<Vec<_>>()}))
    })?;
    table.one("certificate.CertificateService/CreateCertificate", create)?;
    table.one("certificate.CertificateService/DeleteCertificate", delete)
}

fn decide(ask: &Asked, action: Action) -> Result<Decision, Status> {
    ask.caller.guard.decide(Resource::Certificates, action, Object::named(""))
}

/// Which ones are meant; what is empty says nothing.
struct Query<'a> {
    host: &'a str,
    kind: &'a str,
    sub_kind: &'a str,
}

impl<'a> Query<'a> {
    fn of(request: &'a Value) -> Self {
        Self {
            host: text(request, "hostNamePattern"),
            kind: text(request, "certType"),
            sub_kind: text(request, "certSubType"),
        }
    }

    /// **Source**: `MatchHostName`: a pattern of `filepath.Match`; brackets around a host with a port are none of it.
    fn takes_host(&self, host: &str) -> bool {
        let pattern = self.host.replace('[', r"\[").replace(']', r"\]");
        self.host.is_empty() || filetree::path_match(&pattern, host) == Ok(true)
    }

    fn takes_key(&self, key: &HostKey) -> bool {
        matches!(self.kind, "" | "*" | "ssh")
            && (matches!(self.sub_kind, "" | "*") || self.sub_kind == key.kind)
            && self.takes_host(&key.host)
    }

    fn takes_certificate(&self, host: &str) -> bool {
        matches!(self.kind, "" | "*" | "https" | "tls") && self.takes_host(host)
    }
}

fn shown_key(key: &HostKey) -> Value {
    json!({
        "serverName": key.host, "certType": "ssh", "certSubType": key.kind, "certData": null,
        "certInfo": key.fingerprint(),
    })
}

fn shown_certificate(host: &str, block: &str) -> Value {
    let (kind, info) = match x509::read(block) {
        Some(shown) => (shown.algorithm, shown.subject),
        None => ("invalid", "it cannot be read".to_owned()),
    };
    json!({"serverName": host, "certType": "https", "certSubType": kind, "certData": null, "certInfo": info})
}

fn removed(host: &str, kind: &str, sub_kind: &str, data: &str) -> Value {
    json!({"serverName": host, "certType": kind, "certSubType": sub_kind, "certData": STANDARD.encode(data)})
}

/// **Source**: `IsValidHostname`; a host's port stands behind brackets.
fn check_host(written: &str, ssh: bool) -> Result<(), Status> {
    let bare = written.strip_prefix('[').and_then(|rest| rest.split_once("]:")).filter(|_| ssh);
    let host = bare.map_or(written, |(host, _)| host);
    let fine = |part: &str| {
        (1..=63).contains(&part.len())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let named = host.trim_end_matches('.').split('.').all(fine);
    let port = bare.is_none_or(|(_, port)| port.parse::<u16>().is_ok());
    if port && (named || host.parse::<std::net::Ipv6Addr>().is_ok()) {
        return Ok(());
    }
    Err(Status::invalid_argument(format!("invalid hostname in request: {host:?}")))
}

/// One item of a request.
enum Item {
    Key(HostKey),
    Certificate { host: String, pem: String, blocks: Vec<String> },
}

impl Item {
    fn read(item: &Value) -> Result<Self, Status> {
        let (host, kind) = (text(item, "serverName"), text(item, "certType"));
        let data = STANDARD.decode(text(item, "certData")).ok().and_then(|data| String::from_utf8(data).ok());
        let data =
            data.ok_or_else(|| Status::invalid_argument(format!("certificate data of {host:?} is no text")))?;
        match kind {
            "ssh" => {
                check_host(host, true)?;
                let key = HostKey::new(host, text(item, "certSubType"), &data);
                key.map(Self::Key).map_err(Status::invalid_argument)
            }
            "https" => {
                check_host(host, false)?;
                let blocks = x509::blocks(&data).map_err(Status::invalid_argument)?;
                if blocks.is_empty() {
                    return Err(Status::invalid_argument("no valid PEM data received"));
                }
                if blocks.iter().any(|block| x509::read(block).is_none()) {
                    return Err(Status::invalid_argument(format!("a certificate for {host} cannot be read")));
                }
                Ok(Self::Certificate { host: host.to_owned(), pem: data, blocks })
            }
            other => Err(Status::invalid_argument(format!("unknown certificate type: {other}"))),
        }
    }
}

/// **Source**: `CreateRepoCertificate`: what is there already and equal is passed over; what differs is changed with `upsert` only.
async fn create(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let decision = decide(&ask, Action::Create)?;
    let upsert = ask.request.get("upsert").and_then(Value::as_bool).unwrap_or_default();
    let items = ask.request.pointer("/certificates/items").and_then(Value::as_array);
    let items = items.map(Vec::as_slice).unwrap_or_default();
    if items.len() > ITEMS {
        return Err(Status::invalid_argument(format!("more than {ITEMS} certificates in one request")));
    }
    let (mut keys, mut certificates) = (Vec::new(), Vec::new());
    for item in items {
        match Item::read(item)? {
            Item::Key(key) => keys.push(key),
            Item::Certificate { host, pem, blocks } => certificates.push((host, pem, blocks)),
        }
    }
    let (mut made_keys, mut made_certificates) = (Vec::new(), Vec::new());
    if !keys.is_empty() {
        config_maps::change(&backend.store, config_map::SSH_KNOWN_HOSTS, |data| {
            made_keys.clear();
            let mut hosts = KnownHosts::read(data.get(KNOWN_HOSTS).map(String::as_str).unwrap_or_default());
            for key in &keys {
                if hosts.put(key, upsert).map_err(Status::invalid_argument)? {
                    made_keys.push(shown_key(key));
                }
            }
            data.insert(KNOWN_HOSTS.to_owned(), hosts.text());
            Ok(!made_keys.is_empty())
        })
        .await?;
    }
    if !certificates.is_empty() {
        config_maps::change(&backend.store, config_map::TLS_CERTS, |data| {
            made_certificates.clear();
            for (host, pem, blocks) in &certificates {
                match data.get(host) {
                    Some(there) if there == pem => continue,
                    Some(_) if !upsert => {
                        return Err(Status::invalid_argument(format!(
                            "TLS certificate for server '{host}' already exists, and upsert was not specified"
                        )));
                    }
                    Some(_) | None => {}
                }
                data.insert(host.clone(), pem.clone());
                made_certificates.extend(blocks.iter().map(|block| removed(host, "https", "", block)));
            }
            Ok(!made_certificates.is_empty())
        })
        .await?;
    }
    made_keys.extend(made_certificates);
    log(&ask, &decision, &made_keys, "added trusted certificates");
    told(&backend, |hosts, certs| {
        keys.iter().all(|key| hosts.contains(&key.data))
            && certificates.iter().all(|(host, pem, _)| certs.get(host) == Some(pem))
    })
    .await;
    Ok(json!({"metadata": {}, "items": made_keys}).into())
}

async fn delete(backend: Arc<Backend>, ask: Asked) -> Result<Reply, Status> {
    let decision = decide(&ask, Action::Delete)?;
    let query = Query::of(&ask.request);
    let (mut keys, mut certificates) = (Vec::new(), Vec::new());
    if matches!(query.kind, "" | "*" | "ssh") {
        config_maps::change(&backend.store, config_map::SSH_KNOWN_HOSTS, |data| {
            let Some(known) = data.get_mut(KNOWN_HOSTS) else { return Ok(false) };
            let mut hosts = KnownHosts::read(known);
            keys = hosts.remove(|key| query.takes_key(key));
            *known = hosts.text();
            Ok(!keys.is_empty())
        })
        .await?;
    }
    // A kind of key is none of certificates.
    if query.sub_kind.is_empty() || query.sub_kind == "*" {
        config_maps::change(&backend.store, config_map::TLS_CERTS, |data| {
            certificates.clear();
            data.retain(|host, pem| {
                let goes = query.takes_certificate(host);
                if goes {
                    let blocks = x509::blocks(pem).unwrap_or_default();
                    certificates.extend(blocks.iter().map(|block| removed(host, "https", "", block)));
                }
                !goes
            });
            Ok(!certificates.is_empty())
        })
        .await?;
    }
    let mut items: Vec<Value> =
        keys.iter().map(|key| removed(&key.host, "ssh", &key.kind, &key.data)).collect();
    items.extend(certificates);
    log(&ask, &decision, &items, "removed trusted certificates");
    told(&backend, |hosts, certs| {
        let hosts = KnownHosts::read(hosts);
        let gone = |host: &str| {
            items.iter().all(|item| text(item, "certType") == "ssh" || text(item, "serverName") != host)
        };
        !hosts.keys().any(|key| keys.contains(key)) && certs.keys().all(|host| gone(host))
    })
    .await;
    Ok(json!({"metadata": {}, "items": items}).into())
}

fn log(ask: &Asked, decision: &Decision, items: &[Value], what: &'static str) {
    let names: std::collections::BTreeSet<&str> = items.iter().map(|item| text(item, "serverName")).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    audit::done(&ask.caller, what, ("trusted certificate", &names), decision);
}

async fn told(backend: &Backend, done: impl Fn(&str, &BTreeMap<String, String>) -> bool) {
    secrets::told(&backend.settings, |snapshot| done(&snapshot.known_hosts, &snapshot.tls_certs)).await;
}
