//! The other skills of the workspace: the ids that their manifests give, and what is told where one is given twice.
//!
//! The manifests below the workspace's folders are looked for once, in the background, and read again when the client
//! says that they changed; of an open one the text in the editor counts. Nothing but their ids is kept. A manifest outside
//! of every workspace folder has no neighbours.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use skillyard_manifest::{
    Encoding, LineIndex, MAX_BYTES, Position, Span,
    workspace::{Names, is_reported},
};
use skillyard_project::{
    files,
    workspace::{Workspace, manifests_below},
};
use tokio::task;
use tower_lsp::ls_types::{Diagnostic, DiagnosticRelatedInformation, Location, Range, Uri};

use crate::{
    convert::Converter,
    documents::{Analysed, file_path},
    session::Session,
};

/// What a manifest is known for.
#[derive(Clone, PartialEq, Debug)]
struct Known {
    uri: Uri,
    names: Names,
    /// The places of the names as the client counts them.
    ranges: Vec<(Span, Range)>,
}

impl Known {
    fn new(uri: Uri, text: &str, names: Names, encoding: Encoding) -> Self {
        let index = LineIndex::new(text);
        let place = |offset| {
            let Position { line, character } = index.position(text, offset, encoding);
            tower_lsp::ls_types::Position::new(line, character)
        };
        let ranges = names.all().map(|name| (name.span, Range::new(place(name.span.start), place(name.span.end))));
        Self { uri, ranges: ranges.collect(), names }
    }

    fn ids(&self) -> impl Iterator<Item = &str> {
        self.names.all().map(|name| name.id.as_str())
    }
}

/// The manifests of the workspace at one time.
#[derive(Default)]
pub(crate) struct Neighbours {
    /// Rises with each change.
    pub(crate) number: u64,
    known: BTreeMap<PathBuf, Known>,
    workspace: Workspace,
}

impl Neighbours {
    /// Where the manifests are.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.known.keys()
    }

    /// After some manifests were read (`None`: gone). `None` where nothing differs.
    fn with(&self, read: Vec<(PathBuf, Option<Known>)>) -> Option<Self> {
        let mut known = self.known.clone();
        for (path, new) in read {
            match new {
                Some(new) => known.insert(path, new),
                None => known.remove(&path),
            };
        }
        if known == self.known {
            return None;
        }
        let all = known.iter().map(|(path, known)| (Arc::from(path.as_path()), &known.names));
        let workspace = Workspace::of(all);
        Some(Self { number: self.number + 1, known, workspace })
    }

    /// Whether something else is to be told in the manifest at `path` than `before`.
    fn tells_news(&self, before: &Self, path: &Path) -> bool {
        let told = |of: &Self, names: &Names| -> Vec<String> {
            let clashes = of.workspace.clashes(path, names).into_iter();
            clashes.map(|clash| clash.diagnostic.message).collect()
        };
        let Some(known) = self.known.get(path) else { return false };
        let now = told(self, &known.names);
        match before.known.get(path) {
            Some(old) if old.ids().eq(known.ids()) => now != told(before, &known.names),
            // Its own ids are new too. Their diagnostics may have been made before others' were known.
            old => !now.is_empty() || old.is_some_and(|old| !told(before, &old.names).is_empty()),
        }
    }

    /// What is told in a manifest about the others.
    pub(crate) fn diagnostics(&self, analysed: &Analysed, converter: Converter<'_>) -> Vec<Diagnostic> {
        let Some(path) = file_path(&converter.revision.uri).map(|path| files::absolute(&path)) else {
            return Vec::new();
        };
        let clashes = self.workspace.clashes(&path, &analysed.names);
        let shown = clashes.into_iter().filter_map(|mut clash| {
            if !is_reported(&mut clash.diagnostic, &analysed.text, &analysed.options) {
                return None;
            }
            let mut diagnostic = converter.diagnostic(&clash.diagnostic);
            if converter.client.related_information {
                let related = clash.others.iter().filter_map(|(file, span)| {
                    let known = self.known.get(&**file)?;
                    let (_, range) = known.ranges.iter().find(|(of, _)| of == span)?;
                    let location = Location::new(known.uri.clone(), *range);
                    Some(DiagnosticRelatedInformation { location, message: "it is given here too".to_owned() })
                });
                diagnostic.related_information = Some(related.collect());
            }
            Some(diagnostic)
        });
        shown.collect()
    }
}

impl Session {
    /// Looks for the manifests of the workspace, in the background.
    pub(crate) fn look_for_neighbours(self: &Arc<Self>) {
        let folders = self.folders();
        if folders.is_empty() && self.neighbours().known.is_empty() {
            return;
        }
        let session = Arc::clone(self);
        task::spawn(async move {
            let look = move || manifests_below(&folders);
            if let Ok(found) = session.work(look).await {
                session.these_are_all(found).await;
            }
        });
    }

