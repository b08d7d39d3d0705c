use proptest::prelude::*;

use super::*;

fn id(skill: &str, tool: &str) -> CallId {
    CallId {
        skill_id: skill.to_owned(),
        version: "1.2.3".to_owned(),
        payload_sha256: "ab".repeat(32),
        tool_id: tool.to_owned(),
    }
}

fn binding(action: &str, resource: &str, requires_approval: bool) -> PolicyBinding {
    PolicyBinding { action: action.to_owned(), resource: resource.to_owned(), requires_approval }
}

const EGRESS: &str = "skill.capability.http.egress";

/// A weather skill of one tool that wants the network.
#[derive(Debug)]
struct Case {
    call: CallId,
    state: SkillState,
    bindings: Vec<PolicyBinding>,
    allow: AllowLists,
}

impl Case {
    fn new() -> Self {
        Self {
            call: id("acme.weather", "acme.weather.today"),
            state: SkillState::Active,
            bindings: vec![
                binding(EGRESS, "skill:acme.weather", true),
                binding("tool.execute", "tool:acme.weather.alerts", true),
                binding("tool.execute", "tool:acme.weather.today", false),
            ],
            allow: AllowLists::only("acme.weather", "acme.weather.today"),
        }
    }

    fn decide_with(&self, user: Option<&str>, approvals: Approvals) -> Decision {
        let own: Vec<_> = user.into_iter().map(|text| ("my.cedar", text)).collect();
        let policies = Policies::load(&own).unwrap();
        let request = CallRequest {
            call: &self.call,
            publisher: "acme",
            skill_state: self.state,
            bindings: &self.bindings,
            allow: &self.allow,
        };
        policies.decide(&request, approvals)
    }

    fn decide(&self, user: Option<&str>) -> Decision {
        self.decide_with(user, Approvals::none(self.call.clone()))
    }

    fn approved(&self) -> Approvals {
        let mut approvals = Approvals::none(self.call.clone());
        self.bindings.iter().for_each(|binding| approvals.approve(binding));
        approvals
    }
}

fn of<'d>(decision: &'d Decision, action: &str) -> &'d ActionDecision {
    decision.actions.iter().find(|one| one.action == action).unwrap()
}

#[test]
fn a_named_tool_of_an_active_skill_runs_and_says_by_which_policies() {
    let decision = Case::new().decide(None);
    assert!(decision.allowed());
    assert_eq!(of(&decision, "tool.execute").policies, ["allow-listed-tool"]);
    assert_eq!(of(&decision, "skill.execute").policies, ["allow-listed-active-skill"]);
    assert_eq!(of(&decision, "tool.execute").resource, "tool:acme.weather.today");
    // Another tool of the skill is another call.
    assert!(!decision.actions.iter().any(|one| one.resource == "tool:acme.weather.alerts"));
}

#[test]
fn a_capability_without_approval_is_not_given_and_the_call_runs_without() {
    let decision = Case::new().decide(None);
    let egress = of(&decision, EGRESS);
    assert_eq!(egress.decision, Verdict::Deny);
    assert_eq!(egress.policies, ["sensitive-needs-approval"]);
    assert_eq!(egress.hint, "approve it for this call");
    assert!(decision.allowed() && !decision.gives(EGRESS));
    assert_eq!(decision.hints, [format!("{EGRESS} on `skill:acme.weather`: approve it for this call")]);
}

#[test]
fn an_approved_capability_is_given() {
    let case = Case::new();
    let decision = case.decide_with(None, case.approved());
    assert!(of(&decision, EGRESS).approved);
    assert_eq!(of(&decision, EGRESS).policies, ["capability-asked-for"]);
    assert!(decision.gives(EGRESS));
    assert!(!decision.gives("skill.capability.vault.read"), "the manifest asks for no secret");
}

