//! Which rows are asked for.

use std::time::Duration;

use api::{normal_form, parse_duration};
use jiff::Timestamp;

use crate::error::QueryError;
use crate::glob::{is_pattern, matches};
use crate::row::Row;
use crate::token::{self, Relation, Token};
use crate::word::Word;

/// Longest filter, in bytes.
pub const FILTER_BYTES: usize = 4 << 10;
/// Most terms of a filter.
pub const TERMS: usize = 64;
/// A day and a week, which durations of Go do not know.
const DAY: u64 = 24 * 3600;

const HEALTH: [&str; 6] = ["Healthy", "Progressing", "Degraded", "Missing", "Suspended", "Unknown"];
const SYNC: [&str; 3] = ["Synced", "OutOfSync", "Unknown"];
const OPERATION: [&str; 6] = ["Running", "Terminating", "Failed", "Error", "Succeeded", "None"];
const SWITCH: [&str; 4] = ["true", "false", "enabled", "disabled"];
/// Names of the cluster that this runs in.
const HOME: [&str; 2] = ["in-cluster", "https://kubernetes.default.svc"];

/// What a term looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Name,
    Project,
    Health,
    Sync,
    Operation,
    AutoSync,
    Namespace,
    AppNamespace,
    Cluster,
    Repo,
    Path,
    Revision,
    Image,
    Label,
    Condition,
    Age,
    Synced,
}

impl Key {
    const NAMES: [(&'static str, Self); 19] = [
        ("name", Self::Name),
        ("project", Self::Project),
        ("health", Self::Health),
        ("sync", Self::Sync),
        ("operation", Self::Operation),
        ("autoSync", Self::AutoSync),
        ("namespace", Self::Namespace),
        ("appNamespace", Self::AppNamespace),
        ("cluster", Self::Cluster),
        ("repo", Self::Repo),
        ("path", Self::Path),
        ("targetRevision", Self::Revision),
        ("revision", Self::Revision),
        ("image", Self::Image),
        ("label", Self::Label),
        ("labels", Self::Label),
        ("condition", Self::Condition),
        ("age", Self::Age),
        ("synced", Self::Synced),
    ];

    fn parse(position: usize, name: &str) -> Result<Self, QueryError> {
        let found = Self::NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, key)| *key).ok_or_else(|| {
            let known: Vec<&'static str> =
                Self::NAMES.iter().map(|(known, _)| *known).filter(|known| *known != "labels").collect();
            let mut error = QueryError::unknown(position, "key", name, &known);
            error.message.push_str("; a text with a colon is looked for in double quotes");
            error
        })
    }

    fn is_time(self) -> bool {
        matches!(self, Self::Age | Self::Synced)
    }
}

