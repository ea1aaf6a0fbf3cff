//! `app terminate-op`.

use api::OperationPhase;
use serde_json::json;

use super::Session;
use crate::command::TerminateOpArgs;
use crate::escape;
use crate::failure::{Failure, Kind};
use crate::store::{Store, query};

impl Session<'_> {
    pub(super) async fn terminate(&mut self, args: TerminateOpArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        if let Store::Server(server) = &self.store {
            let what = format!("cannot end the operation of application {name}");
            server.ask("TerminateOperation", &query(&name), what).await?;
        } else {
            self.store.update(&name, |app| {
                let running = app.status.running().is_some();
                if !running {
                    let what = "Unable to terminate operation. No operation is in progress";
                    return Err(Failure::new(Kind::Conflict, what));
                }
                Ok(Some(json!({ "status": { "operationState": { "phase": OperationPhase::Terminating.as_str() } } })))
            })
            .await?;
        }
        self.console.print(&format!("Application '{}' operation terminating\n", escape::line(&name.name)));
        Ok(0)
    }
}
