//! Hosts that a skill may call.

use std::{
    collections::{HashMap, HashSet},
    net::{Ipv4Addr, Ipv6Addr},
    ops::Range,
};

use super::{Context, Family, FixKind, Rule, common};
use crate::{
    diagnostic::{Severity, Tag},
    grammar, show,
    text::Span,
    view::Text,
};

pub(super) static FAMILY: Family = Family {
    name: "egress",
    about: "`capabilities.http_egress_allowlist`: the hosts that the skill may call.",
    rules: &[
        &EMPTY,
        &SCHEME,
        &USER,
        &PORT,
        &PATH,
        &IPV6,
        &DOTS,
        &HYPHEN,
        &NON_ASCII,
        &BAD_CHARACTER,
        &UNTRIMMED,
        &UPPER_CASE,
        &TRAILING_DOT,
        &IP_ADDRESS,
        &PRIVATE,
        &SINGLE_LABEL,
        &TOO_LONG,
        &LABEL_HYPHEN,
        &ANY_HOST,
        &PUBLIC_SUFFIX,
        &WILDCARD_PLACE,
        &WILDCARD_DEAD,
        &DUPLICATE,
        &COVERED,
        &TOO_MANY,
    ],
    check,
};

const GOOD: &str = "[capabilities]\nhttp_egress_allowlist = [\"api.acme.example\"]";
const NAMED: &str = "[capabilities]\nhttp_egress_allowlist = [\"api.acme.example\", \"cdn.acme.example\"]";

static EMPTY: Rule = Rule::rejects(
    "egress/empty",
    FixKind::Unsafe,
    "A host is empty",
    "An entry of `http_egress_allowlist` names a host. Nothing but white space or dots names none. For a skill that calls no \
     host leave the list empty.",
    "[capabilities]\nhttp_egress_allowlist = [\"\"]",
    "[capabilities]\nhttp_egress_allowlist = []",
);

static SCHEME: Rule = Rule::rejects(
    "egress/scheme",
    FixKind::Safe,
    "A host is written as a URL",
    "The list holds bare host names: no scheme, no path. A skill may call a host over HTTP and HTTPS alike.",
    "[capabilities]\nhttp_egress_allowlist = [\"https://api.acme.example/v1\"]",
    GOOD,
);

static USER: Rule = Rule::rejects(
    "egress/user",
    FixKind::Safe,
    "A host has a user name in front of it",
    "The list holds bare host names. A user name or password belongs to the request, and a password never into a manifest: \
     declare a secret for it.",
    "[capabilities]\nhttp_egress_allowlist = [\"bot@api.acme.example\"]",
    GOOD,
);

static PORT: Rule = Rule::rejects(
    "egress/port",
    FixKind::Safe,
    "A host has a port",
    "Hosts are granted as a whole, and a daemon refuses `:` in one. A port cannot narrow the grant: drop it.",
    "[capabilities]\nhttp_egress_allowlist = [\"api.acme.example:443\"]",
    GOOD,
);

static PATH: Rule = Rule::rejects(
    "egress/path",
    FixKind::Safe,
    "A host has a path, a query or an address range behind it",
    "Hosts are granted as a whole: a path, a query or a fragment cannot narrow the grant. A range of addresses such as \
     `10.0.0.0/8` cannot be granted at all.",
    "[capabilities]\nhttp_egress_allowlist = [\"api.acme.example/v1\"]",
    GOOD,
);

static IPV6: Rule = Rule::rejects(
    "egress/ipv6",
    FixKind::None,
    "A host is an IPv6 address",
    "A daemon refuses `:` and brackets in a host, so an IPv6 address cannot be granted. Name the host.",
    "[capabilities]\nhttp_egress_allowlist = [\"[2001:db8::1]\"]",
    GOOD,
);

static DOTS: Rule = Rule::rejects(
    "egress/dots",
    FixKind::Safe,
    "A host starts with a dot or has two in a row",
    "Labels of a host are separated by single dots. A leading dot is no wildcard: name each host, or write `*.` and opt in.",
    "[capabilities]\nhttp_egress_allowlist = [\"api..acme.example\"]",
    GOOD,
);

static HYPHEN: Rule = Rule::rejects(
    "egress/hyphen",
    FixKind::Unsafe,
    "A host starts or ends with a hyphen",
    "No host name starts or ends with `-`.",
    "[capabilities]\nhttp_egress_allowlist = [\"api.acme.example-\"]",
    GOOD,
);

static NON_ASCII: Rule = Rule::rejects(
    "egress/non-ascii",
    FixKind::None,
    "A host has letters outside of ASCII",
    "Write an internationalized name in its ASCII form, as a request names it: `xn--bcher-kva.example` for \
     `b\u{FC}cher.example`. A letter that only looks like an ASCII one names another host than it seems.",
    "[capabilities]\nhttp_egress_allowlist = [\"b\u{FC}cher.example\"]",
    "[capabilities]\nhttp_egress_allowlist = [\"xn--bcher-kva.example\"]",
);

