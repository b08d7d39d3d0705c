//! `textDocument/semanticTokens/{full, full/delta, range}`: the words with a meaning that a grammar of TOML cannot know.

use skillyard_ide::{self as ide, LEGEND};
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{
        Position, SemanticToken, SemanticTokenModifier, SemanticTokenType, SemanticTokens, SemanticTokensDelta,
        SemanticTokensDeltaParams, SemanticTokensEdit, SemanticTokensFullDeltaResult, SemanticTokensFullOptions,
        SemanticTokensLegend, SemanticTokensOptions, SemanticTokensParams, SemanticTokensRangeParams,
        SemanticTokensRangeResult, SemanticTokensResult, Uri,
    },
};

use super::DocumentRequest;
use crate::{documents::Kind, session::Snapshot};

/// What the server offers.
pub(crate) fn options() -> SemanticTokensOptions {
    SemanticTokensOptions {
        legend: SemanticTokensLegend {
            token_types: LEGEND.types.iter().map(|&name| SemanticTokenType::new(name)).collect(),
            token_modifiers: LEGEND.modifiers.iter().map(|&name| SemanticTokenModifier::new(name)).collect(),
        },
        range: Some(true),
        full: Some(SemanticTokensFullOptions::Delta { delta: Some(true) }),
        ..SemanticTokensOptions::default()
    }
}

/// What was sent last for one document: a delta is one to that.
#[derive(Default)]
pub(crate) struct Sent {
    number: u64,
    tokens: Vec<SemanticToken>,
}

impl Sent {
    fn id(&self) -> String {
        self.number.to_string()
    }

    /// Takes over what is sent now.
    fn replace(&mut self, tokens: Vec<SemanticToken>) -> SemanticTokens {
        self.number += 1;
        self.tokens.clone_from(&tokens);
        SemanticTokens { result_id: Some(self.id()), data: tokens }
    }
}

fn tokens(snapshot: &Snapshot, range: Option<tower_lsp::ls_types::Range>) -> Vec<SemanticToken> {
    let converter = snapshot.converter();
    let range = range.map(|range| converter.span(range));
    let mut before = Position::default();
    let found = ide::semantic_tokens(snapshot.source(), range);
    let tokens = found.into_iter().map(|token| {
        let place = converter.range(token.span);
        let delta_line = place.start.line.saturating_sub(before.line);
        let from = if delta_line == 0 { before.character } else { 0 };
        before = place.start;
        SemanticToken {
            delta_line,
            delta_start: place.start.character.saturating_sub(from),
            length: place.end.character.saturating_sub(place.start.character),
            token_type: token.kind.index(),
            token_modifiers_bitset: token.modifiers.bits(),
        }
    });
    tokens.collect()
}

/// `textDocument/semanticTokens/full`.
pub(crate) struct FullTokens;

impl DocumentRequest for FullTokens {
    type Params = SemanticTokensParams;
    type Answer = Option<SemanticTokensResult>;

    const ABOUT: &[Kind] = &[Kind::Manifest, Kind::Config];

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document.uri
    }

    fn answer(snapshot: &Snapshot, _: Self::Params) -> Result<Self::Answer> {
        let tokens = tokens(snapshot, None);
        Ok(Some(snapshot.sent_tokens().replace(tokens).into()))
    }
}

/// `textDocument/semanticTokens/full/delta`.
pub(crate) struct DeltaTokens;

impl DocumentRequest for DeltaTokens {
    type Params = SemanticTokensDeltaParams;
    type Answer = Option<SemanticTokensFullDeltaResult>;

    const ABOUT: &[Kind] = &[Kind::Manifest, Kind::Config];

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document.uri
    }

    fn answer(snapshot: &Snapshot, params: Self::Params) -> Result<Self::Answer> {
        let tokens = tokens(snapshot, None);
        let mut sent = snapshot.sent_tokens();
        if sent.id() != params.previous_result_id || sent.number == 0 {
            return Ok(Some(sent.replace(tokens).into()));
        }
        let edits = difference(&sent.tokens, &tokens).into_iter().collect();
        let result_id = sent.replace(tokens).result_id;
        Ok(Some(SemanticTokensDelta { result_id, edits }.into()))
    }
}

/// `textDocument/semanticTokens/range`.
pub(crate) struct RangeTokens;

impl DocumentRequest for RangeTokens {
    type Params = SemanticTokensRangeParams;
    type Answer = Option<SemanticTokensRangeResult>;

    const ABOUT: &[Kind] = &[Kind::Manifest, Kind::Config];

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document.uri
    }

    fn answer(snapshot: &Snapshot, params: Self::Params) -> Result<Self::Answer> {
        let data = tokens(snapshot, Some(params.range));
        Ok(Some(SemanticTokens { result_id: None, data }.into()))
    }
}

/// The numbers of one token.
const NUMBERS: usize = 5;

/// The one edit that makes `old` into `new`: what is between the beginning and the end that they share.
fn difference(old: &[SemanticToken], new: &[SemanticToken]) -> Option<SemanticTokensEdit> {
    if old == new {
        return None;
    }
    let start = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old, new) = (old.get(start..)?, new.get(start..)?);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let number = |tokens: usize| u32::try_from(tokens * NUMBERS).unwrap_or(u32::MAX);
    Some(SemanticTokensEdit {
        start: number(start),
        delete_count: number(old.len() - end),
        data: new.get(..new.len() - end).map(<[SemanticToken]>::to_vec),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(n: u32) -> SemanticToken {
        SemanticToken { delta_line: n, delta_start: 1, length: 2, token_type: 3, token_modifiers_bitset: 4 }
    }

    proptest! {
        #[test]
        fn the_difference_makes_the_old_into_the_new(
            old in proptest::collection::vec(0..4_u32, 0..12), new in proptest::collection::vec(0..4_u32, 0..12)
        ) {
            let old: Vec<_> = old.into_iter().map(token).collect();
            let new: Vec<_> = new.into_iter().map(token).collect();
            let mut made = old.clone();
            if let Some(edit) = difference(&old, &new) {
                let at = edit.start as usize / NUMBERS;
                made.splice(at..at + edit.delete_count as usize / NUMBERS, edit.data.unwrap());
            }
            prop_assert_eq!(made, new);
        }
    }
}
