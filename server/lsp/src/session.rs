//! Everything the server knows, and how a handler gets at it: by changing it at once, or by a snapshot.
//!
//! The locks here are held for moments and never across an `await`, but for the one that says so.

use std::{
    collections::HashMap,
    env,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use ropey::Rope;
use skillyard_ide::{Facts, Source};
use skillyard_manifest::{Encoding, Options};
use skillyard_project::{files, home::Home, live::Placed, shown};
use tokio::{sync::Notify, task};
use tower_lsp::{
    Client,
    jsonrpc::{Error, Result},
    ls_types::{
        ConfigurationItem, MessageType, TextDocumentContentChangeEvent, TextDocumentItem, Uri, WorkspaceFolder,
    },
};

use crate::{
    around::{Beside, Surrounding},
    audits::Audited,
    client::Abilities,
    closed::Closed,
    commands::Failure,
    convert::Converter,
    documents::{Documents, Kind, file_path},
    log::log,
    neighbours::Neighbours,
    requests::Sent,
    revision::{Analysed, Revision},
    runs::Ran,
    settings::{EditorSettings, SECTION, Settings},
    turns::Turns,
    work::Works,
    workers::Workers,
};

/// What the server knows.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) publishers: Turns,
    pub(crate) followers: Turns,
    /// Held by who compares the ids of the workspace's skills: the one lock here that is held for longer than a moment.
    pub(crate) taking_neighbours: tokio::sync::Mutex<()>,
    /// The closed manifests whose diagnostics are shown.
    pub(crate) closed: Closed,
    /// Those that are looked at again.
    pub(crate) rechecked: Turns,
    /// What a person waits for.
    pub(crate) works: Works,
    pub(crate) workers: Workers,
    parent_gone: Arc<Notify>,
    abilities: OnceLock<Arc<Abilities>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    documents: Documents,
    /// The ids of the workspace's skills.
    neighbours: Arc<Neighbours>,
    settings: Arc<Settings>,
    /// From `initialize`: what counts where the client has no settings of its own.
    initial: EditorSettings,
    folders: Vec<WorkspaceFolder>,
    /// Those that are folders, by their paths from the root.
    roots: Vec<PathBuf>,
    /// What was wrong with the settings of `initialize`, until it can be told.
    problems: Vec<String>,
    /// How often settings were asked for: a late answer to an earlier question is dropped.
    asked: u64,
}

impl State {
    fn set_folders(&mut self, folders: Vec<WorkspaceFolder>) {
        self.roots = folders.iter().filter_map(|folder| Some(files::absolute(&file_path(&folder.uri)?))).collect();
        self.folders = folders;
    }

    /// Whether a manifest may have neighbours: one in a workspace folder.
    fn has_neighbours(&self, revision: &Revision) -> bool {
        let inside = |path: &PathBuf| self.roots.iter().any(|root| path.starts_with(root));
        revision.is_skill() && revision.path.as_ref().is_some_and(inside)
    }
}

/// A document and what counts for it, as they were at one moment.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(crate) revision: Arc<Revision>,
    pub(crate) audited: Option<Arc<Audited>>,
    pub(crate) ran: Option<Arc<Ran>>,
    surrounding: Option<Arc<Surrounding>>,
    pub(crate) beside: Arc<Beside>,
    tokens: Arc<Mutex<Sent>>,
    /// The other skills, where the document is in a workspace folder.
    pub(crate) neighbours: Option<Arc<Neighbours>>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) client: Arc<Abilities>,
}

impl Snapshot {
    /// The analysis. Takes as long as it takes: for a thread of its own.
    pub(crate) fn analysed(&self) -> Arc<Analysed> {
        // What is said about a configuration does not depend on one.
        let folder = self.revision.folder.as_deref().filter(|_| self.revision.kind == Kind::Manifest);
        self.revision.analysed(&self.settings.resolve(folder))
    }

    /// What the analysis goes by.
    pub(crate) fn options(&self) -> Options {
        self.settings.resolve(self.revision.folder.as_deref()).options.clone()
    }

