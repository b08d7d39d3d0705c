//! What the client said that it can do.

use skillyard_manifest::Encoding;
use tower_lsp::ls_types::{
    ClientCapabilities, CodeActionCapabilityResolveSupport, CompletionItemTag, DiagnosticTag, InsertTextMode,
    MarkupKind, PositionEncodingKind, SymbolTag,
};

use crate::message::LENS_RESOLVE_SUPPORT;

/// What the client can do, as far as the server asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Abilities {
    /// The unit of a column: the first of the client's own that the server knows, else UTF-16.
    pub(crate) encoding: Encoding,
    /// Asks for diagnostics itself. Then nothing is pushed.
    pub(crate) pulls_diagnostics: bool,
    /// Can be told to ask again.
    pub(crate) refreshes_diagnostics: bool,
    /// Shows other places that belong to a diagnostic.
    pub(crate) related_information: bool,
    /// Keeps `data` of a diagnostic.
    pub(crate) diagnostic_data: bool,
    /// The tags that it draws.
    pub(crate) tags: Vec<DiagnosticTag>,
    /// Wants to know which version a pushed diagnostic is about.
    pub(crate) diagnostic_versions: bool,
    /// Takes edits of a certain version of a document.
    pub(crate) document_changes: bool,
    /// Takes code actions that are more than commands.
    pub(crate) code_actions: bool,
    /// Marks the preferred of some code actions.
    pub(crate) preferred_actions: bool,
    /// Answers `workspace/configuration`.
    pub(crate) configuration: bool,
    /// Tells changes of its settings only to servers that registered.
    pub(crate) registers_configuration: bool,
    /// Watches files for servers that registered.
    pub(crate) registers_watched_files: bool,
    /// Watches files in folders of other places than the workspace.
    pub(crate) watches_elsewhere: bool,
    /// Asks what to change before it renames files.
    pub(crate) asks_before_renames: bool,
    /// Shows lenses.
    pub(crate) code_lenses: bool,
    /// Asks for the command of a lens when it shows it. Only those that say so: older ones that do not ask would show
    /// nothing.
    pub(crate) resolves_lenses: bool,
    /// Can be told to ask for lenses again.
    pub(crate) refreshes_lenses: bool,
    /// Fills in snippets.
    pub(crate) snippets: bool,
    /// Indents the lines of a completion as the one that it stands in.
    pub(crate) adjusts_indentation: bool,
    /// Takes one completion as the one that is meant.
    pub(crate) completion_preselect: bool,
    /// Shows more behind the label of a completion.
    pub(crate) completion_label_details: bool,
    /// Asks for the documentation of a completion when it shows it. One that says what it resolves, and not this, wants it
    /// at once.
    pub(crate) completion_resolves_documentation: bool,
    /// Strikes old names through.
    pub(crate) completion_deprecated_tag: bool,
    /// Shows Markdown beside a completion.
    pub(crate) completion_markdown: bool,
    /// Shows Markdown in a hover.
    pub(crate) hover_markdown: bool,
    /// Takes an outline of symbols within symbols.
    pub(crate) nested_symbols: bool,
    /// Strikes old names in an outline through.
    pub(crate) symbol_tags: bool,
    /// The largest number of ranges that it folds.
    pub(crate) folding_limit: Option<usize>,
    /// Folds whole lines.
    pub(crate) folds_lines_only: bool,
    /// Shows a text in place of what is folded.
    pub(crate) collapsed_text: bool,
    /// Asks what would be renamed before it does.
    pub(crate) prepares_renames: bool,
    /// Takes a definition with what leads to it.
    pub(crate) definition_links: bool,
    /// Shows a word about a link.
    pub(crate) link_tooltips: bool,
    /// Asks for the edits of a code action when a person picks it.
    pub(crate) resolves_actions: bool,
    /// Shows actions that cannot be done here, with the reason.
    pub(crate) disabled_actions: bool,
    /// Can be told to ask for inlay hints again.
    pub(crate) refreshes_inlay_hints: bool,
    /// Shows progress of work under a token that the server makes.
    pub(crate) shows_progress: bool,
}

