//! `--set` and its kin: the small language in which values are written on a command line and in an Application's parameters.

use serde_json::{Map, Value};

/// Highest index of a list. Helm has the same limit.
const MAX_INDEX: i64 = 65_536;
/// Names inside each other. Helm has the same limit.
const MAX_NAMES: usize = 30;
/// Brackets behind each other. Helm has no limit, and a stack that grows.
const MAX_BRACKETS: usize = 100;
/// Places that one text may add to lists: `a[65536]` makes as many, `a[0][65536],a[1][65536]` twice as many.
const MAX_PLACES: usize = 1_000_000;

/// How the text behind the `=` is read.
pub(super) enum Reading<'a> {
    /// `--set`: whole numbers, booleans, null, lists in braces, else text.
    Typed,
    /// `--set-string`: text, and lists in braces.
    Text,
    /// `--set-file`: the content of the file of that name.
    File(&'a dyn Fn(&str) -> Result<String, String>),
    /// `--set-json`.
    Json,
    /// `--set-literal`: all that follows, as it is.
    Literal,
}

/// Reads `text` into `values`. On an error the values are of no use any more.
///
/// **Source**: Helm 3.22, `pkg/strvals`, `ParseInto` and its kin; errors are its words.
pub(super) fn parse_into(
    text: &str,
    values: &mut Map<String, Value>,
    reading: &Reading<'_>,
) -> Result<(), String> {
    let mut parser = Parser { rest: text, reading, places: 0 };
    loop {
        match parser.key(values, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Error(message)) => return Err(message),
        }
    }
}

/// Why the parser came back.
#[derive(Debug)]
enum Stop {
    /// The text is over, which is an error only where a caller says so.
    End,
    Error(String),
}

fn error<T>(message: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Error(message.into()))
}

struct Parser<'a> {
    rest: &'a str,
    reading: &'a Reading<'a>,
    places: usize,
}

