//! What an editor writes between the author's words: what a number comes to, who approves a tool's calls.

use skillyard_manifest::{
    Span,
    shape::{KeyShape, Type},
    view::View,
};

use crate::{
    asked::{self, Approvals},
    prose::{Doc, Line},
    source::{Meaning, Mention, Role, Source},
    units::Unit,
};

/// A hint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InlayHint {
    /// In front of which byte it is shown.
    pub offset: usize,
    /// What is shown, on one line.
    pub label: String,
    /// What is told where the mouse rests on it.
    pub tooltip: Option<Doc>,
    /// Its kind. None of them is one of the protocol's two (types and parameters).
    pub kind: InlayKind,
    /// Whether there is room in front of it.
    pub padding_left: bool,
    /// Whether there is room behind it.
    pub padding_right: bool,
}

/// A kind of hint, with a switch of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum InlayKind {
    /// What a number of bytes comes to.
    Sizes,
    /// What a number of milliseconds or seconds comes to.
    Durations,
    /// What a large count comes to.
    Counts,
    /// Whether calls of a tool need approval, and why.
    Approval,
    /// What bounds a call where a key is left out.
    Defaults,
}

impl InlayKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Sizes, Self::Durations, Self::Counts, Self::Approval, Self::Defaults];

    /// The name of its switch.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sizes => "sizes",
            Self::Durations => "durations",
            Self::Counts => "counts",
            Self::Approval => "approval",
            Self::Defaults => "defaults",
        }
    }

    /// What hints of it tell.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Sizes => "What a number of bytes comes to",
            Self::Durations => "What a number of milliseconds or seconds comes to",
            Self::Counts => "What a large count comes to",
            Self::Approval => "Whether calls of a tool, or what they use, need approval, and why",
            Self::Defaults => "What bounds a call where a key is left out",
        }
    }

    /// The kind whose switch has this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    fn of(unit: Unit) -> Self {
        match unit {
            Unit::Bytes => Self::Sizes,
            Unit::Milliseconds | Unit::Seconds => Self::Durations,
            Unit::Fuel => Self::Counts,
        }
    }
}

/// The kinds that are on. By default all but [`InlayKind::Defaults`], which tell what a hover tells too.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct InlayKinds {
    on: [bool; InlayKind::ALL.len()],
}

impl Default for InlayKinds {
    fn default() -> Self {
        Self { on: InlayKind::ALL.map(|kind| kind != InlayKind::Defaults) }
    }
}

impl InlayKinds {
    /// None of them.
    pub const NONE: Self = Self { on: [false; InlayKind::ALL.len()] };

    /// The same, with one kind switched.
    #[must_use]
    pub fn with(mut self, kind: InlayKind, on: bool) -> Self {
        self.on[kind as usize] = on;
        self
    }

    /// Whether a kind is on.
    #[must_use]
    pub fn has(self, kind: InlayKind) -> bool {
        self.on[kind as usize]
    }
}

/// The hints within `range`, in the order of the text.
#[must_use]
pub fn inlay_hints(source: &Source<'_>, range: Span, kinds: InlayKinds) -> Vec<InlayHint> {
    let mut hints = Vec::new();
    source.mentions(|mention| {
        if let Meaning::Key(_, key) = source.meaning(&mention.path)
            && mention.last
        {
            hints.extend(number(&mention, key));
            if kinds.has(InlayKind::Defaults) {
                hints.extend(defaults(source, &mention, key));
            }
        }
    });
    if kinds.has(InlayKind::Approval) {
        hints.extend(approvals(source));
    }
    hints.retain(|hint| kinds.has(hint.kind) && range.touches(hint.offset));
    hints.sort_by_key(|hint| (hint.offset, hint.kind));
    hints
}

fn hint(offset: usize, label: String, kind: InlayKind, tooltip: Doc) -> InlayHint {
    let tooltip = (!tooltip.is_empty()).then_some(tooltip);
    InlayHint { offset, label, tooltip, kind, padding_left: true, padding_right: false }
}

