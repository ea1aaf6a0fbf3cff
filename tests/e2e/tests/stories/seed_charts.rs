//! The users' own Applications of Helm charts, as they were published but for the address of the repository.

use std::path::Path;

use api::Application;
use applications::What;
use e2e::{PATIENCE, World, conditions, is_good};
use serde_json::{Value, json};
use testkit::{ChartRepository, WebTls, chart_archive, eventually_some};

use crate::charts::allow_http;
use crate::manifests::deployment_path;

/// Seed 001: a chart of a repository.
const NGINX: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: nginx-ingress
  namespace: argocd
spec:
  project: default
  source:
    chart: ingress-nginx
    repoURL: https://kubernetes.github.io/ingress-nginx
    targetRevision: 4.11.3
    helm:
      values: |
        controller:
          replicaCount: 2
          resources:
            requests:
              cpu: 100m
              memory: 128Mi
  destination:
    server: https://kubernetes.default.svc
    namespace: ingress-nginx
  syncPolicy:
    syncOptions:
      - CreateNamespace=true
";

/// Seed 001: a chart in git.
const MY_APP: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: my-app
  namespace: argocd
spec:
  project: default
  source:
    repoURL: https://github.com/your-org/k8s-manifests.git
    targetRevision: main
    path: charts/my-app
    helm:
      valueFiles:
        - values-prod.yaml
  destination:
    server: https://kubernetes.default.svc
    namespace: default
";
/// Seed 001: the same chart with a parameter over its files.
const MY_APP_PROD: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: my-app-prod
  namespace: argocd
spec:
  project: default
  source:
    repoURL: https://github.com/your-org/k8s-manifests.git
    targetRevision: main
    path: charts/my-app
    helm:
      valueFiles:
        - values.yaml
        - values-prod.yaml
      # You can also override individual parameters
      parameters:
        - name: image.tag
          value: v1.2.4
  destination:
    server: https://kubernetes.default.svc
    namespace: production
";
/// Seed 001: what its ApplicationSet makes for each environment.
const OF_ENVIRONMENT: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: \"my-app-{{ .env }}\"
  namespace: argocd
spec:
  project: default
  source:
    repoURL: https://github.com/your-org/k8s-manifests.git
    targetRevision: main
    path: charts/my-app
    helm:
      valueFiles:
        - \"{{ .values_file }}\"
  destination:
    server: \"{{ .cluster }}\"
    namespace: \"{{ .namespace }}\"
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
    syncOptions:
      - CreateNamespace=true
";
/// Seed 001: the values of the chart.
const VALUES: &str = "\
# values.yaml (defaults)
replicaCount: 1
image:
  repository: 123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/my-app
  tag: latest
resources:
  requests:
    cpu: 100m
    memory: 128Mi
  limits:
    cpu: 200m
    memory: 256Mi
ingress:
  enabled: false
";
const VALUES_DEV: &str = "\
# values-dev.yaml
replicaCount: 1
image:
  tag: dev-latest
resources:
  requests:
    cpu: 50m
    memory: 64Mi
  limits:
    cpu: 100m
    memory: 128Mi
";
const VALUES_STAGING: &str = "\
# values-staging.yaml
replicaCount: 2
image:
  tag: staging-latest
ingress:
  enabled: true
  host: staging.example.com
";
const VALUES_PROD: &str = "\
# values-prod.yaml
replicaCount: 3
image:
  tag: v1.2.3
resources:
  requests:
    cpu: 500m
    memory: 512Mi
  limits:
    cpu: \"1\"
    memory: 1Gi
ingress:
  enabled: true
  host: app.example.com
";

