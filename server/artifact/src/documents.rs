//! What a daemon asks of `sbom.cdx.json` and `provenance.json`, read in one pass and kept nowhere, so that a document of
//! many small values takes no memory.
//!
//! A daemon parses the whole document into values: nesting, numbers and escapes must be such that this would succeed,
//! and so everything is visited, not skipped.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// Why a daemon refuses a document, in words.
pub(crate) type Fault = String;

/// Keys that stand more than once where a daemon looks at them.
pub(crate) type Repeated = Vec<&'static str>;

/// `sbom.cdx.json`: an object, `bomFormat` is `CycloneDX`, `specVersion` a string that is not empty.
pub(crate) fn sbom(bytes: &[u8]) -> Result<Repeated, Fault> {
    let top = Top::read(bytes, ["bomFormat", "specVersion"])?;
    match top.values {
        [Some(Shape::Text(format)), _] if format != "CycloneDX" => Err("`bomFormat` is not `CycloneDX`".to_owned()),
        [Some(Shape::Text(_)), Some(Shape::Text(version))] if !version.trim().is_empty() => Ok(top.repeated),
        [Some(Shape::Text(_)), _] => Err("`specVersion` is no version".to_owned()),
        _ => Err("`bomFormat` is not `CycloneDX`".to_owned()),
    }
}

/// `provenance.json`: an object, `builder` an object, `subject` an array that is not empty.
pub(crate) fn provenance(bytes: &[u8]) -> Result<Repeated, Fault> {
    let top = Top::read(bytes, ["builder", "subject"])?;
    match top.values {
        [Some(Shape::Object), Some(Shape::Array { empty: false })] => Ok(top.repeated),
        [Some(Shape::Object), _] => Err("`subject` is no array with something in it".to_owned()),
        _ => Err("`builder` is no object".to_owned()),
    }
}

/// The longest text that is kept.
const KEPT: usize = 32;

/// What a value is.
enum Shape {
    /// A string, its first characters.
    Text(String),
    Object,
    Array {
        empty: bool,
    },
    Other,
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_str<E>(self, text: &str) -> Result<Shape, E> {
                Ok(Shape::Text(text.chars().take(KEPT).collect()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
                while map.next_entry::<Shape, Shape>()?.is_some() {}
                Ok(Shape::Object)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
                let mut empty = true;
                while seq.next_element::<Shape>()?.is_some() {
                    empty = false;
                }
                Ok(Shape::Array { empty })
            }

            fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
                Ok(Shape::Other)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
                Ok(Shape::Other)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
                Ok(Shape::Other)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
                Ok(Shape::Other)
            }

            fn visit_unit<E>(self) -> Result<Shape, E> {
                Ok(Shape::Other)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// The values of two keys of an object. Of a key that stands twice the last one, as in a daemon.
struct Top {
    values: [Option<Shape>; 2],
    repeated: Repeated,
}

impl Top {
    fn read(bytes: &[u8], keys: [&'static str; 2]) -> Result<Self, Fault> {
        struct Reader([&'static str; 2]);
        impl<'de> Visitor<'de> for Reader {
            type Value = Top;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Top, A::Error> {
                let mut top = Top { values: [None, None], repeated: Vec::new() };
                while let Some(key) = map.next_key::<Shape>()? {
                    let Shape::Text(key) = key else { return Err(A::Error::custom("a key is no string")) };
                    let value = map.next_value()?;
                    let named = self.0.iter().zip(&mut top.values).find(|(name, _)| **name == key);
                    if let Some((name, slot)) = named
                        && slot.replace(value).is_some()
                    {
                        top.repeated.push(name);
                    }
                }
                Ok(top)
            }
        }
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let top = (&mut reader).deserialize_any(Reader(keys)).and_then(|top| reader.end().map(|()| top));
        top.map_err(|error| format!("it is no JSON object: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sbom() {
        assert_eq!(sbom(br#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "x": [{}, 1.5, null]}"#), Ok(vec![]));
        let twice = br#"{"bomFormat": "x", "specVersion": "1.6", "bomFormat": "CycloneDX"}"#;
        assert_eq!(sbom(twice), Ok(vec!["bomFormat"]));
        for bad in [
            "",
            "[]",
            "{}",
            r#"["CycloneDX", "1.6"]"#,
            r#"{"bomFormat": "CycloneDX"}"#,
            r#"{"bomFormat": "CycloneDX", "specVersion": ""}"#,
            r#"{"bomFormat": "CycloneDX", "specVersion": 1.6}"#,
            r#"{"bomFormat": "cyclonedx", "specVersion": "1.6"}"#,
            r#"{"bomFormat": "CycloneDX", "specVersion": "1.6"} x"#,
            r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "x": 1e999}"#,
            r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "x": "\ud800"}"#,
        ] {
            assert!(sbom(bad.as_bytes()).is_err(), "{bad}");
        }
        let deep =
            format!(r#"{{"bomFormat": "CycloneDX", "specVersion": "1", "x": {}{}}}"#, "[".repeat(200), "]".repeat(200));
        assert!(serde_json::from_str::<serde_json::Value>(&deep).is_err());
        assert!(sbom(deep.as_bytes()).is_err());
    }

    #[test]
    fn a_provenance() {
        assert_eq!(provenance(br#"{"builder": {}, "subject": [1]}"#), Ok(vec![]));
        for bad in [r#"{"builder": {}, "subject": []}"#, r#"{"builder": [], "subject": [1]}"#, r#"{"subject": [1]}"#] {
            assert!(provenance(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
