//! A skill in a folder, and a person's home that nobody has used yet.

use std::{fs, path::PathBuf, process::Command};

use serde_json::Value;

use crate::skillyard::{Folder, GOOD, ROOT, Ran};

/// The public key of the key of 32 bytes 0x11.
pub const ELEVENS: &str = "d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737";

/// A folder `skill` with a manifest and a module, and a home beside it.
pub struct World(pub Folder);

impl World {
    /// With [`GOOD`] and a module that wants nothing.
    pub fn new() -> Self {
        let world = Self(Folder::with(&[("skill/skill.toml", GOOD)]));
        world.0.write("skill/module.wasm", module(&[]));
        fs::create_dir_all(world.0.path("skill/.git")).unwrap();
        // A daemon's own tools read this form.
        world.0.write("elevens.key", "11".repeat(32));
        world.private("elevens.key");
        world
    }

    /// Nobody but its owner may read the file.
    pub fn private(&self, name: &str) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(self.0.path(name), fs::Permissions::from_mode(0o600)).unwrap();
        }
        #[cfg(not(unix))]
        let _ = name;
    }

    /// The program, away from the real home and the variables of the machine that runs the test.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.0.command(arguments);
        command.env("SKILLYARD_HOME", self.0.path("home")).env("SKILLYARD_NO_CREDENTIAL_STORE", "1");
        for name in [
            "PALYRA_SKILLS_TRUST_STORE",
            "SOURCE_DATE_EPOCH",
            "SKILLYARD_KEY_PASSPHRASE",
            "CI",
            "GITHUB_ACTIONS",
            "GITLAB_CI",
        ] {
            command.env_remove(name);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&self.command(arguments).output().unwrap())
    }

    /// The same with variables set.
    pub fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
        Ran::of(&self.command(arguments).envs(variables.iter().copied()).output().unwrap())
    }

    /// Packages the skill with the key of elevens and gives the report.
    pub fn package(&self, more: &[&str]) -> Value {
        let arguments = [&["package", "skill", "--key", "elevens.key", "--format", "json"], more].concat();
        self.run_with(&[("SOURCE_DATE_EPOCH", "1700000000")], &arguments).exits(0).quietly().json()
    }

    /// Where [`World::package`] writes to.
    pub fn artifact(&self) -> PathBuf {
        self.0.path(ARTIFACT)
    }
}

/// Where the skill of [`World::new`] is packaged to.
pub const ARTIFACT: &str = "skill/dist/northwind.ledger_tools-1.4.2.palyra-skill";

/// A recorded artifact.
pub fn recorded(name: &str) -> String {
    format!("{ROOT}/tests/conformance/artifacts/{name}.palyra-skill")
}

/// The lines of a recorded list.
pub fn records(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(format!("{ROOT}/tests/conformance/{name}")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A module with an entry `run` that returns 0, one memory of at most four pages, and imports of functions without
/// parameters and results.
pub fn module(imports: &[(&str, &str)]) -> Vec<u8> {
    fn name(text: &str, out: &mut Vec<u8>) {
        out.push(u8::try_from(text.len()).unwrap());
        out.extend(text.as_bytes());
    }
    let mut out = b"\0asm\x01\0\0\0".to_vec();
    let mut section = |id: u8, body: &[u8]| {
        out.push(id);
        out.push(u8::try_from(body.len()).ok().filter(|len| *len < 0x80).expect("a section of one length byte"));
        out.extend(body);
    };
    section(1, b"\x02\x60\0\x01\x7f\x60\0\0");
    if !imports.is_empty() {
        let mut body = vec![u8::try_from(imports.len()).unwrap()];
        for (from, what) in imports {
            name(from, &mut body);
            name(what, &mut body);
            body.extend(b"\0\x01");
        }
        section(2, &body);
    }
    section(3, b"\x01\0");
    section(5, b"\x01\x01\x01\x04");
    let mut exports = vec![1];
    name("run", &mut exports);
    exports.extend([0, u8::try_from(imports.len()).unwrap()]);
    section(7, &exports);
    section(10, b"\x01\x04\0\x41\0\x0b");
    out
}
