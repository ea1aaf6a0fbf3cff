//! The pipelines of `examples/ci`, run as they stand there.

use std::process::Command;

use crate::places::{Place, REGISTRY, Ran, deployment, example, kustomize_files, texts, tool};
use crate::steps::{Step, github, gitlab};

fn run(place: &Place, step: &Step, over: &[(&str, &str)]) -> Ran {
    let mut shell = Command::new("bash");
    shell.args(["-c", &step.script(over)]);
    place.run(shell, &[])
}

#[test]
fn gitlab_sets_dev_and_promotes_to_prod() {
    let place = Place::new("config-repo", &texts(&kustomize_files()), Some("t0ken"));
    let url = place.url();
    let over = [
        ("CONFIG_REPO", url.as_str()),
        ("CONFIG_REPO_TOKEN", "t0ken"),
        ("CI_COMMIT_SHA", "0123abc"),
        ("CI_JOB_URL", "https://gitlab.example/jobs/7"),
    ];
    let files = ["overlays/dev/kustomization.yaml", "overlays/prod/kustomization.yaml"];
    let entry = format!("images:\n- name: {REGISTRY}/my-app\n  newTag: 0123abc");
    let has = || files.map(|file| place.file(file).contains(&entry));
    let ran = run(&place, &gitlab("gitlab-ci.yml", "update_config"), &over);
    assert_eq!((ran.code, has()), (0, [true, false]), "{ran:?}");
    assert!(
        place.file(files[0]).contains("- ../../base # ours\n\npatchesJson6902:"),
        "the rest is as it was"
    );
    let ran = run(&place, &gitlab("gitlab-ci.yml", "promote"), &over);
    assert_eq!((ran.code, has()), (0, [true, true]), "{ran:?}");
    assert_eq!(
        place.bare(&["log", "-2", "--format=%s by %an, %(trailers:key=Job,valueonly,separator=)", "main"]),
        "Promote my-app 0123abc to prod by GitLab CI, https://gitlab.example/jobs/7\n\
         Update my-app image to 0123abc by GitLab CI, https://gitlab.example/jobs/7"
    );
    let ran = run(&place, &gitlab("gitlab-ci.yml", "update_config"), &over);
    assert!(ran.code == 0 && ran.out.contains("nothing to change") && place.commits() == 3, "{ran:?}");
    // The real kustomize builds of it what was asked for.
    let Some(tools) = tool("kustomize", testkit::ensure_kustomize()) else { return };
    place.repository.git(&["pull", "-q", "origin", "main"]).unwrap();
    for overlay in ["overlays/dev", "overlays/prod"] {
        let mut build = Command::new(tools.join("kustomize"));
        build.args(["build", overlay]).current_dir(place.repository.work());
        let ran = place.run(build, &[]);
        assert!(ran.out.contains(&format!("image: {REGISTRY}/my-app:0123abc\n")), "{overlay}: {ran:?}");
    }
}

