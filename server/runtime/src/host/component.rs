//! Components: commands of WASI 0.2, and tools of `palyra:skill`.

use std::sync::Arc;

use skillyard_artifact::module::unversioned;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, HasData, InstancePre, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::filesystem::WasiFilesystemCtxView;
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random, sockets};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::runtime::spawn_blocking;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView as _};
use wasmtime_wasi::{I32Exit, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::bindings::wasi::io;

use super::ending::{Base, Guest, Step, Stop, failed, finished, unstarted};
use super::files::{Files, FilesView};
use super::http::Sender;
use super::sockets::{Refusing, RefusingView};
use super::streams::Logs;
use super::wasi::{OPEN, Streams};
use super::{Session, drive, wasi};
use crate::call::{Call, Finished, LogLevel, Outcome, Outside, Refusal};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../schema/wit",
        world: "skill",
        imports: { default: async | trappable },
        exports: { default: async },
    });
}

use bindings::exports::palyra::skill::tool::{Error as ToolError, ErrorKind};
use bindings::palyra::skill::host::{self, Level, SecretError};

/// The longest error of a tool that is repeated, in bytes.
const MESSAGE_BYTES: usize = 64 << 10;

/// The interface by which a tool is called, whatever its version.
const TOOL: &str = "palyra:skill/tool";

/// What a component's store holds.
struct World {
    base: Base,
    wasi: WasiCtx,
    table: ResourceTable,
    http: WasiHttpCtx,
    sender: Sender,
    logs: Logs,
}

impl Guest for World {
    fn base(&mut self) -> &mut Base {
        &mut self.base
    }

    fn base_ref(&self) -> &Base {
        &self.base
    }
}

impl WasiView for World {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for World {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.sender, table: &mut self.table, ctx: &mut self.http }
    }
}

impl World {
    fn files(&mut self) -> FilesView<'_> {
        FilesView {
            inner: WasiFilesystemCtxView { ctx: self.wasi.filesystem(), table: &mut self.table },
            base: &mut self.base,
        }
    }

    fn refusing(&mut self) -> RefusingView<'_> {
        RefusingView { base: &mut self.base, table: &mut self.table }
    }
}

struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

struct Itself;

impl HasData for Itself {
    type Data<'a> = &'a mut World;
}

impl host::Host for World {
    async fn log(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            Level::Trace => LogLevel::Trace,
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        Ok(self.logs.line(level, message)?)
    }

    async fn secret(&mut self, name: String) -> wasmtime::Result<Result<String, SecretError>> {
        let outside = Arc::clone(&self.base.outside);
        // It may wait for a person; the call's deadline does not wait for it. The value goes into the guest's memory, and
        // the process ends with the call.
        Ok(match spawn_blocking(move || outside.secret(&name)).await {
            Ok(value) => Ok(value),
            Err(Refusal::Denied(why)) => Err(SecretError::Denied(why)),
            Err(Refusal::Failed(why) | Refusal::TimedOut(why)) => Err(SecretError::Missing(why)),
        })
    }
}

