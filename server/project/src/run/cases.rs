//! The cases of a skill, run one by one through the whole flow.

use std::{ffi::OsString, fmt, io, path::Path, time::Instant};

use serde::Serialize;
use serde_json::Value;
use skillyard_artifact::Progress;

use super::{
    call::{CallError, CallOptions, Engine, call},
    packed::{Held, Packed, RunError},
    replay::Replay,
    report::{RefusedReport, RunReport},
};
use crate::{
    cases::{Case, CaseError, CaseFile, of_skill, read},
    home::Home,
};

/// Why the cases were not run.
#[derive(Debug)]
pub enum TestError {
    /// They cannot be listed.
    Cases(CaseError),
    /// The skill cannot be packaged or does not verify.
    Run(RunError),
    /// It was ended.
    Cancelled,
}

impl fmt::Display for TestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cases(error) => error.fmt(f),
            Self::Run(error) => error.fmt(f),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

impl std::error::Error for TestError {}

/// What became of one case.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CaseReport {
    /// The file's name.
    pub name: String,
    /// Whether everything was as expected.
    pub passed: bool,
    /// What was not, a line each.
    pub failures: Vec<String>,
    /// Milliseconds.
    pub duration_ms: f64,
    /// The call, or why there was none, where that can be told; those after the first 32 MiB of reports are left out.
    pub report: Option<CaseCall>,
}

/// What became of the call of a case.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(untagged)]
pub enum CaseCall {
    /// It ended.
    Ended(Box<RunReport>),
    /// The skill was refused before it.
    Refused(Box<RefusedReport>),
}

/// What became of all of them.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TestReport {
    /// The skill's id.
    pub skill_id: String,
    /// Its version.
    pub version: String,
    /// How many passed.
    pub passed: usize,
    /// How many did not.
    pub failed: usize,
    /// The cases in the order of their names.
    pub cases: Vec<CaseReport>,
}

/// Runs the cases of the skill in `folder`. Secrets of the person, the network and the skill's own storage are left alone.
///
/// # Errors
/// If there is nothing to run them on.
pub fn test_folder(
    folder: &Path,
    home: &Home,
    held: Held,
    lookup: &dyn Fn(&str) -> Option<String>,
    progress: &dyn Progress,
) -> Result<TestReport, TestError> {
    let files = of_skill(folder).map_err(TestError::Cases)?;
    let packed = Packed::of_folder(folder, None, home, held, lookup, progress).map_err(TestError::Run)?;
    let (skill_id, version) = packed.about(progress).map_err(TestError::Run)?;
    let mut cases = Vec::with_capacity(files.len());
    let total = files.len() as u64;
    let mut left = REPORTS_BYTES;
    for (at, CaseFile { name, path }) in files.into_iter().enumerate() {
        progress.at("testing", at as u64, total).map_err(|_| TestError::Cancelled)?;
        let began = Instant::now();
        let (failures, report) = match read(&path) {
            Ok(case) => one(&packed, (&name, &case), home, progress)?,
            Err(error) => (vec![error.to_string()], None),
        };
        let report = report.filter(|report| {
            let bytes = size(report);
            let fits = bytes <= left;
            left = left.saturating_sub(bytes);
            fits
        });
        let duration_ms = began.elapsed().as_secs_f64() * 1000.0;
        cases.push(CaseReport { name, passed: failures.is_empty(), failures, duration_ms, report });
    }
    let passed = cases.iter().filter(|case| case.passed).count();
    Ok(TestReport { skill_id, version, passed, failed: cases.len() - passed, cases })
}

/// The reports that are kept, in bytes of their JSON.
const REPORTS_BYTES: usize = 32 << 20;

/// Bytes of a report's JSON.
fn size(report: &CaseCall) -> usize {
    struct Bytes(usize);
    impl io::Write for Bytes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut bytes = Bytes(0);
    // What cannot be written is not kept.
    serde_json::to_writer(&mut bytes, report).map_or(usize::MAX, |()| bytes.0)
}

type Came = (Vec<String>, Option<CaseCall>);

fn one(packed: &Packed, (name, case): (&str, &Case), home: &Home, progress: &dyn Progress) -> Result<Came, TestError> {
    let failed = |why: String| Ok((vec![why], None));
    let ready = match packed.ready(Some(&case.tool), progress) {
        Ok(ready) => ready,
        Err(RunError::Cancelled) => return Err(TestError::Cancelled),
        Err(error) => {
            let report = RefusedReport::of(&error, Some(&case.tool));
            return Ok((vec![error.to_string()], report.map(|report| CaseCall::Refused(Box::new(report)))));
        }
    };
    let storage = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => return failed(format!("no folder for the case's files: {error}")),
    };
    let replay =
        Replay { http: case.http.clone(), secrets: case.secrets.clone(), storage: storage.path().join("storage") };
    if let Err(error) = replay.write(&case.files) {
        return failed(format!("the case's files: {error}"));
    }
    let engine = match Engine::of_this_program(home, true) {
        Ok(engine) => engine,
        Err(error) => return failed(error.to_string()),
    };
    let options = CallOptions {
        input: case.input.to_string(),
        approved: case.approve,
        forget_input: true,
        replay: Some(replay),
        ..CallOptions::default()
    };
    let nothing = |_: &str| -> Option<OsString> { None };
    match call(&ready, engine, home, &options, &nothing, progress) {
        Ok(report) => Ok((compare(name, case, &report), Some(CaseCall::Ended(Box::new(report))))),
        Err(CallError::Cancelled) => Err(TestError::Cancelled),
        Err(error) => failed(error.to_string()),
    }
}

/// What is not as expected.
fn compare(name: &str, case: &Case, report: &RunReport) -> Vec<String> {
    let mut failures = Vec::new();
    let outcome = match serde_json::to_value(report.outcome) {
        Ok(Value::String(outcome)) => outcome,
        _ => String::new(),
    };
    if outcome != case.expect.outcome() {
        let mut why = report.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        if report.lacks_approval() && !case.approve {
            why.push_str(&format!("; set \"approve\": true in tests/{name}"));
        }
        failures.push(format!("expected the outcome {}, and it is {outcome}{why}", case.expect.outcome()));
    }
    if let Some(expected) = &case.expect.output
        && report.output.as_ref() != Some(expected)
    {
        let got = report.output.as_ref().map_or_else(|| "none".to_owned(), Value::to_string);
        failures.push(format!("expected the output {expected}, and it is {got}"));
    }
    if let Some(expected) = case.expect.exit_code
        && report.exit_code != Some(expected)
    {
        let got = report.exit_code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        failures.push(format!("expected the exit code {expected}, and it is {got}"));
    }
    failures.extend(report.unasked.iter().map(|asked| format!("the request {asked} was expected, and never made")));
    failures
}
