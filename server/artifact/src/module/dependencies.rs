//! The packages that a module says it was built from: the section `.dep-v0`, zlib over JSON, in the auditable format
//! (`{"packages": [{"name", "version", "source", "kind", "dependencies"}]}`).

use std::{fmt, io::Read as _};

use flate2::read::ZlibDecoder;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};

/// How large all these sections of a file may be together, when inflated.
pub const MAX_DEPENDENCY_BYTES: u64 = 8 << 20;
/// How many packages they may list together. The largest programs have some thousands.
pub const MAX_PACKAGES: usize = 20_000;
/// How often one package may depend on another, in all of them together.
pub const MAX_EDGES: usize = 100_000;

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
}

/// Reads the sections of a file one after another, within what they may have together.
#[derive(Debug, Default)]
pub(super) struct Reader {
    bytes: u64,
    packages: usize,
    edges: usize,
}

impl Reader {
    /// Adds what a section says to what is `known`. A section that does not read is told above all, and none is read after
    /// it.
    pub(super) fn add(&mut self, section: &[u8], known: &mut Dependencies) {
        if matches!(known, Dependencies::Unreadable(_)) {
            return;
        }
        match self.read(section) {
            Err(why) => *known = Dependencies::Unreadable(why),
            Ok(packages) => {
                let mut all = match std::mem::take(known) {
                    Dependencies::Listed(listed) => listed,
                    _ => Vec::new(),
                };
                let before = all.len();
                all.extend(packages.into_iter().map(|mut package| {
                    package.dependencies.iter_mut().for_each(|place| *place = place.saturating_add(before));
                    package
                }));
                *known = Dependencies::Listed(all);
            }
        }
    }

    fn read(&mut self, section: &[u8]) -> Result<Vec<Dependency>, String> {
        let mut json = Vec::new();
        let left = MAX_DEPENDENCY_BYTES.saturating_sub(self.bytes);
        ZlibDecoder::new(section)
            .take(left + 1)
            .read_to_end(&mut json)
            .map_err(|error| format!("it does not inflate: {error}"))?;
        if json.len() as u64 > left {
            return Err(format!("inflated the lists of a module have more than {MAX_DEPENDENCY_BYTES} bytes together"));
        }
        self.bytes += json.len() as u64;
        // Counted before anything is kept: a short text of many packages takes much memory.
        let counted: Counted = serde_json::from_slice(&json).map_err(|error| not_json(&error))?;
        self.packages += counted.packages.packages;
        self.edges += counted.packages.edges;
        if self.packages > MAX_PACKAGES {
            return Err(format!("it lists more than {MAX_PACKAGES} packages"));
        }
        if self.edges > MAX_EDGES {
            return Err(format!("its packages have more than {MAX_EDGES} dependencies"));
        }
        let section: Section = serde_json::from_slice(&json).map_err(|error| not_json(&error))?;
        Ok(section.packages)
    }
}

fn not_json(error: &serde_json::Error) -> String {
    format!("it is not the expected JSON: {error}")
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

/// How much a section lists; nothing of it is kept.
#[derive(Deserialize)]
struct Counted {
    packages: CountedPackages,
}

struct CountedPackages {
    packages: usize,
    edges: usize,
}

#[derive(Deserialize)]
struct CountedPackage {
    #[serde(default)]
    dependencies: CountedItems,
}

#[derive(Default)]
struct CountedItems(usize);

impl<'de> Deserialize<'de> for CountedPackages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Count;
        impl<'de> Visitor<'de> for Count {
            type Value = CountedPackages;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of packages")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<CountedPackages, A::Error> {
                let mut counted = CountedPackages { packages: 0, edges: 0 };
                while let Some(package) = list.next_element::<CountedPackage>()? {
                    counted.packages += 1;
                    counted.edges += package.dependencies.0;
                }
                Ok(counted)
            }
        }
        deserializer.deserialize_seq(Count)
    }
}

impl<'de> Deserialize<'de> for CountedItems {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Count;
        impl<'de> Visitor<'de> for Count {
            type Value = CountedItems;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of places")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<CountedItems, A::Error> {
                let mut items = 0;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    items += 1;
                }
                Ok(CountedItems(items))
            }
        }
        deserializer.deserialize_seq(Count)
    }
}
