//! `capstan image set` on real git servers, the pipelines of `examples/ci` that use it, and what they replace.
#![expect(clippy::disallowed_methods, reason = "a test that starts the binary, shells and git")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
#![expect(clippy::print_stdout, reason = "says what did not run, and what the forms said")]

mod as_written;
mod command;
mod pipelines;
mod places;
mod steps;