#[test]
fn a_sensitive_tool_needs_approval() {
    let mut case = Case::new();
    case.bindings = vec![binding("tool.execute", "tool:acme.weather.today", true)];
    let denied = case.decide(None);
    assert!(!denied.allowed());
    assert_eq!(of(&denied, "tool.execute").policies, ["sensitive-needs-approval"]);
    assert!(case.decide_with(None, case.approved()).allowed());
}

#[test]
fn an_approval_of_another_call_is_none() {
    let mut case = Case::new();
    case.bindings = vec![binding("tool.execute", "tool:acme.weather.today", true)];
    type Change = fn(&mut CallId);
    let others: [Change; 4] = [
        |call| call.skill_id.push('x'),
        |call| call.version = "1.2.4".to_owned(),
        |call| call.payload_sha256 = "cd".repeat(32),
        |call| call.tool_id = "acme.weather.alerts".to_owned(),
    ];
    for change in others {
        let mut other = case.call.clone();
        change(&mut other);
        let mut approvals = Approvals::none(other);
        case.bindings.iter().for_each(|binding| approvals.approve(binding));
        let decision = case.decide_with(None, approvals);
        assert!(!decision.allowed() && !of(&decision, "tool.execute").approved);
    }
}

#[test]
fn each_allow_list_and_the_manifest_must_name_it() {
    type Change = fn(&mut Case);
    let cases: [(Change, &str, &[&str]); 4] = [
        (|c| c.allow.tools.clear(), "tool.execute", &[]),
        (|c| c.allow.principals.clear(), "tool.execute", &[]),
        (|c| c.allow.skills.clear(), "skill.execute", &[]),
        (|c| c.bindings.clear(), "tool.execute", &["not-in-manifest"]),
    ];
    for (change, action, policies) in cases {
        let mut case = Case::new();
        change(&mut case);
        let decision = case.decide(None);
        assert!(!decision.allowed());
        let one = of(&decision, action);
        assert_eq!(one.policies, policies, "{action}");
        assert!(!one.hint.is_empty());
    }
}

#[test]
fn a_skill_that_is_not_active_does_not_run_whatever_is_permitted() {
    for state in [SkillState::Quarantined, SkillState::Disabled] {
        let mut case = Case::new();
        case.state = state;
        let decision = case.decide_with(Some("permit(principal, action, resource);"), case.approved());
        assert!(!decision.allowed());
        assert!(decision.actions.iter().all(|one| !one.allowed()));
        assert_eq!(decision.policies, ["skill-not-active"]);
    }
}

#[test]
fn a_persons_own_policies_permit_and_forbid() {
    let mut case = Case::new();
    case.allow = AllowLists::default();
    let permit = "@id(\"mine\") permit(principal, action, resource) when { principal.publisher == \"acme\" };";
    let decision = case.decide(Some(permit));
    assert!(decision.allowed());
    assert_eq!(of(&decision, "tool.execute").policies, ["mine"]);

    let case = Case::new();
    let forbid = "\nforbid(principal, action == Action::\"skill.capability.http.egress\", resource)\n\
                  when { context.tool == Tool::\"acme.weather.today\" };";
    let decision = case.decide_with(Some(forbid), case.approved());
    assert!(decision.allowed() && !decision.gives(EGRESS));
    assert_eq!(of(&decision, EGRESS).policies, ["my.cedar:2"]);
    assert_eq!(of(&decision, EGRESS).hint, "change or take out the policy `my.cedar:2`");
}

#[test]
fn a_policy_that_fails_denies_and_is_named() {
    // Overflow is the failure that no schema excludes; the length is what keeps it from being seen before.
    let failing = "@id(\"overflows\") permit(principal, action, resource)\n\
                   when { 9223372036854775807 + 1 == 2 || principal.publisher == \"x\" };";
    let case = Case::new();
    let decision = case.decide_with(Some(failing), case.approved());
    assert!(!decision.allowed());
    for one in &decision.actions {
        assert!(!one.allowed());
        assert_eq!(one.policies, ["overflows"]);
        assert!(one.reason.starts_with("a policy failed: "), "{}", one.reason);
    }
}

