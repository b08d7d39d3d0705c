//! Where a skill's source is from and who builds it, as far as files and environment variables say: for its provenance.
//!
//! git is not started: what is asked stands in a few files of `.git`. The skill's files are held against git's index; what
//! is staged there and not committed yet is not told from what is committed, since that takes the repository's objects.
//! Everything here is the builder's own word.

mod index;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use crate::files::{self, absolute};

/// The largest file of `.git` that is read, in bytes: `packed-refs` grows with the repository.
const MAX_GIT_FILE: usize = 8 << 20;
/// The longest value that is taken from git or the environment, in bytes.
const MAX_VALUE: usize = 1024;
/// How many references are followed from `HEAD`.
const MAX_HOPS: usize = 5;

/// The commit that a folder's repository is at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Git {
    /// The commit's hash: 40 or 64 hex digits.
    pub commit: String,
    /// The branch or tag, in full: `refs/heads/main`. `None` where a commit itself is checked out.
    pub reference: Option<String>,
    /// Where others find the repository, as a URL without credentials.
    pub remote: Option<String>,
    /// The first of the files that is tracked with another content than it has: they are not those of the commit.
    pub changed: Option<PathBuf>,
}

impl Git {
    /// The commit of the repository that the skill with this manifest is a part of; `files` are its other files, each with
    /// its content. `None` where the manifest is not tracked (a repository that a skill merely lies in says nothing of
    /// it), or the repository cannot be understood.
    #[must_use]
    pub fn of<'f>(manifest: (&Path, &'f [u8]), files: impl IntoIterator<Item = (&'f Path, &'f [u8])>) -> Option<Self> {
        let folder = absolute(manifest.0);
        let folder = folder.parent()?;
        let dot_git =
            folder.ancestors().map(|folder| folder.join(".git")).find(|git| git.symlink_metadata().is_ok())?;
        let top = dot_git.parent()?.to_owned();
        let git = if dot_git.is_dir() { dot_git } else { pointed_at(&dot_git, "gitdir:")? };
        // A linked working tree has its own HEAD and shares the rest.
        let common = match line(&git.join("commondir")) {
            Some(common) => git.join(common),
            None => git.clone(),
        };
        let (commit, reference) = head(&git, &common)?;
        let inside = |path: &Path| slashed(absolute(path).strip_prefix(&top).ok()?);
        let own = inside(manifest.0)?;
        // What lies elsewhere is none of the repository's.
        let rest = files.into_iter().filter_map(|(path, content)| Some((inside(path)?, path, content)));
        let all: Vec<_> = std::iter::once((own.clone(), manifest.0, manifest.1)).chain(rest).collect();
        let wanted: Vec<String> = all.iter().map(|(inside, ..)| inside.clone()).collect();
        let tracked = index::look_up(&git.join("index"), commit.len() / 2, &wanted)?;
        if !tracked.contains_key(&own) {
            return None;
        }
        let differs = |(inside, path, content): &(String, &Path, &[u8])| {
            tracked.get(inside).filter(|tracked| !tracked.is(content)).map(|_| (*path).to_owned())
        };
        let changed = all.iter().find_map(differs);
        Some(Self { commit, reference, remote: remote(&common.join("config")), changed })
    }
}

