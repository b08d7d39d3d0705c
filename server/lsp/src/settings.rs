//! What counts for a document: its `skillyard.toml`, then the editor's settings, then the defaults.
//!
//! Settings choose what is reported and against which daemon. None of them names a program, a key or a store, so that a
//! workspace can change nothing that matters; whatever else a client sends along is not looked at.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Map, Value, json};
use skillyard_ide::{InlayKind, InlayKinds};
use skillyard_manifest::{
    Level, Options,
    config::{LEVELS, check_level},
    grammar::Version,
};
use skillyard_project::{
    config::{self, Config},
    rules, shown,
};

/// The name of the settings' section in a client.
pub(crate) const SECTION: &str = "skillyard";

/// The settings of an editor:
/// `{"palyraVersion": "0.1.0", "rules": {"egress/upper-case": "warn"}, "inlayHints": {"sizes": false}}`.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct EditorSettings {
    palyra_version: Option<Version>,
    inlay_kinds: InlayKinds,
    levels: BTreeMap<String, Level>,
}

impl EditorSettings {
    /// Reads what a client sent. What is wrong in it is left out and told to `problems`.
    pub(crate) fn read(value: &Value, problems: &mut Vec<String>) -> Self {
        // Some clients send the section, others what holds it.
        let value = value.get(SECTION).unwrap_or(value);
        let mut settings = Self::default();
        let mut wrong = |what: String| problems.push(format!("The editor's setting `skillyard.{what}"));
        match value.get("palyraVersion") {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.trim().is_empty() => {}
            Some(Value::String(text)) if Version::parse(text).is_some() => {
                settings.palyra_version = Version::parse(text);
            }
            Some(other) => {
                let other = shown::words(&other.to_string(), 60);
                wrong(format!("palyraVersion` is {other}; write three numbers, such as \"0.1.0\"."));
            }
        }
        match value.get("inlayHints") {
            None | Some(Value::Null) => {}
            Some(Value::Bool(on)) => {
                let kinds = if *on { InlayKinds::default() } else { InlayKinds::NONE };
                settings.inlay_kinds = kinds;
            }
            Some(Value::Object(kinds)) => {
                for (name, on) in kinds {
                    match (InlayKind::parse(name), on.as_bool()) {
                        (Some(kind), Some(on)) => settings.inlay_kinds = settings.inlay_kinds.with(kind, on),
                        _ => {
                            let all = InlayKind::ALL.map(InlayKind::name).join(", ");
                            wrong(format!(
                                "inlayHints` has nothing to switch by `{}`; {all} take true or false.",
                                shown::words(name, 60)
                            ));
                        }
                    }
                }
            }
            Some(_) => wrong("inlayHints` must be true, false, or an object of kinds and switches.".to_owned()),
        }
        match value.get("rules") {
            None | Some(Value::Null) => {}
            Some(Value::Object(rules)) => {
                for (code, level) in rules {
                    let name = shown::words(code, 60);
                    match level.as_str().and_then(Level::parse) {
                        None => {
                            wrong(format!("rules` has no level for `{name}`; use allow, hint, info, warn or deny."));
                        }
                        Some(level) => match check_level(code, level) {
                            Ok(()) => {
                                settings.levels.insert(code.clone(), level);
                            }
                            Err(fault) => wrong(format!("rules`: {fault}.")),
                        },
                    }
                }
            }
            Some(_) => wrong("rules` must be an object of rule codes and levels.".to_owned()),
        }
        settings
    }

