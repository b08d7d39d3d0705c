//! Advisories from a local file, and the packages of the modules looked up in them.
//!
//! The file is JSON in the format of OSV (<https://ossf.github.io/osv-schema/>): one record, a list of records, or
//! `{"vulns": [records]}`. Read are `id`, `summary`, `withdrawn` and, of each of `affected`, `package.ecosystem`,
//! `package.name`, `ranges[].type` and `events`, `versions`, and `database_specific.informational`. Only the ecosystem
//! `crates.io` is compared: that is what modules list.

use std::{collections::HashMap, error, fmt};

use semver::Version;
use serde::{Deserialize, Serialize};
use skillyard_manifest::{plain, quoted};

use super::{Scanned, VulnerabilityScan};
use crate::module::{Dependencies, Dependency};

const ECOSYSTEM: &str = "crates.io";
/// How many matches are listed.
const MAX_MATCHES: usize = 1_000;

/// Advisories, ready to be asked.
#[derive(Debug, Default)]
pub struct Advisories {
    count: u64,
    by_package: HashMap<String, Vec<Advisory>>,
}

#[derive(Debug)]
struct Advisory {
    id: String,
    summary: Option<String>,
    informational: Option<String>,
    versions: Vec<String>,
    ranges: Vec<Vec<(Version, Event)>>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Event {
    Introduced,
    LastAffected,
    Fixed,
}

/// A package of a module that an advisory is about. Every text is escaped.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Affected {
    /// The advisory: `RUSTSEC-2024-0001`.
    pub id: String,
    /// What it says, in a line.
    pub summary: Option<String>,
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The first version without it, if there is one above.
    pub fixed: Option<String>,
    /// The module's path in the archive.
    pub module: String,
    /// Set where the advisory is no vulnerability but a note: `unmaintained`.
    pub informational: Option<String>,
    /// Whether the package only took part in building the module and is not in it.
    pub build_only: bool,
}

impl Affected {
    /// Whether it is a vulnerability of what is in the module.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.informational.is_none() && !self.build_only
    }
}

/// Why a file of advisories cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AdvisoryError {
    /// It is no JSON of the expected shape.
    Json {
        /// What is wrong, with line and column.
        why: String,
    },
    /// An event of a record names no version.
    Version {
        /// The record.
        id: String,
        /// What stands there.
        version: String,
    },
}

impl fmt::Display for AdvisoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { why } => write!(f, "the advisories are no OSV records in JSON: {}", plain(why)),
            Self::Version { id, version } => {
                write!(
                    f,
                    "advisory {} names {}, which is no version of Semantic Versioning",
                    quoted(id),
                    quoted(version)
                )
            }
        }
    }
}

impl error::Error for AdvisoryError {}

#[derive(Deserialize)]
struct Record {
    id: String,
    summary: Option<String>,
    withdrawn: Option<String>,
    #[serde(default)]
    affected: Vec<RecordAffected>,
}

#[derive(Deserialize)]
struct RecordAffected {
    package: Option<Package>,
    #[serde(default)]
    ranges: Vec<RecordRange>,
    #[serde(default)]
    versions: Vec<String>,
    database_specific: Option<DatabaseSpecific>,
}

#[derive(Deserialize)]
struct Package {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct RecordRange {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    events: Vec<RecordEvent>,
}

#[derive(Deserialize)]
struct RecordEvent {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
}

#[derive(Deserialize)]
struct DatabaseSpecific {
    informational: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    vulns: Vec<Record>,
}

impl Advisories {
    /// Reads a file of advisories. Withdrawn records are left out.
    ///
    /// # Errors
    /// [`AdvisoryError`], where it is no such JSON, or a version in it cannot be compared: then nothing that was missed
    /// can pass for absent.
    pub fn parse(json: &[u8]) -> Result<Self, AdvisoryError> {
        let bad = |error: serde_json::Error| AdvisoryError::Json { why: error.to_string() };
        let first = json.iter().find(|b| !b.is_ascii_whitespace());
        let records = if first == Some(&b'[') {
            serde_json::from_slice::<Vec<Record>>(json).map_err(bad)?
        } else {
            match serde_json::from_slice::<Record>(json) {
                Ok(record) => vec![record],
                Err(_) => serde_json::from_slice::<Answer>(json).map_err(bad)?.vulns,
            }
        };
        let mut all = Self::default();
        for record in records.into_iter().filter(|record| record.withdrawn.is_none()) {
            all.add(record)?;
        }
        Ok(all)
    }

