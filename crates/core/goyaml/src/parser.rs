//! Tokens to events: the YAML 1.1 grammar as a machine with its own stack, as libyaml has it.

use std::borrow::Cow;

use crate::Error;
use crate::cursor::{Position, Separators, syntax};
use crate::outline::{Extent, Style};
use crate::scanner::Scanner;
use crate::token::{Handle, Spanned, Token};

/// What the parser makes of the tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias(String),
    /// `tag` is empty where there is none; `resolvable` where the words alone decide on the type.
    Scalar {
        anchor: Option<String>,
        tag: String,
        text: Cow<'a, str>,
        resolvable: bool,
    },
    SequenceStart {
        anchor: Option<String>,
    },
    SequenceEnd,
    MappingStart {
        anchor: Option<String>,
    },
    MappingEnd,
}

/// What the parser expects next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// `implicit`: it may start without a `---`.
    DocumentStart {
        first: bool,
        implicit: bool,
    },
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceEntry {
        first: bool,
    },
    IndentlessSequenceEntry,
    BlockMappingKey {
        first: bool,
    },
    BlockMappingValue,
    FlowSequenceEntry {
        first: bool,
    },
    FlowSequencePairKey,
    FlowSequencePairValue,
    FlowSequencePairEnd,
    FlowMappingKey {
        first: bool,
    },
    FlowMappingValue {
        empty: bool,
    },
    End,
}

/// Which nodes may stand at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Flow,
    Block,
    /// As [`Place::Block`], or a list that is not indented under its key.
    BlockOrIndentless,
}

/// Makes events on demand.
#[derive(Debug)]
pub(crate) struct Parser<'a> {
    scanner: Scanner<'a>,
    state: State,
    outer: Vec<State>,
    extent: Extent,
    /// Where the open collections start.
    open: Vec<Position>,
    /// Handle and prefix; those of the document, then the two that always hold.
    tags: Vec<(String, String)>,
}

