//! A developer's secrets for tools, as the faces set, list and remove them.

use skillyard_runtime::secrets::Values;
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

/// Why no tool would be given the value of `name`, where that is so: what a mask cannot hide is given to none.
#[must_use]
pub fn unusable(name: &SecretName, value: &SecretValue) -> Option<String> {
    let Ok(text) = std::str::from_utf8(value) else {
        return Some("its value is not text, and no tool is given such a one: set another".to_owned());
    };
    let taken = Values::default().insert(name.to_string(), Zeroizing::new(text.to_owned()));
    taken.err().map(|error| format!("{error}; until then no tool is given it"))
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
