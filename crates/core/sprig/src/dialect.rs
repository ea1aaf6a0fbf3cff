//! Which functions whose templates may call.

use gotemplate::{Function, Functions};

use crate::functions as f;

/// Whose templates they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// All of Sprig's text functions but those that read the environment.
    Sprig,
    /// Helm's: without `include`, `tpl` and `lookup`, which the chart's renderer adds.
    Helm,
    /// ApplicationSets with `goTemplate: true`; `slugify` and `tpl` are not made yet.
    ApplicationSet,
    /// Notification templates and triggers. What they add (`call .time.…`, `.strings`, `.repo`) is data, not functions.
    Notifications,
    /// External Secrets' templates, engine v2; what it adds (`pkcs12key`, `filterPEM`, `jwkPublicKeyPem` and others) is not made yet.
    ExternalSecrets,
}

/// Stand before and after the text of `fail` and `required` in Helm's dialect, in the error's message.
pub const FAILURE_MARKS: (&str, &str) = ("HELM_ERR_START", "HELM_ERR_END");

/// Sprig's, in any order. `env` and `expandenv` are nowhere: what a template makes may depend on its arguments alone.
const SPRIG: [&[Function]; 18] = [
    f::certificates::TABLE,
    f::dates::TABLE,
    f::defaults::TABLE,
    f::dicts::TABLE,
    f::encodings::TABLE,
    f::lists::TABLE,
    f::merging::TABLE,
    f::numbers::TABLE,
    f::passwords::TABLE,
    f::paths::TABLE,
    f::random::TABLE,
    f::regexes::TABLE,
    f::serial::TABLE,
    f::strings::TABLE,
    f::types::TABLE,
    f::urls::TABLE,
    f::versions::TABLE,
    f::words::TABLE,
];

/// The builtins of Go and the functions of a dialect.
#[must_use]
pub fn functions(dialect: Dialect) -> Functions {
    let sprig = SPRIG.into_iter().fold(Functions::builtin(), Functions::with);
    match dialect {
        Dialect::Sprig => sprig,
        Dialect::Helm => sprig.with(f::serial::HELM).with(f::defaults::HELM),
        Dialect::ApplicationSet => sprig.without(&["getHostByName"]).with(f::applicationsets::TABLE),
        Dialect::Notifications | Dialect::ExternalSecrets => sprig.without(&["getHostByName"]),
    }
}
