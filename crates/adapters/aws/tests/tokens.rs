//! Tokens, made with a security token service and an agent that answer as AWS's do.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;

use aws::sign::{Request, Scope, authorization};
use aws::{Credentials, Eks, Environment};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use net::{Proxies, Secret};
use testkit::{WebReply, WebRequest, WebServer, WebTls};

fn now() -> Timestamp {
    "2026-03-04T05:06:07Z".parse().unwrap()
}

/// Keys by their names, and what the service gives for a role.
fn key(id: &str) -> Credentials {
    let token = id.starts_with("ASIA").then(|| Secret::new(format!("session/{id}==")));
    Credentials {
        access_key_id: id.to_owned(),
        secret_access_key: Secret::new(format!("key+of/{id}")),
        session_token: token,
        expires: None,
    }
}

fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let pair = |bytes: &mut std::str::Bytes<'_>| [bytes.next().unwrap(), bytes.next().unwrap()];
        out.push(match byte {
            b'%' => u8::from_str_radix(str::from_utf8(&pair(&mut bytes)).unwrap(), 16).unwrap(),
            byte => byte,
        });
    }
    String::from_utf8(out).unwrap()
}

fn fields(text: &str) -> BTreeMap<String, String> {
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.to_owned(), decode(v))).collect()
}

fn denied(code: &str, message: &str) -> WebReply {
    WebReply::new(
        403,
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        ),
    )
}

fn granted(id: &str) -> WebReply {
    let key = key(id);
    WebReply::ok(format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser><Arn>a</Arn></AssumedRoleUser>\
         <Credentials>\n<AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken>\
         <Expiration>2026-03-04T05:16:07Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
        key.secret_access_key.expose(),
        key.session_token.unwrap().expose(),
    ))
}

/// Whether a request is signed by who it says, over what arrived.
fn is_signed(request: &WebRequest) -> bool {
    let said = request.header("authorization");
    let id = said.split("Credential=").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let token = request.header("x-amz-security-token");
    let who = key(id);
    let mut headers =
        vec![("content-type", request.header("content-type")), ("x-amz-date", request.header("x-amz-date"))];
    if let Some(session) = &who.session_token {
        if session.expose() != token {
            return false;
        }
        headers.push(("x-amz-security-token", token));
    }
    let signed = Request {
        method: &request.method,
        host: request.header("host"),
        path: request.path(),
        query: &[],
        headers: &headers,
        body: &request.body,
    };
    said == authorization(&signed, &Scope { region: "eu-west-1", service: "sts", at: now() }, &who)
}

/// The service: whoever has the token `jwt` gets `ASIAWEB`; who is signed gets `ASIA` and the role's name.
fn service(request: &WebRequest) -> WebReply {
    if request.path() == "/agent" {
        return match request.header("authorization") {
            "agent-token" => WebReply::ok(
                r#"{"AccessKeyId":"ASIAPOD","SecretAccessKey":"key+of/ASIAPOD","Token":"session/ASIAPOD==","Expiration":"2026-03-04T06:06:07Z"}"#,
            ),
            _ => WebReply::new(401, "who are you"),
        };
    }
    let form = fields(str::from_utf8(&request.body).unwrap());
    match (form["Action"].as_str(), form["RoleArn"].as_str()) {
        ("AssumeRoleWithWebIdentity", "arn:aws:iam::1:role/web") if form["WebIdentityToken"] == "jwt" => {
            granted("ASIAWEB")
        }
        ("AssumeRoleWithWebIdentity", _) => denied("InvalidIdentityToken", "no such token"),
        ("AssumeRole", "arn:aws:iam::2:role/no") => denied("AccessDenied", "not for you"),
        ("AssumeRole", _) if !is_signed(request) => denied("SignatureDoesNotMatch", "no"),
        ("AssumeRole", role) => granted(&format!("ASIA{}", role.rsplit('/').next().unwrap())),
        other => denied("InvalidAction", &format!("{other:?}")),
    }
}

