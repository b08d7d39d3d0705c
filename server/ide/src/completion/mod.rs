//! Completion: what can be typed where the cursor stands, also in the middle of a word and in a broken file.
//!
//! [`complete`] finds the place from the tokens ([`context`]), takes what is half typed there out of the text, so that
//! it stands in nobody's way, and asks: the shape and the document for keys ([`keys`]) and headers ([`headers`]), what
//! is known of a manifest for values ([`values`]), JSON Schema below the schemas of the tools ([`schema`]).
//! [`document`] gives the documentation of one completion, from its key alone.

mod context;
mod docs;
mod headers;
mod keys;
mod known;
mod schema;
mod template;
mod values;

#[cfg(test)]
mod tests;

use std::{cell::OnceCell, ptr};

use skillyard_manifest::{Options, Span, TextEdit, analyze, document::string, shape::ROOT, show::words, syntax::Item};

use self::{
    context::{Around, Next, Spot},
    template::Template,
};
use crate::{Facts, Source};

pub use docs::document;
pub(crate) use docs::pattern;

/// The characters behind which an editor asks without being told to. White space is none of them: an answer in prose
/// would be in the way.
pub const TRIGGERS: &[&str] = &["[", "{", ".", "=", ",", "\"", "'", ":", "/", "$"];

/// What a completion is, for its icon.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CompletionKind {
    /// A key with a value (`Field`).
    Key,
    /// A key of a table, or the header of one (`Module`).
    Table,
    /// A value that is one of many (`Value`).
    Value,
    /// One of a few fixed values (`EnumMember`).
    Enum,
    /// `true` or `false`, and other words of the language (`Keyword`).
    Keyword,
    /// A keyword of JSON Schema (`Property`).
    Property,
    /// A number with a unit (`Unit`).
    Number,
    /// The id of a tool or an export (`Function`).
    Function,
    /// The name of something declared elsewhere in the file (`Reference`).
    Reference,
    /// The path of a file (`File`).
    File,
    /// The path of a folder (`Folder`).
    Folder,
    /// Several lines at once (`Snippet`).
    Snippet,
}

/// Something that can stand at the cursor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Completion {
    /// What the list shows. Without control, bidirectional and invisible characters, as are the next two.
    pub label: String,
    /// Its icon.
    pub kind: CompletionKind,
    /// What it is, beside the documentation (`detail`): `string, required`.
    pub detail: Option<String>,
    /// What it comes to, at the right of the list (`labelDetails.description`): `64 MiB`.
    pub description: Option<String>,
    /// What [`document`] takes to give its documentation. Short; safe to send away and to take back from anybody.
    pub documentation: Option<String>,
    /// What is replaced, on one line and with the cursor in it or at an end of it, and by what: text that is TOML as it
    /// stands. Lines behind the first are not indented: let the client adjust them (`InsertTextMode::AdjustIndentation`).
    pub edit: TextEdit,
    /// The text of the edit with places to fill, in the protocol's syntax; `None` where there are none.
    pub snippet: Option<String>,
    /// Edits elsewhere that belong to it, such as a comma that is missing in front. None touches `edit`.
    pub additional_edits: Vec<TextEdit>,
    /// What the text from the start of the edit to the cursor is compared with.
    pub filter: String,
    /// Its place in the list, in the order of these strings.
    pub sort: String,
    /// Whether it is what most authors want here. At most one of a list.
    pub preselect: bool,
    /// Whether it is an old name: drawn struck through.
    pub deprecated: bool,
    /// Whether to ask again once it is there, because what it leaves to fill can be completed too.
    pub retrigger: bool,
    /// Whether its plain text leaves something to write: the rest of a name behind a prefix, or a value that is empty.
    /// Applied alone, it may leave a manifest that a daemon refuses.
    pub incomplete: bool,
    /// What else in the manifest it contradicts, for a person, in place of the description: with it there, a daemon
    /// refuses the manifest until one of the two is changed.
    pub contradicts: Option<&'static str>,
}

/// The largest number of completions that one answer holds: a list beyond that helps nobody.
pub const MAX_COMPLETIONS: usize = 1000;

