//! Likely secrets among the files: an artifact is given away, and what is in it cannot be called back.
//!
//! Names and shapes only, chosen so that what is reported is seldom innocent. No finding repeats what it found.

use std::{ops::Range, sync::LazyLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use regex::bytes::Regex;
use skillyard_manifest::{Daemon, Severity, quoted, rules::Rule};

use crate::{Finding, rules::rule};

/// A private key.
pub static PRIVATE_KEY: Rule = rule(
    "package/private-key",
    Severity::Error,
    Daemon::Silent,
    "a file holds a private key",
    "Everybody who gets the artifact gets the key. Take the file out, and keep keys with the daemon: a skill asks for them \
     with `capabilities.secrets`. Even a key for tests teaches readers to overlook keys: make it when the test runs.",
);

/// A file that is known to hold secrets.
pub static FILE_NAME: Rule = rule(
    "package/secret-file",
    Severity::Warning,
    Daemon::Silent,
    "a file has the name of one that holds secrets",
    "Files of this name hold passwords, tokens or keys for the tools that read them. If this one is an example, call it so \
     (`.env.example`); else take it out.",
);

/// A token of a known service.
pub static TOKEN: Rule = rule(
    "package/token",
    Severity::Warning,
    Daemon::Silent,
    "a file holds what looks like an access token",
    "The text has the shape of a token of a known service. If it is one, take it out and have it revoked: a skill asks for \
     secrets with `capabilities.secrets`.",
);

/// A value under a telling name.
pub static ASSIGNMENT: Rule = rule(
    "package/secret-value",
    Severity::Warning,
    Daemon::Silent,
    "a file gives a value to something that is called a secret",
    "A key that is named like a secret has a value that looks random. If it is a secret, take it out and have it changed: a \
     skill asks for secrets with `capabilities.secrets`.",
);

/// Findings of one rule in one file.
const MAX_FINDINGS: usize = 10;

/// Looks for likely secrets in one file of an artifact. `path` may be any.
#[must_use]
pub fn scan(path: &str, content: &[u8]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(what) = telling_name(path) {
        let message = format!("{} is the name of {what}: take it out, or call an example so", quoted(path));
        findings.push(Finding::new(&FILE_NAME, message).in_entry(path));
    }
    let mut shown = shapes(content);
    if let Some((from, text)) = narrow(content) {
        let place = |range: Range<usize>| from + 2 * range.start..from + 2 * range.end;
        shown.extend(shapes(&text).into_iter().map(|(rule, what, range)| (rule, what, place(range))));
    }
    for (rule, what, range) in shown {
        let line = 1 + content.get(..range.start).unwrap_or_default().iter().filter(|&&byte| byte == b'\n').count();
        let message = if is_text(content) {
            format!("line {line} of {} holds {what}: take it out", quoted(path))
        } else {
            format!("{} holds {what} at byte {}: take it out", quoted(path), range.start)
        };
        findings.push(Finding::new(rule, message).in_entry(path).at(range.start as u64..range.end as u64));
    }
    findings
}

/// What a file of that name is, if it holds secrets.
fn telling_name(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let folder = path.rsplit('/').nth(1).unwrap_or_default().to_ascii_lowercase();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    if ["example", "sample", "template", "dist"].contains(&extension) || extension == "pub" {
        return None;
    }
    Some(match name.as_str() {
        ".env" | ".envrc" => "a file of environment variables",
        "id_rsa" | "id_dsa" | "id_ecdsa" | "id_ed25519" | "id_ecdsa_sk" | "id_ed25519_sk" => "an SSH key",
        ".npmrc" | ".pypirc" | ".netrc" | "_netrc" | ".git-credentials" | ".htpasswd" | ".pgpass" | ".dockercfg" => {
            "a file of passwords"
        }
        "credentials" | "credentials.json" | "credentials.toml" if folder.starts_with('.') || name != "credentials" => {
            "a file of credentials"
        }
        "credentials" => "a file of credentials",
        "config.json" if folder == ".docker" => "a file of passwords",
        "service-account.json" | "service_account.json" | "client_secret.json" | "kubeconfig" => {
            "a file of credentials"
        }
        _ if stem == ".env" || (name.starts_with(".env.") && !name.ends_with(".d.ts")) => {
            "a file of environment variables"
        }
        _ if extension == "env" && !stem.is_empty() && !["example", "sample", "template"].contains(&stem) => {
            "a file of environment variables"
        }
        _ if ["p12", "pfx", "jks", "keystore", "kdbx", "ppk", "key"].contains(&extension) && !stem.is_empty() => {
            "a store of keys"
        }
        _ => return None,
    })
}

/// Tokens of known services by their fixed beginnings.
const TOKENS: &[(&str, &str)] = &[
    (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", "an access key id of AWS"),
    (r"\bgh[pousr]_[0-9A-Za-z]{36,}\b", "a token of GitHub"),
    (r"\bgithub_pat_[0-9A-Za-z_]{60,}\b", "a token of GitHub"),
    (r"\bglpat-[0-9A-Za-z_-]{20,}", "a token of GitLab"),
    (r"\bxox[abeoprs]-[0-9A-Za-z-]{20,}", "a token of Slack"),
    (r"https://hooks\.slack\.com/services/T[0-9A-Z]{6,}/B[0-9A-Z]{6,}/[0-9A-Za-z]{20,}", "a webhook of Slack"),
    (r"\bAIza[0-9A-Za-z_-]{35}\b", "an API key of Google"),
    (r"\b[rs]k_live_[0-9A-Za-z]{20,}\b", "a live key of Stripe"),
    (r"\bnpm_[0-9A-Za-z]{36}\b", "a token of npm"),
    (r"\bpypi-AgEIcHlwaS[0-9A-Za-z_-]{50,}", "a token of PyPI"),
    (r"\bsk-(?:ant|proj)-[0-9A-Za-z_-]{40,}", "an API key"),
    (r"\bsk-[0-9A-Za-z]{16,}T3BlbkFJ[0-9A-Za-z]{16,}", "an API key"),
    (r"\bhf_[0-9A-Za-z]{30,}\b", "a token of Hugging Face"),
    (r"\bSG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}\b", "a key of SendGrid"),
    (r"\beyJ[0-9A-Za-z_-]{15,}\.eyJ[0-9A-Za-z_-]{15,}\.[0-9A-Za-z_-]{20,}", "a JSON Web Token"),
];

/// What is found: the rule, what it is, and where.
type Found = (&'static Rule, &'static str, Range<usize>);

fn shapes(content: &[u8]) -> Vec<Found> {
    #[expect(clippy::expect_used, reason = "the patterns are constants, and a test compiles each")]
    static PATTERNS: LazyLock<[Regex; 6]> = LazyLock::new(|| {
        let tokens: Vec<String> = TOKENS.iter().map(|(pattern, _)| format!("({pattern})")).collect();
        [
            // With a body: programs that read keys hold the first line alone.
            // Then an Ed25519 key in PKCS#8, as it is and in base64, whose first bytes are always the same.
            r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\\[nr]|\s)+(?:[A-Za-z-]+: [^\r\n]{0,100}(?:\\[nr]|\s)+){0,5}[0-9A-Za-z+/]{40}|\bPuTTY-User-Key-File-[0-9]: |\bAGE-SECRET-KEY-1[0-9A-Z]{50}|\x30(?:\x2e|\x51)\x02\x01[\x00\x01]\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20(?s:.){32}|\bM(?:C4CAQAwBQYDK2VwBCIEI|FECAQEwBQYDK2VwBCIEI)[0-9A-Za-z+/]{43}",
            &tokens.join("|"),
            // A telling name, something that assigns, and a value in quotes or to the end of the line.
            r#"(?i)\b[0-9a-z_.-]{0,40}(?:secret|token|passwd|password|api_?key|private_?key|access_?key)[0-9a-z_-]{0,20}["']?[ \t]{0,8}(?:=|:=|:|=>)[ \t]{0,8}["']?([0-9A-Za-z+/_=-]{24,200})["']?"#,
            r#"(?i)\bauthorization["']?[ \t]{0,8}[:=,][ \t]{0,8}["']?bearer[ \t]{1,8}([0-9A-Za-z+/_.~=-]{20,2000})"#,
            r#"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@"'<>`\\]{0,64}:([^\s/:@"'<>`\\]{3,128})@[0-9a-z\[]"#,
            // What `-----BEGIN ` comes to in base64, and the rest of that line.
            r"LS0tLS1CRUdJTi[0-9A-Za-z+/]{42}",
        ]
        .map(|pattern| Regex::new(&format!("(?-u){pattern}")).expect("a constant pattern"))
    });
    let [keys, tokens, assignments, bearers, logins, encoded] = &*PATTERNS;
    let mut found: Vec<Found> = Vec::new();
    found.extend(keys.find_iter(content).take(MAX_FINDINGS).map(|key| (&PRIVATE_KEY, "a private key", key.range())));
    let is_key = |first_line: &regex::bytes::Match<'_>| {
        let line = STANDARD.decode(first_line.as_bytes()).unwrap_or_default();
        line.windows(11).any(|words| words == b"PRIVATE KEY")
    };
    let encoded = encoded.find_iter(content).filter(is_key).take(MAX_FINDINGS);
    found.extend(encoded.map(|key| (&PRIVATE_KEY, "a private key in base64", key.range())));
    for captures in tokens.captures_iter(content).take(MAX_FINDINGS) {
        let named =
            TOKENS.iter().zip(captures.iter().skip(1)).find_map(|((_, what), group)| Some((*what, group?.range())));
        found.extend(named.map(|(what, range)| (&TOKEN, what, range)));
    }
    // Names and values are sought in text only: in data they are the program's own words.
    if is_text(content) {
        let value = |pattern: &'static Regex| pattern.captures_iter(content).filter_map(|captures| captures.get(1));
        let values = value(assignments).chain(value(bearers)).filter(|value| looks_random(value.as_bytes()));
        let values = values.chain(value(logins).filter(|password| !is_placeholder(password.as_bytes())));
        let new = |value: &regex::bytes::Match<'_>| {
            !found.iter().any(|(_, _, range)| range.start < value.end() && value.start() < range.end)
        };
        let values: Vec<_> = values.filter(new).take(MAX_FINDINGS).collect();
        found.extend(values.into_iter().map(|value| (&ASSIGNMENT, "a value that looks like a secret", value.range())));
    }
    found.sort_by_key(|(_, _, range)| range.start);
    found
}

