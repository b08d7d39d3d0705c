//! The names of entries: as a daemon reads them, and what Skillyard refuses beyond.

use std::{collections::BTreeMap, fmt};

use skillyard_manifest::{grammar, is_unseen, quoted, rules::Rule};
use unicode_normalization::UnicodeNormalization as _;

use crate::{
    Finding,
    rules::{Family, rejects, silent},
};

pub use grammar::PathFault;

/// The rules about names of entries.
pub static FAMILY: Family = Family {
    name: "path",
    about: "the names of entries",
    rules: &[
        &INVALID,
        &NORMALIZED,
        &DUPLICATE,
        &OUTSIDE_LAYOUT,
        &UNSEEN,
        &CHARACTER,
        &DEVICE_NAME,
        &TRAILING,
        &TOO_LONG,
        &CASE_TWIN,
        &UNICODE_TWIN,
        &FILE_AND_FOLDER,
        &EXTENSION_CASE,
    ],
};

/// A name that a daemon refuses.
pub static INVALID: Rule = rejects(
    "path/invalid",
    "an entry's name is no relative path",
    "A name, trimmed and with `\\` read as `/`, must not be empty or absolute, hold `:` or NUL, or have a segment that \
         is empty, `.` or `..`: unpacked, it would land outside its folder. Give the file another name.",
);

/// A name that trimming or the backslash rule changes.
pub static NORMALIZED: Rule = silent(
    "path/normalized",
    "a daemon reads an entry's name as another one",
    "A daemon trims white space and reads `\\` as `/`, so the same entry has one name for it and another for every other \
     reader. Name the entry as it is meant.",
);

/// Two entries of one path.
pub static DUPLICATE: Rule = rejects(
    "path/duplicate",
    "two entries come to the same path",
    "After trimming and reading `\\` as `/` two names are one path, and which file is meant depends on the reader.",
);

/// A path that an artifact has no place for.
pub static OUTSIDE_LAYOUT: Rule = silent(
    "path/outside-layout",
    "an entry has no place in the layout of an artifact",
    "An artifact holds `skill.toml`, `signature.json`, `sbom.cdx.json`, `provenance.json`, modules that end in `.wasm` below \
     `modules/` and anything below `assets/`. What stands elsewhere is read by nothing, or by something that nobody \
     thought of. Put the file below `assets/`.",
);

/// Characters that a reader would not see.
pub static UNSEEN: Rule = silent(
    "path/unseen-character",
    "an entry's name holds a character that is not seen",
    "Control, bidirectional and invisible characters make a name look like another one.",
);

/// Characters that some systems forbid.
pub static CHARACTER: Rule = silent(
    "path/bad-character",
    "an entry's name holds a character that Windows forbids, or is not UTF-8",
    "`< > \" | ? *` cannot stand in a file's name on Windows, and bytes that are not UTF-8 are another name for each reader.",
);

/// `CON`, `NUL` and the like.
pub static DEVICE_NAME: Rule = silent(
    "path/device-name",
    "an entry is named like a device of Windows",
    "On Windows `CON`, `PRN`, `AUX`, `NUL`, `COM1`, `LPT1` and the like are devices in every folder, with any extension.",
);

/// A segment that ends in a dot or a space.
pub static TRAILING: Rule = silent(
    "path/trailing-dot-or-space",
    "a part of an entry's name ends in a dot or a space",
    "Windows drops dots and spaces at the end of a name, so the entry would be another file there.",
);

/// A name that some systems cannot store.
pub static TOO_LONG: Rule = silent(
    "path/too-long",
    "an entry's name is too long",
    "A name has at most 240 bytes, so that it can be unpacked below a folder on every system.",
);

/// Names that differ in case only.
pub static CASE_TWIN: Rule = silent(
    "path/case-twin",
    "two names differ in case only",
    "On Windows and macOS they are one file, and the one unpacked last wins.",
);