/// What an integer comes to.
fn number(mention: &Mention<'_, '_>, key: &KeyShape) -> Option<InlayHint> {
    let value = mention.value?;
    let skillyard_manifest::syntax::ValueKind::Integer(number) = value.kind else { return None };
    let number = u64::try_from(number).ok()?;
    let unit = Unit::of(key)?;
    let amount = unit.amount(number)?;
    let label = if amount.exact { format!("= {amount}") } else { amount.to_string() };
    let mut tooltip = Doc::default();
    tooltip.say(&format!("`{number}` {} are {amount}.", unit.name()));
    Some(hint(value.span.end, label, InlayKind::of(unit), tooltip))
}

/// What holds for the keys that a table of numbers leaves out.
fn defaults(source: &Source<'_>, mention: &Mention<'_, '_>, key: &KeyShape) -> Option<InlayHint> {
    let Type::Table(shape) = key.ty else { return None };
    if mention.role != Role::Header {
        return None;
    }
    let table = source.table(&mention.path)?;
    let left_out = shape.keys.iter().filter(|key| table.get(key.name).is_none());
    let told: Vec<String> = left_out
        .filter_map(|key| {
            let unit = Unit::of(key)?;
            let number = key.default.parse().ok()?;
            Some(match unit.amount(number) {
                Some(amount) => format!("{} = {amount}", key.name),
                None => format!("{} = {number} {}", key.name, unit.name()),
            })
        })
        .collect();
    if told.is_empty() {
        return None;
    }
    let mut tooltip = Doc::default();
    tooltip.say("What a daemon takes for the keys that are left out.");
    Some(hint(mention.extent.end, told.join(", "), InlayKind::Defaults, tooltip))
}