#[test]
fn a_broken_file_is_a_denial() {
    let error = Policies::load(&[("my.cedar", "permit(")]).unwrap_err();
    let denial = Decision::of_error(&error);
    assert!(!denial.allowed() && denial.hints[0].starts_with("my.cedar:1:"));
}

#[test]
fn unknown_actions_and_resources_are_denied() {
    let mut case = Case::new();
    case.bindings.extend([
        binding("skill.capability.teleport", "skill:acme.weather", false),
        binding("skill.capability", "skill:acme.weather", false),
        binding(EGRESS, "skill:other", false),
        binding(EGRESS, "acme.weather", false),
        binding("tool.execute", "skill:acme.weather", false),
    ]);
    let decision = case.decide_with(Some("permit(principal, action, resource);"), case.approved());
    let denied: Vec<_> = decision.actions.iter().filter(|one| !one.allowed()).collect();
    assert_eq!(denied.len(), 5, "{denied:#?}");
    assert!(denied.iter().all(|one| one.policies.is_empty() && !one.hint.is_empty()));
    assert!(decision.allowed());
}

#[test]
fn ids_are_ids_and_not_syntax() {
    for odd in ["\" }; permit(principal,action,resource); //", "a::\"b\"", "\0", "Skill::\"x\"", "", "\u{202e}\\"] {
        let case = Case {
            call: id(odd, odd),
            state: SkillState::Active,
            bindings: vec![binding("tool.execute", &format!("tool:{odd}"), false)],
            allow: AllowLists::only(odd, odd),
        };
        assert!(case.decide(None).allowed(), "{odd:?}");
        let mut strict = Case { allow: AllowLists::default(), ..case };
        assert!(!strict.decide(None).allowed(), "{odd:?}");
        strict.allow = AllowLists::only("x", "x");
        assert!(!strict.decide(None).allowed(), "{odd:?}");
    }
}

#[test]
fn the_stricter_of_two_bindings_counts() {
    let mut case = Case::new();
    let tool = "tool:acme.weather.today";
    case.bindings = vec![binding("tool.execute", tool, false), binding("tool.execute", tool, true)];
    assert!(!case.decide(None).allowed());
}

#[test]
fn it_is_the_policy_of_a_report() {
    let json = serde_json::to_value(Case::new().decide(None)).unwrap();
    assert_eq!(json["decision"], "allow");
    assert_eq!(
        json["policies"],
        serde_json::json!(["allow-listed-active-skill", "allow-listed-tool", "sensitive-needs-approval"])
    );
    assert!(json["hints"].is_array());
    assert_eq!(json["actions"][2]["decision"], "deny");
}

