//! `--format sarif`: SARIF 2.1.0, as code scanning reads it.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use serde_json::{Value, json};
use skillyard_manifest::{
    Encoding, Severity, Span,
    rules::{FixKind, PAGES, Rule},
};
use skillyard_project::{
    Finding,
    audit::{Check, Report, Status},
    check::Checked,
    rules,
};

use super::{Places, Reporter, Tally, roots::Root};
use crate::json;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const ROOT: &str = "%SRCROOT%";

/// The format.
pub struct Sarif {
    root: Root,
}

impl Sarif {
    /// With paths counted from the repository around the current folder.
    pub fn here() -> Self {
        Self { root: Root::here() }
    }
}

impl Reporter for Sarif {
    /// The file's results, with a comma behind each.
    fn piece(&self, checked: &Checked, text: &str) -> String {
        let file = Subject { places: Places::new(text), artifact: self.location(&checked.path) };
        let mut fingerprints = HashMap::new();
        let results = checked
            .analysis
            .diagnostics
            .iter()
            .map(|finding| json::line(&file.result(finding, &mut fingerprints)) + ",\n");
        results.collect()
    }

    fn whole(&self, pieces: &[String], _: &Tally, failures: &[String]) -> String {
        let notifications: Vec<_> =
            failures.iter().map(|failure| json!({ "level": "error", "message": { "text": failure } })).collect();
        document(&pieces.concat(), &[], notifications)
    }
}

/// The whole of results, each with a comma and a line end behind it. Only they are many: they come as text already. They may
/// be of our rules and of a daemon's own `checks`.
fn document(results: &str, checks: &[&Check], notifications: Vec<Value>) -> String {
    let ids: BTreeSet<&str> = checks.iter().map(|check| check.check_id.as_str()).collect();
    let driver = json!({
        "name": "Skillyard",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "informationUri": PAGES,
        "rules": rules::all().map(descriptor).chain(ids.into_iter().map(check_descriptor)).collect::<Vec<_>>(),
    });
    let invocation = json!({
        "executionSuccessful": notifications.is_empty(),
        "toolExecutionNotifications": notifications,
    });
    let bases = json!({ ROOT: { "description": { "text": "The root of the repository." } } });
    format!(
        "{{\"$schema\":{},\"version\":\"2.1.0\",\"runs\":[{{\"tool\":{{\"driver\":{}}},\"invocations\":[{}],\
         \"columnKind\":\"utf16CodeUnits\",\"originalUriBaseIds\":{},\"results\":[\n{}]}}]}}\n",
        json::line(SCHEMA),
        json::line(&driver),
        json::line(&invocation),
        json::line(&bases),
        results.strip_suffix(",\n").unwrap_or_default(),
    )
}

/// Findings about the artifact in the file at `path`, or about the skill whose manifest is there. Bytes are those of the
/// archive; of an entry's content there is no place in a file, so it is named as a logical one.
pub fn findings(found: &[Finding], path: &Path) -> String {
    with_checks(found, &[], path)
}

/// [`findings`] of an audit, with those of a daemon's own checks that fail: one of them is enough for a quarantine, and not
/// each has a finding beside it.
pub fn audit(report: &Report, path: &Path) -> String {
    let failed: Vec<&Check> = report.checks.iter().filter(|check| check.status == Status::Fail).collect();
    with_checks(&report.findings, &failed, path)
}

fn with_checks(found: &[Finding], failed: &[&Check], path: &Path) -> String {
    let artifact = Sarif::here().location(path);
    let mut seen: HashMap<u64, u32> = HashMap::new();
    let mut count = |hash: u64| {
        let count = seen.entry(hash).or_default();
        *count += 1;
        format!("{hash:016x}:{count}")
    };
    // One of them may fail for several modules.
    let checks = failed.iter().map(|check| {
        let parts = [&check.check_id, &check.message];
        let hash = fnv1a(parts.iter().flat_map(|part| part.as_bytes().iter().chain(b"\0")));
        let result = json!({
            "ruleId": check.check_id,
            "level": "error",
            "message": { "text": check.message },
            "locations": [{ "physicalLocation": { "artifactLocation": artifact } }],
            "partialFingerprints": { "skillyardFinding": count(hash) },
            "properties": { "daemon": "quarantines" },
        });
        json::line(&result) + ",\n"
    });
    let checks: String = checks.collect();
    let results = found.iter().map(|finding| {
        let mut place = json!({ "physicalLocation": { "artifactLocation": artifact } });
        if let (None, Some(bytes)) = (&finding.entry, &finding.byte_range) {
            let length = bytes.end.saturating_sub(bytes.start);
            place["physicalLocation"]["region"] = json!({ "byteOffset": bytes.start, "byteLength": length });
        }
        let key = finding.manifest.as_ref().map(|place| (&place.key, "member"));
        let logical: Vec<_> = finding.entry.as_ref().map(|entry| (entry, "module")).into_iter().chain(key).collect();
        if !logical.is_empty() {
            place["logicalLocations"] =
                logical.iter().map(|(name, kind)| json!({ "fullyQualifiedName": name, "kind": kind })).collect();
        }
        let mut text = finding.message.clone();
        if let Some(place) = &finding.manifest {
            text.push_str(&format!(" (skill.toml, {}: {})", place.key, place.advice));
        }
        let parts = [finding.rule.code, finding.entry.as_deref().unwrap_or_default(), &finding.message];
        let hash = fnv1a(parts.iter().flat_map(|part| part.as_bytes().iter().chain(b"\0")));
        let result = json!({
            "ruleId": finding.rule.code,
            "level": level(finding.severity),
            "message": { "text": text },
            "locations": [place],
            "partialFingerprints": { "skillyardFinding": count(hash) },
            "properties": { "daemon": finding.rule.daemon.name() },
        });
        json::line(&result) + ",\n"
    });
    document(&(checks + &results.collect::<String>()), failed, Vec::new())
}

