//! *Package and Sign*: a skill's folder becomes an artifact, signed with a key of the person's own.
//!
//! What is signed is what is on the disk, so that it can be built again; text that stands in the editor alone is refused
//! and not quietly left out. A key is chosen by name or made on the way; its secret half stays where it is kept, and a
//! passphrase is never asked for over the protocol, which editors write to their logs.

use std::{env, sync::Arc};

use skillyard_manifest as manifest;
use skillyard_project::{
    home::Home,
    package::{Made, PackageOptions, Prepared, Report},
    shown,
    signing::{self, DEFAULT_NAME, Keep, KeptKey, KeyChoice, signing_key},
};
use tower_lsp::ls_types::MessageType;

use super::{Failure, Outcome, Skill, findings, now_unix_ms, report_of};
use crate::{
    markdown,
    work::{NoAnswer, Work},
};

const CREATE: &str = "Create a signing key";
const CANCEL: &str = "Cancel";

/// Packages with the key called `key`; without one with the usual key, or the one that the person chooses.
pub(super) async fn run(work: &Work, skill: Skill, key: Option<String>) -> Result<Outcome, Failure> {
    let home = Arc::new(work.session().home()?);
    let prepared = work.run(move |progress| {
        skill.is_saved()?;
        let options = PackageOptions {
            palyra: Some(skill.palyra()),
            now_unix_ms: i64::try_from(now_unix_ms()).unwrap_or(i64::MAX),
            ..PackageOptions::default()
        };
        Ok::<_, Failure>(Prepared::of(&skill.folder, &options, &|name| env::var(name).ok(), progress)?)
    });
    let prepared = Arc::new(prepared.await??);
    let choice = match key {
        Some(name) => KeyChoice::Named(name),
        None => choose(work, &home, &prepared).await?,
    };
    work.run(move |progress| {
        // Nobody is there to type a passphrase.
        let key = signing_key(&choice, &home, &|name| env::var_os(name), &mut |_| None).map_err(Failure::failed)?;
        let made = prepared.sign(&key, progress)?;
        Ok(Outcome {
            report: report_of(&made.report)?,
            markdown: in_markdown(&made),
            said: in_a_line(&made),
            level: MessageType::INFO,
        })
    })
    .await?
}

fn in_a_line(made: &Made) -> String {
    let Report { skill_id, version, key_id, payload_sha256, .. } = &made.report;
    let (skill_id, version) = (manifest::plain(skill_id), manifest::plain(version));
    let path = shown::path(&made.path);
    format!("{skill_id} {version} is packaged: {path}, signed with {key_id}, payload {payload_sha256}")
}

fn in_markdown(made: &Made) -> String {
    let report = &made.report;
    let mut out = format!(
        "## {} {} is packaged and signed\n\n- Artifact: {}\n- Publisher: {}\n- Key: {}\n- Payload SHA-256: {}\n\
         - Bytes: {}\n\n| entry | bytes | SHA-256 |\n| --- | ---: | --- |\n",
        markdown::words(&report.skill_id),
        markdown::words(&report.version),
        markdown::code(&made.path.to_string_lossy()),
        markdown::code(&report.publisher),
        markdown::code(&report.key_id),
        markdown::code(&report.payload_sha256),
        report.bytes,
    );
    out.extend(report.entries.iter().map(|entry| {
        format!("| {} | {} | {} |\n", markdown::cell(&entry.path), entry.bytes, markdown::code(&entry.sha256))
    }));
    out + &findings(&made.findings)
}

/// The key that is meant where none is named. Nobody is asked for one while nothing could be signed with it.
async fn choose(work: &Work, home: &Arc<Home>, prepared: &Arc<Prepared>) -> Result<KeyChoice, Failure> {
    let keys = {
        let home = Arc::clone(home);
        work.run(move |_| signing::keys(&home)).await?.map_err(Failure::failed)?
    };
    let usual = keys.len() == 1 || keys.iter().any(|key| key.name == DEFAULT_NAME);
    if usual {
        return Ok(KeyChoice::Usual);
    }
    let rehearsed = Arc::clone(prepared);
    work.run(move |progress| rehearsed.rehearse(progress)).await??;
    if keys.is_empty() {
        let question = "There is no key to sign with yet. One can be made now; it is kept for you alone, outside of any \
                        workspace, and its public half is what others will know you by.";
        let choices = [CREATE.to_owned(), CANCEL.to_owned()];
        if work.ask(question, &choices).await.map_err(unanswered)? != 0 {
            return Err(Failure::Cancelled);
        }
        let home = Arc::clone(home);
        let keep = Keep::Named { name: DEFAULT_NAME.to_owned(), in_credential_store: false, replace: false };
        work.run(move |_| signing::generate(&home, &keep)).await?.map_err(Failure::failed)?;
        return Ok(KeyChoice::Named(DEFAULT_NAME.to_owned()));
    }
    let mut choices: Vec<String> = keys.iter().map(title).collect();
    choices.push(CANCEL.to_owned());
    let chosen = work.ask("Which key signs the skill?", &choices).await.map_err(unanswered)?;
    keys.into_iter().nth(chosen).map(|key| KeyChoice::Named(key.name)).ok_or(Failure::Cancelled)
}

/// A key as a person tells it from others.
fn title(key: &KeptKey) -> String {
    match &key.public {
        Some(public) => format!("{} ({})", shown::line(&key.name), public.id()),
        None => shown::line(&key.name).into_owned(),
    }
}

fn unanswered(why: NoAnswer) -> Failure {
    match why {
        NoAnswer::Cancelled => Failure::Cancelled,
        NoAnswer::CannotAsk => Failure::Failed(
            "which key signs has to be asked, and this editor shows no questions: make a key with `skillyard keygen`, \
             or name one as `key` in the command's argument"
                .to_owned(),
        ),
    }
}
