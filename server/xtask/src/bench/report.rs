//! What was measured, as a table for people and as JSON for programs.

use std::{fmt::Write, fs, path::Path, thread, time::Duration};

use serde_json::{Value, json};

use crate::error::Error;

/// Measurements of one thing, in ascending order.
#[derive(Default)]
pub struct Times {
    sorted: Vec<Duration>,
}

impl Times {
    pub fn add(&mut self, time: Duration) {
        let at = self.sorted.partition_point(|other| *other <= time);
        self.sorted.insert(at, time);
    }

    /// The smallest time that `percent` of all do not exceed, in milliseconds.
    fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.sorted.len() * percent).div_ceil(100).max(1);
        self.sorted.get(rank - 1).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }

    fn cell(&self) -> String {
        format!("{} / {}", digits(self.percentile(50)), digits(self.percentile(95)))
    }

    pub fn json(&self) -> Value {
        json!({ "p50_ms": self.percentile(50), "p95_ms": self.percentile(95), "count": self.sorted.len() })
    }
}

/// Keystrokes in a file of one size.
pub struct Typing {
    pub bytes: usize,
    pub times: Times,
    /// The server's memory after them, in bytes.
    pub resident: Option<u64>,
    /// Whether the client asked for the diagnostics.
    pub pulled: bool,
}

/// All about one contender.
#[derive(Default)]
pub struct Measured {
    pub version: String,
    pub start: Times,
    pub resident_at_start: Option<u64>,
    pub typing: Vec<Typing>,
    pub check: Times,
    pub check_arguments: &'static [&'static str],
}

/// Everybody, and who could not be measured.
pub struct Report {
    pub columns: Vec<(&'static str, Measured)>,
    pub missing: Vec<(&'static str, String)>,
}

impl Report {
    /// The table, with what it was measured on.
    pub fn markdown(&self) -> String {
        let mut out = String::from("| median / 95th percentile |");
        for (name, _) in &self.columns {
            let _ = write!(out, " {name} |");
        }
        out.push_str("\n| --- |");
        out.push_str(&" --- |".repeat(self.columns.len()));
        out.push('\n');
        let mut row = |title: String, cell: &dyn Fn(&Measured) -> String| {
            let _ = write!(out, "| {title} |");
            for (_, measured) in &self.columns {
                let _ = write!(out, " {} |", cell(measured));
            }
            out.push('\n');
        };
        row("start to `initialize`, ms".into(), &|m| m.start.cell());
        row("memory after it, MB".into(), &|m| megabytes(m.resident_at_start));
        let sizes = self.columns.first().map_or(&[][..], |(_, first)| &first.typing);
        for (index, size) in sizes.iter().enumerate() {
            let title = format!("keystroke to diagnostics, {} KB, ms", size.bytes / 1024);
            row(title, &|m| m.typing.get(index).map_or_else(String::new, |typing| typing.times.cell()));
        }
        row("memory after typing in the last, MB".into(), &|m| megabytes(m.typing.last().and_then(|t| t.resident)));
        row("`check` of 1,000 manifests, ms".into(), &|m| m.check.cell());
        let versions: Vec<_> = self.columns.iter().map(|(_, m)| m.version.as_str()).collect();
        let mut versions: Vec<_> = versions.into_iter().filter(|version| !version.is_empty()).collect();
        versions.dedup();
        let _ = write!(out, "\n{}; {}.", machine(), versions.join(", "));
        for (name, why) in &self.missing {
            let _ = write!(out, " Missing: {name} ({}).", why.lines().next().unwrap_or_default());
        }
        out.push('\n');
        out
    }

    /// The same for programs.
    pub fn json(&self) -> String {
        let columns: Vec<Value> = self.columns.iter().map(|(name, m)| column(name, m)).collect();
        let missing: Vec<Value> = self.missing.iter().map(|(name, why)| json!({ "name": name, "why": why })).collect();
        let report = json!({ "schema_version": 1, "machine": machine(), "measured": columns, "missing": missing });
        format!("{report:#}\n")
    }
}

fn column(name: &str, m: &Measured) -> Value {
    let typing: Vec<Value> = m
        .typing
        .iter()
        .map(|typing| {
            json!({
                "bytes": typing.bytes,
                "delivery": if typing.pulled { "pull" } else { "push" },
                "times": typing.times.json(),
                "resident_bytes": typing.resident,
            })
        })
        .collect();
    json!({
        "name": name,
        "version": m.version,
        "start_to_initialize": m.start.json(),
        "resident_at_start_bytes": m.resident_at_start,
        "keystroke_to_diagnostics": typing,
        "check_1000": m.check.json(),
        "check_arguments": m.check_arguments,
    })
}

/// Puts the table between README's marks of that part.
pub fn into_readme(path: &Path, part: &str, table: &str) -> Result<(), Error> {
    let begin = format!("<!-- bench {part}: written by `cargo xtask bench --keep` -->\n");
    let end = format!("<!-- bench {part}: end -->\n");
    let text = fs::read_to_string(path).map_err(Error::io(path))?;
    let place = text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let Some((before, after)) = place else {
        return Err(Error::Unexpected { place: path.display().to_string(), what: format!("no marks {begin}{end}") });
    };
    fs::write(path, format!("{before}{begin}\n{table}\n{end}{after}")).map_err(Error::io(path))
}

/// Three digits that mean something.
pub fn digits(value: f64) -> String {
    match value {
        v if v < 9.95 => format!("{v:.2}"),
        v if v < 99.5 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

fn megabytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "not known here".into(), |bytes| digits(bytes as f64 / 1e6))
}

/// What the figures were taken on.
pub fn machine() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let processor = fs::read_to_string("/proc/cpuinfo").ok().and_then(|info| {
        let line = info.lines().find_map(|line| line.strip_prefix("model name"))?;
        Some(line.trim_start_matches([' ', '\t', ':']).to_owned())
    });
    match processor {
        Some(processor) => format!("{system}, {cores} cores of {processor}"),
        None => format!("{system}, {cores} cores"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_ranks() {
        let mut times = Times::default();
        (1..=200).rev().for_each(|time| times.add(Duration::from_millis(time)));
        assert_eq!(times.cell(), "100 / 190");
        let mut one = Times::default();
        one.add(Duration::from_micros(1234));
        assert_eq!(one.cell(), "1.23 / 1.23");
    }
}
