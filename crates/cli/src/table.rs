//! Columns, aligned as Go's `text/tabwriter` aligns them.

use std::borrow::Cow;

use crate::escape;
use crate::look::{Look, Paint};

/// A text in a table, and its colour.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) paint: Paint,
}

impl From<&str> for Cell {
    /// Text from anywhere: it is escaped.
    fn from(text: &str) -> Self {
        Self { text: escape::line(text).into_owned(), paint: Paint::Plain }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        match escape::line(&text) {
            Cow::Borrowed(_) => Self { text, paint: Paint::Plain },
            Cow::Owned(text) => Self { text, paint: Paint::Plain },
        }
    }
}

/// Rows of cells, two blanks between columns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
    minimum: usize,
    /// Blanks between columns, where they are not two.
    gap: Option<usize>,
}

const GAP: usize = 2;

impl Table {
    /// A table with a row of titles.
    pub(crate) fn new(titles: &[&str]) -> Self {
        let mut table = Self::default();
        table.row(titles.iter().map(|title| Cell { text: (*title).to_owned(), paint: Paint::Dim }).collect());
        table
    }

    /// A table with a row of titles, and so many blanks between columns.
    pub(crate) fn with_gap(gap: usize, titles: &[&str]) -> Self {
        Self { gap: Some(gap), ..Self::new(titles) }
    }

    /// A table whose columns are at least this wide, gap included.
    pub(crate) fn with_minimum(minimum: usize) -> Self {
        Self { minimum, ..Self::default() }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// **Shape**: each column but a row's last is padded to the widest of its cells and the gap. Our own tables end
    /// their lines where the text ends; the peer's keep the blanks before an empty last cell.
    pub(crate) fn render(&self, look: Look) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let terminated = self.rows.iter().filter(|row| column + 1 < row.len());
                let widest = terminated.map(|row| row[column].text.chars().count()).max().unwrap_or_default();
                (widest + self.gap.unwrap_or(GAP)).max(self.minimum)
            })
            .collect();
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            let mut blanks = 0;
            for (column, cell) in row.iter().enumerate() {
                if !cell.text.is_empty() || !look.native() {
                    line.extend(std::iter::repeat_n(' ', blanks));
                    blanks = 0;
                    line.push_str(&look.paint(cell.paint, &cell.text));
                }
                if column + 1 < row.len() {
                    blanks += widths[column].saturating_sub(cell.text.chars().count());
                }
            }
            out.push_str(&line);
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Style;

    #[test]
    fn columns_align_and_colours_take_no_room() {
        let mut table = Table::new(&["NAME", "STATUS", "NOTE"]);
        table.row(vec!["a".into(), Cell { text: "Synced".to_owned(), paint: Paint::Good }, "x\ny".into()]);
        table.row(vec!["longer".into(), "".into(), "".into()]);
        let native = Look::default();
        assert_eq!(table.render(native), "NAME    STATUS  NOTE\na       Synced  x\\ny\nlonger\n");
        let peer = Look { style: Style::Argocd, ..native };
        assert_eq!(table.render(peer), "NAME    STATUS  NOTE\na       Synced  x\\ny\nlonger          \n");
        let painted = table.render(Look { color: true, ..native });
        assert!(painted.contains("a       \u{1b}[32mSynced\u{1b}[0m  x\\ny\n"), "{painted:?}");
    }
}
