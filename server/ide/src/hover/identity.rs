//! What is told about who a skill is: what is installed of it, who trusts its publisher, which daemons take it.

use skillyard_manifest::{
    ErrorKind, check_compat,
    grammar::{PROTOCOL_MAJOR, Version},
};

use super::Around;
use crate::{
    asked::Asked,
    facts::{InstalledFact, TrustFact},
    prose::{Doc, Line},
};

impl Around<'_, '_, '_> {
    /// The versions that are installed, where they are known; says so where they cannot be.
    fn known_versions(&self, doc: &mut Doc) -> Option<&[InstalledFact]> {
        match self.facts.installed.as_ref()? {
            Ok(installed) => Some(installed),
            Err(why) => {
                doc.paragraph(Line::of("What is installed cannot be told: ").words(why));
                // A long path leaves no room for the advice.
                doc.say("`skillyard log` says what to do.");
                None
            }
        }
    }

    /// The versions that are installed.
    pub(super) fn installed(&self, doc: &mut Doc) {
        let Some(installed) = self.known_versions(doc) else { return };
        if installed.is_empty() {
            doc.say("No version of it is installed.");
            return;
        }
        doc.say("Installed:");
        doc.list(installed.iter().map(install).collect());
    }

    /// Whether this version is installed, and what takes it.
    pub(super) fn version(&self, asked: &Asked, doc: &mut Doc) {
        if let (Some(installed), Some(own)) = (self.known_versions(doc), Version::parse(&asked.version)) {
            let parsed = |fact: &InstalledFact| Version::parse(&fact.version);
            let this = installed.iter().find(|fact| parsed(fact) == Some(own));
            let current = installed.iter().find(|fact| fact.current);
            match (this, current) {
                (None, None) => doc.say("No version of the skill is installed."),
                (Some(this), _) if this.current => doc.paragraph(Line::of("Installed: ").join(install(this))),
                (this, current) => {
                    match this {
                        Some(this) => doc.paragraph(Line::of("Installed: ").join(install(this))),
                        None => doc.say("This version is not installed."),
                    }
                    if let Some(current) = current {
                        let order = match parsed(current) {
                            Some(theirs) if theirs > own => ": this one is a downgrade.",
                            _ => ".",
                        };
                        doc.paragraph(Line::of("The current version is ").code(&current.version).say(order));
                    }
                }
            }
        }
        self.compat(asked, doc);
    }

    /// The daemons that the skill works with, and what the one that is checked against says.
    pub(super) fn compat(&self, asked: &Asked, doc: &mut Doc) {
        let compat = &asked.compat;
        let Some(min) = Version::parse(&compat.min_palyra_version) else { return };
        let palyra = self.options.palyra_version;
        let range = match compat.max_palyra_version.as_deref().map(Version::parse) {
            None => format!("It works with Palyra `{min}` and newer"),
            Some(None) => return,
            Some(Some(max)) if max < min => return doc.say("No daemon is both at the minimum and at the maximum."),
            Some(Some(max)) if max == min => format!("It works with Palyra `{min}` only"),
            Some(Some(max)) => format!("It works with Palyra `{min}` to `{max}`"),
        };
        let verdict = match check_compat(asked, palyra) {
            Ok(()) => format!("Palyra `{palyra}` takes it."),
            Err(ErrorKind::UnsupportedProtocolMajor) => {
                format!("Palyra `{palyra}` refuses it at packaging and install: it speaks protocol `{PROTOCOL_MAJOR}`.")
            }
            Err(kind) => format!("Palyra `{palyra}` refuses it at packaging and install (`{kind}`)."),
        };
        doc.say(&format!("{range}. {verdict}"));
    }

    /// What the trust store says of the publisher.
    pub(super) fn trust(&self, asked: &Asked, doc: &mut Doc) {
        let publisher = asked.publisher.as_str();
        match &self.facts.trust {
            None => {}
            Some(TrustFact::Unknown) => doc.paragraph(unknown(publisher)),
            Some(TrustFact::Known { listed, pinned, first_use, ended }) => {
                if !listed.is_empty() {
                    let keys = listed.iter().map(String::as_str);
                    let line = Line::of("The trust store trusts ").code(publisher).say(" with ").codes(keys).say(".");
                    doc.paragraph(line);
                } else if let Some(key) = pinned {
                    let line = Line::of("The trust store pinned ").code(key).say(" for ").code(publisher);
                    doc.paragraph(line.say(" at first use."));
                } else if *first_use {
                    doc.paragraph(unknown(publisher));
                } else {
                    let line = Line::of("The trust store trusts no key of ").code(publisher);
                    doc.paragraph(line.say(": nothing new that it signs is installed."));
                }
                for why in ended {
                    doc.paragraph(Line::default().words(why).say("."));
                }
            }
            Some(TrustFact::Unreadable(why)) => {
                doc.paragraph(Line::of("The trust store cannot be read: ").words(why));
            }
        }
    }
}

/// Of a publisher whom the trust store does not name.
fn unknown(publisher: &str) -> Line {
    Line::of("The trust store does not know ")
        .code(publisher)
        .say(": an install needs the first use to be allowed, or a key to be trusted before.")
}

/// `0.1.0` (current): quarantined, because …
fn install(fact: &InstalledFact) -> Line {
    let line =
        Line::default().code(&fact.version).say(if fact.current { " (current): " } else { ": " }).words(&fact.state);
    let line = match &fact.reason {
        Some(reason) => line.say(", because: ").words(reason),
        None => line,
    };
    match &fact.ended {
        Some(why) => line.say(", does not run: ").words(why),
        None => line,
    }
}
