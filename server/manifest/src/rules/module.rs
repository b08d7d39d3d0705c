//! The modules of a skill: what they are, what they import, and what running them takes. The audit reads them; its rules
//! stand here because they are set, allowed and explained where those about the text are.

use super::{Context, Family, Rule};
use crate::diagnostic::{Daemon, Severity};

pub(super) static FAMILY: Family = Family {
    name: "module",
    about: "The modules: what they are, what they import, and what running them takes.",
    rules: &[
        &INVALID,
        &UNSUPPORTED_FEATURE,
        &TEXT_FORMAT,
        &COMPONENT,
        &NOT_RUN_BY_DAEMON,
        &NO_ENTRYPOINT,
        &TOO_MANY_NAMES,
        &FILESYSTEM_IMPORT,
        &SOCKET_IMPORT,
        &UNDECLARED_IMPORT,
        &UNKNOWN_IMPORT,
        &HOST_NAME_EXPORT,
        &UNSEEN_IN_NAME,
        &START_FUNCTION,
        &MEMORIES_TOGETHER,
        &MEMORIES_MAY_GROW,
        &MEMORY_ABOVE_QUOTA,
        &MEMORY_UNBOUNDED,
        &HUGE_TABLE,
        &HUGE_CODE,
        &HUGE_DATA,
        &NONDETERMINISTIC,
        &SECRET,
        &UNDECLARED_HOST,
        &LARGE_CUSTOM_SECTION,
        &BAD_DEPENDENCIES,
    ],
    // A manifest says nothing of what its modules hold.
    check: |_: &mut Context<'_, '_>| {},
};

/// A module is no valid WebAssembly.
pub static INVALID: Rule = Rule::about_modules(
    "module/invalid",
    Severity::Error,
    Daemon::Rejects,
    "A module is no valid WebAssembly",
    "The file under `modules/` cannot be loaded by any engine: it is empty, cut short, of another format, or breaks a rule of \
     WebAssembly. Build it again, and look at what the build wrote.",
);

/// A module uses a part of WebAssembly that a daemon leaves off.
pub static UNSUPPORTED_FEATURE: Rule = Rule::about_modules(
    "module/unsupported-feature",
    Severity::Error,
    Daemon::Rejects,
    "A module uses a part of WebAssembly that a daemon leaves off",
    "A daemon takes WebAssembly 3.0 without threads, exceptions and types that need a garbage collector (`externref` too). \
     SIMD, tail calls, several memories and 64-bit memories are taken. Build without the feature: for C and Rust leave out \
     `-pthread` and `+atomics`.",
);

/// A module is written in the text format.
pub static TEXT_FORMAT: Rule = Rule::about_modules(
    "module/text-format",
    Severity::Error,
    Daemon::Silent,
    "A module is written in the text format",
    "A daemon assembles such a text itself, so what runs is not the bytes that were signed and looked at. Package the binary: \
     `wasm-tools parse a.wat -o a.wasm`.",
);

/// A module is a component, which a daemon 0.1.0 does not load.
pub static COMPONENT: Rule = Rule::about_modules(
    "module/component",
    Severity::Warning,
    Daemon::Rejects,
    "A module is a component, which a daemon 0.1.0 does not load",
    "A daemon 0.1.0 loads core modules only: its audit fails for a component.",
);

/// A module is a WASI command, which a daemon 0.1.0 does not run.
pub static NOT_RUN_BY_DAEMON: Rule = Rule::about_modules(
    "module/not-run-by-daemon",
    Severity::Warning,
    Daemon::Silent,
    "A module is a WASI command, which a daemon 0.1.0 does not run",
    "A daemon 0.1.0 gives a module the functions of `palyra:plugins/host-capabilities@0.1.0` and nothing else, so a module \
     that imports `wasi_snapshot_preview1` does not link there.",
);

/// A module has no export that could be called.
pub static NO_ENTRYPOINT: Rule = Rule::about_modules(
    "module/no-entrypoint",
    Severity::Warning,
    Daemon::Silent,
    "A module has no export that could be called",
    "A daemon calls the export `run`, or the one that `operator.plugin.default_entrypoint` names; it must be a function \
     without parameters that returns an i32. Export one, or name the one that is there.",
);

