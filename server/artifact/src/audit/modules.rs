//! The rules about one module.

use std::collections::BTreeMap;

use skillyard_manifest::{
    Daemon, Severity, is_unseen,
    model::{ContractKind, Manifest},
    plain, quoted,
    rules::Rule,
};

use super::{
    Scanned, few,
    imports::{self, Need, Unknown},
};
use crate::{
    Finding,
    module::{Dependencies, Fault, Import, Kind, Module, ModuleKind, unversioned},
    rules::{Family, rule},
};

/// What a module is, wants and holds.
pub static FAMILY: Family = Family {
    name: "module",
    about: "The modules: what they are, what they import, and what running them takes.",
    rules: &[
        &INVALID,
        &UNSUPPORTED_FEATURE,
        &TEXT_FORMAT,
        &COMPONENT,
        &NOT_RUN_BY_DAEMON,
        &NO_ENTRYPOINT,
        &TOO_MANY_NAMES,
        &FILESYSTEM_IMPORT,
        &SOCKET_IMPORT,
        &UNDECLARED_IMPORT,
        &UNKNOWN_IMPORT,
        &HOST_NAME_EXPORT,
        &UNSEEN_IN_NAME,
        &START_FUNCTION,
        &MEMORIES_TOGETHER,
        &MEMORY_ABOVE_QUOTA,
        &MEMORY_UNBOUNDED,
        &HUGE_TABLE,
        &HUGE_CODE,
        &HUGE_DATA,
        &NONDETERMINISTIC,
        &SECRET,
        &UNDECLARED_HOST,
        &LARGE_CUSTOM_SECTION,
        &BAD_DEPENDENCIES,
    ],
};

static INVALID: Rule = rule(
    "module/invalid",
    Severity::Error,
    Daemon::Rejects,
    "A module is no valid WebAssembly",
    "The file under `modules/` cannot be loaded by any engine: it is empty, cut short, of another format, or breaks a rule of \
     WebAssembly. Build it again, and look at what the build wrote.",
);

static UNSUPPORTED_FEATURE: Rule = rule(
    "module/unsupported-feature",
    Severity::Error,
    Daemon::Rejects,
    "A module uses a part of WebAssembly that a daemon leaves off",
    "A daemon takes WebAssembly 3.0 without threads, exceptions and types that need a garbage collector (`externref` too). \
     SIMD, tail calls, several memories and 64-bit memories are taken. Build without the feature: for C and Rust leave out \
     `-pthread` and `+atomics`.",
);

static TEXT_FORMAT: Rule = rule(
    "module/text-format",
    Severity::Error,
    Daemon::Silent,
    "A module is written in the text format",
    "A daemon assembles such a text itself, so what runs is not the bytes that were signed and looked at. Package the binary: \
     `wasm-tools parse a.wat -o a.wasm`.",
);

static COMPONENT: Rule = rule(
    "module/component",
    Severity::Warning,
    Daemon::Rejects,
    "A module is a component, which a daemon 0.1.0 does not load",
    "A daemon 0.1.0 loads core modules only: its audit fails for a component.",
);

static NOT_RUN_BY_DAEMON: Rule = rule(
    "module/not-run-by-daemon",
    Severity::Warning,
    Daemon::Silent,
    "A module is a WASI command, which a daemon 0.1.0 does not run",
    "A daemon 0.1.0 gives a module the functions of `palyra:plugins/host-capabilities@0.1.0` and nothing else, so a module \
     that imports `wasi_snapshot_preview1` does not link there.",
);

static NO_ENTRYPOINT: Rule = rule(
    "module/no-entrypoint",
    Severity::Warning,
    Daemon::Silent,
    "A module has no export that could be called",
    "A daemon calls the export `run`, or the one that `operator.plugin.default_entrypoint` names; it must be a function \
     without parameters that returns an i32. Export one, or name the one that is there.",
);

static TOO_MANY_NAMES: Rule = rule(
    "module/too-many-names",
    Severity::Error,
    Daemon::Silent,
    "A module has more imports or exports than are read",
    "Above 100,000 the rest is not looked at, so nothing could be said for the module. No compiler writes so many.",
);

