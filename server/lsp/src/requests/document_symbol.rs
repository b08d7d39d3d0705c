//! `textDocument/documentSymbol`: the outline of a manifest.

use skillyard_ide::{self as ide, Symbol, SymbolKind as Symbolic};
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{
        DocumentSymbol, DocumentSymbolParams, DocumentSymbolResponse, Location, SymbolInformation, SymbolKind,
        SymbolTag, Uri,
    },
};

use super::DocumentRequest;
use crate::{convert::Converter, documents::Kind, session::Snapshot};

/// `textDocument/documentSymbol`.
pub(crate) struct DocumentSymbols;

impl DocumentRequest for DocumentSymbols {
    type Params = DocumentSymbolParams;
    type Answer = Option<DocumentSymbolResponse>;

    const ABOUT: &[Kind] = &[Kind::Manifest, Kind::Config];

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document.uri
    }

    fn answer(snapshot: &Snapshot, _: Self::Params) -> Result<Self::Answer> {
        let converter = snapshot.converter();
        let symbols = ide::document_symbols(snapshot.source());
        if snapshot.client.nested_symbols {
            return Ok(Some(symbols.into_iter().map(|symbol| nested(converter, symbol)).collect::<Vec<_>>().into()));
        }
        let mut flat = Vec::new();
        symbols.iter().for_each(|symbol| flatten(converter, symbol, None, &mut flat));
        Ok(Some(flat.into()))
    }
}

#[expect(deprecated, reason = "the struct has a field for what tags say now")]
fn nested(converter: Converter<'_>, symbol: Symbol) -> DocumentSymbol {
    let children: Vec<DocumentSymbol> = symbol.children.into_iter().map(|child| nested(converter, child)).collect();
    DocumentSymbol {
        name: symbol.name,
        detail: symbol.detail,
        kind: kind(symbol.kind),
        tags: (symbol.deprecated && converter.client.symbol_tags).then(|| vec![SymbolTag::DEPRECATED]),
        deprecated: None,
        range: converter.range(symbol.span),
        selection_range: converter.range(symbol.selection),
        children: (!children.is_empty()).then_some(children),
    }
}

#[expect(deprecated, reason = "the struct has a field for what tags say now")]
fn flatten(converter: Converter<'_>, symbol: &Symbol, container: Option<&str>, out: &mut Vec<SymbolInformation>) {
    out.push(SymbolInformation {
        name: symbol.name.clone(),
        kind: kind(symbol.kind),
        tags: None,
        deprecated: None,
        location: Location::new(converter.revision.uri.clone(), converter.range(symbol.span)),
        container_name: container.map(str::to_owned),
    });
    symbol.children.iter().for_each(|child| flatten(converter, child, Some(&symbol.name), out));
}

/// The protocol's word for what a symbol is.
pub(super) fn kind(kind: Symbolic) -> SymbolKind {
    match kind {
        Symbolic::Skill => SymbolKind::PACKAGE,
        Symbolic::Tool => SymbolKind::FUNCTION,
        Symbolic::Section => SymbolKind::NAMESPACE,
        Symbolic::Table => SymbolKind::OBJECT,
        Symbolic::Array => SymbolKind::ARRAY,
        Symbolic::Property => SymbolKind::PROPERTY,
        Symbolic::Definition => SymbolKind::STRUCT,
        Symbolic::String => SymbolKind::STRING,
        Symbolic::Number => SymbolKind::NUMBER,
        Symbolic::Boolean => SymbolKind::BOOLEAN,
        Symbolic::Date => SymbolKind::CONSTANT,
        Symbolic::Nothing => SymbolKind::KEY,
    }
}
