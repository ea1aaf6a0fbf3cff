//! The seeds' own forms, each run alone as it is written, with the real git: what they do, and what goes wrong in them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::places::{Place, REGISTRY, Ran, deployment, example, kustomize_files, texts, tool, write_program};
use crate::steps::{Step, filled, github, gitlab};

/// A directory in which a pipeline runs, and the programs that it finds there.
struct Runner<'a> {
    place: &'a Place,
    tools: &'a Path,
    work: tempfile::TempDir,
}

impl<'a> Runner<'a> {
    fn new(place: &'a Place, tools: &'a Path) -> Self {
        Self { place, tools, work: tempfile::tempdir().unwrap() }
    }

    /// What a checkout action leaves: a clone that may push.
    fn checkout(&self, name: &str) -> PathBuf {
        let directory = self.work.path().join(name);
        let mut clone = Command::new("git");
        clone.args(["clone", "-q", &self.place.url()]).arg(&directory);
        let ran = self.place.run(clone, &[]);
        assert_eq!(ran.code, 0, "{ran:?}");
        directory
    }

    /// Runs a text in the shell that pipelines have; `hooks` are git's, on the runner's side.
    fn bash(&self, directory: &Path, text: &str, hooks: &Path) -> Ran {
        let mut shell = Command::new("bash");
        shell.args(["-c", text]).current_dir(directory);
        self.run(shell, hooks)
    }

    fn run(&self, command: Command, hooks: &Path) -> Ran {
        // What is said to be at GitHub is on our server.
        let ours = format!("url.{}/.insteadOf", self.place.server.base_url());
        let hooks = hooks.display().to_string();
        let pairs = [
            (&*ours, "https://x-access-token:t0ken@github.com/org/"),
            (&*ours, "https://x-access-token:t0ken@github.com/your-org/"),
            ("core.hooksPath", &*hooks),
            ("user.name", "GitLab CI"),
            ("user.email", "ci@example.com"),
            ("init.defaultBranch", "main"),
        ];
        let numbered: Vec<(String, String, &str, &str)> = pairs
            .iter()
            .enumerate()
            .map(|(n, (key, value))| {
                (format!("GIT_CONFIG_KEY_{n}"), format!("GIT_CONFIG_VALUE_{n}"), *key, *value)
            })
            .collect();
        let count = pairs.len().to_string();
        let mut environment = vec![("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_COUNT", &*count)];
        for (key_name, value_name, key, value) in &numbered {
            environment.extend([(key_name.as_str(), *key), (value_name.as_str(), *value)]);
        }
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", self.tools.display());
        environment.push(("PATH", &path));
        self.place.run(command, &environment)
    }
}

/// The directory of a program of this machine.
fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).find(|directory| directory.join(program).is_file());
    if found.is_none() {
        println!("NOT RUN: a form needs {program}, which is not installed");
    }
    found
}

