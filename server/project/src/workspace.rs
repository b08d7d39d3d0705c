//! Several skills beside each other: which manifests a workspace has, and the ids that more than one of them gives.
//!
//! `check` asks for the files that it was given, the language server for the folders that are open.

use std::{
    collections::HashMap,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use skillyard_manifest::{
    Diagnostic, Span,
    rules::Rule,
    workspace::{DUPLICATE_SKILL_ID, DUPLICATE_TOOL_ID, Name, Names},
};

use crate::{
    files::{self, MANIFEST_NAME},
    shown,
    walk::Walk,
};

/// Other places of one id that a finding names. In a thousand copies of a skill each would name a thousand.
pub const MAX_OTHERS: usize = 8;

/// Files and folders that [`manifests_below`] looks at: what is larger is no workspace of skills.
const MAX_LOOKED_AT: usize = 200_000;

/// The ids of the skills in a workspace.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    skills: HashMap<String, Vec<Place>>,
    tools: HashMap<String, Vec<Place>>,
}

#[derive(Clone, Debug)]
struct Place {
    file: Arc<Path>,
    span: Span,
    /// The id of the skill there.
    skill: Option<Arc<str>>,
}

/// An id that other manifests give too.
#[derive(Clone, PartialEq, Debug)]
pub struct Clash {
    /// What to say about it, at the id.
    pub diagnostic: Diagnostic,
    /// The other files and the ids in them, at most [`MAX_OTHERS`].
    pub others: Vec<(Arc<Path>, Span)>,
}

impl Workspace {
    /// Of manifests, each with its path from the root and its ids.
    #[must_use]
    pub fn of<'n>(manifests: impl IntoIterator<Item = (Arc<Path>, &'n Names)>) -> Self {
        let mut workspace = Self::default();
        for (file, names) in manifests {
            let skill: Option<Arc<str>> = names.skill.as_ref().map(|name| name.id.as_str().into());
            let place = |name: &Name| Place { file: Arc::clone(&file), span: name.span, skill: skill.clone() };
            if let Some(name) = &names.skill {
                workspace.skills.entry(name.id.clone()).or_default().push(place(name));
            }
            for name in &names.tools {
                workspace.tools.entry(name.id.clone()).or_default().push(place(name));
            }
        }
        workspace
    }

    /// The ids in `names`, those of the manifest at `file`, that others give too. What the workspace knows of `file`
    /// itself does not count: it may be older.
    #[must_use]
    pub fn clashes(&self, file: &Path, names: &Names) -> Vec<Clash> {
        let mut clashes = Vec::new();
        if let Some(name) = &names.skill {
            let others = self.skills.get(&name.id).into_iter().flatten().filter(|place| *place.file != *file);
            clashes.extend(clash(&DUPLICATE_SKILL_ID, file, name, others));
        }
        let own = names.skill.as_ref().map(|name| name.id.as_str());
        for name in &names.tools {
            // Of a copied skill all tools are copies: that is told once, at the skill's id.
            let others = self.tools.get(&name.id).into_iter().flatten();
            let others =
                others.filter(|place| *place.file != *file && (own.is_none() || place.skill.as_deref() != own));
            clashes.extend(clash(&DUPLICATE_TOOL_ID, file, name, others));
        }
        clashes
    }
}

fn clash<'p>(
    rule: &'static Rule,
    file: &Path,
    name: &Name,
    others: impl Iterator<Item = &'p Place> + Clone,
) -> Option<Clash> {
    let first = others.clone().next()?;
    let more = match others.clone().skip(1).map(|place| &place.file).filter(|other| **other != first.file).count() {
        0 => String::new(),
        1 => " and one other".to_owned(),
        more => format!(" and {more} others"),
    };
    let what = if rule == &DUPLICATE_SKILL_ID { "the skill" } else { "a tool" };
    let there = shown::words(&from_folder_of(file, &first.file), 200);
    let id = skillyard_manifest::quoted(&name.id);
    let message = format!("{id} is also the id of {what} in {there}{more}: give one of them another");
    let diagnostic = Diagnostic {
        rule,
        severity: rule.severity,
        span: name.span,
        message,
        related: Vec::new(),
        tag: None,
        fixes: Vec::new(),
    };
    Some(Clash {
        diagnostic,
        others: others.take(MAX_OTHERS).map(|place| (Arc::clone(&place.file), place.span)).collect(),
    })
}

