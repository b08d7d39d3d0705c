//! Markdown with text of others in it, of which nothing may come alive: no link, no HTML, no command, no heading.

use skillyard_project::shown;

/// `text` on one line as plain words.
pub(crate) fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in shown::line(text).chars() {
        // A backslash before punctuation makes it stand for itself, everywhere and in every dialect; an address that is
        // cut by one is not made a link of either.
        if c.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// `text` on one line as code: a span whose fence is longer than any run of back quotes in it.
pub(crate) fn code(text: &str) -> String {
    let text = shown::line(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    // An empty span is none, and a space beside the fence keeps back quotes at the ends apart from it.
    if text.trim().is_empty() || text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// A message of a finding: what stands in back quotes in it is code, the rest plain words.
pub(crate) fn message(text: &str) -> String {
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
pub(crate) fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// Lines of text as a block of code; `language` colours it. Its fence is longer than any run of back quotes in it.
pub(crate) fn fence(language: &str, text: &str) -> String {
    let text = shown::lines(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_comes_alive() {
        assert_eq!(words("[run](command:evil) <b>"), r"\[run\]\(command\:evil\) \<b\>");
        assert_eq!(words("https://a.example\n# x"), r"https\:\/\/a\.example\\n\# x");
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("a\n\n<b>"), "`a\\n\\n<b>`");
        assert_eq!(code(""), "`  `");
        assert_eq!(message("`<a|b>` is [no](x)"), r"`<a|b>` is \[no\]\(x\)");
        assert_eq!(message("a ` <b>"), r"a \` \<b\>");
        assert_eq!(cell("a|b"), r"`a\|b`");
        assert_eq!(fence("json", "a\n```\n<b>\n"), "````json\na\n```\n<b>\n````\n");
        assert_eq!(fence("text", "\u{1b}[2J"), "```text\n\\u{1b}[2J\n```\n");
    }
}
