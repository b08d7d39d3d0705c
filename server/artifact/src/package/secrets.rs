//! Likely secrets among the files: an artifact is given away, and what is in it cannot be called back.
//!
//! Names and shapes only, chosen so that what is reported is seldom innocent. No finding repeats what it found.

use std::{ops::Range, sync::LazyLock};

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
    for (rule, what, range) in shapes(content) {
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
    (r"\bSG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}\b", "a key of SendGrid"),
    (r"\beyJ[0-9A-Za-z_-]{15,}\.eyJ[0-9A-Za-z_-]{15,}\.[0-9A-Za-z_-]{20,}", "a JSON Web Token"),
];

/// What is found: the rule, what it is, and where.
type Found = (&'static Rule, &'static str, Range<usize>);

fn shapes(content: &[u8]) -> Vec<Found> {
    #[expect(clippy::expect_used, reason = "the patterns are constants, and a test compiles each")]
    static PATTERNS: LazyLock<[Regex; 3]> = LazyLock::new(|| {
        let tokens: Vec<String> = TOKENS.iter().map(|(pattern, _)| format!("({pattern})")).collect();
        [
            // With a body: programs that read keys hold the first line alone.
            r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\\[nr]|\s)+(?:[A-Za-z-]+: [^\r\n]{0,100}(?:\\[nr]|\s)+){0,5}[0-9A-Za-z+/]{40}|\bPuTTY-User-Key-File-[0-9]: |\bAGE-SECRET-KEY-1[0-9A-Z]{50}",
            &tokens.join("|"),
            // A telling name, something that assigns, and a value in quotes or to the end of the line.
            r#"(?i)\b[0-9a-z_.-]{0,40}(?:secret|token|passwd|password|api_?key|private_?key|access_?key)[0-9a-z_-]{0,20}["']?[ \t]{0,8}(?:=|:=|:|=>)[ \t]{0,8}["']?([0-9A-Za-z+/_=-]{24,200})["']?"#,
        ]
        .map(|pattern| Regex::new(&format!("(?-u){pattern}")).expect("a constant pattern"))
    });
    let [keys, tokens, assignments] = &*PATTERNS;
    let mut found: Vec<Found> = Vec::new();
    found.extend(keys.find_iter(content).take(MAX_FINDINGS).map(|key| (&PRIVATE_KEY, "a private key", key.range())));
    for captures in tokens.captures_iter(content).take(MAX_FINDINGS) {
        let named =
            TOKENS.iter().zip(captures.iter().skip(1)).find_map(|((_, what), group)| Some((*what, group?.range())));
        found.extend(named.map(|(what, range)| (&TOKEN, what, range)));
    }
    // Names and values are sought in text only: in data they are the program's own words.
    if is_text(content) {
        let values = assignments.captures_iter(content).filter_map(|captures| captures.get(1));
        let values = values.filter(|value| looks_random(value.as_bytes()));
        let new = |value: &regex::bytes::Match<'_>| {
            !found.iter().any(|(_, _, range)| range.start < value.end() && value.start() < range.end)
        };
        let values: Vec<_> = values.filter(new).take(MAX_FINDINGS).collect();
        found.extend(values.into_iter().map(|value| (&ASSIGNMENT, "a value that looks like a secret", value.range())));
    }
    found.sort_by_key(|(_, _, range)| range.start);
    found
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
    // Words that are put together hold few digits and many dashes; a random text of 24 has at least 12 kinds.
    digits * 8 >= value.len() && letters * 4 >= value.len() && others * 6 <= value.len() && kinds >= 12 && !has_example
}
