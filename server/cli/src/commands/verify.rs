//! `skillyard verify`: whether an artifact is whole, signed, and by someone who is trusted.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use skillyard_project::verify::{Pin, Verification, Verified, verify};

use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{self, Format, PalyraArguments, SCHEMA_VERSION, TrustArguments},
    out,
    report::skill,
    sheet::Sheet,
    watch::Watch,
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard verify dist/acme.ledger-1.2.0.palyra-skill
  skillyard verify --allow-tofu --format json acme.palyra-skill
  skillyard verify --pin acme.palyra-skill       and remember the publisher's key from now on
  curl … | skillyard verify -

Nothing is written unless --pin asks for it.

Exit codes: 0 accepted; 1 refused (or with --pin: the audit did not pass, so nothing was pinned); 2 the command \
could not do its work.")]
pub struct Arguments {
    /// The artifact; `-` is standard input
    artifact: PathBuf,
    #[command(flatten)]
    trust: TrustArguments,
    /// Remember the key of an unknown publisher, once everything holds and the audit passes
    #[arg(long, help_heading = "Trust")]
    pin: bool,
    #[command(flatten)]
    palyra: PalyraArguments,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Serialize)]
struct Document<'v> {
    schema_version: u32,
    #[serde(flatten)]
    verification: &'v Verification<'v>,
    pinned: bool,
}

/// Verifies, reports, and says how it went.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let home = machine::home(arguments.trust.trust_store.clone())?;
    if arguments.artifact.is_dir() {
        return Err(Error::FolderNotArtifact(arguments.artifact.clone()));
    }
    let bytes = machine::artifact(&arguments.artifact)?;
    let options = arguments.trust.options(arguments.pin);
    let watch = Watch::new();
    let verified = verify(&bytes, &home, &options, arguments.palyra.version(), machine::now_unix_ms(), &watch);
    drop(watch);
    let verified = verified.map_err(Error::Flow)?;
    let text = match arguments.format {
        Format::Human => {
            human(&verified, &skill::Given { path: &arguments.artifact, home: &home, flags: skill::LOOK_OR_PIN })
        }
        Format::Json => {
            let pinned = verified.pin == Pin::Pinned;
            json::line(&Document { schema_version: SCHEMA_VERSION, verification: &verified.verification, pinned })
                + "\n"
        }
    };
    out::print(&text)?;
    let fine = verified.verification.accepted && verified.pin != Pin::AuditFailed;
    Ok(if fine { Exit::Fine } else { Exit::Findings })
}

fn human(verified: &Verified<'_>, given: &skill::Given<'_>) -> String {
    let mut sheet = Sheet::new();
    let verification = &verified.verification;
    skill::title(&mut sheet, verification, given);
    skill::verdict(&mut sheet, verification, given);
    skill::pin(&mut sheet, verification, verified.pin);
    skill::signature(&mut sheet, verification);
    if let (Some(grants), Some(bindings)) = (&verification.grants, &verification.policy_bindings) {
        skill::may(&mut sheet, grants, bindings);
    }
    let audit = verified.audit.as_ref().filter(|_| verified.pin == Pin::AuditFailed);
    let mut findings = skill::findings(verification);
    findings.extend(audit.iter().flat_map(|audit| &audit.findings).cloned());
    sheet.findings(&findings);
    sheet.finish()
}
