//! Whom a person trusts: the trust store as a value, and the decision. No files.
//!
//! The text of a store is read as a daemon reads it, and written as a daemon writes it. What a daemon would read but
//! nobody should write is told by [`faults`].

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use ed25519_dalek::VerifyingKey;
use serde::{
    Deserialize, Serialize,
    de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use skillyard_manifest::{
    Severity, grammar, is_unseen, quoted,
    rules::{Rule, latin_look},
    suggest,
};

use crate::{
    ErrorKind, Finding, integrity,
    rules::{Family, rejects, silent},
};

/// The rules about trust.
pub static FAMILY: Family = Family {
    name: "trust",
    about: "whom the trust store trusts",
    rules: &[
        &UNKNOWN_PUBLISHER,
        &OTHER_KEY,
        &OTHER_PINNED_KEY,
        &LOOK_ALIKE,
        &NEAR_NAME,
        &STORE_WEAK_KEY,
        &STORE_POSITIONAL,
        &STORE_REPEATED,
        &STORE_UNTRIMMED,
    ],
};

/// Nobody trusts the publisher.
pub static UNKNOWN_PUBLISHER: Rule = rejects(
    "trust/unknown-publisher",
    "the publisher is not trusted",
    "Neither is a key of the publisher listed, nor was one pinned, and first use is not allowed. Ask the publisher for the \
     key by another way than the artifact came, and list it.",
);

/// A listed publisher, another key.
pub static OTHER_KEY: Rule = rejects(
    "trust/other-key",
    "the publisher's listed keys do not include the one that signed",
    "Somebody else signed, or the publisher has a new key. Ask the publisher by another way before the key is listed.",
);

/// A pinned publisher, another key.
pub static OTHER_PINNED_KEY: Rule = rejects(
    "trust/other-pinned-key",
    "another key was pinned for the publisher",
    "The key is not the one that signed the first artifact of this publisher here. Ask the publisher by another way before \
     the pin is changed.",
);

/// A publisher drawn like a known one.
pub static LOOK_ALIKE: Rule = silent(
    "trust/look-alike",
    "the publisher's name looks like that of a known one",
    "It differs only by white space, case, punctuation or letters that look alike: it is another publisher with another \
     key, and no first use pins it. If both are known to you, list the key.",
);

/// A publisher one slip away from a known one.
pub static NEAR_NAME: Rule = Rule {
    severity: Severity::Warning,
    ..silent(
        "trust/near-name",
        "the publisher's name is one edit away from that of a known one",
        "It is another publisher with another key. Look twice before you trust it.",
    )
};

/// A listed key that anyone can sign for.
pub static STORE_WEAK_KEY: Rule = silent(
    "trust/store-weak-key",
    "the store trusts a key that proves nothing",
    "A key of small order takes signatures that anyone can make, one in a non-canonical form is another key to another \
     reader, and one that is no point of the curve can sign nothing. Remove it.",
);

/// A store written as an array.
pub static STORE_POSITIONAL: Rule = silent(
    "trust/store-positional",
    "the store is written as an array of its values",
    "A daemon happens to read `[{}, {}]` as a store by the order of its keys. Nobody can see in it who is trusted.",
);

/// A publisher twice.
pub static STORE_REPEATED: Rule = silent(
    "trust/store-repeated-publisher",
    "a publisher stands twice in one list of the store",
    "One of the two replaces the other when the store is read.",
);

/// A publisher or key that trimming changes.
pub static STORE_UNTRIMMED: Rule = Rule {
    severity: Severity::Warning,
    ..silent(
        "trust/store-untrimmed",
        "a publisher in the store has white space around it",
        "It is read without, and written without the next time.",
    )
};

/// The 32 bytes of an Ed25519 public key. Any 32 bytes: whether it is a good key says [`PublicKey::fault`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

/// Why a public key proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyFault {
    /// The bytes are no point of the curve.
    NoPoint,
    /// A point of small order: signatures for it can be made without a private key.
    SmallOrder,
    /// Not the one way to write the point.
    NotCanonical,
    /// The point has a part of small order, so that verifiers disagree on its signatures.
    MixedOrder,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoPoint => "it is no point of the curve",
            Self::SmallOrder => "it has small order, so that anyone can sign for it",
            Self::NotCanonical => "it is not in canonical form",
            Self::MixedOrder => "it has a part of small order, so that verifiers disagree on its signatures",
        })
    }
}

