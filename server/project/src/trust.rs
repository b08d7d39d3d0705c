//! The trust store in a person's hands: looked at, added to, taken from.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
};

use skillyard_artifact::{
    Finding,
    keys::SigningKey,
    timestamp::rfc3339,
    trust::{PublicKey, TrustDecision, TrustError, TrustStore, look_alike},
};
use skillyard_manifest::{grammar::Version, quoted};
use skillyard_store::{installed::MAX_WORDS, lifecycle::Purpose, trust_store::UpdateError};

use crate::{home::Home, verify::FlowError};

pub use skillyard_artifact::trust::check_publisher;
pub use skillyard_store::{
    StoreDigest,
    lifecycle::{Floor, KeyRecord, KeyState, Lifecycle, Objection, Rotation},
    trust_store::{SealState, SealWith},
};

/// What the trust store says.
#[derive(Debug)]
pub struct Listing {
    /// The file.
    pub path: PathBuf,
    /// How it is guarded.
    pub seal: SealState,
    /// The file's digest.
    pub digest: StoreDigest,
    /// Publishers and the keys that a person listed, sorted.
    pub trusted: Vec<(String, Vec<PublicKey>)>,
    /// Publishers and the key that was pinned at first use, sorted.
    pub pinned: Vec<(String, PublicKey)>,
    /// Keys in it that prove nothing.
    pub faults: Vec<Finding>,
}

/// Reads the trust store.
///
/// # Errors
/// If it cannot be read.
pub fn list(home: &Home) -> Result<Listing, FlowError> {
    let file = home.trust_store()?;
    let loaded = file.load()?;
    let store = loaded.store;
    Ok(Listing {
        path: file.path().to_owned(),
        seal: loaded.seal,
        digest: loaded.digest,
        faults: store.faults(),
        trusted: store.trusted.into_iter().map(|(name, keys)| (name, keys.into_iter().collect())).collect(),
        pinned: store.tofu.into_iter().collect(),
    })
}

/// What counts of the keys of a publisher, by the trust store and by what is known of their lives.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct View {
    /// The keys that a person listed and that count for something new.
    pub listed: Vec<PublicKey>,
    /// The key that was pinned at first use, where none is listed and it counts for something new.
    pub pinned: Option<PublicKey>,
    /// Whether a key may be pinned at first use: the trust store does not name the publisher.
    pub first_use: bool,
    /// Why others do not.
    pub ended: Vec<Objection>,
}

/// What counts of the keys of every publisher that is known, at the time `now_unix_ms`.
///
/// # Errors
/// If the trust store, or the file about the life of keys, cannot be read.
pub fn views(home: &Home, now_unix_ms: i64) -> Result<BTreeMap<String, View>, FlowError> {
    let store = home.trust_store()?.load()?.store;
    let lives = home.lifecycle()?.load()?.store;
    let names = store.trusted.keys().chain(store.tofu.keys()).chain(lives.publishers.keys());
    let names: BTreeSet<&String> = names.collect();
    let view = |name: &String| {
        let against = |key: &PublicKey| lives.objects_to_key(name, *key, Purpose::Take, now_unix_ms);
        let listed = || store.trusted.get(name).into_iter().flatten().copied();
        let pinned = store.tofu.get(name).copied();
        let known = lives.publishers.get(name).into_iter().flat_map(|keys| keys.keys().copied());
        let all: BTreeSet<PublicKey> = listed().chain(pinned).chain(known).collect();
        View {
            listed: listed().filter(|key| against(key).is_none()).collect(),
            // A key that was listed counts over one that was pinned.
            pinned: pinned.filter(|key| listed().next().is_none() && against(key).is_none()),
            first_use: listed().chain(pinned).next().is_none(),
            ended: all.iter().filter_map(against).collect(),
        }
    };
    Ok(names.into_iter().map(|name| (name.clone(), view(name))).collect())
}

/// A change of the trust store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Changed {
    /// Whether anything was written; not where it was so already.
    pub written: bool,
    /// The file.
    pub path: PathBuf,
    /// A publisher that is known and whose name could be taken for the one concerned.
    pub looks_like: Option<String>,
}

