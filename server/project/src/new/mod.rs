//! A new skill: a folder that is complete at once, with its manifest, a tool's source, the module built from it, and
//! cases to test it with.
//!
//! Each language has the kind of tool that it makes best: the text format a module of a daemon's own kind, the others a
//! WASI command. The templates are in the folder `templates`, built in; how their modules were made stands in its
//! README. A folder appears whole, by one rename, or not at all.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use skillyard_manifest::{Options, analyze, grammar};

use crate::{
    files::{self, MANIFEST_NAME, without_path},
    shown,
};

/// What the tool is written in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Language {
    /// WebAssembly's text format: a module that a daemon 0.1.0 runs.
    Wat,
    /// C: a WASI preview 1 command.
    C,
    /// AssemblyScript: a WASI preview 1 command.
    AssemblyScript,
    /// Rust: a WASI preview 1 command.
    Rust,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Wat, Self::C, Self::AssemblyScript, Self::Rust];

    /// Its name for arguments and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Wat => "wat",
            Self::C => "c",
            Self::AssemblyScript => "assemblyscript",
            Self::Rust => "rust",
        }
    }

    /// The command that builds the module anew, in the skill's folder.
    #[must_use]
    pub fn build_command(self) -> &'static str {
        match self {
            Self::Wat => "wasm-tools parse src/tool.wat -o modules/tool.wasm",
            Self::C => {
                "clang --target=wasm32-wasi -Oz -flto -Wl,--lto-O3 -Wl,--max-memory=1048576 -s src/tool.c -o \
                 modules/tool.wasm"
            }
            Self::AssemblyScript => "npm install && npm run build",
            Self::Rust => "cargo build --release && cp target/wasm32-wasip1/release/tool.wasm modules/tool.wasm",
        }
    }

    /// What that command needs.
    fn needs(self) -> &'static str {
        match self {
            Self::Wat => {
                "`wasm-tools` comes by `cargo install wasm-tools`; any other assembler of the text format does too."
            }
            Self::C => {
                "That needs clang with lld, the C library of WASI and the run-time library of clang for it: on Debian \
                 and\nUbuntu `clang lld wasi-libc libclang-rt-dev-wasm32`; elsewhere the WASI SDK has all of them."
            }
            Self::AssemblyScript => "That needs Node.js.",
            Self::Rust => "That needs Rust with its target for WASI: `rustup target add wasm32-wasip1`.",
        }
    }

    fn is_command(self) -> bool {
        self != Self::Wat
    }

    fn source(self) -> (&'static str, &'static str) {
        match self {
            Self::Wat => ("src/tool.wat", include_str!("templates/wat/src/tool.wat")),
            Self::C => ("src/tool.c", include_str!("templates/c/src/tool.c")),
            Self::AssemblyScript => ("src/tool.ts", include_str!("templates/assemblyscript/src/tool.ts")),
            Self::Rust => ("src/main.rs", include_str!("templates/rust/src/main.rs")),
        }
    }

    fn module(self) -> &'static [u8] {
        match self {
            Self::Wat => include_bytes!("templates/wat/modules/tool.wasm"),
            Self::C => include_bytes!("templates/c/modules/tool.wasm"),
            Self::AssemblyScript => include_bytes!("templates/assemblyscript/modules/tool.wasm"),
            Self::Rust => include_bytes!("templates/rust/modules/tool.wasm"),
        }
    }

    /// The files of this language alone, as templates.
    fn own_files(self) -> &'static [(&'static str, &'static str)] {
        const GREET: (&str, &str) = ("tests/greet.json", include_str!("templates/greet.json.in"));
        const ESCAPES: (&str, &str) = ("tests/escapes.json", include_str!("templates/escapes.json.in"));
        const NAMELESS: (&str, &str) = ("tests/nameless.json", include_str!("templates/nameless.json.in"));
        match self {
            Self::Wat => &[("tests/grants.json", include_str!("templates/grants.json.in"))],
            Self::C => &[GREET, ESCAPES, NAMELESS],
            Self::AssemblyScript => {
                &[GREET, ESCAPES, NAMELESS, ("package.json", include_str!("templates/assemblyscript/package.json.in"))]
            }
            Self::Rust => &[
                GREET,
                ESCAPES,
                NAMELESS,
                ("Cargo.toml", include_str!("templates/rust/Cargo.toml.in")),
                (".cargo/config.toml", include_str!("templates/rust/config.toml.in")),
            ],
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewSkill {
    /// The skill's name: its id, or what stands behind the publisher in it.
    pub name: String,
    /// The publisher; without one it is the first part of an id.
    pub publisher: Option<String>,
    /// What the tool is written in.
    pub language: Language,
    /// Where it goes; without one it is a folder in the current one, called as `name`.
    pub folder: Option<PathBuf>,
}

/// A skill that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Created {
    /// Its folder.
    pub folder: PathBuf,
    /// The skill's id.
    pub skill_id: String,
    /// The publisher.
    pub publisher: String,
    /// The id of its tool.
    pub tool_id: String,
    /// The paths of its files from the folder, sorted.
    pub files: Vec<String>,
}

