//! Numbers as a person reads them: 33554432 bytes are 32 MiB, 2000 ms are 2 s.

use std::fmt;

use skillyard_manifest::shape::{KeyShape, Type};

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Units of work of a WebAssembly engine.
    Fuel,
}

/// A number as a person reads it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Amount {
    /// With its unit: `32 MiB`.
    pub text: String,
    /// Whether it is the very number, or the nearest that reads well.
    pub exact: bool,
}

/// `32 MiB`, or `≈ 976.6 KiB`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.exact {
            f.write_str("≈ ")?;
        }
        f.write_str(&self.text)
    }
}

impl Unit {
    /// What the integer behind `key` counts: the last word of its name says it.
    #[must_use]
    pub fn of(key: &KeyShape) -> Option<Self> {
        if !matches!(key.ty, Type::U32 | Type::U64) {
            return None;
        }
        if key.name == "fuel" || key.name == "fuel_budget" {
            return Some(Self::Fuel);
        }
        let (_, unit) = key.name.rsplit_once('_')?;
        Some(match unit {
            "bytes" => Self::Bytes,
            "ms" => Self::Milliseconds,
            "seconds" | "secs" => Self::Seconds,
            _ => return None,
        })
    }

    /// `number` in the words of a person; `None` where these say no more than the number with its unit does.
    #[must_use]
    pub fn amount(self, number: u64) -> Option<Amount> {
        match self {
            Self::Bytes => (number >= 1024).then(|| size(number)),
            Self::Milliseconds => (number >= 1000).then(|| duration(number.into())),
            Self::Seconds => (number >= 60).then(|| duration(u128::from(number) * 1000)),
            Self::Fuel => (number >= 10_000).then(|| count(number)),
        }
    }

    /// What stands behind a number of it: `bytes`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Fuel => "units of fuel",
        }
    }
}

/// A number of bytes: `0 bytes`, `64 KiB`, `1.5 MiB`.
#[must_use]
pub fn size(bytes: u64) -> Amount {
    if bytes < 1024 {
        let unit = if bytes == 1 { "byte" } else { "bytes" };
        return Amount { text: format!("{bytes} {unit}"), exact: true };
    }
    scaled(bytes, 1024, &["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
}

/// A count: `999`, `10 million`.
#[must_use]
pub fn count(number: u64) -> Amount {
    if number < 1000 {
        return Amount { text: number.to_string(), exact: true };
    }
    scaled(number, 1000, &["thousand", "million", "billion", "trillion", "quadrillion", "quintillion"])
}

/// A number of at least `step` in the largest of `units` (each `step` times the one in front) that it has one of, with
/// one decimal.
fn scaled(number: u64, step: u128, units: &[&str]) -> Amount {
    let tenths = u128::from(number) * 10;
    let mut one = step;
    let mut units = units.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    // Rounding up may come to a whole one of the next unit.
    while (tenths + one / 2) / one >= step * 10 {
        let Some(next) = units.next() else { break };
        unit = next;
        one *= step;
    }
    let rounded = (tenths + one / 2) / one;
    let exact = tenths.is_multiple_of(one);
    let text = match rounded % 10 {
        0 => format!("{} {unit}", rounded / 10),
        decimal => format!("{}.{decimal} {unit}", rounded / 10),
    };
    Amount { text, exact }
}

const SECOND: u128 = 1000;
const MINUTE: u128 = 60 * SECOND;
const HOUR: u128 = 60 * MINUTE;
const DAY: u128 = 24 * HOUR;
const YEAR: u128 = 365 * DAY;

/// A time in milliseconds: `500 ms`, `1.5 s`, `1 min 30 s`, `2 h 5 min`.
#[must_use]
pub fn duration(milliseconds: u128) -> Amount {
    let two = |large: u128, large_name: &str, small: u128, small_name: &str| {
        let (wholes, rest) = (milliseconds / large, milliseconds % large / small);
        let text = match rest {
            0 => format!("{wholes} {large_name}"),
            rest => format!("{wholes} {large_name} {rest} {small_name}"),
        };
        Amount { text, exact: milliseconds.is_multiple_of(small) }
    };
    match milliseconds {
        ..SECOND => Amount { text: format!("{milliseconds} ms"), exact: true },
        SECOND..MINUTE => {
            let (seconds, rest) = (milliseconds / SECOND, milliseconds % SECOND);
            let text = match rest {
                0 => format!("{seconds} s"),
                rest => format!("{} s", format!("{seconds}.{rest:03}").trim_end_matches('0')),
            };
            Amount { text, exact: true }
        }
        MINUTE..HOUR => two(MINUTE, "min", SECOND, "s"),
        HOUR..DAY => two(HOUR, "h", MINUTE, "min"),
        DAY..YEAR => two(DAY, "d", HOUR, "h"),
        _ => {
            let years = milliseconds / YEAR;
            let unit = if years == 1 { "year" } else { "years" };
            Amount { text: format!("{years} {unit}"), exact: milliseconds.is_multiple_of(YEAR) }
        }
    }
}

#[cfg(test)]
mod tests {
    use skillyard_manifest::shape::ROOT;

    use super::*;

    #[test]
    fn sizes() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (65_536, "64 KiB"),
            (1_000_000, "≈ 976.6 KiB"),
            (1_048_575, "≈ 1 MiB"),
            (33_554_432, "32 MiB"),
            (4_294_967_296, "4 GiB"),
            (u64::MAX, "≈ 16 EiB"),
        ] {
            assert_eq!(size(bytes).to_string(), text, "{bytes}");
        }
    }

    #[test]
    fn durations() {
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (2000, "2 s"),
            (1500, "1.5 s"),
            (1234, "1.234 s"),
            (59_010, "59.01 s"),
            (60_000, "1 min"),
            (90_000, "1 min 30 s"),
            (90_500, "≈ 1 min 30 s"),
            (3_600_000, "1 h"),
            (7_500_000, "2 h 5 min"),
            (90_000_000, "1 d 1 h"),
            (u128::from(u64::MAX), "≈ 584942417 years"),
        ] {
            assert_eq!(duration(ms).to_string(), text, "{ms}");
        }
    }

    #[test]
    fn counts() {
        for (number, text) in [
            (999, "999"),
            (1500, "1.5 thousand"),
            (10_000_000, "10 million"),
            (12_345_678, "≈ 12.3 million"),
            (999_999, "≈ 1 million"),
            (u64::MAX, "≈ 18.4 quintillion"),
        ] {
            assert_eq!(count(number).to_string(), text, "{number}");
        }
    }

    #[test]
    fn keys_have_the_units_of_their_names() {
        let quotas = ROOT.child("capabilities").unwrap().child("quotas").unwrap();
        let unit = |name: &str| Unit::of(quotas.key(name).unwrap().1);
        assert_eq!(unit("wall_clock_timeout_ms"), Some(Unit::Milliseconds));
        assert_eq!(unit("max_memory_bytes"), Some(Unit::Bytes));
        assert_eq!(unit("fuel_budget"), Some(Unit::Fuel));
        assert_eq!(Unit::of(ROOT.key("manifest_version").unwrap().1), None);
        assert_eq!(Unit::Bytes.amount(1000), None);
        assert_eq!(Unit::Seconds.amount(90).unwrap().text, "1 min 30 s");
    }
}