/// What a form does when it is run three times: first, again with the same image, and while somebody else pushes.
#[derive(Debug, PartialEq, Eq)]
struct Did {
    first: (bool, &'static str),
    again: bool,
    race: bool,
    theirs: bool,
}

/// Runs a form in its three situations. `run` gets a runner, a commit's id and a directory of hooks.
fn tried(place: &Place, tools: &Path, file: &str, run: impl Fn(&Runner<'_>, &str, &Path) -> Ran) -> Did {
    let none = place.home.path().join("no-hooks");
    std::fs::create_dir_all(&none).unwrap();
    let before = place.file(file);
    let first = run(&Runner::new(place, tools), "1a1a1a1", &none);
    let after = place.file(file);
    let did = match (after == before, after.contains("1a1a1a1")) {
        (true, _) => "nothing",
        (false, true) => "pushed",
        (false, false) => "something else",
    };
    let again = run(&Runner::new(place, tools), "1a1a1a1", &none);
    // Between the clone and the push, somebody pushes another file.
    let hooks = place.home.path().join("hooks");
    let push = format!(
        "unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_PREFIX; cd '{}' && git pull -q origin main && date +%N > other && git add other && git commit -q -n -m theirs && git push -q origin HEAD:main",
        place.repository.work().display()
    );
    write_program(
        &hooks.join("pre-commit"),
        &format!("git config --get x.y; {}", push.replace("git ", "git -c core.hooksPath=/dev/null ")),
    );
    let race = run(&Runner::new(place, tools), "2b2b2b2", &hooks);
    println!("{file}: {first:?}\n{again:?}\n{race:?}");
    Did {
        first: (first.code == 0, did),
        again: again.code == 0,
        race: race.code == 0 && place.file(file).contains("2b2b2b2"),
        theirs: place.bare(&["log", "--format=%s", "main"]).contains("theirs"),
    }
}

#[test]
fn seed_000_finds_no_image_in_a_kustomization_and_is_green() {
    let place = Place::new("config-repo", &texts(&kustomize_files()), None);
    let step = gitlab("as-written/000-gitlab-ci.yml", "update_config");
    let (url, tools) = (place.url(), place.home.path().to_owned());
    let did = tried(&place, &tools, "overlays/dev/kustomization.yaml", |runner, sha, hooks| {
        let script = step.script(&[("CONFIG_REPO", &url), ("CI_COMMIT_SHA", sha)]);
        runner.bash(runner.work.path(), &script, hooks)
    });
    // Nothing is deployed, and the job says that all is well. There is no race where nothing is pushed.
    assert_eq!(did, Did { first: (true, "nothing"), again: true, race: false, theirs: false });
    // The base has an `image:` that it would find, and the job does not look there.
    assert!(place.file("base/deployment.yaml").contains(&format!("image: {REGISTRY}/my-app:latest")));
}

#[test]
fn seed_001_edits_by_kustomize_and_fails_when_nothing_changes() {
    let kustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - deployment.yaml\nimages:\n  - name: reg.example/my-app\n    newTag: abc12345  # CI updates only this part\n";
    let deployment = deployment("my-app", "reg.example/my-app:1");
    let files =
        [("apps/my-app/kustomization.yaml", kustomization), ("apps/my-app/deployment.yaml", &*deployment)];
    let place = Place::new("k8s-manifests", &files, None);
    let Some(tools) = tool("kustomize", testkit::ensure_kustomize()) else { return };
    let did = tried(&place, &tools, "apps/my-app/kustomization.yaml", |runner, sha, hooks| {
        let known = [
            ("secrets.MANIFEST_REPO_TOKEN", "t0ken"),
            ("steps.login-ecr.outputs.registry", "reg.example"),
            ("steps.tag.outputs.IMAGE_TAG", sha),
        ];
        let step = github("as-written/001-github-ci.yml", "Update manifest repository", &known);
        runner.bash(runner.work.path(), &step.script(&[]), hooks)
    });
    assert_eq!(did, Did { first: (true, "pushed"), again: false, race: false, theirs: true });
    assert!(
        !place.file("apps/my-app/kustomization.yaml").contains("CI updates only this part"),
        "its comment is lost"
    );
}

const VALUES: &str = "# values of staging\nimage:\n  repository: my-app\n\n  tag: \"1\" # by CI\n";

#[test]
fn seed_002_edits_by_yq_and_fails_when_nothing_changes() {
    let file = "apps/my-app/overlays/staging/values.yaml";
    let place = Place::new("k8s-configs", &[(file, VALUES)], None);
    let Some(tools) = tool("yq", testkit::ensure_yq()) else { return };
    let did = tried(&place, &tools, file, |runner, sha, hooks| {
        runner.checkout("k8s-configs");
        let step = github("as-written/002-github-deploy.yml", "Update image tag", &[("github.sha", sha)]);
        runner.bash(runner.work.path(), &step.script(&[]), hooks)
    });
    assert_eq!(did, Did { first: (true, "pushed"), again: false, race: false, theirs: true });
    assert!(!place.file(file).contains("my-app\n\n"), "its empty line is lost");
}

#[test]
fn seed_003_edits_by_sed_and_fails_when_nothing_changes() {
    let file = "apps/my-app/deployment.yaml";
    let place = Place::new("gitops-repo", &[(file, &deployment("my-app", "reg.example/my-app:1"))], None);
    let Some(tools) = installed("node") else { return };
    let did = tried(&place, &tools, file, |runner, sha, hooks| {
        let known = [
            ("secrets.GITOPS_PAT", "t0ken"),
            ("steps.login-ecr.outputs.registry", "reg.example"),
            ("github.sha", sha),
        ];
        let Step { text, .. } =
            github("as-written/003-github-ci.yml", "Update image tag in gitops-repo", &known);
        let mut node = Command::new("node");
        node.args(["-e", &text]).current_dir(runner.work.path());
        runner.run(node, hooks)
    });
    assert_eq!(did, Did { first: (true, "pushed"), again: false, race: false, theirs: true });
    assert!(!place.file(file).contains("# by CI"), "what stands behind the image is lost");
}

#[test]
fn seed_004_edits_by_yq_and_fails_when_nothing_changes() {
    let file = "apps/api/values-prod.yaml";
    let place = Place::new("k8s-configs", &[(file, VALUES)], None);
    let Some(tools) = tool("yq", testkit::ensure_yq()) else { return };
    let did = tried(&place, &tools, file, |runner, sha, hooks| {
        let known = BTreeMap::from([("github.sha".to_owned(), sha.to_owned())]);
        let text = format!("set -e\n{}", filled(&example("as-written/004-ci.sh"), &known));
        let directory = runner.checkout("k8s-configs");
        runner.bash(&directory, &text, hooks)
    });
    assert_eq!(did, Did { first: (true, "pushed"), again: false, race: false, theirs: true });
}
