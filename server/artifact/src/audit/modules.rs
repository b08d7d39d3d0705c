//! The rules about one module.

use std::collections::BTreeMap;

use skillyard_manifest::{
    Severity, is_unseen,
    model::{ContractKind, Manifest},
    plain, quoted,
    rules::{Rule, module as rules},
};

use super::{
    Scanned, few,
    imports::{self, Need, Unknown},
};
use crate::{
    Finding,
    module::{Dependencies, Fault, Import, Kind, Module, ModuleKind, unversioned},
};

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
        (&rules::UNSUPPORTED_FEATURE, format!("the module uses what a daemon leaves off: {why}"))
    } else {
        (&rules::INVALID, format!("no valid WebAssembly: {why}"))
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
            self.report(Finding::new(&rules::TEXT_FORMAT, message));
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
            self.report(Finding::new(&rules::COMPONENT, message));
            return;
        }
        if kind == ModuleKind::WasiPreview1Command {
            let message = "a WASI preview 1 command, which a daemon 0.1.0 does not link: it gives modules no WASI";
            self.report(Finding::new(&rules::NOT_RUN_BY_DAEMON, message));
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
            let mut finding =
                Finding::new(&rules::NO_ENTRYPOINT, message).see("operator.plugin.default_entrypoint", advice);
            finding.byte_range = range;
            self.report(finding);
        }
    }

    fn imports(&mut self) {
        let module = self.module;
        let kept = (module.imports.len() as u64, module.exports.len() as u64);
        if kept != (module.import_count, module.export_count) {
            let message = format!("{} imports and {} exports", module.import_count, module.export_count);
            self.report(Finding::new(&rules::TOO_MANY_NAMES, message));
        }
        let mut by_need: BTreeMap<Need, Vec<&Import>> = BTreeMap::new();
        for import in &module.imports {
            by_need.entry(imports::need(import, module.component)).or_default().push(import);
        }
        for (need, imports) in by_need {
            if let Some((rule, severity, why, key, advice)) = self.verdict(need) {
                let names: Vec<String> = imports.iter().map(|import| imports::name(import)).collect();
                let shown = few(names.iter().map(String::as_str), imports.len() as u64);
                let mut finding = Finding::new(rule, format!("imports {shown}: {why}")).see(key, advice);
                finding.names = names.iter().map(|name| plain(name)).collect();
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
            Need::Nothing => (true, (&rules::UNKNOWN_IMPORT, Info, "", "", "")),
            Need::Http => (
                !capabilities.http_egress_allowlist.is_empty(),
                (
                    &rules::UNDECLARED_IMPORT,
                    Warning,
                    "no host is declared, so there is none to call",
                    "capabilities.http_egress_allowlist",
                    "add the hosts that the module calls",
                ),
            ),
            Need::Secrets => (
                !capabilities.secrets.is_empty(),
                (
                    &rules::UNDECLARED_IMPORT,
                    Warning,
                    "no secret is declared, so there is none to ask for",
                    "capabilities.secrets",
                    "add the scope and key names of the secrets that the module reads",
                ),
            ),
            Need::Storage => (
                !filesystem.write_roots.is_empty(),
                (
                    &rules::UNDECLARED_IMPORT,
                    Warning,
                    "no write root is declared, so there is no storage",
                    "capabilities.filesystem.write_roots",
                    "add the folders that the module writes to",
                ),
            ),
            Need::Channels => (
                false,
                (
                    &rules::UNDECLARED_IMPORT,
                    Info,
                    "no manifest can ask for channels, so there are none",
                    "capabilities",
                    "no line grants a channel: build without the call",
                ),
            ),
            Need::Filesystem => (
                !filesystem.read_roots.is_empty() || !filesystem.write_roots.is_empty(),
                (
                    &rules::FILESYSTEM_IMPORT,
                    Error,
                    "these open files, and no folder is declared",
                    "capabilities.filesystem",
                    "add folders to `read_roots` or `write_roots`, or build without file access",
                ),
            ),
            Need::Sockets => (
                false,
                (
                    &rules::SOCKET_IMPORT,
                    Error,
                    "raw sockets are given to no skill",
                    "capabilities.http_egress_allowlist",
                    "no line grants a socket: call hosts over HTTP, and list them here",
                ),
            ),
            Need::Unknown(why) => (
                false,
                (
                    &rules::UNKNOWN_IMPORT,
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
            self.report(Finding::new(&rules::HOST_NAME_EXPORT, message).at(first.range.clone()));
        }
        let imports = module.imports.iter().map(|i| (imports::name(i), i.range.clone()));
        let exports = module.exports.iter().map(|e| (e.name.clone(), e.range.clone()));
        let mut unseen = imports.chain(exports).filter(|(name, _)| name.contains(is_unseen));
        if let Some((name, range)) = unseen.next() {
            let message = format!("{} holds characters that a reader does not see", quoted(&name));
            self.report(Finding::new(&rules::UNSEEN_IN_NAME, message).at(range));
        }
    }

    fn memory(&mut self) {
        const KEY: &str = "capabilities.quotas.max_memory_bytes";
        let (module, quota) = (self.module, self.manifest.capabilities.quotas.max_memory_bytes);
        let memories = &module.memories;
        if let Some(start) = &module.start {
            let message = "a start function runs before the entry is called";
            self.report(Finding::new(&rules::START_FUNCTION, message).at(start.clone()));
        }
        let Some(largest) = memories.iter().max_by_key(|memory| memory.initial) else { return };
        let sum = memories.iter().fold(0_u64, |sum, memory| sum.saturating_add(memory.initial));
        let most = memories
            .iter()
            .fold(0_u64, |sum, memory| sum.saturating_add(memory.maximum.unwrap_or(u64::MAX).min(quota)));
        let advice = |bytes: u64| format!("at least {bytes}, or build with less memory");
        if largest.initial > quota {
            let message = format!("starts with {} bytes of memory, and the quota is {quota}", largest.initial);
            let finding = Finding::new(&rules::MEMORY_ABOVE_QUOTA, message).at(largest.range.clone());
            self.report(finding.see(KEY, advice(sum)));
        } else if sum > quota {
            let count = memories.len();
            let message = format!("{count} memories start with {sum} bytes together, and the quota is {quota}");
            // No daemon loads a component, and a host that runs one counts the sum: it never starts.
            let rule = if module.component { &rules::MEMORY_ABOVE_QUOTA } else { &rules::MEMORIES_TOGETHER };
            self.report(Finding::new(rule, message).at(largest.range.clone()).see(KEY, advice(sum)));
        } else if memories.len() > 1 && !module.component && most > quota {
            let count = memories.len();
            let message = format!("{count} memories may grow to {most} bytes together, and the quota is {quota}");
            let finding = Finding::new(&rules::MEMORIES_MAY_GROW, message).at(largest.range.clone());
            self.report(finding.see(KEY, "a daemon holds each memory to it, not their sum: use one memory"));
        } else if largest.maximum.is_none_or(|maximum| maximum > quota) {
            let message = format!("memory may grow up to the quota of {quota} bytes");
            self.report(
                Finding::new(&rules::MEMORY_UNBOUNDED, message)
                    .at(largest.range.clone())
                    .see(KEY, "the limit that holds"),
            );
        }
    }

    fn size(&mut self) {
        let module = self.module;
        if let Some((_, range)) = module.tables.largest.clone().filter(|_| module.tables.elements > MAX_TABLE_ELEMENTS)
        {
            let elements = module.tables.elements;
            let message = format!("tables start with {elements} elements, and a daemon gives {MAX_TABLE_ELEMENTS}");
            self.report(Finding::new(&rules::HUGE_TABLE, message).at(range));
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
            let mut finding = Finding::new(&rules::HUGE_CODE, format!("{what}: compiling may take very long"));
            finding.byte_range = range;
            self.report(finding);
        }
        let quota = self.manifest.capabilities.quotas.max_memory_bytes;
        if module.data.bytes > quota {
            let message = format!("{} bytes of data, and the memory quota is {quota}", module.data.bytes);
            let mut finding = Finding::new(&rules::HUGE_DATA, message)
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
            Finding::new(&rules::NONDETERMINISTIC, message)
                .at(range)
                .see(key, "equal inputs should give equal answers"),
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
            let finding = Finding::new(&rules::SECRET, message).at(first.range.clone());
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
            hosts.filter(|(name, host)| !allowlist.iter().any(|allowed| covers(allowed, name, host.ended)))
        };
        let Some((_, first)) = undeclared().min_by_key(|(_, host)| host.range.start) else { return };
        let names = few(undeclared().map(|(name, _)| name.as_str()), undeclared().count() as u64);
        let (severity, message) = if calls {
            (Severity::Warning, format!("names {names}, which the manifest does not allow"))
        } else {
            (Severity::Hint, format!("names {names}, and imports nothing that could call them"))
        };
        let mut finding = Finding::new(&rules::UNDECLARED_HOST, message).at(first.range.clone());
        finding.names = undeclared().map(|(name, _)| plain(name)).collect();
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
            self.report(Finding::new(&rules::LARGE_CUSTOM_SECTION, message).at(largest.range.clone()));
        }
        if let Dependencies::Unreadable(why) = &module.dependencies {
            let message = format!("the section `.dep-v0` does not read: {}", plain(why));
            self.report(Finding::new(&rules::BAD_DEPENDENCIES, message));
        }
    }
}

/// Whether an entry of the allowlist covers a host that was found among other text. Where the text does not say that it
/// has `ended`, what follows it may be the next string already, unless that makes it another host.
fn covers(allowed: &str, found: &str, ended: bool) -> bool {
    let allowed = allowed.trim().trim_end_matches('.').to_ascii_lowercase();
    let runs_on = |rest: &str| !rest.contains('.') && !rest.starts_with('-');
    let covers = |rest: &str| if ended { rest.is_empty() } else { runs_on(rest) };
    match allowed.split_once('*') {
        Some(("", "")) => true,
        Some(("", suffix)) if ended => found.ends_with(suffix),
        Some(("", suffix)) => found.find(suffix).and_then(|at| found.get(at + suffix.len()..)).is_some_and(covers),
        Some(_) => false,
        None => found.strip_prefix(&*allowed).is_some_and(covers),
    }
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
