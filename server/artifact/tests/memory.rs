//! Whatever is verified, less than 100 MB are held at once, the archive itself included.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]
#![allow(unsafe_code, reason = "counting what is allocated takes an allocator, and that is an unsafe trait")]

mod handmade;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    io::Write as _,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use flate2::{Compression, write::ZlibEncoder};
use handmade::*;
use skillyard_artifact::{
    audit::{self, Policy},
    module::scan,
    sbom::{self, ModuleFacts},
    verify::open,
};
use skillyard_manifest::{grammar::PALYRA_VERSION, model::Manifest};

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// Counts what is held; a reallocation counts both blocks while it copies.
struct Counting;

fn took(bytes: usize) {
    let held = HELD.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(held, Ordering::Relaxed);
}

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        took(size);
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What a test holds from its beginning: what another one makes meanwhile would be counted as well.
fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The most that is held while what `make` makes is verified, in bytes.
fn peak(make: impl FnOnce() -> Vec<u8>) -> usize {
    peak_of(make, |bytes| drop(verified(bytes)))
}

/// The most that is held while `work` works on what `make` makes, in bytes. For who is [`alone`].
fn peak_of(make: impl FnOnce() -> Vec<u8>, work: impl FnOnce(&[u8])) -> usize {
    let mut bytes = make();
    bytes.shrink_to_fit();
    let before = HELD.load(Ordering::Relaxed) - bytes.len();
    PEAK.store(HELD.load(Ordering::Relaxed), Ordering::Relaxed);
    work(&bytes);
    PEAK.load(Ordering::Relaxed) - before
}

#[track_caller]
fn small(name: &str, make: impl FnOnce() -> Vec<u8>) {
    bounded(name, peak(make));
}

#[track_caller]
fn bounded(name: &str, peak: usize) {
    println!("{name}: {} MB", peak / 1_000_000);
    assert!(peak < 100_000_000, "{name}: {peak} bytes");
}

/// A good artifact whose file `name` has the content.
fn with(name: &str, content: Vec<u8>) -> Vec<u8> {
    let mut files = parts();
    if name == "skill.toml" {
        files.insert(name.to_owned(), content);
        return pack(&signed(files, "acme"));
    }
    files.insert(name.to_owned(), content);
    pack(&signed(with_manifest(files, MANIFEST), "acme"))
}

/// The same beside 48 MiB of other files, stored.
fn full(name: &str, content: Vec<u8>) -> Vec<u8> {
    let mut files = parts();
    for at in 0..3 {
        files.insert(format!("assets/{at}"), vec![b'x'; (16 << 20) - 200]);
    }
    files.insert(name.to_owned(), content);
    files.entry("skill.toml".to_owned()).or_insert_with(|| MANIFEST.as_bytes().to_vec());
    let entries: Vec<Raw> = signed(files, "acme").iter().map(|(name, content)| Raw::stored(name, content)).collect();
    archive(&entries)
}

#[test]
fn archives() {
    let _alone = alone();
    small("64 MiB stored", || {
        let block = vec![b'x'; (16 << 20) - 200];
        let entries: Vec<Raw> = (0..4).map(|at| Raw::stored(&format!("assets/{at}"), &block)).collect();
        archive(&entries)
    });
    small("a bomb", || archive(&[Raw { size: 10, ..Raw::new("assets/x", &vec![0; 40 << 20]) }]));
    small("five bombs", || {
        let zeros = Raw::new("assets/x", &vec![0; 15 << 20]);
        let entries: Vec<Raw> =
            (0..5).map(|at| Raw { name: format!("assets/{at}").into_bytes(), ..zeros.clone() }).collect();
        archive(&entries)
    });
    small("64 MiB of nothing", || vec![b'P'; 64 << 20]);
    small("a million records", || {
        let mut bytes = [b"PK\x01\x02".as_slice(), &[0; 42]].concat().repeat(1_400_000);
        let size = u32::try_from(bytes.len()).unwrap();
        bytes.extend(b"PK\x05\x06\0\0\0\0\xFE\xFF\xFE\xFF");
        bytes.extend(size.to_le_bytes());
        bytes.extend([0; 6]);
        bytes
    });
    small("records with long comments", || {
        let entry = Raw { comment: vec![b'x'; 60_000], ..Raw::stored("assets/x", b"") };
        archive(&vec![entry; 1000])
    });
}

#[test]
fn manifests() {
    let _alone = alone();
    for (name, piece) in [("brackets", "["), ("keys", "a."), ("tables", "[[a]]\n"), ("values", "1,"), ("braces", "{a=")]
    {
        for size in [256 << 10, 16 << 20] {
            small(&format!("{size} bytes of {name} as manifest"), || {
                with("skill.toml", format!("x = [{}", piece.repeat(size / piece.len() - 10)).into_bytes())
            });
        }
        let items = piece.matches(['\n', ',', '{']).count();
        let most = ((256 << 10) / piece.len()).min(if items > 0 { 16 << 10 } else { usize::MAX }) - 10;
        small(&format!("{most} {name} beside a full archive"), || {
            full("skill.toml", format!("x = [{}", piece.repeat(most)).into_bytes())
        });
        small(&format!("{most} {name} alone beside a full archive"), || {
            full("skill.toml", piece.repeat(most).into_bytes())
        });
    }
    small("an array of numbers as schema", || {
        let list = format!("[entrypoints.tools.input_schema]\nx = [{}]", "1,".repeat(16_000));
        with("skill.toml", MANIFEST.replace("[entrypoints.tools.input_schema]", &list).into_bytes())
    });
    small("many files listed", || {
        let list = "[[integrity.files]]\npath=\"a\"\nsha256=\"\"\n".repeat(4_000);
        with("skill.toml", format!("{MANIFEST}{list}").into_bytes())
    });
}

