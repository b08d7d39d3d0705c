//! `workspace/symbol`: the skills and tools of all folders, by name: of the open manifests as they are in the editor, of
//! the others as they are on the disk.

use std::{collections::HashSet, path::PathBuf};

use skillyard_ide::{self as ide, Source, WorkspaceSymbol};
use skillyard_manifest::{LineIndex, MAX_BYTES};
use skillyard_project::{files, workspace::manifests_below};
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{Location, Position, Range, SymbolInformation, Uri, WorkspaceSymbolParams, WorkspaceSymbolResponse},
};

use super::document_symbol::kind;
use crate::{convert::Converter, session::Session};

/// As many as anybody looks through.
const MOST: usize = 500;

/// `workspace/symbol`.
pub(crate) async fn workspace_symbol(
    session: &Session,
    params: WorkspaceSymbolParams,
) -> Result<Option<WorkspaceSymbolResponse>> {
    let (open, folders, client) = (session.manifests(), session.folders(), session.abilities());
    session
        .work(move || {
            let mut found = Vec::new();
            for revision in &open {
                let converter = Converter { revision, client: &client };
                let place = |symbol: &WorkspaceSymbol| converter.range(symbol.span);
                matching(revision.source(), &revision.uri, &params.query, place, &mut found);
            }
            let known: HashSet<&PathBuf> = open.iter().filter_map(|revision| revision.path.as_ref()).collect();
            for path in manifests_below(&folders) {
                if found.len() >= MOST {
                    break;
                }
                // One that is open is as it is in the editor.
                if known.contains(&path) {
                    continue;
                }
                let Some(uri) = Uri::from_file_path(&path) else { continue };
                let Some(text) = files::read(&path, MAX_BYTES).ok().and_then(|bytes| String::from_utf8(bytes).ok())
                else {
                    continue;
                };
                let index = LineIndex::new(&text);
                let at = |offset| {
                    let place = index.position(&text, offset, client.encoding);
                    Position::new(place.line, place.character)
                };
                let place = |symbol: &WorkspaceSymbol| Range::new(at(symbol.span.start), at(symbol.span.end));
                matching(&Source::new(&text), &uri, &params.query, place, &mut found);
            }
            found.truncate(MOST);
            Some(WorkspaceSymbolResponse::Flat(found))
        })
        .await
}

/// The symbols of one manifest whose id or name holds the query's letters in their order.
#[expect(deprecated, reason = "the struct has a field for what tags say now")]
fn matching(
    source: &Source<'_>,
    uri: &Uri,
    query: &str,
    place: impl Fn(&WorkspaceSymbol) -> Range,
    found: &mut Vec<SymbolInformation>,
) {
    for symbol in ide::workspace_symbols(source) {
        if is_in(query, &symbol.name) || symbol.title.as_ref().is_some_and(|title| is_in(query, title)) {
            found.push(SymbolInformation {
                location: Location::new(uri.clone(), place(&symbol)),
                name: symbol.name,
                kind: kind(symbol.kind),
                tags: None,
                deprecated: None,
                container_name: symbol.container,
            });
        }
    }
}

/// Whether the letters of `query` stand in `name` in their order, whatever their case.
fn is_in(query: &str, name: &str) -> bool {
    let mut name = name.chars().flat_map(char::to_lowercase);
    query.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).all(|c| name.any(|n| n == c))
}

#[cfg(test)]
mod tests {
    use super::is_in;

    #[test]
    fn a_query_matches_letters_in_their_order() {
        assert!(is_in("", "acme.weather"));
        assert!(is_in("weath", "acme.Weather"));
        assert!(is_in("AWT", "acme.weather.today"));
        assert!(!is_in("tw", "weather"));
    }
}
