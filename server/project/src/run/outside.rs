//! What a running tool may ask of this process, who asked for what, and that no secret comes back with it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::replay::{Exchanges, recorded};
use skillyard_runtime::{
    call::{Decision, HostCall, HttpRequest, HttpResponse, Log, Outside, Refusal},
    egress::Broker,
    secrets::{Mask, Values},
};

/// The world behind the walls of one call.
pub(super) struct World {
    /// The network, or why the policy did not give it.
    pub(super) network: Result<Network, String>,
    /// The secrets that the policy gave.
    pub(super) secrets: Values,
    /// Granted secrets that are nowhere to be found, and those that the policy did not give, each with the reason.
    pub(super) missing: Vec<(String, String)>,
    pub(super) mask: Mask,
    pub(super) started: Instant,
    pub(super) deadline: Instant,
    pub(super) seen: Mutex<Seen>,
}

/// Who answers requests.
pub(super) enum Network {
    /// The hosts themselves.
    Real(Broker),
    /// A case.
    Replayed(Exchanges),
}

/// What was seen of a call.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) logs: Vec<Log>,
    pub(super) calls: Vec<HostCall>,
}

impl World {
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a host call that this process decided.
    fn record(&self, name: &str, arguments: String, began: Instant, decision: Decision) {
        let call = HostCall {
            name: name.to_owned(),
            arguments,
            decision,
            at_ms: milliseconds(began.saturating_duration_since(self.started)),
            took_ms: milliseconds(began.elapsed()),
        };
        self.host_call(call);
    }
}

fn milliseconds(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn decision<T>(result: &Result<T, Refusal>) -> Decision {
    match result {
        Ok(_) => Decision::Allowed,
        Err(Refusal::Denied(why)) => Decision::Denied(why.clone()),
        Err(Refusal::Failed(why) | Refusal::TimedOut(why)) => Decision::Failed(why.clone()),
    }
}

impl Outside for World {
    fn http(&self, request: HttpRequest) -> Result<HttpResponse, Refusal> {
        let began = Instant::now();
        let broker = match &self.network {
            Ok(Network::Real(broker)) => broker,
            Ok(Network::Replayed(exchanges)) => {
                let result = exchanges.answer(&request);
                let (arguments, decision) = recorded(&request, &result);
                self.record("http", arguments, began, decision);
                return result;
            }
            Err(why) => {
                let (asked, refused) = (format!("{} {}", request.method, request.url), Refusal::Denied(why.clone()));
                self.record("http", asked, began, Decision::Denied(why.clone()));
                return Err(refused);
            }
        };
        let mut hops = Vec::new();
        let result = broker.fetch(request, self.deadline, &mut hops);
        for hop in &hops {
            self.host_call(hop.to_host_call(self.started));
        }
        result
    }

    fn secret(&self, name: &str) -> Result<String, Refusal> {
        let began = Instant::now();
        let result = match self.secrets.get(name) {
            Some(value) => Ok(value.to_owned()),
            None => Err(match self.missing.iter().find(|(missing, _)| missing == name) {
                Some((_, why)) => Refusal::Denied(why.clone()),
                None => Refusal::Denied(format!(
                    "the manifest does not grant it; add it to capabilities.secrets: {}",
                    skillyard_manifest::quoted(name)
                )),
            }),
        };
        self.record("secret", name.to_owned(), began, decision(&result));
        result
    }

    fn log(&self, log: Log) {
        // Masked when all are there: a secret may stand in two lines.
        self.seen().logs.push(log);
    }

    fn host_call(&self, mut call: HostCall) {
        self.mask.host_call(&mut call);
        self.seen().calls.push(call);
    }
}
