//! A skill in a folder of its own, and a home of its own for the server that works on it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use skillyard_manifest::Encoding;
use tempfile::TempDir;

use crate::{GOOD, address, client::Client, editor::Document, modern, skillyard};

/// A module with an entry `run` that returns 0, one bounded memory, and imports of functions without parameters.
pub fn module(imports: &[(&str, &str)]) -> Vec<u8> {
    fn number(mut n: usize, out: &mut Vec<u8>) {
        while n >= 0x80 {
            out.push((n & 0x7F) as u8 | 0x80);
            n >>= 7;
        }
        out.push(n as u8);
    }
    fn name(text: &str, out: &mut Vec<u8>) {
        number(text.len(), out);
        out.extend(text.as_bytes());
    }
    let mut out = b"\0asm\x01\0\0\0".to_vec();
    let mut section = |id: u8, body: &[u8]| {
        out.push(id);
        number(body.len(), &mut out);
        out.extend(body);
    };
    // The types: of `run`, and of what is imported.
    section(1, b"\x02\x60\0\x01\x7f\x60\0\0");
    if !imports.is_empty() {
        let mut body = Vec::new();
        number(imports.len(), &mut body);
        for (from, what) in imports {
            name(from, &mut body);
            name(what, &mut body);
            body.extend(b"\0\x01");
        }
        section(2, &body);
    }
    section(3, b"\x01\0");
    section(5, b"\x01\x01\x01\x01");
    let mut exports = vec![1];
    name("run", &mut exports);
    exports.push(0);
    number(imports.len(), &mut exports);
    section(7, &exports);
    section(10, b"\x01\x04\0\x41\0\x0b");
    out
}

/// A folder with `skill.toml` and `module.wasm`, and beside it a home where nothing is yet.
pub struct Skill {
    root: TempDir,
}

impl Skill {
    /// With the manifest [`GOOD`] and a module that wants nothing.
    pub fn new() -> Self {
        let skill = Self { root: tempfile::tempdir().unwrap() };
        fs::create_dir(skill.folder()).unwrap();
        fs::create_dir(skill.folder().join(".git")).unwrap();
        fs::create_dir(skill.home()).unwrap();
        fs::write(skill.manifest(), GOOD).unwrap();
        fs::write(skill.module(), module(&[])).unwrap();
        skill
    }

    pub fn folder(&self) -> PathBuf {
        self.root.path().join("skill")
    }

    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    pub fn manifest(&self) -> PathBuf {
        self.folder().join("skill.toml")
    }

    pub fn module(&self) -> PathBuf {
        self.folder().join("module.wasm")
    }

    pub fn uri(&self) -> String {
        address(&self.manifest())
    }

    /// Every file below the folder and the home, but the skill's own two.
    pub fn written(&self) -> Vec<PathBuf> {
        fn visit(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { visit(&path, found) } else { found.push(path) }
            }
        }
        let mut found = Vec::new();
        visit(self.root.path(), &mut found);
        found.retain(|path| ![self.manifest(), self.module()].contains(path));
        found.sort();
        found
    }

    /// The program, in the skill's home and away from the real one.
    pub fn skillyard(&self) -> Command {
        let mut command = skillyard();
        for variable in ["HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"] {
            command.env(variable, self.home());
        }
        for (variable, folder) in [
            ("XDG_STATE_HOME", "state"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_CACHE_HOME", "cache"),
        ] {
            command.env(variable, self.home().join(folder));
        }
        for variable in ["PALYRA_SKILLS_TRUST_STORE", "SOURCE_DATE_EPOCH", "DBUS_SESSION_BUS_ADDRESS"] {
            command.env_remove(variable);
        }
        // The machine's own credential store is not a test's to look into.
        command.env("SKILLYARD_NO_CREDENTIAL_STORE", "1");
        command.current_dir(self.root.path());
        command
    }

    /// Runs the program on the command line; its exit code and the JSON of its standard output.
    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let output = self.skillyard().args(arguments).output().unwrap();
        let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
        (output.status.code(), json)
    }

    /// A server for a client with these capabilities.
    pub fn serve(&self, capabilities: Value) -> Client {
        let mut command = self.skillyard();
        command.arg("lsp");
        let mut client = Client::start(command);
        let folders = json!([{"uri": address(&self.folder()), "name": "skill"}]);
        let params =
            json!({"processId": std::process::id(), "capabilities": capabilities, "workspaceFolders": folders});
        client.call("initialize", params);
        client.notify("initialized", json!({}));
        client
    }

    /// Opens the manifest as it is on the disk.
    pub fn open(&self, client: &mut Client) -> Document {
        let text = fs::read_to_string(self.manifest()).unwrap();
        Document::open(client, &self.uri(), "toml", &text, Encoding::Utf16)
    }
}

/// [`modern`] with all that the commands can use.
pub fn full() -> Value {
    let mut capabilities = modern();
    capabilities["textDocument"]["codeLens"] = json!({});
    capabilities["window"] = json!({"workDoneProgress": true, "showMessage": {"messageActionItem": {}}});
    capabilities["workspace"]["diagnostics"] = json!({"refreshSupport": true});
    capabilities
}
