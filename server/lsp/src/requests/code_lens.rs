//! `textDocument/codeLens` and `codeLens/resolve`: the commands about the whole manifest over its first line, *Run Tool*
//! over each tool.
//!
//! The first stand there whatever the text is, so that nothing jumps while an author types. What is known of modules, of
//! findings in them and of what is installed stands behind a command's name, and is looked up when a lens is shown; a
//! client that does not say that it asks then gets it at once.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use skillyard_ide::{install_note, run_note};
use skillyard_manifest::outline;
use tokio::task;
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{self, CodeLens, CodeLensParams, Range, Uri},
};

use super::DocumentRequest;
use crate::{
    commands::Command,
    log::log,
    session::{Session, Snapshot},
};

/// `textDocument/codeLens`.
pub(crate) struct CodeLenses;

impl DocumentRequest for CodeLenses {
    type Params = CodeLensParams;
    type Answer = Option<Vec<CodeLens>>;

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document.uri
    }

    fn answer(snapshot: &Snapshot, _: Self::Params) -> Result<Self::Answer> {
        let revision = &snapshot.revision;
        // What is in no folder cannot be packaged.
        if !revision.is_skill() {
            return Ok(None);
        }
        let notes = (!snapshot.client.resolves_lenses).then(|| Notes::of(snapshot));
        let lens = |range: Range, command: Command, tool: Option<String>| {
            let over = Over { uri: revision.uri.clone(), command: command.name().to_owned(), tool };
            CodeLens {
                range,
                command: notes.as_ref().and_then(|notes| over.call(notes)),
                data: serde_json::to_value(over).ok(),
            }
        };
        let mut lenses = Command::OF_MANIFEST.map(|command| lens(Range::default(), command, None)).to_vec();
        let tools = outline::tools(revision.text()).into_iter().filter(|tool| !tool.id.is_empty());
        let converter = snapshot.converter();
        lenses.extend(tools.map(|tool| lens(converter.range(tool.span), Command::RunTool, Some(tool.id))));
        Ok(Some(lenses))
    }
}

/// `codeLens/resolve`: the lens with its command, as things are now.
pub(crate) async fn resolve_lens(session: &Session, mut lens: CodeLens) -> Result<CodeLens> {
    let Some(over) = lens.data.as_ref().and_then(|data| Over::deserialize(data).ok()) else { return Ok(lens) };
    let snapshot = session.snapshot(&over.uri);
    lens.command =
        session.work(move || over.call(&snapshot.map(|snapshot| Notes::of(&snapshot)).unwrap_or_default())).await?;
    Ok(lens)
}

/// What a lens carries to be resolved by. The editors read `tool` of it too, to name the tools of a manifest.
#[derive(Serialize, Deserialize)]
struct Over {
    uri: Uri,
    /// The name of the command.
    command: String,
    /// The tool's id, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tool: Option<String>,
}

impl Over {
    /// The call, with what is known behind its title; `None` where there is no such command.
    fn call(&self, notes: &Notes) -> Option<ls_types::Command> {
        let command = Command::find(&self.command)?;
        let mut call = match &self.tool {
            Some(id) => Command::on_tool(&self.uri, id),
            None => command.on(&self.uri),
        };
        if let Some(note) = notes.behind(command) {
            call.title = format!("{} · {note}", call.title);
        }
        Some(call)
    }
}

/// What stands behind the names of the commands of one manifest.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Notes {
    audit: Option<String>,
    install: Option<String>,
    run: Option<String>,
}

impl Notes {
    /// What is known now. Nothing on the disk is looked at.
    fn of(snapshot: &Snapshot) -> Self {
        // An empty folder and one that nobody has looked at are told apart by that alone.
        let facts = snapshot.has_surroundings().then(|| snapshot.facts());
        let findings = snapshot.audited.as_ref().map(|audited| audited.loud(&snapshot.analysed()));
        Self {
            audit: findings.filter(|&count| count > 0).map(|count| {
                let (count, plural) = (count.to_string(), if count == 1 { "" } else { "s" });
                format!("{count} finding{plural}")
            }),
            install: facts.as_ref().and_then(|facts| install_note(snapshot.source(), facts)),
            run: facts.as_ref().map(|facts| run_note(snapshot.source(), facts)),
        }
    }

    fn behind(&self, command: Command) -> Option<&str> {
        match command {
            Command::Audit => self.audit.as_deref(),
            Command::Install => self.install.as_deref(),
            Command::RunTool => self.run.as_deref(),
            Command::PackageAndSign | Command::Verify | Command::SchemaFromExample | Command::CheckWorkspace => None,
        }
    }
}

impl Session {
    /// Has the client ask for lenses again, where something else is known of a manifest than when this was called last.
    pub(crate) async fn lenses_changed(self: &Arc<Self>, uri: &Uri) {
        if !self.abilities().refreshes_lenses {
            return;
        }
        let Some(beside) = self.snapshot(uri).map(|snapshot| snapshot.beside) else { return };
        let (session, uri) = (Arc::clone(self), uri.clone());
        let changed = self.work(move || {
            // Held while the newest state is taken, so that nobody puts an older one in its place.
            let mut known = beside.notes();
            let Some(snapshot) = session.snapshot(&uri) else { return false };
            let notes = Notes::of(&snapshot);
            std::mem::replace(&mut *known, notes.clone()) != notes
        });
        if changed.await.is_ok_and(|changed| changed) {
            self.refresh_lenses();
        }
    }

    /// Has the client ask for lenses again, where it can.
    pub(crate) fn refresh_lenses(self: &Arc<Self>) {
        if self.abilities().refreshes_lenses {
            let session = Arc::clone(self);
            task::spawn(async move {
                if let Err(error) = session.client.code_lens_refresh().await {
                    log(&format!("the client does not refresh its lenses: {error}"));
                }
            });
        }
    }
}