static FILESYSTEM_IMPORT: Rule = rule(
    "module/filesystem-import",
    Severity::Error,
    Daemon::Silent,
    "A module opens files, and the manifest declares no folder",
    "`wasi:filesystem` fails a daemon's audit unless a folder is declared; the functions of WASI preview 1 that take a path \
     come to the same and are held to the same here. Declare the folders under `capabilities.filesystem`, or build without \
     file access.",
);

static SOCKET_IMPORT: Rule = rule(
    "module/socket-import",
    Severity::Error,
    Daemon::Silent,
    "A module uses raw sockets, which nothing grants",
    "A skill reaches the network over HTTP to the hosts in `capabilities.http_egress_allowlist`, and in no other way.",
);

static UNDECLARED_IMPORT: Rule = rule(
    "module/undeclared-import",
    Severity::Warning,
    Daemon::Silent,
    "A module asks its host for something that the manifest does not declare",
    "Without the declaration the function gives nothing: a count of 0, the handle -1, or a refused request. Declare what the \
     module needs, or build it without the call.",
);

static UNKNOWN_IMPORT: Rule = rule(
    "module/unknown-import",
    Severity::Warning,
    Daemon::Silent,
    "A module imports what no host gives",
    "It will not link, and so never run. Hosts give `palyra:plugins/host-capabilities@0.1.0` and WASI preview 1 to core \
     modules, WASI 0.2 to components. For `env.abort` of AssemblyScript build with `--use abort=`.",
);

static HOST_NAME_EXPORT: Rule = rule(
    "module/host-name-export",
    Severity::Warning,
    Daemon::Silent,
    "A module exports a name that belongs to the host",
    "The names of the host's own interfaces have no place among a module's exports; something that looks functions up by name \
     could take the one for the other. Give the export another name.",
);

static UNSEEN_IN_NAME: Rule = rule(
    "module/unseen-in-name",
    Severity::Warning,
    Daemon::Silent,
    "The name of an import or export holds characters that a reader does not see",
    "Control, bidirectional and invisible characters make two different names look alike. No compiler writes them.",
);

static START_FUNCTION: Rule = rule(
    "module/start-function",
    Severity::Info,
    Daemon::Silent,
    "A module runs code as soon as it is loaded",
    "A start function runs before the entry export is called. If it traps, a daemon reports that the module does not link. \
     AssemblyScript writes one for top-level statements; `--exportStart` turns it into an export.",
);

static MEMORIES_TOGETHER: Rule = rule(
    "module/memories-together",
    Severity::Error,
    Daemon::Silent,
    "The memories of a module come to more than the quota together",
    "A daemon holds each memory to `capabilities.quotas.max_memory_bytes`, not their sum, so a module with several gets past \
     the quota that its manifest promises.",
);

static MEMORY_ABOVE_QUOTA: Rule = rule(
    "module/memory-above-quota",
    Severity::Warning,
    Daemon::Silent,
    "A module starts with more memory than the quota",
    "It can never start: the limit is met before the first instruction. Raise `capabilities.quotas.max_memory_bytes`, or build \
     with a smaller initial memory.",
);

static MEMORY_UNBOUNDED: Rule = rule(
    "module/memory-unbounded",
    Severity::Hint,
    Daemon::Silent,
    "A module sets no limit to its memory below the quota",
    "The quota of the manifest holds; a maximum in the module itself holds wherever it runs. Linkers set it with \
     `--max-memory=BYTES`.",
);

static HUGE_TABLE: Rule = rule(
    "module/huge-table",
    Severity::Warning,
    Daemon::Silent,
    "A module starts with more table elements than a daemon gives",
    "A daemon allows 100,000 elements. A module that starts with more never starts.",
);

static HUGE_CODE: Rule = rule(
    "module/huge-code",
    Severity::Warning,
    Daemon::Silent,
    "A module would take very long to compile",
    "The time of a compiler grows with the branches of a function times its locals, and a daemon's wall clock does not cover \
     compiling. Compilers do not write such functions; generated ones can be split.",
);

