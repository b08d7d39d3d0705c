//! The grammar, and how it finds its way again after a slip.

use std::borrow::Cow;

use toml_parser::{
    Raw,
    decoder::{Encoding, ScalarKind},
};

use super::{
    Entry, Header, Item, Key, MAX_NESTING, SyntaxError, SyntaxErrorKind as Kind, Token, TokenKind, Value, ValueKind,
    lexer::{is_closed, lex},
};
use crate::{
    diagnostic::{Fix, Related, TextEdit},
    show,
    text::Span,
};

/// Reads any text: its items go to `take` one by one; gives all tokens, and what is wrong in the order of the text.
pub(crate) fn read<'t>(text: &'t str, take: impl FnMut(Item<'t>)) -> (Vec<Token>, Vec<SyntaxError>) {
    let mut parser =
        Parser { text, tokens: lex(text), at: 0, errors: Vec::new(), item_errors: 0, open_tables: 0, nesting: 0 };
    parser.document(take);
    let Parser { tokens, mut errors, .. } = parser;
    errors.sort_by_key(|error| error.span);
    (tokens, errors)
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    at: usize,
    errors: Vec<SyntaxError>,
    /// Where the errors of the item at hand start in `errors`.
    item_errors: usize,
    /// Inline tables around the place at hand.
    open_tables: usize,
    /// Arrays and inline tables around the place at hand.
    nesting: usize,
}

impl<'t> Parser<'t> {
    // ---- tokens ----

    fn token(&self, at: usize) -> Token {
        // The last token is `Eof`, so reading past it reads it again.
        self.tokens[at.min(self.tokens.len() - 1)]
    }

    fn kind(&self) -> TokenKind {
        self.token(self.at).kind
    }

    fn span(&self) -> Span {
        self.token(self.at).span()
    }

    fn bump(&mut self) -> Span {
        let token = self.token(self.at);
        let span = token.span();
        match token.kind {
            TokenKind::Comment => self.check_comment(span),
            // A line end is `\n`, `\r\n` or a lone `\r`.
            TokenKind::Newline if span.of(self.text) == "\r" => {
                let message = "a carriage return without a line feed: TOML lines end in `\\n` or `\\r\\n`";
                self.control_character(span, message.to_owned(), "\n");
            }
            _ => {}
        }
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        span
    }

    fn skip_space(&mut self) {
        while self.kind() == TokenKind::Whitespace {
            self.bump();
        }
    }

    fn at_line_end(&self) -> bool {
        matches!(self.kind(), TokenKind::Newline | TokenKind::Comment | TokenKind::Eof)
    }

    /// Skips to the end of the line, past brackets and strings alike.
    fn skip_line(&mut self) -> Span {
        let from = self.span();
        let mut to = Span::at(from.start);
        while !self.at_line_end() {
            let span = self.bump();
            if !span.of(self.text).trim().is_empty() {
                to = to.to(span);
            }
        }
        to
    }

    /// The end of the last token in front of `at` that is neither white space nor comment nor line end.
    fn end_of_last(&self) -> usize {
        let before = self.tokens.get(..self.at).unwrap_or_default();
        before.iter().rev().find(|token| !is_trivia(token.kind)).map_or(0, |token| token.span().end)
    }

    /// Whether the tokens from `at` (the first of a line that is no white space) start a key or a table.
    fn opens(&self, mut at: usize) -> bool {
        let space = |at: &mut usize| {
            while self.token(*at).kind == TokenKind::Whitespace {
                *at += 1;
            }
        };
        let bracketed = self.token(at).kind == TokenKind::LeftSquareBracket;
        let mut double = false;
        if bracketed {
            at += 1;
            double = self.token(at).kind == TokenKind::LeftSquareBracket;
            at += usize::from(double);
            space(&mut at);
        }
        let first = self.token(at);
        loop {
            let token = self.token(at);
            let is_part = match token.kind {
                TokenKind::Atom => token.span().of(self.text).bytes().all(is_bare),
                TokenKind::BasicString | TokenKind::LiteralString => is_closed(token.kind, token.span().of(self.text)),
                _ => false,
            };
            if !is_part {
                return false;
            }
            at += 1;
            space(&mut at);
            if self.token(at).kind != TokenKind::Dot {
                break;
            }
            at += 1;
            space(&mut at);
        }
        if !bracketed {
            return self.token(at).kind == TokenKind::Equals;
        }
        // `[1]`, `["a"]` and `[true]` are values; a header starts with a word that is none.
        if first.kind != TokenKind::Atom || is_scalar_word(first.span().of(self.text)) {
            return false;
        }
        match self.token(at).kind {
            TokenKind::RightSquareBracket => {
                at += 1;
                if double && self.token(at).kind == TokenKind::RightSquareBracket {
                    at += 1;
                }
                space(&mut at);
                matches!(self.token(at).kind, TokenKind::Newline | TokenKind::Comment | TokenKind::Eof)
            }
            TokenKind::Newline | TokenKind::Comment | TokenKind::Eof => true,
            _ => false,
        }
    }

    // ---- errors ----

