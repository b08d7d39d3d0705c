//! What a call that went well shows about the manifest: grants that it did not use, quotas far from what it used.
//!
//! One call is no proof: a hint says what was seen, and nothing fails on it.

use skillyard_artifact::module::ModuleKind;
use skillyard_manifest::{
    Grants, plain,
    rules::run::{DAEMON_DIFFERS, LOOSE_QUOTA, TIGHT_QUOTA, UNUSED_GRANT},
};
use skillyard_runtime::{
    call::{HostCall, Outcome},
    secrets::MARK,
};

use super::{
    call::{FILES, NETWORK, SECRETS},
    report::{Hint, RunReport},
};

/// A quota beyond so many times what was used is loose.
const LOOSE: u64 = 100;
/// What a loose quota might be instead, as times what was used.
const ROOM: u64 = 10;
/// No smaller fuel budget is advised.
const FUEL_FLOOR: u64 = 1_000_000;
/// No smaller memory is advised: 1 MiB.
const MEMORY_FLOOR: u64 = 1 << 20;

/// The hints of a call. Of one that did not go well only how a daemon differs: what it would have used is not known.
pub(super) fn of(grants: &Grants, read_roots: &[String], report: &RunReport) -> Vec<Hint> {
    let mut hints = Vec::new();
    differs(read_roots, report, &mut hints);
    if report.outcome != Outcome::Ok {
        return hints;
    }
    // What is not listed may have used anything.
    if report.unrecorded_host_calls == 0 {
        unused(grants, read_roots, report, &mut hints);
    }
    quota("fuel_budget", "units of fuel", report.fuel.used, report.fuel.budget, FUEL_FLOOR, &mut hints);
    let memory = report.memory;
    quota("max_memory_bytes", "bytes of memory", memory.peak_bytes, memory.limit_bytes, MEMORY_FLOOR, &mut hints);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds of one call")]
    let took = report.duration_ms.max(0.0) as u64;
    // How long a call takes is another machine's business too: only a clock that nearly ran out is told.
    if report.wall_clock_ms > 0 && took >= report.wall_clock_ms / 10 * 8 {
        hints.push(tight("wall_clock_timeout_ms", "milliseconds", took, report.wall_clock_ms));
    }
    hints
}

/// How a daemon 0.1.0 would have ended the call, where that is known and not the same.
fn differs(read_roots: &[String], report: &RunReport, hints: &mut Vec<Hint>) {
    let Some(tool) = &report.tool_id else { return };
    let mut push = |key: &str, value: Option<String>, message: String| {
        let rule = &DAEMON_DIFFERS;
        hints.push(Hint { code: rule.code, key: key.to_owned(), value, message, limit: None, advised: None });
    };
    let at_tool = "entrypoints.tools";
    if !report.daemon_runs {
        let message =
            format!("a daemon 0.1.0 runs plug-ins only, and this is a {}: there the call fails", report.kind.name());
        return push(at_tool, Some(tool.clone()), message);
    }
    let here = match report.outcome {
        Outcome::Ok | Outcome::OutputInvalid | Outcome::ToolError => "ok",
        Outcome::DoesNotCompile => "Compile",
        Outcome::DoesNotLink => "Linker",
        Outcome::MissingExport => "MissingExport",
        Outcome::Trapped | Outcome::StackOverflow => "Execution",
        Outcome::FuelExhausted | Outcome::MemoryExceeded | Outcome::TableExceeded | Outcome::InstancesExceeded => {
            "ExecutionLimitExceeded"
        }
        Outcome::TimedOut => "ExecutionTimedOut",
        _ => return,
    };
    match report.daemon_outcome.as_deref() {
        Some(daemon) if daemon == here => {}
        Some(daemon) => {
            let message =
                format!("a daemon 0.1.0 would have ended this call with {daemon}, and it ended with {here} here");
            push(at_tool, Some(tool.clone()), message);
        }
        // A worker that was ended by its clock says nothing.
        None if report.outcome == Outcome::TimedOut => {}
        None => {
            let message = "memory was refused here that a daemon 0.1.0 would have given, since it holds \
                           `max_memory_bytes` for each memory apart and counts no tables: there the call may end otherwise";
            push(at_tool, Some(tool.clone()), message.to_owned());
        }
    }
    for root in read_roots {
        let message = format!(
            "a daemon 0.1.0 grants nothing for the read root {}: there the tool cannot read it",
            plain(root.trim())
        );
        push("capabilities.filesystem.read_roots", Some(root.trim().to_owned()), message);
    }
}

