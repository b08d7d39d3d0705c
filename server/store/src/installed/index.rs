//! The text of `installed-index.json`: one entry a line, sorted, so that one skill's entries are found and exchanged
//! without looking at the others.

use std::path::Path;

use serde::{Deserialize, Serialize};
use skillyard_manifest::grammar::Version;

/// Where an artifact came from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Source {
    /// What `reference` is: `file` for a path.
    pub kind: String,
    /// Where it was.
    pub reference: String,
}

impl Source {
    /// The file at `path`; `-` is standard input.
    #[must_use]
    pub fn of_file(path: &Path) -> Self {
        if path == Path::new("-") {
            return Self { kind: "stdin".to_owned(), reference: "-".to_owned() };
        }
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self { kind: "file".to_owned(), reference: absolute.to_string_lossy().into_owned() }
    }
}

/// A secret that a skill wants and that is not kept.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct MissingSecret {
    /// Its scope.
    pub scope: String,
    /// Its name.
    pub key: String,
}

/// One installed version, as it stands in the index.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The skill.
    pub skill_id: String,
    /// The version: three numbers, written as they are compared.
    pub version: String,
    /// The publisher who signed it.
    pub publisher: String,
    /// Whether it is the one that counts where no version is named.
    pub current: bool,
    /// When it was installed, in milliseconds since 1970.
    pub installed_at_unix_ms: i64,
    /// The SHA-256 of the artifact's bytes, in hex.
    pub artifact_sha256: String,
    /// The SHA-256 over everything that is signed, in hex.
    pub payload_sha256: String,
    /// The id of the key that signed.
    pub signature_key_id: String,
    /// How the key was trusted: `allowlisted`, `tofu_pinned` or `tofu_newly_pinned`.
    pub trust_decision: String,
    /// Where the artifact came from.
    pub source: Source,
    /// The secrets that it wants and that were not kept then.
    pub missing_secrets: Vec<MissingSecret>,
}

impl Entry {
    /// How versions are compared. One that is no version comes before all others.
    pub(crate) fn order(&self) -> Option<Version> {
        Version::parse(&self.version)
    }
}

#[derive(Deserialize)]
struct Document {
    schema_version: u32,
    #[serde(default)]
    updated_at_unix_ms: i64,
    entries: Vec<Entry>,
}

const HEAD: &str = "{\"schema_version\":1,\"updated_at_unix_ms\":";
const BETWEEN: &str = ",\"entries\":[\n";
const FOOT: &str = "]}\n";
/// What the line of an entry starts with.
const START: &[u8] = b"{\"skill_id\":\"";

/// The entries of an index of any form, a daemon's or ours, and when it was written. `None` for what is no index.
pub(super) fn parse(bytes: &[u8]) -> Option<(Vec<Entry>, i64)> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    let document: Document = serde_json::from_slice(bytes).ok()?;
    (document.schema_version == 1).then_some((document.entries, document.updated_at_unix_ms))
}

/// Sorts `entries` as they stand in the index, and sees to it that exactly one version of each skill is current: where
/// none is or several are, the highest.
pub(super) fn normalize(entries: &mut Vec<Entry>) {
    entries.sort_by(|a, b| (&a.skill_id, a.order(), &a.version).cmp(&(&b.skill_id, b.order(), &b.version)));
    entries.dedup_by(|a, b| a.skill_id == b.skill_id && a.version == b.version);
    for of_skill in entries.chunk_by_mut(|a, b| a.skill_id == b.skill_id) {
        if of_skill.iter().filter(|entry| entry.current).count() != 1 {
            let last = of_skill.len().saturating_sub(1);
            for (at, entry) in of_skill.iter_mut().enumerate() {
                entry.current = at == last;
            }
        }
    }
}

/// The index of `entries`, which are normalized.
pub(super) fn write(entries: &[Entry], updated_at_unix_ms: i64) -> Vec<u8> {
    let mut out = head(updated_at_unix_ms).into_bytes();
    push_lines(&mut out, entries);
    end_lines(&mut out);
    out
}

