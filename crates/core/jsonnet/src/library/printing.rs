//! Values as text: JSON, YAML, and texts that others can read.

use std::rc::Rc;

use super::{Given, Native, Result, toml};
use crate::error::Fault;
use crate::machine::Machine;
use crate::manifest::{Layout, quote};
use crate::value::Value;

const VALUE: &[(&str, bool)] = &[("value", true)];
const STR_: &[(&str, bool)] = &[("str_", true)];

pub(super) static TABLE: &[Native] = &[
    Native {
        name: "manifestJsonEx",
        parameters: &[("value", true), ("indent", true), ("newline", false), ("key_val_sep", false)],
        run: json_ex,
    },
    Native {
        name: "manifestJson",
        parameters: VALUE,
        run: |machine, given| json(machine, given, "    ", "\n", ": "),
    },
    Native {
        name: "manifestJsonMinified",
        parameters: VALUE,
        run: |machine, given| json(machine, given, "", "", ":"),
    },
    Native {
        name: "manifestYamlDoc",
        parameters: &[("value", true), ("indent_array_in_object", false), ("quote_keys", false)],
        run: yaml_document,
    },
    Native {
        name: "manifestYamlStream",
        parameters: &[
            ("value", true),
            ("indent_array_in_object", false),
            ("c_document_end", false),
            ("quote_keys", false),
        ],
        run: yaml_stream,
    },
    Native {
        name: "manifestTomlEx",
        parameters: &[("value", true), ("indent", true)],
        run: toml::manifest_ex,
    },
    Native { name: "manifestToml", parameters: VALUE, run: toml::manifest },
    Native { name: "manifestPython", parameters: &[("v", true)], run: python },
    Native {
        name: "escapeStringJson",
        parameters: STR_,
        run: |machine, given| escape(machine, given, in_json),
    },
    Native {
        name: "escapeStringPython",
        parameters: &[("str", true)],
        run: |machine, given| escape(machine, given, in_json),
    },
    Native {
        name: "escapeStringBash",
        parameters: STR_,
        run: |machine, given| escape(machine, given, |text| format!("'{}'", text.replace('\'', "'\"'\"'"))),
    },
    Native {
        name: "escapeStringDollars",
        parameters: STR_,
        run: |machine, given| escape(machine, given, |text| text.replace('$', "$$")),
    },
    Native {
        name: "escapeStringXML",
        parameters: STR_,
        run: |machine, given| escape(machine, given, in_xml),
    },
];

fn in_json(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quote(text, &mut quoted);
    quoted
}

fn in_xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn escape(machine: &mut Machine<'_>, given: &Given<'_>, change: fn(&str) -> String) -> Result<Value> {
    let value = given.value(machine, 0)?;
    let text = machine.show(&value)?;
    machine.room_for_text(text.as_str().len().saturating_mul(6))?;
    machine.make_text(change(text.as_str()))
}

fn json_text(
    machine: &mut Machine<'_>,
    value: &Value,
    indent: &str,
    newline: &str,
    colon: &str,
) -> Result<String> {
    let minified = newline.is_empty() && indent.is_empty();
    let empty = minified.then_some(("[]", "{}"));
    let layout = Layout { indent, newline, colon, comma: ",", empty, long_numbers: false };
    let mut text = String::new();
    machine.print_json(value, &layout, "", &mut text)?;
    Ok(text)
}

fn json(
    machine: &mut Machine<'_>,
    given: &Given<'_>,
    indent: &str,
    newline: &str,
    colon: &str,
) -> Result<Value> {
    let value = given.value(machine, 0)?;
    let text = json_text(machine, &value, indent, newline, colon)?;
    machine.make_text(text)
}

fn json_ex(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let indent = given.text(machine, 1)?;
    let newline =
        if given.is_given(2) { given.text(machine, 2)?.as_str().to_owned() } else { "\n".to_owned() };
    let colon = if given.is_given(3) { given.text(machine, 3)?.as_str().to_owned() } else { ": ".to_owned() };
    json(machine, given, indent.as_str(), &newline, &colon)
}

/// How YAML is laid out.
#[derive(Clone, Copy)]
struct Yaml {
    indent_lists: bool,
    quote_keys: bool,
}

fn yaml_document(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let value = given.value(machine, 0)?;
    let indent_lists = given.boolean_or(machine, 1, false)?;
    let quote_keys = given.boolean_or(machine, 2, true)?;
    let mut text = String::new();
    yaml(machine, &value, Yaml { indent_lists, quote_keys }, "", &mut text)?;
    machine.make_text(text)
}

fn yaml_stream(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let Value::Array(list) = given.value(machine, 0)? else {
        let got = given.value(machine, 0)?;
        return Err(Fault::runtime(format!("manifestYamlStream only takes arrays, got {}", got.type_name())));
    };
    let indent_lists = given.boolean_or(machine, 1, false)?;
    let end = given.boolean_or(machine, 2, true)?;
    let quote_keys = given.boolean_or(machine, 3, true)?;
    let mut text = "---\n".to_owned();
    for (at, item) in list.items.iter().enumerate() {
        if at > 0 {
            text.push_str("\n---\n");
        }
        let item = machine.force(item)?;
        yaml(machine, &item, Yaml { indent_lists, quote_keys }, "", &mut text)?;
    }
    text.push_str(if end { "\n...\n" } else { "\n" });
    machine.make_text(text)
}