static BAD_CHARACTER: Rule = Rule::rejects(
    "egress/bad-character",
    FixKind::None,
    "A host has a character that no host has",
    "A host has ASCII letters, digits, `-` and `.` only; a daemon refuses `_` too.",
    "[capabilities]\nhttp_egress_allowlist = [\"api_v1.acme.example\"]",
    GOOD,
);

static UNTRIMMED: Rule = Rule::warns(
    "egress/untrimmed",
    FixKind::Safe,
    "A host has white space around it",
    "A daemon grants the host without the white space, so what the manifest says is not what is granted.",
    "[capabilities]\nhttp_egress_allowlist = [\" api.acme.example\"]",
    GOOD,
)
.at(Severity::Error);

static UPPER_CASE: Rule = Rule::warns(
    "egress/upper-case",
    FixKind::Safe,
    "A host has upper-case letters",
    "A daemon checks a host in lower case but grants it as it is written, and requests name hosts in lower case.",
    "[capabilities]\nhttp_egress_allowlist = [\"API.acme.example\"]",
    GOOD,
);

static TRAILING_DOT: Rule = Rule::warns(
    "egress/trailing-dot",
    FixKind::Safe,
    "A host ends with a dot",
    "A daemon checks a host without dots at its end but grants it as it is written, and requests name hosts without them.",
    "[capabilities]\nhttp_egress_allowlist = [\"api.acme.example.\"]",
    GOOD,
);

static IP_ADDRESS: Rule = Rule::warns(
    "egress/ip-address",
    FixKind::None,
    "A host is an IP address",
    "An address says nothing to the operator who reviews it, moves without notice, and has no certificate that is worth \
     trusting. Besides four numbers, `127.1`, `0x7f.1` and `2130706433` are addresses too: a host whose last label is a \
     number is always read as one. Name the host.",
    "[capabilities]\nhttp_egress_allowlist = [\"203.0.113.7\"]",
    GOOD,
);

static PRIVATE: Rule = Rule::warns(
    "egress/private",
    FixKind::None,
    "A host names this machine, a private network or a cloud's metadata service",
    "`localhost`, private and link-local addresses and names such as `*.internal` or `*.local` mean another machine wherever \
     the skill runs, and often one with no door but its network: `169.254.169.254` hands out a cloud's credentials. Hosts \
     that run skills with care refuse such addresses whatever the manifest says.",
    "[capabilities]\nhttp_egress_allowlist = [\"metadata.google.internal\"]",
    GOOD,
);

static SINGLE_LABEL: Rule = Rule::warns(
    "egress/single-label",
    FixKind::None,
    "A host has no dot",
    "A name without a dot is completed by the search list of the machine that runs the skill, or is a top-level domain as a \
     whole. Write the full name.",
    "[capabilities]\nhttp_egress_allowlist = [\"api\"]",
    GOOD,
);

static TOO_LONG: Rule = Rule::warns(
    "egress/too-long",
    FixKind::None,
    "A host is longer than a name can be",
    "The domain name system takes labels of at most 63 and names of at most 253 characters: no such host can exist.",
    "[capabilities]\nhttp_egress_allowlist = [\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example\"]",
    GOOD,
);

static LABEL_HYPHEN: Rule = Rule::warns(
    "egress/label-hyphen",
    FixKind::None,
    "A label of a host starts or ends with a hyphen",
    "A daemon looks at the ends of the whole name only, but no label may start or end with `-`: such a host is most likely \
     misspelt.",
    "[capabilities]\nhttp_egress_allowlist = [\"api-.acme.example\"]",
    GOOD,
);

static ANY_HOST: Rule = Rule::warns(
    "egress/any-host",
    FixKind::None,
    "`*` asks for every host",
    "With it the skill can send what it sees anywhere, and the rest of the list says nothing. Name the hosts that it calls.",
    "[capabilities]\nhttp_egress_allowlist = [\"*\"]\n\n[capabilities.wildcard_opt_in]\nhttp_egress = true",
    GOOD,
);

static PUBLIC_SUFFIX: Rule = Rule::warns(
    "egress/public-suffix",
    FixKind::None,
    "A wildcard covers a public suffix as a whole",
    "Anyone can register a name below `com` or `co.uk`, so `*.com` asks for hosts of everybody. All top-level domains are \
     known for what they are, of longer suffixes only the common ones: a silent check is no proof that one is yours.",
    "[capabilities]\nhttp_egress_allowlist = [\"*.com\"]\n\n[capabilities.wildcard_opt_in]\nhttp_egress = true",
    NAMED,
);

static WILDCARD_PLACE: Rule = Rule::warns(
    "egress/wildcard-place",
    FixKind::None,
    "A wildcard is not the left-most label of a host",
    "`*.acme.example` is the form that everyone reads alike. Within a label or further right, `*` reaches into names of \
     others (`api.*` covers `api.evil.example`) or is taken for a letter.",
    "[capabilities]\nhttp_egress_allowlist = [\"api.*.example\"]\n\n[capabilities.wildcard_opt_in]\nhttp_egress = true",
    NAMED,
);