impl Abilities {
    pub(crate) fn new(client: &ClientCapabilities) -> Self {
        let general = client.general.as_ref();
        let document = client.text_document.as_ref();
        let workspace = client.workspace.as_ref();
        let publish = document.and_then(|d| d.publish_diagnostics.as_ref());
        let pull = document.and_then(|d| d.diagnostic.as_ref());
        let item = document.and_then(|d| d.completion.as_ref()).and_then(|c| c.completion_item.as_ref());
        let symbols = document.and_then(|d| d.document_symbol.as_ref());
        let folding = document.and_then(|d| d.folding_range.as_ref());
        let markdown =
            |formats: Option<&Vec<MarkupKind>>| formats.is_some_and(|formats| formats.contains(&MarkupKind::Markdown));
        let code_action = document.and_then(|d| d.code_action.as_ref());
        // What a client says about pushed diagnostics counts for pulled ones too; newer ones say it for these apart.
        let either = |push: Option<bool>, pull: Option<bool>| push.or(pull).unwrap_or_default();
        let tags = match (publish.and_then(|p| p.tag_support.as_ref()), pull.and_then(|p| p.tag_support.as_ref())) {
            (Some(support), _) => support.value_set.clone(),
            (None, Some(_)) => vec![DiagnosticTag::UNNECESSARY, DiagnosticTag::DEPRECATED],
            (None, None) => Vec::new(),
        };
        Self {
            encoding: general
                .and_then(|g| g.position_encodings.as_ref())
                .and_then(|offered| offered.iter().find_map(encoding))
                .unwrap_or_default(),
            pulls_diagnostics: pull.is_some(),
            refreshes_diagnostics: workspace
                .and_then(|w| w.diagnostics.as_ref())
                .and_then(|d| d.refresh_support)
                .unwrap_or_default(),
            related_information: either(
                publish.and_then(|p| p.related_information),
                pull.and_then(|p| p.related_information),
            ),
            diagnostic_data: either(publish.and_then(|p| p.data_support), pull.and_then(|p| p.data_support)),
            tags,
            diagnostic_versions: publish.and_then(|p| p.version_support).unwrap_or_default(),
            document_changes: workspace
                .and_then(|w| w.workspace_edit.as_ref())
                .and_then(|e| e.document_changes)
                .unwrap_or_default(),
            code_actions: code_action.is_some_and(|c| c.code_action_literal_support.is_some()),
            preferred_actions: code_action.and_then(|c| c.is_preferred_support).unwrap_or_default(),
            configuration: workspace.and_then(|w| w.configuration).unwrap_or_default(),
            registers_configuration: workspace
                .and_then(|w| w.did_change_configuration.as_ref())
                .and_then(|c| c.dynamic_registration)
                .unwrap_or_default(),
            watches_elsewhere: workspace
                .and_then(|w| w.did_change_watched_files.as_ref())
                .and_then(|w| w.relative_pattern_support)
                .unwrap_or_default(),
            registers_watched_files: workspace
                .and_then(|w| w.did_change_watched_files.as_ref())
                .and_then(|w| w.dynamic_registration)
                .unwrap_or_default(),
            snippets: item.and_then(|i| i.snippet_support).unwrap_or_default(),
            adjusts_indentation: item
                .and_then(|i| i.insert_text_mode_support.as_ref())
                .is_some_and(|modes| modes.value_set.contains(&InsertTextMode::ADJUST_INDENTATION)),
            completion_preselect: item.and_then(|i| i.preselect_support).unwrap_or_default(),
            completion_label_details: item.and_then(|i| i.label_details_support).unwrap_or_default(),
            completion_resolves_documentation: item
                .and_then(|i| i.resolve_support.as_ref())
                .is_none_or(|r| r.properties.iter().any(|p| p == "documentation")),
            completion_deprecated_tag: item
                .and_then(|i| i.tag_support.as_ref())
                .is_some_and(|tags| tags.value_set.contains(&CompletionItemTag::DEPRECATED)),
            completion_markdown: markdown(item.and_then(|i| i.documentation_format.as_ref())),
            hover_markdown: markdown(
                document.and_then(|d| d.hover.as_ref()).and_then(|hover| hover.content_format.as_ref()),
            ),
            nested_symbols: symbols.and_then(|s| s.hierarchical_document_symbol_support).unwrap_or_default(),
            symbol_tags: symbols
                .and_then(|s| s.tag_support.as_ref())
                .is_some_and(|tags| tags.value_set.contains(&SymbolTag::DEPRECATED)),
            folding_limit: folding
                .and_then(|f| f.range_limit)
                .map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
            folds_lines_only: folding.and_then(|f| f.line_folding_only).unwrap_or_default(),
            collapsed_text: folding
                .and_then(|f| f.folding_range.as_ref())
                .and_then(|f| f.collapsed_text)
                .unwrap_or_default(),
            prepares_renames: document
                .and_then(|d| d.rename.as_ref())
                .and_then(|r| r.prepare_support)
                .unwrap_or_default(),
            definition_links: document
                .and_then(|d| d.definition.as_ref())
                .and_then(|d| d.link_support)
                .unwrap_or_default(),
            link_tooltips: document
                .and_then(|d| d.document_link.as_ref())
                .and_then(|d| d.tooltip_support)
                .unwrap_or_default(),
            resolves_actions: code_action.is_some_and(|c| {
                let edits = |r: &CodeActionCapabilityResolveSupport| r.properties.iter().any(|p| p == "edit");
                c.data_support == Some(true) && c.resolve_support.as_ref().is_some_and(edits)
            }),
            disabled_actions: code_action.and_then(|c| c.disabled_support).unwrap_or_default(),
            refreshes_inlay_hints: workspace
                .and_then(|w| w.inlay_hint.as_ref())
                .and_then(|i| i.refresh_support)
                .unwrap_or_default(),
            asks_before_renames: workspace
                .and_then(|w| w.file_operations.as_ref())
                .and_then(|f| f.will_rename)
                .unwrap_or_default(),
            code_lenses: document.is_some_and(|d| d.code_lens.is_some()),
            resolves_lenses: client
                .experimental
                .as_ref()
                .and_then(|experimental| experimental.get(LENS_RESOLVE_SUPPORT)?.get("properties")?.as_array())
                .is_some_and(|properties| properties.iter().any(|property| property == "command")),
            refreshes_lenses: workspace
                .and_then(|w| w.code_lens.as_ref())
                .and_then(|lens| lens.refresh_support)
                .unwrap_or_default(),
            shows_progress: client.window.as_ref().and_then(|w| w.work_done_progress).unwrap_or_default(),
        }
    }

