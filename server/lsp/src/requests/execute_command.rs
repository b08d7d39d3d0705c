//! `workspace/executeCommand`: the commands, for a client that asks.

use std::sync::Arc;

use tokio::task;
use tower_lsp::{
    jsonrpc::{Error, Result},
    ls_types::{ExecuteCommandParams, LSPAny},
};

use crate::{
    commands::{self, Call},
    log::log,
    session::Session,
    work::{Cancel, CancelOnDrop},
};

/// Runs a command. What it is about is taken as it is when the request arrives.
pub(crate) async fn execute_command(session: &Arc<Session>, params: ExecuteCommandParams) -> Result<Option<LSPAny>> {
    let call = Call::read(session, &params.command, &params.arguments)?;
    let cancel = Arc::<Cancel>::default();
    let _ends_with_the_request = CancelOnDrop(Arc::clone(&cancel));
    let token = params.work_done_progress_params.work_done_token;
    // A task of its own: when the request is cancelled, the work still says how it ended.
    let done = task::spawn(commands::run(Arc::clone(session), call, cancel, token)).await;
    done.unwrap_or_else(|error| {
        log(&format!("a command failed; this is a bug of Skillyard: {error}"));
        Err(Error::internal_error())
    })
    .map(Some)
}
