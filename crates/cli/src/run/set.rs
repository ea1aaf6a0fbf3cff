//! `app set`.

use api::Application;

use super::Session;
use super::get::source_position;
use crate::command::{SetArgs, SpecFlags};
use crate::failure::Failure;
use crate::spec;
use crate::store::Store;

impl Session<'_> {
    pub(super) async fn set(&mut self, args: SetArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        if args.spec == SpecFlags::default() {
            return Err(
                Failure::usage("Please set at least one option to update").next("see the flags: --help")
            );
        }
        let literal = self.literal(&args.spec)?;
        let (position, source_name) = (args.source_position, args.spec.source_name.as_deref());
        let native = self.console.look.native();
        // Natively a name without a position is the source's new one, where there is none of this name.
        let apply = |app: &mut Application| {
            let named = app.spec.sources().iter().any(|source| Some(source.name.as_str()) == source_name);
            let by_name = source_name.filter(|_| !app.spec.sources.is_empty() && (named || !native));
            let said = position.filter(|_| app.spec.has_multiple_sources());
            let position = source_position(app, said, by_name)?;
            if app.spec.has_multiple_sources() && position.is_none() && !native {
                return Err(Failure::invalid(
                    "Source position should be specified and must be greater than 0 for applications with multiple sources",
                ));
            }
            let position = position.filter(|_| !app.spec.sources.is_empty());
            spec::apply(&mut app.spec, &args.spec, position, literal.clone())
        };
        if let Store::Cluster(_) = self.store
            && args.validate
        {
            let mut app = self.store.application(&name).await?;
            apply(&mut app)?;
            self.validate(&app)?;
        }
        let changed = self.store.respecify(&name, args.validate, apply).await?;
        if !changed {
            self.console.note("nothing changed: the application is so already");
        }
        Ok(0)
    }
}
