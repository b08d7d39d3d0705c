//! What a lens says behind the name of its command: what is known of the tool's module, and of the version that would be
//! installed.

use crate::{
    facts::{Facts, ModuleFact},
    source::Source,
};

/// What stands behind *Run Tool*: the kind of the module that a call would run, or why there is none.
///
/// ```text
/// Run Tool acme.echo · WASI 0.2 command
/// ```
///
/// Words of ours alone, never text of the manifest. `facts` must be what was found: they are not those of a folder that
/// nobody has looked at yet.
#[must_use]
pub fn run_note(source: &Source<'_>, facts: &Facts) -> String {
    let named = source.text_at(&["operator", "plugin", "default_module_path"]);
    let module = match (named, facts.modules.as_slice()) {
        (_, []) => return "no module yet".to_owned(),
        (Some(path), modules) => match modules.iter().find(|module| module.path == path) {
            Some(module) => module,
            None => return "its module is not there".to_owned(),
        },
        (None, [module]) => module,
        (None, [..]) => return "which of the modules is not said".to_owned(),
    };
    let ModuleFact { kind, .. } = module;
    kind.clone().unwrap_or_else(|| "its module is none that runs".to_owned())
}

/// What stands behind *Install*: that the manifest's version is installed, and its state where that is not `active`.
/// `None` where it is not installed, or nobody knows.
#[must_use]
pub fn install_note(source: &Source<'_>, facts: &Facts) -> Option<String> {
    let version = source.text_at(&["version"])?.trim();
    let Some(Ok(installed)) = &facts.installed else { return None };
    let same = installed.iter().find(|installed| installed.version == version)?;
    Some(
        match (same.state.as_str(), same.current) {
            _ if same.ended.is_some() => "this version is installed and does not run",
            ("quarantined", _) => "this version is quarantined",
            ("disabled", _) => "this version is disabled",
            (_, true) => "this version is the current one",
            (_, false) => "this version is installed",
        }
        .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::InstalledFact;

    fn module(path: &str, kind: Option<&str>) -> ModuleFact {
        ModuleFact { path: path.into(), kind: kind.map(str::to_owned), exports: Vec::new(), bytes: 8 }
    }

    fn run(text: &str, modules: &[ModuleFact]) -> String {
        run_note(&Source::new(text), &Facts { modules: modules.to_vec(), ..Facts::default() })
    }

    #[test]
    fn a_tool_names_the_kind_of_the_module_that_would_run() {
        const NAMED: &str = "operator.plugin.default_module_path = \"modules/b.wasm\"\n";
        let (one, other) = (module("modules/a.wasm", Some("palyra plug-in")), module("modules/b.wasm", None));
        assert_eq!(run("", &[]), "no module yet");
        assert_eq!(run(NAMED, &[]), "no module yet");
        assert_eq!(run("", std::slice::from_ref(&one)), "palyra plug-in");
        assert_eq!(run("", &[one.clone(), other.clone()]), "which of the modules is not said");
        assert_eq!(run(NAMED, &[one.clone(), other]), "its module is none that runs");
        assert_eq!(run(NAMED, std::slice::from_ref(&one)), "its module is not there");
        assert_eq!(run(NAMED, &[one, module("modules/b.wasm", Some("WASI 0.2 command"))]), "WASI 0.2 command");
    }

    #[test]
    fn a_version_says_whether_it_is_installed() {
        let note = |text: &str, known: &[(&str, bool, &str)]| {
            let fact = |&(version, current, state): &(&str, bool, &str)| InstalledFact {
                version: version.into(),
                current,
                state: state.into(),
                reason: Some("words of another".into()),
                ended: None,
            };
            let installed = Some(Ok(known.iter().map(fact).collect()));
            install_note(&Source::new(text), &Facts { installed, ..Facts::default() })
        };
        const TEXT: &str = "version = \"1.2.0\"\n";
        assert_eq!(note(TEXT, &[]), None);
        assert_eq!(note(TEXT, &[("1.1.0", true, "active")]), None);
        assert_eq!(note("", &[("1.2.0", true, "active")]), None);
        let said =
            |current: bool, state| note(TEXT, &[("1.1.0", !current, "active"), ("1.2.0", current, state)]).unwrap();
        assert_eq!(said(true, "active"), "this version is the current one");
        assert_eq!(said(false, "active"), "this version is installed");
        assert_eq!(said(true, "quarantined"), "this version is quarantined");
        assert_eq!(said(false, "disabled"), "this version is disabled");
        let ended = InstalledFact {
            version: "1.2.0".into(),
            current: true,
            state: "active".into(),
            reason: None,
            ended: Some("its key was revoked".into()),
        };
        let facts = Facts { installed: Some(Ok(vec![ended])), ..Facts::default() };
        let note = install_note(&Source::new(TEXT), &facts).unwrap();
        assert_eq!(note, "this version is installed and does not run");
        assert_eq!(install_note(&Source::new(TEXT), &Facts::default()), None, "nobody looked");
        let unreadable = Facts { installed: Some(Err("no".into())), ..Facts::default() };
        assert_eq!(install_note(&Source::new(TEXT), &unreadable), None);
    }
}
