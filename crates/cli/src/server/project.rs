//! `proj`.

mod lists;
mod roles;
mod show;
mod windows;

use serde_json::{Value, json};

use super::account::{list, text};
use super::talk::{Talk, unknown_form};
use crate::command::{CreateProjectArgs, ProjectCommand, ProjectFlags};
use crate::editor::Edit;
use crate::failure::Failure;

pub(super) const PROJECT: &str = "github.com.argoproj.argo_cd.v3.pkg.apis.application.v1alpha1.AppProject";

/// Longest manifest that is read, in bytes.
const FILE_BYTES: u64 = 4 << 20;

/// A refusal of ours in the peer's words; it ends with 1.
pub(super) fn refused(said: impl Into<String>) -> Failure {
    let said = said.into();
    Failure::invalid(said.clone()).peer(said, 1)
}

impl Talk<'_> {
    pub(super) async fn projects(&mut self, command: ProjectCommand) -> Result<u8, Failure> {
        match command {
            ProjectCommand::List(args) => self.list_projects(&args.output).await?,
            ProjectCommand::Get(args) => self.show_project(&args.project, &args.output).await?,
            ProjectCommand::Create(args) => self.create_project(*args).await?,
            ProjectCommand::Set(args) => {
                let mut project = self.project(&args.project).await?;
                if !set(&mut project["spec"], &args.spec)? {
                    return Err(refused("Please set at least one option to update"));
                }
                self.update_project(&project).await?;
            }
            ProjectCommand::Edit(args) => self.edit_project(&args.project).await?,
            ProjectCommand::Delete(args) => {
                for name in args.projects {
                    self.delete_project(&name).await?;
                }
            }
            ProjectCommand::Role(command) => self.roles(command).await?,
            ProjectCommand::Windows(command) => self.windows(command).await?,
            command => self.change_list(command).await?,
        }
        Ok(0)
    }

    /// A project as it is.
    pub(super) async fn project(&mut self, name: &str) -> Result<Value, Failure> {
        let what = format!("cannot get the project {name}");
        self.ask(&what, "project.ProjectService/Get", &json!({ "name": name })).await
    }

    /// Writes a project that was read and changed: by its resourceVersion, so that no change between is lost.
    pub(super) async fn update_project(&mut self, project: &Value) -> Result<(), Failure> {
        let what = format!("cannot change the project {}", text(&project["metadata"]["name"]));
        self.ask(&what, "project.ProjectService/Update", &json!({ "project": project })).await?;
        Ok(())
    }

    async fn list_projects(&mut self, form: &str) -> Result<(), Failure> {
        let answer = self.ask("cannot list projects", "project.ProjectService/List", &json!({})).await?;
        let projects = list(&answer["items"]);
        match form {
            "json" | "yaml" => return self.messages(PROJECT, projects, form),
            "name" => projects.iter().for_each(|project| self.line(text(&project["metadata"]["name"]))),
            "wide" | "" => {
                let text = show::table(projects).render(self.console.look);
                self.console.print(&text);
            }
            other => return Err(unknown_form(other)),
        }
        Ok(())
    }

    async fn show_project(&mut self, name: &str, form: &str) -> Result<(), Failure> {
        let what = format!("cannot get the project {name}");
        let request = json!({ "name": name });
        let all = self.ask(&what, "project.ProjectService/GetDetailedProject", &request).await?;
        match form {
            "json" | "yaml" => self.message(PROJECT, &all["project"], form),
            "wide" | "" => {
                show::lines(&all).iter().for_each(|line| self.line(line));
                Ok(())
            }
            other => Err(unknown_form(other)),
        }
    }

    async fn create_project(&mut self, args: CreateProjectArgs) -> Result<(), Failure> {
        let mut project = match &args.file {
            Some(path) => self.manifest(path)?,
            None => json!({}),
        };
        project["apiVersion"] = json!("argoproj.io/v1alpha1");
        project["kind"] = json!("AppProject");
        match (&args.file, args.project) {
            (None, None) => {
                return Err(Failure::usage("no project is named").next("capstan proj create PROJECT"));
            }
            (None, Some(name)) => project["metadata"] = json!({ "name": name }),
            (Some(_), Some(name)) if project["metadata"]["name"] != name.as_str() => {
                let other = text(&project["metadata"]["name"]);
                let said =
                    format!("project name '{name}' does not match project spec metadata.name '{other}'");
                return Err(Failure::invalid(said.clone()).peer(said, 20));
            }
            _ => {}
        }
        if !project["spec"].is_object() {
            project["spec"] = json!({});
        }
        set(&mut project["spec"], &args.spec)?;
        let what = format!("cannot create the project {}", text(&project["metadata"]["name"]));
        let request = json!({"project": project, "upsert": args.upsert});
        self.ask(&what, "project.ProjectService/Create", &request).await?;
        if self.console.look.native() {
            self.line(&format!("project {} created", text(&project["metadata"]["name"])));
        }
        Ok(())
    }

    /// Has the user's editor change the specification, and sends it back whole, as the peer's client does: to the project as it is then.
    async fn edit_project(&mut self, name: &str) -> Result<(), Failure> {
        let project = self.project(name).await?;
        let editor = (self.local.variable)("EDITOR").unwrap_or_default();
        let mut edit = Edit::new(&editor, name, goyaml::to_string(&project["spec"]))?;
        loop {
            let tried = match specification(edit.round()?) {
                Ok(spec) => self.respecify_project(name, spec).await,
                Err(failure) => Err(failure),
            };
            match tried {
                Ok(()) => return Ok(()),
                Err(failure) => edit.refused(&failure),
            }
        }
    }

    async fn respecify_project(&mut self, name: &str, spec: Value) -> Result<(), Failure> {
        let mut project = self.project(name).await?;
        project["spec"] = spec;
        self.update_project(&project).await
    }

    /// A manifest of a file, or of the standard input.
    fn manifest(&mut self, path: &str) -> Result<Value, Failure> {
        let bytes = match path {
            "-" => self.console.read_input(FILE_BYTES)?,
            path => std::fs::read(path)
                .map_err(|error| Failure::usage(format!("the file {path} cannot be read")).because(&error))?,
        };
        let parsed = goyaml::parse_one(&bytes, &goyaml::Limits::default());
        let value = parsed.map_err(|error| Failure::invalid(format!("{path} is no YAML")).because(&error))?;
        if value.is_object() { Ok(value) } else { Err(Failure::invalid(format!("{path} is no manifest"))) }
    }

    async fn delete_project(&mut self, name: &str) -> Result<(), Failure> {
        if !self.agreed(&format!("Are you sure you want to delete {name}? [y/n]"))? {
            self.line(&format!("The command to delete {name} was cancelled."));
            return Ok(());
        }
        let what = format!("cannot delete the project {name}");
        self.ask(&what, "project.ProjectService/Delete", &json!({ "name": name })).await?;
        if self.console.look.native() {
            self.line(&format!("project {name} deleted"));
        }
        Ok(())
    }
}

