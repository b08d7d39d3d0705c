//! What it costs to package, verify and audit, beside what no reader of an artifact can do without: inflating its bytes
//! and hashing them once.
//!
//! `cargo xtask bench artifact` runs it, with real modules: `cargo bench -p skillyard-artifact --bench artifact --
//! FOLDER OUT`, where FOLDER holds them as `*.wasm` and OUT is a folder that gets the figures as `figures.json` and the
//! artifacts that were packaged. All cases take turns, each with its own floor right after it, so what else the machine
//! does falls on all of them.

use std::{
    env,
    error::Error,
    fs,
    hint::black_box,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use flate2::{Compression, Decompress, FlushDecompress, write::DeflateEncoder};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

mod cases;
mod inputs;

/// How often each case is measured at most, and how long all of it takes at most.
const ROUNDS: usize = 100;
const PATIENCE: Duration = Duration::from_secs(60);
/// Rounds before those, not counted.
const WARM_UP: usize = 2;

/// One thing that is measured.
struct Case {
    name: String,
    /// The file of the artifact that it is about, and what its size is called.
    artifact: Option<(String, &'static str)>,
    floor: Floor,
    work: Box<dyn FnMut()>,
    times: Vec<Duration>,
    floor_times: Vec<Duration>,
}

impl Case {
    /// `content` is what the work is about, in the pieces that an archive holds it in.
    fn new(name: impl Into<String>, content: &[&[u8]], work: impl FnMut() + 'static) -> Result<Self, Box<dyn Error>> {
        let (times, floor_times) = (Vec::new(), Vec::new());
        let (name, floor) = (name.into(), Floor::of(content)?);
        Ok(Self { name, artifact: None, floor, work: Box::new(work), times, floor_times })
    }

    fn json(&self) -> Value {
        json!({ "name": self.name, "bytes": self.floor.bytes(), "times": figures(&self.times), "floor": figures(&self.floor_times) })
    }
}

/// The least that a reader does: every entry is inflated, once, and hashed, once. By the crates that the reader uses.
struct Floor {
    /// Each entry deflated, and its size.
    entries: Vec<(Vec<u8>, usize)>,
    inflated: Vec<u8>,
}

impl Floor {
    fn of(content: &[&[u8]]) -> Result<Self, Box<dyn Error>> {
        let mut entries = Vec::new();
        for bytes in content {
            let mut deflated = DeflateEncoder::new(Vec::new(), Compression::default());
            deflated.write_all(bytes)?;
            entries.push((deflated.finish()?, bytes.len()));
        }
        let largest = content.iter().map(|bytes| bytes.len()).max().unwrap_or_default();
        let mut floor = Self { entries, inflated: vec![0; largest] };
        assert_eq!(
            floor.run(),
            content.iter().fold(Sha256::new(), |hash, bytes| hash.chain_update(bytes)).finalize()[..]
        );
        Ok(floor)
    }

    fn bytes(&self) -> usize {
        self.entries.iter().map(|(_, size)| size).sum()
    }

    fn run(&mut self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (deflated, size) in &self.entries {
            let out = &mut self.inflated[..*size];
            // What goes wrong here shows in the hash.
            let _ = Decompress::new(false).decompress(deflated, out, FlushDecompress::Finish);
            hash.update(&*out);
        }
        hash.finalize().into()
    }
}

/// Every case, in turns.
fn measure(cases: &mut [Case]) {
    let begin = Instant::now();
    for round in 0..WARM_UP + ROUNDS {
        if round > WARM_UP + 9 && begin.elapsed() > PATIENCE {
            break;
        }
        for case in &mut *cases {
            let start = Instant::now();
            (case.work)();
            let time = start.elapsed();
            let start = Instant::now();
            black_box(case.floor.run());
            let floor = start.elapsed();
            if round >= WARM_UP {
                case.times.push(time);
                case.floor_times.push(floor);
            }
        }
    }
    for case in cases {
        case.times.sort();
        case.floor_times.sort();
    }
}

/// The smallest time that `percent` of all do not exceed, in milliseconds.
fn rank(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

fn figures(sorted: &[Duration]) -> Value {
    let count = sorted.len();
    json!({ "min_ms": rank(sorted, 0), "p50_ms": rank(sorted, 50), "p95_ms": rank(sorted, 95), "count": count })
}

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` puts its own `--bench` among the arguments.
    let args: Vec<String> = env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let [modules, out] = &args[..] else {
        return Err("two folders are needed: one of modules and one for the figures; see `cargo xtask bench`".into());
    };
    fs::create_dir_all(out)?;
    let mut cases = cases::all(Path::new(modules), Path::new(out))?;
    measure(&mut cases);
    for case in &cases {
        let (time, floor) = (rank(&case.times, 50), rank(&case.floor_times, 50));
        println!("{:45} {:>9} bytes {time:>9.3} ms, floor {floor:>9.3} ms", case.name, case.floor.bytes());
    }
    let artifacts = cases.iter().filter_map(|case| {
        let (file, size) = case.artifact.as_ref()?;
        Some(json!({ "file": file, "size": size, "bytes": case.floor.bytes(), "floor": figures(&case.floor_times) }))
    });
    let artifacts: Vec<Value> = artifacts.collect();
    let measured: Vec<Value> = cases.iter().map(Case::json).collect();
    let figures = json!({ "cases": measured, "artifacts": artifacts, "trusted": cases::trusted()? });
    Ok(fs::write(Path::new(out).join("figures.json"), format!("{figures:#}\n"))?)
}
