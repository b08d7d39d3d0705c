//! The skills that are packaged and verified: real modules, and assets of plausible text.

use std::fmt::Write as _;

/// Who publishes the skills.
pub const PUBLISHER: &str = "northwind";

/// The least SBOM that a daemon takes.
pub const SBOM: &[u8] = br#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#;

/// The least provenance that a daemon takes.
pub const PROVENANCE: &[u8] = br#"{"builder":{"id":"https://northwind.example/build"},"subject":[{"name":"ledger"}]}"#;

/// A manifest that a daemon takes without a warning.
pub const MANIFEST: &str = r#"manifest_version = 2
skill_id = "northwind.ledger"
name = "Ledger tools"
version = "1.4.0"
publisher = "northwind"

[[entrypoints.tools]]
id = "northwind.ledger_sum"
name = "Sum a ledger"
description = "Adds up the rows of a ledger, sheet by sheet."

[entrypoints.tools.input_schema]
type = "object"
required = ["sheet"]

[entrypoints.tools.input_schema.properties.sheet]
type = "string"
minLength = 1

[entrypoints.tools.output_schema]
type = "object"
properties = { cents = { type = "integer" } }

[entrypoints.tools.risk]
requires_approval = true

[capabilities]
http_egress_allowlist = ["api.northwind.example", "feed.northwind.example"]

[capabilities.filesystem]
read_roots = ["ledgers/in"]
write_roots = ["ledgers/out"]

[[capabilities.secrets]]
scope = "skill:northwind.ledger"
key_names = ["ledger_api_key"]

[capabilities.quotas]
wall_clock_timeout_ms = 5000
fuel_budget = 2000000
max_memory_bytes = 268435456

[compat]
required_protocol_major = 1
min_palyra_version = "0.1.0"

[operator]
display_name = "Ledger tools"
summary = "Read and post ledger rows"
categories = ["finance"]
docs_url = "https://docs.northwind.example/ledger"
"#;

/// The size of one asset.
const ASSET_BYTES: usize = 256 << 10;

/// Text assets of `bytes` bytes together: rows of ledgers and notes about them, alternating. Always the same.
pub fn assets(bytes: usize) -> Vec<(String, Vec<u8>)> {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut left = bytes;
    let mut assets = Vec::new();
    while left > 0 {
        let size = left.min(ASSET_BYTES);
        let number = assets.len();
        let (name, mut text) = match number % 2 {
            0 => (format!("ledgers/{number:03}.jsonl"), rows(&mut chance, size)),
            _ => (format!("notes/{number:03}.md"), notes(&mut chance, size)),
        };
        text.truncate(size);
        assets.push((name, text.into_bytes()));
        left -= size;
    }
    assets
}

fn rows(chance: &mut Chance, bytes: usize) -> String {
    let mut text = String::new();
    while text.len() < bytes {
        let (sheet, note, by) = (chance.word(), chance.word(), chance.word());
        let (day, cents, id) = (chance.below(28) + 1, chance.below(1_000_000), chance.below(1 << 32));
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            r#"{{"id":"{id:08x}","sheet":"{sheet}","day":"2026-05-{day:02}","cents":{cents},"by":"{by}","note":"{note}"}}"#
        );
    }
    text
}

fn notes(chance: &mut Chance, bytes: usize) -> String {
    let mut text = String::new();
    while text.len() < bytes {
        let _ = write!(text, "\n## {} {}\n\n", chance.word(), chance.below(10_000));
        for word in 1..=chance.below(120) + 40 {
            text.push_str(&chance.word());
            text.push_str(if word % 13 == 0 { ".\n" } else { " " });
        }
    }
    text
}

/// Numbers that look like chance and are the same in every run (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    /// A word; some come far more often than others, as in a language.
    fn word(&mut self) -> String {
        const SYLLABLES: [&str; 24] = [
            "ba", "cen", "dor", "el", "fi", "gra", "hun", "in", "jo", "ka", "lem", "mi", "nor", "ot", "pe", "qui",
            "ra", "sil", "ta", "un", "ver", "wi", "ys", "zo",
        ];
        let mut rank = self.below(4000).min(self.below(4000)).min(self.below(4000));
        let mut word = String::new();
        loop {
            word.push_str(SYLLABLES[(rank % 24) as usize]);
            rank /= 24;
            if rank == 0 {
                return word;
            }
        }
    }
}
