//! Why an application is not as git wants it, for people.

use api::Application;
use jiff::Timestamp;
use serde_json::Value;
use why::{Commit, Field, Link, Reason, Why, Writer};

use super::{go_duration, short};
use crate::escape;
use crate::look::{Look, Paint};

/// Characters of a value that are shown.
const SHOWN: usize = 100;

/// The whole answer.
///
/// **Shape**: a headline with sync and health, then a paragraph a reason, in the order of what matters. What is read from the cluster
/// and from git is escaped.
pub(crate) fn text(app: &Application, why: &Why, look: Look, now: Timestamp) -> String {
    let pen = Pen { look, now };
    let status = &app.status;
    let mut words = vec![look.sync(&status.sync.status)];
    words.extend(status.health.status.as_ref().map(|health| look.health(health)));
    let words: Vec<String> = words.iter().map(|cell| look.paint(cell.paint, &cell.text)).collect();
    let revision = match status.sync.revision.as_str() {
        "" => String::new(),
        revision => format!(" at {}", escape::line(short(revision))),
    };
    let name = look.paint(Paint::Bold, &escape::line(&app.metadata.name));
    let mut text = format!("{name}: {}{revision}\n", words.join(", "));
    if why.reasons.is_empty() {
        text += "nothing is amiss\n";
    }
    for reason in &why.reasons {
        text.push('\n');
        text += &pen.reason(reason);
    }
    if why.more > 0 {
        text += &format!("\n{} and {} more\n", pen.dots(), why.more);
    }
    text
}

struct Pen {
    look: Look,
    now: Timestamp,
}

impl Pen {
    fn reason(&self, reason: &Reason) -> String {
        match reason {
            Reason::Waits { waits_for, since } => {
                let text = waits_for.to_string();
                format!("{}{}\n", self.lead("Running", &text), self.since(since))
            }
            Reason::Runs { message, since } => {
                let text = format!("a sync is under way: {message}");
                format!("{}{}\n", self.lead("Running", &text), self.since(since))
            }
            Reason::Rests { because, since } => {
                let text = format!("nothing is synced by itself: {because}");
                format!("{}{}\n", self.lead("OutOfSync", &text), self.since(since))
            }
            Reason::Error { condition, message } => {
                format!("{}\n", self.lead("Failed", &format!("{condition}: {message}")))
            }
            Reason::Unhealthy { health, since, chain } => self.chain(health, since, chain),
            Reason::Differs { resource, fields, more } => {
                let mut text =
                    format!("{}\n", self.lead("OutOfSync", &format!("{resource} differs from git")));
                for field in fields {
                    text += &self.field(field);
                }
                if *more > 0 {
                    text += &format!("  {} and {more} more fields\n", self.dots());
                }
                text
            }
            Reason::Missing { resource, message, commit } => {
                let what = format!("{resource} is in git and not in the cluster");
                let more =
                    if message == "not in the cluster" { String::new() } else { format!(": {message}") };
                let mut text = format!("{}\n", self.lead("OutOfSync", &format!("{what}{more}")));
                text += &commit
                    .iter()
                    .map(|commit| format!("    git   {}\n", self.commit(commit)))
                    .collect::<String>();
                text
            }
            Reason::Extra { resource } => {
                let what = format!("{resource} is in the cluster and not in git: it would be pruned");
                format!("{}\n", self.lead("OutOfSync", &what))
            }
            Reason::Uncompared { resource, message } => {
                format!("{}\n", self.lead("OutOfSync", &format!("{resource}: {message}")))
            }
        }
    }

    /// The sign of a word, and a text.
    fn lead(&self, word: &str, text: &str) -> String {
        let cell = self.look.word(word);
        let sign = cell.text.split(' ').next().filter(|_| self.look.native()).unwrap_or("-");
        format!("{} {}", self.look.paint(cell.paint, sign), escape::line(text))
    }

