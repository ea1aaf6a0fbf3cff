//! What people do to single objects.

use resource::{Gvk, Object, ResourceKey};
use serde_json::Value;

use crate::cluster::{Cluster, object_path};
use crate::counters::Verb;
use crate::error::WriteError;
use crate::http::query_value;
use crate::write::{JSON_PATCH, MERGE_PATCH, attempt, request};

/// How a patch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchForm {
    /// `application/json-patch+json`: operations.
    Json,
    /// `application/merge-patch+json`: what is to be otherwise.
    Merge,
    /// `application/strategic-merge-patch+json`: the same, with lists merged by their keys. Built-in kinds only.
    Strategic,
}

impl PatchForm {
    /// Reads the media type.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Json, Self::Merge, Self::Strategic].into_iter().find(|form| form.media_type() == text)
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Json => JSON_PATCH,
            Self::Merge => MERGE_PATCH,
            Self::Strategic => "application/strategic-merge-patch+json",
        }
    }
}

impl Cluster {
    /// Patches an object or a subresource of it, in this version of its kind; the answer is the object afterwards.
    ///
    /// **Shape.** `version` may be empty: then it is the one that is watched.
    /// **Errors.** See [`WriteError`]; [`WriteError::NotFound`] also where the kind has no such subresource.
    pub async fn patch(
        &self,
        key: &ResourceKey,
        version: &str,
        (form, patch): (PatchForm, &Value),
        subresource: Option<&str>,
    ) -> Result<Object, WriteError> {
        let served = if version.is_empty() {
            self.served_for(key)?
        } else {
            let gvk = Gvk::new(&*key.group, version, &*key.kind);
            self.discovery().version(&gvk).cloned().ok_or(WriteError::KindUnknown { gvk })?
        };
        let attempt = attempt(&served, key.clone(), Verb::Patch);
        let path = object_path(&served, &key.namespace, &key.name)
            .map_err(|failure| attempt.invalid_name(&failure))?;
        let path = subresource.map_or_else(|| path.clone(), |name| format!("{path}/{name}"));
        let query = format!("fieldManager={}", query_value(&self.inner.shared.options.manager));
        let answer = self.write(&attempt, request("PATCH", &path, &query, form.media_type(), patch)).await?;
        self.remember(&attempt, answer.body)
    }
}
