//! A call whose world is written down: the answers to its requests, made-up secrets, files of its own. For the cases of
//! a skill, which neither reach the network nor leave anything behind.

use std::{
    collections::{BTreeMap, VecDeque},
    fs, io,
    path::{Component, Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use skillyard_runtime::{
    call::{Held, HttpRequest, HttpResponse, Refusal},
    egress::Hosts,
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

/// The requests that are still to come.
pub(super) struct Exchanges {
    hosts: Hosts,
    left: Mutex<VecDeque<Exchange>>,
}

impl Exchanges {
    pub(super) fn new(hosts: &[String], exchanges: &[Exchange]) -> Self {
        Self { hosts: Hosts::new(hosts), left: Mutex::new(exchanges.iter().cloned().collect()) }
    }

    /// The answer to a request, if it is the next that the case lists and the manifest grants its host.
    pub(super) fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
        let url = Url::parse(&request.url).map_err(|error| Refusal::Denied(format!("no URL: {error}")))?;
        let granted = url.host().is_some_and(|host| self.hosts.grant(&host));
        if !granted {
            let host = skillyard_manifest::quoted(url.host_str().unwrap_or_default());
            return Err(Refusal::Denied(format!("add {host} to capabilities.http_egress_allowlist")));
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let next = left.front().filter(|next| {
            next.request.method.eq_ignore_ascii_case(&request.method)
                && Url::parse(&next.request.url).is_ok_and(|listed| listed == url)
        });
        if next.is_none() {
            return Err(Refusal::Failed(match left.front() {
                Some(next) => format!(
                    "the case lists {} {} as the next request",
                    skillyard_manifest::plain(&next.request.method),
                    skillyard_manifest::plain(&next.request.url)
                ),
                None => "the case lists no further request".to_owned(),
            }));
        }
        let Some(Exchange { response, .. }) = left.pop_front() else {
            return Err(Refusal::Failed("the case lists no further request".to_owned()));
        };
        Ok(HttpResponse {
            status: response.status,
            headers: response.headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect(),
            body: response.body.into_bytes(),
            held: Held::default(),
        })
    }

    /// What was listed and never asked for.
    pub(super) fn unasked(&self) -> Vec<String> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.iter().map(|next| format!("{} {}", next.request.method, next.request.url)).collect()
    }
}
