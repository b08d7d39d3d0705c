//! What is known of the values of a manifest: from its other parts, from the files beside it, from the last runs.

use std::collections::{BTreeSet, HashSet};

use skillyard_manifest::{
    Span,
    document::{Node, NodeKind, Table},
    grammar::{self, Version},
    is_unseen,
    shape::{KeyShape, TableShape},
};

use super::{
    Candidate, CompletionKind as Kind, Content, Cx,
    template::Template,
    values::{Asked, flag},
};
use crate::{Path, Source, Step, units::Unit};

/// Longest list that is gone through for one answer.
const MANY: usize = 200;

impl Asked<'_, '_> {
    fn is(&self, pattern: &[&str]) -> bool {
        self.path.is(pattern)
    }

    /// The table around the value; for an element of a list, the one around the list.
    fn table(&self) -> Option<&Table<'_>> {
        let mut path = self.path.parent()?;
        if let Some(Step::Index(_)) = self.path.0.last() {
            path = path.parent()?;
        }
        self.cx.source.table(&path)
    }

    /// What another key of the same table says.
    fn sibling(&self, key: &str) -> Option<&str> {
        self.table()?.get(key)?.value.as_str().map(str::trim)
    }

    /// What stands there now, if it is a string.
    fn now(&self) -> Option<&str> {
        self.cx.source.node(self.path)?.as_str()
    }

    /// The other elements of the list.
    fn others(&self) -> HashSet<&str> {
        let list = match self.path.0.last() {
            Some(Step::Index(_)) => self.path.parent().and_then(|path| self.cx.source.node(&path)),
            _ => None,
        };
        let items = list.and_then(Node::as_array).unwrap_or_default().iter();
        items.filter(|item| Some(item.span) != self.at).filter_map(|item| item.as_str().map(str::trim)).collect()
    }
}

fn root<'s>(source: &'s Source<'_>, path: &[&str]) -> Option<&'s str> {
    source.text_at(path).map(str::trim).filter(|text| !text.is_empty())
}

fn publisher<'s>(source: &'s Source<'_>) -> Option<&'s str> {
    root(source, &["publisher"]).filter(|publisher| grammar::is_identifier(publisher))
}

fn skill_id<'s>(source: &'s Source<'_>) -> Option<&'s str> {
    root(source, &["skill_id"]).filter(|id| grammar::is_skill_id(id))
}

fn tool_ids<'s>(source: &'s Source<'_>) -> impl Iterator<Item = (usize, &'s str)> {
    let tools = source.tools().filter_map(|(at, _, table)| Some((at, table.get("id")?.value.as_str()?.trim())));
    tools.filter(|(_, id)| grammar::is_identifier(id)).take(MANY)
}

/// The strings of the list at `path`.
fn list<'s>(source: &'s Source<'_>, path: &[&str]) -> Vec<&'s str> {
    let steps = path.iter().map(|key| Step::Key((*key).to_owned().into())).collect();
    let items = source.node(&Path(steps)).and_then(Node::as_array).unwrap_or_default();
    items.iter().take(MANY).filter_map(|item| item.as_str().map(str::trim)).collect()
}

/// A name as a part of an id: `Today's weather` gives `today_s_weather`.
fn slug(name: &str) -> Option<String> {
    let mut out = String::new();
    for c in name.chars().take(64) {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
    }
    let out = out.trim_end_matches('_');
    (!out.is_empty()).then(|| out.to_owned())
}

/// The last part of an id as a name for people: `acme.storm_watch` gives `Storm watch`.
fn title(id: &str) -> Option<String> {
    let last = id.rsplit('.').find(|part| !part.is_empty())?.replace(['_', '-', ':'], " ");
    let last = last.trim();
    let first = last.chars().next().filter(char::is_ascii_alphanumeric)?;
    Some(format!("{}{}", first.to_ascii_uppercase(), last.get(1..).unwrap_or_default()))
}

fn text(value: impl Into<String>) -> Candidate {
    Candidate::text(value, Kind::Value)
}

/// Strings that can stand at a place, best first.
pub(super) fn strings(asked: &Asked<'_, '_>) -> Vec<Candidate> {
    let mut found = all_strings(asked);
    let mut seen = asked.others().into_iter().map(str::to_owned).collect::<HashSet<_>>();
    found.retain(|candidate| match &candidate.content {
        Content::Text(value) => !value.contains(is_unseen) && seen.insert(value.clone()),
        Content::Toml(_) => true,
    });
    found
}

