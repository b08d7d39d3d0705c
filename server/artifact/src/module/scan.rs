//! The one pass over a module.

use std::{borrow::Cow, ops::Range, thread};

use wasmparser::{
    BinaryReader, ComponentExternalKind, ComponentTypeRef, CompositeInnerType, CustomSectionReader, Encoding, Error,
    ExternalKind, FuncType, Parser, Payload, ProducersSectionReader, TypeRef, ValidPayload, Validator, WasmFeatures,
};

use super::{
    Custom, Export, Fault, Import, Kind, MAX_NAMES, MAX_TEXT_BYTES, Memory, Module, Producer,
    bodies::{Bodies, Shared, larger},
    dependencies,
};
use crate::{Cancelled, Progress};

/// What a daemon validates with: all of WebAssembly 3.0 (what Wasmtime 48 has on by default) without threads, exceptions
/// and the types that need a garbage collector, which a daemon is built without. Components are validated as that engine
/// does; a daemon takes none.
fn features() -> WasmFeatures {
    let off = WasmFeatures::THREADS | WasmFeatures::EXCEPTIONS | WasmFeatures::GC_TYPES;
    (WasmFeatures::WASM3 & !off) | WasmFeatures::COMPONENT_MODEL | WasmFeatures::CM_ASYNC
}

/// Bytes between two words to the one who watches.
const REPORT_BYTES: u64 = 1 << 20;
/// Custom sections of this size are all kept, of the smaller ones the first thousand.
const LARGE_CUSTOM: u64 = 64 << 10;
const MAX_SMALL_CUSTOMS: usize = 1_000;
const MAX_PRODUCERS: usize = 256;
/// Parameters and results that a signature spells out.
const MAX_SPELLED: usize = 16;

/// Reads `bytes`, a module or component in the binary or the text format, and validates it.
///
/// Takes time linear in the size. What is wrong with the module is [`Module::fault`].
///
/// # Errors
/// [`Cancelled`], where `progress` says so.
pub fn scan(bytes: &[u8], progress: &dyn Progress) -> Result<Module, Cancelled> {
    let size = bytes.len() as u64;
    let module = Module { bytes: size, ..Module::default() };
    progress.at("module", 0, size)?;
    let (binary, text) = match assemble(bytes) {
        Ok(Cow::Borrowed(binary)) => (Cow::Borrowed(binary), false),
        Ok(binary) => (binary, true),
        Err(message) => {
            let fault = Some(Fault { at: None, message, feature: false });
            return Ok(Module { fault, ..module });
        }
    };
    let shared = Shared::new();
    let mut pass = Pass { module: Module { text, ..module }, depth: 0, packages: dependencies::Reader::default() };
    let read = thread::scope(|scope| {
        let mut bodies = Bodies::new(scope, &shared);
        let read = pass.read(&binary, &mut bodies, progress);
        if let Err(Stop::Cancelled) = read {
            shared.stop();
        }
        bodies.finish();
        read
    });
    let (code, in_body) = shared.finish();
    let mut module = pass.module;
    module.code = code;
    let in_section = match read {
        Ok(()) => None,
        Err(Stop::Cancelled) => return Err(Cancelled),
        Err(Stop::Invalid(error)) => Some(error),
    };
    // The one that stands first, whichever thread found it.
    let first = [in_body, in_section].into_iter().flatten().min_by_key(Error::offset);
    module.fault = first.map(|error| Fault {
        at: (!text).then(|| error.offset().min(size)),
        message: error.message().to_owned(),
        feature: error.missing_wasm_feature().is_some(),
    });
    progress.at("module", size, size)?;
    Ok(module)
}

/// The binary of `bytes`; owned where they are text.
fn assemble(bytes: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    if bytes.starts_with(b"\0asm") {
        return Ok(Cow::Borrowed(bytes));
    }
    if bytes.is_empty() {
        return Err("the file is empty".to_owned());
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err("it begins with no WebAssembly header, and is no text either".to_owned());
    };
    if text.len() > MAX_TEXT_BYTES {
        return Err(format!(
            "it begins with no WebAssembly header, and texts above {MAX_TEXT_BYTES} bytes are not read"
        ));
    }
    // Its message quotes the text over several lines; the first says what is wrong.
    wat::parse_str(text).map(Cow::Owned).map_err(|error| {
        let message = error.to_string();
        let first = message.lines().next().unwrap_or_default();
        format!("it begins with no WebAssembly header, and does not read as the text format: {first}")
    })
}

/// Why a pass ends early.
enum Stop {
    Cancelled,
    Invalid(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Invalid(error)
    }
}