    /// The JSON Schema of what [`EditorSettings::read`] takes, with defaults and words for a person: what an editor's own
    /// page of settings is made of.
    fn schema() -> Value {
        let kinds = InlayKinds::default();
        let switch = |kind: InlayKind| {
            let (name, about) = (kind.name().to_owned(), kind.about());
            (name, json!({"type": "boolean", "default": kinds.has(kind), "description": about}))
        };
        let one = |code: &str, about: String| {
            let can_be = |name: &&&str| Level::parse(name).is_some_and(|level| check_level(code, level).is_ok());
            let levels: Vec<&&str> = LEVELS.iter().filter(can_be).collect();
            // What a daemon rejects, or refuses an artifact for, stays an error: there is nothing to set.
            (levels.len() > 1).then(|| (code.to_owned(), json!({"enum": levels, "description": about})))
        };
        let mut rules: Vec<_> = one("*", "Every rule".to_owned()).into_iter().collect();
        let mut codes = Vec::new();
        let mut families: Vec<&str> = Vec::new();
        for rule in rules::all() {
            let about = format!("{} ({})", rule.summary, rule.severity.name());
            let Some(found) = one(rule.code, about) else { continue };
            codes.push(found);
            let family = rule.code.split('/').next().unwrap_or_default();
            if !families.contains(&family) {
                families.push(family);
            }
        }
        let of_family = |family: &&str| one(&format!("{family}/*"), format!("Every rule of the family {family}"));
        rules.extend(families.iter().filter_map(of_family));
        rules.extend(codes);
        json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "The settings of Skillyard's language server",
            "type": "object",
            "properties": {
                "palyraVersion": {
                    "type": "string",
                    "default": "",
                    "pattern": "^\\s*(\\d+\\.\\d+\\.\\d+\\s*)?$",
                    "markdownDescription": "The version of the daemon to check manifests against, such as `0.1.0`. Empty: \
                        the newest that is known. A `skillyard.toml` counts over it.",
                },
                "inlayHints": {
                    "type": ["boolean", "object"],
                    "default": true,
                    "additionalProperties": false,
                    "properties": InlayKind::ALL.map(switch).into_iter().collect::<Map<_, _>>(),
                    "markdownDescription": "Which hints stand in a manifest: true for the usual ones, false for none, or \
                        single ones switched, such as `{\"counts\": false, \"defaults\": true}`.",
                },
                "rules": {
                    "type": "object",
                    "default": {},
                    "additionalProperties": false,
                    "properties": rules.into_iter().collect::<Map<_, _>>(),
                    "markdownDescription": "How rules are reported: a rule such as `egress/upper-case`, or a family such as \
                        `text/*`, and its level. What a daemon refuses stays an error. A `skillyard.toml` counts over it, \
                        and counts on the command line too.",
                },
            },
        })
    }

    fn options(&self) -> Options {
        let mut options = Options::default();
        if let Some(version) = self.palyra_version {
            options.palyra_version = version;
        }
        options.levels.clone_from(&self.levels);
        options
    }
}

/// The JSON Schema of the settings that the server takes from an editor, as `initializationOptions` or as the section
/// `skillyard` of its configuration.
#[must_use]
pub fn settings_schema() -> Value {
    EditorSettings::schema()
}

/// What counts for the documents of a folder.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// Differs from that of everything that was resolved to other options.
    pub(crate) number: u64,
    pub(crate) options: Options,
}

/// All settings at one time.
#[derive(Default)]
pub(crate) struct Settings {
    general: EditorSettings,
    /// By workspace folder, the deepest first.
    folders: Vec<(PathBuf, EditorSettings)>,
    known: Mutex<HashMap<Option<PathBuf>, Known>>,
    problems: Mutex<Vec<String>>,
}

/// What a folder was resolved to.
struct Known {
    /// Whether nothing may have changed on the disk since.
    fresh: bool,
    problem: Option<String>,
    resolved: Arc<Resolved>,
}

impl Settings {
    /// Settings with those of single workspace folders.
    pub(crate) fn new(general: EditorSettings, mut folders: Vec<(PathBuf, EditorSettings)>) -> Self {
        folders.sort_by_key(|(path, _)| std::cmp::Reverse(path.components().count()));
        Self { general, folders, ..Self::default() }
    }

