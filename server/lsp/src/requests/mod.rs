//! The requests, a file each.

mod code_action;
mod diagnostic;
mod formatting;
mod initialize;
mod range_formatting;

use tower_lsp::{jsonrpc::Result, ls_types::Uri};

pub(crate) use self::{
    code_action::CodeActions, diagnostic::DocumentDiagnostics, formatting::Formatting, initialize::initialize,
    range_formatting::RangeFormatting,
};
use crate::session::{Session, Snapshot};

/// A request about one document. It is answered from the document as it was when the request arrived.
pub(crate) trait DocumentRequest {
    /// What the client sends.
    type Params: Send + 'static;
    /// What it gets.
    type Answer: Send + 'static;

    /// The document.
    fn document(params: &Self::Params) -> &Uri;

    /// The answer for a document that is not open or is no manifest.
    fn nothing() -> Self::Answer;

    /// The answer. Called on a thread of its own.
    fn answer(snapshot: &Snapshot, params: Self::Params) -> Result<Self::Answer>;
}

/// Answers a request about a document. A panic on the way is an internal error.
pub(crate) async fn answer<R: DocumentRequest>(session: &Session, params: R::Params) -> Result<R::Answer> {
    let Some(snapshot) = session.snapshot(R::document(&params)) else { return Ok(R::nothing()) };
    let taken = snapshot.clone();
    let answer = session.work(move || R::answer(&taken, params)).await?;
    session.tell_problems(&snapshot).await;
    answer
}
