//! Resource actions: what can be done to one object beyond applying what git says, such as a restart.
//!
//! It refuses to know clusters, Lua and who may do what; the time is an argument. Main types: [`Action`] (what is on
//! offer), [`Change`] (what running one comes to).

mod read;

use resource::Object;

/// Something that can be done to an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Action {
    /// Its name, as in `restart`.
    pub name: String,
    /// It makes no sense for the object as it is now.
    pub disabled: bool,
    /// Words for people, where the name is not enough.
    pub display_name: String,
    /// The icon that the peer's UI shows.
    pub icon_class: String,
    /// What can be said with it.
    pub params: Vec<Param>,
}

/// A parameter of an action.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// What it is where nothing is said.
    pub default: String,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The object, as it should be; what differs from now is sent as a patch.
    Patch(Object),
    /// A new object.
    Create(Object),
}

/// Why an action cannot be had or done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// The kind has no such action.
    #[error("{kind} has no action {action}")]
    Unknown {
        /// `group/Kind`.
        kind: String,
        /// The action's name.
        action: String,
    },
    /// A parameter is missing or wrong.
    #[error("{0}")]
    Parameter(String),
    /// The object is not in a state for it.
    #[error("{0}")]
    State(String),
    /// What a script returned is no answer.
    #[error("{0}")]
    Malformed(String),
}
