use super::*;
use clap::Parser as _;

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    set: SetArgs,
}

fn login(
    url: &str,
    environment: &[(&str, &str)],
) -> Result<(String, Option<String>, Option<String>), Failure> {
    let line = Line::parse_from(["set", "--repo", url, "--path", ".", "a:1"]);
    let find =
        |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
    let remote = remote((&line.set).into(), &find)?;
    let password = remote.credentials.password.map(|password| password.expose().to_owned());
    Ok((remote.url.to_string(), remote.credentials.username, password))
}

#[test]
fn a_token_goes_to_its_own_server() {
    let all = [("CI_JOB_TOKEN", "job"), ("CI_SERVER_HOST", "gitlab.example"), ("GITHUB_TOKEN", "hub")];
    let own = [&[("GIT_TOKEN", "own")], &all[..]].concat();
    let both = [&[("GIT_USERNAME", "ada"), ("GIT_PASSWORD", "pw")], &own[..]].concat();
    let enterprise = [("GITHUB_TOKEN", "hub"), ("GITHUB_SERVER_URL", "https://GitHub.Example:8443")];
    for (reason, url, environment, name, password) in [
        ("nothing known", "https://gitlab.example/o/r", &[][..], None, None),
        ("the job's own server", "https://gitlab.example/o/r", &all, Some("gitlab-ci-token"), Some("job")),
        ("GitHub's", "https://github.com/o/r", &all, Some("x-access-token"), Some("hub")),
        ("an enterprise's", "https://github.example/o/r", &enterprise, Some("x-access-token"), Some("hub")),
        ("not that of the public one", "https://github.com/o/r", &enterprise, None, None),
        ("a stranger's server", "https://evil.example/o/r", &all, None, None),
        ("a name that only looks so", "https://gitlab.example.evil/o/r", &all, None, None),
        ("what is ours goes before", "https://gitlab.example/o/r", &own, Some("x-access-token"), Some("own")),
        ("a password before a token", "https://x.example/o/r", &both, Some("ada"), Some("pw")),
        ("the URL before all", "https://u:p%40ss@x.example/o/r", &both, Some("u"), Some("p@ss")),
        (
            "a token in the URL",
            "https://x-access-token:t@github.com/o/r",
            &[],
            Some("x-access-token"),
            Some("t"),
        ),
    ] {
        let (shown, found_name, found) = login(url, environment).unwrap();
        assert_eq!((found_name.as_deref(), found.as_deref()), (name, password), "{reason}");
        assert!(!shown.contains('@'), "{reason}: {shown}");
    }
}

#[test]
fn a_url_that_cannot_be_used_shows_no_password() {
    for url in
        ["https://u:s3cret%zz@h/o/r", "https://u:s3cret@h", "ssh://u:s3cret@h/o/r", "ftp://u:s3cret@h/o/r"]
    {
        let failure = login(url, &[("HOME", "/nonexistent")]).unwrap_err();
        assert!(!format!("{failure:?}").contains("s3cret"), "{url}: {failure:?}");
    }
    let failure = login("git@h:o/r", &[("HOME", "/nonexistent")]).unwrap_err();
    assert_eq!(failure.what, "no key for ssh");
}

#[test]
fn a_repository_that_a_file_names_gets_nothing_that_is_for_any_host() {
    let variables = [
        ("GIT_USERNAME", "ada"),
        ("GIT_PASSWORD", "pw"),
        ("GIT_TOKEN", "own"),
        ("CI_JOB_TOKEN", "job"),
        ("CI_SERVER_HOST", "gitlab.example"),
    ];
    let find = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
    for (repo, named, password) in [
        ("https://evil.example/o/r", true, Some("pw")),
        ("https://evil.example/o/r", false, None),
        ("https://gitlab.example/o/r", false, Some("job")),
        ("https://u:p@evil.example/o/r", false, Some("p")),
    ] {
        let remote = remote(Given { repo, named, ..Given::default() }, &find).unwrap();
        let found = remote.credentials.password.map(|password| password.expose().to_owned());
        assert_eq!(found.as_deref(), password, "{repo} {named}");
    }
}
