//! Tokens of EKS clusters, and the credentials of AWS that they are made from.
//!
//! A token is a signed question to AWS's security token service (STS), "who am I?", that is never sent by us: the cluster asks it and
//! so learns who we are. What signs it comes from the environment, from a file, from the pod's identity or from a role that is taken
//! on. This crate refuses to know Kubernetes, who may log in where, and any other service of AWS; it reads no environment by itself
//! ([`Environment`]) and takes the time as an argument.
//!
//! - [`Eks`]: which cluster, and as whom; [`Eks::token`] is the one thing to be asked for.
//! - [`sign`]: signature version 4, for headers and for URLs; nothing but SHA-256 and HMAC.
//!
//! ```
//! let env = aws::Environment::from_variables(|name| (name == "AWS_REGION").then(|| "eu-west-1".to_owned()));
//! assert_eq!(env.get("AWS_REGION"), Some("eu-west-1"));
//! ```

mod container;
mod credentials;
mod eks;
mod environment;
mod error;
mod http;
mod profile;
pub mod sign;
mod sts;

pub use credentials::Credentials;
pub use eks::{Eks, Token};
pub use environment::Environment;
pub use error::AwsError;
