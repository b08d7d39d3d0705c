//! What the data of a module says: the hosts it names, and strings in the shape of a secret.
//!
//! Compilers put strings behind each other without a mark between them, as bytes or as UTF-16, so nothing here relies on
//! where a string begins or ends. Each byte is looked at a bounded number of times.

use std::{collections::BTreeMap, ops::Range};

/// How many hosts, and how many secrets, are kept of one module.
pub const MAX_KEPT: usize = 512;

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Strings {
    /// The hosts, each once. At most [`MAX_KEPT`].
    pub hosts: BTreeMap<String, HostName>,
    /// How many URLs and bare hosts there are in all.
    pub host_count: u64,
    /// The strings in the shape of a secret. At most [`MAX_KEPT`].
    pub secrets: Vec<Secret>,
    /// How many of them there are in all.
    pub secret_count: u64,
}

/// A host that the data names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostName {
    /// How often.
    pub count: u64,
    /// Where first, from the scheme or the host on.
    pub range: Range<u64>,
    /// Whether it stands in a URL somewhere, rather than bare.
    pub url: bool,
    /// Whether the text says somewhere where it ends: by what follows in a URL, a quote, white space or a NUL. Else the
    /// next string may follow without a mark.
    pub ended: bool,
}

/// A string in the shape of a secret. What it says is not kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Secret {
    /// What it looks like: `an AWS access key id`.
    pub what: &'static str,
    /// Where it stands.
    pub range: Range<u64>,
}

/// A token with a known beginning.
struct Shape {
    what: &'static str,
    prefix: &'static [u8],
    /// The characters behind the prefix.
    body: Body,
    /// How many of them there are at least.
    least: usize,
    /// Whether there are exactly as many.
    exact: bool,
}

const fn at_least(what: &'static str, prefix: &'static [u8], body: Body, least: usize) -> Shape {
    Shape { what, prefix, body, least, exact: false }
}

const fn exactly(what: &'static str, prefix: &'static [u8], body: Body, least: usize) -> Shape {
    Shape { what, prefix, body, least, exact: true }
}

/// The characters that a token is made of.
#[derive(Clone, Copy)]
enum Body {
    UpperOrDigit,
    Alphanumeric,
    Word,
    UrlBase64,
}

impl Body {
    /// How many there are.
    const COUNT: usize = 4;

    fn has(self, b: u8) -> bool {
        match self {
            Self::UpperOrDigit => b.is_ascii_uppercase() || b.is_ascii_digit(),
            Self::Alphanumeric => b.is_ascii_alphanumeric(),
            Self::Word => b.is_ascii_alphanumeric() || b == b'_',
            Self::UrlBase64 => b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'),
        }
    }
}

/// Each prefix begins with a byte of [`CLASS`].
static SHAPES: &[Shape] = &[
    exactly("an AWS access key id", b"AKIA", Body::UpperOrDigit, 16),
    exactly("an AWS access key id", b"ASIA", Body::UpperOrDigit, 16),
    at_least("a Google API key", b"AIza", Body::UrlBase64, 35),
    at_least("a GitHub token", b"ghp_", Body::Alphanumeric, 36),
    at_least("a GitHub token", b"gho_", Body::Alphanumeric, 36),
    at_least("a GitHub token", b"ghu_", Body::Alphanumeric, 36),
    at_least("a GitHub token", b"ghs_", Body::Alphanumeric, 36),
    at_least("a GitHub token", b"ghr_", Body::Alphanumeric, 36),
    at_least("a GitHub token", b"github_pat_", Body::Word, 60),
    at_least("a GitLab token", b"glpat-", Body::UrlBase64, 20),
    at_least("a Slack token", b"xoxb-", Body::UrlBase64, 24),
    at_least("a Slack token", b"xoxp-", Body::UrlBase64, 24),
    at_least("a Slack token", b"xoxa-", Body::UrlBase64, 24),
    at_least("a Slack token", b"xoxr-", Body::UrlBase64, 24),
    at_least("a Slack token", b"xoxs-", Body::UrlBase64, 24),
    at_least("a Stripe key", b"sk_live_", Body::Alphanumeric, 24),
    at_least("a Stripe key", b"rk_live_", Body::Alphanumeric, 24),
    at_least("an npm token", b"npm_", Body::Alphanumeric, 36),
    at_least("a PyPI token", b"pypi-AgEIcHlwaS", Body::UrlBase64, 50),
    at_least("an API key", b"sk-ant-", Body::UrlBase64, 40),
    at_least("an API key", b"sk-proj-", Body::UrlBase64, 40),
];

