//! Text that is not what it looks like: characters that reorder, hide or imitate others.

use std::collections::HashSet;

use super::{Context, Family, FixKind, Rule, common, identity};
use crate::{
    diagnostic::{Daemon, Severity, TextEdit},
    document::{Node, NodeKind, Table},
    edits, show,
    spelling::characters,
    text::Span,
    view::{Text, View},
};

pub(super) static FAMILY: Family = Family {
    name: "text",
    about: "Text that is not what it looks like: characters that reorder, hide or imitate others.",
    rules: &[&BIDI_CONTROL, &CONTROL_CHARACTER, &INVISIBLE, &LOOK_ALIKE, &LINE_BREAK, &SURROUNDING_SPACE],
    check,
};

static BIDI_CONTROL: Rule = Rule {
    code: "text/bidi-control",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::Unsafe,
    summary: "The file holds a character that changes the direction of text",
    details: "Bidirectional controls make text appear in another order than it is read in: a reviewer sees one host, path or \
              comment, and a daemon reads another. They are found everywhere, also in comments and written as escapes. The \
              marks that right-to-left text needs beside its letters are left alone.",
    bad: "name = \"Weather \\u202Egnp.exe\"",
    good: "name = \"Weather\"",
};

static CONTROL_CHARACTER: Rule = Rule {
    code: "text/control-character",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::Unsafe,
    summary: "A text that people see holds a control character",
    details: "A daemon takes them, and whoever lists skills or answers an approval prompt in a terminal gets them: an escape \
              sequence can erase the line, recolour it or rewrite what stands above. Tab and line ends are allowed in \
              descriptions.",
    bad: "name = \"Weather\\u001b[2K\"",
    good: "name = \"Weather\"",
};

static INVISIBLE: Rule = Rule {
    code: "text/invisible",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A text that people see holds an invisible character",
    details: "With a zero-width space inside, a name looks like another one and is not equal to it; tag characters can hide whole \
              instructions from people that a model reads. Joiners and selectors in emoji and in scripts that need them are \
              left alone.",
    bad: "name = \"Wea\u{200B}ther\"",
    good: "name = \"Weather\"",
};

static LOOK_ALIKE: Rule = Rule {
    code: "text/look-alike",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Unsafe,
    summary: "A word imitates Latin letters with those of another script",
    details: "The Cyrillic `\u{0430}` looks like the Latin `a`: a name with it can pass for somebody else's. A word is told where it mixes \
              Latin letters with such look-alikes, or is made of them alone in a text that is otherwise Latin. Words that are \
              plainly of another script are left alone.",
    bad: "name = \"We\u{0430}ther\"",
    good: "name = \"Weather\"",
};

static LINE_BREAK: Rule = Rule {
    code: "text/line-break",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A name, title or summary holds a line end or a tab",
    details: "Names stand in lists, one on a line. What is behind a line end is cut off, or passes for an entry of its own.",
    bad: "name = \"Weather\\nReport\"",
    good: "name = \"Weather Report\"",
};

static SURROUNDING_SPACE: Rule = Rule {
    code: "text/surrounding-space",
    severity: Severity::Info,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A name, title, summary or value to choose has white space around it",
    details: "It is shown as it is written, and sorts and compares apart from the same text without.",
    bad: "name = \" Weather\"",
    good: "name = \"Weather\"",
};

fn check(cx: &mut Context<'_, '_>) {
    check_raw(cx);
    let document = cx.document;
    if !is_plain(cx.text) {
        check_table(cx, &document.root, false);
    }
    for (text, how) in shown(cx) {
        if let NodeKind::String(_) = text.node.kind {
            check_shown(cx, text.node, how);
            if matches!(how, Shown::Line | Shown::Value) {
                // The module gets a value as it is written.
                check_line(cx, text, how == Shown::Line);
            }
        }
    }
}

/// How people see a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// On a line of its own.
    Line,
    /// As something to choose.
    Value,
    /// In any other way.
    Lines,
    /// By who decides what the skill may do.
    Reviewed,
}

