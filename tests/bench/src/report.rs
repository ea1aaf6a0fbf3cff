//! Figures beside the peer's and the bar, as a table for people or as JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

/// What a figure may be at most.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) enum Bar {
    /// At most this much.
    AtMost(f64),
    /// Exactly this.
    Exactly(f64),
    /// No bar: the figure stands beside the others.
    None,
}

/// One measured figure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    pub(crate) phase: &'static str,
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// The peer's, as recorded or measured; empty where there is none.
    pub(crate) peer: Cow<'static, str>,
    pub(crate) ours: f64,
    pub(crate) bar: Bar,
}

impl Figure {
    /// A figure that the peer has none beside.
    pub(crate) fn ours(
        phase: &'static str,
        name: &'static str,
        unit: &'static str,
        ours: f64,
        bar: Bar,
    ) -> Self {
        Self { phase, name, unit, peer: Cow::Borrowed(""), ours, bar }
    }

    /// The same with what the peer was measured at.
    pub(crate) fn beside(self, peer: Option<f64>) -> Self {
        Self { peer: peer.map_or(Cow::Borrowed(""), |peer| number(peer).into()), ..self }
    }

    pub(crate) fn holds(&self) -> Option<bool> {
        match self.bar {
            Bar::AtMost(most) => Some(self.ours <= most),
            Bar::Exactly(value) => Some((self.ours - value).abs() < 1e-9),
            Bar::None => None,
        }
    }
}

/// All that a run found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// What was measured, and on what.
    pub(crate) what: String,
    /// What the peer's figures are of; empty where there are none.
    pub(crate) peer: String,
    pub(crate) cores: usize,
    pub(crate) load_before: String,
    pub(crate) figures: Vec<Figure>,
    /// The controller's requests in each phase, by verb and resource.
    pub(crate) requests: BTreeMap<&'static str, BTreeMap<String, usize>>,
}

/// The machine's load in the last minutes.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// The value below which this part of all lies.
pub(crate) fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank, small and positive")]
    let rank = (values.len() as f64 * part).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

impl Report {
    /// A report without figures, begun before anything runs.
    pub(crate) fn begin(what: String) -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        Self { what, cores, load_before: load(), ..Self::default() }
    }

    pub(crate) fn misses(&self) -> usize {
        self.figures.iter().filter(|figure| figure.holds() == Some(false)).count()
    }

    /// The table, in Markdown.
    pub(crate) fn table(&self) -> String {
        let peers = !self.peer.is_empty();
        let (column, line) = if peers { (format!("{} | ", self.peer), "---|") } else { (String::new(), "") };
        let mut text = format!(
            "{}, {} cores, load before: {}\n\n| phase | figure | {column}Capstan | bar | |\n|---|---|---|---|---|{line}\n",
            self.what, self.cores, self.load_before,
        );
        for figure in &self.figures {
            let bar = match figure.bar {
                Bar::AtMost(most) => format!("≤ {}", number(most)),
                Bar::Exactly(value) => number(value),
                Bar::None => String::new(),
            };
            let verdict = figure.holds().map_or("", |holds| if holds { "PASS" } else { "MISS" });
            let peer = if peers { format!("{} | ", figure.peer) } else { String::new() };
            text.push_str(&format!(
                "| {} | {}{} | {peer}{} | {bar} | {verdict} |\n",
                figure.phase,
                figure.name,
                if figure.unit.is_empty() { String::new() } else { format!(", {}", figure.unit) },
                number(figure.ours)
            ));
        }
        for (phase, requests) in &self.requests {
            let list: Vec<String> = requests.iter().map(|(what, count)| format!("{count} {what}")).collect();
            text.push_str(&format!("\nRequests, {phase}: {}.\n", list.join(", ")));
        }
        text
    }
}

/// Three significant digits, no trailing zeros.
fn number(value: f64) -> String {
    let digits = if value.abs() >= 100.0 {
        0
    } else if value.abs() >= 10.0 {
        1
    } else if value.abs() >= 1.0 {
        2
    } else {
        3
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_held_or_not() {
        for (reason, ours, bar, holds) in [
            ("under", 1.0, Bar::AtMost(2.0), Some(true)),
            ("on it", 2.0, Bar::AtMost(2.0), Some(true)),
            ("over", 2.1, Bar::AtMost(2.0), Some(false)),
            ("exact", 0.0, Bar::Exactly(0.0), Some(true)),
            ("not exact", 1.0, Bar::Exactly(0.0), Some(false)),
            ("none", 1.0, Bar::None, None),
        ] {
            let figure = Figure::ours("", "", "", ours, bar);
            assert_eq!(figure.holds(), holds, "{reason}");
        }
    }

    #[test]
    fn numbers_have_three_digits() {
        for (value, text) in
            [(0.0, "0"), (0.1234, "0.123"), (1.5, "1.5"), (12.34, "12.3"), (1234.5, "1234"), (100.0, "100")]
        {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values = || (1..=100).map(f64::from).collect::<Vec<_>>();
        for (part, value) in [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)] {
            assert_eq!(quantile(&mut values(), part), value, "{part}");
        }
        assert_eq!(quantile(&mut [], 0.5), 0.0);
    }
}
