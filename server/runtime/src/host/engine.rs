//! The engine: which parts of WebAssembly are on, how bytes become machine code and how that is loaded again.

use std::fmt;
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Read as _;

use wasmtime::component::Component;
use wasmtime::{Config, Engine, Module, WasmFeatures};

/// How much of a call's stack host functions may use, in bytes, on top of what the guest's own limit is.
const HOST_STACK: usize = 2 << 20;
/// Where a binary says whether it is a component: byte 6 of its header, its layer (0 a core module, 1 a component).
const LAYER: usize = 6;

/// How every binary begins.
const MAGIC: &[u8] = b"\0asm";

/// Why bytes did not become machine code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompileError {
    /// What is wrong, in the words of the compiler. Not yet escaped.
    pub message: String,
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the module does not compile: {}; `skillyard audit` shows where, and which parts of WebAssembly a tool may use",
            self.message
        )
    }
}

impl std::error::Error for CompileError {}

/// Machine code, as [`compile`] made it.
///
/// It is run as it is: whoever makes one has checked the seal of the file, or the digest of the bytes, that it was
/// written with.
#[derive(Debug)]
pub enum Code {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a file, at its start. It may be mapped, and must not change while the call runs.
    File(File),
}

/// Compiles a module or a component, in the binary format.
///
/// It takes time and memory in proportion to the module's code, and more for hostile code: call it where a deadline and
/// limits hold.
///
/// # Errors
/// [`CompileError`] where the bytes are no module, or use what is switched off: threads, exceptions, garbage-collected
/// types, typed function references, the text format.
pub fn compile(bytes: &[u8]) -> Result<Vec<u8>, CompileError> {
    if !bytes.starts_with(MAGIC) {
        let text = bytes.trim_ascii_start();
        let message = if [&b"(module"[..], b"(component", b";;", b"(;"].iter().any(|start| text.starts_with(start)) {
            "it is in the text format, and a tool's module is binary: `wasm-tools parse FILE.wat -o FILE.wasm` makes it so"
        } else {
            "it does not begin as WebAssembly does, with `\\0asm`"
        };
        return Err(CompileError { message: message.to_owned() });
    }
    let engine = engine(0)?;
    let compiled = if bytes.get(LAYER).is_some_and(|layer| *layer == 1) {
        engine.precompile_component(bytes)
    } else {
        engine.precompile_module(bytes)
    };
    compiled.map_err(|error| CompileError { message: format!("{error:#}") })
}

/// What compiled code depends on beside the module: the engine's version, its configuration and the machine. Code that
/// was compiled under another tag is refused when it is loaded.
#[must_use]
pub fn engine_tag() -> String {
    let Ok(engine) = engine(0) else { return "none".to_owned() };
    // The engine's own hash covers its version, the target, the CPU's features and every setting that shapes code.
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("wasmtime-48-{:016x}", hasher.finish())
}

/// The engine that compiled code runs on, with a stack of `stack_bytes` for its guests; 0 for one that only compiles. The
/// stack's size is no part of the compiled code.
///
/// # Errors
/// Where this machine cannot have one.
pub fn engine(stack_bytes: u32) -> Result<Engine, CompileError> {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        // What a daemon 0.1.0 takes.
        .wasm_simd(true)
        .wasm_multi_memory(true)
        .wasm_memory64(true)
        .wasm_tail_call(true)
        // Every machine gives the same answer.
        .relaxed_simd_deterministic(true)
        // One call at a time; without it a component cannot ask for asynchronous tasks.
        .concurrency_support(false);
    let off = WasmFeatures::THREADS
        | WasmFeatures::SHARED_EVERYTHING_THREADS
        | WasmFeatures::EXCEPTIONS
        | WasmFeatures::LEGACY_EXCEPTIONS
        | WasmFeatures::GC
        | WasmFeatures::FUNCTION_REFERENCES
        | WasmFeatures::STACK_SWITCHING;
    config.wasm_features(off, false);
    if stack_bytes > 0 {
        let stack = stack_bytes as usize;
        config.max_wasm_stack(stack).async_stack_size(stack + HOST_STACK);
    }
    Engine::new(&config).map_err(|error| CompileError { message: format!("{error:#}") })
}

/// Loads a core module.
#[expect(unsafe_code, reason = "what runs is what `compile` made: the makers of a `Code` checked its seal or digest")]
pub(super) fn module(engine: &Engine, code: Code) -> wasmtime::Result<Module> {
    // SAFETY: see `Code`. The engine itself checks that it is the one that the code was made for.
    unsafe {
        match code {
            Code::Bytes(bytes) => Module::deserialize(engine, bytes),
            Code::File(file) => Module::deserialize_open_file(engine, file),
        }
    }
}

/// Loads a component.
#[expect(unsafe_code, reason = "what runs is what `compile` made: the makers of a `Code` checked its seal or digest")]
pub(super) fn component(engine: &Engine, code: Code) -> wasmtime::Result<Component> {
    let bytes = match code {
        Code::Bytes(bytes) => bytes,
        Code::File(mut file) => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            bytes
        }
    };
    // SAFETY: as above.
    unsafe { Component::deserialize(engine, bytes) }
}
