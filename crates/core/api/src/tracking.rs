//! Which application an object in the cluster belongs to, and how that is written on it.

use std::fmt;

use resource::{Object, ResourceKey};
use serde_json::{Map, Value};

use crate::names::{annotation, label};

/// Most bytes of a label's value.
pub const LABEL_VALUE_LIMIT: usize = 63;

/// How objects are marked. Setting `application.resourceTrackingMethod`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrackingMethod {
    /// By the annotation `argocd.argoproj.io/tracking-id`.
    #[default]
    Annotation,
    /// By the annotation; a label is written too, for people and their tools, and not read.
    AnnotationAndLabel,
    /// By a label.
    Label,
}

impl TrackingMethod {
    /// The setting's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Annotation => "annotation",
            Self::AnnotationAndLabel => "annotation+label",
            Self::Label => "label",
        }
    }

    /// The setting's word; empty means the default.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "" | "annotation" => Some(Self::Annotation),
            "annotation+label" => Some(Self::AnnotationAndLabel),
            "label" => Some(Self::Label),
            _ => None,
        }
    }
}

/// The name by which objects refer to their application: `name`, or `namespace_name` where the application is not
/// in the controller's own namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppInstanceName(String);

impl AppInstanceName {
    /// The name of an application. An empty namespace is the controller's.
    pub fn new(name: &str, namespace: &str, controller_namespace: &str) -> Self {
        if namespace.is_empty() || namespace == controller_namespace {
            Self(name.to_owned())
        } else {
            Self(format!("{namespace}_{name}"))
        }
    }

    /// Takes a name as it stands on an object.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As it stands on an object.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Namespace and name of the application. Neither can hold an underscore.
    pub fn split<'a>(&'a self, controller_namespace: &'a str) -> (&'a str, &'a str) {
        self.0.split_once('_').unwrap_or((controller_namespace, &self.0))
    }
}

impl fmt::Display for AppInstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the tracking annotation says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackingId {
    /// The application.
    pub application: AppInstanceName,
    /// The object that the annotation was written for.
    pub resource: ResourceKey,
}

impl TrackingId {
    /// Reads `<application>:<group>/<kind>:<namespace>/<name>`; `None` where it has another form. The name may hold
    /// colons, as names of RBAC objects do. **Source**: the peer's `ParseAppInstanceValue`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let (application, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
        let (group, kind) = kind.split_once('/')?;
        let (namespace, name) = name.split_once('/')?;
        if application.is_empty() || kind.contains('/') || name.contains('/') {
            return None;
        }
        Some(Self {
            application: AppInstanceName::from_text(application),
            resource: ResourceKey::new(group, kind, namespace, name),
        })
    }

    /// Whether the annotation was written for the object that carries it, and not copied there by an operator that
    /// passes annotations on. The namespace counts for namespaced objects only: on cluster-wide ones the peer writes
    /// that of the destination. A kind that moved out of the group `extensions` is still itself.
    pub fn names(&self, key: &ResourceKey) -> bool {
        let id = &self.resource;
        let moved =
            id.group == "extensions" && matches!(&*key.group, "apps" | "networking.k8s.io" | "policy");
        id.kind == key.kind
            && id.name == key.name
            && (id.group == key.group || moved)
            && (id.namespace == key.namespace || key.namespace.is_empty())
    }
}

impl fmt::Display for TrackingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ResourceKey { group, kind, namespace, name } = &self.resource;
        write!(f, "{}:{group}/{kind}:{namespace}/{name}", self.application)
    }
}

/// Why an object cannot be marked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrackingError {
    /// A label's value is limited, and tracking by label alone needs the whole name.
    #[error(
        "application name {name:?} has {} characters, a label holds 63: track by annotation instead",
        name.len()
    )]
    NameTooLong {
        /// The name.
        name: String,
    },
    /// No part of the name that fits makes a valid label.
    #[error("application name {name:?} has no beginning that is a valid label")]
    NoLabel {
        /// The name.
        name: String,
    },
}

