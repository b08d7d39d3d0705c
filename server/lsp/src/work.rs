//! Work that a person asked for and waits for: where it is, questions on the way, and its end, which may be early.
//!
//! A [`Work`] lives in a task of its own and not in the handler of the request, so that it can still say how it ended
//! when the request was cancelled. However it is cancelled (`$/cancelRequest`, `window/workDoneProgress/cancel`), what
//! runs is told at its next step and leaves nothing behind.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use skillyard_project::{Cancelled, Progress};
use tokio::{
    select,
    sync::{Notify, watch},
};
use tower_lsp::{
    jsonrpc,
    ls_types::{
        MessageActionItem, MessageType, ProgressParams, ProgressParamsValue, ProgressToken, WorkDoneProgress,
        WorkDoneProgressBegin, WorkDoneProgressEnd, WorkDoneProgressReport,
        notification::Progress as ProgressNotification,
    },
};

use crate::{
    log::log,
    session::{Session, plain},
};

/// Whether a person ended the work.
#[derive(Default)]
pub(crate) struct Cancel {
    cancelled: AtomicBool,
    told: Notify,
}

impl Cancel {
    /// Ends the work.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        self.told.notify_waiters();
    }

    fn check(&self) -> Result<(), Cancelled> {
        if self.cancelled.load(Ordering::SeqCst) { Err(Cancelled) } else { Ok(()) }
    }

    /// Waits until the work is ended.
    async fn cancelled(&self) {
        // In this order: what is told from here on is not missed.
        let told = self.told.notified();
        if self.check().is_ok() {
            told.await;
        }
    }
}

/// Ends the work when it is dropped, as the handler of a request is when the request is cancelled.
pub(crate) struct CancelOnDrop(pub(crate) Arc<Cancel>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// The work that is going on, each with the token under which its progress is shown, if it is.
#[derive(Default)]
pub(crate) struct Works(Mutex<Vec<(Arc<Cancel>, Option<ProgressToken>)>>);

impl Works {
    fn all(&self) -> MutexGuard<'_, Vec<(Arc<Cancel>, Option<ProgressToken>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the work with a token; one that is over needs no end.
    pub(crate) fn cancel(&self, token: &ProgressToken) {
        let works = self.all();
        works.iter().filter(|(_, known)| known.as_ref() == Some(token)).for_each(|(cancel, _)| cancel.cancel());
    }

    /// Ends all work; whether there was any.
    pub(crate) fn cancel_all(&self) -> bool {
        let works = self.all();
        works.iter().for_each(|(cancel, _)| cancel.cancel());
        !works.is_empty()
    }

    fn insert(&self, cancel: &Arc<Cancel>, token: Option<ProgressToken>) {
        self.remove(cancel);
        self.all().push((Arc::clone(cancel), token));
    }

    fn remove(&self, cancel: &Arc<Cancel>) {
        self.all().retain(|(there, _)| !Arc::ptr_eq(there, cancel));
    }
}

/// Why a question got no answer.
pub(crate) enum NoAnswer {
    /// The work was ended meanwhile, or the question dismissed.
    Cancelled,
    /// The client cannot ask a person.
    CannotAsk,
}

/// Work that is going on.
pub(crate) struct Work {
    session: Arc<Session>,
    cancel: Arc<Cancel>,
    /// Where progress goes, if it goes anywhere.
    token: Option<ProgressToken>,
    done: Arc<Mutex<Done>>,
}

impl Work {
    /// Begins work named `title`. Progress goes to `token` if the client gave one, else to one that is made if the
    /// client shows such.
    pub(crate) async fn begin(
        session: Arc<Session>,
        cancel: Arc<Cancel>,
        title: &'static str,
        token: Option<ProgressToken>,
    ) -> Self {
        let token = match token {
            Some(token) => {
                session.works.insert(&cancel, Some(token.clone()));
                Some(token)
            }
            None if session.abilities().shows_progress => create(&session, &cancel).await,
            None => {
                session.works.insert(&cancel, None);
                None
            }
        };
        let work = Self { session, cancel, token, done: Arc::default() };
        let begin = WorkDoneProgressBegin {
            title: format!("Skillyard: {title}"),
            cancellable: Some(true),
            message: None,
            percentage: Some(0),
        };
        work.show(WorkDoneProgress::Begin(begin)).await;
        work
    }

    /// Whose work it is.
    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Ends it with a word on how it went.
    pub(crate) async fn end(self, message: &str) {
        let end = WorkDoneProgressEnd { message: Some(plain(message)) };
        self.show(WorkDoneProgress::End(end)).await;
        self.session.works.remove(&self.cancel);
    }

    /// Does `job` on another thread while its progress is shown.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Watched) -> T + Send + 'static,
    ) -> jsonrpc::Result<T> {
        let (sender, mut seen) = watch::channel(("", 0));
        let watched = Watched { cancel: Arc::clone(&self.cancel), done: Arc::clone(&self.done), shown: sender };
        let mut job = pin!(self.session.work(move || job(&watched)));
        loop {
            select! {
                biased;
                result = &mut job => return result,
                Ok(()) = seen.changed(), if self.token.is_some() => {
                    let (step, percentage) = *seen.borrow_and_update();
                    let report = WorkDoneProgressReport {
                        cancellable: Some(true),
                        message: Some(step.to_owned()),
                        percentage: Some(percentage),
                    };
                    self.show(WorkDoneProgress::Report(report)).await;
                }
            }
        }
    }

    /// Asks the person to choose; the number of the choice.
    pub(crate) async fn ask(&self, question: &str, choices: &[String]) -> Result<usize, NoAnswer> {
        self.ask_at_length(question, &[], choices).await
    }

    /// The same with more lines below the question.
    pub(crate) async fn ask_at_length(
        &self,
        question: &str,
        lines: &[&str],
        choices: &[String],
    ) -> Result<usize, NoAnswer> {
        let items = choices.iter().map(|title| MessageActionItem { title: title.clone(), properties: HashMap::new() });
        let text: Vec<String> = std::iter::once(question).chain(lines.iter().copied()).map(plain).collect();
        let items = Some(items.collect());
        let asked = self.session.client.show_message_request(MessageType::INFO, text.join("\n"), items);
        let answer = select! {
            biased;
            () = self.cancel.cancelled() => return Err(NoAnswer::Cancelled),
            answer = asked => answer,
        };
        match answer {
            Ok(Some(answer)) => choices.iter().position(|title| *title == answer.title).ok_or(NoAnswer::Cancelled),
            Ok(None) => Err(NoAnswer::Cancelled),
            Err(error) => {
                log(&format!("the client asks no questions: {error}"));
                Err(NoAnswer::CannotAsk)
            }
        }
    }

    async fn show(&self, value: WorkDoneProgress) {
        if let Some(token) = self.token.clone() {
            let value = ProgressParamsValue::WorkDone(value);
            self.session.client.send_notification::<ProgressNotification>(ProgressParams { token, value }).await;
        }
    }
}

