//! Text with places to fill, once as it is and once in the protocol's syntax of snippets.

use skillyard_manifest::document::string;

/// Text with places to fill.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Text(String),
    /// A place with what stands there first.
    Stop(String),
    /// One of these, the first of them first.
    Choice(Vec<String>),
    /// What the place with this number (from 1) says.
    Again(usize),
    /// Text that is there only where there are places, around one that is empty otherwise.
    Only(String),
    /// Where the cursor goes at last.
    End,
}

impl Template {
    /// Text without places.
    pub(super) fn of(text: impl Into<String>) -> Self {
        Self::default().text(text)
    }

    /// Text that stays.
    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.pieces.push(Piece::Text(text.into()));
        self
    }

    /// A place to fill, with what stands there first.
    pub(super) fn stop(mut self, first: impl Into<String>) -> Self {
        self.pieces.push(Piece::Stop(first.into()));
        self
    }

    /// A place within quotes: what the string says, spelled as TOML.
    pub(super) fn quoted(self, first: &str) -> Self {
        let spelled = string(first);
        let inner = spelled.get(1..spelled.len() - 1).unwrap_or_default().to_owned();
        self.text("\"").stop(inner).text("\"")
    }

    /// A list with a place for a string; empty where there are no places.
    pub(super) fn list(mut self) -> Self {
        self = self.text("[");
        self.pieces.push(Piece::Only("\"".to_owned()));
        self = self.stop("");
        self.pieces.push(Piece::Only("\"".to_owned()));
        self.text("]")
    }

    /// One of some words, the first of them where there is no choice.
    pub(super) fn choice<'w>(mut self, words: impl IntoIterator<Item = &'w str>) -> Self {
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        self.pieces.push(if words.len() == 1 { Piece::Text(words.concat()) } else { Piece::Choice(words) });
        self
    }

    /// The same again as at the place with this number, counted from 1.
    pub(super) fn again(mut self, number: usize) -> Self {
        self.pieces.push(Piece::Again(number));
        self
    }

    /// Where the cursor goes at last.
    pub(super) fn end(mut self) -> Self {
        self.pieces.push(Piece::End);
        self
    }

    /// With another template behind it. Its places are counted on: it repeats none.
    pub(super) fn then(mut self, other: Self) -> Self {
        debug_assert!(!other.pieces.iter().any(|piece| matches!(piece, Piece::Again(_))), "numbers would shift");
        self.pieces.extend(other.pieces);
        self
    }

    /// Whether there is anything to fill.
    pub(super) fn has_places(&self) -> bool {
        self.pieces.iter().any(|piece| !matches!(piece, Piece::Text(_) | Piece::Only(_)))
    }

    /// Whether it says where the cursor goes at last.
    pub(super) fn has_end(&self) -> bool {
        self.pieces.contains(&Piece::End)
    }

    fn first(&self, number: usize) -> &str {
        let places = self.pieces.iter().filter(|piece| matches!(piece, Piece::Stop(_) | Piece::Choice(_)));
        match places.into_iter().nth(number.saturating_sub(1)) {
            Some(Piece::Stop(first)) => first,
            Some(Piece::Choice(words)) => words.first().map_or("", String::as_str),
            _ => "",
        }
    }

    /// With what stands there first at every place.
    pub(super) fn plain(&self) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) | Piece::Stop(text) => out.push_str(text),
                Piece::Choice(words) => out.push_str(words.first().map_or("", String::as_str)),
                Piece::Again(number) => out.push_str(self.first(*number)),
                Piece::Only(_) | Piece::End => {}
            }
        }
        out
    }

    /// In the syntax of snippets; `None` where there is nothing to fill.
    pub(super) fn snippet(&self) -> Option<String> {
        if !self.has_places() {
            return None;
        }
        let mut out = String::new();
        let mut number = 0;
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) | Piece::Only(text) => escape(&mut out, text, false),
                Piece::Stop(first) => {
                    number += 1;
                    if first.is_empty() {
                        // In braces, so that a digit behind it is not taken for part of the number.
                        out.push_str(&format!("${{{number}}}"));
                    } else {
                        out.push_str(&format!("${{{number}:"));
                        escape(&mut out, first, false);
                        out.push('}');
                    }
                }
                Piece::Choice(words) => {
                    number += 1;
                    out.push_str(&format!("${{{number}|"));
                    for (at, word) in words.iter().enumerate() {
                        if at > 0 {
                            out.push(',');
                        }
                        escape(&mut out, word, true);
                    }
                    out.push_str("|}");
                }
                Piece::Again(number) => out.push_str(&format!("${{{number}}}")),
                Piece::End => out.push_str("$0"),
            }
        }
        Some(out)
    }
}

/// `$`, `}` and `\` mean something in a snippet; in a choice `,` and `|` do too.
fn escape(out: &mut String, text: &str, choice: bool) {
    for c in text.chars() {
        if matches!(c, '$' | '}' | '\\') || (choice && matches!(c, ',' | '|')) {
            out.push('\\');
        }
        out.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numbered_and_text_is_escaped() {
        let template = Template::of("a = { ").quoted("x\"}").text(" } $").choice(["b", "c,d"]).again(1).end();
        assert_eq!(template.plain(), "a = { \"x\\\"}\" } $bx\\\"}");
        assert_eq!(template.snippet().unwrap(), "a = { \"${1:x\\\\\"\\}}\" \\} \\$${2|b,c\\,d|}${1}$0");
        assert_eq!(Template::of("a}").snippet(), None);
        let list = Template::of("a = ").list();
        assert_eq!((list.plain().as_str(), list.snippet().as_deref()), ("a = []", Some("a = [\"${1}\"]")));
        assert_eq!(Template::of("a").choice(["b"]).snippet(), None);
        assert_eq!(Template::of("a").then(Template::default().stop("")).snippet().unwrap(), "a${1}");
    }
}
