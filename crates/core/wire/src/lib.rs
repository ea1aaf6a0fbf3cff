//! The API's messages, in JSON and in protobuf: one [`serde_json::Value`] for both, so that a handler is written once.
//!
//! The `.proto` files in `proto/` name every message and method with the numbers of the peer's API. [`schema`] is what they say, and
//! [`Message::encode`], [`Message::decode`] and [`Message::from_query`] go between protobuf, JSON and the parameters of a URL by it. [`Schema::openapi`] tells it to others.
//!
//! It refuses to know what the messages mean, and how they travel. `src/recorded.rs` holds all of them against the types of
//! Argo CD 3.2.11, but what the files mark as newer.
//!
//! JSON is what Go's `encoding/json` makes of the peer's types: numbers for `int64`, RFC 3339 for times, base64 for
//! bytes. A field is marked `optional` where the peer has a pointer, so that `false` and "not said" differ; any other field that is
//! zero or empty is left out of what is decoded, as the peer's types do in JSON.
//!
//! [`Message::filled`] and [`Message::go_json`] put those back, for who prints what the peer's client prints.
//!
//! ```
//! use serde_json::json;
//! let message = wire::schema().message("session.SessionCreateRequest").unwrap();
//! let bytes = message.encode(&json!({"username": "admin", "password": "x"})).unwrap();
//! assert_eq!(message.decode(&bytes).unwrap(), json!({"username": "admin", "password": "x"}));
//! ```

mod decode;
mod encode;
mod error;
mod go;
mod openapi;
mod query;
#[cfg(test)]
mod recorded;
mod schema;
#[cfg(test)]
mod tests;

pub use decode::VALUES;
pub use error::WireError;
pub use schema::{DESCRIPTORS, Message, Method, Rest, Schema, schema};
