//! A skill round one of the guests in `tests/guests`, a home that nobody has used yet, and reports of calls.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Stdio},
};

use serde_json::Value;

use crate::{
    skillyard::{Folder, ROOT, Ran, holds_against},
    world::World,
};

const SCHEMA: &str = "schema/run-report.schema.json";
/// Where the skill is packaged to.
pub const ARTIFACT: &str = "skill/dist/acme.guest-1.0.0.palyra-skill";
/// Folders for what reads and writes: the guests that are commands can do it, so an audit wants to see some.
pub const FOLDERS: &str = "[capabilities.filesystem]\nread_roots = [\"in\"]\nwrite_roots = [\"out\"]\n";
/// A host and a secret, for the guest that is a tool.
pub const ASKS: &str = "[capabilities]\nhttp_egress_allowlist = [\"localhost\"]\n\
    secrets = [{ scope = \"skill:acme.guest\", key_names = [\"token\"] }]\n";

/// The skill `acme.guest` in the folder `skill`.
pub struct Guest(pub World);

impl Guest {
    /// With the module `wasm`, tools that take and give anything, and more of a manifest.
    pub fn with(wasm: impl AsRef<[u8]>, tools: &[&str], more: &str) -> Self {
        let tools: Vec<String> = tools.iter().map(|id| tool(id, "input_schema = {}\noutput_schema = {}")).collect();
        Self::of(wasm, &tools, more)
    }

    /// With the guest `name` of `tests/guests`.
    pub fn named(name: &str, tools: &[&str], more: &str) -> Self {
        Self::with(bytes(name), tools, more)
    }

    /// With tools as [`tool`] writes them.
    pub fn of(wasm: impl AsRef<[u8]>, tools: &[String], more: &str) -> Self {
        let manifest = format!(
            "manifest_version = 2\nskill_id = \"acme.guest\"\nname = \"Guest\"\nversion = \"1.0.0\"\npublisher = \
             \"acme\"\n\n{}\n{more}\n[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\n",
            tools.concat()
        );
        let world = World(Folder::with(&[("skill/skill.toml", &manifest)]));
        world.0.write("skill/modules/tool.wasm", wasm);
        fs::create_dir_all(world.0.path("skill/.git")).unwrap();
        world.0.write("elevens.key", "11".repeat(32));
        world.private("elevens.key");
        Self(world)
    }

    /// `run` on the folder, for a person.
    pub fn shown(&self, arguments: &[&str]) -> Ran {
        self.0.run(&[&["run", "--skill", "skill"], arguments].concat())
    }

    /// `run` on the folder, with variables set: the exit code and the report, which holds to its schema.
    pub fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, Value) {
        let arguments = [&["run", "--skill", "skill", "--format", "json"], arguments].concat();
        report(&self.0.run_with(variables, &arguments))
    }

    /// The same without variables.
    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        self.run_with(&[], arguments)
    }

    /// The report of a call that goes well.
    #[track_caller]
    pub fn fine(&self, arguments: &[&str]) -> Value {
        let (code, report) = self.run(arguments);
        assert_eq!((code, &report["outcome"]), (Some(0), &"ok".into()), "{arguments:?}: {report:#}");
        report
    }

    /// The report of a call that ends with `outcome`, with `words` in its error.
    #[track_caller]
    pub fn ends(&self, outcome: &str, words: &str, arguments: &[&str]) -> Value {
        let (code, report) = self.run(arguments);
        assert_eq!((code, &report["outcome"]), (Some(1), &outcome.into()), "{arguments:?}: {report:#}");
        assert!(report["error"].as_str().unwrap().contains(words), "{words} in {report:#}");
        report
    }

    /// The storage of the folder, which a call of `tool` is given.
    pub fn storage(&self, tool: &str) -> PathBuf {
        let report = self.run(&[tool, "--approve", "--input", "\"in/none\""]).1;
        PathBuf::from(report["storage"].as_str().unwrap_or_else(|| panic!("{report:#}")))
    }

    /// Whether any skill's storage has something at `path`.
    pub fn is_stored(&self, path: &str) -> bool {
        let all = fs::read_dir(self.0.0.path("home/skillyard/storage")).into_iter().flatten();
        all.flatten().any(|storage| storage.path().join(path).exists())
    }

    /// A call that goes on while the test does something.
    pub fn begin(&self, arguments: &[&str]) -> Child {
        let arguments = [&["run", "--skill", "skill", "--format", "json"], arguments].concat();
        self.0.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

/// A report, which holds to its schema.
#[track_caller]
pub fn report(ran: &Ran) -> (Option<i32>, Value) {
    let report = ran.json();
    holds_against(SCHEMA, &report);
    (ran.code, report)
}

/// The tool `acme.ID` with more fields.
pub fn tool(id: &str, more: &str) -> String {
    format!("[[entrypoints.tools]]\nid = \"acme.{id}\"\nname = \"{id}\"\ndescription = \"Does it.\"\n{more}\n\n")
}

/// A guest of `tests/guests`.
pub fn bytes(name: &str) -> Vec<u8> {
    fs::read(format!("{ROOT}/tests/guests/{name}.wasm")).unwrap()
}
