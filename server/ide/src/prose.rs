//! Texts for a person: one small document, written as Markdown or as plain text.
//!
//! Nothing of a file comes alive in either: every piece is escaped when it is written, wherever it is from. Links are
//! only made of addresses that are in the program.

use std::fmt::Write as _;

use skillyard_manifest::show::{line, lines};

use crate::markdown::{code, fence, words};

/// Longest piece of a file that is shown, in characters.
const MAX_SHOWN: usize = 160;

/// A text for a person.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Doc {
    blocks: Vec<Block>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Block {
    Title(Line),
    Paragraph(Line),
    List(Vec<Line>),
    Toml(String),
}

/// A line of a [`Doc`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Line {
    pieces: Vec<Piece>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Words(String),
    Code(String),
    Link(String, String),
}

impl Doc {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// In Markdown (CommonMark, which GitHub's reads the same), without HTML.
    #[must_use]
    pub fn markdown(&self) -> String {
        self.render(|out, block| match block {
            Block::Title(line) => {
                let _ = writeln!(out, "**{}**", line.markdown());
            }
            Block::Paragraph(line) => {
                let _ = writeln!(out, "{}", line.markdown());
            }
            Block::List(lines) => {
                for line in lines {
                    let _ = writeln!(out, "- {}", line.markdown());
                }
            }
            Block::Toml(text) => out.push_str(&fence("toml", text)),
        })
    }

    /// As plain text, for who has no Markdown. Code stands in back quotes there too.
    #[must_use]
    pub fn plain(&self) -> String {
        self.render(|out, block| match block {
            Block::Title(line) | Block::Paragraph(line) => {
                let _ = writeln!(out, "{}", line.plain());
            }
            Block::List(lines) => {
                for line in lines {
                    let _ = writeln!(out, "- {}", line.plain());
                }
            }
            Block::Toml(text) => {
                for line in lines(text).lines() {
                    let _ = writeln!(out, "    {line}");
                }
            }
        })
    }

    fn render(&self, block: impl Fn(&mut String, &Block)) -> String {
        let mut out = String::new();
        for (at, one) in self.blocks.iter().enumerate() {
            if at > 0 {
                out.push('\n');
            }
            block(&mut out, one);
        }
        out.truncate(out.trim_end().len());
        out
    }

    pub(crate) fn title(&mut self, line: Line) {
        self.blocks.push(Block::Title(line));
    }

    /// Adds a paragraph, unless nothing is in it.
    pub(crate) fn paragraph(&mut self, line: Line) {
        if !line.pieces.is_empty() {
            self.blocks.push(Block::Paragraph(line));
        }
    }

    /// Adds a paragraph of our own words, with code in back quotes.
    pub(crate) fn say(&mut self, words: &str) {
        self.paragraph(Line::of(words));
    }

    /// Adds a list, cut where it would be too long to read, unless nothing is in it.
    pub(crate) fn list(&mut self, mut lines: Vec<Line>) {
        const MOST: usize = 24;
        if lines.len() > MOST {
            let more = lines.len() - MOST;
            lines.truncate(MOST);
            lines.push(Line::of(&format!("and {more} more")));
        }
        if !lines.is_empty() {
            self.blocks.push(Block::List(lines));
        }
    }

    /// Adds lines of TOML.
    pub(crate) fn toml(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Toml(text.into()));
    }

    /// Adds all of another.
    pub(crate) fn append(&mut self, other: Self) {
        self.blocks.extend(other.blocks);
    }
}

impl Line {
    /// Our own words, with code in back quotes.
    pub(crate) fn of(words: &str) -> Self {
        Self::default().say(words)
    }

    /// Our own words, with code in back quotes.
    #[must_use]
    pub(crate) fn say(mut self, words: &str) -> Self {
        let parts: Vec<&str> = words.split('`').collect();
        // One back quote has no partner: nothing is code then.
        if parts.len().is_multiple_of(2) {
            return self.words(words);
        }
        for (at, part) in parts.into_iter().enumerate().filter(|(_, part)| !part.is_empty()) {
            self.pieces.push(if at % 2 == 0 { Piece::Words(part.to_owned()) } else { Piece::Code(part.to_owned()) });
        }
        self
    }

    /// Words from a file.
    #[must_use]
    pub(crate) fn words(mut self, text: &str) -> Self {
        self.pieces.push(Piece::Words(cut(text)));
        self
    }

    /// Code, also from a file.
    #[must_use]
    pub(crate) fn code(mut self, text: &str) -> Self {
        self.pieces.push(Piece::Code(cut(text)));
        self
    }

