use std::collections::BTreeMap;

use super::*;

fn repository(secret: &str, fields: &[(&str, &str)]) -> Repository {
    let data: BTreeMap<_, _> =
        fields.iter().map(|(key, text)| ((*key).to_owned(), text.as_bytes().to_vec())).collect();
    Repository::parse(secret, &data).unwrap()
}

fn password(access: &RepositoryAccess) -> Option<&str> {
    access.credentials.password.as_ref().map(|password| password.expose().as_str())
}

#[test]
fn the_right_credentials_and_no_others() {
    let repositories = Repositories::new(
        [
            repository("own", &[("url", "https://git.example/shop/own.git"), ("password", "own")]),
            repository("bare", &[("url", "https://git.example/shop/bare"), ("insecure", "true")]),
            repository("public", &[("url", "https://git.example/both"), ("password", "public")]),
            repository(
                "scoped",
                &[("url", "https://git.example/both"), ("password", "scoped"), ("project", "team")],
            ),
            repository(
                "theirs",
                &[("url", "https://git.example/theirs"), ("password", "x"), ("project", "team")],
            ),
            repository("token", &[("url", "git@ssh.example:a/b.git"), ("sshPrivateKey", "key\n")]),
        ],
        [
            repository("host", &[("url", "https://git.example"), ("password", "host")]),
            repository(
                "shop",
                &[("url", "https://git.example/shop"), ("password", "shop"), ("username", "u")],
            ),
            repository(
                "team",
                &[("url", "https://git.example/team/"), ("password", "team"), ("project", "team")],
            ),
            repository("ssh", &[("url", "git@ssh.example"), ("password", "ssh")]),
        ],
    );
    for (url, project, expected, reason) in [
        ("https://git.example/shop/own", "a", Some("own"), "its own"),
        ("https://GIT.example/shop/own.git/", "a", Some("own"), "another spelling"),
        (
            "https://git.example/shop/bare",
            "a",
            Some("shop"),
            "a repository without credentials: the longest prefix",
        ),
        ("https://git.example/shop/other", "a", Some("shop"), "no repository: the longest prefix"),
        (
            "https://git.example/shopping",
            "a",
            Some("shop"),
            "inside a path any beginning counts, as in the peer",
        ),
        ("https://git.example/x", "a", Some("host"), "the shorter prefix"),
        ("https://git.example.evil/x", "a", None, "another host"),
        ("https://git.example:8443/x", "a", None, "another port"),
        ("https://git.example@evil/x", "a", None, "a user that looks like the host"),
        ("http://git.example/x", "a", None, "another scheme"),
        ("https://git.example/shop/../x", "a", None, "dot segments"),
        ("https://git.example/both", "team", Some("scoped"), "the project's own Secret first"),
        ("https://git.example/both", "a", Some("public"), "the Secret of all projects"),
        ("https://git.example/theirs", "a", Some("host"), "another project's Secret is not used"),
        ("https://git.example/team/x", "team", Some("team"), "a prefix of the project"),
        ("https://git.example/team/x", "a", Some("host"), "a prefix of another project is not used"),
        ("https://git.example/teamwork", "team", Some("host"), "a prefix with a slash ends there"),
        ("git@ssh.example:c/d", "a", Some("ssh"), "the scp form"),
        ("ssh://git@ssh.example/c/d.git", "a", Some("ssh"), "the ssh form"),
        ("https://elsewhere/x", "a", None, "nothing"),
        ("", "a", None, "no URL"),
    ] {
        assert_eq!(password(&repositories.lookup(url, project)), expected, "{reason}: {url} in {project}");
    }
    let key = repositories.lookup("ssh://git@ssh.example/a/b", "a").credentials.ssh_private_key;
    assert_eq!(key.as_ref().map(|key| key.expose().as_str()), Some("key\n"));
    let bare = repositories.lookup("https://git.example/shop/bare", "a");
    assert!(bare.insecure);
    assert_eq!(bare.secrets, ["bare", "shop"]);
}

#[test]
fn a_client_certificate_stays_beside_inherited_credentials() {
    let repositories = Repositories::new(
        [repository("r", &[("url", "https://h/a"), ("tlsClientCertData", "own"), ("proxy", "http://p")])],
        [repository(
            "p",
            &[("url", "https://h"), ("password", "x"), ("proxy", "http://other"), ("type", "helm")],
        )],
    );
    let access = repositories.lookup("https://h/a", "");
    let exposed = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().clone());
    assert_eq!(exposed(&access.credentials.tls_client_cert_data).as_deref(), Some("own"));
    assert_eq!(exposed(&access.credentials.password).as_deref(), Some("x"));
    assert_eq!(exposed(&access.proxy).as_deref(), Some("http://p"));
    assert_eq!(access.repository_type, RepositoryType::Git);
    assert_eq!(repositories.lookup("https://h/b", "").repository_type, RepositoryType::Helm);
}

