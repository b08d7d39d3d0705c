//! The life of publishers' keys, in a file beside the trust store that a daemon does not know: which key took the place of
//! which, which are revoked and why, and below which version nothing of a skill is taken.
//!
//! It takes trust away and never gives any: what it says nothing of is decided by the trust store alone.

use std::{collections::BTreeMap, fmt, path::Path};

use serde::{Deserialize, Serialize};
use skillyard_artifact::{
    integrity::hex,
    keys::SigningKey,
    signature::verify_strict,
    timestamp::rfc3339,
    trust::{KeyFault, PublicKey, TrustError},
};
use skillyard_manifest::{
    grammar::{self, Version},
    quoted,
};

use crate::trust_store::{Content, SealedFile};

/// The name of the file, beside the trust store.
pub const NAME: &str = "trust-lifecycle.json";

/// The file, under a seal of its own.
pub type LifecycleFile = SealedFile<Lifecycle>;

/// What is known of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It signs.
    Active,
    /// Another took its place: what it signed runs, and nothing new of it is installed.
    Retired,
    /// Nothing that it signed is taken any more.
    Revoked,
}

/// The life of one key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// Its state.
    pub state: KeyState,
    /// Since when, in milliseconds since 1970.
    pub since_unix_ms: i64,
    /// From when on nothing new of it is installed, in milliseconds since 1970.
    #[serde(default)]
    pub not_after_unix_ms: Option<i64>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// The key that took its place, in hex.
    #[serde(default)]
    pub replaced_by: Option<String>,
    /// The key whose place it took, in hex.
    #[serde(default)]
    pub replaces: Option<String>,
    /// Whether the trust store may not have it yet, in the place of the other: that comes after this file is written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub awaits_store: bool,
}

/// Below which version nothing of a skill is taken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// The lowest version that is.
    pub version: String,
    /// Why.
    pub reason: String,
    /// Since when, in milliseconds since 1970.
    pub since_unix_ms: i64,
}

/// All of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lifecycle {
    /// Publishers, and the keys of each that something is known of.
    pub publishers: BTreeMap<String, BTreeMap<PublicKey, KeyRecord>>,
    /// Skills that have a floor.
    pub floors: BTreeMap<String, Floor>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema_version: u32,
    publishers: BTreeMap<String, BTreeMap<String, KeyRecord>>,
    floors: BTreeMap<String, Floor>,
}

impl Content for Lifecycle {
    fn parse(text: &str) -> Result<Self, TrustError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let document: Document =
            serde_json::from_str(text).map_err(|error| TrustError::NotAStore(error.to_string()))?;
        if document.schema_version != 1 {
            return Err(TrustError::NotAStore(format!("it is of form {}", document.schema_version)));
        }
        let mut publishers = BTreeMap::new();
        for (publisher, keys) in document.publishers {
            let mut read = BTreeMap::new();
            for (key, record) in keys {
                let key = PublicKey::from_hex(&key)
                    .ok_or_else(|| TrustError::BadKey { list: "publishers", publisher: publisher.clone() })?;
                read.insert(key, record);
            }
            publishers.insert(publisher, read);
        }
        for floor in document.floors.values() {
            if Version::parse(&floor.version).is_none() {
                return Err(TrustError::NotAStore(format!("the floor {} is no version", quoted(&floor.version))));
            }
        }
        Ok(Self { publishers, floors: document.floors })
    }

    fn to_text(&self) -> String {
        let keys = |keys: &BTreeMap<PublicKey, KeyRecord>| {
            keys.iter().map(|(key, record)| (key.to_string(), record.clone())).collect()
        };
        let document = Document {
            schema_version: 1,
            publishers: self.publishers.iter().map(|(name, of)| (name.clone(), keys(of))).collect(),
            floors: self.floors.clone(),
        };
        // Maps of strings always serialize.
        serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
    }
}

/// What somebody is about to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// To take it up: verify, pin, install.
    Take,
    /// To run what is there.
    Run,
}

