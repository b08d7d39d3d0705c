//! `skillyard/exampleInput`: what *Run Tool* would call a tool with, for an editor that lets a person change it first.
//!
//! It is read from the text as it is in the editor; nothing is packaged, and nothing runs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use skillyard_manifest as manifest;
use skillyard_project::{
    audit,
    run::{Owner, usual_input_of},
};
use tower_lsp::{
    jsonrpc::{Error, Result},
    ls_types::Uri,
};

use crate::{
    documents::{Kind, file_path},
    session::Session,
};

/// What the client asks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExampleInputParams {
    /// The manifest, which is open.
    uri: Uri,
    /// The tool's id.
    tool: String,
}

/// What it gets.
#[derive(Debug, Serialize)]
pub(crate) struct ExampleInput {
    /// The input.
    input: Value,
    /// The same as JSON text: what reads JSON in a client may know no number but a double.
    text: String,
    /// Whether the tool was called with it before; else it is an example made from the schema.
    remembered: bool,
    /// The tool's `input_schema`, to check what is typed against.
    schema: Value,
}

/// Answers it.
pub(crate) async fn example_input(session: &Arc<Session>, params: ExampleInputParams) -> Result<ExampleInput> {
    let ExampleInputParams { uri, tool } = params;
    let wrong = |why: String| Error::invalid_params(why);
    let snapshot = session.snapshot(&uri).filter(|snapshot| snapshot.revision.kind == Kind::Manifest);
    let Some(snapshot) = snapshot else {
        return Err(wrong(format!("{} is not open, or no skill.toml", manifest::quoted(uri.as_str()))));
    };
    let home = session.home().map_err(Error::from)?;
    session
        .work(move || {
            let path = file_path(&uri).unwrap_or_default();
            let text = snapshot.revision.text();
            let palyra = snapshot.analysed().options.palyra_version;
            let manifest = audit::manifest(&path, text.as_bytes(), palyra).map_err(|error| wrong(error.to_string()))?;
            let found = manifest.entrypoints.tools.iter().find(|known| known.id == tool);
            let found = found.ok_or_else(|| wrong(format!("the skill has no tool {}", manifest::quoted(&tool))))?;
            let usual =
                usual_input_of(&Owner::folder(path.parent().unwrap_or(&path)), &manifest.skill_id, found, &home, &());
            Ok(ExampleInput {
                text: usual.value.to_string(),
                input: usual.value,
                remembered: usual.remembered,
                schema: found.input_schema.clone(),
            })
        })
        .await?
}
