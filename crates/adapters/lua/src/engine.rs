//! Actions of users and built-in ones together.

use actions::{Action, ActionError, Change};
use api::settings::KindActions;
use resource::Object;

use crate::clock::Moment;
use crate::{ScriptError, World, action};

/// Why an action was not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PerformError {
    /// The user's script failed.
    #[error("the action's script: {0}")]
    Script(#[from] ScriptError),
    /// There is no such action, or it cannot be done.
    #[error(transparent)]
    Action(#[from] ActionError),
}

/// The actions of an object, by name: those that the settings of its kind define, and the built-in ones where there are
/// no settings or they ask for both. Of two with a name, the user's counts.
///
/// **Errors.** [`ScriptError`] of the discovery script.
/// **Source.** `VM.GetResourceActionDiscovery`; scripts of actions have no `useOpenLibs`.
pub fn offered(
    settings: Option<&KindActions>,
    object: &Object,
    world: &World,
) -> Result<Vec<Action>, ScriptError> {
    let world = World { open_libs: false, ..*world };
    let Some(settings) = settings else { return Ok(actions::discover(object)) };
    let mut found = match settings.discovery_lua.trim() {
        "" => Vec::new(),
        script => action::actions(script, object, &world)?,
    };
    if settings.merge_builtin_actions {
        let built_in = actions::discover(object);
        let new = built_in.into_iter().filter(|action| !found.iter().any(|own| own.name == action.name));
        found.extend(new.collect::<Vec<_>>());
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Runs an action: the user's own of this name, else the built-in one.
///
/// **Errors.** [`PerformError`].
/// **Source.** `VM.GetResourceAction`: a built-in action is found by its name even where discovery does not offer it.
pub fn perform(
    settings: Option<&KindActions>,
    object: &Object,
    name: &str,
    parameters: &[(String, String)],
    world: &World,
) -> Result<Vec<Change>, PerformError> {
    let world = World { open_libs: false, ..*world };
    let own = settings.into_iter().flat_map(|settings| &settings.definitions).find(|own| own.name == name);
    match own {
        Some(own) => Ok(action::run_action(&own.action_lua, object, parameters, &world)?),
        None => {
            let now = Moment::at(world.now).format("%Y-%m-%dT%XZ");
            Ok(actions::run(object, name, parameters, actions::Moment(&now))?)
        }
    }
}
