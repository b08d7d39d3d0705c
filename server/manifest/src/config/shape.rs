//! The shape of `skillyard.toml`, in the terms of [`crate::shape`]: the one source of its keys, their types, defaults and
//! help.

use super::LEVELS;
use crate::shape::{KeyShape, TableShape, Type};

const fn key(
    name: &'static str,
    ty: Type,
    default: &'static str,
    example: &'static str,
    doc: &'static str,
) -> KeyShape {
    KeyShape { name, alias: None, ty, required: false, default, example, doc }
}

/// The top level.
pub static CONFIG: TableShape = TableShape {
    path: "",
    doc: "The settings of Skillyard for every skill beside this file and below it. The nearest file wins whole.",
    keys: &[
        key(
            "palyra_version",
            Type::String,
            "\"0.1.0\"",
            "\"0.1.0\"",
            "The version of the daemon to check compatibility against: exactly three numbers. `--palyra-version` wins over \
             it.",
        ),
        key(
            "rules",
            Type::Values(&LEVEL),
            "{}",
            "",
            "How loud rules are, by code (`\"egress/upper-case\"`) or family (`\"egress/*\"`, `\"*\"`), in quotes; the more specific \
             wins. What a daemon rejects stays an error.",
        ),
        key(
            "package",
            Type::Table(&PACKAGE),
            "",
            "",
            "What of the skill's folder goes into its artifact. Every path is counted from the folder of `skill.toml` and \
             stays in it.",
        ),
    ],
};

/// The value of any key of `[rules]`.
pub static LEVEL: KeyShape = key(
    "*",
    Type::Enum(LEVELS),
    "",
    "\"warn\"",
    "The level: `allow` (not reported), `hint`, `info`, `warn` or `deny` (an error).",
);

/// The table `package`.
pub static PACKAGE: TableShape = TableShape {
    path: "package",
    doc: "What of the skill's folder goes into its artifact. In a glob `*` and `?` stay within a part of a path, `**` does \
          not; a folder means everything in it.",
    keys: &[
        key(
            "modules",
            Type::StringsOrValues(&MODULE),
            "[\"modules/**/*.wasm\", \"module.wasm\"]",
            "[\"modules/*.wasm\"]",
            "The WebAssembly modules: globs, or a table of paths in the artifact and where each file is \
             (`{ \"ledger.wasm\" = \"build/ledger.wasm\" }`).",
        ),
        key("assets", Type::Strings, "[\"assets\"]", "[\"assets\"]", "The other files that go along: globs."),
        key(
            "exclude",
            Type::Strings,
            "[]",
            "[\"assets/drafts\", \"**/*.map\"]",
            "What stays out, whatever `modules` and `assets` say: globs.",
        ),
        key(
            "sbom",
            Type::String,
            "",
            "\"sbom.cdx.json\"",
            "The file with the skill's CycloneDX bill of materials; without it one is generated.",
        ),
        key(
            "provenance",
            Type::String,
            "",
            "\"provenance.json\"",
            "The file that says where the build comes from; without it one is generated.",
        ),
    ],
};

/// The value of any key of `package.modules`, where that is a table.
pub static MODULE: KeyShape = key(
    "*",
    Type::String,
    "",
    "\"build/ledger.wasm\"",
    "Where the file is that stands under this path in the artifact.",
);
