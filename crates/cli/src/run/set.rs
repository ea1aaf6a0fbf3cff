//! `app set`.

use super::Session;
use crate::command::SetArgs;
use crate::failure::Failure;
use crate::spec;

impl Session<'_> {
    pub(super) async fn set(&mut self, args: SetArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let position = match args.source_position {
            Some(0) => return Err(Failure::usage("sources are counted from 1")),
            other => other.map(|position| position - 1),
        };
        let literal = self.literal(&args.spec)?;
        let mut app = self.store.application(&name).await?;
        spec::apply(&mut app.spec, &args.spec, position, literal.clone())?;
        if args.validate {
            self.validate(&app)?;
        }
        let changed = self
            .store
            .replace(&name, |there| {
                let mut new = there.clone();
                spec::apply(&mut new.spec, &args.spec, position, literal.clone())?;
                Ok(new)
            })
            .await?;
        if !changed {
            self.console.note("nothing changed: the application is so already");
        }
        Ok(0)
    }
}
