//! One command with its server.

use remote::Remote;
use serde_json::Value;

use super::Local;
use super::contexts::{Contexts, Named};
use super::reach::{Target, connect};
use crate::console::{Console, Form};
use crate::escape;
use crate::failure::Failure;

/// What a command about a server works with.
pub(crate) struct Talk<'a> {
    pub(crate) local: &'a Local,
    pub(crate) console: &'a mut Console,
    remote: Option<Remote>,
}

impl<'a> Talk<'a> {
    pub(crate) fn new(local: &'a Local, console: &'a mut Console) -> Self {
        Self { local, console, remote: None }
    }

    /// The server, connected to when it is first needed.
    pub(crate) async fn remote(&mut self) -> Result<Remote, Failure> {
        if let Some(remote) = &self.remote {
            return Ok(remote.clone());
        }
        let target = self.local.needed()?;
        self.reach(target).await
    }

    /// A server, with a session that goes on.
    pub(crate) async fn reach(&mut self, mut target: Target) -> Result<Remote, Failure> {
        if let Some(context) = target.context.take() {
            self.renew(&mut target.options, &context).await?;
        }
        let remote = connect(self.local, self.console, target.options).await?;
        Ok(self.remote.insert(remote).clone())
    }

    /// Calls a method for somebody who wants `what`.
    pub(crate) async fn ask(&mut self, what: &str, method: &str, request: &Value) -> Result<Value, Failure> {
        let remote = self.remote().await?;
        remote.call(method, request).await.map_err(|error| Failure::from_remote(&error, what))
    }

    /// Prints a line, escaped.
    pub(crate) fn line(&mut self, text: &str) {
        let text = format!("{}\n", escape::line(text));
        self.console.print(&text);
    }

    /// Prints a message of the API in this form: see [`Console::message`].
    ///
    /// **Errors**: it is neither `json` nor `yaml`.
    pub(crate) fn message(&mut self, name: &str, value: &Value, form: &str) -> Result<(), Failure> {
        let form = match form {
            "yaml" => Form::Yaml,
            "json" => Form::Json,
            other => return Err(unknown_form(other)),
        };
        self.console.message(name, value, form);
        Ok(())
    }

    /// Prints a list of messages, as [`Self::message`].
    pub(crate) fn messages(&mut self, name: &str, values: &[Value], form: &str) -> Result<(), Failure> {
        self.message(name, &Value::Array(values.to_vec()), form)
    }

    /// The context that is in use, and its file.
    ///
    /// **Errors**: there is none.
    pub(crate) fn context(&self) -> Result<(Contexts, Named), Failure> {
        let flags = self.local.settled()?;
        let file = Contexts::open(&self.local.contexts_path(&flags)?)?;
        let named = file.resolve(flags.argocd_context.as_deref())?;
        Ok((file, named))
    }

    /// Whether somebody agrees, where questions may be asked; a person's own flag or the file says so.
    pub(crate) fn agreed(&mut self, question: &str) -> Result<bool, Failure> {
        let flags = self.local.settled()?;
        let asks = match flags.prompts_enabled {
            Some(asks) => asks,
            None => Contexts::read(&self.local.contexts_path(&flags)?)?.is_some_and(|file| file.prompts()),
        };
        if asks { self.console.proceed(question) } else { Ok(true) }
    }
}

/// A time that something is good for, in whole seconds.
///
/// **Errors**: it is none.
pub(crate) fn lives(text: &str) -> Result<u64, Failure> {
    let duration = api::parse_duration(text).map_err(|error| {
        let said = format!("invalid since format '{text}', expected format <duration><unit> (e.g. 3h)");
        Failure::usage(format!("--expires-in {text:?} is no duration")).because(&error).peer(said, 20)
    });
    duration.map(|duration| duration.as_secs())
}

/// What `-o` was given that nobody knows.
pub(crate) fn unknown_form(form: &str) -> Failure {
    let said = format!("unknown output format: {form}");
    Failure::usage(said.clone()).next("see --help for those that there are").peer(said, 20)
}