/// `other` as seen from the folder of `file`, with `/`.
fn from_folder_of(file: &Path, other: &Path) -> String {
    let folder = file.parent().unwrap_or(Path::new(""));
    let shared = folder.components().zip(other.components()).take_while(|(a, b)| a == b).count();
    // On Windows two drives have nothing in common.
    if shared == 0 {
        return other.to_string_lossy().into_owned();
    }
    let up = folder.components().skip(shared).filter(|part| !matches!(part, Component::CurDir)).map(|_| "..".into());
    let down = other.components().skip(shared).map(|part| part.as_os_str().to_string_lossy());
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// Every `skill.toml` below `folders`, by its path from the root, none twice: `.gitignore` and `.ignore` are respected,
/// hidden folders skipped and symbolic links not followed. What cannot be read is left out, and of a folder with a
/// hundred thousand files the rest.
#[must_use]
pub fn manifests_below(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = MAX_LOOKED_AT;
    for folder in folders {
        for entry in Walk::new(&files::absolute(folder)).builder.build() {
            if left == 0 {
                break;
            }
            left -= 1;
            let Ok(entry) = entry else { continue };
            let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
            if is_file && entry.file_name() == MANIFEST_NAME {
                found.push(entry.into_path());
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn manifest(skill: &str, tools: &[&str]) -> String {
        let tools: String = tools.iter().map(|id| format!("[[entrypoints.tools]]\nid = \"{id}\"\n")).collect();
        format!("skill_id = \"{skill}\"\n{tools}")
    }

    /// What is found in each of some manifests: the code, the id, the message and the other files.
    fn found(manifests: &[(&str, String)]) -> Vec<Vec<(String, String, Vec<String>)>> {
        let names: Vec<(Arc<Path>, Names)> =
            manifests.iter().map(|(path, text)| (Path::new(path).into(), Names::read(text))).collect();
        let workspace = Workspace::of(names.iter().map(|(path, names)| (Arc::clone(path), names)));
        let of = |((path, names), (_, text)): (&(Arc<Path>, Names), &(&str, String))| {
            let clashes = workspace.clashes(path, names).into_iter();
            let told = clashes.map(|clash| {
                let what = format!("{} {}", clash.diagnostic.rule.code, clash.diagnostic.span.of(text));
                let others = clash.others.iter().map(|(file, _)| file.to_string_lossy().into_owned()).collect();
                (what, clash.diagnostic.message, others)
            });
            told.collect()
        };
        names.iter().zip(manifests).map(of).collect()
    }

    #[test]
    fn ids_of_several_skills_are_found_in_each() {
        let all = found(&[
            ("/w/a/skill.toml", manifest("acme.a", &["acme.a.x", "acme.y"])),
            ("/w/b/skill.toml", manifest("acme.b", &["acme.b.x", "acme.y"])),
            ("/w/c/d/skill.toml", manifest(" acme.a", &["acme.c.x"])),
        ]);
        let codes: Vec<Vec<&str>> = all.iter().map(|of| of.iter().map(|(what, ..)| what.as_str()).collect()).collect();
        assert_eq!(codes[0], ["workspace/duplicate-skill-id \"acme.a\"", "workspace/duplicate-tool-id \"acme.y\""]);
        assert_eq!(codes[1], ["workspace/duplicate-tool-id \"acme.y\""]);
        assert_eq!(codes[2], ["workspace/duplicate-skill-id \" acme.a\""]);
        let (_, message, others) = &all[0][0];
        assert_eq!(message, "`acme.a` is also the id of the skill in ../c/d/skill.toml: give one of them another");
        assert_eq!(others, &["/w/c/d/skill.toml"]);
        assert!(all[2][0].1.contains("in ../../a/skill.toml"), "{:?}", all[2]);
    }

    #[test]
    fn a_copied_skill_is_told_once() {
        let text = manifest("acme.a", &["acme.a.x", "acme.a.y"]);
        let copies: Vec<String> = (0..40).map(|n| format!("/w/{n}/skill.toml")).collect();
        let all = found(&copies.iter().map(|path| (path.as_str(), text.clone())).collect::<Vec<_>>());
        for of in &all {
            assert_eq!(of.len(), 1, "{of:?}");
            assert_eq!(of[0].2.len(), MAX_OTHERS);
            assert!(of[0].1.contains("and 38 others"), "{of:?}");
        }
        // Without an id of the skill nothing says that it is a copy.
        let text = text.replace("skill_id", "skil_id");
        assert_eq!(found(&[("/a/skill.toml", text.clone()), ("/b/skill.toml", text)])[0].len(), 2);
    }

    #[test]
    fn one_manifest_does_not_clash_with_itself() {
        let text = manifest("acme.a", &["acme.x", "acme.x"]);
        assert_eq!(found(&[("/a/skill.toml", text)]), [[]]);
        assert_eq!(found(&[("/a/skill.toml", String::new()), ("/b/skill.toml", String::new())]), [[], []]);
    }

    #[test]
    fn nothing_of_a_manifest_or_a_path_is_shown_raw() {
        let text = manifest("acme.\\u202e[x](y)", &[]);
        let all = found(&[("/a/skill.toml", text.clone()), ("/b\u{1b}/skill.toml", text)]);
        assert!(!all[0][0].1.contains(skillyard_manifest::is_unseen), "{all:?}");
    }

    #[test]
    fn the_manifests_of_folders_are_found() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for file in ["a/skill.toml", "a/b/skill.toml", "c/other.toml", "out/skill.toml", ".hidden/skill.toml"] {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), "").unwrap();
        }
        fs::write(root.join(".gitignore"), "out/\n").unwrap();
        let all = manifests_below(&[root.to_owned(), root.join("a"), root.join("none")]);
        assert_eq!(all, [root.join("a/b/skill.toml"), root.join("a/skill.toml")]);
        assert!(manifests_below(&[]).is_empty());
    }
}
