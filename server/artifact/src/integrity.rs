//! Hashes: of one file, and of everything that a signature covers.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use skillyard_manifest::{model::IntegrityFile, quoted, rules::Rule};

use crate::{
    ErrorKind, Finding,
    entries::{Entries, Refusal},
    path::{self, EntryPath},
    rules::{Family, rejects, silent},
};

/// The rules about the manifest's list of files.
pub static FAMILY: Family = Family {
    name: "listing",
    about: "the files that the manifest lists under `integrity`",
    rules: &[&MISMATCH, &BAD_PATH, &REPEATED, &UNSORTED, &NORMALIZED],
};

/// The list is not what is in the archive.
pub static MISMATCH: Rule = rejects(
    "listing/mismatch",
    "the manifest does not list exactly the files of the archive",
    "`integrity.files` has every file but `skill.toml` and `signature.json`, with its SHA-256 in lower-case hex. \
         Packaging writes it.",
);

/// A listed path that is none.
pub static BAD_PATH: Rule = rejects(
    "listing/bad-path",
    "a listed path is no relative path",
    "It is held to the same rules as the name of an entry.",
);

/// A path twice.
pub static REPEATED: Rule = silent(
    "listing/repeated",
    "a path is listed twice",
    "A daemon keeps the last, and another reader the first: they would verify other hashes.",
);

/// Paths out of order.
pub static UNSORTED: Rule = silent(
    "listing/unsorted",
    "the listed paths are not in order",
    "Packaging lists files in byte order of their paths. Package the skill again.",
);

/// A path that a daemon reads as another one.
pub static NORMALIZED: Rule = silent(
    "listing/normalized",
    "a daemon reads a listed path as another one",
    "It trims white space and reads `\\` as `/`; nobody else does.",
);

/// The SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

/// The entry that the payload hash leaves out, because it holds the signature over it.
pub const SIGNATURE_PATH: &str = "signature.json";

/// The payload hash in the making: entries are added in byte order of their paths, without `signature.json`.
#[derive(Clone, Debug)]
pub struct PayloadHasher(Sha256);

impl Default for PayloadHasher {
    fn default() -> Self {
        Self(Sha256::new_with_prefix(b"palyra.skill.payload.v1"))
    }
}

impl PayloadHasher {
    /// Adds the next entry.
    pub fn add(&mut self, path: &str, content: &[u8]) {
        for part in [path.as_bytes(), content] {
            self.0.update((part.len() as u64).to_be_bytes());
            self.0.update(part);
        }
    }

    /// The hash of all that was added.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// The payload hash of `entries`, each a path and its content, in any order. `signature.json` is left out.
#[must_use]
pub fn payload_hash<'e>(entries: impl IntoIterator<Item = (&'e str, &'e [u8])>) -> [u8; 32] {
    let mut sorted: Vec<_> = entries.into_iter().filter(|(path, _)| *path != SIGNATURE_PATH).collect();
    sorted.sort_unstable_by_key(|(path, _)| *path);
    let mut hasher = PayloadHasher::default();
    for (path, content) in sorted {
        hasher.add(path, content);
    }
    hasher.finish()
}

/// What a daemon says of the manifest's list: its paths (normalized) and hashes must be the archive's, no more and no
/// fewer.
///
/// # Errors
/// The first thing that it refuses.
pub(crate) fn verify(listed: &[IntegrityFile], entries: &Entries<'_>) -> Result<(), Refusal> {
    let mut wanted = BTreeMap::new();
    for file in listed {
        match EntryPath::parse(&file.path) {
            Ok(path) => wanted.insert(path, file.sha256.as_str()),
            Err(fault) => {
                let message = format!("the listed path {} is refused: {}", quoted(&file.path), path::fault_text(fault));
                let finding = Finding::new(&BAD_PATH, message).in_entry("skill.toml");
                return Err(Refusal::new(ErrorKind::InvalidArtifactPath, finding));
            }
        };
    }
    let mismatch = |message: String| {
        let finding = Finding::new(&MISMATCH, message).in_entry("skill.toml");
        Err(Refusal::new(ErrorKind::ManifestValidation, finding))
    };
    for (path, entry) in entries.iter().filter(|(path, _)| !matches!(path.as_str(), "skill.toml" | SIGNATURE_PATH)) {
        match wanted.remove(path) {
            None => return mismatch(format!("{} is not listed in the manifest", quoted(path.as_str()))),
            Some(hash) if hash != hex(&entry.sha256) => {
                let name = quoted(path.as_str());
                return mismatch(format!("{name} is listed with another SHA-256 than its content has"));
            }
            Some(_) => {}
        }
    }
    match wanted.keys().next() {
        Some(path) => mismatch(format!("{} is listed, and not in the archive", quoted(path.as_str()))),
        None => Ok(()),
    }
}

/// What Skillyard refuses in a list that a daemon takes.
pub(crate) fn faults(listed: &[IntegrityFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |rule, message: String| {
        findings
            .push(Finding::new(rule, message).in_entry("skill.toml").see("integrity.files", "package the skill again"));
    };
    let mut last: Option<EntryPath> = None;
    let mut seen = std::collections::BTreeSet::new();
    let mut sorted = true;
    for file in listed {
        let Ok(path) = EntryPath::parse(&file.path) else { continue };
        if path.as_str() != file.path {
            report(&NORMALIZED, format!("the listed path {} is {}", quoted(&file.path), quoted(path.as_str())));
        }
        if sorted && last.as_ref().is_some_and(|last| *last > path) {
            report(&UNSORTED, format!("{} is listed behind a path that comes later", quoted(path.as_str())));
            sorted = false;
        }
        if !seen.insert(path.clone()) {
            report(&REPEATED, format!("{} is listed twice", quoted(path.as_str())));
        }
        last = Some(path);
    }
    // One of a kind says it.
    findings.truncate(100);
    findings
}
