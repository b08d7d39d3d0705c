//! What a person may have meant by a name that does not exist.

/// The candidate nearest to `word`, if one is near enough to be worth a question.
#[must_use]
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // A very long word is no slip of the pen, and the distance costs the product of both lengths.
    if word.is_empty() || word.len() > 128 {
        return None;
    }
    let lower = word.to_lowercase();
    let near = |candidate: &str| {
        let distance = strsim::damerau_levenshtein(&lower, candidate);
        // `namespaced` for `tool/not-namespaced`: the part of a code that a person remembers.
        let part = candidate.len() - lower.len().min(candidate.len());
        if lower.len() >= 4 && candidate.contains(&lower) { distance.min(1 + part / 8) } else { distance }
    };
    let (distance, best) = candidates.into_iter().map(|c| (near(c), c)).min()?;
    (distance <= 1 + word.chars().count() / 4).then_some(best)
}

/// The end of a sentence about an unknown `word`: `did you mean X?` for the nearest candidate, else `otherwise`.
#[must_use]
pub fn did_you_mean<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>, otherwise: &str) -> String {
    nearest(word, candidates).map_or_else(|| otherwise.to_owned(), |best| format!("did you mean `{best}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_is_near_only() {
        let codes = ["egress/port", "egress/host", "tool/not-namespaced"];
        assert_eq!(nearest("egress/prot", codes), Some("egress/port"));
        assert_eq!(nearest("Egress/Port", codes), Some("egress/port"));
        assert_eq!(nearest("namespaced", codes), Some("tool/not-namespaced"));
        assert_eq!(nearest("quotas", codes), None);
        assert_eq!(nearest("", codes), None);
        assert_eq!(nearest(&"egress/port".repeat(100), codes), None);
    }
}