    /// Several pieces of code, separated by commas; the number of those that are too many.
    #[must_use]
    pub(crate) fn codes<'a>(mut self, texts: impl IntoIterator<Item = &'a str>) -> Self {
        const MOST: usize = 12;
        let mut texts = texts.into_iter();
        for (at, text) in texts.by_ref().take(MOST).enumerate() {
            if at > 0 {
                self = self.say(", ");
            }
            self = self.code(text);
        }
        match texts.count() {
            0 => self,
            more => self.say(&format!(" and {more} more")),
        }
    }

    /// All of another line.
    #[must_use]
    pub(crate) fn join(mut self, other: Self) -> Self {
        self.pieces.extend(other.pieces);
        self
    }

    /// A link to one of our own addresses.
    #[must_use]
    pub(crate) fn link(mut self, text: &str, url: impl Into<String>) -> Self {
        self.pieces.push(Piece::Link(text.to_owned(), url.into()));
        self
    }

    fn markdown(&self) -> String {
        let part = |piece: &Piece| match piece {
            Piece::Words(text) => words(text),
            Piece::Code(text) => code(text),
            Piece::Link(text, url) => format!("[{}]({url})", words(text)),
        };
        let line: String = self.pieces.iter().map(part).collect();
        // Four spaces in front would make code of it, one at an end no bold title.
        line.trim().to_owned()
    }

    fn plain(&self) -> String {
        let part = |piece: &Piece| match piece {
            Piece::Words(text) | Piece::Link(text, _) => line(text).into_owned(),
            Piece::Code(text) => format!("`{}`", line(text)),
        };
        self.pieces.iter().map(part).collect()
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use skillyard_manifest::is_unseen;

    use super::*;

    #[test]
    fn it_is_written_in_two_ways() {
        let mut doc = Doc::default();
        doc.title(Line::default().code("a_b").say(" of `[c]`"));
        doc.paragraph(Line::default());
        doc.say("At most 3.5 (or `none`).");
        doc.list(vec![Line::of("one: ").link("quotas/zero", "https://a.example/quotas/zero"), Line::of("two")]);
        doc.toml("a = 1\nb = 2");
        assert_eq!(
            doc.markdown(),
            "**`a_b` of `[c]`**\n\nAt most 3.5 (or `none`).\n\n\
             - one: [quotas/zero](https://a.example/quotas/zero)\n- two\n\n```toml\na = 1\nb = 2\n```"
        );
        assert_eq!(
            doc.plain(),
            "`a_b` of `[c]`\n\nAt most 3.5 (or `none`).\n\n- one: quotas/zero\n- two\n\n    a = 1\n    b = 2"
        );
    }

    #[test]
    fn nothing_comes_alive() {
        let nasty = "[x](command:evil) <b> ![i](y)\n# h\n```\n\u{1b}[2J\u{202e}`";
        let mut doc = Doc::default();
        doc.title(Line::default().words(nasty));
        doc.paragraph(Line::default().code(nasty).words(nasty));
        doc.list(vec![Line::default().code("`"), Line::default().code(""), Line::default().code("a``b")]);
        let markdown = doc.markdown();
        assert!(markdown.starts_with(r"**\[x\](command:evil) \<b\> \!\[i\](y)\\n\# h"), "{markdown}");
        assert!(markdown.contains("\n```` [x](command:evil)"), "{markdown}");
        assert!(markdown.ends_with("- `` ` ``\n- `  `\n- ```a``b```"), "{markdown}");
        for text in [markdown, doc.plain()] {
            assert!(!text.contains(|c: char| is_unseen(c) && c != '\n'), "{text:?}");
            assert_eq!(text.lines().count(), 7, "{text}");
        }
        let mut doc = Doc::default();
        doc.toml("a = '''\n```\n\u{1b}\r\n'''");
        assert_eq!(doc.markdown(), "````toml\na = '''\n```\n\\u{1b}\n'''\n````");
    }

    #[test]
    fn long_texts_are_cut() {
        let line = Line::default().words(&"ä".repeat(1000));
        assert_eq!(line.plain().chars().count(), MAX_SHOWN + 1);
        let texts = vec!["a"; 15];
        assert!(Line::default().codes(texts).plain().ends_with("`a` and 3 more"));
        let mut doc = Doc::default();
        doc.title(Line::default().words("    a "));
        assert_eq!(doc.markdown(), "**a**");
        doc.list(vec![Line::of("a"); 30]);
        assert!(doc.plain().ends_with("- and 6 more"), "{}", doc.plain());
    }
}
