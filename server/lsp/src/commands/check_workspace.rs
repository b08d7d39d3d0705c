//! *Check Workspace*: what there is to say of every manifest below the workspace's folders, open or not, by the settings that
//! count for each.

use std::{path::PathBuf, sync::Arc};

use serde::Serialize;
use skillyard_project::workspace::manifests_below;
use tower_lsp::ls_types::{Diagnostic, DiagnosticSeverity, MessageType, Uri};

use super::{Failure, Outcome, report_of};
use crate::{closed::Look, documents::file_path, markdown, work::Work};

/// What a client gets.
#[derive(Serialize)]
struct Report<'a> {
    /// How many closed manifests were checked.
    checked: usize,
    /// How many were left to what is said of open ones.
    open: usize,
    errors: usize,
    warnings: usize,
    /// What could not be read, with the reason.
    unreadable: &'a [String],
    /// The closed manifests with an error.
    failing: Vec<&'a Uri>,
}

/// Checks, shows what is said of the closed ones, and reports.
pub(super) async fn run(work: &Work) -> Result<Outcome, Failure> {
    let session = Arc::clone(work.session());
    let folders = session.folders();
    if folders.is_empty() {
        return Err(Failure::Failed("no folder is open whose skills could be checked: open one".to_owned()));
    }
    let paths = {
        let folders = folders.clone();
        work.run(move |_| manifests_below(&folders)).await?
    };
    // An id that two of them give is told in both.
    session.these_are_all(paths.clone()).await;
    let look = work.run(move |progress| session.look_at_closed(&paths, progress)).await??;
    work.session().show_closed(&look.closed).await;
    let (errors, warnings) = (look.count(DiagnosticSeverity::ERROR), look.count(DiagnosticSeverity::WARNING));
    let checked = look.closed.len();
    let mut said = format!("checked {checked} closed manifest{}: ", plural(checked));
    if errors + warnings == 0 {
        said.push_str("nothing to mend");
    } else {
        said.push_str(&format!("{errors} error{} and {warnings} warning{}", plural(errors), plural(warnings)));
    }
    if let [first, more @ ..] = look.unreadable.as_slice() {
        said.push_str(&format!("; {} could not be read, the first: {first}", more.len() + 1));
    }
    let level = match (errors, warnings, look.unreadable.len()) {
        (0, 0, 0) => MessageType::INFO,
        (0, ..) if look.unreadable.is_empty() => MessageType::WARNING,
        _ => MessageType::ERROR,
    };
    let failing = with_errors(&look).map(|(uri, _)| uri).collect();
    let report = Report { checked, open: look.open, errors, warnings, unreadable: &look.unreadable, failing };
    let report = report_of(&report)?;
    Ok(Outcome { report, markdown: in_markdown(&look, &folders), said, level })
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn with_errors(look: &Look) -> impl Iterator<Item = &(Uri, Vec<Diagnostic>)> {
    look.closed.iter().filter(|(_, found)| found.iter().any(|one| one.severity == Some(DiagnosticSeverity::ERROR)))
}

fn in_markdown(look: &Look, folders: &[PathBuf]) -> String {
    let mut out = format!("## The workspace's manifests\n\n{} closed, {} open.\n", look.closed.len(), look.open);
    for (uri, found) in look.closed.iter().filter(|(_, found)| !found.is_empty()) {
        let path = file_path(uri).unwrap_or_default();
        // As a person sees it in their only folder.
        let below = match folders {
            [folder] => path.strip_prefix(folder).unwrap_or(&path),
            _ => &path,
        };
        out.push_str(&format!("\n### {}\n\n", markdown::words(&below.display().to_string())));
        out.extend(found.iter().map(|one| {
            let line = one.range.start.line + 1;
            format!("- line {line}: {}\n", markdown::message(&one.message))
        }));
    }
    out
}
