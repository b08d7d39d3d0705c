//! Signing keys: read from every usual form, made, written, and shown by their public half.
//!
//! A daemon knows 32 raw bytes, their hex and their base64. Two more forms that people's tools write are read here:
//! PKCS#8 in PEM (RFC 5958 and RFC 8410; `openssl genpkey -algorithm ed25519`) and OpenSSH's (`ssh-keygen -t ed25519`).

use std::{error, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{
    Signer as _,
    pkcs8::{
        EncodePrivateKey as _, KeypairBytes, ObjectIdentifier, PrivateKeyInfoRef, SecretDocument,
        spki::der::pem::LineEnding,
    },
};
use ssh_key::{Cipher, private::KeypairData};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{ErrorKind, trust::PublicKey};

/// An Ed25519 signing key. Its secret half is wiped when it goes, and nothing prints it.
pub struct SigningKey {
    // In a box, so that moving the key leaves no copies of the secret behind.
    seed: Box<Zeroizing<[u8; 32]>>,
    public: PublicKey,
}

/// Where the bytes of a key were read from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Source {
    /// A file, whole: one of exactly 32 bytes may be a raw key.
    File,
    /// Anything that holds text: an environment variable, a credential store, an answer to a prompt.
    Text,
}

/// A form to write a key in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Form {
    /// PKCS#8 in PEM, version 1: what openssl reads and writes. A daemon does not read it.
    #[default]
    Pkcs8Pem,
    /// 64 lower-case hex digits and a line end. A daemon reads it.
    Hex,
    /// Standard base64 of the 32 bytes and a line end. A daemon reads it.
    Base64,
    /// The 32 bytes alone. A daemon reads it.
    Raw,
}

/// Why bytes are no signing key. No text of the bytes is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyError {
    /// Nothing but white space.
    Empty,
    /// Not as many bytes as a key has.
    Length {
        /// What the bytes were taken for.
        read_as: &'static str,
        /// How many bytes a key of that form would have had.
        found: usize,
    },
    /// Neither hex nor base64 nor PEM.
    Unrecognized {
        /// How many bytes were given.
        found: usize,
    },
    /// 32 characters: a daemon would sign with the characters themselves.
    ThirtyTwoCharacters {
        /// They are all hex digits: half of a key's hex.
        hex: bool,
    },
    /// A form of another program.
    Foreign {
        /// What it is.
        what: &'static str,
        /// How to get a form that is read here.
        instead: &'static str,
    },
    /// A public key, or something that holds one.
    Public,
    /// A private key that cannot make Ed25519 signatures.
    Algorithm {
        /// Its algorithm.
        found: String,
    },
    /// PEM of a kind that is not known.
    UnknownPem {
        /// What stands after `BEGIN`, escaped.
        label: String,
    },
    /// Damaged PEM, DER or OpenSSH.
    Malformed {
        /// The form.
        form: &'static str,
    },
    /// The public half inside belongs to another key.
    PublicHalf {
        /// The form.
        form: &'static str,
    },
    /// A PKCS#8 key under a passphrase.
    EncryptedPkcs8,
    /// An OpenSSH key under a passphrase, and none was given.
    NeedsPassphrase,
    /// The passphrase does not open the key.
    WrongPassphrase,
    /// An OpenSSH key that is encrypted in a way that is not read.
    Cipher {
        /// The cipher, escaped.
        found: String,
    },
    /// Opening the key would take unreasonably long.
    TooManyRounds {
        /// The rounds of bcrypt that it asks for.
        rounds: u32,
    },
    /// The system gave no randomness.
    Randomness,
}

/// The most rounds of bcrypt that an OpenSSH key may ask for; `ssh-keygen` uses 16 or 24, and a thousand take seconds.
const MAX_ROUNDS: u32 = 4096;

/// A file that is larger is no key, and is not looked at.
pub const MAX_KEY_BYTES: usize = 64 << 10;

