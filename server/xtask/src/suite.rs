//! `cargo xtask test`: the whole test suite, the tests that need real tools of others included.

use std::process::Command;

use crate::{
    error::Error,
    run::{cargo, root, run},
    tools,
};

/// The seed of the property tests, as `proptest` reads it.
const SEED: &str = "PROPTEST_RNG_SEED";

/// Installs what the suite needs and runs all of it. `args` go to the test programs.
pub fn test(args: &[String]) -> Result<(), Error> {
    let tools = tools::for_tests()?;
    large_guests()?;
    // The examples in the documentation first: what is read last should be what the tests say.
    run(&mut cargo(&["test", "--workspace", "--doc"]))?;
    let mut command =
        cargo(&["test", "--workspace", "--no-fail-fast", "--lib", "--bins", "--tests", "--", "--include-ignored"]);
    // Random cases are the same on every machine, so that a failure says something of the change that it followed.
    // Another seed looks elsewhere: set the variable to any number.
    if std::env::var_os(SEED).is_none() {
        command.env(SEED, "20260701");
    }
    run(command.args(args).envs(tools))
}

/// Builds the guests that are too large for the tree, with compilers of other languages that the script installs.
fn large_guests() -> Result<(), Error> {
    if !cfg!(unix) {
        eprintln!("NOT RUN here: the guests in Go and JavaScript, whose build script needs a POSIX shell.");
        return Ok(());
    }
    let mut script = Command::new("sh");
    script.arg(root().join("tests/guests/build.sh")).arg("big");
    run(script.env("TOOLS", tools::tools().join("guests")))
}
