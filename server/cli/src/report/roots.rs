//! Where paths are counted from in reports that a forge shows: the repository around the current folder.

use std::path::{Component, Path, PathBuf};

use skillyard_project::files::absolute;

/// The folder that holds `.git`, at or above the current one; the current one where none does.
pub struct Root(PathBuf);

impl Root {
    /// Around the current folder.
    pub fn here() -> Self {
        let here = absolute(Path::new("."));
        let root = here.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok());
        Self(root.unwrap_or(&here).to_owned())
    }

    /// The parts of `path` below the root; `None` if it lies elsewhere.
    fn below(&self, path: &Path) -> Option<String> {
        let absolute = absolute(path);
        let below = absolute.strip_prefix(&self.0).ok()?;
        let parts = below.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
        Some(parts.collect::<Vec<_>>().join("/"))
    }

    /// `path` counted from the root with `/`, or as it is.
    pub fn plain(&self, path: &Path) -> String {
        self.below(path).unwrap_or_else(|| path.to_string_lossy().into_owned())
    }

    /// `path` as a URI, and whether it is relative to the root.
    pub fn uri(&self, path: &Path) -> (String, bool) {
        match self.below(path) {
            Some(below) => (encode(&below), true),
            None => {
                let absolute = absolute(path);
                let parts = absolute.components().filter(|part| *part != Component::RootDir);
                let parts: Vec<_> = parts.map(|part| encode(&part.as_os_str().to_string_lossy())).collect();
                (format!("file:///{}", parts.join("/")), false)
            }
        }
    }
}

/// Percent-encodes all but `/` and what is never special.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_relative_below_the_root_only() {
        let root = Root(absolute(Path::new("/repo")));
        assert_eq!(root.uri(Path::new("/repo/a b/ü/skill.toml")), ("a%20b/%C3%BC/skill.toml".to_owned(), true));
        assert_eq!(root.plain(Path::new("/repo/a b/skill.toml")), "a b/skill.toml");
        let (uri, relative) = root.uri(Path::new("/else/skill.toml"));
        assert!(uri.starts_with("file:///") && uri.ends_with("/else/skill.toml") && !relative, "{uri}");
    }
}