fn yaml(machine: &mut Machine<'_>, value: &Value, style: Yaml, indent: &str, out: &mut String) -> Result<()> {
    machine.step(1)?;
    machine.room(out.len())?;
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::Text(text) => match text.as_str().strip_suffix('\n') {
            Some(lines) => {
                out.push('|');
                for line in lines.split('\n') {
                    out.push('\n');
                    out.push_str(indent);
                    out.push_str("  ");
                    out.push_str(line);
                }
            }
            None => quote(text.as_str(), out),
        },
        Value::Array(list) => {
            if list.items.is_empty() {
                out.push_str("[]");
            }
            for (at, item) in list.items.iter().enumerate() {
                if at > 0 {
                    out.push('\n');
                    out.push_str(indent);
                }
                let item = machine.force(item)?;
                out.push('-');
                let deeper = [indent, "  "].concat();
                let own_line = matches!(&item, Value::Array(list) if !list.items.is_empty());
                if own_line {
                    out.push('\n');
                    out.push_str(&deeper);
                } else {
                    out.push(' ');
                }
                let nested = matches!(item, Value::Array(_) | Value::Object(_));
                let deeper = if nested { deeper.as_str() } else { indent };
                machine.within_call(|machine| yaml(machine, &item, style, deeper, out))?;
            }
        }
        Value::Object(object) => {
            machine.assert(object)?;
            let names = object.shown();
            if names.is_empty() {
                out.push_str("{}");
            }
            for (at, name) in names.iter().enumerate() {
                if at > 0 {
                    out.push('\n');
                    out.push_str(indent);
                }
                if style.quote_keys || !is_bare(name) {
                    quote(name, out)
                } else {
                    out.push_str(name)
                }
                out.push(':');
                let field = machine.checked_field(object, name)?;
                let deeper = [indent, "  "].concat();
                let (own_line, inner) = match &field {
                    Value::Array(list) if !list.items.is_empty() => {
                        (true, if style.indent_lists { deeper.as_str() } else { indent })
                    }
                    Value::Object(object) if object.names().iter().any(|(_, shown)| *shown) => {
                        (true, deeper.as_str())
                    }
                    _ => (false, indent),
                };
                if own_line {
                    out.push('\n');
                    out.push_str(inner);
                } else {
                    out.push(' ');
                }
                machine.within_call(|machine| yaml(machine, &field, style, inner, out))?;
            }
        }
        Value::Function(_) => return Err(Fault::runtime("tried to manifest function")),
    }
    Ok(())
}

/// Whether a key needs no quotes: YAML could take it for nothing but a text.
fn is_bare(key: &str) -> bool {
    const RESERVED: [&str; 16] = [
        "true", "false", "yes", "no", "on", "off", "y", "n", ".nan", "-.inf", "+.inf", ".inf", "null", "-",
        "---", "''",
    ];
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.');
    let dashes = key.chars().filter(|c| *c == '-').count();
    let is_date = dashes == 2 && !key.contains(|c: char| !c.is_ascii_digit() && c != '-');
    let unsigned = key.strip_prefix(['-', '+']).unwrap_or(key);
    let binary = unsigned
        .strip_prefix("0b")
        .is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| matches!(c, '0' | '1' | '_')));
    // Anywhere in the key, as the peer's pattern has no anchors.
    let hexadecimal = key.match_indices("0x").any(|(at, _)| {
        key.get(at + 2..)
            .and_then(|rest| rest.chars().next())
            .is_some_and(|c| c.is_ascii_hexdigit() || c == '_')
    });
    // Underscores may stand between digits.
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let grouped = key.match_indices('_').all(|(at, _)| {
        let (before, after) = key.split_at(at);
        digit(before.chars().next_back()) && digit(after.chars().nth(1))
    });
    let numeric = grouped && key.replace('_', "").parse::<f64>().is_ok() || is_special_float(unsigned);
    let reserved = RESERVED.iter().any(|word| word.eq_ignore_ascii_case(key));
    let otherwise = reserved || is_date || binary || hexadecimal || numeric;
    !key.is_empty() && key.chars().all(plain) && !otherwise
}

fn is_special_float(word: &str) -> bool {
    ["inf", "infinity", "nan"].iter().any(|special| special.eq_ignore_ascii_case(word))
}

fn python(machine: &mut Machine<'_>, given: &Given<'_>) -> Result<Value> {
    let value = given.value(machine, 0)?;
    let mut text = String::new();
    print_python(machine, &value, &mut text)?;
    machine.make_text(text)
}

fn print_python(machine: &mut Machine<'_>, value: &Value, out: &mut String) -> Result<()> {
    machine.step(1)?;
    machine.room(out.len())?;
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(value) => out.push_str(if *value { "True" } else { "False" }),
        Value::Number(number) => out.push_str(&crate::number::print(*number)),
        Value::Text(text) => quote(text.as_str(), out),
        Value::Array(list) => {
            out.push('[');
            for (at, item) in list.items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                let item = machine.force(item)?;
                machine.within_call(|machine| print_python(machine, &item, out))?;
            }
            out.push(']');
        }
        Value::Object(object) => {
            let object = Rc::clone(object);
            out.push('{');
            for (at, name) in object.shown().iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                quote(name, out);
                out.push_str(": ");
                let field = machine.checked_field(&object, name)?;
                machine.within_call(|machine| print_python(machine, &field, out))?;
            }
            out.push('}');
        }
        Value::Function(_) => return Err(Fault::runtime("cannot manifest function")),
    }
    Ok(())
}