/// Names that differ in Unicode normalization only.
pub static UNICODE_TWIN: Rule = silent(
    "path/unicode-twin",
    "two names are drawn alike and differ in their code points only",
    "Some file systems normalize names, so that both are one file there, and nobody sees the difference anywhere.",
);

/// `a` beside `a/b`.
pub static FILE_AND_FOLDER: Rule = silent(
    "path/file-and-folder",
    "an entry is a file and a folder",
    "Unpacking fails half-way, or one of the two replaces the other.",
);

/// `.WASM`.
pub static EXTENSION_CASE: Rule = silent(
    "path/extension-case",
    "a module's extension is not in lower case",
    "A daemon takes `.wasm` for a module and nothing else: `.WASM` would be unpacked as a file that was never audited.",
);

/// The longest name, in bytes.
const MAX_BYTES: usize = 240;

/// A path inside an artifact as a daemon reads it: trimmed, with `/` between segments, and free of every [`PathFault`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EntryPath(String);

impl EntryPath {
    /// Reads a name as a daemon does.
    ///
    /// # Errors
    /// The first fault that a daemon refuses the name for.
    pub fn parse(raw: &str) -> Result<Self, PathFault> {
        match grammar::path_fault(raw) {
            Some(fault) => Err(fault),
            None => Ok(Self(raw.trim().replace('\\', "/"))),
        }
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a daemon takes the entry for a module.
    #[must_use]
    pub fn is_module(&self) -> bool {
        self.0.starts_with("modules/") && self.0.ends_with(".wasm")
    }
}

impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is wrong with a path, in words.
#[must_use]
pub fn fault_text(fault: PathFault) -> &'static str {
    match fault {
        PathFault::Empty => "it is empty",
        PathFault::Absolute => "it is absolute",
        PathFault::Colon => "it holds `:`",
        PathFault::Nul => "it holds NUL",
        PathFault::EmptySegment => "it has an empty segment",
        PathFault::Dot => "it has a segment `.`",
        PathFault::DotDot => "it has a segment `..`",
    }
}

/// Everything that is wrong with one name on its own.
pub(crate) fn check(raw: &str, findings: &mut Vec<Finding>) {
    let mut report = |rule, message: String| findings.push(Finding::new(rule, message).in_entry(raw));
    let shown = quoted(raw);
    match EntryPath::parse(raw) {
        Err(fault) => report(&INVALID, format!("the name {shown} is refused: {}", fault_text(fault))),
        Ok(path) if path.as_str() != raw => {
            report(&NORMALIZED, format!("the name {shown} is {} to a daemon: name it so", quoted(path.as_str())));
        }
        Ok(path) => {
            let known = matches!(path.as_str(), "skill.toml" | "signature.json" | "sbom.cdx.json" | "provenance.json");
            let capitals = raw.len() >= 5
                && !raw.ends_with(".wasm")
                && raw.get(raw.len() - 5..).is_some_and(|end| end.eq_ignore_ascii_case(".wasm"));
            if capitals {
                report(&EXTENSION_CASE, format!("{shown} is no module to a daemon: write `.wasm` in lower case"));
            } else if !known && !raw.starts_with("assets/") && !path.is_module() {
                report(&OUTSIDE_LAYOUT, format!("{shown} has no place in an artifact: put it below `assets/`"));
            }
        }
    }
    if raw.chars().any(is_unseen) {
        report(&UNSEEN, format!("the name {shown} holds a character that is not seen"));
    }
    if raw.contains(['<', '>', '"', '|', '?', '*', '\u{FFFD}']) {
        report(&CHARACTER, format!("the name {shown} holds a character that cannot stand in a file's name everywhere"));
    }
    if raw.len() > MAX_BYTES {
        report(&TOO_LONG, format!("the name {shown} has {} bytes, more than {MAX_BYTES}", raw.len()));
    }
    let segments = || raw.split(['/', '\\']).filter(|segment| !matches!(*segment, "" | "." | ".."));
    if segments().any(is_device) {
        report(&DEVICE_NAME, format!("the name {shown} is that of a device on Windows"));
    }
    if segments().any(|segment| segment.ends_with(['.', ' '])) {
        report(&TRAILING, format!("a part of the name {shown} ends in a dot or a space"));
    }
}