#[test]
fn github_writes_kustomizations_values_and_manifests() {
    let mut files = kustomize_files();
    let registry = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com";
    let tag = "image:\n  repository: my-app\n  tag: \"1\"\n";
    files.extend([
        ("apps/my-app/deployment.yaml", deployment("my-app", &format!("{registry}/my-app:1"))),
        ("apps/my-app/overlays/staging/values.yaml", tag.to_owned()),
        ("apps/my-app/overlays/prod/values.yaml", tag.to_owned()),
        ("apps/api/values.yaml", tag.to_owned()),
        ("apps/api/values-prod.yaml", tag.to_owned()),
    ]);
    let place = Place::new("gitops-repo", &texts(&files), Some("t0ken"));
    let url = place.url();
    let over = [("MANIFEST_REPO", url.as_str()), ("GITOPS_REPO", &url), ("GITHUB_SHA", "0123abc")];
    let known = [
        ("secrets.MANIFEST_REPO_TOKEN", "t0ken"),
        ("secrets.GITOPS_PAT", "t0ken"),
        ("steps.login-ecr.outputs.registry", registry),
        ("github.sha", "0123abc"),
    ];
    let shell = |name: &str| Step {
        text: example(name),
        ..github("github-values.yml", "Update the tag in staging", &known)
    };
    let on_main = "main";
    for (step, branch, file, expected) in [
        (
            github("github-manifests.yml", "Update the image in gitops-repo", &known),
            on_main,
            "apps/my-app/deployment.yaml",
            "my-app:0123abc # by CI",
        ),
        (
            github("github-values.yml", "Update the tag in staging", &known),
            on_main,
            "apps/my-app/overlays/staging/values.yaml",
            "tag: \"0123abc\"",
        ),
        (
            github("github-values.yml", "Propose it for production", &known),
            "promote/my-app",
            "apps/my-app/overlays/prod/values.yaml",
            "tag: \"0123abc\"",
        ),
        (shell("values-file.sh"), on_main, "apps/api/values-prod.yaml", "tag: \"0123abc\""),
    ] {
        let ran = run(&place, &step, &over);
        let text = place.bare(&["show", &format!("{branch}:{file}")]);
        assert!(ran.code == 0 && text.contains(expected), "{file}: {ran:?}\n{text}");
    }
    assert_eq!(place.file("apps/api/values.yaml"), tag.trim(), "of another environment");
    assert_eq!(place.file("apps/my-app/overlays/prod/values.yaml"), tag.trim(), "not before somebody agrees");
    // With a kustomization beside it, that is what is written.
    let kustomization = format!(
        "resources: [deployment.yaml]\nimages:\n- name: {registry}/my-app\n  newTag: abc12345 # CI updates only this part\n"
    );
    place.repository.git(&["pull", "-q", "origin", "main"]).unwrap();
    place.repository.commit(&[("apps/my-app/kustomization.yaml", &kustomization)], "kustomize").unwrap();
    let ran = run(
        &place,
        &github("github-kustomization.yml", "Update the manifest repository", &known),
        &[over[0], ("GITHUB_SHA", "0123abc")],
    );
    let text = place.file("apps/my-app/kustomization.yaml");
    assert!(ran.code == 0 && text.contains("newTag: 0123abc # CI updates only this part"), "{ran:?}\n{text}");
}

#[test]
fn of_ten_pipelines_at_once_none_is_lost() {
    let apps: Vec<String> = (0..10).map(|n| format!("app-{n}")).collect();
    let mut files = kustomize_files();
    let manifests: Vec<(String, String)> = apps
        .iter()
        .map(|app| (format!("base/{app}.yaml"), deployment(app, &format!("{REGISTRY}/{app}:latest"))))
        .collect();
    files.extend(manifests.iter().map(|(path, text)| (path.as_str(), text.clone())));
    let resources: String = apps.iter().map(|app| format!("- {app}.yaml\n")).collect();
    let base = format!("resources:\n{resources}");
    files.retain(|(path, _)| *path != "base/kustomization.yaml");
    files.push(("base/kustomization.yaml", base));
    let place = Place::new("config-repo", &texts(&files), Some("t0ken"));
    let url = place.url();
    let step = gitlab("gitlab-ci.yml", "update_config");
    let sha = "1a1a1a1";
    let before = place.commits();
    let ran: Vec<Ran> = std::thread::scope(|scope| {
        let started: Vec<_> = apps
            .iter()
            .map(|app| {
                let (place, step, url) = (&place, &step, &url);
                scope.spawn(move || {
                    let over = [
                        ("APP_NAME", app.as_str()),
                        ("CONFIG_REPO", url),
                        ("CONFIG_REPO_TOKEN", "t0ken"),
                        ("CI_COMMIT_SHA", sha),
                        ("CI_JOB_URL", "https://gitlab.example/jobs/7"),
                    ];
                    run(place, step, &over)
                })
            })
            .collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(ran.iter().all(|ran| ran.code == 0), "{ran:?}");
    let text = place.file("overlays/dev/kustomization.yaml");
    for app in &apps {
        let entry = format!("- name: {REGISTRY}/{app}\n  newTag: {sha}");
        assert_eq!(text.matches(&entry).count(), 1, "{app} at {sha}:\n{text}");
    }
    assert_eq!(place.commits() - before, apps.len(), "a commit each, in one line");
    assert_eq!(place.bare(&["rev-list", "--merges", "--count", "main"]), "0");
    place.bare(&["fsck", "--strict"]);
}
