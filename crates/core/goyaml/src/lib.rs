//! YAML as the Go libraries under Helm and Kubernetes read and write it (`sigs.k8s.io/yaml` on yaml.v2, YAML 1.1), to and from JSON.
//!
//! `y: 010` is `{"true": 8}` here, as it is for every tool that a manifest meets before the API server. The crate knows nothing of
//! Kubernetes objects. Reading is linear in the text, keeps nested structures on the heap, and stops at [`Limits`].
//!
//! - [`parse_all`]: the documents of a stream, with the places of their fields ([`Document::locate`]).
//! - [`parse_one`]: the first document, as `yaml.Unmarshal`.
//! - [`parse_modern`]: the same as yaml.v3 does, which is nearly YAML 1.2.
//! - [`to_string`]: as `yaml.Marshal`.
//! - [`outline`]: the documents with the bytes of each of their nodes, for those who edit a text.
//!
//! ```
//! let limits = goyaml::Limits::default();
//! let documents = goyaml::parse_all(b"kind: A\n---\nspec:\n  replicas: 010\n", &limits)?;
//! assert_eq!(documents[1].value["spec"]["replicas"], 8);
//! assert_eq!(documents[1].locate(&["spec", "replicas"]).map(|mark| mark.line), Some(4));
//! assert_eq!(goyaml::to_string(&documents[1].value), "spec:\n  replicas: 8\n");
//! # Ok::<(), goyaml::Error>(())
//! ```

mod cursor;
mod document;
mod emit;
mod error;
mod json;
mod node;
mod outline;
mod parser;
mod resolve;
mod scanner;
mod text;
mod token;
mod value;

pub use document::{Document, Mark};
pub use emit::to_string;
pub use error::{Error, ErrorKind};
pub use json::{escape_json, kind_of};
pub use outline::{Node, NodeKind, Outline, Style, outline};
use serde_json::Value;

use cursor::Separators;

/// Which of Go's libraries to read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// yaml.v2 with sigs.k8s.io/yaml: `yes` is true, keys become text.
    #[default]
    Yaml2,
    /// yaml.v3 as kustomize uses it: `yes` is text, a date becomes a time, and what JSON cannot have is read but cannot be written.
    Yaml3,
}

/// A document as yaml.v3 reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Modern {
    /// What it says, with something in place of what JSON cannot have.
    pub value: Value,
    /// Why Go could not write it as JSON: a key that stands twice or is no text, a number without end.
    pub flaw: Option<String>,
    /// Fields that are null because nothing stands behind their colon, by the names that lead to them; lists on the way are not named. Go's
    /// library tells them from `null`. The first thousand.
    pub empty: Vec<Vec<String>>,
}

/// Maps whose scalars stay text as it is written: `1.10` is `"1.10"`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Verbatim<'a> {
    /// Their paths; `*` is any item of a list.
    pub maps: &'a [&'a [&'a str]],
    /// Whether nulls are texts, too.
    pub nulls: bool,
}

/// Reads the first document as yaml.v3 does and looks at nothing behind it; none for a text without any.
///
/// **Source**: go.yaml.in/yaml/v3 and kyaml 0.21 (`RNode.MarshalJSON`, `DeAnchor`). Errors as [`parse_all`].
pub fn parse_modern(text: &[u8], limits: &Limits, verbatim: Verbatim<'_>) -> Result<Option<Modern>, Error> {
    check_size(text, limits)?;
    let text = text::decode(text)?;
    let mut parser = parser::Parser::new(&text, Separators::Yaml);
    let mut budget = value::Budget::new(limits);
    let Some(mut tree) = node::next_document(&mut parser, limits, &mut budget.nodes, false)? else {
        return Ok(None);
    };
    let manner = value::Manner { dialect: Dialect::Yaml3, verbatim };
    let value::Built { value, flaw, empty, .. } = value::build_in(&mut tree, limits, &mut budget, manner)?;
    Ok(Some(Modern { value, flaw, empty }))
}

/// What a text may cost. Everything beyond is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text, and bytes of text that aliases may repeat.
    pub bytes: usize,
    /// Nesting of lists and maps. Go's library stops at 10,000. That depth is read here, too, without the stack; but dropping, cloning,
    /// comparing or writing a [`Value`] recurses, with up to 2 KiB of stack a level in debug builds. So the default is what a thread
    /// with 2 MiB survives with room to spare. (JSON readers made with serde stop at 128, Kubernetes' own manifests at about 60.)
    pub depth: usize,
    /// Values in all documents together, aliases expanded. One costs about 100 bytes of memory, and its text.
    pub nodes: usize,
    /// Documents in a stream, empty ones included.
    pub documents: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 32 << 20, depth: 500, nodes: 2_000_000, documents: 100_000 }
    }
}

/// Reads all documents of a stream.
///
/// **Shape**: documents in the order of the text; those that are empty, hold nothing but comments, or are `null` are left out.
/// JSON is read too, several objects one after the other as well.
/// **Errors**: the first thing that is wrong, with its place; nothing of the stream is returned then.
/// **Source**: apimachinery 0.34, `util/yaml`, `NewYAMLOrJSONDecoder`. It cuts the text at lines of `---`, with or without a comment, and
/// reads the first YAML document of each piece. We read the stream in one, with the same separators. That differs where the peer refuses
/// (`--- text`, `%YAML 1.1` above a `---`), and where it drops something in silence (what follows a `...` line): we read all of these.
pub fn parse_all(text: &[u8], limits: &Limits) -> Result<Vec<Document>, Error> {
    check_size(text, limits)?;
    parse_stream(text, limits, limits.documents).or_else(|error| match error.kind() {
        // JSON has a few things that YAML 1.1 has not: `\/`, surrogate pairs, objects glued together.
        ErrorKind::Syntax(_) => json::parse_stream(text, limits).ok_or(error),
        _ => Err(error),
    })
}

/// Reads the first document and looks at nothing behind it; an empty text is `null`.
///
/// **Source**: sigs.k8s.io/yaml 1.6, `Unmarshal`. Errors as [`parse_all`].
pub fn parse_one(text: &[u8], limits: &Limits) -> Result<Value, Error> {
    check_size(text, limits)?;
    let text = text::decode(text)?;
    let mut parser = parser::Parser::new(&text, Separators::Yaml);
    let mut budget = value::Budget::new(limits);
    match node::next_document(&mut parser, limits, &mut budget.nodes, false)? {
        Some(mut tree) => Ok(value::build(&mut tree, limits, &mut budget)?.value),
        None => Ok(Value::Null),
    }
}

fn check_size(text: &[u8], limits: &Limits) -> Result<(), Error> {
    if text.len() > limits.bytes {
        return Err(Error::new(None, ErrorKind::TooLong { bytes: text.len(), limit: limits.bytes }));
    }
    Ok(())
}

fn parse_stream(text: &[u8], limits: &Limits, most: usize) -> Result<Vec<Document>, Error> {
    let text = text::decode(text)?;
    let mut parser = parser::Parser::new(&text, Separators::Kubernetes);
    let mut budget = value::Budget::new(limits);
    let (mut documents, mut count) = (Vec::new(), 0_usize);
    while let Some(mut tree) = node::next_document(&mut parser, limits, &mut budget.nodes, false)? {
        let start = tree.start();
        count += 1;
        if count > most {
            return Err(Error::new(Some(start), ErrorKind::TooManyDocuments(most)));
        }
        let value::Built { value, duplicates, .. } = value::build(&mut tree, limits, &mut budget)?;
        if !value.is_null() {
            documents.push(Document { value, start, tree: tree.into_owned(), duplicates });
        }
    }
    Ok(documents)
}
