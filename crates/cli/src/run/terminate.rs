//! `app terminate-op`.

use api::OperationPhase;
use serde_json::json;

use super::Session;
use crate::command::TerminateOpArgs;
use crate::escape;
use crate::failure::{Failure, Kind};

impl Session<'_> {
    pub(super) async fn terminate(&mut self, args: TerminateOpArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        self.store
            .update(&name, |app| {
                let running = app.status.running().is_some();
                if !running {
                    let what = "Unable to terminate operation. No operation is in progress";
                    return Err(Failure::new(Kind::Conflict, what));
                }
                Ok(Some(json!({ "status": { "operationState": { "phase": OperationPhase::Terminating.as_str() } } })))
            })
            .await?;
        self.console.print(&format!("Application '{}' operation terminating\n", escape::line(&args.name)));
        Ok(0)
    }
}
