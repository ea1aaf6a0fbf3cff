//! The data of a Secret, key by key.

use std::collections::BTreeMap;

use api::settings::parse_bool;

use crate::Secret;

/// Why a Secret is not what its label says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// A key that it needs is not there.
    #[error("the key {key} is missing or empty")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// A key holds something else than it should. The value is not repeated: it may be secret.
    #[error("the key {key} is not {expected}")]
    Malformed {
        /// The key, or the field in it.
        key: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

/// The data of a Secret.
pub(crate) struct Fields<'a>(pub(crate) &'a BTreeMap<String, Vec<u8>>);

impl Fields<'_> {
    fn raw(&self, key: &'static str) -> Result<Option<&str>, SecretError> {
        let Some(bytes) = self.0.get(key) else { return Ok(None) };
        let text = std::str::from_utf8(bytes)
            .map_err(|_| SecretError::Malformed { key, expected: "a text in UTF-8" })?;
        Ok((!text.is_empty()).then_some(text))
    }

    pub(crate) fn text(&self, key: &'static str) -> Result<Option<String>, SecretError> {
        Ok(self.raw(key)?.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned))
    }

    pub(crate) fn secret(&self, key: &'static str) -> Result<Option<Secret>, SecretError> {
        let text = self.raw(key)?.map(|text| text.trim_end_matches(['\n', '\r']));
        Ok(text.filter(|text| !text.is_empty()).map(|text| Secret::new(text.to_owned())))
    }

    /// Keys and certificates: their last line end belongs to them.
    pub(crate) fn whole(&self, key: &'static str) -> Result<Option<Secret>, SecretError> {
        Ok(self.raw(key)?.filter(|text| !text.trim().is_empty()).map(|text| Secret::new(text.to_owned())))
    }

    pub(crate) fn truth(&self, key: &'static str) -> Result<bool, SecretError> {
        let Some(text) = self.text(key)? else { return Ok(false) };
        parse_bool(&text).ok_or(SecretError::Malformed { key, expected: "true or false" })
    }

    pub(crate) fn number(&self, key: &'static str) -> Result<Option<i64>, SecretError> {
        let number = self.text(key)?.map(|text| text.parse());
        number.transpose().map_err(|_| SecretError::Malformed { key, expected: "a whole number" })
    }
}