#[test]
fn registries_are_found_as_they_are_written() {
    let repositories = Repositories::new(
        [
            repository("r", &[("url", "reg.example:5000/charts"), ("type", "helm"), ("enableOCI", "true")]),
            repository("o", &[("url", "oci://reg.example/ns/app"), ("type", "oci"), ("username", "o")]),
        ],
        [
            repository(
                "p",
                &[("url", "oci://reg.example"), ("username", "p"), ("insecureOCIForceHttp", "true")],
            ),
            repository(
                "q",
                &[("url", "reg.example:5000"), ("username", "q"), ("type", "helm"), ("enableOCI", "true")],
            ),
        ],
    );
    for (url, secrets, oci, http) in [
        ("reg.example:5000/charts", vec!["r", "q"], true, false),
        ("reg.example:5000/other", vec!["q"], true, false),
        ("oci://reg.example/ns/app", vec!["o"], false, false),
        ("oci://reg.example/ns/app/", vec!["o"], false, false),
        ("oci://reg.example/ns/other", vec!["p"], false, true),
        ("oci://reg.example.evil/ns/app", vec![], false, false),
        ("oci://reg.example/ns/../x", vec![], false, false),
        ("reg.example/ns/app", vec![], false, false),
    ] {
        let access = repositories.lookup(url, "");
        assert_eq!(
            (
                access.secrets.iter().map(String::as_str).collect(),
                access.enable_oci,
                access.insecure_oci_force_http
            ),
            (secrets, oci, http),
            "{url}"
        );
    }
}

#[test]
fn dependencies_name_repositories() {
    let helm = |secret: &str, name: &str, url: &str, project: &str| {
        repository(secret, &[("type", "helm"), ("name", name), ("url", url), ("project", project)])
    };
    let repositories = Repositories::new(
        [
            helm("a", "stable", "https://a", ""),
            helm("b", "stable", "https://b", "team"),
            helm("c", "other", "https://c", "team"),
            helm("d", "", "https://d", ""),
            repository("g", &[("name", "code"), ("url", "https://g")]),
        ],
        [],
    );
    for (name, project, url) in [
        ("stable", "", Some("https://a")),
        ("stable", "team", Some("https://b")),
        ("stable", "rest", Some("https://a")),
        ("other", "team", Some("https://c")),
        ("other", "rest", None),
        ("code", "", None),
        ("", "", None),
    ] {
        let found = repositories.named(name, project).map(|repository| repository.url.as_str());
        assert_eq!(found, url, "{name} {project}");
    }
}

#[test]
fn plain_http_is_asked_for_by_a_secret() {
    let repositories = Repositories::new(
        [repository("r", &[("url", "http://in-cluster/a")])],
        [repository("p", &[("url", "http://other"), ("password", "x")])],
    );
    for (url, plain) in [
        ("http://in-cluster/a.git", true),
        ("http://in-cluster/b", false),
        ("http://other/x", true),
        ("https://in-cluster/a", false),
    ] {
        assert_eq!(repositories.lookup(url, "").plain_http, plain, "{url}");
    }
}

#[test]
fn secrets_are_read_or_refused_without_repeating_them() {
    let parse = |key: &str, value: &[u8]| {
        let data =
            BTreeMap::from([("url".to_owned(), b"https://h/a\n".to_vec()), (key.to_owned(), value.to_vec())]);
        Repository::parse("s", &data)
    };
    for (key, value, message) in [
        ("type", &b"svn"[..], "the key type is not git, helm or oci"),
        ("insecure", b"hunter2", "the key insecure is not true or false"),
        ("depth", b"hunter2", "the key depth is not a whole number"),
        ("depth", b"-1", "the key depth is not a number of commits"),
        ("password", b"\xff\xfe", "the key password is not a text in UTF-8"),
        ("url", b" ", "the key url is missing or empty"),
    ] {
        assert_eq!(parse(key, value).unwrap_err().to_string(), message);
    }
    let read = parse("githubAppPrivateKey", b"pem").unwrap();
    assert_eq!(read.url, "https://h/a");
    assert!(read.credentials.are_there());
    let read = parse("password", b"hunter2\n").unwrap();
    assert_eq!(read.credentials.password.as_ref().map(|p| p.expose().as_str()), Some("hunter2"));
    assert!(!format!("{read:?}").contains("hunter2"), "{read:?}");
}
