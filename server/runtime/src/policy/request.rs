//! One question to Cedar: the entities and the circumstances, made from parts. An id is never read as text of a policy,
//! so that quotes, `::` and NUL in it are just characters.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression};

use super::CallRequest;

/// What policy knows how to decide about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Action {
    ToolExecute,
    SkillExecute,
    HttpEgress,
    FilesystemWrite,
    VaultRead,
    DeviceUse,
}

impl Action {
    pub(super) const CAPABILITIES: [Self; 4] =
        [Self::DeviceUse, Self::FilesystemWrite, Self::HttpEgress, Self::VaultRead];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ToolExecute => "tool.execute",
            Self::SkillExecute => "skill.execute",
            Self::HttpEgress => "skill.capability.http.egress",
            Self::FilesystemWrite => "skill.capability.filesystem.write",
            Self::VaultRead => "skill.capability.vault.read",
            Self::DeviceUse => "skill.capability.device.use",
        }
    }

    pub(super) fn of_name(name: &str) -> Option<Self> {
        [Self::ToolExecute, Self::SkillExecute]
            .into_iter()
            .chain(Self::CAPABILITIES)
            .find(|action| action.name() == name)
    }

    /// The bundled policy that would permit it.
    pub(super) const fn bundled_permit(self) -> &'static str {
        match self {
            Self::ToolExecute => "allow-listed-tool",
            Self::SkillExecute => "allow-listed-active-skill",
            _ => "capability-asked-for",
        }
    }
}

/// What is asked of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) action: Action,
    pub(super) asked_for: bool,
    pub(super) requires_approval: bool,
    pub(super) approved: bool,
}

fn uid(type_name: &str, id: &str) -> Result<EntityUid, String> {
    let type_name: EntityTypeName = type_name.parse().map_err(|error| format!("{error}"))?;
    Ok(EntityUid::from_type_name_and_id(type_name, EntityId::new(id)))
}

fn boolean(value: bool) -> RestrictedExpression {
    RestrictedExpression::new_bool(value)
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

fn attributes<const N: usize>(
    values: [(&str, RestrictedExpression); N],
) -> impl Iterator<Item = (String, RestrictedExpression)> {
    values.into_iter().map(|(name, value)| (name.to_owned(), value))
}

impl Request {
    /// The question with all that it speaks of.
    pub(super) fn build(&self, call: &CallRequest<'_>) -> Result<(cedar_policy::Request, Entities), String> {
        let allow = call.allow;
        let has = |list: &[String], id: &str| list.iter().any(|listed| listed == id);
        let skill = uid("Skill", &call.call.skill_id)?;
        let tool = uid("Tool", &call.call.tool_id)?;
        let action = uid("Action", self.action.name())?;

        let skill_attributes: HashMap<_, _> = attributes([
            ("publisher", text(call.publisher)),
            ("version", text(&call.call.version)),
            ("state", text(call.skill_state.word())),
            ("allow_listed", boolean(has(&allow.skills, &call.call.skill_id))),
            ("allow_listed_principal", boolean(has(&allow.principals, &call.call.skill_id))),
        ])
        .collect();
        let tool_attributes: HashMap<_, _> =
            attributes([("allow_listed", boolean(has(&allow.tools, &call.call.tool_id)))]).collect();
        let mut entities = vec![
            Entity::new(skill.clone(), skill_attributes, HashSet::new()).map_err(|error| error.to_string())?,
            Entity::new(tool.clone(), tool_attributes, HashSet::from([skill.clone()]))
                .map_err(|error| error.to_string())?,
        ];
        if Action::CAPABILITIES.contains(&self.action) {
            let group = uid("Action", "skill.capability")?;
            entities.push(Entity::new_no_attrs(action.clone(), HashSet::from([group.clone()])));
            entities.push(Entity::new_no_attrs(group, HashSet::new()));
        }
        let entities = Entities::from_entities(entities, None).map_err(|error| error.to_string())?;

        let context = Context::from_pairs(attributes([
            ("tool", RestrictedExpression::new_entity_uid(tool.clone())),
            ("asked_for", boolean(self.asked_for)),
            ("requires_approval", boolean(self.requires_approval)),
            ("approved", boolean(self.approved)),
        ]))
        .map_err(|error| error.to_string())?;
        let resource = if self.action == Action::ToolExecute { tool } else { skill.clone() };
        let query =
            cedar_policy::Request::new(skill, action, resource, context, None).map_err(|error| error.to_string())?;
        Ok((query, entities))
    }
}
