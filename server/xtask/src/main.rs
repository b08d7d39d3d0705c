//! What a maintainer runs, as `cargo xtask COMMAND`.

use std::process::ExitCode;

mod bench;
mod ci;
mod error;
mod example;
mod generate;
#[cfg(test)]
mod layers;
mod picture;
mod run;
mod suite;
mod tools;
mod vsix;

use error::Error;

const HELP: &str = "\
cargo xtask COMMAND

  example              build Skillyard and take the bundled example from the check to the run of its tool
  test [ARGS]…         install what the tests need into target/tools, then run every test; ARGS go to the test programs
  generate [--check]   write the files that have a source elsewhere: the schema, the rules' pages, README's picture;
                       --check only says which are stale
  bench [analysis|features|artifact|run|installed] [--keep]
                       measure Skillyard in one run (a release build; the first one takes minutes): the analysis and
                       the other requests beside other tools, the work on artifacts beside what any reader of one has
                       to do, the runs of tools beside `wasmtime run`, the commands for what is installed, or all;
                       --keep also writes the figures into README.md and tests/bench
  vsix                 package the VS Code extension into target/vsix, once for every platform without the program, and
                       once for this one with it
  ci                   everything that has to hold before a change lands
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match command(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(if matches!(error, Error::Usage(_)) { 2 } else { 1 })
        }
    }
}

fn command(args: &[String]) -> Result<(), Error> {
    let Some((name, rest)) = args.split_first() else { return Err(Error::Usage("no command".into())) };
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    match (name.as_str(), rest.as_slice()) {
        ("example", []) => example::example(),
        ("test", _) => suite::test(&args[1..]),
        ("generate", []) => generate::generate(false),
        ("generate", ["--check"]) => generate::generate(true),
        ("bench", [parts @ .., "--keep"]) => bench::bench(parts, true),
        ("bench", parts) => bench::bench(parts, false),
        ("vsix", []) => vsix::vsix(),
        ("ci", []) => ci::ci(),
        ("help" | "--help" | "-h", _) => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(Error::Usage(format!("`{}` is not understood", args.join(" ")))),
    }
}
