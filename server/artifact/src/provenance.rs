//! `provenance.json`: what a daemon asks of it, the one that packaging makes, and what is shown of any.
//!
//! The one that is made is an in-toto Statement v1 (<https://in-toto.io/Statement/v1>) with a SLSA v1 predicate
//! (<https://slsa.dev/spec/v1.0/provenance>). A daemon looks for `builder` at the outermost level, where SLSA has
//! none, so it stands there too; readers of statements ignore fields that they do not know.
//!
//! Whoever packages writes it, and nobody else vouches for it: it is self-declared, and shown as that.

use std::{collections::BTreeMap, error, fmt};

use serde::{Deserialize, Serialize};
use skillyard_manifest::model::Manifest;

use crate::{
    integrity::hex,
    json::{self, Kind, List, Table, Text},
    sbom::File,
    timestamp::rfc3339,
};

/// Why a provenance does not do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProvenanceFault {
    /// It does not read as JSON.
    NotJson {
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, in bytes from 1.
        column: usize,
    },
    /// It is no object.
    NotAnObject,
    /// `builder` is missing or no object.
    Builder,
    /// `subject` is missing, empty or no array.
    Subject,
}

impl fmt::Display for ProvenanceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { line, column } => {
                write!(f, "the provenance is not JSON: see line {line}, column {column} of `provenance.json`")
            }
            Self::NotAnObject => f.write_str("the provenance is not a JSON object"),
            Self::Builder => {
                f.write_str("the provenance has no `builder` object at its outermost level, which a daemon needs")
            }
            Self::Subject => f.write_str("the provenance has no `subject`: list at least one there, with its digest"),
        }
    }
}

impl error::Error for ProvenanceFault {}

fn outline(bytes: &[u8]) -> Result<json::Outline, ProvenanceFault> {
    json::outline(bytes, &["builder", "subject"])
        .map_err(|error| ProvenanceFault::NotJson { line: error.line(), column: error.column() })
}

/// What a daemon demands of a provenance.
///
/// # Errors
/// The first demand that is not met.
pub fn check(bytes: &[u8]) -> Result<(), ProvenanceFault> {
    let outline = outline(bytes)?;
    if !outline.is_object {
        return Err(ProvenanceFault::NotAnObject);
    }
    if outline.get("builder") != Some(&Kind::Object) {
        return Err(ProvenanceFault::Builder);
    }
    match outline.get("subject") {
        Some(Kind::Array { items: 1.. }) => Ok(()),
        _ => Err(ProvenanceFault::Subject),
    }
}

/// Whether an object in the document names a key twice, so that two readers may read two documents.
///
/// # Errors
/// The document is no JSON.
pub fn has_repeated_keys(bytes: &[u8]) -> Result<bool, ProvenanceFault> {
    outline(bytes).map(|outline| outline.repeated)
}

/// What is shown of a provenance. Texts are as they stand in it, cut to 200 characters: the caller escapes them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Summary {
    /// Nobody but the publisher says so. Always true: no signature of anyone else is in an artifact.
    pub self_declared: bool,
    /// Who built it.
    pub builder_id: Option<String>,
    /// How it was built: SLSA's `buildType`.
    pub build_type: Option<String>,
    /// What it was built from.
    pub sources: Vec<Source>,
    /// One run of the builder.
    pub invocation_id: Option<String>,
    /// When it began, and when it ended.
    pub started_on: Option<String>,
    /// When it ended.
    pub finished_on: Option<String>,
    /// How many files it speaks of.
    pub subject_count: usize,
    /// The first thousand: name and SHA-256.
    pub subjects: Vec<(Option<String>, Option<String>)>,
}

/// Something that a build was made from.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Source {
    /// Where it is.
    pub uri: Option<String>,
    /// Its digest: a commit, or a hash.
    pub digest: Option<String>,
}