    /// The text, read.
    pub(crate) fn source(&self) -> &Source<'_> {
        self.revision.source()
    }

    /// What is known around the manifest.
    pub(crate) fn facts(&self) -> Arc<Facts> {
        let around = self.surrounding.as_ref().map(|it| it.facts(self.source())).unwrap_or_default();
        match &self.ran {
            Some(ran) => Arc::new(ran.facts(&around)),
            None => around,
        }
    }

    /// Whether anybody has looked at what lies around the manifest.
    pub(crate) fn has_surroundings(&self) -> bool {
        self.surrounding.is_some()
    }

    /// What was sent last of the document's semantic tokens.
    pub(crate) fn sent_tokens(&self) -> MutexGuard<'_, Sent> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address of a file of the skill, by its path in the artifact.
    pub(crate) fn file(&self, path: &str) -> Option<Uri> {
        Uri::from_file_path(self.path_of(path)?)
    }

    /// The file that an entry of the artifact is made of: one that packaging takes from elsewhere, else that of the same
    /// name.
    fn path_of(&self, path: &str) -> Option<PathBuf> {
        let taken = self.surrounding.as_ref().and_then(|it| it.around.sources.get(path));
        taken.cloned().or_else(|| Some(self.revision.folder.as_deref()?.join(path)))
    }

    /// Whether there is such a file.
    pub(crate) fn is_there(&self, path: &str) -> bool {
        self.path_of(path).is_some_and(|path| path.is_file())
    }

    pub(crate) fn converter(&self) -> Converter<'_> {
        Converter { revision: &self.revision, client: &self.client }
    }
}

