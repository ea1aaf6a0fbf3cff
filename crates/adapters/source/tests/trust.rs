//! Who the server is (TLS), who we are to it (client certificate), and the way there (proxies).

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use source::{Remote, SourceError};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use support::git::Origins;
use support::server::{Server, git_backend};
use support::{checkout, read, remote, sources};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Certificate and key, PEM; `years` is when it ends.
    fn issue(&self, name: &str, until: i32) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }
}

fn tls(certificate: &(String, String), clients: Option<&Authority>) -> Arc<rustls::ServerConfig> {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(authority.0.der().clone()).unwrap();
            let verifier =
                rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let chain = vec![CertificateDer::from_pem_slice(certificate.0.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(certificate.1.as_bytes()).unwrap();
    Arc::new(builder.with_single_cert(chain, key).unwrap())
}

fn trusting(mut remote: Remote, host: &str, pem: &str) -> Remote {
    remote.credentials.ca_certs = Arc::new([(host.to_owned(), pem.to_owned())].into());
    remote
}

#[tokio::test]
async fn a_server_is_trusted_for_its_certificate_only() {
    let (ours, other) = (Authority::new(), Authority::new());
    let rows = [
        ("A48 self-signed, nobody said so", ours.issue("localhost", 3000), None, false, false),
        (
            "signed by who is trusted for the host",
            ours.issue("localhost", 3000),
            Some(("localhost", &ours)),
            false,
            true,
        ),
        (
            "A48 signed by somebody else",
            ours.issue("localhost", 3000),
            Some(("localhost", &other)),
            false,
            false,
        ),
        (
            "trusted for another host",
            ours.issue("localhost", 3000),
            Some(("example.org", &ours)),
            false,
            false,
        ),
        ("A48 wrong name", ours.issue("example.org", 3000), Some(("localhost", &ours)), false, false),
        ("A48 expired", ours.issue("localhost", 2002), Some(("localhost", &ours)), false, false),
        ("insecure", ours.issue("example.org", 2002), None, true, true),
    ];
    let origins = Origins::new();
    origins.create("app.git").put("a", "1");
    for (row, certificate, trust, insecure, fine) in rows {
        let root = origins.root.path().to_owned();
        let server = Server::start_with(Some(tls(&certificate, None)), move |request, stream| {
            git_backend(&root, None, request, stream)
        });
        let mut remote = remote(&format!("https://localhost:{}/app.git", server.address.port()));
        if let Some((host, authority)) = trust {
            remote = trusting(remote, host, &authority.pem());
        }
        remote.credentials.insecure = insecure;
        remote.credentials.password = Some("secret-word".into());
        let data = tempfile::tempdir().unwrap();
        match checkout(&sources(data.path()), &remote, "main").await {
            Ok(snapshot) => assert!(fine && read(&snapshot, "a").unwrap() == "1", "{row}"),
            Err(error) => {
                assert!(!fine && matches!(error, SourceError::Untrusted { .. }), "{row}: {error:?}");
                assert_eq!(server.requests(""), 0, "{row}: nothing was said, no password sent");
            }
        }
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let authority = Authority::new();
    let origins = Origins::new();
    origins.create("app.git").put("a", "1");
    let root = origins.root.path().to_owned();
    let config = tls(&authority.issue("localhost", 3000), Some(&authority));
    let server =
        Server::start_with(Some(config), move |request, stream| git_backend(&root, None, request, stream));
    let without = trusting(
        remote(&format!("https://localhost:{}/app.git", server.address.port())),
        "localhost",
        &authority.pem(),
    );
    let mut with = without.clone();
    let (certificate, key) = authority.issue("capstan", 3000);
    with.credentials.tls_client_cert = Some(certificate);
    with.credentials.tls_client_key = Some(key.into());
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    assert!(sources.ls_refs(&without).await.is_err());
    assert!(checkout(&sources, &with, "main").await.is_ok());
    let mut half = with.clone();
    half.credentials.tls_client_key = None;
    assert!(matches!(sources.ls_refs(&half).await, Err(SourceError::Refused { .. })));
}

/// A proxy that forwards plain requests and opens tunnels, and notes what it was asked.
fn proxy(asked: Arc<Mutex<Vec<String>>>, connections: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().take(16) {
            connections.fetch_add(1, Ordering::Relaxed);
            let (asked, mut client) = (Arc::clone(&asked), client.unwrap());
            std::thread::spawn(move || {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    if client.read(&mut byte).unwrap_or(0) == 0 {
                        return;
                    }
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                asked.lock().unwrap().push(head.clone());
                let target = head.split(' ').nth(1).unwrap().to_owned();
                let (authority, first) = match target.strip_prefix("http://") {
                    Some(rest) => {
                        let (authority, path) = rest.split_once('/').unwrap();
                        (authority.to_owned(), head.replacen(&target, &format!("/{path}"), 1))
                    }
                    None => (target, String::new()),
                };
                let mut server = TcpStream::connect(authority).unwrap();
                if first.is_empty() {
                    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
                } else {
                    server.write_all(first.as_bytes()).unwrap();
                }
                let (mut to, mut from) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || {
                    drop(std::io::copy(&mut from, &mut to));
                    drop(to.shutdown(Shutdown::Write));
                });
                drop(std::io::copy(&mut server, &mut client));
                drop(client.shutdown(Shutdown::Both));
            });
        }
    });
    port
}

#[tokio::test]
async fn proxies_are_used_as_the_secret_says() {
    let authority = Authority::new();
    let origins = Origins::new();
    origins.create("app.git").put("a", "1");
    let root = origins.root.path().to_owned();
    let config = tls(&authority.issue("localhost", 3000), None);
    let secure =
        Server::start_with(Some(config), move |request, stream| git_backend(&root, None, request, stream));
    let plain = Server::git(origins.root.path(), None);
    let (asked, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
    let port = proxy(Arc::clone(&asked), Arc::clone(&connections));
    let data = tempfile::tempdir().unwrap();
    let sources = sources(data.path());
    let https = format!("https://localhost:{}/app.git", secure.address.port());
    let mut remote = trusting(remote(&https), "localhost", &authority.pem());
    remote.credentials.proxy = Some(format!("http://user:proxy-word@127.0.0.1:{port}").into());
    checkout(&sources, &remote, "main").await.unwrap();
    let first = asked.lock().unwrap().first().cloned().unwrap();
    assert!(first.starts_with(&format!("CONNECT localhost:{} ", secure.address.port())), "{first}");
    assert!(first.to_lowercase().contains("proxy-authorization: basic"), "{first}");
    assert!(!format!("{remote:?}").contains("proxy-word"));

    remote.url = source::RepoUrl::parse(&plain.url("app.git")).unwrap();
    asked.lock().unwrap().clear();
    assert!(sources.ls_refs(&remote).await.is_ok());
    assert!(asked.lock().unwrap().first().unwrap().starts_with("GET http://127.0.0.1:"));

    let before = connections.load(Ordering::Relaxed);
    remote.credentials.no_proxy = Some("example.org,127.0.0.1".to_owned());
    assert!(sources.ls_refs(&remote).await.is_ok());
    assert_eq!(connections.load(Ordering::Relaxed), before, "noProxy");

    remote.credentials.proxy = Some("http://proxy-word@127.0.0.1:1".into());
    remote.credentials.no_proxy = None;
    let error = sources.ls_refs(&remote).await.unwrap_err();
    assert!(
        matches!(error, SourceError::Unavailable { .. }) && !error.to_string().contains("proxy-word"),
        "{error}"
    );
}