fn all_strings(asked: &Asked<'_, '_>) -> Vec<Candidate> {
    let cx = asked.cx;
    let source = cx.source;
    match () {
        () if asked.is(&["skill_id"]) => skill_ids(source),
        () if asked.is(&["name"]) => {
            let found =
                skill_id(source).and_then(title).or(root(source, &["operator", "display_name"]).map(str::to_owned));
            found.map(text).into_iter().collect()
        }
        () if asked.is(&["version"]) => versions(asked),
        () if asked.is(&["publisher"]) => publishers(source),
        () if asked.is(&["entrypoints", "tools", "[]", "id"]) => ids(asked),
        () if asked.is(&["entrypoints", "tools", "[]", "name"]) => {
            asked.sibling("id").and_then(title).map(text).into_iter().collect()
        }
        () if asked.is(&["entrypoints", "tools", "[]", "description"]) => {
            let said = root(source, &["operator", "summary"]).filter(|_| source.tools().count() < 2);
            said.map(text).into_iter().collect()
        }
        () if asked.is(&["capabilities", "http_egress_allowlist", "[]"]) => {
            let named = cx.facts.hosts_named.iter().filter(|host| !cx.facts.hosts_called.contains(host)).take(MANY);
            hosts_called(cx).chain(named.map(|host| text(host).described("named in a module"))).collect()
        }
        () if asked.is(&["capabilities", "filesystem", "read_roots", "[]"])
            || asked.is(&["capabilities", "filesystem", "write_roots", "[]"]) =>
        {
            roots(asked)
        }
        () if asked.is(&["capabilities", "secrets", "[]", "scope"]) => scopes(cx),
        () if asked.is(&["capabilities", "secrets", "[]", "key_names", "[]"]) => key_names(asked),
        () if asked.is(&["compat", "min_palyra_version"]) || asked.is(&["compat", "min_runtime_version"]) => {
            let most = root(source, &["compat", "max_palyra_version"]).and_then(Version::parse);
            let found = daemons(cx, |it, asked| it <= asked).into_iter().enumerate().map(|(at, (daemon, what))| {
                let it = text(daemon.to_string()).described(what).preselected(at == 0);
                it.refused(most.is_some_and(|most| most < daemon), "refused: above `max_palyra_version`")
            });
            found.collect()
        }
        () if asked.is(&["compat", "max_palyra_version"]) => most_versions(cx),
        () if asked.is(&["integrity", "files", "[]", "path"]) => modules(cx).chain(files(&cx.facts.assets)).collect(),
        () if asked.is(&["builder", "checklist", "*"]) => {
            let hint = match asked.path.key() {
                Some("capability_declaration_path") => "capabilit",
                Some("provenance_path") => "provenance",
                Some("test_harness_path") => "harness",
                _ => return Vec::new(),
            };
            let mut found: Vec<_> = files(&cx.facts.files).chain(files(&cx.facts.assets)).collect();
            // A harness is mostly one of the tests, whatever its name.
            let folder = if hint == "harness" { "tests/" } else { "" };
            found.sort_by_key(|file| {
                let path = file.label.as_str();
                (!path.starts_with(folder), !path.contains(folder), !path.contains(hint))
            });
            found
        }
        () if asked.is(&["builder", "source_kind"]) => vec![text("routine")],
        () if asked.is(&["builder", "review_status"]) => vec![text("pending")],
        () if asked.is(&["operator", "display_name"]) => root(source, &["name"]).map(text).into_iter().collect(),
        () if asked.is(&["operator", "summary"]) || asked.is(&["operator", "description"]) => described(asked),
        () if asked.is(&["operator", "categories", "[]"]) => labels(source, "tags"),
        () if asked.is(&["operator", "tags", "[]"]) => labels(source, "categories"),
        () if asked.is(&["operator", "docs_url"]) => vec![text("https://").prefix()],
        () if asked.is(&["operator", "plugin", "default_tool_id"]) => tool_ids(source)
            .map(|(_, id)| {
                let name = source.tools().find(|(_, _, table)| {
                    table.get("id").and_then(|field| field.value.as_str()).is_some_and(|other| other.trim() == id)
                });
                let name = name.and_then(|(_, _, table)| table.get("name")?.value.as_str());
                let candidate = Candidate::text(id, Kind::Function).documented(format!("tool|{id}"));
                name.into_iter().fold(candidate, Candidate::described)
            })
            .collect(),
        () if asked.is(&["operator", "plugin", "default_module_path"]) => {
            let found: Vec<_> = modules(cx).collect();
            let usual = || Candidate::text("modules/tool.wasm", Kind::File).described("not there yet");
            if found.is_empty() { vec![usual()] } else { found }
        }
        () if asked.is(&["operator", "plugin", "default_entrypoint"]) => exports(cx),
        () if asked.is(&["operator", "config", "required", "[]"]) => declared(source)
            .into_iter()
            .filter(|(key, _)| grammar::is_label(key))
            .map(|(key, title)| {
                let candidate = Candidate::text(key, Kind::Reference);
                title.into_iter().fold(candidate, Candidate::described)
            })
            .collect(),
        () if asked.is(&["operator", "config", "properties", "*", "enum_values", "[]"]) => {
            asked.sibling("default").filter(|value| !value.is_empty()).map(text).into_iter().collect()
        }
        () if asked.is(&["operator", "config", "properties", "*", "title"]) => match asked.path.0.get(3) {
            Some(Step::Key(key)) => title(key).map(text).into_iter().collect(),
            _ => Vec::new(),
        },
        () => Vec::new(),
    }
}

