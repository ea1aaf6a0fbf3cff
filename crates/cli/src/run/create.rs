//! `app create`.

use api::names::{API_VERSION, APPLICATION, finalizer};
use api::{Application, ConditionType};
use serde_json::{Value, json};

use super::Session;
use crate::command::{CreateArgs, SpecFlags};
use crate::escape;
use crate::failure::{Failure, Kind};
use crate::name::AppName;
use crate::spec::{self, pairs};
use crate::store::{Cluster, Server, Store};

impl Session<'_> {
    pub(super) async fn create(&mut self, args: CreateArgs) -> Result<u8, Failure> {
        let mut apps = match &args.file {
            Some(file) => parse(&self.read_file(file)?, file)?,
            None => vec![empty()],
        };
        let name = args.name.as_ref().or(args.name_flag.as_ref());
        if apps.len() > 1 && name.is_some() {
            return Err(Failure::usage(format!(
                "the file has {} applications and one name was given",
                apps.len()
            )));
        }
        for app in &mut apps {
            if let Some(name) = name {
                let name = self.name(name, args.app_namespace.as_deref())?;
                (app.metadata.name, app.metadata.namespace) = (name.name, name.namespace);
            }
            self.fill(app, &args)?;
            // A server checks by itself.
            if args.validate && matches!(self.store, Store::Cluster(_)) {
                self.validate(app)?;
            }
        }
        for app in apps {
            let action = match &self.store {
                Store::Cluster(cluster) => Box::pin(create_or_update(cluster, &app, args.upsert)).await?,
                Store::Server(server) => Box::pin(ask_create(server, &app, &args)).await?,
            };
            self.console.print(&format!("application '{}' {action}\n", escape::line(&app.metadata.name)));
        }
        Ok(0)
    }

    fn fill(&mut self, app: &mut Application, args: &CreateArgs) -> Result<(), Failure> {
        if app.metadata.namespace.is_empty() {
            app.metadata.namespace = args.app_namespace.clone().unwrap_or_else(|| self.home().to_owned());
        }
        AppName::parse(&app.metadata.name, &app.metadata.namespace)?;
        let literal = self.literal(&args.spec)?;
        spec::apply(&mut app.spec, &args.spec, None, literal)?;
        if app.spec.project.is_empty() {
            app.spec.project = api::DEFAULT_PROJECT.to_owned();
        }
        app.metadata.labels.extend(pairs(&args.labels)?);
        app.metadata.annotations.extend(pairs(&args.annotations)?);
        if args.set_finalizer && !app.metadata.has_finalizer(finalizer::RESOURCES) {
            app.metadata.finalizers.push(finalizer::RESOURCES.to_owned());
        }
        Ok(())
    }

    /// The content of `--values-literal-file`.
    pub(super) fn literal(&mut self, flags: &SpecFlags) -> Result<Option<String>, Failure> {
        let Some(path) = &flags.values_literal_file else { return Ok(None) };
        let text = self.read_file(&path.to_string_lossy())?;
        String::from_utf8(text)
            .map(Some)
            .map_err(|e| Failure::usage(format!("{} is no text", path.display())).because(&e))
    }

    /// **Errors**: a specification that the controller would refuse. What it would only warn of is told.
    pub(super) fn validate(&mut self, app: &Application) -> Result<(), Failure> {
        let name = &app.metadata.name;
        let (warnings, errors): (Vec<_>, Vec<_>) = api::inspect(app)
            .into_iter()
            .partition(|finding| finding.condition == ConditionType::LintWarning);
        for warning in warnings {
            self.console.note(&format!("{}: {}", warning.condition, warning.message));
        }
        if errors.is_empty() {
            return Ok(());
        }
        let failure = Failure::invalid(format!("application spec for {name} is invalid"));
        Err(errors
            .into_iter()
            .fold(failure, |f, error| f.cause(format!("{}: {}", error.condition, error.message))))
    }
}

/// **Source**: the peer's `app create`, which tells by what was there before what became of it.
async fn ask_create(server: &Server, app: &Application, args: &CreateArgs) -> Result<&'static str, Failure> {
    let name = AppName { namespace: app.metadata.namespace.clone(), name: app.metadata.name.clone() };
    let before = server.find(&name).await?;
    let request = json!({ "application": app.to_value(), "upsert": args.upsert, "validate": args.validate });
    let after = server.ask("Create", &request, format!("cannot create application {name}")).await?;
    let Some(before) = before else { return Ok("created") };
    let part = |of: &Value, pointer: &str| {
        of.pointer(pointer).filter(|part| !part.as_object().is_some_and(serde_json::Map::is_empty)).cloned()
    };
    let parts = ["/spec", "/metadata/labels", "/metadata/annotations", "/metadata/finalizers"];
    let same = parts.into_iter().all(|pointer| part(&before, pointer) == part(&after, pointer));
    Ok(if args.upsert && !same { "updated" } else { "unchanged" })
}

async fn create_or_update(
    cluster: &Cluster,
    app: &Application,
    upsert: bool,
) -> Result<&'static str, Failure> {
    match cluster.create(app).await {
        Ok(_) => return Ok("created"),
        Err(failure) if failure.kind == Kind::Conflict => {}
        Err(failure) => return Err(failure),
    }
    let name = AppName { namespace: app.metadata.namespace.clone(), name: app.metadata.name.clone() };
    let changed = cluster
        .replace(&name, |there| {
            let mut new = there.clone();
            new.spec = app.spec.clone();
            new.metadata.labels.extend(app.metadata.labels.clone());
            new.metadata.annotations.extend(app.metadata.annotations.clone());
            let missing = app.metadata.finalizers.iter().filter(|f| !there.metadata.has_finalizer(f));
            new.metadata.finalizers.extend(missing.cloned());
            if new != *there && !upsert {
                let what = "existing application spec is different, use upsert flag to force update";
                return Err(Failure::new(Kind::Conflict, what).next("repeat the command with --upsert"));
            }
            Ok(new)
        })
        .await?;
    Ok(if changed { "updated" } else { "unchanged" })
}

fn empty() -> Application {
    Application {
        api_version: API_VERSION.to_owned(),
        kind: APPLICATION.to_owned(),
        ..Application::default()
    }
}

/// The Applications of a file. **Errors**: it is no YAML, or holds something else; named by file and line.
fn parse(text: &[u8], file: &str) -> Result<Vec<Application>, Failure> {
    let fail =
        |cause: String| Failure::invalid(format!("{file} cannot be read as Applications")).cause(cause);
    let documents =
        goyaml::parse_all(text, &goyaml::Limits::default()).map_err(|error| fail(error.to_string()))?;
    if documents.is_empty() {
        return Err(fail("it is empty".to_owned()));
    }
    documents
        .into_iter()
        .map(|document| {
            let line = document.locate(&["kind"]).map_or(1, |mark| mark.line);
            if document.value["kind"] != json!(APPLICATION) {
                let kind = document.value["kind"].as_str().unwrap_or("nothing");
                return Err(fail(format!("{file}:{line}: an Application was expected and {kind} was found")));
            }
            let app = Application::from_value(document.value)
                .map_err(|error| fail(format!("{file}:{line}: {error}")))?;
            if app.metadata.name.is_empty() {
                Err(fail(format!("{file}:{line}: it has no name")))
            } else {
                Ok(app)
            }
        })
        .collect()
}
