//! What stands on this machine: the walls round a worker, the person's own stores, the editors.
//!
//! It looks. What it finds half done, an installation that a crash interrupted say, is finished or undone, as by every
//! command that reads it; nothing else is changed.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use serde::Serialize;
use skillyard_manifest::Options;
use skillyard_runtime::{host, walls};

use crate::{home::Home, run::own_policies, shown, signing, trust, verify::FlowError};

/// How well something stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Good,
    /// Not there, which is fine until it is wanted.
    Absent,
    /// Weaker than it could be.
    Weak,
    /// Broken: something will fail.
    Broken,
}

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Sign {
    /// What kind of thing: `walls`, `stores`, `engine`, `editors`.
    pub area: &'static str,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub health: Health,
    /// What was found.
    pub detail: String,
    /// What would better it.
    pub advice: Option<String>,
}

/// Looks at everything, at the time `now_unix_ms` (milliseconds since 1970). `lookup` gives the values of environment
/// variables.
#[must_use]
pub fn examine(home: &Home, now_unix_ms: i64, lookup: &dyn Fn(&str) -> Option<OsString>) -> Vec<Sign> {
    let mut signs = Vec::new();
    signs.push(sign("engine", "versions", Health::Good, &versions()));
    of_walls(&mut signs);
    stores(home, now_unix_ms, &mut signs);
    editors(lookup, &mut signs);
    signs
}

fn sign(area: &'static str, name: &str, health: Health, detail: &str) -> Sign {
    Sign { area, name: name.to_owned(), health, detail: detail.to_owned(), advice: None }
}

fn versions() -> String {
    let palyra = Options::default().palyra_version;
    format!("skillyard {}, for Palyra {palyra}, {}", env!("CARGO_PKG_VERSION"), host::engine_tag())
}

fn of_walls(signs: &mut Vec<Sign>) {
    for wall in walls::probe() {
        let health = if wall.stands { Health::Good } else { Health::Weak };
        let advice = (!wall.stands).then(|| "tools run without it, and each report says so".to_owned());
        signs.push(Sign { advice, ..sign("walls", &wall.name, health, &wall.detail) });
    }
}

fn stores(home: &Home, now_unix_ms: i64, signs: &mut Vec<Sign>) {
    match trust::list(home) {
        Ok(listing) => {
            let (listed, pinned) = (listing.trusted.len(), listing.pinned.len());
            let detail = format!("{} ({listed} listed, {pinned} pinned)", shown::path(&listing.path));
            signs.push(sign("stores", "trust store", Health::Good, &detail));
        }
        Err(error) => signs.push(sign("stores", "trust store", Health::Broken, &error.to_string())),
    }
    lives_of_keys(home, now_unix_ms, signs);
    installed(home, signs);
    match signing::keys(home) {
        Ok(keys) if keys.is_empty() => signs.push(Sign {
            advice: Some("`skillyard keygen` makes one".to_owned()),
            ..sign("stores", "signing keys", Health::Absent, "there is none yet")
        }),
        Ok(keys) => {
            let names: Vec<String> = keys.iter().map(|key| shown::line(&key.name).into_owned()).collect();
            signs.push(sign("stores", "signing keys", Health::Good, &names.join(", ")));
        }
        Err(error) => signs.push(sign("stores", "signing keys", Health::Broken, &error.to_string())),
    }
    match home.secrets().list() {
        Ok(secrets) => {
            let health = if secrets.is_empty() { Health::Absent } else { Health::Good };
            signs.push(sign("stores", "secrets", health, &format!("{} kept", secrets.len())));
        }
        Err(error) => signs.push(sign("stores", "secrets", Health::Broken, &error.to_string())),
    }
    let policy = shown::path(&home.paths().policy);
    match own_policies(home) {
        Ok(true) => signs.push(sign("stores", "your policies", Health::Good, &policy)),
        Ok(false) => {
            let detail = format!("there is no {policy}; the built-in ones hold");
            signs.push(sign("stores", "your policies", Health::Absent, &detail));
        }
        Err(error) => signs.push(Sign {
            advice: Some("until then no tool runs".to_owned()),
            ..sign("stores", "your policies", Health::Broken, &error.to_string())
        }),
    }
    match home.compiled().and_then(|cache| cache.info()) {
        Ok(info) => {
            let mib = |bytes: u64| bytes / (1 << 20);
            let detail = format!(
                "{}: {} modules, {} of {} MiB",
                shown::path(&info.folder),
                info.entries,
                mib(info.bytes),
                mib(info.limit_bytes)
            );
            signs.push(sign("stores", "compiled modules", Health::Good, &detail));
        }
        Err(error) => signs.push(Sign {
            advice: Some("until then every call compiles its module".to_owned()),
            ..sign("stores", "compiled modules", Health::Weak, &error.to_string())
        }),
    }
}

