//! Counts of how long things took, and the text in which Prometheus reads them.
//!
//! - [`Histogram`]: durations by buckets.
//! - [`Exposition`]: Prometheus' text format, version 0.0.4.

use std::fmt::{Display, Write as _};
use std::time::Duration;

/// Durations, counted in buckets that do not change.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Upper ends of the buckets, in seconds, ascending.
    bounds: &'static [f64],
    /// One more than there are bounds.
    counts: Vec<u64>,
    sum: Duration,
}

impl Histogram {
    /// An empty one. `bounds` are the upper ends of its buckets, in seconds, ascending.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: Duration::ZERO }
    }

    /// Counts one.
    pub fn observe(&mut self, took: Duration) {
        let at = self.bounds.iter().take_while(|bound| took.as_secs_f64() > **bound).count();
        if let Some(count) = self.counts.get_mut(at) {
            *count += 1;
        }
        self.sum = self.sum.saturating_add(took);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// A page of metrics.
#[derive(Debug, Default)]
pub struct Exposition(String);

/// Labels of one sample.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

impl Exposition {
    /// Begins a metric: what follows are its samples. `kind` is `counter`, `gauge` or `histogram`.
    pub fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.push(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// One sample.
    pub fn line(&mut self, name: &str, labels: Labels<'_>, value: impl Display) {
        self.push(format_args!("{name}"));
        for (n, (label, text)) in labels.iter().enumerate() {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            self.push(format_args!("{}{label}=\"{text}\"", if n == 0 { '{' } else { ',' }));
        }
        self.push(format_args!("{} {value}\n", if labels.is_empty() { "" } else { "}" }));
    }

    /// The samples of a histogram.
    pub fn histogram(&mut self, name: &str, labels: Labels<'_>, histogram: &Histogram) {
        let mut so_far = 0;
        let ends = histogram.bounds.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
        for (end, count) in ends.zip(&histogram.counts) {
            so_far += count;
            let mut labels = labels.to_vec();
            labels.push(("le", &end));
            self.line(&format!("{name}_bucket"), &labels, so_far);
        }
        self.line(&format!("{name}_sum"), labels, histogram.sum.as_secs_f64());
        self.line(&format!("{name}_count"), labels, so_far);
    }

    /// What another page has, behind what this one has.
    pub fn append(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.0
    }

    fn push(&mut self, what: std::fmt::Arguments<'_>) {
        // A text takes whatever is written.
        let _written = self.0.write_fmt(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_what_prometheus_reads() {
        let mut histogram = Histogram::new(&[0.25, 1.0]);
        for millis in [0, 250, 251, 1_000, 1_001, 60_000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let mut page = Exposition::default();
        page.head("t", "histogram", "Times.");
        page.histogram("t", &[("a", "x\"y\\z\n")], &histogram);
        page.line("n", &[], 1);
        let expected = "# HELP t Times.\n# TYPE t histogram\n\
            t_bucket{a=\"x\\\"y\\\\z\\n\",le=\"0.25\"} 2\n\
            t_bucket{a=\"x\\\"y\\\\z\\n\",le=\"1\"} 4\n\
            t_bucket{a=\"x\\\"y\\\\z\\n\",le=\"+Inf\"} 6\n\
            t_sum{a=\"x\\\"y\\\\z\\n\"} 62.502\n\
            t_count{a=\"x\\\"y\\\\z\\n\"} 6\nn 1\n";
        assert_eq!(page.into_text(), expected);
    }
}