fn skill_ids(source: &Source<'_>) -> Vec<Candidate> {
    let Some(publisher) = publisher(source).filter(|publisher| !publisher.contains(':')) else { return Vec::new() };
    let named = root(source, &["name"]).and_then(slug).map(|slug| format!("{publisher}.{slug}"));
    let named = named.filter(|id| grammar::is_skill_id(id)).map(|id| text(id).preselected(true));
    named.into_iter().chain([text(format!("{publisher}.")).prefix()]).collect()
}

/// Prefixes that the ids have, the one that all tools share first.
fn publishers(source: &Source<'_>) -> Vec<Candidate> {
    let mut names: Vec<&str> = Vec::new();
    let ids = tool_ids(source).map(|(_, id)| id).chain(skill_id(source));
    for id in ids {
        let parents = [id.split('.').next(), id.rsplit_once('.').map(|(parent, _)| parent)];
        names.extend(parents.into_iter().flatten().filter(|name| grammar::is_identifier(name)));
    }
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(*name));
    names.truncate(MANY);
    let fits =
        |name: &str| tool_ids(source).all(|(_, id)| id.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')));
    let refused = "refused: not every tool's id is below it";
    let mut found: Vec<Candidate> = names.into_iter().map(|name| text(name).refused(!fits(name), refused)).collect();
    found.sort_by_key(|candidate| candidate.contradicts.is_some());
    found
}

fn versions(asked: &Asked<'_, '_>) -> Vec<Candidate> {
    let now = asked.now().and_then(Version::parse);
    let installed = asked.cx.facts.installed.iter().flatten().flatten();
    let newest = installed.filter_map(|installed| Version::parse(&installed.version)).max();
    let Some(Version(major, minor, patch)) = now.into_iter().chain(newest).max() else {
        return vec![text("0.1.0").described("a beginning"), text("1.0.0").described("the first that is relied on")];
    };
    let next = [
        patch.checked_add(1).map(|patch| (Version(major, minor, patch), "mended")),
        minor.checked_add(1).map(|minor| (Version(major, minor, 0), "something new")),
        major.checked_add(1).map(|major| (Version(major, 0, 0), "something changed or gone")),
    ];
    let mut found: Vec<Candidate> = Vec::new();
    if let (Some(now), Some(newest)) = (now, newest)
        && now > newest
    {
        found.push(text(now.to_string()).described("as it is: newer than the installed one"));
    }
    found.extend(next.into_iter().flatten().map(|(version, why)| text(version.to_string()).described(why)));
    found
}

/// The versions of daemons that are known and `fits` the one that the manifest is checked for, which comes first.
fn daemons(cx: &Cx<'_, '_>, fits: fn(Version, Version) -> bool) -> Vec<(Version, &'static str)> {
    let (asked, known) = (cx.options.palyra_version, grammar::PALYRA_VERSION);
    if asked == known {
        return vec![(known, "the newest known")];
    }
    let other = fits(known, asked).then_some((known, "another that is known"));
    [(asked, "the one that it is checked for")].into_iter().chain(other).collect()
}

fn most_versions(cx: &Cx<'_, '_>) -> Vec<Candidate> {
    let (source, daemons) = (cx.source, daemons(cx, |it, asked| it >= asked));
    let least = ["min_palyra_version", "min_runtime_version"].iter().find_map(|key| root(source, &["compat", key]));
    let least = least.and_then(Version::parse);
    let below = |version: Version| least.is_some_and(|least| version < least);
    let known = |version: &Version| daemons.iter().any(|(daemon, _)| daemon >= version);
    let oldest = least.filter(|least| !known(least)).map(|least| text(least.to_string()).described("as the oldest"));
    let found = daemons.iter().map(|(daemon, what)| {
        text(daemon.to_string()).described(*what).refused(below(*daemon), "refused: below `min_palyra_version`")
    });
    found.chain(oldest).collect()
}