impl SigningKey {
    /// A new key from the system's randomness.
    ///
    /// # Errors
    /// [`KeyError::Randomness`], where the system has none to give.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = Box::new(Zeroizing::new([0; 32]));
        getrandom::fill(seed.as_mut_slice()).map_err(|_| KeyError::Randomness)?;
        Ok(Self::from_seed(seed))
    }

    /// Reads a key in any of its forms; white space around a text is ignored. `passphrase` opens an encrypted OpenSSH key
    /// and is ignored for others. The caller wipes `bytes`.
    ///
    /// # Errors
    /// A [`KeyError`] that says what was found instead and what to do.
    pub fn parse(bytes: &[u8], source: Source, passphrase: Option<&[u8]>) -> Result<Self, KeyError> {
        if bytes.len() > MAX_KEY_BYTES {
            return Err(KeyError::Unrecognized { found: bytes.len() });
        }
        let is_text = bytes.iter().all(|&byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n'));
        if !is_text {
            if source == Source::File && bytes.len() == 32 {
                return Self::from_slice(bytes, "a raw key");
            }
            return Err(not_text(bytes));
        }
        let text = bytes.trim_ascii();
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        // Only ASCII is left.
        let text = str::from_utf8(text).map_err(|_| KeyError::Unrecognized { found: bytes.len() })?;
        if let Some(at) = text.find("-----BEGIN ") {
            return Self::parse_pem(text.get(at..).unwrap_or_default(), passphrase);
        }
        if let Some(error) = foreign(text) {
            return Err(error);
        }
        Self::parse_digits(text)
    }

    /// Hex or base64.
    fn parse_digits(text: &str) -> Result<Self, KeyError> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if text.len() == 32 {
            return Err(KeyError::ThirtyTwoCharacters { hex: is_hex });
        }
        if is_hex && text.len() == 64 {
            let mut seed = Box::new(Zeroizing::new([0; 32]));
            let digit =
                |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
            for (byte, pair) in seed.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                *byte = pair.iter().fold(0, |value, &d| value << 4 | digit(d));
            }
            return Ok(Self::from_seed(seed));
        }
        if is_hex && text.len().is_multiple_of(2) {
            return Err(KeyError::Length { read_as: "hex", found: text.len() / 2 });
        }
        let mut decoded = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
        match STANDARD.decode_slice(text, &mut decoded) {
            Ok(length) => Self::from_slice(decoded.get(..length).unwrap_or_default(), "base64"),
            Err(_) => Err(KeyError::Unrecognized { found: text.len() }),
        }
    }

    fn parse_pem(text: &str, passphrase: Option<&[u8]>) -> Result<Self, KeyError> {
        let label = text.strip_prefix("-----BEGIN ").and_then(|rest| rest.split_once("-----")).map_or("", |(l, _)| l);
        let other = |found: &str| Err(KeyError::Algorithm { found: found.to_owned() });
        match label {
            "PRIVATE KEY" => Self::parse_pkcs8(text),
            "OPENSSH PRIVATE KEY" => Self::parse_openssh(text, passphrase),
            "ENCRYPTED PRIVATE KEY" => Err(KeyError::EncryptedPkcs8),
            "RSA PRIVATE KEY" => other("RSA"),
            "EC PRIVATE KEY" => other("ECDSA"),
            "DSA PRIVATE KEY" => other("DSA"),
            _ if label.ends_with("PUBLIC KEY") || label.ends_with("CERTIFICATE") => Err(KeyError::Public),
            _ => Err(KeyError::UnknownPem { label: skillyard_manifest::plain(label) }),
        }
    }

    fn parse_pkcs8(pem: &str) -> Result<Self, KeyError> {
        const FORM: &str = "PKCS#8";
        let malformed = KeyError::Malformed { form: FORM };
        let (_, der) = SecretDocument::from_pem(pem).map_err(|_| malformed.clone())?;
        let info = PrivateKeyInfoRef::try_from(der.as_bytes()).map_err(|_| malformed.clone())?;
        if info.algorithm.oid != ed25519_dalek::pkcs8::ALGORITHM_OID {
            return Err(KeyError::Algorithm { found: algorithm(info.algorithm.oid) });
        }
        let pair = KeypairBytes::try_from(info).map_err(|_| malformed)?;
        Self::from_slice(&pair.secret_key, FORM)?.with_public(pair.public_key.map(|key| key.to_bytes()), FORM)
    }

    fn parse_openssh(pem: &str, passphrase: Option<&[u8]>) -> Result<Self, KeyError> {
        const FORM: &str = "OpenSSH";
        let mut key = ssh_key::PrivateKey::from_openssh(pem).map_err(|error| match error {
            ssh_key::Error::AlgorithmUnsupported { algorithm } => KeyError::Algorithm { found: algorithm.to_string() },
            ssh_key::Error::PublicKey => KeyError::PublicHalf { form: FORM },
            _ => match openssh_names(pem) {
                Some(names) if names.algorithm != "ssh-ed25519" => KeyError::Algorithm { found: names.algorithm },
                Some(names) if names.cipher.parse::<Cipher>().is_err() => KeyError::Cipher { found: names.cipher },
                _ => KeyError::Malformed { form: FORM },
            },
        })?;
        let found = key.algorithm();
        if found != ssh_key::Algorithm::Ed25519 {
            return Err(KeyError::Algorithm { found: found.to_string() });
        }
        if key.is_encrypted() {
            // The only one that reads and is not opened here.
            if key.cipher() == Cipher::TDesCbc {
                return Err(KeyError::Cipher { found: key.cipher().to_string() });
            }
            if let ssh_key::Kdf::Bcrypt { rounds, .. } = *key.kdf()
                && rounds > MAX_ROUNDS
            {
                return Err(KeyError::TooManyRounds { rounds });
            }
            let passphrase = passphrase.ok_or(KeyError::NeedsPassphrase)?;
            key = key.decrypt(passphrase).map_err(|_| KeyError::WrongPassphrase)?;
        }
        let KeypairData::Ed25519(pair) = key.key_data() else { return Err(KeyError::Malformed { form: FORM }) };
        let seed = Zeroizing::new(pair.private.to_bytes());
        Self::from_slice(&*seed, FORM)?.with_public(Some(pair.public.0), FORM)
    }

    fn from_slice(bytes: &[u8], read_as: &'static str) -> Result<Self, KeyError> {
        if bytes.len() != 32 {
            return Err(KeyError::Length { read_as, found: bytes.len() });
        }
        let mut seed = Box::new(Zeroizing::new([0; 32]));
        seed.copy_from_slice(bytes);
        Ok(Self::from_seed(seed))
    }

    fn from_seed(seed: Box<Zeroizing<[u8; 32]>>) -> Self {
        let public = PublicKey(ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes());
        Self { seed, public }
    }

    /// Holds the public half that stood beside the secret one against the real one.
    fn with_public(self, beside: Option<[u8; 32]>, form: &'static str) -> Result<Self, KeyError> {
        match beside {
            Some(public) if public != self.public.0 => Err(KeyError::PublicHalf { form }),
            _ => Ok(self),
        }
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// The Ed25519 signature (RFC 8032, 64 bytes) over `message`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        ed25519_dalek::SigningKey::from_bytes(&self.seed).sign(message).to_bytes()
    }

    /// The content of a key file in `form`, wiped when it goes.
    ///
    /// # Errors
    /// [`KeyError::Malformed`], should the key not encode, which no key does.
    pub fn write(&self, form: Form) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let mut out = Zeroizing::new(Vec::with_capacity(128));
        match form {
            Form::Raw => out.extend_from_slice(self.seed.as_slice()),
            Form::Hex => {
                let mut hex = crate::integrity::hex(self.seed.as_slice());
                out.extend_from_slice(hex.as_bytes());
                hex.zeroize();
                out.push(b'\n');
            }
            Form::Base64 => {
                let mut text = Zeroizing::new([0; 44]);
                let length = STANDARD
                    .encode_slice(self.seed.as_slice(), text.as_mut_slice())
                    .map_err(|_| KeyError::Malformed { form: "base64" })?;
                out.extend_from_slice(text.get(..length).unwrap_or_default());
                out.push(b'\n');
            }
            Form::Pkcs8Pem => {
                // Without the public half that makes it version 2: openssl 3.0 refuses that version.
                let pair = KeypairBytes { secret_key: **self.seed, public_key: None };
                let pem = pair.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Malformed { form: "PKCS#8" })?;
                out.extend_from_slice(pem.as_bytes());
            }
        }
        Ok(out)
    }

    /// Whether `bytes` hold this key raw, in hex or in base64 of either alphabet: such a file must not be packaged.
    #[must_use]
    pub fn stands_in(&self, bytes: &[u8]) -> bool {
        let mut hex = crate::integrity::hex(self.seed.as_slice()).into_bytes();
        let mut found = contains(bytes, self.seed.as_slice()) || contains(bytes, &hex);
        hex.make_ascii_uppercase();
        found = found || contains(bytes, &hex);
        hex.zeroize();
        let mut base64 = Zeroizing::new([0; 44]);
        // The last character is padding, which some leave out.
        let written = STANDARD.encode_slice(self.seed.as_slice(), base64.as_mut_slice()).is_ok();
        let text = base64.get_mut(..43).unwrap_or_default();
        let found = found || (written && contains(bytes, text));
        for byte in text.iter_mut() {
            *byte = match *byte {
                b'+' => b'-',
                b'/' => b'_',
                other => other,
            };
        }
        found || (written && contains(bytes, text))
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let Some((&first, _)) = needle.split_first() else { return false };
    let mut rest = haystack;
    while let Some(at) = rest.iter().position(|&byte| byte == first) {
        let Some(here) = rest.get(at..) else { return false };
        if here.starts_with(needle) {
            return true;
        }
        rest = here.get(1..).unwrap_or_default();
    }
    false
}

