//! The cases that a skill is tested with: `tests/*.json`, each a call and what comes of it. `schema/test-case.schema.json`
//! describes them.
//!
//! A case carries everything that the call needs: files of the skill's storage, secrets' values made up for it, and the
//! answers of hosts. So it gives the same anywhere, and nothing of the machine is used.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::Value;
use skillyard_manifest::grammar;
use skillyard_runtime::json;
use skillyard_store::secrets::SecretName;
use zeroize::Zeroizing;

use crate::{
    files::{self, ReadError},
    shown,
    suggest::did_you_mean,
};

/// The folder of a skill that holds its cases.
pub const FOLDER: &str = "tests";
/// The largest case that is read, in bytes.
pub const MAX_CASE_BYTES: usize = 4 << 20;
/// The most cases that are run of one skill.
pub const MAX_CASES: usize = 10_000;

/// How a call can end, by the names of a result's `outcome`.
pub const OUTCOMES: [&str; 19] = [
    "ok",
    "tool_error",
    "input_invalid",
    "output_invalid",
    "denied",
    "does_not_compile",
    "does_not_link",
    "missing_export",
    "trapped",
    "stack_overflow",
    "fuel_exhausted",
    "memory_exceeded",
    "table_exceeded",
    "instances_exceeded",
    "output_too_large",
    "log_too_large",
    "timed_out",
    "cancelled",
    "worker_died",
];

/// One case.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The id of the tool that is called.
    pub tool: String,
    /// What it is called with; `{}` where nothing is said.
    #[serde(default = "empty")]
    pub input: Value,
    /// Whether the person approves, where the manifest asks for it.
    #[serde(default)]
    pub approve: bool,
    /// What comes of it.
    pub expect: Expect,
    /// The requests that the tool makes, in their order, and their answers. A request that is not listed fails.
    #[serde(default)]
    pub http: Vec<Exchange>,
    /// Secrets' values made up for this case, by `scope/key`.
    #[serde(default, deserialize_with = "unique")]
    pub secrets: BTreeMap<String, CaseSecret>,
    /// The text of files that are in the skill's storage before the call, by their path in it.
    #[serde(default, deserialize_with = "unique")]
    pub files: BTreeMap<String, String>,
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

/// What is expected of a call. At least one of the three is said.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The output, compared as a JSON value; then the outcome is `ok`.
    #[serde(default, deserialize_with = "said")]
    pub output: Option<Value>,
    /// How the call ends, one of [`OUTCOMES`]; `ok` where nothing is said.
    #[serde(default, deserialize_with = "said")]
    pub outcome: Option<String>,
    /// The exit code of a command, or the result of a plugin.
    #[serde(default, deserialize_with = "said")]
    pub exit_code: Option<i32>,
}

impl Expect {
    /// How the call is to end.
    #[must_use]
    pub fn outcome(&self) -> &str {
        self.outcome.as_deref().unwrap_or("ok")
    }
}

/// A request and its answer.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// What the tool asks.
    pub request: CaseRequest,
    /// What it is told.
    pub response: CaseResponse,
}

/// What identifies a request.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseRequest {
    /// The method, such as `GET`.
    pub method: String,
    /// The whole URL.
    pub url: String,
}

/// The answer to a request.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseResponse {
    /// The status, 100 to 599.
    pub status: u16,
    /// Headers by name.
    #[serde(default, deserialize_with = "unique")]
    pub headers: BTreeMap<String, String>,
    /// The body's text.
    #[serde(default)]
    pub body: String,
}

/// The value of a secret: made up or not, it is not shown, and wiped.
#[derive(Clone, PartialEq, Eq)]
pub struct CaseSecret(pub Zeroizing<String>);

impl fmt::Debug for CaseSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CaseSecret")
    }
}

