//! A page of facts for a person: headings, rows of a name and a value, lists, findings. Everything put on it is escaped.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use skillyard_manifest::Severity;
use skillyard_project::{Finding, shown};

use crate::out;

/// What something means to the reader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    /// All is well.
    Good,
    /// Have a look.
    Wary,
    /// It is wrong.
    Bad,
    /// Neither.
    Plain,
}

/// The page.
pub struct Sheet {
    text: String,
    coloured: bool,
}

/// The width of the names of rows.
const NAMES: usize = 12;
/// Values beyond this are cut, in characters: a page is read, not searched.
const LONG: usize = 400;

impl Sheet {
    /// An empty page for standard output.
    pub fn new() -> Self {
        Self { text: String::new(), coloured: out::coloured() }
    }

    /// An empty page for standard error.
    pub fn aside() -> Self {
        Self { text: String::new(), coloured: out::coloured_aside() }
    }

    /// The page's text.
    pub fn finish(self) -> String {
        self.text
    }

    /// What it is about, on a line of its own.
    pub fn title(&mut self, title: &str) {
        let title = self.styled(Style::new().bold(), &shown::words(title, LONG));
        self.push(&title);
    }

    /// The word that counts, and what it means.
    pub fn verdict(&mut self, tone: Tone, word: &str, text: &str) {
        let word = self.styled(style(tone).bold(), word);
        let text = shown::words(text, LONG * 4);
        self.push(&if text.is_empty() { word } else { format!("{word}: {text}") });
    }

    /// A heading, with a blank line above it.
    pub fn heading(&mut self, heading: &str) {
        self.blank();
        let heading = self.styled(Style::new().bold(), &shown::words(heading, LONG));
        self.push(&heading);
    }

    /// A blank line, unless there is one or nothing yet.
    pub fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// A name and its value.
    pub fn row(&mut self, name: &str, value: &str) {
        self.toned_row(Tone::Plain, name, value);
    }

    /// The same with a meaning.
    pub fn toned_row(&mut self, tone: Tone, name: &str, value: &str) {
        let name = self.styled(Style::new().dimmed(), &format!("{:NAMES$}", shown::words(name, LONG)));
        let value = self.styled(style(tone), &shown::words(value, LONG));
        self.push(&format!("  {name}  {value}"));
    }

    /// A name and its values, each on a line; nothing where there are none.
    pub fn rows<S: AsRef<str>>(&mut self, name: &str, values: impl IntoIterator<Item = S>) {
        for (at, value) in values.into_iter().enumerate() {
            self.row(if at == 0 { name } else { "" }, value.as_ref());
        }
    }

    /// A line of a list.
    pub fn item(&mut self, tone: Tone, mark: &str, text: &str) {
        let mark = self.styled(style(tone), mark);
        self.push(&format!("  {mark} {}", shown::words(text, LONG)));
    }

    /// A paragraph.
    pub fn line(&mut self, text: &str) {
        self.push(&shown::words(text, LONG * 4));
    }

    /// One finding: severity, code and message, where, and the line of the manifest that would change it.
    pub fn finding(&mut self, finding: &Finding) {
        self.blank();
        let (tone, word) = match finding.severity {
            Severity::Error => (Tone::Bad, "error"),
            Severity::Warning => (Tone::Wary, "warning"),
            Severity::Info => (Tone::Plain, "note"),
            Severity::Hint => (Tone::Plain, "hint"),
        };
        let head = self.styled(style(tone).bold(), &format!("{word}[{}]", finding.rule.code));
        let message = self.styled(Style::new().bold(), &shown::words(&finding.message, LONG * 4));
        self.push(&format!("{head}: {message}"));
        let bytes = finding.byte_range.as_ref().map(|at| match at.end.saturating_sub(at.start) {
            0 | 1 => format!("byte {}", at.start),
            _ => format!("bytes {}..{}", at.start, at.end),
        });
        let place = match (&finding.entry, bytes) {
            (Some(entry), Some(bytes)) => Some(format!("{}, {bytes}", shown::words(entry, LONG))),
            (Some(entry), None) => Some(shown::words(entry, LONG)),
            (None, Some(bytes)) => Some(format!("the archive, {bytes}")),
            (None, None) => None,
        };
        let arrow = Style::new().fg_color(Some(AnsiColor::BrightBlue.into()));
        if let Some(place) = place {
            let arrow = self.styled(arrow, "-->");
            self.push(&format!("  {arrow} {place}"));
        }
        if let Some(manifest) = &finding.manifest {
            let arrow = self.styled(arrow, "  =");
            let (key, advice) = (shown::words(&manifest.key, LONG), shown::words(&manifest.advice, LONG));
            self.push(&format!("  {arrow} skill.toml, {key}: {advice}"));
        }
    }

    /// What was found, in the order given, and how to read on.
    pub fn findings(&mut self, findings: &[Finding]) {
        for finding in findings {
            self.finding(finding);
        }
        if !findings.is_empty() {
            self.blank();
            let counts = [
                (Severity::Error, "error"),
                (Severity::Warning, "warning"),
                (Severity::Info, "note"),
                (Severity::Hint, "hint"),
            ];
            let counts: Vec<String> = counts
                .into_iter()
                .map(|(severity, name)| (findings.iter().filter(|f| f.severity == severity).count(), name))
                .filter(|(count, _)| *count > 0)
                .map(|(count, name)| number(count, name))
                .collect();
            self.push(&format!("{}. `skillyard explain CODE` says more about a rule.", counts.join(", ")));
        }
    }

    fn push(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if self.coloured && style != Style::new() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

fn style(tone: Tone) -> Style {
    let colour = match tone {
        Tone::Good => AnsiColor::Green,
        Tone::Wary => AnsiColor::Yellow,
        Tone::Bad => AnsiColor::BrightRed,
        Tone::Plain => return Style::new(),
    };
    Style::new().fg_color(Some(colour.into()))
}

/// `1 file`, `2 files`.
pub fn number(count: usize, name: &str) -> String {
    if count == 1 { format!("1 {name}") } else { format!("{count} {name}s") }
}

/// A size as a person reads it: `812 bytes`, `1.4 KiB`, `16.0 MiB`.
pub fn size(bytes: u64) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail. Sizes are far below what a float counts exactly.
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let _ = match bytes {
        0..1024 => write!(text, "{}", number(usize::try_from(bytes).unwrap_or_default(), "byte")),
        1024..1_048_576 => write!(text, "{:.1} KiB", bytes as f64 / 1024.0),
        _ => write!(text, "{:.1} MiB", bytes as f64 / 1_048_576.0),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_on_it_is_harmful() {
        let mut sheet = Sheet { text: String::new(), coloured: false };
        let nasty = "a\u{1b}[2J\n\u{202e}b";
        sheet.title(nasty);
        sheet.verdict(Tone::Bad, "NO", nasty);
        sheet.heading(nasty);
        sheet.row(nasty, nasty);
        sheet.rows(nasty, [nasty, nasty]);
        sheet.item(Tone::Good, "+", nasty);
        sheet.line(nasty);
        let text = sheet.finish();
        assert!(!text.contains(|c: char| skillyard_manifest::is_unseen(c) && c != '\n'), "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with("\\u{202e}b")), "{text:?}");
    }

    #[test]
    fn sizes_are_for_reading() {
        assert_eq!(
            (size(1), size(1023), size(1536), size(16 << 20)),
            ("1 byte".into(), "1023 bytes".into(), "1.5 KiB".into(), "16.0 MiB".to_owned())
        );
    }
}