impl PublicKey {
    /// `ed25519:` and the first 8 bytes of the key's SHA-256 in hex.
    #[must_use]
    pub fn id(&self) -> String {
        let hash = integrity::sha256(&self.0);
        format!("ed25519:{}", integrity::hex(hash.get(..8).unwrap_or_default()))
    }

    /// Reads 64 hex digits of either case, white space around them ignored.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.trim().as_bytes();
        let mut key = [0; 32];
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            for digit in pair {
                *byte = *byte << 4 | u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
            }
        }
        Some(Self(key))
    }

    /// What is wrong with the key; `None` for every key that an honest signer has.
    #[must_use]
    pub fn fault(&self) -> Option<KeyFault> {
        let Ok(key) = VerifyingKey::from_bytes(&self.0) else { return Some(KeyFault::NoPoint) };
        let point = key.to_edwards();
        if point.is_small_order() {
            Some(KeyFault::SmallOrder)
        } else if point.compress().to_bytes() != self.0 {
            Some(KeyFault::NotCanonical)
        } else if !point.is_torsion_free() {
            Some(KeyFault::MixedOrder)
        } else {
            None
        }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&integrity::hex(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// Why a publisher's key is trusted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustDecision {
    /// A person listed it.
    Allowlisted,
    /// It is the one that was pinned at first use.
    TofuPinned,
    /// First use: to be pinned, once everything else has held.
    TofuNewlyPinned,
}

/// The content of a trust store.
///
/// Publishers are trimmed identifiers. Nothing here knows where it is kept.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TrustStore {
    /// The keys that a person listed, by publisher; never an empty set.
    pub trusted: BTreeMap<String, BTreeSet<PublicKey>>,
    /// The key that was pinned at first use, by publisher.
    pub tofu: BTreeMap<String, PublicKey>,
}

/// Why a store does not read, or a key is not trusted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TrustError {
    /// The text is not a store: what the reader says, with line and column.
    NotAStore(String),
    /// A publisher that is no identifier.
    BadPublisher {
        /// The key of the store that it stands in.
        list: &'static str,
        /// The publisher.
        publisher: String,
    },
    /// What was named to be trusted is no publisher.
    NotAPublisher {
        /// What was named.
        publisher: String,
    },
    /// Something that is no key of 64 hex digits.
    BadKey {
        /// The key of the store that it stands in.
        list: &'static str,
        /// Whose key.
        publisher: String,
    },
    /// A listed publisher without a key.
    NoKeys {
        /// The publisher.
        publisher: String,
    },
    /// A key that proves nothing.
    WeakKey {
        /// Whose key.
        publisher: String,
        /// The key.
        key: PublicKey,
        /// What is wrong with it.
        fault: KeyFault,
    },
    /// Nobody trusts the publisher, and first use is not allowed.
    Untrusted {
        /// The publisher.
        publisher: String,
        /// The key that signed.
        key: PublicKey,
    },
    /// The publisher is listed with other keys.
    NotListed {
        /// The publisher.
        publisher: String,
        /// The key that signed.
        key: PublicKey,
        /// The keys that are listed.
        listed: Vec<PublicKey>,
    },
    /// The publisher is pinned with another key.
    OtherPinned {
        /// The publisher.
        publisher: String,
        /// The key that signed.
        key: PublicKey,
        /// The key that is pinned.
        pinned: PublicKey,
    },
}