/// Templates for those values; the seed names the files only.
const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels: &labels
    app: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicaCount }}
  selector:
    matchLabels: *labels
  template:
    metadata:
      labels: *labels
    spec:
      containers:
        - name: {{ .Chart.Name }}
          image: \"{{ .Values.image.repository }}:{{ .Values.image.tag }}\"
          {{- with .Values.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
";
const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
spec:
  selector:
    app: {{ .Release.Name }}
  ports:
    - port: 80
      targetPort: 8080
";
const INGRESS: &str = "\
{{- if .Values.ingress.enabled }}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ .Release.Name }}
spec:
  rules:
    - host: {{ .Values.ingress.host }}
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: {{ .Release.Name }}
                port:
                  number: 80
{{- end }}
";

/// Seed 004: a chart with values for production, its replicas left to an autoscaler.
const API: &str = "\
# argocd/apps/api.yaml
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: api
  namespace: argocd
spec:
  project: default
  source:
    repoURL: https://github.com/your-org/k8s-config
    targetRevision: HEAD
    path: apps/api
    helm:
      valueFiles:
        - values.yaml
        - values-prod.yaml
  destination:
    server: https://kubernetes.default.svc
    namespace: production
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
    syncOptions:
      - CreateNamespace=true
    retry:
      limit: 3
      backoff:
        duration: 5s
        maxDuration: 3m
        factor: 2
  ignoreDifferences:
    - group: apps
      kind: Deployment
      jsonPointers:
        - /spec/replicas # ignore HPA-managed replica counts
";

/// Seed 001: the values that Argo CD is installed with.
const ARGOCD_VALUES: &str = r#"# argocd-values.yaml
server:
  # Enable insecure mode since we will expose via Ingress
  # (TLS termination is handled at the ALB)
  extraArgs:
    - --insecure

  ingress:
    enabled: true
    ingressClassName: alb
    annotations:
      alb.ingress.kubernetes.io/scheme: internet-facing
      alb.ingress.kubernetes.io/target-type: ip
      alb.ingress.kubernetes.io/listen-ports: '[{"HTTPS": 443}]'
      alb.ingress.kubernetes.io/certificate-arn: arn:aws:acm:ap-northeast-2:ACCOUNT_ID:certificate/CERTIFICATE_ID
      alb.ingress.kubernetes.io/ssl-redirect: "443"
      alb.ingress.kubernetes.io/healthcheck-path: /healthz
    hosts:
      - argocd.example.com
    paths:
      - /
    pathType: Prefix

  # Resource limits
  resources:
    requests:
      cpu: 100m
      memory: 128Mi
    limits:
      cpu: 500m
      memory: 512Mi

# Redis HA is recommended for production, but disabled initially
redis-ha:
  enabled: false

# Controller resource settings
controller:
  resources:
    requests:
      cpu: 250m
      memory: 256Mi
    limits:
      cpu: "1"
      memory: 1Gi

# Repo-server resource settings
repoServer:
  resources:
    requests:
      cpu: 100m
      memory: 128Mi
    limits:
      cpu: 500m
      memory: 512Mi
"#;

/// An archive of the corpus of charts, which lies beside the project where it was had. Says so where it was not.
#[expect(clippy::print_stdout, reason = "says what did not run")]
fn of_corpus(file: &str, otherwise: &str) -> Option<Vec<u8>> {
    let charts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/parity/helm/charts");
    let archive = std::fs::read(charts.join(file)).ok();
    if archive.is_none() {
        println!("SKIPPED: the corpus of charts is absent, so {file} is not tried: {otherwise}");
    }
    archive
}

/// A manifest with `url` as its repository.
fn read(manifest: &str, url: &str) -> Value {
    let published = [
        "https://github.com/your-org/k8s-manifests.git",
        "https://github.com/your-org/k8s-config",
        "https://kubernetes.github.io/ingress-nginx",
    ];
    let here = published.iter().fold(manifest.to_owned(), |text, from| text.replace(from, url));
    goyaml::parse_one(here.as_bytes(), &goyaml::Limits::default()).unwrap()
}

fn replicas_and_image(live: &Value) -> (i64, &str) {
    let container = &live["spec"]["template"]["spec"]["containers"][0];
    (live["spec"]["replicas"].as_i64().unwrap_or_default(), container["image"].as_str().unwrap_or_default())
}

/// Synced, and Healthy where Ingresses have addresses: no cloud gives them to the real server.
fn is_there(world: &World, app: &Value) -> bool {
    let status = &app["status"];
    let synced = status["sync"]["status"] == "Synced" && status["operationState"]["phase"] == "Succeeded";
    synced && (world.cluster.sim.is_none() || is_good(app))
}

async fn until_runs(world: &World, namespace: &str, name: &str, replicas: i64, image: &str) {
    let what = format!("runs {replicas} of {image}");
    let runs = |live: Option<&Value>| live.is_some_and(|live| replicas_and_image(live) == (replicas, image));
    world.until(&deployment_path(namespace, name), &what, runs).await;
}

/// The real chart where there is one, else a small one of its name; its archive calls itself 4.15.1, the index gives it as the version that the seed asks for.
pub(crate) async fn ingress_nginx_comes_from_a_repository(world: &mut World) {
    let small = || {
        let deployment = DEPLOYMENT
            .replace("{{ .Release.Name }}", "{{ .Release.Name }}-ingress-nginx-controller")
            .replace(".Values.", ".Values.controller.");
        chart_archive(&[
            ("ingress-nginx/Chart.yaml", "{apiVersion: v2, name: ingress-nginx, version: 4.11.3}\n"),
            (
                "ingress-nginx/values.yaml",
                "controller: {replicaCount: 1, image: {repository: nginx, tag: '1'}}\n",
            ),
            ("ingress-nginx/templates/deployment.yaml", &deployment),
        ])
    };
    let published =
        of_corpus("kubernetes-ingress-nginx__ingress-nginx-4.15.1.tgz", "a small chart stands in");
    let real = published.is_some();
    let charts = ChartRepository::start(WebTls::Off, None).unwrap();
    charts.put("/ingress-nginx.tgz", published.unwrap_or_else(small));
    charts.index(&[
        ("ingress-nginx", "4.15.1", "absent.tgz", ""),
        ("ingress-nginx", "4.11.3", "ingress-nginx.tgz", ""),
    ]);
    allow_http(world, "nginx", "helm", &charts.url()).await;
    world.api.apply(&read(NGINX, &charts.url())).await.unwrap();
    world.sync("nginx-ingress", json!({})).await.unwrap();
    let app = world
        .until_app("nginx-ingress", "is synced", |app| {
            let mut all = app["status"]["resources"].as_array().into_iter().flatten();
            all.all(|r| r["status"] == "Synced") && app["status"]["operationState"]["phase"] == "Succeeded"
        })
        .await;
    assert_eq!(app["status"]["sync"]["status"], "Synced");
    assert_eq!(app["status"]["sync"]["revision"], "4.11.3");
    assert_eq!(app["status"]["sourceType"], "Helm");
    let path = deployment_path("ingress-nginx", "nginx-ingress-ingress-nginx-controller");
    let live = world.api.get(&path).await.unwrap().unwrap();
    assert_eq!(live["spec"]["replicas"], 2);
    let requests = &live["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"];
    assert_eq!(*requests, json!({"cpu": "100m", "memory": "128Mi"}));
    let said = conditions(&app);
    if real {
        let kinds: Vec<_> =
            app["status"]["resources"].as_array().unwrap().iter().map(|r| &r["kind"]).collect();
        for kind in ["ConfigMap", "ClusterRole", "IngressClass", "Service", "ValidatingWebhookConfiguration"]
        {
            assert!(kinds.iter().any(|k| *k == kind), "{kind} of {kinds:?}");
        }
        assert!(!kinds.iter().any(|k| *k == "Job"), "its jobs are hooks: {kinds:?}");
        assert!(said.iter().all(|c| c.starts_with("LintWarning") && c.contains("hooks")), "{said:?}");
    } else {
        assert_eq!(said, [""; 0]);
    }
    world.leave(&["nginx-ingress"]).await.unwrap();
}

pub(crate) async fn one_chart_serves_every_environment(world: &mut World) {
    let url = world.git.url(&world.repository);
    world
        .push(&[
            ("charts/my-app/Chart.yaml", "{apiVersion: v2, name: my-app, version: 0.1.0}\n"),
            ("charts/my-app/values.yaml", VALUES),
            ("charts/my-app/values-dev.yaml", VALUES_DEV),
            ("charts/my-app/values-staging.yaml", VALUES_STAGING),
            ("charts/my-app/values-prod.yaml", VALUES_PROD),
            ("charts/my-app/templates/deployment.yaml", DEPLOYMENT),
            ("charts/my-app/templates/service.yaml", SERVICE),
            ("charts/my-app/templates/ingress.yaml", INGRESS),
        ])
        .unwrap();
    let production = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "production"}});
    world.api.apply(&production).await.unwrap();
    for manifest in [MY_APP, MY_APP_PROD] {
        let app = world.api.apply(&read(manifest, &url)).await.unwrap();
        world.sync(app["metadata"]["name"].as_str().unwrap(), json!({})).await.unwrap();
    }
    for (environment, file) in [("dev", "values-dev.yaml"), ("staging", "values-staging.yaml")] {
        let manifest = OF_ENVIRONMENT
            .replace("{{ .env }}", environment)
            .replace("{{ .namespace }}", environment)
            .replace("{{ .values_file }}", file)
            .replace("{{ .cluster }}", "https://kubernetes.default.svc");
        world.api.apply(&read(&manifest, &url)).await.unwrap();
    }
    for (name, namespace, replicas, tag, memory, host) in [
        ("my-app", "default", 3, "v1.2.3", "1Gi", "app.example.com"),
        ("my-app-prod", "production", 3, "v1.2.4", "1Gi", "app.example.com"),
        ("my-app-dev", "dev", 1, "dev-latest", "128Mi", ""),
        ("my-app-staging", "staging", 2, "staging-latest", "256Mi", "staging.example.com"),
    ] {
        let app = world.until_app(name, "is synced", |app| is_there(world, app)).await;
        assert_eq!(conditions(&app), [""; 0], "{name}");
        let live = world.api.get(&deployment_path(namespace, name)).await.unwrap().unwrap();
        let image = format!("123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/my-app:{tag}");
        assert_eq!(replicas_and_image(&live), (replicas, image.as_str()), "{name}");
        let resources = &live["spec"]["template"]["spec"]["containers"][0]["resources"];
        assert_eq!(resources["limits"]["memory"], memory, "{name}");
        let ingress = format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/{name}");
        let ingress = world.api.get(&ingress).await.unwrap();
        let served = ingress.map(|i| i["spec"]["rules"][0]["host"].clone());
        assert_eq!(served, (!host.is_empty()).then(|| json!(host)), "{name}");
    }
    world.leave(&["my-app", "my-app-prod", "my-app-dev", "my-app-staging"]).await.unwrap();
}