/// A module has more imports or exports than are read.
pub static TOO_MANY_NAMES: Rule = Rule::about_modules(
    "module/too-many-names",
    Severity::Error,
    Daemon::Silent,
    "A module has more imports or exports than are read",
    "Above 100,000 the rest is not looked at, so nothing could be said for the module. No compiler writes so many.",
);

/// A module opens files, and the manifest declares no folder.
pub static FILESYSTEM_IMPORT: Rule = Rule::about_modules(
    "module/filesystem-import",
    Severity::Error,
    Daemon::Silent,
    "A module opens files, and the manifest declares no folder",
    "`wasi:filesystem` fails a daemon's audit unless a folder is declared; the functions of WASI preview 1 that take a path \
     come to the same and are held to the same here. Declare the folders under `capabilities.filesystem`, or build without \
     file access.",
);

/// A module uses raw sockets, which nothing grants.
pub static SOCKET_IMPORT: Rule = Rule::about_modules(
    "module/socket-import",
    Severity::Error,
    Daemon::Silent,
    "A module uses raw sockets, which nothing grants",
    "A skill reaches the network over HTTP to the hosts in `capabilities.http_egress_allowlist`, and in no other way.",
);

/// A module asks its host for something that the manifest does not declare.
pub static UNDECLARED_IMPORT: Rule = Rule::about_modules(
    "module/undeclared-import",
    Severity::Warning,
    Daemon::Silent,
    "A module asks its host for something that the manifest does not declare",
    "Without the declaration the function gives nothing: a count of 0, the handle -1, or a refused request. Declare what the \
     module needs, or build it without the call.",
);

/// A module imports what no host gives.
pub static UNKNOWN_IMPORT: Rule = Rule::about_modules(
    "module/unknown-import",
    Severity::Warning,
    Daemon::Silent,
    "A module imports what no host gives",
    "It will not link, and so never run. Hosts give `palyra:plugins/host-capabilities@0.1.0` and WASI preview 1 to core \
     modules, WASI 0.2 to components. For `env.abort` of AssemblyScript build with `--use abort=`.",
);

/// A module exports a name that belongs to the host.
pub static HOST_NAME_EXPORT: Rule = Rule::about_modules(
    "module/host-name-export",
    Severity::Warning,
    Daemon::Silent,
    "A module exports a name that belongs to the host",
    "The names of the host's own interfaces have no place among a module's exports; something that looks functions up by name \
     could take the one for the other. Give the export another name.",
);

/// The name of an import or export holds characters that a reader does not see.
pub static UNSEEN_IN_NAME: Rule = Rule::about_modules(
    "module/unseen-in-name",
    Severity::Warning,
    Daemon::Silent,
    "The name of an import or export holds characters that a reader does not see",
    "Control, bidirectional and invisible characters make two different names look alike. No compiler writes them.",
);

/// A module runs code as soon as it is loaded.
pub static START_FUNCTION: Rule = Rule::about_modules(
    "module/start-function",
    Severity::Info,
    Daemon::Silent,
    "A module runs code as soon as it is loaded",
    "A start function runs before the entry export is called. If it traps, a daemon reports that the module does not link. \
     AssemblyScript writes one for top-level statements; `--exportStart` turns it into an export.",
);

/// The memories of a module come to more than the quota together.
pub static MEMORIES_TOGETHER: Rule = Rule::about_modules(
    "module/memories-together",
    Severity::Error,
    Daemon::Silent,
    "The memories of a module come to more than the quota together",
    "A daemon holds each memory to `capabilities.quotas.max_memory_bytes`, not their sum, so a module with several gets past \
     the quota that its manifest promises.",
);

/// The memories of a module may grow to more than the quota together.
pub static MEMORIES_MAY_GROW: Rule = Rule::about_modules(
    "module/memories-may-grow",
    Severity::Warning,
    Daemon::Silent,
    "The memories of a module may grow to more than the quota together",
    "A daemon holds each memory to `capabilities.quotas.max_memory_bytes`, not their sum. The module starts below it and can \
     get past it. Use one memory, or give each a maximum.",
);

