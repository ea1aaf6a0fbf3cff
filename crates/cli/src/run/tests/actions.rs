use super::*;

/// An application with a Deployment, a CronJob and a custom object, all live.
async fn bench() -> Bench {
    let bench = Bench::new().await;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    bench.post("/api/v1/namespaces", &namespace).await;
    let pod = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let deployment = |name: &str| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": pod}})
    };
    bench.post("/apis/apps/v1/namespaces/shop/deployments", &deployment("web")).await;
    bench.post("/apis/apps/v1/namespaces/shop/deployments", &deployment("api")).await;
    let mut job = json!({"spec": {"template": pod}});
    job["spec"]["template"]["spec"]["restartPolicy"] = json!("Never");
    let cron = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly", "namespace": "shop"},
        "spec": {"schedule": "0 1 * * *", "jobTemplate": job}});
    bench.post("/apis/batch/v1/namespaces/shop/cronjobs", &cron).await;
    bench
        .app("shop", |app| {
            let resource = |group: &str, kind: &str, name: &str| {
                json!({"group": group, "version": "v1", "kind": kind, "namespace": "shop", "name": name, "status": "Synced"})
            };
            app["status"]["resources"] = json!([
                resource("apps", "Deployment", "api"),
                resource("apps", "Deployment", "web"),
                resource("apps", "Deployment", "gone"),
                resource("batch", "CronJob", "nightly"),
                resource("away.example.com", "Widget", "w"),
            ]);
        })
        .await;
    bench
}

async fn object(bench: &Bench, path: &str, name: &str) -> Value {
    let request = Request::new(path).get(name, &kube::core::params::GetParams::default()).unwrap();
    bench.client.request::<Value>(request).await.unwrap()
}

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";

#[tokio::test]
async fn actions_are_listed_and_run() {
    let bench = bench().await;
    let done = bench.run("actions list shop --kind CronJob").await;
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert_eq!(
        done.out,
        "GROUP  KIND     NAME     ACTION      DISABLED\n\
         batch  CronJob  nightly  create-job  false\n\
         batch  CronJob  nightly  suspend     false\n"
    );
    let listed = bench.run("actions list shop --resource-name web -o json").await;
    let list: Value = serde_json::from_str(&listed.out).unwrap();
    assert_eq!(list.as_array().map(Vec::len), Some(4), "{list}");

    let done = bench.run("actions run shop restart").await;
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.err.contains("2 resources have the action restart"), "{}", done.err);
    let done = bench.run("actions run shop scale --resource-name web --param replicas=3").await;
    assert_eq!((done.code, done.out.as_str()), (0, "apps/Deployment/shop/web changed\n"), "{done:?}");
    assert_eq!(object(&bench, DEPLOYMENTS, "web").await["spec"]["replicas"], 3);
    assert_eq!(object(&bench, DEPLOYMENTS, "api").await["spec"]["replicas"], 1);
    let done = bench.run("actions run shop restart --all").await;
    assert_eq!(done.code, 0, "{done:?}");
    for name in ["web", "api"] {
        let annotations =
            &object(&bench, DEPLOYMENTS, name).await["spec"]["template"]["metadata"]["annotations"];
        assert!(annotations["kubectl.kubernetes.io/restartedAt"].is_string(), "{name}");
    }
    let done = bench.run("actions run shop create-job").await;
    assert!(done.code == 0 && done.out.contains("batch/Job/shop/nightly-"), "{done:?}");

    let done = bench.run("actions run shop explode").await;
    assert_eq!(done.code, 3, "{done:?}");
    let done = bench.run("actions run shop scale --resource-name web --param replicas").await;
    assert_eq!(done.code, 2, "{done:?}");
}

#[tokio::test]
async fn own_actions_come_from_the_settings() {
    let bench = bench().await;
    let own = "mergeBuiltinActions: true\ndiscovery.lua: return {pin = {}}\ndefinitions:\n- name: pin\n  action.lua: |\n    obj.metadata.labels = {pinned = 'yes'}\n    return obj\n";
    let broken = "discovery.lua: return obj.none.deep\n";
    let settings = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm", "namespace": "argocd"},
        "data": {"resource.customizations.actions.apps_Deployment": own, "resource.customizations.actions.batch_CronJob": broken}});
    bench.post("/api/v1/namespaces/argocd/configmaps", &settings).await;
    let done = bench.run("actions list shop").await;
    assert!(
        done.out.contains("pin") && done.out.contains("restart") && !done.out.contains("CronJob"),
        "{done:?}"
    );
    assert!(done.err.contains("attempt to index field 'none'"), "{}", done.err);
    let done = bench.run("actions run shop pin --resource-name api").await;
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(object(&bench, DEPLOYMENTS, "api").await["metadata"]["labels"]["pinned"], "yes");
}