/// Why an artifact is not taken though the trust store has nothing against it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Objection {
    /// Its key was revoked.
    Revoked {
        /// Whose key.
        publisher: String,
        /// The key.
        key: PublicKey,
        /// Since when.
        since_unix_ms: i64,
        /// Why.
        reason: String,
    },
    /// Another key took the place of its key.
    Retired {
        /// Whose key.
        publisher: String,
        /// The key.
        key: PublicKey,
        /// The new one, in hex.
        replaced_by: Option<String>,
    },
    /// The time of its key is over.
    Expired {
        /// Whose key.
        publisher: String,
        /// The key.
        key: PublicKey,
        /// Its last millisecond, since 1970.
        not_after_unix_ms: i64,
    },
    /// The version is below the skill's floor.
    BelowFloor {
        /// The skill.
        skill_id: String,
        /// The version.
        version: String,
        /// The floor.
        floor: Floor,
    },
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Revoked { publisher, key, reason, .. } => write!(
                f,
                "the key {} of {} was revoked: {}. Get a version that another key of the publisher signed",
                key.id(),
                quoted(publisher),
                quoted(reason)
            ),
            Self::Retired { publisher, key, replaced_by } => {
                write!(f, "the key {} of {} was replaced", key.id(), quoted(publisher))?;
                if let Some(by) = replaced_by.as_deref().and_then(PublicKey::from_hex) {
                    write!(f, " by {}", by.id())?;
                }
                f.write_str(": get the version that the new key signed")
            }
            Self::Expired { publisher, key, not_after_unix_ms } => {
                write!(f, "the time of the key {} of {} is over", key.id(), quoted(publisher))?;
                if let Some(end) = rfc3339(*not_after_unix_ms) {
                    write!(f, " since {end}")?;
                }
                f.write_str(": get a version that the publisher's current key signed")
            }
            Self::BelowFloor { skill_id, version, floor } => write!(
                f,
                "{} {version} is below {}, the lowest version that is taken: {}",
                quoted(skill_id),
                floor.version,
                quoted(&floor.reason)
            ),
        }
    }
}

impl std::error::Error for Objection {}

impl Lifecycle {
    /// What is known of a publisher's key.
    #[must_use]
    pub fn key(&self, publisher: &str, key: PublicKey) -> Option<&KeyRecord> {
        self.publishers.get(publisher)?.get(&key)
    }

    /// Why nothing of `key` is taken for `purpose`, if so. A key that was revoked for one publisher is revoked for all:
    /// somebody else has it.
    #[must_use]
    pub fn objects_to_key(
        &self,
        publisher: &str,
        key: PublicKey,
        purpose: Purpose,
        now_unix_ms: i64,
    ) -> Option<Objection> {
        let mut all = self.publishers.iter().filter_map(|(name, keys)| Some((name, keys.get(&key)?)));
        if let Some((name, record)) = all.find(|(_, record)| record.state == KeyState::Revoked) {
            return Some(Objection::Revoked {
                publisher: name.clone(),
                key,
                since_unix_ms: record.since_unix_ms,
                reason: record.reason.clone().unwrap_or_default(),
            });
        }
        let record = self.key(publisher, key).filter(|_| purpose == Purpose::Take)?;
        let publisher = publisher.to_owned();
        match record.state {
            KeyState::Retired => Some(Objection::Retired { publisher, key, replaced_by: record.replaced_by.clone() }),
            _ => {
                let not_after_unix_ms = record.not_after_unix_ms.filter(|end| now_unix_ms > *end)?;
                Some(Objection::Expired { publisher, key, not_after_unix_ms })
            }
        }
    }

    /// Why a version of a skill is not taken, if so.
    #[must_use]
    pub fn objects_to_version(&self, skill_id: &str, version: &str) -> Option<Objection> {
        let floor = self.floors.get(skill_id.trim())?;
        // What is no version is below any.
        let below = Version::parse(version) < Version::parse(&floor.version);
        below.then(|| Objection::BelowFloor {
            skill_id: skill_id.to_owned(),
            version: version.to_owned(),
            floor: floor.clone(),
        })
    }

    /// Revokes a key. A revocation is never taken back; an earlier one keeps its time and reason.
    pub fn revoke(&mut self, publisher: &str, key: PublicKey, reason: &str, now_unix_ms: i64) {
        let record = self.record(publisher, key, now_unix_ms);
        if record.state != KeyState::Revoked {
            record.state = KeyState::Revoked;
            record.since_unix_ms = now_unix_ms;
            record.reason = Some(reason.to_owned());
        }
    }

