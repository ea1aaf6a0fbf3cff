//! From values to JSON.

use serde_json::{Map, Value as Json};

use crate::error::Fault;
use crate::machine::Machine;
use crate::number;
use crate::text::Text;
use crate::value::Value;

type Result<T> = std::result::Result<T, Fault>;

/// How JSON is laid out.
pub(crate) struct Layout<'a> {
    pub(crate) indent: &'a str,
    pub(crate) newline: &'a str,
    pub(crate) colon: &'a str,
    /// Between items; its newline is apart.
    pub(crate) comma: &'a str,
    /// What an empty list or object is.
    pub(crate) empty: Option<(&'a str, &'a str)>,
    /// Numbers as in go-jsonnet's own output, instead of the shortest form.
    pub(crate) long_numbers: bool,
}

/// As `std.toString` has it.
pub(crate) const ONE_LINE: Layout<'static> = Layout {
    indent: "",
    newline: "",
    colon: ": ",
    comma: ", ",
    empty: Some(("[ ]", "{ }")),
    long_numbers: true,
};

impl Machine<'_> {
    /// The value as data. `spent` counts the bytes that it has as JSON, up to `most`.
    pub(crate) fn manifest(&mut self, value: &Value, spent: &mut usize, most: usize) -> Result<Json> {
        self.step(1)?;
        *spent += match value {
            Value::Text(text) => text.as_str().len() + 2,
            _ => 4,
        };
        if *spent > most {
            return Err(Fault::limit_here("bytes of the result", most as u64));
        }
        match value {
            Value::Null => Ok(Json::Null),
            Value::Bool(value) => Ok(Json::Bool(*value)),
            Value::Number(number) => Ok(number_to_json(*number)),
            Value::Text(text) => Ok(Json::String(text.as_str().to_owned())),
            Value::Array(array) => {
                let mut items = Vec::new();
                for item in &array.items {
                    let item = self.force(item)?;
                    items.push(self.within_call(|machine| machine.manifest(&item, spent, most))?);
                }
                Ok(Json::Array(items))
            }
            Value::Object(object) => {
                self.assert(object)?;
                let mut map = Map::new();
                for name in object.shown() {
                    let field = self.checked_field(object, &name)?;
                    *spent += name.len() + 4;
                    let field = self.within_call(|machine| machine.manifest(&field, spent, most))?;
                    map.insert(name.to_string(), field);
                }
                Ok(Json::Object(map))
            }
            Value::Function(_) => Err(Fault::runtime("couldn't manifest function as JSON")),
        }
    }

    /// The value of data.
    pub(crate) fn json_to_value(&mut self, json: &Json) -> Result<Value> {
        use crate::syntax::Shown;
        use crate::value::{Layer, Lazy};
        Ok(match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => Value::Number(number.as_f64().unwrap_or(0.0)),
            Json::String(text) => self.make_text(text.clone())?,
            Json::Array(items) => {
                self.room_for_items(items.len())?;
                let items = items.iter().map(|item| self.json_to_value(item).map(Lazy::done));
                Value::array(items.collect::<Result<_>>()?)
            }
            Json::Object(map) => {
                self.room_for_items(map.len())?;
                let fields =
                    map.iter().map(|(name, field)| Ok((name.as_str().into(), self.json_to_value(field)?)));
                let fields = fields.collect::<Result<Vec<_>>>()?;
                Value::Object(self.object(vec![Layer::of_values(fields, Shown::Inherit)]))
            }
        })
    }

    /// As it becomes when it is added to a text.
    pub(crate) fn show(&mut self, value: &Value) -> Result<Text> {
        match value {
            Value::Text(text) => Ok(text.clone()),
            Value::Number(number) => Ok(Text::from(number::print(*number))),
            other => {
                let mut text = String::new();
                self.print_json(other, &ONE_LINE, "", &mut text)?;
                self.room_for_text(text.len())?;
                Ok(Text::from(text))
            }
        }
    }

    /// Prints JSON.
    pub(crate) fn print_json(
        &mut self,
        value: &Value,
        layout: &Layout<'_>,
        indent: &str,
        out: &mut String,
    ) -> Result<()> {
        self.step(1)?;
        self.room(out.len())?;
        match value {
            Value::Null => out.push_str("null"),
            Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Value::Number(number) if layout.long_numbers => out.push_str(&number::print(*number)),
            Value::Number(number) => out.push_str(&number.to_string()),
            Value::Text(text) => quote(text.as_str(), out),
            Value::Array(array) => {
                if let (true, Some((empty, _))) = (array.items.is_empty(), layout.empty) {
                    out.push_str(empty);
                    return Ok(());
                }
                let deeper = [indent, layout.indent].concat();
                out.push('[');
                out.push_str(layout.newline);
                for (at, item) in array.items.iter().enumerate() {
                    if at > 0 {
                        out.push_str(layout.comma);
                        out.push_str(layout.newline);
                    }
                    out.push_str(&deeper);
                    let item = self.force(item)?;
                    self.within_call(|machine| machine.print_json(&item, layout, &deeper, out))?;
                }
                out.push_str(layout.newline);
                out.push_str(indent);
                out.push(']');
            }
            Value::Object(object) => {
                self.assert(object)?;
                let names = object.shown();
                if let (true, Some((_, empty))) = (names.is_empty(), layout.empty) {
                    out.push_str(empty);
                    return Ok(());
                }
                let deeper = [indent, layout.indent].concat();
                out.push('{');
                out.push_str(layout.newline);
                for (at, name) in names.iter().enumerate() {
                    if at > 0 {
                        out.push_str(layout.comma);
                        out.push_str(layout.newline);
                    }
                    out.push_str(&deeper);
                    quote(name, out);
                    out.push_str(layout.colon);
                    let field = self.checked_field(object, name)?;
                    self.within_call(|machine| machine.print_json(&field, layout, &deeper, out))?;
                }
                out.push_str(layout.newline);
                out.push_str(indent);
                out.push('}');
            }
            Value::Function(_) if layout.long_numbers => {
                return Err(Fault::runtime("couldn't manifest function as JSON"));
            }
            Value::Function(_) => return Err(Fault::runtime("tried to manifest function")),
        }
        Ok(())
    }
}

/// A text in quotes, as JSON; characters that Jsonnet escapes besides those that JSON has to.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Whole numbers become integers where 64 bits hold them, as when the peer reads its own JSON again.
#[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
fn number_to_json(number: f64) -> Json {
    #[expect(clippy::float_cmp, reason = "whether it is whole")]
    let whole = number == number.trunc() && (-9.2e18..9.2e18).contains(&number);
    if whole { Json::from(number as i64) } else { Json::from(number) }
}
