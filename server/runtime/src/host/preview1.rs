//! A command of WASI preview 1: a core module with `_start`.

use std::sync::Arc;

use skillyard_artifact::module::PREVIEW1;
use wasmtime::{AsContextMut as _, Caller, Extern, Linker, Module};
use wasmtime_wasi::p1::wasi_snapshot_preview1::{self as functions, WasiSnapshotPreview1 as _};
use wasmtime_wasi::p1::{WasiP1Ctx, add_to_linker_async};
use wasmtime_wasi::{I32Exit, WasiView as _};
use wiggle::{GuestMemory, GuestPtr};

use super::ending::{Base, Guest, Step, failed, finished, unstarted};
use super::wasi::OPEN;
use super::{Session, drive, wasi};
use crate::call::{Call, Decision, Finished, Outcome, Outside};

struct Command {
    base: Base,
    wasi: WasiP1Ctx,
}

impl Guest for Command {
    fn base(&mut self) -> &mut Base {
        &mut self.base
    }

    fn base_ref(&self) -> &Base {
        &self.base
    }
}

/// A daemon provides nothing of WASI.
const DAEMON: &str = "Linker";

pub(super) fn run(session: &Session, module: &Module, call: &Call, outside: Arc<dyn Outside>) -> Finished {
    let finished = run_alone(session, module, call, outside);
    Finished { daemon_outcome: Some(DAEMON.to_owned()), ..finished }
}

fn run_alone(session: &Session, module: &Module, call: &Call, outside: Arc<dyn Outside>) -> Finished {
    let (mut context, streams) = match wasi::context(call, Arc::clone(&outside)) {
        Ok(made) => made,
        Err(error) => return unstarted(call, Outcome::WorkerDied, error),
    };
    streams.command(&mut context, call);
    let mut wasi = context.build_p1();
    wasi.ctx().table.set_max_capacity(OPEN);
    let mut base = Base::new(call, outside);
    // Behind the three streams, in their order.
    for (number, folder) in (3..).zip(&call.given.folders) {
        base.opens(number, folder.guest.clone());
    }
    let mut store = match session.store(call, Command { base, wasi }) {
        Ok(store) => store,
        Err(error) => return unstarted(call, Outcome::WorkerDied, error.to_string()),
    };
    let mut linker = Linker::new(&session.engine);
    let linked = add_to_linker_async(&mut linker, |guest: &mut Command| &mut guest.wasi)
        .and_then(|()| told(&mut linker))
        .and_then(|()| linker.instantiate_pre(module));
    let instance = match linked {
        Ok(linked) => linked,
        Err(error) => return failed(&store, call, Step::Link, &error),
    };
    let instance = match drive(session, instance.instantiate_async(&mut store)) {
        Ok(instance) => instance,
        Err(error) => return failed(&store, call, Step::Instantiate, &error),
    };
    let Ok(start) = instance.get_typed_func::<(), ()>(&mut store, "_start") else {
        return Finished {
            error: Some("its export `_start` is no function of type () -> (); build it as a command".to_owned()),
            ..finished(&store, call, Outcome::MissingExport)
        };
    };
    let result = drive(session, start.call_async(&mut store, ()));
    streams.finish();
    let code = match &result {
        Ok(()) => 0,
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(I32Exit(code)) => *code,
            None => return failed(&store, call, Step::Run, error),
        },
    };
    streams.ended(code, finished(&store, call, Outcome::Ok))
}