/// Everything that a component may import.
fn provide(engine: &Engine) -> wasmtime::Result<Linker<World>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    io::error::add_to_linker::<World, Table>(l, |w| &mut w.table)?;
    io::poll::add_to_linker::<World, Table>(l, |w| &mut w.table)?;
    io::streams::add_to_linker::<World, Table>(l, |w| &mut w.table)?;
    clocks::wall_clock::add_to_linker::<World, WasiClocks>(l, |w| w.clocks())?;
    clocks::monotonic_clock::add_to_linker::<World, WasiClocks>(l, |w| w.clocks())?;
    random::random::add_to_linker::<World, WasiRandom>(l, |w| w.wasi.random())?;
    random::insecure::add_to_linker::<World, WasiRandom>(l, |w| w.wasi.random())?;
    random::insecure_seed::add_to_linker::<World, WasiRandom>(l, |w| w.wasi.random())?;
    filesystem::preopens::add_to_linker::<World, Files>(l, World::files)?;
    filesystem::types::add_to_linker::<World, Files>(l, World::files)?;
    cli::exit::add_to_linker::<World, WasiCli>(l, |w| w.cli())?;
    cli::environment::add_to_linker::<World, WasiCli>(l, |w| w.cli())?;
    cli::stdin::add_to_linker::<World, WasiCli>(l, |w| w.cli())?;
    cli::stdout::add_to_linker::<World, WasiCli>(l, |w| w.cli())?;
    cli::stderr::add_to_linker::<World, WasiCli>(l, |w| w.cli())?;
    cli::terminal_input::add_to_linker::<World, WasiCli>(l, |w| w.cli())?;
    cli::terminal_output::add_to_linker::<World, WasiCli>(l, |w| w.cli())?;
    cli::terminal_stdin::add_to_linker::<World, WasiCli>(l, |w| w.cli())?;
    cli::terminal_stdout::add_to_linker::<World, WasiCli>(l, |w| w.cli())?;
    cli::terminal_stderr::add_to_linker::<World, WasiCli>(l, |w| w.cli())?;
    sockets::network::add_to_linker::<World, WasiSockets>(l, &sockets::network::LinkOptions::default(), |w| {
        w.sockets()
    })?;
    sockets::instance_network::add_to_linker::<World, WasiSockets>(l, |w| w.sockets())?;
    sockets::tcp::add_to_linker::<World, WasiSockets>(l, |w| w.sockets())?;
    sockets::udp::add_to_linker::<World, WasiSockets>(l, |w| w.sockets())?;
    sockets::tcp_create_socket::add_to_linker::<World, Refusing>(l, World::refusing)?;
    sockets::udp_create_socket::add_to_linker::<World, Refusing>(l, World::refusing)?;
    sockets::ip_name_lookup::add_to_linker::<World, Refusing>(l, World::refusing)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(l)?;
    host::add_to_linker::<World, Itself>(l, |w| w)?;
    Ok(linker)
}

/// What a step of a call that cannot go on ended as.
type Ended<T> = Result<T, Box<Finished>>;

struct Prepared {
    store: Store<World>,
    instance: InstancePre<World>,
    streams: Streams,
}

/// A store for `component` with its imports in place; as a command it has input and output streams.
fn prepare(
    session: &Session,
    component: &Component,
    call: &Call,
    outside: Arc<dyn Outside>,
    command: bool,
) -> Ended<Prepared> {
    let (mut context, streams) =
        wasi::context(call, Arc::clone(&outside)).map_err(|error| unstarted(call, Outcome::WorkerDied, error))?;
    if command {
        streams.command(&mut context, call);
    } else {
        streams.component(&mut context);
    }
    let mut table = ResourceTable::new();
    table.set_max_capacity(OPEN);
    let world = World {
        base: Base::new(call, Arc::clone(&outside)),
        wasi: context.build(),
        table,
        http: WasiHttpCtx::new(),
        sender: Sender { outside },
        logs: streams.logs.clone(),
    };
    let store = session.store(call, world).map_err(|error| unstarted(call, Outcome::WorkerDied, error.to_string()))?;
    match provide(&session.engine).and_then(|linker| linker.instantiate_pre(component)) {
        Ok(instance) => Ok(Prepared { store, instance, streams }),
        Err(error) => Err(failed(&store, call, Step::Link, &error).into()),
    }
}

/// Runs a command of WASI 0.2. A daemon runs no component.
pub(super) fn run_command(
    session: &Session,
    component: &Component,
    call: &Call,
    outside: Arc<dyn Outside>,
) -> Finished {
    let Prepared { mut store, instance, streams } = match prepare(session, component, call, outside, true) {
        Ok(prepared) => prepared,
        Err(ended) => return *ended,
    };
    let command = match CommandPre::new(instance) {
        Ok(command) => command,
        Err(error) => return missing(&store, call, &error.to_string()),
    };
    let command = match drive(session, command.instantiate_async(&mut store)) {
        Ok(command) => command,
        Err(error) => return ended(&store, call, Step::Instantiate, &streams, &error),
    };
    let code = match drive(session, command.wasi_cli_run().call_run(&mut store)) {
        Ok(result) => i32::from(result.is_err()),
        Err(error) => return ended(&store, call, Step::Run, &streams, &error),
    };
    streams.finish();
    streams.ended(code, finished(&store, call, Outcome::Ok))
}