    /// Reports at most one slip a line and item: what follows on the same line is nearly always its echo.
    fn error(&mut self, kind: Kind, span: Span, message: impl Into<String>) -> Option<&mut SyntaxError> {
        let earlier = self.errors.get(self.item_errors..).unwrap_or_default();
        // Errors come in the order of the text, or nearly so: the last one is the one to echo.
        let echo = earlier.last().is_some_and(|error| {
            let between = Span::new(error.span.start.min(span.start), error.span.start.max(span.start));
            !between.of(self.text).contains('\n')
        });
        if echo {
            return None;
        }
        self.errors.push(SyntaxError { kind, span, message: message.into(), related: Vec::new(), fix: None });
        self.errors.last_mut()
    }

    fn item_is_broken(&self) -> bool {
        self.errors.len() > self.item_errors
    }

    fn check_comment(&mut self, span: Span) {
        let is_bad = |b: u8| b.is_ascii_control() && b != b'\t';
        let text = span.of(self.text).as_bytes();
        if let Some((at, bad)) = text.iter().copied().enumerate().find(|(_, b)| is_bad(*b)) {
            let at = Span::new(span.start + at, span.start + at + 1);
            let message = format!("the control character U+{bad:04X} may not stand in a comment: remove it");
            self.control_character(at, message, "");
        }
    }

    fn control_character(&mut self, span: Span, message: String, instead: &str) {
        self.errors.push(SyntaxError {
            kind: Kind::ControlCharacter,
            span,
            message,
            related: Vec::new(),
            fix: Some(fix("Remove the control character", false, vec![edit(span, instead)])),
        });
    }

    // ---- grammar ----

    fn document(&mut self, mut take: impl FnMut(Item<'t>)) {
        loop {
            while is_trivia(self.kind()) {
                self.bump();
            }
            self.item_errors = self.errors.len();
            take(match self.kind() {
                TokenKind::Eof => return,
                TokenKind::LeftSquareBracket => Item::Header(self.header()),
                TokenKind::Atom | TokenKind::BasicString | TokenKind::LiteralString => self.entry_or_garbage(),
                _ => self.garbage(),
            });
        }
    }

    /// A line that starts neither a key nor a table, with the lines behind it that do not either.
    fn garbage(&mut self) -> Item<'t> {
        let first = self.span();
        let line = self.skip_line();
        let message = match first.of(self.text) {
            "]" | "}" => format!("this `{}` closes nothing: remove it", first.of(self.text)),
            _ => "expected a key (`name = …`) or a table header (`[table]`)".to_owned(),
        };
        self.error(Kind::Unexpected, line, message);
        let span = line.to(self.skip_garbage());
        Item::Garbage(span)
    }

    /// Skips lines up to the next that starts a key or a table, so that pasted prose is one diagnostic.
    fn skip_garbage(&mut self) -> Span {
        let mut skipped = Span::at(self.end_of_last());
        loop {
            let mut next = self.at;
            while is_trivia(self.token(next).kind) {
                next += 1;
            }
            let token = self.token(next);
            let may_open = token.kind == TokenKind::LeftSquareBracket || self.opens(next);
            if token.kind == TokenKind::Eof || may_open {
                return skipped;
            }
            while self.at < next {
                self.bump();
            }
            skipped = skipped.to(self.skip_line());
        }
    }

