//! `skillyard --check [PATHS]`: what hooks and other tools' habits ask for. It is the subcommand `check` under another
//! name, so `--check` in front of any subcommand is read as that.

use std::ffi::OsString;

/// The arguments with `--check` made into the subcommand.
pub fn expand(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.collect();
    let starts_with_option = arguments.get(1).is_some_and(|first| first.as_encoded_bytes().starts_with(b"-"));
    let end = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
    let place = arguments.iter().take(end).position(|argument| argument == "--check");
    if let (true, Some(place)) = (starts_with_option, place) {
        arguments.remove(place);
        arguments.insert(1, "check".into());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(arguments: &str) -> String {
        let all = expand(arguments.split(' ').map(OsString::from));
        all.iter().map(|argument| argument.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn only_in_front_of_a_subcommand() {
        assert_eq!(expanded("skillyard --check a b"), "skillyard check a b");
        assert_eq!(expanded("skillyard --format json --check a"), "skillyard check --format json a");
        assert_eq!(expanded("skillyard fmt --check a"), "skillyard fmt --check a");
        assert_eq!(expanded("skillyard check a"), "skillyard check a");
        assert_eq!(expanded("skillyard --version -- --check"), "skillyard --version -- --check");
        assert_eq!(expanded("skillyard"), "skillyard");
    }
}
