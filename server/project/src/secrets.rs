//! A developer's secrets for tools, as the faces set, list and remove them.

pub use skillyard_store::{
    keys::KeptIn,
    secrets::{ListedSecret, MAX_SECRET_BYTES, SecretError, SecretName, SecretSource},
};
use zeroize::Zeroizing;

/// The bytes of a secret's value on its way in; wiped when they go.
pub type SecretValue = Zeroizing<Vec<u8>>;

/// A value as it comes from a pipe or a prompt: the line end that `echo` and editors add is not part of it.
#[must_use]
pub fn without_line_end(mut value: SecretValue) -> SecretValue {
    for end in [b'\n', b'\r'] {
        if value.last() == Some(&end) {
            value.pop();
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_goes() {
        for (given, kept) in
            [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a", "a"), ("\n", ""), ("a b\nc", "a b\nc")]
        {
            assert_eq!(without_line_end(SecretValue::new(given.into())).as_slice(), kept.as_bytes());
        }
    }
}
