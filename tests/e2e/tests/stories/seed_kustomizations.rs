//! The users' own kustomizations, as they were published but for the address of the repository and the indentation that one of them
//! had lost on its way.

use e2e::{World, conditions};
use serde_json::{Value, json};

use crate::manifests::deployment_path;

/// Seed 000: the base.
pub(crate) const BASE_DEPLOYMENT: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: my-app
spec:
  replicas: 3
  selector:
    matchLabels:
      app: my-app
  template:
    metadata:
      labels:
        app: my-app
    spec:
      containers:
      - name: my-app
        image: 123456789.dkr.ecr.us-east-1.amazonaws.com/my-app:latest
        ports:
        - containerPort: 8080
        resources:
          requests:
            memory: "256Mi"
            cpu: "250m"
          limits:
            memory: "512Mi"
            cpu: "500m"
"#;
pub(crate) const BASE_SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata:
  name: my-app
spec:
  selector:
    app: my-app
  ports:
  - protocol: TCP
    port: 80
    targetPort: 8080
  type: ClusterIP
";
pub(crate) const BASE: &str = "\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- deployment.yaml
- service.yaml
commonLabels:
  managed-by: argocd
";
/// Seed 000: production.
const PROD: &str = r#"apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
bases:
- ../../base
patchesJson6902:
- target:
    group: apps
    version: v1
    kind: Deployment
    name: my-app
  patch: |-
    - op: replace
      path: /spec/replicas
      value: 5
    - op: replace
      path: /spec/template/spec/containers/0/resources/requests/memory
      value: "512Mi"
    - op: replace
      path: /spec/template/spec/containers/0/resources/requests/cpu
      value: "500m"
    - op: replace
      path: /spec/template/spec/containers/0/resources/limits/memory
      value: "1Gi"
    - op: replace
      path: /spec/template/spec/containers/0/resources/limits/cpu
      value: "1000m"
"#;
const APPLICATION: &str = r#"apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: my-app
  namespace: argocd
spec:
  project: default
  source:
    repoURL: https://gitlab.com/mycompany/config-repo.git
    targetRevision: main
    path: overlays/prod
    kustomize:
      version: v5.0.0
  destination:
    server: https://kubernetes.default.svc
    namespace: default
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
    syncOptions:
    - CreateNamespace=true
    notification:
      webhook:
      - name: slack
        url: "https://hooks.slack.com/services/YOUR/WEBHOOK/URL"
"#;
/// Seed 000: the project, and the application in it.
const PROJECT: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata:
  name: production
  namespace: argocd
spec:
  description: Production workloads
  sourceRepos:
  - 'https://gitlab.com/mycompany/config-repo.git'
  destinations:
  - namespace: 'production'
    server: 'https://kubernetes.default.svc'
  - namespace: 'kube-system'
    server: 'https://kubernetes.default.svc'
  clusterResourceWhitelist:
  - group: ''
    kind: Namespace
  - group: ''
    kind: ResourceQuota
  namespaceResourceBlacklist:
  - group: ''
    kind: ResourceQuota
  - group: ''
    kind: LimitRange
";
const IN_PROJECT: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: my-app
  namespace: argocd
spec:
  project: production
  source:
    repoURL: https://gitlab.com/mycompany/config-repo.git
    targetRevision: main
    path: overlays/prod
    kustomize:
      version: v5.0.0
  destination:
    server: https://kubernetes.default.svc
    namespace: production
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
";

/// Seed 001: an image tag that a pipeline changes.
const TAGGED: &str = "\
# apps/my-app/kustomization.yaml
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - deployment.yaml
  - service.yaml
images:
  - name: 123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/my-app
    newTag: abc12345  # CI updates only this part
";

/// A manifest with the world's repository in it.
fn read(world: &World, manifest: &str) -> Value {
    let here =
        manifest.replace("https://gitlab.com/mycompany/config-repo.git", &world.git.url(&world.repository));
    goyaml::parse_one(here.as_bytes(), &goyaml::Limits::default()).unwrap()
}

fn container(live: &Value) -> &Value {
    &live["spec"]["template"]["spec"]["containers"][0]
}

pub(crate) async fn until_image(world: &World, namespace: &str, name: &str, image: &str) {
    let runs = |live: Option<&Value>| live.is_some_and(|live| container(live)["image"] == image);
    world.until(&deployment_path(namespace, name), &format!("runs {image}"), runs).await;
}

