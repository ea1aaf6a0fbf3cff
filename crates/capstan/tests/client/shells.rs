//! Completion in the shells themselves: each reads what `capstan completion` prints, and is asked what a line may become.

use std::path::Path;
use std::process::Command;

use e2e::Api;
use kubesim::KubeSim;
use serde_json::json;

/// How a shell is asked: its name, and a script in which CURRENT counts the words of LINE, the last of which is being typed. fish alone has a
/// command for that; for the others the function is called as their own completion calls it.
const SHELLS: [(&str, &str); 3] = [
    (
        "bash",
        "source <(PROGRAM completion bash)
complete -p PROGRAM >/dev/null
COMP_WORDS=(LINE); COMP_CWORD=$((CURRENT - 1)); _PROGRAM
printf '%s\\n' \"${COMPREPLY[@]}\"",
    ),
    (
        "zsh",
        "autoload -Uz compinit; compinit -u -D
source <(PROGRAM completion zsh)
[[ $_comps[PROGRAM] == _PROGRAM ]] || exit 3
compadd() { [[ $1 == -- ]] && shift; print -l -- $@ }
_files() { print FILES }
words=(LINE); CURRENT=COUNT; _PROGRAM",
    ),
    ("fish", "PROGRAM completion fish | source; complete -C 'TYPED'"),
];

/// What somebody is offered who presses the key, in order.
fn offered(home: &Path, shell: &str, script: &str, program: &str, typed: &str) -> Option<Vec<String>> {
    let words: Vec<String> = typed.split(' ').map(|word| format!("'{word}'")).collect();
    let script = script
        .replace("PROGRAM", program)
        .replace("LINE", &words.join(" "))
        .replace("COUNT", &words.len().to_string())
        .replace("TYPED", typed);
    let path = format!("{}:/usr/bin:/bin", home.display());
    let mut command = Command::new(shell);
    command.args(if shell == "zsh" { &["-f", "-c"][..] } else { &["-c"] }).arg(script);
    command.env_clear().env("HOME", home).env("PATH", path).env("CURRENT", words.len().to_string());
    command.env("KUBECONFIG", home.join("kubeconfig")).current_dir(home);
    let output = match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("NOT RUN: completion in {shell}: it is not installed");
            return None;
        }
        output => output.unwrap(),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shell}: {typed}: {said}");
    let text = String::from_utf8(output.stdout).unwrap();
    // fish tells what a word is behind a tab.
    let mut words: Vec<String> =
        text.lines().filter_map(|line| line.split('\t').next()).map(str::to_owned).collect();
    words.retain(|word| !word.is_empty());
    words.sort_unstable();
    Some(words)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shells_are_told_words_flags_and_names() {
    let sim = KubeSim::new(kubesim::Options::default());
    let api = Api::new(sim.client());
    for manifest in ::api::install_manifests("argocd") {
        api.apply(&manifest).await.unwrap();
    }
    for name in ["guestbook", "guest-list", "shop"] {
        let app = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": name, "namespace": "argocd"},
            "spec": {"project": "default", "destination": {"namespace": "x"}, "source": {"repoURL": "https://git.example/a", "path": "a"}},
        });
        api.apply(&app).await.unwrap();
    }
    let serving = sim.serve_https(([127, 0, 0, 1], 0).into()).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("kubeconfig"), serving.kubeconfig()).unwrap();
    for program in ["capstan", "argocd"] {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_capstan"), home.path().join(program)).unwrap();
    }
    let rows: [(&str, &[&str]); 7] = [
        ("capstan app get ", &["guest-list", "guestbook", "shop"]),
        ("capstan app get guest", &["guest-list", "guestbook"]),
        ("argocd app sync shop gu", &["guest-list", "guestbook"]),
        ("capstan app get", &["get", "get-resource"]),
        ("capstan proj role create-t", &["create-token"]),
        ("argocd app get shop --ref", &["--refresh"]),
        ("capstan app get shop --output t", &["tree", "tree=detailed"]),
    ];
    for (shell, script) in SHELLS {
        for (typed, expected) in rows {
            let program = typed.split(' ').next().unwrap().to_owned();
            let (home, typed) = (home.path().to_owned(), typed.to_owned());
            let asked = tokio::task::spawn_blocking({
                let typed = typed.clone();
                move || offered(&home, shell, script, &program, &typed)
            });
            let Some(offered) = asked.await.unwrap() else { break };
            assert_eq!(offered, expected, "{shell}: {typed:?}");
        }
    }
    serving.shutdown().await;
}
