//! JSON as Go's `encoding/json` writes the peer's types.

use serde_json::{Map, Value};

use crate::schema::{Field, Form, Kind, Message, Shape, schema};

#[cfg(test)]
mod tests;

impl Message {
    /// The message as Go has it: without the empty values that Go leaves out, and with everything that it writes though there is nothing to
    /// say: messages that are no pointers, and some zeros. Members that the message does not have stay.
    pub fn filled(&self, value: &Value) -> Value {
        match (self.form, value) {
            (Form::Object, Value::Object(map)) => {
                let mut map = map.clone();
                self.fill(&mut map);
                Value::Object(map)
            }
            (_, value) => value.clone(),
        }
    }

    fn fill(&self, map: &mut Map<String, Value>) {
        for field in &self.fields {
            let inner = match field.kind {
                Kind::Message(index) => Some(schema().at(index)),
                _ => None,
            };
            if let (true, Some(inner)) = (field.inline, inner) {
                inner.fill(map);
                continue;
            }
            if map.get(&field.json).is_some_and(|value| field.is_empty(value)) {
                map.remove(&field.json);
            }
            let said = map.get(&field.json).filter(|value| !value.is_null());
            let value = match (said, inner, field.shape) {
                (Some(_), _, _) if field.yaml => continue,
                (Some(Value::Array(list)), Some(inner), Shape::Many) => {
                    list.iter().map(|one| inner.filled(one)).collect()
                }
                (Some(Value::Object(entries)), Some(inner), Shape::Map) => {
                    entries.iter().map(|(key, one)| (key.clone(), inner.filled(one))).collect()
                }
                (Some(said), Some(inner), _) => inner.filled(said),
                (Some(_), None, _) => continue,
                (None, Some(inner), Shape::Plain)
                    if inner.form == Form::Object && !field.yaml && field.since.is_none() =>
                {
                    inner.filled(&Value::Object(Map::new()))
                }
                (None, None, Shape::Plain) if field.always => match field.kind {
                    Kind::Int32 | Kind::Int64 => 0.into(),
                    Kind::Bool => false.into(),
                    Kind::Text => "".into(),
                    Kind::Bytes | Kind::Message(_) => Value::Null,
                },
                (None, _, _) if field.always => Value::Null,
                (None, _, _) => continue,
            };
            map.insert(field.json.clone(), value);
        }
    }

    /// The message, or a list of it, as a text: [`Self::filled`], in the order in which the peer's types have their fields. Each level is
    /// set in by so many blanks; where that is none, everything stands in one line.
    pub fn go_json(&self, value: &Value, indent: usize) -> String {
        Writer { out: String::new(), indent, depth: 0, typed: true }.whole(self, value)
    }

    /// The same in one line as the peer's gateway writes it: what came through protobuf has lost `apiVersion` and `kind`.
    pub fn gateway_json(&self, value: &Value) -> String {
        Writer { out: String::new(), indent: 0, depth: 0, typed: false }.whole(self, value)
    }

    /// The members of an object in order, those first that the message does not have.
    fn ordered<'a>(&'static self, map: &'a Map<String, Value>, typed: bool) -> Vec<Member<'a>> {
        let mut known = Vec::new();
        self.known(map, &mut known);
        let told = |name: &str| typed || !["apiVersion", "kind"].contains(&name);
        let strange = map
            .iter()
            .filter(|(name, _)| told(name) && !known.iter().any(|member: &Member<'_>| member.name == *name));
        let strange: Vec<Member<'a>> =
            strange.map(|(name, value)| Member { name, value, message: None, shape: Shape::Plain }).collect();
        strange.into_iter().chain(known).collect()
    }

    fn known<'a>(&'static self, map: &'a Map<String, Value>, into: &mut Vec<Member<'a>>) {
        for field in &self.fields {
            let message = match field.kind {
                Kind::Message(index) => Some(schema().at(index)),
                _ => None,
            };
            match message {
                Some(inner) if field.inline => inner.known(map, into),
                _ => into.extend(map.get_key_value(&field.json).map(|(name, value)| Member {
                    name,
                    value,
                    message,
                    shape: field.shape,
                })),
            }
        }
    }
}

impl Field {
    /// Whether a value is what Go has where nothing was said: no list is `[]`, for none of them comes through protobuf.
    fn is_empty(&self, value: &Value) -> bool {
        match (self.shape, value) {
            (_, Value::Null) => true,
            (Shape::Pointer, _) => false,
            (Shape::Many, Value::Array(list)) => list.is_empty(),
            (Shape::Map, Value::Object(entries)) => entries.is_empty(),
            (Shape::Plain, Value::String(text)) => text.is_empty() && !matches!(self.kind, Kind::Message(_)),
            (Shape::Plain, Value::Number(number)) => {
                number.as_f64() == Some(0.0) && !matches!(self.kind, Kind::Message(_))
            }
            (Shape::Plain, Value::Bool(is)) => !is,
            _ => false,
        }
    }
}

struct Member<'a> {
    name: &'a str,
    value: &'a Value,
    message: Option<&'static Message>,
    shape: Shape,
}

struct Writer {
    out: String,
    indent: usize,
    depth: usize,
    /// Whether objects tell their kinds.
    typed: bool,
}

impl Writer {
    fn whole(mut self, message: &Message, value: &Value) -> String {
        match value {
            Value::Array(list) => {
                self.list(Some(message), &list.iter().map(|one| message.filled(one)).collect::<Vec<_>>())
            }
            one => self.value(Some(message), &message.filled(one)),
        }
        self.out
    }

    fn value(&mut self, message: Option<&Message>, value: &Value) {
        let message = message.and_then(|message| schema().message(&message.name));
        match (value, message) {
            (Value::Object(map), Some(message)) if message.form == Form::Object => {
                let members = message.ordered(map, self.typed);
                self.all('{', '}', &members, |writer, member| {
                    writer.name(member.name);
                    match (member.value, member.shape) {
                        (Value::Array(list), _) => writer.list(member.message, list),
                        (Value::Object(map), Shape::Map) => writer.map(member.message, map),
                        (value, _) => writer.value(member.message, value),
                    }
                });
            }
            (Value::Object(map), _) => self.map(None, map),
            (Value::Array(list), _) => self.list(None, list),
            (Value::String(text), _) => self.text(text),
            (value, _) => self.out.push_str(&value.to_string()),
        }
    }

    fn list(&mut self, message: Option<&Message>, list: &[Value]) {
        self.all('[', ']', list, |writer, one| writer.value(message, one));
    }

    fn map(&mut self, message: Option<&Message>, map: &Map<String, Value>) {
        let entries: Vec<(&String, &Value)> = map.iter().collect();
        self.all('{', '}', &entries, |writer, (name, value)| {
            writer.name(name);
            writer.value(message, value);
        });
    }

    fn all<T>(&mut self, open: char, close: char, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.out.push(open);
        self.depth += 1;
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.line();
            write(self, item);
        }
        self.depth -= 1;
        if !items.is_empty() {
            self.line();
        }
        self.out.push(close);
    }

    fn line(&mut self) {
        if self.indent > 0 {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', self.indent * self.depth));
        }
    }

    fn name(&mut self, name: &str) {
        self.text(name);
        self.out.push_str(if self.indent > 0 { ": " } else { ":" });
    }

    /// Go escapes what could end a script in a page, too.
    fn text(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                    self.out.push_str(&format!("\\u{:04x}", u32::from(c)));
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}
