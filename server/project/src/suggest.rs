//! What a person may have meant by a name that does not exist.

use skillyard_manifest::suggest::closest;

/// The end of a sentence about an unknown `word`: `did you mean X?` for the nearest candidate, else `otherwise`.
#[must_use]
pub fn did_you_mean<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>, otherwise: &str) -> String {
    closest(word, candidates.into_iter()).map_or_else(|| otherwise.to_owned(), |best| format!("did you mean `{best}`?"))
}
