//! What an editor asks besides diagnostics, from the request to the answer: completion, hovers, the outline, semantic
//! tokens. The others have no schema of a skill.toml and so know little to say: they are measured at their lightest.

use std::{fmt::Write as _, path::Path};

use serde_json::{Value, json};

use super::{Contender, client::Document, contenders, inputs, report, write};
use crate::{
    error::Error,
    run::{root, target},
};
use report::{Times, digits};

/// Sizes of the file, in bytes.
const SIZES: [usize; 2] = [2 << 10, 16 << 10];
/// Questions of each kind, asked of all in turns, and those before them that do not count.
const REPEATS: usize = 100;
const WARM_UP: usize = 10;

/// A question: its name in the table, the method, the server's word for being able to answer, where it is asked.
struct Question {
    name: &'static str,
    method: &'static str,
    ability: &'static str,
    at: Option<At>,
}

/// A place in the file.
#[derive(Clone, Copy)]
enum At {
    /// Behind the last letter of this word's first place.
    Behind(&'static str),
}

const QUESTIONS: [Question; 4] = [
    Question {
        name: "completion of a key",
        method: "textDocument/completion",
        ability: "completionProvider",
        at: Some(At::Behind("wall_clock")),
    },
    Question {
        name: "hover over a value",
        method: "textDocument/hover",
        ability: "hoverProvider",
        at: Some(At::Behind("max_memory_bytes = 16")),
    },
    Question { name: "outline", method: "textDocument/documentSymbol", ability: "documentSymbolProvider", at: None },
    Question {
        name: "semantic tokens",
        method: "textDocument/semanticTokens/full",
        ability: "semanticTokensProvider",
        at: None,
    },
];

/// Measures, prints the table and writes the report. With `keep` also into the tree.
pub fn bench(keep: bool) -> Result<(), Error> {
    let (contenders, missing) = contenders()?;
    let folder = target().join("bench/features");
    let mut rows = Vec::new();
    for size in SIZES {
        let text = inputs::manifest(0, size);
        let path = folder.join(format!("size-{size}")).join("skill.toml");
        write(&path, &text)?;
        for (question, times) in QUESTIONS.iter().zip(measure(&contenders, &path, &text)?) {
            rows.push((question.name, text.len(), times));
        }
    }
    let names: Vec<&str> = contenders.iter().map(|contender| contender.name).collect();
    let table = markdown(&names, &rows, &missing);
    println!("{table}");
    let measured: Vec<Value> = rows
        .iter()
        .map(|(name, bytes, times)| {
            let of = names
                .iter()
                .zip(times)
                .map(|(name, times)| ((*name).to_owned(), times.as_ref().map(Times::json).into()));
            json!({ "question": name, "bytes": bytes, "times": Value::Object(of.collect()) })
        })
        .collect();
    let missing: Vec<Value> = missing.iter().map(|(name, why)| json!({ "name": name, "why": why })).collect();
    let report = json!({ "schema_version": 1, "machine": report::machine(), "measured": measured, "missing": missing });
    let report = format!("{report:#}\n");
    write(&folder.join("results.md"), &table)?;
    write(&folder.join("results.json"), &report)?;
    if keep {
        write(&root().join("tests/bench/features.json"), &report)?;
        report::into_readme(&root().join("README.md"), "features", &table)?;
    }
    Ok(())
}

/// The times of every question for each contender; `None` where it does not answer such.
fn measure(contenders: &[Contender], path: &Path, text: &str) -> Result<Vec<Vec<Option<Times>>>, Error> {
    let mut servers = Vec::new();
    for contender in contenders {
        let (mut server, _) = contender.start(path.parent().unwrap_or(path))?;
        let document = server.open(path, text)?;
        servers.push((server, document));
    }
    let mut all = Vec::new();
    for question in &QUESTIONS {
        let mut times: Vec<Option<Times>> = servers
            .iter()
            .map(|(server, _)| {
                let ability = &server.capabilities[question.ability];
                (!ability.is_null() && *ability != json!(false)).then(Times::default)
            })
            .collect();
        for round in 0..WARM_UP + REPEATS {
            for ((server, document), times) in servers.iter_mut().zip(&mut times) {
                let Some(times) = times else { continue };
                let took = server.ask(question.method, params(question, document))?;
                if round >= WARM_UP {
                    times.add(took);
                }
            }
        }
        all.push(times);
    }
    for (server, _) in servers {
        server.stop()?;
    }
    Ok(all)
}

fn params(question: &Question, document: &Document) -> Value {
    let mut params = json!({ "textDocument": { "uri": document.uri() } });
    if let Some(At::Behind(word)) = question.at
        && let Some(position) = document.behind(word)
    {
        params["position"] = position;
    }
    params
}

/// The table, with what it was measured on.
fn markdown(
    names: &[&str],
    rows: &[(&'static str, usize, Vec<Option<Times>>)],
    missing: &[(&'static str, String)],
) -> String {
    let mut out = String::from("| median / 95th percentile, ms | size |");
    let columns: String = names.iter().map(|name| format!(" {name} |")).collect();
    let _ = write!(out, "{columns}\n| --- | --- |{}\n", " --- |".repeat(names.len()));
    for (name, bytes, times) in rows {
        let _ = write!(out, "| {name} | {} KB |", bytes / 1024);
        for times in times {
            let cell = times.as_ref().map_or_else(
                || "–".to_owned(),
                |times| {
                    let times = times.json();
                    let of = |key: &str| digits(times[key].as_f64().unwrap_or(f64::NAN));
                    format!("{} / {}", of("p50_ms"), of("p95_ms"))
                },
            );
            let _ = write!(out, " {cell} |");
        }
        out.push('\n');
    }
    let _ = write!(out, "\n{}.", report::machine());
    for (name, why) in missing {
        let _ = write!(out, " Missing: {name} ({}).", why.lines().next().unwrap_or_default());
    }
    out.push('\n');
    out
}
