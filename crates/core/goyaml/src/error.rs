use crate::{Dialect, Mark};

/// Why a text could not be read as YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// The text is not YAML. The words are those of the Go library, so that users recognise them.
    #[error("{0}")]
    Syntax(&'static str),
    /// An alias (`*name`) without its anchor (`&name`).
    #[error("unknown anchor '{0}' referenced")]
    UnknownAnchor(String),
    /// An alias inside of the node that it stands for.
    #[error("anchor '{0}' value contains itself")]
    RecursiveAnchor(String),
    /// A map key that JSON cannot have: a list, a map (often a template's `{{ … }}` that nobody rendered), or null.
    #[error("{what}")]
    Key {
        /// What is wrong, shortly: `invalid map key: a map`.
        what: &'static str,
        /// The same in the words of the Go library, which shows the key, and the value of one that is a scalar, as `%#v` prints them; cut where
        /// that is long: `invalid map key: map[interface {}]interface {}{"a":"b"}`.
        printed: String,
    },
    /// A number that JSON cannot have.
    #[error("json: unsupported value: {0}")]
    Number(&'static str),
    /// `<<` with something that is neither a map nor a list of maps.
    #[error("map merge requires map or sequence of maps as the value")]
    Merge,
    /// An explicit tag that does not fit its value, as in `!!int x`.
    #[error("cannot decode {from} `{value}` as a {tag}")]
    Tag {
        /// What the value is, as a short tag.
        from: &'static str,
        /// The value's first characters.
        value: String,
        /// The tag in the text, in its short form.
        tag: String,
    },
    /// `!!binary` with something that is not base64.
    #[error("!!binary value contains invalid base64 data")]
    Binary,
    /// More bytes than [`crate::Limits::bytes`].
    #[error("{bytes} bytes are more than the limit of {limit}")]
    TooLong {
        /// Size of the text.
        bytes: usize,
        /// The limit in force.
        limit: usize,
    },
    /// Deeper than [`crate::Limits::depth`].
    #[error("exceeded max depth of {0}")]
    TooDeep(usize),
    /// More values than [`crate::Limits::nodes`], aliases expanded.
    #[error("more than {0} values")]
    TooManyNodes(usize),
    /// Nearly everything in the document comes from aliases, or they repeat more than [`crate::Limits::bytes`] of text.
    #[error("document contains excessive aliasing")]
    Aliases,
    /// More documents than [`crate::Limits::documents`].
    #[error("more than {0} documents")]
    TooManyDocuments(usize),
}

/// An error in a text and where it is. Displays as `line 3: did not find expected key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    mark: Option<Mark>,
    /// Where the collection starts in which the text stops making sense.
    context: Option<Mark>,
    kind: ErrorKind,
}

/// What Go's parser says, and not its scanner.
const PARSER: &[&str] = &[
    "did not find expected '-' indicator",
    "did not find expected ',' or ']'",
    "did not find expected ',' or '}'",
    "did not find expected <document start>",
    "did not find expected <stream-start>",
    "did not find expected key",
    "did not find expected node content",
    "found duplicate %TAG directive",
    "found duplicate %YAML directive",
    "found incompatible YAML document",
    "found undefined tag handle",
];

impl Error {
    pub(crate) fn new(mark: Option<Mark>, kind: ErrorKind) -> Self {
        Self { mark, context: None, kind }
    }

    pub(crate) fn within(self, context: Option<Mark>) -> Self {
        Self { context, ..self }
    }

    /// The error as the library prints it: `yaml: line 3: did not find expected key`.
    ///
    /// It counts lines from 0 and says nothing of the first; what its scanner finds, it puts one line further. yaml.v3 names the line where the
    /// innermost collection starts.
    pub fn as_go(&self, dialect: Dialect) -> String {
        let words = match &self.kind {
            ErrorKind::Syntax(words) => *words,
            // The words of what makes JSON of the library's result.
            ErrorKind::Number(_) if dialect == Dialect::Yaml2 => return self.kind.to_string(),
            ErrorKind::Key { printed, .. } if dialect == Dialect::Yaml2 => {
                let of_library = printed.starts_with("invalid");
                return if of_library { format!("yaml: {printed}") } else { printed.clone() };
            }
            kind => return format!("yaml: {kind}"),
        };
        let known = |mark: &Mark| mark.line > 1;
        let mark = match dialect {
            Dialect::Yaml2 => self.mark.filter(known).or(self.context),
            Dialect::Yaml3 => self.context.filter(known).or(self.mark),
        };
        match mark.filter(known) {
            Some(mark) => {
                let line = mark.line - usize::from(PARSER.contains(&words));
                format!("yaml: line {line}: {words}")
            }
            None => format!("yaml: {words}"),
        }
    }

    /// Where the text stops making sense; `None` where the error is about the text as a whole.
    pub fn mark(&self) -> Option<Mark> {
        self.mark
    }

    /// What is wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(mark) = self.mark {
            write!(f, "line {}: ", mark.line)?;
        }
        write!(f, "{}", self.kind)
    }
}

impl std::error::Error for Error {}