/// The texts that people see.
fn shown<'d, 't>(cx: &Context<'d, 't>) -> Vec<(Text<'d, 't>, Shown)> {
    let mut texts: Vec<(Text<'d, 't>, Shown)> = reviewed(cx).into_iter().map(|text| (text, Shown::Reviewed)).collect();
    let mut add = |view: View<'d, 't>, keys: &[(&str, bool)]| {
        let how = |one_line| if one_line { Shown::Line } else { Shown::Lines };
        texts.extend(keys.iter().filter_map(|(key, one_line)| Some((view.text(key)?, how(*one_line)))));
    };
    add(cx.root, &[("name", true)]);
    for tool in cx.tools() {
        add(tool, &[("name", true), ("description", false)]);
    }
    if let Some(builder) = cx.root.table("builder") {
        add(
            builder,
            &[("source_kind", false), ("source_ref", false), ("rollout_flag", false), ("review_status", false)],
        );
        if let Some(checklist) = builder.table("checklist") {
            add(checklist, &[("review_notes", false)]);
        }
    }
    let Some(operator) = cx.root.table("operator") else { return texts };
    add(operator, &[("display_name", true), ("summary", true), ("description", false)]);
    let Some(config) = operator.table("config") else { return texts };
    let Some(shape) = config.shape.child("properties") else { return texts };
    let properties = config.get("properties").and_then(|item| item.node.as_table());
    for field in properties.into_iter().flat_map(|table| table.fields.values()) {
        let Some(property) = View::of_node(&field.value, shape) else { continue };
        add(property, &[("title", true), ("description", false), ("default", false)]);
    }
    for field in properties.into_iter().flat_map(|table| table.fields.values()) {
        let Some(property) = View::of_node(&field.value, shape) else { continue };
        let values = property.texts("enum_values");
        // One more of the same is told as that, however it is written.
        let again = common::repeated(values.iter().map(|value| (value.trimmed(), value.span())));
        let again: HashSet<Span> = again.into_iter().map(|(_, again)| again).collect();
        let how = |value: &Text<'_, '_>| if again.contains(&value.span()) { Shown::Lines } else { Shown::Value };
        texts.extend(values.into_iter().map(|value| (value, how(&value))));
    }
    texts
}

/// What an operator or a reviewer reads beside prose: what the skill asks for, labels, an address, paths.
fn reviewed<'d, 't>(cx: &Context<'d, 't>) -> Vec<Text<'d, 't>> {
    let mut texts = Vec::new();
    if let Some(capabilities) = cx.capabilities() {
        if let Some(filesystem) = capabilities.table("filesystem") {
            texts.extend(["read_roots", "write_roots"].into_iter().flat_map(|key| filesystem.texts(key)));
        }
        // A host without a wildcard is ASCII, or refused as what it is.
        let hosts = capabilities.texts("http_egress_allowlist").into_iter();
        texts.extend(hosts.filter(|host| host.value.contains('*')));
        for secret in capabilities.tables("secrets") {
            texts.extend(secret.text("scope").into_iter().chain(secret.texts("key_names")));
        }
        texts.extend(["device_capabilities", "node_capabilities"].into_iter().flat_map(|key| capabilities.texts(key)));
    }
    if let Some(operator) = cx.root.table("operator") {
        texts.extend(["categories", "tags"].into_iter().flat_map(|key| operator.texts(key)));
        texts.extend(operator.text("docs_url"));
    }
    if let Some(checklist) = cx.root.table("builder").and_then(|builder| builder.table("checklist")) {
        let paths = ["capability_declaration_path", "provenance_path", "test_harness_path"];
        texts.extend(paths.into_iter().filter_map(|path| checklist.text(path)));
    }
    // A NUL is refused wherever it stands here, and told as that.
    texts.retain(|text| !text.value.contains('\0'));
    texts
}

/// Whether a text has nothing but what can be seen in ASCII, spaces, tabs, line feeds, and no escapes: nearly every
/// manifest. Then no key and no string of many lines can hide anything.
fn is_plain(text: &str) -> bool {
    // Without an early end, so that it takes many bytes at once.
    text.bytes().fold(true, |plain, b| plain & (matches!(b, b' '..=b'~' | b'\t' | b'\n') & (b != b'\\')))
}

