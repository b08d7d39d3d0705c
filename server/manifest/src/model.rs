//! The typed manifest, as tolerant and as strict as the serde model that a daemon reads with.
//!
//! Consequences of serde over `toml` that are part of the contract: every table refuses unknown keys, a struct may be
//! written as an array of its values in the order of the fields below (so that order is a format, not a taste), and an
//! enum value may be a table of one key. What is left out when it is written is what a daemon's builder leaves out, so that
//! both write the same bytes.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

/// A whole `skill.toml`. `S` is what is kept of the tools' schemas: by default the whole of them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are documented once, in `shape`")]
pub struct Manifest<S = Value> {
    #[serde(default = "default_manifest_version")]
    pub manifest_version: u32,
    pub skill_id: String,
    pub name: String,
    pub version: String,
    pub publisher: String,
    pub entrypoints: Entrypoints<S>,
    #[serde(default)]
    pub capabilities: Capabilities,
    pub compat: Compat,
    #[serde(default)]
    pub integrity: Integrity,
    #[serde(default)]
    pub builder: Option<Builder>,
    #[serde(default)]
    pub operator: Operator,
}

macro_rules! tables {
    ($($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident : $ty:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(missing_docs, reason = "the fields are documented once, in `shape`")]
        pub struct $name { $($(#[$fmeta])* pub $field: $ty,)* }
    )*};
}

/// `entrypoints`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are documented once, in `shape`")]
pub struct Entrypoints<S = Value> {
    pub tools: Vec<Tool<S>>,
}

/// One of `entrypoints.tools`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are documented once, in `shape`")]
pub struct Tool<S = Value> {
    pub id: String,
    pub name: String,
    pub description: String,
    pub input_schema: S,
    pub output_schema: S,
    #[serde(default)]
    pub risk: Risk,
}

/// What is kept of a tool's schema.
pub trait Schema {
    /// Whether the schema is a table.
    fn is_object(&self) -> bool;
}

impl Schema for Value {
    fn is_object(&self) -> bool {
        self.is_object()
    }
}

/// Of a schema, only whether it is a table: all that a daemon's validation asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Glance(bool);

impl Schema for Glance {
    fn is_object(&self) -> bool {
        self.0
    }
}

impl<'de> Deserialize<'de> for Glance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Glance;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Glance, A::Error> {
        Ok(Glance(true))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Glance, A::Error> {
        Ok(Glance(false))
    }

    fn visit_str<E>(self, _: &str) -> Result<Glance, E> {
        Ok(Glance(false))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Glance, E> {
        Ok(Glance(false))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Glance, E> {
        Ok(Glance(false))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Glance, E> {
        Ok(Glance(false))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Glance, E> {
        Ok(Glance(false))
    }
}

tables! {
    /// `entrypoints.tools.risk`.
    #[derive(Default)]
    Risk {
        #[serde(default)] default_sensitive: bool,
        #[serde(default)] requires_approval: bool,
    }

    /// `capabilities`.
    #[derive(Default)]
    Capabilities {
        #[serde(default)] filesystem: Filesystem,
        #[serde(default)] http_egress_allowlist: Vec<String>,
        #[serde(default)] secrets: Vec<Secret>,
        #[serde(default)] device_capabilities: Vec<String>,
        #[serde(default)] node_capabilities: Vec<String>,
        #[serde(default)] quotas: Quotas,
        #[serde(default)] wildcard_opt_in: WildcardOptIn,
    }

    /// `capabilities.filesystem`.
    #[derive(Default)]
    Filesystem {
        #[serde(default)] read_roots: Vec<String>,
        #[serde(default)] write_roots: Vec<String>,
    }

    /// One of `capabilities.secrets`.
    Secret {
        scope: String,
        key_names: Vec<String>,
    }

    /// `capabilities.quotas`.
    Quotas {
        #[serde(default = "default_timeout")] wall_clock_timeout_ms: u64,
        #[serde(default = "default_fuel")] fuel_budget: u64,
        #[serde(default = "default_memory")] max_memory_bytes: u64,
    }

    /// `capabilities.wildcard_opt_in`.
    #[derive(Default)]
    WildcardOptIn {
        #[serde(default)] filesystem: bool,
        #[serde(default)] http_egress: bool,
        #[serde(default)] secrets: bool,
        #[serde(default)] device: bool,
        #[serde(default)] node: bool,
    }

    /// `compat`.
    Compat {
        #[serde(alias = "min_protocol_major")] required_protocol_major: u32,
        #[serde(alias = "min_runtime_version")] min_palyra_version: String,
        #[serde(default, skip_serializing_if = "Option::is_none")] max_palyra_version: Option<String>,
    }

    /// `integrity`.
    #[derive(Default)]
    Integrity { #[serde(default)] files: Vec<IntegrityFile>, }

    /// One of `integrity.files`.
    IntegrityFile { path: String, sha256: String, }

    /// `builder`: generated skills only.
    Builder {
        experimental: bool,
        source_kind: String,
        source_ref: String,
        rollout_flag: String,
        #[serde(default)] review_status: String,
        checklist: Checklist,
    }

    /// `builder.checklist`.
    Checklist {
        capability_declaration_path: String,
        provenance_path: String,
        test_harness_path: String,
        #[serde(default)] review_notes: String,
    }

    /// `operator`.
    #[derive(Default)]
    Operator {
        #[serde(default, skip_serializing_if = "Option::is_none")] display_name: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] summary: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] description: Option<String>,
        #[serde(default)] categories: Vec<String>,
        #[serde(default)] tags: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] docs_url: Option<String>,
        #[serde(default)] plugin: Plugin,
        #[serde(default, skip_serializing_if = "Option::is_none")] config: Option<Config>,
    }

    /// `operator.plugin`.
    #[derive(Default)]
    Plugin {
        #[serde(default, skip_serializing_if = "Option::is_none")] default_tool_id: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] default_module_path: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] default_entrypoint: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")] contracts: Vec<Contract>,
    }

    /// One of `operator.plugin.contracts`.
    Contract {
        kind: ContractKind,
        #[serde(default = "default_contract_version")] version: u32,
    }

    /// `operator.config`.
    Config {
        #[serde(default = "default_schema_version")] schema_version: u32,
        #[serde(default)] required: Vec<String>,
        #[serde(default)] properties: BTreeMap<String, Property>,
    }

    /// One of `operator.config.properties`.
    Property {
        #[serde(rename = "type")] kind: PropertyType,
        #[serde(default, skip_serializing_if = "Option::is_none")] title: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] description: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")] default: Option<Value>,
        #[serde(default)] redacted: bool,
        #[serde(default, skip_serializing_if = "Vec::is_empty")] enum_values: Vec<String>,
    }
}

/// What a plug-in offers to its host.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "a contract's name says what it is")]
pub enum ContractKind {
    MemoryProvider,
    ContextEngine,
    RoutingStrategy,
    RunLifecycleHook,
    CompactionProvider,
    DiagnosticsProvider,
    PolicySignalProvider,
    ChannelBindingProvider,
    DeliveryAdapter,
    SchedulerTaskProvider,
    ModelAuthProvider,
    ConnectorAdapter,
}

/// The type of a configuration property.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of TOML")]
pub enum PropertyType {
    String,
    Integer,
    Number,
    Boolean,
    StringList,
}

/// `manifest_version` where it is not given.
#[must_use]
pub fn default_manifest_version() -> u32 {
    2
}

/// `wall_clock_timeout_ms` where it is not given.
#[must_use]
pub fn default_timeout() -> u64 {
    30_000
}

/// `fuel_budget` where it is not given.
#[must_use]
pub fn default_fuel() -> u64 {
    10_000_000
}

/// `max_memory_bytes` where it is not given.
#[must_use]
pub fn default_memory() -> u64 {
    67_108_864
}

fn default_contract_version() -> u32 {
    1
}

fn default_schema_version() -> u32 {
    1
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            wall_clock_timeout_ms: default_timeout(),
            fuel_budget: default_fuel(),
            max_memory_bytes: default_memory(),
        }
    }
}
