//! Credentials that end, shown to a real listener.
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

use cluster::{Credential, Identity, Issuer, Login, Secret};
use testkit::{WebReply, WebServer, WebTls};

fn login(server: &WebServer, identity: Identity) -> Login {
    Login {
        server: server.url(),
        insecure: false,
        server_name: String::new(),
        ca: server.ca_pem().unwrap().as_bytes().to_vec(),
        identity,
        proxy: None,
    }
}

#[tokio::test]
async fn a_certificate_and_a_token_that_are_handed_out_are_shown() {
    let server = WebServer::start(WebTls::Mutual, |request| {
        let who = request.header("authorization").to_owned();
        let version = r#"{"major":"1","minor":"34","gitVersion":"WHO","gitCommit":"","gitTreeState":"","buildDate":"","goVersion":"","compiler":"","platform":""}"#;
        WebReply::ok(version.replace("WHO", &who)).with("content-type", "application/json")
    })
    .unwrap();
    let (certificate, key) = server.client().unwrap();
    let certificate = Some((certificate.to_owned(), Secret::new(key)));
    let hands_out = |credential: Credential| {
        Identity::Issued(Issuer::new(move || std::future::ready(Ok(credential.clone()))))
    };
    let both = Credential { token: Some(Secret::new("t")), certificate: certificate.clone(), expires: None };
    for (reason, credential, answer) in [
        ("a certificate", Credential { token: None, ..both.clone() }, Some("")),
        ("both", both.clone(), Some("Bearer t")),
        ("a token, where a certificate is asked for", Credential { certificate: None, ..both }, None),
    ] {
        let client = login(&server, hands_out(credential)).client().await.unwrap();
        let version = client.apiserver_version().await.ok().map(|info| info.git_version);
        assert_eq!(version.as_deref(), answer, "{reason}");
    }
}