impl TrustError {
    /// The kind of a daemon's error. A key that only Skillyard refuses counts as one that does not verify.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAStore(_)
            | Self::BadPublisher { .. }
            | Self::NotAPublisher { .. }
            | Self::BadKey { .. }
            | Self::NoKeys { .. } => ErrorKind::Serialization,
            Self::WeakKey { .. } => ErrorKind::SignatureVerificationFailed,
            Self::Untrusted { .. } => ErrorKind::UntrustedPublisher,
            Self::NotListed { .. } => ErrorKind::TrustedPublisherKeyMismatch,
            Self::OtherPinned { .. } => ErrorKind::TofuKeyMismatch,
        }
    }

    /// The rule that says more; `None` for a store that does not read.
    #[must_use]
    pub fn rule(&self) -> Option<&'static Rule> {
        match self {
            Self::NotAStore(_)
            | Self::BadPublisher { .. }
            | Self::NotAPublisher { .. }
            | Self::BadKey { .. }
            | Self::NoKeys { .. } => None,
            Self::WeakKey { .. } => Some(&STORE_WEAK_KEY),
            Self::Untrusted { .. } => Some(&UNKNOWN_PUBLISHER),
            Self::NotListed { .. } => Some(&OTHER_KEY),
            Self::OtherPinned { .. } => Some(&OTHER_PINNED_KEY),
        }
    }
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAStore(why) => write!(f, "the trust store does not read: {}", skillyard_manifest::plain(why)),
            Self::BadPublisher { list, publisher } => {
                write!(f, "{} in `{list}` of the trust store is no publisher", quoted(publisher))
            }
            Self::NotAPublisher { publisher } => write!(
                f,
                "{} is no publisher: write it as its skills do, of `a-z 0-9 . _ - :` and without white space around it",
                quoted(publisher)
            ),
            Self::BadKey { list, publisher } => {
                write!(f, "a key of {} in `{list}` of the trust store is not 64 hex digits", quoted(publisher))
            }
            Self::NoKeys { publisher } => {
                write!(f, "{} is listed in the trust store without a key: list one or remove it", quoted(publisher))
            }
            Self::WeakKey { publisher, key, fault } => {
                write!(f, "the key {key} of {} is not trusted: {fault}", quoted(publisher))
            }
            Self::Untrusted { publisher, key } => write!(
                f,
                "{} with the key {} ({key}) is not trusted: list the key, or allow first use",
                quoted(publisher),
                key.id()
            ),
            Self::NotListed { publisher, key, listed } => write!(
                f,
                "{} is trusted with {}, and {} ({key}) signed this: ask the publisher before you list it",
                quoted(publisher),
                listed.iter().map(PublicKey::id).collect::<Vec<_>>().join(", "),
                key.id()
            ),
            Self::OtherPinned { publisher, key, pinned } => write!(
                f,
                "{} was pinned with {}, and {} ({key}) signed this: ask the publisher before you change the pin",
                quoted(publisher),
                pinned.id(),
                key.id()
            ),
        }
    }
}

impl std::error::Error for TrustError {}

/// The store's file, as a daemon's serde model has it: also an array of the two values is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    trusted_publishers: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    tofu_publishers: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Written {
    trusted_publishers: BTreeMap<String, Vec<String>>,
    tofu_publishers: BTreeMap<String, String>,
}

const TRUSTED: &str = "trusted_publishers";
const TOFU: &str = "tofu_publishers";

