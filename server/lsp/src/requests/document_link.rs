//! `textDocument/documentLink`: the files and the address that a manifest names.

use skillyard_ide::{self as ide, LinkTarget};
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{DocumentLink, DocumentLinkParams, Uri},
};

use super::DocumentRequest;
use crate::session::Snapshot;

/// `textDocument/documentLink`.
pub(crate) struct DocumentLinks;

impl DocumentRequest for DocumentLinks {
    type Params = DocumentLinkParams;
    type Answer = Option<Vec<DocumentLink>>;

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document.uri
    }

    fn answer(snapshot: &Snapshot, _: Self::Params) -> Result<Self::Answer> {
        let converter = snapshot.converter();
        let found = ide::links(snapshot.source(), &snapshot.facts());
        let links = found.into_iter().filter_map(|link| {
            let target = match &link.target {
                LinkTarget::Url(address) => address.parse().ok()?,
                LinkTarget::File(path) => snapshot.file(path)?,
            };
            Some(DocumentLink {
                range: converter.range(link.span),
                target: Some(target),
                tooltip: Some(link.tooltip).filter(|_| snapshot.client.link_tooltips),
                data: None,
            })
        });
        Ok(Some(links.collect()))
    }
}