/// What bytes that are no text are.
fn not_text(bytes: &[u8]) -> KeyError {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return KeyError::Foreign { what: "text in UTF-16", instead: "save it in UTF-8 or ASCII" };
    }
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        return KeyError::Foreign { what: "text with a byte order mark", instead: "save it without one" };
    }
    if PrivateKeyInfoRef::try_from(bytes).is_ok() {
        return KeyError::Foreign {
            what: "a PKCS#8 key in DER",
            instead: "turn it into PEM: openssl pkey -inform DER -in OLD -out NEW",
        };
    }
    KeyError::Length { read_as: "a raw key", found: bytes.len() }
}

/// Text of other programs, by how it starts.
fn foreign(text: &str) -> Option<KeyError> {
    const SSH_PUBLIC: [&str; 5] = ["ssh-ed25519 ", "ssh-rsa ", "ssh-dss ", "ecdsa-sha2-", "sk-"];
    if SSH_PUBLIC.iter().any(|start| text.starts_with(start)) || text.starts_with("---- BEGIN SSH2 PUBLIC KEY") {
        return Some(KeyError::Public);
    }
    let (what, instead) = if text.starts_with("PuTTY-User-Key-File") {
        ("a PuTTY key", "export it as an OpenSSH key: puttygen OLD -O private-openssh-new -o NEW")
    } else if text.starts_with("untrusted comment:") {
        ("a minisign or signify key", "make a key with `skillyard keygen`")
    } else if text.starts_with('{') {
        ("JSON", "give PKCS#8 PEM, an OpenSSH key, hex or base64")
    } else {
        return None;
    };
    Some(KeyError::Foreign { what, instead })
}

