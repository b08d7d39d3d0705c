//! What a person can have done to a skill from the editor.
//!
//! [`Command::ALL`] is the one table of commands: what the server says it executes, what lenses and actions offer and
//! where calls go all come from it. A command runs only when the client asks for it by `workspace/executeCommand`.

mod audit;
mod check_workspace;
mod install;
mod package_and_sign;
mod run_tool;
mod schema_from_example;
mod verify;

use std::{borrow::Cow, fmt, path::PathBuf, sync::Arc, time::SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use skillyard_manifest::{self as manifest, Options, Severity, grammar::Version};
use skillyard_project::{
    self as project, Cancelled, Finding, artifact_file,
    audit::FolderError,
    check::config_of,
    files::{self, ReadError},
    package::{MakeError, usual_output},
    run::RunError,
    shown,
    skill::SkillError,
    verify::FlowError,
};
use tower_lsp::{
    jsonrpc::{self, ErrorCode},
    ls_types::{self, CodeActionKind, MessageType, ProgressToken, Uri},
};

use crate::{
    documents::file_path,
    log::log,
    markdown,
    message::present,
    session::{Session, Snapshot, plain},
    work::{Cancel, Work},
};

/// A command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Command {
    /// Packages the folder of a manifest and signs the artifact.
    PackageAndSign,
    /// Verifies the artifact of a manifest.
    Verify,
    /// Audits the folder of a manifest.
    Audit,
    /// Installs the artifact of a manifest.
    Install,
    /// Calls a tool of the skill.
    RunTool,
    /// Gives the edit that makes an example the schema of a tool.
    SchemaFromExample,
    /// Checks every manifest of the workspace, open or not.
    CheckWorkspace,
}

impl Command {
    /// Every command, in the order in which they are offered.
    pub(crate) const ALL: [Self; 7] = [
        Self::PackageAndSign,
        Self::Verify,
        Self::Audit,
        Self::Install,
        Self::RunTool,
        Self::SchemaFromExample,
        Self::CheckWorkspace,
    ];
    /// Those that are about the whole manifest; the others are about one tool or the whole workspace.
    pub(crate) const OF_MANIFEST: [Self; 4] = [Self::PackageAndSign, Self::Verify, Self::Audit, Self::Install];

    /// Its name in the protocol.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PackageAndSign => "skillyard.packageAndSign",
            Self::Verify => "skillyard.verify",
            Self::Audit => "skillyard.audit",
            Self::Install => "skillyard.install",
            Self::RunTool => "skillyard.runTool",
            Self::SchemaFromExample => "skillyard.schemaFromExample",
            Self::CheckWorkspace => "skillyard.checkWorkspace",
        }
    }

    /// What a person reads.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::PackageAndSign => "Package and Sign",
            Self::Verify => "Verify",
            Self::Audit => "Audit",
            Self::Install => "Install",
            Self::RunTool => "Run Tool",
            Self::SchemaFromExample => "Schema from Example",
            Self::CheckWorkspace => "Check Workspace",
        }
    }

    /// The kind of the code action. Below `source`, since it is about the whole file and nothing that an editor does by
    /// itself, and apart from `source.fixAll`, which editors run on save.
    pub(crate) const fn action_kind(self) -> CodeActionKind {
        match self {
            Self::PackageAndSign => CodeActionKind::new("source.skillyard.packageAndSign"),
            Self::Verify => CodeActionKind::new("source.skillyard.verify"),
            Self::Audit => CodeActionKind::new("source.skillyard.audit"),
            Self::Install => CodeActionKind::new("source.skillyard.install"),
            Self::RunTool => CodeActionKind::new("source.skillyard.runTool"),
            Self::SchemaFromExample => CodeActionKind::new("source.skillyard.schemaFromExample"),
            Self::CheckWorkspace => CodeActionKind::new("source.skillyard.checkWorkspace"),
        }
    }

    /// The command with a name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.name() == name)
    }

    /// The call of the command for the manifest `uri`, as a lens or an action holds it.
    pub(crate) fn on(self, uri: &Uri) -> ls_types::Command {
        ls_types::Command {
            title: self.title().to_owned(),
            command: self.name().to_owned(),
            arguments: Some(vec![json!({"uri": uri})]),
        }
    }

    /// The call of [`RunTool`](Self::RunTool) for the tool `id`.
    pub(crate) fn on_tool(uri: &Uri, id: &str) -> ls_types::Command {
        ls_types::Command {
            title: format!("{} {}", Self::RunTool.title(), shown::words(id, 80)),
            command: Self::RunTool.name().to_owned(),
            arguments: Some(vec![json!({"uri": uri, "tool": id})]),
        }
    }
}

