//! *Install*: the artifact of a skill goes where installed skills are, verified and audited before.
//!
//! The bytes are read once. What only a person can decide is asked for: whether the first key of a publisher is trusted,
//! whether an older version may take the place of a newer one, and whether it may do more than the installed one.

use std::{env, path::PathBuf, sync::Arc};

use skillyard_manifest::{self as manifest, Options};
use skillyard_project::{
    Finding,
    audit::{AuditOptions, Policy},
    capabilities::Change,
    home::Home,
    install::{InstallError, InstallOptions, InstallReport, install, propose},
    installed::{InstalledError, Source},
    shown,
    standing::Refused,
    states,
    verify::{PublicKey, TrustOptions},
};
use tower_lsp::ls_types::{MessageType, Uri};

use super::{Failure, Outcome, Skill, artifact_of, findings, now_unix_ms, report_of};
use crate::{
    documents::file_path,
    markdown,
    work::{NoAnswer, Work},
};

const TRUST: &str = "Trust This Key";
const OLDER: &str = "Install the Older Version";
const WIDER: &str = "Install All the Same";
const CANCEL: &str = "Cancel";

/// What a person agreed to.
#[derive(Clone, Default)]
struct Agreed {
    stranger: Option<(String, PublicKey)>,
    downgrade: bool,
    changes: Option<Vec<Change>>,
}

/// Where an attempt came to.
enum Came {
    /// To its end.
    Done(Box<Outcome>),
    /// To a publisher whom nobody decided about.
    Stranger((String, PublicKey), String),
    /// To a version that is older than an installed one.
    Older(String),
    /// To a version that may do more than the installed one: this.
    Wider(Vec<Change>),
}

/// Installs the artifact that was named, else the one that *Package and Sign* writes of `skill`; in `folder`, else where
/// installed skills usually are.
pub(super) async fn run(
    work: &Work,
    skill: Option<Skill>,
    artifact: Option<Uri>,
    folder: Option<Uri>,
) -> Result<Outcome, Failure> {
    let folder = folder.map(|uri| {
        file_path(&uri).ok_or_else(|| Failure::Failed(format!("{} is no folder", manifest::quoted(uri.as_str()))))
    });
    let home = work.session().home()?.with_skills_in(folder.transpose()?).map_err(Failure::failed)?;
    let uri = skill.as_ref().map(|skill| skill.uri.clone());
    let read = work.run(move |_| {
        let palyra = skill.as_ref().map_or(Options::default().palyra_version, Skill::palyra);
        Ok::<_, Failure>((artifact_of(skill.as_ref(), artifact)?, palyra))
    });
    let ((path, bytes), palyra) = read.await??;
    let (bytes, home) = (Arc::new(bytes), Arc::new(home));
    let mut agreed = Agreed::default();
    loop {
        let (bytes, home, path, known) = (Arc::clone(&bytes), Arc::clone(&home), path.clone(), agreed.clone());
        let came = work.run(move |progress| {
            let trusted = known.stranger.is_some();
            let options = InstallOptions {
                trusting: TrustOptions { allow_tofu: trusted, ..TrustOptions::default() },
                audit: AuditOptions { policy: Policy::default(), feed: None, palyra, now_unix_ms: now_unix_ms() },
                allow_downgrade: known.downgrade,
                source: Source::of_file(&path),
                principal: states::principal(&|name| env::var_os(name)),
            };
            attempt(&bytes, &home, &options, &known, progress)
        });
        match came.await?? {
            Came::Done(outcome) => {
                // What is told of the installed versions.
                match &uri {
                    Some(uri) => work.session().follow_anew(uri),
                    None => {
                        let open = work.session().manifests().into_iter().filter(|manifest| manifest.is_skill());
                        open.for_each(|manifest| work.session().follow_anew(&manifest.uri));
                    }
                }
                return Ok(*outcome);
            }
            Came::Stranger((publisher, key), looks) => {
                let question = format!(
                    "Nothing is trusted by itself: the publisher {} is not known here yet, and signed with {}.{looks} Trust \
                     the key only where you know from elsewhere that it is the publisher's; it counts from then on.",
                    manifest::quoted(&publisher),
                    key.id()
                );
                agree(work, &question, TRUST, "--allow-tofu").await?;
                agreed.stranger = Some((publisher, key));
            }
            Came::Older(why) => {
                agree(work, &why, OLDER, "--allow-downgrade").await?;
                agreed.downgrade = true;
            }
            Came::Wider(changes) => {
                let wider: Vec<String> = changes.iter().filter(|change| change.widens).map(Change::words).collect();
                let question = format!("It may do more than the version that is installed: {}.", wider.join("; "));
                agree(work, &question, WIDER, "--allow-wider").await?;
                agreed.changes = Some(changes);
            }
        }
    }
}