    fn header(&mut self) -> Header<'t> {
        let open = self.bump();
        let array = self.kind() == TokenKind::LeftSquareBracket;
        if array {
            self.bump();
        }
        self.skip_space();
        let mut cut = false;
        let keys = match self.kind() {
            TokenKind::RightSquareBracket => {
                self.error(Kind::BadHeader, open.to(self.span()), "this header names no table: write `[table]`");
                cut = true;
                Vec::new()
            }
            _ => {
                let keys = self.key_path();
                cut |= keys.is_empty();
                keys
            }
        };
        if self.token(self.at.saturating_sub(1)).kind == TokenKind::Dot {
            cut = true;
        }
        self.skip_space();
        let closing = if array { "]]" } else { "]" };
        let mut closed = 0;
        while closed < closing.len() && self.kind() == TokenKind::RightSquareBracket {
            self.bump();
            closed += 1;
        }
        let end = self.end_of_last();
        if closed == 0
            && !cut
            && let Some((words, brackets)) = self.words_to(closing)
        {
            let first = keys.first().map_or(end, |key| key.span.start);
            let name = Span::new(first, words.end);
            let dotted = name.of(self.text).split_whitespace().collect::<Vec<_>>().join(".");
            let (title, edits) = if brackets.of(self.text) == closing {
                (format!("Write `{dotted}`"), vec![edit(name, &dotted)])
            } else {
                let header = format!("{}{dotted}{closing}", if array { "[[" } else { "[" });
                (format!("Write `{header}`"), vec![edit(open.to(brackets), &header)])
            };
            let message = "the parts of a table's name are joined by dots";
            if let Some(error) = self.error(Kind::BadHeader, open.to(brackets), message) {
                error.fix = Some(fix(&title, false, edits));
            }
        } else if closed < closing.len() {
            let missing = &closing[closed..];
            if let Some(error) = self.error(
                Kind::BadHeader,
                Span::new(open.start, end),
                format!("this header is not closed: add `{missing}`"),
            ) && !cut
            {
                error.fix = Some(fix(&format!("Add `{missing}`"), true, vec![edit(Span::at(end), missing)]));
            }
        }
        self.line_end("a header stands alone on its line", Kind::BadHeader);
        Header { span: Span::new(open.start, end), array, keys, broken: self.item_is_broken(), cut }
    }

    /// The rest of the line where it is bare words and then brackets, of which some of `closing` may be missing: both.
    fn words_to(&self, closing: &str) -> Option<(Span, Span)> {
        let mut at = self.at;
        let mut words = self.span();
        loop {
            match self.token(at) {
                token if token.kind == TokenKind::Atom && token.span().of(self.text).bytes().all(is_bare) => {
                    words = words.to(token.span());
                }
                token if token.kind == TokenKind::Whitespace => {}
                _ => break,
            }
            at += 1;
        }
        let found = at > self.at;
        let mut brackets = Span::at(words.end);
        while matches!(self.token(at).kind, TokenKind::RightSquareBracket | TokenKind::Whitespace) {
            if self.token(at).kind == TokenKind::RightSquareBracket {
                brackets = if brackets.is_empty() { self.token(at).span() } else { brackets.to(self.token(at).span()) };
            }
            at += 1;
        }
        let ends = matches!(self.token(at).kind, TokenKind::Newline | TokenKind::Comment | TokenKind::Eof);
        (found && ends && closing.starts_with(brackets.of(self.text))).then_some((words, brackets))
    }

    /// Expects nothing more on the line.
    fn line_end(&mut self, rule: &str, kind: Kind) {
        self.skip_space();
        if self.at_line_end() {
            return;
        }
        let first = self.span();
        let before = self.end_of_last();
        let rest = self.skip_line();
        let (message, title) = match first.of(self.text) {
            "," => ("no comma stands behind a value that is not in a list".to_owned(), "Remove the comma"),
            "]" | "}" => (format!("this `{}` closes nothing: remove it", first.of(self.text)), "Remove it"),
            _ => (format!("unexpected text: {rule}"), "Remove the rest of the line"),
        };
        if let Some(error) = self.error(kind, rest, message) {
            let lone = rest == first;
            error.fix = Some(fix(title, lone, vec![edit(Span::new(before, rest.end), "")]));
        }
    }

    /// A dotted key. Reports what is wrong with it; an empty list where there is none.
    fn key_path(&mut self) -> Vec<Key<'t>> {
        let mut keys = Vec::new();
        loop {
            let token = self.token(self.at);
            let span = token.span();
            let raw = span.of(self.text);
            let encoding = match token.kind {
                TokenKind::Atom => None,
                TokenKind::BasicString => Some(Encoding::BasicString),
                TokenKind::LiteralString => Some(Encoding::LiteralString),
                TokenKind::MlBasicString | TokenKind::MlLiteralString => {
                    self.error(Kind::BadKey, span, "a key cannot be a multi-line string: use one quote");
                    self.bump();
                    return keys;
                }
                _ => {
                    let message = if keys.is_empty() {
                        "expected a key"
                    } else {
                        "expected the next part of the key behind the dot"
                    };
                    self.error(Kind::BadKey, span_or_point(span, raw), message);
                    return keys;
                }
            };
            // Nearly every key is bare, and means what it is.
            if token.kind == TokenKind::Atom && raw.bytes().all(is_bare) {
                self.bump();
                let more = self.next_part();
                if !more {
                    // And of one part.
                    keys.reserve_exact(1);
                }
                keys.push(Key { span, name: Cow::Borrowed(raw) });
                if more {
                    continue;
                }
                break;
            }
            let mut name = Cow::Borrowed("");
            let mut problems = Vec::new();
            let raw_token = Raw::new_unchecked(raw, encoding, toml_parser::Span::new_unchecked(span.start, span.end));
            raw_token.decode_key(&mut name, &mut problems);
            if !problems.is_empty() {
                self.bad_key(token, &problems);
            }
            self.bump();
            keys.push(Key { span, name });
            if !self.next_part() {
                break;
            }
        }
        if keys.len() > MAX_NESTING {
            let span = keys[0].span.to(keys[keys.len() - 1].span);
            self.error(
                Kind::TooDeep,
                span,
                format!("this key has {} parts, a daemon reads at most {MAX_NESTING}", keys.len()),
            );
            keys.truncate(1);
        }
        keys
    }

    /// Goes behind the dot that leads to the next part of a key, if there is one.
    fn next_part(&mut self) -> bool {
        let before_space = self.at;
        self.skip_space();
        let dot = self.kind() == TokenKind::Dot;
        if dot {
            self.bump();
            self.skip_space();
        } else {
            self.at = before_space;
        }
        dot
    }

    fn bad_key(&mut self, token: Token, problems: &[toml_parser::ParseError]) {
        let span = token.span();
        let raw = span.of(self.text);
        if token.kind != TokenKind::Atom {
            self.bad_string(token, problems);
            return;
        }
        let shown = show::quoted(raw);
        if let Some(error) =
            self.error(Kind::BadKey, span, format!("{shown} is no bare key: quote it, or use A-Z a-z 0-9 _ - only"))
            // In quotes, a control character is an error too, and what cannot be seen is no key.
            && !raw.contains(|c| matches!(c, '"' | '\'' | '\\') || show::is_unseen(c))
        {
            error.fix = Some(fix("Quote the key", true, vec![edit(span, &format!("\"{raw}\""))]));
        }
    }

    fn entry_or_garbage(&mut self) -> Item<'t> {
        let start = self.at;
        let entry = self.entry(true);
        let Some(entry) = entry else {
            self.at = start;
            return self.garbage();
        };
        if entry.broken {
            // An entry that broke off takes what cannot start anything with it.
            if matches!(entry.value.kind, ValueKind::Missing | ValueKind::Invalid) {
                self.skip_line();
                self.skip_garbage();
            } else {
                self.line_end("one key a line", Kind::Unexpected);
            }
        } else {
            self.line_end("one key a line", Kind::Unexpected);
        }
        let broken = self.item_is_broken();
        Item::Entry(Entry { broken, ..entry })
    }

    /// `key = value`. `None` where a line at top level is prose rather than an entry; nothing was reported then.
    fn entry(&mut self, top: bool) -> Option<Entry<'t>> {
        let errors = self.errors.len();
        let start = self.span().start;
        // `name: "x"`, as in other formats.
        if let Some(entry) = self.colon_entry() {
            return Some(entry);
        }
        let keys = self.key_path();
        let key_end = self.end_of_last();
        self.skip_space();
        if !top && !keys.is_empty() {
            self.skip_lines_to(|parser, next| parser.token(next).kind == TokenKind::Equals);
        }
        if self.kind() == TokenKind::Equals {
            let equals = self.bump();
            self.skip_space();
            if !top {
                self.skip_lines_to(|parser, next| parser.starts_value(next) && !parser.opens(next));
            }
            let value = self.value(equals.end);
            let span = Span::new(start, self.end_of_last().max(equals.end));
            return Some(Entry { span, keys, value, broken: self.errors.len() > errors });
        }
        let next = self.span().of(self.text);
        let starts_value = match self.kind() {
            TokenKind::BasicString
            | TokenKind::LiteralString
            | TokenKind::MlBasicString
            | TokenKind::MlLiteralString
            | TokenKind::LeftSquareBracket
            | TokenKind::LeftCurlyBracket => true,
            TokenKind::Atom if next == ":" => {
                let colon = self.bump();
                self.colon_error(colon);
                self.skip_space();
                let value = self.value(colon.end);
                return Some(Entry { span: Span::new(start, self.end_of_last()), keys, value, broken: true });
            }
            TokenKind::Atom => is_scalar_word(next),
            _ => false,
        };
        if starts_value && !keys.is_empty() {
            let at = Span::new(key_end, self.span().start);
            if let Some(error) = self.error(Kind::MissingEquals, at, "expected `=` between the key and its value") {
                error.fix = Some(fix("Add `=`", true, vec![edit(at, " = ")]));
            }
            let value = self.value(at.end);
            return Some(Entry { span: Span::new(start, self.end_of_last()), keys, value, broken: true });
        }
        if top && !self.at_line_end() {
            self.errors.truncate(errors);
            return None;
        }
        if keys.is_empty() {
            return None;
        }
        let span = Span::new(start, key_end);
        let shown = show::quoted(span.of(self.text));
        self.error(
            Kind::MissingEquals,
            span,
            format!("{shown} has no value: write `{} = …`", show::plain(span.of(self.text))),
        );
        let value = Value { span: Span::at(key_end), kind: ValueKind::Missing };
        Some(Entry { span, keys, value, broken: true })
    }

    /// Goes over line ends and comments to the next token where it is `wanted`, and nowhere otherwise: an inline
    /// table may break its lines on both sides of a `=`.
    fn skip_lines_to(&mut self, wanted: impl Fn(&Self, usize) -> bool) {
        if !self.at_line_end() {
            return;
        }
        let mut next = self.at;
        while is_trivia(self.token(next).kind) {
            next += 1;
        }
        if wanted(self, next) {
            while self.at < next {
                self.bump();
            }
        }
    }

    /// Whether the token at `at` is the first of a value.
    fn starts_value(&self, at: usize) -> bool {
        matches!(
            self.token(at).kind,
            TokenKind::Atom
                | TokenKind::BasicString
                | TokenKind::LiteralString
                | TokenKind::MlBasicString
                | TokenKind::MlLiteralString
                | TokenKind::LeftSquareBracket
                | TokenKind::LeftCurlyBracket
        )
    }

    /// `name: value` with the colon sticking to the key.
    fn colon_entry(&mut self) -> Option<Entry<'t>> {
        let span = self.span();
        let name = span.of(self.text).strip_suffix(':')?;
        if self.kind() != TokenKind::Atom || name.is_empty() || !name.bytes().all(is_bare) {
            return None;
        }
        let next = self.token(self.at + 1).kind;
        if !matches!(next, TokenKind::Whitespace | TokenKind::BasicString | TokenKind::LiteralString) {
            return None;
        }
        self.bump();
        let key = Span::new(span.start, span.end - 1);
        self.colon_error(Span::new(key.end, span.end));
        self.skip_space();
        let value = self.value(span.end);
        let keys = vec![Key { span: key, name: Cow::Borrowed(name) }];
        Some(Entry { span: Span::new(span.start, self.end_of_last()), keys, value, broken: true })
    }

    fn colon_error(&mut self, colon: Span) {
        let glued = !self.text.get(..colon.start).is_some_and(|before| before.ends_with([' ', '\t']));
        if let Some(error) = self.error(Kind::MissingEquals, colon, "TOML sets a key with `=`, not `:`") {
            let text = if glued { " =" } else { "=" };
            error.fix = Some(fix("Replace `:` by `=`", true, vec![edit(colon, text)]));
        }
    }

    fn value(&mut self, behind: usize) -> Value<'t> {
        let token = self.token(self.at);
        let span = token.span();
        match token.kind {
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => self.nested(token),
            TokenKind::BasicString
            | TokenKind::LiteralString
            | TokenKind::MlBasicString
            | TokenKind::MlLiteralString => self.string(token),
            TokenKind::Atom | TokenKind::Dot => self.scalar(),
            TokenKind::Whitespace | TokenKind::Newline | TokenKind::Comment | TokenKind::Eof => {
                self.error(
                    Kind::MissingValue,
                    Span::at(behind),
                    "expected a value: a string in quotes, a number, true, false, `[…]` or `{…}`",
                );
                Value { span: Span::at(behind), kind: ValueKind::Missing }
            }
            TokenKind::Equals => {
                let message = "one `=` is enough";
                let next = self.token(self.at + 1);
                let end = if next.kind == TokenKind::Whitespace { next.span().end } else { span.end };
                if let Some(error) = self.error(Kind::BadValue, span, message) {
                    error.fix = Some(fix("Remove the second `=`", true, vec![edit(Span::new(span.start, end), "")]));
                }
                self.bump();
                self.skip_space();
                self.value(behind)
            }
            _ => {
                self.error(Kind::MissingValue, span, format!("expected a value, found `{}`", span.of(self.text)));
                Value { span: Span::at(behind), kind: ValueKind::Missing }
            }
        }
    }

    fn string(&mut self, token: Token) -> Value<'t> {
        let span = token.span();
        let raw = span.of(self.text);
        self.bump();
        let encoding = match token.kind {
            TokenKind::BasicString => Encoding::BasicString,
            TokenKind::LiteralString => Encoding::LiteralString,
            TokenKind::MlBasicString => Encoding::MlBasicString,
            _ => Encoding::MlLiteralString,
        };
        if !is_closed(token.kind, raw) {
            self.unclosed_string(token);
            return Value { span, kind: ValueKind::Invalid };
        }
        // Nearly every string is plain, and says what stands between its quotes.
        if matches!(token.kind, TokenKind::BasicString | TokenKind::LiteralString)
            && let Some(body) = raw.get(1..raw.len() - 1)
            && !body.bytes().any(|b| b == b'\\' || b < b' ' || b == 0x7F)
        {
            return Value { span, kind: ValueKind::String(Cow::Borrowed(body)) };
        }
        let mut value = Cow::Borrowed("");
        let mut problems = Vec::new();
        let raw = Raw::new_unchecked(raw, Some(encoding), toml_parser::Span::new_unchecked(span.start, span.end));
        let _ = raw.decode_scalar(&mut value, &mut problems);
        if problems.is_empty() {
            Value { span, kind: ValueKind::String(value) }
        } else {
            self.bad_string(token, &problems);
            Value { span, kind: ValueKind::Invalid }
        }
    }

    fn unclosed_string(&mut self, token: Token) {
        let span = token.span();
        let raw = span.of(self.text);
        let quote = match token.kind {
            TokenKind::BasicString => "\"",
            TokenKind::LiteralString => "'",
            TokenKind::MlBasicString => "\"\"\"",
            _ => "'''",
        };
        let content = raw.trim_end_matches(['\n', '\r', ' ', '\t']);
        let end = span.start + content.len();
        let shown = Span::new(span.start, raw.find('\n').map_or(end, |i| span.start + i).min(end.max(span.start + 1)));
        let where_to = if quote.len() == 1 { "on its line" } else { "anywhere" };
        if let Some(error) =
            self.error(Kind::UnclosedString, shown, format!("this string is not closed {where_to}: add `{quote}`"))
        {
            // A list on one line: the quote belongs in front of what closes the list.
            let tail = content.trim_end_matches([']', '}', ',', ' ']).len().max(quote.len());
            let end = if quote.len() == 1 { span.start + tail } else { end };
            error.fix = Some(fix(&format!("Add the closing `{quote}`"), false, vec![edit(Span::at(end), quote)]));
        }
    }

    fn bad_string(&mut self, token: Token, problems: &[toml_parser::ParseError]) {
        let span = token.span();
        if !is_closed(token.kind, span.of(self.text)) {
            self.unclosed_string(token);
            return;
        }
        let Some(problem) = problems.first() else { return };
        let place = problem.unexpected().map_or(span, |at| Span::new(at.start(), at.end().max(at.start())));
        let raw = span.of(self.text);
        let inside = place.start.saturating_sub(span.start);
        let escape =
            raw.get(..inside).and_then(|before| before.rfind('\\').filter(|&i| inside - i <= 10 && is_escape(raw, i)));
        let control = place.of(self.text).chars().find(|c| c.is_control());
        let (place, message) = match (escape, control) {
            (_, Some(c)) => (
                place,
                format!("the control character U+{:04X} may not stand in a string: write it as an escape", c as u32),
            ),
            (Some(i), _) => {
                let start = span.start + i;
                let len = raw.get(i..).map_or(1, |rest| rest.chars().take(2).map(char::len_utf8).sum());
                let place = Span::new(start, start + len);
                let shown = show::plain(place.of(self.text));
                (
                    place,
                    format!(
                        "`{shown}` is no escape that TOML knows: write `\\\\` for a backslash, or use single quotes"
                    ),
                )
            }
            _ => (place, format!("{} in this string", problem.description())),
        };
        let double = escape.map(|i| span.start + i);
        if let Some(error) = self.error(Kind::BadString, place, message)
            && let (Some(at), None) = (double, control)
        {
            error.fix = Some(fix("Double the backslash", true, vec![edit(Span::at(at), "\\")]));
        }
    }

    /// A number, a boolean, a date: everything without quotes and brackets.
    fn scalar(&mut self) -> Value<'t> {
        let mut span = self.bump();
        loop {
            match self.kind() {
                TokenKind::Atom | TokenKind::Dot => span = span.to(self.bump()),
                // A date and its time may stand apart; text without quotes is told as a whole.
                TokenKind::Whitespace if self.token(self.at + 1).kind == TokenKind::Atom => {
                    self.bump();
                    span = span.to(self.bump());
                }
                _ => break,
            }
        }
        let raw = span.of(self.text);
        let mut decoded = Cow::Borrowed("");
        let mut problems = Vec::new();
        let kind = Raw::new_unchecked(raw, None, toml_parser::Span::new_unchecked(span.start, span.end))
            .decode_scalar(&mut decoded, &mut problems);
        let known = problems.is_empty().then_some(kind);
        if let Some(kind) = known.and_then(|kind| read_scalar(kind, &decoded)) {
            return Value { span, kind };
        }
        match known.and_then(|kind| out_of_range(kind, raw)) {
            Some(message) => {
                self.error(Kind::BadValue, span, message);
            }
            None => self.bad_scalar(span),
        }
        Value { span, kind: ValueKind::Invalid }
    }

    fn bad_scalar(&mut self, span: Span) {
        let raw = span.of(self.text);
        let shown = show::quoted(raw);
        let first = raw.bytes().next().unwrap_or_default();
        let in_quotes = |safe| quoted(raw).map(|text| fix("Put it in quotes", safe, vec![edit(span, &text)]));
        let write = |title: &str, text: &str, safe| Some(fix(title, safe, vec![edit(span, text)]));
        let (message, fixed): (String, Option<Fix>) = match raw.to_ascii_lowercase().as_str() {
            "yes" | "on" => (format!("{shown} is no boolean: write `true`"), write("Write `true`", "true", true)),
            "no" | "off" => (format!("{shown} is no boolean: write `false`"), write("Write `false`", "false", true)),
            word @ ("true" | "false" | "inf" | "nan") => {
                (format!("{shown} is written in lower case"), write("Write it in lower case", word, true))
            }
            "null" | "none" | "nil" => (format!("{shown}: TOML has no null. Leave the key out"), None),
            _ if first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.' | b'_') => {
                let digits = raw.trim_start_matches('0');
                if raw.len() > digits.len() && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
                    (format!("{shown}: a number has no leading zero"), write("Remove the leading zero", digits, true))
                } else if raw.matches('.').count() == 2 && raw.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
                    (format!("{shown} is no number: a version is a string, in quotes"), in_quotes(false))
                } else {
                    let fixed = match meant_number(raw) {
                        Some(number) => write(&format!("Write `{number}`"), &number, false),
                        None if is_like_number(raw) => None,
                        None => in_quotes(!first.is_ascii_digit()),
                    };
                    (format!("{shown} is no number or date that TOML can write"), fixed)
                }
            }
            _ => (format!("{shown} is text without quotes: a string stands in quotes"), in_quotes(true)),
        };
        if let Some(error) = self.error(Kind::BadValue, span, message) {
            error.fix = fixed;
        }
    }

    fn nested(&mut self, open: Token) -> Value<'t> {
        if self.nesting >= MAX_NESTING {
            return self.too_deep(open);
        }
        self.nesting += 1;
        let value = if open.kind == TokenKind::LeftSquareBracket {
            self.array()
        } else {
            self.open_tables += 1;
            let value = self.inline_table();
            self.open_tables -= 1;
            value
        };
        self.nesting -= 1;
        value
    }

    /// Skips a bracket that nests beyond the limit, with all in it, without recursion.
    fn too_deep(&mut self, open: Token) -> Value<'t> {
        self.error(
            Kind::TooDeep,
            open.span(),
            format!("nesting deeper than {MAX_NESTING} levels: a daemon does not read it"),
        );
        let mut depth = 0usize;
        loop {
            match self.kind() {
                TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => depth += 1,
                TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => depth = depth.saturating_sub(1),
                TokenKind::Eof => break,
                _ => {}
            }
            self.bump();
            if depth == 0 {
                break;
            }
        }
        Value { span: Span::new(open.span().start, self.end_of_last()), kind: ValueKind::Invalid }
    }

    /// Skips white space, comments and line ends; stops at a line that starts a key or a table and says so.
    fn skip_trivia(&mut self, mut stop: impl FnMut(&mut Self, usize) -> bool) -> bool {
        loop {
            match self.kind() {
                TokenKind::Newline => {
                    let mut next = self.at;
                    while is_trivia(self.token(next).kind) {
                        next += 1;
                    }
                    if self.token(next).kind != TokenKind::Eof && stop(self, next) {
                        return true;
                    }
                    while self.at < next {
                        self.bump();
                    }
                }
                kind if is_trivia(kind) => {
                    self.bump();
                }
                _ => return false,
            }
        }
    }

    fn unclosed(&mut self, open: Span, closing: &str) {
        if self.item_is_broken() {
            return;
        }
        let end = self.end_of_last();
        let what = if closing == "]" { "array" } else { "inline table" };
        if let Some(error) =
            self.error(Kind::UnclosedBracket, open, format!("this {what} is not closed: add `{closing}`"))
        {
            error
                .related
                .push(Related { span: Span::at(end), message: format!("`{closing}` is missing at the latest here") });
            error.fix = Some(fix(&format!("Add the closing `{closing}`"), true, vec![edit(Span::at(end), closing)]));
        }
    }

    /// A comma between the elements of a list, each a `what`; `expected` where one stands in front of it.
    fn comma(&mut self, expected: bool, what: &str) {
        let span = self.bump();
        if expected {
            return;
        }
        if let Some(error) = self.error(Kind::Unexpected, span, format!("there is no {what} in front of this comma")) {
            error.fix = Some(fix("Remove the comma", true, vec![edit(span, "")]));
        }
    }

    fn missing_comma(&mut self) {
        let end = self.end_of_last();
        let at = Span::new(end, self.span().start);
        let on_one_line = !at.of(self.text).contains('\n');
        let place = if on_one_line && !at.is_empty() { at } else { Span::at(end) };
        if let Some(error) = self.error(Kind::MissingComma, place, "expected `,` between two values") {
            error.fix = Some(fix("Add `,`", true, vec![edit(Span::at(end), ",")]));
        }
    }

    fn array(&mut self) -> Value<'t> {
        let open = self.bump();
        let mut values = Vec::new();
        let mut needs_comma = false;
        loop {
            let stopped = self.skip_trivia(|parser, next| parser.opens(next));
            match self.kind() {
                TokenKind::RightSquareBracket if !stopped => {
                    self.bump();
                    break;
                }
                TokenKind::Comma if !stopped => {
                    self.comma(needs_comma, "value");
                    needs_comma = false;
                }
                TokenKind::RightCurlyBracket if !stopped && self.open_tables == 0 => {
                    let span = self.span();
                    if let Some(error) = self.error(Kind::UnclosedBracket, span, "an array is closed by `]`, not `}`") {
                        error.related.push(Related { span: open, message: "the array starts here".to_owned() });
                        error.fix = Some(fix("Replace `}` by `]`", true, vec![edit(span, "]")]));
                    }
                    self.bump();
                    break;
                }
                TokenKind::Equals if !stopped => {
                    let span = self.span();
                    self.error(
                        Kind::Unexpected,
                        span,
                        "`=` may not stand in an array: close it with `]`, or write a table `{ key = value }`",
                    );
                    self.skip_line();
                }
                TokenKind::Eof | TokenKind::RightCurlyBracket => {
                    self.unclosed(open, "]");
                    break;
                }
                _ if stopped => {
                    self.unclosed(open, "]");
                    break;
                }
                _ => {
                    if needs_comma {
                        self.missing_comma();
                    }
                    values.push(self.value(open.end));
                    needs_comma = true;
                }
            }
        }
        Value { span: Span::new(open.start, self.end_of_last().max(open.end)), kind: ValueKind::Array(values) }
    }

    fn inline_table(&mut self) -> Value<'t> {
        let open = self.bump();
        let mut entries = Vec::new();
        let mut needs_comma = false;
        // Whether the table spreads over lines by intent: its first key stands on a line of its own.
        let mut after_open = self.at;
        while self.token(after_open).kind == TokenKind::Whitespace {
            after_open += 1;
        }
        let spread = matches!(self.token(after_open).kind, TokenKind::Newline | TokenKind::Comment);
        let mut closes = None;
        loop {
            let stopped = self.skip_trivia(|parser, next| {
                parser.opens(next)
                    && (parser.token(next).kind == TokenKind::LeftSquareBracket
                        || (!spread && !*closes.get_or_insert_with(|| parser.closes(next))))
            });
            match self.kind() {
                TokenKind::RightCurlyBracket if !stopped => {
                    self.bump();
                    break;
                }
                TokenKind::Comma if !stopped => {
                    self.comma(needs_comma, "entry");
                    needs_comma = false;
                }
                TokenKind::Atom | TokenKind::BasicString | TokenKind::LiteralString if !stopped => {
                    if needs_comma {
                        self.missing_comma();
                    }
                    let before = self.at;
                    if let Some(entry) = self.entry(false) {
                        entries.push(entry);
                    }
                    if self.at == before {
                        self.bump();
                    }
                    needs_comma = true;
                }
                TokenKind::RightSquareBracket if !stopped && self.nesting == self.open_tables => {
                    let span = self.span();
                    if let Some(error) =
                        self.error(Kind::UnclosedBracket, span, "an inline table is closed by `}`, not `]`")
                    {
                        error.related.push(Related { span: open, message: "the table starts here".to_owned() });
                        error.fix = Some(fix("Replace `]` by `}`", true, vec![edit(span, "}")]));
                    }
                    self.bump();
                    break;
                }
                TokenKind::Eof | TokenKind::RightSquareBracket => {
                    self.unclosed(open, "}");
                    break;
                }
                _ if stopped => {
                    self.unclosed(open, "}");
                    break;
                }
                _ => {
                    let span = self.span();
                    self.error(Kind::Unexpected, span, "expected `key = value` in this inline table");
                    self.bump();
                }
            }
        }
        Value { span: Span::new(open.start, self.end_of_last().max(open.end)), kind: ValueKind::Table(entries) }
    }

    /// Whether the inline table around `at` is closed before the next header or the end.
    fn closes(&self, at: usize) -> bool {
        let mut depth = 0i64;
        let mut line_start = true;
        for i in at..self.tokens.len() {
            let kind = self.token(i).kind;
            match kind {
                TokenKind::RightCurlyBracket if depth == 0 => return true,
                TokenKind::LeftSquareBracket if line_start && self.opens(i) => return false,
                TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => depth += 1,
                TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => depth -= 1,
                _ => {}
            }
            line_start = kind == TokenKind::Newline || (line_start && kind == TokenKind::Whitespace);
        }
        false
    }
}

