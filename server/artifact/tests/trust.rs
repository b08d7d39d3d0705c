//! The trust store as a value: what reads, what is written, who is trusted, and who looks like somebody trusted.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod handmade;

use ed25519_dalek::SigningKey;
use handmade::*;
use skillyard_artifact::{
    ErrorKind,
    trust::{Likeness, PublicKey, TrustDecision, TrustError, TrustStore, faults, look_alike},
    verify::{VerifyOptions, verify},
};
use skillyard_manifest::grammar::PALYRA_VERSION;

fn other() -> PublicKey {
    public(&SigningKey::from_bytes(&[8; 32]))
}

/// The store with these publishers listed, each with another key.
fn listed(publishers: &[&str]) -> TrustStore {
    let mut store = TrustStore::default();
    for publisher in publishers {
        store.allow(publisher, other()).unwrap();
    }
    store
}

#[test]
fn reads_what_a_daemon_reads() {
    let hex = other().to_string();
    for text in ["", " \n\t", "{}", "[]", "[{}]", "[{},{}]", r#"{"trusted_publishers":{}}"#] {
        assert_eq!(TrustStore::parse(text).unwrap(), TrustStore::default(), "{text:?}");
    }
    let upper = format!(r#"{{"trusted_publishers": {{" acme ": [" {}\n", "{hex}"]}}}}"#, hex.to_uppercase());
    assert_eq!(TrustStore::parse(&upper).unwrap(), listed(&["acme"]));
    let reads = |text: &str| TrustStore::parse(text).unwrap_err();
    assert!(matches!(reads("x"), TrustError::NotAStore(_)));
    assert!(matches!(reads("{} {}"), TrustError::NotAStore(_)));
    assert!(matches!(reads(r#"{"other": {}}"#), TrustError::NotAStore(_)));
    assert!(matches!(reads(r#"{"tofu_publishers":{},"tofu_publishers":{}}"#), TrustError::NotAStore(_)));
    assert!(matches!(reads("[{},{},{}]"), TrustError::NotAStore(_)));
    assert!(matches!(reads(r#"{"trusted_publishers":{"acme":[]}}"#), TrustError::NoKeys { .. }));
    assert!(matches!(reads(r#"{"trusted_publishers":{"acme":["zz"]}}"#), TrustError::BadKey { .. }));
    assert!(matches!(reads(r#"{"tofu_publishers":{"Acme":"zz"}}"#), TrustError::BadPublisher { .. }));
    let long = format!(r#"{{"tofu_publishers":{{"acme":"{hex}00"}}}}"#);
    assert!(matches!(reads(&long), TrustError::BadKey { .. }));
    assert_eq!(reads("x").kind(), ErrorKind::Serialization);
    // The entry is named, and what it holds is shown harmless.
    let text = reads("{\"tofu_publishers\":{\"a\\u001b[31m\":\"zz\"}}").to_string();
    assert!(text.contains("tofu_publishers") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn writes_sorted_and_without_repeats() {
    let mut store = listed(&["zeta", "acme"]);
    assert!(store.allow("acme", public(&key())).unwrap());
    assert!(!store.allow("acme", public(&key())).unwrap());
    store.pin("beta", other()).unwrap();
    let text = store.to_json();
    assert_eq!(TrustStore::parse(&text).unwrap(), store);
    let keys = store.trusted["acme"].iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(keys.is_sorted() && keys.len() == 2);
    assert!(text.starts_with("{\n  \"trusted_publishers\": {\n    \"acme\": [\n      \""), "{text}");
    assert!(text.find("acme") < text.find("zeta") && text.ends_with("\"\n  }\n}"), "{text}");
}

#[test]
fn decides() {
    let (ours, other) = (public(&key()), other());
    let mut store = TrustStore::default();
    assert!(matches!(store.decide("acme", ours, false), Err(TrustError::Untrusted { .. })));
    assert_eq!(store.decide("acme", ours, true), Ok(TrustDecision::TofuNewlyPinned));
    assert_eq!(store, TrustStore::default(), "a decision changes nothing");
    store.pin("acme", ours).unwrap();
    assert_eq!(store.decide("acme", ours, false), Ok(TrustDecision::TofuPinned));
    assert!(matches!(store.decide("acme", other, true), Err(TrustError::OtherPinned { .. })));
    // One wins, one is told.
    assert!(matches!(store.pin("acme", other), Err(TrustError::OtherPinned { .. })));
    // A pin does not help where another key is listed.
    store.allow("acme", other).unwrap();
    assert!(matches!(store.decide("acme", ours, true), Err(TrustError::NotListed { .. })));
    assert_eq!(store.decide("acme", other, false), Ok(TrustDecision::Allowlisted));
    assert!(!store.remove("acme", Some(public(&SigningKey::from_bytes(&[9; 32])))));
    assert!(store.remove("acme", Some(other)));
    assert_eq!(store.decide("acme", ours, false), Ok(TrustDecision::TofuPinned), "the pin is still there");
    assert!(store.remove("acme", None) && !store.remove("acme", None));
    assert_eq!(store, TrustStore::default());
}

#[test]
fn takes_no_key_that_proves_nothing() {
    let weak = PublicKey([0; 32]);
    let mut store = TrustStore::default();
    assert!(matches!(store.allow("acme", weak), Err(TrustError::WeakKey { .. })));
    assert!(matches!(store.pin("acme", weak), Err(TrustError::WeakKey { .. })));
    for none in ["Acme", "acme ", "\tacme", "acme\u{a0}", "", " "] {
        assert!(matches!(store.allow(none, other()), Err(TrustError::NotAPublisher { .. })), "{none:?}");
        assert!(matches!(store.pin(none, other()), Err(TrustError::NotAPublisher { .. })), "{none:?}");
    }
    assert_eq!(store, TrustStore::default());
}

#[test]
fn says_what_is_wrong_with_a_store_that_reads() {
    let codes = |text: &str| faults(text).unwrap().iter().map(|f| f.rule.code).collect::<Vec<_>>();
    let hex = other().to_string();
    assert_eq!(codes("{}"), [""; 0]);
    assert_eq!(codes(&listed(&["acme"]).to_json()), [""; 0]);
    assert_eq!(codes("[{},{}]"), ["trust/store-positional"]);
    let weak = format!(r#"{{"trusted_publishers":{{"acme":["{}"]}}}}"#, "0".repeat(64));
    assert_eq!(codes(&weak), ["trust/store-weak-key"]);
    let twice = format!(r#"{{"tofu_publishers":{{"acme":"{hex}","acme":"{hex}"}}}}"#);
    assert_eq!(codes(&twice), ["trust/store-repeated-publisher"]);
    let spaced = format!(r#"{{"tofu_publishers":{{" acme":"{hex}","acme":"{hex}"}}}}"#);
    assert_eq!(codes(&spaced), ["trust/store-untrimmed", "trust/store-repeated-publisher"]);
    assert!(faults("x").is_err());
}

#[test]
fn look_alikes() {
    let store = listed(&["acme", "north-wind", "paypal1"]);
    let likeness = |publisher: &str| look_alike(&store, publisher).map(|alike| (alike.known, alike.likeness));
    for alike in ["acme ", "ACME", "a\u{200B}cme", "аcme", "ａｃｍｅ"] {
        assert_eq!(likeness(alike), Some(("acme", Likeness::LooksAlike)), "{alike:?}");
    }
    assert_eq!(likeness("north.wind"), Some(("north-wind", Likeness::LooksAlike)));
    assert_eq!(likeness("n0rth_wind"), Some(("north-wind", Likeness::LooksAlike)));
    assert_eq!(likeness("paypall"), Some(("paypal1", Likeness::LooksAlike)));
    assert_eq!(likeness("acrne"), Some(("acme", Likeness::LooksAlike)));
    for near in ["acm", "acmee", "acne", "amce"] {
        assert_eq!(likeness(near), Some(("acme", Likeness::OneEdit)), "{near}");
    }
    for other in ["acme", "emca", "contoso"] {
        assert_eq!(likeness(other), None, "{other}");
    }
}

#[test]
fn a_look_alike_is_not_pinned_and_a_near_name_is_told() {
    let bytes = pack(&good());
    let codes = |store: &TrustStore, allow_tofu: bool| {
        let verification =
            verify(&bytes, &VerifyOptions { trust: store, allow_tofu, palyra: PALYRA_VERSION }, &()).unwrap();
        let codes: Vec<_> = verification.findings.iter().map(|f| f.rule.code).collect();
        (verification.accepted, verification.daemon_accepts, codes)
    };
    assert_eq!(codes(&listed(&["acrne"]), true), (false, true, vec!["trust/look-alike"]));
    assert_eq!(codes(&listed(&["acne"]), true), (true, true, vec!["trust/near-name"]));
    assert_eq!(codes(&listed(&[]), false), (false, false, vec!["trust/unknown-publisher"]));
    assert_eq!(codes(&listed(&["acme"]), true), (false, false, vec!["trust/other-key"]));
    let mut pinned = TrustStore::default();
    pinned.pin("acme", other()).unwrap();
    assert_eq!(codes(&pinned, true), (false, false, vec!["trust/other-pinned-key"]));
    let mut known = listed(&["acrne"]);
    known.allow("acme", public(&key())).unwrap();
    assert_eq!(codes(&known, false), (true, true, vec![]));
}
