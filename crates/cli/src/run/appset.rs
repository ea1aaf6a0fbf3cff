//! `appset`, by a server: the cluster's API alone cannot say what an ApplicationSet makes.

use api::Application;
use serde_json::{Value, json};

use super::Session;
use crate::command::{
    AppSetCommand, CreateAppSetsArgs, DeleteAppSetsArgs, GenerateArgs, GetAppSetArgs, ListAppSetsArgs,
};
use crate::console::Form;
use crate::failure::Failure;
use crate::name::AppName;
use crate::store::parse;
use crate::table::Table;
use crate::view;

impl Session<'_> {
    pub(super) async fn appset(&mut self, command: AppSetCommand) -> Result<u8, Failure> {
        match command {
            AppSetCommand::List(args) => self.list_appsets(args).await,
            AppSetCommand::Get(args) => self.get_appset(args).await,
            AppSetCommand::Create(args) => self.create_appsets(args).await,
            AppSetCommand::Generate(args) => self.generate(args).await,
            AppSetCommand::Delete(args) => self.delete_appsets(args).await,
        }
    }

    async fn ask_appset(&self, method: &str, request: &Value, what: String) -> Result<Value, Failure> {
        let path = format!("applicationset.ApplicationSetService/{method}");
        self.server("ApplicationSets")?.call(&path, request, what).await
    }

    async fn list_appsets(&mut self, args: ListAppSetsArgs) -> Result<u8, Failure> {
        let request = json!({
            "projects": args.projects, "selector": args.selector, "appsetNamespace": args.appset_namespace,
        });
        let list = self.ask_appset("List", &request, "cannot list ApplicationSets".to_owned()).await?;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        self.show_appsets(&Value::Array(items), &args.output);
        Ok(0)
    }

    async fn get_appset(&mut self, args: GetAppSetArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, None)?;
        let request = json!({ "name": name.name, "appsetNamespace": name.namespace });
        let set = self.ask_appset("Get", &request, format!("cannot read ApplicationSet {name}")).await?;
        self.show_appsets(&set, &args.output);
        Ok(0)
    }

    async fn create_appsets(&mut self, args: CreateAppSetsArgs) -> Result<u8, Failure> {
        for file in &args.files {
            for set in self.read_objects(file)? {
                let name = set["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                let request = json!({ "applicationset": set, "upsert": args.upsert, "dryRun": args.dry_run });
                let made = self
                    .ask_appset("Create", &request, format!("cannot create ApplicationSet {name}"))
                    .await?;
                if args.output != "wide" || args.dry_run {
                    self.show_appsets(&made, &args.output);
                } else {
                    self.console.print(&format!("ApplicationSet '{}' created\n", crate::escape::line(&name)));
                }
            }
        }
        Ok(0)
    }

    async fn generate(&mut self, args: GenerateArgs) -> Result<u8, Failure> {
        let sets = self.read_objects(&args.file)?;
        let [set] = sets.as_slice() else {
            return Err(Failure::invalid("Input file must contain one ApplicationSet"));
        };
        let request = json!({ "applicationSet": set });
        let answer =
            self.ask_appset("Generate", &request, "cannot say what would be made".to_owned()).await?;
        let apps = answer["applications"].as_array().cloned().unwrap_or_default();
        match args.output.as_str() {
            "json" => self.applications(apps.into(), Form::Json),
            "yaml" => self.applications(apps.into(), Form::Yaml),
            _ => {
                let apps: Vec<Application> = apps.into_iter().map(parse).collect::<Result<_, _>>()?;
                let text = view::list::table(&apps, self.console.look);
                self.console.print(&text);
            }
        }
        Ok(0)
    }

    async fn delete_appsets(&mut self, args: DeleteAppSetsArgs) -> Result<u8, Failure> {
        for text in &args.names {
            let name: AppName = self.name(text, None)?;
            let question = format!("Are you sure you want to delete '{name}' and all its Applications?");
            let asks = self.console.look.native() || self.console.terminal;
            if !args.yes && asks && !self.console.confirm(&question)? {
                self.console.print(&format!("The command to delete '{name}' was cancelled.\n"));
                continue;
            }
            let request = json!({ "name": name.name, "appsetNamespace": name.namespace });
            self.ask_appset("Delete", &request, format!("cannot delete ApplicationSet {name}")).await?;
            self.console.print(&format!("applicationset '{name}' deleted\n"));
        }
        Ok(0)
    }

    fn show_appsets(&mut self, sets: &Value, output: &str) {
        let all = match sets {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        let text = |set: &Value, pointer: &str| {
            set.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let named =
            |set: &Value| format!("{}/{}", text(set, "/metadata/namespace"), text(set, "/metadata/name"));
        match output {
            "json" => self.console.object(sets, Form::Json),
            "yaml" => self.console.object(sets, Form::Yaml),
            "name" => {
                let names: String =
                    all.iter().map(|set| format!("{}\n", crate::escape::line(&named(set)))).collect();
                self.console.print(&names);
            }
            _ => {
                let mut table = Table::new(&["NAME", "PROJECT", "REPO", "PATH", "TARGET"]);
                for set in all {
                    let of = |field: &str| text(set, &format!("/spec/template/spec/{field}"));
                    let fields = ["project", "source/repoURL", "source/path", "source/targetRevision"];
                    table.row([named(set)].into_iter().chain(fields.map(of)).map(Into::into).collect());
                }
                let text = table.render(self.console.look);
                self.console.print(&text);
            }
        }
    }

    /// The objects of a file of YAML.
    fn read_objects(&mut self, file: &str) -> Result<Vec<Value>, Failure> {
        let text = self.read_file(file)?;
        let documents = goyaml::parse_all(&text, &goyaml::Limits::default());
        let documents = documents.map_err(|error| {
            Failure::invalid(format!("{file} cannot be read as ApplicationSets")).cause(error.to_string())
        })?;
        Ok(documents.into_iter().map(|document| document.value).collect())
    }
}
