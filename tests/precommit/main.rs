//! The hooks of .pre-commit-hooks.yaml in the real pre-commit, on a repository of an author.

#![allow(clippy::expect_used, reason = "a test that cannot go on says so and fails")]

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const GOOD: &str = r#"manifest_version = 2
skill_id = "acme.echo"
name = "Echo"
version = "1.0.0"
publisher = "acme"

[[entrypoints.tools]]
id = "acme.echo"
name = "Echo"
description = "Says it again."
input_schema = { type = "object" }
output_schema = { type = "object" }

[compat]
required_protocol_major = 1
min_palyra_version = "0.1.0"
"#;

/// A folder with an author's repository, and a home of its own for git and pre-commit.
struct Author {
    folder: tempfile::TempDir,
}

impl Author {
    fn new() -> Self {
        let author = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        let repository = author.repository();
        fs::create_dir_all(repository.join("skills/echo")).expect("a folder");
        author.write("skills/echo/skill.toml", GOOD);
        // No manifest, though TOML and broken: no hook may look at it.
        author.write("skills/echo/other.toml", "broken =");
        author.git(&repository, &["init", "--quiet"]);
        author
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.repository().join(name), text).expect("a file");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.repository().join(name)).expect("a file")
    }

    /// A command that sees nothing of the machine's own configuration.
    fn command(&self, program: impl Into<OsString>, folder: &Path) -> Command {
        let mut command = Command::new(program.into());
        command
            .current_dir(folder)
            .stdin(Stdio::null())
            .env("GIT_CONFIG_GLOBAL", self.folder.path().join("gitconfig"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("PRE_COMMIT_HOME", self.folder.path().join("pre-commit"))
            .env("PRE_COMMIT_COLOR", "never");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Author");
            command.env(format!("GIT_{who}_EMAIL"), "author@skills.example");
        }
        command
    }

    fn git(&self, folder: &Path, args: &[&str]) {
        let output = self.command("git", folder).args(args).output().expect("git runs");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A repository of hooks that holds what `files` of ours say, committed.
    fn hooks(&self, files: &[&str]) -> PathBuf {
        let folder = self.folder.path().join("hooks");
        fs::create_dir_all(&folder).expect("a folder");
        for file in files {
            fs::copy(Path::new(ROOT).join(file), folder.join(file)).expect("a file of ours");
        }
        self.git(&folder, &["init", "--quiet"]);
        self.git(&folder, &["add", "."]);
        self.git(&folder, &["commit", "--quiet", "-m", "hooks"]);
        folder
    }

    /// `pre-commit try-repo` with one hook over everything in the author's repository.
    fn try_hook(&self, hooks: &Path, id: &str, more: &[(&str, OsString)]) -> (bool, String) {
        let program = env::var_os("SKILLYARD_TEST_PRE_COMMIT")
            .expect("SKILLYARD_TEST_PRE_COMMIT names pre-commit; `cargo xtask test` sets it");
        let repository = self.repository();
        self.git(&repository, &["add", "."]);
        let mut command = self.command(program, &repository);
        command.arg("try-repo").arg(hooks).args([id, "--all-files", "--verbose"]).envs(more.iter().cloned());
        let Output { status, stdout, stderr } = command.output().expect("pre-commit runs");
        (status.success(), [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat())
    }
}

/// PATH with the folder of our own program in front, as if it were installed.
fn installed() -> [(&'static str, OsString); 1] {
    let own = Path::new(env!("CARGO_BIN_EXE_skillyard")).parent().map(Path::to_path_buf);
    let path = env::var_os("PATH").unwrap_or_default();
    [("PATH", env::join_paths(own.into_iter().chain(env::split_paths(&path))).expect("a PATH"))]
}

#[test]
#[ignore = "needs pre-commit: cargo xtask test"]
fn check_stops_a_commit_that_a_daemon_would_refuse() {
    let author = Author::new();
    let hooks = author.hooks(&[".pre-commit-hooks.yaml"]);

    let (passes, said) = author.try_hook(&hooks, "skillyard-check", &installed());
    assert!(passes, "{said}");
    assert!(said.contains("Passed"), "{said}");

    author.write("skills/echo/skill.toml", &GOOD.replace("id = \"acme.echo\"\nname", "id = \"echo\"\nname"));
    let (passes, said) = author.try_hook(&hooks, "skillyard-check", &installed());
    assert!(!passes, "{said}");
    assert!(said.contains("tool/not-namespaced"), "{said}");
    assert!(said.contains("exit code: 1"), "{said}");
    assert!(!said.contains("other.toml"), "{said}");
}

#[test]
#[ignore = "needs pre-commit: cargo xtask test"]
fn fmt_formats_and_says_so() {
    let author = Author::new();
    let hooks = author.hooks(&[".pre-commit-hooks.yaml"]);
    author.write("skills/echo/skill.toml", &GOOD.replace("name = \"Echo\"", "name   =\"Echo\""));

    let (passes, said) = author.try_hook(&hooks, "skillyard-fmt", &installed());
    assert!(!passes, "{said}");
    assert!(said.contains("files were modified by this hook"), "{said}");
    assert_eq!(author.read("skills/echo/skill.toml"), GOOD);
    assert_eq!(author.read("skills/echo/other.toml"), "broken =");

    let (passes, said) = author.try_hook(&hooks, "skillyard-fmt", &installed());
    assert!(passes, "{said}");
}

/// Builds the whole of Skillyard from what is committed, as pre-commit does where nothing is installed.
#[test]
#[ignore = "needs pre-commit and minutes: cargo xtask test"]
fn check_build_builds_what_it_runs() {
    let author = Author::new();
    // A copy, so that what a maintainer has not committed yet does not take part.
    let hooks = author.folder.path().join("hooks");
    author.git(author.folder.path(), &["clone", "--quiet", ROOT, &hooks.to_string_lossy()]);
    let quick = [
        ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
        ("CARGO_PROFILE_RELEASE_LTO", "off"),
        ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ];
    let mut environment: Vec<(&str, OsString)> = quick.map(|(name, value)| (name, value.into())).to_vec();
    // Kept between runs: what is tested is that pre-commit can build it, not that a machine can do so twice.
    environment.push(("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("precommit").into()));

    let (passes, said) = author.try_hook(&hooks, "skillyard-check-build", &environment);
    assert!(passes, "{said}");

    author.write("skills/echo/skill.toml", &GOOD.replace("publisher = \"acme\"", "publisher = \"acme corp\""));
    let (passes, said) = author.try_hook(&hooks, "skillyard-check-build", &environment);
    assert!(!passes, "{said}");
    assert!(said.contains("exit code: 1"), "{said}");
}
