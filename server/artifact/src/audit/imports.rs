//! What an import asks for: the one table of the interfaces that a host gives, and of the capability behind each.

use crate::module::{HOST_CAPABILITIES, Import, Kind, PREVIEW1, unversioned};

/// What an import needs before it gives anything.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Need {
    /// Given to every module: standard streams, clocks, randomness.
    Nothing,
    /// A host in the allowlist.
    Http,
    /// A declared secret.
    Secrets,
    /// A write root.
    Storage,
    /// A channel, which no manifest can ask for.
    Channels,
    /// A read or write root.
    Filesystem,
    /// A raw socket, which no manifest can ask for.
    Sockets,
    /// No host has it.
    Unknown(Unknown),
}

/// Why no host has an import.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Unknown {
    /// Nobody knows the module or interface.
    Interface,
    /// The interface is known, in another version.
    Version,
    /// The interface is known, and has no such function.
    Function,
    /// The function is known, and has another type.
    Type,
    /// Only a component can import it.
    ComponentOnly,
}

/// The functions that a daemon 0.1.0 gives, with their types.
static HOST_FUNCTIONS: &[(&str, Need, &str)] = &[
    ("http-count", Need::Http, "() -> i32"),
    ("http-handle", Need::Http, "(i32) -> i32"),
    ("secret-count", Need::Secrets, "() -> i32"),
    ("secret-handle", Need::Secrets, "(i32) -> i32"),
    ("storage-count", Need::Storage, "() -> i32"),
    ("storage-handle", Need::Storage, "(i32) -> i32"),
    ("channel-count", Need::Channels, "() -> i32"),
    ("channel-handle", Need::Channels, "(i32) -> i32"),
];

/// WASI preview 1, without the functions that take a path and those of sockets.
static PREVIEW1_FUNCTIONS: &[&str] = &[
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_pwrite",
    "fd_read",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
    "fd_write",
    "poll_oneoff",
    "proc_exit",
    "proc_raise",
    "random_get",
    "sched_yield",
];

/// Those that open, list or change what a path names. A file that is not opened by one of them cannot be reached.
static PREVIEW1_PATHS: &[&str] = &[
    "fd_readdir",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_open",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
];

static PREVIEW1_SOCKETS: &[&str] = &["sock_accept", "sock_recv", "sock_send", "sock_shutdown"];

/// The interfaces of WASI 0.2, by package.
static WASI_PACKAGES: &[(&str, Need)] = &[
    ("wasi:cli/", Need::Nothing),
    ("wasi:clocks/", Need::Nothing),
    ("wasi:filesystem/", Need::Filesystem),
    ("wasi:http/", Need::Http),
    ("wasi:io/", Need::Nothing),
    ("wasi:random/", Need::Nothing),
    ("wasi:sockets/", Need::Sockets),
];

/// What `import` of a component or a core module needs.
pub(super) fn need(import: &Import, component: bool) -> Need {
    if component { of_component(import) } else { of_core(import) }
}

fn of_component(import: &Import) -> Need {
    let name = &*import.module;
    // The types that a tool's own world names are its, not the host's.
    if name.starts_with("palyra:skill/") {
        return Need::Nothing;
    }
    let Some((_, need)) = WASI_PACKAGES.iter().find(|(package, _)| name.starts_with(package)) else {
        return Need::Unknown(Unknown::Interface);
    };
    let version = name.rsplit_once('@').map(|(_, version)| version);
    let known = version.is_some_and(|version| version.starts_with("0.2."));
    // What reaches out is told as that, whatever its version.
    match need {
        Need::Nothing | Need::Http if !known => Need::Unknown(Unknown::Version),
        need => *need,
    }
}

fn of_core(import: &Import) -> Need {
    let (module, name) = (&*import.module, &*import.name);
    let function = import.kind == Kind::Function;
    if module == HOST_CAPABILITIES {
        return match HOST_FUNCTIONS.iter().find(|(known, ..)| *known == name) {
            Some((_, need, signature)) if function && import.signature.as_deref() == Some(signature) => *need,
            Some(_) => Need::Unknown(Unknown::Type),
            None => Need::Unknown(Unknown::Function),
        };
    }
    if module == PREVIEW1 || module == "wasi_unstable" {
        return if PREVIEW1_PATHS.contains(&name) {
            Need::Filesystem
        } else if PREVIEW1_SOCKETS.contains(&name) || name.starts_with("sock_") {
            Need::Sockets
        } else if module != PREVIEW1 {
            Need::Unknown(Unknown::Version)
        } else if function && PREVIEW1_FUNCTIONS.contains(&name) {
            Need::Nothing
        } else {
            Need::Unknown(Unknown::Function)
        };
    }
    if module.starts_with("wasi:filesystem") {
        return Need::Filesystem;
    }
    if module.starts_with("wasi:sockets") {
        return Need::Sockets;
    }
    if unversioned(module) == unversioned(HOST_CAPABILITIES) {
        return Need::Unknown(Unknown::Version);
    }
    if module.starts_with("wasi:") || module.starts_with("palyra:") {
        return Need::Unknown(Unknown::ComponentOnly);
    }
    Need::Unknown(Unknown::Interface)
}

/// The name of an import for a message: `wasi_snapshot_preview1.path_open`, or the interface.
pub(super) fn name(import: &Import) -> String {
    match (import.module.as_str(), import.name.as_str()) {
        // Between backticks nobody would see it.
        ("", "") => "\"\".\"\"".to_owned(),
        (module, "") => module.to_owned(),
        (module, name) => format!("{module}.{name}"),
    }
}