/// The names in a skill, checked.
struct Names {
    skill_id: String,
    publisher: String,
    tool_id: String,
    title: String,
}

impl Names {
    fn of(asked: &NewSkill) -> Result<Self, NewError> {
        if !grammar::is_skill_id(&asked.name) || asked.name.trim() != asked.name {
            return Err(NewError::Name { what: "a skill's name", name: asked.name.clone() });
        }
        let (publisher, own) = match &asked.publisher {
            Some(publisher) => {
                if !grammar::is_skill_id(publisher) || publisher.trim() != publisher {
                    return Err(NewError::Name { what: "a publisher", name: publisher.clone() });
                }
                let inside = asked.name.strip_prefix(publisher.as_str()).and_then(|rest| rest.strip_prefix('.'));
                (publisher.as_str(), inside.unwrap_or(&asked.name))
            }
            None => asked.name.split_once('.').ok_or_else(|| NewError::NoPublisher { name: asked.name.clone() })?,
        };
        let skill_id = format!("{publisher}.{own}");
        let action = if asked.language.is_command() { "greet" } else { "count_grants" };
        let mut words = own.replace(['.', '-', '_'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(first) = words.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Ok(Self { tool_id: format!("{skill_id}.{action}"), publisher: publisher.to_owned(), title: words, skill_id })
    }

    /// The names are of a few harmless characters, so they stand in TOML, JSON and Markdown as they are.
    fn fill(&self, template: &str, language: Language) -> String {
        template
            .replace("{{skill_id}}", &self.skill_id)
            .replace("{{publisher}}", &self.publisher)
            .replace("{{tool_id}}", &self.tool_id)
            .replace("{{title}}", &self.title)
            .replace("{{source}}", language.source().0)
            .replace("{{build}}", &format!("$ {}", language.build_command()))
            .replace("{{needs}}", language.needs())
    }
}

/// Makes the folder of a new skill.
///
/// # Errors
/// If a name is none, something is in the folder already, or it cannot be written. Then nothing was made.
pub fn create(asked: &NewSkill) -> Result<Created, NewError> {
    let names = Names::of(asked)?;
    let language = asked.language;
    let manifest = if language.is_command() {
        include_str!("templates/command.toml.in")
    } else {
        include_str!("templates/plugin.toml.in")
    };
    let manifest = names.fill(manifest, language);
    // What a name does to a manifest is the rules' business: a new skill has no finding.
    if let Some(finding) = analyze(&manifest, &Options::default()).diagnostics.into_iter().next() {
        return Err(NewError::Refused { skill_id: names.skill_id, code: finding.rule.code, message: finding.message });
    }
    let mut files: Vec<(&str, Vec<u8>)> = vec![
        (MANIFEST_NAME, manifest.into_bytes()),
        (language.source().0, language.source().1.into()),
        ("modules/tool.wasm", language.module().into()),
    ];
    let shared = [
        (crate::config::FILE_NAME, include_str!("templates/skillyard.toml.in")),
        ("README.md", include_str!("templates/README.md.in")),
        (".gitignore", include_str!("templates/gitignore.in")),
    ];
    for (path, template) in shared.iter().chain(language.own_files()) {
        files.push((path, names.fill(template, language).into_bytes()));
    }
    files.sort_by_key(|(path, _)| *path);

    let folder = files::absolute(asked.folder.as_deref().unwrap_or(Path::new(&asked.name)));
    write(&folder, &files)?;
    Ok(Created {
        folder,
        skill_id: names.skill_id,
        publisher: names.publisher,
        tool_id: names.tool_id,
        files: files.into_iter().map(|(path, _)| path.to_owned()).collect(),
    })
}

/// Writes all of `files` beside `folder` and then moves them there at once.
fn write(folder: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), NewError> {
    let unwritable = |error| NewError::Write { folder: folder.to_owned(), error };
    refuse_taken(folder)?;
    let parent = folder.parent().ok_or_else(|| NewError::Taken { folder: folder.to_owned(), what: "is a root" })?;
    if !parent.is_dir() {
        return Err(NewError::NoParent { folder: parent.to_owned() });
    }
    let temporary = tempfile::Builder::new()
        .prefix(".skillyard-new-")
        .tempdir_in(parent)
        .map_err(without_path)
        .map_err(unwritable)?;
    // One folder further down: the outer one is for its owner alone, a skill has the rights of any new folder.
    let skill = temporary.path().join("skill");
    fs::create_dir(&skill).map_err(unwritable)?;
    for (path, content) in files {
        let path = skill.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(unwritable)?;
        }
        fs::write(path, content).map_err(unwritable)?;
    }
    #[cfg(not(unix))]
    if folder.exists() {
        // Only an empty one goes.
        fs::remove_dir(folder).map_err(unwritable)?;
    }
    // Onto a folder that others filled since, a rename fails.
    fs::rename(&skill, folder).map_err(unwritable)
}

/// A new skill takes the place of nothing or of an empty folder.
fn refuse_taken(folder: &Path) -> Result<(), NewError> {
    let taken = |what| NewError::Taken { folder: folder.to_owned(), what };
    let metadata = match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata.map_err(|error| NewError::Write { folder: folder.to_owned(), error })?,
    };
    if metadata.is_symlink() {
        return Err(taken("is a symbolic link"));
    }
    if !metadata.is_dir() {
        return Err(taken("is a file"));
    }
    let mut entries = fs::read_dir(folder).map_err(|error| NewError::Write { folder: folder.to_owned(), error })?;
    if entries.next().is_some() {
        return Err(taken("is not empty"));
    }
    // It would be exchanged under the feet of whoever stands in it.
    if fs::canonicalize(folder).ok().is_some_and(|folder| fs::canonicalize(".").is_ok_and(|here| here == folder)) {
        return Err(taken("is the current folder"));
    }
    Ok(())
}

