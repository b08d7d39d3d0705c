//! `textDocument/definition`: from a name to where it is declared, from a path to its file.

use skillyard_ide::{self as ide, Target};
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{GotoDefinitionParams, GotoDefinitionResponse, Location, LocationLink, Range, Uri},
};

use super::DocumentRequest;
use crate::session::Snapshot;

/// `textDocument/definition`.
pub(crate) struct Definitions;

impl DocumentRequest for Definitions {
    type Params = GotoDefinitionParams;
    type Answer = Option<GotoDefinitionResponse>;

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document_position_params.text_document.uri
    }

    fn answer(snapshot: &Snapshot, params: Self::Params) -> Result<Self::Answer> {
        let converter = snapshot.converter();
        let offset = converter.offset(params.text_document_position_params.position);
        let Some(found) = ide::definition(snapshot.source(), offset) else { return Ok(None) };
        let origin = converter.range(found.origin);
        let links = found.targets.into_iter().filter_map(|target| {
            let (uri, range, selection) = match target {
                Target::Here { span, selection } => {
                    (snapshot.revision.uri.clone(), converter.range(span), converter.range(selection))
                }
                // Only a file that is there can be gone to.
                Target::File(path) => {
                    let uri = snapshot.file(&path).filter(|_| snapshot.is_there(&path))?;
                    (uri, Range::default(), Range::default())
                }
            };
            Some(LocationLink {
                origin_selection_range: Some(origin),
                target_uri: uri,
                target_range: range,
                target_selection_range: selection,
            })
        });
        let links: Vec<LocationLink> = links.collect();
        if links.is_empty() {
            return Ok(None);
        }
        if snapshot.client.definition_links {
            return Ok(Some(links.into()));
        }
        let locations = links.into_iter().map(|link| Location::new(link.target_uri, link.target_selection_range));
        Ok(Some(locations.collect::<Vec<_>>().into()))
    }
}
