//! The rules, a file a family, and the one table of them all.
//!
//! A rule is a `static` [`Rule`] and the code that reports it. A family is a file with its rules, listed in its
//! [`Family`], and one check that looks at its part of the manifest. To add a rule: write the `static`, list it,
//! report it, and give it a case in `tests/cases/` (a test fails until all four are there).

pub mod audit;
mod builder;
mod common;
mod compat;
mod config;
pub(crate) mod config_file;
mod device;
mod egress;
mod fields;
mod filesystem;
mod identity;
mod integrity;
pub mod module;
mod operator;
mod paths;
mod plain_schema;
mod plugin;
mod quotas;
pub mod run;
mod schema;
mod secrets;
mod suppress;
mod syntax;
mod text;
mod tool;
mod wildcard;
pub(crate) mod workspace;

pub use schema::{Subschemas, subschemas};

use std::fmt::{self, Write as _};

use crate::{
    Options,
    config::{CONFIG, ConfigFile},
    diagnostic::{Daemon, Diagnostic, Fix, Related, Severity, Tag, TextEdit},
    document::{Document, Node},
    edits, shape,
    text::Span,
    view::View,
};

/// Whether a rule's findings come with a fix.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FixKind {
    /// Never: what is right only the author knows.
    None,
    /// With one that keeps what the author meant.
    Safe,
    /// With one that decides something for the author, applied only when asked for.
    Unsafe,
}

/// One rule: what its diagnostics and its page are made of.
#[derive(PartialEq, Eq, Hash)]
pub struct Rule {
    /// Stable name, `family/what-is-wrong`.
    pub code: &'static str,
    /// Severity unless configured otherwise. Always an error where a daemon rejects the manifest.
    pub severity: Severity,
    /// What a daemon does on its own.
    pub daemon: Daemon,
    /// Whether its findings come with a fix (where the place allows one).
    pub fix: FixKind,
    /// What is wrong, in one line without a full stop.
    pub summary: &'static str,
    /// Why that matters and what to do, in Markdown.
    pub details: &'static str,
    /// A fragment of a manifest that breaks the rule. What it leaves out is filled in by a good manifest.
    pub bad: &'static str,
    /// The fragment as it should be.
    pub good: &'static str,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

/// The rules that guard one part of the manifest.
#[derive(Debug)]
pub struct Family {
    /// The part of the codes in front of the `/`.
    pub name: &'static str,
    /// What it guards, in one line.
    pub about: &'static str,
    /// Its rules, in the order of the documentation.
    pub rules: &'static [&'static Rule],
    /// Looks at its part of the manifest.
    check: fn(&mut Context<'_, '_>),
}

/// All families, in the order of the documentation.
pub static FAMILIES: &[&Family] = &[
    &syntax::FAMILY,
    &fields::FAMILY,
    &identity::FAMILY,
    &tool::FAMILY,
    &schema::FAMILY,
    &compat::FAMILY,
    &filesystem::FAMILY,
    &egress::FAMILY,
    &secrets::FAMILY,
    &device::FAMILY,
    &wildcard::FAMILY,
    &quotas::FAMILY,
    &operator::FAMILY,
    &plugin::FAMILY,
    &config::FAMILY,
    &builder::FAMILY,
    &integrity::FAMILY,
    &text::FAMILY,
    &suppress::FAMILY,
    &workspace::FAMILY,
    &module::FAMILY,
    &audit::FAMILY,
    &run::FAMILY,
    &config_file::FAMILY,
];

/// Every rule.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().flat_map(|family| family.rules.iter().copied())
}

/// The rule with `code`.
#[must_use]
pub fn find(code: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.code == code)
}

/// Where the pages of the rules are published; [`Rule::url`] adds the code.
pub const PAGES: &str = "https://skillyard.dev/rules/";

impl Rule {
    /// A rule that a daemon rejects on.
    const fn rejects(
        code: &'static str,
        fix: FixKind,
        summary: &'static str,
        details: &'static str,
        bad: &'static str,
        good: &'static str,
    ) -> Self {
        Self { code, severity: Severity::Error, daemon: Daemon::Rejects, fix, summary, details, bad, good }
    }