type Located<'a> = (Event<'a>, Position);

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str, separators: Separators) -> Self {
        Self {
            scanner: Scanner::new(text, separators),
            state: State::DocumentStart { first: true, implicit: true },
            outer: Vec::new(),
            extent: Extent::default(),
            open: Vec::new(),
            tags: Vec::new(),
        }
    }

    /// The next event and where it starts. After [`Event::StreamEnd`] it stays at that.
    pub(crate) fn next(&mut self) -> Result<Located<'a>, Error> {
        match self.state {
            State::DocumentStart { first, implicit } => self.document_start(first, implicit),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(Place::Block),
            State::BlockSequenceEntry { first } => self.block_sequence_entry(first),
            State::IndentlessSequenceEntry => self.indentless_sequence_entry(),
            State::BlockMappingKey { first } => self.block_mapping_key(first),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequenceEntry { first } => self.flow_sequence_entry(first),
            State::FlowSequencePairKey => self.flow_sequence_pair_key(),
            State::FlowSequencePairValue => self.flow_sequence_pair_value(),
            State::FlowSequencePairEnd => {
                let at = self.peek()?.1;
                self.state = State::FlowSequenceEntry { first: false };
                Ok((Event::MappingEnd, at))
            }
            State::FlowMappingKey { first } => self.flow_mapping_key(first),
            State::FlowMappingValue { empty } => self.flow_mapping_value(empty),
            State::End => Ok((Event::StreamEnd, self.peek()?.1)),
        }
    }

    fn peek(&mut self) -> Result<(&Token<'a>, Position), Error> {
        self.scanner.peek().map(|spanned| (&spanned.token, spanned.start))
    }

    /// Which bytes the node of the last event has. Its end is that of what was read so far: for the start of a collection, of its properties.
    pub(crate) fn extent(&self) -> Extent {
        self.extent
    }

    fn take(&mut self) -> Result<Spanned<'a>, Error> {
        let taken = self.scanner.next()?;
        // Tokens that stand for indentation take no room, and may lie behind blank lines and comments.
        if taken.start.offset < taken.end.offset {
            self.extent.end = taken.end.offset;
        }
        Ok(taken)
    }

    fn next_is(&mut self, tokens: &[Token]) -> Result<bool, Error> {
        let (token, _) = self.peek()?;
        Ok(tokens.contains(token))
    }

    /// Ends what is being read and goes back to what it stands in.
    fn leave(&mut self) {
        self.state = self.outer.pop().unwrap_or(State::End);
    }

    fn node_then(&mut self, then: State, place: Place) -> Result<Located<'a>, Error> {
        self.outer.push(then);
        self.node(place)
    }

    fn nothing_then(&mut self, then: State, at: Position) -> Result<Located<'a>, Error> {
        self.state = then;
        self.extent.nothing();
        let (tag, text) = (String::new(), Cow::Borrowed(""));
        Ok((Event::Scalar { anchor: None, tag, text, resolvable: true }, at))
    }

    fn close(&mut self, event: Event<'a>) -> Result<Located<'a>, Error> {
        self.leave();
        self.open.pop();
        Ok((event, self.take()?.start))
    }

    fn document_start(&mut self, first: bool, implicit: bool) -> Result<Located<'a>, Error> {
        while !first && self.next_is(&[Token::DocumentEnd])? {
            self.take()?;
        }
        let (token, at) = self.peek()?;
        let explicit =
            matches!(token, Token::VersionDirective { .. } | Token::TagDirective(_) | Token::DocumentStart);
        if *token == Token::StreamEnd {
            self.state = State::End;
            return Ok((Event::StreamEnd, at));
        }
        if implicit && !explicit {
            self.directives()?;
            self.state = State::BlockNode;
        } else {
            self.directives()?;
            let (token, at) = self.peek()?;
            if *token != Token::DocumentStart {
                return Err(syntax(at, "did not find expected <document start>"));
            }
            self.take()?;
            self.state = State::DocumentContent;
        }
        self.outer.push(State::DocumentEnd);
        Ok((Event::DocumentStart, at))
    }

    fn document_content(&mut self) -> Result<Located<'a>, Error> {
        let (token, at) = self.peek()?;
        match token {
            Token::VersionDirective { .. }
            | Token::TagDirective(_)
            | Token::DocumentStart
            | Token::DocumentEnd
            | Token::StreamEnd => {
                let then = self.outer.pop().unwrap_or(State::End);
                self.nothing_then(then, at)
            }
            _ => self.node(Place::Block),
        }
    }

    fn document_end(&mut self) -> Result<Located<'a>, Error> {
        let (token, at) = self.peek()?;
        // Go's library wants a `---` even after a `...`; a reader of streams must not lose what follows.
        let implicit = *token == Token::DocumentEnd;
        if implicit {
            self.take()?;
        }
        self.tags.clear();
        self.state = State::DocumentStart { first: false, implicit };
        Ok((Event::DocumentEnd, at))
    }

    fn directives(&mut self) -> Result<(), Error> {
        let mut versions = 0;
        loop {
            match self.peek()? {
                (Token::VersionDirective { major, minor }, at) => {
                    let known = (*major, *minor) == (1, 1);
                    versions += 1;
                    if versions > 1 {
                        return Err(syntax(at, "found duplicate %YAML directive"));
                    }
                    if !known {
                        return Err(syntax(at, "found incompatible YAML document"));
                    }
                }
                (Token::TagDirective(tag), at) => {
                    let tag = (tag.handle.clone(), tag.rest.clone());
                    if self.tags.iter().any(|(known, _)| *known == tag.0) {
                        return Err(syntax(at, "found duplicate %TAG directive"));
                    }
                    if self.tags.len() >= MAX_TAG_DIRECTIVES {
                        return Err(syntax(at, "found too many %TAG directives"));
                    }
                    self.tags.push(tag);
                }
                _ => break,
            }
            self.take()?;
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if !self.tags.iter().any(|(known, _)| known == handle) {
                self.tags.push((handle.to_owned(), prefix.to_owned()));
            }
        }
        Ok(())
    }

    /// An anchor and a tag, in either order.
    fn properties(&mut self) -> Result<(Option<String>, String), Error> {
        let (mut anchor, mut tag) = (None, None);
        loop {
            match self.peek()?.0 {
                Token::Anchor(_) if anchor.is_none() => {}
                Token::Tag(_) if tag.is_none() => {}
                _ => break,
            }
            let Spanned { token, start, .. } = self.take()?;
            match token {
                Token::Anchor(name) => anchor = Some(name),
                Token::Tag(written) => tag = Some(self.full_tag(*written, start)?),
                _ => {}
            }
        }
        Ok((anchor, tag.unwrap_or_default()))
    }

    fn full_tag(&self, written: Handle, at: Position) -> Result<String, Error> {
        if written.handle.is_empty() {
            return Ok(written.rest);
        }
        match self.tags.iter().find(|(known, _)| *known == written.handle) {
            Some((_, prefix)) => Ok(format!("{prefix}{}", written.rest)),
            None => Err(syntax(at, "found undefined tag handle")),
        }
    }

    fn node(&mut self, place: Place) -> Result<Located<'a>, Error> {
        let (token, start) = self.peek()?;
        if matches!(token, Token::Alias(_)) {
            self.leave();
            let Token::Alias(name) = self.take()?.token else {
                return Err(syntax(start, "did not find expected node content"));
            };
            self.extent =
                Extent { start: start.offset, content: start.offset, style: Style::Alias, ..self.extent };
            return Ok((Event::Alias(name), start));
        }
        let (anchor, tag) = self.properties()?;
        let block = place != Place::Flow;
        let (token, at) = self.peek()?;
        let style = match token {
            Token::Scalar { style, .. } => *style,
            Token::FlowSequenceStart | Token::FlowMappingStart => Style::Flow,
            Token::BlockEntry => Style::Indentless,
            _ => Style::Block,
        };
        self.extent = Extent { start: start.offset, content: at.offset, style, ..self.extent };
        let (token, at) = self.peek()?;
        let (event, state) = match token {
            Token::BlockEntry if place == Place::BlockOrIndentless => {
                (Event::SequenceStart { anchor }, State::IndentlessSequenceEntry)
            }
            Token::Scalar { .. } => {
                self.leave();
                let Token::Scalar { text, style } = self.take()?.token else {
                    return Err(syntax(at, "did not find expected node content"));
                };
                let resolvable = (style == Style::Plain && tag.is_empty()) || tag == "!";
                return Ok((Event::Scalar { anchor, tag, text, resolvable }, start));
            }
            Token::FlowSequenceStart => {
                (Event::SequenceStart { anchor }, State::FlowSequenceEntry { first: true })
            }
            Token::FlowMappingStart => {
                (Event::MappingStart { anchor }, State::FlowMappingKey { first: true })
            }
            Token::BlockSequenceStart if block => {
                (Event::SequenceStart { anchor }, State::BlockSequenceEntry { first: true })
            }
            Token::BlockMappingStart if block => {
                (Event::MappingStart { anchor }, State::BlockMappingKey { first: true })
            }
            _ if anchor.is_some() || !tag.is_empty() => {
                let resolvable = tag.is_empty();
                self.leave();
                self.extent.nothing();
                self.extent.start = start.offset;
                return Ok((Event::Scalar { anchor, tag, text: Cow::Borrowed(""), resolvable }, start));
            }
            _ => return Err(syntax(at, "did not find expected node content")),
        };
        self.state = state;
        Ok((event, start))
    }

    /// Takes the token that opens a collection.
    fn enter(&mut self) -> Result<(), Error> {
        let opening = self.take()?;
        self.open.push(opening.start);
        Ok(())
    }

    /// An error in the innermost collection.
    fn misfit(&self, at: Position, problem: &'static str) -> Error {
        syntax(at, problem).within(self.open.last().map(|start| (*start).into()))
    }

    fn block_sequence_entry(&mut self, first: bool) -> Result<Located<'a>, Error> {
        if first {
            self.enter()?;
        }
        match self.peek()? {
            (Token::BlockEntry, _) => {
                let after = self.take()?.end;
                let then = State::BlockSequenceEntry { first: false };
                if self.next_is(&[Token::BlockEntry, Token::BlockEnd])? {
                    return self.nothing_then(then, after);
                }
                self.node_then(then, Place::Block)
            }
            (Token::BlockEnd, _) => self.close(Event::SequenceEnd),
            (_, at) => Err(self.misfit(at, "did not find expected '-' indicator")),
        }
    }

    fn indentless_sequence_entry(&mut self) -> Result<Located<'a>, Error> {
        let (token, at) = self.peek()?;
        if *token != Token::BlockEntry {
            self.leave();
            return Ok((Event::SequenceEnd, at));
        }
        let after = self.take()?.end;
        if self.next_is(&[Token::BlockEntry, Token::Key, Token::Value, Token::BlockEnd])? {
            return self.nothing_then(State::IndentlessSequenceEntry, after);
        }
        self.node_then(State::IndentlessSequenceEntry, Place::Block)
    }

    fn block_mapping_key(&mut self, first: bool) -> Result<Located<'a>, Error> {
        if first {
            self.enter()?;
        }
        match self.peek()? {
            (Token::Key, _) => {
                let after = self.take()?.end;
                if self.next_is(&[Token::Key, Token::Value, Token::BlockEnd])? {
                    return self.nothing_then(State::BlockMappingValue, after);
                }
                self.node_then(State::BlockMappingValue, Place::BlockOrIndentless)
            }
            (Token::BlockEnd, _) => self.close(Event::MappingEnd),
            (_, at) => Err(self.misfit(at, "did not find expected key")),
        }
    }

    fn block_mapping_value(&mut self) -> Result<Located<'a>, Error> {
        let then = State::BlockMappingKey { first: false };
        let (token, at) = self.peek()?;
        if *token != Token::Value {
            return self.nothing_then(then, at);
        }
        let after = self.take()?.end;
        if self.next_is(&[Token::Key, Token::Value, Token::BlockEnd])? {
            return self.nothing_then(then, after);
        }
        self.node_then(then, Place::BlockOrIndentless)
    }

    fn flow_sequence_entry(&mut self, first: bool) -> Result<Located<'a>, Error> {
        if first {
            self.enter()?;
        }
        self.flow_separator(first, &Token::FlowSequenceEnd, "did not find expected ',' or ']'")?;
        match self.peek()? {
            (Token::FlowSequenceEnd, _) => self.close(Event::SequenceEnd),
            (Token::Key, at) => {
                self.take()?;
                self.extent =
                    Extent { start: at.offset, content: at.offset, style: Style::Pair, ..self.extent };
                self.state = State::FlowSequencePairKey;
                Ok((Event::MappingStart { anchor: None }, at))
            }
            _ => self.node_then(State::FlowSequenceEntry { first: false }, Place::Flow),
        }
    }

    /// Between two entries of a flow collection there is a comma.
    fn flow_separator(&mut self, first: bool, end: &Token, problem: &'static str) -> Result<(), Error> {
        let (token, at) = self.peek()?;
        if first || token == end {
            return Ok(());
        }
        if *token != Token::FlowEntry {
            return Err(self.misfit(at, problem));
        }
        self.take().map(|_| ())
    }

    fn flow_sequence_pair_key(&mut self) -> Result<Located<'a>, Error> {
        if self.next_is(&[Token::Value, Token::FlowEntry, Token::FlowSequenceEnd])? {
            // Go's library drops this token too, so that `[? : x]` is an error there and here.
            let after = self.take()?.end;
            return self.nothing_then(State::FlowSequencePairValue, after);
        }
        self.node_then(State::FlowSequencePairValue, Place::Flow)
    }

    fn flow_sequence_pair_value(&mut self) -> Result<Located<'a>, Error> {
        let (token, at) = self.peek()?;
        if *token == Token::Value {
            self.take()?;
            if !self.next_is(&[Token::FlowEntry, Token::FlowSequenceEnd])? {
                return self.node_then(State::FlowSequencePairEnd, Place::Flow);
            }
        }
        self.nothing_then(State::FlowSequencePairEnd, at)
    }

    fn flow_mapping_key(&mut self, first: bool) -> Result<Located<'a>, Error> {
        if first {
            self.enter()?;
        }
        self.flow_separator(first, &Token::FlowMappingEnd, "did not find expected ',' or '}'")?;
        match self.peek()? {
            (Token::FlowMappingEnd, _) => self.close(Event::MappingEnd),
            (Token::Key, _) => {
                self.take()?;
                let then = State::FlowMappingValue { empty: false };
                if self.next_is(&[Token::Value, Token::FlowEntry, Token::FlowMappingEnd])? {
                    let at = self.peek()?.1;
                    return self.nothing_then(then, at);
                }
                self.node_then(then, Place::Flow)
            }
            _ => self.node_then(State::FlowMappingValue { empty: true }, Place::Flow),
        }
    }

    fn flow_mapping_value(&mut self, empty: bool) -> Result<Located<'a>, Error> {
        let then = State::FlowMappingKey { first: false };
        let (token, at) = self.peek()?;
        if !empty && *token == Token::Value {
            self.take()?;
            if !self.next_is(&[Token::FlowEntry, Token::FlowMappingEnd])? {
                return self.node_then(then, Place::Flow);
            }
        }
        self.nothing_then(then, at)
    }
}

/// `%TAG` directives a document may have: each node's tag is looked up among them.
const MAX_TAG_DIRECTIVES: usize = 64;