    /// Reads all manifests of the workspace, and forgets every other.
    pub(crate) async fn these_are_all(self: &Arc<Self>, manifests: Vec<PathBuf>) {
        let gone = self.neighbours().known.keys().cloned().collect::<Vec<_>>();
        self.read_neighbours(manifests.into_iter().chain(gone)).await;
    }

    /// Reads manifests that changed on the disk, in the background.
    pub(crate) fn neighbours_changed(self: &Arc<Self>, paths: Vec<PathBuf>) {
        if !paths.is_empty() {
            let session = Arc::clone(self);
            task::spawn(async move { session.read_neighbours(paths.into_iter()).await });
        }
    }

    /// Takes over the ids of an open manifest as it is in the editor, in the background.
    pub(crate) fn names_changed(self: &Arc<Self>, uri: &Uri) {
        let Some(path) = self.neighbour_path(uri) else { return };
        if !self.namers.start(uri) {
            return;
        }
        let session = Arc::clone(self);
        let uri = uri.clone();
        task::spawn(async move {
            loop {
                session.namers.looks(&uri);
                if let Some(snapshot) = session.snapshot(&uri) {
                    let taken = snapshot.clone();
                    let encoding = snapshot.client.encoding;
                    let job = move || {
                        let analysed = taken.analysed();
                        Known::new(taken.revision.uri.clone(), &analysed.text, analysed.names.clone(), encoding)
                    };
                    // What something newer has overtaken is dropped; that one has left a note to look again.
                    if let Ok(known) = session.work(job).await
                        && session.is_current(&snapshot)
                    {
                        session.take_neighbours(vec![(path.clone(), Some(known))]);
                    }
                }
                if !session.namers.again(&uri) {
                    return;
                }
            }
        });
    }

    /// The path of a manifest that may have neighbours: one in a workspace folder.
    pub(crate) fn neighbour_path(&self, uri: &Uri) -> Option<PathBuf> {
        let path = files::absolute(&file_path(uri)?);
        let named = path.file_name().is_some_and(|name| name == files::MANIFEST_NAME);
        (named && self.folders().iter().any(|folder| path.starts_with(folder))).then_some(path)
    }

    /// Reads manifests that are not open; what cannot be read, or is in no workspace folder any more, is forgotten.
    async fn read_neighbours(self: &Arc<Self>, paths: impl Iterator<Item = PathBuf>) {
        let open: HashSet<PathBuf> = self.open_manifests().into_iter().map(|(_, path)| path).collect();
        let folders = self.folders();
        let paths: HashSet<PathBuf> = paths.map(|path| files::absolute(&path)).collect();
        let encoding = self.abilities().encoding;
        let closed: Vec<PathBuf> = paths.iter().filter(|path| !open.contains(*path)).cloned().collect();
        let job = move || {
            let read = |path: PathBuf| {
                let inside = folders.iter().any(|folder| path.starts_with(folder));
                let known = if inside { read(&path, encoding) } else { None };
                (path, known)
            };
            closed.into_iter().map(read).collect::<Vec<_>>()
        };
        if let Ok(read) = self.work(job).await {
            // One that was opened meanwhile counts as it is in the editor.
            let open: HashSet<PathBuf> = self.open_manifests().into_iter().map(|(_, path)| path).collect();
            self.take_neighbours(read.into_iter().filter(|(path, _)| !open.contains(path)).collect());
        }
        // Those that are open, where a folder came or went.
        for (uri, path) in self.open_manifests() {
            if self.neighbour_path(&uri).is_none() {
                self.take_neighbours(vec![(path, None)]);
            } else if !self.neighbours().known.contains_key(&path) {
                self.names_changed(&uri);
            }
        }
    }

    /// Takes over what was read, and makes the diagnostics of the open manifests new that it concerns.
    fn take_neighbours(self: &Arc<Self>, read: Vec<(PathBuf, Option<Known>)>) {
        let Some((before, now)) = self.replace_neighbours(|before| before.with(read)) else { return };
        let open = self.open_manifests().into_iter();
        let concerned: Vec<Uri> = open.filter(|(_, path)| now.tells_news(&before, path)).map(|(uri, _)| uri).collect();
        self.refresh_documents(&concerned);
    }
}

fn read(path: &Path, encoding: Encoding) -> Option<Known> {
    let bytes = files::read(path, MAX_BYTES).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let uri = Uri::from_file_path(path)?;
    let names = Names::read(&text);
    Some(Known::new(uri, &text, names, encoding))
}
