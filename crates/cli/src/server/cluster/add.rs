//! `cluster add`: a service account on a cluster of the kubeconfig, and the cluster told to the server.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{Request, StatusCode};
use kube::config::{KubeConfigOptions, Kubeconfig, NamedContext};
use kube::{Client, Config};
use serde_json::{Value, json};

use super::super::account::text;
use super::super::project::refused as ends_with_one;
use super::super::talk::Talk;
use super::pairs;
use crate::command::AddClusterArgs;
use crate::failure::{Failure, Kind};
use crate::table::Table;

const MANAGER: &str = "argocd-manager";
const ROLE: &str = "argocd-manager-role";
const BINDING: &str = "argocd-manager-role-binding";
const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

/// How long the cluster may take to make a token, as in the peer's client.
const TOKEN: Duration = Duration::from_secs(30);
/// How often it is asked meanwhile.
const AGAIN: Duration = Duration::from_millis(500);

impl Talk<'_> {
    pub(super) async fn add_cluster(
        &mut self,
        args: AddClusterArgs,
        kubeconfig: Option<&Path>,
    ) -> Result<u8, Failure> {
        if args.in_cluster && !args.cluster_endpoint.is_empty() {
            return Err(ends_with_one("Can only use one of --in-cluster or --cluster-endpoint"));
        }
        let file = read(kubeconfig, &args.context)?;
        if args.context.is_empty() {
            return self.offer(&file);
        }
        let mut cluster = described(&file, &args)?;
        let by_token = args.aws_cluster_name.is_empty() && args.exec_command.is_empty();
        if by_token {
            let level = if args.namespace.is_empty() { "cluster" } else { "namespace" };
            let question = format!(
                "WARNING: This will create a service account `{MANAGER}` on the cluster referenced by context `{}` with full {level} level privileges. Do you want to continue [y/N]? ",
                args.context
            );
            let asks = self.console.terminal && !args.yes && args.service_account.is_empty();
            if asks && !self.console.proceed(&question)? {
                return Ok(1);
            }
            let client = client(&file, &args).await?;
            let token = self.token(&client, &args).await?;
            let tls = &cluster["config"]["tlsClientConfig"];
            // A certificate comes first where there is one.
            if text(&tls["certData"]).is_empty() || text(&tls["keyData"]).is_empty() {
                cluster["config"]["bearerToken"] = json!(token);
            }
        }
        let request = json!({"cluster": cluster, "upsert": args.upsert});
        let what = format!("cannot add the cluster {}", text(&cluster["server"]));
        self.ask(&what, "cluster.ClusterService/Create", &request).await?;
        self.line(&format!("Cluster '{}' added", text(&cluster["server"])));
        Ok(0)
    }

    /// The contexts that there are, for who has named none.
    fn offer(&mut self, file: &Kubeconfig) -> Result<u8, Failure> {
        match self.console.err_look.native() {
            true => self.console.note("no context is named; there are these"),
            false => self.console.log("error", "Choose a context name from:", (self.local.clock)()),
        }
        let mut contexts: Vec<(&str, &str)> = file.contexts.iter().filter_map(named).collect();
        contexts.sort_unstable();
        let mut table = Table::new(&["CURRENT", "NAME", "CLUSTER", "SERVER"]);
        for (name, cluster) in contexts {
            let found = file.clusters.iter().find(|known| known.name == cluster);
            let Some(found) = found.and_then(|found| found.cluster.as_ref()) else { continue };
            let sign = if file.current_context.as_deref() == Some(name) { "*" } else { " " };
            let server = found.server.as_deref().unwrap_or_default();
            table.row(vec![sign.into(), name.into(), cluster.into(), server.into()]);
        }
        let text = table.render(self.console.look);
        self.console.print(&text);
        Ok(1)
    }

    /// The token of the service account, which is made where none is named, with rights to everything.
    async fn token(&mut self, client: &Client, args: &AddClusterArgs) -> Result<String, Failure> {
        let namespace = &args.system_namespace;
        let account = if args.service_account.is_empty() { MANAGER } else { &args.service_account };
        if args.service_account.is_empty() {
            self.manager(client, args).await?;
        }
        let name = format!("{account}-long-lived-token");
        let secrets = format!("/api/v1/namespaces/{namespace}/secrets");
        let annotations = json!({"kubernetes.io/service-account.name": account});
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
            "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
        });
        let said = format!("failed to create secret {name:?} for serviceaccount {account:?}");
        let made = create(client, &secrets, &secret, &said).await?;
        let outcome = if made { "Created" } else { "Using existing" };
        self.note(&format!("{outcome} bearer token secret {name:?} for ServiceAccount {account:?}"));
        let ask = async {
            loop {
                let found = request(client, "GET", &format!("{secrets}/{name}"), None).await;
                let said = format!("failed to get token for serviceaccount {account:?}");
                let found = found.map_err(|error| failed(&error, &secret, &said))?;
                let token = BASE64_STANDARD.decode(text(&found["data"]["token"])).unwrap_or_default();
                match String::from_utf8(token) {
                    Ok(token) if !token.is_empty() => return Ok(token),
                    _ => tokio::time::sleep(AGAIN).await,
                }
            }
        };
        tokio::time::timeout(TOKEN, ask).await.unwrap_or_else(|_| {
            let what = format!("the cluster gave the service account {account} no token");
            Err(Failure::new(Kind::Timeout, what).next("see whether its controller manager runs"))
        })
    }

    /// The service account with its role: for the cluster, or for the namespaces that are to be managed.
    async fn manager(&mut self, client: &Client, args: &AddClusterArgs) -> Result<(), Failure> {
        let system = &args.system_namespace;
        let account = json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": MANAGER, "namespace": system},
        });
        let said = format!("failed to create service account {MANAGER:?} in namespace {system:?}");
        let accounts = format!("/api/v1/namespaces/{system}/serviceaccounts");
        let made = create(client, &accounts, &account, &said).await?;
        let outcome = if made { "created" } else { "already exists" };
        self.note(&format!("ServiceAccount {MANAGER:?} {outcome} in namespace {system:?}"));
        let everything = json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]});
        let subjects = json!([{"kind": "ServiceAccount", "name": MANAGER, "namespace": system}]);
        if args.namespace.is_empty() {
            let rules = json!([everything, {"nonResourceURLs": ["*"], "verbs": ["*"]}]);
            self.upsert(client, RBAC, "clusterroles", &rbac("ClusterRole", ROLE, None, ("rules", rules)))
                .await?;
            let mut binding = rbac("ClusterRoleBinding", BINDING, None, ("subjects", subjects));
            binding["roleRef"] =
                json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ROLE});
            return self.upsert(client, RBAC, "clusterrolebindings", &binding).await;
        }
        for namespace in &args.namespace {
            let place = format!("{RBAC}/namespaces/{namespace}");
            let role = rbac("Role", ROLE, Some(namespace), ("rules", json!([everything])));
            self.upsert(client, &place, "roles", &role).await?;
            let mut binding = rbac("RoleBinding", BINDING, Some(namespace), ("subjects", subjects.clone()));
            binding["roleRef"] =
                json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ROLE});
            self.upsert(client, &place, "rolebindings", &binding).await?;
        }
        Ok(())
    }

    async fn upsert(
        &mut self,
        client: &Client,
        place: &str,
        plural: &str,
        object: &Value,
    ) -> Result<(), Failure> {
        let [kind, name] = [&object["kind"], &object["metadata"]["name"]].map(|value| text(value).to_owned());
        let path = format!("{place}/{plural}");
        let within = object["metadata"]["namespace"].as_str().map(|namespace| format!("{namespace}/"));
        let shown = format!("{}{name}", within.unwrap_or_default());
        let made = create(client, &path, object, &format!("failed to create {kind} {shown:?}")).await?;
        if !made {
            let sent = request(client, "PUT", &format!("{path}/{name}"), Some(object)).await;
            sent.map_err(|error| failed(&error, object, &format!("failed to update {kind} {shown:?}")))?;
        }
        self.note(&format!("{kind} {shown:?} {}", if made { "created" } else { "updated" }));
        Ok(())
    }

    fn note(&mut self, text: &str) {
        let now = (self.local.clock)();
        self.console.inform(text, now);
    }
}

