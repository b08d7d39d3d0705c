//! `textDocument/codeLens`: the commands about the whole manifest over its first line, *Run Tool* over each tool.
//!
//! The first stand there whatever the text is, so that nothing jumps while an author types and nothing has to be looked
//! up: the lenses are complete, with no second question (`codeLens/resolve`) and nothing to refresh.

use skillyard_manifest::outline;
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{CodeLens, CodeLensParams, Range, Uri},
};

use super::DocumentRequest;
use crate::{commands::Command, session::Snapshot};

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
        let lens = |command: Command| CodeLens {
            range: Range::default(),
            command: Some(command.on(&revision.uri)),
            data: None,
        };
        let mut lenses = Command::OF_MANIFEST.map(lens).to_vec();
        let tools = outline::tools(revision.text()).into_iter().filter(|tool| !tool.id.is_empty());
        lenses.extend(tools.map(|tool| CodeLens {
            range: snapshot.converter().range(tool.span),
            command: Some(Command::on_tool(&revision.uri, &tool.id)),
            data: None,
        }));
        Ok(Some(lenses))
    }
}
