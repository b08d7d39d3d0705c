//! What policy says of a call, before anything runs: Cedar policies over the skill, the tool and what the manifest asks.
//!
//! Deny by default: `tool.execute` and `skill.execute` must both be allowed for a call to run. Each capability that the
//! manifest asks for is decided on its own; a call runs without what is denied, and the report says so: where nobody
//! approves the network, the tool may still run.

mod approvals;
mod load;
mod request;

use cedar_policy::{Authorizer, Effect, Entities, PolicyId, PolicySet};
use serde::{Deserialize, Serialize};
use skillyard_manifest::{PolicyBinding, plain, quoted, show::words};

use self::request::{Action, Request};
pub use self::{
    approvals::{Approvals, CallId},
    load::{BUNDLED, MAX_BYTES, PolicyError, SCHEMA},
};

/// The bundled policies with a person's own, if any.
#[derive(Debug)]
pub struct Policies {
    set: PolicySet,
}

/// How a skill stands where it is installed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkillState {
    /// It may run.
    Active,
    /// Held back until a person looked at it.
    Quarantined,
    /// Switched off by a person.
    Disabled,
}

impl SkillState {
    /// The word that policies compare with.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Quarantined => "quarantined",
            Self::Disabled => "disabled",
        }
    }
}

/// What a person allow-listed for a call. A name is compared byte by byte.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AllowLists {
    /// Ids of tools.
    pub tools: Vec<String>,
    /// Ids of skills whose code may run.
    pub skills: Vec<String>,
    /// Ids of skills that may ask, without the `skill:` in front.
    pub principals: Vec<String>,
}

impl AllowLists {
    /// Just one tool of just one skill: what a person means who names them.
    #[must_use]
    pub fn only(skill_id: &str, tool_id: &str) -> Self {
        Self {
            tools: vec![tool_id.to_owned()],
            skills: vec![skill_id.to_owned()],
            principals: vec![skill_id.to_owned()],
        }
    }
}

/// A call to decide about.
#[derive(Clone, Copy, Debug)]
pub struct CallRequest<'a> {
    /// Which call it is.
    pub call: &'a CallId,
    /// `publisher` of the manifest.
    pub publisher: &'a str,
    /// How the skill stands.
    pub skill_state: SkillState,
    /// What the manifest asks for ([`skillyard_manifest::policy_bindings`]).
    pub bindings: &'a [PolicyBinding],
    /// What the person allow-listed.
    pub allow: &'a AllowLists,
}

/// Yes or no.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A policy permits it and none forbids it.
    Allow,
    /// A policy forbids it, none permits it, or policy could not be asked.
    Deny,
}

/// What policy says of one action.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ActionDecision {
    /// The action, such as `tool.execute`.
    pub action: String,
    /// What it acts on, such as `tool:acme.weather.today`.
    pub resource: String,
    /// Yes or no.
    pub decision: Verdict,
    /// Whether the manifest says that a person must approve it.
    pub requires_approval: bool,
    /// Whether a person approved it for this call.
    pub approved: bool,
    /// Ids of the policies that made the decision, sorted. None, where no policy permits.
    pub policies: Vec<String>,
    /// Why, in one line, nothing unseen in it.
    pub reason: String,
    /// What would change the decision, in one line.
    pub hint: String,
}

impl ActionDecision {
    /// Whether it is a yes.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.decision == Verdict::Allow
    }
}

/// What policy says of a call. As JSON it is the `policy` of a call's report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Decision {
    /// Whether the call runs.
    pub decision: Verdict,
    /// Ids of all policies that decided, sorted.
    pub policies: Vec<String>,
    /// What would change the denials among [`Self::actions`], and where there are none, the whole.
    pub hints: Vec<String>,
    /// `tool.execute`, `skill.execute`, then the rest in the order of the bindings.
    pub actions: Vec<ActionDecision>,
}

