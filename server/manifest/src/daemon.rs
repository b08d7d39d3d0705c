//! The verdict: what a daemon alone says about a manifest. It stops at the first finding, in a fixed order, and that
//! finding gives the kind of the error. The rules in [`crate::rules`] find everything, each at its place; a test holds
//! that the two never disagree.

use std::{collections::BTreeSet, fmt};

use serde::Serialize;
use serde_json::Value;

use crate::{
    grammar::{self, Version},
    model::{Config, Manifest, Operator, Property, PropertyType, Schema},
};

/// Why a daemon refuses: the stable names that its reports use.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub enum ErrorKind {
    /// The file does not read: syntax, unknown or repeated key, wrong type, missing key, not UTF-8.
    ManifestParse,
    /// A value breaks a rule.
    ManifestValidation,
    /// A path breaks the rule for relative paths.
    InvalidArtifactPath,
    /// `required_protocol_major` is above the daemon's.
    UnsupportedProtocolMajor,
    /// `min_palyra_version` is above the daemon's version.
    UnsupportedRuntimeVersion,
    /// `max_palyra_version` is below the daemon's version.
    RuntimeVersionAboveSupportedMaximum,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A warning in a daemon's report.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the rule of the same name in `identity`, `operator` or `config`")]
pub enum Warning {
    LegacyManifestVersion,
    MissingOperatorMetadata,
    MissingOperatorDisplayName,
    EmptyOperatorConfigContract,
    OperatorConfigRedactionRecommended,
}

/// What a daemon's validation says of a manifest that reads.
///
/// # Errors
/// The kind of the daemon's first finding.
pub fn validate<S: Schema>(manifest: &Manifest<S>) -> Result<(), ErrorKind> {
    use ErrorKind::ManifestValidation as Invalid;
    let ensure = |holds: bool| if holds { Ok(()) } else { Err(Invalid) };

    ensure(matches!(manifest.manifest_version, 1 | 2))?;
    ensure(grammar::is_identifier(&manifest.publisher))?;
    ensure(grammar::is_skill_id(&manifest.skill_id))?;
    Version::parse(&manifest.version).ok_or(Invalid)?;
    let min = Version::parse(&manifest.compat.min_palyra_version).ok_or(Invalid)?;
    if let Some(max) = &manifest.compat.max_palyra_version {
        ensure(Version::parse(max).ok_or(Invalid)? >= min)?;
    }
    ensure(!manifest.name.trim().is_empty())?;

    let namespace = format!("{}.", manifest.publisher.trim());
    let mut ids = BTreeSet::new();
    ensure(!manifest.entrypoints.tools.is_empty())?;
    for tool in &manifest.entrypoints.tools {
        let id = tool.id.trim();
        ensure(grammar::is_identifier(id) && id.starts_with(&namespace) && ids.insert(id))?;
        ensure(!tool.name.trim().is_empty() && !tool.description.trim().is_empty())?;
        ensure(tool.input_schema.is_object() && tool.output_schema.is_object())?;
    }

    let capabilities = &manifest.capabilities;
    let opt_in = &capabilities.wildcard_opt_in;
    for root in capabilities.filesystem.read_roots.iter().chain(&capabilities.filesystem.write_roots) {
        ensure(opt_in.filesystem || !root.contains('*'))?;
        check_path(root)?;
    }
    for host in &capabilities.http_egress_allowlist {
        ensure(if host.contains('*') { opt_in.http_egress } else { grammar::is_host(host) })?;
    }
    let is_key = |key: &String, opted_in: bool| if key.contains('*') { opted_in } else { grammar::is_identifier(key) };
    for secret in &capabilities.secrets {
        ensure(grammar::is_secret_scope(&secret.scope) && !secret.key_names.is_empty())?;
        ensure(secret.key_names.iter().all(|key| is_key(key, opt_in.secrets)))?;
    }
    ensure(capabilities.device_capabilities.iter().all(|key| is_key(key, opt_in.device)))?;
    ensure(capabilities.node_capabilities.iter().all(|key| is_key(key, opt_in.node)))?;

    let quotas = &capabilities.quotas;
    ensure(quotas.wall_clock_timeout_ms > 0 && quotas.fuel_budget > 0)?;
    ensure(quotas.max_memory_bytes >= grammar::MIN_MEMORY_BYTES)?;

    if let Some(builder) = &manifest.builder {
        ensure(builder.experimental)?;
        for text in [&builder.source_kind, &builder.source_ref, &builder.rollout_flag] {
            ensure(!text.trim().is_empty())?;
        }
        let checklist = &builder.checklist;
        for path in [&checklist.capability_declaration_path, &checklist.provenance_path, &checklist.test_harness_path] {
            ensure(!path.trim().is_empty())?;
            check_path(path)?;
        }
    }
    validate_operator(manifest)
}

