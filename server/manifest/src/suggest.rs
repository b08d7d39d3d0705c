//! "Did you mean …?"

use strsim::damerau_levenshtein;

/// The one of `words` that `typed` most likely means, if any is [near](nearest), or is the only one to share a part with it.
pub fn closest<'w>(typed: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let words: Vec<&str> = words.collect();
    nearest(typed, words.iter().copied()).or_else(|| {
        let typed = normal(typed)?;
        // `keys` for `key_names`.
        let one = typed.strip_suffix('s').map(|one| format!("{one}_"));
        let shares = |word: &str| {
            word.contains(typed.as_str())
                || typed.contains(word)
                || one.as_ref().is_some_and(|one| word.starts_with(one))
        };
        let mut sharing = words.iter().filter(|word| typed.len() >= 4 && shares(word));
        let only = sharing.next().copied();
        if sharing.next().is_some() { None } else { only }
    })
}

/// The one of `words` that is `typed` but for the fewest edits, within a third of the length.
pub fn nearest<'w>(typed: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let typed = normal(typed)?;
    words
        .filter(|word| word.len().abs_diff(typed.len()) <= word.len().max(typed.len()) / 3)
        .map(|word| (damerau_levenshtein(&typed, word), word))
        .filter(|(edits, word)| *edits <= word.len().max(typed.len()) / 3)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, word)| word)
}

/// What is typed in the form of the words, unless that is nothing or too long for one.
fn normal(typed: &str) -> Option<String> {
    const LONGEST: usize = 64;
    let fits = !typed.is_empty() && typed.len() <= LONGEST;
    fits.then(|| typed.trim().to_ascii_lowercase().replace('-', "_"))
}

/// Whether one insertion, deletion, replacement or swap of neighbours turns `typed` into `word`.
#[must_use]
pub fn one_slip(typed: &str, word: &str) -> bool {
    typed.len().abs_diff(word.len()) <= 1 && damerau_levenshtein(typed, word) == 1
}

/// Whether two rule codes share their family, give or take a slip.
#[must_use]
pub fn same_family(code: &str, typed: &str) -> bool {
    let family = |code: &str| code.split_once('/').map_or_else(String::new, |(family, _)| family.to_owned());
    damerau_levenshtein(&family(code), &family(typed)) <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let words = ["required_protocol_major", "min_palyra_version", "max_palyra_version"];
        assert_eq!(closest("min_palyra_verison", words.into_iter()), Some("min_palyra_version"));
        assert_eq!(closest("max-palyra-version", words.into_iter()), Some("max_palyra_version"));
        assert_eq!(closest("keys", ["scope", "key_names"].into_iter()), Some("key_names"));
        assert_eq!(closest("publisher", words.into_iter()), None);
        assert_eq!(closest("memory", ["memory_provider", "context_engine"].into_iter()), Some("memory_provider"));
        let codes = ["egress/port", "egress/host", "tool/not-namespaced"];
        assert_eq!(closest("Egress/Prot", codes.into_iter()), Some("egress/port"));
        assert_eq!(closest("namespaced", codes.into_iter()), Some("tool/not-namespaced"));
        assert_eq!(closest("quotas", codes.into_iter()), None);
        assert_eq!(closest("", codes.into_iter()), None);
        assert_eq!(closest(&"egress/port".repeat(100), codes.into_iter()), None);
    }
}
