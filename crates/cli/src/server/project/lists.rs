//! What is put into the lists of a project, and taken out of them.

use api::same_repository;
use serde_json::{Value, json};

use super::super::account::text;
use super::super::talk::Talk;
use super::{is_key, items, refused};
use crate::command::{DestinationArgs, ProjectCommand, ProjectItemArgs};
use crate::failure::Failure;

/// What becomes of a project: it is written, or something is said instead.
enum Outcome {
    Write,
    /// It is written after this was said.
    WriteSaying(String),
    Say(String),
}

impl Talk<'_> {
    /// Reads a project, changes it, and writes it where that is called for.
    async fn change(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut Value) -> Result<Outcome, Failure>,
    ) -> Result<(), Failure> {
        let mut project = self.project(name).await?;
        match change(&mut project)? {
            Outcome::Write => {}
            Outcome::WriteSaying(said) => self.line(&said),
            Outcome::Say(said) => {
                self.line(&said);
                return Ok(());
            }
        }
        self.update_project(&project).await
    }

    pub(super) async fn change_list(&mut self, command: ProjectCommand) -> Result<(), Failure> {
        match command {
            ProjectCommand::AddSource(args) => {
                self.change(&args.project.clone(), |p| add_source(p, &args)).await
            }
            ProjectCommand::RemoveSource(args) => {
                self.change(&args.project.clone(), |p| remove_source(p, &args)).await
            }
            ProjectCommand::AddSourceNamespace(args) => {
                self.change(&args.project.clone(), |p| add_namespace(p, &args)).await
            }
            ProjectCommand::RemoveSourceNamespace(args) => {
                self.change(&args.project.clone(), |p| remove_namespace(p, &args)).await
            }
            ProjectCommand::AddSignatureKey(args) => {
                if !is_key(&args.item) {
                    return Err(refused(format!("{} is not a valid GnuPG key ID", args.item)));
                }
                let key = json!({"keyID": args.item});
                let there = "Specified signature key is already defined in project";
                self.change(&args.project, |p| add(items(p, "signatureKeys"), key, there)).await
            }
            ProjectCommand::RemoveSignatureKey(args) => {
                if !is_key(&args.item) {
                    return Err(refused(format!("{} is not a valid GnuPG key ID", args.item)));
                }
                let gone = "Specified signature key is not configured for project";
                let is_it = |key: &Value| key["keyID"] == args.item.as_str();
                self.change(&args.project, |p| remove(items(p, "signatureKeys"), is_it, gone)).await
            }
            ProjectCommand::AddDestination(args) => {
                self.change(&args.project.clone(), |p| add_destination(p, &args)).await
            }
            ProjectCommand::RemoveDestination(args) => {
                let is_it = |dest: &Value| {
                    text(&dest["server"]) == args.cluster && text(&dest["namespace"]) == args.namespace
                };
                let gone = "Specified destination does not exist in project";
                self.change(&args.project, |p| remove(items(p, "destinations"), is_it, gone)).await
            }
            command => self.change_rules(command).await,
        }
    }

    async fn change_rules(&mut self, command: ProjectCommand) -> Result<(), Failure> {
        match command {
            ProjectCommand::AddDestinationServiceAccount(args) => {
                let within = args.service_account_namespace.unwrap_or_default();
                let rule = args.rule;
                if within.contains('*') {
                    let said =
                        "service-account-namespace for DestinationServiceAccount must not contain wildcards";
                    return Err(refused(said));
                }
                if rule.account.contains('*') {
                    return Err(refused(
                        "ServiceAccount for DestinationServiceAccount must not contain wildcards",
                    ));
                }
                let account =
                    if within.is_empty() { rule.account } else { format!("{within}:{}", rule.account) };
                let new = json!({"server": rule.cluster, "namespace": rule.namespace, "defaultServiceAccount": account});
                let there = "Specified destination service account is already defined in project";
                self.change(&rule.project, |p| add(items(p, "destinationServiceAccounts"), new, there)).await
            }
            ProjectCommand::RemoveDestinationServiceAccount(args) => {
                let is_it = |rule: &Value| {
                    text(&rule["server"]) == args.cluster
                        && text(&rule["namespace"]) == args.namespace
                        && text(&rule["defaultServiceAccount"]) == args.account
                };
                let gone = "Specified destination service account does not exist in project";
                self.change(&args.project, |p| remove(items(p, "destinationServiceAccounts"), is_it, gone))
                    .await
            }
            ProjectCommand::AllowClusterResource(args) => {
                let list = Kinds { namespaced: false, list: args.list, allow: true };
                self.change(&args.project, |p| Ok(list.change(p, &args.group, &args.kind))).await
            }
            ProjectCommand::DenyClusterResource(args) => {
                let list = Kinds { namespaced: false, list: args.list, allow: false };
                self.change(&args.project, |p| Ok(list.change(p, &args.group, &args.kind))).await
            }
            ProjectCommand::AllowNamespaceResource(args) => {
                let list = Kinds { namespaced: true, list: args.list, allow: true };
                self.change(&args.project, |p| Ok(list.change(p, &args.group, &args.kind))).await
            }
            ProjectCommand::DenyNamespaceResource(args) => {
                let list = Kinds { namespaced: true, list: args.list, allow: false };
                self.change(&args.project, |p| Ok(list.change(p, &args.group, &args.kind))).await
            }
            ProjectCommand::AddOrphanedIgnore(args) => {
                let name = args.name.unwrap_or_default();
                self.change(&args.project, |p| {
                    let ignored = orphans(p);
                    if ignored.iter().any(|key| is_orphan(key, &args.group, &args.kind, &name)) {
                        return Err(refused(
                            "Specified resource is already defined in the orphaned ignore list of project",
                        ));
                    }
                    ignored.push(json!({"group": args.group, "kind": args.kind, "name": name}));
                    Ok(Outcome::Write)
                })
                .await
            }
            ProjectCommand::RemoveOrphanedIgnore(args) => {
                let name = args.name.unwrap_or_default();
                self.change(&args.project, |p| {
                    if p["spec"]["orphanedResources"].is_null() {
                        return Err(refused(
                            "Specified resource does not exist in the orphaned ignore list of project",
                        ));
                    }
                    let is_it = |key: &Value| is_orphan(key, &args.group, &args.kind, &name);
                    remove(
                        orphans(p),
                        is_it,
                        "Specified resource does not exist in the orphaned ignore of project",
                    )
                })
                .await
            }
            // The others are whole commands of their own.
            _ => Ok(()),
        }
    }
}

