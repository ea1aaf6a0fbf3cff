//! Sets of templates.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{ExecError, ParseError};
use crate::functions::{Functions, Run};
use crate::program::Template;
use crate::value::{Str, Value};

/// What `.a` gives for a map that has no `a`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingKey {
    /// No value: prints `<no value>`, and a field of it is no value again.
    #[default]
    Default,
    /// The zero of the map's element type. For `map[string]interface {}` a nil, of which a field is an error. Helm's.
    Zero,
    /// An error.
    Error,
}

/// A set of templates that see each other. Cloning is cheap and gives a set that goes its own way.
#[derive(Debug, Clone)]
pub struct Templates {
    functions: Functions,
    missing_key: MissingKey,
    delims: Option<(Arc<str>, Arc<str>)>,
    own: Arc<BTreeMap<Arc<str>, Arc<Template>>>,
    base: Option<Arc<Self>>,
    /// Sets under this one.
    layers: usize,
}

/// Sets on top of each other before they are made one: so that a look-up, and dropping them, does not go deep.
const MAX_LAYERS: usize = 16;

impl Templates {
    /// An empty set, whose texts may call these functions.
    #[must_use]
    pub fn new(functions: Functions) -> Self {
        Self {
            functions,
            missing_key: MissingKey::Default,
            delims: None,
            own: Arc::default(),
            base: None,
            layers: 0,
        }
    }

    /// Sets `missingkey`.
    #[must_use]
    pub fn missing_key(mut self, missing_key: MissingKey) -> Self {
        self.missing_key = missing_key;
        self
    }

    /// Sets the delimiters of texts parsed from now on; an empty one is the default, `{{` or `}}`.
    #[must_use]
    pub fn delims(mut self, left: &str, right: &str) -> Self {
        self.delims = Some((left.into(), right.into()));
        self
    }

    /// The functions that texts of this set may call.
    #[must_use]
    pub fn functions(&self) -> &Functions {
        &self.functions
    }

    /// Parses a text and adds it under the name, with all that it defines, as Go's `New(name).Parse(text)`: a later definition replaces an
    /// earlier one, unless it is empty (blanks and comments only).
    pub fn parse(&mut self, name: &str, text: &str) -> Result<(), ParseError> {
        let parsed = self.compile(name, text)?;
        self.add(&parsed);
        Ok(())
    }

    /// Parses without adding: what [`Templates::add`] adds, as often as wanted. For caches.
    pub fn compile(&self, name: &str, text: &str) -> Result<Parsed, ParseError> {
        let delims = match &self.delims {
            Some((left, right)) => (left.as_ref(), right.as_ref()),
            None => ("", ""),
        };
        let trees = crate::parse::parse(name, text, delims, &self.functions)?;
        Ok(Parsed { templates: crate::compile::compile(trees) })
    }

    /// Adds what [`Templates::compile`] made, by the same rules as [`Templates::parse`].
    pub fn add(&mut self, parsed: &Parsed) {
        for template in &parsed.templates {
            if !template.empty || self.lookup(template.name()).is_none() {
                Arc::make_mut(&mut self.own).insert(Arc::clone(&template.name), Arc::clone(template));
            }
        }
    }

    /// The template of that name.
    #[must_use]
    pub fn lookup(&self, name: &str) -> Option<&Arc<Template>> {
        self.own.get(name).or_else(|| self.base.as_ref()?.lookup(name))
    }

    /// A set on top of this one: what is parsed into it shadows, and this one stays as it is. Cheap whatever the size; for `tpl`.
    #[must_use]
    pub fn overlay(&self) -> Self {
        let mut overlay = self.clone();
        if self.layers >= MAX_LAYERS {
            overlay.own = Arc::new(self.flattened());
            overlay.base = None;
            overlay.layers = 0;
        } else if !self.own.is_empty() {
            overlay.own = Arc::default();
            overlay.base = Some(Arc::new(self.clone()));
            overlay.layers += 1;
        }
        overlay
    }

    fn flattened(&self) -> BTreeMap<Arc<str>, Arc<Template>> {
        let mut all = BTreeMap::new();
        let mut layer = Some(self);
        while let Some(set) = layer {
            for (name, template) in set.own.iter() {
                all.entry(Arc::clone(name)).or_insert_with(|| Arc::clone(template));
            }
            layer = set.base.as_deref();
        }
        all
    }

    /// The names of all templates, in order.
    #[must_use]
    pub fn names(&self) -> Vec<Arc<str>> {
        self.flattened().into_keys().collect()
    }

    /// Runs a template.
    ///
    /// **Shape**: the text; bytes that are not UTF-8 (Go passes them on) become U+FFFD; [`Templates::execute_bytes`] keeps them.
    /// **Errors**: in Go's words; nothing of the output is returned then.
    pub fn execute(&self, run: &mut Run, name: &str, data: &Value) -> Result<String, ExecError> {
        self.execute_bytes(run, name, data).map(|text| text.to_text().into_owned())
    }

    /// As [`Templates::execute`], bytes as they are.
    pub fn execute_bytes(&self, run: &mut Run, name: &str, data: &Value) -> Result<Str, ExecError> {
        crate::machine::execute(self, run, name, data)
    }

    pub(crate) fn missing_key_option(&self) -> MissingKey {
        self.missing_key
    }
}

/// What one text defines.
#[derive(Debug, Clone)]
pub struct Parsed {
    templates: Vec<Arc<Template>>,
}
