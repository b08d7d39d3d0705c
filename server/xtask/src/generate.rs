//! `cargo xtask generate`: the files whose source is elsewhere.

use std::{fs, path::PathBuf};

use crate::{error::Error, run::root};

/// Writes every generated file, or with `check` says which are not what their source says.
pub fn generate(check: bool) -> Result<(), Error> {
    let mut stale = Vec::new();
    for (name, text) in files() {
        let path = root().join(&name);
        // Line ends are git's to choose on Windows.
        if fs::read_to_string(&path).is_ok_and(|is| is.replace("\r\n", "\n") == text) {
            continue;
        }
        if check {
            stale.push(name);
            continue;
        }
        let folder = path.parent().map(PathBuf::from).unwrap_or_default();
        fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        fs::write(&path, text).map_err(Error::io(&path))?;
        println!("{name}");
    }
    if stale.is_empty() { Ok(()) } else { Err(Error::Stale(stale)) }
}

/// Every generated file: its name from the workspace's folder, and its text.
fn files() -> Vec<(String, String)> {
    Vec::new()
}
