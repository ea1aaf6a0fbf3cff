//! The API as its clients see it: through the in-process service and, once, over HTTPS.

mod access;
mod client;
mod crds;
mod https;
mod lifecycle;
mod objects;
mod support;
mod watches;
