//! The tools: their ids, names and descriptions, and how careful a daemon is with them.

use std::collections::HashMap;

use super::{
    Context, Family, FixKind, Rule,
    identity::{self, IDENTIFIER, LONGEST, bad_characters, name_from_id, odd_identifier, surrounding_space, too_long},
};
use crate::{
    diagnostic::{Daemon, Severity, TextEdit},
    edits, grammar, show,
    text::Span,
    view::{Text, View},
};

pub(super) static FAMILY: Family = Family {
    name: "tool",
    about: "The tools of the skill: what a model calls, under which id, and whether a person approves it.",
    rules: &[
        &NONE,
        &BAD_ID,
        &NOT_NAMESPACED,
        &DUPLICATE_ID,
        &EMPTY_NAME,
        &EMPTY_DESCRIPTION,
        &SURROUNDING_SPACE,
        &ODD_ID,
        &NO_APPROVAL,
        &SENSITIVE_WITHOUT_APPROVAL,
        &TOO_LONG,
    ],
    check,
};

static NONE: Rule = Rule {
    code: "tool/none",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "The skill has no tools",
    details: "A skill offers at least one tool, best as an `[[entrypoints.tools]]` section. The fix adds one to start from.",
    bad: "entrypoints = { tools = [] }",
    good: "[[entrypoints.tools]]\nid = \"acme.weather.today\"\nname = \"Weather today\"\ndescription = \"Tells today's weather.\"\n\
           input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }",
};

static BAD_ID: Rule = Rule {
    code: "tool/bad-id",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "The `id` of a tool is no identifier",
    details: "A tool id has only lower-case ASCII letters, digits, `.`, `_`, `-` and `:`.",
    bad: "[[entrypoints.tools]]\nid = \"acme.Today\"\nname = \"Weather today\"\ndescription = \"Tells today's weather.\"\n\
          input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }",
    good: "[[entrypoints.tools]]\nid = \"acme.today\"\nname = \"Weather today\"\ndescription = \"Tells today's weather.\"\n\
           input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }",
};

static NOT_NAMESPACED: Rule = Rule {
    code: "tool/not-namespaced",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "The `id` of a tool does not start with the publisher and a dot",
    details: "Tool ids are one space for all skills of a daemon: the publisher in front keeps a skill from taking over \
              somebody else's tool. The fix is safe unless the id already starts with another namespace.",
    bad: "[[entrypoints.tools]]\nid = \"today\"\nname = \"Weather today\"\ndescription = \"Tells today's weather.\"\n\
          input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }",
    good: "[[entrypoints.tools]]\nid = \"acme.today\"\nname = \"Weather today\"\ndescription = \"Tells today's weather.\"\n\
           input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }",
};

static DUPLICATE_ID: Rule = Rule {
    code: "tool/duplicate-id",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "Two tools have the same `id`",
    details: "A daemon finds a tool by its id alone. White space around an id does not make it another one.",
    bad: "[[entrypoints.tools]]\nid = \"acme.today\"\nname = \"Today\"\ndescription = \"Tells today's weather.\"\n\
          input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }\n\n\
          [[entrypoints.tools]]\nid = \"acme.today\"\nname = \"Tomorrow\"\ndescription = \"Tells tomorrow's weather.\"\n\
          input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }",
    good: "[[entrypoints.tools]]\nid = \"acme.today\"\nname = \"Today\"\ndescription = \"Tells today's weather.\"\n\
           input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }\n\n\
           [[entrypoints.tools]]\nid = \"acme.tomorrow\"\nname = \"Tomorrow\"\ndescription = \"Tells tomorrow's weather.\"\n\
           input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }",
};

static EMPTY_NAME: Rule = Rule {
    code: "tool/empty-name",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "The `name` of a tool is empty",
    details: "People see the name when they are asked to approve a call. The fix makes one from the id.",
    bad: "[[entrypoints.tools]]\nid = \"acme.today\"\nname = \"\"\ndescription = \"Tells today's weather.\"\n\
          input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }",
    good: "[[entrypoints.tools]]\nid = \"acme.today\"\nname = \"Today\"\ndescription = \"Tells today's weather.\"\n\
           input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }",
};

