//! *Schema from Example*: the edit that makes an example the schema of a tool's input or output.
//!
//! The manifest is what stands in the editor. Nothing is changed here: the answer holds the edit, and the client makes it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use skillyard_ide::refactor::{Side, schema_edits, schema_of};
use skillyard_manifest as manifest;
use tower_lsp::ls_types::{MessageType, WorkspaceEdit};

use super::{Failure, Outcome, Skill, report_of};
use crate::{markdown, work::Work};

/// Which of a tool's schemas.
#[derive(Clone, Copy, PartialEq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Which {
    /// `input_schema`.
    #[default]
    Input,
    /// `output_schema`.
    Output,
}

/// What the command comes to.
#[derive(Serialize)]
struct Written {
    tool_id: String,
    /// `input_schema` or `output_schema`.
    key: &'static str,
    /// The schema of the example alone; the edit keeps of the one that is there what the example does not contradict.
    schema: Value,
    edit: WorkspaceEdit,
}

/// Makes the edit.
pub(super) async fn run(
    work: &Work,
    skill: Skill,
    tool: String,
    example: Value,
    which: Which,
) -> Result<Outcome, Failure> {
    let written = work.run(move |_| {
        let Some(open) = &skill.open else {
            let uri = manifest::quoted(skill.uri.as_str());
            return Err(Failure::Failed(format!("{uri} is not open in the editor: open it first")));
        };
        let side = match which {
            Which::Input => Side::Input,
            Which::Output => Side::Output,
        };
        let edits = schema_edits(open.source(), &tool, side, &example).map_err(Failure::failed)?;
        let edit = open.converter().workspace_edit(&edits);
        Ok(Written { tool_id: tool, key: side.key(), schema: schema_of(&example), edit })
    });
    let written = written.await??;
    let (key, tool) = (written.key, manifest::plain(&written.tool_id));
    let schema = serde_json::to_string_pretty(&written.schema).unwrap_or_default();
    Ok(Outcome {
        markdown: format!(
            "## `{key}` of {}\n\n{}\n",
            markdown::code(&written.tool_id),
            markdown::fence("json", &schema)
        ),
        said: format!("the example is the {key} of {tool}"),
        level: MessageType::INFO,
        report: report_of(&written)?,
    })
}
