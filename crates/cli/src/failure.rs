//! Why a command did not succeed: what, why, and what to do next; and the exit code that says so.

use std::error::Error;

use jiff::Timestamp;
use serde_json::json;

use crate::context::Style;
use crate::escape;
use crate::look::{Look, Paint};

/// The kinds of failure that a script may tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What was waited for or asked about is not so.
    NotMet,
    /// The command line cannot be carried out.
    Usage,
    /// What was given is not what it should be: a name, a file, a specification.
    Invalid,
    /// There is no such thing.
    NotFound,
    /// No right, or forbidden by a rule.
    Denied,
    /// No answer.
    Unreachable,
    /// Too late.
    Timeout,
    /// A sync failed.
    Operation,
    /// Resources stayed that should have been pruned.
    PruningRequired,
    /// Something else is under way or there already.
    Conflict,
    /// Anything else.
    Other,
}

impl Kind {
    /// The exit code. **Source**: ux brief §3.3; the peer has 20 for errors and 1 for failed operations.
    pub(crate) fn exit_code(self, style: Style) -> u8 {
        match (style, self) {
            (Style::Native, Self::NotMet | Self::PruningRequired) => 1,
            (Style::Native, Self::Usage | Self::Invalid) => 2,
            (Style::Native, Self::NotFound) => 3,
            (Style::Native, Self::Denied) => 4,
            (Style::Native, Self::Unreachable) => 5,
            (Style::Native, Self::Timeout) => 6,
            (Style::Native, Self::Operation) => 7,
            (Style::Native, Self::Conflict) => 8,
            (Style::Argocd, Self::Operation | Self::PruningRequired | Self::Usage) => 1,
            (Style::Native | Style::Argocd, _) => 20,
        }
    }
}

/// A failure, in three parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// What could not be done.
    pub(crate) what: String,
    /// Why, nearest cause first.
    pub(crate) causes: Vec<String>,
    /// What to do about it.
    pub(crate) next: Option<String>,
    /// What the peer's client says instead, and how it ends.
    said: Option<(String, u8)>,
}