/// Why no skill was made.
#[derive(Debug)]
pub enum NewError {
    /// Not a name.
    Name {
        /// What it should be.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The name tells no publisher, and none was given.
    NoPublisher {
        /// The name.
        name: String,
    },
    /// A rule has something against the name.
    Refused {
        /// The skill's id.
        skill_id: String,
        /// The rule.
        code: &'static str,
        /// Its words.
        message: String,
    },
    /// Something is there.
    Taken {
        /// The folder.
        folder: PathBuf,
        /// What is the matter with it.
        what: &'static str,
    },
    /// The folder around it is missing.
    NoParent {
        /// The missing folder.
        folder: PathBuf,
    },
    /// It cannot be written.
    Write {
        /// The folder.
        folder: PathBuf,
        /// The system's words.
        error: io::Error,
    },
}

impl fmt::Display for NewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { what, name } => write!(
                f,
                "`{}` is no name for {what}: use a-z, 0-9, `-` and `_`, in parts with dots between them, such as \
                 `acme.mail`",
                shown::words(name, 80)
            ),
            Self::NoPublisher { name } => write!(
                f,
                "who publishes `{0}`? Name it with `--publisher PUBLISHER`, or write the whole id, such as `acme.{0}`",
                shown::words(name, 80)
            ),
            Self::Refused { skill_id, code, message } => {
                write!(f, "`{}` is no good name: {message} [{code}]", shown::words(skill_id, 80))
            }
            Self::Taken { folder, what } => write!(
                f,
                "{} {what}: a new skill goes into a folder that is not there yet, or is empty",
                shown::path(folder)
            ),
            Self::NoParent { folder } => write!(f, "{}: no such folder; make it first", shown::path(folder)),
            Self::Write { folder, error } => write!(f, "{}: cannot be written: {error}", shown::path(folder)),
        }
    }
}

