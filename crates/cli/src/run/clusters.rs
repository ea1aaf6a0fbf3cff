//! `cluster list` and `cluster get`.

use applications::ClusterState;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Session;
use crate::command::{ClusterCommand, ClusterOutput};
use crate::console::Form;
use crate::escape;
use crate::failure::{Failure, Kind};
use crate::look::Paint;
use crate::table::{Cell, Table};

impl Session<'_> {
    pub(super) async fn clusters(&mut self, command: ClusterCommand) -> Result<u8, Failure> {
        let options = self.context.controller_options();
        let found = applications::clusters(self.cluster("cluster")?.client.clone(), &options).await;
        let all = found.map_err(|error| {
            Failure::new(Kind::Other, "cannot read the clusters of the installation").because(&error)
        })?;
        match command {
            ClusterCommand::List(args) => {
                let now = self.context.now();
                let values: Vec<Value> = all.iter().map(|cluster| value(cluster, now)).collect();
                self.show(args.output, &all, &Value::Array(values));
            }
            ClusterCommand::Get(args) => {
                let wanted = args.cluster.trim_end_matches('/');
                let found = all.into_iter().find(|c| c.server == wanted || c.name == wanted);
                let Some(found) = found else {
                    let failure = Failure::new(Kind::NotFound, format!("no cluster {:?}", args.cluster));
                    return Err(failure.next("see which there are: capstan cluster list".to_owned()));
                };
                let value = value(&found, self.context.now());
                self.show(args.output, &[found], &value);
            }
            ClusterCommand::Add(_)
            | ClusterCommand::Set(_)
            | ClusterCommand::Rm(_)
            | ClusterCommand::RotateAuth(_) => {
                let failure = Failure::usage("clusters are changed through the API server");
                return Err(failure.next("log in: capstan login SERVER, or name one: --server ADDRESS"));
            }
        }
        Ok(0)
    }

    fn show(&mut self, output: ClusterOutput, clusters: &[ClusterState], value: &Value) {
        match output {
            ClusterOutput::Wide => self.console.print(&table(clusters).render(self.console.look)),
            ClusterOutput::Json => self.console.object(value, Form::Json),
            ClusterOutput::Yaml => self.console.object(value, Form::Yaml),
            ClusterOutput::Server => {
                for cluster in clusters {
                    self.console.print(&format!("{}\n", escape::line(&cluster.server)));
                }
            }
        }
    }
}

/// Major and minor number alone, as the peer shows them.
fn short(version: &str) -> String {
    version.trim_start_matches('v').split('.').take(2).collect::<Vec<_>>().join(".")
}

fn table(clusters: &[ClusterState]) -> Table {
    let mut table = Table::new(&["SERVER", "NAME", "VERSION", "STATUS", "MESSAGE", "PROJECT"]);
    for cluster in clusters {
        let server = match cluster.namespaces.len() {
            0 => cluster.server.clone(),
            count => format!("{} ({count} namespaces)", cluster.server),
        };
        let (version, status, paint, message) = match &cluster.version {
            Ok(version) => (short(version), "Successful", Paint::Good, String::new()),
            Err(why) => (String::new(), "Failed", Paint::Bad, why.clone()),
        };
        let status = Cell { text: status.to_owned(), paint };
        let cells = [server.into(), cluster.name.clone().into(), version.into(), status, message.into()];
        table.row(cells.into_iter().chain([cluster.project.clone().into()]).collect());
    }
    table
}

/// In the peer's shape, without credentials.
fn value(cluster: &ClusterState, asked: Timestamp) -> Value {
    let (status, message) = match &cluster.version {
        Ok(_) => ("Successful", ""),
        Err(why) => ("Failed", why.as_str()),
    };
    let state = json!({"status": status, "message": message, "attemptedAt": api::format_time(asked)});
    let mut value = json!({
        "server": cluster.server, "name": cluster.name, "connectionState": state, "info": {"connectionState": state},
    });
    if let Ok(version) = &cluster.version {
        value["serverVersion"] = json!(short(version));
        value["info"]["serverVersion"] = value["serverVersion"].clone();
    }
    if !cluster.namespaces.is_empty() {
        value["namespaces"] = json!(cluster.namespaces);
    }
    if !cluster.project.is_empty() {
        value["project"] = json!(cluster.project);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::Look;

    #[test]
    fn a_cluster_that_does_not_answer_is_shown_with_the_reason() {
        let here = ClusterState {
            server: "https://kubernetes.default.svc".to_owned(),
            name: "in-cluster".to_owned(),
            project: String::new(),
            namespaces: Vec::new(),
            version: Ok("v1.34.4".to_owned()),
        };
        let away = ClusterState {
            server: "https://far".to_owned(),
            name: "far".to_owned(),
            project: "team".to_owned(),
            namespaces: vec!["a".to_owned(), "b".to_owned()],
            version: Err("no answer within 10s".to_owned()),
        };
        assert_eq!(
            table(&[here.clone(), away.clone()]).render(Look::default()),
            "SERVER                          NAME        VERSION  STATUS      MESSAGE               PROJECT\n\
             https://kubernetes.default.svc  in-cluster  1.34     Successful\n\
             https://far (2 namespaces)      far                  Failed      no answer within 10s  team\n"
        );
        let asked = "2026-03-04T05:06:07Z".parse().unwrap();
        assert_eq!(value(&here, asked)["info"]["serverVersion"], "1.34");
        let state = json!({"status": "Failed", "message": "no answer within 10s", "attemptedAt": "2026-03-04T05:06:07Z"});
        let value = value(&away, asked);
        assert_eq!((&value["connectionState"], &value["info"]["connectionState"]), (&state, &state));
    }
}