/// Bytes that may begin something, by what that is.
const COLON: u8 = 1;
const DOT: u8 = 2;
const DASH: u8 = 3;
const PREFIX: u8 = 4;
const TOKEN: u8 = 5;

static CLASS: [u8; 256] = {
    let mut class = [0; 256];
    class[b':' as usize] = COLON;
    class[b'.' as usize] = DOT;
    class[b'-' as usize] = DASH;
    class[b'e' as usize] = TOKEN;
    let mut i = 0;
    while i < SHAPES.len() {
        class[SHAPES[i].prefix[0] as usize] = PREFIX;
        i += 1;
    }
    class
};

/// Schemes that name a host, the longer of two that end alike first.
static SCHEMES: &[&[u8]] = &[
    b"https",
    b"http",
    b"wss",
    b"ws",
    b"sftp",
    b"ftps",
    b"ftp",
    b"ssh",
    b"tcp",
    b"udp",
    b"rediss",
    b"redis",
    b"postgresql",
    b"postgres",
    b"mysql",
    b"mongodb",
    b"amqps",
    b"amqp",
    b"grpc",
    b"ldaps",
    b"ldap",
];

/// Ends of hosts that are taken for one without a scheme in front. Few, since many a file or package is named alike.
static TOP_LEVEL: &[&[u8]] = &[b"com", b"net", b"org", b"cloud", b"xyz", b"online", b"site", b"top"];

/// The longest host, and the longest user and password in front of one, in bytes.
const MAX_HOST: usize = 253;
const MAX_USER: usize = 256;
/// The longest token looked at.
const MAX_TOKEN: usize = 4_096;

/// Text in data: one byte a character, or two of which the second is zero.
#[derive(Clone, Copy)]
struct Text<'a> {
    data: &'a [u8],
    at: usize,
    stride: usize,
}

impl Text<'_> {
    /// The character `n` behind.
    fn get(&self, n: usize) -> Option<u8> {
        self.byte(self.at.checked_add(n.checked_mul(self.stride)?)?)
    }

    /// The character `n` in front.
    fn back(&self, n: usize) -> Option<u8> {
        self.byte(self.at.checked_sub(n.checked_mul(self.stride)?)?)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        let byte = *self.data.get(at)?;
        (self.stride == 1 || self.data.get(at + 1) == Some(&0)).then_some(byte)
    }

    /// Whether `text` stands from character `n` on.
    fn has(&self, n: usize, text: &[u8]) -> bool {
        text.iter().enumerate().all(|(i, b)| self.get(n + i) == Some(*b))
    }

    /// Whether `text`, in any case, ends in front of this place.
    fn ends(&self, text: &[u8]) -> bool {
        text.iter().rev().enumerate().all(|(i, b)| self.back(i + 1).is_some_and(|c| c.eq_ignore_ascii_case(b)))
    }

    /// How many characters from `n` on are `wanted`, up to `limit`.
    fn count(&self, n: usize, limit: usize, wanted: impl Fn(u8) -> bool) -> usize {
        (0..limit).take_while(|i| self.get(n + i).is_some_and(&wanted)).count()
    }
}

/// Where a run of characters lies: whoever asks again from inside it does not walk through it again.
#[derive(Clone, Copy, Default)]
struct Run {
    from: usize,
    end: usize,
    stride: usize,
}

