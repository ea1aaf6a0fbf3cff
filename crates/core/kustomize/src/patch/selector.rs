use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::labels::{LabelSelector, LabelSelectorError};
use crate::lenient;

/// Which objects a patch or a replacement is for. Empty parts match everything; the others are regular expressions for
/// the whole of the text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Selector {
    /// API group.
    #[serde(deserialize_with = "lenient::strict_text")]
    pub(crate) group: String,
    /// API version.
    #[serde(deserialize_with = "lenient::strict_text")]
    pub(crate) version: String,
    /// Kind.
    #[serde(deserialize_with = "lenient::strict_text")]
    pub(crate) kind: String,
    /// Name.
    #[serde(deserialize_with = "lenient::strict_text")]
    pub(crate) name: String,
    /// Namespace.
    #[serde(deserialize_with = "lenient::strict_text")]
    pub(crate) namespace: String,
    /// Annotations, in the form of a label selector.
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) annotation_selector: String,
    /// Labels.
    #[serde(deserialize_with = "lenient::text")]
    pub(crate) label_selector: String,
}

/// Why a selector cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SelectorError {
    /// A part is no regular expression.
    #[error("error parsing regexp in '{field}' of a selector: `{pattern}`")]
    Pattern {
        /// `group`, `version`, …
        field: &'static str,
        /// What is written there.
        pattern: String,
    },
    /// The label or annotation selector cannot be read.
    #[error(transparent)]
    Labels(#[from] LabelSelectorError),
}

/// A selector that is ready to be used.
#[derive(Debug, Clone)]
pub(crate) struct Matcher {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
    annotations: Result<LabelSelector, LabelSelectorError>,
    labels: Result<LabelSelector, LabelSelectorError>,
}

impl Selector {
    /// Makes the selector ready; what is wrong with labels and annotations shows only when they are looked at.
    pub(crate) fn matcher(&self) -> Result<Matcher, SelectorError> {
        Ok(Matcher {
            group: whole("group", &self.group)?,
            version: whole("version", &self.version)?,
            kind: whole("kind", &self.kind)?,
            name: whole("name", &self.name)?,
            namespace: whole("namespace", &self.namespace)?,
            annotations: LabelSelector::parse(&self.annotation_selector),
            labels: LabelSelector::parse(&self.label_selector),
        })
    }

    /// Whether no part but those on labels and annotations says anything.
    pub(crate) fn names_nothing(&self) -> bool {
        [&self.group, &self.version, &self.kind, &self.name, &self.namespace]
            .iter()
            .all(|part| part.is_empty())
    }
}

impl Matcher {
    /// Whether a kind is selected.
    pub(crate) fn selects_kind(&self, group: &str, version: &str, kind: &str) -> bool {
        fits(self.group.as_ref(), group)
            && fits(self.version.as_ref(), version)
            && fits(self.kind.as_ref(), kind)
    }

    /// Whether a name is selected.
    pub(crate) fn selects_name(&self, name: &str) -> bool {
        fits(self.name.as_ref(), name)
    }

    /// Whether a namespace is selected.
    pub(crate) fn selects_namespace(&self, namespace: &str) -> bool {
        fits(self.namespace.as_ref(), namespace)
    }

    /// Whether an object's labels and annotations are selected.
    pub(crate) fn selects_metadata(&self, object: &Value) -> Result<bool, LabelSelectorError> {
        let metadata = &object["metadata"];
        for (selector, field) in [(&self.labels, "labels"), (&self.annotations, "annotations")] {
            let selector = selector.as_ref().map_err(Clone::clone)?;
            if !selector.matches(metadata[field].as_object()) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn whole(field: &'static str, pattern: &str) -> Result<Option<Regex>, SelectorError> {
    if pattern.is_empty() {
        return Ok(None);
    }
    let wrong = |_| SelectorError::Pattern { field, pattern: pattern.to_owned() };
    Regex::new(&format!("^(?:{pattern})$")).map(Some).map_err(wrong)
}

fn fits(pattern: Option<&Regex>, text: &str) -> bool {
    pattern.is_none_or(|pattern| pattern.is_match(text))
}