/// The functions that name a path, over those of the library: what is asked for and what came of it is told.
fn told(linker: &mut Linker<Command>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    /// One function: its name, what a person reads, its parameters, and where among them its paths stand.
    macro_rules! tell {
        ($($function:ident $name:literal ($($param:ident: $ty:ty),*) [$(($from:expr, $at:ident, $length:ident)),+]
            $(opens $opened:ident)?;)+) => {$(
            linker.func_wrap_async(
                PREVIEW1,
                stringify!($function),
                |mut caller: Caller<'_, Command>, ($($param,)*): ($($ty,)*)| {
                    Box::new(async move {
                        let fuel = caller.as_context_mut().hostcall_fuel();
                        let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
                            return Err(wasmtime::Error::msg("the module exports no memory"));
                        };
                        let (bytes, Command { base, wasi }) = memory.data_and_store_mut(&mut caller);
                        wasi.set_hostcall_fuel(fuel);
                        let mut memory = GuestMemory::Unshared(bytes);
                        let paths = [$(named(base, &memory, $from, $at, $length)),+].join(" -> ");
                        let at_ms = base.begin($name, &paths);
                        let result = functions::$function(wasi, &mut memory, $($param),*).await;
                        let decision = told_by(&result);
                        $(
                            if let (Ok(0), Ok(number)) = (&result, memory.read(GuestPtr::<u32>::new($opened.cast_unsigned()))) {
                                base.opens(number, paths.clone());
                            }
                        )?
                        base.end($name, paths, decision, at_ms);
                        result
                    })
                },
            )?;
        )+};
    }
    /// One function that names what is open: its name, what a person reads, its other parameters, and which of its calls
    /// are told. Those of the streams are not: what goes through them is the input, the output and the log.
    macro_rules! tell_open {
        ($($function:ident $name:literal ($($param:ident: $ty:ty),*) $(where $told:expr)?;)+) => {$(
            linker.func_wrap_async(
                PREVIEW1,
                stringify!($function),
                |mut caller: Caller<'_, Command>, (fd, $($param,)*): (i32, $($ty,)*)| {
                    Box::new(async move {
                        let fuel = caller.as_context_mut().hostcall_fuel();
                        let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
                            return Err(wasmtime::Error::msg("the module exports no memory"));
                        };
                        let (bytes, Command { base, wasi }) = memory.data_and_store_mut(&mut caller);
                        wasi.set_hostcall_fuel(fuel);
                        let path = base.path_of(fd.cast_unsigned())$(.filter(|_| $told))?;
                        let at_ms = base.at_ms();
                        let result =
                            functions::$function(wasi, &mut GuestMemory::Unshared(bytes), fd, $($param),*).await;
                        if let Some(path) = path {
                            base.end($name, path, told_by(&result), at_ms);
                        }
                        result
                    })
                },
            )?;
        )+};
    }
    tell! {
        path_open "open"
            (fd: i32, lookup: i32, at: i32, length: i32, how: i32, rights: i64, inherited: i64, flags: i32, opened: i32)
            [(Some(fd), at, length)] opens opened;
        path_create_directory "mkdir" (fd: i32, at: i32, length: i32) [(Some(fd), at, length)];
        path_remove_directory "rmdir" (fd: i32, at: i32, length: i32) [(Some(fd), at, length)];
        path_unlink_file "unlink" (fd: i32, at: i32, length: i32) [(Some(fd), at, length)];
        path_rename "rename"
            (fd: i32, at: i32, length: i32, to_fd: i32, to: i32, to_length: i32)
            [(Some(fd), at, length), (Some(to_fd), to, to_length)];
        path_link "link"
            (fd: i32, flags: i32, at: i32, length: i32, to_fd: i32, to: i32, to_length: i32)
            [(Some(fd), at, length), (Some(to_fd), to, to_length)];
        path_filestat_get "stat" (fd: i32, flags: i32, at: i32, length: i32, stat: i32) [(Some(fd), at, length)];
        path_filestat_set_times "set-times"
            (fd: i32, flags: i32, at: i32, length: i32, accessed: i64, modified: i64, which: i32)
            [(Some(fd), at, length)];
        path_readlink "readlink"
            (fd: i32, at: i32, length: i32, buffer: i32, size: i32, used: i32)
            [(Some(fd), at, length)];
        // What a link says is a text; where that leads is seen when it is followed.
        path_symlink "symlink"
            (at: i32, length: i32, fd: i32, to: i32, to_length: i32)
            [(None, at, length), (Some(fd), to, to_length)];
    }
    tell_open! {
        fd_filestat_get "stat" (stat: i32);
        fd_filestat_set_size "set-size" (size: i64);
        fd_filestat_set_times "set-times" (accessed: i64, modified: i64, which: i32);
        // A listing once, not each piece of it.
        fd_readdir "readdir" (buffer: i32, size: i32, cookie: i64, used: i32) where cookie == 0;
    }
    // Any number is an exit code: the library traps from 126 on, which a shell's own codes are.
    linker.func_wrap(PREVIEW1, "proc_exit", |code: i32| -> wasmtime::Result<()> { Err(I32Exit(code).into()) })?;
    linker.func_wrap_async(PREVIEW1, "fd_close", |mut caller: Caller<'_, Command>, (fd,): (i32,)| {
        Box::new(async move {
            let Command { base, wasi } = caller.data_mut();
            base.closes(fd.cast_unsigned());
            functions::fd_close(wasi, &mut GuestMemory::Unshared(&mut []), fd).await
        })
    })?;
    linker.func_wrap_async(PREVIEW1, "fd_renumber", |mut caller: Caller<'_, Command>, (from, to): (i32, i32)| {
        Box::new(async move {
            let Command { base, wasi } = caller.data_mut();
            let result = functions::fd_renumber(wasi, &mut GuestMemory::Unshared(&mut []), from, to).await;
            if let (Ok(0), Some(path)) = (&result, base.closes(from.cast_unsigned())) {
                base.opens(to.cast_unsigned(), path);
            }
            result
        })
    })?;
    Ok(())
}

