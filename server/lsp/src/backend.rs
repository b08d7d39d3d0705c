//! Which method goes where. What each does stands in the file of its name.

use std::sync::Arc;

use tower_lsp::{
    Client, ClientSocket, LanguageServer, LspService,
    jsonrpc::Result,
    ls_types::{
        CodeActionParams, CodeActionResponse, CodeLens, CodeLensParams, DidChangeConfigurationParams,
        DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams,
        DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams, DocumentDiagnosticParams,
        DocumentDiagnosticReportResult, DocumentFormattingParams, DocumentRangeFormattingParams, ExecuteCommandParams,
        InitializeParams, InitializeResult, InitializedParams, LSPAny, RenameFilesParams, TextEdit,
        WorkDoneProgressCancelParams, WorkspaceEdit,
    },
};

use crate::{
    notifications,
    requests::{
        self, CodeActions, CodeLenses, DocumentDiagnostics, ExampleInput, ExampleInputParams, Formatting,
        RangeFormatting,
    },
    session::Session,
};

/// The methods of the protocol that the server has.
pub(crate) struct Backend(pub(crate) Arc<Session>);

impl Backend {
    /// The service of the whole protocol.
    pub(crate) fn service(new: impl FnOnce(Client) -> Arc<Session>) -> (LspService<Self>, ClientSocket) {
        LspService::build(|client| Self(new(client)))
            // `LanguageServer` lacks it.
            .custom_method("window/workDoneProgress/cancel", Self::work_done_progress_cancel)
            .custom_method("skillyard/exampleInput", Self::example_input)
            .finish()
    }

    async fn work_done_progress_cancel(&self, params: WorkDoneProgressCancelParams) {
        notifications::work_done_progress_cancel(&self.0, &params);
    }

    async fn example_input(&self, params: ExampleInputParams) -> Result<ExampleInput> {
        requests::example_input(&self.0, params).await
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        Ok(requests::initialize(&self.0, params))
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }

    async fn diagnostic(&self, params: DocumentDiagnosticParams) -> Result<DocumentDiagnosticReportResult> {
        requests::answer::<DocumentDiagnostics>(&self.0, params).await
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        requests::answer::<CodeActions>(&self.0, params).await
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        requests::answer::<CodeLenses>(&self.0, params).await
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<LSPAny>> {
        requests::execute_command(&self.0, params).await
    }

    async fn formatting(&self, params: DocumentFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        requests::answer::<Formatting>(&self.0, params).await
    }

    async fn range_formatting(&self, params: DocumentRangeFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        requests::answer::<RangeFormatting>(&self.0, params).await
    }

    async fn will_rename_files(&self, params: RenameFilesParams) -> Result<Option<WorkspaceEdit>> {
        requests::will_rename_files(&self.0, params).await
    }

    async fn initialized(&self, _: InitializedParams) {
        notifications::initialized(&self.0);
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        notifications::did_open(&self.0, params);
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        notifications::did_change(&self.0, &params);
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        notifications::did_save(&self.0, &params);
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        notifications::did_close(&self.0, &params);
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        notifications::did_change_configuration(&self.0, &params);
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        notifications::did_change_watched_files(&self.0, &params);
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        notifications::did_change_workspace_folders(&self.0, params);
    }
}