static EMPTY_DESCRIPTION: Rule = Rule {
    code: "tool/empty-description",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::None,
    summary: "The `description` of a tool is empty",
    details: "A model decides by the description when to call the tool, and with what.",
    bad: "[[entrypoints.tools]]\nid = \"acme.today\"\nname = \"Today\"\ndescription = \"\"\n\
          input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }",
    good: "[[entrypoints.tools]]\nid = \"acme.today\"\nname = \"Today\"\ndescription = \"Tells today's weather.\"\n\
           input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }",
};

static SURROUNDING_SPACE: Rule = Rule {
    code: "tool/surrounding-space",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "The `id` of a tool has white space around it",
    details: "A daemon checks the id trimmed, but binds policy to it as it is written: `\"acme.today \"` is another tool than \
              the one that an operator's rules name.",
    bad: "[[entrypoints.tools]]\nid = \"acme.today \"\nname = \"Today\"\ndescription = \"Tells today's weather.\"\n\
          input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }",
    good: "[[entrypoints.tools]]\nid = \"acme.today\"\nname = \"Today\"\ndescription = \"Tells today's weather.\"\n\
           input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }",
};

static ODD_ID: Rule = Rule {
    code: "tool/odd-id",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::None,
    summary: "The `id` of a tool has an empty part, or nothing but punctuation behind the publisher",
    details: "`acme.`, `acme..today` and `acme.-` are identifiers to a daemon. Nobody tells them apart; give the tool a name \
              of letters and digits.",
    bad: "[[entrypoints.tools]]\nid = \"acme..today\"\nname = \"Today\"\ndescription = \"Tells today's weather.\"\n\
          input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }",
    good: "[[entrypoints.tools]]\nid = \"acme.today\"\nname = \"Today\"\ndescription = \"Tells today's weather.\"\n\
           input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }",
};

static NO_APPROVAL: Rule = Rule {
    code: "tool/no-approval",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Unsafe,
    summary: "A tool of a skill with secrets, write roots or egress runs without approval",
    details: "Capabilities belong to the skill, not to a tool: every tool of it can use them all. A call that needs no approval \
              is a way for a model to write, to reach the network or to read secrets with nobody looking. Set \
              `risk.requires_approval = true`, or silence the rule where that is meant.",
    bad: "[capabilities]\nhttp_egress_allowlist = [\"api.acme.example\"]\n\n[[entrypoints.tools]]\nid = \"acme.today\"\n\
          name = \"Today\"\ndescription = \"Tells today's weather.\"\ninput_schema = { type = \"object\" }\n\
          output_schema = { type = \"object\" }",
    good: "[capabilities]\nhttp_egress_allowlist = [\"api.acme.example\"]\n\n[[entrypoints.tools]]\nid = \"acme.today\"\n\
           name = \"Today\"\ndescription = \"Tells today's weather.\"\ninput_schema = { type = \"object\" }\n\
           output_schema = { type = \"object\" }\nrisk = { requires_approval = true }",
};

static SENSITIVE_WITHOUT_APPROVAL: Rule = Rule {
    code: "tool/sensitive-without-approval",
    severity: Severity::Info,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A tool is `default_sensitive` but not `requires_approval`",
    details: "Either flag makes each call wait for approval, so `requires_approval = false` beside `default_sensitive = true` \
              says what does not hold. Set both: it changes nothing for a daemon, and a reader is not misled.",
    bad: "[[entrypoints.tools]]\nid = \"acme.today\"\nname = \"Today\"\ndescription = \"Tells today's weather.\"\n\
          input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }\nrisk = { default_sensitive = true }",
    good: "[[entrypoints.tools]]\nid = \"acme.today\"\nname = \"Today\"\ndescription = \"Tells today's weather.\"\n\
           input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }\n\
           risk = { default_sensitive = true, requires_approval = true }",
};

