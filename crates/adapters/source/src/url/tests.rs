use super::{MAX_URL_BYTES, RepoUrl, Scheme};

#[test]
fn urls_have_one_form_for_matching_and_one_for_connecting() {
    let rows = [
        (
            "https",
            "https://github.com/Org/Repo.git",
            "https://github.com/org/repo",
            "https://github.com/Org/Repo.git",
        ),
        (
            "capitals, port, slashes",
            "HTTPS://GitHub.com:443//Org/Repo//",
            "https://github.com/org/repo",
            "https://github.com/Org/Repo",
        ),
        ("other port", "https://host:8443/a/b", "https://host:8443/a/b", "https://host:8443/a/b"),
        ("user is kept apart", "https://me@host/a", "https://host/a", "https://host/a"),
        (
            "A46 user that looks like a host",
            "https://allowed.example@evil/x",
            "https://evil/x",
            "https://evil/x",
        ),
        (
            "A46 longer host",
            "https://allowed.example.evil/x",
            "https://allowed.example.evil/x",
            "https://allowed.example.evil/x",
        ),
        ("A46 parent", "https://host/allowed/../evil.git/", "https://host/evil", "https://host/evil.git"),
        (
            "A46 escaped letters",
            "https://host/%61pp/%c3%a9",
            "https://host/app/%c3%a9",
            "https://host/app/%C3%A9",
        ),
        ("trailing dot", "https://host./a", "https://host/a", "https://host/a"),
        ("IPv6", "https://[::1]:8080/a", "https://[::1]:8080/a", "https://[::1]:8080/a"),
        (
            "http",
            "http://gitea.svc:3000/a/b.git",
            "http://gitea.svc:3000/a/b",
            "http://gitea.svc:3000/a/b.git",
        ),
        ("scp", "git@github.com:Org/repo.git", "git@github.com/org/repo", "github.com:Org/repo.git"),
        ("scp absolute", "git@host:/srv/repo", "git@host/srv/repo", "ssh://host/srv/repo"),
        ("ssh", "ssh://git@host:22/srv/Repo.git", "git@host/srv/repo", "ssh://host/srv/Repo.git"),
        ("ssh with port", "ssh://git@host:7999/p/r.git", "git@host:7999/p/r", "ssh://host:7999/p/r.git"),
        ("ssh with an escape", "ssh://host/a%20b", "host/a%20b", "ssh://host/a%20b"),
        ("file", "file:///srv/git/app", "file:///srv/git/app", "file:///srv/git/app"),
    ];
    for (row, text, normal, connect) in rows {
        let url = RepoUrl::parse(text).unwrap();
        assert_eq!((url.normal_form().as_str(), url.connect_form().as_str()), (normal, connect), "{row}");
        let again = RepoUrl::parse(&url.to_string()).unwrap();
        assert_eq!(again.normal_form(), normal, "{row}: what is shown can be read again");
    }
}

#[test]
fn patterns_are_brought_to_the_form_they_are_compared_with() {
    let rows = [
        ("*", "*"),
        ("https://GitHub.com/Org/*", "https://github.com/org/*"),
        ("https://host:443/a.git", "https://host/a"),
        ("git@github.com:Org/*", "git@github.com/org/*"),
        ("ssh://git@host/a.git", "git@host/a"),
        ("https://host/*.git", "https://host/*"),
    ];
    for (pattern, expected) in rows {
        assert_eq!(RepoUrl::normal_pattern(pattern), expected, "{pattern}");
    }
    for url in ["https://host:443/a.git", "git@host:a/b.git", "ssh://git@host:22/a/b", "https://host/A"] {
        assert_eq!(RepoUrl::normal_pattern(url), RepoUrl::parse(url).unwrap().normal_form(), "{url}");
    }
}