fn key(name: &str) -> String {
    format!("capabilities.quotas.{name}")
}

fn tight(name: &str, unit: &str, used: u64, limit: u64) -> Hint {
    Hint {
        code: TIGHT_QUOTA.code,
        key: key(name),
        value: None,
        limit: Some(limit),
        message: format!("this call used {used} of {limit} {unit}: a larger input may go beyond"),
        advised: Some(used.saturating_mul(2)),
    }
}

fn quota(name: &str, unit: &str, used: u64, limit: u64, floor: u64, hints: &mut Vec<Hint>) {
    if limit == 0 || used == 0 {
        return;
    }
    let advised = used.saturating_mul(ROOM).max(floor).next_power_of_two();
    if used >= limit / 10 * 8 {
        hints.push(tight(name, unit, used, limit));
    } else if used < limit / LOOSE && advised < limit {
        hints.push(Hint {
            code: LOOSE_QUOTA.code,
            key: key(name),
            value: None,
            limit: Some(limit),
            message: format!("this call used {used} of {limit} {unit}: {advised} would leave it room"),
            advised: Some(advised),
        });
    }
}

/// The host of a URL in a recorded call, `GET https://api.example/x → …`.
fn host_of(call: &HostCall) -> Option<&str> {
    let url = call.arguments.split(' ').nth(1)?;
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    Some(host.split(':').next().unwrap_or(host))
}

impl RunReport {
    /// The hosts that it called, sorted, none twice; also those that it was denied.
    #[must_use]
    pub fn hosts_called(&self) -> Vec<String> {
        let calls = self.host_calls.iter().filter(|call| call.name == "http");
        let mut hosts: Vec<String> = calls.filter_map(host_of).map(str::to_ascii_lowercase).collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }

    /// The secrets that it asked for, as scope and key, sorted, none twice; also those that it was denied.
    #[must_use]
    pub fn secrets_read(&self) -> Vec<(String, String)> {
        let calls = self.host_calls.iter().filter(|call| call.name == "secret");
        let names = calls.filter_map(|call| call.arguments.rsplit_once('/'));
        let mut secrets: Vec<_> = names.map(|(scope, key)| (scope.to_owned(), key.to_owned())).collect();
        secrets.sort();
        secrets.dedup();
        secrets
    }
}

/// Grants that the call did not ask for. What it asked for and was denied it wants all the same; and of what the policy
/// gave none of, a tool may have seen that it is not there and asked no further.
fn unused(grants: &Grants, read_roots: &[String], report: &RunReport, hints: &mut Vec<Hint>) {
    let calls = || report.host_calls.iter();
    let given = |action: &str| report.policy.as_ref().is_none_or(|policy| policy.gives(action));
    let hosts = if given(NETWORK) { &grants.http_hosts[..] } else { &[] };
    let secrets = if given(SECRETS) { &grants.secret_keys[..] } else { &[] };
    let writes = if given(FILES) { &grants.storage_prefixes[..] } else { &[] };
    let mut push = |key: &str, value: Option<&str>, what: &str, name: &str| {
        let message = format!("this call did not {what} {}: if no call does, remove it", plain(name));
        let (code, key, value) = (UNUSED_GRANT.code, key.to_owned(), value.map(str::to_owned));
        hints.push(Hint { code, key, value, message, limit: None, advised: None });
    };
    if report.kind == ModuleKind::PalyraPlugin {
        // A plugin asks for handles and does not say what for: it is seen to ask for some of a kind, or for none.
        for (word, names, key) in [
            ("http-", hosts, "capabilities.http_egress_allowlist"),
            ("secret-", secrets, "capabilities.secrets"),
            ("storage-", writes, "capabilities.filesystem.write_roots"),
        ] {
            if !names.is_empty() && !calls().any(|call| call.name.starts_with(word)) {
                push(key, None, "ask for the handles of", &names.join(", "));
            }
        }
        return;
    }
    for host in hosts {
        let used = calls().filter(|call| call.name == "http").any(|call| {
            host_of(call).is_none_or(|asked| {
                asked.contains(MARK)
                    || asked.eq_ignore_ascii_case(host)
                    || host.strip_prefix('*').is_some_and(|tail| asked.ends_with(tail))
            })
        });
        if !used {
            push("capabilities.http_egress_allowlist", Some(host), "ask", host);
        }
    }
    for name in secrets {
        if !calls().any(|call| call.name == "secret" && (call.arguments == *name || call.arguments.contains(MARK))) {
            push("capabilities.secrets", Some(name), "read the secret", name);
        }
    }
    let named = |call: &&HostCall| !matches!(call.name.as_str(), "http" | "secret");
    for (roots, key, what) in [
        (writes, "capabilities.filesystem.write_roots", "touch"),
        (read_roots, "capabilities.filesystem.read_roots", "read"),
    ] {
        for root in roots.iter().map(|root| root.trim()).filter(|root| *root != "*") {
            if !calls().filter(named).any(|call| touches(&call.arguments, root)) {
                push(key, Some(root), what, root);
            }
        }
    }
}

