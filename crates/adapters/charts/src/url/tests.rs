use super::{MAX_URL_BYTES, RepositoryUrl};

#[test]
fn urls_are_read_and_shown_without_what_is_secret() {
    let rows = [
        ("https://charts.example/stable/", Ok("https://charts.example/stable/"), "an index"),
        ("HTTPS://Charts.Example", Ok("https://charts.example/"), "scheme and host in lower case"),
        ("http://charts.example:8080/x", Ok("http://charts.example:8080/x"), "plain http, a port"),
        ("https://u:pw@h.example/x?token=t#f", Ok("https://h.example/x?…"), "user, query, fragment"),
        ("oci://reg.example/ns/app", Ok("oci://reg.example/ns/app"), "a registry"),
        ("reg.example/ns", Ok("oci://reg.example/ns"), "without a scheme it is a registry"),
        ("reg.example:5000/ns/", Ok("oci://reg.example:5000/ns"), "a port, a slash at the end"),
        ("localhost:5000", Ok("oci://localhost:5000"), "no path"),
        ("[::1]:5000/ns", Ok("oci://[::1]:5000/ns"), "IPv6"),
        ("oci://u:hush@reg.example/ns", Err("credentials belong"), "no credentials in a registry's URL"),
        ("oci://reg.example/NS", Err("no name"), "upper case"),
        ("oci://reg.example/a/../b", Err("no name"), "dots"),
        ("oci://reg.example//b", Err("no name"), "an empty part"),
        ("oci://reg.example/a?x=hush", Err("\"a\" is no name"), "a query"),
        ("oci://reg?x/a", Err("host cannot"), "a query in the host"),
        ("ftp://h.example/x", Err("by ftp"), "another scheme"),
        ("file:///etc", Err("by file"), "files"),
        ("", Err("empty"), "nothing"),
        ("https://", Err("cannot be read"), "no host"),
        ("https://h.example/a b", Err("blank"), "a blank"),
        ("https://h.example/a\\b", Err("backslash"), "a backslash"),
    ];
    for (text, expected, why) in rows {
        match (RepositoryUrl::parse(text), expected) {
            (Ok(url), Ok(shown)) => {
                assert_eq!((url.to_string().as_str(), format!("{url:?}").as_str()), (shown, shown), "{why}");
            }
            (Err(error), Err(part)) => {
                let error = error.to_string();
                assert!(error.contains(part) && !error.contains("hush"), "{why}: {error}");
            }
            (got, expected) => panic!("{why}: {text}: {got:?}, expected {expected:?}"),
        }
    }
    assert!(RepositoryUrl::parse(&format!("https://h/{}", "x".repeat(MAX_URL_BYTES))).is_err());
}

#[test]
fn enable_oci_makes_a_registry_of_any_scheme() {
    for text in ["https://reg.example/ns", "oci://reg.example/ns", "reg.example/ns"] {
        assert_eq!(RepositoryUrl::parse_registry(text).unwrap().to_string(), "oci://reg.example/ns");
    }
    assert!(RepositoryUrl::parse_registry("ssh://reg.example/ns").is_err());
}

#[test]
fn a_chart_is_named_below_the_registrys_path() {
    let rows = [
        ("reg.example/ns", "app", Ok("ns/app")),
        ("reg.example", "app", Ok("app")),
        ("reg.example", "team/app", Ok("team/app")),
        ("reg.example/ns/app", "", Ok("ns/app")),
        ("reg.example", "", Err(())),
        ("reg.example/ns", "../app", Err(())),
        ("reg.example/ns", "a:b", Err(())),
    ];
    for (url, chart, expected) in rows {
        let RepositoryUrl::Registry(registry) = RepositoryUrl::parse(url).unwrap() else { panic!("{url}") };
        let got = registry.repository(chart);
        assert_eq!(got.as_deref().map_err(|_| ()), expected, "{url} {chart}");
    }
}

#[test]
fn user_and_password_of_a_url_are_kept_apart() {
    let RepositoryUrl::Index(index) = RepositoryUrl::parse("https://me%40x:p%2Fw@h.example/").unwrap() else {
        panic!("not an index")
    };
    let (user, password) = index.user.unwrap();
    assert_eq!(
        (user.as_str(), password.expose(), index.base.as_str()),
        ("me@x", "p/w", "https://h.example/")
    );
}