/// What can stand at `offset`, best first. All that the place allows, not only what begins like the word there: editors
/// filter as one types, and need not ask again. The daemon is the one of `options`.
#[must_use]
pub fn complete(source: &Source<'_>, offset: usize, facts: &Facts, options: &Options) -> Vec<Completion> {
    let spot = context::find(source, offset);
    let half = match &spot {
        Spot::Key(spot) if spot.lines && matches!(spot.next, Next::End | Next::Other) => spot.whole,
        Spot::Header(spot) => spot.span,
        _ => Span::at(0),
    };
    let mut found = if half.is_empty() {
        at(&Cx::new(source, facts, options, source.text), &spot)
    } else {
        // What is half typed may read as a table of its own, and shut the one that it is meant for.
        let mut text = source.text.to_owned();
        text.replace_range(half.start..half.end, &" ".repeat(half.len()));
        let rest = Source::of_shape(&text, source.shape);
        // A header that is known is not half typed, and counts for what the manifest was.
        let before = if matches!(&spot, Spot::Header(header) if header.known) { source.text } else { &text };
        at(&Cx::new(&rest, facts, options, before), &spot)
    };
    let newline = skillyard_manifest::edits::newline(source.text);
    if newline != "\n" {
        for completion in &mut found {
            completion.edit.text = completion.edit.text.replace('\n', newline);
            completion.snippet = completion.snippet.as_ref().map(|snippet| snippet.replace('\n', newline));
        }
    }
    // At a key or a header, what a daemon would refuse stands behind what it would not.
    if let Spot::Key(_) | Spot::Header(_) = spot {
        for done in found.iter_mut().filter(|done| done.contradicts.is_some()) {
            done.sort.insert(0, '9');
        }
    }
    found.sort_by(|a, b| a.sort.cmp(&b.sort));
    found.truncate(MAX_COMPLETIONS);
    found
}

fn at(cx: &Cx<'_, '_>, spot: &Spot<'_>) -> Vec<Completion> {
    match spot {
        Spot::Nothing => Vec::new(),
        Spot::Header(spot) => headers::in_brackets(cx, spot),
        Spot::Key(spot) => keys::at(cx, spot),
        Spot::Value(spot) => values::at(cx, spot),
    }
}

/// What the parts of completion look at: the text without what is half typed at the cursor.
struct Cx<'a, 't> {
    source: &'a Source<'t>,
    facts: &'a Facts,
    options: &'a Options,
    /// Whether it is a manifest, and not another file with a shape.
    manifest: bool,
    /// What a completion's edits are for, of the length of the source's text.
    before: &'a str,
    /// Whether a daemon takes that.
    accepted: OnceCell<bool>,
}

/// The longest manifest that is judged with each completion that takes the place of something: a list of some forty is
/// asked for with every key that is pressed.
const MAX_JUDGED: usize = 32 << 10;

impl<'a, 't> Cx<'a, 't> {
    fn new(source: &'a Source<'t>, facts: &'a Facts, options: &'a Options, before: &'a str) -> Self {
        let manifest = ptr::eq(source.shape, &raw const ROOT);
        Self { source, facts, options, manifest, before, accepted: OnceCell::new() }
    }

    /// Whether a daemon, which takes the manifest as it is, refuses it with a completion; `None` where it does not take
    /// it, or where asking would take too long.
    fn refuses(&self, done: &Completion) -> Option<bool> {
        let accepts = |text: &str| analyze(text, self.options).daemon.accepts;
        if !self.manifest || self.before.len() > MAX_JUDGED || !*self.accepted.get_or_init(|| accepts(self.before)) {
            return None;
        }
        let mut after = self.before.to_owned();
        let mut edits: Vec<&TextEdit> = done.additional_edits.iter().chain([&done.edit]).collect();
        edits.sort_by_key(|edit| edit.span.start);
        for edit in edits.into_iter().rev() {
            after.replace_range(edit.span.start..edit.span.end, &edit.text);
        }
        Some(!accepts(&after))
    }
}

/// A value that can stand somewhere.
#[derive(Clone, Debug)]
struct Candidate {
    content: Content,
    label: String,
    kind: CompletionKind,
    description: Option<String>,
    doc: Option<String>,
    preselect: bool,
    incomplete: bool,
    contradicts: Option<&'static str>,
    retrigger: bool,
}

/// How a value is written.
#[derive(Clone, Debug)]
enum Content {
    /// What a string says.
    Text(String),
    /// TOML.
    Toml(Template),
}