static HUGE_DATA: Rule = rule(
    "module/huge-data",
    Severity::Warning,
    Daemon::Silent,
    "A module holds more data than the quota gives memory",
    "Data segments are copied into memory, which `capabilities.quotas.max_memory_bytes` bounds.",
);

static NONDETERMINISTIC: Rule = rule(
    "module/nondeterministic",
    Severity::Hint,
    Daemon::Silent,
    "A module that is to decide computes what machines answer differently",
    "The bits of a NaN, and the results of relaxed SIMD, differ between machines. For a contract that decides something \
     (`routing_strategy`, `policy_signal_provider`, `compaction_provider`) equal inputs should give equal answers: use \
     integers where the answer is made.",
);

static SECRET: Rule = rule(
    "module/secret",
    Severity::Warning,
    Daemon::Silent,
    "A module holds a string in the shape of a secret",
    "Whoever has the artifact can read it. Revoke the secret, and ask for one through `capabilities.secrets` instead.",
);

static UNDECLARED_HOST: Rule = rule(
    "module/undeclared-host",
    Severity::Warning,
    Daemon::Silent,
    "A module names hosts that the manifest does not allow",
    "A request to a host outside `capabilities.http_egress_allowlist` is refused. Where the module imports nothing that makes \
     requests this is a hint only: links in documentation and error texts are common.",
);

static LARGE_CUSTOM_SECTION: Rule = rule(
    "module/large-custom-section",
    Severity::Info,
    Daemon::Silent,
    "A module carries a large section that no engine reads",
    "Debug information, source maps and the like cost download and space, and can hold anything. `wasm-tools strip` takes them \
     out.",
);

static BAD_DEPENDENCIES: Rule = rule(
    "module/bad-dependencies",
    Severity::Info,
    Daemon::Silent,
    "The list of packages in a module does not read",
    "The section `.dep-v0` holds, as zlib over JSON, what a module was built from. One that does not read hides it from every \
     search for vulnerabilities.",
);

/// Table elements that a daemon allows.
const MAX_TABLE_ELEMENTS: u64 = 100_000;
/// Branches times locals, summed over the functions: a second or more of compiling from here on.
const HIGH_COMPILE_COST: u64 = 200_000_000;
/// Functions, and bytes of one function, beyond which no known compiler goes.
const MANY_FUNCTIONS: u64 = 200_000;
const LARGE_FUNCTION: u64 = 2 << 20;
/// Custom sections together: larger than this and than a quarter of the module is unusual.
const LARGE_CUSTOMS: u64 = 256 << 10;

/// Every finding about one module.
pub(super) fn check(manifest: &Manifest, entrypoint: &str, scanned: &Scanned, findings: &mut Vec<Finding>) {
    // What is over the size limit was not read; a daemon's check says so.
    let Some(module) = &scanned.module else { return };
    let first = findings.len();
    let mut check = Check { manifest, entrypoint, module, path: &scanned.path, findings };
    check.all();
    for finding in findings.iter_mut().skip(first) {
        finding.entry = Some(plain(&scanned.path));
        // Of a text only the binary that it comes to has ranges.
        if module.text {
            finding.byte_range = None;
        }
    }
}

struct Check<'a> {
    manifest: &'a Manifest,
    entrypoint: &'a str,
    module: &'a Module,
    path: &'a str,
    findings: &'a mut Vec<Finding>,
}

/// What keeps engines from loading a module, as a finding.
pub(crate) fn fault_finding(fault: &Fault) -> Finding {
    let why = plain(&fault.message);
    let (rule, message) = if fault.feature {
        (&UNSUPPORTED_FEATURE, format!("the module uses what a daemon leaves off: {why}"))
    } else {
        (&INVALID, format!("no valid WebAssembly: {why}"))
    };
    let mut finding = Finding::new(rule, message);
    finding.byte_range = fault.at.map(|at| at..at);
    finding
}

