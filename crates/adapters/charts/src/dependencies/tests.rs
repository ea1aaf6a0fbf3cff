use super::{Dependency, DependencyError, MAX_DEPENDENCIES, Step, plan};

fn dependency(text: &str) -> Dependency {
    let mut words = text.split(' ').map(str::to_owned);
    let mut next = || words.next().unwrap_or_default();
    Dependency { name: next(), version: next(), repository: next() }
}

fn steps(wanted: &[&str], lock: Option<&[&str]>) -> Result<Vec<String>, String> {
    let read = |rows: &[&str]| rows.iter().map(|row| dependency(row)).collect::<Vec<_>>();
    let lock = lock.map(read);
    let named = |name: &str| (name == "stable").then(|| "https://stable.example/x".to_owned());
    let steps = plan(&read(wanted), lock.as_deref(), named, |url| !url.contains("forbidden"));
    let shown = |step: Step| match step {
        Step::Fetch { chart, revision, repository, url } => format!("{chart} {revision} {repository} {url}"),
        Step::Vendored { chart } => format!("{chart} vendored"),
        Step::InTree { chart, path } => format!("{chart} in {path}"),
    };
    steps.map(|steps| steps.into_iter().map(shown).collect()).map_err(|error| error.to_string())
}

#[test]
fn dependencies_become_steps() {
    type Row<'a> = (&'a [&'a str], Option<&'a [&'a str]>, Result<&'a [&'a str], &'a str>, &'a str);
    let rows: &[Row<'_>] = &[
        (
            &["redis ^1 https://c.example/r", "own", "near 1.0.0 file://../near"],
            None,
            Ok(&["redis ^1 https://c.example/r https://c.example/r", "own vendored", "near in ../near"]),
            "ranges where nothing is locked",
        ),
        (
            &["redis ^1 https://c.example/r"],
            Some(&["redis 1.2.3 https://c.example/r"]),
            Ok(&["redis 1.2.3 https://c.example/r https://c.example/r"]),
            "the lock's version",
        ),
        (
            &["a ^1 oci://r.example/n", "a ^2 oci://r.example/n"],
            Some(&["a 1.5.0 oci://r.example/n", "a 2.5.0 oci://r.example/n"]),
            Ok(&[
                "a 1.5.0 oci://r.example/n oci://r.example/n",
                "a 2.5.0 oci://r.example/n oci://r.example/n",
            ]),
            "one chart twice",
        ),
        (
            &["a 1 @stable", "b 1 alias:stable"],
            None,
            Ok(&[
                "a 1 https://stable.example/x https://stable.example/x",
                "b 1 https://stable.example/x https://stable.example/x",
            ]),
            "by name",
        ),
        (
            &["a ^1 @stable"],
            Some(&["a 1.5.0 https://stable.example/x"]),
            Ok(&["a 1.5.0 https://stable.example/x https://stable.example/x"]),
            "by name, locked by URL",
        ),
        (&["a 1 @other"], None, Err("no repository is named \"other\""), "no such name"),
        (&["a 1 https://c.example"], Some(&[]), Err("\"a\" is not locked"), "an empty lock"),
        (
            &["a 1 https://c.example"],
            Some(&["a 1.0.0 https://other.example"]),
            Err("\"a\" is not locked"),
            "another repository",
        ),
        (
            &["a 1 https://u:hush@forbidden.example"],
            None,
            Err("https://forbidden.example/ is not permitted"),
            "A54: a repository that the project does not allow",
        ),
        (&["a 1 git+ssh://x"], None, Err("charts cannot be had by git+ssh"), "another scheme"),
    ];
    for (wanted, lock, expected, why) in rows {
        match (steps(wanted, *lock), expected) {
            (Ok(got), Ok(expected)) => assert_eq!(got, *expected, "{why}"),
            (Err(got), Err(part)) => assert!(got.contains(part) && !got.contains("hush"), "{why}: {got}"),
            (got, _) => panic!("{why}: {got:?}"),
        }
    }
    let many = vec![Dependency::default(); MAX_DEPENDENCIES + 1];
    assert_eq!(plan(&many, None, |_| None, |_| true), Err(DependencyError::TooMany));
}
