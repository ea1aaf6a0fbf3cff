//! Types of Kubernetes' own kinds.
use crate::types::TypeRef;
use resource::Gvk;
use std::sync::OnceLock;

/// Types by kind.
#[derive(Debug, Default)]
pub struct Schemas {
    kinds: std::collections::BTreeMap<Gvk, TypeRef>,
}

impl Schemas {
    /// Kubernetes' own kinds, v1.34.
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Schemas> = OnceLock::new();
        BUILTIN.get_or_init(Self::default)
    }

    /// The type of a kind.
    pub fn get(&self, gvk: &Gvk) -> Option<&TypeRef> {
        self.kinds.get(gvk)
    }

    /// All kinds.
    pub fn kinds(&self) -> impl Iterator<Item = (&Gvk, &TypeRef)> {
        self.kinds.iter()
    }
}