static WILDCARD_DEAD: Rule = Rule::warns(
    "egress/wildcard-dead",
    FixKind::Unsafe,
    "A host with a wildcard has what no host has",
    "With the opt-in on, a daemon does not look at a host that holds `*` any further. A scheme, a port, a path or another \
     character that no host has makes it one that matches nothing. Without that it matches hosts: a fix grants more than \
     the daemon did.",
    "[capabilities]\nhttp_egress_allowlist = [\"https://*.acme.example\"]\n\n[capabilities.wildcard_opt_in]\nhttp_egress = true",
    NAMED,
);

static DUPLICATE: Rule = Rule::warns(
    "egress/duplicate",
    FixKind::Safe,
    "A host is listed twice",
    "Case, white space and dots at the end make no other host. The second entry grants nothing more. Remove it.",
    "[capabilities]\nhttp_egress_allowlist = [\"api.acme.example\", \"api.acme.example\"]",
    GOOD,
);

static COVERED: Rule = Rule::warns(
    "egress/covered",
    FixKind::Unsafe,
    "A host is covered by a wildcard of the same list",
    "`*.acme.example` covers `api.acme.example`. Remove the host, or the wildcard if the skill calls only the host.",
    "[capabilities]\nhttp_egress_allowlist = [\"*.acme.example\", \"api.acme.example\"]\n\n\
     [capabilities.wildcard_opt_in]\nhttp_egress = true",
    GOOD,
);

static TOO_MANY: Rule = Rule::warns(
    "egress/too-many",
    FixKind::None,
    "The list of hosts is longer than anyone reviews",
    "An operator has to read what a skill asks for. Dozens of hosts are a sign that the skill does too much, or that \
     a service in front of them is missing.",
    "[capabilities]\nhttp_egress_allowlist = [\"a0.a.example\", \"a1.a.example\", \"a2.a.example\", \"a3.a.example\", \
     \"a4.a.example\", \"a5.a.example\", \"a6.a.example\", \"a7.a.example\", \"a8.a.example\", \"a9.a.example\", \
     \"b0.a.example\", \"b1.a.example\", \"b2.a.example\", \"b3.a.example\", \"b4.a.example\", \"b5.a.example\", \
     \"b6.a.example\", \"b7.a.example\", \"b8.a.example\", \"b9.a.example\", \"c0.a.example\", \"c1.a.example\", \
     \"c2.a.example\", \"c3.a.example\", \"c4.a.example\", \"c5.a.example\", \"c6.a.example\", \"c7.a.example\", \
     \"c8.a.example\", \"c9.a.example\", \"d0.a.example\", \"d1.a.example\", \"d2.a.example\", \"d3.a.example\", \
     \"d4.a.example\", \"d5.a.example\", \"d6.a.example\", \"d7.a.example\", \"d8.a.example\", \"d9.a.example\", \
     \"e0.a.example\", \"e1.a.example\", \"e2.a.example\", \"e3.a.example\", \"e4.a.example\", \"e5.a.example\", \
     \"e6.a.example\", \"e7.a.example\", \"e8.a.example\", \"e9.a.example\", \"f0.a.example\", \"f1.a.example\", \
     \"f2.a.example\", \"f3.a.example\", \"f4.a.example\", \"f5.a.example\", \"f6.a.example\", \"f7.a.example\", \
     \"f8.a.example\", \"f9.a.example\", \"g0.a.example\", \"g1.a.example\", \"g2.a.example\", \"g3.a.example\", \
     \"g4.a.example\"]",
    GOOD,
);

const MAX_LABEL: usize = 63;
const MAX_NAME: usize = 253;
const MAX_HOSTS: usize = 64;

/// Suffixes of two labels below which anyone can register, or be given, a name.
const SUFFIXES: &[&str] = &[
    "co.uk",
    "org.uk",
    "me.uk",
    "ac.uk",
    "gov.uk",
    "com.au",
    "net.au",
    "org.au",
    "co.nz",
    "co.jp",
    "or.jp",
    "ne.jp",
    "co.kr",
    "com.br",
    "com.cn",
    "com.tw",
    "com.hk",
    "com.sg",
    "com.my",
    "com.mx",
    "com.ar",
    "com.co",
    "com.tr",
    "com.ua",
    "com.pl",
    "co.za",
    "co.in",
    "co.id",
    "co.il",
    "co.th",
    "github.io",
    "gitlab.io",
    "pages.dev",
    "workers.dev",
    "web.app",
    "netlify.app",
    "vercel.app",
    "fly.dev",
    "onrender.com",
    "herokuapp.com",
    "azurewebsites.net",
    "cloudfront.net",
    "blogspot.com",
    "appspot.com",
    "run.app",
    "ngrok.io",
    "ngrok.app",
];

/// The last labels of names that never leave a local network.
const LOCAL_SUFFIXES: &[&str] = &[
    "localhost",
    "local",
    "internal",
    "localdomain",
    "lan",
    "intranet",
    "private",
    "corp",
    "home",
    "home.arpa",
    "svc",
    "cluster.local",
];

