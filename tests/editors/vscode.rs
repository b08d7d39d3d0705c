//! Skillyard in a real VS Code: the packaged extension in code-server, with Chromium in front of it.
//!
//! What is done there stands in `editors/vscode/test`. Pictures of it are kept in `target/tmp/vscode`.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, reason = "a test that cannot go on says so and fails")]

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/editors/vscode");
const KEPT: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/vscode");

/// Both tests build the extension into its folder.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
#[ignore = "needs Node: cargo xtask test"]
fn the_extension_holds_together() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let tsc = "node_modules/typescript/bin/tsc";
    node(&[tsc, "--noEmit", "-p", "."]);
    node(&[tsc, "--noEmit", "-p", "src/webviews.tsconfig.json"]);
    node(&["scripts/settings.mjs", "--check", env!("CARGO_BIN_EXE_skillyard")]);
    node(&["test/unit.test.mjs"]);
    node(&["test/package.test.mjs"]);
}

#[test]
#[ignore = "needs code-server and Chromium: cargo xtask test"]
fn an_authors_day_in_vs_code() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    node(&["scripts/package.mjs", "--out", KEPT]);
    node(&["test/e2e/run.mjs"]);
}

/// Runs a script of the extension, which has to succeed.
fn node(arguments: &[&str]) {
    let program = tool("SKILLYARD_TEST_NODE");
    let mut command = Command::new(&program);
    command
        .args(arguments)
        .current_dir(FOLDER)
        .env("PATH", path_with(&program))
        .env("SKILLYARD_TEST_PROGRAM", env!("CARGO_BIN_EXE_skillyard"))
        .env("SKILLYARD_TEST_VSIX", KEPT)
        .env("SKILLYARD_TEST_KEPT", KEPT);
    let status = command.status().expect("Node runs");
    assert!(status.success(), "{arguments:?}: {status}; pictures are in {KEPT}");
}

/// A tool that `cargo xtask test` installs.
fn tool(name: &str) -> PathBuf {
    env::var_os(name).unwrap_or_else(|| panic!("{name} is not set; `cargo xtask test` sets it")).into()
}

/// PATH with the folder of a program in front.
fn path_with(program: &Path) -> OsString {
    let folders = program.parent().map(Path::to_path_buf).into_iter();
    let rest: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    env::join_paths(folders.chain(rest)).expect("a PATH")
}