/// Lists `key` as one of `publisher`.
///
/// # Errors
/// If it is no good key or publisher, or the store cannot be written.
pub fn allow(home: &Home, publisher: &str, key: PublicKey) -> Result<Changed, FlowError> {
    not_revoked(home, publisher, key)?;
    let file = home.trust_store()?;
    let updated = file.update(|store| {
        let alike = look_alike(store, publisher).map(|alike| alike.known.to_owned());
        store.allow(publisher, key).map(|_| alike)
    })?;
    Ok(Changed { written: updated.written, path: file.path().to_owned(), looks_like: updated.value })
}

/// Pins `key` as that of `publisher`, as first use does.
///
/// # Errors
/// If the publisher has another key, it is no good key or publisher, or the store cannot be written.
pub fn pin(home: &Home, publisher: &str, key: PublicKey) -> Result<Changed, FlowError> {
    not_revoked(home, publisher, key)?;
    let file = home.trust_store()?;
    let updated = file.update(|store| {
        let alike = look_alike(store, publisher).map(|alike| alike.known.to_owned());
        store.pin(publisher, key).map(|()| alike)
    })?;
    Ok(Changed { written: updated.written, path: file.path().to_owned(), looks_like: updated.value })
}

/// Removes one key of `publisher`, or all. Says whether any was there.
///
/// # Errors
/// If it is no good publisher, or the store cannot be written.
pub fn remove(home: &Home, publisher: &str, key: Option<PublicKey>) -> Result<Changed, FlowError> {
    check_publisher(publisher)?;
    let file = home.trust_store()?;
    let updated = file.update(|store| Ok::<bool, TrustError>(store.remove(publisher, key)))?;
    Ok(Changed { written: updated.written, path: file.path().to_owned(), looks_like: None })
}

/// Takes the store, or the file about the life of keys beside it, as it is, though something else than Skillyard changed
/// it. `found` is the digest of what the person looked at, and says which.
///
/// # Errors
/// If it is another by now, or no trust store.
pub fn accept(home: &Home, found: StoreDigest, with: SealWith) -> Result<SealState, FlowError> {
    let lifecycle = home.lifecycle()?;
    if found != StoreDigest::Missing && lifecycle.digest()? == found {
        return Ok(lifecycle.accept(found, with)?);
    }
    let store = home.trust_store()?;
    // Both may be gone; the one that is missed is meant.
    if found == StoreDigest::Missing && store.digest()? != found {
        return Ok(lifecycle.accept(found, with)?);
    }
    Ok(store.accept(found, with)?)
}

/// Nobody comes to trust a key that was revoked.
fn not_revoked(home: &Home, publisher: &str, key: PublicKey) -> Result<(), FlowError> {
    let lifecycle = home.lifecycle()?.load()?.store;
    match lifecycle.objects_to_key(publisher, key, Purpose::Run, 0) {
        Some(objection) => Err(objection.into()),
        None => Ok(()),
    }
}

fn flow<T>(error: UpdateError<T>) -> FlowError
where
    FlowError: From<T>,
{
    match error {
        UpdateError::Store(error) => error.into(),
        UpdateError::Change(error) => error.into(),
    }
}

/// What became of a change of keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rotated {
    /// Whose.
    pub publisher: String,
    /// The key that went.
    pub old: PublicKey,
    /// The key that came.
    pub new: PublicKey,
    /// Whether anything was written.
    pub written: bool,
    /// The trust store.
    pub path: PathBuf,
}

/// Takes a publisher's new key for the old one, by a statement that the old key signed. A pin moves to the new key; in a
/// list both stand from then on, since what is installed goes on running, and nothing new of the old one is taken.
///
/// # Errors
/// If the statement does not count, the old key is not trusted for the publisher, one of them was revoked, or the old one
/// was replaced by another or its time is over.
pub fn rotate(home: &Home, statement: &[u8], now_unix_ms: i64) -> Result<Rotated, FlowError> {
    let (rotation, old, new) = Rotation::parse(statement).map_err(FlowError::Rotation)?;
    let publisher = rotation.publisher;
    let (file, lifecycle) = (home.trust_store()?, home.lifecycle()?);
    let left = finish(home, now_unix_ms)?;
    let store = file.load()?.store;
    let was_taken = lifecycle.load()?.store.was_rotated(&publisher, old, new);
    // One that comes a second time says nothing about who is trusted by now.
    if !was_taken {
        store.decide(&publisher, old, false).map_err(FlowError::Trusted)?;
    }
    // First what takes trust away. What is not done behind that when a crash comes is done by whoever comes next.
    let noted = lifecycle.update(|known| known.rotate(&publisher, old, new, now_unix_ms)).map_err(flow)?;
    finish(home, now_unix_ms)?;
    Ok(Rotated { publisher, old, new, written: noted.written || !left.is_empty(), path: file.path().to_owned() })
}