/// What is known of the lives of keys beside the trust store: whether it is what Skillyard wrote, and what of it a crash
/// kept from the trust store.
fn lives_of_keys(home: &Home, now_unix_ms: i64, signs: &mut Vec<Sign>) {
    const NAME: &str = "lives of keys";
    let known =
        match home.lifecycle().map_err(FlowError::from).and_then(|file| Ok((file.path().to_owned(), file.load()?))) {
            Ok((path, loaded)) => (path, loaded.store),
            Err(error) => return signs.push(sign("stores", NAME, Health::Broken, &error.to_string())),
        };
    let (path, known) = known;
    let keys: usize = known.publishers.values().map(BTreeMap::len).sum();
    let health = if keys == 0 && known.floors.is_empty() { Health::Absent } else { Health::Good };
    let detail = format!(
        "{} ({keys} keys, {} revoked, {} floors)",
        shown::path(&path),
        known.revoked().count(),
        known.floors.len()
    );
    signs.push(sign("stores", NAME, health, &detail));
    match trust::finish(home, now_unix_ms) {
        Ok(finished) => signs.extend(
            finished
                .iter()
                .map(|finished| sign("stores", NAME, Health::Good, &format!("put right after a crash: {finished}"))),
        ),
        Err(error) => signs.push(sign("stores", NAME, Health::Broken, &error.to_string())),
    }
}

/// The installed skills: whether they are what Skillyard wrote, and what a crash left and was put right.
fn installed(home: &Home, signs: &mut Vec<Sign>) {
    const NAME: &str = "installed skills";
    let examined = match home.installed().map_err(|error| error.to_string()) {
        Ok(skills) => skills.examine().map_err(|error| error.to_string()),
        Err(error) => Err(error),
    };
    let examined = match examined {
        Ok(examined) => examined,
        Err(error) => return signs.push(sign("stores", NAME, Health::Broken, &error)),
    };
    let (versions, blocked) = (examined.snapshot.entries.len(), examined.snapshot.said.blocked().count());
    let health = if versions == 0 && examined.lines == 0 { Health::Absent } else { Health::Good };
    let root = shown::path(&home.paths().skills);
    let of = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (versions, events) = (of(versions as u64, "version"), of(examined.lines, "event"));
    let detail = format!("{root}: {versions}, {blocked} blocked, {events} in the log");
    signs.push(sign("stores", NAME, health, &detail));
    for recovered in &examined.snapshot.recovered {
        let detail = format!("put right after a crash: {}", shown::line(&recovered.what));
        signs.push(sign("stores", NAME, Health::Good, &detail));
    }
    for folder in &examined.missing {
        signs.push(Sign {
            advice: Some("remove the version and install it again".to_owned()),
            ..sign("stores", NAME, Health::Broken, &format!("{} is missing or changed", shown::path(folder)))
        });
    }
    for pointer in &examined.pointers {
        signs.push(sign("stores", NAME, Health::Broken, &pointer.to_string()));
    }
    for folder in &examined.unknown {
        signs.push(Sign {
            advice: Some("move it away where nobody needs it".to_owned()),
            ..sign("stores", NAME, Health::Weak, &format!("{} is not in the index", shown::path(folder)))
        });
    }
}

/// The editors that Skillyard has an extension or a configuration for.
const EDITORS: [(&str, &str); 4] = [("VS Code", "code"), ("Neovim", "nvim"), ("Helix", "hx"), ("Zed", "zed")];

fn editors(lookup: &dyn Fn(&str) -> Option<OsString>, signs: &mut Vec<Sign>) {
    let path = lookup("PATH").unwrap_or_default();
    for (name, program) in EDITORS {
        match find(&path, program) {
            Some(found) => signs.push(sign("editors", name, Health::Good, &shown::path(&found))),
            None => signs.push(sign("editors", name, Health::Absent, &format!("no `{program}` on PATH"))),
        }
    }
}

/// The program called `name` on `path`.
fn find(path: &OsString, name: &str) -> Option<PathBuf> {
    let names: Vec<String> = if cfg!(windows) {
        ["exe", "cmd", "bat"].iter().map(|extension| format!("{name}.{extension}")).collect()
    } else {
        vec![name.to_owned()]
    };
    env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)).collect::<Vec<_>>())
        .find(|file| is_program(file))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

    use super::*;

    #[cfg(unix)]
    #[test]
    fn programs_are_found_on_the_path() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nvim");
        std::fs::write(&file, "#!/bin/sh\n").unwrap();
        let path = env::join_paths([Path::new("relative"), folder.path()]).unwrap();
        assert_eq!(find(&path, "nvim"), None, "it may not be run");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find(&path, "nvim"), Some(file));
        assert_eq!(find(&path, "code"), None);
    }
}