/// The answer where an error ended it, which may be an exit.
fn ended(store: &Store<World>, call: &Call, step: Step, streams: &Streams, error: &wasmtime::Error) -> Finished {
    streams.finish();
    match error.downcast_ref::<I32Exit>() {
        Some(I32Exit(code)) => streams.ended(*code, finished(store, call, Outcome::Ok)),
        None => Finished { daemon_outcome: None, ..failed(store, call, step, error) },
    }
}

fn missing(store: &Store<World>, call: &Call, what: &str) -> Finished {
    Finished {
        error: Some(format!(
            "an export is missing or of another type: {what}; see schema/wit/skill.wit for what a tool is"
        )),
        ..finished(store, call, Outcome::MissingExport)
    }
}

/// Runs a tool of `palyra:skill`.
pub(super) fn run_tool(session: &Session, component: &Component, call: &Call, outside: Arc<dyn Outside>) -> Finished {
    let Prepared { mut store, instance, streams } = match prepare(session, component, call, outside, false) {
        Ok(prepared) => prepared,
        Err(ended) => return *ended,
    };
    let Some(invoke) = invoke(&session.engine, component) else {
        return missing(&store, call, "`palyra:skill/tool` with a function `invoke`");
    };
    let instance = match drive(session, instance.instantiate_async(&mut store)) {
        Ok(instance) => instance,
        Err(error) => return ended(&store, call, Step::Instantiate, &streams, &error),
    };
    let invoke = match instance.get_typed_func::<(&str, &str), (Result<String, ToolError>,)>(&mut store, invoke) {
        Ok(invoke) => invoke,
        Err(error) => return missing(&store, call, &format!("`invoke`: {error:#}")),
    };
    let result = drive(session, invoke.call_async(&mut store, (&call.tool_id, &call.input)));
    let allowed = call.limits.output_bytes;
    let finished = match result {
        Ok((Ok(output) | Err(ToolError { message: output, .. }),)) if output.len() as u64 > allowed => {
            let stop = Stop::OutputTooLarge { allowed };
            Finished { error: Some(stop.to_string()), ..finished(&store, call, Outcome::OutputTooLarge) }
        }
        Ok((Ok(output),)) => Finished { output: Some(output), ..finished(&store, call, Outcome::Ok) },
        Ok((Err(ToolError { kind, message }),)) => Finished {
            error: Some(if message.len() > MESSAGE_BYTES {
                // Not cut: half a secret is one that no mask knows.
                format!("the tool says that it failed ({}), in {} bytes", name(kind), message.len())
            } else {
                format!("the tool says that it failed ({}): {message}", name(kind))
            }),
            ..finished(&store, call, Outcome::ToolError)
        },
        // What it says by leaving is an error like one that it returns.
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(I32Exit(code)) => Finished {
                exit_code: Some(*code),
                error: Some(format!("the tool left with exit code {code} instead of giving a result")),
                ..finished(&store, call, Outcome::ToolError)
            },
            None => ended(&store, call, Step::Run, &streams, &error),
        },
    };
    streams.finish();
    finished
}

fn name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidInput => "invalid input",
        ErrorKind::NotFound => "not found",
        ErrorKind::Denied => "denied",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Failed => "failed",
    }
}

/// Where the tool's function is, in the interface of whatever version.
fn invoke(engine: &Engine, component: &Component) -> Option<ComponentExportIndex> {
    let kind = component.component_type();
    let (tool, _) = kind
        .exports(engine)
        .find(|(name, item)| unversioned(name) == TOOL && matches!(item.ty, ComponentItem::ComponentInstance(_)))?;
    let (_, tool) = component.get_export(None, tool)?;
    component.get_export_index(Some(&tool), "invoke")
}
