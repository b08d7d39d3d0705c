//! The packages that a module says it was built from: the section `.dep-v0`, zlib over JSON, in the auditable format
//! (`{"packages": [{"name", "version", "source", "kind", "dependencies"}]}`).

use std::io::Read as _;

use flate2::read::ZlibDecoder;
use serde::Deserialize;

/// How large the section may be when inflated.
pub const MAX_DEPENDENCY_BYTES: u64 = 8 << 20;

/// What the section says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Dependencies {
    /// There is none.
    #[default]
    Unknown,
    /// There is one, and it does not read: why.
    Unreadable(String),
    /// The packages, in the order of the section. Those of nested modules follow each other.
    Listed(Vec<Dependency>),
}

impl Dependencies {
    /// The packages that are known.
    #[must_use]
    pub fn listed(&self) -> &[Dependency] {
        match self {
            Self::Listed(packages) => packages,
            _ => &[],
        }
    }

    /// Adds what another section of the same file says. A section that does not read is told above all.
    pub(super) fn add(&mut self, section: Result<Vec<Dependency>, String>) {
        match (&mut *self, section) {
            (Self::Unreadable(_), _) => {}
            (_, Err(why)) => *self = Self::Unreadable(why),
            (Self::Unknown, Ok(packages)) => *self = Self::Listed(packages),
            (Self::Listed(known), Ok(packages)) => {
                let before = known.len();
                known.extend(packages.into_iter().map(|mut package| {
                    package.dependencies.iter_mut().for_each(|place| *place = place.saturating_add(before));
                    package
                }));
            }
        }
    }
}

/// One package.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it came from: `crates.io`, `git`, `local`, …
    pub source: String,
    /// `runtime`, or `build` for one that only built the others.
    #[serde(default = "runtime")]
    pub kind: String,
    /// Whether it is what was built.
    #[serde(default)]
    pub root: bool,
    /// What it depends on itself, as places in the list.
    #[serde(default)]
    pub dependencies: Vec<usize>,
}

fn runtime() -> String {
    "runtime".to_owned()
}

#[derive(Deserialize)]
struct Section {
    packages: Vec<Dependency>,
}

/// Reads the content of the section.
pub(super) fn read(section: &[u8]) -> Result<Vec<Dependency>, String> {
    let mut json = Vec::new();
    let limit = MAX_DEPENDENCY_BYTES + 1;
    ZlibDecoder::new(section)
        .take(limit)
        .read_to_end(&mut json)
        .map_err(|error| format!("it does not inflate: {error}"))?;
    if json.len() as u64 >= limit {
        return Err(format!("inflated it is larger than {MAX_DEPENDENCY_BYTES} bytes"));
    }
    let section: Section =
        serde_json::from_slice(&json).map_err(|error| format!("it is not the expected JSON: {error}"))?;
    Ok(section.packages)
}
