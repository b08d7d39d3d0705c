//! The walls round a worker: what its process can no longer do, whatever runs in it.
//!
//! They go up in two steps, both before the first byte of a module is looked at and before the process has a second
//! thread: [`first`] at its start, [`raise`] when it knows its order, for the folders of a call are part of them. A wall
//! that the system has and that does not go up stops the worker; one that the system lacks is reported as missing.
//!
//! | wall | Linux | macOS | Windows |
//! | --- | --- | --- | --- |
//! | `environment` | no variables, the root as current folder | the same | the same |
//! | `descriptors` | none but the three pipes | the same | none but the pipes |
//! | `dump` | no core file, no debugger, `/proc` closed to others | no core file | – |
//! | `limits` | processor time, data, files, sizes ([`limits`]) | processor time, files, sizes | of the job |
//! | `privileges` | none gained by any program | – | – |
//! | `landlock` | only the given folders, no TCP, no signal, no abstract socket | – | – |
//! | `seccomp` | a list of system calls | – | – |
//! | `job` | – | – | memory, one process, no desktop, ends with the parent |

#[cfg(windows)]
mod job;
#[cfg(target_os = "linux")]
mod landlock;
#[cfg(unix)]
pub mod limits;
#[cfg(target_os = "linux")]
mod seccomp;

use std::fmt;

use serde::{Deserialize, Serialize};

#[cfg(windows)]
pub(crate) use self::job::Job;
use crate::call::{Folder, Limits};

/// One wall, as a report shows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Wall {
    /// Its name, one of those of [`WallName`].
    pub name: String,
    /// Whether it stands.
    pub stands: bool,
    /// What it holds, or why it does not stand.
    pub detail: String,
}

/// The walls there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WallName {
    /// No environment variables, a neutral current folder.
    Environment,
    /// No open files but the pipes to the parent.
    Descriptors,
    /// No core file, and no other process that looks in.
    Dump,
    /// Resource limits.
    Limits,
    /// No privileges by running another program.
    Privileges,
    /// Landlock: the file system, TCP, signals.
    Landlock,
    /// Seccomp: the system calls.
    Seccomp,
    /// A job object.
    Job,
}

impl WallName {
    /// The name in a report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Descriptors => "descriptors",
            Self::Dump => "dump",
            Self::Limits => "limits",
            Self::Privileges => "privileges",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
            Self::Job => "job",
        }
    }

    fn stands(self, detail: impl Into<String>) -> Wall {
        Wall { name: self.name().to_owned(), stands: true, detail: detail.into() }
    }

    fn missing(self, detail: impl Into<String>) -> Wall {
        Wall { name: self.name().to_owned(), stands: false, detail: detail.into() }
    }
}

/// What a worker is going to do, as far as its walls care.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    /// Run compiled code.
    Run {
        /// The call's.
        limits: Limits,
        /// Bytes of code and input.
        code_bytes: u64,
    },
    /// Compile a module.
    Compile {
        /// Its bytes.
        module_bytes: u64,
        /// Milliseconds that it may take.
        wall_clock_ms: u64,
    },
}

/// What the walls are to leave open.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// What for.
    pub role: Role,
    /// The folders.
    pub folders: &'a [Folder],
    /// Walls that are left out; the product leaves out none.
    pub without: &'a [WallName],
}

/// A wall that this system has did not go up.
#[derive(Debug)]
pub struct WallError {
    /// Which.
    pub wall: WallName,
    /// Why.
    pub why: String,
}

impl WallError {
    #[cfg(unix)]
    fn of(wall: WallName, why: &dyn fmt::Display) -> Self {
        Self { wall, why: why.to_string() }
    }
}

impl fmt::Display for WallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.wall.name(), self.why)
    }
}

impl std::error::Error for WallError {}

/// What [`first`] put up.
#[derive(Debug)]
pub struct First(Result<Vec<Wall>, WallError>);

/// The walls that need no order. The first thing that a worker does.
#[must_use]
pub fn first(without: &[WallName]) -> First {
    First(put_up_first(without))
}