impl<'de> Deserialize<'de> for CaseSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Its words for another type hold no value.
        struct Text;
        impl Visitor<'_> for Text {
            type Value = CaseSecret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the text of a secret")
            }

            fn visit_str<E>(self, text: &str) -> Result<CaseSecret, E> {
                Ok(CaseSecret(Zeroizing::new(text.to_owned())))
            }

            fn visit_string<E>(self, text: String) -> Result<CaseSecret, E> {
                Ok(CaseSecret(Zeroizing::new(text)))
            }

            fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<CaseSecret, E> {
                Err(E::custom("a secret is written as a text"))
            }

            fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<CaseSecret, E> {
                Err(E::custom("a secret is written as a text"))
            }

            fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<CaseSecret, E> {
                Err(E::custom("a secret is written as a text"))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

/// A value that is there, `null` too.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A table of which no key stands twice.
fn unique<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error> {
    struct Unique<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Unique<T> {
        type Value = BTreeMap<String, T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = BTreeMap::new();
            while let Some(key) = map.next_key::<String>()? {
                let value = map.next_value()?;
                if found.contains_key(&key) {
                    return Err(A::Error::custom(format_args!("`{key}` stands twice")));
                }
                found.insert(key, value);
            }
            Ok(found)
        }
    }
    deserializer.deserialize_map(Unique(std::marker::PhantomData))
}

impl Case {
    /// Reads the text of a case.
    ///
    /// # Errors
    /// [`CaseFault`], with the place where there is one.
    pub fn parse(text: &[u8]) -> Result<Self, CaseFault> {
        if let Some(values) = std::str::from_utf8(text).ok().and_then(json::too_many) {
            return Err(CaseFault::TooMany { values });
        }
        let case: Self = serde_json::from_slice(text).map_err(|error| {
            // The place is told apart from the words.
            let words = error.to_string();
            let place = format!(" at line {} column {}", error.line(), error.column());
            let words = words.strip_suffix(&place).unwrap_or(&words).to_owned();
            CaseFault::Syntax { line: error.line(), column: error.column(), words }
        })?;
        case.check()?;
        match std::str::from_utf8(text).ok().and_then(json::unkept) {
            Some(number) => Err(CaseFault::Number { number: number.to_owned() }),
            None => Ok(case),
        }
    }

    fn check(&self) -> Result<(), CaseFault> {
        let Self { tool, expect, http, secrets, files, .. } = self;
        let fault = |at: String, what: &'static str| Err(CaseFault::Value { at, what });
        if !grammar::is_identifier(tool) || tool.trim() != tool {
            return fault("tool".to_owned(), "name the id of a tool of the manifest");
        }
        let Expect { output, outcome, exit_code } = expect;
        if output.is_none() && outcome.is_none() && exit_code.is_none() {
            return fault("expect".to_owned(), "say what comes of it: `output`, `outcome` or `exit_code`");
        }
        if let Some(outcome) = outcome.as_ref().filter(|outcome| !OUTCOMES.contains(&outcome.as_str())) {
            return Err(CaseFault::UnknownOutcome { outcome: outcome.clone() });
        }
        if output.is_some() && expect.outcome() != "ok" {
            return fault(
                "expect".to_owned(),
                "a call has an output where its outcome is `ok`; take one of the two away",
            );
        }
        for (n, Exchange { request, response }) in http.iter().enumerate() {
            let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if request.method.is_empty() || !request.method.chars().all(is_token) {
                return fault(format!("http[{n}].request.method"), "name a method such as `GET`");
            }
            if !["https://", "http://"].iter().any(|scheme| request.url.starts_with(scheme)) {
                return fault(format!("http[{n}].request.url"), "write the whole URL, with `https://` or `http://`");
            }
            if !(100..=599).contains(&response.status) {
                return fault(format!("http[{n}].response.status"), "a status is 100 to 599");
            }
            for (name, value) in &response.headers {
                if name.is_empty() || !name.chars().all(is_token) || value.contains(['\r', '\n', '\0']) {
                    return fault(format!("http[{n}].response.headers.{name}"), "is no header of HTTP");
                }
            }
        }
        for name in secrets.keys() {
            if name.parse::<SecretName>().is_err() {
                return fault(format!("secrets.{name}"), "write SCOPE/KEY as the manifest names it");
            }
        }
        for path in files.keys() {
            if path.trim() != path || path.contains('\\') || grammar::path_fault(path).is_some() {
                return fault(
                    format!("files.{path}"),
                    "write a path below the skill's storage, with `/` between its parts",
                );
            }
            if path.match_indices('/').any(|(at, _)| path.get(..at).is_some_and(|folder| files.contains_key(folder))) {
                return fault(format!("files.{path}"), "lies below what another line says is a file");
            }
        }
        Ok(())
    }
}

/// A file with a case, which has not been read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseFile {
    /// Its name in the folder of cases.
    pub name: String,
    /// Where it is, for [`read`]: one after the other, as all of them together may fill any memory.
    pub path: PathBuf,
}

