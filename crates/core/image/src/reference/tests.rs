use super::ImageRef;

#[test]
fn a_reference_is_cut_as_kustomize_cuts_it() {
    let rows = [
        ("nginx", "nginx", None, None),
        ("nginx:1.2", "nginx", Some("1.2"), None),
        ("nginx@sha256:ab", "nginx", None, Some("sha256:ab")),
        ("nginx:1.2@sha256:ab", "nginx", Some("1.2"), Some("sha256:ab")),
        ("localhost:5000/nginx", "localhost:5000/nginx", None, None),
        ("localhost:5000/nginx:1.2", "localhost:5000/nginx", Some("1.2"), None),
        ("r.example:5000/a/b@sha256:ab", "r.example:5000/a/b", None, Some("sha256:ab")),
        ("", "", None, None),
        ("nginx:", "nginx", None, None),
        ("/nginx:1", "/nginx", Some("1"), None),
    ];
    for (text, name, tag, digest) in rows {
        let image = ImageRef::split(text);
        assert_eq!(
            (image.name.as_str(), image.tag.as_deref(), image.digest.as_deref()),
            (name, tag, digest),
            "{text}"
        );
    }
}

#[test]
fn a_registry_has_a_dot_a_port_or_is_localhost() {
    let rows = [
        ("nginx", None, "nginx"),
        ("team/api", None, "team/api"),
        ("ghcr.io/team/api:1", Some("ghcr.io"), "team/api"),
        ("localhost/api", Some("localhost"), "api"),
        ("host:5000/api:1", Some("host:5000"), "api"),
    ];
    for (text, registry, path) in rows {
        let image = ImageRef::split(text);
        assert_eq!((image.registry(), image.path()), (registry, path), "{text}");
    }
}

#[test]
fn names_of_the_public_hub_have_short_forms() {
    let rows = [
        ("nginx:1", "nginx:2", true),
        ("nginx", "docker.io/library/nginx", true),
        ("index.docker.io/library/nginx", "docker.io/nginx", true),
        ("team/api", "docker.io/team/api", true),
        ("api", "team/api", false),
        ("ghcr.io/api", "api", false),
        ("ghcr.io/library/api", "api", false),
    ];
    for (one, other, same) in rows {
        let (one, other) = (ImageRef::split(one), ImageRef::split(other));
        assert_eq!((one.same_name(&other), other.same_name(&one)), (same, same), "{one} {other}");
    }
}

#[test]
fn what_somebody_typed_is_checked() {
    let hex = "0123456789abcdef".repeat(4);
    for good in
        ["nginx", "ghcr.io/Team/api".to_lowercase().as_str(), "a/b__c:V1.2_3-x", &format!("a@sha256:{hex}")]
    {
        assert!(ImageRef::parse(good).is_ok(), "{good}");
    }
    for bad in
        ["", ":1", "nginx:", "nginx@", "Nginx", "a//b", "a b", "a:-1", "a@sha256:12", "a:1:2", "a:@sha256:1"]
    {
        assert!(ImageRef::parse(bad).is_err(), "{bad}");
    }
}
