//! `app delete`.

use api::Application;
use api::names::finalizer;
use serde_json::{Value, json};

use super::Session;
use super::verdict::Wanted;
use crate::command::DeleteArgs;
use crate::failure::Failure;
use crate::name::AppName;
use crate::store::{Store, query};

impl Session<'_> {
    pub(super) async fn delete(&mut self, args: DeleteArgs) -> Result<u8, Failure> {
        let selector = args.selector.as_deref();
        let names = self.names(&args.names, selector, &[], args.app_namespace.as_deref()).await?;
        for name in names {
            if !self.may_delete(&name, &args).await? {
                self.console
                    .print(&format!("The command to delete '{}' was cancelled.\n", self.typed(&name)));
                continue;
            }
            match &self.store {
                Store::Cluster(cluster) => {
                    let app = self.store.application(&name).await?;
                    let change = |app: &Application| Ok(cascade(app, args.cascade, args.policy()));
                    cluster.update(&name, change).await?;
                    cluster.delete(&name, &app.metadata.uid).await?;
                }
                Store::Server(server) => {
                    let mut request = query(&name);
                    if !args.cascade {
                        request["cascade"] = false.into();
                    }
                    if let Some(policy) = &args.propagation_policy {
                        request["propagationPolicy"] = policy.as_str().into();
                    }
                    server.ask("Delete", &request, format!("cannot delete application {name}")).await?;
                }
            }
            if args.wait {
                let (_, result) = Box::pin(self.settle(&name, &Wanted::gone(), args.timeout, true)).await?;
                result?;
            }
            self.console.print(&format!("application '{}' deleted\n", self.typed(&name)));
        }
        Ok(0)
    }

    /// Asks whether an application may go. As the peer's client a server's is asked about on a terminal alone, and where its resources go
    /// along.
    async fn may_delete(&mut self, name: &AppName, args: &DeleteArgs) -> Result<bool, Failure> {
        let native = self.console.look.native();
        let asks = native || matches!(self.store, Store::Cluster(_)) || self.console.terminal && args.cascade;
        if args.yes || !asks {
            return Ok(true);
        }
        let question = match (args.cascade, native) {
            (true, true) => format!(
                "Are you sure you want to delete '{name}' and the {} resources that it manages?",
                self.store.application(name).await?.status.resources.len()
            ),
            (true, false) => format!("Are you sure you want to delete '{name}' and all its resources?"),
            (false, _) => format!("Are you sure you want to delete '{name}' and leave its resources?"),
        };
        self.console.confirm(&question)
    }
}

/// The patch that makes the deletion cascade, or not; `None` where it does so already. Finalizers of others stay.
fn cascade(app: &Application, on: bool, policy: &str) -> Option<Value> {
    let is_ours = |name: &String| finalizer::CASCADES.contains(&name.as_str());
    let wanted = match (on, policy) {
        (false, _) => None,
        (true, "background") => Some(finalizer::RESOURCES_BACKGROUND),
        // The two spellings of the foreground mean the same: one that is there stays.
        (true, _) if app.metadata.has_finalizer(finalizer::RESOURCES_FOREGROUND) => {
            Some(finalizer::RESOURCES_FOREGROUND)
        }
        (true, _) => Some(finalizer::RESOURCES),
    };
    let mut finalizers: Vec<String> =
        app.metadata.finalizers.iter().filter(|name| !is_ours(name)).cloned().collect();
    finalizers.extend(wanted.map(str::to_owned));
    let (mut old, mut new) = (app.metadata.finalizers.clone(), finalizers.clone());
    old.sort();
    new.sort();
    // An object that is being deleted takes no new finalizer.
    let allowed = !app.metadata.is_deleting() || new.iter().all(|name| old.contains(name));
    (old != new && allowed).then(|| json!({ "metadata": { "finalizers": finalizers } }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finalizers_say_what_is_deleted() {
        let all = finalizer::RESOURCES;
        let background = finalizer::RESOURCES_BACKGROUND;
        for (reason, there, on, policy, expected) in [
            ("added", &["x/y"][..], true, "foreground", Some(vec!["x/y", all])),
            ("there already", &[all], true, "foreground", None),
            ("another policy", &[all], true, "background", Some(vec![background])),
            ("orphan", &["x/y", background], false, "foreground", Some(vec!["x/y"])),
            ("nothing to take away", &["x/y"], false, "foreground", None),
        ] {
            let app = json!({ "metadata": {"name": "a", "finalizers": there} });
            let patch = cascade(&Application::from_value(app).unwrap(), on, policy);
            assert_eq!(patch, expected.map(|f| json!({ "metadata": {"finalizers": f} })), "{reason}");
        }
    }
}