/// Whether a password in a URL stands for another, as in manuals and templates.
fn is_placeholder(password: &[u8]) -> bool {
    const WORDS: [&[u8]; 13] = [
        b"pass",
        b"password",
        b"passwd",
        b"pwd",
        b"pw",
        b"secret",
        b"token",
        b"key",
        b"apikey",
        b"user",
        b"changeme",
        b"example",
        b"redacted",
    ];
    let word: Vec<u8> =
        password.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect();
    // `my-password`, `your_token`.
    let word = [&b"your"[..], b"my", b"the"].iter().find_map(|before| word.strip_prefix(*before)).unwrap_or(&word);
    WORDS.contains(&word)
        || word.iter().all(|byte| Some(byte) == word.first())
        || password.iter().any(|byte| matches!(byte, b'$' | b'{' | b'}' | b'(' | b'[' | b'*'))
        || password.windows(2).any(|pair| matches!(pair, b"%s" | b"%d" | b"%v"))
}

/// A text in UTF-16 as one byte for each of its units, a question mark for those beyond ASCII, and where its first stands.
fn narrow(content: &[u8]) -> Option<(usize, Vec<u8>)> {
    let (from, high) = match content {
        [0xff, 0xfe, ..] => (2, 1),
        [0xfe, 0xff, ..] => (2, 0),
        // Without a mark at its beginning, by the half of its bytes that are empty in most languages' letters.
        _ => {
            let start = content.get(..content.len().min(512)).unwrap_or_default();
            let empty = |high: usize| start.iter().skip(high).step_by(2).filter(|&&byte| byte == 0).count();
            let high = (0..2).find(|&high| empty(high) * 8 > start.len() * 3 && empty(1 - high) == 0)?;
            (0, high)
        }
    };
    let units = content.get(from..)?.chunks_exact(2);
    let text =
        units.map(|unit| if unit.get(high) == Some(&0) { unit.get(1 - high).copied().unwrap_or(b'?') } else { b'?' });
    Some((from, text.collect()))
}