impl Parser<'_> {
    /// Characters up to one of `stops` (which is taken, too), and that one; none at the end of the text.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let literal = matches!(self.reading, Reading::Literal);
        let (mut read, mut chars) = (String::new(), self.rest.chars());
        let stop = loop {
            match chars.next() {
                Some('\\') if !literal && !stops.contains(&'\\') => match chars.next() {
                    Some(escaped) => read.push(escaped),
                    None => break None,
                },
                Some(c) if stops.contains(&c) => break Some(c),
                Some(c) => read.push(c),
                None => break None,
            }
        };
        self.rest = chars.as_str();
        (read, stop)
    }

    fn key(&mut self, values: &mut Map<String, Value>, names: usize) -> Result<(), Stop> {
        let stops: &[char] =
            if matches!(self.reading, Reading::Literal) { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (key, stop) = self.until(stops);
        match stop {
            None if key.is_empty() => Err(Stop::End),
            None => error(format!("key {} has no value", quoted(&key))),
            Some('[') => {
                let index = self.index()?;
                let mut list = match values.get_mut(&key) {
                    None => Vec::new(),
                    Some(Value::Array(list)) => std::mem::take(list),
                    Some(other) => return error(no_conversion(other, "[]interface {}")),
                };
                let done = self.item(&mut list, index, names, 0);
                put(values, key, Value::Array(list));
                done
            }
            Some('=') => self.value(|value| put(values, key, value)),
            Some('.') => {
                let names = names + 1;
                if names > MAX_NAMES {
                    return error(format!(
                        "value name nested level is greater than maximum supported nested level of {MAX_NAMES}"
                    ));
                }
                let mut inner = match values.get_mut(&key) {
                    None => Map::new(),
                    Some(Value::Object(map)) => std::mem::take(map),
                    Some(other) => return error(no_conversion(other, "map[string]interface {}")),
                };
                let done = self.key(&mut inner, names);
                let empty = inner.is_empty();
                if !empty || values.contains_key(&key) {
                    put(values, key.clone(), Value::Object(inner));
                }
                if done.is_ok() && empty {
                    return error(format!("key map {} has no value", quoted(&key)));
                }
                done
            }
            // A comma.
            Some(_) => error(format!("key {} has no value (cannot end with ,)", quoted(&key))),
        }
    }

    /// The number in brackets.
    fn index(&mut self) -> Result<i64, Stop> {
        let (digits, stop) = self.until(&[']']);
        if stop.is_none() {
            return error("error parsing index: EOF");
        }
        digits.parse().map_err(|_| {
            let why = match digits.trim_start_matches(['+', '-']) {
                number if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => {
                    "value out of range"
                }
                _ => "invalid syntax",
            };
            Stop::Error(format!("error parsing index: strconv.Atoi: parsing {}: {why}", quoted(&digits)))
        })
    }

    /// What follows `[index]`.
    fn item(&mut self, list: &mut Vec<Value>, index: i64, names: usize, brackets: usize) -> Result<(), Stop> {
        if index < 0 {
            return error(format!("negative {index} index not allowed"));
        }
        let (extra, stop) = self.until(&['[', '.', '=']);
        if !extra.is_empty() {
            let shown: Vec<String> = extra.chars().map(|c| format!("'{c}'")).collect();
            return error(format!("unexpected data at end of array index: [{}]", shown.join(" ")));
        }
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        match stop {
            None => Err(Stop::End),
            Some('=') => {
                let mut read = None;
                let done = self.value(|value| read = Some(value));
                if let Some(value) = read {
                    self.put_at(list, index, value)?;
                    // The end of the text ends the loop of the caller a little later.
                    return match done {
                        Err(Stop::Error(message)) => error(message),
                        _ => Ok(()),
                    };
                }
                done
            }
            Some('[') => {
                if brackets == MAX_BRACKETS {
                    return error(format!("more than {MAX_BRACKETS} list indices behind each other"));
                }
                let next = self.index()?;
                let mut inner = match list.get_mut(at) {
                    None | Some(Value::Null) => Vec::new(),
                    Some(Value::Array(inner)) => std::mem::take(inner),
                    Some(other) => return error(no_conversion(other, "[]interface {}")),
                };
                self.item(&mut inner, next, names, brackets + 1)?;
                self.put_at(list, index, Value::Array(inner))
            }
            // A dot.
            Some(_) => {
                let mut inner = match list.get_mut(at) {
                    None => Map::new(),
                    Some(Value::Object(map)) => std::mem::take(map),
                    Some(other) => {
                        *other = Value::Object(Map::new());
                        Map::new()
                    }
                };
                let done = self.key(&mut inner, names);
                if done.is_ok() {
                    return self.put_at(list, index, Value::Object(inner));
                }
                if let Some(place) = list.get_mut(at) {
                    *place = Value::Object(inner);
                }
                done
            }
        }
    }

    fn put_at(&mut self, list: &mut Vec<Value>, index: i64, value: Value) -> Result<(), Stop> {
        if index > MAX_INDEX {
            return error(format!("index of {index} is greater than maximum supported index of {MAX_INDEX}"));
        }
        let at = usize::try_from(index).unwrap_or_default();
        if at >= list.len() {
            self.places += at + 1 - list.len();
            if self.places > MAX_PLACES {
                return error(format!("the lists have more than {MAX_PLACES} places"));
            }
            list.resize(at + 1, Value::Null);
        }
        if let Some(place) = list.get_mut(at) {
            *place = value;
        }
        Ok(())
    }

    /// What follows `=`. The value is handed over also where the text ends with it.
    fn value(&mut self, put: impl FnOnce(Value)) -> Result<(), Stop> {
        match self.reading {
            Reading::Literal => {
                put(Value::String(std::mem::take(&mut self.rest).to_owned()));
                Ok(())
            }
            Reading::Json => self.json(put),
            Reading::Typed | Reading::Text | Reading::File(_) => match self.rest.chars().next() {
                None => {
                    put(Value::String(String::new()));
                    Err(Stop::End)
                }
                Some('{') => {
                    self.rest = self.rest.strip_prefix('{').unwrap_or_default();
                    let list = self.list()?;
                    put(Value::Array(list));
                    Ok(())
                }
                Some(_) => {
                    let (text, _) = self.until(&[',']);
                    put(self.read(text)?);
                    Ok(())
                }
            },
        }
    }

    fn json(&mut self, put: impl FnOnce(Value)) -> Result<(), Stop> {
        if self.is_blank_value() {
            put(Value::Null);
            return Ok(());
        }
        let mut stream = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
        match stream.next() {
            Some(Ok(mut value)) => {
                self.rest = self.rest.get(stream.byte_offset()..).unwrap_or_default();
                super::numbers_to_floats(&mut value);
                put(value);
                self.is_blank_value();
                Ok(())
            }
            Some(Err(cause)) => error(cause.to_string()),
            None => error("EOF"),
        }
    }

    /// Skips blanks and one comma; whether the value was empty.
    fn is_blank_value(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(',') {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => self.rest.is_empty(),
        }
    }

    /// What stands in braces.
    fn list(&mut self) -> Result<Vec<Value>, Stop> {
        let mut list = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            match stop {
                None => return error("list must terminate with '}'"),
                Some('}') => {
                    self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
                    list.push(self.read(text)?);
                    return Ok(list);
                }
                Some(_) => list.push(self.read(text)?),
            }
        }
    }

    fn read(&self, text: String) -> Result<Value, Stop> {
        match self.reading {
            Reading::Typed => Ok(typed(text)),
            Reading::File(read) => read(&text).map(Value::String).map_err(Stop::Error),
            Reading::Text | Reading::Json | Reading::Literal => Ok(Value::String(text)),
        }
    }
}

/// Values without a name are dropped.
fn put(values: &mut Map<String, Value>, key: String, value: Value) {
    if !key.is_empty() {
        values.insert(key, value);
    }
}

fn typed(text: String) -> Value {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("true") {
        Value::Bool(true)
    } else if is("false") {
        Value::Bool(false)
    } else if is("null") {
        Value::Null
    } else if text == "0" {
        Value::from(0)
    } else if !text.starts_with('0')
        && let Ok(number) = text.parse::<i64>()
    {
        Value::from(number)
    } else {
        Value::String(text)
    }
}

/// What Go says when it panics on a wrong type, and Helm passes on.
fn no_conversion(found: &Value, wanted: &str) -> String {
    let found = match found {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    };
    format!("unable to parse key: interface conversion: interface {{}} is {found}, not {wanted}")
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}