fn ids(asked: &Asked<'_, '_>) -> Vec<Candidate> {
    let source = asked.cx.source;
    let own = match asked.path.0.get(2) {
        Some(Step::Index(own)) => *own,
        _ => usize::MAX,
    };
    let taken: HashSet<&str> = tool_ids(source).filter(|(at, _)| *at != own).map(|(_, id)| id).collect();
    // Another id than this one is named as the default.
    let default = root(source, &["operator", "plugin", "default_tool_id"]);
    let named = asked.now().map(str::trim).filter(|now| Some(*now) == default);
    let publisher = publisher(source);
    let within = publisher.map(|publisher| format!("{publisher}."));
    // The skill's own id is the better prefix, where it is one.
    let skill = skill_id(source).filter(|id| within.as_ref().is_some_and(|within| id.starts_with(within)));
    let Some(publisher) = publisher else { return Vec::new() };
    let slug = asked.sibling("name").and_then(slug);
    let mut found = Vec::new();
    for prefix in skill.into_iter().chain([publisher]) {
        let id = match &slug {
            Some(slug) => format!("{prefix}.{slug}"),
            None if found.is_empty() => free(&format!("{prefix}.tool"), &taken),
            None => continue,
        };
        if !taken.contains(id.as_str()) {
            let other = named.is_some_and(|named| named != id);
            let first = found.is_empty();
            let refused = "refused: `default_tool_id` names the present one";
            found.push(Candidate::text(id, Kind::Function).preselected(first).refused(other, refused));
        }
    }
    let mut prefixes: Vec<&str> = skill.into_iter().chain([publisher]).collect();
    prefixes.dedup();
    found.extend(prefixes.into_iter().map(|prefix| Candidate::text(format!("{prefix}."), Kind::Value).prefix()));
    found
}

/// The name itself, or with the first number behind it that makes it new.
fn free(name: &str, taken: &HashSet<&str>) -> String {
    if !taken.contains(name) {
        return name.to_owned();
    }
    let numbered = (2..).map(|number: u64| format!("{name}_{number}"));
    numbered.into_iter().find(|name| !taken.contains(name.as_str())).unwrap_or_default()
}

/// The id for a new tool, behind the others.
pub(super) fn new_tool_id(cx: &Cx<'_, '_>) -> String {
    let path = Path(vec![
        Step::Key("entrypoints".into()),
        Step::Key("tools".into()),
        Step::Index(usize::MAX),
        Step::Key("id".into()),
    ]);
    let found = ids(&Asked { cx, path: &path, at: None });
    let first = found.into_iter().find(Candidate::is_whole).map(|candidate| match candidate.content {
        Content::Text(id) => id,
        Content::Toml(template) => template.plain(),
    });
    first.unwrap_or_else(|| "acme.skill.tool".to_owned())
}

fn roots(asked: &Asked<'_, '_>) -> Vec<Candidate> {
    let facts = asked.cx.facts;
    let mut folders = BTreeSet::new();
    for file in facts.files.iter().take(MANY) {
        for (at, _) in file.match_indices('/').take(8) {
            folders.extend(file.get(..at));
        }
    }
    let good = |folder: &&str| grammar::path_fault(folder).is_none() && !folder.contains('*');
    let other = match asked.path.0.get(2) {
        Some(Step::Key(key)) if key == "read_roots" => "write_roots",
        _ => "read_roots",
    };
    let other = list(asked.cx.source, &["capabilities", "filesystem", other]);
    let beside = folders.into_iter().filter(good).take(MANY);
    let beside = beside.map(|folder| Candidate::text(folder, Kind::Folder).described("a folder of this name is here"));
    let other = other.into_iter().filter(good).map(|folder| Candidate::text(folder, Kind::Folder));
    let usual = ["data", "out", "cache"].into_iter().map(|folder| Candidate::text(folder, Kind::Folder));
    other.chain(beside).chain(usual).collect()
}

/// The secrets that stand in the manifest, but for a key name that stands at a place.
fn granted<'s>(source: &'s Source<'_>, but: Option<Span>) -> HashSet<(&'s str, &'s str)> {
    let capabilities = source.document.root.get("capabilities").and_then(|field| field.value.as_table());
    let secrets = capabilities.and_then(|table| table.get("secrets")?.value.as_array()).unwrap_or_default();
    let tables = secrets.iter().filter_map(Node::as_table);
    let scopes =
        tables.filter_map(|table| Some((table.get("scope")?.value.as_str()?.trim(), &table.get("key_names")?.value)));
    let keys = scopes.flat_map(|(scope, keys)| {
        let keys = keys.as_array().unwrap_or_default().iter().filter(move |key| Some(key.span) != but);
        keys.filter_map(move |key| Some((scope, key.as_str()?.trim())))
    });
    keys.collect()
}

/// Secrets that the last run read and that are not granted: scope and key.
fn ungranted<'s>(cx: &'s Cx<'_, '_>, but: Option<Span>) -> Vec<(&'s str, &'s str)> {
    let granted = granted(cx.source, but);
    let read = cx.facts.secrets_read.iter().map(|(scope, key)| (scope.as_str(), key.as_str()));
    let good = |(scope, key): &(&str, &str)| grammar::is_secret_scope(scope) && grammar::is_identifier(key);
    read.filter(good).filter(|secret| !granted.contains(secret)).take(MANY).collect()
}