fn head(updated_at_unix_ms: i64) -> String {
    format!("{HEAD}{updated_at_unix_ms}{BETWEEN}")
}

/// The lines of entries, each with a comma and a line end.
fn push_lines(out: &mut Vec<u8>, entries: &[Entry]) {
    for entry in entries {
        // Strings and numbers always serialize.
        if serde_json::to_writer(&mut *out, entry).is_ok() {
            out.extend_from_slice(b",\n");
        }
    }
}

/// Takes the last entry's comma away and closes the document.
fn end_lines(out: &mut Vec<u8>) {
    if out.ends_with(b",\n") {
        out.truncate(out.len() - 2);
        out.push(b'\n');
    }
    out.extend_from_slice(FOOT.as_bytes());
}

/// An index that [`write`] wrote, in parts: the bytes of the lines before those of a skill, its own, and those after.
struct Parts<'b> {
    before: &'b [u8],
    own: &'b [u8],
    after: &'b [u8],
}

/// Where the lines of a skill are, or would be. `None` where the text is none of ours.
fn part<'b>(bytes: &'b [u8], skill_id: &str) -> Option<Parts<'b>> {
    let rest = bytes.strip_prefix(HEAD.as_bytes())?;
    let number = rest.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'-').count();
    let body = rest.get(number..)?.strip_prefix(BETWEEN.as_bytes())?.strip_suffix(FOOT.as_bytes())?;
    let id = skill_id.as_bytes();
    let from = search(body, |line| id_of(line).is_some_and(|it| it < id));
    let tail = body.get(from..)?;
    let own = search(tail, |line| id_of(line).is_some_and(|it| it == id));
    let (own, after) = tail.split_at_checked(own)?;
    Some(Parts { before: body.get(..from)?, own, after })
}

/// The skill's id in the line of an entry. Ids are of characters that JSON does not escape.
fn id_of(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(START)?;
    rest.split(|byte| *byte == b'"').next()
}

/// The place of the first line for which `goes_before` is false, among lines for which it is true up to a place.
fn search(body: &[u8], goes_before: impl Fn(&[u8]) -> bool) -> usize {
    let (mut low, mut high) = (0, body.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = body.get(low..middle).unwrap_or_default().iter().rposition(|byte| *byte == b'\n');
        let start = start.map_or(low, |at| low + at + 1);
        let rest = body.get(start..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        if goes_before(rest.get(..length).unwrap_or_default()) {
            low = start + length;
        } else {
            high = start;
        }
    }
    low
}

/// The entries of one skill in an index of ours. `None` where it is none of ours.
pub(super) fn find(bytes: &[u8], skill_id: &str) -> Option<Vec<Entry>> {
    let own = part(bytes, skill_id)?.own;
    let lines = own.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line.strip_suffix(b",").unwrap_or(line)).ok()).collect()
}

/// An index whose entries of one skill are exchanged. What stays is borrowed of the old one: that may be megabytes.
pub(super) struct Exchanged<'o> {
    head: String,
    before: &'o [u8],
    own: Vec<u8>,
    after: &'o [u8],
}

impl Exchanged<'_> {
    /// Its bytes, in parts.
    pub(super) fn parts(&self) -> Vec<&[u8]> {
        let mut parts = vec![self.head.as_bytes()];
        for lines in [self.before, &self.own, self.after] {
            // The last line of all has no comma.
            let lines = lines.strip_suffix(b"\n").unwrap_or(lines);
            let lines = lines.strip_suffix(b",").unwrap_or(lines);
            if !lines.is_empty() {
                if parts.len() > 1 {
                    parts.push(b",\n");
                }
                parts.push(lines);
            }
        }
        if parts.len() > 1 {
            parts.push(b"\n");
        }
        parts.push(FOOT.as_bytes());
        parts
    }
}

