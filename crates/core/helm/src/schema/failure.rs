//! What a value fails by, and how it is told.

use serde_json::Value;

/// A failure, with those that led to it.
#[derive(Debug)]
pub(super) struct Failure {
    /// Names and indices on the way to the value.
    pub(super) at: Vec<String>,
    pub(super) kind: Kind,
    pub(super) causes: Vec<Self>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Several failures of one schema.
    Group,
    /// A failure behind a `$ref`.
    Reference,
    /// Any other, in words.
    Words(String),
}

impl Failure {
    /// All failures, one a line, as of the whole document. No more than `most`.
    pub(super) fn tell(self, most: usize) -> String {
        let (mut out, mut left) = (String::new(), most);
        match self.kind {
            Kind::Group => self.causes.iter().for_each(|cause| cause.write(&mut out, 0, &mut left)),
            _ => self.write(&mut out, 0, &mut left),
        }
        out
    }

    fn write(&self, out: &mut String, indent: usize, left: &mut usize) {
        let skipped = self.kind == Kind::Reference && self.causes.len() == 1;
        if !skipped {
            match left.checked_sub(1) {
                Some(less) => *left = less,
                None => return,
            }
            out.push_str(&"  ".repeat(indent));
            out.push_str("- at ");
            out.push_str(&quote(&pointer(&self.at)));
            out.push_str(": ");
            out.push_str(match &self.kind {
                Kind::Group | Kind::Reference => "validation failed",
                Kind::Words(words) => words,
            });
            out.push('\n');
        }
        for cause in &self.causes {
            cause.write(out, indent + usize::from(!skipped), left);
        }
    }
}

/// A JSON pointer.
pub(super) fn pointer<S: AsRef<str>>(names: &[S]) -> String {
    names.iter().map(|name| format!("/{}", name.as_ref().replace('~', "~0").replace('/', "~1"))).collect()
}

/// In single quotes.
pub(super) fn quote(text: &str) -> String {
    let escaped = format!("{text:?}");
    let inner = escaped.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(&escaped);
    format!("'{}'", inner.replace("\\\"", "\"").replace("\\'", "'").replace('\'', "\\'"))
}

pub(super) fn quote_all<S: AsRef<str>>(texts: &[S]) -> String {
    texts.iter().map(|text| quote(text.as_ref())).collect::<Vec<_>>().join(", ")
}

/// A simple value as Go prints it.
pub(super) fn show(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quote(text),
        Value::Array(_) | Value::Object(_) => "value".to_owned(),
    }
}

/// A number as English readers write it: `1,234.5`.
pub(super) fn number(number: f64) -> String {
    let text = format!("{number}");
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |text| ("-", text));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{grouped}{point}{fraction}")
}

/// A count, likewise.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2⁵³")]
pub(super) fn count(count: usize) -> String {
    number(count as f64)
}