/// The last run of each kind. Candidates may stand in each other, thousands in one run of characters: each byte is walked
/// over once for each kind, whatever stands in it.
#[derive(Default)]
struct Runs {
    /// Of the tokens, by their characters.
    tokens: [Run; Body::COUNT],
    /// Of the parts of a web token.
    parts: [Run; 3],
    /// How many bytes were walked over.
    #[cfg(test)]
    walked: usize,
}

impl Runs {
    /// How many characters of `body` follow from character `n` of `text` on, up to [`MAX_TOKEN`].
    fn token(&mut self, text: &Text<'_>, n: usize, body: Body) -> usize {
        let mut run = self.tokens[body as usize];
        let length = self.length(&mut run, text, n, body);
        self.tokens[body as usize] = run;
        length
    }

    /// The same for part `part` of a web token.
    fn part(&mut self, text: &Text<'_>, n: usize, part: usize) -> usize {
        let mut run = self.parts.get(part).copied().unwrap_or_default();
        let length = self.length(&mut run, text, n, Body::UrlBase64);
        if let Some(kept) = self.parts.get_mut(part) {
            *kept = run;
        }
        length
    }

    fn length(&mut self, run: &mut Run, text: &Text<'_>, n: usize, body: Body) -> usize {
        let from = text.at + n * text.stride;
        let inside = run.stride == text.stride && (run.from..=run.end).contains(&from);
        if !inside || !(from - run.from).is_multiple_of(text.stride) {
            let characters = text.count(n, usize::MAX, |b| body.has(b));
            #[cfg(test)]
            {
                self.walked += characters * text.stride;
            }
            *run = Run { from, end: from + characters * text.stride, stride: text.stride };
        }
        ((run.end - from) / text.stride).min(MAX_TOKEN)
    }
}

fn is_host_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_') || b >= 0x80
}

impl Strings {
    /// Looks through `data`, which stands at byte `offset` of the file.
    pub(super) fn scan(&mut self, data: &[u8], offset: u64) {
        self.scan_with(data, offset, &mut Runs::default());
    }

    fn scan_with(&mut self, data: &[u8], offset: u64, runs: &mut Runs) {
        let mut at = 0;
        while let Some(&byte) = data.get(at) {
            let class = CLASS[usize::from(byte)];
            if class == 0 {
                at += 1;
                continue;
            }
            let stride = if data.get(at + 1) == Some(&0) { 2 } else { 1 };
            let text = Text { data, at, stride };
            let found = match class {
                COLON => url(&text),
                DOT => bare(&text),
                DASH => private_key(&text),
                TOKEN => web_token(&text, runs),
                _ => token(&text, runs),
            };
            let Some(found) = found else {
                at += 1;
                continue;
            };
            let range = offset + found.from as u64..offset + found.to as u64;
            if let Some(host) = found.host {
                self.host(host, range.clone(), class == COLON, found.ended);
            }
            if let Some(what) = found.secret {
                self.secret_count += 1;
                if self.secrets.len() < MAX_KEPT {
                    self.secrets.push(Secret { what, range });
                }
            }
            at = found.to.max(at + 1);
        }
    }

    fn host(&mut self, name: String, range: Range<u64>, url: bool, ended: bool) {
        self.host_count += 1;
        if let Some(host) = self.hosts.get_mut(&name) {
            host.count += 1;
            host.url |= url;
            host.ended |= ended;
        } else if self.hosts.len() < MAX_KEPT {
            self.hosts.insert(name, HostName { count: 1, range, url, ended });
        }
    }
}

/// Something found: its bytes in the data.
struct Found {
    from: usize,
    to: usize,
    host: Option<String>,
    /// Whether what follows the host ends it.
    ended: bool,
    secret: Option<&'static str>,
}

impl Found {
    fn secret(text: &Text<'_>, characters: usize, what: &'static str) -> Option<Self> {
        Some(Self {
            from: text.at,
            to: text.at + characters * text.stride,
            host: None,
            ended: false,
            secret: Some(what),
        })
    }
}