impl TrustStore {
    /// Reads the text of a store as a daemon does. A blank text is an empty store.
    ///
    /// # Errors
    /// What does not read, with the entry's name.
    pub fn parse(text: &str) -> Result<Self, TrustError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let file: File = serde_json::from_str(text).map_err(|error| TrustError::NotAStore(error.to_string()))?;
        let mut store = Self::default();
        for (publisher, keys) in file.trusted_publishers {
            let publisher = named(TRUSTED, publisher)?;
            let read = keys.iter().map(|key| PublicKey::from_hex(key)).collect::<Option<BTreeSet<_>>>();
            let keys = read.ok_or_else(|| TrustError::BadKey { list: TRUSTED, publisher: publisher.clone() })?;
            if keys.is_empty() {
                return Err(TrustError::NoKeys { publisher });
            }
            store.trusted.entry(publisher).or_default().extend(keys);
        }
        for (publisher, key) in file.tofu_publishers {
            let publisher = named(TOFU, publisher)?;
            let key = PublicKey::from_hex(&key)
                .ok_or_else(|| TrustError::BadKey { list: TOFU, publisher: publisher.clone() })?;
            store.tofu.insert(publisher, key);
        }
        Ok(store)
    }

    /// The text of the store as a daemon writes it: sorted, without repeats, two spaces deep, no line end at the end.
    #[must_use]
    pub fn to_json(&self) -> String {
        let hex = |keys: &BTreeSet<PublicKey>| keys.iter().map(ToString::to_string).collect();
        let written = Written {
            trusted_publishers: self.trusted.iter().map(|(name, keys)| (name.clone(), hex(keys))).collect(),
            tofu_publishers: self.tofu.iter().map(|(name, key)| (name.clone(), key.to_string())).collect(),
        };
        // Maps of strings always serialize.
        serde_json::to_string_pretty(&written).unwrap_or_default()
    }

    /// Whether `key` is trusted for `publisher`, which is looked up as it is written. Changes nothing.
    ///
    /// # Errors
    /// Why it is not.
    pub fn decide(&self, publisher: &str, key: PublicKey, allow_tofu: bool) -> Result<TrustDecision, TrustError> {
        let publisher_owned = || publisher.to_owned();
        if let Some(listed) = self.trusted.get(publisher) {
            return if listed.contains(&key) {
                Ok(TrustDecision::Allowlisted)
            } else {
                let listed = listed.iter().copied().collect();
                Err(TrustError::NotListed { publisher: publisher_owned(), key, listed })
            };
        }
        match self.tofu.get(publisher) {
            Some(pinned) if *pinned == key => Ok(TrustDecision::TofuPinned),
            Some(pinned) => Err(TrustError::OtherPinned { publisher: publisher_owned(), key, pinned: *pinned }),
            None if allow_tofu => Ok(TrustDecision::TofuNewlyPinned),
            None => Err(TrustError::Untrusted { publisher: publisher_owned(), key }),
        }
    }

    /// Pins `key` at first use. Does nothing where the key is trusted already.
    ///
    /// # Errors
    /// Another key is pinned or listed, the publisher is no identifier, or the key proves nothing. Nothing is changed.
    pub fn pin(&mut self, publisher: &str, key: PublicKey) -> Result<(), TrustError> {
        let publisher = usable(publisher, key)?;
        if self.decide(&publisher, key, true)? == TrustDecision::TofuNewlyPinned {
            self.tofu.insert(publisher, key);
        }
        Ok(())
    }

    /// Lists `key` for `publisher`, beside the keys that are listed. A pin stays, without effect, until it is removed.
    ///
    /// # Errors
    /// The publisher is no identifier, or the key proves nothing. Nothing is changed.
    pub fn allow(&mut self, publisher: &str, key: PublicKey) -> Result<bool, TrustError> {
        let publisher = usable(publisher, key)?;
        Ok(self.trusted.entry(publisher).or_default().insert(key))
    }

    /// Removes `key`, or everything, of `publisher`: listed keys and the pin. Says whether anything was there.
    pub fn remove(&mut self, publisher: &str, key: Option<PublicKey>) -> bool {
        let Some(key) = key else {
            let listed = self.trusted.remove(publisher).is_some();
            return self.tofu.remove(publisher).is_some() | listed;
        };
        let mut removed = false;
        if let Some(keys) = self.trusted.get_mut(publisher) {
            removed = keys.remove(&key);
            if keys.is_empty() {
                self.trusted.remove(publisher);
            }
        }
        if self.tofu.get(publisher) == Some(&key) {
            self.tofu.remove(publisher);
            removed = true;
        }
        removed
    }

    /// The keys of the store that prove nothing. [`faults`] says this and more of the store's text.
    #[must_use]
    pub fn faults(&self) -> Vec<Finding> {
        let listed = self.trusted.iter().flat_map(|(name, keys)| keys.iter().map(move |key| (name, key)));
        listed
            .chain(&self.tofu)
            .filter_map(|(name, key)| {
                let fault = key.fault()?;
                let message = format!("remove the key {key} of {} from the trust store: {fault}", quoted(name));
                Some(Finding::new(&STORE_WEAK_KEY, message))
            })
            .collect()
    }

    /// Every publisher that the store knows.
    fn publishers(&self) -> impl Iterator<Item = &String> {
        self.trusted.keys().chain(self.tofu.keys().filter(|name| !self.trusted.contains_key(*name)))
    }
}

/// A publisher of the store, trimmed.
fn named(list: &'static str, publisher: String) -> Result<String, TrustError> {
    if grammar::is_identifier(&publisher) {
        Ok(publisher.trim().to_owned())
    } else {
        Err(TrustError::BadPublisher { list, publisher })
    }
}