static TOO_LONG: Rule = Rule {
    code: "tool/too-long",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::None,
    summary: "The id, name or description of a tool, or the list of tools, is of absurd length",
    details: "Ids and names stay below 128 characters, descriptions below 4096, and a skill below 128 tools: a model is sent all of \
              it with every request, and what an approval prompt cuts off is not seen.",
    bad: "[[entrypoints.tools]]\nid = \"acme.today\"\nname = \"Today today today today today today today today today today today \
          today today today today today today today today today today today today\"\ndescription = \"Tells today's weather.\"\n\
          input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }",
    good: "[[entrypoints.tools]]\nid = \"acme.today\"\nname = \"Today\"\ndescription = \"Tells today's weather.\"\n\
           input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }",
};

/// More tools than a model can choose among.
const MOST_TOOLS: usize = 128;

/// The longest description that is not absurd, in characters.
const LONGEST_DESCRIPTION: usize = 4096;

fn check(cx: &mut Context<'_, '_>) {
    check_count(cx);
    let tools = cx.tools();
    let asked = asks_for(cx);
    let owner = Owner::of(cx);
    let mut seen = Seen::default();
    for tool in tools {
        if let Some(id) = tool.text("id") {
            check_id(cx, id, &owner, &mut seen);
        }
        check_texts(cx, tool);
        check_risk(cx, tool, asked);
    }
}

fn check_count(cx: &mut Context<'_, '_>) {
    let Some(tools) = cx.root.table("entrypoints").and_then(|entrypoints| entrypoints.get("tools")) else { return };
    let Some(items) = tools.node.as_array() else { return };
    // Tools that did not get into the list are told by their syntax.
    if items.is_empty() && cx.document.errors.is_empty() {
        let publisher = cx.publisher().unwrap_or("acme");
        let tool = format!(
            "[{{ id = \"{publisher}.tool\", name = \"Tool\", description = \"What the tool does.\", \
             input_schema = {{ type = \"object\" }}, output_schema = {{ type = \"object\" }} }}]"
        );
        let fix = vec![edits::replace(tools.node.span, tool)];
        cx.report(&NONE, tools.node.span, "a skill has at least one tool").unsafe_fix("Add a tool", fix);
    }
    if items.len() > MOST_TOOLS {
        let span = items.get(MOST_TOOLS).map_or(tools.node.span, |first| first.span);
        cx.report(&TOO_LONG, span, format!("{} tools are more than a model can choose among", items.len()));
    }
}

/// The ids so far, each with its place and how often it came.
#[derive(Default)]
struct Seen<'d>(HashMap<&'d str, (Span, usize)>);

/// The publisher, looked at once for all tools.
struct Owner<'d> {
    /// If it is a good one: a bad publisher is told there.
    publisher: Option<&'d str>,
    /// Whether it is of punctuation only or has an empty part: that is told there, once.
    odd: bool,
    /// Where it stands.
    place: Option<Span>,
}

impl<'d> Owner<'d> {
    fn of(cx: &Context<'d, '_>) -> Self {
        let publisher = cx.publisher();
        let odd = publisher.is_some_and(identity::is_odd);
        Self { publisher, odd, place: cx.root.text("publisher").map(|publisher| publisher.span()) }
    }
}

fn check_id<'d>(cx: &mut Context<'d, '_>, id: Text<'d, '_>, owner: &Owner<'d>, seen: &mut Seen<'d>) {
    let trimmed = id.trimmed();
    if !grammar::is_identifier(trimmed) {
        bad_characters(cx, &BAD_ID, id, "a tool's `id`", grammar::is_identifier_char, IDENTIFIER);
        return;
    }
    let namespaced = check_namespace(cx, id, owner);
    if !check_duplicate(cx, id, seen) {
        surrounding_space(cx, &SURROUNDING_SPACE, id, "the `id`");
    }
    if owner.publisher.is_none_or(|publisher| publisher.len() <= LONGEST) {
        too_long(cx, &TOO_LONG, id, "the `id`", LONGEST);
    }
    if namespaced && !owner.odd {
        check_odd(cx, id, owner.publisher.unwrap_or_default());
    }
}