impl std::error::Error for NewError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, publisher: Option<&str>, language: Language) -> NewSkill {
        NewSkill { name: name.to_owned(), publisher: publisher.map(str::to_owned), language, folder: None }
    }

    #[test]
    fn names_are_read_with_and_without_a_publisher() {
        let of = |name: &str, publisher| {
            let names = Names::of(&asked(name, publisher, Language::C)).unwrap();
            (names.skill_id, names.publisher, names.title)
        };
        let expected = |id: &str, publisher: &str, title: &str| (id.into(), publisher.into(), title.into());
        assert_eq!(of("acme.mail-box", None), expected("acme.mail-box", "acme", "Mail box"));
        assert_eq!(of("mail", Some("acme")), expected("acme.mail", "acme", "Mail"));
        assert_eq!(of("acme.mail", Some("acme")), expected("acme.mail", "acme", "Mail"));
        assert_eq!(of("x.y", Some("acme")), expected("acme.x.y", "acme", "X y"));
        assert_eq!(of("acme.tools.mail", Some("acme.tools")), expected("acme.tools.mail", "acme.tools", "Mail"));
        assert!(matches!(Names::of(&asked("mail", None, Language::C)), Err(NewError::NoPublisher { .. })));
        for bad in
            ["", ".", "..", "a..b", ".a", "a/b", "a\\b", "../a", "A", "a b", " a.b", "a:b", "é", "a\0", "\u{202e}"]
        {
            let error = Names::of(&asked(bad, Some("acme"), Language::C)).err().unwrap_or_else(|| panic!("{bad:?}"));
            assert!(matches!(error, NewError::Name { .. }), "{bad:?}");
            assert!(!error.to_string().contains('\u{202e}'));
            assert!(matches!(Names::of(&asked("mail", Some(bad), Language::C)), Err(NewError::Name { .. })), "{bad:?}");
        }
    }

    #[test]
    fn a_folder_appears_whole_or_not_at_all() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str, language| {
            let folder = Some(place.path().join(name));
            create(&NewSkill { folder, ..asked("acme.mail", None, language) })
        };
        for language in Language::ALL {
            let made = at(language.name(), language).unwrap();
            for file in &made.files {
                let content = fs::read(made.folder.join(file)).unwrap();
                let text = String::from_utf8_lossy(&content);
                assert!(!text.contains("{{") && !content.is_empty(), "{language} {file}");
            }
            let cases = crate::cases::of_skill(&made.folder).unwrap();
            assert!(!cases.is_empty());
            for case in cases {
                assert_eq!(crate::cases::read(&case.path).unwrap().tool, made.tool_id, "{language} {}", case.name);
            }
            assert!(matches!(at(language.name(), language), Err(NewError::Taken { what: "is not empty", .. })));
        }
        fs::create_dir(place.path().join("empty")).unwrap();
        at("empty", Language::Wat).unwrap();
        fs::write(place.path().join("file"), "x").unwrap();
        assert!(matches!(at("file", Language::Wat), Err(NewError::Taken { what: "is a file", .. })));
        assert!(matches!(at("no/where", Language::Wat), Err(NewError::NoParent { .. })));
        #[cfg(unix)]
        {
            fs::create_dir(place.path().join("target")).unwrap();
            std::os::unix::fs::symlink(place.path().join("target"), place.path().join("link")).unwrap();
            assert!(matches!(at("link", Language::Wat), Err(NewError::Taken { what: "is a symbolic link", .. })));
        }
        // Nothing half is left.
        let left = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(left.into_iter().all(|name| !name.starts_with('.')));
    }

    #[test]
    fn a_name_that_a_rule_is_against_is_refused_by_its_words() {
        let error = create(&asked("acme.--", None, Language::C)).unwrap_err();
        assert!(matches!(error, NewError::Refused { .. }), "{error}");
    }
}
