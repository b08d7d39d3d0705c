//! The other skills of the workspace: the ids that their manifests give, and what is told where one is given twice.
//!
//! The manifests below the workspace's folders are looked for once, in the background, and read again when the client
//! says that they changed; of an open one the text in the editor counts. Nothing but their ids is kept. A manifest outside
//! of every workspace folder has no neighbours. Where the ids of a manifest only move, as with most keystrokes, nothing is
//! compared anew.
//!
//! Files of others decide how many ids there are, so that no more are kept than [`MAX_TOOLS`] of one manifest and
//! [`MAX_ALL_TOOLS`] in all: an id that only others give beyond that is not told as given twice. `skillyard check` looks at all.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use skillyard_manifest::{
    Encoding, LineIndex, MAX_BYTES, Position, Span,
    elsewhere::Elsewhere,
    workspace::{Name, Names},
};
use skillyard_project::{
    files,
    workspace::{MAX_OTHERS, Workspace, manifests_below},
};
use tokio::task;
use tower_lsp::ls_types::{Diagnostic, DiagnosticRelatedInformation, Location, Range, Uri};

use crate::{
    convert::Converter,
    revision::{Analysed, Revision},
    session::{Session, Snapshot},
};

/// The tools of one manifest whose ids are kept, in the order of the text.
const MAX_TOOLS: usize = 1000;

/// The tools of all manifests whose ids are kept. Of a manifest for which there is no room left only the skill's own id is,
/// until it is read again.
const MAX_ALL_TOOLS: usize = 50_000;

/// What a manifest is known for.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Known {
    uri: Uri,
    names: Names,
    /// The places of the names, one each in their order, as the client counts them.
    ranges: Vec<Range>,
}

impl Known {
    fn new(uri: Uri, text: &str, mut names: Names, encoding: Encoding) -> Self {
        names.tools.truncate(MAX_TOOLS);
        let index = LineIndex::new(text);
        let place = |offset| {
            let Position { line, character } = index.position(text, offset, encoding);
            tower_lsp::ls_types::Position::new(line, character)
        };
        let ranges = names.all().map(|name| Range::new(place(name.span.start), place(name.span.end)));
        Self { uri, ranges: ranges.collect(), names }
    }

    /// Without the tools beyond `room`.
    fn within(mut self, room: usize) -> Self {
        self.names.tools.truncate(room);
        self.ranges.truncate(self.names.all().count());
        self
    }

    /// Whether the other gives the same ids, whatever their places.
    fn same_ids(&self, other: &Self) -> bool {
        let ids = |names: &Names| names.all().map(|name| name.id.clone()).collect::<Vec<_>>();
        self.names.skill.is_some() == other.names.skill.is_some() && ids(&self.names) == ids(&other.names)
    }

    /// Where it gives `id`: as its own, or to a tool.
    fn places<'k>(&'k self, id: &'k str, of_skill: bool) -> impl Iterator<Item = Range> + 'k {
        let skill = self.names.skill.as_ref().map(|name| name.span);
        let named = self.names.all().zip(&self.ranges);
        named.filter(move |(name, _)| name.id == id && (skill == Some(name.span)) == of_skill).map(|(_, range)| *range)
    }
}

/// The manifests of the workspace at one time.
#[derive(Clone, Default)]
pub(crate) struct Neighbours {
    known: BTreeMap<Arc<Path>, Arc<Known>>,
    /// The ids and who gives them. The places in it may be older ones; those in `known` count.
    workspace: Arc<Workspace>,
    /// The workspace's folders that they lie in.
    folders: Vec<PathBuf>,
}