/// A path with `/` between its parts, as git writes it. `None` where it is no UTF-8.
fn slashed(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

/// The one line of a small file.
fn line(path: &Path) -> Option<String> {
    let text = String::from_utf8(files::read(path, MAX_VALUE * 4).ok()?).ok()?;
    let text = text.trim();
    (!text.is_empty() && !text.contains(['\n', '\0'])).then(|| text.to_owned())
}

fn pointed_at(file: &Path, key: &str) -> Option<PathBuf> {
    let text = line(file)?;
    let path = text.strip_prefix(key)?.trim();
    Some(file.parent()?.join(path))
}

/// The commit that `HEAD` means, and the branch it means it by.
fn head(git: &Path, common: &Path) -> Option<(String, Option<String>)> {
    let mut value = line(&git.join("HEAD"))?;
    let mut branch = None;
    for _ in 0..MAX_HOPS {
        let Some(name) = value.strip_prefix("ref:").map(str::trim) else {
            return is_hash(&value).then_some((value, branch));
        };
        if !is_reference(name) {
            return None;
        }
        let name = name.to_owned();
        value = [git, common].iter().find_map(|folder| line(&folder.join(&name))).or_else(|| packed(common, &name))?;
        branch.get_or_insert(name);
    }
    None
}

/// A commit from `packed-refs`.
fn packed(common: &Path, name: &str) -> Option<String> {
    let text = String::from_utf8(files::read(&common.join("packed-refs"), MAX_GIT_FILE).ok()?).ok()?;
    let found = text.lines().find_map(|line| line.strip_suffix(name)?.strip_suffix(' '));
    found.map(str::to_owned)
}

fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether it names a file below `.git/refs` and no other.
fn is_reference(name: &str) -> bool {
    let good = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':', '\0']);
    name.starts_with("refs/") && name.len() <= MAX_VALUE && name.split('/').all(good) && !name.contains("..")
}

/// The URL of the remote `origin`, else of the only remote.
fn remote(config: &Path) -> Option<String> {
    let text = String::from_utf8(files::read(config, MAX_GIT_FILE).ok()?).ok()?;
    let mut remotes: Vec<(String, String)> = Vec::new();
    let mut section = None;
    for line in text.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            section = header
                .strip_prefix("remote \"")
                .and_then(|rest| rest.split_once("\"]"))
                .map(|(name, _)| name.to_owned());
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        if let Some(name) = &section
            && key.trim().eq_ignore_ascii_case("url")
        {
            remotes.push((name.clone(), value.trim().trim_matches('"').to_owned()));
        }
    }
    let origin = remotes.iter().find(|(name, _)| name == "origin");
    let only = if let [only] = remotes.as_slice() { Some(only) } else { None };
    public_url(&origin.or(only)?.1)
}

/// A repository's address as a URL that may be published: no credentials, no query, and nothing on this machine. The
/// short form of ssh, `git@host:path`, becomes a URL.
#[must_use]
pub fn public_url(address: &str) -> Option<String> {
    if address.len() > MAX_VALUE || address.contains(|c: char| c.is_whitespace() || skillyard_manifest::is_unseen(c)) {
        return None;
    }
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest.to_owned()),
        // `user@host:path`; a drive letter is one character in front of the colon.
        None => {
            // What stands in front of the host is a user, and may hold a password with colons.
            let end = address.find('/').unwrap_or(address.len());
            let at = address.get(..end)?.rfind('@').map_or(0, |at| at + 1);
            let (host, path) = address.get(at..)?.split_once(':')?;
            if host.len() < 2 || host.contains('/') {
                return None;
            }
            ("ssh".to_owned(), format!("{host}/{}", path.trim_start_matches('/')))
        }
    };
    if !matches!(scheme.as_str(), "https" | "http" | "ssh" | "git" | "git+https" | "git+ssh") {
        return None;
    }
    let rest = rest.split(['?', '#']).next()?;
    let (authority, path) = rest.split_once('/')?;
    let host = authority.rsplit('@').next()?;
    if host.is_empty() || host.starts_with(':') || path.is_empty() {
        return None;
    }
    Some(format!("{scheme}://{host}/{path}"))
}

/// Which continuous integration is at work, by the variables that it sets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ci {
    /// Who builds, as a URI.
    pub builder: String,
    /// This very run, as a URI.
    pub invocation: Option<String>,
    /// The repository, as a URL without credentials.
    pub repository: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// The branch or tag.
    pub reference: Option<String>,
}

impl Ci {
    /// What the environment says. `lookup` gives the value of a variable.
    #[must_use]
    pub fn of(lookup: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let var = |name: &str| {
            let value = lookup(name)?;
            let value = value.trim();
            let good = !value.is_empty()
                && value.len() <= MAX_VALUE
                && !value.contains(|c: char| c.is_whitespace() || skillyard_manifest::is_unseen(c));
            good.then(|| value.to_owned())
        };
        let is_on = |name: &str| var(name).is_some_and(|value| value != "false" && value != "0");
        if is_on("GITHUB_ACTIONS") {
            Self::github(&var)
        } else if is_on("GITLAB_CI") {
            Self::gitlab(&var)
        } else if is_on("CI") {
            Self::generic(&var)
        } else {
            None
        }
    }

