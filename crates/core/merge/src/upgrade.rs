//! From client-side to server-side apply.
use serde_json::Value;

/// Folds the `Update` entries of `from` into the `Apply` entry of `into`; returns whether anything changed.
pub fn upgrade_client_side(_object: &mut Value, _from: &[&str], _into: &str) -> bool {
    false
}