/// A value that a term wants.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    /// A name, or a pattern of names.
    Name(String),
    /// One of the words that there are.
    Word(&'static str),
    Switch(bool),
    /// A URL as it is compared, or a pattern of such.
    Repository(String),
    /// A part, in lower case.
    Part(String),
    Label {
        key: String,
        value: Option<String>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    /// One of these values.
    Any(Key, Vec<Wanted>),
    /// Since then it is less long than this, or longer.
    Since(Key, Relation, Duration),
    /// These words are in its text, in lower case.
    Says(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    negated: bool,
    test: Test,
}

/// Terms that must all hold.
///
/// **Shape**: terms with blanks between. `key:value`, `key:value,value` (any of them), `-key:value` (not), `age<1h`, `synced>=2d` (also `w`, and Go's
/// `h`, `m`, `s`); a word without a key is looked for in name, labels, images, repositories and commits, whatever its case, and so is a text in
/// double quotes. `*` and `?` are wildcards in names. `label:env=dev`, `label:env` (there at all). `cluster` takes a server or a name.
/// **Limits**: [`FILTER_BYTES`], [`TERMS`]. **Errors**: [`QueryError`], with where and what is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    terms: Vec<Term>,
}

impl Filter {
    /// Reads a filter; an empty text takes everything.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        within(text)?;
        let chars: Vec<char> = text.chars().collect();
        let (mut at, mut filter) = (0, Self::default());
        while let Some(token) = token::next(&chars, &mut at)? {
            filter.push(term(token)?)?;
        }
        Ok(filter)
    }

    /// Adds a term as a parameter of its own says it: a key, and values with commas between.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub fn add(&mut self, key: &str, values: &str) -> Result<(), QueryError> {
        within(values)?;
        let mut at = 0;
        let mut place = |value: &str| {
            let start = at;
            at += value.chars().count() + 1;
            (start, value.trim().to_owned())
        };
        let values: Vec<_> =
            values.split(',').map(&mut place).filter(|(_, value)| !value.is_empty()).collect();
        if values.is_empty() {
            return Ok(());
        }
        let key = Key::parse(0, key)?;
        self.push(Term { negated: false, test: any(key, values)? })
    }

    /// Adds all terms of another one.
    ///
    /// # Errors
    /// Where there are too many then.
    pub fn also(&mut self, other: Self) -> Result<(), QueryError> {
        other.terms.into_iter().try_for_each(|term| self.push(term))
    }

    /// Adds words that must all be in a row's text.
    ///
    /// # Errors
    /// Where it is too long.
    pub fn search(&mut self, words: &str) -> Result<(), QueryError> {
        within(words)?;
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        if words.is_empty() { Ok(()) } else { self.push(Term { negated: false, test: Test::Says(words) }) }
    }

    /// Whether a row is asked for.
    pub fn takes(&self, row: &Row, now: Timestamp) -> bool {
        self.terms.iter().all(|term| term.test.holds(row, now) != term.negated)
    }

    /// Whether what it takes changes while time goes by.
    pub fn is_of_time(&self) -> bool {
        self.terms.iter().any(|term| matches!(term.test, Test::Since(..)))
    }

    fn push(&mut self, term: Term) -> Result<(), QueryError> {
        if self.terms.len() >= TERMS {
            return Err(QueryError::new(0, format!("there are more than {TERMS} terms")));
        }
        self.terms.push(term);
        Ok(())
    }
}

fn within(text: &str) -> Result<(), QueryError> {
    let long = || QueryError::new(0, format!("it is longer than {FILTER_BYTES} bytes"));
    if text.len() > FILTER_BYTES { Err(long()) } else { Ok(()) }
}

fn term(token: Token) -> Result<Term, QueryError> {
    let Token { negated, key, values } = token;
    let Some((position, name, relation)) = key else {
        // A comma in a word is a part of it.
        let words: Vec<String> = values.into_iter().map(|(_, word)| word).collect();
        return Ok(Term { negated, test: Test::Says(vec![words.join(",").to_lowercase()]) });
    };
    let key = Key::parse(position, &name)?;
    match (key.is_time(), relation) {
        (true, Relation::Is) => {
            let text = format!("{name} wants a comparison, as in {name}<1h");
            Err(QueryError::new(position, text))
        }
        (true, _) => Ok(Term { negated, test: Test::Since(key, relation, duration(&values)?) }),
        (false, Relation::Is) => Ok(Term { negated, test: any(key, values)? }),
        (false, _) => {
            let text = format!("{name} is no time; write {name}:value");
            Err(QueryError::new(position, text))
        }
    }
}

fn duration(values: &[(usize, String)]) -> Result<Duration, QueryError> {
    let [(position, text)] = values else {
        return Err(QueryError::new(values.first().map_or(0, |(at, _)| *at), "one duration is wanted"));
    };
    let long = |unit: char, seconds: u64| {
        let number = text.strip_suffix(unit)?.parse::<u64>().ok()?;
        number.checked_mul(seconds).map(Duration::from_secs)
    };
    if let Some(duration) = long('d', DAY).or_else(|| long('w', 7 * DAY)) {
        return Ok(duration);
    }
    parse_duration(text).map_err(|error| QueryError::new(*position, error.to_string()))
}

fn any(key: Key, values: Vec<(usize, String)>) -> Result<Test, QueryError> {
    let wanted = values.into_iter().map(|(position, value)| wanted(key, position, value));
    Ok(Test::Any(key, wanted.collect::<Result<_, _>>()?))
}

