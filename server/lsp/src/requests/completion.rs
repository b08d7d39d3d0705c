//! `textDocument/completion` and `completionItem/resolve`: what can stand at the cursor. Documentation comes with the
//! second, from nothing but what the item itself carries, or with the list where a client does not ask for it.

use serde::Deserialize;
use serde_json::json;
use skillyard_ide::{self as ide, Completion, CompletionKind};
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{
        CompletionItem, CompletionItemKind, CompletionItemLabelDetails, CompletionItemTag, CompletionList,
        CompletionOptions, CompletionOptionsCompletionItem, CompletionParams, CompletionResponse, CompletionTextEdit,
        Documentation, InsertTextFormat, InsertTextMode, TextEdit, Uri,
    },
};

use super::DocumentRequest;
use crate::{
    client::Abilities,
    convert::{Converter, markup},
    documents::Kind,
    session::{Session, Snapshot},
};

/// Completions that carry their documentation where the client does not ask for it one by one: as many as anybody looks at.
const MAX_TOLD: usize = 200;

/// `textDocument/completion`.
pub(crate) struct Completions;

/// What the server offers.
pub(crate) fn options() -> CompletionOptions {
    CompletionOptions {
        resolve_provider: Some(true),
        trigger_characters: Some(ide::TRIGGERS.iter().map(|&c| c.to_owned()).collect()),
        completion_item: Some(CompletionOptionsCompletionItem { label_details_support: Some(true) }),
        ..CompletionOptions::default()
    }
}

impl DocumentRequest for Completions {
    type Params = CompletionParams;
    type Answer = Option<CompletionResponse>;

    const ABOUT: &[Kind] = &[Kind::Manifest, Kind::Config];

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document_position.text_document.uri
    }

    fn answer(snapshot: &Snapshot, params: Self::Params) -> Result<Self::Answer> {
        let converter = snapshot.converter();
        let offset = converter.offset(params.text_document_position.position);
        let facts = snapshot.facts();
        let found = ide::complete(snapshot.source(), offset, &facts, &snapshot.options());
        // With all there is, the client filters as one types.
        let is_incomplete = found.len() >= ide::MAX_COMPLETIONS;
        let told = if converter.client.completion_resolves_documentation { 0 } else { MAX_TOLD };
        let items = found.into_iter().enumerate().map(|(at, completion)| {
            let doc = completion.documentation.as_deref().filter(|_| at < told);
            let doc = doc.and_then(|doc| ide::document(snapshot.source(), &facts, doc));
            let mut item = item(converter, completion);
            item.documentation = doc.map(|doc| documentation(&doc, converter.client));
            item
        });
        let items = items.collect();
        Ok(Some(CompletionResponse::List(CompletionList { is_incomplete, items })))
    }
}

fn documentation(doc: &ide::Doc, client: &Abilities) -> Documentation {
    Documentation::MarkupContent(markup(doc, client.completion_markdown))
}

fn item(converter: Converter<'_>, completion: Completion) -> CompletionItem {
    let client = converter.client;
    let range = converter.range(completion.edit.span);
    let (text, format) = match completion.snippet {
        Some(snippet) if client.snippets => (snippet, InsertTextFormat::SNIPPET),
        _ => (completion.edit.text, InsertTextFormat::PLAIN_TEXT),
    };
    let lines = text.contains('\n');
    // What a daemon would refuse says so where a person sees it before taking it.
    let (detail, description) = match completion.contradicts {
        Some(why) if client.completion_label_details => (completion.detail, Some(why.to_owned())),
        Some(why) => (Some(why.to_owned()), completion.description),
        None => (completion.detail, completion.description),
    };
    // Who shows nothing behind the label shows it with what the completion is.
    let (detail, description) = match (detail, description) {
        (detail, Some(description)) if !client.completion_label_details => {
            (Some(detail.map_or(description.clone(), |detail| format!("{detail} · {description}"))), None)
        }
        both => both,
    };
    CompletionItem {
        label: completion.label,
        label_details: description
            .map(|description| CompletionItemLabelDetails { detail: None, description: Some(description) }),
        kind: Some(kind(completion.kind)),
        detail,
        tags: (completion.deprecated && client.completion_deprecated_tag).then(|| vec![CompletionItemTag::DEPRECATED]),
        preselect: (completion.preselect && client.completion_preselect).then_some(true),
        sort_text: Some(completion.sort),
        filter_text: Some(completion.filter),
        insert_text_format: client.snippets.then_some(format),
        insert_text_mode: (lines && client.adjusts_indentation).then_some(InsertTextMode::ADJUST_INDENTATION),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit::new(range, text))),
        additional_text_edits: (!completion.additional_edits.is_empty())
            .then(|| completion.additional_edits.iter().map(|edit| converter.edit(edit)).collect()),
        data: completion.documentation.map(|doc| json!({"uri": converter.revision.uri, "doc": doc})),
        ..CompletionItem::default()
    }
}

/// What an item carries to be resolved by.
#[derive(Deserialize)]
struct Data {
    uri: Uri,
    doc: String,
}

/// `completionItem/resolve`: the item with its documentation; as it is where there is none, or where its manifest has
/// been closed.
pub(crate) async fn resolve_completion(session: &Session, mut item: CompletionItem) -> Result<CompletionItem> {
    let data = item.data.as_ref().and_then(|data| Data::deserialize(data).ok());
    let Some((data, snapshot)) =
        data.and_then(|data| Some((session.snapshot(&data.uri)?, data.doc))).map(|(s, d)| (d, s))
    else {
        return Ok(item);
    };
    let documented = session.work(move || {
        let doc = ide::document(snapshot.source(), &snapshot.facts(), &data)?;
        Some(documentation(&doc, &snapshot.client))
    });
    item.documentation = documented.await?;
    Ok(item)
}

fn kind(kind: CompletionKind) -> CompletionItemKind {
    match kind {
        CompletionKind::Key => CompletionItemKind::FIELD,
        CompletionKind::Table => CompletionItemKind::MODULE,
        CompletionKind::Value => CompletionItemKind::VALUE,
        CompletionKind::Enum => CompletionItemKind::ENUM_MEMBER,
        CompletionKind::Keyword => CompletionItemKind::KEYWORD,
        CompletionKind::Property => CompletionItemKind::PROPERTY,
        CompletionKind::Number => CompletionItemKind::UNIT,
        CompletionKind::Function => CompletionItemKind::FUNCTION,
        CompletionKind::Reference => CompletionItemKind::REFERENCE,
        CompletionKind::File => CompletionItemKind::FILE,
        CompletionKind::Folder => CompletionItemKind::FOLDER,
        CompletionKind::Snippet => CompletionItemKind::SNIPPET,
    }
}
