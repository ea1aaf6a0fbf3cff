//! Scripts of resource actions.

use actions::{Action, ActionError, Change};
use mlua::Value;
use resource::Object;

use crate::convert::Reader;
use crate::{ScriptError, World, run};

/// Runs a discovery script: which actions an object has.
///
/// **Shape.** The script returns a table from name to `{disabled, displayName, iconClass, params}`; sorted by name.
/// **Errors.** [`ScriptError`].
/// **Source.** `VM.ExecuteResourceActionDiscovery`.
pub fn actions(script: &str, object: &Object, world: &World) -> Result<Vec<Action>, ScriptError> {
    run(script, object, &[], world, |value| {
        let found = table(value, world)?;
        Action::read_all(&found).map_err(|error| ScriptError::Result(error.to_string()))
    })
}

/// Runs an action's script.
///
/// **Shape.** The script has the globals `obj` and `actionParams`; it returns the object as it should be, or a list of
/// `{operation = "create" or "patch", resource}`.
/// **Errors.** [`ScriptError`].
/// **Source.** `VM.ExecuteResourceAction`.
pub fn run_action(
    script: &str,
    object: &Object,
    parameters: &[(String, String)],
    world: &World,
) -> Result<Vec<Change>, ScriptError> {
    run(script, object, parameters, world, |value| {
        let found = table(value, world)?;
        Change::read_all(found, object).map_err(|error: ActionError| ScriptError::Result(error.to_string()))
    })
}

fn table(value: &Value, world: &World) -> Result<serde_json::Value, ScriptError> {
    match value {
        Value::Table(_) => Reader::new(world.limits.result).read(value, 0),
        other => Err(ScriptError::NotATable(crate::kind_of(other))),
    }
}
