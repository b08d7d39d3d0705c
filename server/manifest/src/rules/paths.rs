//! The rule for relative paths with the place of each fault: what roots and the paths of a checklist share.

use std::ops::Range;

use super::{Context, Rule, common};
use crate::{
    grammar::{PathFault, path_fault},
    show,
    view::Text,
};

/// One fault of a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Fault {
    /// What is wrong.
    pub kind: PathFault,
    /// Where, in the bytes of the path.
    pub at: Range<usize>,
}

const SEPARATORS: [char; 2] = ['/', '\\'];

/// What stands in front of a path that is no part of it: a URL's scheme or a drive.
fn prefix(trimmed: &str) -> Option<usize> {
    let colon = trimmed.find(':')?;
    let name = trimmed.get(..colon)?;
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let url = trimmed.get(colon..).is_some_and(|rest| rest.starts_with("://"));
    if url { Some(colon + 3) } else { (name.len() == 1).then_some(colon + 1) }
}

/// The faults of `path`: of each kind the first, a run of bad segments as one. Empty exactly where
/// [`crate::grammar::path_fault`] finds none.
pub(super) fn faults(path: &str) -> Vec<Fault> {
    let trimmed = path.trim();
    let base = path.len() - path.trim_start().len();
    if trimmed.is_empty() {
        return vec![Fault { kind: PathFault::Empty, at: 0..path.len() }];
    }
    let mut faults: Vec<Fault> = Vec::new();
    let mut add = |kind: PathFault, at: Range<usize>| {
        let at = at.start + base..at.end + base;
        match faults.iter_mut().find(|fault| fault.kind == kind) {
            // The next segment of a run is behind one separator.
            Some(fault) if fault.at.end + 1 >= at.start => fault.at.end = fault.at.end.max(at.end),
            Some(_) => {}
            None => faults.push(Fault { kind, at }),
        }
    };
    let mut start = prefix(trimmed).unwrap_or(0);
    if start > 0 {
        add(PathFault::Colon, 0..start);
    } else if let Some(colon) = trimmed.find(':') {
        add(PathFault::Colon, colon..colon + 1);
    }
    let body = trimmed.get(start..).unwrap_or_default();
    let leading = body.len() - body.trim_start_matches(SEPARATORS).len();
    if leading > 0 {
        // The separator behind a drive or a scheme is one slip with it.
        if start == 0 {
            add(PathFault::Absolute, 0..leading);
        }
        start += leading;
    }
    if let Some(nul) = trimmed.find('\0') {
        add(PathFault::Nul, nul..nul + 1);
    }
    let body = trimmed.get(start..).unwrap_or_default();
    if body.is_empty() {
        return faults;
    }
    let mut at = start;
    for segment in body.split(SEPARATORS) {
        let end = at + segment.len();
        match segment {
            "" => add(PathFault::EmptySegment, at.saturating_sub(1)..(end + 1).min(trimmed.len())),
            "." => add(PathFault::Dot, at..end),
            ".." => add(PathFault::DotDot, at..end),
            _ => {}
        }
        at = end + 1;
    }
    faults
}

/// `path` as the rule wants it, with `/`, and whether it still is the same place. `None` where nothing is left, where it
/// leads out, or where it holds what no path may.
pub(super) fn repaired(path: &str) -> Option<(String, bool)> {
    let trimmed = path.trim();
    let cut = prefix(trimmed).unwrap_or(0);
    let body = trimmed.get(cut..)?;
    let same = cut == 0 && !body.starts_with(SEPARATORS);
    if body.contains([':', '\0']) {
        return None;
    }
    let mut segments = Vec::new();
    for segment in body.split(SEPARATORS) {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop()?;
            }
            segment => segments.push(segment),
        }
    }
    let repaired = segments.join("/");
    path_fault(&repaired).is_none().then_some((repaired, same))
}

/// What is wrong and what to do, for the fault of a path that a message calls `what` (with its article).
pub(super) fn message(kind: PathFault, shown: &str, what: &str) -> String {
    match kind {
        PathFault::Empty => format!("{what} is empty: name a relative path"),
        PathFault::Absolute => format!("{what} is relative: it cannot start with `{shown}`"),
        PathFault::Colon if shown.ends_with("://") => format!("{what} is no URL: drop `{shown}`"),
        PathFault::Colon if shown.len() > 1 => format!("{what} names no drive: drop `{shown}`"),
        PathFault::Colon => format!("{what} cannot hold `:`"),
        PathFault::Nul => format!("{what} cannot hold NUL"),
        PathFault::EmptySegment => {
            format!("{what} has an empty segment: write single `/` between names and none behind")
        }
        PathFault::Dot => format!("{what} cannot have a segment `.`"),
        PathFault::DotDot => format!("{what} cannot lead upwards with `..`"),
    }
}

/// The longest name and the longest path that common file systems take, in bytes.
pub(super) const MAX_NAME: usize = 255;
pub(super) const MAX_PATH: usize = 1024;

