//! A real Prometheus scrapes us, and the alert that users have already written fires.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use testkit::Child;

use crate::until;

/// The alert of an article that our users have, word by word.
const RULE: &str = r#"
  - alert: ArgocdAppOutOfSync
    expr: argocd_app_info{sync_status!="Synced"} > 0
    for: 5m
    labels:
      severity: warning
    annotations:
      summary: "ArgoCD app {{ $labels.name }} is out of sync"
"#;

fn program(name: &str) -> Option<PathBuf> {
    let found = ["/usr/bin", "/usr/local/bin"].map(|folder| Path::new(folder).join(name));
    let found = found.into_iter().find(|path| path.exists());
    if found.is_none() {
        eprintln!("NOT RUN: {name} is not installed");
    }
    found
}

fn group(rule: &str) -> String {
    format!("groups:\n- name: seeds\n  rules:{rule}")
}

async fn page(url: &str) -> Option<String> {
    reqwest::get(url).await.ok()?.text().await.ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_alert_of_the_seeds_fires() {
    let (Some(prometheus), Some(promtool)) = (program("prometheus"), program("promtool")) else { return };
    let home = tempfile::tempdir().unwrap();
    let kubeconfig = home.path().join("kubeconfig");
    let arguments = ["up", "--demo", "--port", "0", "--metrics-addr", "127.0.0.1:0", "--kubeconfig-out"];
    let mut arguments: Vec<String> = arguments.map(str::to_owned).into();
    arguments.push(kubeconfig.display().to_string());
    let capstan =
        Child::start("capstan", Path::new(env!("CARGO_BIN_EXE_capstan")), &arguments, home.path()).unwrap();
    let printed = |what: &'static str| {
        let text = capstan.log_tail();
        text.lines()
            .find(|line| line.contains(what))?
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .map(str::to_owned)
    };
    let metrics = until("the playground", async || printed("/metrics")).await;
    let repository = until("its repository", async || printed("git server")).await;

    // One application that nobody syncs.
    let config = Kubeconfig::read_from(&kubeconfig).unwrap();
    let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
    let api = e2e::Api::new(kube::Client::try_from(config).unwrap());
    let app = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "idle", "namespace": "argocd"},
        "spec": {
            "project": "default", "source": {"repoURL": repository, "path": "apps/my-app"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "idle"},
        },
    });
    api.apply(&app).await.unwrap();
    let is_idle = |line: &&str| {
        line.starts_with("argocd_app_info{") && line.contains("name=\"idle\"") && line.contains("OutOfSync")
    };
    let text = until("its metrics", async || {
        page(&metrics).await.filter(|text| text.lines().any(|line| is_idle(&line)))
    });
    let text = text.await;

    // What is told is what Prometheus' own tool takes.
    let told = home.path().join("metrics.txt");
    std::fs::write(&told, &text).unwrap();
    let checked = Command::new(&promtool)
        .args(["check", "metrics"])
        .stdin(std::fs::File::open(&told).unwrap())
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(!complaints.contains("error while linting"), "{complaints}");
    for name in [
        "argocd_cluster_info",
        "argocd_git_request_total",
        "argocd_app_reconcile_bucket",
        "process_cpu_seconds_total",
        "process_start_time_seconds",
        "workqueue_depth",
        "argocd_cluster_api_resources",
    ] {
        assert!(
            text.contains(&format!("\n{name}{{")) || text.contains(&format!("\n{name} ")),
            "{name} is missing"
        );
    }

    // The rule as it is written, over time, by promtool.
    let sample = text.lines().find(is_idle).unwrap().trim_end_matches(" 1");
    std::fs::write(home.path().join("rule.yml"), group(RULE)).unwrap();
    let labels: Vec<&str> = sample
        .trim_start_matches("argocd_app_info{")
        .trim_end_matches('}')
        .split(',')
        .filter(|label| !label.ends_with("\"\""))
        .collect();
    let labels: String =
        labels.iter().map(|label| format!("          {}\n", label.replacen('=', ": ", 1))).collect();
    let test = format!(
        "rule_files: [rule.yml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n  - series: '{sample}'\n    values: 1+0x10\n  alert_rule_test:\n\
         \x20 - {{eval_time: 4m, alertname: ArgocdAppOutOfSync}}\n  - eval_time: 6m\n    alertname: ArgocdAppOutOfSync\n    exp_alerts:\n    - exp_labels:\n          severity: warning\n{labels}      exp_annotations: {{summary: ArgoCD app idle is out of sync}}\n"
    );
    std::fs::write(home.path().join("test.yml"), &test).unwrap();
    let tested = Command::new(&promtool)
        .args(["test", "rules", "test.yml"])
        .current_dir(home.path())
        .output()
        .unwrap();
    assert!(tested.status.success(), "{test}\n{}", String::from_utf8_lossy(&tested.stderr));

    // And live, with a shorter wait.
    let quick = "scrape_interval: 200ms\n  scrape_timeout: 200ms\n  evaluation_interval: 200ms";
    let target = metrics.trim_start_matches("http://").trim_end_matches("/metrics");
    let config = format!(
        "global:\n  {quick}\nrule_files: [live.yml]\nscrape_configs:\n- job_name: argocd\n  static_configs:\n  - targets: ['{target}']\n"
    );
    std::fs::write(home.path().join("prometheus.yml"), config).unwrap();
    std::fs::write(home.path().join("live.yml"), group(&RULE.replace("5m", "1s"))).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let flags = [
        format!("--config.file={}", home.path().join("prometheus.yml").display()),
        format!("--storage.tsdb.path={}", home.path().join("tsdb").display()),
        format!("--web.listen-address={free}"),
    ];
    let _prometheus = Child::start("prometheus", &prometheus, &flags, home.path()).unwrap();
    let alerts = format!("http://{free}/api/v1/alerts");
    let fired = until("the alert", async || {
        let answer: Value = serde_json::from_str(&page(&alerts).await?).ok()?;
        let alerts = answer["data"]["alerts"].as_array()?.clone();
        alerts.into_iter().find(|alert| alert["state"] == "firing" && alert["labels"]["name"] == "idle")
    });
    let fired = fired.await;
    assert_eq!(fired["annotations"]["summary"], "ArgoCD app idle is out of sync");
    assert_eq!(fired["labels"]["name"], "idle");
}
