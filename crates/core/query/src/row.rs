//! What lists show of an application.

use std::collections::BTreeMap;

use api::{format_time, normal_form, parse_time, redact_url};
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::word::Word;

/// Images of a row; more are left out.
const IMAGES: usize = 50;
/// Bytes of the text that is searched; what is behind is not found.
const TEXT_BYTES: usize = 8 << 10;

/// A summary of an Application: all that lists show of it and that questions look at.
///
/// **Shape**: the JSON of the fields below in camel case; what is empty is left out. Times are RFC 3339.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Where the Application is.
    pub namespace: Word,
    /// Its name.
    pub name: String,
    /// Its project; `default` where it says none.
    pub project: Word,
    /// Its resourceVersion: of two rows of one application the one with the greater number is newer.
    pub version: String,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "time")]
    pub created: Option<Timestamp>,
    /// Its labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<Word, Word>,
    /// Health of the whole; `Unknown` while nothing is said.
    pub health: Word,
    /// Whether live is as desired; `Unknown` while nothing is said.
    pub sync: Word,
    /// The commits or versions that it was compared with, one a source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<String>,
    /// The phase of the operation under way, or else of the last one.
    #[serde(skip_serializing_if = "is_empty")]
    pub operation: Word,
    /// When the last operation ended.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "time")]
    pub synced: Option<Timestamp>,
    /// Whether it is synced by itself.
    pub auto_sync: bool,
    /// Where it goes to.
    pub destination: Destination,
    /// Where it comes from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    /// Images of its pods, the first fifty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
    /// Types of its conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Word>,
    /// Whether it is being deleted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deleting: bool,
    /// The text that is searched, in lower case.
    #[serde(skip)]
    pub(crate) text: String,
}

/// Where an application goes to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Destination {
    /// URL of the cluster, where it is said.
    #[serde(skip_serializing_if = "is_empty")]
    pub server: Word,
    /// Name of the cluster, where it is said.
    #[serde(skip_serializing_if = "is_empty")]
    pub name: Word,
    /// Namespace.
    #[serde(skip_serializing_if = "is_empty")]
    pub namespace: Word,
}

/// Where an application comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// URL of the repository, without what may be secret.
    #[serde(skip_serializing_if = "is_empty")]
    pub repo: Word,
    /// Folder.
    #[serde(skip_serializing_if = "is_empty")]
    pub path: Word,
    /// Chart.
    #[serde(skip_serializing_if = "is_empty")]
    pub chart: Word,
    /// Branch, tag, commit or range of versions.
    #[serde(skip_serializing_if = "is_empty")]
    pub target_revision: Word,
    /// The URL as it is compared.
    #[serde(skip)]
    pub(crate) normal: Word,
}

impl Row {
    /// Of an Application as it is in the cluster. What is not as it should be is as if it were not there.
    pub fn of(app: &Value) -> Self {
        let text = |pointer: &str| text_at(app, pointer).to_owned();
        let word = |pointer: &str| Word::from(text_at(app, pointer));
        let time = |pointer: &str| parse_time(text_at(app, pointer)).ok();
        let project = Some(text_at(app, "/spec/project")).filter(|project| !project.is_empty());
        let known = |pointer: &str| {
            let said = text_at(app, pointer);
            Word::from(if said.is_empty() { "Unknown" } else { said })
        };
        // What is asked for and not begun is under way, too.
        let asked = app.get("operation").is_some_and(Value::is_object);
        let phase = word("/status/operationState/phase");
        let automated = app.pointer("/spec/syncPolicy/automated").filter(|automated| automated.is_object());
        let mut row = Self {
            namespace: word("/metadata/namespace"),
            name: text("/metadata/name"),
            project: project.unwrap_or("default").into(),
            version: text("/metadata/resourceVersion"),
            created: time("/metadata/creationTimestamp"),
            labels: labels(app),
            health: known("/status/health/status"),
            sync: known("/status/sync/status"),
            revisions: revisions(app),
            operation: if asked { "Running".into() } else { phase },
            synced: time("/status/operationState/finishedAt"),
            auto_sync: automated
                .is_some_and(|automated| automated.get("enabled") != Some(&Value::Bool(false))),
            destination: Destination {
                server: text_at(app, "/spec/destination/server").trim_end_matches('/').into(),
                name: word("/spec/destination/name"),
                namespace: word("/spec/destination/namespace"),
            },
            sources: sources(app),
            images: texts(app.pointer("/status/summary/images")).take(IMAGES).collect(),
            conditions: conditions(app),
            deleting: app.pointer("/metadata/deletionTimestamp").is_some(),
            text: String::new(),
        };
        row.text = row.searched();
        row
    }