/// Bidirectional controls as they stand in the file, anywhere.
pub(super) fn check_raw(cx: &mut Context<'_, '_>) {
    if cx.text.is_ascii() {
        return;
    }
    let characters = cx.text.char_indices().map(|(at, c)| (Span::new(at, at + c.len_utf8()), c));
    let found = bidi_runs(characters);
    for (span, c) in found {
        report_bidi(cx, span, c);
    }
}

/// Runs of bidirectional controls, each with its first one.
fn bidi_runs(characters: impl Iterator<Item = (Span, char)>) -> Vec<(Span, char)> {
    let mut runs: Vec<(Span, char)> = Vec::new();
    // A mark that may belong to the right-to-left letter behind it.
    let mut held: Option<(Span, char)> = None;
    let mut before = ' ';
    for (span, c) in characters {
        if let Some(mark) = held.take()
            && !is_right_to_left(c)
        {
            add_run(&mut runs, mark);
        }
        if matches!(c, '\u{200E}' | '\u{200F}' | '\u{061C}') {
            if !is_right_to_left(before) {
                held = Some((span, c));
            }
        } else if is_bidi(c) {
            add_run(&mut runs, (span, c));
        }
        before = c;
    }
    if let Some(mark) = held {
        add_run(&mut runs, mark);
    }
    runs
}

fn add_run(runs: &mut Vec<(Span, char)>, found: (Span, char)) {
    match runs.last_mut() {
        Some((span, _)) if span.end == found.0.start => span.end = found.0.end,
        _ => runs.push(found),
    }
}

fn report_bidi(cx: &mut Context<'_, '_>, span: Span, c: char) {
    let message = format!("U+{:04X} changes the order in which text appears: take it out", c as u32);
    cx.report(&BIDI_CONTROL, span, message).unsafe_fix("Remove it", vec![edits::replace(span, "")]);
}

fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{0590}'..='\u{061B}' | '\u{061D}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}'
        | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
}

/// Every key and string below a table: escaped bidirectional controls in all, and what people or a model read of a schema.
fn check_table(cx: &mut Context<'_, '_>, table: &Table<'_>, in_schema: bool) {
    for (name, field) in &table.fields {
        check_escapes(cx, field.key);
        if !name.is_ascii() {
            let characters = characters(cx.text, field.key);
            check_invisible(cx, &characters, true);
            check_look_alikes(cx, &characters);
        }
        let below = in_schema || matches!(name.as_ref(), "input_schema" | "output_schema");
        check_node(cx, &field.value, below);
        if in_schema && matches!(name.as_ref(), "title" | "description") && field.value.as_str().is_some() {
            check_shown(cx, &field.value, Shown::Lines);
        }
    }
}

fn check_node(cx: &mut Context<'_, '_>, node: &Node<'_>, in_schema: bool) {
    match &node.kind {
        NodeKind::String(_) => check_escapes(cx, node.span),
        NodeKind::Array(array) => {
            for item in &array.items {
                check_node(cx, item, in_schema);
            }
        }
        NodeKind::Table(table) => check_table(cx, table, in_schema),
        _ => {}
    }
}

/// Bidirectional controls that are written as escapes.
fn check_escapes(cx: &mut Context<'_, '_>, span: Span) {
    let raw = span.of(cx.text);
    if !raw.starts_with('"') || !raw.contains('\\') {
        return;
    }
    let found = bidi_runs(characters(cx.text, span).into_iter());
    for (span, c) in found {
        // Others were found in the file as it stands.
        if span.of(cx.text).starts_with('\\') {
            report_bidi(cx, span, c);
        }
    }
}

fn check_shown(cx: &mut Context<'_, '_>, node: &Node<'_>, how: Shown) {
    let Some(value) = node.as_str() else { return };
    // Most texts have nothing to look at.
    if value.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return;
    }
    let characters = characters(cx.text, node.span);
    check_controls(cx, &characters, how == Shown::Line);
    // Without them a host or folder that is nobody's may become one that is granted.
    check_invisible(cx, &characters, how != Shown::Reviewed);
    check_look_alikes(cx, &characters);
}