    fn github(var: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let server = var("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
        let repository = var("GITHUB_REPOSITORY").and_then(|name| public_url(&format!("{server}/{name}")));
        let run = var("GITHUB_RUN_ID").filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
        let attempt = var("GITHUB_RUN_ATTEMPT").unwrap_or_else(|| "1".to_owned());
        let invocation = repository.as_ref().zip(run);
        let host =
            if var("RUNNER_ENVIRONMENT").as_deref() == Some("github-hosted") { "github-hosted" } else { "self-hosted" };
        Some(Self {
            builder: format!("https://github.com/actions/runner/{host}"),
            invocation: invocation
                .and_then(|(at, run)| public_url(&format!("{at}/actions/runs/{run}/attempts/{attempt}"))),
            repository,
            commit: var("GITHUB_SHA").filter(|hash| is_hash(hash)),
            reference: var("GITHUB_REF").filter(|name| is_reference(name)),
        })
    }

    fn gitlab(var: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let repository = var("CI_PROJECT_URL").and_then(|url| public_url(&url));
        let runner = var("CI_RUNNER_ID").filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
        let builder = match (&repository, runner) {
            (Some(at), Some(id)) => format!("{at}/-/runners/{id}"),
            _ => var("CI_SERVER_URL").and_then(|url| public_url(&format!("{url}/-/runners")))?,
        };
        let reference = match (var("CI_COMMIT_TAG"), var("CI_COMMIT_BRANCH")) {
            (Some(tag), _) => Some(format!("refs/tags/{tag}")),
            (None, Some(branch)) => Some(format!("refs/heads/{branch}")),
            (None, None) => None,
        };
        Some(Self {
            builder,
            invocation: var("CI_JOB_URL").and_then(|url| public_url(&url)),
            repository,
            commit: var("CI_COMMIT_SHA").filter(|hash| is_hash(hash)),
            reference: reference.filter(|name| is_reference(name)),
        })
    }

    /// Names that several others share.
    fn generic(var: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let url = |names: &[&str]| names.iter().find_map(|name| var(name).and_then(|url| public_url(&url)));
        let hash = |names: &[&str]| names.iter().find_map(|name| var(name).filter(|hash| is_hash(hash)));
        let server = url(&["CI_SERVER_URL", "JENKINS_URL", "BUILDKITE_ORGANIZATION_URL", "CI_SYSTEM_URL"]);
        let invocation =
            url(&["BUILD_URL", "CI_BUILD_URL", "BUILDKITE_BUILD_URL", "CIRCLE_BUILD_URL", "CI_PIPELINE_URL"]);
        Some(Self {
            builder: server.or_else(|| invocation.clone())?,
            invocation,
            repository: url(&["CI_REPO_URL", "GIT_URL", "BUILDKITE_REPO", "CIRCLE_REPOSITORY_URL"]),
            commit: hash(&["CI_COMMIT_SHA", "GIT_COMMIT", "BUILDKITE_COMMIT", "CIRCLE_SHA1"]),
            reference: None,
        })
    }
}

/// `SOURCE_DATE_EPOCH` is set and is no number of seconds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadEpoch(String);

impl fmt::Display for BadEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SOURCE_DATE_EPOCH is `{}`; set it to the seconds since 1970-01-01 as a whole number, at most 253402300799 (the \
             end of the year 9999), or unset it",
            crate::shown::words(&self.0, 80)
        )
    }
}

impl std::error::Error for BadEpoch {}

