//! Which hosts a manifest grants.

use url::Host;

/// The hosts of `capabilities.http_egress_allowlist`, read as a URL's host is read.
///
/// An entry is trimmed, lower-cased and loses the dots at its end, as a daemon does before it looks at one; then the
/// parser of URLs reads it, so that entry and request have one form. `*.acme.example` grants every name of just one
/// label more, as in a certificate, and `*` every name (but no bare address); a `*` elsewhere grants nothing. Only a
/// manifest that opted in has entries with `*`: a verified artifact has no others.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hosts {
    exact: Vec<Host>,
    below: Vec<String>,
    any: bool,
}

impl Hosts {
    /// Reads the entries of a manifest. What can be no host grants nothing.
    pub fn new<S: AsRef<str>>(entries: impl IntoIterator<Item = S>) -> Self {
        let mut hosts = Self::default();
        for entry in entries {
            let entry = entry.as_ref().trim().trim_end_matches('.').to_ascii_lowercase();
            if entry == "*" {
                hosts.any = true;
            } else if let Some(suffix) = entry.strip_prefix("*.") {
                if let Ok(Host::Domain(suffix)) = Host::parse(suffix)
                    && !suffix.contains('*')
                {
                    hosts.below.push(suffix);
                }
            } else if !entry.contains('*')
                && let Ok(host) = Host::parse(&entry)
            {
                hosts.exact.push(host);
            }
        }
        hosts
    }

    /// Whether a request to `host` is granted.
    #[must_use]
    pub fn grant(&self, host: &Host<&str>) -> bool {
        if self.exact.iter().any(|exact| exact == host) {
            return true;
        }
        let Host::Domain(name) = host else { return false };
        let below = |(label, rest): (&str, &str)| !label.is_empty() && self.below.iter().any(|suffix| suffix == rest);
        (self.any && !name.ends_with('.')) || name.split_once('.').is_some_and(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(entries: &[&str], host: &str) -> bool {
        let host = Host::parse(host).unwrap();
        let host = match &host {
            Host::Domain(name) => Host::Domain(name.as_str()),
            Host::Ipv4(v4) => Host::Ipv4(*v4),
            Host::Ipv6(v6) => Host::Ipv6(*v6),
        };
        Hosts::new(entries).grant(&host)
    }

    #[test]
    fn exactly_or_by_a_wildcard_of_one_label() {
        assert!(grants(&["api.acme.example"], "api.acme.example"));
        assert!(grants(&[" API.acme.example. "], "api.acme.example"));
        for other in ["acme.example", "x.api.acme.example", "api.acme.example.evil", "evil-api.acme.example"] {
            assert!(!grants(&["api.acme.example"], other), "{other}");
        }
        assert!(grants(&["*.acme.example"], "api.acme.example"));
        for other in ["acme.example", "a.b.acme.example", "evilacme.example", "api.acme.example.evil"] {
            assert!(!grants(&["*.acme.example"], other), "{other}");
        }
        assert!(grants(&["*"], "anything.example"));
        assert!(!grants(&["*"], "8.8.8.8"));
        assert!(!grants(&["*"], "[::1]"));
        for dead in ["api.*", "a*.acme.example", "*.*", "*.*.example", "", ".", "https://*.acme.example", "**"] {
            assert!(!grants(&[dead], "api.acme.example"), "{dead}");
        }
        assert!(!grants(&[], "api.acme.example"));
    }

    #[test]
    fn a_dot_at_the_end_is_another_host() {
        for entry in ["api.acme.example", "api.acme.example.", "*.acme.example", "*"] {
            assert!(!grants(&[entry], "api.acme.example."), "{entry}");
        }
    }

    #[test]
    fn addresses_have_one_form() {
        for entry in ["127.0.0.1", "127.1", "0x7f.1", "2130706433"] {
            assert!(grants(&[entry], "127.0.0.1"), "{entry}");
            assert!(grants(&[entry], "0x7f000001"), "{entry}");
            assert!(!grants(&[entry], "127.0.0.2"), "{entry}");
        }
        assert!(!grants(&["*.0.0.1"], "127.0.0.1"));
    }
}
