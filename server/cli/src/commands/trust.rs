//! `skillyard trust`: whom you trust, and changing that.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use skillyard_project::{
    Finding,
    audit::{AuditOptions, Policy, audit_artifact},
    files,
    home::Home,
    shown,
    signing::{KeyChoice, NoKey, signing_key},
    trust::{self, Changed, Listing, SealState, StoreDigest},
    verify::{Pin, PublicKey, Purpose, TrustDecision, TrustOptions, Verification, verify},
};

use super::package::ask_passphrase;
use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{self, Format, PalyraArguments, SCHEMA_VERSION, Seal, Until, end, moment, public_key, publisher_and_key},
    out,
    report::skill,
    sheet::{Sheet, Tone},
    watch::Watch,
};

/// The largest statement about a change of keys that is read, in bytes.
const MAX_STATEMENT: usize = 64 << 10;

#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:
  skillyard trust list
  skillyard trust allow acme=d04ab232…                 a key that you got from the publisher
  skillyard trust pin acme.ledger-1.2.0.palyra-skill   the key of an artifact, once it and its audit hold
  skillyard trust remove acme
  skillyard trust revoke acme=d04ab232… --reason 'the key was stolen'
  skillyard trust expire acme=d04ab232… 2026-12-31     nothing new that it signed is taken afterwards
  skillyard trust floor acme.ledger 1.2.0 --reason 'CVE-2026-1234'
  skillyard trust rotate acme --to 8a88e3dd… --key old.key -o acme.rotation.json   for your publishers' users
  skillyard trust rotate acme.rotation.json                                        as one of them
  skillyard trust show acme.ledger-1.2.0.palyra-skill

