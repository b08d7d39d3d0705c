//! Signing keys in the forms that real tools write, and what is said of everything else.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on says so and fails")]

use std::{fs, path::Path};

use proptest::prelude::*;
use skillyard_artifact::{
    ErrorKind,
    keys::{Form, KeyError, SigningKey, Source},
};

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn file(bytes: impl AsRef<[u8]>) -> Result<SigningKey, KeyError> {
    SigningKey::parse(bytes.as_ref(), Source::File, None)
}

fn refusal(bytes: impl AsRef<[u8]>) -> KeyError {
    file(bytes).expect_err("these bytes are refused")
}

const SEED: [u8; 32] = [0x11; 32];
/// Of the seed above; `v*` artifacts that a daemon's builder signed with it carry this key.
const PUBLIC: &str = "d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_three_forms_of_a_daemon() {
    let hex = hex(&SEED);
    let base64 = "ERERERERERERERERERERERERERERERERERERERERERE=";
    for text in [hex.clone(), hex.to_uppercase(), base64.to_owned(), format!("\t {hex}\r\n"), format!("\n{base64} \n")]
    {
        for source in [Source::File, Source::Text] {
            let key = SigningKey::parse(text.as_bytes(), source, None).expect("a key");
            assert_eq!(key.public().to_string(), PUBLIC, "{text:?}");
            assert_eq!(key.public().id(), "ed25519:10ba682c8ad13513");
        }
    }
    assert_eq!(file(SEED).expect("raw").public().to_string(), PUBLIC);
}

#[test]
fn raw_bytes_come_from_a_file_of_exactly_32_bytes_only() {
    let error = SigningKey::parse(&SEED, Source::Text, None).err();
    assert_eq!(error, Some(KeyError::Length { read_as: "a raw key", found: 32 }));
    for wrong in [31, 33, 64] {
        let error = refusal(vec![0x80; wrong]);
        assert_eq!(error, KeyError::Length { read_as: "a raw key", found: wrong });
        assert_eq!(error.daemon_error_kind(), Some(ErrorKind::InvalidSigningKeyLength));
    }
    // A line end behind it is a 33rd byte.
    let mut longer = vec![0x80; 32];
    longer.push(b'\n');
    assert_eq!(refusal(longer), KeyError::Length { read_as: "a raw key", found: 33 });
}

#[test]
fn thirty_two_characters_are_a_passphrase_or_half_a_key() {
    let phrase = refusal("correct horse battery staple 123");
    assert_eq!(phrase, KeyError::ThirtyTwoCharacters { hex: false });
    assert!(phrase.to_string().contains("passphrase"), "{phrase}");
    let half = refusal("00112233445566778899aabbccddeeff");
    assert_eq!(half, KeyError::ThirtyTwoCharacters { hex: true });
    assert!(half.to_string().contains("64 digits"), "{half}");
    assert_eq!(half.daemon_error_kind(), None, "a daemon signs with the characters");
    assert_eq!(refusal("00112233445566778899aabbccddeeff\n"), KeyError::ThirtyTwoCharacters { hex: true });
    // 32 bytes of text with white space around fewer characters are no raw key either.
    assert_eq!(refusal("   00112233445566778899aabbccdd\n\n"), KeyError::Length { read_as: "hex", found: 14 });
}

#[test]
fn digits_of_the_wrong_length() {
    let error = refusal("00".repeat(31));
    assert_eq!(error, KeyError::Length { read_as: "hex", found: 31 });
    assert_eq!(error.daemon_error_kind(), Some(ErrorKind::InvalidSigningKeyLength));
    assert_eq!(refusal("00".repeat(33)), KeyError::Length { read_as: "hex", found: 33 });
    let seed_and_public = refusal("E".repeat(85) + "A==");
    assert_eq!(seed_and_public, KeyError::Length { read_as: "base64", found: 64 });
    assert!(seed_and_public.to_string().contains("first 32 bytes"), "{seed_and_public}");
    // Standard base64 has its padding, and its last bits are zero.
    assert_eq!(refusal("ERERERERERERERERERERERERERERERERERERERERERE"), KeyError::Unrecognized { found: 43 });
    assert_eq!(refusal("ERERERERERERERERERERERERERERERERERERERERERF="), KeyError::Unrecognized { found: 44 });
    assert_eq!(refusal("0x".to_owned() + &"11".repeat(32)), KeyError::Unrecognized { found: 66 });
    assert_eq!(refusal(""), KeyError::Empty);
    assert_eq!(refusal(" \n\t"), KeyError::Empty);
    assert_eq!(refusal(vec![b'a'; 1 << 20]), KeyError::Unrecognized { found: 1 << 20 });
}