fn is_text(content: &[u8]) -> bool {
    !content.iter().take(8192).any(|&byte| byte == 0)
}

/// Letters and digits mixed without a pattern: no word, no placeholder, no path, no number.
fn looks_random(value: &[u8]) -> bool {
    let value = value.strip_suffix(b"=").unwrap_or(value);
    let value = value.strip_suffix(b"=").unwrap_or(value);
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let others = value.len() - digits - letters;
    let mut seen = [false; 256];
    value.iter().for_each(|&byte| seen[usize::from(byte)] = true);
    let kinds = seen.iter().filter(|&&here| here).count();
    let has_example = value.to_ascii_lowercase().windows(7).any(|part| part == b"example" || part == b"xxxxxxx");
    // A random text of 24 has at least ten kinds, and words that are put together have many dashes.
    if letters * 6 < value.len() || others * 6 > value.len() || kinds < 10 || has_example {
        return false;
    }
    // Words hold few digits. A random text may too: then its letters tell, which change their case without beginning words
    // and take no turns of vowels and consonants.
    let Mixture { pieces, numbers, turns, pairs } = Mixture::of(value);
    let pairs = pairs.max(1);
    digits * 8 >= value.len()
        || (numbers >= 2 && turns * 5 < pairs * 2)
        || pieces * pairs * 20 > value.len() * (3 * pairs + 10 * turns)
}