    fn add(&mut self, record: Record) -> Result<(), AdvisoryError> {
        let Record { id, summary, affected, .. } = record;
        self.count += 1;
        for affected in affected {
            let Some(package) = affected.package.filter(|package| package.ecosystem == ECOSYSTEM) else { continue };
            let mut ranges = Vec::new();
            for range in affected.ranges.into_iter().filter(|range| range.kind != "GIT") {
                let mut events = Vec::new();
                for event in range.events {
                    let named = [
                        (event.introduced, Event::Introduced),
                        (event.fixed, Event::Fixed),
                        (event.last_affected, Event::LastAffected),
                    ];
                    for (version, event) in named {
                        if let Some(version) = version {
                            events.push((version_of(&version, &id)?, event));
                        }
                    }
                }
                events
                    .sort_by(|(a, first): &(Version, Event), (b, second)| a.cmp_precedence(b).then(first.cmp(second)));
                ranges.push(events);
            }
            self.by_package.entry(package.name).or_default().push(Advisory {
                id: id.clone(),
                summary: summary.clone(),
                informational: affected.database_specific.and_then(|specific| specific.informational),
                versions: affected.versions,
                ranges,
            });
        }
        Ok(())
    }

    /// How many advisories there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn about<'a>(&'a self, package: &Dependency) -> impl Iterator<Item = (&'a Advisory, Option<&'a Version>)> {
        let version = Version::parse(&package.version).ok();
        // A package of another source has the name only.
        let known = (package.source == ECOSYSTEM).then(|| self.by_package.get(&package.name)).flatten();
        let raw = without_build(&package.version).to_owned();
        known.into_iter().flatten().filter_map(move |advisory| {
            let affected = advisory.versions.iter().any(|listed| without_build(listed) == raw)
                || version.as_ref().is_none_or(|version| advisory.ranges.iter().any(|range| holds(range, version)));
            let fixed = version.as_ref().and_then(|version| {
                let all = advisory.ranges.iter().flatten();
                let above = all.filter(|(at, event)| *event == Event::Fixed && at.cmp_precedence(version).is_gt());
                above.map(|(at, _)| at).min_by(|a, b| a.cmp_precedence(b))
            });
            affected.then_some((advisory, fixed))
        })
    }
}

/// `0` is the version in front of all others.
fn version_of(version: &str, id: &str) -> Result<Version, AdvisoryError> {
    let version = if version == "0" { "0.0.0-0" } else { version };
    Version::parse(version).map_err(|_| AdvisoryError::Version { id: id.to_owned(), version: version.to_owned() })
}

/// A version as an advisory means it: what stands behind `+` says how it was built, and is no other version.
fn without_build(version: &str) -> &str {
    version.split_once('+').map_or(version, |(version, _)| version)
}

/// Whether `version` lies between an introduction and its end, whatever stands behind its `+`. Events are sorted.
fn holds(events: &[(Version, Event)], version: &Version) -> bool {
    let mut inside = false;
    for (at, event) in events {
        let order = version.cmp_precedence(at);
        match event {
            Event::Introduced if order.is_ge() => inside = true,
            Event::Fixed if order.is_ge() => inside = false,
            Event::LastAffected if order.is_gt() => inside = false,
            _ => {}
        }
    }
    inside
}

/// Looks the packages of all modules up.
pub(super) fn compare(modules: &[Scanned], feed: Option<&Advisories>) -> VulnerabilityScan {
    let mut scan = VulnerabilityScan { advisories: feed.map(Advisories::len), ..VulnerabilityScan::default() };
    for scanned in modules {
        let packages = match scanned.module.as_ref().map(|module| &module.dependencies) {
            Some(Dependencies::Listed(packages)) => packages,
            _ => {
                scan.modules_without_data.push(plain(&scanned.path));
                continue;
            }
        };
        scan.packages += packages.len() as u64;
        let Some(feed) = feed else { continue };
        for package in packages {
            for (advisory, fixed) in feed.about(package) {
                let affected = Affected {
                    id: plain(&advisory.id),
                    summary: advisory.summary.as_deref().map(plain),
                    package: plain(&package.name),
                    version: plain(&package.version),
                    fixed: fixed.map(ToString::to_string),
                    module: plain(&scanned.path),
                    informational: advisory.informational.as_deref().map(plain),
                    build_only: package.kind == "build",
                };
                // All are counted, so that no number of notes hides a vulnerability.
                scan.vulnerable += u64::from(affected.counts());
                if scan.matches.len() < MAX_MATCHES {
                    scan.matches.push(affected);
                }
            }
        }
    }
    scan.matches.sort_by_key(|affected| !affected.counts());
    scan
}