/// What a change of keys that a crash ended had left to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finished {
    /// A key that was revoked was taken out of the trust store, where it stood under these names.
    Removed(Revoked),
    /// The trust store got a new key in the place of the old one.
    Replaced {
        /// Whose.
        publisher: String,
        /// The key that went.
        old: PublicKey,
        /// The key that came.
        new: PublicKey,
    },
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed(Revoked { key, removed_from, .. }) => {
                let names: Vec<String> = removed_from.iter().map(|name| quoted(name)).collect();
                write!(f, "the key {} of {}, which was revoked, is out of the trust store", key.id(), names.join(", "))
            }
            Self::Replaced { publisher, old, new } => {
                write!(f, "the key {} of {} took the place of {}", new.id(), quoted(publisher), old.id())
            }
        }
    }
}

/// Does what the life of keys asks of the trust store and is not done there, since the two files are written one after
/// the other. A daemon knows the trust store alone.
///
/// # Errors
/// If one of the two files cannot be read or written.
pub fn finish(home: &Home, now_unix_ms: i64) -> Result<Vec<Finished>, FlowError> {
    let (file, lifecycle) = (home.trust_store()?, home.lifecycle()?);
    let known = lifecycle.load()?.store;
    let revoked: BTreeSet<PublicKey> = known.revoked().collect();
    let awaiting: Vec<_> = known.awaiting().map(|(name, old, new)| (name.to_owned(), old, new)).collect();
    if revoked.is_empty() && awaiting.is_empty() {
        return Ok(Vec::new());
    }
    let done = file.update(|store| {
        let mut done = Vec::new();
        for (publisher, old, new) in &awaiting {
            // Something else may have become of the new key by now.
            let taken = known.objects_to_key(publisher, *new, Purpose::Take, now_unix_ms).is_none();
            let replaced = match store.decide(publisher, *old, false) {
                _ if !taken => false,
                Ok(TrustDecision::TofuPinned) => {
                    store.remove(publisher, Some(*old));
                    store.pin(publisher, *new)?;
                    true
                }
                Ok(_) => store.allow(publisher, *new)?,
                Err(_) => false,
            };
            if replaced {
                done.push(Finished::Replaced { publisher: publisher.clone(), old: *old, new: *new });
            }
        }
        let removed = take_out(store, revoked.iter().copied()).into_iter().filter(|one| !one.removed_from.is_empty());
        done.extend(removed.map(Finished::Removed));
        Ok::<_, TrustError>(done)
    })?;
    if !awaiting.is_empty() {
        let noted = lifecycle.update(|known| {
            awaiting.iter().for_each(|(publisher, _, new)| known.stored(publisher, *new));
            Ok::<(), Objection>(())
        });
        noted.map_err(flow)?;
    }
    Ok(done.value)
}

/// Takes keys out of the trust store, under whatever names they stand.
fn take_out(store: &mut TrustStore, keys: impl Iterator<Item = PublicKey>) -> Vec<Revoked> {
    let names: BTreeSet<String> = store.trusted.keys().chain(store.tofu.keys()).cloned().collect();
    let take_out = |key: PublicKey| {
        let removed_from = names.iter().filter(|name| store.remove(name, Some(key))).cloned().collect();
        Revoked { key, removed_from, before: None }
    };
    keys.map(take_out).collect()
}

/// A statement that `new` takes the place of `old`, signed with `old`, for everybody who trusts that.
///
/// # Errors
/// If it is no good publisher, or the keys do not do.
pub fn rotation(publisher: &str, old: &SigningKey, new: PublicKey, now_unix_ms: i64) -> Result<Rotation, FlowError> {
    check_publisher(publisher)?;
    Rotation::sign(publisher, old, new, now_unix_ms).map_err(FlowError::Rotation)
}

/// A key that was revoked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revoked {
    /// The key.
    pub key: PublicKey,
    /// The publishers under whom it stood in the trust store, sorted: it stands under none of them any more.
    pub removed_from: Vec<String>,
    /// Why it was revoked before, where it was: that reason and time stay.
    pub before: Option<String>,
}

