//! JSON documents of others, read without keeping them: a document of 16 MiB needs no tree of half a gigabyte.

use std::{fmt, hash::BuildHasher as _};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};

/// What stands under one key of the outermost object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Null,
    Scalar,
    Text(String),
    Array { items: usize },
    Object,
}

/// The outermost level of a document.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    /// Whether it is an object at all.
    pub is_object: bool,
    /// The keys that were asked for, with what stands there; of a repeated key the last, as a daemon takes it.
    pub found: Vec<(&'static str, Kind)>,
    /// An object somewhere names a key twice, or the document has too many keys to tell.
    pub repeated: bool,
}

impl Outline {
    /// What stands under `key`, one of those that were asked for.
    pub(crate) fn get(&self, key: &str) -> Option<&Kind> {
        self.found.iter().rev().find(|(name, _)| *name == key).map(|(_, kind)| kind)
    }
}

/// Reads `bytes` exactly as a daemon's JSON reader does (what it refuses is refused: depth, numbers, UTF-8, trailing text),
/// and keeps what stands under `keys` of the outermost object.
///
/// # Errors
/// The reader's own, without text of the document.
pub(crate) fn outline(bytes: &[u8], keys: &'static [&'static str]) -> Result<Outline, serde_json::Error> {
    let mut seen = Keys::default();
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let mut outline = Outer { keys, seen: &mut seen }.deserialize(&mut reader)?;
    reader.end()?;
    outline.repeated = seen.repeated;
    Ok(outline)
}

/// Keys of open objects that are held; beyond, a document counts as one that repeats a key.
const MAX_KEYS: usize = 1 << 18;

/// The keys of the objects that are open, as hashes, to find repeated ones. The hasher's key is random, so nobody can
/// prepare collisions.
#[derive(Default)]
struct Keys {
    /// Those of an inner object stand behind those of the outer ones, and go when it ends.
    hashes: Vec<u64>,
    hasher: std::hash::RandomState,
    repeated: bool,
}

impl Keys {
    fn add(&mut self, key: &str) {
        if self.hashes.len() < MAX_KEYS {
            self.hashes.push(self.hasher.hash_one(key));
        } else {
            self.repeated = true;
        }
    }

    /// The object whose keys stand from `start` on has ended.
    fn end(&mut self, start: usize) {
        let own = self.hashes.get_mut(start..).unwrap_or_default();
        own.sort_unstable();
        self.repeated |= own.windows(2).any(|pair| pair.first() == pair.last());
        self.hashes.truncate(start);
    }
}

struct Outer<'a> {
    keys: &'static [&'static str],
    seen: &'a mut Keys,
}

impl<'de> DeserializeSeed<'de> for Outer<'_> {
    type Value = Outline;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Outline, D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! scalars {
    ($value:expr) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("JSON")
        }
    };
}

impl<'de> Visitor<'de> for Outer<'_> {
    type Value = Outline;

    scalars!(Outline::default());

    fn visit_unit<E>(self) -> Result<Outline, E> {
        Ok(Outline::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Outline, E> {
        Ok(Outline::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Outline, A::Error> {
        while seq.next_element_seed(Inner { seen: self.seen })?.is_some() {}
        Ok(Outline::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outline, A::Error> {
        let start = self.seen.hashes.len();
        let mut found = Vec::new();
        while let Some(wanted) = map.next_key_seed(Key { keys: self.keys, seen: self.seen })? {
            let kind = map.next_value_seed(Inner { seen: self.seen })?;
            if let Some(key) = wanted {
                found.retain(|(name, _)| *name != key);
                found.push((key, kind));
            }
        }
        self.seen.end(start);
        Ok(Outline { is_object: true, found, repeated: false })
    }
}

/// A key: noted, and told when it is one of those that were asked for.
struct Key<'a> {
    keys: &'static [&'static str],
    seen: &'a mut Keys,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Self::Value, E> {
        self.seen.add(key);
        Ok(self.keys.iter().copied().find(|wanted| *wanted == key))
    }
}

/// Anything below the outermost object: read in full, kept in outline.
struct Inner<'a> {
    seen: &'a mut Keys,
}

impl<'de> DeserializeSeed<'de> for Inner<'_> {
    type Value = Kind;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Longest text that is kept, in characters.
const KEPT_CHARACTERS: usize = 200;

impl<'de> Visitor<'de> for Inner<'_> {
    type Value = Kind;

    scalars!(Kind::Scalar);

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::Text(text.chars().take(KEPT_CHARACTERS).collect()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Kind, A::Error> {
        let mut items = 0;
        while seq.next_element_seed(Inner { seen: self.seen })?.is_some() {
            items += 1;
        }
        Ok(Kind::Array { items })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        let start = self.seen.hashes.len();
        while map.next_key_seed(Key { keys: &[], seen: self.seen })?.is_some() {
            map.next_value_seed(Inner { seen: self.seen })?;
        }
        self.seen.end(start);
        Ok(Kind::Object)
    }
}

/// A text of a document of others, cut to what a summary shows; anything else that stands there is none.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Text(pub Option<String>);

/// A list of a document of others: how many items it has, and the first of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct List<T> {
    pub count: usize,
    pub first: Vec<T>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { count: 0, first: Vec::new() }
    }
}