/// Behind each tool's header, who approves its calls.
fn approvals(source: &Source<'_>) -> Vec<InlayHint> {
    let Some(asked) = asked::asked(source) else { return Vec::new() };
    let approvals = Approvals::of(&asked);
    let shape = source.shape.child("entrypoints").and_then(|entrypoints| entrypoints.child("tools"));
    let tools = source.tools().filter_map(|(_, node, _)| View::of_node(node, shape?));
    tools
        .map(|view| {
            let approval = approvals.tool(&asked::tool(view));
            let mut tooltip = Doc::default();
            let asks = !approval.asked_for.is_empty();
            let label = if !approval.flags.is_empty() {
                let uses = "Whatever its skill asks for under `[capabilities]` needs one at each use too.";
                tooltip.paragraph(
                    Line::of("Each call needs a person's approval: flags of the tool make it so. ").say(if asks {
                        uses
                    } else {
                        ""
                    }),
                );
                format!("needs approval: {}", approval.flags.join(", "))
            } else if asks {
                tooltip.say(
                    "A call itself runs without a person's approval, but each use of what the skill asks for needs it. \
                     An editor that runs the tool asks once, for the whole call.",
                );
                format!("asks approval for: {}", approval.uses().join(", "))
            } else {
                tooltip.say(
                    "No flag under `risk` is on and the skill asks for nothing, so that a call runs without a person's \
                     word.",
                );
                "runs without approval".to_owned()
            };
            hint(view.span.end, label, InlayKind::Approval, tooltip)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREETER: &str = include_str!("../../../tests/fixtures/greeter/skill.toml");

    /// The text with its hints, in brackets.
    fn shown(text: &str, kinds: InlayKinds) -> String {
        let source = Source::new(text);
        let mut out = text.to_owned();
        for hint in inlay_hints(&source, Span::new(0, text.len()), kinds).iter().rev() {
            assert!(!hint.label.contains('\n'));
            out.insert_str(hint.offset, &format!("⟨{}⟩", hint.label));
        }
        out
    }

    fn all() -> InlayKinds {
        InlayKind::ALL.into_iter().fold(InlayKinds::NONE, |kinds, kind| kinds.with(kind, true))
    }

    #[test]
    fn numbers_and_tools_have_hints() {
        let text = shown(GREETER, InlayKinds::default());
        assert!(text.contains("[[entrypoints.tools]]⟨runs without approval⟩\n"), "{text}");
        assert!(text.contains("wall_clock_timeout_ms = 5000⟨= 5 s⟩\n"), "{text}");
        assert!(text.contains("fuel_budget = 10000000⟨= 10 million⟩\n"), "{text}");
        assert!(text.contains("max_memory_bytes = 4194304⟨= 4 MiB⟩\n"), "{text}");
        assert_eq!(text.matches('⟨').count(), 4);
    }

    #[test]
    fn approval_names_its_reasons() {
        let tool = |more: &str| shown(&format!("[[entrypoints.tools]]\nid = 'a.b'\n{more}"), InlayKinds::default());
        assert!(
            tool("risk.default_sensitive = true")
                .starts_with("[[entrypoints.tools]]⟨needs approval: default_sensitive⟩")
        );
        let text = tool("[capabilities]\nhttp_egress_allowlist = ['a.example']\nnode_capabilities = ['x']");
        assert!(text.starts_with("[[entrypoints.tools]]⟨asks approval for: devices, network⟩"), "{text}");
        let text = tool("risk.requires_approval = true\n[capabilities]\nhttp_egress_allowlist = ['a.example']");
        assert!(text.starts_with("[[entrypoints.tools]]⟨needs approval: requires_approval⟩"), "{text}");
        let text = tool("[capabilities]\nfilesystem.read_roots = ['data']");
        assert!(text.starts_with("[[entrypoints.tools]]⟨runs without approval⟩"), "{text}");
        let text = shown("entrypoints.tools = [{ risk = { requires_approval = true } }, 1]", InlayKinds::default());
        assert_eq!(
            text,
            "entrypoints.tools = [{ risk = { requires_approval = true } }⟨needs approval: requires_approval⟩, 1]"
        );
    }

    #[test]
    fn numbers_of_any_spelling_in_any_place() {
        let quotas = |line: &str| shown(&format!("[capabilities.quotas]\n{line}"), InlayKinds::default());
        assert!(quotas("max_memory_bytes = 0x200_0000 # c").ends_with("0x200_0000⟨= 32 MiB⟩ # c"));
        assert!(quotas("max_memory_bytes = 1000000").ends_with("1000000⟨≈ 976.6 KiB⟩"));
        for quiet in
            ["max_memory_bytes = 64", "max_memory_bytes = -1", "max_memory_bytes = '1'", "wall_clock_timeout_ms = 5"]
        {
            assert!(!quotas(quiet).contains('⟨'), "{quiet}");
        }
        let text = "capabilities = { quotas = { wall_clock_timeout_ms = 90000 } }";
        assert!(shown(text, InlayKinds::default()).contains("90000⟨= 1 min 30 s⟩ }"));
    }

    #[test]
    fn each_kind_has_a_switch() {
        for kind in InlayKind::ALL {
            assert_eq!(InlayKind::parse(kind.name()), Some(kind));
            let text =
                GREETER.replace("fuel_budget = 10000000\n", "").replace("4194304", "4194304\nfuel_budget = 20000");
            let text = text.replace("wall_clock_timeout_ms = 5000\n", "") + "";
            let text = text.replace("max_memory_bytes", "wall_clock_timeout_ms = 5000\nmax_memory_bytes");
            let only = shown(&text, InlayKinds::NONE.with(kind, true));
            let expected = usize::from(kind != InlayKind::Defaults);
            assert_eq!(only.matches('⟨').count(), expected, "{kind:?}: {only}");
            assert!(!InlayKinds::default().with(kind, false).has(kind));
        }
        assert_eq!(InlayKind::parse("size"), None);
    }

    #[test]
    fn defaults_say_what_holds() {
        let text = shown("[capabilities.quotas]\nfuel_budget = 1", all());
        assert_eq!(
            text,
            "[capabilities.quotas]⟨wall_clock_timeout_ms = 30 s, max_memory_bytes = 64 MiB⟩\nfuel_budget = 1"
        );
        assert!(!shown("[compat]\n", all()).contains('⟨'));
    }

    #[test]
    fn only_those_in_the_range() {
        let source = Source::new(GREETER);
        let at = GREETER.find("fuel_budget").unwrap();
        let end = GREETER.find("max_memory_bytes").unwrap();
        let found = inlay_hints(&source, Span::new(at, end), all());
        assert_eq!(found.iter().map(|hint| hint.label.as_str()).collect::<Vec<_>>(), ["= 10 million"]);
    }
}
