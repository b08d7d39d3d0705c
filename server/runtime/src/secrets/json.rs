//! Masks JSON token by token, so that it stays JSON.

use std::ops::Range;

use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use super::{MARK, Mask, clip, cut, into_text, merge};

/// A string, or another value that is no list and no object.
struct Token {
    /// Where it stands, quotes included.
    place: Range<usize>,
    /// What a string says; how another value is written.
    text: Zeroizing<String>,
    kind: Kind,
    spans: Vec<Range<usize>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Key,
    String,
    Other,
}

/// `text` without the values, or nothing if it is not JSON.
pub(super) fn mask(mask: &Mask, text: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    if mask.is_empty() {
        return Some(text.to_owned());
    }
    let mut tokens = tokens(text);
    for token in &mut tokens {
        token.spans = mask.spans(token.text.as_bytes());
    }
    // A value in two halves may stand in two elements of a list, in two values of an object, in a key and its value.
    for keys in [true, false] {
        let mut chosen: Vec<&mut Token> =
            tokens.iter_mut().filter(|token| token.kind == Kind::String || (keys && token.kind == Kind::Key)).collect();
        let texts: Vec<&[u8]> = chosen.iter().map(|token| token.text.as_bytes()).collect();
        let spans = mask.spans(&Zeroizing::new(texts.concat()));
        let mut rest = spans.as_slice();
        let mut start = 0;
        for token in &mut chosen {
            let end = start + token.text.len();
            token.spans.extend(clip(&mut rest, start..end));
            merge(&mut token.spans);
            start = end;
        }
    }
    let mut out = String::with_capacity(text.len());
    let (mut at, mut keys) = (0, 0_usize);
    for token in tokens.iter().filter(|token| !token.spans.is_empty()) {
        out.push_str(text.get(at..token.place.start).unwrap_or_default());
        let mut hidden = match token.kind {
            Kind::Other => MARK.to_owned(),
            Kind::Key | Kind::String => into_text(cut(token.text.as_bytes(), &token.spans)),
        };
        if token.kind == Kind::Key {
            // Two keys must not become one.
            keys += 1;
            hidden.push_str(&format!(" ({keys})"));
        }
        // Text always becomes JSON.
        out.push_str(&serde_json::to_string(&hidden).unwrap_or_default());
        at = token.place.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Some(out)
}

/// The tokens of what is JSON.
fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        match byte {
            b'"' => {
                at += 1;
                while let Some(&inner) = bytes.get(at) {
                    at += match inner {
                        b'\\' => 2,
                        b'"' => break,
                        _ => 1,
                    };
                }
                at += 1;
                let written = text.get(start..at).unwrap_or_default();
                // Half a pair of surrogates says nothing that text can hold; the rest is as it is written.
                let said = serde_json::from_str(written).unwrap_or_else(|_| written.trim_matches('"').to_owned());
                let next = bytes.get(at..).and_then(|rest| rest.iter().find(|byte| !byte.is_ascii_whitespace()));
                let kind = if next == Some(&b':') { Kind::Key } else { Kind::String };
                tokens.push(Token { place: start..at, text: Zeroizing::new(said), kind, spans: Vec::new() });
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            _ => {
                let ends = |byte: &u8| matches!(byte, b'}' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n');
                let rest = bytes.get(at..).unwrap_or_default();
                at += rest.iter().position(ends).unwrap_or(rest.len()).max(1);
                let written = Zeroizing::new(text.get(start..at).unwrap_or_default().to_owned());
                tokens.push(Token { place: start..at, text: written, kind: Kind::Other, spans: Vec::new() });
            }
        }
    }
    tokens
}
