//! `app manifests`, and what git wants: by the controller's own functions.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use api::{AppInstanceName, Application};
use applications::{Controller, Evaluation, Start, StartError, Unrendered, What};
use resource::{Object, ResourceKey};
use serde_json::{Value, json};

use super::Session;
use crate::command::{ManifestsArgs, SourceRevisions};
use crate::escape;
use crate::failure::{Failure, Kind};
use crate::name::AppName;
use crate::store::{Store, query};

/// Which revisions are rendered.
pub(super) struct Revisions<'a> {
    /// Of the only source.
    pub(super) one: Option<&'a str>,
    /// Of several.
    pub(super) many: &'a SourceRevisions,
    /// Whatever is cached.
    pub(super) fresh: bool,
}

/// Files of any name.
pub(super) const ALL_FILES: &[&str] = &["*"];

impl Session<'_> {
    pub(super) async fn manifests(&mut self, args: ManifestsArgs) -> Result<u8, Failure> {
        args.sources.check(1)?;
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let shown = match &self.store {
            Store::Cluster(_) => self.own_manifests(&name, &args).await?,
            Store::Server(_) => self.told_manifests(&name, &args).await?,
        };
        for value in shown {
            let yaml = goyaml::to_string(&value);
            let yaml = if self.console.terminal { escape::lines(&yaml).into_owned() } else { yaml };
            // The peer ends each with an empty line.
            let end = if self.console.look.native() { "" } else { "\n" };
            self.console.print(&format!("---\n{yaml}{end}"));
        }
        Ok(0)
    }

    async fn own_manifests(&mut self, name: &AppName, args: &ManifestsArgs) -> Result<Vec<Value>, Failure> {
        let mut app = self.store.application(name).await?;
        let live = args.source == "live";
        let what = What {
            revision: args.revision.clone(),
            local: local(args.local.as_deref(), args.local_repo_root.as_deref(), &mut app)?,
            desired_only: !live,
            ..What::default()
        };
        let evaluation = self.evaluate(&app, &what).await?;
        let git = evaluation.desired.iter().map(|(object, _)| object);
        let objects: Vec<&Object> = if live { evaluation.live.values().collect() } else { git.collect() };
        let masked = |object: &Object| {
            let (masked, _) = compare::mask(Some(object), None, &evaluation.rules);
            masked.unwrap_or_else(|| object.clone()).into_value()
        };
        Ok(objects.into_iter().map(masked).collect())
    }

    /// **Source**: the peer's client, which prints `null` for what git or the cluster does not have.
    async fn told_manifests(&mut self, name: &AppName, args: &ManifestsArgs) -> Result<Vec<Value>, Failure> {
        let mut app = self.store.application(name).await?;
        let root = local(args.local.as_deref(), args.local_repo_root.as_deref(), &mut app)?;
        let said = args.revision.as_deref().filter(|revision| !revision.is_empty());
        let server = self.server("manifests")?;
        let side = match (args.source.as_str(), root) {
            ("live", _) => "liveState",
            (_, Some(root)) => {
                let objects = server.render(name, &root, ALL_FILES).await?;
                return Ok(objects.into_iter().map(Object::into_value).collect());
            }
            _ if said.is_some() || !args.sources.revisions.is_empty() => {
                let wanted = Revisions { one: said, many: &args.sources, fresh: false };
                let objects = self.wanted(name, &app, &wanted).await?;
                return Ok(objects.into_iter().map(Object::into_value).collect());
            }
            _ => "targetState",
        };
        let managed = server.managed(name).await?;
        Ok(managed.iter().map(|item| side_of(item, side)).collect())
    }

    /// What git wants at a revision.
    pub(super) async fn wanted(
        &mut self,
        name: &AppName,
        app: &Application,
        revisions: &Revisions<'_>,
    ) -> Result<Vec<Object>, Failure> {
        let Store::Server(server) = &self.store else {
            let revision = revisions.one.map(str::to_owned);
            let what = What { revision, desired_only: true, ..What::default() };
            return Ok(self
                .evaluate(app, &what)
                .await?
                .desired
                .into_iter()
                .map(|(object, _)| object)
                .collect());
        };
        let mut request = query(name);
        request["revision"] = json!(revisions.one.unwrap_or_default());
        request["revisions"] = json!(revisions.many.revisions);
        request["sourcePositions"] = json!(revisions.many.positions(app)?);
        request["noCache"] = json!(revisions.fresh);
        let answer =
            server.ask("GetManifests", &request, format!("cannot render application {name}")).await?;
        crate::store::manifests(&answer)
    }

    /// What the controller would see. Its findings are told as notes. **Errors**: it cannot be rendered or read.
    pub(super) async fn evaluate(&mut self, app: &Application, what: &What) -> Result<Evaluation, Failure> {
        let name = &app.metadata.name;
        let evaluation = self.try_evaluate(app, what).await?.map_err(|unrendered| {
            let failure = caused(cannot_render(app), &unrendered);
            match what.local {
                Some(_) => failure,
                None => failure.next(format!("try it on a checkout: capstan app manifests {name} --local .")),
            }
        })?;
        for (kind, message) in &evaluation.findings {
            self.console.note(&format!("{kind}: {message}"));
        }
        Ok(evaluation)
    }

    /// The same for who makes something of what is wrong. **Errors**: the cluster cannot be had.
    pub(super) async fn try_evaluate(
        &mut self,
        app: &Application,
        what: &What,
    ) -> Result<Result<Evaluation, Unrendered>, Failure> {
        let client = &self.cluster("rendering and comparing on this machine")?.client;
        let controller = self.controller(client).await.map_err(|error| cannot_render(app).because(&error))?;
        Ok(Box::pin(controller.evaluate(app, what)).await)
    }

    /// The objects of nobody where an application goes to, if its project asks for them.
    pub(super) async fn orphans(&mut self, app: &Application) -> Result<Vec<ResourceKey>, Failure> {
        let cannot = || Failure::new(Kind::Other, "cannot look for orphaned resources");
        let home = &self.context.namespace;
        let (all, _) = self.store.list(home, None, "").await?;
        let text = |app: &Value, field: &str| app["metadata"][field].as_str().unwrap_or_default().to_owned();
        let instance =
            |app: &Value| AppInstanceName::new(&text(app, "name"), &text(app, "namespace"), home).to_string();
        let names: BTreeSet<String> = all.iter().map(instance).collect();
        let client = &self.cluster("orphans")?.client;
        let controller = self.controller(client).await.map_err(|error| cannot().because(&error))?;
        let found = Box::pin(controller.orphans(app, &|name| names.contains(name))).await;
        found.map_err(|unrendered| caused(cannot(), &unrendered))
    }

    /// The controller's own functions.
    async fn controller(&self, client: &kube::Client) -> Result<Controller, StartError> {
        let start = Start {
            client: client.clone(),
            options: self.context.controller_options(),
            data_dir: self.context.data_dir.clone(),
            allow_file: self.context.allow_file,
            serves: false,
        };
        Box::pin(start.start()).await
    }
}