fn any_action() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "tool.execute",
            "skill.execute",
            EGRESS,
            "skill.capability.filesystem.write",
            "skill.capability.vault.read",
            "skill.capability.device.use",
        ])
        .prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn any_case() -> impl Strategy<Value = (Case, bool)> {
    let name = prop_oneof!["[a-c]{0,2}", any::<String>(), Just("\"::\0".to_owned())];
    let state = prop::sample::select(vec![SkillState::Active, SkillState::Quarantined, SkillState::Disabled]);
    (name.clone(), name, state, prop::collection::vec((any_action(), 0..3_u8, any::<bool>()), 0..6), any::<[bool; 4]>())
        .prop_map(|(skill, tool, state, wanted, [tools, skills, principals, approve])| {
            let bindings = wanted
                .into_iter()
                .map(|(action, resource, requires)| {
                    let resource = match resource {
                        0 => format!("tool:{tool}"),
                        1 => format!("skill:{skill}"),
                        _ => tool.clone(),
                    };
                    PolicyBinding { action, resource, requires_approval: requires }
                })
                .collect();
            let list = |on: bool, id: &str| if on { vec![id.to_owned()] } else { Vec::new() };
            let allow = AllowLists {
                tools: list(tools, &tool),
                skills: list(skills, &skill),
                principals: list(principals, &skill),
            };
            (Case { call: id(&skill, &tool), state, bindings, allow }, approve)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_sensitive_is_never_allowed_without_approval((case, _) in any_case()) {
        for user in [None, Some("permit(principal, action, resource);")] {
            for one in case.decide(user).actions {
                prop_assert!(!(one.requires_approval && one.allowed()), "{:?}", one);
            }
        }
    }

    #[test]
    fn a_forbid_wins_over_everything((case, approve) in any_case()) {
        let approvals = if approve { case.approved() } else { Approvals::none(case.call.clone()) };
        let user = "permit(principal, action, resource);\nforbid(principal, action, resource);";
        let decision = case.decide_with(Some(user), approvals);
        prop_assert!(!decision.allowed());
        prop_assert!(decision.actions.iter().all(|one| !one.allowed()));
    }

    #[test]
    fn only_what_the_manifest_asks_for_is_allowed((case, approve) in any_case()) {
        let approvals = if approve { case.approved() } else { Approvals::none(case.call.clone()) };
        for one in case.decide_with(Some("permit(principal, action, resource);"), approvals).actions {
            let asked = case.bindings.iter().any(|b| b.action == one.action && b.resource == one.resource);
            prop_assert!(!one.allowed() || asked || one.action == "skill.execute", "{:?}", one);
        }
    }

    #[test]
    fn every_text_for_a_person_is_clean((case, _) in any_case()) {
        let decision = case.decide(None);
        let texts = decision.actions.iter().flat_map(|one| [&one.reason, &one.hint]).chain(&decision.hints);
        for text in texts {
            prop_assert!(!text.contains(skillyard_manifest::is_unseen), "{:?}", text);
        }
    }

    /// What is asked without the schema is what the schema would let through.
    #[test]
    fn every_question_holds_to_the_schema((case, _) in any_case(), asked_for: bool, approved: bool) {
        let schema = load::schema().unwrap();
        let call = CallRequest {
            call: &case.call,
            publisher: "acme",
            skill_state: case.state,
            bindings: &case.bindings,
            allow: &case.allow,
        };
        let all = [Action::ToolExecute, Action::SkillExecute].into_iter().chain(Action::CAPABILITIES);
        for action in all {
            let asked = Request { action, asked_for, requires_approval: !approved, approved };
            let (query, entities) = asked.build(&call).unwrap();
            prop_assert!(Entities::from_entities(entities, Some(schema)).is_ok());
            let again = cedar_policy::Request::new(
                query.principal().unwrap().clone(),
                query.action().unwrap().clone(),
                query.resource().unwrap().clone(),
                query.context().unwrap().clone(),
                Some(schema),
            );
            prop_assert!(again.is_ok(), "{:?}", again.err());
        }
    }
}

#[test]
fn every_file_counts_and_none_takes_the_name_of_another() {
    let forbid = "@id(\"mine\") forbid(principal, action == Action::\"tool.execute\", resource);";
    let permit = "permit(principal, action == Action::\"tool.execute\", resource);";
    let both = Policies::load(&[("home.cedar", forbid), ("my.cedar", permit)]).unwrap();
    assert!(
        both.set.policy(&PolicyId::new("mine")).is_some() && both.set.policy(&PolicyId::new("my.cedar:1")).is_some()
    );
    let error = Policies::load(&[("home.cedar", forbid), ("my.cedar", forbid)]).unwrap_err();
    assert!(matches!(&error, PolicyError::SameId { file, first, .. } if file == "my.cedar" && first == "home.cedar:1"));
    assert!(Policies::load(&[("home.cedar", "permit("), ("my.cedar", permit)]).is_err());
}
