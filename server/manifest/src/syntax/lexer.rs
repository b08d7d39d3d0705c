//! Tokens: those of `toml_parser`, cut anew where a multi-line string was left open.

use toml_parser::Source;
pub use toml_parser::lexer::TokenKind;

use crate::text::Span;

/// A run of bytes of one kind. Tokens follow each other without a gap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// What it is. A byte order mark counts as white space.
    pub kind: TokenKind,
    start: u32,
    end: u32,
}

impl Token {
    fn new(kind: TokenKind, start: usize, end: usize) -> Self {
        // Texts are bounded far below 4 GiB before they get here; one that is not saturates and reads as cut off.
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { kind, start: narrow(start), end: narrow(end) }
    }

    /// Its bytes.
    #[must_use]
    pub fn span(&self) -> Span {
        Span::new(self.start as usize, self.end as usize)
    }
}

const BOM: &str = "\u{FEFF}";

/// Every byte of `text` as tokens, closed by an empty `Eof`.
///
/// A multi-line string that never closes, or that closes only in the opening quotes of a later one, would swallow all
/// that follows. Such a token ends in front of the first line inside it that starts a key or a table, and reading goes
/// on there.
pub(super) fn lex(text: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 3 + 2);
    let mut base = 0;
    if text.starts_with(BOM) {
        base = BOM.len();
        tokens.push(Token::new(TokenKind::Whitespace, 0, base));
    }
    let mut looks_back = MAX_LOOKS_BACK;
    'again: loop {
        let rest = text.get(base..).unwrap_or_default();
        // The lexer would skip a second mark without a token for it.
        if rest.starts_with(BOM) {
            let end = rest.find(['\n', ' ', '=']).map_or(text.len(), |i| base + i);
            tokens.push(Token::new(TokenKind::Atom, base, end));
            base = end;
            continue;
        }
        let mut open: Option<Token> = None;
        for token in Source::new(rest).lex() {
            let mut token = Token::new(token.kind(), base + token.span().start(), base + token.span().end());
            // Text that runs up to the end of a line takes the `\r` of `\r\n` with it: it belongs to the line end.
            if token.kind == TokenKind::Newline
                && token.start > 0
                && text.as_bytes().get(token.start as usize - 1) == Some(&b'\r')
                && let Some(last) = tokens.last_mut()
                && last.kind != TokenKind::Newline
            {
                last.end -= 1;
                token.start -= 1;
                if last.span().is_empty() {
                    tokens.pop();
                }
            }
            if let Some(string) = open.take() {
                let ends_well = matches!(
                    token.kind,
                    TokenKind::Whitespace
                        | TokenKind::Newline
                        | TokenKind::Comment
                        | TokenKind::Eof
                        | TokenKind::Comma
                        | TokenKind::RightSquareBracket
                        | TokenKind::RightCurlyBracket
                );
                if !ends_well && let Some(cut) = next_opening_line(text, string.span()) {
                    tokens.pop();
                    tokens.push(Token::new(string.kind, string.span().start, cut));
                    base = cut;
                    continue 'again;
                }
            }
            if matches!(token.kind, TokenKind::MlBasicString | TokenKind::MlLiteralString) {
                let closed = is_closed(token.kind, token.span().of(text));
                // One that took the opening quotes of a later string for its own end leaves the last one open.
                if !closed
                    && looks_back > 0
                    && let Some((at, cut)) = swallowed_an_opening(text, &tokens)
                {
                    looks_back -= 1;
                    let string = tokens[at];
                    tokens.truncate(at);
                    tokens.push(Token::new(string.kind, string.span().start, cut));
                    base = cut;
                    continue 'again;
                }
                if !closed && let Some(cut) = next_opening_line(text, token.span()) {
                    tokens.push(Token::new(token.kind, token.span().start, cut));
                    base = cut;
                    continue 'again;
                }
                open = Some(token);
            }
            tokens.push(token);
        }
        return tokens;
    }
}

/// How often one text is read again from an earlier string: each time costs the rest of the text.
const MAX_LOOKS_BACK: usize = 8;

/// The first multi-line string whose last line reads `key = """`, with the line end in it in front of the line that
/// starts a key or a table.
fn swallowed_an_opening(text: &str, tokens: &[Token]) -> Option<(usize, usize)> {
    tokens.iter().enumerate().find_map(|(i, token)| {
        if !matches!(token.kind, TokenKind::MlBasicString | TokenKind::MlLiteralString) {
            return None;
        }
        let string = token.span().of(text);
        let last = string.rsplit_once('\n')?.1.trim_end_matches(['"', '\'']).trim_end();
        if !last.ends_with('=') || !opens_by_text(last) {
            return None;
        }
        Some((i, next_opening_line(text, token.span())?))
    })
}

/// Whether a string token ends with its own closing quotes.
pub(super) fn is_closed(kind: TokenKind, string: &str) -> bool {
    let (quote, escapes) = match kind {
        TokenKind::BasicString => ("\"", true),
        TokenKind::LiteralString => ("'", false),
        TokenKind::MlBasicString => ("\"\"\"", true),
        TokenKind::MlLiteralString => ("'''", false),
        _ => return true,
    };
    let Some(body) = string.strip_prefix(quote) else { return false };
    let Some(body) = body.strip_suffix(quote) else { return false };
    // An odd run of backslashes in front of the closing quotes escapes the first of them.
    !escapes || body.bytes().rev().take_while(|&b| b == b'\\').count() % 2 == 0
}

/// The line end in `string` in front of the first line, behind its own first, that reads as `key =` or `[key`.
fn next_opening_line(text: &str, string: Span) -> Option<usize> {
    let body = string.of(text);
    body.match_indices('\n').map(|(i, _)| i + 1).find(|&start| body.get(start..).is_some_and(opens_by_text)).map(
        |start| {
            let before = body.get(..start - 1).unwrap_or_default();
            string.start + before.strip_suffix('\r').unwrap_or(before).len()
        },
    )
}

/// Whether a line reads as a key or a header, judged by its bare text: all that is known inside a string.
fn opens_by_text(line: &str) -> bool {
    let line = line.lines().next().unwrap_or_default().trim();
    let is_path = |path: &str| {
        !path.is_empty() && path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | '\''))
    };
    if let Some(header) = line.strip_prefix('[') {
        let header = header.strip_prefix('[').unwrap_or(header);
        return header.split_once(']').is_some_and(|(path, _)| is_path(path.trim()));
    }
    line.split_once('=').is_some_and(|(path, _)| is_path(path.trim()))
}