/// A call of a command: what it is about, as it was when the call came.
pub(crate) struct Call {
    command: Command,
    /// `None` for what is about the workspace, or about an artifact alone.
    skill: Option<Skill>,
    arguments: Arguments,
}

/// The skill that a command is about.
#[derive(Clone)]
pub(crate) struct Skill {
    /// Its manifest.
    pub(crate) uri: Uri,
    /// The manifest's file.
    pub(crate) manifest: PathBuf,
    /// The folder with the manifest.
    pub(crate) folder: PathBuf,
    /// The manifest as it is in the editor, if it is open there.
    pub(crate) open: Option<Snapshot>,
}

/// The one argument of every command. The names that only some commands know are refused by the others.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Arguments {
    /// The manifest, a `file:` address. `skillyard.install` of an `artifact` does without.
    uri: Option<Uri>,
    /// `skillyard.packageAndSign`: the name of the signing key; without it the person is asked where there is a choice.
    key: Option<String>,
    /// `skillyard.verify`, `skillyard.install`: the artifact, a `file:` address; without it the one that *Package and
    /// Sign* writes.
    artifact: Option<Uri>,
    /// `skillyard.install`: the folder of installed skills, a `file:` address; without it the usual one.
    folder: Option<Uri>,
    /// `skillyard.runTool`: the tool's id; without it the skill's default tool, or its only one.
    /// `skillyard.schemaFromExample`: the tool's id.
    tool: Option<String>,
    /// `skillyard.runTool`: the input, any JSON value, null too; without it the last one, or an example.
    #[serde(default, deserialize_with = "present")]
    input: Option<Value>,
    /// `skillyard.runTool`: the input as JSON text, in place of `input`, for a client whose numbers are doubles.
    input_text: Option<String>,
    /// `skillyard.schemaFromExample`: what the schema is to take, any JSON value but null.
    example: Option<Value>,
    /// `skillyard.schemaFromExample`: which of the tool's schemas; without it that of the input.
    side: Option<schema_from_example::Which>,
}

impl Arguments {
    /// The names that `command` does not know among those that are set.
    fn unknown(&self, command: Command) -> Option<&'static str> {
        let key = self.key.is_some() && command != Command::PackageAndSign;
        let artifact = self.artifact.is_some() && !matches!(command, Command::Verify | Command::Install);
        let folder = self.folder.is_some() && command != Command::Install;
        let run = command == Command::RunTool;
        let schema = command == Command::SchemaFromExample;
        [
            (key, "key"),
            (artifact, "artifact"),
            (folder, "folder"),
            (!run && !schema && self.tool.is_some(), "tool"),
            (!run && self.input.is_some(), "input"),
            (!run && self.input_text.is_some(), "inputText"),
            (!schema && self.example.is_some(), "example"),
            (!schema && self.side.is_some(), "side"),
        ]
        .into_iter()
        .find_map(|(unknown, name)| unknown.then_some(name))
    }
}

impl Call {
    /// Reads what a client sent. The disk is asked anew which configuration counts: the client may not watch it.
    ///
    /// # Errors
    /// That the parameters are wrong, with the reason.
    pub(crate) fn read(session: &Session, name: &str, arguments: &[Value]) -> jsonrpc::Result<Self> {
        let wrong = |why: String| jsonrpc::Error::invalid_params(why);
        let Some(command) = Command::find(name) else {
            let known = Command::ALL.map(Command::name).join(", ");
            return Err(wrong(format!("there is no command {}; the commands are {known}", manifest::quoted(name))));
        };
        let name = command.name();
        if command == Command::CheckWorkspace {
            // Some clients send no command without an argument.
            if !arguments.iter().all(|argument| argument.as_object().is_some_and(Map::is_empty)) {
                return Err(wrong(format!("{name} takes no argument")));
            }
            session.forget_files();
            return Ok(Self { command, skill: None, arguments: Arguments::default() });
        }
        let [argument] = arguments else {
            return Err(wrong(format!("{name} takes one argument, such as {{\"uri\": \"file:///…/skill.toml\"}}")));
        };
        let arguments = Arguments::deserialize(argument)
            .map_err(|error| wrong(format!("{name}: {}", shown::line(&error.to_string()))))?;
        if let Some(unknown) = arguments.unknown(command) {
            return Err(wrong(format!("{name} has no argument `{unknown}`")));
        }
        if arguments.input.is_some() && arguments.input_text.is_some() {
            return Err(wrong(format!("{name} takes `input` or `inputText`, not both")));
        }
        if command == Command::SchemaFromExample && (arguments.tool.is_none() || arguments.example.is_none()) {
            return Err(wrong(format!("{name} needs `tool`, the id of a tool, and `example`, a JSON value but null")));
        }
        let Some(uri) = arguments.uri.clone() else {
            if command == Command::Install && arguments.artifact.is_some() {
                return Ok(Self { command, skill: None, arguments });
            }
            return Err(wrong(format!("{name} needs `uri`, the address of a skill.toml")));
        };
        let manifest = file_path(&uri).filter(|path| path.file_name().is_some_and(|name| name == "skill.toml"));
        let Some((manifest, folder)) = manifest.and_then(|path| Some((path.clone(), path.parent()?.to_owned()))) else {
            let uri = manifest::quoted(uri.as_str());
            return Err(wrong(format!(
                "{name} needs a skill.toml in a folder, and {uri} is none; save it as one first"
            )));
        };
        session.forget_files();
        let open = session.snapshot(&uri);
        Ok(Self { command, skill: Some(Skill { uri, manifest, folder, open }), arguments })
    }
}