#[test]
fn documents() {
    let _alone = alone();
    for piece in ["[", "[],", "{},", "1,", "\"\",", "\"\\u0041"] {
        for size in [(8 << 20) - 100, 16 << 20] {
            let content = format!("{{\"x\": [{}", piece.repeat(size / piece.len() - 10));
            small(&format!("{size} bytes of {piece} as SBOM"), || with("sbom.cdx.json", content.clone().into_bytes()));
            small(&format!("{size} bytes of {piece} as signature"), || {
                let mut files = with_manifest(parts(), MANIFEST);
                files.insert("signature.json".to_owned(), content.clone().into_bytes());
                pack(&files)
            });
        }
    }
    // A long string with an escape beside entries that fill the archive.
    small("a string beside a full archive", || {
        let text = format!("{{\"bomFormat\": \"\\u0041{}\"}}", "x".repeat((8 << 20) - 100));
        full("sbom.cdx.json", text.into_bytes())
    });
    small("an object of many keys beside a full archive", || {
        let keys: String = (0..).map(|at| format!("\"{at:x}\":1,")).take(800_000).collect();
        full("sbom.cdx.json", format!("{{{}", keys.get(..(8 << 20) - 100).unwrap_or(&keys)).into_bytes())
    });
}

#[test]
fn modules_of_an_audit() {
    let _alone = alone();
    // Custom sections fill them up.
    let module = {
        let length = (8_u32 << 20) - 200;
        let mut bytes = MODULE.to_vec();
        bytes.push(0);
        bytes.extend([0, 7, 14, 21].map(|shift| (length >> shift & 0x7f) as u8 | if shift < 21 { 0x80 } else { 0 }));
        bytes.push(1);
        bytes.resize(bytes.len() + length as usize - 1, 0);
        bytes
    };
    let mut files = parts();
    files.extend((0..7).map(|at| (format!("modules/{at}.wasm"), module.clone())));
    let files = signed(with_manifest(files, MANIFEST), "acme");
    for (name, bytes) in [
        ("seven stored modules of 8 MiB", {
            archive(&files.iter().map(|(name, content)| Raw::stored(name, content)).collect::<Vec<_>>())
        }),
        ("seven deflated modules of 8 MiB", pack(&files)),
    ] {
        let work = |bytes: &[u8]| {
            let opened = open(bytes, PALYRA_VERSION, &()).unwrap();
            let policy = Policy::default();
            let scanned = audit::scan(opened.content.entries(), &policy, &()).unwrap();
            let read = scanned.iter().filter(|it| it.bytes > 8_000_000 && it.module.is_some());
            assert_eq!(read.count(), 7);
        };
        bounded(name, peak_of(|| bytes, work));
    }
}

/// A module with `count` times the `section` of embedded packages.
fn module_of(section: &str, count: usize) -> Vec<u8> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    zlib.write_all(section.as_bytes()).unwrap();
    let content = [b"\x07.dep-v0".as_slice(), &zlib.finish().unwrap()].concat();
    let length = u32::try_from(content.len()).unwrap();
    let mut bytes = MODULE.to_vec();
    for _ in 0..count {
        bytes.push(0);
        bytes.extend([0, 7, 14, 21].map(|shift| (length >> shift & 0x7f) as u8 | if shift < 21 { 0x80 } else { 0 }));
        bytes.extend(&content);
    }
    bytes
}

/// `count` packages with long names, of which each depends on the first `edges`.
fn packages(count: usize, edges: usize) -> String {
    let edges: Vec<String> = (0..edges).map(|at| at.to_string()).collect();
    let (edges, name) = (edges.join(","), "\u{1F980}".repeat(252));
    let one =
        |at| format!(r#"{{"name":"{at:04}{name}","version":"{name}","source":"{name}","dependencies":[{edges}]}}"#);
    format!(r#"{{"packages":[{}]}}"#, (0..count).map(one).collect::<Vec<_>>().join(","))
}

#[test]
fn embedded_packages() {
    let _alone = alone();
    let scanned = |name: &str, count: usize, section: &dyn Fn() -> String| {
        bounded(name, peak_of(|| module_of(&section(), count), |bytes| drop(scan(bytes, &()).unwrap())));
    };
    let many = |count| {
        let one = r#"{"name":"","version":"","source":""}"#;
        format!(r#"{{"packages":[{}]}}"#, vec![one; count].join(","))
    };
    scanned("forty sections of packages", 40, &|| many(200_000));
    scanned("forty sections of spaces", 40, &|| r#"{"packages":[]}"#.to_owned() + &" ".repeat((8 << 20) - 100));
    scanned("packages up to the limit", 1, &|| many(20_000));
    scanned("packages that depend on all", 1, &|| packages(300, 300));
    let manifest: Manifest = toml::from_str(MANIFEST).unwrap();
    let work = |bytes: &[u8]| {
        let file = sbom::File { path: "modules/echo.wasm", bytes: 1, sha256: [0; 32] };
        let facts = ModuleFacts::of(&scan(bytes, &()).unwrap(), "run");
        assert_eq!(facts.dependencies.len(), 300);
        let modules = [(file, facts)];
        let skill = sbom::Skill { manifest: &manifest, modules: &modules, assets: &[], built_at_unix_ms: None };
        assert!(sbom::generate(&skill).is_err(), "it would have 800 MB");
    };
    bounded("an SBOM of packages that depend on all", peak_of(|| module_of(&packages(300, 300), 1), work));
}
