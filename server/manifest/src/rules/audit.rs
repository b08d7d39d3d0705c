//! A skill as a whole: what its manifest and its modules say of each other, and what is known of the packages inside. The
//! audit looks; its rules stand here because they are set, allowed and explained where those about the text are.

use super::{Context, Family, Rule};
use crate::diagnostic::{Daemon, Severity};

pub(super) static FAMILY: Family = Family {
    name: "audit",
    about: "The skill as a whole: modules that are named but missing, grants that nothing uses, packages with advisories.",
    rules: &[&DEFAULT_MODULE_MISSING, &UNUSED_CAPABILITY, &VULNERABLE_DEPENDENCY, &ADVISED_DEPENDENCY],
    // A manifest alone says nothing of its modules.
    check: |_: &mut Context<'_, '_>| {},
};

/// The manifest names a default module that is not there.
pub static DEFAULT_MODULE_MISSING: Rule = Rule::about_modules(
    "audit/default-module-missing",
    Severity::Warning,
    Daemon::Silent,
    "The manifest names a default module that is not there",
    "`operator.plugin.default_module_path` is the module that a daemon loads when a call names none. Name one that is \
     in the archive, under `modules/`.",
);

/// The manifest asks for something that no module can use.
pub static UNUSED_CAPABILITY: Rule = Rule::about_modules(
    "audit/unused-capability",
    Severity::Hint,
    Daemon::Silent,
    "The manifest asks for something that no module can use",
    "No module imports a function through which the grant could be used. A person is asked to approve what is never \
     needed, and a later version gets it without a question. Leave it out until it is used.",
);

/// A module was built from a package with a known vulnerability.
pub static VULNERABLE_DEPENDENCY: Rule = Rule::about_modules(
    "audit/vulnerable-dependency",
    Severity::Error,
    Daemon::Silent,
    "A module was built from a package with a known vulnerability",
    "The packages that a module lists in its section `.dep-v0` were looked up in the configured advisories. Update the \
     package and build the module again.",
);

/// There is an advisory about a package that is no vulnerability of the module.
pub static ADVISED_DEPENDENCY: Rule = Rule::about_modules(
    "audit/advised-dependency",
    Severity::Info,
    Daemon::Silent,
    "There is an advisory about a package that is no vulnerability of the module",
    "The package is no longer maintained, or the like, or it only took part in building the module.",
);