/// A path in a guest's memory, for a person: from the top, where it is named from something that is open.
fn named(base: &Base, memory: &GuestMemory<'_>, from: Option<i32>, at: i32, length: i32) -> String {
    let path = path(memory, at, length);
    from.map_or_else(|| path.clone(), |from| base.whole_path(from.cast_unsigned(), &path))
}

/// A path in a guest's memory.
fn path(memory: &GuestMemory<'_>, at: i32, length: i32) -> String {
    /// A path longer than this is one that no system takes.
    const LONGEST: u32 = 4096;
    let (at, length) = (at.cast_unsigned(), length.cast_unsigned());
    if length > LONGEST {
        // No part of it: no mask knows half a secret.
        return format!("(a path of {length} bytes)");
    }
    let text = GuestPtr::<str>::new((at, length));
    memory.as_cow_str(text).map_or_else(|_| "(no text)".to_owned(), std::borrow::Cow::into_owned)
}

/// What came of a function of preview 1.
fn told_by(result: &wasmtime::Result<i32>) -> Decision {
    match result {
        Ok(0) => Decision::Allowed,
        Ok(errno) => decision(*errno),
        Err(error) => Decision::Failed(error.to_string()),
    }
}

/// What the number of an error of preview 1 (its `errno`) means here.
fn decision(errno: i32) -> Decision {
    const ACCES: i32 = 2;
    const PERM: i32 = 63;
    const NOTCAPABLE: i32 = 76;
    match errno {
        ACCES | PERM | NOTCAPABLE => Decision::Denied(
            "it is outside the folders that the tool is given, or in one that is only read; \
             `capabilities.filesystem.read_roots` and `write_roots` give folders"
                .to_owned(),
        ),
        8 => Decision::Failed("it is no open folder".to_owned()),
        20 => Decision::Failed("it is there already".to_owned()),
        31 => Decision::Failed("it is a folder".to_owned()),
        32 => Decision::Failed("too many symbolic links".to_owned()),
        44 => Decision::Failed("there is no such file or folder".to_owned()),
        54 => Decision::Failed("it is no folder".to_owned()),
        55 => Decision::Failed("the folder is not empty".to_owned()),
        other => Decision::Failed(format!("error {other} of WASI preview 1")),
    }
}