/// `scheme://[user[:password]@]host`, seen from its colon.
fn url(text: &Text<'_>) -> Option<Found> {
    if !text.has(1, b"//") {
        return None;
    }
    let scheme = SCHEMES.iter().find(|scheme| text.ends(scheme))?;
    let is_user = |b: u8| b.is_ascii_graphic() && !matches!(b, b'/' | b'@' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>');
    let user = text.count(3, MAX_USER, is_user);
    let (mut start, mut secret) = (3, None);
    if text.get(3 + user) == Some(b'@') {
        start = 4 + user;
        let colon = (0..user).find(|i| text.get(3 + i) == Some(b':'));
        // `user:%s@host` and the like are a pattern to be filled in.
        let filled = |from: usize| {
            (from..user).all(|i| text.get(3 + i).is_some_and(|b| !matches!(b, b'%' | b'{' | b'$' | b'*')))
        };
        if colon.is_some_and(|colon| colon + 1 < user && filled(colon + 1)) {
            secret = Some("a password in a URL");
        }
    }
    // An address of IPv6 stands in brackets; one of IPv4 may be written as one number.
    let is_six = text.get(start) == Some(b'[');
    let length = if is_six {
        let inside = text.count(start + 1, MAX_HOST, |b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
        if inside < 2 || text.get(start + 1 + inside) != Some(b']') { 0 } else { inside + 2 }
    } else {
        text.count(start, MAX_HOST, is_host_byte)
    };
    let bytes: Vec<u8> = (start..start + length).filter_map(|i| text.get(i)).collect();
    let name = String::from_utf8_lossy(&bytes).trim_end_matches(['.', '-', '_']).to_ascii_lowercase();
    let ended = ends(text, start + length);
    let is_number = || {
        let hex = name.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        ended && !name.is_empty() && (hex || name.bytes().all(|b| b.is_ascii_digit()))
    };
    let is_host = name == "localhost" || name.trim_start_matches('.').contains('.') || is_six && length > 0;
    let host = (is_host || is_number()).then_some(name);
    if host.is_none() && secret.is_none() {
        return None;
    }
    let from = text.at - scheme.len() * text.stride;
    Some(Found { from, to: text.at + (start + length) * text.stride, host, ended, secret })
}

/// Whether the character `n` ends a host in front of it: a path, a port, a query, a NUL, a quote or white
/// space. The colon of the next string's scheme ends nothing.
fn ends(text: &Text<'_>, n: usize) -> bool {
    match text.get(n) {
        Some(b'/' | b'?' | b'#' | 0 | b'"' | b'\'' | b'`' | b' ' | b'\t' | b'\r' | b'\n') => true,
        Some(b':') => text.get(n + 1) != Some(b'/'),
        _ => false,
    }
}

/// A bare host, seen from the dot in front of its top-level domain.
fn bare(text: &Text<'_>) -> Option<Found> {
    let top = TOP_LEVEL.iter().find(|top| text.has(1, top))?;
    let next = text.get(1 + top.len());
    // A longer name, a path of packages, a call.
    if next.is_some_and(|b| is_host_byte(b) || matches!(b, b'/' | b'(' | b'@')) {
        return None;
    }
    let length = (1..=MAX_HOST).take_while(|n| text.back(*n).is_some_and(is_host_byte)).count();
    let before = text.back(length + 1);
    if length == 0 || before.is_some_and(|b| matches!(b, b'/' | b'@' | b'%' | b'\\')) {
        return None;
    }
    let bytes: Vec<u8> = (1..=length).rev().filter_map(|n| text.back(n)).collect();
    let name = String::from_utf8_lossy(&bytes).trim_start_matches(['.', '-', '_']).to_ascii_lowercase();
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let to = text.at + (1 + top.len()) * text.stride;
    let host = format!("{name}.{}", String::from_utf8_lossy(top));
    let ended = ends(text, 1 + top.len());
    Some(Found { from: text.at - length * text.stride, to, host: Some(host), ended, secret: None })
}

/// `-----BEGIN … PRIVATE KEY-----` with a key behind it; libraries that read keys hold the line alone.
fn private_key(text: &Text<'_>) -> Option<Found> {
    if !text.has(0, b"-----BEGIN ") {
        return None;
    }
    let words = text.count(11, 32, |b| b.is_ascii_uppercase() || b == b' ');
    let line = 11 + words;
    let named: Vec<u8> = (11..line).filter_map(|i| text.get(i)).collect();
    if !named.ends_with(b"PRIVATE KEY") || !text.has(line, b"-----") {
        return None;
    }
    let is_key = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'\n' | b'\r' | b' ' | b'\\');
    let key = text.count(line + 5, MAX_TOKEN, is_key);
    (key >= 40).then(|| Found::secret(text, line + 5 + key, "a private key"))?
}

/// `eyJ….eyJ….…`: a JSON web token.
fn web_token(text: &Text<'_>, runs: &mut Runs) -> Option<Found> {
    if !text.has(0, b"eyJ") {
        return None;
    }
    let mut end = 0;
    for part in 0..3 {
        let length = runs.part(text, end, part);
        let second = part == 1 && !text.has(end, b"eyJ");
        if length < 10 || second {
            return None;
        }
        end += length;
        if part < 2 {
            if text.get(end) != Some(b'.') {
                return None;
            }
            end += 1;
        }
    }
    Found::secret(text, end, "a JSON web token")
}

fn token(text: &Text<'_>, runs: &mut Runs) -> Option<Found> {
    let shape = SHAPES.iter().find(|shape| text.has(0, shape.prefix))?;
    // The tail of a longer word is none.
    if text.back(1).is_some_and(|b| b.is_ascii_alphanumeric()) && shape.exact {
        return None;
    }
    let start = shape.prefix.len();
    let length = runs.token(text, start, shape.body);
    if length < shape.least || (shape.exact && length != shape.least) {
        return None;
    }
    // What a generator made has many different characters; `ghp_xxxx…` in a manual has not.
    let mut seen = [false; 128];
    let body = (start..start + length.min(64)).filter_map(|i| text.get(i));
    body.for_each(|b| seen[usize::from(b & 0x7f)] = true);
    let different = seen.iter().filter(|seen| **seen).count();
    (different >= 8).then(|| Found::secret(text, start + length, shape.what))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(data: &[u8]) -> Strings {
        let mut strings = Strings::default();
        strings.scan(data, 100);
        strings
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn hosts(data: &[u8]) -> Vec<String> {
        scan(data).hosts.into_keys().collect()
    }

    #[test]
    fn hosts_of_urls_are_found_in_both_encodings() {
        let text = "see xhttps://API.acme.example:8443/v1 and ws://u@b.example/";
        assert_eq!(hosts(text.as_bytes()), ["api.acme.example", "b.example"]);
        assert_eq!(hosts(&wide(text)), ["api.acme.example", "b.example"]);
        let strings = scan(text.as_bytes());
        assert_eq!(strings.hosts["api.acme.example"].range, 105..129);
        assert!(strings.secrets.is_empty());
    }

    #[test]
    fn patterns_and_words_are_no_hosts() {
        for text in [
            "https://",
            "http://{}/x",
            "https://%s.%s",
            "a://b.c",
            "std::x",
            "http://[x]/",
            "http://[::1",
            "https://word",
            "http://12x/",
        ] {
            assert_eq!(hosts(text.as_bytes()), [""; 0], "{text}");
        }
        assert_eq!(hosts(b"http://localhost:80"), ["localhost"]);
        // Addresses, however they are written.
        assert_eq!(
            hosts(b"http://[::1]/ http://2130706433/ http://0x7f000001/"),
            ["0x7f000001", "2130706433", "[::1]"]
        );
    }

    #[test]
    fn bare_hosts_are_found_and_package_paths_are_not() {
        assert_eq!(hosts(b"\0evil.acme.com\0"), ["evil.acme.com"]);
        assert_eq!(hosts(&wide(" evil.acme.com:443")), ["evil.acme.com"]);
        for text in ["github.com/x/y", "x/github.com", ".com", "a.comma", "me@acme.com", "%s.com", "x.community"] {
            assert_eq!(hosts(text.as_bytes()), [""; 0], "{text}");
        }
    }

    #[test]
    fn secrets_are_told_by_their_shape() {
        let body = "0123456789abcdefABCDEFghijklmnopqrst0123456789abcdefABCDEFghijklmnopqrst";
        let cases = [
            (format!("x AKIA{}", "A1B2C3D4E5F6G7H8"), "an AWS access key id"),
            (format!("ghp_{}", &body[..36]), "a GitHub token"),
            (format!("AIza{}", &body[..35]), "a Google API key"),
            (format!("sk_live_{}", &body[..24]), "a Stripe key"),
            (format!("eyJ{0}.eyJ{0}.{0}", &body[..20]), "a JSON web token"),
            (format!("-----BEGIN RSA PRIVATE KEY-----\n{body}\n"), "a private key"),
            ("https://bot:hunter2@a.example/".to_owned(), "a password in a URL"),
        ];
        for (text, what) in cases {
            for data in [text.clone().into_bytes(), wide(&text)] {
                let found: Vec<_> = scan(&data).secrets.iter().map(|secret| secret.what).collect();
                assert_eq!(found, [what], "{text}");
            }
        }
    }

    /// Each of the beginnings of tokens that stand in each other once walked to the end of all.
    #[test]
    fn each_byte_is_walked_over_a_bounded_number_of_times() {
        let size = 200_000;
        let two = format!("{}.{}.", "eyJ".repeat(1_300), "eyJ".repeat(1_300));
        let mixed = "eyJAIzasgithub_pat_sk-ant-sk_live_npm_ghp_xoxb-AKIAASIAglpat-";
        for text in ["eyJ", "AIza", "sk-ant-", "github_pat_", "ghp_", "AKIA", "e", "eyJAKIA", "eyJ.", &two, mixed] {
            let text = text.repeat(size / text.len());
            for data in [text.clone().into_bytes(), wide(&text)] {
                let mut runs = Runs::default();
                Strings::default().scan_with(&data, 0, &mut runs);
                assert!(runs.walked <= 8 * data.len(), "{}: {} of {}", &text[..20], runs.walked, data.len());
            }
        }
    }

    #[test]
    fn a_token_is_found_behind_what_only_begins_like_one() {
        let body = "0123456789abcdefABCDEFghijklmnopqrst";
        for text in [
            format!("eyJeyJ{body}.eyJ{body}.{body}"),
            format!("eyJ{body}.x{body}.eyJ{body}.eyJ{body}.{body}"),
            format!("AIzaAIza{}{body}", "xx"),
            format!("ghp_x ghp_{body}"),
            format!("{}{}.eyJ{body}.{body}", "x".repeat(5_000), format_args!("eyJ{body}")),
        ] {
            for data in [text.clone().into_bytes(), wide(&text)] {
                assert_eq!(scan(&data).secrets.len(), 1, "{text}");
            }
        }
    }

    proptest::proptest! {
        /// What a cache answers is what counting answers.
        #[test]
        fn a_remembered_run_is_the_counted_one(text in "[eyJAIza.\\- _g]{0,60}", wide_text: bool) {
            let data = if wide_text { wide(&text) } else { text.into_bytes() };
            let mut runs = Runs::default();
            for at in 0..data.len() {
                let stride = if data.get(at + 1) == Some(&0) { 2 } else { 1 };
                let text = Text { data: &data, at, stride };
                for body in [Body::UpperOrDigit, Body::Alphanumeric, Body::Word, Body::UrlBase64] {
                    for n in 0..3 {
                        let counted = text.count(n, MAX_TOKEN, |b| body.has(b));
                        proptest::prop_assert_eq!(runs.token(&text, n, body), counted);
                    }
                }
            }
        }
    }

    #[test]
    fn what_only_begins_like_a_secret_is_none() {
        for text in [
            "-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "AKIA",
            "AKIAIOSFODNN7EXAMPLELONGERTHANONE",
            "eyJhbGciOi",
            "https://user:%s@a.example/",
        ] {
            assert!(scan(text.as_bytes()).secrets.is_empty(), "{text}");
        }
    }
}
