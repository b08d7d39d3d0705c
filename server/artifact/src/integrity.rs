//! Hashes: of one file, and of everything that a signature covers.

use sha2::{Digest as _, Sha256};

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
