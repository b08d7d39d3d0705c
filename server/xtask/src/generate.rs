//! `cargo xtask generate`: the files whose source is elsewhere.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use skillyard_manifest::{
    config_schema, json_schema,
    rules::{self, Rule},
};

use crate::{
    error::Error,
    picture,
    run::{cargo, output, root, run, shown, target},
};

/// Generated files: their names from the workspace's folder, and their texts.
type Files = BTreeMap<PathBuf, String>;

/// The folders that hold the rules' pages and nothing else: of manifests and of artifacts.
const PAGES: [&str; 2] = ["server/manifest/rules", "server/artifact/rules"];

/// Writes every generated file, or with `check` says which are not what their source says.
pub fn generate(check: bool) -> Result<(), Error> {
    let mut files = from_the_library();
    files.insert("editors/METHODS.md".into(), methods()?);
    // The picture shows paths as they look anywhere but on Windows.
    if !cfg!(windows) {
        files.insert(".github/check.svg".into(), picture()?);
    }
    let stale = stale(&files)?;
    if check {
        return if stale.is_empty() { Ok(()) } else { Err(Error::Stale(stale)) };
    }
    for name in stale {
        let path = root().join(&name);
        match files.get(&name) {
            Some(text) => {
                let folder = path.parent().unwrap_or(root());
                fs::create_dir_all(folder).map_err(Error::io(folder))?;
                fs::write(&path, text).map_err(Error::io(&path))?;
            }
            None => fs::remove_file(&path).map_err(Error::io(&path))?,
        }
        println!("{}", name.display());
    }
    Ok(())
}

/// What the crates alone say: the manifest's schema, and the pages of the rules.
fn from_the_library() -> Files {
    let mut files = Files::new();
    files.insert("schema/skill.schema.json".into(), format!("{:#}\n", json_schema()));
    files.insert("schema/skillyard.schema.json".into(), format!("{:#}\n", config_schema()));
    let of_manifests = rules::FAMILIES.iter().map(|family| (family.name, family.about, family.rules));
    pages(
        &mut files,
        PAGES[0],
        "manifests, their modules and calls",
        "the table in `../src/rules`",
        rules::page,
        of_manifests,
    );
    let families = skillyard_artifact::rules::FAMILIES;
    let of_artifacts = families.iter().map(|family| (family.name, family.about, family.rules));
    let page = |rule: &Rule| rules::page_about("artifact", rule);
    pages(&mut files, PAGES[1], "artifacts", "the families in `../src/rules.rs`", page, of_artifacts);
    files
}

/// Where the requests of the language server stand, a file each.
const REQUESTS: &str = "server/lsp/src/requests";

/// What the language server answers, method by method: of what each file under [`REQUESTS`] says of itself first.
fn methods() -> Result<String, Error> {
    let folder = root().join(REQUESTS);
    let mut rows = Vec::new();
    for entry in fs::read_dir(&folder).map_err(Error::io(&folder))? {
        let path = entry.map_err(Error::io(&folder))?.path();
        let text = fs::read_to_string(&path).map_err(Error::io(&path))?;
        let lines = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
        let about = lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if let Some((methods, what)) = about.split_once(": ").filter(|(methods, _)| methods.starts_with('`')) {
            rows.push((methods.to_owned(), what.to_owned(), file));
        }
    }
    rows.sort();
    let mut page = String::from(
        "# What the language server answers\n\nOne line a method of the protocol. Written by `cargo xtask generate` from what \
         each file in `server/lsp/src/requests` says first.\n\n| method | what |\n| --- | --- |\n",
    );
    for (methods, what, file) in rows {
        page.push_str(&format!("| [{methods}](../{REQUESTS}/{file}) | {what} |\n"));
    }
    Ok(page)
}

/// The pages of the rules about `things`, and their index.
fn pages<'f>(
    files: &mut Files,
    folder: &str,
    things: &str,
    source: &str,
    page: fn(&Rule) -> String,
    families: impl Iterator<Item = (&'f str, &'f str, &'f [&'static Rule])>,
) {
    let mut index = format!(
        "# The rules about {things}\n\nOne page a rule; `skillyard explain CODE` prints it. Written by `cargo xtask generate` \
         from {source}.\n"
    );
    for (name, about, rules) in families {
        index.push_str(&format!(
            "\n## {name}\n\n{about}\n\n| rule | severity | a daemon | what |\n| --- | --- | --- | --- |\n"
        ));
        for rule in rules {
            let path = format!("{}.md", rule.code);
            let (severity, daemon) = (rule.severity.name(), rule.daemon.name());
            index.push_str(&format!("| [`{}`]({path}) | {severity} | {daemon} | {} |\n", rule.code, rule.summary));
            files.insert(Path::new(folder).join(path), page(rule));
        }
    }
    files.insert(Path::new(folder).join("README.md"), index);
}

/// README's picture, of what the program really prints.
fn picture() -> Result<String, Error> {
    // As a part of the whole workspace: built alone, its libraries would get other features, and be built once more.
    run(&mut cargo(&["build", "--quiet", "--workspace", "--bin", "skillyard"]))?;
    let args = ["check", "tests/fixtures/forecast/skill.toml"];
    let program = format!("skillyard{}", std::env::consts::EXE_SUFFIX);
    let mut command = Command::new(target().join("debug").join(program));
    command.current_dir(root());
    let result = output(command.args(args).env("CLICOLOR_FORCE", "1").env_remove("NO_COLOR"))?;
    // The example has findings; anything else is no picture to show.
    if result.status.code() != Some(1) {
        let what = String::from_utf8_lossy(&result.stderr).into_owned();
        return Err(Error::Unexpected { place: shown(&command), what });
    }
    Ok(picture::terminal(&format!("skillyard {}", args.join(" ")), &String::from_utf8_lossy(&result.stdout)))
}

/// The files that are missing, differ, or are there without a source.
fn stale(files: &Files) -> Result<Vec<PathBuf>, Error> {
    let differs = |(name, text): (&PathBuf, &String)| {
        // Line ends are git's to choose on Windows.
        let same = fs::read_to_string(root().join(name)).is_ok_and(|is| is.replace("\r\n", "\n") == *text);
        (!same).then(|| name.clone())
    };
    let mut stale: Vec<PathBuf> = files.iter().filter_map(differs).collect();
    let mut folders: Vec<PathBuf> = PAGES.iter().map(PathBuf::from).collect();
    while let Some(folder) = folders.pop() {
        // Nothing generated yet is no folder yet.
        let Ok(entries) = fs::read_dir(root().join(&folder)) else { continue };
        for entry in entries {
            let entry = entry.map_err(Error::io(&folder))?;
            let name = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(name);
            } else if !files.contains_key(&name) {
                stale.push(name);
            }
        }
    }
    Ok(stale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_library_generates_is_committed() {
        let stale = stale(&from_the_library()).expect("readable folders");
        assert!(stale.is_empty(), "run `cargo xtask generate` and commit: {stale:?}");
    }
}