#[test]
fn urls_that_mean_harm_are_refused_and_shown_without_secrets() {
    let long = format!("https://host/{}", "x".repeat(64 << 10));
    let rows = [
        ("A45 newline", "https://host/a\nhost: evil", "has a control character or white space"),
        ("A45 tab", "https://host/a\tb", "has a control character or white space"),
        ("A45 escaped newline", "https://host/a%0ab", "has a percent-encoded control character or backslash"),
        ("A45 password", "https://user:word@host/a", "holds a password; it belongs in a repository Secret"),
        ("A45 dash", "--upload-pack=x", "begins with '-'"),
        (
            "A45 dash host",
            "ssh://-oProxyCommand=x/a",
            "has no valid host name (ASCII letters, digits, '.', '-'; others as xn--…)",
        ),
        ("A45 dash user", "ssh://-l@host/a", "has a user name that begins with '-'"),
        ("dash path", "git@host:-x", "is not of the form user@host:path"),
        ("A45 backslash", "https://host\\@evil/a", "has a backslash"),
        (
            "A45 look-alike",
            "https://gіthub.com/a",
            "has no valid host name (ASCII letters, digits, '.', '-'; others as xn--…)",
        ),
        ("A45 64 KiB", &long, "is longer than 4096 bytes"),
        ("helper", "ext::sh -c x", "has a control character or white space"),
        ("helper without blank", "ext::sh", "names a transport helper"),
        ("helper with a bracket", "ext::sh[", "names a transport helper"),
        ("scheme", "git://host/a", "has a scheme other than https, http, ssh and file"),
        ("plain path", "/srv/git", "is neither a URL nor user@host:path"),
        ("above the root", "https://host/../a", "has a path that climbs above its root"),
        ("escaped parent", "https://host/a/%2e%2e/b", "has a percent-encoded slash or dot segment"),
        ("escaped slash", "https://host/a%2fb", "has a percent-encoded slash or dot segment"),
        ("A66 query", "https://host/a?sig=word", "has a query or a fragment"),
        ("A66 query with user", "https://a:wo?rd@host/a?sig=word", "has a query or a fragment"),
        ("fragment", "https://host#@evil/a", "has a query or a fragment"),
        ("port", "https://host:port/a", "has a port that is no number"),
        ("file with host", "file://host/a", "names a host for a file"),
        ("no path", "https://host/", "has no path"),
        ("empty", "", "is empty"),
        ("two users", "https://a@b@host/x", "has a user name that is none"),
        ("shell in user", "ssh://$(id)@host/x", "has a user name that ssh should not see"),
    ];
    for (row, text, reason) in rows {
        let error = RepoUrl::parse(text).unwrap_err();
        assert_eq!(error.reason, reason, "{row}");
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains("word") || reason.contains("word") && !shown.contains(":word"),
            "{row}: {shown}"
        );
        assert!(shown.len() < 1200 && !shown.chars().any(char::is_control), "{row}: {shown}");
    }
    assert!(long.len() > MAX_URL_BYTES);
}

#[test]
fn submodule_urls_are_relative_to_the_repository() {
    let rows = [
        ("https://host/org/app.git", "../lib.git", Some("https://host/org/lib.git")),
        ("https://host/org/app.git", "./sub", Some("https://host/org/app.git/sub")),
        ("https://host/org/app.git", "../../other/lib", Some("https://host/other/lib")),
        ("https://host/org/app.git", "../../../x", None),
        ("https://host/org/app.git", "https://else.example/x", Some("https://else.example/x")),
        ("git@host:org/app.git", "../lib.git", Some("host:org/lib.git")),
        ("ssh://git@host/org/app.git", "../lib.git", Some("ssh://host/org/lib.git")),
        ("https://host/org/app.git", "ext::sh", None),
    ];
    for (base, relative, expected) in rows {
        let url = RepoUrl::parse(base).unwrap().submodule(relative);
        assert_eq!(url.ok().map(|url| url.connect_form()).as_deref(), expected, "{relative}");
    }
    let ssh = RepoUrl::parse("git@host:a").unwrap();
    assert_eq!(ssh.scheme(), Scheme::Ssh);
    assert!(ssh.same_server(&RepoUrl::parse("ssh://other@host/b").unwrap()));
    assert!(!ssh.same_server(&RepoUrl::parse("ssh://git@host:2222/b").unwrap()));
}

/// Whatever is taken can be shown and read again as the same, and names a host that a connection can be made to.
#[test]
fn what_is_taken_means_one_thing() {
    let parts = [
        "https://",
        "http://",
        "ssh://",
        "file://",
        "git@",
        "user:pw@",
        "host",
        "evil.example",
        ":443",
        ":22",
        ":",
        "/",
        "..",
        ".",
        "a",
        "%2e",
        "%20",
        "%2f",
        "%00",
        "@",
        "-",
        "\\",
        "?",
        "#",
        "[::1]",
        ".git",
        "\n",
        "é",
        "'",
        "~u",
        " ",
    ];
    let (mut dice, mut taken) = (dice::Dice::new(0x9E37_79B9_7F4A_7C15), 0);
    let mut roll = |sides: usize| dice.roll(sides);
    for _ in 0..200_000 {
        let first = roll(6);
        let text: String =
            (0..1 + roll(7)).map(|n| parts[if n == 0 { first } else { roll(parts.len()) }]).collect();
        let Ok(url) = RepoUrl::parse(&text) else { continue };
        taken += 1;
        let again = RepoUrl::parse(&url.to_string()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(
            (again.normal_form(), again.connect_form()),
            (url.normal_form(), url.connect_form()),
            "{text}"
        );
        assert!(
            url.user.as_deref().is_none_or(|user| !user.contains([':', '@']))
                && !url.host().starts_with('-')
                && !url.path.contains("/../"),
            "{text}"
        );
        assert!(!url.connect_form().chars().any(char::is_control), "{text}");
    }
    assert!(taken > 5_000, "{taken}");
}