impl Check<'_> {
    fn report(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    fn all(&mut self) {
        if let Some(fault) = &self.module.fault {
            let finding = fault_finding(fault);
            self.report(finding);
            return;
        }
        if self.module.text {
            let message = "the module is written in the text format: package the binary that it comes to";
            self.report(Finding::new(&TEXT_FORMAT, message));
        }
        self.kind();
        self.imports();
        self.exports();
        self.memory();
        self.size();
        self.determinism();
        self.strings();
        self.sections();
    }

    fn kind(&mut self) {
        let kind = self.module.kind(self.entrypoint);
        if self.module.component {
            let message = match kind {
                ModuleKind::Other => {
                    "a component that exports neither `wasi:cli/run` nor `palyra:skill/tool`: no host runs it"
                }
                _ => "a component, which a daemon 0.1.0 does not load: it runs core modules only",
            };
            self.report(Finding::new(&COMPONENT, message));
            return;
        }
        if kind == ModuleKind::WasiPreview1Command {
            let message = "a WASI preview 1 command, which a daemon 0.1.0 does not link: it gives modules no WASI";
            self.report(Finding::new(&NOT_RUN_BY_DAEMON, message));
        }
        let plugin = &self.manifest.operator.plugin;
        let named = plugin.default_entrypoint.is_some();
        // With a default module named, that is the one that is called.
        let called = plugin.default_module_path.as_deref().is_none_or(|default| default == self.path);
        let callable = self.module.entry(self.entrypoint).is_some();
        if called && !callable && (named || kind == ModuleKind::Other) {
            let name = quoted(self.entrypoint);
            let (message, range) = match self.module.export(self.entrypoint) {
                None => (format!("no export {name} to call"), None),
                Some(export) => {
                    let what = export.signature.clone().unwrap_or_else(|| kind_name(export.kind).to_owned());
                    (format!("the export {name} is `{what}`, and has to be `() -> i32`"), Some(export.range.clone()))
                }
            };
            let callable = self.module.exports.iter().filter(|e| e.signature.as_deref() == Some("() -> i32"));
            let advice = match callable.map(|export| &*export.name).next() {
                Some(other) => format!("name an export that can be called, such as {}", quoted(other)),
                None => format!("export {name} as a function without parameters that returns an i32"),
            };
            let mut finding = Finding::new(&NO_ENTRYPOINT, message).see("operator.plugin.default_entrypoint", advice);
            finding.byte_range = range;
            self.report(finding);
        }
    }

    fn imports(&mut self) {
        let module = self.module;
        let kept = (module.imports.len() as u64, module.exports.len() as u64);
        if kept != (module.import_count, module.export_count) {
            let message = format!("{} imports and {} exports", module.import_count, module.export_count);
            self.report(Finding::new(&TOO_MANY_NAMES, message));
        }
        let mut by_need: BTreeMap<Need, Vec<&Import>> = BTreeMap::new();
        for import in &module.imports {
            by_need.entry(imports::need(import, module.component)).or_default().push(import);
        }
        for (need, imports) in by_need {
            if let Some((rule, severity, why, key, advice)) = self.verdict(need) {
                let names: Vec<String> = imports.iter().take(5).map(|import| imports::name(import)).collect();
                let names = few(names.iter().map(String::as_str), imports.len() as u64);
                let mut finding = Finding::new(rule, format!("imports {names}: {why}")).see(key, advice);
                finding.severity = severity;
                finding.byte_range = imports.first().map(|import| import.range.clone());
                self.report(finding);
            }
        }
    }

    /// What is wrong with imports of one need; `None` where the manifest grants it.
    fn verdict(&self, need: Need) -> Option<(&'static Rule, Severity, &'static str, &'static str, &'static str)> {
        use Severity::{Error, Info, Warning};
        let capabilities = &self.manifest.capabilities;
        let filesystem = &capabilities.filesystem;
        let (granted, verdict) = match need {
            Need::Nothing => (true, (&UNKNOWN_IMPORT, Info, "", "", "")),
            Need::Http => (
                !capabilities.http_egress_allowlist.is_empty(),
                (
                    &UNDECLARED_IMPORT,
                    Warning,
                    "no host is declared, so there is none to call",
                    "capabilities.http_egress_allowlist",
                    "add the hosts that the module calls",
                ),
            ),
            Need::Secrets => (
                !capabilities.secrets.is_empty(),
                (
                    &UNDECLARED_IMPORT,
                    Warning,
                    "no secret is declared, so there is none to ask for",
                    "capabilities.secrets",
                    "add the scope and key names of the secrets that the module reads",
                ),
            ),
            Need::Storage => (
                !filesystem.write_roots.is_empty(),
                (
                    &UNDECLARED_IMPORT,
                    Warning,
                    "no write root is declared, so there is no storage",
                    "capabilities.filesystem.write_roots",
                    "add the folders that the module writes to",
                ),
            ),
            Need::Channels => (
                false,
                (
                    &UNDECLARED_IMPORT,
                    Info,
                    "no manifest can ask for channels, so there are none",
                    "capabilities",
                    "no line grants a channel: build without the call",
                ),
            ),
            Need::Filesystem => (
                !filesystem.read_roots.is_empty() || !filesystem.write_roots.is_empty(),
                (
                    &FILESYSTEM_IMPORT,
                    Error,
                    "these open files, and no folder is declared",
                    "capabilities.filesystem",
                    "add folders to `read_roots` or `write_roots`, or build without file access",
                ),
            ),
            Need::Sockets => (
                false,
                (
                    &SOCKET_IMPORT,
                    Error,
                    "raw sockets are given to no skill",
                    "capabilities.http_egress_allowlist",
                    "no line grants a socket: call hosts over HTTP, and list them here",
                ),
            ),
            Need::Unknown(why) => (
                false,
                (
                    &UNKNOWN_IMPORT,
                    Warning,
                    match why {
                        Unknown::Interface => "no host gives these",
                        Unknown::Version => "hosts give this interface in another version",
                        Unknown::Function => "the interface has no such function",
                        Unknown::Type => "the host's function has another type",
                        Unknown::ComponentOnly => "only a component can import these",
                    },
                    "capabilities",
                    "no line grants it: build without the import",
                ),
            ),
        };
        (!granted).then_some(verdict)
    }

    fn exports(&mut self) {
        let module = self.module;
        let belongs = |name: &str| {
            let name = name.to_ascii_lowercase();
            let of_component = |name: &str| {
                matches!(unversioned(name), "palyra:skill/tool") || name.starts_with("wasi:") && module.component
            };
            (name.starts_with("palyra") || name.starts_with("__palyra") || name.starts_with("wasi"))
                && !of_component(&name)
                // Libraries for WASI threads and the like export helpers of that name.
                && !name.starts_with("wasi_thread_start")
        };
        let host: Vec<_> = module.exports.iter().filter(|export| belongs(&export.name)).collect();
        if let Some(first) = host.first() {
            let names = few(host.iter().map(|export| &*export.name), host.len() as u64);
            let message = format!("exports {names}, in the host's own name");
            self.report(Finding::new(&HOST_NAME_EXPORT, message).at(first.range.clone()));
        }
        let imports = module.imports.iter().map(|i| (imports::name(i), i.range.clone()));
        let exports = module.exports.iter().map(|e| (e.name.clone(), e.range.clone()));
        let mut unseen = imports.chain(exports).filter(|(name, _)| name.contains(is_unseen));
        if let Some((name, range)) = unseen.next() {
            let message = format!("{} holds characters that a reader does not see", quoted(&name));
            self.report(Finding::new(&UNSEEN_IN_NAME, message).at(range));
        }
    }

    fn memory(&mut self) {
        const KEY: &str = "capabilities.quotas.max_memory_bytes";
        let (module, quota) = (self.module, self.manifest.capabilities.quotas.max_memory_bytes);
        let memories = &module.memories;
        if let Some(start) = &module.start {
            let message = "a start function runs before the entry is called";
            self.report(Finding::new(&START_FUNCTION, message).at(start.clone()));
        }
        let Some(largest) = memories.iter().max_by_key(|memory| memory.initial) else { return };
        let sum = memories.iter().fold(0_u64, |sum, memory| sum.saturating_add(memory.initial));
        let most = memories
            .iter()
            .fold(0_u64, |sum, memory| sum.saturating_add(memory.maximum.unwrap_or(u64::MAX).min(quota)));
        let advice = |bytes: u64| format!("at least {bytes}, or build with less memory");
        if largest.initial > quota {
            let message = format!("starts with {} bytes of memory, and the quota is {quota}", largest.initial);
            let finding = Finding::new(&MEMORY_ABOVE_QUOTA, message).at(largest.range.clone());
            self.report(finding.see(KEY, advice(sum)));
        } else if sum > quota {
            let count = memories.len();
            let message = format!("{count} memories start with {sum} bytes together, and the quota is {quota}");
            let mut finding = Finding::new(&MEMORIES_TOGETHER, message).at(largest.range.clone()).see(KEY, advice(sum));
            // No daemon loads a component, and a host that runs one counts the sum.
            if module.component {
                finding.severity = Severity::Warning;
            }
            self.report(finding);
        } else if memories.len() > 1 && !module.component && most > quota {
            let count = memories.len();
            let message = format!("{count} memories may grow to {most} bytes together, and the quota is {quota}");
            let mut finding = Finding::new(&MEMORIES_TOGETHER, message).at(largest.range.clone());
            finding.severity = Severity::Warning;
            self.report(finding.see(KEY, "a daemon holds each memory to it, not their sum: use one memory"));
        } else if largest.maximum.is_none_or(|maximum| maximum > quota) {
            let message = format!("memory may grow up to the quota of {quota} bytes");
            self.report(
                Finding::new(&MEMORY_UNBOUNDED, message).at(largest.range.clone()).see(KEY, "the limit that holds"),
            );
        }
    }

    fn size(&mut self) {
        let module = self.module;
        if let Some((_, range)) = module.tables.largest.clone().filter(|_| module.tables.elements > MAX_TABLE_ELEMENTS)
        {
            let elements = module.tables.elements;
            let message = format!("tables start with {elements} elements, and a daemon gives {MAX_TABLE_ELEMENTS}");
            self.report(Finding::new(&HUGE_TABLE, message).at(range));
        }
        let code = &module.code;
        let mut huge = None;
        if code.functions > MANY_FUNCTIONS {
            huge = Some((format!("{} functions", code.functions), None));
        }
        if let Some((bytes, range)) = code.largest.clone().filter(|(bytes, _)| *bytes > LARGE_FUNCTION) {
            huge = Some((format!("a function of {bytes} bytes"), Some(range)));
        }
        if code.compile_cost > HIGH_COMPILE_COST {
            let locals = code.most_locals.as_ref().map_or(0, |(locals, _)| *locals);
            let message = format!("{} functions, up to {locals} locals in one, with many branches", code.functions);
            huge = Some((message, code.costliest.clone().map(|(_, range)| range)));
        }
        if let Some((what, range)) = huge {
            let mut finding = Finding::new(&HUGE_CODE, format!("{what}: compiling may take very long"));
            finding.byte_range = range;
            self.report(finding);
        }
        let quota = self.manifest.capabilities.quotas.max_memory_bytes;
        if module.data.bytes > quota {
            let message = format!("{} bytes of data, and the memory quota is {quota}", module.data.bytes);
            let mut finding = Finding::new(&HUGE_DATA, message)
                .see("capabilities.quotas.max_memory_bytes", format!("at least {}", module.data.bytes));
            finding.byte_range.clone_from(&module.data.largest);
            self.report(finding);
        }
    }

    fn determinism(&mut self) {
        let decides = |kind: ContractKind| {
            use ContractKind::{CompactionProvider, PolicySignalProvider, RoutingStrategy};
            matches!(kind, RoutingStrategy | PolicySignalProvider | CompactionProvider)
        };
        let contracts = &self.manifest.operator.plugin.contracts;
        let Some(index) = contracts.iter().position(|contract| decides(contract.kind)) else { return };
        let code = &self.module.code;
        let (what, range) = match (&code.relaxed, &code.nan) {
            (Some(range), _) => ("relaxed SIMD", range.clone()),
            (None, Some(range)) => ("float arithmetic that can make a NaN", range.clone()),
            (None, None) => return,
        };
        let message = format!("{what}: machines may answer differently, and the skill offers a contract that decides");
        let key = format!("operator.plugin.contracts[{index}].kind");
        self.report(
            Finding::new(&NONDETERMINISTIC, message).at(range).see(key, "equal inputs should give equal answers"),
        );
    }

    fn strings(&mut self) {
        let strings = &self.module.strings;
        if let Some(first) = strings.secrets.first() {
            let mut message = format!("holds {}", first.what);
            if strings.secret_count > 1 {
                message =
                    format!("holds {} strings in the shape of secrets, the first {}", strings.secret_count, first.what);
            }
            let finding = Finding::new(&SECRET, message).at(first.range.clone());
            self.report(
                finding.see("capabilities.secrets", "ask for the secret by scope and key name, and revoke this one"),
            );
        }
        let component = self.module.component;
        let calls = self.module.imports.iter().any(|import| match imports::need(import, component) {
            Need::Http | Need::Sockets => true,
            // Whoever gives that may give the network with it.
            Need::Unknown(Unknown::Interface | Unknown::Version) => true,
            _ => false,
        });
        let allowlist = &self.manifest.capabilities.http_egress_allowlist;
        let undeclared = || {
            let hosts = strings.hosts.iter().filter(|(_, host)| calls || host.url);
            hosts.filter(|(name, _)| !allowlist.iter().any(|allowed| covers(allowed, name)))
        };
        let Some((_, first)) = undeclared().min_by_key(|(_, host)| host.range.start) else { return };
        let names = few(undeclared().map(|(name, _)| name.as_str()), undeclared().count() as u64);
        let (severity, message) = if calls {
            (Severity::Warning, format!("names {names}, which the manifest does not allow"))
        } else {
            (Severity::Hint, format!("names {names}, and imports nothing that could call them"))
        };
        let mut finding = Finding::new(&UNDECLARED_HOST, message).at(first.range.clone());
        finding.severity = severity;
        self.report(finding.see("capabilities.http_egress_allowlist", "add the hosts that the module calls"));
    }

    fn sections(&mut self) {
        let module = self.module;
        // The names of functions belong to traces and logs; whoever keeps them means to.
        let customs = module.customs.iter().filter(|custom| custom.name != "name");
        let bytes: u64 = customs.clone().map(|custom| custom.range.end - custom.range.start).sum();
        let largest = customs.max_by_key(|custom| (custom.range.end - custom.range.start, custom.range.start));
        if let Some(largest) = largest.filter(|_| bytes > LARGE_CUSTOMS && bytes > module.bytes / 4) {
            let name = quoted(&largest.name);
            let message = format!("{bytes} of {} bytes are custom sections, most of them {name}", module.bytes);
            self.report(Finding::new(&LARGE_CUSTOM_SECTION, message).at(largest.range.clone()));
        }
        if let Dependencies::Unreadable(why) = &module.dependencies {
            let message = format!("the section `.dep-v0` does not read: {}", plain(why));
            self.report(Finding::new(&BAD_DEPENDENCIES, message));
        }
    }
}

/// Whether an entry of the allowlist covers a host that was found among other text. What follows it may be the next
/// string already, unless that makes it another host.
fn covers(allowed: &str, found: &str) -> bool {
    let allowed = allowed.trim().trim_end_matches('.').to_ascii_lowercase();
    let rest = match allowed.split_once('*') {
        Some(("", "")) => return true,
        Some(("", suffix)) => found.find(suffix).and_then(|at| found.get(at + suffix.len()..)),
        Some(_) => None,
        None => found.strip_prefix(&*allowed),
    };
    rest.is_some_and(|rest| !rest.contains('.') && !rest.starts_with('-'))
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Function => "function",
        Kind::Table => "table",
        Kind::Memory => "memory",
        Kind::Global => "global",
        Kind::Tag => "tag",
        Kind::Module => "module",
        Kind::Component => "component",
        Kind::Instance => "instance",
        Kind::Type => "type",
        Kind::Value => "value",
    }
}
