//! `textDocument/foldingRange`: what can be folded away.

use skillyard_ide::{self as ide, FoldKind};
use skillyard_manifest::LineIndex;
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{FoldingRange, FoldingRangeKind, FoldingRangeParams, Uri},
};

use super::DocumentRequest;
use crate::{documents::Kind, session::Snapshot};

/// `textDocument/foldingRange`.
pub(crate) struct FoldingRanges;

impl DocumentRequest for FoldingRanges {
    type Params = FoldingRangeParams;
    type Answer = Option<Vec<FoldingRange>>;

    const ABOUT: &[Kind] = &[Kind::Manifest, Kind::Config];

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document.uri
    }

    fn answer(snapshot: &Snapshot, _: Self::Params) -> Result<Self::Answer> {
        let (client, converter) = (&snapshot.client, snapshot.converter());
        let text = snapshot.source().text;
        let index = LineIndex::new(text);
        let mut folds = ide::folding(snapshot.source());
        // What is left out beyond a client's limit are the smallest: the sections matter most.
        if let Some(limit) = client.folding_limit
            && folds.len() > limit
        {
            folds.sort_by_key(|fold| std::cmp::Reverse(fold.span.len()));
            folds.truncate(limit);
            folds.sort_by_key(|fold| fold.span);
        }
        let ranges = folds.into_iter().filter_map(|fold| {
            let range = converter.range(fold.span);
            let number = |line: usize| u32::try_from(line).unwrap_or(u32::MAX);
            let (start, end) = fold.lines(text, &index)?;
            let whole_lines = client.folds_lines_only;
            Some(FoldingRange {
                start_line: if whole_lines { number(start) } else { range.start.line },
                start_character: (!whole_lines).then_some(range.start.character),
                end_line: if whole_lines { number(end) } else { range.end.line },
                end_character: (!whole_lines).then_some(range.end.character),
                kind: match fold.kind {
                    FoldKind::Comment => Some(FoldingRangeKind::Comment),
                    FoldKind::Region => Some(FoldingRangeKind::Region),
                    _ => None,
                },
                collapsed_text: fold.collapsed.filter(|_| client.collapsed_text),
            })
        });
        Ok(Some(ranges.collect()))
    }
}