impl Decision {
    /// Whether the call runs.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.decision == Verdict::Allow
    }

    /// Whether the call is given the capability `action`, such as `skill.capability.http.egress`. Never where the call
    /// does not run.
    #[must_use]
    pub fn gives(&self, action: &str) -> bool {
        self.allowed() && self.actions.iter().any(|one| one.action == action && one.allowed())
    }

    /// Whether the call does not run, and a person's approval is all that it lacks.
    #[must_use]
    pub fn lacks_approval(&self) -> bool {
        let needed = [Action::ToolExecute, Action::SkillExecute].map(Action::name);
        let mut denied = self.actions.iter().filter(|one| needed.contains(&one.action.as_str()) && !one.allowed());
        let by_bundled = |one: &ActionDecision| one.policies == [NEEDS_APPROVAL] && !one.approved;
        !self.allowed() && denied.clone().next().is_some() && denied.all(by_bundled)
    }

    /// The denial where policies could not be loaded.
    #[must_use]
    pub fn of_error(error: &PolicyError) -> Self {
        Self { decision: Verdict::Deny, policies: Vec::new(), hints: vec![error.to_string()], actions: Vec::new() }
    }

    fn of(actions: Vec<ActionDecision>) -> Self {
        let runs = [Action::ToolExecute, Action::SkillExecute]
            .into_iter()
            .all(|needed| actions.iter().any(|one| one.action == needed.name() && one.allowed()));
        let mut policies: Vec<String> = actions.iter().flat_map(|one| one.policies.iter().cloned()).collect();
        policies.sort_unstable();
        policies.dedup();
        let any_denied = actions.iter().any(|one| !one.allowed());
        let mut hints: Vec<String> = Vec::new();
        for one in actions.iter().filter(|one| !any_denied || !one.allowed()) {
            let hint = format!("{} on {}: {}", plain(&one.action), quoted(&one.resource), one.hint);
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        Self { decision: if runs { Verdict::Allow } else { Verdict::Deny }, policies, hints, actions }
    }
}

/// The bundled policy that an approval satisfies.
const NEEDS_APPROVAL: &str = "sensitive-needs-approval";

/// What would turn a permit into a denial.
const HINT_OF_ALLOWED: &str = "a `forbid` in your policy file would deny it";

impl Policies {
    /// Decides about a call: whether it runs, and which of the capabilities that its manifest asks for it is given.
    ///
    /// The approvals are used up. Those for another call (another skill, version, content or tool) approve nothing.
    #[must_use]
    pub fn decide(&self, request: &CallRequest<'_>, approvals: Approvals) -> Decision {
        let approvals = approvals.for_call(request.call);
        let call = request.call;
        let is_approved = |action: &str, resource: &str| approvals.as_ref().is_some_and(|a| a.has(action, resource));
        let mut actions = Vec::with_capacity(2 + request.bindings.len());

        let asked = |action: Action, resource: &str| {
            let mut same = request.bindings.iter().filter(|b| b.action == action.name() && b.resource == resource);
            let first = same.next();
            // Of two bindings for one thing the stricter counts.
            (first.is_some(), first.is_some_and(|b| b.requires_approval) || same.any(|b| b.requires_approval))
        };
        let mut decide = |action: Action, resource: String, asked_for: bool, requires_approval: bool| {
            let approved = is_approved(action.name(), &resource);
            let decided = self.decide_one(request, &Request { action, asked_for, requires_approval, approved });
            let (decision, policies, reason, hint) = decided;
            actions.push(ActionDecision {
                action: action.name().to_owned(),
                resource,
                decision,
                requires_approval,
                approved,
                policies,
                reason,
                hint,
            });
        };

        let tool = format!("tool:{}", call.tool_id);
        let (asked_for, requires_approval) = asked(Action::ToolExecute, &tool);
        decide(Action::ToolExecute, tool.clone(), asked_for, requires_approval);
        let skill = format!("skill:{}", call.skill_id);
        let (_, requires_approval) = asked(Action::SkillExecute, &skill);
        decide(Action::SkillExecute, skill.clone(), true, requires_approval);
        for capability in Action::CAPABILITIES {
            let (asked_for, requires_approval) = asked(capability, &skill);
            if asked_for {
                decide(capability, skill.clone(), true, requires_approval);
            }
        }

        // What cannot be a question about this call is denied without asking.
        for binding in request.bindings {
            let (reason, hint) = match Action::of_name(&binding.action) {
                None => (
                    format!("{} is no action that policy knows", quoted(&binding.action)),
                    "leave it out: no policy can permit it".to_owned(),
                ),
                // Other tools of the skill are other calls.
                Some(Action::ToolExecute) if binding.resource.starts_with("tool:") => continue,
                Some(Action::ToolExecute) => {
                    (format!("{} is no tool", quoted(&binding.resource)), "name a tool as `tool:<id>`".to_owned())
                }
                Some(_) if binding.resource == skill => continue,
                Some(_) => (
                    format!("{} is not the skill that asks, {}", quoted(&binding.resource), quoted(&skill)),
                    "a skill asks for itself only".to_owned(),
                ),
            };
            actions.push(ActionDecision {
                action: binding.action.clone(),
                resource: binding.resource.clone(),
                decision: Verdict::Deny,
                requires_approval: binding.requires_approval,
                approved: is_approved(&binding.action, &binding.resource),
                policies: Vec::new(),
                reason,
                hint,
            });
        }
        Decision::of(actions)
    }

