//! What the last call of each tool has shown of an open manifest, as hints at the lines concerned with their fixes: made
//! of what *Run Tool* reports, until the manifest is closed. What the text no longer says is not shown.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use skillyard_ide::{
    Facts, Source,
    after_run::{self, Shown},
};
use skillyard_manifest as manifest;
use skillyard_project::{rules, run::RunReport};
use tower_lsp::ls_types::Uri;

use crate::{revision::Analysed, session::Session};

/// What calls have shown.
pub(crate) struct Ran {
    /// Differs from that of every other.
    pub(crate) number: u64,
    /// Of the last call of each tool.
    by_tool: BTreeMap<String, Vec<Shown>>,
    /// All of it together.
    shown: Vec<Shown>,
    hosts: BTreeSet<String>,
    secrets: BTreeSet<(String, String)>,
}

impl Ran {
    /// What was known before with what one more call has shown.
    fn with(before: Option<&Self>, tool: String, shown: Vec<Shown>, report: &RunReport) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut by_tool = before.map(|before| before.by_tool.clone()).unwrap_or_default();
        by_tool.insert(tool, shown);
        let shown = after_run::together(by_tool.values().map(Vec::as_slice));
        let (mut hosts, mut secrets) = before.map(|it| (it.hosts.clone(), it.secrets.clone())).unwrap_or_default();
        hosts.extend(report.hosts_called());
        secrets.extend(report.secrets_read());
        Arc::new(Self { number: NEXT.fetch_add(1, Ordering::Relaxed), by_tool, shown, hosts, secrets })
    }

    /// What is known around a manifest, with what calls of its tools have asked for.
    pub(crate) fn facts(&self, around: &Facts) -> Facts {
        Facts {
            hosts_called: self.hosts.iter().cloned().collect(),
            secrets_read: self.secrets.iter().cloned().collect(),
            ..around.clone()
        }
    }

    /// The hints in a text, which need not be the one of the calls.
    pub(crate) fn diagnostics(&self, analysed: &Analysed) -> Vec<manifest::Diagnostic> {
        if self.shown.is_empty() || analysed.text.len() > manifest::MAX_BYTES {
            return Vec::new();
        }
        after_run::diagnostics(&Source::new(&analysed.text), &self.shown, &analysed.options)
    }
}

impl Session {
    /// Shows what a call has shown, in an open manifest.
    pub(crate) fn show_run(self: &Arc<Self>, uri: &Uri, report: &RunReport) {
        let Some(tool) = report.tool_id.clone() else { return };
        let shown = report.hints.iter().filter_map(|hint| {
            Some(Shown {
                rule: rules::find(hint.code)?,
                key: hint.key.clone(),
                value: hint.value.clone(),
                message: hint.message.clone(),
                limit: hint.limit,
                advised: hint.advised,
            })
        });
        let shown: Vec<Shown> = shown.collect();
        if self.change_ran(uri, |before| Ran::with(before, tool, shown, report)) {
            self.refresh_document(uri);
        }
    }
}