    /// Notes that `new` took the place of `old`. A statement that was taken once changes nothing any more: it is public,
    /// and whoever replays it does not bring a key back whose place another took since.
    ///
    /// # Errors
    /// If one of them was revoked, and where nothing new of one of them is taken: who has a key that was replaced, or
    /// whose time is over, hands nothing over.
    pub fn rotate(
        &mut self,
        publisher: &str,
        old: PublicKey,
        new: PublicKey,
        now_unix_ms: i64,
    ) -> Result<(), Objection> {
        let again = self.was_rotated(publisher, old, new);
        for key in [old, new] {
            let purpose = if again { Purpose::Run } else { Purpose::Take };
            if let Some(objection) = self.objects_to_key(publisher, key, purpose, now_unix_ms) {
                return Err(objection);
            }
        }
        if again {
            return Ok(());
        }
        let record = self.record(publisher, old, now_unix_ms);
        record.state = KeyState::Retired;
        record.since_unix_ms = now_unix_ms;
        record.replaced_by = Some(new.to_string());
        let record = self.record(publisher, new, now_unix_ms);
        record.state = KeyState::Active;
        record.replaces = Some(old.to_string());
        record.awaits_store = true;
        Ok(())
    }

    /// The keys that the trust store may not have yet, each with the one whose place it took, by publisher.
    pub fn awaiting(&self) -> impl Iterator<Item = (&str, PublicKey, PublicKey)> {
        self.publishers.iter().flat_map(|(name, keys)| {
            let waiting = keys.iter().filter(|(_, record)| record.awaits_store);
            waiting.filter_map(|(new, record)| {
                Some((name.as_str(), PublicKey::from_hex(record.replaces.as_deref()?)?, *new))
            })
        })
    }

    /// Notes that the trust store has what it is to have of a key.
    pub fn stored(&mut self, publisher: &str, key: PublicKey) {
        if let Some(record) = self.publishers.get_mut(publisher).and_then(|keys| keys.get_mut(&key)) {
            record.awaits_store = false;
        }
    }

    /// The keys that were revoked.
    pub fn revoked(&self) -> impl Iterator<Item = PublicKey> {
        let all = self.publishers.values().flatten();
        all.filter(|(_, record)| record.state == KeyState::Revoked).map(|(key, _)| *key)
    }

    /// Whether `to` took the place of `from`, by as many changes of keys as that took: what `from` signed before runs where
    /// `to` is trusted.
    #[must_use]
    pub fn handed_over(&self, publisher: &str, from: PublicKey, to: PublicKey) -> bool {
        let mut at = from;
        // No longer than there are keys: a file may lead in a circle.
        for _ in 0..self.publishers.get(publisher).map_or(0, BTreeMap::len) {
            let next = self.key(publisher, at).filter(|record| record.state == KeyState::Retired);
            let Some(next) = next.and_then(|record| PublicKey::from_hex(record.replaced_by.as_deref()?)) else {
                return false;
            };
            if next == to {
                return true;
            }
            at = next;
        }
        false
    }

    /// Whether it was noted before that `new` took the place of `old`.
    #[must_use]
    pub fn was_rotated(&self, publisher: &str, old: PublicKey, new: PublicKey) -> bool {
        self.key(publisher, old).is_some_and(|record| record.replaced_by == Some(new.to_string()))
    }

    /// Ends the time of a key after `not_after_unix_ms`; it has no end where that is `None`.
    pub fn expire(&mut self, publisher: &str, key: PublicKey, not_after_unix_ms: Option<i64>, now_unix_ms: i64) {
        self.record(publisher, key, now_unix_ms).not_after_unix_ms = not_after_unix_ms;
    }

    fn record(&mut self, publisher: &str, key: PublicKey, now_unix_ms: i64) -> &mut KeyRecord {
        self.publishers.entry(publisher.to_owned()).or_default().entry(key).or_insert(KeyRecord {
            state: KeyState::Active,
            since_unix_ms: now_unix_ms,
            not_after_unix_ms: None,
            reason: None,
            replaced_by: None,
            replaces: None,
            awaits_store: false,
        })
    }
}

/// Where the file beside a trust store is.
#[must_use]
pub fn beside(trust_store: &Path) -> std::path::PathBuf {
    trust_store.with_file_name(NAME)
}

/// A publisher's word that another key takes the place of one, signed by the old key. It travels as a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// 1.
    pub schema_version: u32,
    /// `skillyard.key-rotation`.
    pub kind: String,
    /// Whose keys.
    pub publisher: String,
    /// The key that goes, in hex.
    pub old_public_key: String,
    /// The key that comes, in hex.
    pub new_public_key: String,
    /// When it was signed, in milliseconds since 1970.
    pub issued_at_unix_ms: i64,
    /// The Ed25519 signature of the old key over [`Rotation::message`], in hex.
    pub signature_hex: String,
}

