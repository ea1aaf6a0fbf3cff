//! `Chart.yaml`: what a chart says about itself.

use crate::go_json::Fields;
use serde_json::{Map, Value};

/// A chart that asks for more is refused: nobody maintains so many by hand, and each is looked for in every pass.
pub(crate) const MAX_DEPENDENCIES: usize = 1000;

/// `Chart.yaml`, checked as Helm checks it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The chart's name.
    pub name: String,
    /// Its home page.
    pub home: String,
    /// Addresses of its sources.
    pub sources: Vec<String>,
    /// A semantic version.
    pub version: String,
    /// One sentence.
    pub description: String,
    /// Keywords.
    pub keywords: Vec<String>,
    /// Who maintains it.
    pub maintainers: Vec<Maintainer>,
    /// Address of an icon.
    pub icon: String,
    /// `v1` or `v2`; a chart without one is `v1`.
    pub api_version: String,
    /// Not used by Helm 3.
    pub condition: String,
    /// Not used by Helm 3.
    pub tags: String,
    /// Version of what the chart installs.
    pub app_version: String,
    /// Whether it should not be used any more.
    pub deprecated: bool,
    /// Free text for others, in the order of keys; `None` when there is none.
    pub annotations: Option<Vec<(String, String)>>,
    /// Versions of Kubernetes that it is for; empty for all.
    pub kube_version: String,
    /// The charts that it is made of; `None` and an empty list differ, as in Helm.
    pub dependencies: Option<Vec<Dependency>>,
    /// `application`, `library` or empty.
    pub kind: String,
}

/// A maintainer of a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Maintainer {
    /// Name.
    pub name: String,
    /// Address of mail.
    pub email: String,
    /// Address of a page.
    pub url: String,
}

/// A chart that another one is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dependency {
    /// The name in its own `Chart.yaml`.
    pub name: String,
    /// A range of versions.
    pub version: String,
    /// Address of its repository, `@alias`, `file://…`, `oci://…` or empty.
    pub repository: String,
    /// Paths of booleans, with commas.
    pub condition: String,
    /// Keys of `tags`.
    pub tags: Vec<String>,
    /// Nothing but a part of the digest in `Chart.lock`.
    pub enabled: bool,
    /// Texts, or maps with `child` and `parent`.
    pub import_values: Vec<Value>,
    /// The name under which it is used.
    pub alias: String,
}

impl Metadata {
    /// Reads `Chart.yaml`; see [`Metadata::check`] for what is not looked at here.
    pub(crate) fn read(text: &[u8], limits: &goyaml::Limits) -> Result<Self, String> {
        let map = crate::go_json::yaml_map(text, limits, "chart.Metadata")?;
        let mut metadata = Self::default();
        metadata.fill(&map)?;
        if metadata.api_version.is_empty() {
            "v1".clone_into(&mut metadata.api_version);
        }
        Ok(metadata)
    }

    /// Reads `requirements.yaml` of an older chart on top, as Helm does: any field may be in it.
    pub(crate) fn read_on_top(&mut self, text: &[u8], limits: &goyaml::Limits) -> Result<(), String> {
        let map = crate::go_json::yaml_map(text, limits, "chart.Metadata")?;
        self.fill(&map)
    }

    fn fill(&mut self, map: &Map<String, Value>) -> Result<(), String> {
        let fields = Fields::new(map, "Metadata.");
        let given = |name: &str| fields.get(name).is_some_and(|value| !value.is_null());
        macro_rules! set {
            ($($to:ident: $read:ident $name:literal),* $(,)?) => {
                $(if given($name) { self.$to = fields.$read($name)?; })*
            };
        }
        // In the order of names, so that the first error is the peer's.
        if given("annotations") {
            self.annotations = fields.text_map("annotations")?;
        }
        set! {
            api_version: text "apiVersion",
            app_version: text "appVersion",
            condition: text "condition",
        }
        if given("dependencies") {
            let items = fields.list("dependencies", "[]*chart.Dependency")?;
            if items.len() > MAX_DEPENDENCIES {
                return Err(format!("more than {MAX_DEPENDENCIES} dependencies"));
            }
            let mut dependencies = Vec::with_capacity(items.len());
            for item in items {
                let Value::Object(map) = item else {
                    if item.is_null() {
                        return Err(NULL_DEPENDENCY.to_owned());
                    }
                    return Err(fields.error("dependencies", item, "chart.Dependency"));
                };
                dependencies.push(Dependency::read(map)?);
            }
            self.dependencies = Some(dependencies);
        }
        set! {
            deprecated: bool "deprecated",
            description: text "description",
            home: text "home",
            icon: text "icon",
            keywords: texts "keywords",
            kube_version: text "kubeVersion",
        }
        if given("maintainers") {
            let items = fields.list("maintainers", "[]*chart.Maintainer")?;
            self.maintainers = items
                .iter()
                .map(|item| match item {
                    Value::Object(map) => {
                        let fields = Fields::new(map, "Maintainer.maintainers.");
                        let (email, name, url) =
                            (fields.text("email")?, fields.text("name")?, fields.text("url")?);
                        Ok(Maintainer { name, email, url })
                    }
                    Value::Null => Err(NULL_MAINTAINER.to_owned()),
                    item => Err(fields.error("maintainers", item, "chart.Maintainer")),
                })
                .collect::<Result<_, _>>()?;
        }
        set! {
            name: text "name",
            sources: texts "sources",
            tags: text "tags",
            kind: text "type",
            version: text "version",
        }
        Ok(())
    }