/// A module starts with more memory than the quota.
pub static MEMORY_ABOVE_QUOTA: Rule = Rule::about_modules(
    "module/memory-above-quota",
    Severity::Warning,
    Daemon::Silent,
    "A module starts with more memory than the quota",
    "It can never start: the limit is met before the first instruction. Raise `capabilities.quotas.max_memory_bytes`, or build \
     with a smaller initial memory.",
);

/// A module sets no limit to its memory below the quota.
pub static MEMORY_UNBOUNDED: Rule = Rule::about_modules(
    "module/memory-unbounded",
    Severity::Hint,
    Daemon::Silent,
    "A module sets no limit to its memory below the quota",
    "The quota of the manifest holds; a maximum in the module itself holds wherever it runs. Linkers set it with \
     `--max-memory=BYTES`.",
);

/// A module starts with more table elements than a daemon gives.
pub static HUGE_TABLE: Rule = Rule::about_modules(
    "module/huge-table",
    Severity::Warning,
    Daemon::Silent,
    "A module starts with more table elements than a daemon gives",
    "A daemon allows 100,000 elements. A module that starts with more never starts.",
);

/// A module would take very long to compile.
pub static HUGE_CODE: Rule = Rule::about_modules(
    "module/huge-code",
    Severity::Warning,
    Daemon::Silent,
    "A module would take very long to compile",
    "The time of a compiler grows with the branches of a function times its locals, and a daemon's wall clock does not cover \
     compiling. Compilers do not write such functions; generated ones can be split.",
);

/// A module holds more data than the quota gives memory.
pub static HUGE_DATA: Rule = Rule::about_modules(
    "module/huge-data",
    Severity::Warning,
    Daemon::Silent,
    "A module holds more data than the quota gives memory",
    "Data segments are copied into memory, which `capabilities.quotas.max_memory_bytes` bounds.",
);

/// A module that is to decide computes what machines answer differently.
pub static NONDETERMINISTIC: Rule = Rule::about_modules(
    "module/nondeterministic",
    Severity::Hint,
    Daemon::Silent,
    "A module that is to decide computes what machines answer differently",
    "The bits of a NaN, and the results of relaxed SIMD, differ between machines. For a contract that decides something \
     (`routing_strategy`, `policy_signal_provider`, `compaction_provider`) equal inputs should give equal answers: use \
     integers where the answer is made.",
);

/// A module holds a string in the shape of a secret.
pub static SECRET: Rule = Rule::about_modules(
    "module/secret",
    Severity::Warning,
    Daemon::Silent,
    "A module holds a string in the shape of a secret",
    "Whoever has the artifact can read it. Revoke the secret, and ask for one through `capabilities.secrets` instead.",
);

/// A module names hosts that the manifest does not allow.
pub static UNDECLARED_HOST: Rule = Rule::about_modules(
    "module/undeclared-host",
    Severity::Warning,
    Daemon::Silent,
    "A module names hosts that the manifest does not allow",
    "A request to a host outside `capabilities.http_egress_allowlist` is refused. Where the module imports nothing that makes \
     requests this is a hint only: links in documentation and error texts are common.",
);

/// A module carries a large section that no engine reads.
pub static LARGE_CUSTOM_SECTION: Rule = Rule::about_modules(
    "module/large-custom-section",
    Severity::Info,
    Daemon::Silent,
    "A module carries a large section that no engine reads",
    "Debug information, source maps and the like cost download and space, and can hold anything. `wasm-tools strip` takes them \
     out.",
);

/// The list of packages in a module does not read.
pub static BAD_DEPENDENCIES: Rule = Rule::about_modules(
    "module/bad-dependencies",
    Severity::Info,
    Daemon::Silent,
    "The list of packages in a module does not read",
    "The section `.dep-v0` holds, as zlib over JSON, what a module was built from. One that does not read hides it from every \
     search for vulnerabilities.",
);
