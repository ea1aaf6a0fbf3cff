//! `app hold` and `app release`.

use api::hold::{FOR_GOOD, annotations, until};
use api::names::annotation::{HOLD_REASON, HOLD_UNTIL};
use serde_json::json;

use super::Session;
use crate::command::{HoldArgs, ReleaseArgs};
use crate::escape;
use crate::failure::{Failure, Kind};

impl Session<'_> {
    pub(super) async fn hold(&mut self, args: HoldArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let (now, reason) = (self.context.now(), args.reason.unwrap_or_default());
        let until = until(args.time, now);
        self.store
            .update(&name, |app| {
                if app.spec.automated().is_none() {
                    let what = format!("application '{}' does not sync by itself", app.metadata.name);
                    return Err(Failure::new(Kind::Conflict, what)
                        .next("there is nothing to hold: it stays as it is until somebody syncs it"));
                }
                Ok(Some(json!({ "metadata": { "annotations": annotations(&until, &reason) } })))
            })
            .await?;
        self.console.print(&said(&args.name, &until));
        Ok(0)
    }

    pub(super) async fn release(&mut self, args: ReleaseArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        self.store
            .update(&name, |app| {
                if app.metadata.annotation(HOLD_UNTIL).is_none() {
                    let what = format!("application '{}' is not held", app.metadata.name);
                    return Err(Failure::new(Kind::Conflict, what));
                }
                Ok(Some(json!({ "metadata": { "annotations": { HOLD_UNTIL: null, HOLD_REASON: null } } })))
            })
            .await?;
        self.console.print(&format!("application '{}' released\n", escape::line(&args.name)));
        Ok(0)
    }
}

/// What is said of a hold.
pub(super) fn said(name: &str, until: &str) -> String {
    let name = escape::line(name);
    let when = if until == FOR_GOOD { "released".to_owned() } else { until.to_owned() };
    format!("application '{name}' is held until {when}; to end it: capstan app release {name}\n")
}
