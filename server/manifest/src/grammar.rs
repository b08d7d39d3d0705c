//! The small grammars of a manifest's strings, exactly as a daemon reads them. One place for the verdict and the rules.

use std::fmt;

/// Whether `s` is an *identifier*: after trimming not empty, and of `a-z 0-9 . _ - :` only.
#[must_use]
pub fn is_identifier(s: &str) -> bool {
    let s = s.trim();
    !s.is_empty() && s.chars().all(is_identifier_char)
}

/// Whether `c` may stand in an identifier.
#[must_use]
pub fn is_identifier_char(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-' | ':')
}

/// Whether `s` is a skill id: an identifier without `:` and without an empty dot-separated segment.
#[must_use]
pub fn is_skill_id(s: &str) -> bool {
    let s = s.trim();
    is_identifier(s) && !s.contains(':') && s.split('.').all(|segment| !segment.is_empty())
}

/// Whether `s` is a tag, a category or a configuration key: trimmed not empty, of `a-z 0-9 . _ -` only.
#[must_use]
pub fn is_label(s: &str) -> bool {
    let s = s.trim();
    !s.is_empty() && s.chars().all(is_label_char)
}

/// Whether `c` may stand in a tag, a category or a configuration key.
#[must_use]
pub fn is_label_char(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-')
}

/// Whether `s` is the name of an export: trimmed not empty, of `a-z 0-9 _ -` only.
#[must_use]
pub fn is_entrypoint(s: &str) -> bool {
    let s = s.trim();
    !s.is_empty() && s.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-'))
}

/// A version as a daemon compares it: three numbers, no pre-release and no build.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// Reads `s`: trimmed, exactly three dot-separated u32. Leading zeros and a leading `+` of a part count as the
    /// number that they parse to.
    #[must_use]
    pub fn parse(s: &str) -> Option<Self> {
        let mut parts = s.trim().split('.').map(|part| part.parse::<u32>().ok());
        let version = Self(parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// Why a path breaks the rule for relative paths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PathFault {
    /// Nothing but white space.
    Empty,
    /// Starts with `/` or `\`.
    Absolute,
    /// Holds `:`.
    Colon,
    /// Holds NUL.
    Nul,
    /// Has a segment between separators that is empty.
    EmptySegment,
    /// Has a segment `.`.
    Dot,
    /// Has a segment `..`.
    DotDot,
}

/// The first fault of `path` by the rule for relative paths (roots, builder paths, module paths): after trimming, with
/// `\` read as `/`.
#[must_use]
pub fn path_fault(path: &str) -> Option<PathFault> {
    let path = path.trim();
    if path.is_empty() {
        return Some(PathFault::Empty);
    }
    if path.starts_with(['/', '\\']) {
        return Some(PathFault::Absolute);
    }
    if path.contains(':') {
        return Some(PathFault::Colon);
    }
    if path.contains('\0') {
        return Some(PathFault::Nul);
    }
    path.split(['/', '\\']).find_map(|segment| match segment {
        "" => Some(PathFault::EmptySegment),
        "." => Some(PathFault::Dot),
        ".." => Some(PathFault::DotDot),
        _ => None,
    })
}

/// A host as a daemon compares it: trimmed, ASCII lower case, without trailing dots.
#[must_use]
pub fn normalize_host(host: &str) -> String {
    host.trim().to_ascii_lowercase().trim_end_matches('.').to_owned()
}

/// Whether a host without `*` is one that a daemon takes.
#[must_use]
pub fn is_host(host: &str) -> bool {
    let host = normalize_host(host);
    !host.is_empty()
        && !host.contains("..")
        && !host.starts_with(['.', '-'])
        && !host.ends_with(['.', '-'])
        && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
}

/// The part of a secret scope in front of the first `:`.
pub const SCOPE_PREFIXES: [&str; 3] = ["principal", "channel", "skill"];

/// Whether `scope` is `global`, `principal:X`, `channel:X` or `skill:X` with an identifier X.
#[must_use]
pub fn is_secret_scope(scope: &str) -> bool {
    let scope = scope.trim();
    scope == "global"
        || scope.split_once(':').is_some_and(|(prefix, rest)| SCOPE_PREFIXES.contains(&prefix) && is_identifier(rest))
}

/// Whether a `docs_url` (trimmed) is one that a daemon takes.
#[must_use]
pub fn is_docs_url(url: &str) -> bool {
    let url = url.trim();
    url.starts_with("https://") && !url.contains([' ', '#'])
}

/// Whether a default module path has the form that a daemon asks for before it applies the path rule. Unlike other
/// paths it is not trimmed.
#[must_use]
pub fn is_module_path(path: &str) -> bool {
    path.starts_with("modules/") && path.ends_with(".wasm") && !path.contains("..") && !path.contains('\0')
}

/// The smallest memory quota in bytes: one WebAssembly page.
pub const MIN_MEMORY_BYTES: u64 = 65_536;

/// The protocol major version of the daemon that these rules are of.
pub const PROTOCOL_MAJOR: u32 = 1;

/// The version of the daemon that these rules are of.
pub const PALYRA_VERSION: Version = Version(0, 1, 0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(Version::parse(" 01.+2.3 "), Some(Version(1, 2, 3)));
        for bad in ["", "1", "1.2", "1.2.3.4", "1.2.3-rc", "v1.2.3", "1.2.4294967296", "1..2"] {
            assert_eq!(Version::parse(bad), None, "{bad:?}");
        }
        assert!(Version(0, 10, 0) > Version(0, 9, 9));
    }

    #[test]
    fn paths() {
        assert_eq!(path_fault("a/b c/d"), None);
        assert_eq!(path_fault("  "), Some(PathFault::Empty));
        assert_eq!(path_fault("\\a"), Some(PathFault::Absolute));
        assert_eq!(path_fault("c:a"), Some(PathFault::Colon));
        assert_eq!(path_fault("a\\..\\b"), Some(PathFault::DotDot));
        assert_eq!(path_fault("a/"), Some(PathFault::EmptySegment));
        assert_eq!(path_fault("./a"), Some(PathFault::Dot));
    }

    #[test]
    fn hosts() {
        for good in ["a", "A.B", "a.b...", "xn--e1afmkfd.example", " a.b "] {
            assert!(is_host(good), "{good:?}");
        }
        for bad in ["", "...", "a..b", "-a", "a-", ".a", "a_b", "a:1", "é.example", "http://a"] {
            assert!(!is_host(bad), "{bad:?}");
        }
    }
}
