//! The typed manifest read from the document, so that a text that reads well is read once.
//!
//! Values reach serde exactly as the `toml` crate gives them. Whatever is rare, and whatever is wrong, is left to that
//! crate: [`read`] then gives nothing, and [`crate::daemon::parse`] asks it. So nothing is ever refused here, and tests
//! hold that what is taken here is what that crate reads.

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer, de,
    de::{DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor, value::BorrowedStrDeserializer},
    forward_to_deserialize_any,
};

use crate::document::{Document, Field, Node, NodeKind, Table};

/// What the document says as a `T`; `None` where its syntax has any slip, where it is no `T`, and where a value has a
/// spelling that is left to the `toml` crate (a date, an enum value written as a table).
///
/// Recurses as deep as the document nests.
pub(crate) fn read<T: DeserializeOwned>(document: &Document<'_>) -> Option<T> {
    let clean = document.errors.is_empty() && document.broken.is_empty() && !document.headers_broken;
    clean.then(|| T::deserialize(Tables(&document.root)).ok()).flatten()
}

/// Not to be read here. Says nothing more: the words are the `toml` crate's.
#[derive(Debug)]
struct NotHere;

impl fmt::Display for NotHere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not read from the document")
    }
}

impl std::error::Error for NotHere {}

impl de::Error for NotHere {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// A table as a value.
struct Tables<'d, 't>(&'d Table<'t>);

impl<'de> Deserializer<'de> for Tables<'de, '_> {
    type Error = NotHere;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotHere> {
        visitor.visit_map(Entries { entries: self.0.fields.iter(), value: None })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Any value.
struct Any<'d, 't>(&'d Node<'t>);

impl<'de> Deserializer<'de> for Any<'de, '_> {
    type Error = NotHere;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotHere> {
        match &self.0.kind {
            NodeKind::String(text) => visitor.visit_borrowed_str(text),
            NodeKind::Integer(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(number), _) => visitor.visit_i64(number),
                (Err(_), Ok(number)) => visitor.visit_u64(number),
                _ => Err(NotHere),
            },
            NodeKind::Float(number) => visitor.visit_f64(*number),
            NodeKind::Boolean(value) => visitor.visit_bool(*value),
            NodeKind::Array(array) => visitor.visit_seq(Elements(array.items.iter())),
            NodeKind::Table(table) => Tables(table).deserialize_any(visitor),
            NodeKind::DateTime | NodeKind::Invalid => Err(NotHere),
        }
    }

    // TOML has no null: what stands there is something.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotHere> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, NotHere> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NotHere> {
        match &self.0.kind {
            NodeKind::String(text) => visitor.visit_enum(BorrowedStrDeserializer::new(text)),
            _ => Err(NotHere),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// The entries of a table.
struct Entries<'d, 't, I> {
    entries: I,
    value: Option<&'d Node<'t>>,
}

impl<'d, 't: 'd, I> MapAccess<'d> for Entries<'d, 't, I>
where
    I: ExactSizeIterator<Item = (&'d Cow<'t, str>, &'d Field<'t>)>,
{
    type Error = NotHere;

    fn next_key_seed<K: DeserializeSeed<'d>>(&mut self, seed: K) -> Result<Option<K::Value>, NotHere> {
        let Some((key, field)) = self.entries.next() else { return Ok(None) };
        self.value = Some(&field.value);
        seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'d>>(&mut self, seed: V) -> Result<V::Value, NotHere> {
        seed.deserialize(Any(self.value.take().ok_or(NotHere)?))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// The elements of an array.
struct Elements<'d, 't>(std::slice::Iter<'d, Node<'t>>);

impl<'d> SeqAccess<'d> for Elements<'d, '_> {
    type Error = NotHere;

    fn next_element_seed<T: DeserializeSeed<'d>>(&mut self, seed: T) -> Result<Option<T::Value>, NotHere> {
        self.0.next().map(|node| seed.deserialize(Any(node))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::model::Manifest;

    fn here<T: DeserializeOwned>(text: &str) -> Option<T> {
        read(&Document::parse(text))
    }

    #[test]
    fn what_is_taken_is_what_a_daemon_reads() {
        for text in [
            "",
            "a = 1\nb = -9223372036854775808\nc = 18446744073709551615\nd = 0xFF\ne = 1_0",
            "a = 1.5\nb = inf\nc = -nan\nd = 1e3\ne = -0.0\nf = 3_1.4_1",
            "a = true\nb = 'x'\nc = \"\"\"\nx\\\n  y\"\"\"\nd = \"\\u00e9\"",
            "a = []\nb = [1, 'x', [true], { c = 1 }]\nc.d.e = 1\nc.d.f = { g.h = 2 }",
            "[a]\nb = 1\n[[a.c]]\nd = 1\n[[a.c]]\n[a.c.e]\nf = 1\n[g.h]\n[g]\n\"i j\" = ''",
        ] {
            assert_eq!(here::<Value>(text), Some(toml::from_str::<Value>(text).unwrap()), "{text}");
        }
    }

    #[test]
    fn the_rest_is_left_to_the_reader_of_a_daemon() {
        for text in ["a = 1979-05-27", "a = ", "a = 1\na = 2", "[a\n", "a = [1", "a = 18446744073709551616"] {
            assert_eq!(here::<Value>(text), None, "{text}");
        }
        assert_eq!(here::<Manifest>("skill_id = 1"), None);
    }

    #[test]
    fn on_every_recorded_manifest() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/manifests");
        let mut taken = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let Ok(text) = fs::read_to_string(entry.unwrap().path()) else { continue };
            let theirs = toml::from_str::<Manifest>(&text);
            match here::<Manifest>(&text) {
                Some(ours) => {
                    assert_eq!(Ok(ours), theirs, "{text}");
                    taken += 1;
                }
                // A date or an enum value written as a table.
                None => assert!(theirs.is_err() || text.contains(['{', '-']), "{text}"),
            }
        }
        assert!(taken > 100, "only {taken}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever is taken here, a daemon's reader takes too, and reads the same.
        #[test]
        fn on_texts_like_toml(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..12)) {
            let text = pieces.concat();
            if let Some(ours) = here::<Value>(&text) {
                prop_assert_eq!(Ok(ours), toml::from_str::<Value>(&text), "{:?}", text);
            }
        }
    }

    const PIECES: &[&str] = &[
        "a = 1\n",
        "b = 'x'\n",
        "a.b = 1.5\n",
        "\"k\".l = -0x1F\n",
        "c = [1, [], { d = true }]\n",
        "a = { b.c = 1, d = '' }\n",
        "[a]\n",
        "[a.b]\n",
        "[[c]]\n",
        "[c.d]\n",
        "[[a.e]]\n",
        "[b.\"k\"]\n",
        "'l' = \"\\u00e9\\n\"\n",
        "m = '''\nx\n'''\r\n",
        "n = \"\"\"\\\n  x \"\" \"\"\"\n",
        "o = inf\n",
        "p = -nan\n",
        "q = 0b1\n",
        "r = 1e-7\n",
        "s = 18446744073709551615\n",
        "t = 9223372036854775808\n",
        "u = 07:32:00\n",
        "# c\n",
        " \t",
        "\n",
        "\r\n",
        "a",
        " = ",
        "1",
        "[",
        "]",
        "{",
        "}",
        ",",
        ".",
        "\"",
        "\u{FEFF}",
    ];
}
