//! `signature.json`: read as a daemon reads it, made as a daemon makes it, and held to more.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature as Ed25519, Verifier as _, VerifyingKey};
use serde::{Deserialize, Serialize};
use skillyard_manifest::{quoted, rules::Rule};

use crate::{
    ErrorKind, Finding,
    integrity::{self, SIGNATURE_PATH},
    rules::{Family, rejects, silent},
    trust::{KeyFault, PublicKey},
};

/// The rules about the signature.
pub static FAMILY: Family = Family {
    name: "signature",
    about: "`signature.json` and the signature in it",
    rules: &[
        &UNREADABLE,
        &ALGORITHM,
        &PAYLOAD,
        &KEY_ID,
        &ENCODING,
        &INVALID,
        &PUBLISHER,
        &WEAK_KEY,
        &LOOSE,
        &POSITIONAL,
        &NOT_CANONICAL,
        &IMPOSSIBLE_TIME,
    ],
};

/// Not the seven keys.
pub static UNREADABLE: Rule = rejects(
    "signature/unreadable",
    "`signature.json` does not read",
    "It is a JSON object with exactly the keys `algorithm`, `publisher`, `key_id`, `public_key_base64`, `payload_sha256`, \
     `signature_base64` and `signed_at_unix_ms`, each once.",
);

/// Another algorithm.
pub static ALGORITHM: Rule =
    rejects("signature/algorithm", "the signature names another algorithm", "There is one: `ed25519-sha256`.");

/// Another payload.
pub static PAYLOAD: Rule = rejects(
    "signature/payload",
    "the signature is for other content",
    "The hash over all entries is not the signed one: something was changed, added or taken out after signing.",
);

/// Another key's id.
pub static KEY_ID: Rule = rejects(
    "signature/key-id",
    "`key_id` is not that of the public key",
    "It is `ed25519:` and the first 8 bytes of the SHA-256 of the key, in lower-case hex.",
);

/// Base64 that is not strict.
pub static ENCODING: Rule = rejects(
    "signature/encoding",
    "the key or the signature is not in base64 of the right size",
    "Standard base64 with padding and without white space, of 32 bytes for the key and 64 for the signature.",
);

/// A signature that does not hold.
pub static INVALID: Rule = rejects(
    "signature/invalid",
    "the signature does not hold",
    "It was not made by the key over the 64 hex digits of the payload hash.",
);

/// Another publisher than the manifest's.
pub static PUBLISHER: Rule = rejects(
    "signature/publisher",
    "the signature names another publisher than the manifest",
    "Both name the publisher, and they are equal to the letter.",
);

/// A key that proves nothing.
pub static WEAK_KEY: Rule = silent(
    "signature/weak-key",
    "the public key proves nothing",
    "A key of small order takes signatures that anyone can make; one in a non-canonical form, or with a part of small \
     order, is read differently by different verifiers. No honest signer has such a key.",
);

/// A signature that only lax verifiers take.
pub static LOOSE: Rule = silent(
    "signature/loose",
    "only a lax verifier takes the signature",
    "Part of it is a point of small order. No honest signer makes such a signature.",
);

/// An array for an object.
pub static POSITIONAL: Rule = silent(
    "signature/positional",
    "`signature.json` is written as an array of its values",
    "A daemon happens to read it by the order of its keys. Nobody else does.",
);

/// Another rendering than the builder's.
pub static NOT_CANONICAL: Rule = silent(
    "signature/not-canonical",
    "`signature.json` is not written as builders write it",
    "The signature cannot cover the file that it stands in, so only one way to write it is taken: the keys in their order, \
     two spaces deep, with line feeds, and nothing behind the last brace.",
);

/// A time that no clock shows.
pub static IMPOSSIBLE_TIME: Rule = silent(
    "signature/impossible-time",
    "`signed_at_unix_ms` is no time",
    "It lies before 1970 or beyond the year 9999. The signature does not cover it: it is never proven.",
);

/// The name of the only algorithm.
pub const ALGORITHM_NAME: &str = "ed25519-sha256";

/// The first millisecond of the year 10000.
const TIME_END_MS: i64 = 253_402_300_800_000;

/// What `signature.json` says. Nothing in it is proven until [`Signature::verify`] has held, and
/// `signed_at_unix_ms` is not even then.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// `ed25519-sha256`.
    pub algorithm: String,
    /// The manifest's publisher.
    pub publisher: String,
    /// [`PublicKey::id`] of the key.
    pub key_id: String,
    /// The key's 32 bytes.
    pub public_key_base64: String,
    /// The payload hash in hex.
    pub payload_sha256: String,
    /// The signature's 64 bytes.
    pub signature_base64: String,
    /// When it was signed, by the signer's clock, in milliseconds since 1970. Not covered by the signature.
    pub signed_at_unix_ms: i64,
}

/// Why a daemon refuses a signature, with the finding that says it.
pub type Refusal = crate::entries::Refusal;

impl Signature {
    /// Reads `signature.json` as a daemon does: a positional array is read too.
    ///
    /// # Errors
    /// What serde says.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The file's content, as builders write it.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings and a number always serialize.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The public key, where it is 32 bytes of standard base64.
    #[must_use]
    pub fn public_key(&self) -> Option<PublicKey> {
        Some(PublicKey(decoded(&self.public_key_base64)?))
    }

