//! Room for recursion: libraries that recurse over nested input get a stack that is deep enough for it.

use std::thread;

/// Nesting that any thread's stack has room for, down to 512 KiB.
const SHALLOW: usize = 24;

/// Stack for the deepest input that the syntax lets through: headers and dotted keys of 80 parts, 80 times nested, in
/// an unoptimized build.
const STACK_BYTES: usize = 256 << 20;

/// Runs `f`, which recurses about as deep as `depth`, on a stack that is deep enough.
pub(crate) fn run<T: Send>(depth: usize, f: impl FnOnce() -> T + Send) -> T {
    if depth <= SHALLOW {
        return f();
    }
    thread::scope(|scope| {
        // A system that cannot start a thread now cannot go on either way; it ends as any failed allocation does.
        #[expect(clippy::expect_used, reason = "no thread is no memory")]
        let deep = thread::Builder::new()
            .name("deep".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, f)
            .expect("a thread can be started");
        match deep.join() {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
