//! What is shown while somebody waits.

use std::collections::BTreeMap;

use api::Application;
use jiff::{SignedDuration, Timestamp};
use resource::ResourceKey;
use serde_json::json;

use crate::console::Console;
use crate::context::{Context, ProgressChoice, Style};
use crate::escape;
use crate::look::{Look, Paint};
use crate::table::{Cell, Table};
use crate::view::go_duration;
use crate::view::resources::{Row, rows};

/// Most lines of the live region.
const REGION: usize = 10;

/// How it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The peer's lines, on the standard output.
    Peer,
    /// The same lines, on the error stream.
    Plain,
    /// A region that is drawn over, on the error stream.
    Live,
    /// A line of JSON for each change, on the error stream.
    Json,
    Silent,
}

/// Shows what changes.
pub(super) struct Progress {
    mode: Mode,
    known: BTreeMap<ResourceKey, Row>,
    begun: bool,
    started: Timestamp,
    columns: usize,
    /// Lines of the region that stand on the screen.
    drawn: usize,
    app: Option<(Application, String)>,
}

impl Progress {
    /// `quiet`: the result is for machines, so the peer prints no lines before it.
    pub(super) fn new(context: &Context, quiet: bool) -> Self {
        let live = context.terminal.stderr && context.terminal.moves;
        let mode = match (context.progress, context.style) {
            (ProgressChoice::None, _) => Mode::Silent,
            (_, Style::Argocd) if quiet => Mode::Silent,
            (_, Style::Argocd) => Mode::Peer,
            (ProgressChoice::Plain, Style::Native) => Mode::Plain,
            (ProgressChoice::Json, Style::Native) => Mode::Json,
            (ProgressChoice::Auto, Style::Native) => {
                if live {
                    Mode::Live
                } else {
                    Mode::Plain
                }
            }
        };
        Self {
            mode,
            known: BTreeMap::new(),
            begun: false,
            started: context.now(),
            columns: context.terminal.columns.unwrap_or(80),
            drawn: 0,
            app: None,
        }
    }

    /// Shows an application as it has become; `waits_for` says what is missing.
    pub(super) fn show(&mut self, console: &mut Console, app: &Application, waits_for: &str, now: Timestamp) {
        // The peer's client says nothing more once it is over.
        if self.mode == Mode::Peer && waits_for.is_empty() {
            return;
        }
        let changed: Vec<Row> =
            rows(app).into_iter().filter(|row| self.known.get(&row.key) != Some(row)).collect();
        match self.mode {
            Mode::Silent => {}
            Mode::Live => {
                self.app = Some((app.clone(), waits_for.to_owned()));
                self.draw(console, now);
            }
            Mode::Json => {
                for row in &changed {
                    let value = json!({
                        "time": api::format_time(now), "application": app.qualified_name(), "resource": row.key.to_string(),
                        "status": row.status, "health": row.health, "hook": row.hook, "message": row.message,
                    });
                    console.tell(&format!("{}\n", escape::json(&value.to_string())));
                }
            }
            Mode::Plain | Mode::Peer => {
                let mut text = String::new();
                if !std::mem::replace(&mut self.begun, true) {
                    text += &HEADER.render();
                }
                changed.iter().for_each(|row| text += &Line::of(row, now).render());
                if self.mode == Mode::Peer { console.print(&text) } else { console.tell(&text) }
            }
        }
        self.known.extend(changed.into_iter().map(|row| (row.key.clone(), row)));
    }

    /// Draws the region anew: time has passed.
    pub(super) fn tick(&mut self, console: &mut Console, now: Timestamp) {
        if self.mode == Mode::Live {
            self.draw(console, now);
        }
    }

    /// Says that it took too long, as the peer's client does.
    pub(super) fn late(&mut self, console: &mut Console) {
        if self.mode == Mode::Peer {
            console.print("\nThis is the state of the app after wait timed out:\n");
            console.print("\nThe command timed out waiting for the conditions to be met.\n");
        }
    }

    /// Takes the region away: what stays is the result.
    pub(super) fn end(&mut self, console: &mut Console) {
        if self.drawn > 0 {
            console.tell(&erase(self.drawn));
            self.drawn = 0;
        }
    }

    fn draw(&mut self, console: &mut Console, now: Timestamp) {
        let Some((app, waits_for)) = &self.app else { return };
        let lines = region(app, waits_for, now.duration_since(self.started), self.columns, console.err_look);
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        console.tell(&format!("{}{text}", erase(self.drawn)));
        self.drawn = lines.len();
    }
}

fn erase(lines: usize) -> String {
    if lines == 0 { String::new() } else { format!("\x1b[{lines}A\x1b[J") }
}