impl Neighbours {
    /// Where the manifests are.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.known.keys().map(|path| &**path)
    }

    /// After some manifests were read (`None`: gone). What is in none of `folders` is gone too, whenever it was read: skills
    /// of a folder that went and of one that came are never compared. `None` where nothing differs.
    fn with(&self, mut read: Vec<(PathBuf, Option<Known>)>, folders: Vec<PathBuf>) -> Option<Self> {
        let outside = |path: &Path| !folders.iter().any(|folder| path.starts_with(folder));
        for (path, known) in &mut read {
            known.take_if(|_| outside(path));
        }
        let (mut differs, mut moved_only) = (self.folders != folders, true);
        if differs {
            read.extend(self.paths().filter(|path| outside(path)).map(|path| (path.to_owned(), None)));
        }
        let mut now = Self { folders, ..self.clone() };
        let mut kept: usize = self.known.values().map(|known| known.names.tools.len()).sum();
        for (path, new) in read {
            let known = now.known.get(&*path).cloned();
            let known = known.as_deref();
            let others = kept - known.map_or(0, |known| known.names.tools.len());
            let new = new.map(|new| new.within(MAX_ALL_TOOLS.saturating_sub(others)));
            kept = others + new.as_ref().map_or(0, |new| new.names.tools.len());
            if known == new.as_ref() {
                continue;
            }
            differs = true;
            moved_only &= known.zip(new.as_ref()).is_some_and(|(old, new)| old.same_ids(new));
            match new {
                Some(new) => now.known.insert(path.into(), Arc::new(new)),
                None => now.known.remove(&*path),
            };
        }
        if !differs {
            return None;
        }
        if !moved_only {
            let all = now.known.iter().map(|(path, known)| (Arc::clone(path), &known.names));
            now.workspace = Arc::new(Workspace::of(all));
        }
        Some(now)
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
            Some(old) if old.same_ids(known) => now != told(before, &known.names),
            // Its own ids are new too. Their diagnostics may have been made before others' were known.
            old => !now.is_empty() || old.is_some_and(|old| !told(before, &old.names).is_empty()),
        }
    }

    /// What is told in a manifest about the others.
    pub(crate) fn diagnostics(&self, analysed: &Analysed, converter: Converter<'_>) -> Vec<Diagnostic> {
        let Some(path) = &converter.revision.path else { return Vec::new() };
        // Its folder came just now, and what is known is of others that may have gone.
        if !self.folders.iter().any(|folder| path.starts_with(folder)) {
            return Vec::new();
        }
        let clashes = self.workspace.clashes(path, &analysed.names);
        if clashes.is_empty() {
            return Vec::new();
        }
        let skill = analysed.names.skill.as_ref().map(|name| name.span);
        let elsewhere = Elsewhere::new(&analysed.text, &analysed.options);
        let named: HashMap<Span, &Name> = analysed.names.all().map(|name| (name.span, name)).collect();
        let shown = clashes.into_iter().filter_map(|mut clash| {
            if !elsewhere.is_reported(&mut clash.diagnostic) {
                return None;
            }
            let mut diagnostic = converter.diagnostic(&clash.diagnostic);
            let span = clash.diagnostic.span;
            if converter.client.related_information
                && let Some(name) = named.get(&span)
            {
                let mut files: Vec<&Arc<Path>> = clash.others.iter().map(|(file, _)| file).collect();
                // One that gives the id several times is there as often; its places come together.
                files.dedup();
                let related = files.into_iter().filter_map(|file| self.known.get(file)).flat_map(|known| {
                    known.places(&name.id, skill == Some(span)).map(|range| DiagnosticRelatedInformation {
                        location: Location::new(known.uri.clone(), range),
                        message: "it is given here too".to_owned(),
                    })
                });
                diagnostic.related_information = Some(related.take(MAX_OTHERS).collect());
            }
            Some(diagnostic)
        });
        shown.collect()
    }
}

impl Session {
    /// Looks for the manifests of the workspace, in the background, and forgets those that are in no folder of it any more.
    pub(crate) fn look_for_neighbours(self: &Arc<Self>) {
        let folders = self.folders();
        if folders.is_empty() && self.neighbours().known.is_empty() {
            return;
        }
        let session = Arc::clone(self);
        task::spawn(async move {
            session.take_neighbours(Vec::new()).await;
            let look = move || manifests_below(&folders);
            if let Ok(found) = session.work(look).await {
                session.these_are_all(found).await;
            }
        });
    }

    /// Reads all manifests of the workspace, and forgets every other.
    pub(crate) async fn these_are_all(self: &Arc<Self>, manifests: Vec<PathBuf>) {
        let gone = self.neighbours().paths().map(Path::to_owned).collect::<Vec<_>>();
        self.read_neighbours(manifests.into_iter().chain(gone)).await;
    }

    /// Reads manifests that changed on the disk, in the background.
    pub(crate) fn neighbours_changed(self: &Arc<Self>, paths: Vec<PathBuf>) {
        if !paths.is_empty() {
            let session = Arc::clone(self);
            task::spawn(async move { session.read_neighbours(paths.into_iter()).await });
        }
    }

    /// What the manifest of `snapshot` is known for among the others, where that is news. Takes as long as the analysis: for
    /// a thread of its own.
    pub(crate) fn names_of(&self, snapshot: &Snapshot) -> Option<(PathBuf, Option<Known>)> {
        let (neighbours, path) = snapshot.neighbours.as_ref().zip(snapshot.revision.path.as_ref())?;
        let analysed = snapshot.analysed();
        let uri = snapshot.revision.uri.clone();
        let known = Known::new(uri, &analysed.text, analysed.names.clone(), snapshot.client.encoding);
        let news = neighbours.known.get(path.as_path()).is_none_or(|before| **before != known);
        news.then(|| (path.clone(), Some(known)))
    }

