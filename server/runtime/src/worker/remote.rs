//! The outside, as the worker has it: frames to the parent.

use std::{
    collections::HashMap,
    fs::File,
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{self, RecvTimeoutError, SyncSender},
    },
    time::Instant,
};

use super::{
    HOST_CALLS,
    wire::{self, Answer, ToParent},
};
use crate::call::{Decision, Held, HostCall, HttpRequest, HttpResponse, Log, Outside, Refusal};

/// An answer and its payload.
type Answered = (Answer, Vec<u8>);

/// Asks the parent.
pub(super) struct Remote {
    to: Mutex<Sending>,
    waiting: Mutex<HashMap<u64, SyncSender<Answered>>>,
    deadline: Instant,
}

struct Sending {
    file: File,
    /// The next request's number; they are sent in their order.
    next: u64,
    host_calls: u64,
}

impl Remote {
    /// Asks through `file`, and for nothing longer than until `deadline`.
    pub(super) fn new(file: File, deadline: Instant) -> Self {
        Self { to: Mutex::new(Sending { file, next: 0, host_calls: 0 }), waiting: Mutex::default(), deadline }
    }

    /// Hands an answer to whoever waits for it.
    pub(super) fn answered(&self, id: u64, answer: Answer, payload: Vec<u8>) {
        let waits = self.waiting().remove(&id);
        if let Some(waits) = waits {
            // It may have stopped waiting.
            let _ = waits.send((answer, payload));
        }
    }

    /// Sends what is no request.
    pub(super) fn send(&self, message: &ToParent, payload: &[u8]) {
        let sent = wire::send(&mut self.to().file, message, payload);
        if sent.is_err() {
            // The parent is gone, or has ended this: nothing that happens here matters any more.
            std::process::exit(super::child::ORPHANED);
        }
    }

    /// Host calls that were made and not told.
    pub(super) fn unrecorded(&self) -> u64 {
        self.to().host_calls.saturating_sub(HOST_CALLS)
    }

    fn to(&self) -> MutexGuard<'_, Sending> {
        self.to.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, SyncSender<Answered>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, request: impl FnOnce(u64) -> ToParent, payload: &[u8]) -> Result<Answered, Refusal> {
        let (answered, answer) = mpsc::sync_channel(1);
        let id = {
            let mut to = self.to();
            let mut waiting = self.waiting();
            if waiting.len() >= wire::WAITING {
                return Err(Refusal::Failed(format!(
                    "{} requests are under way, and no more are let out",
                    wire::WAITING
                )));
            }
            let id = to.next;
            to.next += 1;
            waiting.insert(id, answered);
            drop(waiting);
            if let Err(error) = wire::send(&mut to.file, &request(id), payload) {
                self.waiting().remove(&id);
                return Err(Refusal::Failed(format!("the request cannot leave the worker: {error}")));
            }
            id
        };
        let left = self.deadline.saturating_duration_since(Instant::now());
        answer.recv_timeout(left).map_err(|why| match why {
            RecvTimeoutError::Timeout => Refusal::TimedOut(format!("request {id} was not answered in the call's time")),
            RecvTimeoutError::Disconnected => Refusal::Failed("the parent does not answer".into()),
        })
    }
}

impl Outside for Remote {
    fn http(&self, request: HttpRequest) -> Result<HttpResponse, Refusal> {
        let HttpRequest { method, url, headers, body, timeout_ms } = request;
        if body.len() > wire::BODY_BYTES as usize {
            let text = format!("the body has {} bytes, of {} allowed", body.len(), wire::BODY_BYTES);
            return Err(Refusal::Failed(text));
        }
        match self.ask(|id| ToParent::Http { id, method, url, headers, timeout_ms }, &body)? {
            (Answer::Http { status, headers }, body) => {
                // In the worker it counts as its memory.
                Ok(HttpResponse { status, headers, body, held: Held::default() })
            }
            (Answer::Refused(refusal), _) => Err(refusal),
            (Answer::Secret, _) => Err(Refusal::Failed("the parent answered something else".into())),
        }
    }

    fn secret(&self, name: &str) -> Result<String, Refusal> {
        match self.ask(|id| ToParent::Secret { id, name: name.to_owned() }, &[])? {
            (Answer::Secret, value) => {
                String::from_utf8(value).map_err(|_| Refusal::Failed("the value is no UTF-8".into()))
            }
            (Answer::Refused(refusal), _) => Err(refusal),
            (Answer::Http { .. }, _) => Err(Refusal::Failed("the parent answered something else".into())),
        }
    }

    fn log(&self, log: Log) {
        self.send(&ToParent::Log { log }, &[]);
    }

    fn host_call(&self, call: HostCall) {
        let mut to = self.to();
        to.host_calls += 1;
        if to.host_calls > HOST_CALLS {
            return;
        }
        drop(to);
        let decision = match call.decision {
            Decision::Allowed => Decision::Allowed,
            Decision::Denied(why) => Decision::Denied(cut(why)),
            Decision::Failed(why) => Decision::Failed(cut(why)),
        };
        let call = HostCall { name: cut(call.name), arguments: cut(call.arguments), decision, ..call };
        self.send(&ToParent::HostCall { call }, &[]);
    }
}

/// A text of the guest's, or its length where it is longer than a parent takes: no part of it, since no mask knows half
/// a secret.
fn cut(text: String) -> String {
    if text.len() > wire::HOST_CALL_TEXT { format!("(a text of {} bytes)", text.len()) } else { text }
}
