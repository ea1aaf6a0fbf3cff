//! Config management plugins: what they are told, and what is made of what they say. Who calls them is the caller of [`crate::render`].

use std::collections::BTreeMap;

use api::{ApplicationSourcePlugin, PluginParameter};
use filetree::TreePath;
use serde_json::{Map, Value};

use crate::environment::Environment;
use crate::manifests::Collector;
use crate::{Need, RenderError, Rendered, Request, Tool};

/// A call of a plugin that has to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginNeed {
    /// The plugin; empty for one that wants the source.
    pub name: String,
    /// Whether the source asks for a plugin. Else it may do without, and what goes wrong with plugins is none of its business.
    pub asked_for: bool,
    /// Variables of the environment of its programs, in order.
    pub environment: Vec<(String, String)>,
}

/// What a call of a plugin gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginAnswer {
    /// No plugin wants the source.
    NoneWants,
    /// Manifests.
    Made {
        /// The plugin.
        plugin: String,
        /// Texts of YAML or JSON.
        manifests: Vec<String>,
        /// What the user should know.
        warnings: Vec<String>,
    },
}

/// Whether a plugin wants a source that names no tool. Plugins are asked before anything else is looked for, as in the peer.
///
/// **Errors**: [`RenderError::Needs`] until they were asked.
pub(crate) fn wants(request: &Request<'_>) -> Result<Option<String>, RenderError> {
    if !request.context.plugins {
        return Ok(None);
    }
    // What they look at is below the application's path, and all of it may matter.
    request.tree.list(request.path)?;
    match &request.context.supplies.plugin {
        None => Err(needs(request, None)),
        Some(PluginAnswer::NoneWants) => Ok(None),
        Some(PluginAnswer::Made { plugin, .. }) => Ok(Some(plugin.clone())),
    }
}

/// The objects of what a plugin made.
///
/// **Shape**: in the order of the plugin's texts. **Errors**: [`RenderError::Needs`] for the call; [`RenderError::NoPlugin`] where none wants
/// the source; what is wrong in the texts, which is held to the same limits as files.
/// **Source**: Argo CD 3.2, `runConfigManagementPluginSidecars`. A plugin is told the commit, so that what it makes is no other's.
pub(crate) fn render(
    request: &Request<'_>,
    asked: Option<&ApplicationSourcePlugin>,
) -> Result<Rendered, RenderError> {
    let (plugin, texts, warned) = match &request.context.supplies.plugin {
        None => return Err(needs(request, asked)),
        Some(PluginAnswer::NoneWants) => return Err(RenderError::NoPlugin),
        Some(PluginAnswer::Made { plugin, manifests, warnings }) => (plugin, manifests, warnings),
    };
    // It was sent all that there is, and told the commit: every other one may give something else.
    request.tree.list(&TreePath::root())?;
    let mut collector = Collector::new(request.limits);
    warned.iter().for_each(|warning| collector.warn(warning.clone()));
    let total: usize = texts.iter().map(String::len).sum();
    if total > request.limits.rendered_bytes {
        return Err(RenderError::Limit {
            path: format!("plugin {plugin}"),
            what: "bytes of all manifests together",
            limit: request.limits.rendered_bytes as u64,
            name: "rendered_bytes",
        });
    }
    for (at, text) in texts.iter().enumerate() {
        collector.add_text(&format!("plugin {plugin}, manifest {}", at + 1), text.as_bytes())?;
    }
    let (manifests, warnings) = collector.finish();
    Ok(Rendered { tool: Tool::Plugin, of_the_revision: true, manifests, warnings })
}

fn needs(request: &Request<'_>, asked: Option<&ApplicationSourcePlugin>) -> RenderError {
    RenderError::Needs(vec![Need::Plugin(PluginNeed {
        name: asked.map(|plugin| plugin.name.clone()).unwrap_or_default(),
        asked_for: asked.is_some(),
        environment: environment(&Environment::of(request), asked),
    })])
}

/// The variables that a plugin's programs see.
///
/// **Shape**: the build environment, the plugin's own variables as `ARGOCD_ENV_<name>` with the build environment filled in, its
/// parameters as JSON in `ARGOCD_APP_PARAMETERS` and one by one as `PARAM_<NAME>`, `PARAM_<NAME>_<KEY>` and `PARAM_<NAME>_<n>` from 0.
/// **Source**: Argo CD 3.2, `getPluginEnvs` and `ApplicationSourcePluginParameters.Environ`; entries of maps are in order here.
fn environment(build: &Environment, asked: Option<&ApplicationSourcePlugin>) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        build.variables().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let Some(asked) = asked else { return all };
    for variable in &asked.env {
        all.push((format!("ARGOCD_ENV_{}", variable.name), build.expand(&variable.value).text));
    }
    let parameters = if asked.parameters.is_empty() {
        Value::Null
    } else {
        asked.parameters.iter().map(as_json).collect()
    };
    all.push(("ARGOCD_APP_PARAMETERS".to_owned(), in_go(&parameters)));
    for parameter in &asked.parameters {
        let base = format!("PARAM_{}", in_capitals(&parameter.name));
        if let Some(text) = &parameter.string {
            all.push((base.clone(), text.clone()));
        }
        for (key, value) in parameter.map.iter().flatten() {
            all.push((format!("{base}_{}", in_capitals(key)), value.clone()));
        }
        for (at, value) in parameter.array.iter().flatten().enumerate() {
            all.push((format!("{base}_{at}"), value.clone()));
        }
    }
    all
}

fn as_json(parameter: &PluginParameter) -> Value {
    let mut map = Map::from_iter([("name".to_owned(), Value::from(parameter.name.clone()))]);
    if let Some(text) = &parameter.string {
        map.insert("string".to_owned(), Value::from(text.clone()));
    }
    if let Some(entries) = &parameter.map {
        let entries: BTreeMap<_, _> = entries.iter().collect();
        map.insert(
            "map".to_owned(),
            entries.into_iter().map(|(k, v)| (k.clone(), Value::from(v.clone()))).collect(),
        );
    }
    if let Some(items) = &parameter.array {
        map.insert("array".to_owned(), Value::from(items.clone()));
    }
    Value::Object(map)
}

/// JSON as Go prints it: fit for HTML.
fn in_go(value: &Value) -> String {
    let text = value.to_string();
    [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")]
        .into_iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}

/// A name as it is in names of variables.
fn in_capitals(name: &str) -> String {
    let fits = |c: char| matches!(c, 'A'..='Z' | '0'..='9' | '_');
    name.to_uppercase().chars().map(|c| if fits(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests;