/// An object of a document of others; anything else that stands there is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Table<T>(pub Option<T>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(None)
    }
}

/// How many items of a list are kept.
const KEPT_ITEMS: usize = 1000;

macro_rules! tolerant {
    ($name:ident $(<$t:ident>)?, $visitor:ident, $empty:expr, $($body:tt)*) => {
        struct $visitor $(<$t>(std::marker::PhantomData<$t>))?;

        impl<'de $(, $t: Deserialize<'de>)?> Visitor<'de> for $visitor $(<$t>)? {
            type Value = $name $(<$t>)?;

            scalars!($empty);

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok($empty)
            }

            $($body)*
        }
    };
}

fn drain_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<de::IgnoredAny>()?.is_some() {}
    Ok(())
}

fn drain_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<de::IgnoredAny, de::IgnoredAny>()?.is_some() {}
    Ok(())
}

tolerant! { Text, TextVisitor, Text(None),
    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(Some(text.chars().take(KEPT_CHARACTERS).collect())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Text, A::Error> {
        drain_seq(seq).map(|()| Text(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
        drain_map(map).map(|()| Text(None))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

tolerant! { List<T>, ListVisitor, List::default(),
    fn visit_str<E>(self, _: &str) -> Result<List<T>, E> {
        Ok(List::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
        let mut list = List::default();
        while list.first.len() < KEPT_ITEMS {
            let Some(item) = seq.next_element()? else { return Ok(list) };
            list.first.push(item);
            list.count += 1;
        }
        while seq.next_element::<de::IgnoredAny>()?.is_some() {
            list.count += 1;
        }
        Ok(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<List<T>, A::Error> {
        drain_map(map).map(|()| List::default())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(std::marker::PhantomData))
    }
}

tolerant! { Table<T>, TableVisitor, Table(None),
    fn visit_str<E>(self, _: &str) -> Result<Table<T>, E> {
        Ok(Table(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Table<T>, A::Error> {
        drain_seq(seq).map(|()| Table(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Table<T>, A::Error> {
        T::deserialize(de::value::MapAccessDeserializer::new(map)).map(|table| Table(Some(table)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TableVisitor(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_takes_is_what_a_daemons_reader_takes() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        let texts = [
            "{}",
            "[]",
            "null",
            "1",
            "\"x\"",
            "",
            " ",
            "{",
            "{}x",
            "{} {}",
            "{\"a\":1,}",
            "{\"a\":1e999}",
            "[1e400]",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\\u0000\"}",
            "{'a':1}",
            "{\"a\":nan}",
            "{\"a\":01}",
            "{\"a\":-0}",
            "{\"a\":123456789012345678901234567890}",
            "\u{feff}{}",
            "{\"a\":\"\t\"}",
            "[true,false,null]",
        ];
        let texts = texts.into_iter().map(str::to_owned).chain([deep(100), deep(127), deep(128), deep(200)]);
        for text in texts {
            let tree = serde_json::from_str::<serde_json::Value>(&text);
            assert_eq!(outline(text.as_bytes(), &[]).is_ok(), tree.is_ok(), "{text}");
        }
        for bytes in [b"\"\xff\"".as_slice(), b"{\"\xc0\x80\":1}"] {
            let tree = serde_json::from_slice::<serde_json::Value>(bytes);
            assert_eq!(outline(bytes, &[]).is_ok(), tree.is_ok(), "{bytes:?}");
        }
    }

    #[test]
    fn more_keys_than_are_held_count_as_repeated() {
        let object =
            |keys: usize| format!("{{{}}}", (0..keys).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(","));
        assert!(!outline(object(MAX_KEYS).as_bytes(), &[]).unwrap().repeated);
        assert!(outline(object(MAX_KEYS + 1).as_bytes(), &[]).unwrap().repeated);
    }

    #[test]
    fn repeated_keys_are_seen_at_any_depth_and_the_last_one_counts() {
        let of = |text: &str| outline(text.as_bytes(), &["a", "b"]).unwrap();
        assert!(!of(r#"{"a":{"x":1},"b":[{"x":1},{"x":2}]}"#).repeated);
        assert!(of(r#"{"a":[[{"x":1,"y":2,"\u0078":3}]]}"#).repeated);
        let twice = of(r#"{"a":"x","a":[1,2]}"#);
        assert!(twice.repeated);
        assert_eq!(twice.get("a"), Some(&Kind::Array { items: 2 }));
        assert_eq!(twice.get("b"), None);
    }
}
