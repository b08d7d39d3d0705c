//! Where in the grammar a cursor stands, also in a text that is half typed: in a header, at a key, at a value.
//!
//! Read from the tokens in front of the cursor, from the last item on that starts there: what is broken behind the
//! cursor does not count, and what is broken in front of it costs no more than its line.

use std::borrow::Cow;

use skillyard_manifest::{
    Span,
    edits::line_start,
    syntax::{Item, Token, TokenKind, Tree},
};

use crate::{Meaning, Path, Source, Step};

/// What can be typed at the cursor.
#[derive(Debug)]
pub(super) enum Spot<'t> {
    /// Nothing that is known: a comment, prose, a place behind a value.
    Nothing,
    /// The name of a table between brackets.
    Header(HeaderSpot<'t>),
    /// A key.
    Key(KeySpot<'t>),
    /// A value.
    Value(ValueSpot<'t>),
}

/// What is typed already at the cursor, and is replaced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    /// With its quotes; empty where nothing is typed yet.
    pub span: Span,
    /// Its quotes.
    pub quote: Option<Quote>,
}

/// The quotes of a string.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quote {
    /// `"` or `'`.
    pub mark: char,
    /// Whether the closing one is there.
    pub closed: bool,
}

impl Word {
    fn empty(at: usize) -> Self {
        Self { span: Span::at(at), quote: None }
    }

    /// What stands between the quotes.
    pub(super) fn content(&self) -> Span {
        match self.quote {
            None => self.span,
            Some(quote) => Span::new(self.span.start + 1, self.span.end - usize::from(quote.closed)),
        }
    }
}

/// What has to be written around a key or value so that the list that it stands in stays one.
#[derive(Clone, Default, Debug)]
pub(super) struct Around {
    /// Goes in front: a space.
    pub before: &'static str,
    /// Goes behind: a comma, a space, brackets that are missing.
    pub after: String,
    /// Where a comma is missing behind the value in front.
    pub comma: Option<usize>,
}

/// What stands behind a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// The end of the line, of the list or of the entry.
    End,
    /// `=`.
    Equals,
    /// `.`
    Dot,
    /// Something that does not belong there.
    Other,
}

/// A key that is typed.
#[derive(Debug)]
pub(super) struct KeySpot<'t> {
    /// The table that the key goes to.
    pub table: Path<'t>,
    /// Whether it stands on a line, not in an inline table.
    pub lines: bool,
    /// Whether parts of a dotted key stand in front of it.
    pub dotted: bool,
    /// The part at the cursor.
    pub word: Word,
    /// The dotted key from its first part to the one at the cursor.
    pub whole: Span,
    /// What stands behind it.
    pub next: Next,
    /// What is missing around it.
    pub around: Around,
}

/// A value that is typed.
#[derive(Debug)]
pub(super) struct ValueSpot<'t> {
    /// The way to it.
    pub path: Path<'t>,
    /// What is there.
    pub word: Word,
    /// Whether the cursor is within its quotes, not in front of them.
    pub within: bool,
    /// What is missing around it.
    pub around: Around,
}

/// A header that is typed.
#[derive(Debug)]
pub(super) struct HeaderSpot<'t> {
    /// From the first bracket to the last one that is there.
    pub span: Span,
    /// What stands in front of the part at the cursor, from the first bracket on.
    pub typed: &'t str,
    /// The quote that the part at the cursor opens with, or nothing.
    pub quote: &'t str,
    /// Whether it has two brackets.
    pub array: bool,
    /// The parts in front of the one at the cursor.
    pub before: Vec<Cow<'t, str>>,
    /// Whether it is whole, and the format knows the table that it opens.
    pub known: bool,
}

/// Finds the place of `offset`.
pub(super) fn find<'t>(source: &Source<'t>, offset: usize) -> Spot<'t> {
    let text = source.text;
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    // Between the two characters of a line end is no place.
    if text.get(..offset).is_some_and(|before| before.ends_with('\r'))
        && text.get(offset..).is_some_and(|rest| rest.starts_with('\n'))
    {
        offset -= 1;
    }
    // Nothing goes in front of a byte order mark.
    if text.starts_with('\u{FEFF}') && offset == 0 {
        return Spot::Nothing;
    }
    let items = &source.tree.items;
    let item = items.partition_point(|item| item.span().start <= offset).checked_sub(1);
    let start = item.and_then(|at| items.get(at)).map_or(0, |item| item.span().start);
    let mut scan = Scan {
        source,
        offset,
        item,
        steps: Vec::new(),
        known: true,
        base: 0,
        frames: Vec::new(),
        phase: Phase::Start,
        parts: Vec::new(),
    };
    if let Some(at) = item {
        scan.open_table(at);
    }
    scan.run(source.tree.tokens.partition_point(|token| token.span().end <= start))
}

