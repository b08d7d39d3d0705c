//! *Verify*: whether the artifact of a skill is whole, signed, and by whom.
//!
//! A publisher that the trust store does not know yet is no fault here, where an author looks at what was just made: it is
//! said, and nothing is pinned. A publisher whose key is another than the known one is refused as everywhere.

use skillyard_manifest as manifest;
use skillyard_project::{
    Progress, artifact_file,
    verify::{TrustDecision, TrustOptions, Verification, verify},
};
use tower_lsp::ls_types::{MessageType, Uri};

use super::{Failure, Outcome, Skill, now_unix_ms, report_of};
use crate::{documents::file_path, markdown, work::Work};

/// Verifies the artifact that was named, else the one that *Package and Sign* writes.
pub(super) async fn run(work: &Work, skill: Skill, artifact: Option<Uri>) -> Result<Outcome, Failure> {
    let named = artifact.map(|uri| {
        let path = file_path(&uri);
        path.ok_or_else(|| Failure::Failed(format!("{} is no file", manifest::quoted(uri.as_str()))))
    });
    let named = named.transpose()?;
    let home = work.session().home()?;
    work.run(move |progress| {
        let path = match named {
            Some(path) => path,
            None => skill.artifact()?,
        };
        let bytes = artifact_file::read(&path).map_err(Failure::failed)?;
        let options = TrustOptions { allow_tofu: true, ..TrustOptions::default() };
        let verified = verify(&bytes, &home, &options, skill.palyra(), now_unix_ms(), progress)?;
        let verification = &verified.verification;
        let mut report = report_of(verification)?;
        report.insert("pinned".to_owned(), false.into());
        report.insert("artifact".to_owned(), path.to_string_lossy().into());
        let (said, level) = in_a_line(verification);
        Ok(Outcome { report, markdown: in_markdown(verification), said, level })
    })
    .await?
}
