//! A version 1 manifest to version 2, with what an operator sees.

use skillyard_manifest::{Span, TextEdit, document::string, edits, is_unseen, shape::ROOT, view::View};

use super::{Asked, Offer, REWRITE, Refactoring, Resolved, is_manifest};
use crate::{Facts, Source};

pub(super) static UPGRADE_VERSION: Refactoring = Refactoring {
    id: "upgrade_version",
    kind: REWRITE,
    title: "Upgrade to manifest version 2 with operator metadata",
    offer,
    resolve,
};

/// The longest summary that is made of a description, in characters: one line of a list.
const MAX_SUMMARY: usize = 120;

fn offer(asked: &Asked<'_, '_, '_>, offers: &mut Vec<Offer>) {
    let source = asked.source;
    if version_one(source).is_none() {
        return;
    }
    offers.push(Offer {
        id: UPGRADE_VERSION.id,
        title: UPGRADE_VERSION.title.to_owned(),
        kind: UPGRADE_VERSION.kind,
        data: String::new(),
        disabled: None,
        about_file: !asked.place.as_ref().is_some_and(|place| place.mention.path.is(&["manifest_version"])),
    });
}

/// Where the version stands, if it is 1.
fn version_one(source: &Source<'_>) -> Option<Span> {
    let version = &source.document.root.get("manifest_version")?.value;
    (is_manifest(source) && version.as_integer() == Some(1)).then_some(version.span)
}

fn resolve(source: &Source<'_>, _: &str, _: &Facts) -> Option<Resolved> {
    let mut edits = vec![edits::replace(version_one(source)?, "2")];
    let Some((add, lines)) = operator(source) else { return Some(Resolved::of(edits)) };
    // The summary is the first thing to look over.
    let selected = lines.last().map_or(0, String::len);
    edits.push(add);
    let edit = edits.last()?;
    let inserted = edit.text.trim_end().len();
    let line = Span::new(inserted.saturating_sub(selected), inserted);
    let value = line.of(&edit.text).find('"').map_or(line.start, |quote| line.start + quote + 1);
    let end = line.end.saturating_sub(1).max(value);
    Some(Resolved::selecting(edits, 1, Span::new(value, end)))
}

/// The edit that adds what is missing of `[operator]`, with its lines. `None` where nothing is, or where it is written
/// in a way that takes no more keys.
fn operator(source: &Source<'_>) -> Option<(TextEdit, Vec<String>)> {
    let root = &source.document.root;
    // What nobody sees is not written a second time.
    let said = |key: &str, text: Option<String>| {
        Some((key.to_owned(), text.filter(|text| !text.is_empty() && !text.contains(is_unseen))?))
    };
    let name = source.text_at(&["name"]).map(|name| name.trim().to_owned());
    let view = View::of_table(root, Span::at(0), &ROOT);
    let tools = view.table("entrypoints").map(|entrypoints| entrypoints.tables("tools")).unwrap_or_default();
    let first = tools.iter().find_map(|tool| tool.text("description")).map(|text| text.value);
    let wanted = [said("display_name", name), said("summary", first.map(summary))];
    let line = |(key, text): &(String, String)| format!("{key} = {}", string(text));
    match root.get("operator") {
        None => {
            let lines: Vec<String> = wanted.iter().flatten().map(line).collect();
            let edit = edits::add_section(source.text, &source.document, "[operator]", &lines);
            (!lines.is_empty()).then_some((edit, lines))
        }
        Some(field) => {
            let table = View::of_node(&field.value, ROOT.child("operator")?)?.as_table()?;
            let missing: Vec<_> = wanted.into_iter().flatten().filter(|(key, _)| table.get(key).is_none()).collect();
            let (first, rest) = missing.split_first()?;
            // One edit at one place, so that the order of the two is sure.
            let mut edit = edits::add_key(source.text, table, &first.0, &string(&first.1))?;
            if let [second] = rest {
                let other = edits::add_key(source.text, table, &second.0, &string(&second.1))?;
                let separated = table.origin == skillyard_manifest::document::Origin::Inline && table.fields.is_empty();
                edit.text = if separated {
                    format!("{}, {}", edit.text.trim_end(), other.text.trim_start())
                } else {
                    edit.text + &other.text
                };
            }
            Some((edit, missing.iter().map(line).collect()))
        }
    }
}

/// The first sentence of a description, on one line.
fn summary(description: &str) -> String {
    let line = description.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = line.find(". ").map_or(line.as_str(), |end| line.get(..end).unwrap_or_default());
    let sentence = sentence.trim_end_matches('.');
    match sentence.char_indices().nth(MAX_SUMMARY) {
        // A cut falls between words where there are any.
        Some((end, _)) => {
            let cut = sentence.get(..end).unwrap_or_default();
            cut.rsplit_once(' ').map_or(cut, |(words, _)| words).to_owned()
        }
        None => sentence.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::after, *};

    #[test]
    fn what_an_operator_sees_comes_from_what_is_there() {
        let tool = "[[entrypoints.tools]]\ndescription = \"Tells the\\n  weather. Any place.\"\n";
        assert_eq!(
            after("upgrade_version", &format!("manifest_version = 1$0 # old\nname = \" S \"\n{tool}")),
            format!(
                "manifest_version = 2 # old\nname = \" S \"\n{tool}\n[operator]\ndisplay_name = \"S\"\n\
                 summary = \"«Tells the weather»\"\n"
            )
        );
        // What stands there already stays.
        assert_eq!(
            after(
                "upgrade_version",
                &format!("manifest_version = 1$0\nname = \"S\"\n{tool}[operator]\nsummary = \"X\"\n")
            ),
            format!("manifest_version = 2\nname = \"S\"\n{tool}[operator]\nsummary = \"X\"\ndisplay_name = \"«S»\"\n")
        );
        assert_eq!(
            after("upgrade_version", "manifest_version = 1$0\noperator = { display_name = \"S\" }\nname = \"T\"\n"),
            "manifest_version = 2\noperator = { display_name = \"S\" }\nname = \"T\"\n"
        );
        assert_eq!(
            after("upgrade_version", &format!("manifest_version = 1$0\nname = \"S\"\noperator = {{}}\n{tool}")),
            format!(
                "manifest_version = 2\nname = \"S\"\noperator = {{ display_name = \"S\", summary = \"«Tells the weather»\" }}\n{tool}"
            )
        );
    }

    #[test]
    fn what_nobody_sees_is_not_copied() {
        let tool = "[[entrypoints.tools]]\ndescription = \"a\u{202e}b\"\n";
        assert_eq!(
            after("upgrade_version", &format!("manifest_version = 1$0\nname = \"S\u{202e}\"\n{tool}")),
            format!("manifest_version = 2\nname = \"S\u{202e}\"\n{tool}")
        );
    }

    #[test]
    fn a_summary_is_one_line() {
        assert_eq!(summary("Does it."), "Does it");
        assert_eq!(summary("Version 1.2 does\tit. More"), "Version 1.2 does it");
        let long = summary(&"word ".repeat(100));
        assert!(long.ends_with("word") && long.len() <= MAX_SUMMARY, "{long}");
        assert_eq!(summary(&"\u{E9}".repeat(300)).chars().count(), MAX_SUMMARY);
        assert_eq!(summary(" . "), "");
    }

    #[test]
    fn only_the_first_version_is_upgraded() {
        for text in ["manifest_version = 2$0", "manifest_version = \"1\"$0", "$0", "manifest_version =$0"] {
            assert!(super::super::tests::offers("upgrade_version", text, &Facts::default()).is_empty(), "{text}");
        }
    }
}
