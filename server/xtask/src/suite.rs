//! `cargo xtask test`: the whole test suite, the tests that need real tools of others included.

use crate::{
    error::Error,
    run::{cargo, run},
    tools,
};

/// Installs what the suite needs and runs all of it. `args` go to the test programs.
pub fn test(args: &[String]) -> Result<(), Error> {
    let tools = tools::for_tests()?;
    // The examples in the documentation first: what is read last should be what the tests say.
    run(&mut cargo(&["test", "--workspace", "--doc"]))?;
    let mut command = cargo(&["test", "--workspace", "--lib", "--bins", "--tests", "--", "--include-ignored"]);
    run(command.args(args).envs(tools))
}