/// How a text is put together.
struct Mixture {
    /// Pieces as names of programs join them: words with or without a capital, runs of capitals, numbers.
    pieces: usize,
    /// Those of them that are numbers.
    numbers: usize,
    /// Neighbouring letters of which one is a vowel and one a consonant: more than half of them, in words.
    turns: usize,
    /// Neighbouring letters.
    pairs: usize,
}

impl Mixture {
    fn of(value: &[u8]) -> Self {
        let mut mixture = Self { pieces: 0, numbers: 0, turns: 0, pairs: 0 };
        let is_vowel = |byte: u8| matches!(byte.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u');
        for (at, &byte) in value.iter().enumerate() {
            if !byte.is_ascii_alphanumeric() {
                continue;
            }
            let before = at.checked_sub(1).and_then(|at| value.get(at)).filter(|byte| byte.is_ascii_alphanumeric());
            let begins = before.is_none_or(|before| {
                let lower_next = value.get(at + 1).is_some_and(u8::is_ascii_lowercase);
                before.is_ascii_digit() != byte.is_ascii_digit()
                    || (byte.is_ascii_uppercase() && (before.is_ascii_lowercase() || lower_next))
            });
            mixture.pieces += usize::from(begins);
            mixture.numbers += usize::from(begins && byte.is_ascii_digit());
            if let Some(before) = before.filter(|before| before.is_ascii_alphabetic() && byte.is_ascii_alphabetic()) {
                mixture.pairs += 1;
                mixture.turns += usize::from(is_vowel(*before) != is_vowel(byte));
            }
        }
        mixture
    }
}
