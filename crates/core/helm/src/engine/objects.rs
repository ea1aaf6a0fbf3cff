//! What templates find at the top: `.Chart`, `.Capabilities`, and the types of the maps around them.

use crate::capabilities::Capabilities;
use crate::metadata::{Dependency, Metadata};
use crate::parts::{Part, Parts};
use gotemplate::{
    Call, CallError, Function, List, ListType, Map, MapType, Numbers, Object, Outcome, Type, Value,
};
use std::any::Any;
use std::collections::BTreeMap;
use std::rc::Rc;

/// `chartutil.Values`: `.Values`, `.Template` and dot itself.
pub(super) const VALUES: &MapType = &MapType {
    name: "chartutil.Values",
    element: Type::Any,
    methods: &[
        Function::new("AsMap", &[], as_map),
        Function::new("Table", &[Type::String], table),
        Function::new("YAML", &[], yaml),
    ],
};

/// `chartutil.VersionSet`.
const VERSIONS: &ListType = &ListType { name: "chartutil.VersionSet", element: Type::String };
const VERSION_METHODS: &[Function] = &[Function::new("Has", &[Type::String], has)];

const KUBE_VERSION: &[Function] =
    &[Function::new("GitVersion", &[], version_text), Function::new("String", &[], version_text)];

const MAINTAINERS: &ListType =
    &ListType { name: "[]*chart.Maintainer", element: Type::Named("*chart.Maintainer") };
const DEPENDENCIES: &ListType =
    &ListType { name: "[]*chart.Dependency", element: Type::Named("*chart.Dependency") };

/// A Go struct.
struct Record {
    go_type: &'static str,
    names: &'static [&'static str],
    /// The names that JSON and YAML show, if they are not those of the fields; of what is empty they show nothing.
    json: Option<&'static [&'static str]>,
    values: Vec<Value>,
    /// A struct whose fields are also this one's.
    embedded: Option<Rc<Self>>,
    methods: &'static [Function],
    /// What `String` of its pointer says.
    printed: Option<String>,
}

impl Record {
    fn new(go_type: &'static str, names: &'static [&'static str], values: Vec<Value>) -> Self {
        Self { go_type, names, json: None, values, embedded: None, methods: &[], printed: None }
    }

    /// Under other names in JSON, without what is empty.
    fn shown_as(mut self, json: &'static [&'static str]) -> Self {
        self.json = Some(json);
        self
    }
}

/// A record that stands in a field of another one, too.
struct Shared(Rc<Record>);

impl Object for Record {
    fn type_name(&self) -> &str {
        self.go_type
    }

    fn field(&self, name: &str) -> Option<Value> {
        match self.names.iter().position(|known| *known == name) {
            Some(at) => self.values.get(at).cloned(),
            None => self.embedded.as_ref()?.field(name),
        }
    }

