//! Room for recursion: libraries that recurse over nested input get a stack that is deep enough for it.

use std::thread;

/// Nesting that any thread's stack has room for, down to 512 KiB.
const SHALLOW: usize = 24;

/// Stack that such nesting needs at the most.
const SHALLOW_STACK_BYTES: usize = 2 << 20;

/// Stack for the deepest input that the syntax lets through: headers and dotted keys of 80 parts, 80 times nested, in
/// an unoptimized build.
const STACK_BYTES: usize = 256 << 20;

/// Runs `f`, which recurses about as deep as `depth`, on a stack that is deep enough.
pub(crate) fn run<T: Send>(depth: usize, f: impl FnOnce() -> T + Send) -> T {
    if depth <= SHALLOW { f() } else { beside(true, depth, f, || ()).0 }
}

/// Runs `f`, which recurses about as deep as `depth`, and then `g`; both at once where `parallel` asks for it or `f`
/// needs a stack of its own.
pub(crate) fn beside<T: Send, U>(
    parallel: bool,
    depth: usize,
    f: impl FnOnce() -> T + Send,
    g: impl FnOnce() -> U,
) -> (T, U) {
    if !parallel && depth <= SHALLOW {
        return (f(), g());
    }
    let stack = if depth <= SHALLOW { SHALLOW_STACK_BYTES } else { STACK_BYTES };
    thread::scope(|scope| {
        // A system that cannot start a thread now cannot go on either way; it ends as any failed allocation does.
        #[expect(clippy::expect_used, reason = "no thread is no memory")]
        let deep = thread::Builder::new()
            .name("deep".to_owned())
            .stack_size(stack)
            .spawn_scoped(scope, f)
            .expect("a thread can be started");
        let beside = g();
        match deep.join() {
            Ok(value) => (value, beside),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