/// Whether the id is in the publisher's namespace, or that cannot be said.
fn check_namespace(cx: &mut Context<'_, '_>, id: Text<'_, '_>, owner: &Owner<'_>) -> bool {
    let Some(publisher) = owner.publisher else { return true };
    let trimmed = id.trimmed();
    let inside = trimmed.strip_prefix(publisher);
    if inside.is_some_and(|rest| rest.starts_with('.')) {
        return true;
    }
    let shown = show::quoted(&format!("{}.", publisher.get(..LONGEST).unwrap_or(publisher)));
    // `acme-today`, `acme:today`: only the dot is missing.
    let rest = inside.and_then(|rest| rest.strip_prefix(['-', '_', ':']));
    let bare = rest.filter(|rest| !rest.is_empty()).unwrap_or(trimmed);
    let safe = trimmed != publisher && !bare.contains(['.', ':']);
    let mut fix = Vec::new();
    // An absurd publisher is not repeated for every tool.
    let new = (publisher.len() <= LONGEST).then(|| format!("{publisher}.{}", bare.trim_start_matches('.')));
    if let Some(new) = &new {
        fix.push(cx.set_string(id.node, new));
    }
    // The default tool follows its tool.
    let default =
        cx.root.table("operator").and_then(|operator| operator.table("plugin")).and_then(|p| p.text("default_tool_id"));
    if let (Some(default), Some(new)) = (default.filter(|default| default.trimmed() == trimmed), &new) {
        fix.push(cx.set_string(default.node, new));
    }
    let mut finding = cx.report(
        &NOT_NAMESPACED,
        id.span(),
        format!("the `id` {} does not start with {shown}", show::quoted(trimmed)),
    );
    if let Some(at) = owner.place {
        finding = finding.related(at, "the publisher");
    }
    let title = match &new {
        // More than a prefix: a separator goes.
        Some(new) if bare.trim_start_matches('.') != trimmed => format!("Write {}", show::quoted(new)),
        _ => format!("Prefix the tool id with {shown}"),
    };
    identity::fix(finding, safe, title, fix);
    false
}

/// Whether another tool has the id.
fn check_duplicate<'d>(cx: &mut Context<'d, '_>, id: Text<'d, '_>, seen: &mut Seen<'d>) -> bool {
    let trimmed = id.trimmed();
    let (first, count) = seen.0.entry(trimmed).or_insert((id.span(), 0));
    *count += 1;
    let (first, count) = (*first, *count);
    if count == 1 {
        return false;
    }
    let new = format!("{trimmed}_{count}");
    let fix = vec![cx.set_string(id.node, &new)];
    cx.report(&DUPLICATE_ID, id.span(), format!("another tool already has the `id` {}", show::quoted(trimmed)))
        .related(first, "the first tool with it")
        .unsafe_fix(format!("Rename to {}", show::quoted(&new)), fix);
    true
}

fn check_odd(cx: &mut Context<'_, '_>, id: Text<'_, '_>, publisher: &str) {
    if odd_identifier(cx, &ODD_ID, id, "the `id`") {
        return;
    }
    let own = id.trimmed().strip_prefix(publisher).unwrap_or_default();
    if !own.is_empty() && !own.contains(|c: char| c.is_ascii_alphanumeric()) {
        cx.report(&ODD_ID, id.span(), "the `id` has nothing but punctuation behind the publisher");
    }
}

