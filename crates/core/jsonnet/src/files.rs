//! Files and what they import.

use std::rc::Rc;

use filetree::TreePath;

use crate::error::Fault;
use crate::library;
use crate::machine::{External, Machine, Source};
use crate::syntax::{ImportKind, Shown, Span};
use crate::value::{Frame, Layer, Lazy, Object, State, Thunk, Value};

type Result<T> = std::result::Result<T, Fault>;

impl Machine<'_> {
    /// `std` as a file sees it.
    pub(crate) fn library(&mut self, file: u32) -> Result<Rc<Object>> {
        if let Some(known) = self.files.get(file as usize).and_then(|source| source.std.clone()) {
            return Ok(known);
        }
        let mut layers = vec![Rc::clone(&self.natives)];
        // Ours is written with what is native.
        if self.file_name(file) != library::NAME {
            if self.library.is_none() {
                let number = self.add_file(library::NAME.to_owned(), None);
                let code = self.read_code(number, library::PRELUDE)?;
                let Value::Object(object) = self.force(&code)? else {
                    return Err(Fault::runtime("the library is no object"));
                };
                self.library = object.layers.first().cloned();
            }
            layers.extend(self.library.clone());
        } else if let Some(library) = &self.library {
            layers.push(Rc::clone(library));
        }
        let name = Value::text(&self.file_name(file));
        layers.push(Layer::of_values([(Rc::from("thisFile"), name)], Shown::Hidden));
        let object = self.object(layers);
        if let Some(source) = self.files.get_mut(file as usize) {
            source.std = Some(Rc::clone(&object));
        }
        Ok(object)
    }

    /// A number for a file.
    pub(crate) fn add_file(&mut self, name: String, path: Option<TreePath>) -> u32 {
        self.files.push(Source { name, path, value: None, std: None });
        u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX)
    }

    /// Reads code; what it stands for is evaluated later.
    pub(crate) fn read_code(&mut self, file: u32, text: &str) -> Result<Thunk> {
        self.room_for_text(text.len().saturating_mul(16))?;
        let mut expr = crate::parser::parse(file, text)?;
        crate::scope::resolve(&mut expr)?;
        Ok(Lazy::new(State::Code(expr, Frame::new(None, None))))
    }

    /// The value of a variable from outside; none where there is none of the name.
    pub(crate) fn external(&mut self, name: &str) -> Result<Option<Value>> {
        let thunk = match self.external.get(name).cloned() {
            None => return Ok(None),
            Some(External::Known(thunk)) => thunk,
            Some(External::Code(text)) => {
                let file = self.add_file(format!("<extvar:{name}>"), None);
                let thunk = self.read_code(file, &text)?;
                self.external.insert(name.to_owned(), External::Known(Rc::clone(&thunk)));
                thunk
            }
        };
        self.force(&thunk).map(Some)
    }

    /// The code of a file of the tree.
    pub(crate) fn code_of(&mut self, path: &TreePath) -> Result<Thunk> {
        if let Some(known) = self.numbers.get(path)
            && let Some(value) = self.files.get(*known as usize).and_then(|source| source.value.clone())
        {
            return Ok(value);
        }
        if self.numbers.len() >= self.limits.files {
            return Err(Fault::limit_here("files imported", self.limits.files as u64));
        }
        let bytes = self.tree.read(path).map_err(Fault::file)?;
        let number = self.add_file(path.to_string(), Some(path.clone()));
        self.numbers.insert(path.clone(), number);
        let value = self.read_code(number, &String::from_utf8_lossy(&bytes))?;
        if let Some(source) = self.files.get_mut(number as usize) {
            source.value = Some(Rc::clone(&value));
        }
        Ok(value)
    }

    pub(crate) fn import(&mut self, kind: ImportKind, wanted: &str, span: Span) -> Result<Value> {
        let path = self.find(wanted, span)?;
        if kind == ImportKind::Code {
            let code = self.code_of(&path)?;
            return self.force(&code);
        }
        let bytes = self.tree.read(&path).map_err(Fault::file)?;
        if kind == ImportKind::Bytes {
            return library::bytes(self, &bytes);
        }
        self.make_text(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The file that an import means: beside the file that imports, else in the libraries.
    fn find(&mut self, wanted: &str, span: Span) -> Result<TreePath> {
        self.step(1)?;
        let from = self.files.get(span.file as usize).and_then(|source| source.path.as_ref());
        let beside = from.and_then(TreePath::parent);
        let mut problem = None;
        for road in beside.iter().chain(&self.roads) {
            match road.join(wanted) {
                Ok(path) => {
                    if self.tree.kind(&path).map_err(Fault::file)?.is_some() {
                        return Ok(path);
                    }
                }
                Err(other) => problem = Some(other),
            }
        }
        Err(Fault::runtime(match problem {
            Some(problem) => format!("couldn't open import {wanted:?}: {problem}"),
            None => {
                format!("couldn't open import {wanted:?}: no match locally or in the Jsonnet library paths")
            }
        }))
    }

    /// The name of a file, for errors.
    pub(crate) fn file_name(&self, file: u32) -> String {
        self.files.get(file as usize).map_or_else(String::new, |source| source.name.clone())
    }
}