    /// The verdict on one action, the ids of the policies that made it, why, and what would change it.
    fn decide_one(&self, call: &CallRequest<'_>, request: &Request) -> (Verdict, Vec<String>, String, String) {
        let (query, entities): (cedar_policy::Request, Entities) = match request.build(call) {
            Ok(built) => built,
            Err(problem) => {
                let reason = format!("policy could not be asked: {}", words(&problem, 500));
                return (Verdict::Deny, Vec::new(), reason, "report this as a bug".to_owned());
            }
        };
        let response = Authorizer::new().is_authorized(&query, &self.set, &entities);
        let sorted = |ids: Vec<&PolicyId>| {
            let mut ids: Vec<String> = ids.into_iter().map(|id| AsRef::<str>::as_ref(id).to_owned()).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let shown = |ids: &[String]| ids.iter().map(|id| quoted(id)).collect::<Vec<_>>().join(", ");
        let errors: Vec<_> = response.diagnostics().errors().collect();
        if !errors.is_empty() {
            let problems: Vec<String> = errors.iter().map(|error| words(&error.to_string(), 500)).collect();
            let ids = sorted(errors.iter().map(|error| error_policy(error)).collect());
            let hint = format!("mend or take out {}", shown(&ids));
            return (Verdict::Deny, ids, format!("a policy failed: {}", problems.join("; ")), hint);
        }
        let ids = sorted(response.diagnostics().reason().collect());
        match response.decision() {
            cedar_policy::Decision::Allow => {
                let reason = format!("permitted by {}", shown(&ids));
                (Verdict::Allow, ids, reason, HINT_OF_ALLOWED.to_owned())
            }
            cedar_policy::Decision::Deny if ids.is_empty() => {
                let hint = self.hint(request.action.bundled_permit());
                (Verdict::Deny, ids, "no policy permits it".to_owned(), hint)
            }
            cedar_policy::Decision::Deny => {
                let reason = format!("forbidden by {}", shown(&ids));
                let hints: Vec<String> = ids.iter().map(|id| self.hint(id)).collect();
                (Verdict::Deny, ids, reason, hints.join("; "))
            }
        }
    }

    /// What a policy's `@hint` says, or what there is to say without one.
    fn hint(&self, id: &str) -> String {
        let policy = self.set.policy(&PolicyId::new(id));
        match policy.and_then(|policy| policy.annotation("hint")) {
            Some(hint) => words(hint, 200),
            None => match policy.map(|policy| policy.effect()) {
                Some(Effect::Forbid) => format!("change or take out the policy {}", quoted(id)),
                Some(Effect::Permit) | None => "permit it in your policy file".to_owned(),
            },
        }
    }
}

fn error_policy(error: &cedar_policy::AuthorizationError) -> &PolicyId {
    match error {
        cedar_policy::AuthorizationError::PolicyEvaluationError(error) => error.policy_id(),
    }
}

#[cfg(test)]
mod tests;