fn put_up_first(without: &[WallName]) -> Result<Vec<Wall>, WallError> {
    let mut walls = Vec::new();
    if !without.contains(&WallName::Environment) {
        // The parent gave none; macOS adds one of its own, Windows the current folders of its drives.
        let own = |name: &str| name.starts_with("__CF_") || name.starts_with('=');
        let variables = std::env::vars_os().filter(|(name, _)| !own(&name.to_string_lossy())).count();
        if variables > 0 {
            let why = format!("{variables} environment variables came along, and nothing may run with them");
            return Err(WallError { wall: WallName::Environment, why });
        }
        walls.push(WallName::Environment.stands("no variables"));
    }
    #[cfg(unix)]
    {
        if !without.contains(&WallName::Descriptors) {
            walls.push(descriptors()?);
        }
        if !without.contains(&WallName::Dump) {
            walls.push(dump()?);
        }
        // Files that a tool makes are their user's.
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    }
    #[cfg(target_os = "linux")]
    {
        // Not a wall: an end. Where it fails, the end of the parent's pipe remains.
        let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
        if !without.contains(&WallName::Privileges) {
            rustix::thread::set_no_new_privs(true).map_err(|error| WallError::of(WallName::Privileges, &error))?;
            walls.push(WallName::Privileges.stands(PRIVILEGES));
        }
    }
    Ok(walls)
}

/// The rest of the walls, for good. Nothing of a module may have been looked at, and no other thread may run.
///
/// # Errors
/// When a wall that this system has does not go up: nothing may be run then.
pub fn raise(first: First, plan: &Plan<'_>) -> Result<Vec<Wall>, WallError> {
    #[cfg(not(unix))]
    let _ = plan;
    let mut walls = first.0?;
    #[cfg(unix)]
    if !plan.without.contains(&WallName::Limits) {
        walls.push(limits::set(plan)?);
    }
    #[cfg(target_os = "linux")]
    {
        if !plan.without.contains(&WallName::Landlock) {
            walls.push(landlock::restrict(plan.folders)?);
        }
        // Last: it forbids what puts up the others.
        if !plan.without.contains(&WallName::Seccomp) {
            walls.push(seccomp::restrict(plan)?);
        }
    }
    #[cfg(not(target_os = "linux"))]
    walls.extend(lacking());
    Ok(walls)
}

/// What other systems have and this one does not.
#[cfg(not(target_os = "linux"))]
fn lacking() -> [Wall; 2] {
    let why = format!("{} has nothing like it for a program to ask for", std::env::consts::OS);
    [WallName::Landlock.missing(why.clone()), WallName::Seccomp.missing(why)]
}

/// The walls that the parent puts up itself.
pub(crate) fn of_parent() -> Option<Wall> {
    #[cfg(windows)]
    return Some(WallName::Job.stands(job::DETAIL));
    #[cfg(not(windows))]
    None
}

/// The walls that would stand round a worker on this machine, without starting one.
#[must_use]
pub fn probe() -> Vec<Wall> {
    let mut walls = vec![WallName::Environment.stands("no variables")];
    #[cfg(unix)]
    {
        walls.push(WallName::Descriptors.stands("none but the pipes to the parent"));
        walls.push(WallName::Dump.stands(DUMP));
    }
    #[cfg(target_os = "linux")]
    walls.push(WallName::Privileges.stands(PRIVILEGES));
    #[cfg(unix)]
    walls.push(WallName::Limits.stands(limits::DETAIL));
    #[cfg(target_os = "linux")]
    {
        walls.push(landlock::probe());
        walls.push(seccomp::probe());
    }
    #[cfg(not(target_os = "linux"))]
    walls.extend(lacking());
    walls.extend(of_parent());
    walls
}

#[cfg(target_os = "linux")]
const PRIVILEGES: &str = "no program gives more rights";
#[cfg(target_os = "linux")]
const DUMP: &str = "no core file, no debugger, no look into /proc";
#[cfg(all(unix, not(target_os = "linux")))]
const DUMP: &str = "no core file";

#[cfg(unix)]
fn dump() -> Result<Wall, WallError> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })
        .map_err(|error| WallError::of(WallName::Dump, &error))?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .map_err(|error| WallError::of(WallName::Dump, &error))?;
    Ok(WallName::Dump.stands(DUMP))
}

/// The parent closes what it has to whatever it starts; this looks whether that held.
#[cfg(unix)]
fn descriptors() -> Result<Wall, WallError> {
    let folder = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    let listed = match std::fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) => return Ok(WallName::Descriptors.missing(format!("{folder} cannot be listed: {error}"))),
    };
    // One of them lists the folder.
    let more = listed.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).filter(|&n| n > 2);
    match more.count().saturating_sub(1) {
        0 => Ok(WallName::Descriptors.stands("none but the pipes to the parent")),
        more => {
            let why = format!("{more} open files came along, and nothing may run with them");
            Err(WallError { wall: WallName::Descriptors, why })
        }
    }
}