pub(crate) async fn a_pipeline_changes_the_tag_in_a_value_file(world: &mut World) {
    let values = "replicaCount: 1\nimage: {repository: registry.example.com/api, tag: latest}\n";
    world
        .push(&[
            ("apps/api/Chart.yaml", "{apiVersion: v2, name: api, version: 0.1.0}\n"),
            ("apps/api/values.yaml", values),
            ("apps/api/values-prod.yaml", "replicaCount: 2\nimage: {tag: abc123def}\n"),
            ("apps/api/templates/deployment.yaml", DEPLOYMENT),
        ])
        .unwrap();
    world.api.apply(&read(API, &world.git.url(&world.repository))).await.unwrap();
    let app = world.until_good("api").await;
    assert_eq!(conditions(&app), [""; 0]);
    until_runs(world, "production", "api", 2, "registry.example.com/api:abc123def").await;
    let commit =
        world.push(&[("apps/api/values-prod.yaml", "replicaCount: 2\nimage: {tag: fed321cba}\n")]).unwrap();
    world.until_good_at("api", &commit).await;
    until_runs(world, "production", "api", 2, "registry.example.com/api:fed321cba").await;
    world.leave(&["api"]).await.unwrap();
}

/// Rendered only: the chart brings the definitions that the world itself stands on.
pub(crate) async fn argo_cd_is_rendered_with_the_values_of_its_installation(world: &mut World) {
    let Some(archive) = of_corpus("argoproj-argo-helm__argo-cd-10.1.1.tgz", "nothing is rendered") else {
        return;
    };
    let charts = ChartRepository::start(WebTls::Off, None).unwrap();
    charts.put("/argo-cd.tgz", archive);
    charts.index(&[("argo-cd", "10.1.1", "argo-cd.tgz", "")]);
    allow_http(world, "argo", "helm", &charts.url()).await;
    let mut app = world.application("argocd", "", "argocd");
    app["spec"]["source"] = json!({
        "repoURL": charts.url(), "chart": "argo-cd", "targetRevision": "10.1.1", "helm": {"values": ARGOCD_VALUES},
    });
    let app = Application::from_value(app).unwrap();
    let what = What { desired_only: true, ..What::default() };
    // The Secret that permits plain http is on its way to the controller still.
    let seen = eventually_some("the chart is rendered", PATIENCE, || async {
        world.controller.evaluate(&app, &what).await.map(Some).map_err(|error| format!("{error:?}"))
    })
    .await;
    assert_eq!(seen.revisions, ["10.1.1"]);
    let of = |kind: &str, name: &str| {
        let mut all = seen.desired.iter().map(|(object, _)| object);
        let found = all.find(|o| o.kind() == kind && o.name() == name);
        found.map(|o| o.to_value()).unwrap_or_default()
    };
    let container =
        |kind: &str, name: &str| of(kind, name)["spec"]["template"]["spec"]["containers"][0].clone();
    let ingress = of("Ingress", "argocd-server");
    assert_eq!(ingress["spec"]["ingressClassName"], "alb");
    assert_eq!(ingress["metadata"]["annotations"]["alb.ingress.kubernetes.io/ssl-redirect"], "443");
    let server = container("Deployment", "argocd-server");
    assert!(server["args"].as_array().unwrap().contains(&json!("--insecure")), "{}", server["args"]);
    for (kind, name, cpu) in [
        ("Deployment", "argocd-server", "500m"),
        ("StatefulSet", "argocd-application-controller", "1"),
        ("Deployment", "argocd-repo-server", "500m"),
    ] {
        assert_eq!(container(kind, name)["resources"]["limits"]["cpu"], cpu, "{name}");
    }
}

mod tests {
    crate::on_kubesim!(
        ingress_nginx_comes_from_a_repository,
        one_chart_serves_every_environment,
        a_pipeline_changes_the_tag_in_a_value_file,
        argo_cd_is_rendered_with_the_values_of_its_installation,
    );
}
