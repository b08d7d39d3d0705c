//! `initialize`: who the client is, and what the server offers it. Nothing is read or prepared here, since the client
//! waits.

use tower_lsp::ls_types::{
    CodeActionOptions, CodeActionProviderCapability, CodeLensOptions, DiagnosticOptions, DiagnosticServerCapabilities,
    DocumentLinkOptions, ExecuteCommandOptions, FoldingRangeProviderCapability, HoverProviderCapability,
    InitializeParams, InitializeResult, LinkedEditingRangeServerCapabilities, OneOf, RenameOptions, SaveOptions,
    SelectionRangeProviderCapability, ServerCapabilities, ServerInfo, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, TextDocumentSyncSaveOptions, WorkDoneProgressOptions,
    WorkspaceFileOperationsServerCapabilities, WorkspaceFolder, WorkspaceFoldersServerCapabilities,
    WorkspaceServerCapabilities,
};

use super::{code_action, completion, semantic_tokens, will_rename_files};
use crate::{
    client::Abilities, commands::Command, convert::SOURCE, log::log, parent, session::Session, settings::EditorSettings,
};

/// Takes over what the client says, starts to watch its process, and answers.
pub(crate) fn initialize(session: &Session, params: InitializeParams) -> InitializeResult {
    let abilities = Abilities::new(&params.capabilities);
    let capabilities = capabilities(&abilities);
    let mut problems = Vec::new();
    let initial = params
        .initialization_options
        .as_ref()
        .map(|options| EditorSettings::read(options, &mut problems))
        .unwrap_or_default();
    if let Some(pid) = params.process_id
        && let Err(error) = parent::watch(pid, session.parent_gone())
    {
        log(&format!("the editor's process cannot be watched: {error}"));
    }
    // Problems have to wait: nothing may be sent before the answer.
    session.initialize(abilities, initial, problems, folders(params));
    InitializeResult {
        capabilities,
        server_info: Some(ServerInfo { name: SOURCE.to_owned(), version: Some(env!("CARGO_PKG_VERSION").to_owned()) }),
        offset_encoding: None,
    }
}

#[expect(deprecated, reason = "older clients have one root and say so here")]
fn folders(params: InitializeParams) -> Vec<WorkspaceFolder> {
    params.workspace_folders.unwrap_or_else(|| {
        let root = params.root_uri.map(|uri| WorkspaceFolder { uri, name: String::new() });
        root.into_iter().collect()
    })
}

fn capabilities(client: &Abilities) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(client.encoding_kind()),
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
            ..TextDocumentSyncOptions::default()
        })),
        // A client that asks gets nothing pushed, and one that does not ask gets no offer to.
        diagnostic_provider: client.pulls_diagnostics.then(|| {
            DiagnosticServerCapabilities::Options(DiagnosticOptions {
                identifier: Some(SOURCE.to_owned()),
                inter_file_dependencies: true,
                workspace_diagnostics: false,
                ..DiagnosticOptions::default()
            })
        }),
        // A client that takes no more than commands has no use for kinds and edits.
        code_action_provider: Some(if client.code_actions {
            CodeActionProviderCapability::Options(CodeActionOptions {
                code_action_kinds: Some(code_action::kinds()),
                resolve_provider: Some(true),
                ..CodeActionOptions::default()
            })
        } else {
            CodeActionProviderCapability::Simple(true)
        }),
        code_lens_provider: client
            .code_lenses
            .then_some(CodeLensOptions { resolve_provider: Some(client.resolves_lenses) }),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: Command::ALL.map(|command| command.name().to_owned()).to_vec(),
            work_done_progress_options: WorkDoneProgressOptions { work_done_progress: Some(true) },
        }),
        completion_provider: Some(completion::options()),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        inlay_hint_provider: Some(OneOf::Left(true)),
        semantic_tokens_provider: Some(semantic_tokens::options().into()),
        document_symbol_provider: Some(OneOf::Left(true)),
        workspace_symbol_provider: Some(OneOf::Left(true)),
        folding_range_provider: Some(FoldingRangeProviderCapability::Simple(true)),
        selection_range_provider: Some(SelectionRangeProviderCapability::Simple(true)),
        document_highlight_provider: Some(OneOf::Left(true)),
        document_link_provider: Some(DocumentLinkOptions {
            resolve_provider: Some(false),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        }),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        rename_provider: Some(if client.prepares_renames {
            OneOf::Right(RenameOptions {
                prepare_provider: Some(true),
                work_done_progress_options: WorkDoneProgressOptions::default(),
            })
        } else {
            OneOf::Left(true)
        }),
        linked_editing_range_provider: Some(LinkedEditingRangeServerCapabilities::Simple(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        document_range_formatting_provider: Some(OneOf::Left(true)),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(OneOf::Left(true)),
            }),
            file_operations: client.asks_before_renames.then(|| WorkspaceFileOperationsServerCapabilities {
                will_rename: Some(will_rename_files::wanted()),
                ..WorkspaceFileOperationsServerCapabilities::default()
            }),
        }),
        ..ServerCapabilities::default()
    }
}
