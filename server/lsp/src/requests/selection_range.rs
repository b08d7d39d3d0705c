//! `textDocument/selectionRange`: what a selection grows to, step by step.

use skillyard_ide as ide;
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{Range, SelectionRange, SelectionRangeParams, Uri},
};

use super::DocumentRequest;
use crate::{documents::Kind, session::Snapshot};

/// `textDocument/selectionRange`.
pub(crate) struct SelectionRanges;

impl DocumentRequest for SelectionRanges {
    type Params = SelectionRangeParams;
    type Answer = Option<Vec<SelectionRange>>;

    const ABOUT: &[Kind] = &[Kind::Manifest, Kind::Config];

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document.uri
    }

    fn answer(snapshot: &Snapshot, params: Self::Params) -> Result<Self::Answer> {
        let source = snapshot.source();
        let converter = snapshot.converter();
        // One answer a position, in their order: the protocol tells them apart by nothing else.
        let ranges = params.positions.into_iter().map(|position| {
            let spans = ide::selection(source, converter.offset(position));
            let outward = spans.into_iter().rev().map(|span| converter.range(span));
            let grown = outward.fold(None, |parent: Option<SelectionRange>, range| {
                // Ranges that differ in bytes alone are one to the client.
                if parent.as_ref().is_some_and(|parent| parent.range == range) {
                    return parent;
                }
                Some(SelectionRange { range, parent: parent.map(Box::new) })
            });
            grown.unwrap_or(SelectionRange { range: Range::new(position, position), parent: None })
        });
        Ok(Some(ranges.collect()))
    }
}