/// What a path that breaks no rule holds all the same, and is no name of a file everywhere: the first such thing, and what
/// is wrong with it. For a path that names one file.
pub(super) fn odd(path: &str) -> Option<(Range<usize>, String)> {
    let shown = |range: &Range<usize>| show::quoted(path.get(range.clone()).unwrap_or_default());
    if let Some((from, to)) = shell_notation(path) {
        let message = format!("nothing expands {}: write the path of the file itself", shown(&(from..to)));
        return Some((from..to, message));
    }
    if let Some(range) = common::first_run(path, |c| c == '*' || is_glob(c)) {
        let message = format!("{} is no wildcard here: name one file", shown(&range));
        return Some((range, message));
    }
    if path.len() > MAX_PATH {
        return Some((
            0..path.len(),
            format!("a path of {} bytes is too long for file systems: shorten it", path.len()),
        ));
    }
    let mut start = 0;
    for segment in path.split(SEPARATORS) {
        let range = start..start + segment.len();
        if segment.ends_with(['.', ' ']) {
            let message = format!("Windows drops the end of {}: end the name with another character", shown(&range));
            return Some((range, message));
        }
        if is_reserved(segment) {
            let message = format!("{} is a device on Windows: choose another name", shown(&range));
            return Some((range, message));
        }
        if segment.len() > MAX_NAME {
            let message = format!("a name of {} bytes is too long for file systems: shorten it", segment.len());
            return Some((range, message));
        }
        start = range.end + 1;
    }
    None
}

/// Reports what is [`odd`] about the path of one file, and `\`.
pub(super) fn report_odd(cx: &mut Context<'_, '_>, rule: &'static Rule, path: Text<'_, '_>) {
    let skipped = path.value.len() - path.value.trim_start().len();
    if let Some((range, message)) = odd(path.trimmed()) {
        let span = cx.inside(path.node, range.start + skipped..range.end + skipped);
        cx.report(rule, span, message);
    } else if let Some(at) = path.value.find('\\') {
        let edit = cx.set_string(path.node, &path.trimmed().replace('\\', "/"));
        let span = cx.inside(path.node, at..at + 1);
        cx.report(rule, span, "write `/`: only Windows takes `\\` for it").safe_fix("Write `/`", vec![edit]);
    }
}

/// Whether shells take a character for a part of a pattern; `*` aside, which has a meaning in some values.
pub(super) fn is_glob(c: char) -> bool {
    matches!(c, '?' | '[' | ']' | '{' | '}')
}

/// The range of the first thing that a shell would expand or a URL decode.
pub(super) fn shell_notation(path: &str) -> Option<(usize, usize)> {
    if path.starts_with('~') {
        return Some((0, path.find(['/', '\\']).unwrap_or(path.len())));
    }
    let bytes = path.as_bytes();
    for (i, byte) in bytes.iter().enumerate() {
        let rest = path.get(i + 1..).unwrap_or_default();
        let name =
            |rest: &str| rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
        match byte {
            b'$' if rest.starts_with('{') => {
                let end = rest.find('}').map_or(path.len(), |end| i + 1 + end + 1);
                return Some((i, end));
            }
            b'$' if name(rest) > 0 => return Some((i, i + 1 + name(rest))),
            b'%' => {
                if rest.len() >= 2 && rest.bytes().take(2).all(|b| b.is_ascii_hexdigit()) {
                    return Some((i, i + 3));
                }
                let len = name(rest);
                if len > 0 && rest.get(len..).is_some_and(|rest| rest.starts_with('%')) {
                    return Some((i, i + 1 + len + 1));
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether Windows takes a name for a device.
pub(super) fn is_reserved(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered = ["com", "lpt"].into_iter().any(|device| {
        stem.strip_prefix(device).is_some_and(|n| {
            let mut chars = n.chars();
            matches!(chars.next(), Some('0'..='9' | '¹' | '²' | '³')) && chars.next().is_none()
        })
    });
    numbered || matches!(stem.as_str(), "con" | "prn" | "aux" | "nul" | "conin$" | "conout$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_agree_with_the_grammar() {
        let parts = ["", "/", "\\", ".", "..", "a", ":", "\0", " ", "c:", "file://", "b c", "...", "//"];
        for a in parts {
            for b in parts {
                for c in parts {
                    for d in parts {
                        let path = format!("{a}{b}{c}{d}");
                        let found = faults(&path);
                        assert_eq!(found.is_empty(), path_fault(&path).is_none(), "{path:?}: {found:?}");
                        for fault in &found {
                            assert!(path.get(fault.at.clone()).is_some(), "{path:?}: {fault:?}");
                        }
                        if let Some((repaired, _)) = repaired(&path) {
                            assert_eq!(path_fault(&repaired), None, "{path:?}: {repaired:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn faults_have_their_places() {
        let at = |path| faults(path).into_iter().map(|fault| (fault.kind, fault.at)).collect::<Vec<_>>();
        assert_eq!(at(" /a"), [(PathFault::Absolute, 1..2)]);
        assert_eq!(at("a//b"), [(PathFault::EmptySegment, 1..3)]);
        assert_eq!(at("a/"), [(PathFault::EmptySegment, 1..2)]);
        assert_eq!(at("a/../../b/.."), [(PathFault::DotDot, 2..7)]);
        assert_eq!(at("C:\\a"), [(PathFault::Colon, 0..2)]);
        assert_eq!(at("file:///a"), [(PathFault::Colon, 0..7)]);
        assert_eq!(at("aa:b"), [(PathFault::Colon, 2..3)]);
        assert_eq!(repaired("C:\\a\\.\\b\\"), Some(("a/b".to_owned(), false)));
        assert_eq!(repaired("a/../b"), Some(("b".to_owned(), true)));
        assert_eq!(repaired("../b"), None);
    }
}