A listed key was checked by you; a pinned one is only the first that was seen."
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Show the publishers and keys that you trust
    #[command(after_help = "Example:\n  skillyard trust list")]
    List {
        #[command(flatten)]
        common: Common,
    },
    /// List a publisher's key as trusted; a publisher may have several
    #[command(after_help = "Example:\n  skillyard trust allow acme=d04ab232…")]
    Allow {
        /// The publisher, `=`, and the public key in hex
        #[arg(value_name = "PUB=HEX", value_parser = publisher_and_key)]
        key: (String, PublicKey),
        #[command(flatten)]
        common: Common,
    },
    /// Remember the first key that is seen of a publisher: from an artifact that verifies and passes the audit, or given
    #[command(after_help = "Example:\n  skillyard trust pin acme.ledger-1.2.0.palyra-skill")]
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
    #[command(after_help = "Example:\n  skillyard trust remove acme")]
    Remove {
        /// The publisher
        publisher: String,
        /// Only this public key, in hex
        #[arg(value_parser = public_key)]
        key: Option<PublicKey>,
        #[command(flatten)]
        common: Common,
    },
    /// Take a publisher's new key for the old one, by a statement that the old key signed; or make such a statement
    #[command(after_help = "Example:\n  skillyard trust rotate acme.rotation.json")]
    Rotate {
        /// The statement; with --to the publisher whose key changes
        #[arg(value_name = "FILE or PUB")]
        what: String,
        /// Make a statement for this new public key, in hex, signed with the old one
        #[arg(long, value_name = "HEX", value_parser = public_key, requires = "output")]
        to: Option<PublicKey>,
        /// Sign with the old key in this file
        #[arg(long, value_name = "FILE", group = "signing", requires = "to")]
        key: Option<PathBuf>,
        /// Sign with this one of your own keys; else it is `default`, or the only one
        #[arg(long, value_name = "NAME", group = "signing", requires = "to")]
        key_name: Option<String>,
        /// Where the statement is written to
        #[arg(short, long, value_name = "FILE", requires = "to")]
        output: Option<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
    /// Revoke a key, or all keys of a publisher: nothing that they signed is taken or run any more
    #[command(after_help = "Example:\n  skillyard trust revoke acme=d04ab232… --reason 'the key was stolen'")]
    Revoke {
        /// The publisher, and the key where it is one: `PUB` or `PUB=HEX`
        #[arg(value_name = "PUB or PUB=HEX")]
        what: String,
        /// Why
        #[arg(long, value_name = "R")]
        reason: String,
        #[command(flatten)]
        common: Common,
    },
    /// End the time of a key: nothing new that it signed is taken afterwards, and what is installed goes on running
    #[command(after_help = "Example:\n  skillyard trust expire acme=d04ab232… 2026-12-31")]
    Expire {
        /// The publisher, `=`, and the public key in hex
        #[arg(value_name = "PUB=HEX", value_parser = publisher_and_key)]
        key: (String, PublicKey),
        /// Its last day or moment, in UTC: 2026-12-31 or 2026-12-31T12:00:00Z; or `never`
        #[arg(value_name = "END", value_parser = end)]
        end: Until,
        /// Set it though an earlier end is set
        #[arg(long)]
        later: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Set the version below which nothing of a skill is taken or run
    #[command(after_help = "Example:\n  skillyard trust floor acme.ledger 1.2.0 --reason 'CVE-2026-1234'")]
    Floor {
        /// The skill
        skill: String,
        /// The lowest version that is taken
        #[arg(value_name = "VERSION")]
        lowest: String,
        /// Why
        #[arg(long, value_name = "R")]
        reason: String,
        /// Set it though a higher one is set
        #[arg(long)]
        lower: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Explain step by step whether a key, or the key of an artifact, is trusted
    #[command(after_help = "Example:\n  skillyard trust show acme.ledger-1.2.0.palyra-skill")]
    Show {
        /// An artifact, or the publisher, `=`, and the public key in hex
        #[arg(value_name = "ARTIFACT or PUB=HEX")]
        what: String,
        #[command(flatten)]
        palyra: PalyraArguments,
        #[command(flatten)]
        common: Common,
    },
    /// Take the store as it is, though something else than Skillyard changed it
    #[command(after_help = "Example:\n  skillyard trust accept 8f14e45f…     the digest that the refusal names")]
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

/// Does what the subcommand says.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    match &arguments.command {
        Command::List { common } => list(common),
        Command::Allow { key: (publisher, key), common } => {
            let changed = trust::allow(&common.home_to_change()?, publisher, *key).map_err(Error::Flow)?;
            tell(common, &changed, publisher, Some(*key), "listed")
        }
        Command::Pin { what, palyra, common } => pin(what, palyra, common),
        Command::Remove { publisher, key, common } => {
            let home = common.home_to_change()?;
            let changed = trust::remove(&home, publisher, *key).map_err(Error::Flow)?;
            if let Some(why) = stranger(&home, publisher).filter(|_| !changed.written) {
                return Err(Error::Refused(why));
            }
            tell(common, &changed, publisher, *key, "removed")
        }
        Command::Rotate { what, to, key, key_name, output, common } => match (to, output) {
            (Some(to), Some(output)) => make_rotation(what, *to, key.as_ref(), key_name.as_ref(), output, common),
            _ => rotate(what, common),
        },
        Command::Revoke { what, reason, common } => revoke(what, reason, common),
        Command::Expire { key: (publisher, key), end, later, common } => expire(publisher, *key, end.0, *later, common),
        Command::Floor { skill, lowest, reason, lower, common } => floor(skill, lowest, reason, *lower, common),
        Command::Show { what, palyra, common } => show(what, palyra, common),
        Command::Accept { digest, seal, common } => accept(*digest, *seal, common),
    }
}

impl Common {
    fn home(&self) -> Result<Home, Error> {
        machine::home(self.trust_store.clone())
    }

    /// [`Common::home`], once what an earlier change left to do is done.
    fn home_to_change(&self) -> Result<Home, Error> {
        let home = self.home()?;
        for finished in trust::finish(&home, machine::now_i64()).map_err(Error::Flow)? {
            out::say("note", &format_args!("put right after a crash: {finished}"));
        }
        Ok(home)
    }
}

/// What is said of a publisher who is to go and is not there: nobody should take a slip for a removal.
fn stranger(home: &Home, publisher: &str) -> Option<String> {
    let listing = trust::list(home).ok()?;
    let trusted = listing.trusted.iter().map(|(publisher, _)| publisher.as_str());
    let known: BTreeSet<&str> = trusted.chain(listing.pinned.iter().map(|(publisher, _)| publisher.as_str())).collect();
    if known.contains(publisher) {
        return None;
    }
    let has: Vec<&str> = known.into_iter().take(10).collect();
    let has = if has.is_empty() { "it is empty".to_owned() } else { format!("it has {}", has.join(", ")) };
    Some(format!("no key of `{publisher}` is in the trust store; {has}. `skillyard trust list` shows the keys"))
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
    let home = common.home_to_change()?;
    // A file with `=` in its name has a path.
    if let Some((publisher, key)) = what.split_once('=').filter(|_| !Path::new(what).exists()) {
        let key = public_key(key).map_err(|why| Error::BadKey { given: key.to_owned(), why })?;
        let changed = trust::pin(&home, publisher, key).map_err(Error::Flow)?;
        return tell(common, &changed, publisher, Some(key), "pinned");
    }
    let bytes = machine::artifact(Path::new(what))?;
    let options = AuditOptions {
        policy: Policy::default(),
        feed: None,
        palyra: palyra.version(),
        now_unix_ms: machine::now_unix_ms(),
    };
    let trusting = TrustOptions { pin: true, ..TrustOptions::default() };
    let watch = Watch::new();
    let audited = audit_artifact(&bytes, &home, &trusting, &options, Purpose::Take, &watch);
    drop(watch);
    let audited = audited.map_err(Error::Flow)?;
    let about = &audited.verification;
    let (Some(publisher), true) = (&about.publisher, audited.passed()) else {
        if common.format == Format::Json {
            let findings = audited.report.as_ref().map_or(&about.findings, |report| &report.findings);
            return Err(refused(about, findings));
        }
        let mut sheet = Sheet::new();
        let given = skill::Given { path: Path::new(what), home: &home, flags: "" };
        skill::title(&mut sheet, about, &given);
        skill::verdict(&mut sheet, about, &given);
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

/// An artifact that is refused, for a program.
fn refused(about: &Verification<'_>, findings: &[Finding]) -> Error {
    Error::RefusedArtifact {
        why: about.error.clone().unwrap_or_else(|| "only a key is pinned whose artifact passes the audit".to_owned()),
        kind: about.error_kind.map_or_else(|| Some("AuditFailed".to_owned()), |kind| Some(kind.to_string())),
        findings: findings.to_vec(),
    }
}

/// One change as JSON in a line; the same keys as of the others.
fn changed(action: &str, written: bool, publisher: Option<&str>, key: Option<PublicKey>, path: &Path) -> String {
    json::line(&change(action, written, publisher, key, path)) + "\n"
}

fn change(action: &str, written: bool, publisher: Option<&str>, key: Option<PublicKey>, path: &Path) -> Value {
    json!({
        "schema_version": SCHEMA_VERSION,
        "action": action,
        "written": written,
        "publisher": publisher,
        "public_key": key.map(|key| key.to_string()),
        "key_id": key.map(|key| key.id()),
        "looks_like": null,
        "path": path.to_string_lossy(),
    })
}

fn make_rotation(
    publisher: &str,
    new: PublicKey,
    key: Option<&PathBuf>,
    key_name: Option<&String>,
    output: &Path,
    common: &Common,
) -> Result<Exit, Error> {
    let choice = match (key, key_name) {
        (Some(file), _) => KeyChoice::File(file.clone()),
        (_, Some(name)) => KeyChoice::Named(name.clone()),
        _ => KeyChoice::Usual,
    };
    let old = signing_key(&choice, &common.home()?, &machine::variable, &mut ask_passphrase).map_err(Error::Key)?;
    let rotation = trust::rotation(publisher, &old, new, machine::now_i64()).map_err(Error::Flow)?;
    let text = serde_json::to_string_pretty(&rotation).map_err(|_| Error::Internal)? + "\n";
    let written = fs::File::create_new(output).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Error::Key(NoKey::Write { path: output.to_owned(), error }))?;
    let text = match common.format {
        Format::Human => {
            let mut sheet = Sheet::new();
            let words = format!("{} signed that {} takes its place", old.public().id(), new.id());
            sheet.verdict(Tone::Good, "SIGNED", &words);
            sheet.row("statement", &output.to_string_lossy());
            sheet.row("others", &format!("skillyard trust rotate {}", output.display()));
            sheet.finish()
        }
        Format::Json => changed("signed", true, Some(publisher), Some(new), output),
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}

fn rotate(statement: &str, common: &Common) -> Result<Exit, Error> {
    let bytes = files::read(&PathBuf::from(statement), MAX_STATEMENT).map_err(Error::Read)?;
    let rotated = trust::rotate(&common.home()?, &bytes, machine::now_i64()).map_err(Error::Flow)?;
    let text = match common.format {
        Format::Human => {
            let mut sheet = Sheet::new();
            let words = format!("{}: {} in place of {}", rotated.publisher, rotated.new.id(), rotated.old.id());
            match rotated.written {
                true => sheet.verdict(Tone::Good, "ROTATED", &words),
                false => sheet.verdict(Tone::Plain, "NOTHING TO DO", &words),
            }
            sheet.row("trust store", &rotated.path.to_string_lossy());
            sheet.finish()
        }
        Format::Json => changed("rotated", rotated.written, Some(&rotated.publisher), Some(rotated.new), &rotated.path),
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}

fn revoke(what: &str, reason: &str, common: &Common) -> Result<Exit, Error> {
    let (publisher, key) = match what.split_once('=') {
        None => (what, None),
        Some((publisher, key)) => {
            let key = public_key(key).map_err(|why| Error::BadKey { given: key.to_owned(), why })?;
            (publisher, Some(key))
        }
    };
    let home = common.home_to_change()?;
    let keys = trust::revoke(&home, publisher, key, reason, machine::now_i64()).map_err(Error::Flow)?;
    let text = match common.format {
        Format::Human => {
            let mut sheet = Sheet::new();
            for revoked in &keys {
                sheet.verdict(Tone::Wary, "REVOKED", &format!("{} of {publisher}", revoked.key.id()));
                if let Some(before) = &revoked.before {
                    sheet.row(
                        "before already",
                        &format!("with the reason {}, which stays", skillyard_manifest::quoted(before)),
                    );
                }
                if !revoked.removed_from.is_empty() {
                    sheet.row("not listed", &format!("under {} any more", revoked.removed_from.join(", ")));
                }
            }
            sheet.row("from now on", "nothing that it signed is taken or run");
            sheet.finish()
        }
        Format::Json => {
            let first = keys.first().map(|revoked| revoked.key);
            let all = keys.iter().map(|revoked| {
                let key = revoked.key;
                json!({ "public_key": key.to_string(), "key_id": key.id(), "removed_from": revoked.removed_from })
            });
            let written = keys.iter().any(|revoked| revoked.before.is_none() || !revoked.removed_from.is_empty());
            let mut document = change("revoked", written, Some(publisher), first, &home.paths().trust_store);
            document["revoked"] = all.collect();
            json::line(&document) + "\n"
        }
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}

fn expire(publisher: &str, key: PublicKey, end: Option<i64>, later: bool, common: &Common) -> Result<Exit, Error> {
    let home = common.home_to_change()?;
    let written = trust::expire(&home, publisher, key, end, later, machine::now_i64()).map_err(Error::Flow)?;
    let text = match common.format {
        Format::Human => {
            let mut sheet = Sheet::new();
            let (tone, word) = if written { (Tone::Good, "SET") } else { (Tone::Plain, "NOTHING TO DO") };
            let of = format!("{} of {publisher}", key.id());
            let words = match end {
                Some(end) => format!("nothing new that {of} signed is taken after {}", moment(end)),
                None => format!("the time of {of} has no end"),
            };
            sheet.verdict(tone, word, &words);
            sheet.finish()
        }
        Format::Json => changed("expires", written, Some(publisher), Some(key), &home.paths().trust_store),
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}

fn floor(skill: &str, lowest: &str, reason: &str, lower: bool, common: &Common) -> Result<Exit, Error> {
    let home = common.home_to_change()?;
    let written = trust::set_floor(&home, skill, lowest, reason, lower, machine::now_i64()).map_err(Error::Flow)?;
    let text = match common.format {
        Format::Human => {
            let mut sheet = Sheet::new();
            let (tone, word) = if written { (Tone::Good, "SET") } else { (Tone::Plain, "NOTHING TO DO") };
            sheet.verdict(tone, word, &format!("nothing of {skill} below {lowest} is taken or run"));
            sheet.finish()
        }
        Format::Json => changed("floor", written, None, None, &home.paths().trust_store),
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}

fn show(what: &str, palyra: &PalyraArguments, common: &Common) -> Result<Exit, Error> {
    let home = common.home()?;
    let now = machine::now_i64();
    let given = what.split_once('=').filter(|_| !Path::new(what).exists());
    let explained = if let Some((publisher, key)) = given {
        let key = public_key(key).map_err(|why| Error::BadKey { given: key.to_owned(), why })?;
        trust::check_publisher(publisher).map_err(|fault| Error::Flow(fault.into()))?;
        trust::explain(&home, publisher, key, None, now).map_err(Error::Flow)?
    } else {
        let bytes = machine::artifact(Path::new(what))?;
        let watch = Watch::new();
        let options = TrustOptions::default();
        let verified = verify(&bytes, &home, &options, palyra.version(), machine::now_unix_ms(), &watch);
        drop(watch);
        let about = verified.map_err(Error::Flow)?.verification;
        let (Some(publisher), Some(key)) = (&about.publisher, about.public_key) else {
            if common.format == Format::Json {
                return Err(refused(&about, &about.findings));
            }
            let mut sheet = Sheet::aside();
            let given = skill::Given { path: Path::new(what), home: &home, flags: "" };
            skill::title(&mut sheet, &about, &given);
            skill::verdict(&mut sheet, &about, &given);
            out::print_aside(&sheet.finish());
            return Ok(Exit::Findings);
        };
        let skill = about.skill_id.as_deref().zip(about.version.as_deref());
        trust::explain(&home, publisher, key, skill, now).map_err(Error::Flow)?
    };
    let text = match common.format {
        Format::Human => {
            let mut sheet = Sheet::new();
            sheet.title(&format!("{} with {} ({})", explained.publisher, explained.key.id(), explained.key));
            match explained.taken {
                true => sheet.verdict(Tone::Good, "TRUSTED", ""),
                false => sheet.verdict(Tone::Bad, "NOT TRUSTED", ""),
            }
            sheet.blank();
            for step in &explained.steps {
                let (tone, mark) = match step.speaks {
                    Some(true) => (Tone::Good, "✓"),
                    Some(false) => (Tone::Bad, "✗"),
                    None => (Tone::Plain, "-"),
                };
                sheet.item(tone, mark, &format!("{} {}", step.question, step.answer));
            }
            sheet.finish()
        }
        Format::Json => {
            json::line(&json!({
                "schema_version": SCHEMA_VERSION,
                "path": home.paths().trust_store.to_string_lossy(),
                "publisher": explained.publisher,
                "public_key": explained.key.to_string(),
                "key_id": explained.key.id(),
                "trusted": explained.taken,
                "steps": explained.steps,
            })) + "\n"
        }
    };
    out::print(&text)?;
    Ok(if explained.taken { Exit::Fine } else { Exit::Findings })
}

fn accept(digest: StoreDigest, seal: Seal, common: &Common) -> Result<Exit, Error> {
    let home = common.home()?;
    let sealed = trust::accept(&home, digest, seal.into()).map_err(Error::Flow)?;
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
