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

#[cfg(test)]
mod tests {
    use super::super::tests::{after, hindered, offers};
    use crate::Facts;

    #[test]
    fn a_section_becomes_dotted_keys() {
        for (was, is) in [
            (
                "a = 1\n\n# q\n[com$0pat] # r\n# s\nx = 1 # t\n\n  y.z = 2\n# tail\n\n[b]\n",
                "a = 1\n# q\n# r\n# s\ncompat.x = 1 # t\n\ncompat.y.z = 2\n# tail\n\n[b]\n",
            ),
            ("a = 1\n\n[c.quo$0tas]\nx = 1\n[c.z]\ny = 1\n", "a = 1\n\n[c]\nquotas.x = 1\n[c.z]\ny = 1\n"),
            ("[a]\nx = 1\n[a.b$0]\ny = 1\n[a.b.c]\nz = 1", "[a]\nx = 1\nb.y = 1\n[a.b.c]\nz = 1"),
            ("[a]\r\nx = 1\r\n[a.'b c'$0]\r\ny = 1\r\n", "[a]\r\nx = 1\r\n\"b c\".y = 1\r\n"),
            ("[[t]]\n[t.r$0]\ny = 1\n[[t]]\n", "[[t]]\nr.y = 1\n[[t]]\n"),
        ] {
            assert_eq!(after("to_dotted", was), is, "{was}");
        }
    }

    #[test]
    fn an_empty_table_has_no_dotted_keys() {
        assert!(hindered("to_dotted", "[a]$0\n[a.b]\nx = 1\n").contains("no keys"));
        assert_eq!(offers("to_dotted", "[[a]]$0\nx = 1\n", &Facts::default()), []);
    }
}