/// An array or inline table around the place at hand.
struct Frame {
    array: bool,
    open: Span,
    /// How many steps lead to it.
    steps: usize,
    /// The element at hand.
    index: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// A key or a header may start.
    Start,
    /// In a dotted key; whether its last token is a dot.
    Key { dot: bool },
    /// A value may start.
    Value,
    /// In a value without quotes and brackets that starts here.
    Scalar(usize),
    /// Behind a value that ends here.
    After(usize),
    /// In the header whose first bracket is this token.
    Header(usize),
    /// In what does not read, up to the end of the line.
    Lost,
}

struct Scan<'s, 't> {
    source: &'s Source<'t>,
    offset: usize,
    item: Option<usize>,
    /// The way to the place at hand.
    steps: Vec<Step<'t>>,
    /// How many of them lead to the table that lines go to.
    base: usize,
    /// Whether it is known which table lines go to.
    known: bool,
    frames: Vec<Frame>,
    phase: Phase,
    /// The parts of the dotted key at hand.
    parts: Vec<(Span, Cow<'t, str>)>,
}

impl<'t> Scan<'_, 't> {
    /// Sets the table that the lines of an item go to.
    fn open_table(&mut self, item: usize) {
        let items = &self.source.tree.items;
        let header = items.get(..=item).unwrap_or_default().iter().rev().find_map(|item| match item {
            Item::Header(header) => Some(header),
            _ => None,
        });
        self.known = header.is_none_or(|header| !header.cut && !header.keys.is_empty());
        self.steps = self.source.table_of(item).0;
        self.base = self.steps.len();
    }

    fn token(&self, at: usize) -> Option<Token> {
        self.source.tree.tokens.get(at).copied()
    }