impl Candidate {
    /// A string.
    fn text(value: impl Into<String>, kind: CompletionKind) -> Self {
        let value = value.into();
        Self::new(shown(&value), Content::Text(value), kind)
    }

    /// A value of another type.
    fn toml(template: Template, kind: CompletionKind) -> Self {
        Self::new(shown(&template.plain()), Content::Toml(template), kind)
    }

    fn new(label: String, content: Content, kind: CompletionKind) -> Self {
        let (description, doc) = (None, None);
        let (preselect, incomplete, contradicts, retrigger) = (false, false, None, false);
        Self { content, label, kind, description, doc, preselect, incomplete, contradicts, retrigger }
    }

    fn described(mut self, description: impl AsRef<str>) -> Self {
        let description = shown(description.as_ref());
        self.description = (!description.is_empty()).then_some(description);
        self
    }

    fn documented(mut self, doc: impl Into<String>) -> Self {
        self.doc = Some(doc.into());
        self
    }

    fn preselected(mut self, preselect: bool) -> Self {
        self.preselect = preselect;
        self
    }

    /// Refused beside something else, where `when`; `why` says by what.
    fn refused(mut self, when: bool, why: &'static str) -> Self {
        if when && self.contradicts.is_none() {
            self.contradicts = Some(why);
        }
        self
    }

    fn incomplete(mut self, incomplete: bool) -> Self {
        self.incomplete |= incomplete;
        self
    }

    /// Whether nothing is left to write or to change.
    fn is_whole(&self) -> bool {
        !self.incomplete && self.contradicts.is_none()
    }

    /// The start of a value: the rest is to be written behind it, which is said, since it may replace a value that is whole.
    fn prefix(self) -> Self {
        let said = self.description.as_ref().map(|said| format!("{said}, ")).unwrap_or_default();
        self.described(format!("{said}to be written on")).opened()
    }

    /// Something with a place in it to fill: shown as such, and asked for again.
    fn opened(mut self) -> Self {
        self.incomplete = true;
        self.retrigger = true;
        self
    }

    /// As TOML with what is to be filled.
    fn template(&self) -> Template {
        match &self.content {
            Content::Text(value) if self.retrigger => inside_quotes(value).text("\""),
            Content::Text(value) => Template::of(string(value)),
            Content::Toml(template) => template.clone(),
        }
    }
}

/// The start of a string, with the cursor behind it.
fn inside_quotes(value: &str) -> Template {
    let spelled = string(value);
    Template::of(spelled.get(..spelled.len() - 1).unwrap_or_default()).end()
}

/// `text` as a list may show it: on one line, short, nothing in it that is not seen.
fn shown(text: &str) -> String {
    const LONGEST: usize = 120;
    words(text, LONGEST)
}

/// A completion of what `word` is, by `template` in the middle of what is missing around.
fn completion(label: String, kind: CompletionKind, word: Span, template: &Template, around: &Around) -> Completion {
    let whole = |text: String| format!("{}{text}{}", around.before, around.after);
    // What closes the list is behind the cursor.
    let open = around.after.starts_with([']', ' ']) && around.after.trim() != "";
    let snippet = match template.snippet() {
        Some(snippet) if open && !template.has_end() => Some(whole(format!("{snippet}$0"))),
        Some(snippet) => Some(whole(snippet)),
        None if open => template.clone().end().snippet().map(whole),
        None => None,
    };
    Completion {
        label,
        kind,
        detail: None,
        description: None,
        documentation: None,
        edit: TextEdit { span: word, text: whole(template.plain()) },
        snippet,
        additional_edits: around
            .comma
            .map(|at| TextEdit { span: Span::at(at), text: ",".to_owned() })
            .into_iter()
            .collect(),
        filter: String::new(),
        sort: String::new(),
        preselect: false,
        deprecated: false,
        retrigger: false,
        incomplete: false,
        contradicts: None,
    }
}

/// Whether entries stand behind `offset` before the next header: a header in front of them would take them.
fn entries_below(source: &Source<'_>, offset: usize) -> bool {
    let items = &source.tree.items;
    let next = items.partition_point(|item| item.span().start < offset);
    items
        .get(next..)
        .unwrap_or_default()
        .iter()
        .find(|item| !matches!(item, Item::Garbage(_)))
        .is_some_and(|item| matches!(item, Item::Entry(_)))
}