fn check(cx: &mut Context<'_, '_>) {
    let Some(capabilities) = cx.capabilities() else { return };
    let Some(item) = capabilities.get("http_egress_allowlist") else { return };
    let hosts = capabilities.texts("http_egress_allowlist");
    let opted_in = cx.opted_in("http_egress");
    if hosts.len() > MAX_HOSTS {
        let place = item.field.map_or(item.node.span, |field| field.key);
        cx.report(
            &TOO_MANY,
            place,
            format!("{} hosts are more than anyone reviews: name those that the tools call", hosts.len()),
        );
    }
    let normal: Vec<_> = hosts.iter().map(|host| (grammar::normalize_host(host.value), *host)).collect();
    let named = || normal.iter().filter(|(name, _)| !name.is_empty()).cloned();
    let again: HashSet<Span> = common::repeated(named()).into_iter().map(|(_, again)| again.span()).collect();
    for host in &hosts {
        match host.value.contains('*') {
            // Its own rule speaks for one that is not opted in.
            true if !opted_in => {}
            // One more of the same is told as that, however it is written.
            true if again.contains(&host.span()) => {}
            true => check_wildcard(cx, *host),
            false if !grammar::is_host(host.value) => check_rejected(cx, *host),
            false if again.contains(&host.span()) => {}
            false => check_spelling(cx, *host, true),
        }
    }
    common::report_repeated(cx, &DUPLICATE, named());
    if opted_in {
        check_covered(cx, &normal);
    }
}

/// The parts of a host that is written as a URL or with parts of one, as ranges.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    /// `https://`.
    scheme: Range<usize>,
    /// `user@`.
    user: Range<usize>,
    /// What is left.
    host: Range<usize>,
    /// `:443`.
    port: Range<usize>,
    /// `/v1?q`.
    path: Range<usize>,
}

impl Parts {
    fn of(value: &str) -> Self {
        let trimmed = value.trim();
        let mut at = value.len() - value.trim_start().len();
        let end = at + trimmed.len();
        let is_of_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let scheme = known_scheme(trimmed).unwrap_or_else(|| match trimmed.split_once("//") {
            Some(("", _)) => 2,
            Some((name, _)) if name.strip_suffix(':').is_some_and(|name| name.chars().all(is_of_scheme)) => {
                name.len() + 2
            }
            _ => 0,
        });
        let scheme = at..at + scheme;
        at = scheme.end;
        let rest = value.get(at..end).unwrap_or_default();
        let authority = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let path = at + authority..end;
        let rest = rest.get(..authority).unwrap_or_default();
        let user = at..at + rest.rfind('@').map_or(0, |sign| sign + 1);
        at = user.end;
        let rest = value.get(at..path.start).unwrap_or_default();
        let host = match rest.rfind(':').filter(|_| !is_bare_ipv6(rest)) {
            Some(colon) if rest.get(colon + 1..).is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit())) => colon,
            _ => rest.len(),
        };
        Self { scheme, user, host: at..at + host, port: at + host..path.start, path }
    }
}

/// The length of a scheme that everyone knows, with its colon and the slashes behind it, however many those are.
fn known_scheme(value: &str) -> Option<usize> {
    let (name, rest) = value.split_once(':')?;
    // `http:8080` is a host with a port.
    let is_port = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
    let slashes = rest.len() - rest.trim_start_matches(['/', '\\']).len();
    (is_scheme(name) && !is_port).then_some(name.len() + 1 + slashes)
}

