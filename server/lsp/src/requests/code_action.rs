//! `textDocument/codeAction` and `codeAction/resolve`: the fixes of the diagnostics at a place, all safe fixes of a document
//! at once, and the commands, for editors without lenses.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use skillyard_ide::refactor;
use skillyard_manifest::{self as manifest, Fix, Span, fix, outline};
use tower_lsp::{
    jsonrpc::{Error, Result},
    ls_types::{
        self, CodeAction, CodeActionDisabled, CodeActionKind, CodeActionOrCommand, CodeActionParams,
        CodeActionResponse, CodeActionTriggerKind, Diagnostic, NumberOrString, Range, Uri,
    },
};

use super::DocumentRequest;
use crate::{
    commands::Command,
    documents::Kind,
    edits,
    revision::Analysed,
    session::{Session, Snapshot},
};

const FIX_ALL: CodeActionKind = CodeActionKind::new("source.fixAll.skillyard");

/// The kinds that the server offers. [`FIX_ALL`] is what a client gets that asks for either of the two about that, and
/// the commands stand below `source.skillyard`.
pub(crate) fn kinds() -> Vec<CodeActionKind> {
    let mut kinds = vec![
        CodeActionKind::QUICKFIX,
        CodeActionKind::SOURCE_FIX_ALL,
        FIX_ALL,
        CodeActionKind::new("source.skillyard"),
    ];
    for refactoring in refactor::REFACTORINGS {
        let kind = CodeActionKind::new(refactoring.kind);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

/// `textDocument/codeAction`.
pub(crate) struct CodeActions;

impl DocumentRequest for CodeActions {
    type Params = CodeActionParams;
    type Answer = Option<CodeActionResponse>;

    const ABOUT: &[Kind] = &[Kind::Manifest, Kind::Config];

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document.uri
    }

    fn answer(snapshot: &Snapshot, params: Self::Params) -> Result<Self::Answer> {
        let CodeActionParams { range, context, .. } = params;
        if !snapshot.client.code_actions {
            let place = snapshot.converter().span(range);
            return Ok(Some(commands(snapshot, place, None).map(CodeActionOrCommand::Command).collect()));
        }
        let analysed = snapshot.analysed();
        let mut actions = Vec::new();
        if wants(context.only.as_deref(), &CodeActionKind::QUICKFIX) {
            let place = snapshot.converter().span(range);
            let known = known(&context.diagnostics);
            let ran = snapshot.ran.as_ref().map(|ran| ran.diagnostics(&analysed)).unwrap_or_default();
            let found = at(&analysed.diagnostics, place).chain(at(&ran, place));
            actions.extend(found.flat_map(|found| quick_fixes(snapshot, found, &known)));
        }
        // With each move of the cursor editors ask what could be done here; that is not about the whole document.
        let asked = context.only.is_some() || context.trigger_kind != Some(CodeActionTriggerKind::AUTOMATIC);
        if asked && wants(context.only.as_deref(), &FIX_ALL) {
            let edits = fix_all(snapshot.revision.kind, &analysed);
            if !edits.is_empty() {
                actions.push(CodeAction {
                    title: "Fix all problems that can be fixed safely".to_owned(),
                    kind: Some(FIX_ALL),
                    edit: Some(snapshot.converter().workspace_edit(&edits)),
                    ..CodeAction::default()
                });
            }
        }
        let kinds = || refactor::REFACTORINGS.iter().map(|one| CodeActionKind::new(one.kind));
        if snapshot.revision.kind == Kind::Manifest && kinds().any(|kind| wants(context.only.as_deref(), &kind)) {
            actions.extend(refactorings(snapshot, range, context.only.as_deref(), asked));
        }
        if asked {
            let place = snapshot.converter().span(range);
            actions.extend(commands(snapshot, place, context.only.as_deref()).map(|command| CodeAction {
                title: command.title.clone(),
                kind: Command::find(&command.command).map(Command::action_kind),
                command: Some(command),
                ..CodeAction::default()
            }));
        }
        Ok(Some(actions.into_iter().map(CodeActionOrCommand::CodeAction).collect()))
    }
}

/// The calls of the commands about the skill, and about the tools at `place`.
fn commands<'s>(
    snapshot: &'s Snapshot,
    place: Span,
    only: Option<&'s [CodeActionKind]>,
) -> impl Iterator<Item = ls_types::Command> + use<'s> {
    let revision = &snapshot.revision;
    let is_wanted = move |command: &Command| revision.is_skill() && wants(only, &command.action_kind());
    let of_manifest = Command::OF_MANIFEST.into_iter().filter(is_wanted).map(|command| command.on(&revision.uri));
    let tools = if is_wanted(&Command::RunTool) { outline::tools(revision.text()) } else { Vec::new() };
    let here = move |tool: &outline::ToolPlace| {
        !tool.id.is_empty() && tool.extent.start <= place.end && place.start < tool.extent.end
    };
    of_manifest.chain(tools.into_iter().filter(here).map(|tool| Command::on_tool(&revision.uri, &tool.id)))
}

