//! *Verify*: whether the artifact of a skill is whole, signed, and by whom.
//!
//! A publisher that the trust store does not know yet is no fault here, where an author looks at what was just made: it is
//! said, and nothing is pinned. A publisher whose key is another than the known one is refused as everywhere.

use skillyard_manifest as manifest;
use skillyard_project::verify::{TrustDecision, TrustOptions, Verification, verify};
use tower_lsp::ls_types::{MessageType, Uri};

use super::{Failure, Outcome, Skill, artifact_of, findings, now_unix_ms, report_of};
use crate::{markdown, work::Work};

/// Verifies the artifact that was named, else the one that *Package and Sign* writes.
pub(super) async fn run(work: &Work, skill: Skill, artifact: Option<Uri>) -> Result<Outcome, Failure> {
    let home = work.session().home()?;
    work.run(move |progress| {
        let (path, bytes) = artifact_of(Some(&skill), artifact)?;
        let options = TrustOptions { allow_tofu: true, ..TrustOptions::default() };
        let verified = verify(&bytes, &home, &options, skill.palyra(), now_unix_ms(), progress)?;
        let verification = &verified.verification;
        let mut report = report_of(verification)?;
        report.insert("pinned".to_owned(), false.into());
        report.insert("artifact".to_owned(), path.to_string_lossy().into());
        let (said, level) = in_a_line(verification);
        Ok(Outcome { report, markdown: in_markdown(verification), said, level })
    })
    .await?
}

fn in_a_line(verification: &Verification<'_>) -> (String, MessageType) {
    let name = name(verification);
    let Some(decision) = verification.trust_decision.filter(|_| verification.accepted) else {
        let why = verification.error.as_deref().unwrap_or("it is not accepted");
        let daemon = if verification.daemon_accepts { "; a daemon alone would take it" } else { "" };
        return (format!("{name} is refused: {why}{daemon}"), MessageType::ERROR);
    };
    let (publisher, key) = (known(&verification.publisher), known(&verification.key_id));
    let trust = in_words(decision);
    (format!("{name} is whole, and signed by {publisher} with {key}, {trust}"), MessageType::INFO)
}

fn in_words(decision: TrustDecision) -> &'static str {
    match decision {
        TrustDecision::Allowlisted => "a key that you listed",
        TrustDecision::TofuPinned => "the key that was pinned at first use",
        TrustDecision::TofuNewlyPinned => "a key that is not known here yet; nothing was pinned",
    }
}

fn name(verification: &Verification<'_>) -> String {
    match (&verification.skill_id, &verification.version) {
        (Some(id), Some(version)) => format!("{} {}", manifest::plain(id), manifest::plain(version)),
        _ => "the artifact".to_owned(),
    }
}

fn known(text: &Option<String>) -> String {
    text.as_deref().map_or_else(|| "(unknown)".to_owned(), manifest::plain)
}

fn in_markdown(verification: &Verification<'_>) -> String {
    let verdict = if verification.accepted { "accepted" } else { "refused" };
    let mut out = format!("## {}: {verdict}\n\n", markdown::words(&name(verification)));
    let why = verification.error.as_ref().filter(|_| !verification.accepted);
    out.extend(why.map(|error| format!("{}\n\n", markdown::message(error))));
    let daemon = match verification.daemon_error_kind {
        None => "takes it".to_owned(),
        Some(kind) => format!("refuses it: `{kind}`"),
    };
    let trust = verification.trust_decision.map(|decision| in_words(decision).to_owned());
    for (name, value) in [
        ("Publisher", verification.publisher.as_deref().map(markdown::code)),
        ("Key", verification.key_id.as_deref().map(markdown::code)),
        ("Trust", trust),
        ("Payload SHA-256", verification.payload_sha256.as_deref().map(markdown::code)),
        ("A daemon alone", Some(daemon)),
    ] {
        out.extend(value.map(|value| format!("- {name}: {value}\n")));
    }
    out + &findings(&verification.findings)
}
