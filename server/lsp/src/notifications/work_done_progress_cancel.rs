//! `window/workDoneProgress/cancel`.

use tower_lsp::ls_types::WorkDoneProgressCancelParams;

use crate::session::Session;

/// Ends the work that a person watches.
pub(crate) fn work_done_progress_cancel(session: &Session, params: &WorkDoneProgressCancelParams) {
    session.works.cancel(&params.token);
}