    /// What a daemon verifies: that the payload is the signed one, the signature holds, and the publisher is the
    /// manifest's. Gives the key.
    ///
    /// # Errors
    /// The first thing that a daemon refuses.
    pub fn verify(&self, payload: &[u8; 32], publisher: &str) -> Result<PublicKey, Refusal> {
        let refuse =
            |kind, rule, message: String| Refusal::new(kind, Finding::new(rule, message).in_entry(SIGNATURE_PATH));
        let failed = |rule, message| refuse(ErrorKind::SignatureVerificationFailed, rule, message);
        let hash = integrity::hex(payload);
        if self.payload_sha256 != hash {
            // A hash is shown whole: a message cuts other texts, and two that differ at the end would look alike.
            let whole = self.payload_sha256.len() == 64 && self.payload_sha256.bytes().all(|b| b.is_ascii_hexdigit());
            let signed = if whole { format!("`{}`", self.payload_sha256) } else { quoted(&self.payload_sha256) };
            let message =
                format!("the content's hash is `{hash}`, and {signed} is signed: something was changed after signing");
            return Err(refuse(ErrorKind::PayloadHashMismatch, &PAYLOAD, message));
        }
        if self.algorithm != ALGORITHM_NAME {
            let message = format!("the algorithm is {}, not `{ALGORITHM_NAME}`", quoted(&self.algorithm));
            return Err(failed(&ALGORITHM, message));
        }
        let Some(key) = self.public_key() else {
            return Err(failed(&ENCODING, "`public_key_base64` is not standard base64 of 32 bytes".to_owned()));
        };
        let Some(signature) = decoded(&self.signature_base64) else {
            return Err(failed(&ENCODING, "`signature_base64` is not standard base64 of 64 bytes".to_owned()));
        };
        if self.key_id != key.id() {
            return Err(failed(&KEY_ID, format!("`key_id` is {}, the key's is {}", quoted(&self.key_id), key.id())));
        }
        if !verify_loosely(key, hash.as_bytes(), &signature) {
            return Err(failed(&INVALID, format!("the signature by {} does not hold", key.id())));
        }
        if self.publisher != publisher {
            let message = format!(
                "the signature is by {}, the manifest's publisher {}",
                quoted(&self.publisher),
                quoted(publisher)
            );
            return Err(failed(&PUBLISHER, message));
        }
        Ok(key)
    }

    /// What Skillyard refuses in a signature that a daemon takes. `bytes` is the file that it was read from.
    #[must_use]
    pub fn faults(&self, bytes: &[u8], payload: &[u8; 32]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut report = |rule, message: String| findings.push(Finding::new(rule, message).in_entry(SIGNATURE_PATH));
        if bytes.trim_ascii_start().starts_with(b"[") {
            report(&POSITIONAL, "`signature.json` is an array: write an object with the names of its keys".to_owned());
        } else if bytes != self.to_json().as_bytes() {
            report(&NOT_CANONICAL, "`signature.json` is not written as builders write it: package again".to_owned());
        }
        if !(0..TIME_END_MS).contains(&self.signed_at_unix_ms) {
            report(&IMPOSSIBLE_TIME, format!("`signed_at_unix_ms` is {}: no clock shows that", self.signed_at_unix_ms));
        }
        if let Some(key) = self.public_key() {
            match key.fault() {
                Some(fault) => report(&WEAK_KEY, weak_text(key, fault)),
                None if self.holds_only_loosely(key, payload) => {
                    report(&LOOSE, "the signature has a part of small order: only a lax verifier takes it".to_owned());
                }
                None => {}
            }
        }
        findings
    }

    fn holds_only_loosely(&self, key: PublicKey, payload: &[u8; 32]) -> bool {
        let hash = integrity::hex(payload);
        decoded(&self.signature_base64).is_some_and(|signature| {
            !verify_strict(key, hash.as_bytes(), &signature) && verify_loosely(key, hash.as_bytes(), &signature)
        })
    }
}

/// Whether `signature` over `message` holds as a daemon asks it, whatever is wrong with the key.
fn verify_loosely(key: PublicKey, message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(&key.0)
        .is_ok_and(|verifying| verifying.verify(message, &Ed25519::from_bytes(signature)).is_ok())
}

fn weak_text(key: PublicKey, fault: KeyFault) -> String {
    format!("the public key {key} proves nothing: {fault}")
}

/// Whether `signature` over `message` holds for a key without [`PublicKey::fault`], with no part of small order.
#[must_use]
pub fn verify_strict(key: PublicKey, message: &[u8], signature: &[u8; 64]) -> bool {
    key.fault().is_none()
        && VerifyingKey::from_bytes(&key.0)
            .is_ok_and(|verifying| verifying.verify_strict(message, &Ed25519::from_bytes(signature)).is_ok())
}

/// Signs a payload hash. `sign` makes the Ed25519 signature of what it is given with the private half of `key`.
#[must_use]
pub fn sign(
    publisher: &str,
    payload: &[u8; 32],
    key: PublicKey,
    signed_at_unix_ms: i64,
    sign: impl FnOnce(&[u8]) -> [u8; 64],
) -> Signature {
    let payload_sha256 = integrity::hex(payload);
    let signature = sign(payload_sha256.as_bytes());
    Signature {
        algorithm: ALGORITHM_NAME.to_owned(),
        publisher: publisher.to_owned(),
        key_id: key.id(),
        public_key_base64: STANDARD.encode(key.0),
        payload_sha256,
        signature_base64: STANDARD.encode(signature),
        signed_at_unix_ms,
    }
}

/// Standard base64 with padding, of exactly `N` bytes.
fn decoded<const N: usize>(text: &str) -> Option<[u8; N]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}