fn check_texts(cx: &mut Context<'_, '_>, tool: View<'_, '_>) {
    if let Some(name) = tool.text("name") {
        if name.trimmed().is_empty() {
            let made = tool.text("id").and_then(|id| name_from_id(id.value));
            let fix = made.map(|made| cx.set_string(name.node, &made));
            cx.report(&EMPTY_NAME, name.span(), "a tool's `name` is empty: write what people shall see")
                .unsafe_fix("Make a name from the id", fix.into_iter().collect());
        }
        too_long(cx, &TOO_LONG, name, "the `name`", LONGEST);
    }
    if let Some(description) = tool.text("description") {
        if description.trimmed().is_empty() {
            let message = "a tool's `description` is empty: say when to call it, and for what";
            cx.report(&EMPTY_DESCRIPTION, description.span(), message);
        }
        too_long(cx, &TOO_LONG, description, "the `description`", LONGEST_DESCRIPTION);
    }
}

/// The first capability that a call should not use with nobody looking: what it is, and where it is asked for.
fn asks_for(cx: &Context<'_, '_>) -> Option<(&'static str, Span)> {
    let capabilities = cx.capabilities()?;
    let first = |view: View<'_, '_>, key: &str| Some(view.get(key)?.node.as_array()?.first()?.span);
    let writes = capabilities.table("filesystem").and_then(|filesystem| first(filesystem, "write_roots"));
    let secrets = first(capabilities, "secrets").map(|span| ("secrets", span));
    secrets
        .or_else(|| writes.map(|span| ("write roots", span)))
        .or_else(|| first(capabilities, "http_egress_allowlist").map(|span| ("egress", span)))
}

fn check_risk(cx: &mut Context<'_, '_>, tool: View<'_, '_>, asked: Option<(&'static str, Span)>) {
    let risk = tool.table("risk");
    if risk.is_none() && tool.get("risk").is_some() {
        return;
    }
    // What broke off may be the very line that says so.
    let cut_short = |view: View<'_, '_>| view.as_table().is_some_and(|table| table.incomplete);
    if cx.document.headers_broken || cut_short(tool) || risk.is_some_and(cut_short) {
        return;
    }
    let given = risk.and_then(|risk| risk.get("requires_approval"));
    let sensitive = risk.is_some_and(|risk| risk.flag("default_sensitive"));
    if given.is_some_and(|given| given.node.as_bool() != Some(false)) {
        return;
    }
    let fix: Vec<TextEdit> = match (given, risk) {
        (Some(given), _) => Some(edits::replace(given.node.span, "true")),
        (None, Some(risk)) => cx.add_key(risk, "requires_approval", "true"),
        (None, None) => cx.add_key(tool, "risk", "{ requires_approval = true }"),
    }
    .into_iter()
    .collect();
    let title = "Set `requires_approval = true`";
    if sensitive {
        let span = given.or_else(|| risk.and_then(|risk| risk.get("default_sensitive"))).map(|item| item.node.span);
        let message = "a sensitive tool's calls wait for approval anyway: set `requires_approval = true` too";
        cx.report(&SENSITIVE_WITHOUT_APPROVAL, span.unwrap_or(tool.span), message).safe_fix(title, fix);
        return;
    }
    let Some((what, place)) = asked else { return };
    let span = given.map(|item| item.node.span).or_else(|| tool.text("id").map(|id| id.span())).unwrap_or(tool.span);
    cx.report(&NO_APPROVAL, span, format!("the skill asks for {what}, and this tool runs without approval"))
        .related(place, format!("{what} asked for here"))
        .unsafe_fix(title, fix);
}

#[cfg(test)]
mod tests {
    use crate::{Options, analyze};

    #[test]
    fn a_fix_says_what_it_writes() {
        for (id, title) in
            [("t", "Prefix the tool id with `acme.`"), ("acme:t", "Write `acme.t`"), (".t", "Write `acme.t`")]
        {
            let text = format!("publisher = \"acme\"\n[[entrypoints.tools]]\nid = \"{id}\"\n");
            let found = analyze(&text, &Options::default()).diagnostics;
            let told = found.iter().find(|found| found.rule.code == "tool/not-namespaced").unwrap();
            assert_eq!(told.fixes[0].title, title, "{id}");
        }
    }
}
