//! `app logs`.

use futures::StreamExt;
use remote::Code;
use serde_json::{Value, json};

use super::Session;
use crate::command::LogsArgs;
use crate::escape;
use crate::failure::Failure;

impl Session<'_> {
    /// What containers print. A stream that is followed and breaks off is taken up again. **Source**: the peer's `app logs`.
    pub(super) async fn logs(&mut self, args: LogsArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let server = self.server("logs")?.clone();
        let failed = |error: &remote::Error| {
            Failure::from_remote(error, format!("cannot read the logs of application {name}")).fatal()
        };
        let mut request = json!({
            "name": name.name, "appNamespace": name.namespace, "group": args.group, "kind": args.kind,
            "namespace": args.namespace, "resourceName": args.resource_name, "container": args.container,
            "follow": args.follow, "tailLines": args.tail, "sinceSeconds": args.since_seconds,
            "untilTime": args.until_time, "filter": args.filter, "matchCase": args.match_case, "previous": args.previous,
        });
        loop {
            let stream = server.remote.stream("application.ApplicationService/PodLogs", &request).await;
            let mut stream = stream.map_err(|error| failed(&error))?;
            loop {
                match stream.next().await {
                    None => return Ok(0),
                    Some(Ok(entry)) if entry["last"] == true => return Ok(0),
                    Some(Ok(entry)) => self.print_line(&entry),
                    Some(Err(error)) if error.code() == Some(Code::Unavailable) && args.follow => break,
                    Some(Err(error)) => return Err(failed(&error)),
                }
            }
            request["sinceSeconds"] = json!(1);
        }
    }

    fn print_line(&mut self, entry: &Value) {
        let line = entry["content"].as_str().unwrap_or_default();
        let line = if self.console.terminal { escape::line(line) } else { line.into() };
        self.console.print(&format!("{line}\n"));
    }
}