    /// Whether the chart only lends its partials to others.
    pub fn is_library(&self) -> bool {
        self.kind.eq_ignore_ascii_case("library")
    }

    /// Cleans texts and refuses what is no chart, in Helm's words (`validation: chart.metadata.name is required`).
    pub(crate) fn check(&mut self) -> Result<(), String> {
        let texts = [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ];
        for text in texts.into_iter().chain(&mut self.sources).chain(&mut self.keywords) {
            sanitize(text);
        }
        let invalid = |what: String| Err(format!("validation: {what}"));
        if self.name.is_empty() {
            return invalid("chart.metadata.name is required".to_owned());
        }
        if matches!(self.name.as_str(), "." | "..") {
            return invalid(format!("chart.metadata.name {:?} is not allowed", self.name));
        }
        if self.name.contains('/') {
            return invalid(format!("chart.metadata.name {:?} is invalid", self.name));
        }
        if self.version.is_empty() {
            return invalid("chart.metadata.version is required".to_owned());
        }
        if gosemver::Version::parse(&self.version).is_none() {
            return invalid(format!("chart.metadata.version {:?} is invalid", self.version));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return invalid("chart.metadata.type must be application or library".to_owned());
        }
        for maintainer in &mut self.maintainers {
            sanitize(&mut maintainer.name);
            sanitize(&mut maintainer.email);
            sanitize(&mut maintainer.url);
        }
        let mut seen = std::collections::BTreeSet::new();
        for dependency in self.dependencies.iter_mut().flatten() {
            dependency.check()?;
            let key = dependency.used_as();
            if !seen.insert(key.to_owned()) {
                return invalid(format!("more than one dependency with name or alias {key:?}"));
            }
        }
        Ok(())
    }
}

const NULL_DEPENDENCY: &str = "validation: dependencies must not contain empty or null nodes";
const NULL_MAINTAINER: &str = "validation: maintainers must not contain empty or null nodes";

impl Dependency {
    pub(crate) fn read(map: &Map<String, Value>) -> Result<Self, String> {
        let fields = Fields::new(map, "Dependency.dependencies.");
        let alias = fields.text("alias")?;
        let condition = fields.text("condition")?;
        let enabled = fields.bool("enabled")?;
        let import_values = fields.list("import-values", "[]interface {}")?.to_vec();
        let name = fields.text("name")?;
        let repository = fields.text("repository")?;
        let tags = fields.texts("tags")?;
        let version = fields.text("version")?;
        Ok(Self { name, version, repository, condition, tags, enabled, import_values, alias })
    }

    fn check(&mut self) -> Result<(), String> {
        let texts =
            [&mut self.name, &mut self.version, &mut self.repository, &mut self.condition].into_iter();
        texts.chain(&mut self.tags).for_each(sanitize);
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if !self.alias.chars().all(fine) {
            let name = &self.name;
            return Err(format!("validation: dependency {name:?} has disallowed characters in the alias"));
        }
        Ok(())
    }

    /// The alias, or the name.
    pub fn used_as(&self) -> &str {
        if self.alias.is_empty() { &self.name } else { &self.alias }
    }
}

/// Blanks become spaces, what cannot be printed goes.
fn sanitize(text: &mut String) {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return;
    }
    *text = text
        .chars()
        .filter_map(|c| match c {
            c if c.is_whitespace() => Some(' '),
            c if c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}') => None,
            c => Some(c),
        })
        .collect();
}
