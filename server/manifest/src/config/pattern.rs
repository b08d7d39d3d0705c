//! The globs and paths of `[package]`: which texts are any, and where one is wrong.
//!
//! A path is counted from the skill's folder and stays in it, with `/` between its parts. In a glob `*` and `?` stay
//! within a part and `**` does not, `[a-z]` is one of some characters, `{a,b}` one of some texts; nothing is an escape.
//! What matches is decided by the library that packaging uses; a test there holds the two grammars equal.

use std::{fmt, ops::Range};

/// The longest glob or path, in bytes. No system has a longer path.
pub const MAX_PATTERN_BYTES: usize = 4096;

/// How deep `{…}` may nest.
pub const MAX_GROUPS: usize = 8;

/// Why a text is no glob or path below the skill's folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PatternFault {
    /// Nothing, or an empty part.
    Empty,
    /// Starts at a root, or names a drive.
    Absolute,
    /// Holds a part `.` or `..`.
    Leaves,
    /// Holds `\`.
    Backslash,
    /// A wildcard where one file is named.
    Wildcard,
    /// Longer than [`MAX_PATTERN_BYTES`].
    TooLong,
    /// A `[` without its `]`.
    UnclosedClass,
    /// A range in `[…]` that runs backwards; its ends.
    Range(char, char),
    /// A `{` without its `}`.
    UnclosedGroup,
    /// A `}` without its `{`.
    UnopenedGroup,
    /// `{…}` nested deeper than [`MAX_GROUPS`].
    TooDeep,
}

impl PatternFault {
    /// Whether it is one of the notation of globs, and not of paths.
    #[must_use]
    pub fn is_of_globs(&self) -> bool {
        matches!(
            self,
            Self::UnclosedClass | Self::Range(..) | Self::UnclosedGroup | Self::UnopenedGroup | Self::TooDeep
        )
    }
}

impl fmt::Display for PatternFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("name a file or folder; no part of a path may be empty"),
            Self::Absolute => f.write_str(
                "write it counted from the skill's folder; for a file elsewhere use `skillyard package --module PATH=FILE` \
                 or `--asset PATH=FILE`",
            ),
            Self::Leaves => f.write_str(
                "it may not hold `.` or `..`: it is counted from the skill's folder and stays in it; for a file elsewhere \
                 use `skillyard package --module PATH=FILE` or `--asset PATH=FILE`",
            ),
            Self::Backslash => f.write_str("write `/` between the parts of a path"),
            Self::Wildcard => f.write_str("one file must be named here, without `*`, `?`, `[` or `{`"),
            Self::TooLong => write!(f, "it is longer than {MAX_PATTERN_BYTES} bytes"),
            Self::UnclosedClass => f.write_str("it is no glob: `[` has no `]`; for a `[` itself write `[[]`"),
            Self::Range(from, to) => write!(
                f,
                "it is no glob: the range `{}-{}` runs backwards",
                from.escape_debug(),
                to.escape_debug()
            ),
            Self::UnclosedGroup => f.write_str("it is no glob: `{` has no `}`; for a `{` itself write `[{]`"),
            Self::UnopenedGroup => f.write_str("it is no glob: `}` has no `{`; for a `}` itself write `[}]`"),
            Self::TooDeep => write!(f, "`{{…}}` may nest {MAX_GROUPS} levels deep"),
        }
    }
}

/// A fault, and the bytes of the text that are wrong.
pub type PlacedFault = (PatternFault, Range<usize>);

/// The first fault of `text` as a glob, and the bytes of it that are wrong. `None` for a good one.
///
/// A `/` at its end is left out of the count: `assets/` is the folder `assets`.
#[must_use]
pub fn pattern_fault(text: &str) -> Option<PlacedFault> {
    if text.len() > MAX_PATTERN_BYTES {
        return Some((PatternFault::TooLong, 0..text.len()));
    }
    if let Some(at) = text.find('\\') {
        return Some((PatternFault::Backslash, at..at + 1));
    }
    if text.starts_with('/') {
        return Some((PatternFault::Absolute, 0..1));
    }
    if let Some(at) = text.find(':') {
        return Some((PatternFault::Absolute, 0..at + 1));
    }
    let text = text.strip_suffix('/').unwrap_or(text);
    let mut at: usize = 0;
    for part in text.split('/') {
        match part {
            // With a slash beside it: an empty range has nothing to show.
            "" => return Some((PatternFault::Empty, at.saturating_sub(1)..(at + 1).min(text.len()))),
            "." | ".." => return Some((PatternFault::Leaves, at..at + part.len())),
            _ => at += part.len() + 1,
        }
    }
    glob_fault(text)
}

/// [`pattern_fault`] for the path of one file, which has no wildcards.
#[must_use]
pub fn file_fault(text: &str) -> Option<PlacedFault> {
    let wildcard = text.find(WILDCARDS).map(|at| (PatternFault::Wildcard, at..at + 1));
    pattern_fault(text).filter(|(fault, _)| wildcard.is_none() || !fault.is_of_globs()).or(wildcard)
}