const KIND: &str = "skillyard.key-rotation";

/// Why a rotation does not count.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RotationFault {
    /// The file is no such statement.
    NotOne,
    /// A key proves nothing.
    WeakKey(KeyFault),
    /// Both keys are the same.
    SameKey,
    /// The old key did not sign it.
    Signature,
}

impl fmt::Display for RotationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOne => f.write_str("it is no statement about a change of keys"),
            Self::WeakKey(fault) => write!(f, "one of its keys proves nothing: {fault}"),
            Self::SameKey => f.write_str("the old and the new key are the same"),
            Self::Signature => f.write_str("the old key did not sign it as it stands there"),
        }
    }
}

impl std::error::Error for RotationFault {}

impl Rotation {
    /// What is signed: a name, and each part behind its length as a big-endian u64.
    #[must_use]
    pub fn message(publisher: &str, old: PublicKey, new: PublicKey, issued_at_unix_ms: i64) -> Vec<u8> {
        let mut message = b"skillyard key rotation 1\0".to_vec();
        for part in [publisher.as_bytes(), &old.0, &new.0, &issued_at_unix_ms.to_be_bytes()] {
            message.extend((part.len() as u64).to_be_bytes());
            message.extend(part);
        }
        message
    }

    /// A statement signed with the old key.
    ///
    /// # Errors
    /// If the keys do not do.
    pub fn sign(
        publisher: &str,
        old: &SigningKey,
        new: PublicKey,
        issued_at_unix_ms: i64,
    ) -> Result<Self, RotationFault> {
        let public = old.public();
        let signature = old.sign(&Self::message(publisher, public, new, issued_at_unix_ms));
        let rotation = Self {
            schema_version: 1,
            kind: KIND.to_owned(),
            publisher: publisher.to_owned(),
            old_public_key: public.to_string(),
            new_public_key: new.to_string(),
            issued_at_unix_ms,
            signature_hex: hex(&signature),
        };
        rotation.check()?;
        Ok(rotation)
    }

    /// Reads a statement and checks it: the keys that it names, the old one first.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn parse(text: &[u8]) -> Result<(Self, PublicKey, PublicKey), RotationFault> {
        let rotation: Self = serde_json::from_slice(text).map_err(|_| RotationFault::NotOne)?;
        let (old, new) = rotation.check()?;
        Ok((rotation, old, new))
    }

    fn check(&self) -> Result<(PublicKey, PublicKey), RotationFault> {
        let is_publisher = grammar::is_identifier(&self.publisher) && self.publisher.trim() == self.publisher;
        if self.schema_version != 1 || self.kind != KIND || !is_publisher {
            return Err(RotationFault::NotOne);
        }
        let key = |text: &str| {
            let key = PublicKey::from_hex(text).ok_or(RotationFault::NotOne)?;
            key.fault().map_or(Ok(key), |fault| Err(RotationFault::WeakKey(fault)))
        };
        let (old, new) = (key(&self.old_public_key)?, key(&self.new_public_key)?);
        if old == new {
            return Err(RotationFault::SameKey);
        }
        let message = Self::message(&self.publisher, old, new, self.issued_at_unix_ms);
        let signature = signature_of(&self.signature_hex).ok_or(RotationFault::Signature)?;
        if verify_strict(old, &message, &signature) { Ok((old, new)) } else { Err(RotationFault::Signature) }
    }
}

