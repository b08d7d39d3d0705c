//! What commands ask of the machine: its clock, its environment, the person's own folders, and artifacts.

use std::{
    env,
    ffi::OsString,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use clap::{Args, ValueEnum};
use skillyard_manifest::{Options, grammar::Version};
use skillyard_project::{
    artifact_file,
    audit::Policy,
    files::MANIFEST_NAME,
    home::Home,
    states,
    timestamp::{end_of, rfc3339},
    trust::SealWith,
    verify::{PublicKey, TrustOptions},
};

use crate::error::Error;

/// How a command reports.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub enum Format {
    /// For a person
    Human,
    /// One JSON document, described by a schema in the folder schema
    Json,
}

/// The version of every JSON document.
pub const SCHEMA_VERSION: u32 = 1;

/// The value of an environment variable.
pub fn variable(name: &str) -> Option<OsString> {
    env::var_os(name)
}

/// The value of an environment variable that is text.
pub fn text_variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// Milliseconds since 1970.
pub fn now_unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The person's own things. `trust_store` is the one that an argument names.
///
/// # Errors
/// If the system knows no home folder, or a path cannot be used.
pub fn home(trust_store: Option<PathBuf>) -> Result<Home, Error> {
    Home::of_system(trust_store, &variable).map_err(Error::Path)
}

/// The bytes of an artifact; `-` is standard input.
///
/// # Errors
/// If it cannot be read.
pub fn artifact(path: &Path) -> Result<Vec<u8>, Error> {
    if path == Path::new("-") {
        if io::stdin().is_terminal() {
            return Err(Error::StdinIsTerminal);
        }
        return artifact_file::read_stream(io::stdin().lock()).map_err(Error::Stdin);
    }
    artifact_file::read(path).map_err(Error::Read)
}

/// Reads a version of the daemon.
pub fn version(text: &str) -> Result<Version, String> {
    Version::parse(text).ok_or_else(|| "write three numbers, such as 0.1.0".to_owned())
}

// `--palyra-version`.
#[derive(Args, Debug)]
pub struct PalyraArguments {
    /// The version of the daemon that the skill is for
    #[arg(long, value_name = "VERSION", value_parser = version)]
    palyra_version: Option<Version>,
}

impl PalyraArguments {
    /// The version that was given.
    pub fn given(&self) -> Option<Version> {
        self.palyra_version
    }

    /// The version that was given, else the one that Skillyard is made for.
    pub fn version(&self) -> Version {
        self.palyra_version.unwrap_or(Options::default().palyra_version)
    }
}

/// Where the secret of a seal is kept that is made anew.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub enum Seal {
    /// Where it is
    Same,
    /// In the system's credential store
    CredentialStore,
    /// In a file that only you can read
    SecretFile,
}

impl From<Seal> for SealWith {
    fn from(seal: Seal) -> Self {
        match seal {
            Seal::Same => Self::Same,
            Seal::CredentialStore => Self::CredentialStore,
            Seal::SecretFile => Self::SecretFile,
        }
    }
}

// Where skills are installed.
#[derive(Args, Debug)]
pub struct SkillsArguments {
    /// The folder of installed skills, in place of the usual one
    #[arg(long, value_name = "DIR")]
    skills_dir: Option<PathBuf>,
}

impl SkillsArguments {
    /// The person's home with these skills.
    ///
    /// # Errors
    /// If the system knows no home folder, or a path cannot be used.
    pub fn home(&self, trust_store: Option<PathBuf>) -> Result<Home, Error> {
        home(trust_store)?.with_skills_in(self.skills_dir.clone()).map_err(Error::Path)
    }
}

/// The skill and the version of `SKILL` or `SKILL@VERSION`, with what `--version` says.
///
/// # Errors
/// If both name a version.
pub fn skill_and_version<'a>(skill: &'a str, version: Option<&'a str>) -> Result<(&'a str, Option<&'a str>), Error> {
    match (skill.split_once('@'), version) {
        (None, version) => Ok((skill, version)),
        (Some((skill, version)), None) => Ok((skill, Some(version))),
        (Some(_), Some(_)) => Err(Error::TwoVersions(skill.to_owned())),
    }
}

/// A skill's folder, also where its `skill.toml` is named.
pub fn folder_of(path: &Path) -> PathBuf {
    match path.file_name() {
        Some(name) if name == MANIFEST_NAME && !path.is_dir() => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            folder.unwrap_or(Path::new(".")).to_owned()
        }
        _ => path.to_owned(),
    }
}

/// Now, as it stands in what is kept.
pub fn now_i64() -> i64 {
    i64::try_from(now_unix_ms()).unwrap_or(i64::MAX)
}

/// Who does something, where `--principal` does not say.
pub fn principal(given: Option<&str>) -> String {
    given.map_or_else(|| states::principal(&variable), str::to_owned)
}

