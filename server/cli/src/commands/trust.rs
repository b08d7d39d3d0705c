//! `skillyard trust`: whom you trust, and changing that.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use skillyard_project::{
    audit::{AuditOptions, Policy, audit_artifact},
    home::Home,
    shown,
    trust::{self, Changed, Listing, SealState, SealWith, StoreDigest},
    verify::{Pin, PublicKey, TrustDecision, TrustOptions},
};

use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{self, Format, PalyraArguments, SCHEMA_VERSION, public_key, publisher_and_key},
    out,
    report::skill,
    sheet::{Sheet, Tone},
    watch::Watch,
};

/// Show and change whom you trust
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:
  skillyard trust list
  skillyard trust allow acme=d04ab232…                 a key that you got from the publisher
  skillyard trust pin acme.ledger-1.2.0.palyra-skill   the key of an artifact, once it and its audit hold
  skillyard trust remove acme

A listed key was checked by you; a pinned one is only the first that was seen."
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Show the publishers and keys that you trust
    List {
        #[command(flatten)]
        common: Common,
    },
    /// List a publisher's key as trusted; a publisher may have several
    Allow {
        /// The publisher, `=`, and the public key in hex
        #[arg(value_name = "PUB=HEX", value_parser = publisher_and_key)]
        key: (String, PublicKey),
        #[command(flatten)]
        common: Common,
    },
    /// Remember the first key that is seen of a publisher: from an artifact that verifies and passes the audit, or given
    Pin {
        /// An artifact, or the publisher, `=`, and the public key in hex; `-` is an artifact on standard input
        #[arg(value_name = "ARTIFACT or PUB=HEX")]
        what: String,
        #[command(flatten)]
        palyra: PalyraArguments,
        #[command(flatten)]
        common: Common,
    },
    /// Trust a publisher no more, or one of its keys
    Remove {
        /// The publisher
        publisher: String,
        /// Only this public key, in hex
        #[arg(value_parser = public_key)]
        key: Option<PublicKey>,
        #[command(flatten)]
        common: Common,
    },
    /// Take the store as it is, though something else than Skillyard changed it
    Accept {
        /// The digest of what you looked at, as the refusal names it
        digest: StoreDigest,
        /// Where the secret of the seal is kept from now on
        #[arg(long, value_enum, default_value_t = Seal::Same)]
        seal: Seal,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Args, Debug)]
struct Common {
    /// The trust store, in place of $PALYRA_SKILLS_TRUST_STORE or the usual one
    #[arg(long, value_name = "FILE")]
    trust_store: Option<PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Seal {
    /// Where it is
    Same,
    /// In the system's credential store
    CredentialStore,
    /// In a file that only you can read
    SecretFile,
}

/// Does what the subcommand says.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    match &arguments.command {
        Command::List { common } => list(common),
        Command::Allow { key: (publisher, key), common } => {
            let changed = trust::allow(&common.home()?, publisher, *key).map_err(Error::Flow)?;
            tell(common, &changed, publisher, Some(*key), "listed")
        }
        Command::Pin { what, palyra, common } => pin(what, palyra, common),
        Command::Remove { publisher, key, common } => {
            let changed = trust::remove(&common.home()?, publisher, *key).map_err(Error::Flow)?;
            tell(common, &changed, publisher, *key, "removed")
        }
        Command::Accept { digest, seal, common } => accept(*digest, *seal, common),
    }
}

impl Common {
    fn home(&self) -> Result<Home, Error> {
        machine::home(self.trust_store.clone())
    }
}

fn seal_name(seal: SealState) -> &'static str {
    match seal {
        SealState::Unsealed => "unsealed",
        SealState::CredentialStore => "credential_store",
        SealState::SecretFile => "secret_file",
    }
}

fn seal_words(seal: SealState) -> &'static str {
    match seal {
        SealState::Unsealed => "not yet: Skillyard has not written it, so a change by others goes unseen",
        SealState::CredentialStore => "by a secret in the system's credential store",
        SealState::SecretFile => "by a secret file that only you can read; a program that runs as you can read it too",
    }
}

fn list(common: &Common) -> Result<Exit, Error> {
    let listing = trust::list(&common.home()?).map_err(Error::Flow)?;
    let text = match common.format {
        Format::Human => human_list(&listing),
        Format::Json => {
            let key = |key: &PublicKey| json!({ "public_key": key.to_string(), "key_id": key.id() });
            let trusted = listing.trusted.iter().map(
                |(publisher, keys)| json!({ "publisher": publisher, "keys": keys.iter().map(key).collect::<Vec<_>>() }),
            );
            let pinned =
                listing.pinned.iter().map(|(publisher, pin)| json!({ "publisher": publisher, "key": key(pin) }));
            json::line(&json!({
                "schema_version": SCHEMA_VERSION,
                "path": listing.path.to_string_lossy(),
                "digest": listing.digest.to_string(),
                "seal": seal_name(listing.seal),
                "trusted": trusted.collect::<Vec<_>>(),
                "pinned": pinned.collect::<Vec<_>>(),
                "findings": listing.faults.iter().map(crate::report::finding).collect::<Vec<_>>(),
            })) + "\n"
        }
    };
    out::print(&text)?;
    Ok(if listing.faults.is_empty() { Exit::Fine } else { Exit::Findings })
}