/// Whether Windows takes a part of a path for a device: by what stands before the first dot.
fn is_device(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$") {
        return true;
    }
    let number = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    number.is_some_and(|n| matches!(n, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"))
}

/// What is wrong with the names together. `names` are raw, in the order of the archive.
pub(crate) fn check_all<'n>(names: impl Iterator<Item = &'n str> + Clone, findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut folded: BTreeMap<String, &str> = BTreeMap::new();
    for raw in names.clone() {
        let Ok(path) = EntryPath::parse(raw) else { continue };
        if let Some(other) = seen.insert(path.0.clone(), raw) {
            // One raw name twice is told by the archive's own rule.
            if other != raw {
                let message = format!("{} and {} are the same path", quoted(other), quoted(raw));
                findings.push(Finding::new(&DUPLICATE, message).in_entry(raw));
            }
            continue;
        }
        if let Some(other) = folded.insert(fold(path.as_str()), raw) {
            let rule = if other.to_lowercase() == raw.to_lowercase() { &CASE_TWIN } else { &UNICODE_TWIN };
            let message = format!("{} and {} are one file on some systems: rename one", quoted(other), quoted(raw));
            findings.push(Finding::new(rule, message).in_entry(raw));
        }
    }
    folders(names.clone(), findings);
    for raw in names {
        let Ok(path) = EntryPath::parse(raw) else { continue };
        let path = fold(path.as_str());
        let parent = path.match_indices('/').find_map(|(at, _)| folded.get(path.get(..at)?));
        if let Some(parent) = parent {
            let message = format!("{} is a file, and a folder of {}", quoted(parent), quoted(raw));
            findings.push(Finding::new(&FILE_AND_FOLDER, message).in_entry(parent));
        }
    }
}

/// Folders that are one on some systems: what is unpacked into one of them lands in the other too.
fn folders<'n>(names: impl Iterator<Item = &'n str>, findings: &mut Vec<Finding>) {
    // By the folder around it and what its name has in common with others: its number, and the names that it was met by.
    let mut known: BTreeMap<(usize, String), (usize, Vec<String>)> = BTreeMap::new();
    for raw in names {
        // Names that are too long are refused as that, however many folders they name.
        let Ok(path) = EntryPath::parse(raw) else { continue };
        let Some((folder, _)) = path.as_str().rsplit_once('/').filter(|_| path.as_str().len() <= MAX_BYTES) else {
            continue;
        };
        let (mut parent, mut at) = (0, 0);
        for part in folder.split('/') {
            let next = known.len() + 1;
            let (number, met) = known.entry((parent, fold(part))).or_insert_with(|| (next, Vec::new()));
            parent = *number;
            at += part.len();
            if !met.iter().any(|met| met == part) {
                if let Some(other) = met.first() {
                    let rule = if other.to_lowercase() == part.to_lowercase() { &CASE_TWIN } else { &UNICODE_TWIN };
                    let here = folder.get(..at).unwrap_or(folder);
                    let around = here.get(..here.len() - part.len()).unwrap_or_default();
                    let (other, here) = (quoted(&format!("{around}{other}")), quoted(here));
                    let message = format!("{other} and {here} are one folder on some systems: rename one");
                    findings.push(Finding::new(rule, message).in_entry(raw));
                }
                met.push(part.to_owned());
            }
            at += 1;
        }
    }
}

/// What names that a file system may take for one have in common: compatibility forms and case folded.
fn fold(name: &str) -> String {
    let lower: String = name.nfkc().flat_map(char::to_lowercase).collect();
    // Upper and lower again, for letters whose lower cases differ and whose upper case does not (`ſ`, `ς`).
    lower.to_uppercase().to_lowercase().nfkc().collect()
}
