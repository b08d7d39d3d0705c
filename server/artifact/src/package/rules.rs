//! The rules about what is packaged.

use skillyard_manifest::{Daemon, Severity, rules::Rule};

use super::secrets;
use crate::{
    ErrorKind,
    rules::{Family, rule},
};

/// The rules about what is packaged.
pub static FAMILY: Family = Family {
    name: "package",
    about: "What goes into an artifact when it is made.",
    rules: &[
        &NO_MODULE,
        &MODULE_NAME,
        &DUPLICATE,
        &FILE_TOO_LARGE,
        &TOO_LARGE,
        &TOO_MANY_FILES,
        &SIGNING_KEY,
        &CHANGED_SOURCE,
        &secrets::PRIVATE_KEY,
        &secrets::FILE_NAME,
        &secrets::TOKEN,
        &secrets::ASSIGNMENT,
    ],
};

/// What a daemon's builder says where it refuses too.
pub(super) fn error_kind(rule: &'static Rule) -> Option<ErrorKind> {
    Some(match rule.code {
        "package/no-module" | "package/module-name" => ErrorKind::MissingArtifactEntry,
        "path/invalid" => ErrorKind::InvalidArtifactPath,
        "package/duplicate-path" => ErrorKind::DuplicateArtifactEntry,
        "package/file-too-large" => ErrorKind::ArtifactEntryTooLarge,
        "package/too-large" => ErrorKind::ArtifactTooLarge,
        "package/too-many-files" => ErrorKind::ArtifactTooManyEntries,
        _ => return None,
    })
}

/// No module among the files.
pub static NO_MODULE: Rule = rule(
    "package/no-module",
    Severity::Error,
    Daemon::Rejects,
    "there is no module to package",
    "A skill does its work in WebAssembly: an artifact without a module is refused by every daemon. Build the module, and \
     name it with `--module PATH=FILE` or put it below `modules/`.",
);

/// A module by another name.
pub static MODULE_NAME: Rule = rule(
    "package/module-name",
    Severity::Error,
    Daemon::Rejects,
    "the name of a module does not end in `.wasm`",
    "A daemon knows modules by their place below `modules/` and by the end of their name, in small letters. Anything else \
     would be carried along and never run.",
);

/// Two files at one place.
pub static DUPLICATE: Rule = rule(
    "package/duplicate-path",
    Severity::Error,
    Daemon::Rejects,
    "two files are to have the same path",
    "Module paths are put below `modules/` and assets below `assets/`, where they are not already there; two of them came \
     to the same path. Rename one.",
);

/// A file beyond the limit.
pub static FILE_TOO_LARGE: Rule = rule(
    "package/file-too-large",
    Severity::Error,
    Daemon::Rejects,
    "a file is larger than 16 MiB",
    "A daemon reads no entry above 16 MiB (and Skillyard no SBOM or provenance above 8 MiB and no manifest above 256 KiB). Strip the module (`wasm-strip`, `wasm-opt -Oz`), or split the asset.",
);

/// Everything together beyond the limit.
pub static TOO_LARGE: Rule = rule(
    "package/too-large",
    Severity::Error,
    Daemon::Rejects,
    "the files are larger than 64 MiB together",
    "A daemon reads no archive above 64 MiB, and none whose files come to more. Leave assets out.",
);

/// Too many files.
pub static TOO_MANY_FILES: Rule = rule(
    "package/too-many-files",
    Severity::Error,
    Daemon::Rejects,
    "the artifact would have more than 256 files",
    "A daemon counts every entry, the manifest, the SBOM, the provenance and the signature too. That leaves 252 for modules \
     and assets: pack small assets together.",
);

/// The signing key in the package.
pub static SIGNING_KEY: Rule = rule(
    "package/signing-key",
    Severity::Error,
    Daemon::Silent,
    "a file holds the key that signs the artifact",
    "Whoever has the artifact could sign as its publisher. Take the file out. If an artifact with it was ever given away, \
     make a new key and tell those who trust the old one.",
);

/// A file that is not as its repository has it.
pub static CHANGED_SOURCE: Rule = rule(
    "package/changed-source",
    Severity::Info,
    Daemon::Silent,
    "a file is not as its repository has it, so the provenance names no source",
    "A provenance that names a commit says that the artifact can be made again from it. Here a file of the skill is tracked \
     by git with another content than is packaged, so nothing is said. Commit the file, and package again.",
);