impl Skill {
    /// Where *Package and Sign* puts the artifact of the manifest as it is now.
    fn artifact(&self) -> Result<PathBuf, Failure> {
        let text = match &self.open {
            Some(open) => open.revision.text().as_bytes().to_owned(),
            None => files::read(&self.manifest, manifest::MAX_BYTES).map_err(Failure::failed)?,
        };
        let manifest = project::audit::manifest(&self.manifest, &text, self.palyra())?;
        Ok(usual_output(&self.folder, &manifest.skill_id, &manifest.version))
    }

    /// Whether the manifest in the editor is the one on the disk.
    fn is_saved(&self) -> Result<(), Failure> {
        let Some(open) = &self.open else { return Ok(()) };
        let saved = files::read(&self.manifest, manifest::MAX_BYTES)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .is_some_and(|saved| same(&saved, open.revision.text()));
        if saved {
            return Ok(());
        }
        Err(Failure::Failed(format!(
            "{} has changes that are not saved, and what is packaged is what is on the disk: save it first",
            shown::path(&self.manifest)
        )))
    }

    /// The version of the daemon that counts for it.
    fn palyra(&self) -> Version {
        self.options().palyra_version
    }

    /// What is set for its analysis.
    fn options(&self) -> Options {
        match &self.open {
            Some(open) => open.analysed().options.clone(),
            None => config_of(&self.folder).unwrap_or_default().options(Options::default()),
        }
    }
}

/// The artifact that was named, else the one that *Package and Sign* writes of `skill`: its place and its bytes.
fn artifact_of(skill: Option<&Skill>, named: Option<Uri>) -> Result<(PathBuf, Vec<u8>), Failure> {
    let no_file = |uri: &Uri| Failure::Failed(format!("{} is no file", manifest::quoted(uri.as_str())));
    let usual = named.is_none();
    let path = match (named, skill) {
        (Some(uri), _) => file_path(&uri).ok_or_else(|| no_file(&uri))?,
        (None, Some(skill)) => skill.artifact()?,
        (None, None) => return Err(Failure::Failed("neither a manifest nor an artifact is named".to_owned())),
    };
    let bytes = artifact_file::read(&path).map_err(|error| match error {
        ReadError::NotFound { .. } if usual => {
            Failure::Failed(format!("{error}: run Package and Sign first, which writes it"))
        }
        error => Failure::failed(error),
    })?;
    Ok((path, bytes))
}

/// Whether two texts are the same but for what editors keep apart from the text: a byte order mark, the kind of line
/// ends, and line ends at the end.
fn same(one: &str, other: &str) -> bool {
    fn lines(text: &str) -> impl Iterator<Item = &str> {
        text.strip_prefix('\u{feff}').unwrap_or(text).trim_end_matches(['\r', '\n']).lines()
    }
    lines(one).eq(lines(other))
}

/// A report as on the command line.
fn report_of(report: &impl Serialize) -> Result<Map<String, Value>, Failure> {
    let mut document = Map::new();
    document.insert("schema_version".to_owned(), SCHEMA_VERSION.into());
    match serde_json::to_value(report) {
        Ok(Value::Object(report)) => document.extend(report),
        other => {
            log(&format!("a report is no JSON object; this is a bug of Skillyard: {other:?}"));
            return Err(Failure::Internal);
        }
    }
    Ok(document)
}

/// A severity in Markdown.
fn in_a_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "**error**",
        Severity::Warning => "**warning**",
        Severity::Info => "info",
        Severity::Hint => "hint",
    }
}

/// Findings in Markdown, under a heading; nothing where there are none.
fn findings(findings: &[Finding]) -> String {
    let mut out = String::new();
    if !findings.is_empty() {
        out.push_str("\n### Findings\n\n");
    }
    out.extend(findings.iter().map(|finding| {
        let entry = finding.entry.as_deref().map(|entry| format!("{}: ", markdown::code(entry))).unwrap_or_default();
        let (code, url) = (finding.rule.code, finding.rule.url());
        format!("- {} [{code}]({url}): {entry}{}\n", in_a_word(finding.severity), markdown::message(&finding.message))
    }));
    out
}