impl Session {
    pub(crate) fn new(client: Client, parent_gone: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self {
            client,
            publishers: Turns::default(),
            followers: Turns::default(),
            taking_neighbours: tokio::sync::Mutex::default(),
            closed: Closed::default(),
            rechecked: Turns::default(),
            works: Works::default(),
            workers: Workers::default(),
            parent_gone,
            abilities: OnceLock::new(),
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic within leaves every field whole: each is replaced in one step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the client can do.
    pub(crate) fn abilities(&self) -> Arc<Abilities> {
        Arc::clone(self.abilities.get_or_init(Arc::default))
    }

    /// Takes over what `initialize` says.
    pub(crate) fn initialize(
        &self,
        abilities: Abilities,
        initial: EditorSettings,
        problems: Vec<String>,
        folders: Vec<WorkspaceFolder>,
    ) {
        // It is called once: the service answers a second `initialize` itself.
        let _ = self.abilities.set(Arc::new(abilities));
        let mut state = self.state();
        state.settings = Arc::new(Settings::new(initial.clone(), Vec::new()));
        state.initial = initial;
        state.problems = problems;
        state.set_folders(folders);
    }

    /// Ends the server, since the client's process has.
    pub(crate) fn parent_gone(&self) -> impl FnOnce() + Send + 'static {
        let parent_gone = Arc::clone(&self.parent_gone);
        move || parent_gone.notify_one()
    }

    /// The document and what counts for it; `None` if it is not open, or neither a manifest nor a configuration.
    pub(crate) fn snapshot(&self, uri: &Uri) -> Option<Snapshot> {
        let client = self.abilities();
        let state = self.state();
        let document = state.documents.get(uri).filter(|document| document.revision.kind != Kind::Other)?;
        let has_neighbours = state.has_neighbours(&document.revision);
        Some(Snapshot {
            revision: Arc::clone(&document.revision),
            audited: document.audited.clone(),
            ran: document.ran.clone(),
            surrounding: document.surrounding.clone(),
            beside: Arc::clone(&document.beside),
            tokens: Arc::clone(&document.tokens),
            neighbours: has_neighbours.then(|| Arc::clone(&state.neighbours)),
            settings: Arc::clone(&state.settings),
            client,
        })
    }

    /// A document that is not open, of the file at `uri` with this text, and what would count for it. `None` if it is open
    /// after all.
    pub(crate) fn closed_snapshot(&self, uri: &Uri, text: &str) -> Option<Snapshot> {
        let revision = Revision::new(uri.clone(), 0, Rope::from_str(text), Kind::Manifest);
        let state = self.state();
        let has_neighbours = state.has_neighbours(&revision);
        let is_open = state.documents.has_file(revision.path.as_deref()?);
        (!is_open).then(|| Snapshot {
            revision,
            audited: None,
            ran: None,
            surrounding: None,
            beside: Arc::default(),
            tokens: Arc::default(),
            neighbours: has_neighbours.then(|| Arc::clone(&state.neighbours)),
            settings: Arc::clone(&state.settings),
            client: self.abilities(),
        })
    }

    /// Whether nothing has changed since `snapshot` was taken.
    pub(crate) fn is_newest(&self, snapshot: &Snapshot) -> bool {
        fn same<T>(one: Option<&Arc<T>>, other: Option<&Arc<T>>) -> bool {
            one.map(Arc::as_ptr) == other.map(Arc::as_ptr)
        }
        let state = self.state();
        Arc::ptr_eq(&state.settings, &snapshot.settings)
            && state.documents.get(&snapshot.revision.uri).is_some_and(|newest| {
                same(newest.audited.as_ref(), snapshot.audited.as_ref())
                    && same(newest.ran.as_ref(), snapshot.ran.as_ref())
                    && Arc::ptr_eq(&newest.revision, &snapshot.revision)
            })
    }

    /// Opens a document.
    pub(crate) fn open(&self, document: TextDocumentItem) {
        let TextDocumentItem { uri, language_id, version, text } = document;
        let mut state = self.state();
        state.settings.forget_files();
        state.documents.open(uri, language_id.as_str(), version, &text);
    }

    /// Changes a document.
    pub(crate) fn change(&self, uri: &Uri, version: i32, changes: &[TextDocumentContentChangeEvent]) {
        let encoding: Encoding = self.abilities().encoding;
        if !self.state().documents.change(uri, version, changes, encoding) {
            log(&format!("skipped a change of {}, which is not open", uri.as_str()));
        }
    }

    /// Closes a document: its last text, and whether it is one that may have neighbours.
    pub(crate) fn close(&self, uri: &Uri) -> Option<(Arc<Revision>, bool)> {
        let mut state = self.state();
        let Some(document) = state.documents.close(uri) else {
            log(&format!("skipped closing {}, which is not open", uri.as_str()));
            return None;
        };
        let has_neighbours = state.has_neighbours(&document.revision);
        Some((document.revision, has_neighbours))
    }

    /// Whether a document is open.
    pub(crate) fn is_open(&self, uri: &Uri) -> bool {
        self.state().documents.get(uri).is_some()
    }

    /// Whether the file at a path from the root is open as a manifest, however the client spells its address.
    pub(crate) fn is_open_file(&self, path: &Path) -> bool {
        self.state().documents.has_file(path)
    }

    /// Whether `snapshot` has the newest text of its document.
    pub(crate) fn is_current(&self, snapshot: &Snapshot) -> bool {
        let state = self.state();
        let newest = state.documents.get(&snapshot.revision.uri);
        newest.is_some_and(|newest| Arc::ptr_eq(&newest.revision, &snapshot.revision))
    }

    /// The open manifests.
    pub(crate) fn manifests(&self) -> Vec<Arc<Revision>> {
        let state = self.state();
        let all = state.documents.all().map(|document| &document.revision);
        all.filter(|revision| revision.kind == Kind::Manifest).cloned().collect()
    }

    /// The open documents that lie in files, by their paths from the root.
    pub(crate) fn open_files(&self) -> HashMap<PathBuf, Arc<Revision>> {
        let state = self.state();
        let all = state.documents.all().map(|document| &document.revision);
        all.filter_map(|revision| Some((revision.path.clone()?, Arc::clone(revision)))).collect()
    }

    /// The workspace folders that are folders.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        self.state().roots.clone()
    }

