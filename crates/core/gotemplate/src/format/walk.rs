//! Values inside values, without recursion.

use std::rc::Rc;

use super::printer::Printer;
use crate::budget::Limit;
use crate::value::{Kind, List, Object, Str, Type, Value};

/// Containers inside each other that are printed; a map that holds itself goes beyond any number.
pub(super) const MAX_NESTING: usize = 10_000;

/// A container that is being printed.
enum Open {
    List { list: List, next: usize },
    Map { kind_any: bool, entries: std::vec::IntoIter<(Str, Value)>, first: bool },
    Fields { object: Rc<dyn Object>, next: usize },
}

/// What to print next.
enum Step {
    /// An element, and whether its type is `interface {}`.
    Element(Value, bool),
    Close,
}

impl Printer<'_> {
    /// An operand with a verb.
    pub(super) fn print_arg(&mut self, value: &Value, verb: char) {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => self.pad(b"<nil>"),
            (Value::Nil, _) => self.bad_verb(verb, value),
            (_, 'T') => self.string(value.type_name().as_bytes(), 's', value),
            (_, 'p') => self.print_pointer(value),
            _ if self.print_scalar(value, verb) => {}
            _ => self.print_containers(value, verb),
        }
    }

    fn print_pointer(&mut self, value: &Value) {
        match value.kind() {
            Kind::Slice | Kind::Map | Kind::Ptr | Kind::Func => {
                self.push(if self.flags.sharp { b"0" } else { b"0x0" })
            }
            _ => self.bad_verb('p', value),
        }
    }

    fn print_containers(&mut self, value: &Value, verb: char) {
        let mut open = Vec::new();
        self.begin(value, verb, &mut open);
        while self.stopped().is_none() {
            if open.len() > MAX_NESTING {
                return self.stop(Limit::Nesting);
            }
            let Some(innermost) = open.last_mut() else { return };
            match self.advance(innermost, verb) {
                Step::Element(Value::Nil, boxed) => self.print_nil(boxed, verb),
                Step::Element(element, _) => self.begin(&element, verb, &mut open),
                Step::Close => {
                    open.pop();
                }
            }
        }
    }

    fn print_nil(&mut self, boxed: bool, verb: char) {
        if self.flags.sharp_v {
            self.push(b"interface {}(nil)");
        } else if boxed || verb == 'v' {
            self.push(b"<nil>");
        } else {
            self.bad_verb(verb, &Value::Nil);
        }
    }

    /// Prints a scalar, or the beginning of a container, which is then open.
    fn begin(&mut self, value: &Value, verb: char, open: &mut Vec<Open>) {
        if verb == 'w' && !self.erroring {
            return self.bad_verb(verb, value);
        }
        if self.print_scalar(value, verb) {
            return;
        }
        let sharp = self.flags.sharp_v;
        match value {
            Value::List(list) => {
                if sharp {
                    self.push(list.kind().name.as_bytes());
                    if list.is_nil() {
                        return self.push(b"(nil)");
                    }
                }
                self.push(if sharp { b"{" } else { b"[" });
                open.push(Open::List { list: list.clone(), next: 0 });
            }
            Value::Map(map) => {
                if sharp {
                    self.push(map.kind().name.as_bytes());
                    if map.is_nil() {
                        return self.push(b"(nil)");
                    }
                    self.push(b"{");
                } else {
                    self.push(b"map[");
                }
                let entries = map.snapshot().into_iter();
                open.push(Open::Map { kind_any: map.kind().element == Type::Any, entries, first: true });
            }
            Value::Object(object) => self.begin_object(object, value, verb, open),
            _ => self.pad(b"<nil>"),
        }
    }

    fn begin_object(&mut self, object: &Rc<dyn Object>, value: &Value, verb: char, open: &mut Vec<Open>) {
        if !self.erroring
            && !self.flags.sharp_v
            && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q')
            && let Some(text) = object.text()
        {
            return self.string(text.as_bytes(), verb, value);
        }
        if let Some(contents) = object.contents().filter(|contents| !matches!(contents, Value::Object(_))) {
            return self.begin(&contents, verb, open);
        }
        if object.is_pointer() {
            if !open.is_empty() {
                // Go prints an address, which would differ from run to run.
                return self.push(b"0x0");
            }
            self.push(b"&");
        }
        if self.flags.sharp_v {
            self.push(object.type_name().trim_start_matches('*').as_bytes());
        }
        self.push(b"{");
        open.push(Open::Fields { object: Rc::clone(object), next: 0 });
    }

    /// Prints what stands before the next element, or the end of the container.
    fn advance(&mut self, open: &mut Open, verb: char) -> Step {
        let sharp = self.flags.sharp_v;
        let between: &[u8] = if sharp { b", " } else { b" " };
        match open {
            Open::List { list, next } => {
                let Some(element) = list.items().get(*next) else {
                    self.push(if sharp { b"}" } else { b"]" });
                    return Step::Close;
                };
                if *next > 0 {
                    self.push(between);
                }
                *next += 1;
                Step::Element(element.clone(), list.kind().element == Type::Any)
            }
            Open::Map { kind_any, entries, first } => {
                let Some((key, value)) = entries.next() else {
                    self.push(if sharp { b"}" } else { b"]" });
                    return Step::Close;
                };
                if !std::mem::take(first) {
                    self.push(between);
                }
                let bytes = key.clone();
                self.string(bytes.as_bytes(), verb, &Value::String(key));
                self.push(b":");
                Step::Element(value, *kind_any)
            }
            Open::Fields { object, next } => {
                let Some(name) = object.field_names().get(*next) else {
                    self.push(b"}");
                    return Step::Close;
                };
                if *next > 0 {
                    self.push(between);
                }
                *next += 1;
                if self.flags.plus_v || sharp {
                    self.push(name.as_bytes());
                    self.push(b":");
                }
                Step::Element(object.field(name).unwrap_or_default(), true)
            }
        }
    }
}
