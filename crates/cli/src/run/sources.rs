//! `app unset`, `app add-source` and `app remove-source`.

use api::{Application, ApplicationSource, ApplicationSourceHelm, ApplicationSourceKustomize};

use super::Session;
use super::get::source_position;
use crate::command::{AddSourceArgs, RemoveSourceArgs, UnsetArgs, UnsetFlags};
use crate::escape;
use crate::failure::{Failure, Kind};
use crate::spec;

impl Session<'_> {
    pub(super) async fn unset(&mut self, args: UnsetArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let unset = |app: &mut Application| {
            let said = args.source_position.filter(|_| app.spec.has_multiple_sources());
            let position = source_position(app, said, args.source_name.as_deref())?;
            let source = chosen(app, position)?;
            let before = source.clone();
            args.flags.unset(source)?;
            if *source == before { Err(Failure::new(Kind::NotMet, NOTHING)) } else { Ok(()) }
        };
        match self.store.respecify(&name, args.validate, unset).await {
            Err(failure) if failure.what == NOTHING => {
                self.console.note(NOTHING);
                Ok(0)
            }
            done => done.map(|_| 0),
        }
    }

    pub(super) async fn add_source(&mut self, args: AddSourceArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let literal = self.literal(&args.spec)?;
        let add = |app: &mut Application| {
            if app.spec.sources.is_empty() {
                let what = format!(
                    "Cannot add source: application {} does not have spec.sources defined",
                    app.metadata.name
                );
                return Err(Failure::invalid(what).next(format!(
                    "list its source in spec.sources first: capstan app edit {}",
                    app.metadata.name
                )));
            }
            let source = spec::source(&args.spec, literal.clone())?;
            app.spec.sources.push(source);
            Ok(())
        };
        self.store.respecify(&name, args.validate, add).await?;
        self.console.print(&format!("Application '{}' updated successfully\n", escape::line(&name.name)));
        Ok(0)
    }

    pub(super) async fn remove_source(&mut self, args: RemoveSourceArgs) -> Result<u8, Failure> {
        let name = self.name(&args.name, args.app_namespace.as_deref())?;
        let by_name = args.source_name.as_deref();
        if by_name.is_none() && args.source_position.is_none_or(|position| position <= 0) {
            return Err(Failure::invalid("Value of source-position must be greater than 0"));
        }
        let remove = |app: &mut Application| {
            let refused = |what: &str| Err(Failure::invalid(what));
            // The peer looks for the name first.
            if let Some(name) = by_name {
                source_position(app, None, Some(name))?;
            }
            if !app.spec.has_multiple_sources() {
                return refused("Application does not have multiple sources configured");
            }
            if app.spec.sources.len() == 1 {
                return refused("Cannot remove the only source remaining in the app");
            }
            let at = source_position(app, args.source_position, by_name)?.unwrap_or_default();
            app.spec.sources.remove(at);
            Ok(())
        };
        self.store.respecify(&name, true, remove).await?;
        self.console.print(&format!("Application '{}' updated successfully\n", escape::line(&name.name)));
        Ok(0)
    }
}

const NOTHING: &str = "nothing changed: the application is so already";

/// The source that is meant: of several that must be said.
fn chosen(app: &mut Application, position: Option<usize>) -> Result<&mut ApplicationSource, Failure> {
    if app.spec.has_multiple_sources() && position.is_none() {
        let what = "Source position should be specified and must be greater than 0 for applications with multiple sources";
        return Err(Failure::invalid(what).next("say which one: --source-position 1"));
    }
    if app.spec.sources.is_empty() {
        return Ok(app.spec.source.get_or_insert_default());
    }
    Ok(&mut app.spec.sources[position.unwrap_or_default()])
}

impl UnsetFlags {
    /// Takes away what the flags name. What is not there stays so. **Errors**: no flag is about a source of this kind.
    ///
    /// **Source**: the peer's `unset`, whose verdict about nothing to do it is, too.
    fn unset(&self, source: &mut ApplicationSource) -> Result<(), Failure> {
        let nothing = || Err(Failure::usage("nothing to unset is named").next("see the flags: --help"));
        let refers = self.ref_name && !source.ref_name.is_empty();
        if self.ref_name {
            source.ref_name.clear();
        }
        if let Some(kustomize) = &mut source.kustomize {
            if !self.about_kustomize() {
                return if refers { Ok(()) } else { nothing() };
            }
            for (flag, field) in [
                (self.nameprefix, &mut kustomize.name_prefix),
                (self.namesuffix, &mut kustomize.name_suffix),
                (self.kustomize_version, &mut kustomize.version),
                (self.kustomize_namespace, &mut kustomize.namespace),
            ] {
                if flag {
                    field.clear();
                }
            }
            kustomize.ignore_missing_components &= !self.ignore_missing_components;
            let images = &self.kustomize_image;
            kustomize
                .images
                .retain(|image| !images.iter().any(|name| spec::image_name(name) == spec::image_name(image)));
            kustomize.replicas.retain(|replica| !self.kustomize_replica.contains(&replica.name));
        }
        if let Some(helm) = &mut source.helm {
            if !self.about_helm() {
                return if refers { Ok(()) } else { nothing() };
            }
            helm.parameters.retain(|parameter| !self.parameters.contains(&parameter.name));
            helm.value_files.retain(|file| !self.values.contains(file));
            if self.values_literal {
                helm.values.clear();
                helm.values_object = None;
            }
            helm.ignore_missing_value_files &= !self.ignore_missing_value_files;
            helm.pass_credentials &= !self.pass_credentials;
        }
        if let Some(plugin) = &mut source.plugin {
            if self.plugin_env.is_empty() {
                return if refers { Ok(()) } else { nothing() };
            }
            plugin.env.retain(|variable| !self.plugin_env.contains(&variable.name));
        }
        // What is empty goes, as in the peer.
        source.kustomize =
            source.kustomize.take().filter(|kustomize| *kustomize != ApplicationSourceKustomize::default());
        source.helm = source.helm.take().filter(|helm| *helm != ApplicationSourceHelm::default());
        Ok(())
    }

    fn about_kustomize(&self) -> bool {
        self.nameprefix
            || self.namesuffix
            || self.kustomize_version
            || self.kustomize_namespace
            || self.ignore_missing_components
            || !self.kustomize_image.is_empty()
            || !self.kustomize_replica.is_empty()
    }

    fn about_helm(&self) -> bool {
        !self.parameters.is_empty()
            || !self.values.is_empty()
            || self.values_literal
            || self.ignore_missing_value_files
            || self.pass_credentials
    }
}
