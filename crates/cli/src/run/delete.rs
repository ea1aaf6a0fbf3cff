//! `app delete`.

use api::Application;
use api::names::finalizer;
use serde_json::{Value, json};

use super::Session;
use super::verdict::Wanted;
use crate::command::DeleteArgs;
use crate::failure::Failure;

impl Session<'_> {
    pub(super) async fn delete(&mut self, args: DeleteArgs) -> Result<u8, Failure> {
        let names = self.names(&args.names, args.selector.as_deref(), args.app_namespace.as_deref()).await?;
        for name in names {
            let app = self.store.application(&name).await?;
            if !args.yes {
                let question = match (args.cascade, self.console.look.native()) {
                    (true, true) => format!(
                        "Are you sure you want to delete '{name}' and the {} resources that it manages?",
                        app.status.resources.len()
                    ),
                    (true, false) => {
                        format!("Are you sure you want to delete '{name}' and all its resources?")
                    }
                    (false, _) => {
                        format!("Are you sure you want to delete '{name}' and leave its resources?")
                    }
                };
                if !self.console.confirm(&question)? {
                    self.console.print(&format!("The command to delete '{name}' was cancelled.\n"));
                    continue;
                }
            }
            self.store.update(&name, |app| Ok(cascade(app, args.cascade, &args.propagation_policy))).await?;
            self.store.delete(&name, &app.metadata.uid).await?;
            if args.wait {
                let (_, result) = Box::pin(self.settle(&name, &Wanted::gone(), args.timeout, true)).await?;
                result?;
            }
            self.console.print(&format!("application '{}' deleted\n", name.name));
        }
        Ok(0)
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