/// The cases in the folder `tests` of a skill's folder, by name; none where there is no such folder. Links and hidden
/// files are not followed or read, nor are folders in it.
///
/// # Errors
/// If the folder cannot be listed, or holds more than [`MAX_CASES`].
pub fn of_skill(skill: &Path) -> Result<Vec<CaseFile>, CaseError> {
    let folder = skill.join(FOLDER);
    let unlisted = |error| CaseError::List { folder: folder.clone(), error };
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unlisted)?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unlisted)?;
        let path = entry.path();
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let is_case = path.extension().is_some_and(|extension| extension == "json");
        if is_case && !hidden && entry.file_type().map_err(unlisted)?.is_file() {
            paths.push(path);
            if paths.len() > MAX_CASES {
                return Err(CaseError::TooMany { folder });
            }
        }
    }
    paths.sort();
    Ok(paths
        .into_iter()
        .map(|path| CaseFile { name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), path })
        .collect())
}

/// Reads one case.
///
/// # Errors
/// If it cannot be read or is no case.
pub fn read(path: &Path) -> Result<Case, CaseError> {
    let text = Zeroizing::new(files::read(path, MAX_CASE_BYTES).map_err(CaseError::Read)?);
    Case::parse(&text).map_err(|fault| CaseError::Case { path: path.to_owned(), fault })
}

/// What is wrong with a case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CaseFault {
    /// No JSON, or not of the form of a case.
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// The parser's words, not yet escaped.
        words: String,
    },
    /// A value that means nothing.
    Value {
        /// Where, as keys with dots between them; not yet escaped.
        at: String,
        /// What to do.
        what: &'static str,
    },
    /// More in it than anything is built of.
    TooMany {
        /// How many values and keys.
        values: usize,
    },
    /// A number with more digits than are kept.
    Number {
        /// As it is written.
        number: String,
    },
    /// No call ends so.
    UnknownOutcome {
        /// What was written.
        outcome: String,
    },
}

impl fmt::Display for CaseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { line, column, words } => write!(f, "{line}:{column}: {}", shown::words(words, 400)),
            Self::Value { at, what } => write!(f, "`{}`: {what}", shown::words(at, 200)),
            Self::TooMany { values } => {
                write!(f, "it has {values} JSON values and keys, of {} that a case may have", json::MAX_VALUES)
            }
            Self::Number { number } => write!(
                f,
                "the number {} has more digits than a case keeps: write it with fewer, or as a text",
                shown::words(number, 80)
            ),
            Self::UnknownOutcome { outcome } => write!(
                f,
                "`expect.outcome`: no call ends as `{}`; {}",
                shown::words(outcome, 80),
                did_you_mean(outcome, OUTCOMES, "schema/test-case.schema.json lists the outcomes")
            ),
        }
    }
}

/// Why a case could not be read.
#[derive(Debug)]
pub enum CaseError {
    /// The folder cannot be listed.
    List {
        /// The folder.
        folder: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// More cases than anybody runs.
    TooMany {
        /// The folder.
        folder: PathBuf,
    },
    /// The file cannot be read.
    Read(ReadError),
    /// What is in it is no case.
    Case {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: CaseFault,
    },
}

impl fmt::Display for CaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List { folder, error } => write!(f, "{}: cannot be listed: {error}", shown::path(folder)),
            Self::TooMany { folder } => {
                write!(f, "{}: holds more than {MAX_CASES} cases; divide them between skills", shown::path(folder))
            }
            Self::Read(error) => error.fmt(f),
            Self::Case { path, fault: fault @ CaseFault::Syntax { .. } } => write!(f, "{}:{fault}", shown::path(path)),
            Self::Case { path, fault } => write!(f, "{}: {fault}", shown::path(path)),
        }
    }
}

