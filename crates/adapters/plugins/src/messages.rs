//! What is said on a plugin's socket. The numbers are the peer's (Argo CD 3.2, `cmpserver/plugin`), the words ours.

use prost::bytes::Bytes;

/// A part of what is sent: first what it is about, then the archive piece by piece.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Piece {
    #[prost(oneof = "Content", tags = "1, 2")]
    pub(crate) content: Option<Content>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Content {
    #[prost(message, tag = "1")]
    About(About),
    #[prost(message, tag = "2")]
    Chunk(Chunk),
}

/// What an archive is, and what the plugin's programs are to be told.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct About {
    /// The last name of the application's path.
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    /// The application's path within the archive.
    #[prost(string, tag = "2")]
    pub(crate) path: String,
    /// SHA-256 of the archive, in hexadecimal digits.
    #[prost(string, tag = "3")]
    pub(crate) checksum: String,
    /// Bytes of the archive.
    #[prost(int64, tag = "4")]
    pub(crate) size: i64,
    #[prost(message, repeated, tag = "5")]
    pub(crate) environment: Vec<Variable>,
}

/// A variable of the environment.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Variable {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Chunk {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) bytes: Bytes,
}

/// What a plugin made: texts of YAML or JSON.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Made {
    #[prost(string, repeated, tag = "1")]
    pub(crate) manifests: Vec<String>,
}

/// Which parameters a plugin takes.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Announced {
    #[prost(message, repeated, tag = "1")]
    pub(crate) announcements: Vec<Parameter>,
}

/// A parameter: see [`crate::Announcement`].
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Parameter {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) title: String,
    #[prost(string, tag = "3")]
    pub(crate) tooltip: String,
    #[prost(bool, tag = "4")]
    pub(crate) required: bool,
    #[prost(string, tag = "5")]
    pub(crate) item_type: String,
    #[prost(string, tag = "6")]
    pub(crate) collection_type: String,
    #[prost(string, tag = "7")]
    pub(crate) string: String,
    #[prost(string, repeated, tag = "8")]
    pub(crate) array: Vec<String>,
    #[prost(btree_map = "string, string", tag = "9")]
    pub(crate) map: std::collections::BTreeMap<String, String>,
}

/// Whether a repository is one for the plugin.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Matched {
    #[prost(bool, tag = "1")]
    pub(crate) supported: bool,
    /// Whether it has rules to tell at all.
    #[prost(bool, tag = "2")]
    pub(crate) has_rules: bool,
}

/// How a plugin is set up.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Setup {
    #[prost(bool, tag = "1")]
    pub(crate) has_rules: bool,
    /// Whether its programs want the repository's credentials.
    #[prost(bool, tag = "2")]
    pub(crate) wants_credentials: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Nothing {}