/// The live region: what is waited for, then the resources, those that are not done first.
fn region(
    app: &Application,
    waits_for: &str,
    elapsed: SignedDuration,
    columns: usize,
    look: Look,
) -> Vec<String> {
    let sync = look.sync(&app.status.sync.status);
    let health = app.status.health.status.as_ref().map(|health| look.health(health)).unwrap_or_default();
    let head = format!("{} waits for {waits_for} ({})", app.metadata.name, go_duration(elapsed));
    let room = columns.saturating_sub(sync.text.chars().count() + health.text.chars().count() + 6);
    let head = cut(&escape::line(&head), room);
    let mut lines = vec![format!(
        "{}  {}  {}",
        look.paint(Paint::Bold, &head),
        look.paint(sync.paint, &sync.text),
        look.paint(health.paint, &health.text)
    )];
    let done = |row: &Row| row.status == "Synced" && matches!(row.health.as_str(), "Healthy" | "");
    let mut rows = rows(app);
    rows.sort_by_key(done);
    let shown = if rows.len() > REGION - 1 { REGION - 2 } else { rows.len() };
    for row in &rows[..shown] {
        let (status, health) = (look.word(&row.status), look.word(&row.health));
        let text =
            format!("  {}/{} {} {} {}", row.key.kind, row.key.name, status.text, health.text, row.message);
        lines.push(
            look.paint(
                if done(row) { Paint::Dim } else { health.paint },
                &cut(&escape::line(&text), columns),
            ),
        );
    }
    if rows.len() > shown {
        let rest = &rows[shown..];
        let text = format!(
            "  and {} more, {} of them done",
            rest.len(),
            rest.iter().filter(|row| done(row)).count()
        );
        lines.push(look.paint(Paint::Dim, &text));
    }
    lines
}

/// At most so many characters: a line that wraps cannot be drawn over.
fn cut(text: &str, columns: usize) -> String {
    text.chars().take(columns.saturating_sub(1)).collect::<String>().trim_end().to_owned()
}

/// A line of the peer's table, each padded on its own.
struct Line([String; 9]);

static HEADER: std::sync::LazyLock<Line> = std::sync::LazyLock::new(|| {
    Line(
        ["TIMESTAMP", "GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE"]
            .map(str::to_owned),
    )
});

impl Line {
    fn of(row: &Row, now: Timestamp) -> Self {
        let Row { key, status, health, hook, message, .. } = row;
        let time = now.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string();
        let words = [&key.group, &key.kind, &key.namespace, &key.name, status, health, hook, message];
        let mut words = words.into_iter().cloned();
        Self(std::array::from_fn(
            |index| if index == 0 { time.clone() } else { words.next().unwrap_or_default() },
        ))
    }

    fn render(&self) -> String {
        /// Least widths of the columns; the texts stand at the right.
        const WIDTHS: [usize; 9] = [0, 5, 10, 10, 20, 8, 7, 10, 0];
        let mut table = Table::with_minimum(5);
        table.row(
            self.0.iter().zip(WIDTHS).map(|(text, width)| Cell::from(format!("{text:>width$}"))).collect(),
        );
        table.render(Look { style: Style::Argocd, ..Look::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample;

    #[test]
    fn lines_as_the_peer_prints_them() {
        let now = "2026-01-02T03:04:05Z".parse().unwrap();
        let row = rows(&sample::guestbook()).remove(0);
        assert_eq!(
            HEADER.render() + &Line::of(&row, now).render(),
            "TIMESTAMP  GROUP        KIND   NAMESPACE                  NAME    STATUS   HEALTH        HOOK  MESSAGE\n\
             2026-01-02T03:04:05+00:00   apps  Deployment     default                   web  OutOfSync  Degraded              deployment.apps/web configured\n"
        );
    }

    #[test]
    fn the_region_stays_small_and_says_most_of_what_is_not_done() {
        let mut app = sample::guestbook();
        let template = app.status.resources[1].clone();
        for index in 0..20 {
            let name = format!("done-{index}");
            app.status.resources.push(api::ResourceStatus { name, ..template.clone() });
        }
        let look = Look { unicode: true, ..Look::default() };
        let lines = region(&app, "health Healthy", SignedDuration::from_secs(65), 100, look);
        assert_eq!(lines.len(), REGION);
        assert_eq!(lines[0], "guestbook waits for health Healthy (1m5s)  ! OutOfSync  ✗ Degraded");
        assert_eq!(lines[1], "  Deployment/web ! OutOfSync ✗ Degraded deployment.apps/web configured");
        assert_eq!(lines[9], "  and 16 more, 16 of them done");
        assert!(region(&app, "x", SignedDuration::ZERO, 20, look)[1].chars().count() < 20);
    }
}
