//! A section as dotted keys of the table around it.

use skillyard_manifest::{document::spelled, syntax::Item};

use super::{
    Asked, Draft, INLINE, Offer, Refactoring, Resolved, broken, data_of,
    draft::Part,
    path_of, shown,
    to_inline::{behind, host},
    too_deep,
};
use crate::{Facts, Source};

pub(super) static TO_DOTTED: Refactoring =
    Refactoring { id: "to_dotted", kind: INLINE, title: "Write a section as dotted keys", offer, resolve };

fn offer(asked: &Asked<'_, '_, '_>, offers: &mut Vec<Offer>) {
    let source = asked.source;
    let Some(item) = asked.item else { return };
    let Some(Item::Header(header)) = source.tree.items.get(item) else { return };
    let path = source.table_of(item);
    if header.array || path.key().is_none() {
        return;
    }
    let has_entries = matches!(source.tree.items.get(item + 1), Some(Item::Entry(_)));
    let none =
        || (!has_entries).then(|| "it has no keys of its own, and dotted keys cannot write an empty table".to_owned());
    offers.push(Offer {
        id: TO_DOTTED.id,
        title: format!("Write {} as dotted keys", shown(&path)),
        kind: TO_DOTTED.kind,
        data: data_of(&path),
        disabled: broken(source).or_else(|| too_deep(source)).or_else(none),
        about_file: false,
    });
}

fn resolve(source: &Source<'_>, data: &str, _: &Facts) -> Option<Resolved> {
    if broken(source).is_some() {
        return None;
    }
    let path = path_of(data)?;
    let mut draft = Draft::new(source);
    let own = draft.section_at(&path).filter(|_| path.key().is_some())?;
    let host = host(source, &mut draft, &path, own)?;
    let own = draft.section_at(&path)?;
    let section = draft.sections.remove(own);
    let header = section.header?;
    let key = format!("{}{}.", host.prefix, spelled(path.key()?));
    let mut lines = Vec::new();
    // What was said behind the header stands above the keys.
    let words = behind(source, &header).trim().to_owned();
    for (at, mut block) in section.entries.into_iter().enumerate() {
        let [Part::Old(line)] = block.parts.as_slice() else { return None };
        let start = source.tree.items.get(block.item?)?.span().start.max(line.start);
        let mut parts = vec![Part::New(key.clone()), Part::Old(skillyard_manifest::Span::new(start, line.end))];
        if at == 0 {
            let mut above = Vec::new();
            if !header.lead.is_empty() {
                above.push(Part::Old(header.lead));
            }
            if !words.is_empty() {
                above.push(Part::New(format!("{words}{}", draft.newline())));
            }
            if !block.lead.is_empty() {
                above.push(Part::Old(block.lead));
            }
            block.lead = skillyard_manifest::Span::default();
            block.gap = "";
            above.append(&mut parts);
            parts = above;
        }
        block.parts = parts;
        lines.push(block);
    }
    if lines.is_empty() {
        return None;
    }
    lines.extend(section.tail);
    let around = host.section - usize::from(own < host.section);
    let section = draft.sections.get_mut(around)?;
    section.entries.splice(host.at..host.at, lines);
    draft.edits_with_same_meaning(source).map(Resolved::of)
}