/// A side of an object that a server tells; null where there is none.
pub(super) fn side_of(item: &Value, side: &str) -> Value {
    item[side].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn cannot_render(app: &Application) -> Failure {
    Failure::new(Kind::Other, format!("cannot render application \"{}\"", app.metadata.name))
}

/// A failure with everything that is wrong.
fn caused(failure: Failure, unrendered: &Unrendered) -> Failure {
    unrendered.findings.iter().fold(failure, |f, (kind, message)| f.cause(format!("{kind}: {message}")))
}

/// What `--local` and `--local-repo-root` mean: the root of a checkout. With a root that is said the directory is the application's own,
/// wherever that is in git, and the application's path becomes that.
///
/// **Errors**: a directory is not there, or the one does not lie in the other.
pub(super) fn local(
    directory: Option<&Path>,
    root: Option<&Path>,
    app: &mut Application,
) -> Result<Option<PathBuf>, Failure> {
    let (directory, root) = match (directory, root) {
        (None, _) => return Ok(None),
        (Some(directory), None) => return checkout(directory, app).map(Some),
        (Some(directory), Some(root)) => (absolute(directory)?, absolute(root)?),
    };
    let path = directory.strip_prefix(&root).map_err(|_| {
        let (directory, root) = (directory.display(), root.display());
        Failure::usage(format!("the directory {directory} does not lie in --local-repo-root {root}"))
    })?;
    let path = path.to_str().ok_or_else(|| Failure::usage("the directory's name is not UTF-8"))?;
    let path = if path.is_empty() { "." } else { path };
    match (&mut app.spec.source, app.spec.sources.as_mut_slice()) {
        (Some(source), []) => path.clone_into(&mut source.path),
        (None, [source]) => path.clone_into(&mut source.path),
        _ => return Err(several_sources("--local-repo-root")),
    }
    Ok(Some(root))
}

pub(super) fn several_sources(flag: &str) -> Failure {
    Failure::usage(format!("the application has several sources: {flag} cannot tell which one is meant"))
}

fn absolute(directory: &Path) -> Result<PathBuf, Failure> {
    directory.canonicalize().map_err(|error| {
        Failure::usage(format!("the directory {} cannot be read", directory.display())).because(&error)
    })
}

/// The root of the checkout that a directory lies in. `--local` takes the root itself as well as the application's own
/// directory, which is what the peer wants. **Errors**: the directory is not there.
fn checkout(directory: &Path, app: &Application) -> Result<PathBuf, Failure> {
    let absolute = absolute(directory)?;
    let path = app.spec.sources().first().map(|source| source.path.trim_matches('/')).unwrap_or_default();
    if path.is_empty() || path == "." || absolute.join(path).is_dir() {
        return Ok(absolute);
    }
    let depth = Path::new(path).components().count();
    match absolute.ancestors().nth(depth) {
        Some(root) if absolute.ends_with(path) => Ok(root.to_owned()),
        _ => {
            Err(Failure::usage(format!("the directory {} does not hold the application", absolute.display()))
                .cause(format!("it has no directory {path}, and is not called so itself")))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_checkout_is_found_from_either_end() {
        let root = std::env::temp_dir().join(format!("capstan-cli-{}", std::process::id()));
        std::fs::create_dir_all(root.join("apps/web")).unwrap();
        let root = root.canonicalize().unwrap();
        for (path, directory, expected) in [
            ("apps/web", root.clone(), Some(root.clone())),
            ("apps/web", root.join("apps/web"), Some(root.clone())),
            ("apps/web", root.join("apps"), None),
            (".", root.join("apps"), Some(root.join("apps"))),
            ("apps/web", root.join("nothing"), None),
        ] {
            let app = json!({ "spec": { "source": {"repoURL": "r", "path": path}, "destination": {} } });
            let app = Application::from_value(app).unwrap();
            assert_eq!(checkout(&directory, &app).ok(), expected, "{path} {}", directory.display());
        }
        for (directory, path) in
            [(root.join("apps"), Some("apps")), (root.clone(), Some(".")), ("/".into(), None)]
        {
            let app =
                json!({ "spec": { "source": {"repoURL": "r", "path": "apps/web"}, "destination": {} } });
            let mut app = Application::from_value(app).unwrap();
            let found = local(Some(&directory), Some(&root), &mut app).ok().flatten();
            let said = found.as_ref().map(|_| app.spec.sources()[0].path.as_str());
            assert_eq!((said, found.as_ref()), (path, path.map(|_| &root)), "{}", directory.display());
        }
        std::fs::remove_dir_all(&root).unwrap();
    }
}