/// Control characters, an escape sequence of a terminal as one, and line ends where a text has one line.
fn check_controls(cx: &mut Context<'_, '_>, characters: &[(Span, char)], one_line: bool) {
    let mut at = 0;
    let mut breaks: Option<(Span, usize, usize)> = None;
    while let Some((span, c)) = characters.get(at).copied() {
        let start = at;
        at += 1;
        if matches!(c, '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}') {
            // At the ends it is white space around the text.
            if one_line {
                breaks = Some(match breaks {
                    Some((first, from, _)) => (first, from, start),
                    None => (span, start, start),
                });
            }
            // A return alone lets a terminal write over the line.
            let alone = c == '\r' && characters.get(at).is_none_or(|(_, next)| *next != '\n');
            if one_line || !alone {
                continue;
            }
        } else if !c.is_control() {
            continue;
        }
        let mut end = span.end;
        let opens = c == '\u{9B}' || (c == '\u{1B}' && characters.get(at).is_some_and(|(_, next)| *next == '['));
        if opens {
            at += usize::from(c == '\u{1B}');
            while characters.get(at).is_some_and(|(_, c)| matches!(c, ' '..='?')) {
                at += 1;
            }
            at += usize::from(characters.get(at).is_some_and(|(_, c)| matches!(c, '@'..='~')));
            end = characters.get(at - 1).map_or(end, |(span, _)| span.end);
        }
        while !opens && characters.get(at).is_some_and(|(_, next)| *next == c) {
            end = characters.get(at).map_or(end, |(span, _)| span.end);
            at += 1;
        }
        let what = if matches!(c, '\u{1B}' | '\u{9B}') { "a terminal escape" } else { "a control character" };
        let run = Span::new(span.start, end);
        cx.report(&CONTROL_CHARACTER, run, format!("U+{:04X} is {what}: take it out of what people see", c as u32))
            .unsafe_fix("Remove it", vec![edits::replace(run, "")]);
    }
    let Some((span, from, to)) = breaks else { return };
    report_breaks(cx, characters, span, from, to);
}