    /// Its JSON.
    pub fn value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The server that it goes to, or else the name of its cluster.
    pub fn cluster(&self) -> &Word {
        if self.destination.server.is_empty() { &self.destination.name } else { &self.destination.server }
    }

    /// Whether it comes from this repository, however its URL is spelled.
    pub fn is_from(&self, url: &str) -> bool {
        let url = normal_form(url);
        !url.is_empty() && self.sources.iter().any(|source| source.normal == *url)
    }

    /// Whether all these words are somewhere in its text; they are in lower case.
    pub(crate) fn says(&self, words: &[String]) -> bool {
        words.iter().all(|word| self.text.contains(word.as_str()))
    }

    fn searched(&self) -> String {
        let mut text = self.name.clone();
        let mut say = |word: &str| {
            if !word.is_empty() && text.len() + word.len() < TEXT_BYTES {
                text.push('\n');
                text.push_str(word);
            }
        };
        for (key, value) in &self.labels {
            say(&format!("{key}={value}"));
        }
        self.sources
            .iter()
            .flat_map(|source| [&source.repo, &source.path, &source.chart])
            .for_each(|word| say(word));
        self.revisions.iter().chain(&self.images).for_each(|word| say(word));
        text.to_lowercase()
    }
}

fn is_empty(word: &Word) -> bool {
    word.as_str().is_empty()
}

#[expect(clippy::ref_option, reason = "serde wants it so")]
fn time<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(format_time).serialize(serializer)
}

fn text_at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn texts(list: Option<&Value>) -> impl Iterator<Item = String> {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|text| text.as_str().filter(|text| !text.is_empty()).map(str::to_owned))
}

fn labels(app: &Value) -> BTreeMap<Word, Word> {
    let labels = app.pointer("/metadata/labels").and_then(Value::as_object).into_iter().flatten();
    labels.filter_map(|(key, value)| Some((key.as_str().into(), value.as_str()?.into()))).collect()
}

fn revisions(app: &Value) -> Vec<String> {
    let many: Vec<String> = texts(app.pointer("/status/sync/revisions")).collect();
    let one = text_at(app, "/status/sync/revision");
    if many.is_empty() && !one.is_empty() { vec![one.to_owned()] } else { many }
}

fn sources(app: &Value) -> Vec<Source> {
    let many = app.pointer("/spec/sources").and_then(Value::as_array).into_iter().flatten();
    let one = app.pointer("/spec/source").filter(|source| source.is_object());
    let read = |source: &Value| {
        let text = |field: &str| source.get(field).and_then(Value::as_str).unwrap_or_default();
        Source {
            repo: redact_url(text("repoURL")).as_str().into(),
            path: text("path").into(),
            chart: text("chart").into(),
            target_revision: text("targetRevision").into(),
            normal: normal_form(text("repoURL")).as_str().into(),
        }
    };
    one.into_iter().chain(many).map(read).collect()
}

fn conditions(app: &Value) -> Vec<Word> {
    let list = app.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let mut types: Vec<Word> =
        list.filter_map(|condition| Some(condition.get("type")?.as_str()?.into())).collect();
    types.sort();
    types.dedup();
    types
}
