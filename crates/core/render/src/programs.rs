//! Jsonnet in a directory of manifests.

use api::{ApplicationSourceJsonnet, JsonnetVar};
use filetree::TreePath;
use jsonnet::{Limits, Program, Variable};
use serde_json::Value;

use crate::manifests::Collector;
use crate::{Environment, RenderError, Request};

/// The programs of one directory: what they are all given, and what they may still cost.
pub(crate) struct Programs<'a> {
    request: &'a Request<'a>,
    /// Where imports are looked for.
    libraries: Vec<TreePath>,
    external: Vec<Variable>,
    arguments: Vec<Variable>,
    /// Whether a variable names the revision, and a program was given it.
    pub(crate) of_the_revision: bool,
    names_revision: bool,
    limits: Limits,
}

impl<'a> Programs<'a> {
    /// Reads `directory.jsonnet`.
    ///
    /// **Shape**: variables may name the build environment (`$ARGOCD_APP_NAME`) in their values. Libraries are directories from the root of
    /// the repository; the last one is looked into first, and the application's own directory after all of them.
    /// **Errors**: [`RenderError::Entry`] for a library that lies outside of the repository.
    /// **Source**: Argo CD 3, `makeJsonnetVM`.
    pub(crate) fn new(
        request: &'a Request<'a>,
        options: Option<&ApplicationSourceJsonnet>,
    ) -> Result<Self, RenderError> {
        let environment = Environment::of(request);
        let mut names_revision = false;
        let mut expanded = |variable: &JsonnetVar| {
            let value = environment.expand(&variable.value);
            names_revision |= value.of_the_revision;
            Variable { name: variable.name.clone(), value: value.text, code: variable.code }
        };
        let external = options.into_iter().flat_map(|options| &options.ext_vars).map(&mut expanded).collect();
        let arguments = options.into_iter().flat_map(|options| &options.tlas).map(&mut expanded).collect();
        let mut libraries = Vec::new();
        for library in options.into_iter().flat_map(|options| &options.libs).rev() {
            let path = TreePath::parse(library.trim_start_matches('/'));
            libraries.push(path.map_err(|problem| RenderError::Entry {
                field: "directory.jsonnet.libs",
                entry: library.chars().take(100).collect(),
                problem: problem.to_string(),
            })?);
        }
        libraries.push(request.path.clone());
        let limits = Limits { output_bytes: request.limits.rendered_bytes, ..Limits::default() };
        Ok(Self { request, libraries, external, arguments, of_the_revision: false, names_revision, limits })
    }

    /// Evaluates a file, and adds the objects that it gives: one, or those of a list.
    ///
    /// **Errors**: [`RenderError::Jsonnet`], and those of objects. All files of a directory share the budget of steps.
    pub(crate) fn add_objects(
        &mut self,
        path: &TreePath,
        collector: &mut Collector<'_>,
    ) -> Result<(), RenderError> {
        let cancelled =
            self.request.context.cancelled.as_deref().map(|cancelled| cancelled as jsonnet::Cancelled<'_>);
        let evaluated = jsonnet::evaluate(&Program {
            tree: self.request.tree,
            file: path,
            libraries: &self.libraries,
            external: &self.external,
            arguments: &self.arguments,
            limits: &self.limits,
            cancelled,
        })
        .map_err(|error| RenderError::Jsonnet { path: path.to_string(), error })?;
        self.limits.steps = self.limits.steps.saturating_sub(evaluated.steps);
        self.of_the_revision |= self.names_revision;
        match evaluated.value {
            Value::Array(items) => {
                items.into_iter().try_for_each(|item| collector.add_value(path.as_str(), None, item))
            }
            single => collector.add_value(path.as_str(), None, single),
        }
    }
}

#[cfg(test)]
mod tests;
