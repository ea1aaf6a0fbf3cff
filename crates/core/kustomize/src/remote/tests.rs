use super::*;

#[test]
fn forms() {
    // url, path, reference
    let cases = [
        ("https://github.com/org/repo", "https://github.com/org/repo", "", ""),
        ("github.com/org/repo/a/b?ref=v1", "https://github.com/org/repo", "a/b", "v1"),
        ("GitHub.com/org/repo", "https://github.com/org/repo", "", ""),
        ("github.com:org/repo//a", "https://github.com/org/repo", "a", ""),
        ("https://github.com/org/repo//a/b?version=v2", "https://github.com/org/repo", "a/b", "v2"),
        ("git@github.com:org/repo.git/a?ref=main", "git@github.com:org/repo.git", "a", "main"),
        ("ssh://git@github.com/org/repo.git//a", "git@github.com:org/repo.git", "a", ""),
        ("ssh://git@host.xz:7999/org/repo//a", "ssh://git@host.xz:7999/org/repo", "a", ""),
        ("me@host.xz:path/to/repo.git//sub", "me@host.xz:path/to/repo.git", "sub", ""),
        ("git::https://gitlab.com/g/p.git//x?ref=a%2Fb", "https://gitlab.com/g/p.git", "x", "a/b"),
        ("https://me@dev.azure.com/o/p/_git/repo/a/b", "https://me@dev.azure.com/o/p/_git/repo", "a/b", ""),
        ("https://host/org/repo/deep/er", "https://host/org/repo", "deep/er", ""),
        ("file:///srv/repo//a", "file:///srv/repo", "a", ""),
    ];
    for (text, url, path, reference) in cases {
        let spec = RepoSpec::parse(text).expect(text);
        assert_eq!((&*spec.url, &*spec.path, &*spec.reference), (url, path, reference), "{text}");
    }
    for text in [
        "../base",
        "base",
        "/abs",
        "host/org/repo",
        "ext::sh -c x",
        "git::ext::sh",
        "https://host",
        "https://host/a//../b",
        "",
    ] {
        assert_eq!(RepoSpec::parse(text), None, "{text}");
    }
}

#[test]
fn queries() {
    let spec = |query: &str| RepoSpec::parse(&format!("https://h/o/r?{query}")).expect(query);
    assert!(!spec("submodules=false").submodules);
    assert!(spec("submodules=maybe").submodules);
    for (text, milliseconds) in [
        ("2m", Some(120_000)),
        ("61", Some(61_000)),
        ("1m1.5s", Some(61_500)),
        ("250ms", Some(250)),
        ("0", None),
        ("-1", None),
        ("-5s", None),
        ("x", None),
        ("", None),
    ] {
        let expected = milliseconds.map(std::time::Duration::from_millis);
        assert_eq!(spec(&format!("timeout={text}")).timeout, expected, "{text}");
    }
    assert_eq!(spec("version=a&ref=b").reference, "b");
    assert_eq!(spec("version=a&ref=").reference, "a");
    assert_eq!(spec("ref=a;b").reference, "");
    assert!(RepoSpec::parse("file:///x").is_some_and(|spec| spec.is_local()));
}

#[test]
fn files_and_repositories() {
    let file = |text: &str| RemoteNeed::parse(text).map(|need| need.looks_like_file());
    assert_eq!(file("https://raw.host/org/repo/main/a.yaml"), Some(true));
    assert_eq!(file("https://host/a.yaml"), Some(true));
    assert_eq!(file("https://github.com/org/repo//a?ref=v1"), Some(false));
    assert_eq!(file("git@github.com:org/repo"), Some(false));
    assert_eq!(file("../base"), None);
}