pub(crate) async fn base_and_overlays_sync_as_published(world: &mut World) {
    let production = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "production"}});
    world.api.apply(&production).await.unwrap();
    world
        .push(&[
            ("base/deployment.yaml", BASE_DEPLOYMENT),
            ("base/service.yaml", BASE_SERVICE),
            ("base/kustomization.yaml", BASE),
            ("overlays/prod/kustomization.yaml", PROD),
        ])
        .unwrap();
    world.api.apply(&read(world, PROJECT)).await.unwrap();
    for (manifest, namespace) in [(APPLICATION, "default"), (IN_PROJECT, "production")] {
        world.api.apply(&read(world, manifest)).await.unwrap();
        let path = deployment_path(namespace, "my-app");
        world.until(&path, "is there", |o| o.is_some()).await;
        let app = world.until_good("my-app").await;
        assert_eq!(app["status"]["sourceType"], "Kustomize");
        assert_eq!(
            app["status"]["summary"]["images"],
            json!(["123456789.dkr.ecr.us-east-1.amazonaws.com/my-app:latest"])
        );
        let live = world.api.get(&path).await.unwrap().unwrap();
        assert_eq!(live["spec"]["replicas"], 5);
        assert_eq!(live["spec"]["selector"]["matchLabels"], json!({"app": "my-app", "managed-by": "argocd"}));
        let resources = &container(&live)["resources"];
        assert_eq!(resources["limits"], json!({"cpu": "1", "memory": "1Gi"}), "{namespace}");
        let said = conditions(&app);
        let unregistered = "LintWarning: kustomize version v5.0.0 is not registered";
        assert!(said.iter().any(|said| said.starts_with(unregistered)), "{said:?}");
        assert!(said.iter().all(|said| said.starts_with("LintWarning")), "{said:?}");
    }
    world.leave(&["my-app"]).await.unwrap();
}

/// Seeds 001 and 003: what was tried in dev goes to production by a commit.
pub(crate) async fn a_version_is_promoted_from_dev_to_production(world: &mut World) {
    let image = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/my-app";
    let deployment =
        BASE_DEPLOYMENT.replace("123456789.dkr.ecr.us-east-1.amazonaws.com/my-app:latest", image);
    let overlay = |environment: &str, tag: &str, replicas: u32| {
        format!(
            "resources: [../../base]\nnamespace: my-app-{environment}\nimages:\n- name: {image}\n  newTag: {tag}\n\
             replicas:\n- {{name: my-app, count: {replicas}}}\n"
        )
    };
    let (dev, prod) =
        ("apps/my-app/overlays/dev/kustomization.yaml", "apps/my-app/overlays/production/kustomization.yaml");
    world
        .push(&[
            ("apps/my-app/base/deployment.yaml", &deployment),
            ("apps/my-app/base/service.yaml", BASE_SERVICE),
            ("apps/my-app/base/kustomization.yaml", TAGGED),
            (dev, &overlay("dev", "v1", 1)),
            (prod, &overlay("production", "v1", 3)),
        ])
        .unwrap();
    for environment in ["dev", "production"] {
        let (path, namespace) =
            (format!("apps/my-app/overlays/{environment}"), format!("my-app-{environment}"));
        let app = world.application(&format!("my-app-{environment}"), &path, &namespace);
        world.api.apply(&app).await.unwrap();
        world.until_good(&format!("my-app-{environment}")).await;
        // The overlay's tag wins over that of the base.
        until_image(world, &namespace, "my-app", &format!("{image}:v1")).await;
    }
    let tried = world.push(&[(dev, &overlay("dev", "v2", 1))]).unwrap();
    world.until_good_at("my-app-dev", &tried).await;
    until_image(world, "my-app-dev", "my-app", &format!("{image}:v2")).await;
    let production = world.app("my-app-production").await.unwrap();
    assert_ne!(production["status"]["sync"]["revision"], tried, "production is not concerned");
    until_image(world, "my-app-production", "my-app", &format!("{image}:v1")).await;
    let promoted = world.push(&[(prod, &overlay("production", "v2", 3))]).unwrap();
    let app = world.until_good_at("my-app-production", &promoted).await;
    assert_eq!(app["status"]["summary"]["images"], json!([format!("{image}:v2")]));
    until_image(world, "my-app-production", "my-app", &format!("{image}:v2")).await;
    world.leave(&["my-app-dev", "my-app-production"]).await.unwrap();
}

mod tests {
    crate::on_kubesim!(base_and_overlays_sync_as_published, a_version_is_promoted_from_dev_to_production);
}
