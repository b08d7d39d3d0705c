//! `initialized`: from here on the server may ask the client.

use std::{path::PathBuf, sync::Arc};

use serde_json::{Value, json};
use skillyard_project::{config, files};
use tokio::task;
use tower_lsp::ls_types::{Registration, Uri, WatchKind};

use crate::{client::Abilities, log::log, session::Session, settings::SECTION};

/// Looks for the skills of the workspace, asks for the settings, and to be told when they, a `skillyard.toml`, a manifest, a
/// module, or what is trusted or installed change.
pub(crate) fn initialized(session: &Arc<Session>) {
    let abilities = session.abilities();
    // Looked up only for who can watch them.
    let home = abilities.watches_elsewhere.then(|| session.home().ok()).flatten();
    let records = home.map(|home| home.records().to_vec()).unwrap_or_default();
    let registrations = registrations(&abilities, &records);
    if !registrations.is_empty() {
        let session = Arc::clone(session);
        task::spawn(async move {
            if let Err(error) = session.client.register_capability(registrations).await {
                log(&format!("the client does not tell what changes: {error}"));
            }
        });
    }
    session.look_for_neighbours();
    let session = Arc::clone(session);
    task::spawn(async move {
        session.tell_first_problems().await;
        if abilities.configuration {
            session.ask_for_settings().await;
        }
    });
}

fn registrations(client: &Abilities, records: &[PathBuf]) -> Vec<Registration> {
    let registration = |method: &str, options: Value| Registration {
        id: format!("skillyard {method}"),
        method: method.to_owned(),
        register_options: Some(options),
    };
    // The folder too: not every client names what was in one that is gone.
    let configs = format!("**/{}", config::FILE_NAME);
    let watched = [configs, format!("**/{}", files::MANIFEST_NAME), "**/*.wasm".to_owned(), "**/modules".to_owned()];
    let mut watchers = watched.map(|glob| json!({"globPattern": glob})).to_vec();
    // A folder that is deleted matches none of them, and its files are not always named.
    watchers.push(json!({"globPattern": "**", "kind": WatchKind::Delete}));
    // What has no path that a client could be told is not watched.
    watchers.extend(records.iter().filter_map(|file| {
        let folder = Uri::from_file_path(file.parent()?)?;
        Some(json!({"globPattern": {"baseUri": folder, "pattern": file.file_name()?.to_str()?}}))
    }));
    let files = json!({"watchers": watchers});
    let wanted = [
        (client.registers_watched_files, registration("workspace/didChangeWatchedFiles", files)),
        (client.registers_configuration, registration("workspace/didChangeConfiguration", json!({"section": SECTION}))),
    ];
    wanted.into_iter().filter_map(|(able, registration)| able.then_some(registration)).collect()
}