    /// Whether a manifest may have neighbours.
    pub(crate) fn has_neighbours(&self, revision: &Revision) -> bool {
        self.state().has_neighbours(revision)
    }

    /// The ids of the workspace's skills.
    pub(crate) fn neighbours(&self) -> Arc<Neighbours> {
        Arc::clone(&self.state().neighbours)
    }

    /// Puts others in their place: for who holds `taking_neighbours`.
    pub(crate) fn set_neighbours(&self, neighbours: Arc<Neighbours>) {
        let before = std::mem::replace(&mut self.state().neighbours, neighbours);
        // The last who knows them frees them, and not under the lock.
        drop(before);
    }

    /// Takes over what an audit found; whether that is news.
    pub(crate) fn set_audited(&self, uri: &Uri, found: Vec<Placed>) -> bool {
        let mut state = self.state();
        let Some(document) = state.documents.get_mut(uri) else { return false };
        let known = match &document.audited {
            Some(audited) => audited.is(&found),
            None => found.is_empty(),
        };
        if !known {
            document.audited = Audited::new(found);
        }
        !known
    }

    /// What lies around an open manifest, as it was seen last.
    pub(crate) fn surrounding(&self, uri: &Uri) -> Option<Arc<Surrounding>> {
        self.state().documents.get(uri)?.surrounding.clone()
    }

    /// Takes over what lies around a manifest, if it is open.
    pub(crate) fn set_surrounding(&self, uri: &Uri, surrounding: Arc<Surrounding>) {
        if let Some(document) = self.state().documents.get_mut(uri) {
            document.surrounding = Some(surrounding);
        }
    }

    /// Takes over what a call has shown; whether the manifest is open.
    pub(crate) fn change_ran(&self, uri: &Uri, change: impl FnOnce(Option<&Ran>) -> Arc<Ran>) -> bool {
        let mut state = self.state();
        let Some(document) = state.documents.get_mut(uri) else { return false };
        document.ran = Some(change(document.ran.as_deref()));
        true
    }

