//! `Chart.lock`: which versions a chart's ranges stood for, and whether that was of these ranges.

use crate::go_json::{Fields, mismatch, yaml_map};
use crate::metadata::{Dependency, MAX_DEPENDENCIES, Metadata};
use gotemplate::{Numbers, Value};
use sha2::{Digest as _, Sha256};

/// `Chart.lock` or `requirements.lock`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// Each with its exact version; `None` and an empty list differ, as in Helm.
    pub dependencies: Option<Vec<Dependency>>,
    /// `sha256:…`, of the chart's dependencies and these.
    pub digest: String,
}

/// A lock file that was not made of the dependencies that the chart has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the lock file ({lock}) is out of sync with the dependencies file ({file}). Please update the dependencies"
)]
pub struct OutOfSync {
    lock: &'static str,
    file: &'static str,
}

impl Lock {
    pub(crate) fn read(text: &[u8], limits: &goyaml::Limits) -> Result<Self, String> {
        let map = yaml_map(text, limits, "chart.Lock")?;
        let fields = Fields::new(&map, "Lock.");
        let items = fields.list("dependencies", "[]*chart.Dependency")?;
        if items.len() > MAX_DEPENDENCIES {
            return Err(format!("more than {MAX_DEPENDENCIES} dependencies"));
        }
        let items = items.iter().filter(|item| !item.is_null()).map(|item| match item {
            serde_json::Value::Object(map) => Dependency::read(map),
            _ => Err(mismatch(item, "Go struct field Lock.dependencies", "chart.Dependency")),
        });
        let dependencies = items.collect::<Result<Vec<_>, _>>()?;
        let given = fields.get("dependencies").is_some_and(|list| !list.is_null());
        Ok(Self { dependencies: given.then_some(dependencies), digest: fields.text("digest")? })
    }

    /// Whether this lock was made of the dependencies of `chart`. `named` gives the URL of a repository that is written as `@name`
    /// or `alias:name`.
    ///
    /// **Shape**: the digest is of both lists as Go writes them in JSON, names of repositories replaced by their URLs. That of a v1
    /// chart may be Helm 2's instead: of the chart's list alone, as it is written.
    /// **Errors**: [`OutOfSync`], in Helm's words; a lock without a digest is out of sync.
    /// **Source**: Helm 3.22, `downloader.Manager.Build`, which is what the peer runs (`helm dependency build`) where a
    /// dependency is not in `charts/`.
    pub fn check(&self, chart: &Metadata, named: impl Fn(&str) -> Option<String>) -> Result<(), OutOfSync> {
        let wanted = chart.dependencies.as_deref();
        let resolved =
            wanted.map(|wanted| wanted.iter().map(|it| it.with_repository(&named)).collect::<Vec<_>>());
        let of_both = format!("[{},{}]", list(resolved.as_deref()), list(self.dependencies.as_deref()));
        if self.digest == digest(&of_both) {
            return Ok(());
        }
        let old = chart.api_version == "v1";
        if old && self.digest == digest(&format!("{{\"dependencies\":{}}}", list(wanted))) {
            return Ok(());
        }
        let (lock, file) =
            if old { ("requirements.lock", "requirements.yaml") } else { ("Chart.lock", "Chart.yaml") };
        Err(OutOfSync { lock, file })
    }
}

impl Dependency {
    /// The same with the URL of a repository that was written by its name.
    fn with_repository(&self, named: impl Fn(&str) -> Option<String>) -> Self {
        let written = &self.repository;
        let name = written.strip_prefix('@').or_else(|| written.strip_prefix("alias:"));
        let repository = name.and_then(named).unwrap_or_else(|| written.clone());
        Self { repository, ..self.clone() }
    }
}

fn digest(text: &str) -> String {
    let hash = Sha256::digest(text);
    hash.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// As `json.Marshal` writes a `[]*chart.Dependency`.
fn list(dependencies: Option<&[Dependency]>) -> String {
    let Some(dependencies) = dependencies else { return "null".to_owned() };
    let items: Vec<String> = dependencies.iter().map(struct_of).collect();
    format!("[{}]", items.join(","))
}

fn struct_of(dependency: &Dependency) -> String {
    let Dependency { name, version, repository, condition, tags, enabled, import_values, alias } = dependency;
    let text = |text: &String| json(&Value::from(text.as_str()));
    let mut fields = vec![format!("\"name\":{}", text(name))];
    let mut add = |field: &str, is_empty: bool, value: String| {
        if !is_empty {
            fields.push(format!("\"{field}\":{value}"));
        }
    };
    add("version", version.is_empty(), text(version));
    add("repository", false, text(repository));
    add("condition", condition.is_empty(), text(condition));
    add("tags", tags.is_empty(), format!("[{}]", tags.iter().map(text).collect::<Vec<_>>().join(",")));
    add("enabled", !enabled, "true".to_owned());
    // What nests too deep for a value is not to be had from a `Chart.yaml`, whose nesting was bounded when it was read.
    let imports = import_values.iter().filter_map(|it| Value::from_json(it, Numbers::Float).ok());
    let imports: Vec<String> = imports.map(|value| json(&value)).collect();
    add("import-values", imports.is_empty(), format!("[{}]", imports.join(",")));
    add("alias", alias.is_empty(), text(alias));
    format!("{{{}}}", fields.join(","))
}

fn json(value: &Value) -> String {
    let text = sprig::to_json(value).unwrap_or_default();
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests;
