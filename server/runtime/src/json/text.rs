//! What a text of JSON says that a value made of it does not: digits, and names that stand twice.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

/// The first number in `text`, which is JSON, that a value made of it does not hold as it is: one with more digits than
/// are kept.
#[must_use]
pub fn unkept(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at += 1;
                while let Some(&byte) = bytes.get(at).filter(|byte| **byte != b'"') {
                    at += if byte == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'-' | b'0'..=b'9' => {
                let is_part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                let end = at + bytes[at..].iter().take_while(is_part).count();
                let number = text.get(at..end)?;
                if !is_kept(number) {
                    return Some(number);
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    None
}

fn is_kept(number: &str) -> bool {
    serde_json::from_str::<Number>(number).is_ok_and(|kept| Decimal::of(number) == Decimal::of(&kept.to_string()))
}

/// A number as its digits, none of them needless, and the power of ten that they are counted in.
#[derive(PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    power: i64,
}

impl Decimal {
    /// Of a number as JSON writes it.
    fn of(number: &str) -> Self {
        let (mantissa, power) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
        let kept = digits.trim_end_matches('0');
        let zeros = digits.len() - kept.len();
        // A power that no number has is one of zero, or of what is not kept anyway.
        let power = power.parse::<i64>().unwrap_or(i64::MAX);
        let moved = i64::try_from(zeros).unwrap_or(i64::MAX).saturating_sub_unsigned(fraction.len() as u64);
        match kept.trim_start_matches('0') {
            "" => Self { negative: false, digits: String::new(), power: 0 },
            digits => Self {
                negative: number.starts_with('-'),
                digits: digits.to_owned(),
                power: power.saturating_add(moved),
            },
        }
    }
}

/// Whether an object in `text` has one name twice: readers take the one or the other.
#[must_use]
pub fn repeats(text: &str) -> bool {
    // What is no JSON is told elsewhere.
    serde_json::from_str::<Once>(text).is_err() && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// A value in which every object has each of its names once.
struct Once;

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Looking)
    }
}

struct Looking;

impl<'de> Visitor<'de> for Looking {
    type Value = Once;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_str<E>(self, _: &str) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_unit<E>(self) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Once, A::Error> {
        while let Some(Once) = items.next_element()? {}
        Ok(Once)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Once, A::Error> {
        let mut names = HashSet::new();
        while let Some((name, Once)) = entries.next_entry::<String, Once>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Once)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_change_are_found() {
        for kept in [
            "0",
            "-0",
            "0.0",
            "-0.0e5",
            "1e5",
            "1.50",
            "100",
            "-5",
            "18446744073709551615",
            "-9223372036854775808",
            "0.1",
            "1.8446744073709552e+19",
            "1E-7",
            "0.30000000000000004",
            "5e-324",
            "\"18446744073709551616\"",
            "{\"1.00000000000000000001\": \"\\\"99999999999999999999\"}",
            "[]",
            "1e22",
        ] {
            assert_eq!(unkept(kept), None, "{kept}");
        }
        for (text, number) in [
            ("18446744073709551616", "18446744073709551616"),
            ("[1, -9223372036854775809]", "-9223372036854775809"),
            ("{\"a\\\\\": 3.14159265358979323846}", "3.14159265358979323846"),
            ("1e-400", "1e-400"),
            ("9007199254740993.0", "9007199254740993.0"),
        ] {
            assert_eq!(unkept(text), Some(number), "{text}");
        }
    }

    #[test]
    fn names_that_stand_twice_are_seen() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"c":2,"\u0061":1}}]"#] {
            assert!(repeats(text), "{text}");
        }
        for text in [r#"{"a":{"a":1},"b":[{"a":1},{"a":1}]}"#, "1", "{", r#"{"a":1,"A":1}"#] {
            assert!(!repeats(text), "{text}");
        }
    }
}