fn wanted(key: Key, position: usize, value: String) -> Result<Wanted, QueryError> {
    let word = |what: &str, known: &[&'static str]| {
        let found = known.iter().find(|known| known.eq_ignore_ascii_case(&value));
        found.copied().ok_or_else(|| QueryError::unknown(position, what, &value, known))
    };
    Ok(match key {
        Key::Health => Wanted::Word(word("health", &HEALTH)?),
        Key::Sync => Wanted::Word(word("state of a sync", &SYNC)?),
        Key::Operation => Wanted::Word(word("phase of an operation", &OPERATION)?),
        Key::AutoSync => Wanted::Switch(matches!(word("switch", &SWITCH)?, "true" | "enabled")),
        Key::Repo => Wanted::Repository(normal_form(&value)),
        Key::Image | Key::Revision => Wanted::Part(value.to_lowercase()),
        Key::Label => match value.split_once('=') {
            Some(("", _)) => return Err(QueryError::new(position, "a label's name is missing")),
            Some((key, value)) => Wanted::Label { key: key.to_owned(), value: Some(value.to_owned()) },
            None => Wanted::Label { key: value, value: None },
        },
        Key::Name
        | Key::Project
        | Key::Namespace
        | Key::AppNamespace
        | Key::Cluster
        | Key::Path
        | Key::Condition => Wanted::Name(value),
        Key::Age | Key::Synced => {
            return Err(QueryError::new(position, "a time wants a comparison, as in age<1h"));
        }
    })
}

impl Test {
    fn holds(&self, row: &Row, now: Timestamp) -> bool {
        match self {
            Self::Says(words) => row.says(words),
            Self::Any(key, wanted) => wanted.iter().any(|wanted| wanted.holds(*key, row)),
            Self::Since(key, relation, limit) => {
                let since = if *key == Key::Age { row.created } else { row.synced };
                let Some(since) = since else { return false };
                let past = now.duration_since(since);
                let limit = jiff::SignedDuration::try_from(*limit).unwrap_or(jiff::SignedDuration::MAX);
                match relation {
                    Relation::Less => past < limit,
                    Relation::AtMost | Relation::Is => past <= limit,
                    Relation::More => past > limit,
                    Relation::AtLeast => past >= limit,
                }
            }
        }
    }
}

impl Wanted {
    fn holds(&self, key: Key, row: &Row) -> bool {
        match self {
            Self::Switch(on) => row.auto_sync == *on,
            Self::Word(word) => match key {
                Key::Health => row.health == *word,
                Key::Sync => row.sync == *word,
                _ if *word == "None" => row.operation.is_empty(),
                _ => row.operation == *word,
            },
            Self::Repository(url) => row.sources.iter().any(|source| is(url, &source.normal)),
            Self::Part(part) if key == Key::Image => {
                row.images.iter().any(|image| image.to_lowercase().contains(part.as_str()))
            }
            Self::Part(part) => {
                let target = |text: &str| is(part, &text.to_lowercase());
                row.sources.iter().any(|source| target(&source.target_revision))
                    || row.revisions.iter().any(|commit| {
                        is(part, commit) || part.len() >= 7 && commit.starts_with(part.as_str())
                    })
            }
            Self::Label { key, value } => match (row.labels.get(key.as_str()), value) {
                (Some(is_value), Some(wanted)) => is(wanted, is_value),
                (found, None) => found.is_some(),
                (None, Some(_)) => false,
            },
            Self::Name(name) => names(key, row).any(|text| is(name, text)),
        }
    }
}

fn is(wanted: &str, text: &str) -> bool {
    if is_pattern(wanted) { matches(wanted, text) } else { wanted == text }
}

/// What a key's names are held against.
fn names(key: Key, row: &Row) -> impl Iterator<Item = &str> {
    let home =
        [&row.destination.server, &row.destination.name].iter().any(|said| HOME.contains(&said.as_str()));
    let (one, many): ([&str; 3], &[Word]) = match key {
        Key::Name => ([&row.name, "", ""], &[]),
        Key::Project => ([&row.project, "", ""], &[]),
        Key::Namespace => ([&row.destination.namespace, "", ""], &[]),
        Key::AppNamespace => ([&row.namespace, "", ""], &[]),
        Key::Cluster if home => ([HOME[0], HOME[1], ""], &[]),
        Key::Cluster => ([&row.destination.server, &row.destination.name, ""], &[]),
        Key::Condition => (["", "", ""], &row.conditions),
        _ => (["", "", ""], &[]),
    };
    let paths = row.sources.iter().filter(move |_| key == Key::Path);
    let paths = paths.flat_map(|source| [source.path.as_str(), source.chart.as_str()]);
    one.into_iter().chain(many.iter().map(Word::as_str)).chain(paths).filter(|text| !text.is_empty())
}