/// Revokes a key of a publisher, or all that are known, also those that others took the place of: nothing that they signed is taken or run any more, whoever is
/// named as its publisher, and a daemon that reads the trust store does not find them there under any name.
///
/// # Errors
/// If there is no reason, it is no good publisher or has no key, or it cannot be written.
pub fn revoke(
    home: &Home,
    publisher: &str,
    key: Option<PublicKey>,
    reason: &str,
    now_unix_ms: i64,
) -> Result<Vec<Revoked>, FlowError> {
    check_publisher(publisher)?;
    check_reason(reason)?;
    let file = home.trust_store()?;
    let (store, lifecycle) = (file.load()?.store, home.lifecycle()?);
    let keys: BTreeSet<PublicKey> = match key {
        Some(key) => BTreeSet::from([key]),
        None => {
            let listed = store.trusted.get(publisher).into_iter().flatten();
            let known = lifecycle.load()?.store;
            let lived = known.publishers.get(publisher).into_iter().flatten();
            let lived = lived.filter(|(_, record)| record.state != KeyState::Revoked).map(|(key, _)| *key);
            listed.chain(store.tofu.get(publisher)).copied().chain(lived).collect()
        }
    };
    if keys.is_empty() {
        return Err(FlowError::Words("no key of that publisher is known: name the key that is revoked, PUB=HEX"));
    }
    let before = lifecycle.update(|known| {
        let revoke = |key: &PublicKey| {
            let record = known.key(publisher, *key).filter(|record| record.state == KeyState::Revoked);
            let before = record.map(|record| record.reason.clone().unwrap_or_default());
            known.revoke(publisher, *key, reason, now_unix_ms);
            before
        };
        Ok::<Vec<Option<String>>, Objection>(keys.iter().map(revoke).collect())
    });
    let before = before.map_err(flow)?.value;
    let removed = file.update(|store| Ok::<_, TrustError>(take_out(store, keys.iter().copied())))?;
    let all = removed.value.into_iter().zip(before);
    Ok(all.map(|(revoked, before)| Revoked { before, ..revoked }).collect())
}

/// Sets the version below which nothing of a skill is taken or run; a floor is lowered only where `lower`.
///
/// # Errors
/// If there is no reason, the version is none, or a higher floor is set.
pub fn set_floor(
    home: &Home,
    skill_id: &str,
    version: &str,
    reason: &str,
    lower: bool,
    now_unix_ms: i64,
) -> Result<bool, FlowError> {
    check_reason(reason)?;
    let parsed = Version::parse(version).ok_or(FlowError::Words("a floor is three numbers, such as 1.2.0"))?;
    if !skillyard_manifest::grammar::is_skill_id(skill_id) || skill_id.trim() != skill_id {
        return Err(FlowError::Words(
            "that is no skill id: write it as its skill does, of `a-z 0-9 . _ -` and without white space around it",
        ));
    }
    let floor = Floor { version: parsed.to_string(), reason: reason.to_owned(), since_unix_ms: now_unix_ms };
    let updated = home.lifecycle()?.update(|known| {
        match known.floors.get(skill_id) {
            Some(set) if set.version == floor.version => return Ok(()),
            Some(set) if Version::parse(&set.version) > Some(parsed) && !lower => {
                return Err(FlowError::Words("a higher floor is set: --lower takes it down"));
            }
            _ => {}
        }
        known.floors.insert(skill_id.to_owned(), floor.clone());
        Ok(())
    });
    updated.map(|updated| updated.written).map_err(flow)
}

/// Ends the time of a publisher's key: nothing new that it signed is taken after `not_after_unix_ms`, and what is
/// installed goes on running. A later end, or none, is set only where `later`. Says whether anything was written.
///
/// # Errors
/// If the publisher is none, the key was revoked, or an earlier end is set.
pub fn expire(
    home: &Home,
    publisher: &str,
    key: PublicKey,
    not_after_unix_ms: Option<i64>,
    later: bool,
    now_unix_ms: i64,
) -> Result<bool, FlowError> {
    check_publisher(publisher)?;
    let end = |at: Option<i64>| at.unwrap_or(i64::MAX);
    let updated = home.lifecycle()?.update(|known| {
        if let Some(revoked) = known.objects_to_key(publisher, key, Purpose::Run, now_unix_ms) {
            return Err(revoked.into());
        }
        let set = known.key(publisher, key).and_then(|record| record.not_after_unix_ms);
        if end(set) < end(not_after_unix_ms) && !later {
            return Err(FlowError::Words("the time of that key ends earlier: --later gives it more"));
        }
        if set != not_after_unix_ms {
            known.expire(publisher, key, not_after_unix_ms, now_unix_ms);
        }
        Ok(())
    });
    updated.map(|updated| updated.written).map_err(flow)
}

