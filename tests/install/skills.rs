//! Artifacts of one skill in several versions, and a home that trusts their publisher.

use std::path::PathBuf;

use serde_json::Value;

use crate::{
    skillyard::{GOOD, Ran, holds_against},
    world::{ELEVENS, World, module},
};

pub const ID: &str = "northwind.ledger_tools";
pub const INSTALL: &str = "schema/install-report.schema.json";
pub const INSTALLED: &str = "schema/installed-report.schema.json";

/// A world in which the publisher's key is listed.
pub struct Skills(pub World);

impl Skills {
    pub fn new() -> Self {
        let world = World::new();
        world.run(&["trust", "allow", &format!("northwind={ELEVENS}")]).exits(0);
        Self(world)
    }

    pub fn root(&self) -> PathBuf {
        self.0.0.path("home/palyra/skills")
    }

    pub fn folder(&self, version: &str) -> PathBuf {
        self.root().join(ID).join(version)
    }

    /// Packages `version`, with `more` in the manifest, as the file `<version>.palyra-skill`.
    pub fn pack(&self, version: &str, more: &str) -> String {
        self.pack_as(ID, version, more, &module(&[]))
    }

    pub fn pack_as(&self, id: &str, version: &str, more: &str, wasm: &[u8]) -> String {
        let manifest =
            GOOD.replace("1.4.2", version).replace(ID, id).replace("[operator]", &format!("{more}\n[operator]"));
        self.0.0.write("skill/skill.toml", manifest);
        self.0.0.write("skill/module.wasm", wasm);
        let name = format!("{id}-{version}.palyra-skill");
        self.0.package(&["-o", &name]);
        name
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.0.run(arguments)
    }

    /// Runs with `--format json`; the report holds to its schema.
    pub fn json(&self, code: i32, schema: &str, arguments: &[&str]) -> Value {
        let report = self.run(&[arguments, &["--format", "json"]].concat()).exits(code).json();
        holds_against(schema, &report);
        report
    }

    pub fn install(&self, artifact: &str) -> Value {
        self.json(0, INSTALL, &["install", artifact, "--allow-wider"])
    }

    pub fn quarantine(&self, version: &str) -> Value {
        let arguments = ["quarantine", ID, "--version", version, "--reason", "bad build", "--principal", "ada"];
        self.json(0, INSTALLED, &arguments)
    }
}