    /// The person's own things: keys and whom they trust. Refused where they would lie in an open workspace, whose files
    /// are others'.
    pub(crate) fn home(&self) -> std::result::Result<Home, Failure> {
        let folders = self.folders();
        let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).collect();
        let home = Home::of_system(None, &|name| env::var_os(name)).map_err(Failure::failed)?;
        home.paths().refuse_inside(&folders).map_err(Failure::failed)?;
        Ok(home)
    }

    /// Changes the workspace folders.
    pub(crate) fn change_folders(&self, added: Vec<WorkspaceFolder>, removed: &[WorkspaceFolder]) {
        let mut state = self.state();
        let mut folders = std::mem::take(&mut state.folders);
        folders.retain(|folder| !removed.iter().chain(&added).any(|gone| gone.uri == folder.uri));
        folders.extend(added);
        state.set_folders(folders);
    }

    /// Does `job` on another thread. When the future is dropped (by `$/cancelRequest`) before it has begun, it never
    /// does.
    pub(crate) async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        self.workers.run(job).await.ok_or_else(|| {
            log("a request failed; this is a bug of Skillyard, unless no thread could be started");
            Error::internal_error()
        })
    }

    /// Asks the client for its settings, in general and for each workspace folder, and takes them over.
    pub(crate) async fn ask_for_settings(self: &Arc<Self>) {
        let (asked, folders, initial) = {
            let mut state = self.state();
            state.asked += 1;
            (state.asked, state.folders.clone(), state.initial.clone())
        };
        let item = |scope_uri| ConfigurationItem { scope_uri, section: Some(SECTION.to_owned()) };
        let scopes = folders.iter().map(|folder| Some(folder.uri.clone()));
        let items = std::iter::once(None).chain(scopes).map(item).collect();
        let answers = match self.client.configuration(items).await {
            Ok(answers) => answers,
            Err(error) => return log(&format!("the client gave no settings: {error}")),
        };
        let mut problems = Vec::new();
        let mut answers = answers
            .iter()
            .map(|answer| if answer.is_null() { initial.clone() } else { EditorSettings::read(answer, &mut problems) });
        let general = answers.next().unwrap_or_else(|| initial.clone());
        let by_folder = folders.iter().zip(answers).filter_map(|(folder, own)| Some((file_path(&folder.uri)?, own)));
        let settings = Settings::new(general, by_folder.collect());
        if self.state().asked == asked {
            self.set_settings(settings);
            problems.sort();
            problems.dedup();
            self.tell(problems).await;
        }
    }

    /// Takes over the settings of an editor that pushes them.
    pub(crate) fn push_settings(self: &Arc<Self>, settings: EditorSettings) {
        self.set_settings(Settings::new(settings, Vec::new()));
    }

    fn set_settings(self: &Arc<Self>, settings: Settings) {
        {
            let mut state = self.state();
            if state.settings.same(&settings) {
                return;
            }
            state.settings = Arc::new(settings);
        }
        self.refresh();
        self.check_closed_again(|_| true);
        self.refresh_lenses();
        if self.abilities().refreshes_inlay_hints {
            let session = Arc::clone(self);
            task::spawn(async move {
                if let Err(error) = session.client.inlay_hint_refresh().await {
                    log(&format!("the client does not refresh its inlay hints: {error}"));
                }
            });
        }
    }

    /// Has every `skillyard.toml` be read again when it is needed next.
    pub(crate) fn forget_files(&self) {
        self.state().settings.forget_files();
    }

    /// Makes the diagnostics of a document new. A client that asks for them can only be told to ask for all again.
    pub(crate) fn refresh_document(self: &Arc<Self>, uri: &Uri) {
        self.refresh_documents(std::slice::from_ref(uri));
    }

    /// [`Session::refresh_document`] for several.
    pub(crate) fn refresh_documents(self: &Arc<Self>, uris: &[Uri]) {
        if !uris.is_empty() && self.abilities().pulls_diagnostics {
            self.refresh();
        } else {
            uris.iter().for_each(|uri| self.publish(uri));
        }
    }

    /// Makes the diagnostics of all documents new.
    pub(crate) fn refresh(self: &Arc<Self>) {
        let abilities = self.abilities();
        if !abilities.pulls_diagnostics {
            let uris = self.analysable();
            uris.iter().for_each(|uri| self.publish(uri));
        } else if abilities.refreshes_diagnostics {
            let session = Arc::clone(self);
            task::spawn(async move {
                if let Err(error) = session.client.workspace_diagnostic_refresh().await {
                    log(&format!("the client does not refresh its diagnostics: {error}"));
                }
            });
        }
    }

    /// The documents that have diagnostics.
    fn analysable(&self) -> Vec<Uri> {
        let state = self.state();
        let all = state.documents.all().map(|document| &document.revision);
        all.filter(|revision| revision.kind != Kind::Other).map(|revision| revision.uri.clone()).collect()
    }

    /// Shows what is wrong with the settings that `initialize` came with.
    pub(crate) async fn tell_first_problems(&self) {
        let problems = std::mem::take(&mut self.state().problems);
        self.tell(problems).await;
    }

    /// Shows what is wrong with files that were read for `snapshot`.
    pub(crate) async fn tell_problems(&self, snapshot: &Snapshot) {
        self.tell(snapshot.settings.take_problems()).await;
    }

    /// Shows what is wrong with settings.
    pub(crate) async fn tell(&self, problems: Vec<String>) {
        for problem in problems {
            self.client.show_message(MessageType::WARNING, plain(&problem)).await;
        }
    }
}

/// `text` on one line, without what an editor makes a link of: messages may quote files of others.
pub(crate) fn plain(text: &str) -> String {
    shown::line(text).replace("](", "] (")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_hold_no_links_and_no_controls() {
        assert_eq!(plain("[run](command:evil)\u{1b}[0m"), "[run] (command:evil)\\u{1b}[0m");
    }
}