    /// Reads manifests that are not open; what cannot be read, or is in no workspace folder any more, is forgotten.
    async fn read_neighbours(self: &Arc<Self>, paths: impl Iterator<Item = PathBuf>) {
        let open = self.open_skills();
        let folders = self.folders();
        let paths: HashSet<PathBuf> = paths.map(|path| files::absolute(&path)).collect();
        let encoding = self.abilities().encoding;
        let closed: Vec<PathBuf> = paths.into_iter().filter(|path| !open.contains_key(path)).collect();
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
            let open = self.open_skills();
            self.take_neighbours(read.into_iter().filter(|(path, _)| !open.contains_key(path)).collect()).await;
        }
        // Those that are open, where a folder came or went.
        for (path, revision) in self.open_skills() {
            if !self.has_neighbours(&revision) {
                self.take_neighbours(vec![(path, None)]).await;
            } else if !self.neighbours().known.contains_key(&*path) {
                self.follow(&revision.uri);
            }
        }
    }

    /// The manifests of skills that are open, by their paths from the root.
    fn open_skills(&self) -> HashMap<PathBuf, Arc<Revision>> {
        let skills = self.manifests().into_iter().filter(|revision| revision.is_skill());
        skills.filter_map(|revision| Some((revision.path.clone()?, revision))).collect()
    }

    /// The manifests that are known at or below `places`: files or folders.
    pub(crate) fn neighbours_below(&self, places: &HashSet<PathBuf>) -> Vec<PathBuf> {
        let below = |path: &&Path| path.ancestors().any(|place| places.contains(place));
        self.neighbours().paths().filter(below).map(Path::to_owned).collect()
    }

    /// Takes over what was read, in the order of the calls, forgets what is in no workspace folder any more, and makes the
    /// diagnostics new that it concerns: those of open manifests, and those that are shown of closed ones. Comparing takes
    /// its time, and happens where nobody waits for it.
    pub(crate) async fn take_neighbours(self: &Arc<Self>, read: Vec<(PathBuf, Option<Known>)>) {
        let _turn = self.taking_neighbours.lock().await;
        let (before, folders) = (self.neighbours(), self.folders());
        let open = self.open_skills();
        let spoken_of: Vec<PathBuf> = open.keys().cloned().chain(self.closed.paths()).collect();
        let compare = move || {
            let now = before.with(read, folders)?;
            let concerned = spoken_of.into_iter().filter(|path| now.tells_news(&before, path)).collect::<HashSet<_>>();
            Some((Arc::new(now), concerned))
        };
        let Ok(Some((now, concerned))) = self.work(compare).await else { return };
        self.set_neighbours(now);
        let uris = open.iter().filter(|(path, _)| concerned.contains(*path)).map(|(_, skill)| skill.uri.clone());
        self.refresh_documents(&uris.collect::<Vec<_>>());
        self.check_closed_again(|path| concerned.contains(path));
    }
}

fn read(path: &Path, encoding: Encoding) -> Option<Known> {
    let bytes = files::read(path, MAX_BYTES).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let uri = Uri::from_file_path(path)?;
    let names = Names::read(&text);
    Some(Known::new(uri, &text, names, encoding))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tools: usize, named: &str) -> Known {
        let mut text = format!("skill_id = \"acme.{named}\"\n");
        text.extend((0..tools).map(|n| format!("[[entrypoints.tools]]\nid = \"acme.{named}{n}\"\n")));
        let uri = Uri::from_file_path(std::env::temp_dir().join("skill.toml")).unwrap();
        Known::new(uri, &text, Names::read(&text), Encoding::Utf16)
    }

    #[test]
    fn no_more_names_are_kept_than_told() {
        let one = of(MAX_TOOLS + 7, "a");
        assert_eq!((one.names.all().count(), one.ranges.len()), (MAX_TOOLS + 1, MAX_TOOLS + 1));
        let path = |n: usize| PathBuf::from(format!("/{n:03}/skill.toml"));
        let with = |all: &Neighbours, read| all.with(read, vec![PathBuf::from("/")]);
        let many = MAX_ALL_TOOLS / MAX_TOOLS + 2;
        let read: Vec<_> = (0..many).map(|n| (path(n), Some(one.clone()))).collect();
        let all = with(&Neighbours::default(), read.clone()).unwrap();
        let kept: usize = all.known.values().map(|known| known.ranges.len()).sum();
        // The skill's own id always is.
        assert_eq!(kept, MAX_ALL_TOOLS + many);
        assert_eq!(all.known.len(), many);
        assert_eq!(all.known[&*path(many - 1)].names.all().count(), 1);
        // What was read again and is the same is no news, and one that shrinks makes room.
        assert!(with(&all, read.clone()).is_none());
        let fewer = with(&all, vec![(path(0), Some(of(1, "a"))), read[many - 1].clone()]).unwrap();
        assert!(fewer.known[&*path(many - 1)].names.all().count() > 900);
    }

    #[test]
    fn what_only_moved_is_not_compared_anew() {
        let path = PathBuf::from("/a/skill.toml");
        let with = |all: &Neighbours, known| all.with(vec![(path.clone(), known)], vec![PathBuf::from("/a")]).unwrap();
        let all = with(&Neighbours::default(), Some(of(2, "a")));
        let mut moved = of(2, "a");
        moved.ranges[0].end.character += 1;
        let now = with(&all, Some(moved));
        assert!(Arc::ptr_eq(&now.workspace, &all.workspace));
        let now = with(&all, None);
        assert!(now.known.is_empty() && !Arc::ptr_eq(&now.workspace, &all.workspace));
    }
}