fn check_reason(reason: &str) -> Result<(), FlowError> {
    if reason.trim().is_empty() || reason.chars().count() > MAX_WORDS {
        return Err(FlowError::Words("the reason must have 1 to 1000 characters"));
    }
    Ok(())
}

/// One step of a decision.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Step {
    /// What was asked.
    pub question: String,
    /// What the answer is, and where it stands.
    pub answer: String,
    /// Whether that speaks for it, against it, or neither.
    pub speaks: Option<bool>,
}

/// How it is decided whether a key speaks for a publisher, step by step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explained {
    /// The publisher.
    pub publisher: String,
    /// The key.
    pub key: PublicKey,
    /// The steps, in their order.
    pub steps: Vec<Step>,
    /// Whether something new of it is taken.
    pub taken: bool,
}

/// Explains the decision about a key, and about a version of a skill where that is known.
///
/// # Errors
/// If one of the two files cannot be read.
pub fn explain(
    home: &Home,
    publisher: &str,
    key: PublicKey,
    skill: Option<(&str, &str)>,
    now_unix_ms: i64,
) -> Result<Explained, FlowError> {
    let store = home.trust_store()?.load()?.store;
    let known = home.lifecycle()?.load()?.store;
    let mut steps = Vec::new();
    let mut step = |question: &str, answer: String, speaks: Option<bool>| {
        steps.push(Step { question: question.to_owned(), answer, speaks });
    };
    let listed = store.trusted.get(publisher);
    match listed {
        Some(keys) if keys.contains(&key) => step("listed by you?", "with this key".to_owned(), Some(true)),
        Some(keys) => {
            let keys: Vec<String> = keys.iter().map(PublicKey::id).collect();
            step(
                "listed by you?",
                format!("with other keys ({}), so a pin does not count", keys.join(", ")),
                Some(false),
            );
        }
        None => step("listed by you?", "no".to_owned(), None),
    }
    if listed.is_none() {
        match store.tofu.get(publisher) {
            Some(pinned) if *pinned == key => step("pinned at first use?", "this key".to_owned(), Some(true)),
            Some(pinned) => step("pinned at first use?", format!("another key, {}", pinned.id()), Some(false)),
            None => {
                step("pinned at first use?", "no: it needs a first use that you allow".to_owned(), Some(false));
            }
        }
    }
    let decided = store.decide(publisher, key, false).is_ok();
    if let Some(record) = known.key(publisher, key) {
        let mut words = format!("{:?}", record.state).to_lowercase();
        words.extend(record.reason.iter().map(|reason| format!(", {}", quoted(reason))));
        let by = record.replaced_by.as_deref().and_then(PublicKey::from_hex);
        words.extend(by.map(|key| format!(", replaced by {}", key.id())));
        let before = record.replaces.as_deref().and_then(PublicKey::from_hex);
        words.extend(before.map(|key| format!(", in place of {}", key.id())));
        let end = record.not_after_unix_ms.and_then(rfc3339);
        words.extend(end.map(|end| format!(", until {end}")));
        step("the life of the key?", words, Some(record.state == KeyState::Active));
    } else {
        step("the life of the key?", "nothing is known of it".to_owned(), None);
    }
    let objection = known.objects_to_key(publisher, key, Purpose::Take, now_unix_ms);
    if let Some(objection) = &objection {
        step("does that take trust away?", objection.to_string(), Some(false));
    }
    let below = skill.and_then(|(skill_id, version)| known.objects_to_version(skill_id, version));
    if let Some((skill_id, version)) = skill {
        match (&below, known.floors.get(skill_id)) {
            (Some(objection), _) => step("the floor of the skill?", objection.to_string(), Some(false)),
            (None, Some(floor)) => {
                step("the floor of the skill?", format!("{}, and this is {version}", floor.version), Some(true));
            }
            (None, None) => step("the floor of the skill?", "none is set".to_owned(), None),
        }
    }
    let taken = decided && objection.is_none() && below.is_none();
    Ok(Explained { publisher: publisher.to_owned(), key, steps, taken })
}
