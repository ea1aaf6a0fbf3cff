//! `cluster`, through a server.

mod add;

use std::path::Path;

use serde_json::{Map, Value, json};

use super::account::{is, list, text};
use super::repository::refused;
use super::talk::Talk;
use crate::command::{ClusterCommand, ClusterOutput, RemoveClustersArgs, SetClusterArgs};
use crate::failure::{Failure, Kind};
use crate::table::Table;

const CLUSTER: &str = "github.com.argoproj.argo_cd.v3.pkg.apis.application.v1alpha1.Cluster";

impl Talk<'_> {
    pub(super) async fn clusters(
        &mut self,
        command: ClusterCommand,
        kubeconfig: Option<&Path>,
    ) -> Result<u8, Failure> {
        match command {
            ClusterCommand::List(args) => {
                let answer =
                    self.ask("cannot list clusters", "cluster.ClusterService/List", &json!({})).await?;
                let all = list(&answer["items"]);
                match args.output {
                    ClusterOutput::Json => self.messages(CLUSTER, all, "json")?,
                    ClusterOutput::Yaml => self.messages(CLUSTER, all, "yaml")?,
                    ClusterOutput::Server => {
                        all.iter().for_each(|cluster| self.line(text(&cluster["server"])))
                    }
                    ClusterOutput::Wide => {
                        let text = table(all).render(self.console.look);
                        self.console.print(&text);
                    }
                }
            }
            ClusterCommand::Get(args) => {
                let cluster = self.cluster(&args.cluster).await?;
                match args.output {
                    ClusterOutput::Json => self.message(CLUSTER, &cluster, "json")?,
                    ClusterOutput::Yaml => self.message(CLUSTER, &cluster, "yaml")?,
                    ClusterOutput::Server => self.line(text(&cluster["server"])),
                    ClusterOutput::Wide => self.console.print(&crate::escape::lines(&details(&cluster))),
                }
            }
            ClusterCommand::Add(args) => return self.add_cluster(*args, kubeconfig).await,
            ClusterCommand::Set(args) => self.set_cluster(args).await?,
            ClusterCommand::Rm(args) => return self.remove_clusters(args).await,
            ClusterCommand::RotateAuth(args) => {
                let name = &args.cluster;
                let what = format!("cannot change the token of the cluster {name}");
                self.ask(&what, "cluster.ClusterService/RotateAuth", &query(name)).await?;
                self.line(&format!("Cluster '{name}' rotated auth"));
            }
        }
        Ok(0)
    }

    async fn cluster(&mut self, name: &str) -> Result<Value, Failure> {
        let what = format!("cannot get the cluster {name}");
        self.ask(&what, "cluster.ClusterService/Get", &query(name)).await
    }

    async fn set_cluster(&mut self, args: SetClusterArgs) -> Result<(), Failure> {
        let mut namespaces = args.namespace.clone();
        if let [only] = namespaces.as_mut_slice()
            && only == "*"
        {
            only.clear();
        }
        let given = [
            ("name", !args.name.is_empty()),
            ("namespaces", !args.namespace.is_empty()),
            ("labels", !args.label.is_empty()),
            ("annotations", !args.annotation.is_empty()),
        ];
        let fields: Vec<&str> = given.iter().filter(|(_, given)| *given).map(|(field, _)| *field).collect();
        let name = &args.cluster;
        let (labels, annotations) = (pairs(&args.label)?, pairs(&args.annotation)?);
        if fields.is_empty() {
            self.line("Specify the cluster field to be updated.");
            return Ok(());
        }
        let request = json!({
            "cluster": {"name": args.name, "namespaces": namespaces, "labels": labels, "annotations": annotations},
            "updatedFields": fields, "id": {"type": "name", "value": name},
        });
        let what = format!("cannot change the cluster {name}");
        let asked = self.ask(&what, "cluster.ClusterService/Update", &request).await;
        if !self.console.err_look.native()
            && asked.as_ref().is_err_and(|failure| failure.kind == Kind::Denied)
        {
            let hint = "Ensure that the cluster is present and you have the necessary permissions to update the cluster";
            self.console.log("error", hint, (self.local.clock)());
        }
        asked?;
        self.line(&format!("Cluster '{name}' updated."));
        Ok(())
    }

    /// What the client made on the cluster itself stays there: it is the cluster's, and the kubeconfig need not know it any more. The
    /// peer's client fails here where there is no context of the cluster's name, after the server has forgotten it.
    async fn remove_clusters(&mut self, args: RemoveClustersArgs) -> Result<u8, Failure> {
        for name in &args.clusters {
            let warning = "Any Apps deploying to this cluster will go to health status Unknown.";
            let question = format!("Are you sure you want to remove '{name}'? {warning}[y/n] ");
            if !args.yes && !self.console.proceed(&question)? {
                self.line(&format!("The command to remove '{name}' was cancelled."));
                continue;
            }
            self.cluster(name).await?;
            let what = format!("cannot remove the cluster {name}");
            self.ask(&what, "cluster.ClusterService/Delete", &query(name)).await?;
            self.line(&format!("Cluster '{name}' removed"));
        }
        Ok(0)
    }
}

