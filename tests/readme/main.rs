//! What README promises, kept.

#![allow(clippy::expect_used, reason = "a test that cannot go on says so and fails")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use skillyard_manifest::{Options, analyze};
use skillyard_project::config::Config;

const README: &str = include_str!("../../README.md");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn skillyard(args: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skillyard"));
    command.args(args).current_dir(folder).stdin(Stdio::null()).output().expect("skillyard runs")
}

/// The blocks of code in a language.
fn blocks(language: &str) -> Vec<String> {
    let readme = README.replace("\r\n", "\n");
    let fence = format!("```{language}\n");
    let starts = readme.split(&fence).skip(1);
    starts.map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_first_command_shows_what_the_fixes_then_repair() {
    let example = "tests/fixtures/forecast";
    assert!(README.contains(&format!("`skillyard check {example}`")));
    let output = skillyard(&["check", example], root());
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("error[tool/not-namespaced]"), "{said}");

    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy: PathBuf = folder.path().join("skill.toml");
    fs::copy(root().join(example).join("skill.toml"), &copy).expect("a copy");
    let output = skillyard(&["check", "--fix", "--unsafe-fixes", "."], folder.path());
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let fixed = analyze(&fs::read_to_string(&copy).expect("the copy"), &Options::default());
    assert!(fixed.daemon.accepts, "{:?}", fixed.daemon);
}

#[test]
fn the_configuration_is_one() {
    let blocks = blocks("toml");
    let [package, configuration, comment] = blocks.as_slice() else { panic!("three blocks: {blocks:?}") };
    let package = Config::parse(package).expect("a configuration").package;
    assert!(package.modules.is_some() && package.assets.is_some() && package.sbom.is_some());
    let configuration = Config::parse(configuration).expect("a configuration");
    assert!(!configuration.levels.is_empty());

    // Within a manifest the comment silences what it names: an unknown code or an unused comment would be reported.
    let base = fs::read_to_string(root().join("tests/fixtures/forecast/skill.toml")).expect("the example");
    let text = base.replace("http_egress_allowlist = [\"https://api.weather.example/v2\"]\n", comment);
    assert_ne!(text, base);
    let codes: Vec<&str> = analyze(&text, &Options::default()).diagnostics.iter().map(|d| d.rule.code).collect();
    let about_it = |code: &&str| code.starts_with("egress/") || code.starts_with("suppress/");
    assert!(!codes.iter().any(about_it), "{codes:?}");
}

/// The operators' section, typed line by line by somebody who got the bundled example as an artifact.
#[cfg(unix)]
#[test]
fn the_operators_section_is_a_transcript() {
    use std::os::unix::fs::PermissionsExt as _;
    let block = blocks("console").into_iter().find(|block| block.contains("skillyard install")).expect("the section");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = |line: &str, home: &str| {
        let program = Path::new(env!("CARGO_BIN_EXE_skillyard"));
        let path = format!("{}:{}", program.parent().expect("a folder").display(), env!("PATH"));
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(folder.path()).stdin(Stdio::null());
        command.env("PATH", path).env("SKILLYARD_HOME", folder.path().join(home));
        let output = command.env("SKILLYARD_NO_CREDENTIAL_STORE", "1").output().expect("sh runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    };
    // The key whose public half stands in the section.
    let key = folder.path().join("key");
    fs::write(&key, "11".repeat(32)).expect("a key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("its mode");
    let example = root().join("tests/fixtures/greeter");
    let name = block.split_whitespace().find(|word| word.ends_with(".palyra-skill")).expect("an artifact");
    let (fine, said) = run(&format!("skillyard package '{}' --key key -o {name}", example.display()), "publisher");
    assert!(fine, "{said}");
    // What each command says of what it did.
    let words: [(&str, &[&str]); 7] = [
        ("skillyard trust allow", &["acme"]),
        ("skillyard install", &["INSTALLED", "acme.greeter 0.1.0 by acme"]),
        ("skillyard list", &["acme.greeter"]),
        ("skillyard run", &["Ada"]),
        ("skillyard quarantine", &["QUARANTINED", "a bad build"]),
        ("skillyard enable", &["ACTIVE", "it was another one"]),
        ("skillyard log", &["skill.quarantined", "skill.enabled", "WHOLE"]),
    ];
    let lines: Vec<&str> = block.lines().map(|line| line.strip_prefix("$ ").expect("a prompt")).collect();
    assert_eq!(lines.len(), words.len());
    for (line, (command, words)) in lines.into_iter().zip(words) {
        assert!(line.starts_with(command), "{line}");
        let (fine, said) = run(line, "home");
        assert!(fine, "{line}: {said}");
        for word in words {
            assert!(said.contains(word), "{line}: {word}: {said}");
        }
    }
}

#[test]
fn every_command_and_code_that_is_named_exists() {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<String>>();
    // What stands between backquotes or after a prompt and starts with `skillyard`.
    let quoted = README.split('`').skip(1).step_by(2).chain(README.lines().filter_map(|line| line.strip_prefix("$ ")));
    let commands: BTreeSet<String> =
        quoted.map(words).filter(|w| w.len() > 1 && w[0] == "skillyard").map(|w| w[1].clone()).collect();
    assert!(commands.contains("check") && commands.contains("lsp"), "{commands:?}");
    for command in commands {
        let output = skillyard(&[&command, "--help"], root());
        assert!(output.status.success(), "skillyard {command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let explained = skillyard(&["explain", "tool/not-namespaced"], root());
    assert!(explained.status.success() && README.contains("`skillyard explain tool/not-namespaced`"));
}