impl From<Cancelled> for Stop {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

struct Pass {
    module: Module,
    /// How many components the current module or component lies in.
    depth: usize,
    packages: dependencies::Reader,
}

impl Pass {
    fn read<'a: 'scope, 'scope>(
        &mut self,
        binary: &'a [u8],
        bodies: &mut Bodies<'scope, '_, 'a>,
        progress: &dyn Progress,
    ) -> Result<(), Stop> {
        let mut validator = Validator::new_with_features(features());
        let mut parser = Parser::new(0);
        parser.set_features(features());
        let total = binary.len() as u64;
        let mut told = 0;
        for payload in parser.parse_all(binary) {
            let payload = payload?;
            let end = payload.as_section().map_or(told, |(_, range)| range.end);
            let end = if let Payload::CodeSectionEntry(body) = &payload { body.range().end } else { end };
            if end >= told + REPORT_BYTES {
                told = end;
                progress.at("module", told.min(total), total)?;
            }
            match validator.payload(&payload)? {
                ValidPayload::Func(function, body) => bodies.push(function, body),
                ValidPayload::Ok | ValidPayload::Parser(_) | ValidPayload::End(_) => {}
            }
            self.facts(&payload, &validator)?;
        }
        Ok(())
    }

    /// Whether the current part is the file's own module or component, not one inside.
    fn outermost(&self) -> bool {
        self.depth == 1
    }