/// How objects are marked, by the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracking {
    /// By what.
    pub method: TrackingMethod,
    /// The label, where labels are used. Setting `application.instanceLabelKey`.
    pub instance_label: String,
    /// Tells the objects of several installations apart; empty for none. Setting `installationID`.
    pub installation_id: String,
}

impl Default for Tracking {
    fn default() -> Self {
        Self {
            method: TrackingMethod::default(),
            instance_label: label::INSTANCE.to_owned(),
            installation_id: String::new(),
        }
    }
}

impl Tracking {
    /// The application that an object belongs to.
    ///
    /// **Shape**: by annotation, unless the method is `label`; a label beside the annotation is not read, since
    /// tools and charts write it too. An id that names another object, or an annotation of another installation,
    /// means nobody. **Source**: the peer's `GetAppName` and `isSelfReferencedObj`; the peer shows an object with a
    /// copied id as part of the application, we do not.
    pub fn owner_of(&self, object: &Object) -> Option<AppInstanceName> {
        self.owner_by_metadata(&object.key(), object.metadata()?)
    }

    /// As [`owner_of`](Self::owner_of), for objects of which only the metadata is known.
    pub fn owner_by_metadata(
        &self,
        key: &ResourceKey,
        metadata: &Map<String, Value>,
    ) -> Option<AppInstanceName> {
        let text = |map: &str, name: &str| metadata.get(map)?.get(name)?.as_str();
        if !self.installation_id.is_empty()
            && text("annotations", annotation::INSTALLATION_ID) != Some(&self.installation_id)
        {
            return None;
        }
        if self.method == TrackingMethod::Label {
            let name = text("labels", &self.instance_label).filter(|name| !name.is_empty())?;
            return Some(AppInstanceName::from_text(name));
        }
        let id = TrackingId::parse(text("annotations", annotation::TRACKING_ID)?)?;
        id.names(key).then_some(id.application)
    }

    /// Marks an object as the application's. `namespace` is that of the destination, for objects that name none.
    /// Marks of other methods and installations are taken away: git's own are not trusted.
    ///
    /// **Errors**: with the method `label`, a name that is too long for one (the peer lets the API server refuse it).
    pub fn stamp(
        &self,
        object: &mut Object,
        application: &AppInstanceName,
        namespace: &str,
    ) -> Result<(), TrackingError> {
        let instance = match self.method {
            TrackingMethod::Annotation => None,
            TrackingMethod::AnnotationAndLabel => Some(shortened(application.as_str())?.to_owned()),
            TrackingMethod::Label if application.as_str().len() > LABEL_VALUE_LIMIT => {
                return Err(TrackingError::NameTooLong { name: application.as_str().to_owned() });
            }
            TrackingMethod::Label => Some(application.as_str().to_owned()),
        };
        if let Some(instance) = instance {
            object.set_label(&self.instance_label, instance);
        }
        if self.method == TrackingMethod::Label {
            object.remove_annotation(annotation::TRACKING_ID);
        } else {
            let mut resource = object.key();
            if resource.namespace.is_empty() {
                namespace.clone_into(&mut resource.namespace);
            }
            let id = TrackingId { application: application.clone(), resource };
            object.set_annotation(annotation::TRACKING_ID, id.to_string());
        }
        if self.installation_id.is_empty() {
            object.remove_annotation(annotation::INSTALLATION_ID);
        } else {
            object.set_annotation(annotation::INSTALLATION_ID, self.installation_id.clone());
        }
        Ok(())
    }
}

/// The beginning of a name that fits a label: at most 63 bytes, ending in a letter or digit, as in the peer.
fn shortened(name: &str) -> Result<&str, TrackingError> {
    if name.len() <= LABEL_VALUE_LIMIT {
        return Ok(name);
    }
    let fits = name.get(..LABEL_VALUE_LIMIT).unwrap_or_default();
    let fits = fits.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    if fits.is_empty() { Err(TrackingError::NoLabel { name: name.to_owned() }) } else { Ok(fits) }
}

#[cfg(test)]
mod tests;
