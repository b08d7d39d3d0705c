//! What every page about an artifact shows: what it is, the verdict, who signed, what it may do.

use std::path::Path;

use skillyard_manifest::{Grants, PolicyBinding};
use skillyard_project::{
    ErrorKind, Finding,
    home::Home,
    verify::{Pin, TrustDecision, Verification, advice},
};

use crate::{
    machine::moment,
    sheet::{Sheet, Tone, number, size},
};

/// What a command was given.
pub struct Given<'a> {
    /// The artifact.
    pub path: &'a Path,
    /// Whose trust store counts.
    pub home: &'a Home,
    /// What the command offers to somebody who does not know the publisher yet: one of the texts below, or nothing.
    pub flags: &'a str,
}

/// Of a command that looks, and that takes the key over where one wants.
pub const LOOK_OR_PIN: &str =
    "To look without deciding: --allow-tofu. To trust the first key you see from now on: --pin.";

/// Of one that takes no keys over.
pub const LOOK: &str = "To look without deciding: --allow-tofu.";

/// Name, version and publisher: as the manifest says, until the verdict says more. Of an artifact without a manifest the
/// name by which it was given.
pub fn title(sheet: &mut Sheet, about: &Verification<'_>, given: &Given<'_>) {
    match (&about.skill_id, &about.version, &about.publisher) {
        (Some(id), Some(version), Some(publisher)) => sheet.title(&format!("{id} {version} by {publisher}")),
        _ => sheet.title(&format!("{}: no artifact whose manifest can be read", given.path.display())),
    }
}

/// Accepted or refused, why, what a daemon alone would do where that differs, and how to come to trust it.
pub fn verdict(sheet: &mut Sheet, about: &Verification<'_>, given: &Given<'_>) {
    let publisher = about.publisher.as_deref().unwrap_or("the publisher");
    if about.accepted {
        let (tone, why) = match about.trust_decision {
            Some(TrustDecision::Allowlisted) => {
                (Tone::Good, format!("the signature holds, and {publisher} is on your list with this key"))
            }
            Some(TrustDecision::TofuPinned) => {
                (Tone::Good, format!("the signature holds, and it is the key that you know {publisher} by"))
            }
            _ => (
                Tone::Wary,
                format!(
                    "the signature holds, by a key that you see for the first time: whether it is {publisher}'s nobody proved"
                ),
            ),
        };
        sheet.verdict(tone, "ACCEPTED", &why);
        return;
    }
    let why = about.error.as_deref().unwrap_or("see the findings");
    if about.findings.iter().any(|finding| finding.rule.code == "archive/no-end-record") {
        sheet.verdict(Tone::Bad, "REFUSED", &format!("it is cut off, or is no ZIP archive; a daemon says: {why}"));
    } else {
        sheet.verdict(Tone::Bad, "REFUSED", why);
    }
    match about.daemon_error_kind {
        Some(kind) => sheet.row("a daemon", &format!("refuses it too: {kind}")),
        None => sheet.toned_row(Tone::Wary, "a daemon", "alone would accept it"),
    }
    let advice = advice(about, given.home);
    if !advice.is_empty() {
        sheet.blank();
        advice.iter().for_each(|line| sheet.line(line));
        if about.error_kind == Some(ErrorKind::UntrustedPublisher) && !given.flags.is_empty() {
            sheet.line(given.flags);
        }
    }
}

/// The findings that the verdict has not said already.
pub fn findings(about: &Verification<'_>) -> Vec<Finding> {
    let said = |finding: &Finding| finding.entry.is_none() && Some(&finding.message) == about.error.as_ref();
    about.findings.iter().filter(|finding| !said(finding)).cloned().collect()
}

/// What became of a first use.
pub fn pin(sheet: &mut Sheet, about: &Verification<'_>, pin: Pin) {
    match pin {
        Pin::Pinned => sheet.toned_row(Tone::Good, "pinned", "from now on only this key speaks for the publisher"),
        Pin::AuditFailed => sheet.toned_row(Tone::Bad, "not pinned", "the audit did not pass; its findings are below"),
        Pin::None if about.accepted && about.trust_decision == Some(TrustDecision::TofuNewlyPinned) => {
            sheet.row("not pinned", "nothing was written; --pin remembers the key");
        }
        Pin::None => {}
    }
}

/// Who signed, when they say so, over what.
pub fn signature(sheet: &mut Sheet, about: &Verification<'_>) {
    sheet.blank();
    let proof = if about.accepted { "" } else { ", not proven" };
    if let (Some(id), Some(key)) = (&about.key_id, &about.public_key) {
        sheet.row("key", &format!("{id}{proof}"));
        sheet.row("public key", &key.to_string());
    }
    if let Some(at) = about.signed_at_unix_ms {
        sheet.row("signed at", &format!("{}, it says (the signature does not cover it)", moment(at)));
    }
    if let Some(payload) = &about.payload_sha256 {
        sheet.row("payload", payload);
    }
    if !about.entries.is_empty() {
        let bytes = about.entries.iter().fold(0, |sum: u64, entry| sum.saturating_add(entry.bytes));
        sheet.row("files", &format!("{}, {}", number(about.entries.len(), "file"), size(bytes)));
    }
}

/// What a daemon would let it do.
pub fn may(sheet: &mut Sheet, grants: &Grants, bindings: &[PolicyBinding]) {
    sheet.heading("May");
    sheet.rows("reach", &grants.http_hosts);
    sheet.rows("read secrets", &grants.secret_keys);
    sheet.rows("write to", &grants.storage_prefixes);
    sheet.rows("use channels", &grants.channels);
    let tools = bindings.iter().filter_map(|binding| {
        let tool = binding.resource.strip_prefix("tool:")?;
        let how = if binding.requires_approval { "asks you each time" } else { "without asking" };
        Some(format!("{tool} ({how})"))
    });
    sheet.rows("run", tools);
    if grants.http_hosts.is_empty()
        && grants.secret_keys.is_empty()
        && grants.storage_prefixes.is_empty()
        && grants.channels.is_empty()
    {
        sheet.row("nothing else", "no network, no secrets, no files");
    }
}