    fn facts(&mut self, payload: &Payload<'_>, validator: &Validator) -> Result<(), Error> {
        match payload {
            Payload::Version { encoding, .. } => {
                self.depth += 1;
                if self.outermost() {
                    self.module.component = *encoding == Encoding::Component;
                }
            }
            Payload::End(_) => self.depth = self.depth.saturating_sub(1),
            Payload::ImportSection(section) if self.outermost() => self.imports(section, validator)?,
            Payload::ExportSection(section) if self.outermost() => self.exports(section, validator)?,
            Payload::ComponentImportSection(section) if self.outermost() => {
                let end = section.range().end;
                let mut all = section.clone().into_iter_with_offsets().peekable();
                while let Some(import) = all.next() {
                    let (at, import) = import?;
                    let kind = match import.ty {
                        ComponentTypeRef::Module(_) => Kind::Module,
                        ComponentTypeRef::Func(_) => Kind::Function,
                        ComponentTypeRef::Value(_) => Kind::Value,
                        ComponentTypeRef::Type(_) => Kind::Type,
                        ComponentTypeRef::Instance(_) => Kind::Instance,
                        ComponentTypeRef::Component(_) => Kind::Component,
                    };
                    let range = at..next_at(&mut all, end);
                    self.import(import.name.name, "", kind, None, range);
                }
            }
            Payload::ComponentExportSection(section) if self.outermost() => {
                let end = section.range().end;
                let mut all = section.clone().into_iter_with_offsets().peekable();
                while let Some(export) = all.next() {
                    let (at, export) = export?;
                    let kind = match export.kind {
                        ComponentExternalKind::Module => Kind::Module,
                        ComponentExternalKind::Func => Kind::Function,
                        ComponentExternalKind::Value => Kind::Value,
                        ComponentExternalKind::Type => Kind::Type,
                        ComponentExternalKind::Instance => Kind::Instance,
                        ComponentExternalKind::Component => Kind::Component,
                    };
                    let range = at..next_at(&mut all, end);
                    self.export(export.name.name, kind, None, range);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section.clone().into_iter_with_offsets() {
                    let (at, memory) = memory?;
                    if self.module.memories.len() < MAX_NAMES {
                        let page = 1_u64 << memory.page_size_log2.unwrap_or(16);
                        self.module.memories.push(Memory {
                            initial: memory.initial.saturating_mul(page),
                            maximum: memory.maximum.map(|pages| pages.saturating_mul(page)),
                            memory64: memory.memory64,
                            range: at..at + 1,
                        });
                    }
                }
            }
            Payload::TableSection(section) => {
                let tables = &mut self.module.tables;
                for table in section.clone().into_iter_with_offsets() {
                    let (at, table) = table?;
                    tables.count += 1;
                    tables.elements = tables.elements.saturating_add(table.ty.initial);
                    larger(&mut tables.largest, Some((table.ty.initial, at..at + 1)));
                }
            }
            Payload::StartSection { range, .. } if self.outermost() => self.module.start = Some(range.clone()),
            Payload::DataSection(section) => {
                for segment in section.clone() {
                    let segment = segment?;
                    let length = segment.data.len() as u64;
                    let range = segment.range.end - length..segment.range.end;
                    let data = &mut self.module.data;
                    data.segments += 1;
                    data.bytes += length;
                    if data.largest.as_ref().is_none_or(|largest| largest.end - largest.start < length) {
                        data.largest = Some(range.clone());
                    }
                    self.module.strings.scan(segment.data, range.start);
                }
            }
            Payload::CustomSection(section) => self.custom(section),
            _ => {}
        }
        Ok(())
    }

    fn imports(&mut self, section: &wasmparser::ImportSectionReader<'_>, validator: &Validator) -> Result<(), Error> {
        let end = section.range().end;
        let mut all = section.clone().into_imports_with_offsets().peekable();
        while let Some(import) = all.next() {
            let (at, import) = import?;
            let range = at..next_at(&mut all, end);
            let (kind, signature) = match import.ty {
                TypeRef::Func(ty) | TypeRef::FuncExact(ty) => (Kind::Function, signature_of_type(validator, ty)),
                TypeRef::Table(_) => (Kind::Table, None),
                TypeRef::Memory(_) => (Kind::Memory, None),
                TypeRef::Global(_) => (Kind::Global, None),
                TypeRef::Tag(_) => (Kind::Tag, None),
            };
            self.import(import.module, import.name, kind, signature, range);
        }
        Ok(())
    }

    fn exports(&mut self, section: &wasmparser::ExportSectionReader<'_>, validator: &Validator) -> Result<(), Error> {
        let end = section.range().end;
        let mut all = section.clone().into_iter_with_offsets().peekable();
        while let Some(export) = all.next() {
            let (at, export) = export?;
            let range = at..next_at(&mut all, end);
            let (kind, signature) = match export.kind {
                ExternalKind::Func | ExternalKind::FuncExact => {
                    (Kind::Function, signature_of_function(validator, export.index))
                }
                ExternalKind::Table => (Kind::Table, None),
                ExternalKind::Memory => (Kind::Memory, None),
                ExternalKind::Global => (Kind::Global, None),
                ExternalKind::Tag => (Kind::Tag, None),
            };
            self.export(export.name, kind, signature, range);
        }
        Ok(())
    }

    fn import(&mut self, module: &str, name: &str, kind: Kind, signature: Option<String>, range: Range<u64>) {
        self.module.import_count += 1;
        if self.module.imports.len() < MAX_NAMES {
            let (module, name) = (module.to_owned(), name.to_owned());
            self.module.imports.push(Import { module, name, kind, signature, range });
        }
    }

    fn export(&mut self, name: &str, kind: Kind, signature: Option<String>, range: Range<u64>) {
        self.module.export_count += 1;
        self.module.function_exports += u64::from(kind == Kind::Function);
        if self.module.exports.len() < MAX_NAMES {
            self.module.exports.push(Export { name: name.to_owned(), kind, signature, range });
        }
    }

    fn custom(&mut self, section: &CustomSectionReader<'_>) {
        let (name, data, range) = (section.name(), section.data(), section.data_range());
        match name {
            "producers" => self.producers(section),
            ".dep-v0" => self.packages.add(data, &mut self.module.dependencies),
            "name" => {}
            _ if name.starts_with(".debug_") => {}
            _ => self.module.strings.scan(data, range.start),
        }
        let customs = &mut self.module.customs;
        if range.end - range.start >= LARGE_CUSTOM || customs.len() < MAX_SMALL_CUSTOMS {
            customs.push(Custom { name: name.to_owned(), range });
        }
    }

    /// A section that does not read says nothing; no engine looks at it.
    fn producers(&mut self, section: &CustomSectionReader<'_>) {
        let reader = BinaryReader::new(section.data(), section.data_offset());
        let Ok(fields) = ProducersSectionReader::new(reader) else { return };
        for field in fields.into_iter().map_while(Result::ok) {
            for value in field.values.into_iter().map_while(Result::ok) {
                if self.module.producers.len() >= MAX_PRODUCERS {
                    return;
                }
                self.module.producers.push(Producer {
                    field: field.name.to_owned(),
                    name: value.name.to_owned(),
                    version: value.version.to_owned(),
                });
            }
        }
    }
}

/// Where the next item begins, or the section ends.
fn next_at<T>(all: &mut std::iter::Peekable<impl Iterator<Item = Result<(u64, T), Error>>>, end: u64) -> u64 {
    match all.peek() {
        Some(Ok((at, _))) => *at,
        _ => end,
    }
}

/// The type of a function by the index of its type. The validator has taken the section, so the index is good.
fn signature_of_type(validator: &Validator, ty: u32) -> Option<String> {
    let types = validator.types(0)?;
    (ty < types.core_type_count_in_module()).then(|| types.core_type_at_in_module(ty)).and_then(|id| {
        match &types.get(id)?.composite_type.inner {
            CompositeInnerType::Func(ty) => Some(spell(ty)),
            _ => None,
        }
    })
}

fn signature_of_function(validator: &Validator, index: u32) -> Option<String> {
    let types = validator.types(0)?;
    (index < types.function_count()).then(|| types.core_function_at(index)).and_then(|id| {
        match &types.get(id)?.composite_type.inner {
            CompositeInnerType::Func(ty) => Some(spell(ty)),
            _ => None,
        }
    })
}

/// `(i32, i64) -> i32`; a long list is cut short.
fn spell(ty: &FuncType) -> String {
    let list = |types: &[wasmparser::ValType]| {
        let mut all: Vec<String> = types.iter().take(MAX_SPELLED).map(ToString::to_string).collect();
        if types.len() > MAX_SPELLED {
            all.push("…".to_owned());
        }
        all.join(", ")
    };
    match ty.results() {
        [one] => format!("({}) -> {one}", list(ty.params())),
        results => format!("({}) -> ({})", list(ty.params()), list(results)),
    }
}
