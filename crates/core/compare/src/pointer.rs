//! JSON pointers of ignore rules, RFC 6901.

use serde_json::Value;

use crate::path::Step;

/// Longest pointer, in bytes.
const MAX_POINTER: usize = 4 << 10;

/// A parsed pointer.
#[derive(Debug)]
pub(crate) struct Pointer(Vec<String>);

impl Pointer {
    /// Reads a pointer; the error says in one line what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_POINTER {
            return Err(format!("a pointer of {} bytes is longer than {MAX_POINTER}", text.len()));
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!("{text:?} is no JSON pointer: it does not begin with a slash"));
        };
        rest.split('/')
            .map(unescape)
            .collect::<Option<_>>()
            .map(Self)
            .ok_or_else(|| format!("{text:?} is no JSON pointer: a tilde is followed by neither 0 nor 1"))
    }

    /// The place that it names in a value, if it is there.
    pub(crate) fn place(&self, value: &Value) -> Option<Vec<Step>> {
        let mut at = value;
        self.0
            .iter()
            .map(|token| {
                let (step, next) = match at {
                    Value::Object(map) => (Step::Field(token.clone()), map.get(token)?),
                    Value::Array(items) => {
                        let index = token.parse().ok()?;
                        (Step::Index(index), items.get(index)?)
                    }
                    _ => return None,
                };
                at = next;
                Some(step)
            })
            .collect()
    }
}

fn unescape(token: &str) -> Option<String> {
    let mut text = String::with_capacity(token.len());
    let mut chars = token.chars();
    while let Some(c) = chars.next() {
        text.push(match c {
            '~' => match chars.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            c => c,
        });
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_places() {
        let value =
            json!({"metadata": {"annotations": {"a.b/c~d": 1}}, "spec": {"list": [{"x": 1}], "1": 2}});
        for (pointer, found) in [
            ("/metadata/annotations/a.b~1c~0d", true),
            ("/spec/list/0/x", true),
            ("/spec/1", true),
            ("/spec/list/1", false),
            ("/spec/list/x", false),
            ("/none/such", false),
            ("/", false),
        ] {
            assert_eq!(Pointer::parse(pointer).unwrap().place(&value).is_some(), found, "{pointer}");
        }
        for pointer in ["", "spec", "/a~2", "/a~"] {
            assert!(Pointer::parse(pointer).is_err(), "{pointer}");
        }
    }
}