    /// The name of [`Abilities::encoding`].
    pub(crate) fn encoding_kind(&self) -> PositionEncodingKind {
        match self.encoding {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
            Encoding::Utf32 => PositionEncodingKind::UTF32,
        }
    }
}

fn encoding(kind: &PositionEncodingKind) -> Option<Encoding> {
    match kind.as_str() {
        "utf-8" => Some(Encoding::Utf8),
        "utf-16" => Some(Encoding::Utf16),
        "utf-32" => Some(Encoding::Utf32),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn encoding_for(offered: serde_json::Value) -> Encoding {
        let client = serde_json::from_value(json!({"general": {"positionEncodings": offered}})).unwrap();
        Abilities::new(&client).encoding
    }

    #[test]
    fn the_clients_first_known_encoding_counts() {
        assert_eq!(Abilities::new(&ClientCapabilities::default()).encoding, Encoding::Utf16);
        assert_eq!(encoding_for(json!([])), Encoding::Utf16);
        assert_eq!(encoding_for(json!(["utf-7", "utf-32", "utf-8"])), Encoding::Utf32);
        assert_eq!(encoding_for(json!(["utf-8", "utf-16"])), Encoding::Utf8);
        assert_eq!(encoding_for(json!(["ebcdic"])), Encoding::Utf16);
    }
}