fn validate_operator<S>(manifest: &Manifest<S>) -> Result<(), ErrorKind> {
    use ErrorKind::ManifestValidation as Invalid;
    let ensure = |holds: bool| if holds { Ok(()) } else { Err(Invalid) };
    let operator = &manifest.operator;

    ensure(manifest.manifest_version != 1 || *operator == Operator::default())?;
    for text in [&operator.display_name, &operator.summary, &operator.description].into_iter().flatten() {
        ensure(!text.trim().is_empty())?;
    }
    ensure(operator.categories.iter().chain(&operator.tags).all(|label| grammar::is_label(label)))?;
    ensure(operator.docs_url.as_deref().is_none_or(grammar::is_docs_url))?;

    let plugin = &operator.plugin;
    if let Some(id) = plugin.default_tool_id.as_deref().map(str::trim) {
        let declared = manifest.entrypoints.tools.iter().any(|tool| tool.id.trim() == id);
        ensure(grammar::is_identifier(id) && declared)?;
    }
    if let Some(path) = &plugin.default_module_path {
        ensure(grammar::is_module_path(path))?;
        check_path(path)?;
    }
    ensure(plugin.default_entrypoint.as_deref().is_none_or(grammar::is_entrypoint))?;
    let mut kinds = BTreeSet::new();
    for contract in &plugin.contracts {
        ensure(contract.version == 1 && kinds.insert(contract.kind))?;
    }
    match &operator.config {
        Some(config) => validate_config(config),
        None => Ok(()),
    }
}

fn validate_config(config: &Config) -> Result<(), ErrorKind> {
    let holds = config.schema_version != 0
        && config.required.iter().all(|key| grammar::is_label(key) && config.properties.contains_key(key))
        && config.properties.iter().all(|(key, property)| grammar::is_label(key) && property_holds(property));
    if holds { Ok(()) } else { Err(ErrorKind::ManifestValidation) }
}

fn property_holds(property: &Property) -> bool {
    let texts = [&property.title, &property.description];
    let mut seen = BTreeSet::new();
    texts.into_iter().flatten().all(|text| !text.trim().is_empty())
        && (property.enum_values.is_empty() || property.kind == PropertyType::String)
        && property.enum_values.iter().all(|value| !value.trim().is_empty() && seen.insert(value.trim()))
        && property.default.as_ref().is_none_or(|default| default_holds(property, default))
}

fn default_holds(property: &Property, default: &Value) -> bool {
    match property.kind {
        PropertyType::String => default
            .as_str()
            .is_some_and(|s| property.enum_values.is_empty() || property.enum_values.iter().any(|value| value == s)),
        PropertyType::Integer => default.is_i64() || default.is_u64(),
        PropertyType::Number => default.is_number(),
        PropertyType::Boolean => default.is_boolean(),
        PropertyType::StringList => default.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
    }
}

fn check_path(path: &str) -> Result<(), ErrorKind> {
    match grammar::path_fault(path) {
        Some(_) => Err(ErrorKind::InvalidArtifactPath),
        None => Ok(()),
    }
}

/// What the version check says at packaging and at install, for a manifest that validates.
///
/// # Errors
/// The kind of the first check that fails: protocol, minimum, maximum.
pub fn check_compat<S>(manifest: &Manifest<S>, palyra: Version) -> Result<(), ErrorKind> {
    let compat = &manifest.compat;
    if compat.required_protocol_major > grammar::PROTOCOL_MAJOR {
        return Err(ErrorKind::UnsupportedProtocolMajor);
    }
    if Version::parse(&compat.min_palyra_version).is_some_and(|min| min > palyra) {
        return Err(ErrorKind::UnsupportedRuntimeVersion);
    }
    if compat.max_palyra_version.as_deref().and_then(Version::parse).is_some_and(|max| max < palyra) {
        return Err(ErrorKind::RuntimeVersionAboveSupportedMaximum);
    }
    Ok(())
}

/// The warnings of a daemon's report, in its order.
#[must_use]
pub fn warnings<S>(manifest: &Manifest<S>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let operator = &manifest.operator;
    if manifest.manifest_version == 1 {
        warnings.push(Warning::LegacyManifestVersion);
    }
    if *operator == Operator::default() {
        warnings.push(Warning::MissingOperatorMetadata);
    } else if operator.display_name.is_none() {
        warnings.push(Warning::MissingOperatorDisplayName);
    }
    if let Some(config) = &operator.config {
        if config.properties.is_empty() {
            warnings.push(Warning::EmptyOperatorConfigContract);
        }
        if config.properties.iter().any(|(key, property)| !property.redacted && names_a_secret(key)) {
            warnings.push(Warning::OperatorConfigRedactionRecommended);
        }
    }
    warnings
}

/// Whether the name of a configuration property says that it holds a secret.
#[must_use]
pub fn names_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["secret", "token", "password", "api_key", "client_key"].iter().any(|word| key.contains(word))
}
