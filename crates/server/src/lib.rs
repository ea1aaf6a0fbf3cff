//! The server: one port for gRPC, gRPC-Web and REST, and what stands behind it.
//!
//! - [`Server`]: all of it.
//! - [`Calls`]: the methods of the API and what each does; a method that nobody does is answered with `Unimplemented`.
//! - [`Api`]: the calls behind a door, as a service for requests of all three protocols.
//! - [`Port`]: listens, with TLS or plainly, and hands requests to an [`Api`].

mod access;
mod address;
mod agent;
mod api;
mod apps;
mod audit;
mod body;
mod call;
mod certificate;
mod config_maps;
mod connections;
mod derived;
mod door;
mod events;
mod grpc;
mod guard;
mod hashing;
mod index;
mod initial;
mod pages;
mod port;
mod projects;
mod record;
mod rest;
mod seal;
mod secrets;
mod server;
mod services;
mod shelf;
mod sso;
mod store;
mod tls;
mod v2;
mod x509;

pub use api::{Adopt, Api, Door, Visit};
pub use body::{Body, Incoming};
pub use call::{Answers, Ask, Calls, Encode, Handled, NoSuchMethod, Reply, Requests};
pub use initial::InitialError;
pub use pages::Pages;
pub use port::{Bounds, Port, PortError, PortOptions};
pub use server::{Clock, Figures, Meter, Options, Server, ServerError};
pub use tls::{Certificates, Identity, TlsError};
pub use v2::Streams;