fn human_list(listing: &Listing) -> String {
    let mut sheet = Sheet::new();
    sheet.title(&format!("Trust store {}", listing.path.display()));
    sheet.row("sealed", seal_words(listing.seal));
    if listing.trusted.is_empty() && listing.pinned.is_empty() {
        sheet.blank();
        sheet
            .line("You trust nobody yet. `skillyard trust allow PUB=HEX` lists a key that you got from its publisher.");
    }
    if !listing.trusted.is_empty() {
        sheet.heading("Listed by you");
        for (publisher, keys) in &listing.trusted {
            sheet.rows(publisher, keys.iter().map(|key| format!("{} ({key})", key.id())));
        }
    }
    if !listing.pinned.is_empty() {
        sheet.heading("Pinned at first use");
        for (publisher, key) in &listing.pinned {
            sheet.row(publisher, &format!("{} ({key})", key.id()));
        }
    }
    sheet.findings(&listing.faults);
    sheet.finish()
}

/// What became of a change. That nothing had to change is fine.
fn tell(
    common: &Common,
    changed: &Changed,
    publisher: &str,
    key: Option<PublicKey>,
    what: &'static str,
) -> Result<Exit, Error> {
    if let Some(known) = &changed.looks_like {
        let words = format!(
            "`{}` looks like `{}`, whom you know already, and is another publisher",
            shown::line(publisher),
            shown::line(known)
        );
        out::say("warning", &words);
    }
    let text = match common.format {
        Format::Human => {
            let mut sheet = Sheet::new();
            let of = key.map_or_else(String::new, |key| format!(" with {}", key.id()));
            if changed.written {
                sheet.verdict(Tone::Good, &what.to_uppercase(), &format!("{publisher}{of}"));
            } else {
                sheet.verdict(Tone::Plain, "NOTHING TO DO", &format!("{publisher}{of} is so already"));
            }
            sheet.row("trust store", &changed.path.to_string_lossy());
            sheet.finish()
        }
        Format::Json => {
            json::line(&json!({
                "schema_version": SCHEMA_VERSION,
                "action": what,
                "written": changed.written,
                "publisher": publisher,
                "public_key": key.map(|key| key.to_string()),
                "key_id": key.map(|key| key.id()),
                "looks_like": changed.looks_like,
                "path": changed.path.to_string_lossy(),
            })) + "\n"
        }
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}

fn pin(what: &str, palyra: &PalyraArguments, common: &Common) -> Result<Exit, Error> {
    let home = common.home()?;
    // A file with `=` in its name has a path.
    if let Some((publisher, key)) = what.split_once('=').filter(|_| !PathBuf::from(what).exists()) {
        let key = public_key(key).map_err(|why| Error::BadKey { given: key.to_owned(), why })?;
        let changed = trust::pin(&home, publisher, key).map_err(Error::Flow)?;
        return tell(common, &changed, publisher, Some(key), "pinned");
    }
    let bytes = machine::artifact(&PathBuf::from(what))?;
    let options = AuditOptions {
        policy: Policy::default(),
        feed: None,
        palyra: palyra.version(),
        now_unix_ms: machine::now_unix_ms(),
    };
    let trusting = TrustOptions { pin: true, ..TrustOptions::default() };
    let watch = Watch::new();
    let audited = audit_artifact(&bytes, &home, &trusting, &options, &watch);
    drop(watch);
    let audited = audited.map_err(Error::Flow)?;
    let about = &audited.verification;
    let (Some(publisher), true) = (&about.publisher, audited.passed()) else {
        let mut sheet = Sheet::new();
        skill::title(&mut sheet, about);
        skill::verdict(&mut sheet, about);
        sheet.toned_row(Tone::Bad, "not pinned", "only a key is pinned whose artifact holds and passes the audit");
        let findings = audited.report.as_ref().map_or(&about.findings, |report| &report.findings);
        sheet.findings(findings);
        out::print_aside(&sheet.finish());
        return Ok(Exit::Findings);
    };
    let listed = about.trust_decision == Some(TrustDecision::Allowlisted);
    let changed =
        Changed { written: audited.pin == Pin::Pinned, path: home.paths().trust_store.clone(), looks_like: None };
    tell(common, &changed, publisher, about.public_key, if listed { "listed" } else { "pinned" })
}

fn accept(digest: StoreDigest, seal: Seal, common: &Common) -> Result<Exit, Error> {
    let home = common.home()?;
    let with = match seal {
        Seal::Same => SealWith::Same,
        Seal::CredentialStore => SealWith::CredentialStore,
        Seal::SecretFile => SealWith::SecretFile,
    };
    let sealed = trust::accept(&home, digest, with).map_err(Error::Flow)?;
    let text = match common.format {
        Format::Human => {
            let mut sheet = Sheet::new();
            sheet.verdict(Tone::Good, "ACCEPTED", &format!("the trust store is {digest} from now on"));
            sheet.row("sealed", seal_words(sealed));
            sheet.finish()
        }
        Format::Json => {
            json::line(&json!({
                "schema_version": SCHEMA_VERSION,
                "action": "accepted",
                "written": true,
                "publisher": null,
                "public_key": null,
                "key_id": null,
                "looks_like": null,
                "path": home.paths().trust_store.to_string_lossy(),
            })) + "\n"
        }
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}