/// The scope that a new entry is for: this skill's own, unless only others were read.
fn first_scope(cx: &Cx<'_, '_>) -> Option<String> {
    let own = skill_id(cx.source).map(|id| format!("skill:{id}"));
    let read = ungranted(cx, None);
    match read.first() {
        Some((first, _)) if !read.iter().any(|(scope, _)| Some(*scope) == own.as_deref()) => Some((*first).to_owned()),
        _ => own,
    }
}

fn scopes(cx: &Cx<'_, '_>) -> Vec<Candidate> {
    let own = skill_id(cx.source).map(|id| format!("skill:{id}"));
    let mut read: Vec<&str> = ungranted(cx, None).into_iter().map(|(scope, _)| scope).collect();
    read.dedup();
    let said = |scope: &str| match () {
        () if read.contains(&scope) => "read in the last run",
        () if own.as_deref() == Some(scope) => "this skill's own",
        () => "everybody's",
    };
    let whole = first_scope(cx).into_iter().chain(own.clone()).chain(read.iter().map(|&scope| scope.to_owned()));
    let whole: Vec<String> = whole.chain(["global".to_owned()]).collect();
    let whole = whole.iter().enumerate().map(|(at, scope)| text(scope).described(said(scope)).preselected(at == 0));
    whole
        .chain([
            text("principal:").described("of one person").prefix(),
            text("channel:").described("of one channel").prefix(),
            text("skill:").described("of one skill").prefix(),
        ])
        .collect()
}

fn key_names(asked: &Asked<'_, '_>) -> Vec<Candidate> {
    let scope = asked.sibling("scope").map(str::to_owned).or_else(|| first_scope(asked.cx));
    let read = ungranted(asked.cx, asked.at).into_iter();
    read.filter(|(of, _)| scope.as_deref().is_none_or(|scope| scope == *of))
        .map(|(_, key)| text(key).described("read in the last run"))
        .collect()
}

fn modules<'a>(cx: &Cx<'a, '_>) -> impl Iterator<Item = Candidate> + use<'a> {
    let good = |path: &str| grammar::is_module_path(path) && grammar::path_fault(path).is_none();
    cx.facts.modules.iter().filter(move |module| good(&module.path)).take(MANY).map(|module| {
        let candidate = Candidate::text(&module.path, Kind::File).documented(format!("module|{}", module.path));
        module.kind.iter().fold(candidate, Candidate::described)
    })
}

fn files(paths: &[String]) -> impl Iterator<Item = Candidate> {
    let good = |path: &&String| grammar::path_fault(path).is_none();
    paths.iter().filter(good).take(MANY).map(|path| Candidate::text(path, Kind::File))
}

fn exports(cx: &Cx<'_, '_>) -> Vec<Candidate> {
    let default = root(cx.source, &["operator", "plugin", "default_module_path"]);
    let only = cx.facts.modules.iter().any(|module| Some(module.path.as_str()) == default);
    let of = cx.facts.modules.iter().filter(|module| !only || Some(module.path.as_str()) == default);
    let mut found: Vec<Candidate> = Vec::new();
    for module in of {
        for export in module.exports.iter().take(MANY).filter(|export| grammar::is_entrypoint(export)) {
            found.push(Candidate::text(export, Kind::Function).described(&module.path).preselected(export == "run"));
        }
    }
    if found.is_empty() {
        found.push(Candidate::text("run", Kind::Function).described("what is called anyway"));
    }
    found.truncate(MANY);
    found
}

fn described(asked: &Asked<'_, '_>) -> Vec<Candidate> {
    let source = asked.cx.source;
    let of_tool = source.tools().next().and_then(|(_, _, table)| table.get("description")?.value.as_str());
    let of_tool = of_tool.map(str::trim).filter(|text| !text.is_empty() && text.len() <= 300);
    if asked.is(&["operator", "summary"]) {
        let first = of_tool.and_then(|text| text.split(". ").next()).map(|text| text.trim_end_matches('.').trim());
        return first.filter(|first| !first.is_empty()).map(text).into_iter().collect();
    }
    of_tool.or(root(source, &["operator", "summary"])).map(text).into_iter().collect()
}

fn labels(source: &Source<'_>, other: &str) -> Vec<Candidate> {
    let other = list(source, &["operator", other]).into_iter().filter(|label| grammar::is_label(label));
    let publisher = publisher(source).unwrap_or_default();
    let own = skill_id(source).map(|id| id.strip_prefix(publisher).unwrap_or(id)).unwrap_or_default();
    let parts = own.split(['.', '_', '-']).filter(|part| part.len() > 2).take(8);
    other.chain(parts).map(text).collect()
}