    /// Whether the editor's part is the same.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.general == other.general && self.folders == other.folders
    }

    /// The kinds of inlay hints that are on in `folder`.
    pub(crate) fn inlay_kinds(&self, folder: Option<&Path>) -> InlayKinds {
        self.editor(folder).inlay_kinds
    }

    fn editor(&self, folder: Option<&Path>) -> &EditorSettings {
        folder
            .and_then(|folder| self.folders.iter().find(|(path, _)| folder.starts_with(path)))
            .map_or(&self.general, |(_, settings)| settings)
    }

    /// What counts in `folder` (`None` for a document that is in no file). May look at the disk: not for the thread that
    /// handles messages.
    ///
    /// It does so once, and once more each time after [`Settings::forget_files`]: a keystroke does not.
    pub(crate) fn resolve(&self, folder: Option<&Path>) -> Arc<Resolved> {
        let key = folder.map(Path::to_owned);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&key).filter(|known| known.fresh) {
            return Arc::clone(&known.resolved);
        }
        let editor = self.editor(folder);
        let (options, problem) = match folder.and_then(config::find).map(|path| config::load(&path)) {
            None => (editor.options(), None),
            Some(Ok(config)) => (over(&config, editor), None),
            Some(Err(error)) => (editor.options(), Some(format!("{error}. Until then the file does not count."))),
        };
        let before = known.remove(&key);
        if let Some(problem) = &problem
            && before.as_ref().and_then(|before| before.problem.as_ref()) != Some(problem)
        {
            self.problems.lock().unwrap_or_else(PoisonError::into_inner).push(problem.clone());
        }
        let resolved = match before {
            Some(before) if before.resolved.options == options => before.resolved,
            _ => {
                static NEXT: AtomicU64 = AtomicU64::new(0);
                Arc::new(Resolved { number: NEXT.fetch_add(1, Ordering::Relaxed), options })
            }
        };
        known.insert(key, Known { fresh: true, problem, resolved: Arc::clone(&resolved) });
        resolved
    }

    /// Reads every `skillyard.toml` again when it is needed next: where one was opened or saved, a client says that one
    /// changed, or a person has something done to a skill. Not every client watches files for the server, and one above the
    /// workspace nobody does.
    pub(crate) fn forget_files(&self) {
        for known in self.known.lock().unwrap_or_else(PoisonError::into_inner).values_mut() {
            known.fresh = false;
        }
    }

    /// The faults of files that were found since the last call.
    pub(crate) fn take_problems(&self) -> Vec<String> {
        std::mem::take(&mut self.problems.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The file's settings over the editor's. A family that the file sets counts also for those of its rules that the
/// editor sets alone: otherwise the editor would show what the command line does not.
fn over(config: &Config, editor: &EditorSettings) -> Options {
    let covered = |code: &String| {
        config.levels.keys().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => code.starts_with(start),
            None => pattern == code,
        })
    };
    let mut base = editor.options();
    base.levels.retain(|code, _| !covered(code));
    config.options(base)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn read(value: Value) -> (EditorSettings, Vec<String>) {
        let mut problems = Vec::new();
        (EditorSettings::read(&value, &mut problems), problems)
    }

    fn editor(value: Value) -> EditorSettings {
        let (settings, problems) = read(value);
        assert_eq!(problems, Vec::<String>::new());
        settings
    }

    #[test]
    fn the_table_of_settings_is_what_is_read() {
        let schema = EditorSettings::schema();
        let properties = schema["properties"].as_object().unwrap();
        let read = |value: &Value| {
            let mut problems = Vec::new();
            (EditorSettings::read(value, &mut problems), problems)
        };
        let defaults_of = |properties: &Map<String, Value>| -> Value {
            properties
                .iter()
                .map(|(name, about)| (name.clone(), about["default"].clone()))
                .collect::<Map<_, _>>()
                .into()
        };
        // The defaults are those that count without a word.
        assert_eq!(read(&defaults_of(properties)), (EditorSettings::default(), vec![]));
        let kinds = schema["properties"]["inlayHints"]["properties"].as_object().unwrap();
        assert_eq!(read(&json!({"inlayHints": defaults_of(kinds)})), (EditorSettings::default(), vec![]));
        // Each is read: what is no value of it is told.
        for name in properties.keys() {
            assert!(!read(&json!({name: 7})).1.is_empty(), "{name}");
        }
        // Every level of every rule that can be set counts, and nothing else does.
        let rules = schema["properties"]["rules"]["properties"].as_object().unwrap();
        for (code, about) in rules {
            for level in LEVELS {
                let allowed = about["enum"].as_array().unwrap().iter().any(|other| other == level);
                assert_eq!(read(&json!({"rules": {code: level}})).1.is_empty(), allowed, "{code} {level}");
            }
        }
        assert!(
            rules.contains_key("*") && rules.contains_key("module/*") && !rules.contains_key("tool/not-namespaced")
        );
    }

    #[test]
    fn reads_the_section_or_what_holds_it() {
        let inner = json!({"palyraVersion": "0.2.0", "rules": {"*": "info"}});
        let settings = editor(inner.clone());
        assert_eq!(settings.options().palyra_version, Version(0, 2, 0));
        assert_eq!(settings.options().level("any/thing"), Some(Level::Info));
        assert_eq!(editor(json!({"skillyard": inner})), settings);
        for nothing in
            [json!(null), json!({}), json!([]), json!({"palyraVersion": "", "rules": null, "path": "/bin/sh"})]
        {
            assert_eq!(editor(nothing), EditorSettings::default());
        }
    }

    #[test]
    fn what_is_wrong_is_left_out_and_told() {
        let (settings, problems) =
            read(json!({"palyraVersion": 1, "rules": {"*": "loud", "no/such-rule": "warn", "no\u{1b}/\u{202e}": 4}}));
        assert_eq!(settings, EditorSettings::default());
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(problems.iter().all(|problem| !problem.contains(['\u{1b}', '\u{202e}'])), "{problems:?}");
        assert_eq!(read(json!({"rules": "all"})).1.len(), 1);
    }

    #[test]
    fn the_file_counts_over_the_editor_and_the_editor_over_the_default() {
        let root = tempfile::tempdir().unwrap();
        let skill = root.path().join("skill");
        fs::create_dir_all(skill.join(".git")).unwrap();
        let general = editor(json!({"palyraVersion": "0.2.0", "rules": {"*": "hint"}}));
        let own = editor(json!({"palyraVersion": "0.3.0"}));
        let settings = Settings::new(general, vec![(root.path().to_owned(), own)]);
        assert_eq!(settings.resolve(None).options.palyra_version, Version(0, 2, 0));
        assert_eq!(settings.resolve(Some(&skill)).options.palyra_version, Version(0, 3, 0));

        let file = skill.join(config::FILE_NAME);
        fs::write(&file, "palyra_version = \"0.4.0\"\n").unwrap();
        settings.forget_files();
        let resolved = settings.resolve(Some(&skill));
        assert_eq!(resolved.options.palyra_version, Version(0, 4, 0));
        assert!(Arc::ptr_eq(&resolved, &settings.resolve(Some(&skill))));

        // Rewritten without a change it is the same; that keeps results valid.
        settings.forget_files();
        assert!(Arc::ptr_eq(&resolved, &settings.resolve(Some(&skill))));
        fs::remove_file(&file).unwrap();
        assert!(Arc::ptr_eq(&resolved, &settings.resolve(Some(&skill))), "the disk is not asked");
        settings.forget_files();
        assert_eq!(settings.resolve(Some(&skill)).options.palyra_version, Version(0, 3, 0));
    }

    #[test]
    fn a_family_of_the_file_covers_the_editors_single_rules() {
        let config = Config { levels: BTreeMap::from([("*".to_owned(), Level::Warn)]), ..Config::default() };
        let editor =
            EditorSettings { levels: BTreeMap::from([("a/b".to_owned(), Level::Allow)]), ..Default::default() };
        assert_eq!(over(&config, &editor).level("a/b"), Some(Level::Warn));
        let config = Config { levels: BTreeMap::from([("a/*".to_owned(), Level::Warn)]), ..Config::default() };
        assert_eq!(over(&config, &editor).level("a/b"), Some(Level::Warn));
        let config = Config { levels: BTreeMap::from([("ab/*".to_owned(), Level::Warn)]), ..Config::default() };
        assert_eq!(over(&config, &editor).level("a/b"), Some(Level::Allow));
    }

    #[test]
    fn a_broken_file_is_told_once_and_does_not_count() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(config::FILE_NAME), "palyra_version = 4\n").unwrap();
        let settings = Settings::default();
        assert_eq!(settings.resolve(Some(root.path())).options, Options::default());
        assert_eq!(settings.take_problems().len(), 1);
        settings.forget_files();
        settings.resolve(Some(root.path()));
        assert_eq!(settings.take_problems(), Vec::<String>::new());
        fs::write(root.path().join(config::FILE_NAME), "[rulez]\n").unwrap();
        settings.forget_files();
        settings.resolve(Some(root.path()));
        assert_eq!(settings.take_problems().len(), 1);
    }
}
