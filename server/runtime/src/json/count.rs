//! How much there is in a text, before anything is built of it.
//!
//! A value takes up to three hundred times the memory that its text does (`{"":0}`), so a limit on bytes is none on memory.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// The most values and keys of a text that anything is built of: of an input, an output, a case.
pub const MAX_VALUES: usize = 500_000;

/// How many values and keys are in `text`; nothing where it is no JSON. Its memory does not grow with the text.
#[must_use]
pub fn values(text: &str) -> Option<usize> {
    serde_json::from_str::<Count>(text).ok().map(|count| count.0)
}

/// How many values and keys there are, where they are more than [`MAX_VALUES`].
#[must_use]
pub fn too_many(text: &str) -> Option<usize> {
    values(text).filter(|values| *values > MAX_VALUES)
}

/// A value of which nothing is kept but how many there are in it, itself among them.
struct Count(usize);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Counting)
    }
}

struct Counting;

impl<'de> Visitor<'de> for Counting {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Count, E> {
        Ok(Count(1))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Count, E> {
        Ok(Count(1))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Count, E> {
        Ok(Count(1))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Count, E> {
        Ok(Count(1))
    }

    fn visit_str<E>(self, _: &str) -> Result<Count, E> {
        Ok(Count(1))
    }

    fn visit_unit<E>(self) -> Result<Count, E> {
        Ok(Count(1))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Count, A::Error> {
        let mut all = 1_usize;
        while let Some(Count(values)) = items.next_element()? {
            all = all.saturating_add(values);
        }
        Ok(Count(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Count, A::Error> {
        let mut all = 1_usize;
        while let Some((IgnoredAny, Count(values))) = entries.next_entry()? {
            all = all.saturating_add(values).saturating_add(1);
        }
        Ok(Count(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_keys_are_counted() {
        for (text, count) in [
            ("null", 1),
            ("-1.5e3", 1),
            ("\"[1,2]\"", 1),
            ("[]", 1),
            ("[true, [1, \"a\"]]", 5),
            ("{\"a\": 1, \"b\": {}}", 5),
            (" [ {\"\":0} ] ", 4),
        ] {
            assert_eq!(values(text), Some(count), "{text}");
        }
        for text in ["", "a", "[1", "{} {}", "1e999", &"[".repeat(100_000)] {
            assert_eq!(values(text), None, "{text}");
        }
        assert_eq!(too_many("[1]"), None);
        assert_eq!(too_many(&format!("[{}1]", "1,".repeat(MAX_VALUES))), Some(MAX_VALUES + 2));
    }
}