    fn of(&self, span: Span) -> &'t str {
        let text: &'t str = self.source.text;
        text.get(span.start..span.end).unwrap_or_default()
    }

    fn run(mut self, first: usize) -> Spot<'t> {
        let mut at = first;
        let mut left = None;
        while let Some(token) = self.token(at) {
            let span = token.span();
            if span.start >= self.offset {
                break;
            }
            if span.end >= self.offset {
                let behind = span.end == self.offset;
                match token.kind {
                    TokenKind::Comment => return Spot::Nothing,
                    TokenKind::MlBasicString | TokenKind::MlLiteralString if !(behind && self.is_closed(token)) => {
                        return Spot::Nothing;
                    }
                    TokenKind::Atom => {
                        left = Some(at);
                        break;
                    }
                    TokenKind::BasicString | TokenKind::LiteralString
                        if !behind || !self.is_closed(token) || !self.expects_value() =>
                    {
                        left = Some(at);
                        break;
                    }
                    TokenKind::Dot if matches!(self.phase, Phase::Value | Phase::Scalar(_)) => {
                        left = Some(at);
                        break;
                    }
                    _ => {}
                }
            }
            self.feed(at, token);
            at += 1;
        }
        if let Phase::Header(open) = self.phase {
            return self.header(open);
        }
        // What starts right at the cursor is what is meant, where nothing ends there.
        let here = self.token(at).filter(|token| left.is_some() || token.span().start == self.offset);
        let word = here.filter(|token| {
            matches!(token.kind, TokenKind::Atom | TokenKind::BasicString | TokenKind::LiteralString)
                || (left.is_some() && token.kind == TokenKind::Dot)
        });
        match self.phase {
            Phase::Start | Phase::Key { dot: true } => self.key(at, word, None),
            Phase::Value | Phase::Scalar(_) => self.value(at, word, None),
            Phase::After(end) => {
                // A comma is missing in front of what is typed.
                let apart = self.of(Span::new(end.min(self.offset), self.offset)).starts_with([' ', '\t', '\n', '\r']);
                match self.frames.last() {
                    Some(frame) if apart && frame.array => {
                        self.next_element();
                        self.value(at, word, Some(end))
                    }
                    Some(_) if apart => {
                        self.leave_entry();
                        self.key(at, word, Some(end))
                    }
                    _ => Spot::Nothing,
                }
            }
            Phase::Key { dot: false } | Phase::Lost | Phase::Header(_) => Spot::Nothing,
        }
    }

    fn expects_value(&self) -> bool {
        !matches!(self.phase, Phase::Start | Phase::Key { .. })
    }

    /// Whether a string has its closing quotes.
    fn is_closed(&self, token: Token) -> bool {
        let raw = self.of(token.span());
        let (quote, escapes) = match token.kind {
            TokenKind::BasicString => ("\"", true),
            TokenKind::LiteralString => ("'", false),
            TokenKind::MlBasicString => ("\"\"\"", true),
            TokenKind::MlLiteralString => ("'''", false),
            _ => return true,
        };
        let body = raw.strip_prefix(quote).and_then(|body| body.strip_suffix(quote));
        body.is_some_and(|body| !escapes || body.bytes().rev().take_while(|&b| b == b'\\').count().is_multiple_of(2))
    }

    /// Goes over a token in front of the cursor.
    fn feed(&mut self, at: usize, token: Token) {
        let span = token.span();
        match token.kind {
            TokenKind::Newline if self.frames.is_empty() => {
                self.steps.truncate(self.base);
                self.parts.clear();
                self.phase = Phase::Start;
            }
            TokenKind::Newline | TokenKind::Whitespace | TokenKind::Comment => {
                if let Phase::Scalar(_) = self.phase {
                    self.phase = Phase::After(span.start);
                }
            }
            _ if matches!(self.phase, Phase::Header(_) | Phase::Lost) => {}
            TokenKind::Atom | TokenKind::BasicString | TokenKind::LiteralString => self.feed_word(token),
            TokenKind::MlBasicString | TokenKind::MlLiteralString => match self.phase {
                Phase::Start | Phase::Key { .. } if self.frames.is_empty() => self.phase = Phase::Lost,
                _ => self.phase = Phase::After(span.end),
            },
            TokenKind::Dot => match self.phase {
                Phase::Key { .. } => self.phase = Phase::Key { dot: true },
                Phase::Value => self.phase = Phase::Scalar(span.start),
                _ => {}
            },
            TokenKind::Equals => match self.phase {
                Phase::Key { .. } => {
                    self.steps.extend(self.parts.drain(..).map(|(_, name)| Step::Key(name)));
                    self.phase = Phase::Value;
                }
                _ if self.frames.is_empty() => self.phase = Phase::Lost,
                _ => {}
            },
            TokenKind::LeftSquareBracket => match self.phase {
                Phase::Start if self.frames.is_empty() => self.phase = Phase::Header(at),
                Phase::Value | Phase::After(_) => self.enter(true, span),
                _ => {}
            },
            TokenKind::LeftCurlyBracket => match self.phase {
                Phase::Value | Phase::After(_) => self.enter(false, span),
                _ => {}
            },
            TokenKind::RightSquareBracket => self.leave(true, span.end),
            TokenKind::RightCurlyBracket => self.leave(false, span.end),
            TokenKind::Comma => match self.frames.last() {
                Some(frame) if frame.array => {
                    self.next_element();
                    self.phase = Phase::Value;
                }
                Some(_) => {
                    self.leave_entry();
                    self.phase = Phase::Start;
                }
                None => self.phase = Phase::Lost,
            },
            TokenKind::Eof => {}
        }
    }

    fn feed_word(&mut self, token: Token) {
        let span = token.span();
        let in_array = self.frames.last().map(|frame| frame.array);
        match (self.phase, in_array) {
            (Phase::Start | Phase::Key { dot: true }, _) => {
                self.parts.push((span, self.name(token)));
                self.phase = Phase::Key { dot: false };
            }
            (Phase::Value, _) if token.kind == TokenKind::Atom => self.phase = Phase::Scalar(span.start),
            (Phase::Value, _) => self.phase = Phase::After(span.end),
            (Phase::After(_), Some(false)) => {
                // A comma is missing in front of this key.
                self.leave_entry();
                self.parts.push((span, self.name(token)));
                self.phase = Phase::Key { dot: false };
            }
            (Phase::After(_), Some(true)) => {
                self.next_element();
                self.phase =
                    if token.kind == TokenKind::Atom { Phase::Scalar(span.start) } else { Phase::After(span.end) };
            }
            (Phase::Key { dot: false }, Some(_)) => self.phase = Phase::After(span.end),
            (Phase::Scalar(_), _) => {}
            _ => self.phase = Phase::Lost,
        }
    }

    /// What a part of a key means.
    fn name(&self, token: Token) -> Cow<'t, str> {
        let raw = self.of(token.span());
        if token.kind == TokenKind::Atom {
            return Cow::Borrowed(raw);
        }
        if self.is_closed(token)
            && let Some(body) = raw.get(1..raw.len() - 1)
            && !body.contains('\\')
        {
            return Cow::Borrowed(body);
        }
        // Escapes are the parser's.
        match Tree::parse(raw).items.into_iter().next() {
            Some(Item::Entry(entry)) => entry.keys.into_iter().next().map_or(Cow::Borrowed(raw), |key| key.name),
            _ => Cow::Borrowed(raw),
        }
    }

    fn enter(&mut self, array: bool, open: Span) {
        if let Phase::After(_) = self.phase {
            match self.frames.last() {
                Some(frame) if frame.array => self.next_element(),
                _ => {
                    self.phase = if self.frames.is_empty() { Phase::Lost } else { self.phase };
                    return;
                }
            }
        }
        self.frames.push(Frame { array, open, steps: self.steps.len(), index: 0 });
        if array {
            self.steps.push(Step::Index(0));
            self.phase = Phase::Value;
        } else {
            self.parts.clear();
            self.phase = Phase::Start;
        }
    }

    /// Closes the innermost bracket of this kind, with those inside it that were left open.
    fn leave(&mut self, array: bool, end: usize) {
        match self.frames.iter().rposition(|frame| frame.array == array) {
            Some(at) => {
                if let Some(frame) = self.frames.get(at) {
                    self.steps.truncate(frame.steps);
                }
                self.frames.truncate(at);
                self.parts.clear();
                self.phase = Phase::After(end);
            }
            None if self.frames.is_empty() => self.phase = Phase::Lost,
            None => {}
        }
    }

    fn next_element(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.index += 1;
            self.steps.truncate(frame.steps);
            self.steps.push(Step::Index(frame.index));
        }
    }

    fn leave_entry(&mut self) {
        self.steps.truncate(self.frames.last().map_or(self.base, |frame| frame.steps));
        self.parts.clear();
    }

    // ---- at the cursor ----

    /// A token as the word at the cursor.
    fn word(&self, token: Token) -> Word {
        let span = token.span();
        let mark = match token.kind {
            TokenKind::BasicString => '"',
            TokenKind::LiteralString => '\'',
            _ => return Word { span, quote: None },
        };
        let closed = self.is_closed(token);
        if closed {
            return Word { span, quote: Some(Quote { mark, closed }) };
        }
        // An open string runs to the end of its line: what is no word behind the cursor is not part of it.
        let rest = self.of(Span::new(self.offset.clamp(span.start, span.end), span.end));
        let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '$');
        let len = rest.find(|c| !part(c)).unwrap_or(rest.len());
        let end = (self.offset + len).clamp(span.start + 1, span.end);
        Word { span: Span::new(span.start, end), quote: Some(Quote { mark, closed }) }
    }

    /// The first token from `at` on that is no white space (no line end and comment either, across lines).
    fn next_token(&self, mut at: usize, across: bool) -> Option<Token> {
        loop {
            let token = self.token(at)?;
            match token.kind {
                TokenKind::Whitespace => {}
                TokenKind::Newline | TokenKind::Comment if across => {}
                _ => return Some(token),
            }
            at += 1;
        }
    }

    fn key(self, at: usize, word: Option<Token>, comma: Option<usize>) -> Spot<'t> {
        let lines = self.frames.is_empty();
        if lines && !self.known {
            return Spot::Nothing;
        }
        let behind = if word.is_some() { at + 1 } else { at };
        let word = word.map_or(Word::empty(self.offset), |token| self.word(token));
        let open_string = word.quote.is_some_and(|quote| !quote.closed);
        let next = match self.next_token(behind, !lines) {
            _ if open_string => Next::End,
            None => Next::End,
            Some(token) => match token.kind {
                TokenKind::Newline | TokenKind::Comment | TokenKind::Eof => Next::End,
                TokenKind::Equals => Next::Equals,
                TokenKind::Dot => Next::Dot,
                _ if !lines => Next::End,
                _ => Next::Other,
            },
        };
        if lines && word.span.is_empty() && next != Next::End {
            return Spot::Nothing;
        }
        let around =
            if next == Next::End { self.around(behind, word, comma) } else { Around { comma, ..Around::default() } };
        let dotted = !self.parts.is_empty();
        let whole = self.parts.first().map_or(word.span, |(span, _)| span.to(word.span));
        let mut steps = self.steps;
        steps.extend(self.parts.into_iter().map(|(_, name)| Step::Key(name)));
        Spot::Key(KeySpot { table: Path(steps), lines, dotted, word, whole, next, around })
    }

    fn value(self, mut at: usize, word: Option<Token>, comma: Option<usize>) -> Spot<'t> {
        let (word, behind) = match word {
            Some(token) if matches!(token.kind, TokenKind::BasicString | TokenKind::LiteralString) => {
                (self.word(token), at + 1)
            }
            Some(token) => {
                // Without quotes: all that stands together.
                let start = match self.phase {
                    Phase::Scalar(start) => start,
                    _ => token.span().start,
                };
                let mut end = token.span().end;
                at += 1;
                while let Some(token) =
                    self.token(at).filter(|token| matches!(token.kind, TokenKind::Atom | TokenKind::Dot))
                {
                    end = token.span().end;
                    at += 1;
                }
                (Word { span: Span::new(start, end), quote: None }, at)
            }
            None => {
                let next = self.next_token(at, false).map(|token| token.kind);
                let free = matches!(
                    next,
                    None | Some(
                        TokenKind::Newline
                            | TokenKind::Comment
                            | TokenKind::Eof
                            | TokenKind::Comma
                            | TokenKind::RightSquareBracket
                            | TokenKind::RightCurlyBracket
                    )
                );
                // In front of another element there is room for one.
                let room = self.frames.last().is_some_and(|frame| frame.array);
                let apart = self.token(at).is_some_and(|token| token.kind == TokenKind::Whitespace);
                if !free && !(room && (apart || comma.is_none())) {
                    return Spot::Nothing;
                }
                (Word::empty(self.offset), at)
            }
        };
        let around = self.around(behind, word, comma);
        let within = word.quote.is_some() && self.offset > word.span.start;
        Spot::Value(ValueSpot { path: Path(self.steps), word, within, around })
    }

    /// What is missing around a word of which the next token is `behind`.
    fn around(&self, behind: usize, word: Word, comma: Option<usize>) -> Around {
        let text = self.source.text;
        let before = text.get(..word.span.start).unwrap_or_default();
        let lead = if word.span.is_empty() && before.ends_with(['=', '{', ',']) { " " } else { "" };
        let mut around = Around { before: lead, after: String::new(), comma };
        let Some(frame) = self.frames.last() else { return around };
        if word.quote.is_some_and(|quote| !quote.closed) {
            // What closes the list may be in the open string.
            let line = self.source.tree.tokens.get(behind.saturating_sub(1)).map_or(word.span.end, |t| t.span().end);
            if self.of(Span::new(word.span.end.min(line), line)).trim().is_empty() {
                around.after = self.missing(behind);
            }
            return around;
        }
        let Some(next) = self.next_token(behind, true) else { return around };
        around.after = match next.kind {
            TokenKind::Comma => return around,
            TokenKind::RightCurlyBracket if next.span().start == word.span.end && !frame.array => " ".to_owned(),
            TokenKind::RightCurlyBracket | TokenKind::RightSquareBracket => return around,
            _ => {
                let missing = self.missing(behind);
                let same = self.is_in_frame(next);
                if missing.is_empty() && same {
                    if next.span().start == word.span.end { ", ".to_owned() } else { ",".to_owned() }
                } else {
                    missing
                }
            }
        };
        around
    }

    /// Whether a token behind the cursor still belongs to the item around it.
    fn is_in_frame(&self, token: Token) -> bool {
        let item = self.item.and_then(|at| self.source.tree.items.get(at));
        item.is_some_and(|item| token.span().start < item.span().end)
    }

    /// The brackets of this line that are open at the cursor, if nothing but them is missing on it.
    fn missing(&self, behind: usize) -> String {
        let at_end = self
            .next_token(behind, false)
            .is_none_or(|token| matches!(token.kind, TokenKind::Newline | TokenKind::Comment | TokenKind::Eof));
        if !at_end {
            return String::new();
        }
        // Those that are closed further down.
        let mut open = self.frames.len();
        let mut inner = 0usize;
        for token in self.source.tree.tokens.get(behind..).unwrap_or_default() {
            if open == 0 || !self.is_in_frame(*token) {
                break;
            }
            match token.kind {
                TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => inner += 1,
                TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket if inner > 0 => inner -= 1,
                TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => open -= 1,
                _ => {}
            }
        }
        let line = line_start(self.source.text, self.offset);
        let unclosed = self.frames.iter().rev().skip(self.frames.len() - open.min(self.frames.len()));
        if open == 0 || unclosed.clone().any(|frame| frame.open.start < line) {
            return String::new();
        }
        unclosed.map(|frame| if frame.array { "]" } else { " }" }).collect()
    }

    fn header(&self, open: usize) -> Spot<'t> {
        let Some(first) = self.token(open) else { return Spot::Nothing };
        let mut at = open + 1;
        let mut array = false;
        let mut keys_from = first.span().end;
        if let Some(second) = self.token(at).filter(|token| token.kind == TokenKind::LeftSquareBracket) {
            array = true;
            keys_from = second.span().end;
            at += 1;
        }
        if self.offset < keys_from {
            return Spot::Nothing;
        }
        let mut before: Vec<Cow<'t, str>> = Vec::new();
        let mut part: Option<(Span, Cow<'t, str>)> = None;
        let mut word = None;
        let mut end = keys_from;
        let mut closed = 0;
        let mut passed = false;
        while let Some(token) = self.token(at) {
            let span = token.span();
            passed |= span.start >= self.offset;
            match token.kind {
                TokenKind::Newline | TokenKind::Comment | TokenKind::Eof => break,
                // May go on over many lines, and is no part of a key.
                TokenKind::MlBasicString | TokenKind::MlLiteralString => break,
                TokenKind::Whitespace => {}
                TokenKind::RightSquareBracket if closed < 1 + usize::from(array) => {
                    if span.end <= self.offset {
                        return Spot::Nothing;
                    }
                    closed += 1;
                    end = span.end;
                }
                _ if closed > 0 => break,
                TokenKind::Dot => {
                    if span.end <= self.offset {
                        before.extend(part.take().map(|(_, name)| name));
                    }
                    end = span.end;
                }
                TokenKind::Atom | TokenKind::BasicString | TokenKind::LiteralString => {
                    if span.touches(self.offset) {
                        word = Some(span.start);
                    } else if !passed {
                        part = Some((span, self.name(token)));
                    }
                    end = span.end;
                }
                _ => end = span.end,
            }
            at += 1;
        }
        if word.is_none() && part.is_some() {
            // Behind a part, apart from it.
            return Spot::Nothing;
        }
        let span = Span::new(first.span().start, end.max(self.offset));
        let word = word.unwrap_or(self.offset);
        let typed = self.of(Span::new(span.start, word));
        let first = self.of(Span::new(word, (word + 1).min(self.offset).max(word)));
        let quote = if matches!(first, "\"" | "'") { first } else { "" };
        let known = self.item.is_some_and(|at| match self.source.tree.items.get(at) {
            Some(Item::Header(header)) => {
                !header.broken && !matches!(self.source.meaning(&self.source.table_of(at)), Meaning::Unknown)
            }
            _ => false,
        });
        Spot::Header(HeaderSpot { span, typed, quote, array, before, known })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::cursor;

    /// The place in short: `key PATH|WORD`, `value PATH|WORD` or `header PARTS|`.
    fn at(marked: &str) -> String {
        let (text, offset) = cursor(marked);
        let source = Source::new(&text);
        match find(&source, offset) {
            Spot::Nothing => "nothing".to_owned(),
            Spot::Header(spot) => format!(
                "{} {}|{}",
                if spot.array { "[[" } else { "[" },
                spot.before.join("."),
                Span::new(spot.span.start + spot.typed.len(), spot.span.end).of(&text)
            ),
            Spot::Key(spot) => format!("key {}|{}", spot.table, spot.word.span.of(&text)),
            Spot::Value(spot) => format!("value {}|{}", spot.path, spot.word.span.of(&text)),
        }
    }

    #[test]
    fn headers_closed_and_open() {
        assert_eq!(at("[capa$0"), "[ |capa");
        assert_eq!(at("[capa$0]"), "[ |capa]");
        assert_eq!(at("[$0"), "[ |");
        assert_eq!(at("[$0]"), "[ |]");
        assert_eq!(at("[[$0]]"), "[[ |]]");
        assert_eq!(at("[[entrypoints.$0"), "[[ entrypoints|");
        assert_eq!(at("[[entrypoints.$0]]"), "[[ entrypoints|]]");
        assert_eq!(at("[[entrypoints.to$0\nid = 1"), "[[ entrypoints|to");
        assert_eq!(at("name = 1\n[entrypoints.tools.in$0put_schema]"), "[ entrypoints.tools|input_schema]");
        assert_eq!(at("[\"a b\".c$0]"), "[ a b|c]");
        assert_eq!(at("[compat]$0"), "nothing");
        assert_eq!(at("[[a]$0]"), "nothing");
        assert_eq!(at("[[tools]]$0"), "nothing");
        assert_eq!(at("[compat $0]"), "nothing");
        assert_eq!(at("$0[compat]"), "nothing");
        assert_eq!(at("[$0[compat]]"), "nothing");
        assert_eq!(at("tags = [\n[comp$0"), "[ |comp");
    }

    #[test]
    fn keys_on_lines() {
        assert_eq!(at("$0"), "key |");
        assert_eq!(at("na$0"), "key |na");
        assert_eq!(at("na$0me = 1"), "key |name");
        assert_eq!(at("[compat]\nmi$0"), "key compat|mi");
        assert_eq!(at("[compat]\n\n$0\n"), "key compat|");
        assert_eq!(at("[compat]\n  $0\nmin_palyra_version = 1"), "key compat|");
        assert_eq!(at("compat.mi$0"), "key compat|mi");
        assert_eq!(at("compat.$0"), "key compat|");
        assert_eq!(at("compat.$0\n[a]"), "key compat|");
        assert_eq!(at("com$0.x = 1"), "key |com");
        assert_eq!(at("\"na$0me\" = 1"), "key |\"name\"");
        assert_eq!(at("\"na$0"), "key |\"na");
        assert_eq!(at("operator.\"con$0fig\".x = 1"), "key operator|\"config\"");
        assert_eq!(at("[[entrypoints.tools]]\n[[entrypoints.tools]]\nid$0"), "key entrypoints.tools[1]|id");
        assert_eq!(at("name $0"), "nothing");
        assert_eq!(at("name $0= 1"), "nothing");
        assert_eq!(at("$0name = 1"), "key |name");
        assert_eq!(at("some prose\nna$0\nmore prose\n"), "key |na");
        assert_eq!(at("na\nve$0\nname = 1"), "key |ve");
        assert_eq!(at("[\nname$0"), "nothing");
        assert_eq!(at("tags = [\n \"a\",\n$0name = 1"), "key |name");
        assert_eq!(at("$def$0"), "key |$def");
    }

    #[test]
    fn keys_in_inline_tables() {
        assert_eq!(at("a = { sc$0"), "key a|sc");
        assert_eq!(at("a = { sc$0 }"), "key a|sc");
        assert_eq!(at("a = {$0}"), "key a|");
        assert_eq!(at("a = { b = 1, $0 }"), "key a|");
        assert_eq!(at("a = { b = 1 $0 }"), "key a|");
        assert_eq!(at("a = { b = { c = 1 }, d.$0 }"), "key a.d|");
        assert_eq!(at("a = [{ x = 1 }, { y$0"), "key a[1]|y");
        assert_eq!(at("a = {\n  b = 1,\n  $0\n}"), "key a|");
        assert_eq!(at("a = { b = 1 }$0"), "nothing");
    }

    #[test]
    fn values_in_all_states() {
        assert_eq!(at("name = $0"), "value name|");
        assert_eq!(at("name =$0"), "value name|");
        assert_eq!(at("name = $0 # c"), "value name|");
        assert_eq!(at("name = \"$0"), "value name|\"");
        assert_eq!(at("name = \"$0\""), "value name|\"\"");
        assert_eq!(at("name = \"a$0b\""), "value name|\"ab\"");
        assert_eq!(at("name = \"ab\"$0"), "nothing");
        assert_eq!(at("name = tr$0ue"), "value name|true");
        assert_eq!(at("name = $0true"), "value name|true");
        assert_eq!(at("v = 0.1$0.0"), "value v|0.1.0");
        assert_eq!(at("v = 1.$0"), "value v|1.");
        assert_eq!(at("[compat]\nx.y = 't$0"), "value compat.x.y|'t");
        assert_eq!(at("a = [$0"), "value a[0]|");
        assert_eq!(at("a = [$0]"), "value a[0]|");
        assert_eq!(at("a = [\"x\", $0]"), "value a[1]|");
        assert_eq!(at("a = [\"x\", \"$0"), "value a[1]|\"");
        assert_eq!(at("a = [\"x\", \"y$0]"), "value a[1]|\"y");
        assert_eq!(at("a = [\n  \"x\",\n  $0\n[b]"), "value a[1]|");
        assert_eq!(at("a = [\n  \"x\"\n  $0\n]"), "value a[1]|");
        assert_eq!(at("a = [ $0 \"x\"]"), "value a[0]|");
        assert_eq!(at("a = [[1, 2], [3, $0"), "value a[1][1]|");
        assert_eq!(at("a = { b = $0 }"), "value a.b|");
        assert_eq!(at("a = { b = \"$0\" }"), "value a.b|\"\"");
        assert_eq!(at("name =\n$0"), "key |");
        assert_eq!(at("a = $0[1]"), "nothing");
    }

    #[test]
    fn prose_and_comments_are_left_alone() {
        assert_eq!(at("# na$0"), "nothing");
        assert_eq!(at("name = 1 # $0"), "nothing");
        assert_eq!(at("a = [ # $0\n]"), "nothing");
        assert_eq!(at("name = \"\"\"\nna$0\n\"\"\""), "nothing");
        assert_eq!(at("name = '''na$0"), "nothing");
        assert_eq!(at("name = \"\"\"x\"\"\"$0"), "nothing");
        assert_eq!(at("a b$0"), "nothing");
    }

    #[test]
    fn what_is_missing_around_is_known() {
        let around = |marked: &str| {
            let (text, offset) = cursor(marked);
            match find(&Source::new(&text), offset) {
                Spot::Key(spot) => (spot.around.before, spot.around.after, spot.around.comma),
                Spot::Value(spot) => (spot.around.before, spot.around.after, spot.around.comma),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(around("a =$0"), (" ", String::new(), None));
        assert_eq!(around("a = [$0"), ("", "]".to_owned(), None));
        assert_eq!(around("a = [\"$0"), ("", "]".to_owned(), None));
        assert_eq!(around("a = [\"$0]"), ("", String::new(), None));
        assert_eq!(around("a = [\"x$0\""), ("", "]".to_owned(), None));
        assert_eq!(around("a = [\n\"x$0\""), ("", String::new(), None));
        assert_eq!(around("a = [$0\n]"), ("", String::new(), None));
        assert_eq!(around("a = [{ b = [$0"), ("", "] }]".to_owned(), None));
        assert_eq!(around("a = [ $0 1]"), ("", ",".to_owned(), None));
        assert_eq!(around("a = [1\n$0]"), ("", String::new(), Some(6)));
        assert_eq!(around("a = { $0"), ("", " }".to_owned(), None));
        assert_eq!(around("a = {$0}"), (" ", " ".to_owned(), None));
        assert_eq!(around("a = {$0 b = 1 }"), (" ", ",".to_owned(), None));
        assert_eq!(around("a = { b = 1 $0 }"), ("", String::new(), Some(11)));
    }
}