/// The version of every report.
const SCHEMA_VERSION: u32 = 1;

/// Milliseconds since 1970.
pub(crate) fn now_unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What a command came to.
pub(crate) struct Outcome {
    /// The report, the same JSON object as on the command line.
    pub(crate) report: Map<String, Value>,
    /// The report for a person, in Markdown.
    pub(crate) markdown: String,
    /// The report in one line.
    pub(crate) said: String,
    /// How that line is shown.
    pub(crate) level: MessageType,
}

/// Why a command came to nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A person ended it. Nothing was written.
    Cancelled,
    /// It could not be done; the words of the command line.
    Failed(String),
    /// A bug, which is in the log.
    Internal,
}

impl Failure {
    /// In the words of the flow.
    pub(crate) fn failed(error: impl fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<SkillError> for Failure {
    fn from(error: SkillError) -> Self {
        match error {
            SkillError::Cancelled => Self::Cancelled,
            error => Self::failed(error),
        }
    }
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::Cancelled => Self::Cancelled,
            error => Self::failed(error),
        }
    }
}

impl From<MakeError> for Failure {
    fn from(error: MakeError) -> Self {
        match error {
            MakeError::Cancelled => Self::Cancelled,
            error => Self::failed(error),
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Cancelled => Self::Cancelled,
            error => Self::failed(error),
        }
    }
}

impl From<FlowError> for Failure {
    fn from(error: FlowError) -> Self {
        match error {
            FlowError::Cancelled => Self::Cancelled,
            error => Self::failed(error),
        }
    }
}

/// The protocol's code for a request that is right but cannot be done.
const REQUEST_FAILED: i64 = -32803;

impl From<Failure> for jsonrpc::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Cancelled => Self::request_cancelled(),
            Failure::Failed(why) => {
                Self { code: ErrorCode::ServerError(REQUEST_FAILED), message: Cow::Owned(plain(&why)), data: None }
            }
            Failure::Internal => Self::internal_error(),
        }
    }
}

impl From<jsonrpc::Error> for Failure {
    /// The one error of [`Work::run`].
    fn from(_: jsonrpc::Error) -> Self {
        Self::Internal
    }
}

impl From<Cancelled> for Failure {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// Runs a command to its end, and says how it ended.
pub(crate) async fn run(
    session: Arc<Session>,
    call: Call,
    cancel: Arc<Cancel>,
    token: Option<ProgressToken>,
) -> jsonrpc::Result<Value> {
    let Call { command, skill, arguments } = call;
    let work = Work::begin(Arc::clone(&session), cancel, command.title(), token).await;
    let outcome = match (command, skill) {
        (Command::PackageAndSign, Some(skill)) => package_and_sign::run(&work, skill, arguments.key).await,
        (Command::Verify, Some(skill)) => verify::run(&work, skill, arguments.artifact).await,
        (Command::Audit, Some(skill)) => audit::run(&work, skill).await,
        (Command::Install, skill) => install::run(&work, skill, arguments.artifact, arguments.folder).await,
        (Command::RunTool, Some(skill)) => {
            let input = arguments.input_text.or_else(|| arguments.input.map(|input| input.to_string()));
            run_tool::run(&work, skill, arguments.tool, input).await
        }
        (Command::SchemaFromExample, Some(skill)) => {
            let (tool, example) = (arguments.tool.unwrap_or_default(), arguments.example.unwrap_or_default());
            schema_from_example::run(&work, skill, tool, example, arguments.side.unwrap_or_default()).await
        }
        (Command::CheckWorkspace, _) | (_, None) => check_workspace::run(&work).await,
    };
    match outcome {
        Ok(Outcome { mut report, markdown, said, level }) => {
            work.end(&said).await;
            // For the many clients that do nothing with the result of a command.
            session.client.show_message(level, plain(&said)).await;
            // As text too: what reads JSON in a client may know no number but a double.
            let text = serde_json::to_string(&report).map_err(|error| {
                log(&format!("a report cannot be written; this is a bug of Skillyard: {error}"));
                jsonrpc::Error::internal_error()
            })?;
            report.insert("json".to_owned(), Value::String(text));
            report.insert("markdown".to_owned(), Value::String(markdown));
            Ok(Value::Object(report))
        }
        Err(failure) => {
            let error = jsonrpc::Error::from(failure);
            work.end(&error.message).await;
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_editor_keeps_apart_does_not_count() {
        assert!(same("a\nb\n", "\u{feff}a\r\nb"));
        assert!(same("", "\n"));
        assert!(!same("a\nb", "a\n\nb"));
        assert!(!same("a", "a "));
        assert!(!same("a", "b"));
        assert!(!same("a\n", ""));
    }
}