/// Reads what is shown of a provenance, ours or another's. What has an unexpected shape is left out.
///
/// # Errors
/// The document is no JSON object, or names a key twice.
pub fn summary(bytes: &[u8]) -> Result<Summary, ProvenanceFault> {
    #[derive(Deserialize, Default)]
    #[serde(default, rename_all = "camelCase")]
    struct Digest {
        git_commit: Text,
        sha256: Text,
        sha512: Text,
        sha1: Text,
    }

    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Resource {
        uri: Text,
        name: Text,
        digest: Table<Digest>,
    }

    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Builder {
        id: Text,
    }

    #[derive(Deserialize, Default)]
    #[serde(default, rename_all = "camelCase")]
    struct Definition {
        build_type: Text,
        resolved_dependencies: List<Table<Resource>>,
    }

    #[derive(Deserialize, Default)]
    #[serde(default, rename_all = "camelCase")]
    struct Metadata {
        invocation_id: Text,
        started_on: Text,
        finished_on: Text,
    }

    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Run {
        builder: Table<Builder>,
        metadata: Table<Metadata>,
    }

    #[derive(Deserialize, Default)]
    #[serde(default, rename_all = "camelCase")]
    struct Predicate {
        build_definition: Table<Definition>,
        run_details: Table<Run>,
    }

    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Document {
        builder: Table<Builder>,
        subject: List<Table<Resource>>,
        predicate: Table<Predicate>,
    }

    let Table(document) = serde_json::from_slice::<Table<Document>>(bytes)
        .map_err(|error| ProvenanceFault::NotJson { line: error.line(), column: error.column() })?;
    let document = document.ok_or(ProvenanceFault::NotAnObject)?;
    let predicate = document.predicate.0.unwrap_or_default();
    let definition = predicate.build_definition.0.unwrap_or_default();
    let run = predicate.run_details.0.unwrap_or_default();
    let metadata = run.metadata.0.unwrap_or_default();
    let of_predicate = run.builder.0.and_then(|builder| builder.id.0);
    let sources = definition.resolved_dependencies.first.into_iter().filter_map(|resource| resource.0);
    let subjects = document.subject.first.into_iter().filter_map(|resource| resource.0);
    Ok(Summary {
        self_declared: true,
        builder_id: of_predicate.or(document.builder.0.and_then(|builder| builder.id.0)),
        build_type: definition.build_type.0,
        sources: sources
            .map(|resource| {
                let digest = resource.digest.0.unwrap_or_default();
                let digest =
                    [digest.git_commit, digest.sha256, digest.sha512, digest.sha1].into_iter().find_map(|d| d.0);
                Source { uri: resource.uri.0.or(resource.name.0), digest }
            })
            .collect(),
        invocation_id: metadata.invocation_id.0,
        started_on: metadata.started_on.0,
        finished_on: metadata.finished_on.0,
        subject_count: document.subject.count,
        subjects: subjects
            .map(|resource| (resource.name.0, resource.digest.0.and_then(|digest| digest.sha256.0)))
            .collect(),
    })
}

/// What whoever packages says about the build. Everything may be left out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// The revision that the modules were built from.
    pub source: Option<Revision>,
    /// Who built: a URI. [`LOCAL_BUILDER`] where it is not given.
    pub builder_id: Option<String>,
    /// The run of the builder: an address of its log, or any id.
    pub invocation_id: Option<String>,
    /// When the build began.
    pub started_at_unix_ms: Option<i64>,
    /// When the build ended; of a reproducible build the time of its sources. The SBOM carries it too.
    pub built_at_unix_ms: Option<i64>,
}

/// A revision of sources.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revision {
    /// The repository: `git+https://…`, `https://…`. A user and a password in it are left out of what is written.
    pub uri: String,
    /// The commit, in hex: 40 or 64 digits.
    pub commit: String,
}

/// Why facts about a build cannot be written down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FactFault {
    /// Not a URI with a scheme.
    NotAUri {
        /// Which fact.
        fact: &'static str,
        /// What was given, escaped; never one with a password in it.
        found: String,
    },
    /// Not 40 or 64 hex digits.
    NotACommit {
        /// What was given, escaped.
        found: String,
    },
    /// Outside the years 1970 to 9999.
    NotATime {
        /// Which fact.
        fact: &'static str,
        /// What was given.
        unix_ms: i64,
    },
    /// Longer than 2,048 characters, or with control characters.
    NotAText {
        /// Which fact.
        fact: &'static str,
    },
}

impl fmt::Display for FactFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAUri { fact, found } => {
                write!(f, "the {fact} `{found}` is no URI: write it with its scheme, as in https://example.com/build")
            }
            Self::NotACommit { found } => {
                write!(
                    f,
                    "the commit `{found}` is not 40 or 64 hex digits: give it in full, as `git rev-parse HEAD` does"
                )
            }
            Self::NotATime { fact, unix_ms } => {
                write!(f, "the {fact} ({unix_ms} ms) is not between the years 1970 and 9999")
            }
            Self::NotAText { fact } => {
                write!(
                    f,
                    "the {fact} is longer than {MAX_FACT} characters or holds control characters: leave it out or shorten it"
                )
            }
        }
    }
}

impl error::Error for FactFault {}

/// Why no provenance was made.
#[derive(Debug)]
pub enum GenerateError {
    /// A fact about the build does not do.
    Fact(FactFault),
    /// The JSON writer failed.
    Json(serde_json::Error),
}

impl fmt::Display for GenerateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fact(fault) => fault.fmt(f),
            Self::Json(error) => write!(f, "the provenance cannot be written: {error}"),
        }
    }
}

impl error::Error for GenerateError {}

/// The builder of a package that says nothing else: somebody's own machine.
pub const LOCAL_BUILDER: &str = "https://skillyard.dev/builders/local/v1";
/// What is done: modules that were built elsewhere are packed together with a manifest and assets, and signed.
pub const BUILD_TYPE: &str = "https://skillyard.dev/build-types/package/v1";
/// Longest fact, in characters.
const MAX_FACT: usize = 2048;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Statement<'a> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: Vec<Descriptor<'a>>,
    predicate_type: &'static str,
    predicate: Predicate<'a>,
    builder: Builder<'a>,
}