/// What could be written otherwise at a place, or added there. The edits come when a person picks one, where the client
/// can ask for them then.
fn refactorings(snapshot: &Snapshot, range: Range, only: Option<&[CodeActionKind]>, asked: bool) -> Vec<CodeAction> {
    let source = snapshot.source();
    let (client, facts) = (&snapshot.client, snapshot.facts());
    // What puts the whole source in order is none of a place's.
    let wanted = |one: &refactor::Refactoring| {
        wants(only, &CodeActionKind::new(one.kind)) && (asked || !one.kind.starts_with("source."))
    };
    let offers = refactor::offer(source, snapshot.converter().span(range), &facts, wanted).into_iter();
    let offers = offers.filter(|offer| wants(only, &CodeActionKind::new(offer.kind)) && (asked || !offer.about_file));
    let action = |offer: refactor::Offer| {
        let mut action =
            CodeAction { title: offer.title, kind: Some(CodeActionKind::new(offer.kind)), ..CodeAction::default() };
        if let Some(reason) = offer.disabled {
            action.disabled = client.disabled_actions.then_some(CodeActionDisabled { reason });
            return action.disabled.is_some().then_some(action);
        }
        if client.resolves_actions {
            let picked = Picked {
                uri: snapshot.revision.uri.clone(),
                version: snapshot.revision.version,
                id: offer.id.to_owned(),
                data: offer.data,
            };
            action.data = serde_json::to_value(picked).ok();
        } else {
            let resolved = refactor::resolve(source, offer.id, &offer.data, &facts)?;
            action.edit = Some(snapshot.converter().workspace_edit(&resolved.edits));
        }
        Some(action)
    };
    offers.filter_map(action).collect()
}

/// What an action carries to be resolved by.
#[derive(Serialize, Deserialize)]
struct Picked {
    uri: Uri,
    version: i32,
    id: String,
    data: String,
}

/// `codeAction/resolve`: the action with its edits; as it is where its manifest has been closed.
pub(crate) async fn resolve_action(session: &Session, mut action: CodeAction) -> Result<CodeAction> {
    let picked = action.data.as_ref().and_then(|data| Picked::deserialize(data).ok());
    let Some((picked, snapshot)) = picked.and_then(|picked| session.snapshot(&picked.uri).map(|now| (picked, now)))
    else {
        return Ok(action);
    };
    if snapshot.revision.version != picked.version {
        return Err(Error::content_modified());
    }
    let edit = session.work(move || {
        let resolved = refactor::resolve(snapshot.source(), &picked.id, &picked.data, &snapshot.facts())?;
        Some(snapshot.converter().workspace_edit(&resolved.edits))
    });
    action.edit = edit.await?;
    if action.edit.is_none() {
        return Err(Error::content_modified());
    }
    Ok(action)
}

/// Whether actions of `kind` are wanted: a kind asked for stands for all below it.
fn wants(only: Option<&[CodeActionKind]>, kind: &CodeActionKind) -> bool {
    only.is_none_or(|only| {
        only.iter().any(|asked| {
            let rest = kind.as_str().strip_prefix(asked.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || asked.as_str().is_empty())
        })
    })
}

/// The diagnostics that touch a place.
fn at(diagnostics: &[manifest::Diagnostic], place: Span) -> impl Iterator<Item = &manifest::Diagnostic> {
    diagnostics.iter().filter(move |found| found.span.start <= place.end && place.start <= found.span.end)
}

/// The edits of all safe fixes.
fn fix_all(kind: Kind, analysed: &Analysed) -> Vec<manifest::TextEdit> {
    let fixable = analysed.diagnostics.iter().any(|found| found.fixes.iter().any(|fix| fix.safe));
    if !fixable {
        return Vec::new();
    }
    let fixed = match kind {
        Kind::Config => fix::fix_config(&analysed.text, false),
        _ => fix::fix_all(&analysed.text, &analysed.options, false).text,
    };
    edits::between(&analysed.text, &fixed, edits::PATIENCE)
}

/// The client's own diagnostics by what tells them apart.
fn known(diagnostics: &[Diagnostic]) -> HashMap<(Range, &str), &Diagnostic> {
    let mut known = HashMap::new();
    for diagnostic in diagnostics {
        if let Some(NumberOrString::String(code)) = &diagnostic.code {
            known.insert((diagnostic.range, code.as_str()), diagnostic);
        }
    }
    known
}

fn quick_fixes(
    snapshot: &Snapshot,
    found: &manifest::Diagnostic,
    known: &HashMap<(Range, &str), &Diagnostic>,
) -> Vec<CodeAction> {
    let converter = snapshot.converter();
    let ours = converter.diagnostic(found);
    // The client's own copy, where it has one: some compare all fields to tell which of theirs it is.
    let diagnostic = known.get(&(ours.range, found.rule.code)).copied().unwrap_or(&ours);
    let best = found.fixes.iter().position(|fix| fix.safe);
    let action = |(at, fix): (usize, &Fix)| CodeAction {
        title: fix.title.clone(),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![diagnostic.clone()]),
        edit: Some(converter.workspace_edit(&fix.edits)),
        is_preferred: (snapshot.client.preferred_actions && best == Some(at)).then_some(true),
        ..CodeAction::default()
    };
    found.fixes.iter().enumerate().filter(|(_, fix)| !fix.edits.is_empty()).map(action).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_stands_for_those_below_it() {
        let wanted = |only: &[&'static str], kind: &CodeActionKind| {
            let only: Vec<CodeActionKind> = only.iter().map(|kind| CodeActionKind::new(kind)).collect();
            wants(Some(&only), kind)
        };
        for only in ["source", "source.fixAll", "source.fixAll.skillyard", ""] {
            assert!(wanted(&[only], &FIX_ALL), "{only}");
        }
        for only in ["source.fix", "source.fixAll.other", "source.fixAll.skillyard.x", "quickfix"] {
            assert!(!wanted(&[only], &FIX_ALL), "{only}");
        }
        assert!(wanted(&["refactor", "quickfix"], &CodeActionKind::QUICKFIX));
        assert!(!wanted(&[], &CodeActionKind::QUICKFIX));
        assert!(wants(None, &FIX_ALL));
    }
}
