//! Markdown with text of others in it, of which nothing may come alive: no link, no HTML, no command, no heading.

use skillyard_manifest::show::{line, lines};

/// `text` on one line as plain words.
///
/// A backslash makes punctuation stand for itself, in every dialect. It stands where the character could mean something
/// and nowhere else: some editors show it.
#[must_use]
pub fn words(text: &str) -> String {
    let text = line(text);
    let mut out = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        let before = text.get(..at).unwrap_or_default();
        let alive = match c {
            // Code, emphasis, links and images, HTML and entities, tables, strikes, formulas, icons, addresses of mail.
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '!' | '&' | '|' | '~' | '$' | '^' | '@' => true,
            // A list, a heading or a line below one, in front of everything else.
            '-' | '+' | '=' | '#' => before.trim_end_matches(['#', '-', '=']).trim().is_empty() || c == '#',
            ')' => is_number(before),
            // Also an address that is made a link of by itself.
            '.' => is_number(before) || ends_in_www(before),
            ':' => text.get(at + 1..).is_some_and(|rest| rest.starts_with('/')),
            _ => false,
        };
        if alive {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn is_number(text: &str) -> bool {
    let text = text.trim_start();
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn ends_in_www(text: &str) -> bool {
    text.len().checked_sub(3).and_then(|from| text.get(from..)).is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

/// The longest run of back quotes in `text`.
fn ticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

/// `text` on one line as code: a span whose fence is longer than any run of back quotes in it.
#[must_use]
pub fn code(text: &str) -> String {
    let text = line(text);
    let fence = "`".repeat(ticks(&text) + 1);
    // An empty span is none, and a space beside the fence keeps back quotes at the ends apart from it.
    if text.trim().is_empty() || text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// A message of a finding: what stands in back quotes in it is code, the rest plain words.
#[must_use]
pub fn message(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        // One has no partner.
        return words(text);
    }
    let part = |(at, part): (usize, &&str)| match at % 2 {
        0 => words(part),
        _ => code(part),
    };
    parts.iter().enumerate().map(part).collect()
}

/// [`code`] in a cell of a table, where a bar would end the cell even within code.
#[must_use]
pub fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// Lines of text as a block of code. Its fence is longer than any run of back quotes in it.
#[must_use]
pub fn fence(language: &str, text: &str) -> String {
    let text = lines(text).replace("\r\n", "\n");
    let fence = "`".repeat((ticks(&text) + 1).max(3));
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_comes_alive() {
        assert_eq!(words("[run](command:evil) <b>"), r"\[run\](command:evil) \<b\>");
        assert_eq!(words("https://a.example www.b.example a@b.example\n# x"), {
            r"https\://a.example www\.b.example a\@b.example\\n\# x"
        });
        assert_eq!(words("1. a"), r"1\. a");
        assert_eq!(words("12) a"), r"12\) a");
        assert_eq!(words("- a-b"), r"\- a-b");
        assert_eq!(words("=== a"), r"\=\=\= a");
        assert_eq!(words("--- a"), r"\-\-\- a");
        assert_eq!(words(" 1. a"), r" 1\. a");
        assert_eq!(words("&lt; $(x) a_b"), r"\&lt; \$(x) a\_b");
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("a\n\n<b>"), "`a\\n\\n<b>`");
        assert_eq!(code(""), "`  `");
        assert_eq!(message("`<a|b>` is [no](x)"), r"`<a|b>` is \[no\](x)");
        assert_eq!(message("a ` <b>"), r"a \` \<b\>");
        assert_eq!(cell("a|b"), r"`a\|b`");
        assert_eq!(fence("json", "a\n```\n<b>\n"), "````json\na\n```\n<b>\n````\n");
        assert_eq!(fence("text", "a\tb\rc\r\n\n"), "```text\na\tb\\rc\n```\n");
        assert_eq!(fence("text", "\u{1b}[2J"), "```text\n\\u{1b}[2J\n```\n");
    }

    #[test]
    fn what_means_nothing_stays_as_it_is() {
        let plain = "At most 3.5 (or so), it says: \"a-b/c\"; 'no' more = 1 + 2?";
        assert_eq!(words(plain), plain);
    }
}
