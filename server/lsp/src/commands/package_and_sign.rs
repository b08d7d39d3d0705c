//! *Package and Sign*: a skill's folder becomes an artifact, signed with a key of the person's own.
//!
//! What is signed is what is on the disk, so that it can be built again; text that stands in the editor alone is refused
//! and not quietly left out. A key is chosen by name or made on the way; its secret half stays where it is kept, and a
//! passphrase is never asked for over the protocol, which editors write to their logs.

use std::{fs, path::Path, sync::Arc};

use skillyard_manifest as manifest;
use skillyard_project::{
    home::Home,
    shown,
    signing::{self, DEFAULT_NAME, Keep, KeptKey, KeyChoice},
};

use super::{Failure, Outcome, Skill};
use crate::work::{NoAnswer, Work};

const CREATE: &str = "Create a signing key";
const CANCEL: &str = "Cancel";

/// Packages with the key called `key`; without one with the usual key, or the one that the person chooses.
pub(super) async fn run(work: &Work, skill: Skill, key: Option<String>) -> Result<Outcome, Failure> {
    let home = Arc::new(work.session().home()?);
    let skill = work.run(move |_| skill.is_saved().map(|()| skill)).await??;
    let choice = match key {
        Some(name) => KeyChoice::Named(name),
        None => choose(work, &home).await?,
    };
    todo!("{choice:?}")
}

/// The key that is meant where none is named.
async fn choose(work: &Work, home: &Arc<Home>) -> Result<KeyChoice, Failure> {
    let keys = {
        let home = Arc::clone(home);
        work.run(move |_| signing::keys(&home)).await?.map_err(Failure::failed)?
    };
    let usual = keys.len() == 1 || keys.iter().any(|key| key.name == DEFAULT_NAME);
    if usual {
        return Ok(KeyChoice::Usual);
    }
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

impl Skill {
    /// Whether the manifest in the editor is the one on the disk.
    fn is_saved(&self) -> Result<(), Failure> {
        let Some(open) = &self.open else { return Ok(()) };
        let saved = on_disk(&self.manifest).is_some_and(|saved| same(&saved, &String::from(&open.revision.text)));
        if saved {
            return Ok(());
        }
        Err(Failure::Failed(format!(
            "{} has changes that are not saved, and what is signed is what is on the disk: save it first",
            shown::path(&self.manifest)
        )))
    }
}

/// The text of a manifest; `None` where there is none that can be packaged.
fn on_disk(path: &Path) -> Option<String> {
    // What is larger is refused anyway.
    let about = fs::metadata(path).ok()?;
    let wieldy = about.is_file() && about.len() <= manifest::MAX_BYTES as u64;
    if wieldy { fs::read_to_string(path).ok() } else { None }
}

/// Whether two texts are the same but for what editors keep apart from the text: a byte order mark, the kind of line
/// ends, and line ends at the end.
fn same(one: &str, other: &str) -> bool {
    fn lines(text: &str) -> impl Iterator<Item = &str> {
        text.strip_prefix('\u{feff}').unwrap_or(text).trim_end_matches(['\r', '\n']).lines()
    }
    lines(one).eq(lines(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_editor_keeps_apart_does_not_count() {
        assert!(same("a\nb\n", "\u{feff}a\r\nb"));
        assert!(same("", "\n"));
        assert!(!same("a\nb", "a\n\nb"));
        assert!(!same("a", "a "));
        assert!(!same("a", "b"));
        assert!(!same("a\n", ""));
    }
}