    fn field_names(&self) -> &[&'static str] {
        self.names
    }

    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        let names = self.json.unwrap_or(self.names).iter().copied();
        // All but one of the other names are `omitempty`.
        let is_given =
            |name: &str, value: &Value| self.json.is_none() || name == "repository" || value.truth();
        let own = names.zip(self.values.iter().cloned()).filter(|(name, value)| is_given(name, value));
        match &self.embedded {
            None => own.collect(),
            // Its fields stand in the place of the field that it is.
            Some(embedded) => embedded.json_fields().into_iter().chain(own.skip(1)).collect(),
        }
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        self.methods.iter().find(|method| method.name == name)
    }

    fn printed(&self) -> Option<String> {
        self.printed.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for Shared {
    fn type_name(&self) -> &str {
        self.0.type_name()
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.0.field(name)
    }

    fn field_names(&self) -> &[&'static str] {
        self.0.names
    }

    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        self.0.json_fields()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `.Capabilities`.
pub(super) fn capabilities(capabilities: &Capabilities) -> Value {
    let version = &capabilities.kube_version;
    let kube = Record {
        methods: KUBE_VERSION,
        printed: Some(version.version.clone()),
        ..Record::new(
            "chartutil.KubeVersion",
            &["Version", "Major", "Minor"],
            [&version.version, &version.major, &version.minor].map(|text| text.as_str().into()).into(),
        )
    };
    let versions = capabilities.api_versions.iter().map(|version| version.as_str().into()).collect();
    let versions = Value::List(List::with_methods(VERSIONS, versions, VERSION_METHODS));
    let helm = Record::new(
        "version.BuildInfo",
        &["Version", "GitCommit", "GitTreeState", "GoVersion"],
        vec![
            capabilities.helm_version.as_str().into(),
            "".into(),
            "".into(),
            capabilities.go_version.as_str().into(),
        ],
    );
    Value::object(Record::new(
        "*chartutil.Capabilities",
        &["KubeVersion", "APIVersions", "HelmVersion"],
        vec![Value::object(kube), versions, Value::object(helm)],
    ))
}

fn version_text(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let version = call.receiver().as_object::<Record>().and_then(|record| record.field("Version"));
    Ok(version.unwrap_or_else(|| "".into()).into())
}

fn has(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let wanted = call.bytes(0);
    let found = call
        .receiver()
        .as_list()
        .is_some_and(|versions| versions.items().iter().any(|version| version.as_bytes() == Some(wanted)));
    Ok(Value::Bool(found).into())
}

/// `.Chart`.
pub(super) fn chart(parts: &Parts, part: Part) -> Value {
    let metadata = Rc::new(metadata(&parts.chart(part).metadata, parts, part));
    let mut record = Record::new(
        "struct { chart.Metadata; IsRoot bool }",
        &["Metadata", "IsRoot"],
        vec![Value::object(Shared(Rc::clone(&metadata))), parts.is_root(part).into()],
    );
    record.embedded = Some(metadata);
    Value::object(record)
}

fn metadata(metadata: &Metadata, parts: &Parts, part: Part) -> Record {
    let text = |text: &str| Value::from(text);
    let maintainers = metadata.maintainers.iter().map(|it| {
        let values = vec![text(&it.name), text(&it.email), text(&it.url)];
        let record = Record::new("*chart.Maintainer", &["Name", "Email", "URL"], values);
        Value::object(record.shown_as(&["name", "email", "url"]))
    });
    let dependencies = parts.requirements(part).map(|(dependency, name)| self::dependency(dependency, name));
    let annotations = match &metadata.annotations {
        None => Map::nil(MapType::STRINGS),
        Some(annotations) => {
            let entry = |(key, value): &(String, String)| (key.as_str().into(), text(value));
            Map::new(MapType::STRINGS, annotations.iter().map(entry).collect())
        }
    };
    Record::new(
        "chart.Metadata",
        &[
            "Name",
            "Home",
            "Sources",
            "Version",
            "Description",
            "Keywords",
            "Maintainers",
            "Icon",
            "APIVersion",
            "Condition",
            "Tags",
            "AppVersion",
            "Deprecated",
            "Annotations",
            "KubeVersion",
            "Dependencies",
            "Type",
        ],
        vec![
            text(parts.name(part)),
            text(&metadata.home),
            strings(&metadata.sources),
            text(&metadata.version),
            text(&metadata.description),
            strings(&metadata.keywords),
            list(MAINTAINERS, maintainers.collect()),
            text(&metadata.icon),
            text(&metadata.api_version),
            text(&metadata.condition),
            text(&metadata.tags),
            text(&metadata.app_version),
            metadata.deprecated.into(),
            Value::Map(annotations),
            text(&metadata.kube_version),
            list(DEPENDENCIES, dependencies.collect()),
            text(&metadata.kind),
        ],
    )
    .shown_as(&[
        "name",
        "home",
        "sources",
        "version",
        "description",
        "keywords",
        "maintainers",
        "icon",
        "apiVersion",
        "condition",
        "tags",
        "appVersion",
        "deprecated",
        "annotations",
        "kubeVersion",
        "dependencies",
        "type",
    ])
}

fn dependency(dependency: &Dependency, name: &str) -> Value {
    let text = |text: &str| Value::from(text);
    let imports = dependency
        .import_values
        .iter()
        .filter_map(|import| Value::from_json(import, Numbers::Float).ok())
        .collect();
    let record = Record::new(
        "*chart.Dependency",
        &["Name", "Version", "Repository", "Condition", "Tags", "Enabled", "ImportValues", "Alias"],
        vec![
            text(name),
            text(&dependency.version),
            text(&dependency.repository),
            text(&dependency.condition),
            strings(&dependency.tags),
            true.into(),
            list(ListType::ANY, imports),
            text(&dependency.alias),
        ],
    );
    Value::object(record.shown_as(&[
        "name",
        "version",
        "repository",
        "condition",
        "tags",
        "enabled",
        "import-values",
        "alias",
    ]))
}

fn strings(texts: &[String]) -> Value {
    list(ListType::STRINGS, texts.iter().map(|text| text.as_str().into()).collect())
}

fn list(kind: &'static ListType, items: Vec<Value>) -> Value {
    Value::List(if items.is_empty() { List::nil(kind) } else { List::new(kind, items) })
}

fn as_map(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    Ok(match call.receiver().as_map() {
        Some(map) => Value::map(map.snapshot().into_iter().collect()).into(),
        None => Value::map(BTreeMap::new()).into(),
    })
}

fn table(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let path = call.text(0);
    let mut at = call.receiver().clone();
    for name in path.split('.') {
        let next = at.as_map().and_then(|map| map.get(name));
        match next {
            Some(Value::Map(map)) => at = Value::Map(map),
            _ => return Err(format!("{name:?} is not a table").into()),
        }
    }
    Ok(at.into())
}

fn yaml(call: &mut Call<'_>) -> Result<Outcome, CallError> {
    let json = call.receiver().to_json().map_err(|error| error.to_string())?;
    let text = goyaml::to_string(&json);
    call.budget().allocate(text.len())?;
    Ok(Value::from(text).into())
}
