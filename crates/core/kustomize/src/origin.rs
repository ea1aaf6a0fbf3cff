//! Where resources come from, as `buildMetadata` tells it.

use crate::remote::RepoSpec;

/// The annotation with a resource's origin.
pub(crate) const ORIGIN: &str = "config.kubernetes.io/origin";
/// The annotation with what changed a resource.
pub(crate) const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

/// A file, or what a kustomization made of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) path: String,
    pub(crate) repo: String,
    pub(crate) reference: String,
    pub(crate) configured_in: String,
    pub(crate) configured_by: Option<ConfiguredBy>,
}

/// The generator or transformer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConfiguredBy {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

impl Origin {
    /// The origin of what a path leads to from here.
    pub(crate) fn append(&self, path: &str) -> Self {
        let mut next = self.clone();
        match RepoSpec::parse(path) {
            Some(spec) => {
                next.repo = spec.url;
                next.reference = spec.reference;
                next.path = clean(&spec.path);
            }
            None => next.path = join(&self.path, path),
        }
        next
    }

    /// What a generator or transformer configured in `file` here makes.
    pub(crate) fn configured(&self, file: &str, by: ConfiguredBy) -> Self {
        Self {
            repo: self.repo.clone(),
            reference: self.reference.clone(),
            configured_in: join(&self.path, file),
            configured_by: Some(by),
            path: String::new(),
        }
    }

    /// The annotation's text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (field, value) in [
            ("path", &self.path),
            ("repo", &self.repo),
            ("ref", &self.reference),
            ("configuredIn", &self.configured_in),
        ] {
            line(&mut text, "", field, value);
        }
        if let Some(by) = &self.configured_by {
            text.push_str("configuredBy:\n");
            for (field, value) in [
                ("apiVersion", &by.api_version),
                ("kind", &by.kind),
                ("name", &by.name),
                ("namespace", &by.namespace),
            ] {
                line(&mut text, "  ", field, value);
            }
        }
        if text.is_empty() { "{}\n".to_owned() } else { text }
    }
}

/// The text of the annotation with all that changed a resource.
pub(crate) fn list(origins: &[Origin]) -> String {
    let item = |origin: &Origin| {
        let text = origin.text();
        let lines = text.lines().enumerate();
        lines.map(|(at, line)| format!("{}{line}\n", if at == 0 { "- " } else { "  " })).collect::<String>()
    };
    origins.iter().map(item).collect()
}

fn line(text: &mut String, indent: &str, field: &str, value: &str) {
    if !value.is_empty() {
        let quoted = goyaml::to_string(&serde_json::Value::from(value));
        text.push_str(&format!("{indent}{field}: {}\n", quoted.trim_end()));
    }
}

/// Two paths as one, `..` followed as far as it goes.
pub(crate) fn join(base: &str, path: &str) -> String {
    clean(&format!("{base}/{path}"))
}

fn clean(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." if names.last().is_some_and(|last| *last != "..") => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    names.join("/")
}