/// A token that the client agrees to show progress under.
async fn create(session: &Session, cancel: &Arc<Cancel>) -> Option<ProgressToken> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let token = ProgressToken::String(format!("skillyard/{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    session.works.insert(cancel, Some(token.clone()));
    let created = select! {
        biased;
        () = cancel.cancelled() => false,
        created = session.client.create_work_done_progress(token.clone()) => match created {
            Ok(()) => true,
            Err(error) => {
                log(&format!("the client shows no progress: {error}"));
                false
            }
        },
    };
    if created {
        return Some(token);
    }
    session.works.insert(cancel, None);
    None
}

/// How much of some work is done, over all its steps.
///
/// How many steps will come is not known, so each takes half of what was left at its beginning: the figure always
/// rises and never reaches the end before the work does.
#[derive(Default)]
struct Done {
    step: &'static str,
    /// At the beginning of the step, of 1.
    before: f64,
    /// Now, of 1.
    now: f64,
}

impl Done {
    fn at(&mut self, step: &'static str, done: u64, total: u64) -> u32 {
        if self.step != step {
            self.step = step;
            self.before = self.now;
        }
        // A step that does not know its end has none to be near to.
        let of_step = if total == 0 { 0.0 } else { (done as f64 / total as f64).min(1.0) };
        self.now = self.now.max(self.before + (1.0 - self.before) / 2.0 * of_step);
        // A number from 0 to 99.
        ((self.now * 100.0) as u32).min(99)
    }
}

/// What a job tells where it is.
pub(crate) struct Watched {
    cancel: Arc<Cancel>,
    done: Arc<Mutex<Done>>,
    shown: watch::Sender<(&'static str, u32)>,
}

impl Progress for Watched {
    fn at(&self, step: &'static str, done: u64, total: u64) -> Result<(), Cancelled> {
        self.cancel.check()?;
        let percentage = self.done.lock().unwrap_or_else(PoisonError::into_inner).at(step, done, total);
        self.shown.send_if_modified(|shown| std::mem::replace(shown, (step, percentage)) != (step, percentage));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_percentage_rises_and_stays_below_the_end() {
        let mut done = Done::default();
        let mut before = 0;
        for (step, total) in [("read", 10), ("hash", 3), ("hash", 0), ("write", 1000), ("read", 7)] {
            for at in 0..=total {
                let now = done.at(step, at, total);
                assert!(now >= before && now < 100, "{before} {now}");
                before = now;
            }
        }
        assert_eq!(Done::default().at("read", 5, 10), 25);
    }

    #[test]
    fn what_is_cancelled_before_it_is_awaited_is_cancelled() {
        let cancel = Cancel::default();
        cancel.cancel();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(cancel.cancelled());
        assert_eq!(cancel.check(), Err(Cancelled));
    }
}
