//! Options of a sync: of the application, of one sync, of one object.

/// How deletions go on to dependents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PropagationPolicy {
    /// Dependents first.
    #[default]
    Foreground,
    /// Dependents later.
    Background,
    /// Dependents stay.
    Orphan,
}

impl PropagationPolicy {
    /// As Kubernetes' `DeleteOptions` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Foreground => "Foreground",
            Self::Background => "Background",
            Self::Orphan => "Orphan",
        }
    }
}

/// Whether something destructive may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Consent {
    /// Yes.
    #[default]
    Yes,
    /// After a person has approved it.
    Confirm,
    /// No.
    No,
}

/// What an option list asks for. `None` is an option that is not set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncOptions {
    /// `CreateNamespace`: create the destination namespace.
    pub create_namespace: Option<bool>,
    /// `Validate`: let the API server validate fields strictly.
    pub validate: Option<bool>,
    /// `SkipDryRunOnMissingResource`: leave kinds that do not exist yet out of the dry run.
    pub skip_dry_run_on_missing_resource: Option<bool>,
    /// `PruneLast`: prune after everything else.
    pub prune_last: Option<bool>,
    /// `PrunePropagationPolicy`.
    pub prune_propagation_policy: Option<PropagationPolicy>,
    /// `Replace`: replace instead of apply.
    pub replace: Option<bool>,
    /// `Force`: delete and create where an update is refused.
    pub force: Option<bool>,
    /// `ServerSideApply`.
    pub server_side_apply: Option<bool>,
    /// `ClientSideApplyMigration`: take over fields that were applied the client's way.
    pub client_side_apply_migration: Option<bool>,
    /// `ApplyOutOfSyncOnly`: leave objects alone that are in sync.
    pub apply_out_of_sync_only: Option<bool>,
    /// `RespectIgnoreDifferences`: leave ignored fields as they are.
    pub respect_ignore_differences: Option<bool>,
    /// `FailOnSharedResource`: fail where another application has the object.
    pub fail_on_shared_resource: Option<bool>,
    /// `Prune`: whether the object may be pruned.
    pub prune: Option<Consent>,
    /// `Delete`: whether the object may be deleted with its application.
    pub delete: Option<Consent>,
}