// Whom to trust.
#[derive(Args, Debug)]
pub struct TrustArguments {
    /// The trust store, in place of $PALYRA_SKILLS_TRUST_STORE or the usual one
    #[arg(long, help_heading = "Trust", value_name = "FILE")]
    pub trust_store: Option<PathBuf>,
    /// A publisher and the public key in hex that count as trusted, this time
    #[arg(long, help_heading = "Trust", value_name = "PUB=HEX", value_parser = publisher_and_key)]
    pub trusted_publisher: Vec<(String, PublicKey)>,
    /// Trust an unknown publisher this time; nothing is written
    #[arg(long, help_heading = "Trust")]
    pub allow_tofu: bool,
}

impl TrustArguments {
    /// For a flow. `pin` says whether the key of an unknown publisher is written to the store.
    pub fn options(&self, pin: bool) -> TrustOptions {
        TrustOptions { trusted: self.trusted_publisher.clone(), allow_tofu: self.allow_tofu, pin }
    }
}

// What an audit lets pass.
#[derive(Args, Debug)]
pub struct PolicyArguments {
    /// The largest module, in bytes; a larger one is not read
    #[arg(long, help_heading = "Policy", value_name = "BYTES", default_value_t = Policy::default().max_module_bytes)]
    max_module_bytes: u64,
    /// The most functions that one module exports
    #[arg(long, help_heading = "Policy", value_name = "N", default_value_t = Policy::default().max_exported_functions)]
    max_exported_functions: u64,
    /// Let device and node capabilities pass
    #[arg(long, help_heading = "Policy")]
    allow_device_capabilities: bool,
    /// Let wildcards pass that the manifest opts in to
    #[arg(long, help_heading = "Policy")]
    allow_wildcard_capabilities: bool,
}

impl PolicyArguments {
    /// For a flow.
    pub fn policy(&self) -> Policy {
        Policy {
            max_module_bytes: self.max_module_bytes,
            max_exported_functions: self.max_exported_functions,
            allow_device_capabilities: self.allow_device_capabilities,
            allow_wildcard_capabilities: self.allow_wildcard_capabilities,
        }
    }
}

/// Reads `PUB=HEX`.
pub fn publisher_and_key(text: &str) -> Result<(String, PublicKey), String> {
    let (publisher, key) =
        text.split_once('=').ok_or_else(|| "write the publisher, `=`, and the public key in hex".to_owned())?;
    if publisher.trim().is_empty() {
        return Err("no publisher stands in front of `=`".to_owned());
    }
    Ok((publisher.to_owned(), public_key(key)?))
}

/// Reads a public key in hex.
pub fn public_key(text: &str) -> Result<PublicKey, String> {
    PublicKey::from_hex(text).ok_or_else(|| "a public key is 64 hex digits".to_owned())
}

/// Reads a day or a moment, to its last millisecond; `never` is none.
pub fn end(text: &str) -> Result<Until, String> {
    if text == "never" {
        return Ok(Until(None));
    }
    let end =
        end_of(text).ok_or_else(|| "write a day or a moment in UTC: 2026-12-31 or 2026-12-31T12:00:00Z".to_owned())?;
    Ok(Until(Some(end)))
}

/// When something ends, in milliseconds since 1970, if ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Until(pub Option<i64>);

/// Reads `PATH=FILE`.
pub fn path_and_file(text: &str) -> Result<(String, PathBuf), String> {
    let (path, file) =
        text.split_once('=').ok_or_else(|| "write the path in the artifact, `=`, and the file".to_owned())?;
    if path.is_empty() || file.is_empty() {
        return Err("neither the path in the artifact nor the file may be empty".to_owned());
    }
    Ok((path.to_owned(), PathBuf::from(file)))
}

/// A moment as a person reads it: `2026-11-22 18:05:00 UTC`; one outside the years 1970 to 9999 as its milliseconds.
pub fn moment(unix_ms: i64) -> String {
    rfc3339(unix_ms).map_or_else(|| format!("{unix_ms} ms since 1970"), |it| it.replace('T', " ").replace('Z', " UTC"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates() {
        assert_eq!(moment(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(moment(1_700_000_000_000), "2023-11-14 22:13:20 UTC");
        // Whatever an artifact claims is shown.
        assert_eq!(moment(-1), "-1 ms since 1970");
    }

    #[test]
    fn pairs_are_read() {
        let hex = "d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737";
        assert_eq!(publisher_and_key(&format!("acme={hex}")).unwrap().0, "acme");
        assert!(publisher_and_key("acme").is_err() && publisher_and_key("acme=12").is_err());
        assert!(publisher_and_key(&format!("={hex}")).unwrap_err().contains("no publisher"));
        assert_eq!(path_and_file("a=b=c").unwrap(), ("a".to_owned(), PathBuf::from("b=c")));
        assert!(path_and_file("a").is_err() && path_and_file("=b").is_err() && path_and_file("a=").is_err());
    }
}
