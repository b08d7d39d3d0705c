//! A picture of a terminal: what a program printed, colours and all, as SVG.

use std::fmt::Write;

/// One run of text in one style.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Piece {
    text: String,
    style: Style,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Style {
    bold: bool,
    /// One of the sixteen colours of a terminal.
    colour: Option<u8>,
}

/// The sixteen colours, readable on [`BACKGROUND`].
const COLOURS: [&str; 16] = [
    "#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#b1bac4", "#6e7681", "#ffa198",
    "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#f0f6fc",
];
const BACKGROUND: &str = "#0d1117";
const TEXT: &str = "#c9d1d9";
/// Width of a character and height of a line, in pixels, at [`SIZE`].
const CELL: (f64, f64) = (8.4, 19.0);
const SIZE: u32 = 14;
const MARGIN: f64 = 18.0;

/// Draws what a person sees who types `command` and gets `output`.
pub fn terminal(command: &str, output: &str) -> String {
    let mut lines = vec![vec![
        Piece { text: "$ ".into(), style: Style { bold: false, colour: Some(8) } },
        Piece { text: command.into(), style: Style { bold: true, colour: None } },
    ]];
    lines.extend(output.trim_end().lines().map(pieces));
    let widest = lines.iter().map(|line| line.iter().map(|piece| piece.text.chars().count()).sum()).max();
    let columns: usize = widest.unwrap_or(0);
    let width = columns as f64 * CELL.0 + 2.0 * MARGIN;
    let height = lines.len() as f64 * CELL.1 + 2.0 * MARGIN;
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="{SIZE}px" fill="{TEXT}">
<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>
"#
    );
    for (number, line) in lines.iter().enumerate() {
        let y = MARGIN + CELL.1 * (number as f64 + 0.75);
        let mut column = 0;
        for piece in line {
            let length = piece.text.chars().count();
            if !piece.text.trim().is_empty() {
                let x = MARGIN + CELL.0 * column as f64;
                let bold = if piece.style.bold { r#" font-weight="bold""# } else { "" };
                let fill = piece.style.colour.and_then(|colour| COLOURS.get(usize::from(colour)));
                let fill = fill.map_or_else(String::new, |colour| format!(r#" fill="{colour}""#));
                // The width is given, so that marks stay under what they mark in any font.
                let _ = writeln!(
                    svg,
                    r#"<text x="{x:.1}" y="{y:.1}" textLength="{:.1}" lengthAdjust="spacingAndGlyphs" xml:space="preserve"{bold}{fill}>{}</text>"#,
                    length as f64 * CELL.0,
                    escaped(&piece.text)
                );
            }
            column += length;
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The pieces of one line with escape sequences in it.
fn pieces(line: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut style = Style::default();
    let mut rest = line;
    while !rest.is_empty() {
        let (text, after) = rest.split_once('\x1b').map_or((rest, ""), |(text, after)| (text, after));
        if !text.is_empty() {
            match pieces.last_mut() {
                Some(last) if last.style == style => last.text.push_str(text),
                _ => pieces.push(Piece { text: text.into(), style }),
            }
        }
        rest = after;
        if let Some(sequence) = rest.strip_prefix('[') {
            // Parameters, then one letter that says what they are for; `m` is style, nothing else is printed here.
            let end = sequence.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(sequence.len());
            if sequence[end..].starts_with('m') {
                style = style.after(&sequence[..end]);
            }
            rest = sequence.get(end + 1..).unwrap_or("");
        } else if let Some(link) = rest.strip_prefix(']') {
            // A link's address ends at the next ESC and backslash, or at a bell.
            let end = link.find("\x1b\\").map(|at| at + 2).or_else(|| link.find('\x07').map(|at| at + 1));
            rest = &link[end.unwrap_or(link.len())..];
        }
    }
    pieces
}

impl Style {
    /// The style after one sequence of parameters.
    fn after(mut self, parameters: &str) -> Self {
        let mut numbers = parameters.split(';').map(|number| number.parse::<u8>().unwrap_or(0));
        while let Some(number) = numbers.next() {
            match number {
                0 => self = Self::default(),
                1 => self.bold = true,
                22 => self.bold = false,
                30..=37 => self.colour = Some(number - 30),
                90..=97 => self.colour = Some(number - 90 + 8),
                39 => self.colour = None,
                38 if numbers.next() == Some(5) => self.colour = numbers.next(),
                _ => {}
            }
        }
        self
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_and_links_are_read() {
        let line = "\x1b[1m\x1b[38;5;9merror\x1b[0m[\x1b]8;;https://a.example\x1b\\x\x1b]8;;\x1b\\] <b>";
        let piece = |text: &str, bold, colour| Piece { text: text.into(), style: Style { bold, colour } };
        assert_eq!(pieces(line), [piece("error", true, Some(9)), piece("[x] <b>", false, None)]);
        let svg = terminal("a & b", line);
        assert!(svg.contains(r##"font-weight="bold" fill="#ffa198">error</text>"##), "{svg}");
        assert!(svg.contains("a &amp; b") && svg.contains("&lt;b&gt;"), "{svg}");
    }
}
