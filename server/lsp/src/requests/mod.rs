//! The requests, a file each.

mod code_action;
mod code_lens;
mod completion;
mod definition;
mod diagnostic;
mod document_highlight;
mod document_link;
mod document_symbol;
mod example_input;
mod execute_command;
mod folding_range;
mod formatting;
mod hover;
mod initialize;
mod inlay_hint;
mod linked_editing_range;
mod range_formatting;
mod references;
mod rename;
mod selection_range;
mod semantic_tokens;
mod will_rename_files;
mod workspace_symbol;

use serde::Serialize;
use tower_lsp::{jsonrpc::Result, ls_types::Uri};

pub(crate) use self::{
    code_action::{CodeActions, resolve_action},
    code_lens::{CodeLenses, Notes, resolve_lens},
    completion::{Completions, resolve_completion},
    definition::Definitions,
    diagnostic::{DocumentDiagnostics, Report},
    document_highlight::DocumentHighlights,
    document_link::DocumentLinks,
    document_symbol::DocumentSymbols,
    example_input::{ExampleInput, ExampleInputParams, example_input},
    execute_command::execute_command,
    folding_range::FoldingRanges,
    formatting::Formatting,
    hover::Hovers,
    initialize::initialize,
    inlay_hint::InlayHints,
    linked_editing_range::LinkedEditing,
    range_formatting::RangeFormatting,
    references::References,
    rename::{PrepareRename, Rename},
    selection_range::SelectionRanges,
    semantic_tokens::{DeltaTokens, FullTokens, RangeTokens, Sent},
    will_rename_files::will_rename_files,
    workspace_symbol::workspace_symbol,
};
use crate::{
    documents::Kind,
    session::{Session, Snapshot},
    transport,
};

/// A request about one document. It is answered from the document as it was when the request arrived.
pub(crate) trait DocumentRequest {
    /// What the client sends.
    type Params: Send + 'static;
    /// What it gets; the default one for a document that is not open or of no kind that the request is about.
    type Answer: Default + Serialize + Send + 'static;

    /// The kinds of document that it is about.
    const ABOUT: &[Kind] = &[Kind::Manifest];

    /// The document.
    fn document(params: &Self::Params) -> &Uri;

    /// The answer. Called on a thread of its own.
    fn answer(snapshot: &Snapshot, params: Self::Params) -> Result<Self::Answer>;
}

/// Answers a request about a document. A panic on the way is an internal error.
///
/// Where the loop asks, the answer goes to it as text, which the thread that made it writes too; what is returned is then
/// the default one.
pub(crate) async fn answer<R: DocumentRequest>(session: &Session, params: R::Params) -> Result<R::Answer> {
    let snapshot = session.snapshot(R::document(&params));
    let Some(snapshot) = snapshot.filter(|snapshot| R::ABOUT.contains(&snapshot.revision.kind)) else {
        return Ok(R::Answer::default());
    };
    let taken = snapshot.clone();
    let as_text = transport::takes_text();
    let answer = session.work(move || {
        let answer = R::answer(&taken, params)?;
        // What cannot be written is left to the service, which says so.
        Ok(match as_text.then(|| serde_json::to_string(&answer)) {
            Some(Ok(text)) => (R::Answer::default(), Some(text)),
            _ => (answer, None),
        })
    });
    let answer: Result<(R::Answer, Option<String>)> = answer.await?;
    session.tell_problems(&snapshot).await;
    let (answer, text) = answer?;
    if let Some(text) = text {
        transport::answer_by(text);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::{cell::OnceCell, sync::Arc};

    use tokio::sync::Notify;
    use tower_lsp::{
        LspService,
        jsonrpc::ErrorCode,
        ls_types::{TextDocumentIdentifier, TextDocumentItem},
    };

    use super::*;
    use crate::backend::Backend;

    /// A request whose work panics.
    struct Clumsy;

    impl DocumentRequest for Clumsy {
        type Params = TextDocumentIdentifier;
        type Answer = u32;

        fn document(params: &Self::Params) -> &Uri {
            &params.uri
        }

        fn answer(_: &Snapshot, _: Self::Params) -> Result<u32> {
            panic!("as told")
        }
    }

    #[test]
    fn a_panic_at_work_is_an_internal_error() {
        let session = OnceCell::new();
        let (_service, _socket) = LspService::new(|client| {
            Backend(Arc::clone(session.get_or_init(|| Session::new(client, Arc::new(Notify::new())))))
        });
        let session = session.get().unwrap();
        let uri: Uri = "file:///skill.toml".parse().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let ask = || runtime.block_on(answer::<Clumsy>(session, TextDocumentIdentifier::new(uri.clone())));
        assert_eq!(ask(), Ok(0), "the document is not open");
        session.open(TextDocumentItem::new(uri.clone(), "toml".into(), 1, String::new()));
        assert_eq!(ask().unwrap_err().code, ErrorCode::InternalError);
        assert!(session.snapshot(&uri).is_some());
    }
}