#[test]
fn keys_of_openssl() {
    let key = file(fixture("openssl.pem")).expect("PKCS#8");
    assert_eq!(key.public().to_string(), "77d7d6a66e7f93838cb1ec56771e8b19618e2551e486f329f4fa6c5f6ed7091c");
    let with_crlf = String::from_utf8(fixture("openssl.pem")).unwrap().replace('\n', "\r\n");
    assert_eq!(file(with_crlf).expect("any line ends").public(), key.public());
    let below_words = [b"Key for skills\n\n".as_slice(), &fixture("openssl.pem"), b"\n\n"].concat();
    assert_eq!(file(below_words).expect("words around").public(), key.public());
    assert_eq!(key.write(Form::Pkcs8Pem).unwrap().as_slice(), fixture("openssl.pem"), "as openssl writes it");

    assert_eq!(refusal(fixture("openssl-encrypted.pem")), KeyError::EncryptedPkcs8);
    assert_eq!(refusal(fixture("openssl-public.pem")), KeyError::Public);
    for (name, algorithm) in [
        ("openssl-rsa.pem", "RSA"),
        ("openssl-rsa-traditional.pem", "RSA"),
        ("openssl-ec.pem", "ECDSA"),
        ("openssl-x25519.pem", "X25519"),
        ("openssl-ed448.pem", "Ed448"),
    ] {
        assert_eq!(refusal(fixture(name)), KeyError::Algorithm { found: algorithm.to_owned() }, "{name}");
    }
    assert!(refusal(fixture("openssl.der")).to_string().contains("-inform DER"));
}