/// The declared configuration properties with their titles.
fn declared<'s>(source: &'s Source<'_>) -> Vec<(&'s str, Option<&'s str>)> {
    let properties = || {
        let config = source.document.root.get("operator")?.value.as_table()?.get("config")?.value.as_table()?;
        config.get("properties")?.value.as_table()
    };
    let fields = properties().into_iter().flat_map(|table| table.fields.iter()).take(MANY);
    fields
        .map(|(key, field)| (key.as_ref(), field.value.as_table().and_then(|t| t.get("title")?.value.as_str())))
        .collect()
}

/// Keys of a table whose keys the author names, which something asks for and which are not there.
pub(super) fn wanted(cx: &Cx<'_, '_>, path: &Path<'_>) -> Vec<String> {
    if !cx.manifest || !path.is(&["operator", "config", "properties"]) {
        return Vec::new();
    }
    let there: HashSet<&str> = declared(cx.source).into_iter().map(|(key, _)| key).collect();
    let required = list(cx.source, &["operator", "config", "required"]);
    let mut seen = HashSet::new();
    let missing =
        required.into_iter().filter(|key| grammar::is_label(key) && !there.contains(key) && seen.insert(*key));
    missing.map(str::to_owned).collect()
}

/// The hosts that runs called.
fn hosts_called<'a>(cx: &Cx<'a, '_>) -> impl Iterator<Item = Candidate> + use<'a> {
    let hosts = cx.facts.hosts_called.iter().filter(|host| grammar::is_host(host)).take(MANY);
    hosts.map(|host| Candidate::text(host, Kind::Value).described("called in the last run"))
}

/// Whole lists that can stand at a place.
pub(super) fn lists(asked: &Asked<'_, '_>) -> Vec<Candidate> {
    if !asked.cx.manifest {
        return Vec::new();
    }
    let path = asked.path.with(Step::Index(0));
    let element = Asked { path: &path, at: asked.at, ..*asked };
    let (what, all) = match () {
        () if asked.is(&["capabilities", "http_egress_allowlist"]) => {
            ("all called in the last run", hosts_called(asked.cx).collect())
        }
        () if asked.is(&["capabilities", "secrets", "[]", "key_names"]) => {
            ("all read in the last run", strings(&element))
        }
        () if asked.is(&["operator", "config", "required"]) => ("all that are declared", strings(&element)),
        () => return Vec::new(),
    };
    if all.len() < 2 {
        return Vec::new();
    }
    let spelled: Vec<String> = all.iter().map(|candidate| candidate.template().plain()).collect();
    let list = Template::of(format!("[{}]", spelled.join(", ")));
    vec![Candidate::toml(list, Kind::Value).described(what)]
}

/// The fixed strings that are free here, and those that another place has taken: a kind of contract stands once.
pub(super) fn split_enum(
    asked: &Asked<'_, '_>,
    allowed: &'static [&'static str],
) -> (Vec<&'static str>, Vec<&'static str>) {
    if !asked.cx.manifest || !asked.is(&["operator", "plugin", "contracts", "[]", "kind"]) {
        return (allowed.to_vec(), Vec::new());
    }
    let own = asked.path.0.get(3);
    let plugin = asked.cx.source.document.root.get("operator").and_then(|f| f.value.as_table()?.get("plugin"));
    let contracts = plugin.and_then(|field| field.value.as_table()?.get("contracts")?.value.as_array());
    let others = contracts.unwrap_or_default().iter().enumerate().filter(|(at, _)| own != Some(&Step::Index(*at)));
    let taken: HashSet<&str> = others.filter_map(|(_, node)| kind_of(node)).collect();
    allowed.iter().partition(|kind| !taken.contains(*kind))
}

/// The kind of a contract, also where it is written as no author should: in an array of values, as a table of one key.
fn kind_of<'s>(contract: &'s Node<'_>) -> Option<&'s str> {
    let kind = match &contract.kind {
        NodeKind::Table(table) => &table.get("kind")?.value,
        NodeKind::Array(array) => array.items.first()?,
        _ => return None,
    };
    match &kind.kind {
        NodeKind::Table(table) => table.fields.first().map(|(name, _)| name.as_ref()),
        _ => kind.as_str(),
    }
}

/// What beside a property's type refuses `value` as it: a default or values of another type.
pub(super) fn in_the_way(asked: &Asked<'_, '_>, value: &str) -> Option<&'static str> {
    if !asked.is(&["operator", "config", "properties", "*", "type"]) {
        return None;
    }
    let table = asked.table()?;
    let of_type = |node: &Node<'_>| match &node.kind {
        NodeKind::String(_) => value == "string",
        NodeKind::Integer(_) => matches!(value, "integer" | "number"),
        NodeKind::Float(_) => value == "number",
        NodeKind::Boolean(_) => value == "boolean",
        NodeKind::Array(_) => value == "string_list",
        _ => false,
    };
    if table.get("default").is_some_and(|field| !of_type(&field.value)) {
        return Some("refused beside the `default`");
    }
    (value != "string" && table.get("enum_values").is_some()).then_some("refused beside `enum_values`")
}

