//! Device and node capabilities.

use super::{Context, Family, FixKind, Rule, common};
use crate::{
    diagnostic::{Daemon, Severity},
    grammar,
};

pub(super) static FAMILY: Family = Family {
    name: "device",
    about: "`capabilities.device_capabilities` and `capabilities.node_capabilities`.",
    rules: &[&BAD_NAME, &UNTRIMMED, &DUPLICATE, &FAILS_AUDIT],
    check,
};

static BAD_NAME: Rule = Rule {
    code: "device/bad-name",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "The name of a device or node capability is empty or has a character that it cannot have",
    details: "Names are identifiers: of `a-z 0-9 . _ - :` only, in lower case.",
    bad: "[capabilities]\nnode_capabilities = [\"Sensor.Read\"]",
    good: "[capabilities]\nnode_capabilities = [\"sensor.read\"]",
};

static UNTRIMMED: Rule = Rule {
    code: "device/untrimmed",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "The name of a device or node capability has white space around it",
    details: "A daemon checks the name without the white space but keeps it: what it grants is another name than the one you \
              mean, and nothing ever matches it.",
    bad: "[capabilities]\nnode_capabilities = [\"sensor.read \"]",
    good: "[capabilities]\nnode_capabilities = [\"sensor.read\"]",
};

static DUPLICATE: Rule = Rule {
    code: "device/duplicate",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A device or node capability is listed twice",
    details: "The second one grants nothing more. Remove it.",
    bad: "[capabilities]\nnode_capabilities = [\"sensor.read\", \"sensor.read\"]",
    good: "[capabilities]\nnode_capabilities = [\"sensor.read\"]",
};

static FAILS_AUDIT: Rule = Rule {
    code: "device/fails-audit",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::None,
    summary: "Device capabilities fail a daemon's default audit policy",
    details: "A daemon reads the manifest, but its audit fails every skill that names a device capability unless an operator \
              has allowed them, and by default none are. Leave them out if the skill works without, or tell your operators \
              what to allow and why.",
    bad: "[capabilities]\ndevice_capabilities = [\"camera\"]",
    good: "[capabilities]\ndevice_capabilities = []",
};

fn check(cx: &mut Context<'_, '_>) {
    let Some(capabilities) = cx.capabilities() else { return };
    for (key, flag, what) in [
        ("device_capabilities", "device", "the name of a device capability"),
        ("node_capabilities", "node", "the name of a node capability"),
    ] {
        let names = capabilities.texts(key);
        if key == "device_capabilities"
            && !names.is_empty()
            && let Some(item) = capabilities.get(key)
        {
            let span = item.field.map_or(item.node.span, |field| field.key);
            let message = "a daemon's default audit policy fails every skill with device capabilities";
            cx.report(&FAILS_AUDIT, span, message);
        }
        let opted_in = cx.opted_in(flag);
        for name in &names {
            // A daemon looks no further at one that is opted in; its own rule speaks for one that is not.
            let wild = name.value.contains('*');
            if wild && !opted_in {
                continue;
            }
            if wild || grammar::is_identifier(name.value) {
                common::report_untrimmed(
                    cx,
                    &UNTRIMMED,
                    *name,
                    "a daemon keeps it, and nothing has such a name",
                    !wild,
                );
            } else {
                common::report_bad_name(cx, &BAD_NAME, *name, what, false);
            }
        }
        let good = names.iter().filter(|name| !name.trimmed().is_empty());
        common::report_repeated(cx, &DUPLICATE, good.map(|name| (name.trimmed().to_owned(), *name)));
    }
}
