//! Health of objects, and of the application that they form. Work in progress: signatures first.

use resource::Object;

/// How well something does, as the peer names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// As it should be.
    Healthy,
    /// Paused, or waiting for somebody.
    Suspended,
    /// Not there yet, may get there by itself.
    Progressing,
    /// Not in the cluster.
    Missing,
    /// Failed, or not getting there.
    Degraded,
    /// Cannot be told.
    Unknown,
}

/// A status and what explains it, empty where there is nothing to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// How it does.
    pub status: Status,
    /// Why, as the peer words it.
    pub message: String,
}

/// Health of one object, `None` where its kind has none.
pub fn of(_object: &Object) -> Option<Health> {
    None
}

/// One resource of an application, as [`aggregate`] needs it.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// What git wants, `None` for what is only in the cluster.
    pub desired: Option<&'a Object>,
    /// What the cluster has, `None` where it is missing.
    pub live: Option<&'a Object>,
    /// Whether it is a hook, which never counts.
    pub hook: bool,
    /// Its own health; `None` where its kind has none.
    pub health: Option<Status>,
}

/// Health of the application that consists of these resources.
pub fn aggregate<'a>(_items: impl IntoIterator<Item = Item<'a>>) -> Status {
    Status::Healthy
}

/// `status.summary` of an application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Images of all containers, sorted, each once.
    pub images: Vec<String>,
    /// URLs under which the application can be reached, sorted, each once.
    pub external_urls: Vec<String>,
}

/// Collects images and URLs.
pub fn summary<'a>(_objects: impl IntoIterator<Item = &'a Object>) -> Summary {
    Summary::default()
}