/// What makes a path a glob.
const WILDCARDS: [char; 4] = ['*', '?', '[', '{'];

fn glob_fault(text: &str) -> Option<PlacedFault> {
    let mut groups: Vec<usize> = Vec::new();
    let mut rest = text.char_indices();
    while let Some((at, c)) = rest.next() {
        match c {
            '[' => {
                if let Some(fault) = class_fault(&mut rest, at, text.len()) {
                    return Some(fault);
                }
            }
            '{' if groups.len() == MAX_GROUPS => return Some((PatternFault::TooDeep, at..at + 1)),
            '{' => groups.push(at),
            '}' if groups.pop().is_none() => return Some((PatternFault::UnopenedGroup, at..at + 1)),
            _ => {}
        }
    }
    groups.pop().map(|at| (PatternFault::UnclosedGroup, at..at + 1))
}

/// Reads a `[…]` behind its `[`, which stands at `open`. A `]` or `-` at its start is itself.
fn class_fault(rest: &mut std::str::CharIndices<'_>, open: usize, end: usize) -> Option<PlacedFault> {
    let negation = rest.clone().next().filter(|(_, c)| matches!(c, '!' | '^'));
    if negation.is_some() {
        rest.next();
    }
    let mut first = true;
    // The last character that may start a range, and whether `-` stands behind it.
    let mut before: Option<(usize, char)> = None;
    let mut in_range = false;
    for (at, c) in rest.by_ref() {
        match c {
            ']' if !first => return None,
            '-' if !first && !in_range => in_range = true,
            _ if in_range => {
                if let Some((start, from)) = before
                    && c < from
                {
                    return Some((PatternFault::Range(from, c), start..at + c.len_utf8()));
                }
                // A further `-` moves the end of the same range: `[a-z-c]` is `[a-c]`.
                in_range = false;
            }
            _ => before = Some((at, c)),
        }
        first = false;
    }
    Some((PatternFault::UnclosedClass, open..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<(PatternFault, &str)> {
        pattern_fault(text).map(|(fault, at)| (fault, text.get(at).unwrap()))
    }

    #[test]
    fn paths_stay_in_the_folder() {
        for good in ["a", "a/b.wasm", "assets/", "a..b/.c", "ä b", "a,b", "**/x", "**"] {
            assert_eq!(fault(good), None, "{good}");
        }
        assert_eq!(fault("a\\b"), Some((PatternFault::Backslash, "\\")));
        assert_eq!(fault("/etc"), Some((PatternFault::Absolute, "/")));
        assert_eq!(fault("c:/x"), Some((PatternFault::Absolute, "c:")));
        assert_eq!(fault("a/../b"), Some((PatternFault::Leaves, "..")));
        assert_eq!(fault("./b"), Some((PatternFault::Leaves, ".")));
        assert_eq!(fault("a//b"), Some((PatternFault::Empty, "//")));
        assert_eq!(fault("a//"), Some((PatternFault::Empty, "/")));
        assert_eq!(fault(""), Some((PatternFault::Empty, "")));
        assert_eq!(fault(&"a".repeat(MAX_PATTERN_BYTES)), None);
        assert_eq!(fault(&"a".repeat(MAX_PATTERN_BYTES + 1)).map(|(fault, _)| fault), Some(PatternFault::TooLong));
    }

    #[test]
    fn globs_are_told_where_they_are_wrong() {
        for good in ["*", "a?.[ch]", "[!a-c]", "[]a]", "[a-]", "[-a]", "[^-z]", "{a,{b,c}}/d", "[[]", "[{]", "[a-b-c]"]
        {
            assert_eq!(fault(good), None, "{good}");
        }
        assert_eq!(fault("a/[b/c"), Some((PatternFault::UnclosedClass, "[b/c")));
        assert_eq!(fault("[]"), Some((PatternFault::UnclosedClass, "[]")));
        assert_eq!(fault("a[z-b]"), Some((PatternFault::Range('z', 'b'), "z-b")));
        assert_eq!(fault("{a,{b}"), Some((PatternFault::UnclosedGroup, "{")));
        assert_eq!(fault("a}"), Some((PatternFault::UnopenedGroup, "}")));
        let nested = |depth| format!("{}a{}", "{".repeat(depth), "}".repeat(depth));
        assert_eq!(fault(&nested(MAX_GROUPS)), None);
        assert_eq!(fault(&nested(MAX_GROUPS + 1)).unwrap().0, PatternFault::TooDeep);
    }

    #[test]
    fn a_file_has_no_wildcards() {
        assert_eq!(file_fault("a/b.json"), None);
        assert_eq!(file_fault("a/*.json"), Some((PatternFault::Wildcard, 2..3)));
        assert_eq!(file_fault("a[.json"), Some((PatternFault::Wildcard, 1..2)));
        assert_eq!(file_fault("../*.json").unwrap().0, PatternFault::Leaves);
        assert_eq!(file_fault("a}").unwrap().0, PatternFault::UnopenedGroup);
    }
}