/// One of the four lists of kinds, and what is to be done about it.
struct Kinds {
    namespaced: bool,
    list: String,
    allow: bool,
}

impl Kinds {
    fn change(&self, project: &mut Value, group: &str, kind: &str) -> Outcome {
        let allowed = ["allow", "white"].contains(&self.list.as_str());
        let scope = if self.namespaced { "namespaced" } else { "cluster" };
        let field = match (self.namespaced, allowed) {
            (true, true) => "namespaceResourceWhitelist",
            (true, false) => "namespaceResourceBlacklist",
            (false, true) => "clusterResourceWhitelist",
            (false, false) => "clusterResourceBlacklist",
        };
        let described = format!("{} {scope} resources", if allowed { "allowed" } else { "denied" });
        let what = format!("Group '{group}' and kind '{kind}'");
        let list = items(project, field);
        let at = list.iter().position(|item| text(&item["group"]) == group && text(&item["kind"]) == kind);
        match (self.allow == allowed, at) {
            (true, Some(_)) => Outcome::Say(format!("{what} already present in {described}")),
            (true, None) => {
                list.push(json!({"group": group, "kind": kind}));
                Outcome::WriteSaying(format!("{what} is added to {described}"))
            }
            (false, None) => Outcome::Say(format!("{what} not in {described}")),
            (false, Some(at)) => {
                list.remove(at);
                Outcome::WriteSaying(format!("{what} is removed from {described}"))
            }
        }
    }
}

fn add(list: &mut Vec<Value>, new: Value, there: &str) -> Result<Outcome, Failure> {
    if list.contains(&new) {
        return Err(refused(there));
    }
    list.push(new);
    Ok(Outcome::Write)
}

fn remove(list: &mut Vec<Value>, is_it: impl Fn(&Value) -> bool, gone: &str) -> Result<Outcome, Failure> {
    let at = list.iter().position(is_it).ok_or_else(|| refused(gone))?;
    list.remove(at);
    Ok(Outcome::Write)
}

fn add_source(project: &mut Value, args: &ProjectItemArgs) -> Result<Outcome, Failure> {
    let list = items(project, "sourceRepos");
    let there = list.iter().map(text).find(|known| *known == "*" || same_repository(known, &args.item));
    if let Some(known) = there {
        return Ok(Outcome::Say(format!("Source repository '{known}' already allowed in project")));
    }
    list.push(json!(args.item));
    Ok(Outcome::Write)
}

fn remove_source(project: &mut Value, args: &ProjectItemArgs) -> Result<Outcome, Failure> {
    let list = items(project, "sourceRepos");
    let Some(at) = list.iter().position(|known| *known == args.item.as_str()) else {
        return Ok(Outcome::Say(format!("Source repository '{}' does not exist in project", args.item)));
    };
    list.remove(at);
    Ok(Outcome::Write)
}

fn add_namespace(project: &mut Value, args: &ProjectItemArgs) -> Result<Outcome, Failure> {
    let list = items(project, "sourceNamespaces");
    if list.iter().map(text).any(|known| known == "*" || known == args.item) {
        return Ok(Outcome::Say("Source namespace '*' already allowed in project".to_owned()));
    }
    list.push(json!(args.item));
    Ok(Outcome::Write)
}

fn remove_namespace(project: &mut Value, args: &ProjectItemArgs) -> Result<Outcome, Failure> {
    let list = items(project, "sourceNamespaces");
    let at = list.iter().position(|known| *known == args.item.as_str() && *known != "*");
    let Some(at) = at else {
        let said = format!("Source namespace '{}' does not exist in project or cannot be removed", args.item);
        return Ok(Outcome::Say(said));
    };
    list.remove(at);
    Ok(Outcome::Write)
}

fn add_destination(project: &mut Value, args: &DestinationArgs) -> Result<Outcome, Failure> {
    let field = if args.name { "name" } else { "server" };
    let list = items(project, "destinations");
    let there =
        |dest: &Value| text(&dest["namespace"]) == args.namespace && text(&dest[field]) == args.cluster;
    if !args.cluster.is_empty() && list.iter().any(there) {
        return Err(refused("Specified destination is already defined in project"));
    }
    list.push(json!({ field: args.cluster, "namespace": args.namespace }));
    Ok(Outcome::Write)
}

fn orphans(project: &mut Value) -> &mut Vec<Value> {
    let settings = &mut project["spec"]["orphanedResources"];
    if !settings.is_object() {
        *settings = json!({});
    }
    if !settings["ignore"].is_array() {
        settings["ignore"] = json!([]);
    }
    match &mut settings["ignore"] {
        Value::Array(list) => list,
        _ => unreachable!("it was made a list"),
    }
}

fn is_orphan(key: &Value, group: &str, kind: &str, name: &str) -> bool {
    text(&key["group"]) == group && text(&key["kind"]) == kind && text(&key["name"]) == name
}
