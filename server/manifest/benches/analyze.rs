//! How long one analysis takes, by size and by kind of text: `cargo bench -p skillyard-manifest`.
//!
//! Prints the median and the 95th percentile of each. The benchmark beside other tools is `cargo xtask bench`.

use std::{fmt::Write as _, hint::black_box, time::Instant};

use skillyard_manifest::{Options, analyze, document::Document, syntax::Tree};

/// A good manifest of about `bytes` bytes.
fn manifest(bytes: usize) -> String {
    let mut text = String::from(
        "manifest_version = 2\nskill_id = \"acme.weather\"\nname = \"Weather\"\nversion = \"1.0.0\"\npublisher = \"acme\"\n\n\
         [operator]\ndisplay_name = \"Weather\"\n\n[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\n\n\
         [capabilities]\nhttp_egress_allowlist = [\"api.acme.example\"]\n",
    );
    for i in 0.. {
        let _ = write!(
            text,
            "\n[[entrypoints.tools]]\nid = \"acme.weather.tool{i}\"\nname = \"Tool {i}\"\n\
             description = \"Tells the weather of day {i}, and of the days around it.\" # for {i}\n\
             risk = {{ requires_approval = true }}\n\n[entrypoints.tools.input_schema]\ntype = \"object\"\n\
             required = [\"city\"]\nadditionalProperties = false\n\n\
             [entrypoints.tools.input_schema.properties.city]\ntype = \"string\"\nminLength = 1\npattern = \"^[a-z]+$\"\n\n\
             [entrypoints.tools.input_schema.properties.days]\ntype = \"array\"\nitems = {{ type = \"integer\", minimum = 0 }}\n\n\
             [entrypoints.tools.output_schema]\ntype = \"object\"\nproperties = {{ text = {{ type = \"string\" }} }}\n"
        );
        if text.len() >= bytes {
            break;
        }
    }
    text
}

fn measure(name: &str, mut f: impl FnMut()) {
    f();
    let mut times: Vec<_> = (0..200)
        .map(|_| {
            let start = Instant::now();
            f();
            start.elapsed()
        })
        .collect();
    times.sort();
    println!("{name:40} median {:>10.1?}   p95 {:>10.1?}", times[times.len() / 2], times[times.len() * 95 / 100]);
}

fn main() {
    let options = Options::default();
    for kb in [2, 16, 160] {
        let text = manifest(kb * 1000);
        let analysis = analyze(&text, &options);
        assert_eq!(analysis.error_count(), 0, "{:?}", analysis.diagnostics);
        measure(&format!("{kb} KB: analyze"), || drop(black_box(analyze(&text, &options))));
        measure(&format!("{kb} KB: syntax tree"), || drop(black_box(Tree::parse(&text))));
        measure(&format!("{kb} KB: document"), || drop(black_box(Document::parse(&text))));
        measure(&format!("{kb} KB: serde alone"), || {
            drop(black_box(toml::from_str::<skillyard_manifest::model::Manifest>(&text)))
        });
        let broken = text.replace("acme.weather.tool", "other.tool");
        measure(&format!("{kb} KB: analyze, a finding a tool"), || drop(black_box(analyze(&broken, &options))));
    }
}
