//! Texts with marks in them, for tests that read as an editor looks.

use skillyard_manifest::{Span, TextEdit, fix};

/// The text without its `$0`, and where that stood.
pub(crate) fn cursor(marked: &str) -> (String, usize) {
    let at = marked.find("$0").expect("a `$0` where the cursor is");
    (marked.replacen("$0", "", 1), at)
}

/// The text without its lines of marks, and the range in the line above of each run of `^`. A line of marks is one of
/// spaces, `^` and a `#` in front, so that a `^` stands under what it marks: `#   ^^^`.
pub(crate) fn marked(marked: &str) -> (String, Vec<Span>) {
    let mut text = String::new();
    let mut marks = Vec::new();
    let mut above = 0;
    for line in marked.split_inclusive('\n') {
        let content = line.trim_end();
        if content.starts_with('#') && content.contains('^') && content.trim_matches(['#', ' ', '^']).is_empty() {
            let mut from = None;
            for (column, c) in content.chars().chain([' ']).enumerate() {
                match (c, from) {
                    ('^', None) => from = Some(column),
                    ('^', Some(_)) | (_, None) => {}
                    (_, Some(start)) => {
                        marks.push(Span::new(above + start, above + column));
                        from = None;
                    }
                }
            }
        } else {
            above = text.len();
            text.push_str(line);
        }
    }
    (text, marks)
}

/// The text with the edits.
pub(crate) fn apply(text: &str, edits: &[TextEdit]) -> String {
    let mut edits = edits.to_vec();
    edits.sort_by_key(|edit| edit.span);
    fix::apply_edits(text, &edits)
}
