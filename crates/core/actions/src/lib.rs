//! Resource actions: what can be done to one object beyond applying what git says, such as a restart.
//!
//! It refuses to know clusters, Lua and who may do what; the time is an argument. Main types: [`Action`] (what is on
//! offer), [`Change`] (what running one comes to); [`discover`] and [`run`] are the built-in ones, of the kinds that the
//! peer has them for.
//!
//! ```
//! use serde_json::json;
//! let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
//!     "spec": {"template": {}}});
//! let object = resource::Object::from_value(object)?;
//! let names: Vec<String> = actions::discover(&object).into_iter().map(|action| action.name).collect();
//! assert_eq!(names, ["pause", "restart", "resume", "scale"]);
//!
//! let now = actions::Moment("2026-01-02T03:04:05Z");
//! let changes = actions::run(&object, "restart", &[], now)?;
//! let [actions::Change::Patch(patched)] = changes.as_slice() else { return Err("no patch".into()) };
//! let at = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt";
//! assert_eq!(patched.to_value().pointer(at), Some(&json!("2026-01-02T03:04:05Z")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builtin;
mod create;
mod custom;
mod edit;
mod numa;
mod patch;
mod read;
mod workloads;

pub use builtin::{discover, run};
pub use patch::{Patches, patches};

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

/// When an action is run: RFC 3339, UTC, whole seconds, as in `2026-01-02T03:04:05Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment<'a>(pub &'a str);

impl Moment<'_> {
    /// The digits alone, down to the minute, for names of what is created: `202601020304`.
    fn minutes(self) -> String {
        self.0.chars().filter(char::is_ascii_digit).take("YYYYMMDDhhmm".len()).collect()
    }
}

/// Why an action cannot be had or done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// The kind has no such action.
    #[error("{kind} has no action {action}")]
    Unknown {
        /// The kind, with its group.
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

impl Action {
    /// An action by its name alone.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    fn icon(mut self, icon: &str) -> Self {
        self.icon_class = format!("fa fa-fw fa-{icon}");
        self
    }

    /// Of Font Awesome's newer set, which a few of the peer's kinds name.
    fn solid(mut self, icon: &str) -> Self {
        self.icon_class = format!("fa-solid fa-fw fa-{icon}");
        self
    }

    fn title(mut self, title: &str) -> Self {
        title.clone_into(&mut self.display_name);
        self
    }

    fn disabled(mut self, disabled: bool) -> Self {
        self.disabled = disabled;
        self
    }

    fn param(mut self, name: &str, default: &str) -> Self {
        self.params.push(Param { name: name.to_owned(), default: default.to_owned() });
        self
    }
}