    /// A rule about `skillyard.toml`, which no daemon reads: Skillyard itself refuses a file that breaks it.
    const fn refuses(
        code: &'static str,
        fix: FixKind,
        summary: &'static str,
        details: &'static str,
        bad: &'static str,
        good: &'static str,
    ) -> Self {
        Self { code, severity: Severity::Error, daemon: Daemon::Silent, fix, summary, details, bad, good }
    }

    /// A warning about what a daemon takes without a word.
    const fn warns(
        code: &'static str,
        fix: FixKind,
        summary: &'static str,
        details: &'static str,
        bad: &'static str,
        good: &'static str,
    ) -> Self {
        Self { code, severity: Severity::Warning, daemon: Daemon::Silent, fix, summary, details, bad, good }
    }

    /// A rule about what a skill's modules hold, which no text shows: it has no fix and no fragment as an example.
    const fn about_modules(
        code: &'static str,
        severity: Severity,
        daemon: Daemon,
        summary: &'static str,
        details: &'static str,
    ) -> Self {
        Self { code, severity, daemon, fix: FixKind::None, summary, details, bad: "", good: "" }
    }

    /// The same rule, less loud or louder.
    const fn at(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// The severity that nothing sets or allows it below: a daemon rejects on it, or Skillyard refuses an artifact for it,
    /// and neither asks the author. `None` where the author is free.
    #[must_use]
    pub fn least(&self) -> Option<Severity> {
        let refused = self.severity == Severity::Error && is_about_modules(self);
        (refused || self.daemon == Daemon::Rejects).then_some(self.severity)
    }

    /// The address of the rule's page.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{PAGES}{}", self.code)
    }
}

/// The page of one of these rules, in Markdown: what `explain` prints and what is published.
#[must_use]
pub fn page(rule: &Rule) -> String {
    page_about(if is_about_text(rule) { "manifest" } else { "artifact" }, rule)
}

/// The page of a rule about `thing`, such as `manifest` or `artifact`.
#[must_use]
pub fn page_about(thing: &str, rule: &Rule) -> String {
    let daemon = match rule.daemon {
        _ if is_about_config(rule) => "does not read the file; Skillyard refuses it".to_owned(),
        Daemon::Rejects => format!("refuses the {thing}"),
        Daemon::Warns => format!("takes the {thing} with a warning"),
        Daemon::Silent => format!("takes the {thing} without a word"),
    };
    let fix = match rule.fix {
        // What stands in no text that could be edited.
        FixKind::None if rule.bad.is_empty() => "",
        FixKind::None => "- Fix: none: what is right only the author knows\n",
        FixKind::Safe if is_about_config(rule) => "- Fix: safe, in an editor\n",
        FixKind::Unsafe if is_about_config(rule) || is_about_calls(rule) => {
            "- Fix: unsafe, in an editor: it decides something for the author\n"
        }
        FixKind::Safe => "- Fix: safe (`--fix`)\n",
        FixKind::Unsafe => "- Fix: unsafe (`--unsafe-fixes`): it decides something for the author\n",
    };
    let mut page = format!(
        "# {}\n\n{}.\n\n- Severity: {}\n- A daemon: {daemon}\n{fix}\n{}\n",
        rule.code,
        rule.summary,
        rule.severity.name(),
        rule.details
    );
    if !rule.bad.is_empty() {
        let _ = write!(page, "\nWrong:\n\n```toml\n{}\n```\n", rule.bad);
    }
    if !rule.good.is_empty() {
        let _ = write!(page, "\nRight:\n\n```toml\n{}\n```\n", rule.good);
    }
    page
}

pub use schema::keywords as schema_keywords;
pub(crate) use suppress::{Allowed, apply as suppress};
pub(crate) use syntax::{NOT_UTF8, REFUSED, TOO_LARGE};
pub use text::latin_look;

/// A finding without anything to it but its place and message.
#[must_use]
pub fn finding(rule: &'static Rule, span: Span, message: String) -> Diagnostic {
    Diagnostic { rule, severity: rule.severity, span, message, related: Vec::new(), tag: None, fixes: Vec::new() }
}

