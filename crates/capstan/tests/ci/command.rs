//! The command itself.

use std::process::Command;

use testkit::{Fault, Sshd};

use crate::places::{Place, REGISTRY, deployment, kustomize_files, texts};

const VALUES: &str = "# prod\nimage:\n  repository: api\n\n  tag: \"1\" # by CI\n";

fn files() -> Vec<(&'static str, String)> {
    let mut files = kustomize_files();
    files.extend([
        ("apps/web/all.yaml", deployment("web", "web:1")),
        ("apps/api/values.yaml", VALUES.replace("prod", "all")),
        ("apps/api/values-prod.yaml", VALUES.to_owned()),
        ("apps/bad/all.yaml", "image: [web\n".to_owned()),
    ]);
    files
}

fn place() -> Place {
    Place::new("config", &texts(&files()), None)
}

#[test]
fn every_kind_of_file_is_edited_committed_and_told() {
    let place = place();
    let url = place.url();
    let app = format!("{REGISTRY}/my-app");
    let image = format!("{app}:2");
    type Row<'a> = (&'a str, &'a [&'a str], &'a [&'a str], &'a str, &'a str);
    let rows: &[Row<'_>] = &[
        ("kustomization", &["overlays/dev"], &[&image], "overlays/dev/kustomization.yaml", "newTag: \"2\""),
        ("manifest", &["apps/web"], &["web:2"], "apps/web/all.yaml", "image: web:2 # by CI"),
        (
            "digest",
            &["apps/web"],
            &["web@sha256:0000000000000000000000000000000000000000000000000000000000000000"],
            "apps/web/all.yaml",
            "image: web@sha256:00",
        ),
        (
            "renamed",
            &["apps/web"],
            &["web=r.example/web:3"],
            "apps/web/all.yaml",
            "image: r.example/web:3 # by CI",
        ),
        (
            "renamed before",
            &["apps/web"],
            &["web=r.example/web:4"],
            "apps/web/all.yaml",
            "image: r.example/web:4 # by CI",
        ),
        (
            "values",
            &["apps/api"],
            &["--values-key", "image.tag", "api:2"],
            "apps/api/values.yaml",
            "\n\n  tag: \"2\" # by CI",
        ),
        (
            "another values file",
            &["apps/api"],
            &["--file", "values-prod.yaml", "--values-key", "image.tag", "api:2"],
            "apps/api/values-prod.yaml",
            "\n\n  tag: \"2\" # by CI",
        ),
    ];
    for (row, paths, more, file, expected) in rows {
        let before = (place.main(), place.commits());
        let mut arguments = vec!["--repo", &url, "-o", "json", "--author", "Ada <ada@example.com>"];
        paths.iter().for_each(|path| arguments.extend(["--path", path]));
        arguments.extend(more.iter());
        let ran = place.set(&arguments, &[]);
        assert_eq!(ran.code, 0, "{row}: {ran:?}");
        let told = ran.json();
        assert!(place.file(file).contains(expected), "{row}: {}", place.file(file));
        assert_eq!(
            (told["outcome"].as_str(), told["branch"].as_str()),
            (Some("pushed"), Some("main")),
            "{row}"
        );
        assert_eq!(
            (told["base"].as_str(), told["commit"].as_str()),
            (Some(&*before.0), Some(&*place.main()))
        );
        assert_eq!((place.commits(), told["attempts"].as_u64()), (before.1 + 1, Some(1)), "{row}");
        assert_eq!(told["changes"][0]["file"].as_str(), Some(*file), "{row}: {told}");
        let line = usize::try_from(told["changes"][0]["line"].as_u64().unwrap()).unwrap();
        let new = told["changes"].as_array().unwrap().last().unwrap()["new"].as_str().unwrap().to_owned();
        assert!(place.file(file).lines().nth(line - 1).is_some(), "{row}: {told}");
        assert!(place.file(file).contains(&new), "{row}: {new}");
        assert_eq!(place.bare(&["log", "-1", "--format=%an %ae", "main"]), "Ada ada@example.com");
        let changed = place.bare(&["diff", "--name-only", &before.0, "main"]);
        assert_eq!(changed, **file, "{row}: and nothing else");

        let again = place.set(&arguments, &[]);
        assert_eq!(
            (again.code, again.json()["outcome"].as_str()),
            (0, Some("unchanged")),
            "{row}: {again:?}"
        );
        assert_eq!(place.commits(), before.1 + 1, "{row}: no commit for nothing");
    }
    // Lines for people, and what a message says where nobody gives one.
    let ran =
        place.set(&["--repo", &url, "-p", "apps/web", "web=r.example/web:5", "--trailer", "Job: 7"], &[]);
    assert_eq!(
        ran.out,
        format!(
            "apps/web/all.yaml:14: spec.template.spec.containers[0].image: r.example/web:4 -> r.example/web:5\npushed {} to main of {url}\n",
            place.main()
        )
    );
    assert_eq!(
        place.bare(&["log", "-1", "--format=%B|%an", "main"]),
        "Set image r.example/web:5\n\nJob: 7\n|Capstan"
    );
    let ran = place.set(&["--repo", &url, "-p", "apps/web", "r.example/web:5", "--fail-unchanged"], &[]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    assert!(ran.out.starts_with("nothing to change on main of "), "{ran:?}");
    place.bare(&["fsck", "--strict"]);
}