/// Whether what a host call of files tells, a path or two with an arrow between them, leads to `root` or through it. Of
/// what is not told whole, a masked or a very long path, and of more arrows than two names have, it is taken for granted.
fn touches(told: &str, root: &str) -> bool {
    let arrow = " -> ";
    let root: Vec<&str> = parts(root).collect();
    if [MARK, " bytes)", "(no text)"].iter().any(|gone| told.contains(gone)) || told.matches(arrow).count() > 2 {
        return true;
    }
    // A root may hold the arrow itself: what begins behind each of them may be a path, up to any other of them.
    let starts = || std::iter::once(0).chain(told.match_indices(arrow).map(|(at, _)| at + arrow.len()));
    let ends = || told.match_indices(arrow).map(|(at, _)| at).chain(std::iter::once(told.len()));
    starts().any(|from| ends().filter_map(|to| told.get(from..to)).any(|path| leads_through(path, &root)))
}

/// Whether a path is that of `root`, or comes by it on its way.
fn leads_through(path: &str, root: &[&str]) -> bool {
    let mut at = Vec::new();
    parts(path).any(|part| {
        if part == ".." {
            at.pop();
        } else {
            at.push(part);
        }
        at == root
    })
}

/// The parts of a path but those that lead nowhere.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !matches!(*part, "" | "."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, arguments: &str) -> HostCall {
        HostCall {
            name: name.to_owned(),
            arguments: arguments.to_owned(),
            decision: skillyard_runtime::call::Decision::Allowed,
            at_ms: 0.0,
            took_ms: 0.0,
        }
    }

    #[test]
    fn hosts_are_read_from_calls() {
        for (arguments, host) in [
            ("GET https://api.example/x → 200, 3 bytes", Some("api.example")),
            ("GET http://u@api.example:80?q", Some("api.example")),
            ("GET nonsense", None),
        ] {
            assert_eq!(host_of(&call("http", arguments)), host, "{arguments}");
        }
    }

    #[test]
    fn a_path_leads_to_its_root_and_to_no_other() {
        for (told, root) in [
            ("/in", "in"),
            ("in/.", "in"),
            ("./in//a b", "in"),
            ("/my dir/a", "my dir"),
            ("/my dir/a -> /out/b", "my dir"),
            ("/my dir/a -> /out/b", "out"),
            ("/a -> b/c", "a -> b"),
            ("/x -> /a -> b/c", "a -> b"),
            ("/in/../out/a", "out"),
            ("/in/../out/a", "in"),
            ("/a/b/c", "./a/b/"),
            ("(a path of 9000 bytes)", "in"),
            ("/out/***", "in"),
        ] {
            assert!(touches(told, root), "{told}: {root}");
        }
        for (told, root) in [("/inner/a", "in"), ("/my", "my dir"), ("/out/in", "in"), ("/a", "a/b"), ("", "in")] {
            assert!(!touches(told, root), "{told}: {root}");
        }
    }

    #[test]
    fn quotas_far_off_are_told() {
        let told = |used, limit| {
            let mut hints = Vec::new();
            quota("fuel_budget", "units of fuel", used, limit, FUEL_FLOOR, &mut hints);
            hints.pop().map(|hint| (hint.code, hint.advised))
        };
        assert_eq!(told(20_000, 1_000_000_000), Some((LOOSE_QUOTA.code, Some(1 << 20))));
        assert_eq!(told(900, 1_000), Some((TIGHT_QUOTA.code, Some(1_800))));
        assert_eq!(told(500, 1_000), None);
        // Nothing smaller than the floor is advised.
        assert_eq!(told(10, 1_000_000), None);
    }
}