    fn dots(&self) -> &'static str {
        if self.look.unicode { "…" } else { "..." }
    }

    /// ` since 2026-01-02T03:04:05Z (3m0s)`
    fn since(&self, at: &str) -> String {
        let text = match api::parse_time(at) {
            _ if at.is_empty() => return String::new(),
            Ok(time) => format!(" since {at} ({})", go_duration(self.now.duration_since(time))),
            Err(_) => format!(" since {}", escape::line(at)),
        };
        self.look.paint(Paint::Dim, &text)
    }

    fn chain(&self, health: &str, since: &str, chain: &[Link]) -> String {
        let named = chain.first().map(|link| link.resource.to_string()).unwrap_or_default();
        let mut text =
            format!("{}{}\n", self.lead(health, &format!("{named} is {health}")), self.since(since));
        let [_, last, _] = self.look.branches();
        for (depth, link) in chain.iter().enumerate() {
            let indent = "   ".repeat(depth.saturating_sub(1));
            let branch = if depth == 0 { String::new() } else { format!("{indent}{last} ") };
            let below = format!("  {}", "   ".repeat(depth));
            let kind = format!("{} {}", link.resource.kind, link.resource.name);
            let said = if link.message.is_empty() { &link.health } else { &link.message };
            let said = if said.is_empty() { String::new() } else { format!(": {said}") };
            text += &format!("  {branch}{}\n", escape::line(&format!("{kind}{said}")));
            if let Some(container) = &link.container {
                let restarts = match container.restarts {
                    0 => String::new(),
                    count => format!(" (restarted {count} times)"),
                };
                let message = if container.message.is_empty() {
                    String::new()
                } else {
                    format!(": {}", container.message)
                };
                let line = format!("container {} {}{message}{restarts}", container.name, container.reason);
                text += &format!("{below}{}\n", escape::line(&line));
            }
            if let Some(event) = &link.event {
                let line = format!("event {}: {}", event.reason, event.message);
                let seen = match (event.at.as_str(), event.count) {
                    ("", _) => String::new(),
                    (at, 0 | 1) => format!(" ({at})"),
                    (at, count) => format!(" ({at}, {count} times)"),
                };
                text += &format!("{below}{}\n", escape::line(&format!("{line}{seen}")));
            }
        }
        text
    }

    fn field(&self, field: &Field) -> String {
        let git = field.commit.as_ref().map(|commit| self.commit(commit));
        let live = field.writer.as_ref().map(|writer| self.writer(writer));
        let path = self.look.paint(Paint::Bold, &escape::line(&field.path));
        let side = |label: &str, paint: Paint, value: &Option<Value>, who: Option<String>| {
            let value = self.look.paint(paint, &shown(value.as_ref()));
            let who = who.map(|who| format!("  {}", self.look.paint(Paint::Dim, &who))).unwrap_or_default();
            format!("    {label:<5} {value}{who}\n")
        };
        let git = side("git", Paint::Good, &field.git, git);
        format!("  {path}\n{git}{}", side("live", Paint::Bad, &field.live, live))
    }

    /// `9ab1c3d by Bob <bob@example.com> 2026-01-02T03:04:05Z "scale down" apps/web.yaml`
    fn commit(&self, commit: &Commit) -> String {
        let Commit { id, author, at, subject, file } = commit;
        let file = if file.is_empty() { String::new() } else { format!(" {file}") };
        escape::line(&format!("{} by {author} {at} {subject:?}{file}", short(id))).into_owned()
    }

    fn writer(&self, writer: &Writer) -> String {
        let at = writer.at.as_ref().map(|at| format!(" {at}")).unwrap_or_default();
        escape::line(&format!("by {}{at}", writer.manager)).into_owned()
    }
}

/// A value in one line, cut.
fn shown(value: Option<&Value>) -> String {
    let text = match value {
        None => return "(absent)".to_owned(),
        Some(value) => value.to_string(),
    };
    let cut = text.char_indices().nth(SHOWN).map(|(at, _)| at);
    let text = match cut {
        Some(at) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    };
    escape::line(&text).into_owned()
}

#[cfg(test)]
mod tests;