/// Whether a rule is one of the version check, which a daemon makes at packaging and install only.
pub(crate) fn is_compat(rule: &Rule) -> bool {
    matches!(rule.code, "compat/protocol-too-new" | "compat/min-too-new" | "compat/max-too-old")
}

/// Whether a rule is one of syntax: what it finds hides the rest of the text.
pub(crate) fn is_syntax(rule: &Rule) -> bool {
    syntax::FAMILY.rules.contains(&rule)
}

/// Whether a rule is about what a skill's modules hold: the audit reports it, and no text shows it.
#[must_use]
pub fn is_about_modules(rule: &Rule) -> bool {
    [&module::FAMILY, &audit::FAMILY].iter().any(|family| family.rules.contains(&rule))
}

/// Whether a rule is about what a call of a tool has shown: *Run Tool* reports it, and no text shows it.
#[must_use]
pub fn is_about_calls(rule: &Rule) -> bool {
    run::FAMILY.rules.contains(&rule)
}

/// Whether a text is enough to say whether a rule is broken, that of a manifest or of a configuration; with the other
/// manifests of its workspace, for some.
#[must_use]
pub fn is_about_text(rule: &Rule) -> bool {
    !is_about_modules(rule) && !is_about_calls(rule)
}

/// Whether a text is not enough to say whether a rule is broken: other manifests, modules or calls are.
pub(crate) fn is_found_elsewhere(rule: &Rule) -> bool {
    is_about_modules(rule) || is_about_calls(rule) || workspace::FAMILY.rules.contains(&rule)
}

/// Whether a rule is about `skillyard.toml` and not about manifests.
pub(crate) fn is_about_config(rule: &Rule) -> bool {
    config_file::FAMILY.rules.contains(&rule)
}

/// Findings that are kept of one file.
pub(crate) const MAX_FINDINGS: usize = 2_000;

/// What a check looks at, and where its findings go.
pub(crate) struct Context<'d, 't> {
    /// The whole text.
    pub text: &'t str,
    /// The document, also of a broken text.
    pub document: &'d Document<'t>,
    /// The manifest: the top level seen through its shape.
    pub root: View<'d, 't>,
    /// What the caller set.
    pub options: &'d Options,
    findings: Vec<Diagnostic>,
}

impl<'d, 't> Context<'d, 't> {
    fn new(text: &'t str, document: &'d Document<'t>, shape: &'static shape::TableShape, options: &'d Options) -> Self {
        let root = View::of_table(&document.root, Span::at(0), shape);
        Self { text, document, root, options, findings: Vec::new() }
    }

    /// The findings, without those in what did not read: that is told by its syntax alone.
    fn finish(self) -> Vec<Diagnostic> {
        let mut findings = self.findings;
        // The broken ranges are in the order of the text and apart.
        findings.retain(|finding| {
            let next = self.document.broken.partition_point(|broken| broken.end < finding.span.start);
            let broken = self.document.broken.get(next..).unwrap_or_default();
            let inside = broken.iter().take(2).any(|broken| broken.intersects(finding.span));
            !inside || syntax::FAMILY.rules.contains(&finding.rule)
        });
        findings
    }

    /// Reports a finding; the result takes what belongs to it.
    pub fn report(&mut self, rule: &'static Rule, span: Span, message: impl Into<String>) -> Finding<'_> {
        // Beyond the limit the last one is told over: the file is no manifest, and no one reads on.
        if self.findings.len() > MAX_FINDINGS {
            self.findings.pop();
        }
        let at = self.findings.len();
        self.findings.push(finding(rule, span, message.into()));
        Finding(&mut self.findings[at])
    }

    /// The `capabilities` table.
    pub fn capabilities(&self) -> Option<View<'d, 't>> {
        self.root.table("capabilities")
    }

    /// The tools, in the order of the text.
    pub fn tools(&self) -> Vec<View<'d, 't>> {
        self.root.table("entrypoints").map(|entrypoints| entrypoints.tables("tools")).unwrap_or_default()
    }

    /// The publisher as a daemon compares it, if it is a good one.
    pub fn publisher(&self) -> Option<&'d str> {
        let publisher = self.root.text("publisher")?.trimmed();
        crate::grammar::is_identifier(publisher).then_some(publisher)
    }

