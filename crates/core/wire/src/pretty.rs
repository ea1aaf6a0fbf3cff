//! JSON in the order in which the peer's types have their fields.

use serde_json::{Map, Value};

use crate::schema::{Form, Kind, Message, Shape, schema};

impl Message {
    /// The message as indented JSON, its fields by their numbers as the peer's types write them, `<`, `>` and `&` escaped as Go does.
    /// Members that it has no field for come last.
    pub fn pretty(&self, value: &Value) -> String {
        let mut out = String::new();
        self.put(value, 0, &mut out);
        out
    }

    fn put(&self, value: &Value, depth: usize, out: &mut String) {
        let (Form::Object, Value::Object(map)) = (self.form, value) else { return plain(value, depth, out) };
        let mut members = Vec::new();
        self.members(map, &mut members);
        let known: Vec<&str> = members.iter().map(|(key, ..)| *key).collect();
        let unknown = map.iter().filter(|(key, _)| !known.contains(&key.as_str()));
        let rest: Vec<_> = unknown.map(|(key, value)| (key.as_str(), value, None)).collect();
        members.extend(rest);
        block(('{', '}'), members.len(), depth, out, |index, out| {
            let (key, value, typed) = members[index];
            text(key, out);
            out.push_str(": ");
            match (typed, value) {
                (Some((message, Shape::Many)), Value::Array(list)) => {
                    block(('[', ']'), list.len(), depth + 1, out, |index, out| {
                        message.put(&list[index], depth + 2, out)
                    });
                }
                (Some((message, Shape::Map)), Value::Object(map)) => {
                    let entries: Vec<_> = map.iter().collect();
                    block(('{', '}'), entries.len(), depth + 1, out, |index, out| {
                        text(entries[index].0, out);
                        out.push_str(": ");
                        message.put(entries[index].1, depth + 2, out);
                    });
                }
                (Some((message, Shape::Plain | Shape::Pointer)), value) => message.put(value, depth + 1, out),
                (_, value) => plain(value, depth + 1, out),
            }
        });
    }

    /// The members that there are, in order, with the messages that they are.
    fn members<'a>(&self, map: &'a Map<String, Value>, out: &mut Vec<Member<'a>>) {
        for field in &self.fields {
            let message = match field.kind {
                Kind::Message(message) => Some(schema().at(message)),
                _ => None,
            };
            match message {
                Some(message) if field.inline => message.members(map, out),
                message => {
                    let typed = message.map(|message| (message, field.shape));
                    let found = map.get_key_value(&field.json);
                    out.extend(found.map(|(key, value)| (key.as_str(), value, typed)));
                }
            }
        }
    }
}

/// A name, its value, and the message that it is.
type Member<'a> = (&'a str, &'a Value, Option<(&'static Message, Shape)>);

fn plain(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(map) => {
            let entries: Vec<_> = map.iter().collect();
            block(('{', '}'), entries.len(), depth, out, |index, out| {
                text(entries[index].0, out);
                out.push_str(": ");
                plain(entries[index].1, depth + 1, out);
            });
        }
        Value::Array(list) => {
            block(('[', ']'), list.len(), depth, out, |index, out| plain(&list[index], depth + 1, out));
        }
        Value::String(string) => text(string, out),
        other => out.push_str(&other.to_string()),
    }
}

fn block(
    signs: (char, char),
    count: usize,
    depth: usize,
    out: &mut String,
    mut one: impl FnMut(usize, &mut String),
) {
    out.push(signs.0);
    for index in 0..count {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        out.extend(std::iter::repeat_n("  ", depth + 1));
        one(index, out);
    }
    if count > 0 {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    }
    out.push(signs.1);
}

fn text(text: &str, out: &mut String) {
    for c in Value::from(text).to_string().chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::tests::{message, v1alpha1};

    #[test]
    fn fields_stand_as_in_the_peers_types() {
        let account = json!({"capabilities": ["login"], "enabled": true, "name": "a<b", "tokens": [{"issuedAt": 5, "id": "x"}]});
        let expected = "{\n  \"name\": \"a\\u003cb\",\n  \"enabled\": true,\n  \"capabilities\": [\n    \"login\"\n  ],\n  \"tokens\": [\n    {\n      \"id\": \"x\",\n      \"issuedAt\": 5\n    }\n  ]\n}";
        assert_eq!(message("account.Account").pretty(&account), expected);
        let project = json!({"spec": {"roles": [], "sourceRepos": ["*"]}, "kind": "K", "metadata": {"labels": {"b": "1"}, "name": "p"}});
        let expected = "{\n  \"metadata\": {\n    \"name\": \"p\",\n    \"labels\": {\n      \"b\": \"1\"\n    }\n  },\n  \"spec\": {\n    \"sourceRepos\": [\n      \"*\"\n    ],\n    \"roles\": []\n  },\n  \"kind\": \"K\"\n}";
        assert_eq!(v1alpha1("AppProject").pretty(&project), expected);
    }
}