fn read_scalar<'t>(kind: ScalarKind, decoded: &str) -> Option<ValueKind<'t>> {
    Some(match kind {
        ScalarKind::String => return None,
        ScalarKind::Boolean(value) => ValueKind::Boolean(value),
        ScalarKind::DateTime => {
            decoded.parse::<toml::value::Datetime>().ok()?;
            ValueKind::DateTime
        }
        ScalarKind::Float => {
            let value: f64 = decoded.parse().ok()?;
            if value.is_infinite() && !decoded.contains("inf") {
                return None;
            }
            ValueKind::Float(value)
        }
        ScalarKind::Integer(radix) => {
            let value = i128::from_str_radix(decoded, radix.value()).ok()?;
            if value < i128::from(i64::MIN) || value > i128::from(u64::MAX) {
                return None;
            }
            ValueKind::Integer(value)
        }
    })
}

/// What to say about a number that TOML can write and no value can hold.
fn out_of_range(kind: ScalarKind, raw: &str) -> Option<String> {
    let shown = show::quoted(raw);
    let below = raw.starts_with('-');
    let bare = matches!(raw.trim_start_matches(['+', '-']), "0x" | "0o" | "0b");
    match kind {
        ScalarKind::Integer(_) if bare => Some(format!("{shown} has no digits behind it")),
        ScalarKind::Integer(_) if below => Some(format!("{shown} is below {}, the least integer", i64::MIN)),
        ScalarKind::Integer(_) => Some(format!("{shown} is above {}, the greatest integer", u64::MAX)),
        ScalarKind::Float if below => Some(format!("{shown} is below what a float can hold")),
        ScalarKind::Float => Some(format!("{shown} is above what a float can hold")),
        ScalarKind::String | ScalarKind::Boolean(_) | ScalarKind::DateTime => None,
    }
}

