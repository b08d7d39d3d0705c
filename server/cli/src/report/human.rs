//! `--format human`: the line of the file with marks under it, and a summary.

use std::{borrow::Cow, fmt::Write as _, ops::Range};

use annotate_snippets::{
    AnnotationKind, Group, Level, Renderer, Snippet,
    renderer::{DEFAULT_LINE_NUM_STYLE, Style},
};
use skillyard_manifest::{Diagnostic, Encoding, Severity, Span};
use skillyard_project::{check::Checked, shown};

use super::{Places, Reporter, Tally};

/// The format.
pub struct Human {
    renderer: Renderer,
    line_style: Style,
}

/// Related places farther away than this many lines are named and not shown.
const NEAR: usize = 200;
/// A longer line is cut around its first mark, in bytes.
const LONG: usize = 240;
/// What stays in front of the mark of a line that is cut.
const LEAD: usize = 60;

impl Human {
    /// With colours or without.
    pub fn new(coloured: bool) -> Self {
        if coloured {
            Self { renderer: Renderer::styled(), line_style: DEFAULT_LINE_NUM_STYLE }
        } else {
            Self { renderer: Renderer::plain(), line_style: Style::new() }
        }
    }

    /// One finding. The place is put in here and not by the library, which would count columns in the shown text: that
    /// may be cut and escaped.
    fn finding(&self, finding: &Diagnostic, places: &Places<'_>, path: &str) -> String {
        let rendered = self.renderer.render(&[group(finding, places, path)]);
        let (title, rest) = rendered.split_once('\n').unwrap_or((&rendered, ""));
        let indent = (rest.len() - rest.trim_start_matches(' ').len()).saturating_sub(1);
        let at = places.seen(finding.span.start, Encoding::Utf32);
        let (style, line, column) = (self.line_style, at.line, at.character);
        format!("{title}\n{:indent$}{style}-->{style:#} {path}:{line}:{column}\n{rest}\n\n", "")
    }
}

impl Reporter for Human {
    fn piece(&self, checked: &Checked, text: &str) -> String {
        let found = &checked.analysis.diagnostics;
        let mut out = String::new();
        if found.is_empty() {
            return out;
        }
        let places = Places::new(text);
        let path = shown::path(&checked.path);
        for finding in found {
            out.push_str(&self.finding(finding, &places, &path));
        }
        out
    }

    fn whole(&self, pieces: &[String], tally: &Tally, failures: &[String]) -> String {
        pieces.concat() + &summary(tally, failures.len())
    }
}

fn group<'g>(finding: &'g Diagnostic, places: &Places<'_>, path: &'g str) -> Group<'g> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
        Severity::Hint => Level::NOTE.with_name("hint"),
    };
    let line = places.index().line_of(finding.span.start);
    let is_near = |span: Span| places.index().line_of(span.start).abs_diff(line) <= NEAR;

    let mut marks = vec![Mark { span: finding.span, label: None }];
    marks.extend(
        finding
            .related
            .iter()
            .filter(|related| is_near(related.span))
            .map(|related| Mark { span: related.span, label: Some(&related.message) }),
    );
    let mut group =
        level.primary_title(shown::line(&finding.message)).id(finding.rule.code).element(excerpt(&marks, places));
    for related in finding.related.iter().filter(|related| !is_near(related.span)) {
        let at = places.seen(related.span.start, Encoding::Utf32);
        let message = format!("{} ({path}:{}:{})", shown::line(&related.message), at.line, at.character);
        group = group.element(Level::NOTE.message(message));
    }
    for fix in &finding.fixes {
        let flag = if fix.safe { "--fix" } else { "--fix --unsafe-fixes" };
        group = group.element(Level::HELP.message(format!("{} ({flag})", shown::line(&fix.title))));
    }
    group
}

struct Mark<'g> {
    span: Span,
    label: Option<&'g str>,
}

/// The lines that hold marks, as one piece of source. What lies between them is left empty where it will not be shown,
/// and everything is escaped before it is laid out, so that marks stand under what they mean.
fn excerpt<'g>(marks: &[Mark<'g>], places: &Places<'_>) -> Snippet<'g, annotate_snippets::Annotation<'g>> {
    let index = places.index();
    let line_of = |mark: &Mark<'_>| index.line_of(mark.span.start);
    let first = marks.iter().map(line_of).min().unwrap_or_default();
    let last = marks.iter().map(line_of).max().unwrap_or_default();
    let mut source = String::new();
    let mut annotations = Vec::with_capacity(marks.len());
    for line in first..=last {
        let content = index.line_content(places.text(), line);
        let on_line: Vec<&Mark<'_>> = marks.iter().filter(|mark| line_of(mark) == line).collect();
        let is_near = marks.iter().any(|mark| line_of(mark).abs_diff(line) <= 2);
        if is_near {
            let ranges: Vec<Range<usize>> = on_line.iter().map(|mark| within(mark.span, content)).collect();
            let shown = show_line(content.of(places.text()), &ranges);
            for (mark, range) in on_line.iter().zip(shown.ranges) {
                let range = source.len() + range.start..source.len() + range.end;
                let annotation = match mark.label {
                    None => AnnotationKind::Primary.span(range),
                    Some(label) => AnnotationKind::Context.span(range).label(shown::line(label)),
                };
                annotations.push(annotation);
            }
            source.push_str(&shown.text);
        }
        source.push('\n');
    }
    Snippet::source(source).line_start(first + 1).fold(true).annotations(annotations)
}