fn specification(text: &str) -> Result<Value, Failure> {
    let wrong = || Failure::invalid("this is no specification of a project");
    let spec = goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default());
    match spec.map_err(|error| wrong().because(&error))? {
        spec @ Value::Object(_) => Ok(spec),
        _ => Err(wrong().cause("it is no map of fields")),
    }
}

/// Puts into a specification what flags say; whether they say anything.
fn set(spec: &mut Value, flags: &ProjectFlags) -> Result<bool, Failure> {
    let mut said = false;
    let mut put = |field: &str, value: Value| {
        spec[field] = value;
        said = true;
    };
    if let Some(description) = &flags.description {
        put("description", json!(description));
    }
    let destinations: Vec<Value> =
        flags.dest.iter().map(|text| destination(text)).collect::<Result<_, _>>()?;
    let accounts: Vec<Value> =
        flags.dest_service_accounts.iter().map(|text| account(text)).collect::<Result<_, _>>()?;
    let keys: Vec<Value> = flags.signature_keys.iter().map(|text| key(text)).collect::<Result<_, _>>()?;
    let kinds = |kinds: &[String]| kinds.iter().filter_map(|kind| kind_of(kind)).collect();
    let lists: [(&str, &[String], Vec<Value>); 9] = [
        ("destinations", &flags.dest, destinations),
        ("sourceRepos", &flags.src, flags.src.iter().map(|url| json!(url)).collect()),
        ("signatureKeys", &flags.signature_keys, keys),
        (
            "sourceNamespaces",
            &flags.source_namespaces,
            flags.source_namespaces.iter().map(|name| json!(name)).collect(),
        ),
        ("clusterResourceWhitelist", &flags.allow_cluster_resource, kinds(&flags.allow_cluster_resource)),
        ("clusterResourceBlacklist", &flags.deny_cluster_resource, kinds(&flags.deny_cluster_resource)),
        (
            "namespaceResourceWhitelist",
            &flags.allow_namespaced_resource,
            kinds(&flags.allow_namespaced_resource),
        ),
        (
            "namespaceResourceBlacklist",
            &flags.deny_namespaced_resource,
            kinds(&flags.deny_namespaced_resource),
        ),
        ("destinationServiceAccounts", &flags.dest_service_accounts, accounts),
    ];
    for (field, given, values) in lists {
        if !given.is_empty() {
            put(field, Value::Array(values));
        }
    }
    match (flags.orphaned_resources, flags.orphaned_resources_warn) {
        (None, None) => {}
        (_, Some(warn)) => put("orphanedResources", json!({ "warn": warn })),
        (Some(true), None) => put("orphanedResources", json!({})),
        (Some(false), None) => put("orphanedResources", Value::Null),
    }
    Ok(said)
}

fn destination(text: &str) -> Result<Value, Failure> {
    match text.split(',').collect::<Vec<_>>().as_slice() {
        [server, namespace] => Ok(json!({"server": server, "namespace": namespace})),
        _ => Err(refused(format!("Expected destination of the form: server,namespace. Received: {text}"))),
    }
}

fn account(text: &str) -> Result<Value, Failure> {
    match text.split(',').collect::<Vec<_>>().as_slice() {
        [server, namespace, account] => {
            Ok(json!({"server": server, "namespace": namespace, "defaultServiceAccount": account}))
        }
        _ => Err(refused(format!(
            "Expected destination service account of the form: server,namespace, defaultServiceAccount. Received: {text}"
        ))),
    }
}

/// A key by its short or long name, which ends in the short one.
fn key(text: &str) -> Result<Value, Failure> {
    if !is_key(text) {
        return Err(refused(format!("'{text}' is not a valid GnuPG key ID")));
    }
    Ok(json!({"keyID": text.get(text.len() - 16..)}))
}

pub(super) fn is_key(text: &str) -> bool {
    [16, 40].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn kind_of(text: &str) -> Option<Value> {
    match text.split('/').collect::<Vec<_>>().as_slice() {
        [kind] => Some(json!({"group": "", "kind": kind})),
        [group, kind] => Some(json!({"group": group, "kind": kind})),
        _ => None,
    }
}

/// A list of a specification, to be changed.
fn items<'a>(project: &'a mut Value, field: &str) -> &'a mut Vec<Value> {
    let list = &mut project["spec"][field];
    if !list.is_array() {
        *list = json!([]);
    }
    match list {
        Value::Array(list) => list,
        _ => unreachable!("it was made a list"),
    }
}
