//! The template functions that people know as Sprig (3.3.0), and those that Helm (3.22) adds and that need no chart.
//!
//! [`functions`] gives the set of a [`Dialect`] to a [`gotemplate::Templates`]. Time, chance, keys and certificates come from the [`World`]
//! that a [`Host`] brings to the run, so a render can be repeated. The crate reads no environment, file or socket, and knows nothing of
//! charts: `include`, `tpl` and `lookup` are those of whoever renders.
//!
//! What functions build counts against the run's budget before it is built.
//!
//! **Errors** are Go's, also where it panics. In Helm's dialect the texts of `fail` and `required` stand between [`FAILURE_MARKS`], as Helm
//! itself puts them, so that whoever shows an error can show the text alone.
//!
//! ```
//! use gotemplate::{Budget, Limits, Run, Templates, Value};
//! use sprig::{Dialect, Fixed, Host, Moment};
//! use std::rc::Rc;
//!
//! let mut templates = Templates::new(sprig::functions(Dialect::Helm));
//! templates.parse("t", r#"{{ list "b" "a" | sortAlpha | join "," | quote }}"#)?;
//! let world = Fixed::new(Moment { seconds: 0, nanos: 0 }, 1);
//! let mut run = Run::new(Budget::new(Limits::default())).with(Rc::new(Host::new(world)));
//! assert_eq!(templates.execute(&mut run, "t", &Value::Nil)?, r#""a,b""#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod base64;
mod case;
mod casts;
mod decimal;
mod dialect;
mod equal;
mod functions;
mod host;
mod humps;
mod json;
mod show;
mod time;
mod toml_text;
mod url;
mod world;
mod yaml;

pub use dialect::{Dialect, FAILURE_MARKS, functions};
pub use host::Host;
pub use json::to_json;
pub use time::calendar::{Civil, DAYS, MONTHS};
pub use time::duration::parse as parse_duration;
pub use world::{CertificateRequest, Fixed, KeyKind, Moment, Pair, World};