/// Numbers that quotas mostly have, the default first.
const TIMES: &[u64] = &[30_000, 1000, 5000, 10_000, 60_000, 120_000, 300_000, 600_000];
const FUEL: &[u64] = &[10_000_000, 1_000_000, 50_000_000, 100_000_000, 1_000_000_000];
const SIZES: &[u64] = &[
    64 << 20,
    grammar::MIN_MEMORY_BYTES,
    1 << 20,
    4 << 20,
    16 << 20,
    32 << 20,
    128 << 20,
    256 << 20,
    1 << 30,
    ALL_MEMORY,
];

/// As much as a module can address.
const ALL_MEMORY: u64 = 4 << 30;

/// Numbers of a unit, each with what it comes to.
fn amounts(unit: Unit, numbers: &[u64]) -> Vec<Candidate> {
    let candidate = |(at, number): (usize, &u64)| {
        let mut said = unit.amount(*number).map(|amount| amount.to_string()).unwrap_or_default();
        said.push_str(match (unit, *number) {
            _ if at == 0 => ", default",
            (Unit::Bytes, grammar::MIN_MEMORY_BYTES) => ", one page",
            (Unit::Bytes, ALL_MEMORY) => ", all that a module can address",
            _ => "",
        });
        number_that(&number.to_string(), &said).preselected(at == 0)
    };
    numbers.iter().enumerate().map(candidate).collect()
}

/// A number with what is to be said of it.
fn number_that(number: &str, what: &str) -> Candidate {
    Candidate::toml(Template::of(number), Kind::Number).described(what)
}

/// Integers that make sense at a place.
pub(super) fn numbers(asked: &Asked<'_, '_>) -> Vec<Candidate> {
    match () {
        () if asked.is(&["manifest_version"]) => {
            let legacy = number_that("1", "legacy, without [operator]");
            let operator = asked.cx.source.document.root.get("operator").is_some();
            vec![
                number_that("2", "the present one").preselected(true),
                legacy.refused(operator, "refused beside `operator`"),
            ]
        }
        () if asked.is(&["capabilities", "quotas", "wall_clock_timeout_ms"]) => amounts(Unit::Milliseconds, TIMES),
        () if asked.is(&["capabilities", "quotas", "fuel_budget"]) => amounts(Unit::Fuel, FUEL),
        () if asked.is(&["capabilities", "quotas", "max_memory_bytes"]) => amounts(Unit::Bytes, SIZES),
        () if asked.is(&["compat", "required_protocol_major"]) || asked.is(&["compat", "min_protocol_major"]) => {
            vec![number_that("1", &format!("what Palyra {} speaks", grammar::PALYRA_VERSION))]
        }
        () if asked.is(&["operator", "config", "schema_version"]) => {
            let now = asked.cx.source.node(asked.path).and_then(Node::as_integer);
            let next = now.and_then(|now| now.checked_add(1)).filter(|next| (2..i128::from(u32::MAX)).contains(next));
            let next = next.map(|next| number_that(&next.to_string(), "the next one"));
            next.into_iter().chain([number_that("1", "")]).collect()
        }
        () => Vec::new(),
    }
}

/// The list that a wildcard flag speaks for, and whether something in it needs the flag.
fn uses_wildcard(cx: &Cx<'_, '_>, flag: &str) -> bool {
    let wild = |path: &[&str]| {
        let mut path: Vec<&str> = path.to_vec();
        path.insert(0, "capabilities");
        list(cx.source, &path).iter().any(|value| value.contains('*'))
    };
    match flag {
        "filesystem" => wild(&["filesystem", "read_roots"]) || wild(&["filesystem", "write_roots"]),
        "http_egress" => wild(&["http_egress_allowlist"]),
        "device" => wild(&["device_capabilities"]),
        "node" => wild(&["node_capabilities"]),
        "secrets" => {
            let capabilities = cx.source.document.root.get("capabilities").and_then(|field| field.value.as_table());
            let secrets = capabilities.and_then(|table| table.get("secrets")?.value.as_array()).unwrap_or_default();
            secrets.iter().take(MANY).any(|node| {
                let keys = node.as_table().and_then(|table| table.get("key_names")?.value.as_array());
                keys.unwrap_or_default().iter().any(|key| key.as_str().is_some_and(|key| key.contains('*')))
            })
        }
        _ => false,
    }
}

const WILDCARDS: &str = "capabilities.wildcard_opt_in";