fn rbac(kind: &str, name: &str, namespace: Option<&str>, content: (&str, Value)) -> Value {
    let mut object =
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}});
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = json!(namespace);
    }
    object[content.0] = content.1;
    object
}

/// A context, and the cluster that it is of.
fn named(context: &NamedContext) -> Option<(&str, &str)> {
    Some((context.name.as_str(), context.context.as_ref()?.cluster.as_str()))
}

/// **Errors**: in the peer's words there is no such context in a file that is not there.
fn read(path: Option<&Path>, context: &str) -> Result<Kubeconfig, Failure> {
    let read = match path {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    read.map_err(|error| {
        let failure = Failure::usage("the kubeconfig cannot be read").because(&error);
        let failure = failure.next("name it: --kubeconfig FILE");
        match path.is_some_and(|path| !path.exists()) {
            true => failure.peer(unknown(context), 20),
            false => failure,
        }
    })
}

fn unknown(context: &str) -> String {
    format!("context {context} does not exist in kubeconfig")
}

/// The cluster of a context, as the server is to know it, but for a token.
fn described(file: &Kubeconfig, args: &AddClusterArgs) -> Result<Value, Failure> {
    let missing = || {
        let said = unknown(&args.context);
        let names: Vec<&str> = file.contexts.iter().map(|context| context.name.as_str()).collect();
        Failure::new(Kind::NotFound, said.clone())
            .next(format!("take one of: {}", names.join(", ")))
            .peer(said, 20)
    };
    let context =
        file.contexts.iter().find(|context| context.name == args.context).and_then(|c| c.context.as_ref());
    let context = context.ok_or_else(missing)?;
    let cluster =
        file.clusters.iter().find(|cluster| cluster.name == context.cluster).and_then(|c| c.cluster.as_ref());
    let cluster = cluster.ok_or_else(missing)?;
    let user = file.auth_infos.iter().find(|user| Some(&user.name) == context.user.as_ref());
    let user = user.and_then(|user| user.auth_info.clone()).unwrap_or_default();
    // Its key is behind a type that only writes it out.
    let said = serde_json::to_value(&user).unwrap_or_default();
    let internal = args.in_cluster || args.cluster_endpoint == "internal";
    let server = cluster.server.clone().unwrap_or_default();
    let tls = json!({
        "insecure": cluster.insecure_skip_tls_verify, "serverName": cluster.tls_server_name,
        "caData": data(cluster.certificate_authority_data.as_deref(), cluster.certificate_authority.as_deref())?,
        "certData": data(user.client_certificate_data.as_deref(), user.client_certificate.as_deref())?,
        "keyData": data(said["client-key-data"].as_str(), user.client_key.as_deref())?,
    });
    let scheme = args.proxy_url.split_once("://").map_or("", |(scheme, _)| scheme);
    if !args.proxy_url.is_empty() && !matches!(scheme, "http" | "https" | "socks5") {
        let said = format!("unsupported scheme {scheme:?}, must be http, https, or socks5");
        let failure =
            Failure::usage(format!("--proxy-url {} is no way out", args.proxy_url)).cause(said.clone());
        return Err(failure.peer(format!("failed to parse proxy url, {said}"), 20));
    }
    let mut config = json!({"tlsClientConfig": tls, "disableCompression": args.disable_compression});
    config["proxyUrl"] = match args.proxy_url.as_str() {
        "" => json!(cluster.proxy_url),
        given => json!(given),
    };
    if !args.aws_cluster_name.is_empty() {
        config["awsAuthConfig"] = json!({
            "clusterName": args.aws_cluster_name, "roleARN": args.aws_role_arn, "profile": args.aws_profile,
        });
    } else if !args.exec_command.is_empty() {
        config["execProviderConfig"] = json!({
            "command": args.exec_command, "args": args.exec_command_args, "env": pairs(&args.exec_command_env)?,
            "apiVersion": args.exec_command_api_version, "installHint": args.exec_command_install_hint,
        });
    }
    let name = if args.name.is_empty() { &args.context } else { &args.name };
    let mut made = json!({
        "server": if internal { "https://kubernetes.default.svc" } else { server.trim_end_matches('/') },
        "name": name, "config": config, "namespaces": args.namespace, "clusterResources": args.cluster_resources,
        "project": args.project, "labels": pairs(&args.label)?, "annotations": pairs(&args.annotation)?,
    });
    if args.shard >= 0 {
        made["shard"] = json!(args.shard);
    }
    Ok(made)
}

/// Base64 as it stands in the kubeconfig, or of the file that it names.
fn data(inline: Option<&str>, path: Option<&str>) -> Result<Option<String>, Failure> {
    match (inline.filter(|text| !text.is_empty()), path.filter(|path| !path.is_empty())) {
        (Some(text), _) => Ok(Some(text.to_owned())),
        (None, Some(path)) => {
            let text = super::super::repository::read(path)?;
            Ok(Some(BASE64_STANDARD.encode(text)))
        }
        (None, None) => Ok(None),
    }
}

async fn client(file: &Kubeconfig, args: &AddClusterArgs) -> Result<Client, Failure> {
    let options = KubeConfigOptions { context: Some(args.context.clone()), ..KubeConfigOptions::default() };
    let failed = |error: &(dyn std::error::Error + 'static)| {
        Failure::usage(format!("the context {} names no usable cluster", args.context)).because(error)
    };
    let mut config =
        Config::from_custom_kubeconfig(file.clone(), &options).await.map_err(|error| failed(&error))?;
    if !args.proxy_url.is_empty() {
        config.proxy_url = Some(args.proxy_url.parse().map_err(|_| Failure::usage("--proxy-url is no URL"))?);
    }
    Client::try_from(config).map_err(|error| failed(&error))
}

/// Creates an object; `false` where it is there already. `said` is what the peer's client says of a failure.
async fn create(client: &Client, path: &str, object: &Value, said: &str) -> Result<bool, Failure> {
    match request(client, "POST", path, Some(object)).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == StatusCode::CONFLICT.as_u16() => Ok(false),
        Err(error) => Err(failed(&error, object, said)),
    }
}

async fn request(
    client: &Client,
    verb: &str,
    path: &str,
    object: Option<&Value>,
) -> Result<Value, kube::Error> {
    let body = object.map(Value::to_string).unwrap_or_default().into_bytes();
    let request =
        Request::builder().method(verb).uri(path).header("content-type", "application/json").body(body);
    client.request(request.map_err(kube::Error::HttpError)?).await
}

fn failed(error: &kube::Error, object: &Value, said: &str) -> Failure {
    let what = format!("the cluster refuses {} {}", text(&object["kind"]), text(&object["metadata"]["name"]));
    let failure = Failure::from_kube(error, what);
    let said = format!("{said}: {}", failure.causes.join(": "));
    failure.peer(said, 20)
}