impl SyncOptions {
    /// Reads `Name=value` options; the later of two wins.
    ///
    /// **Shape**: blanks around an option are dropped, empty options ignored. **Errors**: the second part names each
    /// option that is unknown or has an unknown value; the rest is in force. **Source**: the peer's `SyncOptions`,
    /// which ignores what it does not know in silence.
    pub fn parse<'a>(options: impl IntoIterator<Item = &'a str>) -> (Self, Vec<String>) {
        let mut parsed = Self::default();
        let mut problems = Vec::new();
        for option in options.into_iter().map(str::trim).filter(|option| !option.is_empty()) {
            if let Err(problem) = parsed.set(option) {
                problems.push(problem);
            }
        }
        (parsed, problems)
    }

    /// Reads the annotation `argocd.argoproj.io/sync-options`: options separated by commas.
    pub fn parse_annotation(annotation: &str) -> (Self, Vec<String>) {
        Self::parse(annotation.split(','))
    }

    /// These options with those of one object on top, which win where they are set.
    #[must_use]
    pub fn with(&self, object: &Self) -> Self {
        Self {
            create_namespace: object.create_namespace.or(self.create_namespace),
            validate: object.validate.or(self.validate),
            skip_dry_run_on_missing_resource: object
                .skip_dry_run_on_missing_resource
                .or(self.skip_dry_run_on_missing_resource),
            prune_last: object.prune_last.or(self.prune_last),
            prune_propagation_policy: object.prune_propagation_policy.or(self.prune_propagation_policy),
            replace: object.replace.or(self.replace),
            force: object.force.or(self.force),
            server_side_apply: object.server_side_apply.or(self.server_side_apply),
            client_side_apply_migration: object
                .client_side_apply_migration
                .or(self.client_side_apply_migration),
            apply_out_of_sync_only: object.apply_out_of_sync_only.or(self.apply_out_of_sync_only),
            respect_ignore_differences: object.respect_ignore_differences.or(self.respect_ignore_differences),
            fail_on_shared_resource: object.fail_on_shared_resource.or(self.fail_on_shared_resource),
            prune: object.prune.or(self.prune),
            delete: object.delete.or(self.delete),
        }
    }

    fn set(&mut self, option: &str) -> Result<(), String> {
        let Some((name, value)) = option.split_once('=').map(|(name, value)| (name.trim(), value.trim()))
        else {
            return Err(format!("sync option {option:?} has no value; it is written Name=value"));
        };
        let truth = || match value {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(format!("sync option {name} is {value:?}; it can be true or false")),
        };
        let consent = || match value {
            "true" => Ok(Some(Consent::Yes)),
            "false" => Ok(Some(Consent::No)),
            "confirm" => Ok(Some(Consent::Confirm)),
            _ => Err(format!("sync option {name} is {value:?}; it can be true, false or confirm")),
        };
        match name {
            "CreateNamespace" => self.create_namespace = truth()?,
            "Validate" => self.validate = truth()?,
            "SkipDryRunOnMissingResource" => self.skip_dry_run_on_missing_resource = truth()?,
            "PruneLast" => self.prune_last = truth()?,
            "Replace" => self.replace = truth()?,
            "Force" => self.force = truth()?,
            "ServerSideApply" => self.server_side_apply = truth()?,
            "ClientSideApplyMigration" => self.client_side_apply_migration = truth()?,
            "ApplyOutOfSyncOnly" => self.apply_out_of_sync_only = truth()?,
            "RespectIgnoreDifferences" => self.respect_ignore_differences = truth()?,
            "FailOnSharedResource" => self.fail_on_shared_resource = truth()?,
            "Prune" => self.prune = consent()?,
            "Delete" => self.delete = consent()?,
            "PrunePropagationPolicy" => {
                self.prune_propagation_policy = Some(match value {
                    "foreground" => PropagationPolicy::Foreground,
                    "background" => PropagationPolicy::Background,
                    "orphan" => PropagationPolicy::Orphan,
                    _ => {
                        return Err(format!(
                            "sync option {name} is {value:?}; it can be foreground, background or orphan"
                        ));
                    }
                });
            }
            _ => return Err(format!("sync option {name:?} is unknown")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_annotations() {
        let (options, problems) = SyncOptions::parse([
            "CreateNamespace=true",
            "PrunePropagationPolicy=background",
            "Validate=false",
            "",
        ]);
        let expected = SyncOptions {
            create_namespace: Some(true),
            prune_propagation_policy: Some(PropagationPolicy::Background),
            validate: Some(false),
            ..SyncOptions::default()
        };
        assert_eq!((options, problems), (expected, vec![]));

        let (options, problems) =
            SyncOptions::parse_annotation("Prune=confirm , Delete=false,Replace=true,Replace=false");
        let expected = SyncOptions {
            prune: Some(Consent::Confirm),
            delete: Some(Consent::No),
            replace: Some(false),
            ..SyncOptions::default()
        };
        assert_eq!((options, problems), (expected, vec![]));
    }

    #[test]
    fn what_is_not_understood_is_named_and_the_rest_holds() {
        let (options, problems) = SyncOptions::parse([
            "PruneLast=true",
            "createNamespace=true",
            "Replace",
            "Validate=maybe",
            "Prune=perhaps",
            "PrunePropagationPolicy=Foreground",
        ]);
        assert_eq!(options, SyncOptions { prune_last: Some(true), ..SyncOptions::default() });
        assert_eq!(
            problems,
            [
                "sync option \"createNamespace\" is unknown",
                "sync option \"Replace\" has no value; it is written Name=value",
                "sync option Validate is \"maybe\"; it can be true or false",
                "sync option Prune is \"perhaps\"; it can be true, false or confirm",
                "sync option PrunePropagationPolicy is \"Foreground\"; it can be foreground, background or orphan",
            ]
        );
    }

    #[test]
    fn an_objects_options_win() {
        let (application, _) = SyncOptions::parse(["Replace=true", "PruneLast=true"]);
        let (object, _) = SyncOptions::parse_annotation("Replace=false,Force=true");
        let merged = application.with(&object);
        assert_eq!((merged.replace, merged.prune_last, merged.force), (Some(false), Some(true), Some(true)));
    }
}
