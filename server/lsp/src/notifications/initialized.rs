//! `initialized`: from here on the server may ask the client.

use std::sync::Arc;

use serde_json::{Value, json};
use skillyard_project::{config, files};
use tokio::task;
use tower_lsp::ls_types::{Registration, WatchKind};

use crate::{client::Abilities, log::log, session::Session, settings::SECTION};

/// Looks for the skills of the workspace, asks for the settings, and to be told when they, a `skillyard.toml`, a manifest or
/// a module change.
pub(crate) fn initialized(session: &Arc<Session>) {
    let abilities = session.abilities();
    let registrations = registrations(&abilities);
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

fn registrations(client: &Abilities) -> Vec<Registration> {
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
    let files = json!({"watchers": watchers});
    let wanted = [
        (client.registers_watched_files, registration("workspace/didChangeWatchedFiles", files)),
        (client.registers_configuration, registration("workspace/didChangeConfiguration", json!({"section": SECTION}))),
    ];
    wanted.into_iter().filter_map(|(able, registration)| able.then_some(registration)).collect()
}
