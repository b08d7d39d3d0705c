//! Changing any single byte of a good artifact is refused, or changes nothing that anyone reads.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod handmade;

use std::thread;

use handmade::*;

/// Text that compresses about as well as prose.
fn prose(words: usize) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "the", "daemon", "reads", "a", "skill", "and", "keeps", "every", "file", "that", "nobody", "signed", "out",
        "of", "its", "memory",
    ];
    let mut state = 1_u32;
    let mut text = String::new();
    for _ in 0..words {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push_str(WORDS[(state >> 28) as usize]);
        text.push(if state >> 20 & 15 == 0 { '\n' } else { ' ' });
    }
    text.into_bytes()
}

/// Bytes that do not compress, so that they are deflated as they are.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

fn several() -> Vec<u8> {
    let mut files = parts();
    for name in ["modules/b.wasm", "modules/c/d.wasm", "assets/ä.txt", "assets/empty"] {
        let content = if name.ends_with(".wasm") { MODULE } else { b"" };
        files.insert(name.to_owned(), content.to_vec());
    }
    pack(&signed(with_manifest(files, MANIFEST), "acme"))
}

fn larger() -> Vec<u8> {
    let mut files = parts();
    files.insert("assets/prose.txt".to_owned(), prose(700));
    files.insert("assets/noise.bin".to_owned(), noise(600));
    files.insert("assets/zeros.bin".to_owned(), vec![0; 5000]);
    pack(&signed(with_manifest(files, MANIFEST), "acme"))
}

/// Positions where a change of `good` is accepted, and of those the positions where something reads differently.
fn taken(good: &[u8]) -> (Vec<usize>, Vec<usize>) {
    let report = |bytes: &[u8]| {
        let verification = verified(bytes);
        let entries = verification.entries.clone();
        verification.accepted.then(|| (serde_json::to_value(&verification).unwrap(), entries))
    };
    let original = report(good).expect("the artifact is good");
    let half = |from: usize, to: usize| {
        let mut bytes = good.to_vec();
        let (mut accepted, mut differs) = (Vec::new(), Vec::new());
        for at in from..to {
            let byte = good[at];
            let mut values = vec![byte ^ 1, byte ^ 0x80, byte ^ 0xFF, 0];
            values.sort_unstable();
            values.dedup();
            for value in values.into_iter().filter(|value| *value != byte) {
                bytes[at] = value;
                if let Some(changed) = report(&bytes) {
                    accepted.push(at);
                    if changed != original {
                        differs.push(at);
                    }
                }
            }
            bytes[at] = byte;
        }
        accepted.dedup();
        differs.dedup();
        (accepted, differs)
    };
    let middle = good.len() / 2;
    thread::scope(|scope| {
        let first = scope.spawn(|| half(0, middle));
        let (accepted, differs) = half(middle, good.len());
        let mut first = first.join().unwrap();
        first.0.extend(accepted);
        first.1.extend(differs);
        first
    })
}

#[test]
fn no_changed_byte_is_taken() {
    let mut total = 0;
    let mut all = Vec::new();
    for (name, bytes) in [
        ("v02-operator-asset", recorded("v02-operator-asset")),
        ("several modules and assets", several()),
        ("prose, noise and zeros", larger()),
    ] {
        let (accepted, differs) = taken(&bytes);
        println!("{name}: {} positions, {} accepted after a change {accepted:?}", bytes.len(), accepted.len());
        total += accepted.len();
        all.extend(differs);
    }
    assert_eq!(all, Vec::<usize>::new(), "positions where what is accepted reads differently");
    // Another way to compress the same bytes, in the run of zeros alone: a shorter distance, or a code that is not used.
    println!("{total} positions where a change is accepted and everything reads the same");
    assert!(total <= 8, "{total}");
}
