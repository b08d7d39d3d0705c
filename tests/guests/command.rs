//! A command of WASI preview 1 in Rust for the tests of the host: its standard library's files, clocks, panics. The tool's id (argument 1), without the publisher's namespace before its last dot, says what it does.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Read as _, Write as _},
    process::ExitCode,
    time::SystemTime,
};

fn main() -> ExitCode {
    let mut input = String::new();
    if io::stdin().read_to_string(&mut input).is_err() {
        return ExitCode::from(2);
    }
    let id = env::args().nth(1).unwrap_or_default();
    // A JSON string without escapes.
    let word = input.trim().trim_matches('"');
    let output = match id.rsplit('.').next().unwrap_or_default() {
        "echo" => {
            eprintln!("hello from Rust");
            input
        }
        "read" => attempt(fs::read_to_string(word)),
        "write" => attempt(fs::write(word, "written").map(|()| "done".to_owned())),
        "list" => attempt(fs::read_dir(word).and_then(|entries| {
            let names: io::Result<Vec<String>> =
                entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect();
            let mut names = names?;
            names.sort();
            Ok(names.join(","))
        })),
        "count" => {
            let mut letters: BTreeMap<char, usize> = BTreeMap::new();
            word.chars().for_each(|c| *letters.entry(c).or_default() += 1);
            let fields: Vec<String> = letters.iter().map(|(c, n)| format!("\"{c}\":{n}")).collect();
            format!("{{{}}}", fields.join(","))
        }
        "surroundings" => {
            let socket = std::net::TcpStream::connect(("127.0.0.1", 80)).is_ok();
            let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).is_ok();
            format!("{{\"variables\":{},\"socket\":{socket},\"clock\":{clock}}}", env::vars().count())
        }
        "panic" => panic!("it is broken: {word}"),
        "exit" => return ExitCode::from(3),
        _ => return ExitCode::FAILURE,
    };
    match io::stdout().write_all(output.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(4),
    }
}

/// What came of it, as JSON.
fn attempt(result: io::Result<String>) -> String {
    match result {
        Ok(text) => format!("{{\"ok\":\"{text}\"}}"),
        Err(error) => format!("{{\"error\":\"{:?}\"}}", error.kind()),
    }
}
