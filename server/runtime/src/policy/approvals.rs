//! A person's word for one call.

use std::collections::BTreeSet;

use skillyard_manifest::PolicyBinding;

/// Which call: a tool of a skill's one content. The hash is of the verified payload, so that a word given for one content
/// is none for another with the same version.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CallId {
    /// `skill_id` of the manifest.
    pub skill_id: String,
    /// `version` of the manifest.
    pub version: String,
    /// SHA-256 of the verified payload, in lower-case hexadecimal.
    pub payload_sha256: String,
    /// The tool's id.
    pub tool_id: String,
}

/// What a person approved for one call. It cannot be copied, and deciding uses it up:
///
/// ```compile_fail,E0382
/// # use skillyard_runtime::policy::*;
/// # fn twice(policies: &Policies, request: &CallRequest<'_>, approvals: Approvals) {
/// policies.decide(request, approvals);
/// policies.decide(request, approvals);
/// # }
/// ```
///
/// ```compile_fail,E0599
/// # use skillyard_runtime::policy::*;
/// # fn copied(approvals: Approvals) {
/// approvals.clone();
/// # }
/// ```
#[derive(Debug)]
pub struct Approvals {
    call: CallId,
    approved: BTreeSet<(String, String)>,
}

impl Approvals {
    /// Approves nothing yet, for one call.
    #[must_use]
    pub const fn none(call: CallId) -> Self {
        Self { call, approved: BTreeSet::new() }
    }

    /// Approves what the person said yes to: just this action on just this resource.
    pub fn approve(&mut self, binding: &PolicyBinding) {
        self.approved.insert((binding.action.clone(), binding.resource.clone()));
    }

    /// Itself where it is for `call`; otherwise it is worth nothing.
    pub(super) fn for_call(self, call: &CallId) -> Option<Self> {
        (self.call == *call).then_some(self)
    }

    pub(super) fn has(&self, action: &str, resource: &str) -> bool {
        // The set is looked up by owned pairs; it has a handful of entries.
        self.approved.iter().any(|(a, r)| a == action && r == resource)
    }
}
