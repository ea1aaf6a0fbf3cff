//! Output with the bookkeeping that decides on blanks and line breaks.

/// Columns of one level.
const INDENT: usize = 2;

/// The text so far. The names of the flags are those of libyaml, whose rules these are.
#[derive(Debug)]
pub(super) struct Writer {
    out: String,
    /// Characters in the last line.
    column: usize,
    /// Column of the innermost collection; `None` before the first.
    indent: Option<usize>,
    outer: Vec<Option<usize>>,
    /// Whether the last thing written needs no blank after it.
    whitespace: bool,
    /// Whether the line has nothing but indentation and `-`, `?`, `:` so far.
    indention: bool,
}

impl Default for Writer {
    fn default() -> Self {
        Self {
            out: String::new(),
            column: 0,
            indent: None,
            outer: Vec::new(),
            whitespace: true,
            indention: true,
        }
    }
}

impl Writer {
    pub(super) fn column(&self) -> usize {
        self.column
    }

    pub(super) fn at_indentation(&self) -> bool {
        self.indention
    }

    /// Goes one level in; with `flush`, to the same column.
    pub(super) fn push_indent(&mut self, flush: bool) {
        self.outer.push(self.indent);
        self.indent = match self.indent {
            None => Some(0),
            Some(indent) if flush => Some(indent),
            Some(indent) => Some(indent + INDENT),
        };
    }

    /// As [`Self::push_indent`], for a scalar or a collection in one line: these are indented at the root, too.
    pub(super) fn push_inline_indent(&mut self) {
        self.outer.push(self.indent);
        self.indent = Some(self.indent.map_or(INDENT, |indent| indent + INDENT));
    }

    pub(super) fn pop_indent(&mut self) {
        self.indent = self.outer.pop().flatten();
    }

    /// Starts a line at the current level, unless the line is there already.
    pub(super) fn indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.line_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    pub(super) fn indicator(&mut self, indicator: &str, needs_blank: bool, keeps_indention: bool) {
        if needs_blank && !self.whitespace {
            self.put(' ');
        }
        indicator.chars().for_each(|c| self.put(c));
        self.whitespace = false;
        self.indention &= keeps_indention;
    }

    /// An empty collection.
    pub(super) fn indicator_pair(&mut self, open: &str, close: &str) {
        self.indicator(open, true, false);
        self.indicator(close, false, false);
    }

    pub(super) fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    pub(super) fn line_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    /// Writes a line break of a text, as the character it is.
    pub(super) fn text_break(&mut self, c: char) {
        self.out.push(c);
        self.column = 0;
        self.indention = true;
    }

    /// Puts a blank before a scalar where one is needed.
    pub(super) fn separate(&mut self) {
        if !self.whitespace {
            self.put(' ');
        }
    }

    pub(super) fn set_flags(&mut self, whitespace: bool, indention: bool) {
        self.whitespace = whitespace;
        self.indention = indention;
    }

    pub(super) fn set_indention(&mut self, indention: bool) {
        self.indention = indention;
    }

    pub(super) fn end_document(mut self) -> String {
        self.indent();
        self.out
    }
}
