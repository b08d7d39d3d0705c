//! The syntax tree: TOML 1.1 as a daemon reads it, lossless and tolerant of errors.
//!
//! Tokens and the meaning of strings and numbers come from `toml_parser`, the lexer of the very library that a daemon
//! reads with. The grammar over the tokens is here, because a manifest is mostly seen half-typed: a slip must cost one
//! diagnostic, and everything from the next line on that starts a key or a table must be understood as if nothing had
//! happened.

mod lexer;
mod parser;

use std::borrow::Cow;

pub use lexer::{Token, TokenKind};
pub(crate) use parser::read;

use crate::{
    diagnostic::{Fix, Related},
    text::Span,
};

/// How deep arrays and inline tables may nest in one value, and how many parts a dotted key may have: the limit of the
/// library that a daemon reads with.
pub const MAX_NESTING: usize = 80;

/// A text as tokens and the items made of them.
#[derive(Debug)]
pub struct Tree<'t> {
    /// The text that was read.
    pub text: &'t str,
    /// Every byte of the text, in order: [`Tree::print`] gives the text back.
    pub tokens: Vec<Token>,
    /// Headers and entries in the order of the text.
    pub items: Vec<Item<'t>>,
    /// What is wrong, in the order of the text.
    pub errors: Vec<SyntaxError>,
}

/// One line (or more, where a value spans lines) that means something.
#[derive(Clone, Debug)]
pub enum Item<'t> {
    /// `[a.b]` or `[[a.b]]`.
    Header(Header<'t>),
    /// `a.b = value`.
    Entry(Entry<'t>),
    /// Text that starts neither.
    Garbage(Span),
}

impl Item<'_> {
    /// Its range.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Header(header) => header.span,
            Self::Entry(entry) => entry.span,
            Self::Garbage(span) => *span,
        }
    }
}

/// The header of a table or of an element of an array of tables.
#[derive(Clone, Debug)]
pub struct Header<'t> {
    /// From the first bracket to the last.
    pub span: Span,
    /// Whether it has double brackets.
    pub array: bool,
    /// The dotted key; what could be read of it where the header is broken.
    pub keys: Vec<Key<'t>>,
    /// Whether anything about it is wrong.
    pub broken: bool,
    /// Whether its key was cut short, so that it is unknown which table it opens.
    pub cut: bool,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub struct Entry<'t> {
    /// From the key to the end of the value.
    pub span: Span,
    /// The dotted key, at least one part.
    pub keys: Vec<Key<'t>>,
    /// The value; [`ValueKind::Missing`] where there is none.
    pub value: Value<'t>,
    /// Whether anything in it is wrong.
    pub broken: bool,
}

/// One part of a dotted key.
#[derive(Clone, Debug)]
pub struct Key<'t> {
    /// With its quotes.
    pub span: Span,
    /// What it means.
    pub name: Cow<'t, str>,
}

/// A value.
#[derive(Clone, Debug)]
pub struct Value<'t> {
    /// With its quotes or brackets.
    pub span: Span,
    /// What it is.
    pub kind: ValueKind<'t>,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum ValueKind<'t> {
    /// Nothing there yet.
    Missing,
    /// Something that is no TOML value.
    Invalid,
    /// A string of any of the four kinds.
    String(Cow<'t, str>),
    /// An integer; TOML writes at most the largest u64.
    Integer(i128),
    /// A float, with infinities and NaN.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// A date, a time, or both.
    DateTime,
    /// An array.
    Array(Vec<Value<'t>>),
    /// An inline table.
    Table(Vec<Entry<'t>>),
}

/// What kind of slip a [`SyntaxError`] is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SyntaxErrorKind {
    /// A string that its line (or the file) ends before its closing quote.
    UnclosedString,
    /// A string with an escape or a character that TOML does not know.
    BadString,
    /// A key without `=`.
    MissingEquals,
    /// A `=` without a value.
    MissingValue,
    /// Something that is no value.
    BadValue,
    /// An array or inline table that is not closed, or closed by the wrong bracket.
    UnclosedBracket,
    /// Two values or entries without a comma between them.
    MissingComma,
    /// Something that is no key.
    BadKey,
    /// A header that is not closed, is empty, or shares its line.
    BadHeader,
    /// Text where nothing (more) is expected.
    Unexpected,
    /// A control character outside a string, such as NUL or a lone carriage return.
    ControlCharacter,
    /// Nesting or a dotted key beyond [`MAX_NESTING`].
    TooDeep,
    /// The same key or table twice.
    Duplicate,
    /// A key or header that reaches into something that is no open table.
    Conflict,
}

/// One slip.
#[derive(Clone, Debug)]
pub struct SyntaxError {
    /// What kind.
    pub kind: SyntaxErrorKind,
    /// Where.
    pub span: Span,
    /// What is wrong and what to do.
    pub message: String,
    /// The other place that belongs to it.
    pub related: Vec<Related>,
    /// What mends it.
    pub fix: Option<Fix>,
}

impl<'t> Tree<'t> {
    /// Reads any text.
    #[must_use]
    pub fn parse(text: &'t str) -> Self {
        let mut items = Vec::new();
        let (tokens, errors) = read(text, |item| items.push(item));
        Self { text, tokens, items, errors }
    }

    /// The text again, made of the tokens.
    #[must_use]
    pub fn print(&self) -> String {
        self.tokens.iter().map(|token| token.span().of(self.text)).collect()
    }
}

/// The comments among `tokens`, each from `#` to the end of its line.
pub(crate) fn comments(tokens: &[Token]) -> impl Iterator<Item = Span> {
    tokens.iter().filter(|token| token.kind == TokenKind::Comment).map(Token::span)
}
