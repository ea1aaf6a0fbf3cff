//! Text to tokens, the way libyaml does it: one pass, block structure from indentation, and a queue that holds tokens back while one
//! of them may still turn out to be a key.

mod properties;
mod scalars;

use std::collections::{BTreeMap, VecDeque};

use crate::Error;
use crate::cursor::{Cursor, Position, Separators, syntax};
use crate::token::{Spanned, Token};

/// A key without `?` must be followed by its `:` within this many characters, on the same line.
const MAX_SIMPLE_KEY: usize = 1024;

/// Go tells the place where it gave up; we tell the key's.
const MISSING_COLON: &str = "could not find expected ':'";

/// A token that is a key if a `:` comes soon.
#[derive(Debug, Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    /// In block context at the very indentation of a mapping, nothing but a key may stand.
    required: bool,
    /// Number of the token, counted from the start of the text.
    token: usize,
    position: Position,
}

/// Makes tokens on demand.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    cursor: Cursor<'a>,
    queue: VecDeque<Spanned<'a>>,
    /// Tokens handed out.
    handed_out: usize,
    /// Whether the head of the queue is known to be no key.
    ready: bool,
    /// Columns of the open block collections; `None` is the level of the stream.
    indent: Option<usize>,
    outer_indents: Vec<Option<usize>>,
    /// One for the block context and one for each open flow collection.
    simple_keys: Vec<SimpleKey>,
    /// Possible keys: number of the token to level.
    key_levels: BTreeMap<usize, usize>,
    simple_key_allowed: bool,
    /// Whether the end was reached: nothing before it can be a key any more.
    ended: bool,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str, separators: Separators) -> Self {
        Self {
            cursor: Cursor::new(text, separators),
            queue: VecDeque::new(),
            handed_out: 0,
            ready: false,
            indent: None,
            outer_indents: Vec::new(),
            simple_keys: vec![SimpleKey::default()],
            key_levels: BTreeMap::new(),
            simple_key_allowed: true,
            ended: false,
        }
    }

    /// The next token. After [`Token::StreamEnd`] it stays at that.
    pub(crate) fn peek(&mut self) -> Result<&Spanned<'a>, Error> {
        if !self.ready {
            self.fetch_enough()?;
            self.ready = true;
        }
        // The queue is never empty after `fetch_enough`.
        self.queue.front().ok_or_else(|| self.cursor.error("unknown problem parsing YAML content"))
    }

    /// Takes the next token off; the end of the stream stays.
    pub(crate) fn next(&mut self) -> Result<Spanned<'a>, Error> {
        let head = self.peek()?;
        if head.token == Token::StreamEnd {
            return Ok(head.clone());
        }
        self.ready = false;
        self.handed_out += 1;
        self.queue.pop_front().ok_or_else(|| self.cursor.error("unknown problem parsing YAML content"))
    }

    fn fetch_enough(&mut self) -> Result<(), Error> {
        while self.queue.is_empty() || self.head_may_be_key()? {
            self.fetch()?;
        }
        Ok(())
    }

    fn head_may_be_key(&mut self) -> Result<bool, Error> {
        match self.key_levels.get(&self.handed_out).copied() {
            Some(level) => self.key_is_possible(level),
            None => Ok(false),
        }
    }

    fn fetch(&mut self) -> Result<(), Error> {
        self.skip_to_token();
        self.unroll_indent(Some(self.cursor.column()));
        let (first, flow) = (self.cursor.byte(0), self.in_flow());
        let alone = self.cursor.is_blank_or_end(1);
        match first {
            _ if self.cursor.is_end() => self.fetch_stream_end(),
            b'%' if self.cursor.column() == 0 => self.fetch_directive(),
            b'-' | b'.' if self.cursor.is_document_indicator(first) => self.fetch_document_indicator(first),
            b'[' => self.fetch_flow_start(Token::FlowSequenceStart),
            b'{' => self.fetch_flow_start(Token::FlowMappingStart),
            b']' => self.fetch_flow_end(Token::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(Token::FlowMappingEnd),
            b',' => {
                self.remove_simple_key()?;
                self.simple_key_allowed = true;
                self.push_indicator(Token::FlowEntry, 1);
                Ok(())
            }
            b'-' if alone => self.fetch_block_entry(),
            b'?' if flow || alone => self.fetch_key(),
            b':' if flow || alone => self.fetch_value(),
            b'*' | b'&' | b'!' | b'\'' | b'"' => self.fetch_node_start(first),
            b'|' | b'>' if !flow => {
                self.remove_simple_key()?;
                self.simple_key_allowed = true;
                let scalar = self.scan_block_scalar(first == b'|')?;
                self.queue.push_back(scalar);
                Ok(())
            }
            _ if self.starts_plain(first) => self.fetch_node_start(first),
            _ => Err(self.cursor.error("found character that cannot start any token")),
        }
    }

    /// Whether a plain scalar may start here. Indicators may not, save `-`, and in block context `?` and `:`, with something glued to
    /// them.
    fn starts_plain(&self, first: u8) -> bool {
        match first {
            b'-' => !self.cursor.is_blank(1),
            b'?' | b':' => !self.in_flow() && !self.cursor.is_blank_or_end(1),
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' => false,
            b'|' | b'>' | b'\'' | b'"' | b'%' | b'@' | b'`' => false,
            _ => !self.cursor.is_blank_or_end(0),
        }
    }

    /// Aliases, anchors, tags and scalars that are no block scalars: each may be, or begin, a key, and none may follow another.
    fn fetch_node_start(&mut self, first: u8) -> Result<(), Error> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let token = match first {
            b'*' | b'&' => self.scan_anchor(first == b'*')?,
            b'!' => self.scan_tag()?,
            b'\'' | b'"' => self.scan_quoted(first)?,
            _ => self.scan_plain()?,
        };
        self.queue.push_back(token);
        Ok(())
    }

    fn in_flow(&self) -> bool {
        self.simple_keys.len() > 1
    }

    /// Passes white space and comments, and a byte order mark before a document (streams are glued together from files). A tab counts as white space where it cannot be mistaken for indentation.
    fn skip_to_token(&mut self) {
        loop {
            if self.cursor.column() == 0 && self.indent.is_none() && self.cursor.is_byte_order_mark() {
                self.cursor.skip_byte_order_mark();
            }
            while self.cursor.is(b' ')
                || (self.cursor.is(b'\t') && (self.in_flow() || !self.simple_key_allowed))
            {
                self.cursor.skip();
            }
            self.cursor.skip_comment();
            if !self.cursor.is_break(0) {
                return;
            }
            self.cursor.skip_break();
            if !self.in_flow() {
                self.simple_key_allowed = true;
            }
        }
    }

    fn push_indicator(&mut self, token: Token<'a>, width: usize) {
        let start = self.cursor.position();
        self.cursor.skip_many(width);
        self.queue.push_back(Spanned { token, start, end: self.cursor.position() });
    }

    /// Puts a token that takes no room before the one with this number, or last.
    fn insert(&mut self, before: Option<usize>, token: Token<'a>, at: Position) {
        let token = Spanned { token, start: at, end: at };
        let index = before.map_or(self.queue.len(), |number| number.saturating_sub(self.handed_out));
        self.queue.insert(index.min(self.queue.len()), token);
    }

    fn roll_indent(&mut self, column: usize, before: Option<usize>, token: Token<'a>, at: Position) {
        if !self.in_flow() && self.indent.is_none_or(|indent| indent < column) {
            self.outer_indents.push(self.indent);
            self.indent = Some(column);
            self.insert(before, token, at);
        }
    }

    /// Closes block collections that are further in than a column; `None` closes all.
    fn unroll_indent(&mut self, column: Option<usize>) {
        if self.in_flow() {
            return;
        }
        while self.indent > column {
            let at = self.cursor.position();
            self.insert(None, Token::BlockEnd, at);
            self.indent = self.outer_indents.pop().flatten();
        }
    }

    /// Whether the possible key of a level still can be one; forgets it where not.
    fn key_is_possible(&mut self, level: usize) -> Result<bool, Error> {
        let (now, ended) = (self.cursor.position(), self.ended);
        let Some(key) = self.simple_keys.get_mut(level) else { return Ok(false) };
        if !key.possible {
            return Ok(false);
        }
        if ended || key.position.line < now.line || key.position.index + MAX_SIMPLE_KEY < now.index {
            if key.required {
                return Err(syntax(key.position, MISSING_COLON));
            }
            key.possible = false;
            self.key_levels.remove(&key.token);
            return Ok(false);
        }
        Ok(true)
    }

    fn save_simple_key(&mut self) -> Result<(), Error> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        let key = SimpleKey {
            possible: true,
            required: !self.in_flow() && self.indent == Some(self.cursor.column()),
            token: self.handed_out + self.queue.len(),
            position: self.cursor.position(),
        };
        self.remove_simple_key()?;
        self.key_levels.insert(key.token, self.simple_keys.len() - 1);
        if let Some(last) = self.simple_keys.last_mut() {
            *last = key;
        }
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Result<(), Error> {
        let Some(key) = self.simple_keys.last_mut().filter(|key| key.possible) else { return Ok(()) };
        if key.required {
            return Err(syntax(key.position, MISSING_COLON));
        }
        key.possible = false;
        self.key_levels.remove(&key.token);
        Ok(())
    }

    fn fetch_stream_end(&mut self) -> Result<(), Error> {
        self.unroll_indent(None);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.ended = true;
        self.push_indicator(Token::StreamEnd, 0);
        Ok(())
    }

    fn fetch_directive(&mut self) -> Result<(), Error> {
        self.unroll_indent(None);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let directive = self.scan_directive()?;
        self.queue.push_back(directive);
        Ok(())
    }

    fn fetch_document_indicator(&mut self, first: u8) -> Result<(), Error> {
        self.unroll_indent(None);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push_indicator(if first == b'-' { Token::DocumentStart } else { Token::DocumentEnd }, 3);
        Ok(())
    }

    fn fetch_flow_start(&mut self, token: Token<'a>) -> Result<(), Error> {
        self.save_simple_key()?;
        self.simple_keys.push(SimpleKey::default());
        self.simple_key_allowed = true;
        self.push_indicator(token, 1);
        Ok(())
    }

    fn fetch_flow_end(&mut self, token: Token<'a>) -> Result<(), Error> {
        self.remove_simple_key()?;
        if self.in_flow() {
            self.simple_keys.pop();
        }
        self.simple_key_allowed = false;
        self.push_indicator(token, 1);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), Error> {
        // In flow context it is the parser that complains.
        if !self.in_flow() {
            if !self.simple_key_allowed {
                return Err(self.cursor.error("block sequence entries are not allowed in this context"));
            }
            let at = self.cursor.position();
            self.roll_indent(at.column, None, Token::BlockSequenceStart, at);
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(Token::BlockEntry, 1);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), Error> {
        if !self.in_flow() {
            if !self.simple_key_allowed {
                return Err(self.cursor.error("mapping keys are not allowed in this context"));
            }
            let at = self.cursor.position();
            self.roll_indent(at.column, None, Token::BlockMappingStart, at);
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = !self.in_flow();
        self.push_indicator(Token::Key, 1);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), Error> {
        let level = self.simple_keys.len() - 1;
        if self.key_is_possible(level)? {
            let key = self.simple_keys.get(level).copied().unwrap_or_default();
            self.insert(Some(key.token), Token::Key, key.position);
            self.roll_indent(key.position.column, Some(key.token), Token::BlockMappingStart, key.position);
            self.key_levels.remove(&key.token);
            if let Some(last) = self.simple_keys.last_mut() {
                last.possible = false;
            }
            self.simple_key_allowed = false;
        } else {
            if !self.in_flow() {
                if !self.simple_key_allowed {
                    return Err(self.cursor.error("mapping values are not allowed in this context"));
                }
                let at = self.cursor.position();
                self.roll_indent(at.column, None, Token::BlockMappingStart, at);
            }
            self.simple_key_allowed = !self.in_flow();
        }
        self.push_indicator(Token::Value, 1);
        Ok(())
    }
}