/// One finding for all line ends of a text between its first and last word.
fn report_breaks(cx: &mut Context<'_, '_>, characters: &[(Span, char)], span: Span, from: usize, to: usize) {
    let first_word = characters.iter().position(|(_, c)| !c.is_whitespace());
    let last_word = characters.iter().rposition(|(_, c)| !c.is_whitespace());
    let (Some(first_word), Some(last_word)) = (first_word, last_word) else { return };
    // Only around the text: that is told as white space.
    let inner = characters
        .get(from..=to)
        .into_iter()
        .flatten()
        .zip(from..)
        .find(|((_, c), i)| *i > first_word && *i < last_word && is_break(*c));
    let Some(((at, _), _)) = inner else { return };
    let at = if from > first_word { span } else { *at };
    let mut fix: Vec<TextEdit> = Vec::new();
    let mut i = first_word;
    while i < last_word {
        let mut end = i;
        while characters.get(end).is_some_and(|(_, c)| c.is_whitespace()) {
            end += 1;
        }
        let run = characters.get(i..end).unwrap_or_default();
        if let (Some((first, _)), Some((last, _))) = (run.first(), run.last())
            && run.iter().any(|(_, c)| is_break(*c))
        {
            fix.push(edits::replace(Span::new(first.start, last.end), " "));
        }
        i = end.max(i + 1);
    }
    cx.report(&LINE_BREAK, at, "this text stands on one line: write a space").safe_fix("Write spaces", fix);
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// White space around a text of one line.
fn check_line(cx: &mut Context<'_, '_>, text: Text<'_, '_>, same: bool) {
    let trimmed = text.trimmed();
    // An empty text is told by its own rule.
    if trimmed.is_empty() || trimmed.len() == text.value.len() {
        return;
    }
    let fix = vec![cx.set_string(text.node, trimmed)];
    let lead = text.value.len() - text.value.trim_start().len();
    let back = lead + trimmed.len();
    let span = match (lead > 0, back < text.value.len()) {
        (true, false) => cx.inside(text.node, 0..lead),
        (false, true) => cx.inside(text.node, back..text.value.len()),
        _ => text.span(),
    };
    let finding = cx.report(&SURROUNDING_SPACE, span, "there is white space around this text");
    identity::fix(finding, same, "Trim the white space", fix);
}

/// Invisible characters other than those that scripts and emoji need, a run as one; `safe` where nothing else comes of
/// taking them out than is seen.
fn check_invisible(cx: &mut Context<'_, '_>, characters: &[(Span, char)], safe: bool) {
    let unseen = |at: usize| {
        let (_, c) = characters[at];
        let before = at.checked_sub(1).and_then(|at| characters.get(at)).map(|(_, c)| *c);
        let after = characters.get(at + 1).map(|(_, c)| *c);
        // The few tags of a flag follow it: more of them would hide a text of their own.
        let of_flag = is_flag_tag(c)
            && (1..=7).any(|back| at.checked_sub(back).is_some_and(|at| characters[at].1 == '\u{1F3F4}'));
        let seen = c.is_control() || is_bidi(c) || is_break(c) || of_flag;
        show::is_unseen(c) && !seen && !is_needed(c, before, after)
    };
    let left = (0..characters.len()).any(|at| !characters[at].1.is_whitespace() && !unseen(at));
    let mut at = 0;
    while at < characters.len() {
        let start = at;
        while at < characters.len() && unseen(at) {
            at += 1;
        }
        if at == start {
            at += 1;
            continue;
        }
        let (first, c) = characters[start];
        let run = Span::new(first.start, characters[at - 1].0.end);
        let fix = if left { vec![edits::replace(run, "")] } else { Vec::new() };
        let finding = cx.report(&INVISIBLE, run, format!("U+{:04X} is invisible: take it out", c as u32));
        identity::fix(finding, safe, "Remove it", fix);
    }
}

/// Whether an invisible character does what it is made for between these two.
fn is_needed(c: char, before: Option<char>, after: Option<char>) -> bool {
    let foreign = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !show::is_unseen(c));
    match c {
        // Joiners of emoji and of scripts that join.
        '\u{200C}' | '\u{200D}' => {
            (foreign(before) || before == Some('\u{FE0F}')) && after.is_some_and(|c| !c.is_ascii())
        }
        // Selectors of emoji, also in keycaps.
        '\u{FE00}'..='\u{FE0F}' => foreign(before) || after == Some('\u{20E3}'),
        // Word limits in scripts that write no spaces.
        '\u{200B}' => [before, after].iter().any(|c| {
            c.is_some_and(|c| matches!(c, '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'))
        }),
        // Fillers of Hangul and selectors of Mongolian beside their own letters.
        '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' => [before, after].iter().any(|c| {
            c.is_some_and(|c| matches!(c, '\u{1100}'..='\u{11FF}' | '\u{3131}'..='\u{318E}' | '\u{AC00}'..='\u{D7FF}'))
        }),
        '\u{180B}'..='\u{180F}' => before.is_some_and(|c| matches!(c, '\u{1820}'..='\u{18AA}')),
        _ => false,
    }
}

/// The tags that regional flags are spelled with.
fn is_flag_tag(c: char) -> bool {
    matches!(c, '\u{E0030}'..='\u{E0039}' | '\u{E0061}'..='\u{E007A}' | '\u{E007F}')
}

