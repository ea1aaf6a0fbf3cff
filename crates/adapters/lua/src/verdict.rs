//! Health scripts.

use health::{Health, Status};
use mlua::Value;
use resource::Object;
use serde_json::Value as Json;

use crate::convert::Reader;
use crate::{ScriptError, World, run};

/// What the peer says where a script's status is none.
const INVALID: &str = "Lua returned an invalid health status";

/// What a health script says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A status and a message.
    Said(Health),
    /// An empty table: the object has no health.
    Nothing,
    /// `nil`, or no answer at all: the checks in the peer's own code decide.
    Undecided,
}

/// Runs a health script over an object.
///
/// **Shape.** The script has the global `obj` and returns `{status, message}`. A status that is none gives Unknown
/// with the peer's words; fields of a wrong type read as no answer.
///
/// **Errors.** [`ScriptError`]: the peer shows its text on the object, as Unknown.
///
/// **Source.** `VM.ExecuteHealthLua`.
pub fn health(script: &str, object: &Object, world: &World) -> Result<Verdict, ScriptError> {
    run(script, object, &[], world, |value| match value {
        Value::Nil => Ok(Verdict::Undecided),
        Value::Table(_) => Reader::new(world.limits.result).read(value, 0).map(|value| verdict(&value)),
        other => Err(ScriptError::NotATable(crate::kind_of(other))),
    })
}

/// What a script's answer comes to: `nil` leaves it to the checks in the peer's own code, and an error makes the object
/// Unknown, with the error as its message.
///
/// **Source.** `health.GetResourceHealth`.
pub fn settle(answer: Result<Verdict, ScriptError>, object: &Object) -> Option<Health> {
    match answer {
        Ok(Verdict::Said(health)) => Some(health),
        Ok(Verdict::Nothing) => None,
        Ok(Verdict::Undecided) => health::in_code(object),
        Err(error) => Some(Health::new(Status::Unknown, format!("health script: {error}"))),
    }
}

/// The peer reads the table's JSON into its struct: names fit whatever their case, and any field of a wrong type
/// makes the whole empty.
fn verdict(value: &Json) -> Verdict {
    let Json::Object(map) = value else { return Verdict::Nothing };
    let (mut status, mut message) = ("", "");
    for (name, value) in map {
        let field = match name.to_ascii_lowercase().as_str() {
            "status" => &mut status,
            "message" => &mut message,
            _ => continue,
        };
        match value {
            Json::String(text) => *field = text,
            Json::Null => {}
            _ => return Verdict::Nothing,
        }
    }
    Verdict::Said(match Status::parse(status) {
        Some(status) => Health::new(status, message),
        None => Health::new(Status::Unknown, INVALID),
    })
}