fn attempt(
    bytes: &[u8],
    home: &Home,
    options: &InstallOptions,
    agreed: &Agreed,
    progress: &dyn skillyard_project::Progress,
) -> Result<Came, Failure> {
    let refused = |error: InstallError| match error {
        InstallError::Standing(Refused::Cancelled) => Err(Failure::Cancelled),
        InstallError::Refused { stranger: Some(stranger), findings, .. } if agreed.stranger.is_none() => {
            Ok(Came::Stranger(stranger, alike(&findings)))
        }
        InstallError::Standing(Refused::Installed(InstalledError::Downgrade { .. })) if !agreed.downgrade => {
            Ok(Came::Older(error.to_string()))
        }
        error => match InstallReport::refused(&error) {
            Some(report) => done(&report, &error.findings(), home),
            None => Err(Failure::failed(error)),
        },
    };
    let proposal = match propose(bytes, home, options, &|name| env::var_os(name), progress) {
        Ok(proposal) => proposal,
        Err(error) => return refused(error),
    };
    // Of what is there now: another process may have changed it since the person was asked.
    let changes = proposal.changes.clone().unwrap_or_default();
    if proposal.widens() && agreed.changes.as_ref() != Some(&changes) {
        return Ok(Came::Wider(changes));
    }
    match install(&proposal, home, options, progress) {
        Ok(installed) => done(&InstallReport::of(&proposal, Some(&installed)), &proposal.report.findings, home),
        Err(error) => refused(error),
    }
}

/// What is to be known of the publisher's name beside that nobody decided about it.
fn alike(found: &[Finding]) -> String {
    let of_trust = found.iter().filter(|finding| ["trust/look-alike", "trust/near-name"].contains(&finding.rule.code));
    of_trust.map(|finding| format!(" {}.", finding.message)).collect()
}

/// Asks the person; a no is a cancellation.
async fn agree(work: &Work, question: &str, yes: &str, flag: &str) -> Result<(), Failure> {
    match work.ask(question, &[yes.to_owned(), CANCEL.to_owned()]).await {
        Ok(0) => Ok(()),
        Ok(_) | Err(NoAnswer::Cancelled) => Err(Failure::Cancelled),
        Err(NoAnswer::CannotAsk) => Err(Failure::Failed(format!(
            "{question} That has to be asked, and this editor shows no questions: use `skillyard install {flag}`"
        ))),
    }
}

fn done(report: &InstallReport, found: &[Finding], home: &Home) -> Result<Came, Failure> {
    let (said, level) = match (&report.entry, &report.error) {
        (Some(entry), _) => (format!("{} is installed{}", name(entry), in_place(report)), MessageType::INFO),
        (None, error) => (error.clone().unwrap_or_default(), MessageType::ERROR),
    };
    let outcome = Outcome { report: report_of(report)?, markdown: in_markdown(report, found, home), said, level };
    Ok(Came::Done(Box::new(outcome)))
}

fn name(entry: &skillyard_project::installed::Entry) -> String {
    format!("{} {}", manifest::plain(&entry.skill_id), manifest::plain(&entry.version))
}

fn in_place(report: &InstallReport) -> String {
    let of = |version: &String| format!(", in place of {}", manifest::plain(version));
    report.previous_version.as_ref().map(of).unwrap_or_default()
}

fn in_markdown(report: &InstallReport, found: &[Finding], home: &Home) -> String {
    let mut out = match &report.entry {
        None => {
            let why = report.error.as_deref().map(markdown::message).unwrap_or_default();
            let then = if report.quarantined {
                "\n\nNo tool of the version may be called until it is enabled.\n"
            } else {
                "\n"
            };
            format!("## Not installed\n\n{why}{then}")
        }
        Some(entry) => {
            let folder: PathBuf = home.paths().skills.join(&entry.skill_id).join(&entry.version);
            let pinned = if report.pinned { ", from now on the only one that speaks for the publisher" } else { "" };
            format!(
                "## {} is installed{}\n\n- Folder: {}\n- Publisher: {}\n- Key: {}{pinned}\n- Payload SHA-256: {}\n",
                markdown::words(&name(entry)),
                markdown::words(&in_place(report)),
                markdown::code(&shown::path(&folder)),
                markdown::code(&entry.publisher),
                markdown::code(&entry.signature_key_id),
                markdown::code(&entry.payload_sha256),
            )
        }
    };
    let missing = report.entry.iter().flat_map(|entry| &entry.missing_secrets);
    let missing: Vec<String> =
        missing.map(|it| format!("- {}\n", markdown::code(&format!("{}/{}", it.scope, it.key)))).collect();
    if !missing.is_empty() {
        out.push_str(&format!("\n### Secrets that are not there yet\n\n{}", missing.concat()));
    }
    let changes = report.changes.iter().flatten();
    let changes: Vec<String> = changes
        .map(|change| {
            format!("- {}{}\n", if change.widens { "**more:** " } else { "" }, markdown::words(&change.words()))
        })
        .collect();
    if !changes.is_empty() {
        out.push_str(&format!("\n### Beside the version before\n\n{}", changes.concat()));
    }
    out + &findings(found)
}
