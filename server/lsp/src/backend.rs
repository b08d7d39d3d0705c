//! Which method goes where. What each does stands in the file of its name.

use std::sync::Arc;

use tower_lsp::{
    Client, ClientSocket, LanguageServer, LspService,
    jsonrpc::Result,
    ls_types::{
        CodeAction, CodeActionParams, CodeActionResponse, CodeLens, CodeLensParams, CompletionItem, CompletionParams,
        CompletionResponse, DidChangeConfigurationParams, DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
        DidChangeWorkspaceFoldersParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
        DidSaveTextDocumentParams, DocumentDiagnosticParams, DocumentDiagnosticReportResult, DocumentFormattingParams,
        DocumentHighlight, DocumentHighlightParams, DocumentLink, DocumentLinkParams, DocumentRangeFormattingParams,
        DocumentSymbolParams, DocumentSymbolResponse, ExecuteCommandParams, FoldingRange, FoldingRangeParams,
        GotoDefinitionParams, GotoDefinitionResponse, Hover, HoverParams, InitializeParams, InitializeResult,
        InitializedParams, InlayHint, InlayHintParams, LSPAny, LinkedEditingRangeParams, LinkedEditingRanges, Location,
        PrepareRenameResponse, ReferenceParams, RenameFilesParams, RenameParams, SelectionRange, SelectionRangeParams,
        SemanticTokensDeltaParams, SemanticTokensFullDeltaResult, SemanticTokensParams, SemanticTokensRangeParams,
        SemanticTokensRangeResult, SemanticTokensResult, TextDocumentPositionParams, TextEdit,
        WorkDoneProgressCancelParams, WorkspaceEdit, WorkspaceSymbolParams, WorkspaceSymbolResponse,
    },
};

use crate::{
    notifications,
    requests::{
        self, CodeActions, CodeLenses, Completions, Definitions, DeltaTokens, DocumentDiagnostics, DocumentHighlights,
        DocumentLinks, DocumentSymbols, ExampleInput, ExampleInputParams, FoldingRanges, Formatting, FullTokens,
        Hovers, InlayHints, LinkedEditing, PrepareRename, RangeFormatting, RangeTokens, References, Rename, Report,
        SelectionRanges,
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
        requests::answer::<DocumentDiagnostics>(&self.0, params).await.map(|Report(report)| report)
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        requests::answer::<CodeActions>(&self.0, params).await
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        requests::answer::<CodeLenses>(&self.0, params).await
    }

    async fn code_lens_resolve(&self, lens: CodeLens) -> Result<CodeLens> {
        requests::resolve_lens(&self.0, lens).await
    }

    async fn code_action_resolve(&self, action: CodeAction) -> Result<CodeAction> {
        requests::resolve_action(&self.0, action).await
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        requests::answer::<Completions>(&self.0, params).await
    }

    async fn completion_resolve(&self, item: CompletionItem) -> Result<CompletionItem> {
        requests::resolve_completion(&self.0, item).await
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        requests::answer::<Hovers>(&self.0, params).await
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        requests::answer::<InlayHints>(&self.0, params).await
    }

    async fn semantic_tokens_full(&self, params: SemanticTokensParams) -> Result<Option<SemanticTokensResult>> {
        requests::answer::<FullTokens>(&self.0, params).await
    }

    async fn semantic_tokens_full_delta(
        &self,
        params: SemanticTokensDeltaParams,
    ) -> Result<Option<SemanticTokensFullDeltaResult>> {
        requests::answer::<DeltaTokens>(&self.0, params).await
    }

    async fn semantic_tokens_range(
        &self,
        params: SemanticTokensRangeParams,
    ) -> Result<Option<SemanticTokensRangeResult>> {
        requests::answer::<RangeTokens>(&self.0, params).await
    }

    async fn document_symbol(&self, params: DocumentSymbolParams) -> Result<Option<DocumentSymbolResponse>> {
        requests::answer::<DocumentSymbols>(&self.0, params).await
    }

    async fn symbol(&self, params: WorkspaceSymbolParams) -> Result<Option<WorkspaceSymbolResponse>> {
        requests::workspace_symbol(&self.0, params).await
    }

    async fn folding_range(&self, params: FoldingRangeParams) -> Result<Option<Vec<FoldingRange>>> {
        requests::answer::<FoldingRanges>(&self.0, params).await
    }

    async fn selection_range(&self, params: SelectionRangeParams) -> Result<Option<Vec<SelectionRange>>> {
        requests::answer::<SelectionRanges>(&self.0, params).await
    }

    async fn document_highlight(&self, params: DocumentHighlightParams) -> Result<Option<Vec<DocumentHighlight>>> {
        requests::answer::<DocumentHighlights>(&self.0, params).await
    }

    async fn document_link(&self, params: DocumentLinkParams) -> Result<Option<Vec<DocumentLink>>> {
        requests::answer::<DocumentLinks>(&self.0, params).await
    }

    async fn goto_definition(&self, params: GotoDefinitionParams) -> Result<Option<GotoDefinitionResponse>> {
        requests::answer::<Definitions>(&self.0, params).await
    }

    async fn references(&self, params: ReferenceParams) -> Result<Option<Vec<Location>>> {
        requests::answer::<References>(&self.0, params).await
    }

    async fn prepare_rename(&self, params: TextDocumentPositionParams) -> Result<Option<PrepareRenameResponse>> {
        requests::answer::<PrepareRename>(&self.0, params).await
    }

    async fn rename(&self, params: RenameParams) -> Result<Option<WorkspaceEdit>> {
        requests::answer::<Rename>(&self.0, params).await
    }

    async fn linked_editing_range(&self, params: LinkedEditingRangeParams) -> Result<Option<LinkedEditingRanges>> {
        requests::answer::<LinkedEditing>(&self.0, params).await
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
