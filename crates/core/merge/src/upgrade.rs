//! From client-side to server-side apply.

use serde_json::Value;

use crate::managers::{ManagedFieldsError, ManagerEntry, Operation, managed_fields, set_managed_fields};

/// Folds the `Update` entries of the managers `from` into the `Apply` entry of `into`, so that the next apply of
/// `into` removes what it no longer has. Values are not touched. Returns whether anything changed.
///
/// **Shape**: entries written through a subresource stay. Where `into` has no entry yet, the first of `from` becomes
/// it; a further entry of the same manager in another version is dropped, as the peer drops it.
/// **Source**: client-go's `csaupgrade.UpgradeManagedFields`, v0.34.
///
/// # Errors
/// [`ManagedFieldsError`] where the entries cannot be read; the object is then left as it was.
pub fn upgrade_client_side(
    object: &mut Value,
    from: &[&str],
    into: &str,
) -> Result<bool, ManagedFieldsError> {
    let mut entries = managed_fields(object)?;
    let is_old = |entry: &ManagerEntry, name: &str| {
        entry.manager == name && entry.operation == Operation::Update && entry.subresource.is_empty()
    };
    let mut changed = false;
    for name in from {
        let Some(first) = entries.iter().position(|entry| is_old(entry, name)) else { continue };
        changed = true;
        let target = entries.iter().position(|entry| {
            entry.manager == into && entry.operation == Operation::Apply && entry.subresource.is_empty()
        });
        let target = target.unwrap_or_else(|| {
            entries[first].operation = Operation::Apply;
            entries[first].manager = into.to_owned();
            first
        });
        let version = entries[target].api_version.clone();
        let same_version =
            entries.iter().position(|entry| is_old(entry, name) && entry.api_version == version);
        if let Some(at) = same_version {
            let fields = std::mem::take(&mut entries[at].fields);
            entries[target].fields.extend(&fields);
        }
        entries.retain(|entry| !is_old(entry, name));
    }
    if changed {
        set_managed_fields(object, entries);
    }
    Ok(changed)
}