fn is_scheme(name: &str) -> bool {
    ["http", "https", "ws", "wss", "ftp"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether `host` is an IPv6 address without brackets.
fn is_bare_ipv6(host: &str) -> bool {
    host.split('%').next().unwrap_or_default().parse::<Ipv6Addr>().is_ok()
}

/// A host that a daemon refuses: at least one finding of a rule that says so.
fn check_rejected(cx: &mut Context<'_, '_>, host: Text<'_, '_>) {
    if grammar::normalize_host(host.value).is_empty() {
        let edit = cx.remove_listed(host.node);
        cx.report(&EMPTY, host.span(), "the host is empty: name one, or remove it").unsafe_fix("Remove it", vec![edit]);
        return;
    }
    let parts = Parts::of(host.value);
    let name = host.value.get(parts.host.clone()).unwrap_or_default();
    check_parts(cx, host, &parts, name);
    if name.starts_with('[') || is_bare_ipv6(name) {
        let span = cx.inside(host.node, parts.host);
        cx.report(&IPV6, span, "an IPv6 address cannot be granted: name the host");
    } else {
        check_name(cx, host, parts.host.start, name.trim_end_matches('.'));
    }
}

/// What stands around the name of a host.
fn check_parts(cx: &mut Context<'_, '_>, host: Text<'_, '_>, parts: &Parts, name: &str) {
    let network = parts.scheme.is_empty() && ipv4(name).is_some();
    let network = network && host.value.get(parts.path.clone()).is_some_and(is_prefix_length);
    let part = |range: &Range<usize>| host.value.get(range.clone()).unwrap_or_default();
    // Which is the host: of two names at an `@` either may be; `a/b.com` may be `a.b.com`.
    let two_hosts = part(&parts.user).contains('.');
    let whole_scheme = part(&parts.scheme).ends_with("://");
    let dotless = !whole_scheme && !name.contains('.') && part(&parts.path).contains('.');
    // `http:8080` may lack its host.
    let lone_scheme = is_scheme(name) && !parts.port.is_empty();
    let evident = !two_hosts && !dotless && !network && !lone_scheme;
    let bare = (grammar::is_host(name) && evident).then(|| name.trim_end_matches('.'));
    let fix = bare.map(|bare| (format!("Write `{}`", show::plain(bare)), cx.set_string(host.node, bare)));
    let mut tell = |rule: &'static Rule, range: &Range<usize>, message: &str| {
        if range.is_empty() {
            return;
        }
        let shown = show::quoted(host.value.get(range.clone()).unwrap_or_default());
        let span = cx.inside(host.node, range.clone());
        let finding = cx.report(rule, span, message.replace("{}", &shown));
        if let Some((title, edit)) = &fix {
            finding.safe_fix(title.clone(), vec![edit.clone()]);
        }
    };
    tell(&SCHEME, &parts.scheme, "a host is written without a scheme: drop {}");
    if two_hosts {
        tell(&USER, &parts.user, "{} is read as a user and not as the host: write the host alone");
    } else {
        tell(&USER, &parts.user, "a host is written without a user: drop what is in front of it");
    }
    tell(&PORT, &parts.port, "a host is written without a port: drop {}");
    if network {
        tell(&PATH, &parts.path, "a range of addresses cannot be granted: name the hosts");
    } else if dotless {
        tell(&PATH, &parts.path, "{} is read as a path and not as the host: write the host alone");
    } else if parts.scheme.is_empty() {
        tell(&PATH, &parts.path, "a host is written without a path: drop {}");
    }
}

/// Whether `path` is the `/8` of a network.
fn is_prefix_length(path: &str) -> bool {
    path.strip_prefix('/').is_some_and(|bits| bits.parse::<u8>().is_ok())
}

/// What is wrong in the name itself, which starts at `start` and has no dots at its end.
fn check_name(cx: &mut Context<'_, '_>, host: Text<'_, '_>, start: usize, name: &str) {
    let at = |cx: &Context<'_, '_>, range: Range<usize>| cx.inside(host.node, range.start + start..range.end + start);
    let labels: Vec<&str> = name.split('.').filter(|label| !label.is_empty()).collect();
    let joined = labels.join(".");
    let leading = name.len() - name.trim_start_matches('.').len();
    let double = name.trim_start_matches('.').find("..").map(|i| i + leading);
    if leading > 0 || double.is_some() {
        let from = if leading > 0 { 0 } else { double.unwrap_or_default() };
        let rest = name.get(from..).unwrap_or_default();
        let len = rest.len() - rest.trim_start_matches('.').len();
        let edit = grammar::is_host(&joined).then(|| cx.set_string(host.node, &joined));
        let message = if leading > 0 {
            "a host does not start with a dot: name each host, or write `*.` and opt in"
        } else {
            "labels of a host are separated by single dots"
        };
        let span = at(cx, from..from + len);
        let finding = cx.report(&DOTS, span, message);
        if let Some(edit) = edit {
            let title = format!("Write `{}`", show::plain(&joined));
            // `.acme.example` may mean all that is below.
            if leading > 0 {
                finding.unsafe_fix(title, vec![edit]);
            } else {
                finding.safe_fix(title, vec![edit]);
            }
        }
    }
    let hyphens = if name.starts_with('-') {
        Some(0..name.len() - name.trim_start_matches('-').len())
    } else if name.ends_with('-') {
        Some(name.trim_end_matches('-').len()..name.len())
    } else {
        None
    };
    if let Some(range) = hyphens {
        let kept = name.trim_matches(['-', '.']);
        let edit = grammar::is_host(kept).then(|| cx.set_string(host.node, kept));
        let span = at(cx, range);
        let finding = cx.report(&HYPHEN, span, "a host neither starts nor ends with `-`");
        if let Some(edit) = edit {
            finding.unsafe_fix(format!("Write `{}`", show::plain(kept)), vec![edit]);
        }
    }
    let is_bad = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-');
    let Some(first) = name.chars().find(|c| is_bad(*c)) else { return };
    let (rule, range) = if first.is_ascii() {
        (&BAD_CHARACTER, common::first_run(name, |c| is_bad(c) && c.is_ascii()))
    } else {
        (&NON_ASCII, common::first_run(name, |c| !c.is_ascii()))
    };
    let range = range.unwrap_or(0..name.len());
    let shown = show::quoted(name.get(range.clone()).unwrap_or_default());
    let message = if first.is_ascii() {
        format!("{shown} cannot stand in a host: it has letters, digits, `-` and `.` only")
    } else {
        format!("{shown} is not ASCII: write the host in its `xn--` form")
    };
    let span = at(cx, range);
    cx.report(rule, span, message);
}

/// A host that a daemon takes, and how it is written. `plain` is one without a wildcard.
fn check_spelling(cx: &mut Context<'_, '_>, host: Text<'_, '_>, plain: bool) {
    common::report_untrimmed(cx, &UNTRIMMED, host, "a daemon grants the host without it", true);
    let trimmed = host.trimmed();
    let start = host.value.len() - host.value.trim_start().len();
    let at = |cx: &Context<'_, '_>, range: Range<usize>| cx.inside(host.node, range.start + start..range.end + start);
    if let Some(range) = common::first_run(trimmed, |c| c.is_ascii_uppercase()) {
        let edit = cx.set_string(host.node, &trimmed.to_ascii_lowercase());
        let span = at(cx, range);
        cx.report(&UPPER_CASE, span, "write the host in lower case: a daemon grants it as it is written")
            .safe_fix("Write it in lower case", vec![edit]);
    }
    let name = trimmed.trim_end_matches('.');
    if name.len() < trimmed.len() {
        let edit = cx.set_string(host.node, name);
        let span = at(cx, name.len()..trimmed.len());
        cx.report(&TRAILING_DOT, span, "drop the dot at the end: a daemon grants the host as it is written")
            .safe_fix("Drop it", vec![edit]);
    }
    if plain {
        check_meaning(cx, host, name, start);
    }
}

/// Where a plain host leads. It is trimmed and has no dots at its end.
fn check_meaning(cx: &mut Context<'_, '_>, host: Text<'_, '_>, name: &str, start: usize) {
    let lower = name.to_ascii_lowercase();
    let span = cx.inside(host.node, start..start + name.len());
    if ends_in_number(&lower) {
        match ipv4(&lower) {
            Some(address) => match private_address(address) {
                Some(what) => {
                    let message = format!("{} is {what}: name a public host", written_address(&lower, address));
                    cx.report(&PRIVATE, span, message);
                }
                None => {
                    let message = format!("{} is an IP address: name the host", written_address(&lower, address));
                    cx.report(&IP_ADDRESS, span, message);
                }
            },
            None => {
                let message = "a host whose last label is a number is read as an IP address, and this is none";
                cx.report(&IP_ADDRESS, span, message);
            }
        }
        return;
    }
    if let Some(what) = private_name(&lower) {
        cx.report(&PRIVATE, span, format!("{} names {what}: name a public host", show::quoted(&lower)));
    } else if !lower.contains('.') {
        cx.report(&SINGLE_LABEL, span, format!("{} has no dot: write the full name of the host", show::quoted(&lower)));
    }
    check_labels(cx, host, name, start);
}

/// Labels that no host has. A wildcard label is one.
fn check_labels(cx: &mut Context<'_, '_>, host: Text<'_, '_>, name: &str, start: usize) {
    if name.len() > MAX_NAME {
        let message = format!("a host of {} characters cannot exist: {MAX_NAME} are the most", name.len());
        cx.report(&TOO_LONG, host.span(), message);
        return;
    }
    let mut at = start;
    for label in name.split('.') {
        let range = at..at + label.len();
        at = range.end + 1;
        if label.len() > MAX_LABEL {
            let span = cx.inside(host.node, range);
            let message = format!("a label of {} characters cannot exist: {MAX_LABEL} are the most", label.len());
            cx.report(&TOO_LONG, span, message);
        } else if label.starts_with('-') || label.ends_with('-') {
            let span = cx.inside(host.node, range);
            let message = format!("the label {} starts or ends with `-`: no host has one", show::quoted(label));
            cx.report(&LABEL_HYPHEN, span, message);
        }
    }
}

/// An opted-in host with `*`, at which a daemon does not look any further.
fn check_wildcard(cx: &mut Context<'_, '_>, host: Text<'_, '_>) {
    let trimmed = host.trimmed();
    let start = host.value.len() - host.value.trim_start().len();
    let is_any = |name: &str| name.chars().all(|c| matches!(c, '*' | '.'));
    if is_any(trimmed) {
        cx.report(
            &ANY_HOST,
            host.span(),
            format!("{} asks for every host: name those that you call", show::quoted(trimmed)),
        );
        return;
    }
    let as_letter = |s: &str| s.replace('*', "a");
    if !grammar::is_host(&as_letter(trimmed)) {
        let parts = Parts::of(host.value);
        let name = host.value.get(parts.host.clone()).unwrap_or_default().trim_end_matches('.');
        let around = [&parts.scheme, &parts.user, &parts.port, &parts.path].into_iter().find(|part| !part.is_empty());
        // Every host is not what a port or a path was written for.
        let good = grammar::is_host(&as_letter(name)) && !is_any(name) && around.is_some();
        let bad = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '*');
        let range =
            around.cloned().or_else(|| common::first_run(trimmed, bad).map(|run| run.start + start..run.end + start));
        let shown = range.clone().and_then(|range| host.value.get(range)).unwrap_or(trimmed);
        let message = format!("{} makes this match no host: no host has that", show::quoted(shown));
        let edit = good.then(|| cx.set_string(host.node, name));
        let span = range.map_or(host.span(), |range| cx.inside(host.node, range));
        let finding = cx.report(&WILDCARD_DEAD, span, message);
        if let Some(edit) = edit {
            finding.unsafe_fix(format!("Write `{}`", show::plain(name)), vec![edit]);
        }
        return;
    }
    check_spelling(cx, host, false);
    let name = trimmed.trim_end_matches('.');
    match name.strip_prefix("*.") {
        Some(suffix) if !suffix.contains('*') => check_suffix(cx, host, suffix, start),
        _ => {
            let behind = if name.starts_with("*.") { 2 } else { 0 };
            let star = name.get(behind..).and_then(|rest| rest.find('*')).map_or(0, |i| i + behind);
            let span = cx.inside(host.node, star + start..star + start + 1);
            cx.report(&WILDCARD_PLACE, span, "`*` belongs in front, as a label of its own: `*.acme.example`");
        }
    }
}