/// The integer that is written with `_` where none may stand, or with spaces between its thousands.
fn meant_number(raw: &str) -> Option<String> {
    let (sign, unsigned) = raw.split_at(usize::from(raw.starts_with(['+', '-'])));
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut groups = unsigned.split(' ').skip(1);
    if !groups.all(|group| group.len() == 3 && group.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let bare: String = unsigned.chars().filter(|c| !matches!(c, '_' | ' ')).collect();
    let (radix, digits) = match bare.get(..2) {
        Some("0x") => (16, bare.get(2..)?),
        Some("0o") => (8, bare.get(2..)?),
        Some("0b") => (2, bare.get(2..)?),
        _ => (10, bare.as_str()),
    };
    // Nothing but digits: `from_str_radix` takes a sign.
    if !digits.chars().all(|c| c.is_digit(radix)) || u64::from_str_radix(digits, radix).is_err() {
        return None;
    }
    if radix != 10 {
        return sign.is_empty().then_some(bare);
    }
    let short = bare.trim_start_matches('0');
    Some(format!("{sign}{}", if short.is_empty() { "0" } else { short }))
}

/// Whether what starts with a digit is more like a number with something wrong or behind it (`64MB`, `30s`) than like a
/// version, an address or a date, which stand in quotes.
fn is_like_number(raw: &str) -> bool {
    let unsigned = raw.trim_start_matches(['+', '-']);
    let is_digit = |b: Option<&u8>| b.is_some_and(u8::is_ascii_digit);
    let bytes = unsigned.as_bytes();
    let starts = is_digit(bytes.first()) || (bytes.first() == Some(&b'.') && is_digit(bytes.get(1)));
    let year = bytes.iter().take_while(|b| b.is_ascii_digit()).count() == 4;
    let date = year && bytes.get(4) == Some(&b'-');
    starts && !date && unsigned.matches('.').count() < 2
}

fn quoted(raw: &str) -> Option<String> {
    (!raw.contains(['"', '\\', '\'']) && !raw.contains(char::is_control)).then(|| format!("\"{}\"", raw.trim_end()))
}

/// Whether the backslash at `at` starts an escape (is not itself escaped).
fn is_escape(raw: &str, at: usize) -> bool {
    raw.get(..at).is_some_and(|before| before.bytes().rev().take_while(|&b| b == b'\\').count() % 2 == 0)
}

fn is_bare(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')
}

/// Whether a word without quotes reads as a value.
fn is_scalar_word(word: &str) -> bool {
    matches!(word, "true" | "false" | "inf" | "nan")
        || word.bytes().next().is_some_and(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-'))
}

fn is_trivia(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Whitespace | TokenKind::Newline | TokenKind::Comment)
}

fn span_or_point(span: Span, raw: &str) -> Span {
    if raw.trim().is_empty() { Span::at(span.start) } else { span }
}

fn edit(span: Span, text: &str) -> TextEdit {
    TextEdit { span, text: text.to_owned() }
}

fn fix(title: &str, safe: bool, edits: Vec<TextEdit>) -> Fix {
    Fix { title: title.to_owned(), safe, edits }
}