/// A cluster by its server, or by its name.
fn query(name: &str) -> Value {
    let is_server = ["http://", "https://"].iter().any(|scheme| name.starts_with(scheme));
    if is_server { json!({ "server": name }) } else { json!({ "name": name }) }
}

/// Labels or annotations as they are typed.
fn pairs(texts: &[String]) -> Result<Map<String, Value>, Failure> {
    let pair = |text: &String| match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), json!(value))),
        _ => Err(refused(format!("labels should have key=value, but instead got: {text}"))),
    };
    texts.iter().map(pair).collect()
}

fn table(all: &[Value]) -> Table {
    let mut table = Table::new(&["SERVER", "NAME", "VERSION", "STATUS", "MESSAGE", "PROJECT"]);
    for cluster in all {
        let server = match list(&cluster["namespaces"]).len() {
            0 => text(&cluster["server"]).to_owned(),
            count => format!("{} ({count} namespaces)", text(&cluster["server"])),
        };
        let state = &cluster["connectionState"];
        let rest = [
            &cluster["name"],
            &cluster["serverVersion"],
            &state["status"],
            &state["message"],
            &cluster["project"],
        ];
        let cells = [server.into()].into_iter().chain(rest.map(|value| text(value).into()));
        table.row(cells.collect());
    }
    table
}

/// The peer's, blank for blank.
fn details(cluster: &Value) -> String {
    let config = &cluster["config"];
    let has = |value: &Value| !text(value).is_empty();
    let name = Some(text(&cluster["name"])).filter(|name| !name.is_empty()).unwrap_or("-");
    let namespaces: Vec<&str> = list(&cluster["namespaces"]).iter().map(text).collect();
    let namespaces = if namespaces.is_empty() { "all namespaces".to_owned() } else { namespaces.join(", ") };
    let tls = &config["tlsClientConfig"];
    [
        "Cluster information\n\n".to_owned(),
        format!("  Server URL:            {}\n", text(&cluster["server"])),
        format!("  Server Name:           {name}\n"),
        format!("  Server Version:        {}\n", text(&cluster["serverVersion"])),
        format!("  Namespaces:        \t {namespaces}\n"),
        "\nTLS configuration\n\n".to_owned(),
        format!("  Client cert:           {}\n", has(&tls["certData"])),
        format!("  Cert validation:       {}\n", !is(&tls["insecure"])),
        "\nAuthentication\n\n".to_owned(),
        format!("  Basic authentication:  {}\n", has(&config["username"])),
        format!("  oAuth authentication:  {}\n", has(&config["bearerToken"])),
        format!("  AWS authentication:    {}\n", config["awsAuthConfig"].is_object()),
        format!("\nDisable compression: {}\n", is(&config["disableCompression"])),
        format!("\nUse proxy: {}\n\n", has(&config["proxyUrl"])),
    ]
    .concat()
}