/// What `SOURCE_DATE_EPOCH` says, in milliseconds since 1970; `None` where it is not set or blank.
///
/// # Errors
/// If it is no whole number of seconds.
pub fn source_date_epoch(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<i64>, BadEpoch> {
    let Some(value) = lookup("SOURCE_DATE_EPOCH").filter(|value| !value.is_empty()) else { return Ok(None) };
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    let millis = value.parse::<i64>().ok().filter(|_| is_number).and_then(|seconds| seconds.checked_mul(1000));
    // The documents that are generated write dates with four digits of year.
    match millis.filter(|millis| *millis < 253_402_300_800_000) {
        Some(millis) => Ok(Some(millis)),
        None => Err(BadEpoch(value)),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, fs, process::Command};

    use super::*;

    fn git(folder: &Path, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.current_dir(folder).args([
            "-c",
            "user.name=n",
            "-c",
            "user.email=e@e",
            "-c",
            "init.defaultBranch=main",
        ]);
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            command.env_remove(name);
        }
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// What is said of the skill in `folder`, whose files are a manifest and what `more` names.
    fn of(folder: &Path, more: &[&str]) -> Option<Git> {
        let manifest = folder.join("skill.toml");
        let files: Vec<_> =
            more.iter().map(|name| folder.join(name)).map(|path| (fs::read(&path).unwrap(), path)).collect();
        let files = files.iter().map(|(content, path)| (path.as_path(), content.as_slice()));
        Git::of((&manifest, &fs::read(&manifest).unwrap()), files)
    }

    #[test]
    fn agrees_with_git() {
        let root = tempfile::tempdir().unwrap();
        let repo = root.path().join("repo");
        let skill = repo.join("skills/one");
        fs::create_dir_all(&skill).unwrap();
        fs::write(skill.join("skill.toml"), "x = 1\n").unwrap();
        git(&repo, &["init", "-q"]);
        git(&repo, &["add", "."]);
        assert_eq!(of(&skill, &[]), None, "nothing is committed yet");
        git(&repo, &["commit", "-q", "-m", "one"]);
        git(&repo, &["remote", "add", "origin", "https://user:secret@forge.example/team/skills.git?token=x"]);
        let expected = |reference: Option<&str>| {
            Some(Git {
                commit: git(&repo, &["rev-parse", "HEAD"]),
                reference: reference.map(str::to_owned),
                remote: Some("https://forge.example/team/skills.git".to_owned()),
                changed: None,
            })
        };
        assert_eq!(of(&skill, &[]), expected(Some("refs/heads/main")));
        git(&repo, &["pack-refs", "--all"]);
        assert!(!repo.join(".git/refs/heads/main").exists());
        assert_eq!(of(&skill, &[]), expected(Some("refs/heads/main")));
        // A linked working tree with a branch and a commit of its own.
        let linked = root.path().join("linked");
        git(&repo, &["worktree", "add", "-q", "-b", "other", linked.to_str().unwrap()]);
        git(&linked, &["commit", "-q", "--allow-empty", "-m", "two"]);
        let there = of(&linked.join("skills/one"), &[]).unwrap();
        assert_eq!(
            (there.commit.clone(), there.reference.as_deref()),
            (git(&linked, &["rev-parse", "HEAD"]), Some("refs/heads/other"))
        );
        assert_ne!(there.commit, git(&repo, &["rev-parse", "HEAD"]));
        git(&repo, &["checkout", "-q", "--detach"]);
        assert_eq!(of(&skill, &[]), expected(None));
    }

    /// A repository around a skill says nothing of it unless the skill is a part of it, as it stands there.
    #[test]
    fn only_what_is_tracked_is_of_the_commit() {
        for (format, version) in [("sha1", "2"), ("sha1", "3"), ("sha1", "4"), ("sha256", "2"), ("sha256", "4")] {
            let root = tempfile::tempdir().unwrap();
            let repo = root.path();
            let (skill, other) = (repo.join("skill"), repo.join("work/other"));
            for folder in [&skill, &other] {
                fs::create_dir_all(folder.join("assets")).unwrap();
                fs::write(folder.join("skill.toml"), "x = 1\n").unwrap();
                fs::write(folder.join("assets/a"), "a").unwrap();
                fs::write(folder.join("built.wasm"), "w").unwrap();
            }
            // Many names that share beginnings, of all lengths of padding.
            for at in 0..20 {
                fs::write(skill.join("assets").join("n".repeat(at + 1)), "x").unwrap();
            }
            fs::write(repo.join(".gitignore"), "work/\n*.wasm\n").unwrap();
            git(repo, &["init", "-q", &format!("--object-format={format}")]);
            git(repo, &["config", "core.autocrlf", "false"]);
            git(repo, &["update-index", "--index-version", version]);
            git(repo, &["add", "."]);
            git(repo, &["commit", "-q", "-m", "one"]);
            let changed = |name: &str| {
                of(&skill, &["assets/a", "built.wasm", "assets/nnnnnnn"]).map(|git| git.changed)
                    == Some(Some(skill.join(name)))
            };
            assert_eq!(of(&other, &["assets/a"]), None, "{format} {version}: it is ignored");
            let clean = of(&skill, &["assets/a", "built.wasm", "assets/nnnnnnn"]).unwrap();
            assert_eq!((clean.commit.as_str(), clean.changed), (git(repo, &["rev-parse", "HEAD"]).as_str(), None));
            fs::write(skill.join("built.wasm"), "another").unwrap();
            assert_eq!(of(&skill, &["built.wasm"]).unwrap().changed, None, "what is built is tracked by nobody");
            fs::write(skill.join("assets/a"), "b").unwrap();
            assert!(changed("assets/a"), "{format} {version}");
            fs::write(skill.join("skill.toml"), "x = 2\n").unwrap();
            assert!(changed("skill.toml"), "{format} {version}");
            // Other ends of lines than are tracked are what a checkout makes.
            fs::write(skill.join("skill.toml"), "x = 1\r\n").unwrap();
            assert_eq!(of(&skill, &[]).unwrap().changed, None);
            git(repo, &["rm", "-q", "--cached", "skill/skill.toml"]);
            assert_eq!(of(&skill, &["assets/a"]), None, "{format} {version}: it is tracked no more");
            git(repo, &["add", "--intent-to-add", "skill/skill.toml"]);
            assert_eq!(of(&skill, &["assets/a"]), None, "{format} {version}: it is only meant to be added");
        }
    }

    /// In a merge that is not through no content is the commit's, and a split index is not understood.
    #[test]
    fn an_index_in_between_says_nothing_wrong() {
        let root = tempfile::tempdir().unwrap();
        let repo = root.path();
        git(repo, &["init", "-q"]);
        let commit = |text: &str| {
            fs::write(repo.join("skill.toml"), text).unwrap();
            git(repo, &["add", "."]);
            git(repo, &["commit", "-q", "-m", "x"]);
        };
        commit("x = 1\n");
        git(repo, &["checkout", "-q", "-b", "side"]);
        commit("x = 2\n");
        git(repo, &["checkout", "-q", "main"]);
        commit("x = 3\n");
        let merge = Command::new("git").current_dir(repo).args(["merge", "-q", "side"]).output().unwrap();
        assert!(!merge.status.success());
        assert_eq!(of(repo, &[]).unwrap().changed, Some(repo.join("skill.toml")));
        git(repo, &["checkout", "-q", "-f", "main"]);
        assert_eq!(of(repo, &[]).unwrap().changed, None);
        git(repo, &["update-index", "--split-index"]);
        assert_eq!(of(repo, &[]), None);
    }

    #[test]
    fn a_hostile_folder_leads_nowhere() {
        let root = tempfile::tempdir().unwrap();
        let repo = root.path();
        fs::write(repo.join("secret"), "0123456789012345678901234567890123456789").unwrap();
        fs::write(repo.join("skill.toml"), "").unwrap();
        git(repo, &["init", "-q"]);
        git(repo, &["add", "skill.toml"]);
        git(repo, &["commit", "-q", "-m", "one"]);
        assert!(of(repo, &[]).is_some());
        let head = |text: &str| {
            fs::write(repo.join(".git/HEAD"), text).unwrap();
            of(repo, &[])
        };
        for text in [
            "ref: ../secret",
            "ref: refs/../../secret",
            "ref: /etc/passwd",
            "ref: refs/heads/none",
            "",
            "x",
            "ref: HEAD",
        ] {
            assert_eq!(head(text), None, "{text}");
        }
        fs::write(repo.join(".git/refs/a"), "ref: refs/a").unwrap();
        assert_eq!(head("ref: refs/a"), None, "references in a circle");
        fs::write(repo.join(".git/refs/a"), "root:x:0:0").unwrap();
        assert_eq!(head("ref: refs/a"), None, "what is no hash is not taken");
    }

    #[test]
    fn addresses_lose_what_is_nobodys_business() {
        let url = |address| public_url(address).unwrap_or_default();
        assert_eq!(url("git@forge.example:team/x.git"), "ssh://forge.example/team/x.git");
        assert_eq!(url("ssh://git@forge.example:22/team/x.git"), "ssh://forge.example:22/team/x.git");
        assert_eq!(url("user:pw@forge.example:a/b"), "ssh://forge.example/a/b");
        assert_eq!(url("user:p:w@x@forge.example:a/b@c:d"), "ssh://forge.example/a/b@c:d");
        assert_eq!(url("HTTPS://a:b@c@forge.example/x#y"), "https://forge.example/x");
        for none in [
            "/home/me/repo",
            "../repo",
            "file:///home/me/repo",
            "C:/x",
            "c:\\x",
            "https://x",
            "https:///x",
            "a b:c",
            "https://h/\u{202e}",
            "",
        ] {
            assert_eq!(url(none), "", "{none}");
        }
    }

    fn ci(variables: &[(&str, &str)]) -> Option<Ci> {
        let map: HashMap<&str, &str> = variables.iter().copied().collect();
        Ci::of(&|name| map.get(name).map(|value| (*value).to_owned()))
    }

    #[test]
    fn the_usual_builders_are_known() {
        let hash = "0123456789012345678901234567890123456789";
        let hub = ci(&[
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/skills"),
            ("GITHUB_RUN_ID", "17"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_SHA", hash),
            ("GITHUB_REF", "refs/heads/main"),
            ("RUNNER_ENVIRONMENT", "github-hosted"),
        ])
        .unwrap();
        assert_eq!(hub.builder, "https://github.com/actions/runner/github-hosted");
        assert_eq!(hub.invocation.as_deref(), Some("https://github.com/acme/skills/actions/runs/17/attempts/2"));
        assert_eq!(
            (hub.repository.as_deref(), hub.commit.as_deref()),
            (Some("https://github.com/acme/skills"), Some(hash))
        );
        let lab = ci(&[
            ("CI", "true"),
            ("GITLAB_CI", "true"),
            ("CI_PROJECT_URL", "https://gitlab.example/a/b"),
            ("CI_RUNNER_ID", "7"),
            ("CI_JOB_URL", "https://gitlab.example/a/b/-/jobs/9"),
            ("CI_COMMIT_SHA", hash),
            ("CI_COMMIT_TAG", "v1"),
            ("CI_REPOSITORY_URL", "https://gitlab-ci-token:secret@gitlab.example/a/b.git"),
        ])
        .unwrap();
        assert_eq!(lab.builder, "https://gitlab.example/a/b/-/runners/7");
        assert_eq!(lab.reference.as_deref(), Some("refs/tags/v1"));
        assert!(!format!("{lab:?}").contains("secret"));
        let other = ci(&[
            ("CI", "1"),
            ("JENKINS_URL", "https://ci.example/x"),
            ("BUILD_URL", "https://ci.example/job/1"),
            ("GIT_COMMIT", "nonsense"),
        ])
        .unwrap();
        assert_eq!((other.builder.as_str(), other.commit), ("https://ci.example/x", None));
        assert_eq!(ci(&[("CI", "false"), ("GITHUB_ACTIONS", "false")]), None);
        assert_eq!(ci(&[("CI", "true")]), None, "a builder without a name is none");
        assert_eq!(ci(&[("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "a b\n/x")]).unwrap().repository, None);
    }

    #[test]
    fn the_epoch_is_seconds() {
        let epoch = |value: &str| source_date_epoch(&|_| Some(value.to_owned()));
        assert_eq!(epoch("1700000000"), Ok(Some(1_700_000_000_000)));
        assert_eq!((epoch("0"), epoch(""), source_date_epoch(&|_| None)), (Ok(Some(0)), Ok(None), Ok(None)));
        for bad in ["-1", "1.5", "now", "99999999999999999999", "9999999999999", "+1", " 1"] {
            assert!(epoch(bad).unwrap_err().to_string().contains("SOURCE_DATE_EPOCH"), "{bad}");
        }
    }
}