/// A span as a range in its first line. Of a span over many lines the first is enough to find it.
fn within(span: Span, line: Span) -> Range<usize> {
    let start = span.start.clamp(line.start, line.end) - line.start;
    let end = span.end.clamp(line.start, line.end) - line.start;
    start..end.max(start)
}

struct ShownLine {
    text: String,
    ranges: Vec<Range<usize>>,
}

/// `line` as it may be shown, with `ranges` moved along.
fn show_line(line: &str, ranges: &[Range<usize>]) -> ShownLine {
    let (from, to) = if line.len() <= LONG {
        (0, line.len())
    } else {
        let mark = ranges.first().map_or(0, |range| range.start);
        let from = floor(line, mark.saturating_sub(LEAD));
        (from, floor(line, (from + LONG).min(line.len())))
    };
    let mut text = String::new();
    if from > 0 {
        text.push('…');
    }
    // For each byte of the window, and the one behind it, its place in the shown text.
    let mut moved = vec![0; to - from + 1];
    for (at, c) in line.get(from..to).unwrap_or_default().char_indices() {
        moved[at..at + c.len_utf8()].fill(text.len());
        match c {
            '\t' => text.push('\t'),
            // A byte order mark shows nothing and means nothing.
            '\u{feff}' if from + at == 0 => {}
            c => shown::push(&mut text, c),
        }
    }
    moved[to - from] = text.len();
    if to < line.len() {
        text.push('…');
    }
    let place = |at: usize| moved[at.clamp(from, to) - from];
    let ranges = ranges.iter().map(|range| place(range.start)..place(range.end)).collect();
    ShownLine { text, ranges }
}

/// The last start of a character at or before `at`.
fn floor(line: &str, at: usize) -> usize {
    (0..=at.min(line.len())).rev().find(|at| line.is_char_boundary(*at)).unwrap_or_default()
}

fn summary(tally: &Tally, failures: usize) -> String {
    let counts: Vec<_> =
        [(tally.errors, "error"), (tally.warnings, "warning"), (tally.infos, "note"), (tally.hints, "hint")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, name)| number(count, name))
            .collect();
    let mut out = String::new();
    // Writing to a string cannot fail.
    if tally.fixed > 0 {
        let _ = write!(out, "{} applied. ", fixes(tally.fixed));
    }
    if counts.is_empty() {
        if tally.files > 0 {
            let _ = writeln!(out, "No findings in {}.", number(tally.files, "file"));
        }
    } else {
        let _ = writeln!(out, "{} in {} of {}.", counts.join(", "), tally.with_findings, number(tally.files, "file"));
        let hint: Cow<'_, str> = match (tally.fixable, tally.unsafely_fixable) {
            (0, 0) => "".into(),
            (safe, 0) => format!("`--fix` fixes {safe}.\n").into(),
            (0, more) => format!("`--fix --unsafe-fixes` fixes {more}, deciding for you.\n").into(),
            (safe, more) => {
                format!("`--fix` fixes {safe}; with `--unsafe-fixes` {more} more, deciding for you.\n").into()
            }
        };
        out.push_str(&hint);
        out.push_str("`skillyard explain CODE` says more about a rule.\n");
    }
    if failures > 0 {
        let _ = writeln!(out, "Not everything was checked: see the {} above.", number(failures, "failure"));
    }
    out
}

/// `1 fix`, `2 fixes`.
pub fn fixes(count: usize) -> String {
    if count == 1 { "1 fix".to_owned() } else { format!("{count} fixes") }
}

fn number(count: usize, name: &str) -> String {
    if count == 1 { format!("1 {name}") } else { format!("{count} {name}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str, range: Range<usize>) -> (String, String) {
        let shown = show_line(line, &[range]);
        let marked = shown.text.get(shown.ranges[0].clone()).unwrap().to_owned();
        (shown.text, marked)
    }

    #[test]
    fn marks_stand_under_what_they_mean() {
        assert_eq!(shown("a = \u{1b}[2J é", 4..8), ("a = \\u{1b}[2J é".to_owned(), "\\u{1b}[2J".to_owned()));
        assert_eq!(shown("\u{feff}ab", 3..4), ("ab".to_owned(), "a".to_owned()));
        assert_eq!(shown("a\tb", 2..3).1, "b");
        assert_eq!(shown("", 0..0), (String::new(), String::new()));
    }

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let line = format!("{}HERE{}", "é".repeat(5000), "x".repeat(5000));
        let (text, marked) = shown(&line, 10_000..10_004);
        assert_eq!(marked, "HERE");
        assert!(text.len() < 300 && text.starts_with('…') && text.ends_with('…'), "{text}");
        let (_, marked) = shown(&line, 10_000..20_004);
        assert!(marked.starts_with("HERExxx"));
    }
}