#[derive(Serialize)]
struct Descriptor<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    digest: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Predicate<'a> {
    build_definition: Definition<'a>,
    run_details: Run<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Definition<'a> {
    build_type: &'static str,
    external_parameters: Parameters<'a>,
    resolved_dependencies: Vec<Descriptor<'a>>,
}

#[derive(Serialize)]
struct Parameters<'a> {
    publisher: &'a str,
    skill_id: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct Run<'a> {
    builder: Builder<'a>,
    metadata: Metadata<'a>,
}

#[derive(Serialize, Clone)]
struct Builder<'a> {
    id: &'a str,
    version: BTreeMap<&'static str, &'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    invocation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_on: Option<String>,
}

/// Makes the provenance of a skill: its modules are the subjects, its assets stand among what it was made of. The same
/// bytes for the same files and facts.
///
/// # Errors
/// A fact that cannot be written down, or the JSON writer's own.
pub fn generate(
    manifest: &Manifest,
    modules: &[File<'_>],
    assets: &[File<'_>],
    facts: &Facts,
) -> Result<Vec<u8>, GenerateError> {
    let statement = statement(manifest, modules, assets, facts).map_err(GenerateError::Fact)?;
    let mut bytes = serde_json::to_vec_pretty(&statement).map_err(GenerateError::Json)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn statement<'a>(
    manifest: &'a Manifest,
    modules: &'a [File<'a>],
    assets: &'a [File<'a>],
    facts: &'a Facts,
) -> Result<Statement<'a>, FactFault> {
    let of_file = |file: &'a File<'a>| Descriptor {
        name: Some(file.path),
        uri: None,
        digest: BTreeMap::from([("sha256", hex(&file.sha256))]),
    };
    let mut resolved_dependencies = Vec::new();
    if let Some(Revision { uri, commit }) = &facts.source {
        if !matches!(commit.len(), 40 | 64) || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(FactFault::NotACommit { found: skillyard_manifest::plain(commit) });
        }
        let uri = without_user(uri);
        let digest = BTreeMap::from([("gitCommit", commit.to_ascii_lowercase())]);
        resolved_dependencies.push(Descriptor {
            name: None,
            uri: Some(checked_uri("source", &uri)?.to_owned()),
            digest,
        });
    }
    resolved_dependencies.extend(assets.iter().map(of_file));
    let time = |fact, unix_ms: Option<i64>| {
        unix_ms.map(|unix_ms| rfc3339(unix_ms).ok_or(FactFault::NotATime { fact, unix_ms })).transpose()
    };
    let builder = Builder {
        id: checked_uri("builder's id", facts.builder_id.as_deref().unwrap_or(LOCAL_BUILDER))?,
        version: BTreeMap::from([("skillyard", env!("CARGO_PKG_VERSION"))]),
    };
    let invocation_id = facts.invocation_id.as_deref().map(|id| checked_text("invocation's id", id)).transpose()?;
    Ok(Statement {
        kind: "https://in-toto.io/Statement/v1",
        subject: modules.iter().map(of_file).collect(),
        predicate_type: "https://slsa.dev/provenance/v1",
        predicate: Predicate {
            build_definition: Definition {
                build_type: BUILD_TYPE,
                external_parameters: Parameters {
                    publisher: manifest.publisher.trim(),
                    skill_id: manifest.skill_id.trim(),
                    version: manifest.version.trim(),
                },
                resolved_dependencies,
            },
            run_details: Run {
                builder: builder.clone(),
                metadata: Metadata {
                    invocation_id,
                    started_on: time("start of the build", facts.started_at_unix_ms)?,
                    finished_on: time("end of the build", facts.built_at_unix_ms)?,
                },
            },
        },
        builder,
    })
}

fn checked_text<'a>(fact: &'static str, text: &'a str) -> Result<&'a str, FactFault> {
    let holds =
        !text.is_empty() && text.chars().count() <= MAX_FACT && !text.chars().any(skillyard_manifest::is_unseen);
    if holds { Ok(text) } else { Err(FactFault::NotAText { fact }) }
}

fn checked_uri<'a>(fact: &'static str, uri: &'a str) -> Result<&'a str, FactFault> {
    checked_text(fact, uri)?;
    let scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    };
    let holds = uri.split_once(':').is_some_and(|(before, rest)| scheme(before) && !rest.is_empty())
        && uri.bytes().all(|byte| {
            byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
        });
    if holds { Ok(uri) } else { Err(FactFault::NotAUri { fact, found: skillyard_manifest::plain(&without_user(uri)) }) }
}

/// The address without `user:password@`: addresses of repositories in CI carry tokens there.
fn without_user(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else { return uri.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}
