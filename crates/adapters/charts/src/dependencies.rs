//! What a chart's dependencies are to be fetched as.
//!
//! This is data in, data out: the caller reads `Chart.yaml` and `Chart.lock`, knows which of the dependencies lie in `charts/`
//! already, asks [`plan`], and then resolves and fetches each [`Step::Fetch`] as any other chart, with what its repository's own
//! Secret says.

use crate::url::{RepositoryUrl, RepositoryUrlError};
use net::excerpt;

/// Dependencies a chart may have.
pub const MAX_DEPENDENCIES: usize = 1000;

/// One dependency, as `Chart.yaml` or `Chart.lock` has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependency {
    /// The chart's name.
    pub name: String,
    /// A version or range.
    pub version: String,
    /// A URL, `@name` or `alias:name`, `file://path`, or nothing for what lies in `charts/`.
    pub repository: String,
}

/// What to do for one dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Have it from a repository.
    Fetch {
        /// The name in the repository.
        chart: String,
        /// The locked version, or the range where nothing is locked.
        revision: String,
        /// Where to look for credentials: the text of the URL.
        repository: String,
        /// The same, read.
        url: RepositoryUrl,
    },
    /// It has to be in `charts/` already.
    Vendored {
        /// Its name.
        chart: String,
    },
    /// It is another folder of the same source. The path is as it is written; whoever reads it keeps it inside the tree.
    InTree {
        /// Its name.
        chart: String,
        /// Relative to the chart.
        path: String,
    },
}

/// Why a chart's dependencies cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DependencyError {
    /// The lock does not name what the chart wants.
    #[error(
        "the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml): {0:?} is not locked"
    )]
    NotLocked(String),
    /// A name that no repository Secret has.
    #[error("dependency {chart:?}: no repository is named {name:?}")]
    UnknownName {
        /// The dependency.
        chart: String,
        /// The name behind `@` or `alias:`.
        name: String,
    },
    /// The repository is not one.
    #[error("dependency {chart:?}: {error}")]
    Repository {
        /// The dependency.
        chart: String,
        /// What is wrong.
        error: RepositoryUrlError,
    },
    /// The project's `sourceRepos` do not permit it.
    #[error("dependency {chart:?}: repository {repository} is not permitted in the project")]
    NotPermitted {
        /// The dependency.
        chart: String,
        /// The repository, masked.
        repository: String,
    },
    /// More than [`MAX_DEPENDENCIES`].
    #[error("the chart has more than {MAX_DEPENDENCIES} dependencies")]
    TooMany,
}

/// What to do for each dependency, in their order.
///
/// `named` gives the URL of the repository Secret with a name; `permitted` says whether the project may use a URL, and is asked for
/// every repository that would be reached.
///
/// **Shape**: with a lock its versions are used, matched by name and repository, in the order of `Chart.yaml`; without one the
/// ranges themselves. **Errors**: the first dependency that cannot be had.
/// **Source**: helm's `dependency build`; `@name` and `alias:name` mean the repositories that the peer adds for it: those of
/// Secrets, by name. Whether the lock is one of this chart at all is the caller's to check (`helm::Lock::check`).
///
/// # Errors
/// [`DependencyError`].
pub fn plan(
    dependencies: &[Dependency],
    lock: Option<&[Dependency]>,
    named: impl Fn(&str) -> Option<String>,
    permitted: impl Fn(&str) -> bool,
) -> Result<Vec<Step>, DependencyError> {
    if dependencies.len() > MAX_DEPENDENCIES || lock.is_some_and(|lock| lock.len() > MAX_DEPENDENCIES) {
        return Err(DependencyError::TooMany);
    }
    // One chart may be wanted twice, under two aliases; each entry of the lock stands for one of them.
    let mut taken = vec![false; lock.map_or(0, <[_]>::len)];
    let mut version = |dependency: &Dependency, repository: &str| match lock {
        None => Ok(dependency.version.clone()),
        Some(lock) => {
            let mut entries = lock.iter().zip(&mut taken);
            // Helm writes a repository into the lock by its URL, also where the chart has its name.
            let same = |locked: &str| locked == dependency.repository || locked == repository;
            let found = entries.find(|(locked, taken)| {
                !**taken && locked.name == dependency.name && same(&locked.repository)
            });
            let Some((locked, taken)) = found else {
                return Err(DependencyError::NotLocked(excerpt(&dependency.name)));
            };
            *taken = true;
            Ok(locked.version.clone())
        }
    };
    let step = |dependency: &Dependency| {
        let chart = dependency.name.clone();
        let shown = excerpt(&chart);
        let written = dependency.repository.trim();
        let repository = match written.strip_prefix('@').or_else(|| written.strip_prefix("alias:")) {
            None => written.to_owned(),
            Some(name) => named(name)
                .ok_or_else(|| DependencyError::UnknownName { chart: shown.clone(), name: excerpt(name) })?,
        };
        let revision = version(dependency, &repository)?;
        if written.is_empty() {
            return Ok(Step::Vendored { chart });
        }
        if let Some(path) = written.strip_prefix("file://") {
            return Ok(Step::InTree { chart, path: path.to_owned() });
        }
        let url = RepositoryUrl::parse(&repository)
            .map_err(|error| DependencyError::Repository { chart: shown.clone(), error })?;
        if !permitted(&repository) {
            return Err(DependencyError::NotPermitted { chart: shown, repository: url.to_string() });
        }
        Ok(Step::Fetch { chart, revision, repository, url })
    };
    dependencies.iter().map(step).collect()
}

#[cfg(test)]
mod tests;