/// Whether `publisher` is one as somebody names it. White space around it makes another of it, which is none: only where a
/// store is read a daemon trims.
///
/// # Errors
/// It is none.
pub fn check_publisher(publisher: &str) -> Result<(), TrustError> {
    if grammar::is_identifier(publisher) && publisher.trim() == publisher {
        Ok(())
    } else {
        Err(TrustError::NotAPublisher { publisher: publisher.to_owned() })
    }
}

/// A publisher and a key that may be written to the store.
fn usable(publisher: &str, key: PublicKey) -> Result<String, TrustError> {
    check_publisher(publisher)?;
    let publisher = publisher.to_owned();
    match key.fault() {
        Some(fault) => Err(TrustError::WeakKey { publisher, key, fault }),
        None => Ok(publisher),
    }
}

/// What Skillyard refuses or says about the text of a store that a daemon reads: its form, publishers that stand twice
/// or have white space around them, keys that prove nothing.
///
/// # Errors
/// The text does not read at all.
pub fn faults(text: &str) -> Result<Vec<Finding>, TrustError> {
    let store = TrustStore::parse(text)?;
    let mut findings = Vec::new();
    if text.trim_start().starts_with('[') {
        let message = "the trust store is written as an array: write an object with `trusted_publishers` and \
                       `tofu_publishers`";
        findings.push(Finding::new(&STORE_POSITIONAL, message));
    }
    let lists: Vec<Names> = match serde_json::from_str(text) {
        Ok(Lists(lists)) => lists,
        Err(_) => Vec::new(),
    };
    for Names(names) in lists {
        let mut seen = BTreeSet::new();
        for name in &names {
            if name.trim() != name {
                let message = format!("{} has white space around it", quoted(name));
                findings.push(Finding::new(&STORE_UNTRIMMED, message));
            }
            if !seen.insert(name.trim()) {
                let message = format!("{} stands twice in the trust store: keep one", quoted(name));
                findings.push(Finding::new(&STORE_REPEATED, message));
            }
        }
    }
    findings.extend(store.faults());
    Ok(findings)
}

/// The maps of a store in either form, and the names in each with repeats.
struct Lists(Vec<Names>);

#[derive(Default)]
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Lists {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Lists;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a trust store")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lists, A::Error> {
                let mut lists = Vec::new();
                while let Some((_, names)) = map.next_entry::<IgnoredAny, Names>()? {
                    lists.push(names);
                }
                Ok(Lists(lists))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Lists, A::Error> {
                let mut lists = Vec::new();
                while let Some(names) = seq.next_element()? {
                    lists.push(names);
                }
                Ok(Lists(lists))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("publishers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
                let mut names = Names::default();
                while let Some((name, _)) = map.next_entry::<String, IgnoredAny>()? {
                    names.0.push(name);
                }
                Ok(names)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// How a publisher's name comes near that of another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Likeness {
    /// The same but for white space, invisible characters, case, punctuation and letters that look alike.
    LooksAlike,
    /// One letter more, less, other or swapped.
    OneEdit,
}

/// A publisher of the store whose name could be taken for another one's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LookAlike<'s> {
    /// The known publisher.
    pub known: &'s str,
    /// How near it is.
    pub likeness: Likeness,
}

/// A publisher that `store` knows, other than `publisher` itself, whose name could be taken for it; the nearest one.
/// `None` where the publisher itself is known.
#[must_use]
pub fn look_alike<'s>(store: &'s TrustStore, publisher: &str) -> Option<LookAlike<'s>> {
    if store.trusted.contains_key(publisher) || store.tofu.contains_key(publisher) {
        return None;
    }
    let skeleton = skeleton(publisher);
    let alike = store.publishers().find(|known| self::skeleton(known) == skeleton);
    if let Some(known) = alike {
        return Some(LookAlike { known, likeness: Likeness::LooksAlike });
    }
    let near = store.publishers().find(|known| suggest::one_slip(publisher, known));
    near.map(|known| LookAlike { known, likeness: Likeness::OneEdit })
}

/// What names that look alike have in common.
fn skeleton(name: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    let seen = name.nfkc().filter(|c| !c.is_whitespace() && !is_unseen(*c));
    let folded: String = seen
        .map(|c| latin_look(c).unwrap_or(c))
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            '0' => 'o',
            '1' | '|' => 'l',
            '_' | '.' | ':' => '-',
            c => c,
        })
        .collect();
    folded.replace("rn", "m").replace("vv", "w")
}
