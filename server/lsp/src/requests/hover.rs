//! `textDocument/hover`: what a key means and what a value comes to.

use skillyard_ide as ide;
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{Hover, HoverContents, HoverParams, Uri},
};

use super::DocumentRequest;
use crate::{convert::markup, documents::Kind, session::Snapshot};

/// `textDocument/hover`.
pub(crate) struct Hovers;

impl DocumentRequest for Hovers {
    type Params = HoverParams;
    type Answer = Option<Hover>;

    const ABOUT: &[Kind] = &[Kind::Manifest, Kind::Config];

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document_position_params.text_document.uri
    }

    fn answer(snapshot: &Snapshot, params: Self::Params) -> Result<Self::Answer> {
        let converter = snapshot.converter();
        let offset = converter.offset(params.text_document_position_params.position);
        let found = ide::hover(snapshot.source(), offset, &snapshot.facts(), &snapshot.options());
        Ok(found.map(|found| Hover {
            contents: HoverContents::Markup(markup(&found.doc, snapshot.client.hover_markdown)),
            range: Some(converter.range(found.span)),
        }))
    }
}
