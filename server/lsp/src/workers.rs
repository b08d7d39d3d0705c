//! The threads that analyse.
//!
//! A thread rests before the result of its work is handed over, and the one that rested last works next. So the request
//! that an answer brings on finds the very thread that made the answer, with its memory and caches warm: somebody who
//! types keeps one thread busy, not one more each time that the next keystroke is faster than a thread can lie down.

use std::{
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak, mpsc},
    thread,
    time::Duration,
};

use tokio::sync::oneshot;

use crate::log::log;

/// Threads at the most; they come when there is work. More than there are cores, so that a few requests that take long
/// do not hold up the others.
const MAX_THREADS: usize = 16;

/// Work to be done; gives what hands over the result.
type Job = Box<dyn FnOnce() -> Deliver + Send>;
type Deliver = Box<dyn FnOnce() + Send>;

/// Where a resting thread takes its next job from; with the job it gets this back.
#[derive(Debug)]
struct Bed(mpsc::Sender<Wake>);
type Wake = (Job, Bed);

/// The threads.
#[derive(Clone, Default)]
pub(crate) struct Workers(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Told each time that a thread lies down.
    rested: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    resting: Vec<Bed>,
    threads: usize,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // No job runs under the lock, so a panic leaves the state whole.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Workers {
    /// Does `work` on one of the threads; `None` if it panics or no thread can be started. When the future is dropped
    /// before the work has begun, it never does.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (sender, result) = oneshot::channel();
        self.start(Box::new(move || {
            if sender.is_closed() {
                return Box::new(|| ());
            }
            // What a panic leaves half done is the work's own, and dropped with it.
            let done = catch_unwind(AssertUnwindSafe(work)).ok();
            Box::new(move || drop(sender.send(done)))
        }));
        result.await.ok().flatten()
    }

    /// Waits until all work is done, or for `at_most`.
    pub(crate) fn settle(&self, at_most: Duration) {
        let busy = |state: &mut State| state.resting.len() < state.threads;
        drop(self.0.rested.wait_timeout_while(lock(&self.0.state), at_most, busy));
    }

    fn start(&self, job: Job) {
        let mut state = lock(&self.0.state);
        if let Some(bed) = state.resting.pop() {
            let wake = bed.0.clone();
            // Its thread waits for exactly this.
            let _ = wake.send((job, bed));
        } else if state.threads < MAX_THREADS {
            match spawn(Arc::downgrade(&self.0), job) {
                Ok(()) => state.threads += 1,
                Err(error) => log(&format!("no thread could be started: {error}; free memory or processes")),
            }
        } else {
            state.waiting.push_back(job);
        }
    }
}

fn spawn(shared: Weak<Shared>, first: Job) -> io::Result<()> {
    let (sender, wake) = mpsc::channel::<Wake>();
    let work = move || {
        let (mut job, mut bed) = (first, Bed(sender));
        loop {
            let deliver = job();
            let Some(shared) = shared.upgrade() else { return };
            let mut state = lock(&shared.state);
            if let Some(next) = state.waiting.pop_front() {
                drop(state);
                drop(shared);
                deliver();
                job = next;
                continue;
            }
            state.resting.push(bed);
            shared.rested.notify_all();
            drop(state);
            drop(shared);
            deliver();
            match wake.recv() {
                Ok((next, back)) => (job, bed) = (next, back),
                // Nobody is left who could bring work.
                Err(_) => return,
            }
        }
    };
    thread::Builder::new().name("skillyard-work".to_owned()).spawn(work).map(drop)
}

#[cfg(test)]
mod tests {
    use std::thread::ThreadId;

    use futures_util::future::{join, join_all};

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn one_after_the_other_is_one_thread() {
        let workers = Workers::default();
        let first: ThreadId = block_on(workers.run(|| thread::current().id())).unwrap();
        for _ in 0..1000 {
            assert_eq!(block_on(workers.run(|| thread::current().id())), Some(first));
        }
    }

    #[test]
    fn all_work_is_done_though_there_is_more_than_threads() {
        let workers = Workers::default();
        let done = block_on(join_all((0..100).map(|n| workers.run(move || n * 2))));
        assert_eq!(done, (0..100).map(|n| Some(n * 2)).collect::<Vec<_>>());
        assert!(lock(&workers.0.state).threads <= MAX_THREADS);
    }

    #[test]
    fn work_runs_side_by_side() {
        let workers = Workers::default();
        let (to_second, from_first) = mpsc::channel();
        let (to_first, from_second) = mpsc::channel();
        let first = workers.run(move || {
            to_second.send(()).unwrap();
            from_second.recv().unwrap();
        });
        let second = workers.run(move || {
            from_first.recv().unwrap();
            to_first.send(()).unwrap();
        });
        assert_eq!(block_on(join(first, second)), (Some(()), Some(())));
    }

    #[test]
    fn what_runs_is_waited_for() {
        let workers = Workers::default();
        let (begun, begins) = mpsc::channel();
        let (done, is_done) = mpsc::channel();
        let work = workers.clone();
        let other = thread::spawn(move || {
            block_on(work.run(move || {
                begun.send(()).unwrap();
                thread::yield_now();
                done.send(()).unwrap();
            }))
        });
        begins.recv().unwrap();
        workers.settle(Duration::from_secs(60));
        assert_eq!(is_done.try_recv(), Ok(()));
        assert_eq!(other.join().unwrap(), Some(()));
    }

    #[test]
    fn a_panic_costs_one_result_and_no_thread() {
        let workers = Workers::default();
        assert_eq!(block_on(workers.run(|| -> u8 { panic!("as told") })), None);
        assert_eq!(block_on(workers.run(|| 1)), Some(1));
        assert_eq!(lock(&workers.0.state).threads, 1);
    }

    #[test]
    fn what_nobody_waits_for_any_more_is_not_begun() {
        let workers = Workers::default();
        let mut hold = Vec::new();
        block_on(async {
            let busy: Vec<_> = (0..MAX_THREADS)
                .map(|_| {
                    let (release, held) = mpsc::channel::<()>();
                    hold.push(release);
                    let workers = workers.clone();
                    Box::pin(async move { workers.run(move || held.recv().is_err()).await })
                })
                .collect();
            let mut busy = join_all(busy);
            let (begun, begins) = mpsc::channel();
            let mut dropped = Box::pin(workers.run(move || begun.send(()).unwrap()));
            assert!(futures_util::poll!(&mut busy).is_pending());
            assert!(futures_util::poll!(&mut dropped).is_pending());
            drop(dropped);
            hold.clear();
            assert!(busy.await.into_iter().all(|ended| ended == Some(true)));
            assert_eq!(workers.run(|| 1).await, Some(1));
            assert!(begins.recv().is_err());
        });
    }
}
