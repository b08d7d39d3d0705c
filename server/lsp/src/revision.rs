//! One state of an open text, and what is made of it, each once: the text in one piece, its syntax read, its analysis.
//!
//! A document is a chain of [`Revision`]s that never change. A change makes a new one (the rope shares what stayed), so
//! that whoever works on a revision is not disturbed and a snapshot costs nothing. What was made of an older one goes with
//! the last who works on it.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use ropey::Rope;
use self_cell::self_cell;
use skillyard_ide::Source;
use skillyard_manifest::{
    Diagnostic, LineIndex, MAX_BYTES, Options, analyze, analyze_config, config::CONFIG, workspace::Names,
};
use skillyard_project::files::{self, MANIFEST_NAME};
use tower_lsp::ls_types::Uri;

use crate::{
    documents::{Kind, file_name, file_path},
    settings::Resolved,
};

/// One state of a document.
pub(crate) struct Revision {
    /// The document.
    pub(crate) uri: Uri,
    /// The client's number for this state.
    pub(crate) version: i32,
    /// The text.
    pub(crate) rope: Rope,
    /// What it is.
    pub(crate) kind: Kind,
    /// The file that it is in, by its path from the root, where it is in one.
    pub(crate) path: Option<PathBuf>,
    /// The folder it lies in, for a file.
    pub(crate) folder: Option<PathBuf>,
    /// Differs from that of every other revision of any document.
    number: u64,
    text: OnceLock<Arc<str>>,
    lines: OnceLock<LineIndex>,
    read: OnceLock<Read>,
    analysed: Mutex<Option<Arc<Analysed>>>,
}

self_cell! {
    /// A text with what it comes to.
    struct Read {
        owner: Arc<str>,
        #[covariant]
        dependent: Source,
    }
}

/// What the analysis of a revision came to.
pub(crate) struct Analysed {
    /// Equal for equal text and options, and for nothing else in the life of the server.
    pub(crate) number: (u64, u64),
    /// The text in one piece; what the spans count in.
    pub(crate) text: Arc<str>,
    /// What it was analysed with; a configuration takes nothing.
    pub(crate) options: Options,
    /// The ids that a manifest gives.
    pub(crate) names: Names,
    /// The findings, in the order of the text.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Revision {
    /// The first state of a document. Where its path is a crooked one, the disk is asked for the straight one.
    pub(crate) fn new(uri: Uri, version: i32, text: Rope, kind: Kind) -> Arc<Self> {
        let file = file_path(&uri);
        let path = file.as_deref().map(files::absolute);
        let folder = file.and_then(|file| file.parent().map(Path::to_owned));
        Self::numbered(uri, version, text, kind, path, folder)
    }

    /// The state after this one.
    pub(crate) fn next(&self, version: i32, text: Rope) -> Arc<Self> {
        Self::numbered(self.uri.clone(), version, text, self.kind, self.path.clone(), self.folder.clone())
    }

    fn numbered(
        uri: Uri,
        version: i32,
        rope: Rope,
        kind: Kind,
        path: Option<PathBuf>,
        folder: Option<PathBuf>,
    ) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (text, lines, read) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Arc::new(Self { uri, version, rope, kind, path, folder, number, text, lines, read, analysed: Mutex::new(None) })
    }

    /// Whether it is the manifest of a skill in a folder, which can be packaged.
    pub(crate) fn is_skill(&self) -> bool {
        let named = file_name(&self.uri).as_deref() == Some(MANIFEST_NAME);
        self.kind == Kind::Manifest && self.folder.is_some() && named
    }

    /// The text in one piece.
    pub(crate) fn text(&self) -> &Arc<str> {
        self.text.get_or_init(|| String::from(&self.rope).into())
    }

    /// Where its lines start.
    pub(crate) fn lines(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(self.text()))
    }

    /// The text, read. One that is too large to be analysed is taken for empty: nothing is said of it.
    pub(crate) fn source(&self) -> &Source<'_> {
        let read = self.read.get_or_init(|| {
            let text = if self.rope.len_bytes() > MAX_BYTES { Arc::from("") } else { Arc::clone(self.text()) };
            Read::new(text, |text| match self.kind {
                Kind::Config => Source::of_shape(text, &CONFIG),
                Kind::Manifest | Kind::Other => Source::new(text),
            })
        });
        read.borrow_dependent()
    }

    /// The analysis under `settings`, made once.
    pub(crate) fn analysed(&self, settings: &Resolved) -> Arc<Analysed> {
        // Who comes while another makes it waits for that one's. A panic in there leaves nothing half done.
        let mut memo = self.analysed.lock().unwrap_or_else(PoisonError::into_inner);
        let number = (self.number, settings.number);
        if let Some(made) = memo.as_ref().filter(|made| made.number == number) {
            return Arc::clone(made);
        }
        let text = Arc::clone(self.text());
        let (diagnostics, names) = match self.kind {
            Kind::Manifest => {
                let analysis = analyze(&text, &settings.options);
                (analysis.diagnostics, analysis.names)
            }
            Kind::Config => (analyze_config(&text), Names::default()),
            Kind::Other => Default::default(),
        };
        let made = Arc::new(Analysed { number, text, options: settings.options.clone(), names, diagnostics });
        *memo = Some(Arc::clone(&made));
        made
    }
}