impl Failure {
    pub(crate) fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), causes: Vec::new(), next: None, said: None }
    }

    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }

    pub(crate) fn invalid(what: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, what)
    }

    pub(crate) fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// What the peer's client says instead, where its words or its exit code are others.
    pub(crate) fn peer(mut self, said: impl Into<String>, code: u8) -> Self {
        self.said = Some((said.into(), code));
        self
    }

    /// A failure that the peer's client ends with 1: what it refuses by itself.
    pub(crate) fn fatal(self) -> Self {
        let said = self.text();
        self.peer(said, 1)
    }

    /// How the process ends.
    pub(crate) fn exit_code(&self, style: Style) -> u8 {
        match (style, &self.said) {
            (Style::Argocd, Some((_, code))) => *code,
            _ => self.kind.exit_code(style),
        }
    }

    /// All of it, in one line.
    fn text(&self) -> String {
        match &self.said {
            Some((said, _)) => said.clone(),
            None => std::iter::once(&self.what).chain(&self.causes).cloned().collect::<Vec<_>>().join(": "),
        }
    }

    /// A failure with the chain of an error's causes; one that repeats its parent is left out.
    pub(crate) fn because(mut self, error: &dyn Error) -> Self {
        let mut current = Some(error);
        while let Some(error) = current {
            let text = error.to_string();
            if !self.causes.last().is_some_and(|parent| parent.contains(&text)) {
                self.causes.push(text);
            }
            current = error.source();
        }
        self
    }

    /// What the API server's answer means for somebody who wanted `what`.
    pub(crate) fn from_kube(error: &kube::Error, what: impl Into<String>) -> Self {
        let what = what.into();
        let kube::Error::Api(status) = error else {
            return Self::new(Kind::Unreachable, what)
                .because(error)
                .next("check that the cluster runs and that the kubeconfig names it: kubectl cluster-info");
        };
        let kind = match status.code {
            401 | 403 => Kind::Denied,
            404 => Kind::NotFound,
            409 => Kind::Conflict,
            408 | 504 => Kind::Timeout,
            // 410 is for watches: begin anew.
            410 | 429 | 500.. => Kind::Unreachable,
            _ => Kind::Other,
        };
        let failure = Self::new(kind, what).cause(status.message.clone());
        match status.code {
            // Applications themselves are unknown there, not one of them.
            404 if status.details.as_ref().is_none_or(|details| details.name.is_empty()) => failure
                .next("install the resource definitions: capstan install | kubectl apply --server-side -f -"),
            401 => failure.next("renew the credentials in the kubeconfig"),
            _ => failure,
        }
    }

    /// What the API's answer means for somebody who wanted `what`.
    pub(crate) fn from_remote(error: &remote::Error, what: impl Into<String>) -> Self {
        use remote::Code;
        let kind = match error.code() {
            Some(Code::Unauthenticated | Code::PermissionDenied) => Kind::Denied,
            Some(Code::NotFound) => Kind::NotFound,
            Some(Code::AlreadyExists | Code::Aborted | Code::FailedPrecondition) => Kind::Conflict,
            Some(Code::InvalidArgument | Code::OutOfRange) => Kind::Invalid,
            Some(Code::DeadlineExceeded) => Kind::Timeout,
            Some(Code::Unavailable) => Kind::Unreachable,
            Some(_) => Kind::Other,
            None => match error {
                remote::Error::Unreachable(_) => Kind::Unreachable,
                remote::Error::Setup(_) => Kind::Usage,
                _ => Kind::Other,
            },
        };
        let failure = Self::new(kind, what).cause(error.message()).peer(error.to_string(), 20);
        match error.code() {
            Some(Code::Unauthenticated) => failure.next("log in: capstan login SERVER, or capstan relogin"),
            Some(Code::Unimplemented) => {
                failure.next("the server is older than this client, or does not do it yet")
            }
            _ => failure,
        }
    }

    /// For people, or as the peer's client writes it.
    pub(crate) fn render(&self, look: Look, now: Timestamp) -> String {
        if !look.native() {
            let message = self.text();
            let line = json!({ "level": "fatal", "msg": message, "time": api::format_time(now) });
            return format!("{}\n", escape::json(&line.to_string()));
        }
        let mut out = format!("{} {}\n", look.paint(Paint::Bad, "error:"), escape::line(&self.what));
        for cause in &self.causes {
            out.push_str(&format!("  cause: {}\n", set_in(cause)));
        }
        if let Some(next) = &self.next {
            out.push_str(&format!("  next: {}\n", escape::line(next)));
        }
        out
    }
}

/// A text of several lines, set in so far that none of them passes for one of ours.
fn set_in(text: &str) -> String {
    escape::lines(text.trim_end()).replace('\n', "\n      ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_of_several_lines_are_set_in() {
        let schema = "the schema says:\n- at '/a': got string\n\u{1b}[31merror: x\n";
        let expected = "the schema says:\n      - at '/a': got string\n      \\x1b[31merror: x";
        assert_eq!(set_in(schema), expected);
    }

    #[test]
    fn exit_codes_of_both_styles() {
        for (kind, native, peer) in [
            (Kind::NotMet, 1, 20),
            (Kind::Usage, 2, 1),
            (Kind::Invalid, 2, 20),
            (Kind::NotFound, 3, 20),
            (Kind::Denied, 4, 20),
            (Kind::Unreachable, 5, 20),
            (Kind::Timeout, 6, 20),
            (Kind::Operation, 7, 1),
            (Kind::PruningRequired, 1, 1),
            (Kind::Conflict, 8, 20),
            (Kind::Other, 20, 20),
        ] {
            assert_eq!(
                (kind.exit_code(Style::Native), kind.exit_code(Style::Argocd)),
                (native, peer),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn says_what_why_and_next() {
        let failure = Failure::new(Kind::Other, "cannot do \x1b[2J").cause("no way").next("try again");
        let now = "2026-01-02T03:04:05Z".parse().unwrap();
        let native = failure.render(Look::default(), now);
        assert_eq!(native, "error: cannot do \\x1b[2J\n  cause: no way\n  next: try again\n");
        let peer = failure.render(Look { style: Style::Argocd, ..Look::default() }, now);
        let expected =
            r#"{"level":"fatal","msg":"cannot do \u001b[2J: no way","time":"2026-01-02T03:04:05Z"}"#;
        assert_eq!(peer, format!("{expected}\n"));
    }
}
