//! A client of the API server: any of its methods, by name, in JSON.
//!
//! [`Remote::connect`] finds out how a server is spoken to: gRPC over HTTP/2, or gRPC-Web over HTTP/1.1 where something between us and it
//! knows no better. [`Remote::call`], [`Remote::stream`] and [`Remote::send`] put messages into protobuf by [`wire::schema`], so that one
//! [`serde_json::Value`] is what is said and heard. It refuses to know what the methods mean, and where addresses and tokens are kept.
//!
//! ```no_run
//! # async fn example() -> Result<(), remote::Error> {
//! use serde_json::json;
//! let options = remote::Options::new("argocd.example.com", "argocd-client/v3.2.11");
//! let remote = remote::Remote::connect(options).await?;
//! let projects = remote.call("project.ProjectService/List", &json!({})).await?;
//! # Ok(())
//! # }
//! ```

mod error;
mod native;
mod options;
mod remote;
mod tls;
mod web;

pub use error::Error;
pub use native::{Probe, probe};
pub use net::{Proxies, Secret};
pub use options::{Identity, Options};
pub use remote::Remote;
pub use tonic::Code;