impl std::error::Error for CaseError {}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{
  "tool": "acme.echo", "input": {"a": [1, null]}, "approve": true,
  "expect": {"output": null, "exit_code": 0},
  "http": [{"request": {"method": "GET", "url": "https://api.acme.example/v1"},
            "response": {"status": 200, "headers": {"content-type": "text/plain"}, "body": "hi"}}],
  "secrets": {"skill:acme.x/token": "hunter2"},
  "files": {"data/in.txt": "x"}
}"#;

    fn fault(text: &str) -> String {
        Case::parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_case_is_read_whole() {
        let case = Case::parse(WHOLE.as_bytes()).unwrap();
        assert_eq!((case.tool.as_str(), case.approve, case.expect.outcome()), ("acme.echo", true, "ok"));
        assert_eq!((case.expect.output.clone(), case.expect.exit_code), (Some(Value::Null), Some(0)));
        assert_eq!(case.http[0].response.body, "hi");
        assert_eq!(case.secrets["skill:acme.x/token"].0.as_str(), "hunter2");
        assert!(!format!("{case:?}").contains("hunter2"));
        let least = Case::parse(br#"{"tool": "acme.echo", "expect": {"outcome": "tool_error"}}"#).unwrap();
        assert_eq!((least.input, least.approve, least.expect.outcome()), (empty(), false, "tool_error"));
    }

    #[test]
    fn a_fault_is_told_with_its_place() {
        let with = |what: &str| format!(r#"{{"tool": "acme.echo", "expect": {{"output": 1}}, {what}}}"#);
        for (text, words) in [
            ("", "1:0: EOF"),
            ("{\n  \"tool\": 1}", "2:"),
            ("{}", "missing field `tool`"),
            (r#"{"tool": "acme.echo"}"#, "missing field `expect`"),
            (r#"{"tool": "acme.echo", "expect": {}}"#, "`output`, `outcome` or `exit_code`"),
            (r#"{"tool": "acme.echo", "expect": {"outcome": "tool_eror"}}"#, "did you mean `tool_error`"),
            (r#"{"tool": "acme.echo", "expect": {"outcome": "denied", "output": 1}}"#, "take one of the two away"),
            (r#"{"tool": "Acme", "expect": {"output": 1}}"#, "`tool`"),
            (&with(r#""aprove": true"#), "unknown field `aprove`"),
            (&with(r#""tool": "acme.x""#), "duplicate field"),
            (&with(r#""files": {"a": "x", "a": "y"}"#), "`a` stands twice"),
            (&with(r#""files": {"../a": "x"}"#), "`files.../a`"),
            (&with(r#""files": {"/a": "x"}"#), "below the skill's storage"),
            (&with(r#""files": {"a": "x", "a/b": "y"}"#), "another line"),
            (&with(r#""secrets": {"token": "x"}"#), "SCOPE/KEY"),
            (&with(r#""secrets": {"global/token": 1234567}"#), "written as a text"),
            (
                &with(r#""http": [{"request": {"method": "GET", "url": "ftp://x"}, "response": {"status": 200}}]"#),
                "https://",
            ),
            (
                &with(r#""http": [{"request": {"method": "G T", "url": "http://x"}, "response": {"status": 200}}]"#),
                "method",
            ),
            (
                &with(r#""http": [{"request": {"method": "GET", "url": "http://x"}, "response": {"status": 20}}]"#),
                "100 to 599",
            ),
        ] {
            let said = fault(text);
            assert!(said.contains(words), "{text}\n{said}");
        }
        assert!(!fault(&with(r#""secrets": {"global/token": 1234567}"#)).contains("1234567"));
        assert!(!fault(&with("\"\u{202e}\": 1")).contains('\u{202e}'));
        // Depth is bounded by the parser.
        let deep = with(&format!(r#""input": {}{}"#, "[".repeat(100_000), "]".repeat(100_000)));
        assert!(fault(&deep).contains("recursion"));
        // So is how much is built of it.
        let many = with(&format!(r#""input": [{}1]"#, "1,".repeat(json::MAX_VALUES)));
        assert!(fault(&many).contains("500000"), "{}", fault(&many));
    }

    #[test]
    fn the_cases_of_a_skill_are_its_files() {
        let skill = tempfile::tempdir().unwrap();
        assert!(of_skill(skill.path()).unwrap().is_empty());
        let folder = skill.path().join(FOLDER);
        fs::create_dir(&folder).unwrap();
        fs::create_dir(folder.join("folder.json")).unwrap();
        for (name, text) in [("b.json", WHOLE), ("a.json", "{"), (".hidden.json", WHOLE), ("README.md", "x")] {
            fs::write(folder.join(name), text).unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.join("b.json"), folder.join("link.json")).unwrap();
        let cases = of_skill(skill.path()).unwrap();
        assert_eq!(cases.iter().map(|case| case.name.as_str()).collect::<Vec<_>>(), ["a.json", "b.json"]);
        assert!(read(&cases[1].path).is_ok());
        let said = read(&cases[0].path).unwrap_err().to_string();
        assert!(said.contains("a.json:1:1: EOF"), "{said}");
    }
}