/// What `*.` stands in front of.
fn check_suffix(cx: &mut Context<'_, '_>, host: Text<'_, '_>, suffix: &str, start: usize) {
    let lower = suffix.to_ascii_lowercase();
    let span = cx.inside(host.node, start..start + 2 + suffix.len());
    if let Some(what) = private_name(&lower) {
        cx.report(&PRIVATE, span, format!("{} names {what}: name public hosts", show::quoted(host.trimmed())));
    } else if ends_in_number(&lower) {
        let message = "a host whose last label is a number is read as an IP address: nothing has a name below one";
        cx.report(&IP_ADDRESS, span, message);
    } else if !lower.contains('.') || SUFFIXES.contains(&lower.as_str()) {
        let message = format!("anyone can have a name below {}: narrow the wildcard", show::quoted(&lower));
        cx.report(&PUBLIC_SUFFIX, span, message);
    } else {
        check_labels(cx, host, suffix, start + 2);
    }
}

fn check_covered(cx: &mut Context<'_, '_>, normal: &[(String, Text<'_, '_>)]) {
    let suffix = |name: &'_ str| name.strip_prefix("*.").filter(|suffix| !suffix.contains('*')).map(ToOwned::to_owned);
    if let Some((_, over)) = normal.iter().find(|(name, _)| name == "*") {
        for (_, host) in normal.iter().filter(|(name, _)| grammar::is_host(&name.replace('*', "a")) && name != "*") {
            // It is the narrower one that is to stay: there is nothing to remove here.
            let message = format!("`*` covers {}: leave out `*`", show::quoted(host.trimmed()));
            cx.report(&COVERED, host.span(), message).related(over.span(), "the wildcard is here");
        }
        return;
    }
    let wild: HashMap<String, Text<'_, '_>> =
        normal.iter().filter_map(|(name, host)| Some((suffix(name)?, *host))).collect();
    for (name, host) in normal.iter().filter(|(name, _)| !name.contains('*')) {
        let over = name.split_once('.').and_then(|(_, rest)| wild.get(rest));
        let Some(over) = over else { continue };
        let message = format!("{} covers {}", show::quoted(over.trimmed()), show::quoted(host.trimmed()));
        let edit = cx.remove_listed(host.node);
        cx.report(&COVERED, host.span(), message)
            .related(over.span(), "the wildcard is here")
            .tag(Tag::Unnecessary)
            .unsafe_fix("Remove the host", vec![edit]);
    }
}

