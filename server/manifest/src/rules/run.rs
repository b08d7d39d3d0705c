//! What a call of a tool shows of its manifest. A call is made elsewhere; its rules stand here because they are set,
//! allowed and explained where those about the text are.

use super::{Context, Family, FixKind, Rule};
use crate::diagnostic::{Daemon, Severity};

/// A granted thing that the call did not use.
pub static UNUSED_GRANT: Rule = hint(
    "run/unused-grant",
    FixKind::Unsafe,
    "A call did not use something that the manifest grants",
    "A tool was run, and it asked for nothing of a host, a secret or a folder that the manifest grants. One call is no \
     proof: another input may need it. What no call needs is better left out, since an operator is asked to approve it and \
     a hole in the tool could misuse it. Where several tools were run, it is said only of what none of them used.",
);

/// A quota that is many times what the call used.
pub static LOOSE_QUOTA: Rule = hint(
    "run/loose-quota",
    FixKind::Unsafe,
    "A quota is more than a hundred times what a call used",
    "A quota is there to end a call that has gone astray. One that is far above what calls need ends it late. The number \
     that is advised leaves a call ten times what was used.",
);

/// A quota that the call nearly used up.
pub static TIGHT_QUOTA: Rule = hint(
    "run/tight-quota",
    FixKind::Unsafe,
    "A call used nearly all that a quota allows",
    "A larger input, or a slower machine, would end the next call. The number that is advised is twice what was used.",
);

/// The call ended otherwise than it would have on a daemon.
pub static DAEMON_DIFFERS: Rule = hint(
    "run/daemon-differs",
    FixKind::None,
    "A daemon 0.1.0 would have ended the call otherwise",
    "That daemon runs plug-ins only: core modules without WASI, called without input. It holds its memory limit for each \
     memory apart, leaves compilation out of the clock, checks neither input nor output against the schemas, and grants \
     nothing for `read_roots`. Where one of these made a difference to a call, this says which.",
);

/// What calls show.
pub(super) static FAMILY: Family = Family {
    name: "run",
    about: "What a call of a tool shows of its manifest: said after Run Tool, and of what that one call did.",
    rules: &[&UNUSED_GRANT, &LOOSE_QUOTA, &TIGHT_QUOTA, &DAEMON_DIFFERS],
    // A manifest says nothing of calls.
    check: |_: &mut Context<'_, '_>| {},
};

const fn hint(code: &'static str, fix: FixKind, summary: &'static str, details: &'static str) -> Rule {
    Rule { code, severity: Severity::Hint, daemon: Daemon::Silent, fix, summary, details, bad: "", good: "" }
}
