//! An index as JSON, entry by entry.

use super::{Builder, Index, IndexError};
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// `None` where the text is no JSON; it may be YAML then.
pub(super) fn read(text: &[u8], most: usize) -> Option<Result<Index, IndexError>> {
    let mut reading =
        Reading { builder: Builder::new(most), failed: None, entries: false, api_version: false };
    let mut json = serde_json::Deserializer::from_slice(text);
    let outcome = Root(&mut reading).deserialize(&mut json).and_then(|()| json.end());
    match (outcome, reading.failed) {
        (_, Some(error)) => Some(Err(error)),
        (Err(_), None) => None,
        (Ok(()), None) if !reading.entries && !reading.api_version => {
            Some(Err(IndexError::Malformed("it has no entries".to_owned())))
        }
        (Ok(()), None) => Some(Ok(reading.builder.done())),
    }
}

struct Reading {
    builder: Builder,
    /// What ended the reading, in our words.
    failed: Option<IndexError>,
    entries: bool,
    api_version: bool,
}

struct Root<'a>(&'a mut Reading);
struct Charts<'a>(&'a mut Reading);
struct Versions<'a>(&'a mut Reading, &'a str);

macro_rules! seed {
    ($name:ident) => {
        impl<'de> DeserializeSeed<'de> for $name<'_> {
            type Value = ();

            fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
                from.deserialize_any(self)
            }
        }
    };
}
seed!(Root);
seed!(Charts);
seed!(Versions);

impl<'de> Visitor<'de> for Root<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an index")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "entries" => {
                    self.0.entries = true;
                    map.next_value_seed(Charts(self.0))?;
                }
                _ => {
                    self.0.api_version |= key == "apiVersion";
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Charts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("charts by name")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            self.0.builder.chart(&name);
            map.next_value_seed(Versions(self.0, &name))?;
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Versions<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("versions")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self(reading, chart) = self;
        while let Some(entry) = list.next_element::<Value>()? {
            if let Err(error) = reading.builder.entry(chart, &entry) {
                reading.failed = Some(error);
                return Err(A::Error::custom("too much"));
            }
        }
        Ok(())
    }
}
