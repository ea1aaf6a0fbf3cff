//! `app manifests`, and what git wants: by the controller's own functions.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use api::{AppInstanceName, Application};
use applications::{Controller, Evaluation, Start, StartError, Unrendered, What};
use resource::{Object, ResourceKey};
use serde_json::Value;

use super::Session;
use crate::command::ManifestsArgs;
use crate::escape;
use crate::failure::{Failure, Kind};

impl Session<'_> {
    pub(super) async fn manifests(&mut self, args: ManifestsArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let mut app = self.store.application(&name).await?;
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
        for object in objects {
            let (masked, _) = compare::mask(Some(object), None, &evaluation.rules);
            let yaml = goyaml::to_string(&masked.unwrap_or_else(|| object.clone()).into_value());
            let yaml = if self.console.terminal { escape::lines(&yaml).into_owned() } else { yaml };
            self.console.print(&format!("---\n{yaml}"));
        }
        Ok(0)
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
        let controller = self.controller().await.map_err(|error| cannot_render(app).because(&error))?;
        Ok(Box::pin(controller.evaluate(app, what)).await)
    }

    /// The objects of nobody where an application goes to, if its project asks for them.
    pub(super) async fn orphans(&mut self, app: &Application) -> Result<Vec<ResourceKey>, Failure> {
        let cannot = || Failure::new(Kind::Other, "cannot look for orphaned resources");
        let home = &self.context.namespace;
        let (all, _) = self.store.list_all(home, "").await?;
        let text = |app: &Value, field: &str| app["metadata"][field].as_str().unwrap_or_default().to_owned();
        let instance =
            |app: &Value| AppInstanceName::new(&text(app, "name"), &text(app, "namespace"), home).to_string();
        let names: BTreeSet<String> = all.iter().map(instance).collect();
        let controller = self.controller().await.map_err(|error| cannot().because(&error))?;
        let found = Box::pin(controller.orphans(app, &|name| names.contains(name))).await;
        found.map_err(|unrendered| caused(cannot(), &unrendered))
    }

    /// The controller's own functions.
    async fn controller(&self) -> Result<Controller, StartError> {
        let start = Start {
            client: self.context.client.clone(),
            options: self.context.controller_options(),
            data_dir: self.context.data_dir.clone(),
            allow_file: self.context.allow_file,
            serves: false,
        };
        Box::pin(start.start()).await
    }
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