/// Words that imitate Latin ones.
fn check_look_alikes(cx: &mut Context<'_, '_>, characters: &[(Span, char)]) {
    if characters.iter().all(|(_, c)| c.is_ascii()) {
        return;
    }
    let other = |c: char| c.is_alphabetic() && !is_latin(c) && latin_look(c).is_none();
    let any_latin = characters.iter().any(|(_, c)| is_latin(*c));
    let any_other = characters.iter().any(|(_, c)| other(*c));
    if !any_latin {
        return;
    }
    for word in characters.split(|(_, c)| !c.is_alphanumeric()) {
        let alike: Vec<(Span, char, char)> =
            word.iter().filter_map(|(span, c)| Some((*span, *c, latin_look(*c)?))).collect();
        let (Some((_, c, looks)), Some((first, _)), Some((last, _))) = (alike.first(), word.first(), word.last())
        else {
            continue;
        };
        let mixed = word.iter().any(|(_, c)| is_latin(*c)) && !word.iter().any(|(_, c)| other(*c));
        let alone = !any_other && word.len() > 1 && word.iter().all(|(_, c)| latin_look(*c).is_some());
        if !mixed && !alone {
            continue;
        }
        let shown: String = word.iter().map(|(_, c)| *c).collect();
        let message = format!(
            "U+{:04X} in {} only looks like the Latin `{looks}`: write the word in one script",
            *c as u32,
            show::quoted(&shown)
        );
        let fix = alike.iter().map(|(span, _, looks)| edits::replace(*span, *looks)).collect();
        cx.report(&LOOK_ALIKE, Span::new(first.start, last.end), message).unsafe_fix("Write Latin letters", fix);
    }
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || (matches!(c, '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}') && c.is_alphabetic())
}

/// The Latin letter that a letter of another script is drawn like in common fonts.
#[must_use]
pub fn latin_look(c: char) -> Option<char> {
    Some(match c {
        // Cyrillic
        'А' => 'A',
        'В' => 'B',
        'Е' => 'E',
        'Ѕ' => 'S',
        'І' | 'Ӏ' => 'I',
        'Ј' => 'J',
        'К' => 'K',
        'М' => 'M',
        'Н' => 'H',
        'О' => 'O',
        'Р' => 'P',
        'С' => 'C',
        'Т' => 'T',
        'У' | 'Ү' => 'Y',
        'Х' => 'X',
        'Ԛ' => 'Q',
        'Ԝ' => 'W',
        'а' => 'a',
        'е' => 'e',
        'о' => 'o',
        'р' => 'p',
        'с' => 'c',
        'у' | 'ү' => 'y',
        'х' => 'x',
        'ѕ' => 's',
        'і' => 'i',
        'ј' => 'j',
        'һ' => 'h',
        'ӏ' => 'l',
        'ԁ' => 'd',
        'ԛ' => 'q',
        'ԝ' => 'w',
        'ѵ' => 'v',
        // Greek
        'Α' => 'A',
        'Β' => 'B',
        'Ε' => 'E',
        'Ζ' => 'Z',
        'Η' => 'H',
        'Ι' => 'I',
        'Κ' => 'K',
        'Μ' => 'M',
        'Ν' => 'N',
        'Ο' => 'O',
        'Ρ' => 'P',
        'Τ' => 'T',
        'Υ' => 'Y',
        'Χ' => 'X',
        'ο' => 'o',
        'ν' => 'v',
        'ι' => 'i',
        'ρ' => 'p',
        'υ' => 'u',
        // Armenian
        'օ' => 'o',
        'ո' => 'n',
        'ս' => 'u',
        'հ' => 'h',
        'ց' => 'g',
        'Օ' => 'O',
        'Տ' => 'S',
        // Cherokee
        'Ꭺ' => 'A',
        'Ꭼ' => 'E',
        'Ꮃ' => 'W',
        'Ꮇ' => 'M',
        'Ꮋ' => 'H',
        'Ꮪ' => 'S',
        'Ꮲ' => 'P',
        'Ꮯ' => 'C',
        'Ꮮ' => 'L',
        'Ꭲ' => 'T',
        'Ꮩ' => 'V',
        // Full-width and mathematical letters
        '\u{FF21}'..='\u{FF3A}' => letter('A', c as u32 - 0xFF21),
        '\u{FF41}'..='\u{FF5A}' => letter('a', c as u32 - 0xFF41),
        '\u{1D400}'..='\u{1D6A3}' => match (c as u32 - 0x1D400) % 52 {
            upper @ ..26 => letter('A', upper),
            lower => letter('a', lower - 26),
        },
        _ => return None,
    })
}

fn letter(first: char, at: u32) -> char {
    char::from_u32(first as u32 + at).unwrap_or(first)
}