#[test]
fn a_dry_run_shows_the_difference_and_pushes_nothing() {
    let place = place();
    let before = place.main();
    let ran = place.set(&["--repo", &place.url(), "--path", "apps/web", "--dry-run", "web:2"], &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for expected in [
        "--- a/apps/web/all.yaml\n+++ b/apps/web/all.yaml\n",
        "-        image: web:1 # by CI\n+        image: web:2 # by CI\n",
        "dry run: nothing was pushed",
    ] {
        assert!(ran.out.contains(expected), "{expected}: {ran:?}");
    }
    assert_eq!(place.main(), before);
}

#[test]
fn each_failure_has_its_exit_code_and_changes_nothing() {
    let place = place();
    let before = place.bare(&["for-each-ref"]);
    let (url, nobody) = (place.url(), "http://127.0.0.1:1/config.git".to_owned());
    let nowhere = url.replace("config.git", "other.git");
    let rows: &[(&str, &str, &[&str], i32, &str)] = &[
        ("no image", &url, &["--path", "apps"], 2, "required"),
        ("no tag", &url, &["--path", "apps", "web"], 2, "neither a tag nor a digest"),
        ("no path", &url, &["web:1"], 2, "--path"),
        ("no author", &url, &["--path", "apps/web", "--author", "Ada", "web:2"], 2, "no address"),
        ("no URL", "ftp://h/o/r", &["--path", "apps", "web:2"], 2, "scheme"),
        ("a glob that is none", &url, &["--path", "apps", "--file", "[", "web:2"], 2, "["),
        ("an image", &url, &["--path", "apps/web", "wep:2"], 3, "wep is nowhere in apps/web"),
        (
            "in one of the paths",
            &url,
            &["--path", "apps/web", "--path", "overlays/dev", "web:2"],
            3,
            "web is nowhere in overlays/dev",
        ),
        ("a path", &url, &["--path", "app", "web:2"], 3, "app"),
        ("a branch", &url, &["--branch", "dev", "--path", "apps/web", "web:2"], 3, "there are: main"),
        ("a repository", &nowhere, &["--path", "apps/web", "web:2"], 3, "not found"),
        ("a file that is broken", &url, &["--path", "apps/bad", "web:2"], 20, "apps/bad/all.yaml"),
        ("nobody there", &nobody, &["--path", "apps/web", "--retries", "0", "web:2"], 5, "not reachable"),
    ];
    for (row, url, more, code, expected) in rows {
        let mut arguments = vec!["--repo", *url];
        arguments.extend(more.iter());
        let ran = place.set(&arguments, &[]);
        assert!(ran.code == *code && ran.err.contains(expected) && ran.out.is_empty(), "{row}: {ran:?}");
    }
    place.server.set_fault(Fault::Hang);
    let ran =
        place.set(&["--repo", &url, "--path", "apps/web", "--timeout", "1", "--retries", "0", "web:2"], &[]);
    assert!(matches!(ran.code, 5 | 6), "{ran:?}");
    place.server.set_fault(Fault::Status(503));
    let ran = place.set(&["--repo", &url, "--path", "apps/web", "web:2"], &[]);
    assert!(ran.code == 5 && ran.err.matches("attempt").count() == 2, "two more attempts: {ran:?}");
    assert_eq!(place.bare(&["for-each-ref"]), before);
    assert_eq!(std::fs::read_dir(place.home.path()).unwrap().count(), 0, "nothing is left behind");
}

/// Moves the branch while a push is under way, as a faster one would; with a counter's file, only so often.
const RACE: &str = "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
[ -s races ] || exit 0
head -n -1 races > left; mv left races
export GIT_AUTHOR_NAME=B GIT_AUTHOR_EMAIL=b@c GIT_COMMITTER_NAME=B GIT_COMMITTER_EMAIL=b@c
git update-ref refs/heads/main $(git commit-tree -p main -m faster main^{tree})";

#[test]
fn a_lost_race_is_run_again_and_never_won_by_force() {
    let place = place();
    place.hook("pre-receive", RACE);
    let races = place.repository.bare().join("races");
    let url = place.url();
    std::fs::write(&races, "1\n2\n3\n").unwrap();
    let ran = place.set(&["--repo", &url, "--path", "apps/web", "-o", "json", "web:2"], &[]);
    assert_eq!((ran.code, ran.json()["attempts"].as_u64()), (0, Some(4)), "{ran:?}");
    assert_eq!(ran.err.matches("somebody else moved").count(), 3, "{ran:?}");
    assert_eq!(place.bare(&["log", "--format=%s", "main"]), "Set image web:2\nfaster\nfaster\nfaster\nfirst");

    std::fs::write(&races, "1\n".repeat(50)).unwrap();
    let ran = place.set(&["--repo", &url, "--path", "apps/web", "--retries", "2", "web:3"], &[]);
    assert!(ran.code == 8 && ran.err.contains("gave up after 3 attempts"), "{ran:?}");
    assert_eq!(place.bare(&["log", "-3", "--format=%s", "main"]), "faster\nfaster\nfaster");
    assert!(place.file("apps/web/all.yaml").contains("web:2"));
}

#[test]
fn who_was_faster_with_the_same_change_leaves_nothing_to_do() {
    let place = place();
    place.hook("pre-receive", &RACE.replace("main^{tree}", "$(git rev-parse theirs^{tree})"));
    place.repository.git(&["checkout", "-q", "-b", "theirs"]).unwrap();
    place.repository.commit(&[("apps/web/all.yaml", &deployment("web", "web:2"))], "theirs").unwrap();
    std::fs::write(place.repository.bare().join("races"), "1\n").unwrap();
    let ran = place
        .set(&["--repo", &place.url(), "--branch", "main", "--path", "apps/web", "-o", "json", "web:2"], &[]);
    assert_eq!((ran.code, ran.json()["outcome"].as_str()), (0, Some("unchanged")), "{ran:?}");
    assert_eq!(place.bare(&["log", "--format=%s", "main"]), "faster\nfirst");
}

#[test]
fn a_protected_branch_says_so_and_another_can_be_begun() {
    let place = place();
    place.hook(
        "update",
        "case $1 in refs/heads/main) echo 'main is protected: open a merge request'; exit 1;; esac",
    );
    let (url, before) = (place.url(), place.main());
    let ran = place.set(&["--repo", &url, "--path", "apps/web", "web:2"], &[]);
    assert!(ran.code == 4 && ran.err.contains("main is protected: open a merge request"), "{ran:?}");
    assert_eq!(ran.err.matches("attempt").count(), 0, "not tried again: {ran:?}");
    let arguments =
        ["--repo", &url, "--branch", "promote/web", "--from", "main", "--path", "apps/web", "web:2"];
    let ran = place.set(&arguments, &[]);
    assert!(ran.code == 0 && ran.out.contains("to promote/web of"), "{ran:?}");
    assert_eq!((place.main(), place.bare(&["rev-parse", "promote/web^"])), (before.clone(), before));
    let ran = place.set(&arguments, &[]);
    assert!(ran.code == 0 && ran.out.contains("nothing to change on promote/web"), "{ran:?}");
}

#[test]
fn credentials_come_from_the_url_or_the_environment_and_are_never_shown() {
    let place = Place::new("config", &texts(&files()), Some("s3cret"));
    let url = place.url();
    let in_url = url.replace("http://", "http://x-access-token:s3cret@");
    let wrong = url.replace("http://", "http://x-access-token:wr0ng@");
    let job =
        [("CI_JOB_TOKEN", "s3cret"), ("GIT_USERNAME", "x-access-token"), ("CI_SERVER_HOST", "127.0.0.1")];
    type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], i32);
    let rows: &[Row<'_>] = &[
        ("none", &url, &[], 4),
        ("wrong", &wrong, &[], 4),
        ("in the URL", &in_url, &[], 0),
        ("a token", &url, &[("GIT_TOKEN", "s3cret")], 0),
        ("a password", &url, &[("GIT_USERNAME", "x-access-token"), ("GIT_PASSWORD", "s3cret")], 0),
        ("the job's", &url, &job, 0),
        ("of another server", &url, &[("GITHUB_TOKEN", "s3cret")], 4),
        ("GitHub's", &url, &[("GITHUB_TOKEN", "s3cret"), ("GITHUB_SERVER_URL", "http://127.0.0.1")], 0),
    ];
    for (n, (row, url, environment, code)) in rows.iter().enumerate() {
        let image = format!("web:{}", n + 2);
        let ran = place.set(&["--repo", url, "--path", "apps/web", &image], environment);
        assert_eq!(ran.code, *code, "{row}: {ran:?}");
        let shown = format!("{ran:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("wr0ng"), "{row}: {shown}");
    }
}