/// What an OpenSSH key says of itself, escaped.
struct OpensshNames {
    cipher: String,
    algorithm: String,
}

/// The names in an OpenSSH key that does not read otherwise. They and its public half are never encrypted.
fn openssh_names(pem: &str) -> Option<OpensshNames> {
    let body: String = pem.lines().map(str::trim).skip(1).take_while(|line| !line.starts_with('-')).collect();
    let bytes = Zeroizing::new(STANDARD.decode(&*Zeroizing::new(body)).ok()?);
    fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
        let (length, after) = rest.split_first_chunk()?;
        let (string, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        *rest = after;
        Some(string)
    }
    let mut rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
    let cipher = string(&mut rest)?;
    // The derivation and its options, then the number of keys, which is one.
    for _ in 0..2 {
        string(&mut rest)?;
    }
    let mut rest = rest.strip_prefix(&1_u32.to_be_bytes())?;
    let algorithm = string(&mut string(&mut rest)?)?;
    let shown = |name| Some(skillyard_manifest::plain(str::from_utf8(name).ok()?));
    Some(OpensshNames { cipher: shown(cipher)?, algorithm: shown(algorithm)? })
}

/// The name of an algorithm of PKCS#8, or its number.
fn algorithm(oid: ObjectIdentifier) -> String {
    let oid = oid.to_string();
    let name = match oid.as_str() {
        "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10" => "RSA",
        "1.2.840.10045.2.1" => "ECDSA",
        "1.2.840.10040.4.1" => "DSA",
        "1.3.101.110" => "X25519",
        "1.3.101.111" => "X448",
        "1.3.101.113" => "Ed448",
        _ => return oid,
    };
    name.to_owned()
}

