//! What can go wrong.

use std::fmt;

use filetree::FileError;

use crate::syntax::Span;

/// Places that an error names at most, the innermost first.
pub(crate) const MAX_PLACES: usize = 10;

/// A place in a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, from the root of the tree; `<extvar:NAME>` and `<top-level-arg:NAME>` for code in parameters, `<std>` for ours.
    pub file: String,
    /// First line and column, from 1; columns are in bytes.
    pub begin: (u32, u32),
    /// Where it ends: the line, and the column behind it.
    pub end: (u32, u32),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, begin, end } = self;
        match (begin == end, begin.0 == end.0) {
            (true, _) => write!(f, "{file}:{}:{}", begin.0, begin.1),
            (_, true) => write!(f, "{file}:{}:{}-{}", begin.0, begin.1, end.1),
            _ => write!(f, "{file}:({}:{})-({}:{})", begin.0, begin.1, end.0, end.1),
        }
    }
}

/// Why a program has no result. `Display` is in the words of go-jsonnet, with the places one a line, the innermost first.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A file is no program.
    #[error("{place} {message}")]
    Syntax {
        /// What is wrong.
        message: String,
        /// Where.
        place: Place,
    },
    /// The program failed.
    #[error("RUNTIME ERROR: {message}{}", lines(.places))]
    Runtime {
        /// What is wrong.
        message: String,
        /// Where, and from where that was asked for.
        places: Vec<Place>,
    },
    /// More than a program may cost.
    #[error("{what} would be more than the limit of {limit}{}", lines(.places))]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// Where that was.
        places: Vec<Place>,
    },
    /// The caller said that nobody wants the result any more.
    #[error("the evaluation was cancelled{}", lines(.places))]
    Cancelled {
        /// Where that was.
        places: Vec<Place>,
    },
    /// A file cannot be read.
    #[error("RUNTIME ERROR: {file}{}", lines(.places))]
    File {
        /// Why.
        file: FileError,
        /// What asked for it.
        places: Vec<Place>,
    },
    /// The system has no thread to evaluate in.
    #[error("no thread to evaluate in: {0}")]
    Thread(String),
}

impl Error {
    /// The innermost place.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Syntax { place, .. } => Some(place),
            Self::Runtime { places, .. }
            | Self::Limit { places, .. }
            | Self::Cancelled { places }
            | Self::File { places, .. } => places.first(),
            Self::Thread(_) => None,
        }
    }

    /// Whether the same program may succeed later with nothing changed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::File { file, .. } => file.is_transient(),
            Self::Thread(_) | Self::Cancelled { .. } => true,
            Self::Syntax { .. } | Self::Runtime { .. } | Self::Limit { .. } => false,
        }
    }
}

fn lines(places: &[Place]) -> String {
    places.iter().map(|place| format!("\n\t{place}")).collect()
}

/// An error on its way out of the evaluation; boxed, since it is rare and results are many.
#[derive(Debug)]
pub(crate) struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    what: What,
    spans: Vec<Span>,
    /// The next place on the way out is one to name: nothing has been named yet, or a call was left.
    open: bool,
}

#[derive(Debug)]
enum What {
    Syntax(String),
    Runtime(String),
    Limit(&'static str, u64),
    Cancelled,
    File(FileError),
}

impl Fault {
    fn new(what: What, spans: Vec<Span>) -> Self {
        let open = spans.is_empty();
        Self(Box::new(Inner { what, spans, open }))
    }

    pub(crate) fn syntax(message: impl Into<String>, span: Span) -> Self {
        Self::new(What::Syntax(message.into()), vec![span])
    }

    pub(crate) fn limit(what: &'static str, limit: u64, span: Span) -> Self {
        Self::new(What::Limit(what, limit), vec![span])
    }

    /// A limit that was passed at a place that whoever catches it knows.
    pub(crate) fn limit_here(what: &'static str, limit: u64) -> Self {
        Self::new(What::Limit(what, limit), Vec::new())
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(What::Cancelled, Vec::new())
    }

    pub(crate) fn runtime(message: impl Into<String>) -> Self {
        Self::new(What::Runtime(message.into()), Vec::new())
    }

    pub(crate) fn file(file: FileError) -> Self {
        Self::new(What::File(file), Vec::new())
    }

    /// Adds a place on the way out: the innermost expression of each call.
    pub(crate) fn at(mut self, span: Span) -> Self {
        if self.0.open && self.0.spans.len() < MAX_PLACES {
            self.0.spans.push(span);
        }
        self.0.open = false;
        self
    }

    /// Adds a place if there is none.
    pub(crate) fn somewhere(self, span: Span) -> Self {
        if self.0.spans.is_empty() { self.at(span) } else { self }
    }

    /// Leaves a call.
    pub(crate) fn out(mut self) -> Self {
        self.0.open = !matches!(self.0.what, What::Syntax(_));
        self
    }

    /// With the names of files.
    pub(crate) fn named(self, name: impl Fn(u32) -> String) -> Error {
        let Inner { what, spans, .. } = *self.0;
        let place = |span: &Span| Place { file: name(span.file), begin: span.begin, end: span.end };
        let mut places: Vec<Place> = spans.iter().map(place).collect();
        // Where in the library something failed is of no use to whoever called it.
        if places.iter().any(|place| place.file != crate::library::NAME) {
            places.retain(|place| place.file != crate::library::NAME);
        }
        match what {
            What::Syntax(message) if places.len() == 1 => Error::Syntax { message, place: places.remove(0) },
            What::Syntax(message) | What::Runtime(message) => Error::Runtime { message, places },
            What::Limit(what, limit) => Error::Limit { what, limit, places },
            What::Cancelled => Error::Cancelled { places },
            What::File(file) => Error::File { file, places },
        }
    }
}