/// Whether a URL parser would read `host` as an address: its last label is a number.
fn ends_in_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    hex || (!last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()))
}

/// An IPv4 address in any notation: one to four numbers, decimal, octal or hexadecimal, the last filling what is left.
fn ipv4(host: &str) -> Option<Ipv4Addr> {
    let parts: Vec<&str> = host.split('.').collect();
    let (last, first) = parts.split_last()?;
    if parts.len() > 4 {
        return None;
    }
    let number = |part: &str| match part.strip_prefix("0x") {
        Some("") => Some(0),
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None if part.len() > 1 && part.starts_with('0') => u32::from_str_radix(part, 8).ok(),
        None => part.parse::<u32>().ok(),
    };
    // `+1` parses as a number but is none here.
    if !host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.') {
        return None;
    }
    let mut address: u32 = 0;
    for (i, part) in first.iter().enumerate() {
        let value = number(part).filter(|value| *value <= 255)?;
        address |= value << (24 - 8 * i);
    }
    let last = number(last)?;
    let room = 32 - 8 * first.len();
    let fits = room == 32 || last < (1 << room);
    fits.then(|| Ipv4Addr::from(address | last))
}

/// The address as it is written, with what it is read as where that is not the same.
fn written_address(written: &str, address: Ipv4Addr) -> String {
    let plain = address.to_string();
    if written == plain { format!("`{plain}`") } else { format!("{}, read as `{plain}`,", show::quoted(written)) }
}