/// What stands for the findings about the skill of the manifest at `path` where `why` kept it from being looked at.
pub fn not_looked_at(why: &str, path: &Path) -> String {
    let place = json!({ "physicalLocation": { "artifactLocation": Sarif::here().location(path) } });
    document("", &[], vec![json!({ "level": "error", "message": { "text": why }, "locations": [place] })])
}

impl Sarif {
    fn location(&self, path: &Path) -> Value {
        let (uri, relative) = self.root.uri(path);
        if relative { json!({ "uri": uri, "uriBaseId": ROOT }) } else { json!({ "uri": uri }) }
    }
}

struct Subject<'t> {
    places: Places<'t>,
    artifact: Value,
}

impl Subject<'_> {
    fn result(&self, finding: &skillyard_manifest::Diagnostic, seen: &mut HashMap<u64, u32>) -> Value {
        let mut result = json!({
            "ruleId": finding.rule.code,
            "level": level(finding.severity),
            "message": { "text": finding.message },
            "locations": [{ "physicalLocation": self.place(finding.span) }],
            "partialFingerprints": { "primaryLocationLineHash": self.fingerprint(finding, seen) },
            "properties": { "daemon": finding.rule.daemon.name() },
        });
        if !finding.related.is_empty() {
            let related = finding.related.iter().enumerate().map(|(id, related)| {
                json!({
                    "id": id,
                    "message": { "text": related.message },
                    "physicalLocation": self.place(related.span),
                })
            });
            result["relatedLocations"] = related.collect();
        }
        if !finding.fixes.is_empty() {
            result["fixes"] = finding.fixes.iter().map(|fix| self.fix(fix)).collect();
        }
        result
    }

    fn place(&self, span: Span) -> Value {
        json!({ "artifactLocation": self.artifact, "region": self.region(span) })
    }

    fn region(&self, span: Span) -> Value {
        let start = self.places.seen(span.start, Encoding::Utf16);
        let end = self.places.seen(span.end, Encoding::Utf16);
        json!({
            "startLine": start.line,
            "startColumn": start.character,
            "endLine": end.line,
            "endColumn": end.character,
        })
    }

    fn fix(&self, fix: &skillyard_manifest::Fix) -> Value {
        let replacements: Vec<_> = fix
            .edits
            .iter()
            .map(|edit| {
                let mut replacement = json!({ "deletedRegion": self.region(edit.span) });
                if !edit.text.is_empty() {
                    replacement["insertedContent"] = json!({ "text": edit.text });
                }
                replacement
            })
            .collect();
        let title = if fix.safe { fix.title.clone() } else { format!("{} (unsafe)", fix.title) };
        json!({
            "description": { "text": title },
            "artifactChanges": [{ "artifactLocation": self.artifact, "replacements": replacements }],
        })
    }

    /// The same for the same finding on the same line, wherever in the file that line moves; the number tells repeated
    /// ones apart.
    fn fingerprint(&self, finding: &skillyard_manifest::Diagnostic, seen: &mut HashMap<u64, u32>) -> String {
        let line = self.places.line(finding.span.start).of(self.places.text()).trim();
        let hash = fnv1a([finding.rule.code.as_bytes(), b"\0", line.as_bytes()].into_iter().flatten());
        let count = seen.entry(hash).or_default();
        *count += 1;
        format!("{hash:016x}:{count}")
    }
}

/// A hash that stays the same over all versions and machines, which the standard library's does not promise.
fn fnv1a<'b>(bytes: impl Iterator<Item = &'b u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info | Severity::Hint => "note",
    }
}

/// What stands for a rule where a daemon's own check failed.
fn check_descriptor(check_id: &str) -> Value {
    json!({
        "id": check_id,
        "shortDescription": { "text": "A check of a daemon's own audit failed." },
        "fullDescription": { "text": "A daemon quarantines a skill in which one of its checks fails." },
        "helpUri": PAGES,
        "defaultConfiguration": { "level": "error" },
        "properties": { "tags": ["daemon-audit"], "daemon": "quarantines" },
    })
}

fn descriptor(rule: &'static Rule) -> Value {
    let page = rules::page(rule);
    let mut tags = vec![rule.code.split('/').next().unwrap_or_default()];
    tags.extend((rule.fix != FixKind::None).then_some("fixable"));
    json!({
        "id": rule.code,
        "shortDescription": { "text": format!("{}.", rule.summary) },
        "fullDescription": { "text": rule.details },
        "help": { "text": page, "markdown": page },
        "helpUri": rule.url(),
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": { "tags": tags, "daemon": rule.daemon.name() },
    })
}
