//! A folder with files in it, and the program run there.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A manifest without a fault that a daemon would refuse.
pub const GOOD: &str = r#"manifest_version = 2
skill_id = "northwind.ledger_tools"
name = "Ledger tools"
version = "1.4.2"
publisher = "northwind"

[[entrypoints.tools]]
id = "northwind.ledger_read"
name = "Read ledger"
description = "Reads rows from a ledger sheet."
input_schema = { type = "object" }
output_schema = { type = "object" }
risk = { requires_approval = true }

[compat]
required_protocol_major = 1
min_palyra_version = "0.1.0"

[operator]
display_name = "Ledger tools"
"#;

/// [`GOOD`] with two errors, one of them with a related place, and a warning that has a safe fix.
pub const BAD: &str = r#"manifest_version = 2
skill_id = "northwind.ledger_tools"
name = "Ledger tools 📒"
version = "1.4.2"
publisher = "northwind"

[[entrypoints.tools]]
id = "northwind.ledger_read"
name = "Read ledger"
description = "Reads rows from a ledger sheet."
input_schema = { type = "object" }
output_schema = { type = "object" }
risk = { requires_approval = true }

[compat] # by the book
min_protocol_major = 1
min_palyra_version = "0.1.0"

[operator]
display_name = "Ledger tools"
display_name = "📒" # twice
sumary = "Reads ledgers"
"#;

/// What the tests of [`BAD`] ask for: only what a daemon rejects, and the one warning. Other rules come and go.
pub const ONLY: [&str; 4] = ["--allow", "*", "--warn", "fields/deprecated-alias"];

/// A temporary folder to run in.
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// With these files.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names of all files, hidden ones too.
    pub fn files(&self) -> Vec<String> {
        fn below(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { below(&path, found) } else { found.push(path) }
            }
        }
        let mut found = Vec::new();
        below(self.0.path(), &mut found);
        let name = |path: &PathBuf| path.strip_prefix(self.0.path()).unwrap().to_string_lossy().replace('\\', "/");
        let mut names: Vec<_> = found.iter().map(name).collect();
        names.sort();
        names
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_skillyard"));
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command
    }

    /// `skillyard` with `arguments`, to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&self.command(arguments).output().unwrap())
    }

    /// The same with something on standard input.
    pub fn run_with(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Ran {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // It may refuse before it reads everything.
        let _ = child.stdin.take().unwrap().write_all(input.as_ref());
        Ran::of(&child.wait_with_output().unwrap())
    }
}

/// How a process ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("output is UTF-8");
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Fails unless the process ended with `code`.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Fails unless there is nothing on standard error.
    #[track_caller]
    pub fn quietly(self) -> Self {
        assert_eq!(self.err, "", "{self:#?}");
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// Standard output as lines of JSON.
    #[track_caller]
    pub fn jsonl(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Fails unless `actual` is what stands in `snapshots/NAME`. `SKILLYARD_UPDATE_SNAPSHOTS=1` writes it: read what it
/// wrote before it is committed.
#[track_caller]
pub fn snapshot(name: &str, actual: &str) {
    let path = Path::new(ROOT).join("tests/check/snapshots").join(name);
    if env::var_os("SKILLYARD_UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert_eq!(actual, expected, "differs from {}", path.display());
}

/// Fails unless `value` holds against the JSON Schema in `file` (from the tree's root), formats such as `uri` included.
#[track_caller]
pub fn holds_against(file: &str, value: &Value) {
    let schema: Value = serde_json::from_str(&fs::read_to_string(Path::new(ROOT).join(file)).unwrap()).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let faults: Vec<_> = validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(faults.is_empty(), "{file}: {faults:#?}");
}

/// Fails unless `log` holds against the schema of SARIF.
#[track_caller]
pub fn is_sarif(log: &Value) {
    let path = format!("{ROOT}/tests/fixtures/sarif/sarif-schema-2.1.0.json");
    let mut schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    // As published, the pattern of `language` has a stray bracket, which a strict reader of regular expressions refuses.
    for place in ["run", "toolComponent"] {
        let language = schema.pointer_mut(&format!("/definitions/{place}/properties/language")).unwrap();
        language.as_object_mut().unwrap().remove("pattern").unwrap();
    }
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let faults: Vec<_> = validator.iter_errors(log).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}