/// The index with the entries of `skill_id` exchanged for `entries` (normalized). `None` where it is none of ours.
pub(super) fn exchange<'o>(
    bytes: &'o [u8],
    skill_id: &str,
    entries: &[Entry],
    updated_at_unix_ms: i64,
) -> Option<Exchanged<'o>> {
    let Parts { before, after, .. } = part(bytes, skill_id)?;
    let mut own = Vec::new();
    push_lines(&mut own, entries);
    Some(Exchanged { head: head(updated_at_unix_ms), before, own, after })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

    use super::*;

    pub(super) fn entry(skill_id: &str, version: &str, current: bool) -> Entry {
        Entry {
            skill_id: skill_id.to_owned(),
            version: version.to_owned(),
            publisher: "acme".to_owned(),
            current,
            installed_at_unix_ms: 1,
            artifact_sha256: "a".repeat(64),
            payload_sha256: "b".repeat(64),
            signature_key_id: "ed25519:0011223344556677".to_owned(),
            trust_decision: "allowlisted".to_owned(),
            source: Source { kind: "file".to_owned(), reference: "a \"b\"\n{\"skill_id\":\"z\"".to_owned() },
            missing_secrets: vec![MissingSecret { scope: "skill:x".to_owned(), key: "k".to_owned() }],
        }
    }

    #[test]
    fn exchanging_is_the_same_as_writing_anew() {
        let ids = ["a", "a.b", "a-b", "b", "b.c.d", "zz"];
        let mut all: Vec<Entry> = Vec::new();
        let mut text = write(&all, 1);
        for round in 0..40_i64 {
            let id = ids[usize::try_from(round * 7 % 6).unwrap()];
            let mut own: Vec<Entry> = all.iter().filter(|entry| entry.skill_id == id).cloned().collect();
            match round % 5 {
                4 => own.clear(),
                3 => drop(own.pop()),
                _ => own.push(entry(id, &format!("{round}.0.0"), false)),
            }
            normalize(&mut own);
            all.retain(|entry| entry.skill_id != id);
            all.extend(own.clone());
            normalize(&mut all);
            text = exchange(&text, id, &own, round).unwrap().parts().concat();
            assert_eq!(String::from_utf8_lossy(&text), String::from_utf8_lossy(&write(&all, round)), "round {round}");
            assert_eq!(parse(&text).unwrap(), (all.clone(), round));
            for id in ids {
                let expected: Vec<Entry> = all.iter().filter(|entry| entry.skill_id == id).cloned().collect();
                assert_eq!(find(&text, id).unwrap(), expected);
            }
            assert_eq!(find(&text, "nobody").unwrap(), []);
        }
    }

    #[test]
    fn versions_are_numbers_and_exactly_one_is_current() {
        let mut entries = vec![entry("a", "10.0.0", false), entry("a", "9.0.0", false), entry("b", "1.0.0", true)];
        normalize(&mut entries);
        assert_eq!(
            entries.iter().map(|e| (e.version.as_str(), e.current)).collect::<Vec<_>>(),
            [("9.0.0", false), ("10.0.0", true), ("1.0.0", true)]
        );
        let mut both = vec![entry("a", "1.0.0", true), entry("a", "2.0.0", true)];
        normalize(&mut both);
        assert!(!both[0].current && both[1].current);
    }

    #[test]
    fn an_index_of_another_form_is_read_and_not_cut_up() {
        let pretty = serde_json::json!({
            "schema_version": 1, "updated_at_unix_ms": 5, "entries": [entry("a", "1.0.0", true)]
        });
        let pretty = serde_json::to_vec_pretty(&pretty).unwrap();
        assert_eq!(parse(&pretty).unwrap(), (vec![entry("a", "1.0.0", true)], 5));
        assert!(find(&pretty, "a").is_none() && exchange(&pretty, "a", &[], 1).is_none());
        for none in ["", " \n", "{}", "[]", "{\"schema_version\":2,\"entries\":[]}", "{\"schema_version\":1,"] {
            assert!(parse(none.as_bytes()).is_none(), "{none}");
        }
    }
}