#[test]
fn ssh_takes_a_key_and_known_hosts() {
    let Some(sshd) = Sshd::start().unwrap() else { return };
    let place = place();
    let url = sshd.url(&place.repository);
    let (key, hosts) = (place.home.path().join("key"), place.home.path().join(".ssh/known_hosts"));
    std::fs::write(&key, sshd.private_key().unwrap()).unwrap();
    let key = key.display().to_string();
    let arguments = ["--repo", &url, "--path", "apps/web", "--ssh-private-key-file", &key, "web:2"];
    let ran = place.set(&arguments, &[]);
    assert!(ran.code == 4 && ran.err.contains("--known-hosts-file"), "{ran:?}");
    let port = sshd.port().to_string();
    let scanned = place.run(
        {
            let mut scan = Command::new("ssh-keyscan");
            scan.args(["-p", &port, "127.0.0.1"]);
            scan
        },
        &[],
    );
    std::fs::create_dir_all(hosts.parent().unwrap()).unwrap();
    std::fs::write(&hosts, scanned.out).unwrap();
    let ran = place.set(&arguments, &[]);
    assert!(ran.code == 0 && place.file("apps/web/all.yaml").contains("web:2"), "{ran:?}");
    let wrong = place.home.path().join("wrong");
    std::fs::write(&wrong, sshd.wrong_private_key().unwrap()).unwrap();
    let wrong = wrong.display().to_string();
    let ran =
        place.set(&["--repo", &url, "--path", "apps/web", "--ssh-private-key-file", &wrong, "web:3"], &[]);
    assert_eq!(ran.code, 4, "{ran:?}");
}