/// `true` and `false` where one of them is better.
pub(super) fn flags(asked: &Asked<'_, '_>) -> Vec<Candidate> {
    let (yes, no) = (flag("true"), flag("false"));
    match () {
        () if asked.is(&["capabilities", "wildcard_opt_in", "*"]) => {
            let used = asked.path.key().is_some_and(|flag| uses_wildcard(asked.cx, flag));
            if used {
                let why = "a wildcard stands in the list";
                vec![yes.described(why).preselected(true), no.refused(true, "refused: a wildcard stands in the list")]
            } else {
                vec![no, yes.described("nothing needs it; fails the default audit")]
            }
        }
        () if asked.is(&["builder", "experimental"]) => vec![yes.described("the only one that a daemon takes")],
        () if asked.is(&["operator", "config", "properties", "*", "redacted"]) => vec![yes, no],
        () => Vec::new(),
    }
}

/// Defaults of a configuration property: of its type, and among its values.
pub(super) fn defaults(asked: &Asked<'_, '_>) -> Vec<Candidate> {
    if !asked.is(&["operator", "config", "properties", "*", "default"]) {
        return Vec::new();
    }
    let allowed: Vec<&str> = asked
        .table()
        .and_then(|table| table.get("enum_values")?.value.as_array())
        .unwrap_or_default()
        .iter()
        .take(MANY)
        .filter_map(|node| node.as_str().map(str::trim))
        .filter(|value| !value.is_empty() && !value.contains(is_unseen))
        .collect();
    let toml = |text: &str| Candidate::toml(Template::of(text), Kind::Value);
    match asked.sibling("type") {
        Some("string") if !allowed.is_empty() => {
            allowed.into_iter().map(|value| Candidate::text(value, Kind::Enum)).collect()
        }
        Some("string") => vec![Candidate::toml(Template::default().quoted(""), Kind::Value)],
        Some("integer") => vec![toml("0"), toml("1")],
        Some("number") => vec![toml("0.0"), toml("1.0")],
        Some("boolean") => vec![flag("false"), flag("true")],
        Some("string_list") => vec![toml("[]"), Candidate::toml(Template::of("[").quoted("").text("]"), Kind::Value)],
        _ => Vec::new(),
    }
}

/// Keys that nobody should write by hand, or that a daemon would refuse.
pub(super) fn is_left_out(cx: &Cx<'_, '_>, shape: &TableShape, key: &KeyShape) -> bool {
    match (shape.path, key.name) {
        // Packaging writes it.
        ("", "integrity") => true,
        ("", "operator") => is_legacy(cx.source),
        (path, _) => path.starts_with("operator") && is_legacy(cx.source),
    }
}

/// Whether it is a manifest of version 1, which cannot have `[operator]`.
pub(super) fn is_legacy(source: &Source<'_>) -> bool {
    source.document.root.get("manifest_version").and_then(|field| field.value.as_integer()) == Some(1)
}

/// Whether something in the file asks for an optional key.
pub(super) fn is_needed(cx: &Cx<'_, '_>, shape: &TableShape, key: &KeyShape) -> bool {
    shape.path == WILDCARDS && uses_wildcard(cx, key.name)
}

/// The optional keys that a new table mostly begins with.
pub(super) fn first_keys(cx: &Cx<'_, '_>, shape: &'static TableShape) -> Vec<&'static str> {
    if !cx.manifest {
        return Vec::new();
    }
    match shape.path {
        "capabilities.quotas" => vec!["wall_clock_timeout_ms", "fuel_budget", "max_memory_bytes"],
        "capabilities.filesystem" => vec!["write_roots"],
        "capabilities" => vec!["http_egress_allowlist"],
        "capabilities.wildcard_opt_in" => {
            shape.keys.iter().filter(|key| is_needed(cx, shape, key)).map(|key| key.name).collect()
        }
        "operator" => vec!["display_name", "summary"],
        "operator.plugin" => vec!["default_tool_id", "default_module_path"],
        "entrypoints.tools[].risk" => vec!["requires_approval"],
        _ => Vec::new(),
    }
}

/// What is to be said of a key that is not there.
pub(super) fn of_key(cx: &Cx<'_, '_>, shape: &TableShape, key: &KeyShape) -> Option<String> {
    if !cx.manifest {
        return None;
    }
    match (shape.path, key.name) {
        (WILDCARDS, flag) if uses_wildcard(cx, flag) => Some("needed".to_owned()),
        ("capabilities", "http_egress_allowlist") => {
            let hosts = cx.facts.hosts_called.len();
            (hosts > 0).then(|| format!("{hosts} called in the last run"))
        }
        ("capabilities", "secrets") => {
            let secrets = cx.facts.secrets_read.len();
            (secrets > 0).then(|| format!("{secrets} read in the last run"))
        }
        ("builder", _) | ("", "builder") => Some("generated skills only".to_owned()),
        _ => None,
    }
}
