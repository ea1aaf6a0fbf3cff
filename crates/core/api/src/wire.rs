//! How the wire types are written: two macros, so that all of them keep the same three promises.
//!
//! Every struct keeps the fields it does not know (`other`), leaves out what is unset, as Go's `omitempty` does,
//! and reads an absent field as its empty value. Every enum survives a word that it does not know.

/// Whether a field is left out when written: empty strings, lists and maps, zero, `false`, `None`.
pub(crate) fn is_unset<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Declares structs of the wire. Fields in square brackets are written even when empty, since the peer's own
/// custom resource definitions (which may be the ones installed) require them.
macro_rules! wire {
    ($( $(#[$meta:meta])* pub struct $name:ident {
        $( $(#[$field_meta:meta])* $field:ident : $type:ty, )*
        $(
            [ $( $(#[$always_meta:meta])* $always:ident : $always_type:ty, )* ]
            $( $(#[$after_meta:meta])* $after:ident : $after_type:ty, )*
        )?
    } )*) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(default, rename_all = "camelCase")]
        pub struct $name {
            $( $(#[$field_meta])*
               #[serde(skip_serializing_if = "crate::wire::is_unset")]
               pub $field: $type, )*
            $(
                $( $(#[$always_meta])* pub $always: $always_type, )*
                $( $(#[$after_meta])*
                   #[serde(skip_serializing_if = "crate::wire::is_unset")]
                   pub $after: $after_type, )*
            )?
            /// Fields that we do not know, kept as they came.
            #[serde(flatten)]
            pub other: serde_json::Map<String, serde_json::Value>,
        }
    )* };
}

/// Declares an enum of published words, with `Other` for any word that is not among them.
/// The order of the variants is the order of the values; `Other` comes last.
macro_rules! words {
    ($( $(#[$meta:meta])* pub enum $name:ident { $( $(#[$word_meta:meta])* $word:ident = $text:literal, )* } )*) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $( $(#[$word_meta])* $word, )*
            /// A word that this version does not know, kept as it came.
            Other(String),
        }

        impl $name {
            /// The word as the wire has it.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$word => $text, )*
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $( $text => Self::$word, )*
                    _ => Self::Other(word.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                Self::from(word.as_str())
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.as_str().to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string"})
            }
        }
    )* };
}

pub(crate) use {wire, words};