/// What a token says: host, parameters; its signature is of the credentials that it names.
fn said(token: &str, cluster: &str) -> BTreeMap<String, String> {
    let url = URL_SAFE_NO_PAD.decode(token.strip_prefix("k8s-aws-v1.").unwrap()).unwrap();
    let url = String::from_utf8(url).unwrap();
    let (host, query) = url.strip_prefix("https://").unwrap().split_once("/?").unwrap();
    let mut said = fields(query);
    let signature = said.remove("X-Amz-Signature").unwrap();
    let who = key(said["X-Amz-Credential"].split('/').next().unwrap());
    let query: Vec<(&str, &str)> = vec![("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];
    let headers = [("x-k8s-aws-id", cluster)];
    let request = Request { method: "GET", host, path: "/", query: &query, headers: &headers, body: b"" };
    let scope = Scope { region: "eu-west-1", service: "sts", at: now() };
    assert!(aws::sign::presigned(&request, &scope, &who, 60).ends_with(&signature));
    said.insert("host".to_owned(), host.to_owned());
    said
}

#[tokio::test]
async fn whoever_the_environment_says_asks() {
    let server = WebServer::start(WebTls::Off, service).unwrap();
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = files.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let jwt = file("jwt", "jwt\n");
    let agent_token = file("agent", "agent-token");
    let shared = file(
        "credentials",
        "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = key+of/AKIADEFAULT\n\
         [chained]\nrole_arn = arn:aws:iam::1:role/chained\nsource_profile = default\n\
         [loop]\nrole_arn = arn:aws:iam::1:role/l\nsource_profile = pool\n[pool]\nrole_arn = arn:aws:iam::1:role/l\nsource_profile = loop\n\
         [sso]\nsso_session = me\n",
    );
    let agent = format!("{}/agent", server.url());
    let keys = [("AWS_ACCESS_KEY_ID", "AKIAENV"), ("AWS_SECRET_ACCESS_KEY", "key+of/AKIAENV")];
    let web = [("AWS_WEB_IDENTITY_TOKEN_FILE", jwt.as_str()), ("AWS_ROLE_ARN", "arn:aws:iam::1:role/web")];
    let pod = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &agent_token),
    ];
    let profiles = [("AWS_SHARED_CREDENTIALS_FILE", shared.as_str())];
    let (later, sooner) = ("2026-03-04T05:20:07Z", "2026-03-04T05:16:07Z");
    for (row, variables, profile, role, expected) in [
        ("keys", &keys[..], "", "", Ok(("AKIAENV", later))),
        ("web identity", &web, "", "", Ok(("ASIAWEB", sooner))),
        ("web identity, then a role", &web, "", "arn:aws:iam::2:role/far", Ok(("ASIAfar", sooner))),
        ("keys, then a role", &keys, "", "arn:aws:iam::2:role/far", Ok(("ASIAfar", sooner))),
        ("pod identity", &pod, "", "", Ok(("ASIAPOD", later))),
        ("the profile that everybody has", &profiles, "", "", Ok(("AKIADEFAULT", later))),
        ("a profile with a role", &profiles, "chained", "", Ok(("ASIAchained", sooner))),
        (
            "a role that is refused",
            &keys,
            "",
            "arn:aws:iam::2:role/no",
            Err("AssumeRole of arn:aws:iam::2:role/no: AccessDenied: not for you"),
        ),
        ("an unknown profile", &profiles, "nobody", "", Err("the AWS profile \"nobody\" is in neither")),
        ("profiles in a circle", &profiles, "loop", "", Err("goes through more than 5 others")),
        ("a person's login", &profiles, "sso", "", Err("has sso_session, which is not read here")),
        (
            "an agent that says no",
            &pod[..1],
            "",
            "",
            Err("AWS credentials of the pod: 401 Unauthorized: who are you"),
        ),
        ("a token without a role", &web[..1], "", "", Err("AWS_ROLE_ARN is not")),
        ("nothing", &[], "", "", Err("no AWS credentials")),
    ] {
        let endpoint = server.url();
        let always = [("AWS_REGION", "eu-west-1"), ("AWS_ENDPOINT_URL_STS", &endpoint)];
        let all: Vec<(&str, &str)> = always.iter().chain(variables).copied().collect();
        let eks = Eks {
            cluster: "prod".to_owned(),
            role_arn: role.to_owned(),
            profile: profile.to_owned(),
            environment: Environment::default().with(all),
        };
        match (eks.token(&Proxies::default(), now()).await, expected) {
            (Ok(token), Ok((id, expires))) => {
                let said = said(token.value.expose(), "prod");
                assert_eq!(
                    said["X-Amz-Credential"],
                    format!("{id}/20260304/eu-west-1/sts/aws4_request"),
                    "{row}"
                );
                assert_eq!(
                    (said["host"].as_str(), said["X-Amz-Expires"].as_str()),
                    (&*server.authority(), "60"),
                    "{row}"
                );
                assert_eq!(said["X-Amz-SignedHeaders"], "host;x-k8s-aws-id", "{row}");
                assert_eq!(token.expires, expires.parse().unwrap(), "{row}");
            }
            (Err(error), Err(why)) => assert!(error.to_string().contains(why), "{row}: {error}"),
            (found, expected) => panic!("{row}: {found:?}, not {expected:?}"),
        }
    }
}

#[test]
fn the_peers_arguments_are_read() {
    let arguments = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let read = |text: &str| Eks::from_arguments(&arguments(text), Environment::default());
    let eks = read("--cluster-name prod --role-arn=arn:aws:iam::1:role/r --profile p").unwrap();
    assert_eq!((&*eks.cluster, &*eks.role_arn, &*eks.profile), ("prod", "arn:aws:iam::1:role/r", "p"));
    for (wrong, why) in [("--region x", "no argument \"--region\""), ("--profile", "--profile has no value")]
    {
        assert!(read(wrong).unwrap_err().to_string().contains(why), "{wrong}");
    }
}
