//! A call whose world is written down: the answers to its requests, made-up secrets, files of its own. For the cases of
//! a skill, which neither reach the network nor leave anything behind.

use std::{
    collections::{BTreeMap, VecDeque},
    fs, io,
    path::{Component, Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use skillyard_runtime::{
    call::Refusal,
    egress::{Answers, Written},
};
use url::Url;

use crate::cases::{CaseSecret, Exchange};

/// What a case says of the world.
#[derive(Clone, PartialEq, Debug)]
pub struct Replay {
    /// The requests in their order, with their answers.
    pub http: Vec<Exchange>,
    /// The secrets, by `scope/key`. Those of the person are not looked at.
    pub secrets: BTreeMap<String, CaseSecret>,
    /// The folder in place of the skill's own storage.
    pub storage: PathBuf,
}

impl Replay {
    /// Writes the files that a case starts with below its storage.
    ///
    /// # Errors
    /// If a path leads out of it or cannot be written.
    pub fn write(&self, files: &BTreeMap<String, String>) -> io::Result<()> {
        for (path, text) in files {
            let relative = Path::new(path);
            if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "a path in `files` stays in the storage"));
            }
            let file = self.storage.join(relative);
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(file, text)?;
        }
        Ok(())
    }
}

/// The requests that are still to come, one list for whoever has it.
#[derive(Clone)]
pub(super) struct Exchanges(Arc<Mutex<VecDeque<Exchange>>>);

/// The answers to requests that may be made, each if it is the next that the case lists.
impl Answers for Exchanges {
    fn answer(&self, method: &str, url: &Url) -> Result<Written, Refusal> {
        let mut left = self.left();
        let is_next = |next: &Exchange| {
            let Ok(mut listed) = Url::parse(&next.request.url) else { return false };
            listed.set_fragment(None);
            next.request.method.eq_ignore_ascii_case(method) && listed == *url
        };
        match left.pop_front_if(|next| is_next(next)) {
            Some(Exchange { response, .. }) => Ok(Written {
                status: response.status,
                headers: response.headers.into_iter().collect(),
                body: response.body.into_bytes(),
            }),
            None => Err(Refusal::Failed(match left.front() {
                Some(next) => format!(
                    "the case lists {} {} as the next request",
                    skillyard_manifest::plain(&next.request.method),
                    skillyard_manifest::plain(&next.request.url)
                ),
                None => "the case lists no further request".to_owned(),
            })),
        }
    }
}

impl Exchanges {
    pub(super) fn new(exchanges: &[Exchange]) -> Self {
        Self(Arc::new(Mutex::new(exchanges.iter().cloned().collect())))
    }

    fn left(&self) -> MutexGuard<'_, VecDeque<Exchange>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was listed and never asked for.
    pub(super) fn unasked(&self) -> Vec<String> {
        self.left().iter().map(|next| format!("{} {}", next.request.method, next.request.url)).collect()
    }
}