fn signature_of(text: &str) -> Option<[u8; 64]> {
    let mut bytes = [0; 64];
    if text.len() != 128 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

    use skillyard_artifact::keys::Source;

    use super::*;

    fn key(n: u8) -> SigningKey {
        SigningKey::parse(format!("{n:02x}").repeat(32).as_bytes(), Source::Text, None).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let mut lifecycle = Lifecycle::default();
        lifecycle.rotate("acme", key(1).public(), key(2).public(), 5).unwrap();
        lifecycle.revoke("acme", key(3).public(), "stolen", 6);
        let floor = Floor { version: "1.2.0".to_owned(), reason: "r".to_owned(), since_unix_ms: 7 };
        lifecycle.floors.insert("acme.x".to_owned(), floor);
        assert_eq!(Lifecycle::parse(&lifecycle.to_text()).unwrap(), lifecycle);
        assert_eq!(Lifecycle::parse(" \n").unwrap(), Lifecycle::default());
        for bad in ["[]", "{}", r#"{"schema_version":2,"publishers":{},"floors":{}}"#] {
            assert!(Lifecycle::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_revoked_key_is_taken_for_nothing_and_stays_revoked() {
        let mut lifecycle = Lifecycle::default();
        let revoked = key(1).public();
        lifecycle.revoke("acme", revoked, "stolen", 5);
        lifecycle.revoke("acme", revoked, "again", 9);
        for (publisher, purpose) in [("acme", Purpose::Take), ("acme", Purpose::Run), ("other", Purpose::Run)] {
            let objection = lifecycle.objects_to_key(publisher, revoked, purpose, 0).unwrap();
            assert!(matches!(objection, Objection::Revoked { since_unix_ms: 5, reason, .. } if reason == "stolen"));
        }
        assert!(lifecycle.rotate("acme", revoked, key(2).public(), 6).is_err());
        assert!(lifecycle.rotate("acme", key(2).public(), revoked, 6).is_err());
        assert!(lifecycle.objects_to_key("acme", key(2).public(), Purpose::Take, 0).is_none());
    }

    #[test]
    fn a_retired_or_expired_key_runs_and_is_not_taken() {
        let mut lifecycle = Lifecycle::default();
        let (old, new) = (key(1).public(), key(2).public());
        lifecycle.rotate("acme", old, new, 5).unwrap();
        assert!(matches!(lifecycle.objects_to_key("acme", old, Purpose::Take, 9), Some(Objection::Retired { .. })));
        assert_eq!(lifecycle.objects_to_key("acme", old, Purpose::Run, 9), None);
        lifecycle.expire("acme", new, Some(100), 6);
        assert_eq!(lifecycle.objects_to_key("acme", new, Purpose::Take, 100), None);
        assert!(matches!(lifecycle.objects_to_key("acme", new, Purpose::Take, 101), Some(Objection::Expired { .. })));
        assert_eq!(lifecycle.objects_to_key("acme", new, Purpose::Run, 101), None);
        lifecycle.expire("acme", new, None, 102);
        assert_eq!(lifecycle.objects_to_key("acme", new, Purpose::Take, 103), None);
        assert_eq!(lifecycle.key("acme", new).unwrap().replaces, Some(old.to_string()));
    }

    #[test]
    fn a_key_that_was_replaced_or_whose_time_is_over_hands_nothing_over() {
        let mut lifecycle = Lifecycle::default();
        let [a, b, c, e] = [1, 2, 3, 4].map(|n| key(n).public());
        lifecycle.rotate("acme", a, b, 5).unwrap();
        let before = lifecycle.clone();
        assert!(matches!(lifecycle.rotate("acme", a, e, 6), Err(Objection::Retired { key, .. }) if key == a));
        // Nor does it come back: by the key that took its place, or by one that is active.
        assert!(matches!(lifecycle.rotate("acme", b, a, 6), Err(Objection::Retired { key, .. }) if key == a));
        assert!(matches!(lifecycle.rotate("acme", c, a, 6), Err(Objection::Retired { key, .. }) if key == a));
        assert_eq!(lifecycle, before);
        lifecycle.expire("acme", b, Some(10), 7);
        assert!(matches!(lifecycle.rotate("acme", b, c, 11), Err(Objection::Expired { key, .. }) if key == b));
        assert!(matches!(lifecycle.rotate("acme", c, b, 11), Err(Objection::Expired { key, .. }) if key == b));
        lifecycle.rotate("acme", b, c, 10).unwrap();
    }

    #[test]
    fn what_the_trust_store_may_not_have_yet_is_known() {
        let mut lifecycle = Lifecycle::default();
        let [a, b, c] = [1, 2, 3].map(|n| key(n).public());
        lifecycle.rotate("acme", a, b, 5).unwrap();
        assert_eq!(lifecycle.awaiting().collect::<Vec<_>>(), [("acme", a, b)]);
        let read = Lifecycle::parse(&lifecycle.to_text()).unwrap();
        assert_eq!(read, lifecycle);
        lifecycle.stored("acme", b);
        assert_eq!(lifecycle.awaiting().count(), 0);
        assert!(!lifecycle.to_text().contains("awaits_store"));
        assert_eq!(lifecycle.revoked().count(), 0);
        lifecycle.revoke("other", c, "stolen", 6);
        assert_eq!(lifecycle.revoked().collect::<Vec<_>>(), [c]);
    }

    #[test]
    fn a_key_is_followed_to_the_one_that_has_its_place() {
        let mut lifecycle = Lifecycle::default();
        let [a, b, c] = [1, 2, 3].map(|n| key(n).public());
        lifecycle.rotate("acme", a, b, 5).unwrap();
        lifecycle.rotate("acme", b, c, 6).unwrap();
        for (from, to, is) in [(a, b, true), (a, c, true), (b, c, true), (b, a, false), (c, a, false), (a, a, false)] {
            assert_eq!(lifecycle.handed_over("acme", from, to), is);
        }
        assert!(!lifecycle.handed_over("other", a, b));
        // What a revoked key handed over is nothing.
        lifecycle.revoke("acme", b, "stolen", 7);
        assert!(!lifecycle.handed_over("acme", a, c) && lifecycle.handed_over("acme", a, b));
        // A file that leads in a circle has an end.
        let mut lifecycle = Lifecycle::default();
        lifecycle.rotate("acme", a, b, 5).unwrap();
        let keys = lifecycle.publishers.get_mut("acme").unwrap();
        let record = keys.get_mut(&b).unwrap();
        (record.state, record.replaced_by) = (KeyState::Retired, Some(a.to_string()));
        assert!(!lifecycle.handed_over("acme", a, c));
    }

    #[test]
    fn a_statement_that_comes_again_changes_nothing() {
        let mut lifecycle = Lifecycle::default();
        let [a, b, c] = [1, 2, 3].map(|n| key(n).public());
        lifecycle.rotate("acme", a, b, 5).unwrap();
        lifecycle.rotate("acme", b, c, 6).unwrap();
        let before = lifecycle.clone();
        lifecycle.rotate("acme", a, b, 7).unwrap();
        lifecycle.rotate("acme", b, c, 7).unwrap();
        assert_eq!(lifecycle, before);
        assert!(matches!(lifecycle.objects_to_key("acme", b, Purpose::Take, 8), Some(Objection::Retired { .. })));
        lifecycle.revoke("acme", b, "stolen", 9);
        assert!(matches!(lifecycle.rotate("acme", a, b, 10), Err(Objection::Revoked { .. })));
    }

    #[test]
    fn a_floor_is_a_number() {
        let mut lifecycle = Lifecycle::default();
        let floor = Floor { version: "1.10.0".to_owned(), reason: "r".to_owned(), since_unix_ms: 7 };
        lifecycle.floors.insert("acme.x".to_owned(), floor);
        for (version, below) in [("1.9.0", true), ("1.10.0", false), ("2.0.0", false), ("nonsense", true)] {
            assert_eq!(lifecycle.objects_to_version("acme.x", version).is_some(), below, "{version}");
        }
        assert_eq!(lifecycle.objects_to_version("acme.y", "0.0.1"), None);
    }

    #[test]
    fn a_rotation_counts_only_as_the_old_key_signed_it() {
        let (old, new) = (key(1), key(2));
        let good = Rotation::sign("acme", &old, new.public(), 5).unwrap();
        let text = |rotation: &Rotation| serde_json::to_vec(rotation).unwrap();
        let (_, from, to) = Rotation::parse(&text(&good)).unwrap();
        assert_eq!((from, to), (old.public(), new.public()));
        let by_new = Rotation::sign("acme", &new, old.public(), 5).unwrap();
        let changed = [
            Rotation { publisher: "acne".to_owned(), ..good.clone() },
            Rotation { new_public_key: key(3).public().to_string(), ..good.clone() },
            Rotation { old_public_key: key(3).public().to_string(), ..good.clone() },
            Rotation { issued_at_unix_ms: 6, ..good.clone() },
            Rotation { signature_hex: by_new.signature_hex, ..good.clone() },
        ];
        for rotation in changed {
            assert_eq!(Rotation::parse(&text(&rotation)).unwrap_err(), RotationFault::Signature, "{rotation:?}");
        }
        assert_eq!(Rotation::sign("acme", &old, old.public(), 5).unwrap_err(), RotationFault::SameKey);
        let weak = PublicKey([0; 32]);
        assert!(matches!(Rotation::sign("acme", &old, weak, 5), Err(RotationFault::WeakKey(_))));
        assert_eq!(Rotation::parse(b"{}").unwrap_err(), RotationFault::NotOne);
    }
}