#[test]
fn pkcs8_with_a_public_half() {
    let pem = String::from_utf8(fixture("v2.pem")).unwrap();
    let key = file(&pem).expect("the example of RFC 8410");
    assert_eq!(key.public().to_string(), "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
    // One bit of the public half.
    let forged = pem.replace("AxZuE=", "AxZuA=");
    assert_ne!(forged, pem);
    assert_eq!(refusal(&forged), KeyError::PublicHalf { form: "PKCS#8" });
    // One bit of the secret half.
    let forged = pem.replace("BCIEINTu", "BCIEINTv");
    assert_ne!(forged, pem);
    assert_eq!(refusal(&forged), KeyError::PublicHalf { form: "PKCS#8" });
    for damaged in
        [pem.replace("MHIC", "MHMC"), pem.replace("-----END PRIVATE KEY-----", ""), pem.replace("BCIE", "BCIF")]
    {
        assert_eq!(refusal(&damaged), KeyError::Malformed { form: "PKCS#8" }, "{damaged}");
    }
    assert_eq!(refusal(pem.repeat(2)), KeyError::Malformed { form: "PKCS#8" });
}

#[test]
fn keys_of_openssh() {
    let key = file(fixture("ssh")).expect("OpenSSH");
    assert_eq!(key.public().to_string(), "b538fe3016a7f1f5a90c5512e30676e629e60e693ef3181f41dabcc1acb06079");
    for (name, public) in [
        ("ssh-encrypted-ctr", "de2c5342172e5678fd4f8419b8cf45884678e7a4dd633d293ba60c88a3e74066"),
        ("ssh-encrypted-cbc", "e1548c811c881f4c011d7e791f63bd9fe3c1c3da78fdf5070eb6af7b3e80229f"),
        ("ssh-encrypted-gcm", "cc7961beeded61e9a7f1b0efd0d94c3197ee5d14e57ff90aaa9bb5168d96e762"),
        ("ssh-encrypted-chacha", "19e1c253f205a7c621e546b710c2efc351f7ed2a131c6f6b755c6ed85beef7db"),
    ] {
        let bytes = fixture(name);
        assert_eq!(refusal(&bytes), KeyError::NeedsPassphrase, "{name}");
        let open = |passphrase: &str| SigningKey::parse(&bytes, Source::Text, Some(passphrase.as_bytes()));
        assert_eq!(open("correct horse").expect(name).public().to_string(), public);
        for wrong in ["correct horse ", "", "Correct horse"] {
            assert_eq!(open(wrong).err(), Some(KeyError::WrongPassphrase), "{name} with {wrong:?}");
        }
    }
    assert_eq!(refusal(fixture("ssh.pub")), KeyError::Public);
    assert_eq!(refusal(fixture("ssh-rsa")), KeyError::Algorithm { found: "ssh-rsa".to_owned() });
    assert_eq!(refusal(fixture("ssh-ecdsa")), KeyError::Algorithm { found: "ecdsa-sha2-nistp256".to_owned() });
}

/// The passphrase is right: what is missing is the cipher.
#[test]
fn an_openssh_key_in_a_cipher_that_is_not_read_says_so() {
    let bytes = fixture("ssh-encrypted-3des");
    // Nobody is asked for a passphrase that would not help.
    assert_eq!(refusal(&bytes), KeyError::Cipher { found: "3des-cbc".to_owned() });
    let error = SigningKey::parse(&bytes, Source::Text, Some(b"correct horse")).unwrap_err();
    assert_eq!(error, KeyError::Cipher { found: "3des-cbc".to_owned() });
    let told = error.to_string();
    assert!(told.contains("3des-cbc") && told.contains("ssh-keygen -p -Z aes256-ctr"), "{told}");
    // One that nobody knows, of the same length, with a name that would hide on a terminal.
    let text = openssh_with(&bytes, b"3des-cbc", b"4des\x1b\xc2\x9bc");
    let error = SigningKey::parse(text.as_bytes(), Source::Text, Some(b"correct horse")).unwrap_err();
    assert_eq!(error, KeyError::Cipher { found: "4des\\u{1B}\\u{9B}c".to_owned() });
    assert_eq!(error.daemon_error_kind(), Some(ErrorKind::InvalidSigningKeyLength));
}

/// The OpenSSH key `pem` with `old`, where it stands first, replaced by `new` of the same length.
fn openssh_with(pem: &[u8], old: &[u8], new: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let text = std::str::from_utf8(pem).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let mut bytes = STANDARD.decode(body).unwrap();
    let at = bytes.windows(old.len()).position(|window| window == old).unwrap();
    bytes[at..at + old.len()].copy_from_slice(new);
    let lines: Vec<String> =
        STANDARD.encode(bytes).as_bytes().chunks(70).map(|l| String::from_utf8_lossy(l).into_owned()).collect();
    format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n", lines.join("\n"))
}

#[test]
fn an_openssh_key_that_takes_forever_to_open_is_not_opened() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let text = String::from_utf8(fixture("ssh-encrypted-ctr")).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let mut bytes = STANDARD.decode(body).unwrap();
    // bcrypt's options: the length of the salt (16), the salt, the rounds.
    let at = bytes.windows(6).position(|window| window == b"bcrypt").unwrap() + 6 + 4 + 4 + 16;
    bytes[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    let lines: Vec<String> =
        STANDARD.encode(bytes).as_bytes().chunks(70).map(|l| String::from_utf8_lossy(l).into_owned()).collect();
    let text =
        format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n", lines.join("\n"));
    let error = SigningKey::parse(text.as_bytes(), Source::File, Some(b"correct horse")).err();
    assert_eq!(error, Some(KeyError::TooManyRounds { rounds: u32::MAX }));
}

#[test]
fn what_other_programs_write() {
    for (text, says) in [
        ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "puttygen"),
        ("untrusted comment: minisign encrypted secret key\nRWQ=\n", "minisign"),
        (r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#, "JSON"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n-----END PGP PRIVATE KEY BLOCK-----\n", "PGP PRIVATE KEY BLOCK"),
        ("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "public key"),
        ("ssh-rsa AAAA me", "public key"),
        ("make me a key", "no signing key"),
    ] {
        let error = refusal(text);
        assert!(error.to_string().contains(says), "{text}: {error}");
        assert_eq!(error.daemon_error_kind(), Some(ErrorKind::InvalidSigningKeyLength));
    }
    let utf16: Vec<u8> = b"\xff\xfe".iter().copied().chain(PUBLIC.bytes().flat_map(|byte| [byte, 0])).collect();
    assert!(refusal(utf16).to_string().contains("UTF-16"));
    assert!(refusal(format!("\u{feff}{PUBLIC}")).to_string().contains("byte order mark"));
    let nasty = refusal("-----BEGIN \u{7}\u{1b}[2J KEY-----\n");
    assert!(!nasty.to_string().contains('\u{1b}'), "{nasty}");
}

#[test]
fn what_is_written_reads_back() {
    let key = SigningKey::generate().expect("randomness");
    for form in [Form::Pkcs8Pem, Form::Hex, Form::Base64, Form::Raw] {
        let written = key.write(form).expect("every key is written");
        assert_eq!(file(&*written).expect("it reads").public(), key.public(), "{form:?}");
        assert!(form == Form::Pkcs8Pem || key.stands_in(&[b"key: ", written.as_slice(), b" x"].concat()), "{form:?}");
    }
    assert!(!key.stands_in(&fixture("openssl.pem")));
    let hex = String::from_utf8(key.write(Form::Hex).unwrap().to_vec()).unwrap();
    assert!(key.stands_in(hex.to_uppercase().as_bytes()));
    assert_ne!(SigningKey::generate().unwrap().public(), key.public());
    // Both alphabets of base64, with its padding and without.
    let seed = [[0xfb; 16], [0xff; 16]].concat();
    let key = SigningKey::parse(&seed, Source::File, None).unwrap();
    for text in ["+/v7+/v7+/v7+/v7+/v7+///////////////////////", "-_v7-_v7-_v7-_v7-_v7-_______________________"] {
        let text = &text[..42];
        assert!(
            key.stands_in(format!("x{text}8=").as_bytes()) && key.stands_in(format!("{text}8").as_bytes()),
            "{text}"
        );
        assert!(!key.stands_in(text.as_bytes()));
    }
}

/// RFC 8032, section 7.1, test 2.
#[test]
fn signatures_are_those_of_rfc_8032() {
    let key = file("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").expect("a key");
    assert_eq!(key.public().to_string(), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    assert_eq!(
        hex(&key.sign(&[0x72])),
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    );
}

#[test]
fn nothing_shows_the_secret() {
    let key = file(SEED).expect("a key");
    assert_eq!(format!("{key:?}"), "SigningKey(ed25519:10ba682c8ad13513)");
    let secret = "hunter2 hunter2 hunter2 hunter2!";
    let shown = format!("{0:?} {0}", refusal(secret));
    assert!(!shown.contains("hunter2"), "{shown}");
    let shown = format!("{0:?} {0}", refusal("nearly-a-key-0123456789abcdef0123456789"));
    assert!(!shown.contains("nearly") && !shown.contains("0123"), "{shown}");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in any::<bool>()) {
        let source = if text { Source::Text } else { Source::File };
        let _ = SigningKey::parse(&bytes, source, Some(b"x"));
    }

    #[test]
    fn no_damaged_key_panics(
        name in proptest::sample::select(vec!["openssl.pem", "v2.pem", "ssh"]),
        at in any::<proptest::sample::Index>(),
        to in any::<u8>(),
    ) {
        let good = fixture(name);
        let mut bytes = good.clone();
        let at = at.index(bytes.len());
        bytes[at] = to;
        // What still reads is the same key, or has no public half that could tell.
        if let Ok(key) = SigningKey::parse(&bytes, Source::File, Some(b"x")) && name != "openssl.pem" {
            prop_assert_eq!(key.public(), file(&good).unwrap().public());
        }
    }
}