/// What an address that is not public belongs to.
fn private_address(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = address.octets();
    Some(match address.octets() {
        [169, 254, 169, 254] | [100, 100, 100, 200] | [168, 63, 129, 16] | [192, 0, 0, 192] => {
            "the metadata service of a cloud"
        }
        _ if a == 127 || a == 0 => "this machine itself",
        _ if a == 10 || (a == 172 && (16..32).contains(&b)) || (a == 192 && b == 168) => {
            "an address of a private network"
        }
        _ if a == 169 && b == 254 => "a link-local address",
        _ if a == 100 && (64..128).contains(&b) => "an address of a provider's own network",
        _ if (a == 192 && b == 0 && c == 0) || (a == 198 && (18..20).contains(&b)) || a >= 224 => {
            "no address of a host"
        }
        _ => return None,
    })
}

/// What a name that is not public belongs to. Names that end in a wildcard's suffix count as well.
fn private_name(name: &str) -> Option<&'static str> {
    const METADATA: &[&str] = &[
        "metadata",
        "metadata.google.internal",
        "metadata.azure.internal",
        "instance-data",
        "instance-data.ec2.internal",
    ];
    let is_below = |suffix: &str| name == suffix || name.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'));
    if METADATA.contains(&name) {
        Some("the metadata service of a cloud")
    } else if is_below("localhost") || name == "localhost.localdomain" {
        Some("this machine itself")
    } else if LOCAL_SUFFIXES.iter().any(|suffix| is_below(suffix)) {
        Some("a host of a local network")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_any_notation() {
        for (written, address) in [
            ("1.2.3.4", [1, 2, 3, 4]),
            ("127.1", [127, 0, 0, 1]),
            ("0x7f.1", [127, 0, 0, 1]),
            ("2130706433", [127, 0, 0, 1]),
            ("0177.0.0.1", [127, 0, 0, 1]),
            ("0xa9fea9fe", [169, 254, 169, 254]),
            ("10.1.65535", [10, 1, 255, 255]),
            ("4294967295", [255, 255, 255, 255]),
        ] {
            assert_eq!(ipv4(written), Some(address.into()), "{written}");
        }
        for none in ["1.2.3.4.5", "256.1.1.1", "1.2.65536", "4294967296", "a.1", "1.2.3.09", "", "1..2", "-1"] {
            assert_eq!(ipv4(none), None, "{none}");
        }
        assert!(ends_in_number("a.1") && ends_in_number("1.0x") && !ends_in_number("1.a") && !ends_in_number("1.0xg"));
    }

    #[test]
    fn parts_of_urls() {
        let parts = |value: &str| {
            let of = Parts::of(value);
            [of.scheme, of.user, of.host, of.port, of.path].map(|range| value[range].to_owned())
        };
        assert_eq!(parts(" https://u:p@a.b:80/c@d "), ["https://", "u:p@", "a.b", ":80", "/c@d"]);
        assert_eq!(parts("a.b?q"), ["", "", "a.b", "", "?q"]);
        assert_eq!(parts("//a.b"), ["//", "", "a.b", "", ""]);
        assert_eq!(parts("[::1]:80"), ["", "", "[::1]", ":80", ""]);
        assert_eq!(parts("fe80::1%eth0"), ["", "", "fe80::1%eth0", "", ""]);
        assert_eq!(parts("a.b//c"), ["", "", "a.b", "", "//c"]);
        assert_eq!(parts("http:a.b"), ["http:", "", "a.b", "", ""]);
        assert_eq!(parts("HTTPS:/a.b/c"), ["HTTPS:/", "", "a.b", "", "/c"]);
        assert_eq!(parts("wss:///a.b"), ["wss:///", "", "a.b", "", ""]);
        assert_eq!(parts("http:8080"), ["", "", "http", ":8080", ""]);
        assert_eq!(parts("a:80.b"), ["", "", "a:80.b", "", ""]);
        assert_eq!(parts("a:b:80"), ["", "", "a:b", ":80", ""]);
        assert_eq!(parts("a.b:"), ["", "", "a.b", ":", ""]);
        assert_eq!(parts(""), ["", "", "", "", ""]);
    }

    #[test]
    fn what_is_rejected_is_told() {
        let pieces = ["", "a", ".", "-", ":", "/", "@", "//", "_", " ", "[", "\u{E9}", "::1"];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    for d in pieces {
                        let host = format!("{a}{b}{c}{d}");
                        let text = format!("[capabilities]\nhttp_egress_allowlist = ['{host}']\n");
                        let analysis = crate::analyze(&text, &crate::Options::default());
                        let told = analysis.diagnostics.iter().any(|diagnostic| {
                            diagnostic.rule.code.starts_with("egress/")
                                && diagnostic.rule.daemon == crate::Daemon::Rejects
                        });
                        assert_eq!(told, !grammar::is_host(&host), "{host:?}");
                    }
                }
            }
        }
    }
}
