//! The files that everybody is measured on: valid manifests that differ in size only.

use std::fmt::Write;

/// A valid manifest of about `bytes` bytes (never less), grown by tools. `number` makes it another skill.
pub fn manifest(number: usize, bytes: usize) -> String {
    let mut text = format!(
        r#"# Skill {number} of the benchmark.
manifest_version = 2
skill_id = "northwind.ledger_{number}"
name = "Ledger tools"
version = "1.4.{number}"
publisher = "northwind"

[capabilities]
http_egress_allowlist = ["api.northwind.example", "feed.northwind.example"]

[capabilities.filesystem]
read_roots = ["ledgers/in"]
write_roots = ["ledgers/out"]

[[capabilities.secrets]]
scope = "skill:northwind.ledger_{number}"
key_names = ["ledger_api_key"]

[capabilities.quotas]
wall_clock_timeout_ms = 5000
fuel_budget = 2000000
max_memory_bytes = 16777216

[compat]
required_protocol_major = 1
min_palyra_version = "0.1.0"

[operator]
display_name = "Ledger tools"
summary = "Read and post ledger rows"
categories = ["finance"]
docs_url = "https://docs.northwind.example/ledger"
"#
    );
    let mut tool = 0;
    while tool == 0 || text.len() < bytes {
        tool += 1;
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            r#"
[[entrypoints.tools]]
id = "northwind.ledger_{number}_read_{tool}"
name = "Read ledger {tool}"
description = "Reads rows of sheet {tool} from the ledger."

[entrypoints.tools.input_schema]
type = "object"
required = ["sheet"]

[entrypoints.tools.input_schema.properties.sheet]
type = "string"
minLength = 1

[entrypoints.tools.input_schema.properties.rows]
type = "integer"
minimum = 1
maximum = 5000

[entrypoints.tools.output_schema]
type = "object"
properties = {{ rows = {{ type = "array", items = {{ type = "object" }} }} }}

[entrypoints.tools.risk]
requires_approval = true
"#
        );
    }
    text
}

/// Where an author types in such a manifest: at the end of the description of the tool in the middle.
pub fn typing_place(text: &str) -> Option<usize> {
    let middle = text.len() / 2;
    let marker = "from the ledger.\"";
    let from = text[..middle].rfind(marker).or_else(|| text.find(marker))?;
    Some(from + marker.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skillyard_manifest::{Options, analyze};

    #[test]
    fn the_inputs_are_good_manifests_of_their_size() {
        for bytes in [0, 2 << 10, 16 << 10, 160 << 10] {
            let text = manifest(7, bytes);
            assert!(text.len() >= bytes && text.len() < bytes.max(1600) + 1000, "{bytes}: {}", text.len());
            let analysis = analyze(&text, &Options::default());
            assert!(analysis.daemon.accepts, "{:?}", analysis.daemon);
            assert_eq!(analysis.error_count(), 0, "{:?}", analysis.diagnostics);
            let place = typing_place(&text).expect("a description");
            assert_eq!(&text[place - 7..place], "ledger.");
        }
    }
}