impl KeyError {
    /// What a daemon would say of the same bytes. `None` where it would take them as a key, which
    /// [`KeyError::ThirtyTwoCharacters`] tells about, and where no bytes were read.
    #[must_use]
    pub fn daemon_error_kind(&self) -> Option<ErrorKind> {
        match self {
            Self::ThirtyTwoCharacters { .. } | Self::Randomness => None,
            _ => Some(ErrorKind::InvalidSigningKeyLength),
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the signing key is empty: make one with `skillyard keygen`"),
            Self::Length { read_as, found: 64 } => write!(
                f,
                "the signing key has 64 bytes (read as {read_as}) and must have 32: if it is a secret key with its \
                 public half behind it, give the first 32 bytes"
            ),
            Self::Length { read_as, found } => {
                write!(f, "the signing key has {found} bytes (read as {read_as}) and must have 32")
            }
            Self::Unrecognized { found } => write!(
                f,
                "these {found} bytes are no signing key: give 32 raw bytes, their hex or base64, PKCS#8 PEM or an OpenSSH \
                 Ed25519 key"
            ),
            Self::ThirtyTwoCharacters { hex: true } => f.write_str(
                "the signing key is 32 hex digits, which is half a key: give all 64 digits. Taken as raw bytes it would \
                 sign with a key that is easy to guess",
            ),
            Self::ThirtyTwoCharacters { hex: false } => f.write_str(
                "the signing key is 32 characters of text, as a passphrase is: taken as raw bytes it would sign with a \
                 key that is easy to guess. Make a key with `skillyard keygen`",
            ),
            Self::Foreign { what, instead } => write!(f, "the signing key is {what}, which is not read: {instead}"),
            Self::Public => f.write_str("this is a public key, and signing needs the private one"),
            Self::Algorithm { found } => write!(
                f,
                "this is a private key for {found}, and artifacts are signed with Ed25519: make a key with `skillyard keygen`"
            ),
            Self::UnknownPem { label } => {
                write!(f, "the PEM text holds `{label}`, and a signing key is a `PRIVATE KEY` or an `OPENSSH PRIVATE KEY`")
            }
            Self::Malformed { form } => write!(f, "the {form} key is damaged: take it from its backup again"),
            Self::PublicHalf { form } => write!(
                f,
                "the {form} key holds a public half that belongs to another key: one of the two was changed. Take it from \
                 its backup again"
            ),
            Self::EncryptedPkcs8 => f.write_str(
                "the key is PKCS#8 under a passphrase, which is not read. Turn it into an OpenSSH key with a passphrase, or \
                 take the passphrase off: openssl pkey -in OLD -out NEW",
            ),
            Self::NeedsPassphrase => f.write_str("the OpenSSH key is under a passphrase: give it"),
            Self::WrongPassphrase => f.write_str("the passphrase does not open the OpenSSH key"),
            Self::Cipher { found } => write!(
                f,
                "the OpenSSH key is encrypted with {found}, which is not read: change it with \
                 ssh-keygen -p -Z aes256-ctr -f KEY"
            ),
            Self::TooManyRounds { rounds } => write!(
                f,
                "opening the OpenSSH key takes {rounds} rounds of bcrypt, and more than {MAX_ROUNDS} are not done: set fewer \
                 with ssh-keygen -p -a 100"
            ),
            Self::Randomness => f.write_str("the system gave no randomness to make a key from"),
        }
    }
}

impl error::Error for KeyError {}

/// The id of the public half.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public.id())
    }
}