    /// Whether `capabilities.wildcard_opt_in.<flag>` is on.
    pub fn opted_in(&self, flag: &str) -> bool {
        self.capabilities().and_then(|c| c.table("wildcard_opt_in")).is_some_and(|opt_in| opt_in.flag(flag))
    }

    /// The edit that turns `capabilities.wildcard_opt_in.<flag>` on. `None` where the place allows none.
    pub fn opt_in(&self, flag: &str) -> Option<TextEdit> {
        self.set(&["capabilities", "wildcard_opt_in"], flag, "true")
    }

    /// The edit that sets `key` of the table at `path` to `value`: in place, behind the table's last key, or in a new
    /// section. `None` where the place allows none (a table written as an array of values), or where what is missing is
    /// most likely there under a misspelt key.
    pub fn set(&self, path: &[&str], key: &str, value: &str) -> Option<TextEdit> {
        let mut view = self.root;
        for part in path.iter().chain([&key]) {
            if fields::is_guessed(view, part) {
                return None;
            }
            let Some(next) = view.table(part) else { break };
            view = next;
        }
        edits::set(self.text, self.document, self.root, path, key, value)
    }

    /// The edit that adds `key` to a table. `None` where the place allows none, or where the key is most likely there, but
    /// misspelt.
    pub fn add_key(&self, view: View<'_, '_>, key: &str, value: &str) -> Option<TextEdit> {
        let table = view.as_table().filter(|_| !fields::is_guessed(view, key))?;
        edits::add_key(self.text, table, key, value)
    }

    /// The place in the text of a range of what a string says.
    pub fn inside(&self, node: &Node<'_>, range: std::ops::Range<usize>) -> Span {
        edits::inside(self.text, node, range)
    }

    /// The edit that makes a string say `value`.
    pub fn set_string(&self, node: &Node<'_>, value: &str) -> TextEdit {
        edits::set_string(self.text, node.span, value)
    }

    /// The edit that removes an element of an array in brackets.
    pub fn remove_listed(&self, node: &Node<'_>) -> TextEdit {
        edits::remove_listed(self.text, &self.document.comments, node.span)
    }
}

/// A finding that was just reported, to be completed.
pub(crate) struct Finding<'a>(&'a mut Diagnostic);

impl Finding<'_> {
    /// Another place that belongs to it.
    pub fn related(self, span: Span, message: impl Into<String>) -> Self {
        self.0.related.push(Related { span, message: message.into() });
        self
    }

    /// How to draw it.
    pub fn tag(self, tag: Tag) -> Self {
        self.0.tag = Some(tag);
        self
    }

    /// A fix that keeps what the author meant.
    pub fn safe_fix(self, title: impl Into<String>, edits: Vec<TextEdit>) -> Self {
        self.fix(title.into(), true, edits)
    }

    /// A fix that decides something for the author.
    pub fn unsafe_fix(self, title: impl Into<String>, edits: Vec<TextEdit>) -> Self {
        self.fix(title.into(), false, edits)
    }

    fn fix(self, title: String, safe: bool, mut edits: Vec<TextEdit>) -> Self {
        edits.sort_by_key(|edit| edit.span);
        if !edits.is_empty() {
            self.0.fixes.push(Fix { title, safe, edits });
        }
        self
    }
}

/// Runs every rule over a document. Findings come in the order of the text, at their rules' own severities.
pub(crate) fn run<'t>(text: &'t str, document: &Document<'t>, options: &Options) -> Vec<Diagnostic> {
    let mut context = Context::new(text, document, &shape::ROOT, options);
    for family in FAMILIES {
        (family.check)(&mut context);
    }
    context.finish()
}

/// Reads a document as a `skillyard.toml`: what it sets, and what is wrong with it.
pub(crate) fn run_config<'t>(text: &'t str, document: &Document<'t>) -> (ConfigFile, Vec<Diagnostic>) {
    let options = Options::default();
    let mut context = Context::new(text, document, &CONFIG, &options);
    (syntax::FAMILY.check)(&mut context);
    text::check_raw(&mut context);
    let file = config_file::read(&mut context);
    (file, context.finish())
}
