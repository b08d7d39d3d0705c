//! The shape of a manifest: every table and key with its type, default, meaning and an example. The one source of the
//! checks on keys and types, of the JSON Schema, and of what an editor tells about a key.
//!
//! The order of the keys is that of the structs in [`crate::model`]: a table may be written as an array of its values.

/// A table with fixed keys.
#[derive(Debug)]
pub struct TableShape {
    /// Its dotted path, `[]` behind an array of tables and `*` for any key: `entrypoints.tools[].risk`.
    pub path: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// Its keys in the order of the format.
    pub keys: &'static [KeyShape],
}

/// One key of a table.
#[derive(Debug)]
pub struct KeyShape {
    /// The key.
    pub name: &'static str,
    /// A deprecated name for it.
    pub alias: Option<&'static str>,
    /// What may stand there.
    pub ty: Type,
    /// Whether a daemon refuses a table without it.
    pub required: bool,
    /// What a daemon takes where it is left out, as TOML; empty for nothing.
    pub default: &'static str,
    /// An example value, as TOML.
    pub example: &'static str,
    /// What it means and what limits it, in Markdown.
    pub doc: &'static str,
}

/// What may stand behind a key.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// A string.
    String,
    /// One of these strings.
    Enum(&'static [&'static str]),
    /// An integer from 0 to 4294967295.
    U32,
    /// An integer from 0 to 18446744073709551615.
    U64,
    /// A boolean.
    Boolean,
    /// An array of strings.
    Strings,
    /// A table with fixed keys.
    Table(&'static TableShape),
    /// An array of such tables.
    Tables(&'static TableShape),
    /// A table with any keys, each such a table.
    Map(&'static TableShape),
    /// A table with any keys, each with such a value.
    Values(&'static KeyShape),
    /// An array of strings, or a table with any keys, each with such a value.
    StringsOrValues(&'static KeyShape),
    /// A JSON Schema: any table.
    Schema,
    /// Any value.
    Any,
}

impl Type {
    /// What a message calls it, with the article.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Enum(_) => "one of a few fixed strings",
            Self::U32 => "an integer from 0 to 4294967295",
            Self::U64 => "an integer from 0 to 18446744073709551615",
            Self::Boolean => "a boolean (true or false)",
            Self::Strings => "an array of strings",
            Self::Table(_) | Self::Map(_) | Self::Values(_) => "a table",
            Self::StringsOrValues(_) => "an array of strings or a table",
            Self::Schema => "a table (a JSON Schema)",
            Self::Tables(_) => "an array of tables",
            Self::Any => "a value",
        }
    }
}

impl TableShape {
    /// The key with this name or alias, and its place in the order of the format.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<(usize, &'static KeyShape)> {
        self.keys.iter().enumerate().find(|(_, key)| key.name == name || key.alias == Some(name))
    }

    /// The shape of the table behind `key`, if it is a table or an array of tables.
    #[must_use]
    pub fn child(&self, key: &str) -> Option<&'static Self> {
        match self.key(key)?.1.ty {
            Type::Table(shape) | Type::Tables(shape) | Type::Map(shape) => Some(shape),
            _ => None,
        }
    }
}

/// The table of a manifest that a header with these keys opens, and whether it is one of an array. `None` for those that
/// hold keys of the author's own.
pub(crate) fn opened<'k>(keys: impl IntoIterator<Item = &'k str>) -> Option<(&'static TableShape, bool)> {
    let mut table = (&ROOT, false);
    let mut keys = keys.into_iter();
    while let Some(key) = keys.next() {
        table = match table.0.key(key)?.1.ty {
            Type::Table(shape) => (shape, false),
            Type::Tables(shape) => (shape, true),
            Type::Map(shape) => {
                keys.next()?;
                (shape, false)
            }
            _ => return None,
        };
    }
    Some(table)
}

/// The kinds of contract that a plug-in can fulfil.
pub const CONTRACT_KINDS: &[&str] = &[
    "memory_provider",
    "context_engine",
    "routing_strategy",
    "run_lifecycle_hook",
    "compaction_provider",
    "diagnostics_provider",
    "policy_signal_provider",
    "channel_binding_provider",
    "delivery_adapter",
    "scheduler_task_provider",
    "model_auth_provider",
    "connector_adapter",
];

/// The types of a configuration property.
pub const PROPERTY_TYPES: &[&str] = &["string", "integer", "number", "boolean", "string_list"];

const fn required(name: &'static str, ty: Type, example: &'static str, doc: &'static str) -> KeyShape {
    KeyShape { name, alias: None, ty, required: true, default: "", example, doc }
}

const fn optional(
    name: &'static str,
    ty: Type,
    default: &'static str,
    example: &'static str,
    doc: &'static str,
) -> KeyShape {
    KeyShape { name, alias: None, ty, required: false, default, example, doc }
}

/// The top level.
pub static ROOT: TableShape = TableShape {
    path: "",
    doc: "The manifest of a Palyra skill: who it is, what it offers, what it may touch, and with which daemons it works.",
    keys: &[
        optional(
            "manifest_version",
            Type::U32,
            "2",
            "2",
            "The version of this format: `2`, or `1` for legacy manifests, which cannot carry `[operator]`.",
        ),
        required(
            "skill_id",
            Type::String,
            "\"acme.weather\"",
            "The identity of the skill, best `<publisher>.<name>`: of `a-z 0-9 . _ -`, without empty segments between dots.",
        ),
        required("name", Type::String, "\"Weather\"", "The name that people see."),
        required(
            "version",
            Type::String,
            "\"1.0.0\"",
            "The version of the skill: exactly three numbers, `major.minor.patch`, without pre-release or build parts.",
        ),
        required(
            "publisher",
            Type::String,
            "\"acme\"",
            "Who signs the skill. A trust store knows the publisher's keys under exactly this name: of `a-z 0-9 . _ - :`.",
        ),
        required("entrypoints", Type::Table(&ENTRYPOINTS), "", "What the skill offers."),
        optional(
            "capabilities",
            Type::Table(&CAPABILITIES),
            "",
            "",
            "What the skill may touch. What is not named here is not granted.",
        ),
        required("compat", Type::Table(&COMPAT), "", "The daemons that the skill works with."),
        optional(
            "integrity",
            Type::Table(&INTEGRITY),
            "",
            "",
            "The hashes of the packaged files. Written by packaging, which replaces what stands here.",
        ),
        optional(
            "builder",
            Type::Table(&BUILDER),
            "",
            "",
            "Where a generated skill comes from. Leave it out of a skill written by hand.",
        ),
        optional(
            "operator",
            Type::Table(&OPERATOR),
            "",
            "",
            "What an operator sees and sets. Manifest version 2 only.",
        ),
    ],
};

static ENTRYPOINTS: TableShape = TableShape {
    path: "entrypoints",
    doc: "What the skill offers.",
    keys: &[required(
        "tools",
        Type::Tables(&TOOL),
        "",
        "The tools, each an `[[entrypoints.tools]]` section; at least one.",
    )],
};

static TOOL: TableShape = TableShape {
    path: "entrypoints.tools[]",
    doc: "One tool that a daemon can call.",
    keys: &[
        required(
            "id",
            Type::String,
            "\"acme.weather.today\"",
            "The tool's identity: starts with the publisher and a dot, and no other tool has it.",
        ),
        required("name", Type::String, "\"Weather today\"", "The name that people see."),
        required(
            "description",
            Type::String,
            "\"Tells today's weather at a place.\"",
            "What the tool does: a model decides by this text when to call it.",
        ),
        required(
            "input_schema",
            Type::Schema,
            "",
            "The JSON Schema of the tool's input (draft 2020-12 unless `$schema` says otherwise).",
        ),
        required("output_schema", Type::Schema, "", "The JSON Schema of the tool's output."),
        optional("risk", Type::Table(&RISK), "", "", "How careful a daemon is with the tool."),
    ],
};

static RISK: TableShape = TableShape {
    path: "entrypoints.tools[].risk",
    doc: "How careful a daemon is with the tool. Either flag makes each call wait for a person's approval.",
    keys: &[
        optional(
            "default_sensitive",
            Type::Boolean,
            "false",
            "false",
            "Whether the tool handles sensitive things: its calls need approval.",
        ),
        optional("requires_approval", Type::Boolean, "false", "true", "Whether each call needs a person's approval."),
    ],
};

static CAPABILITIES: TableShape = TableShape {
    path: "capabilities",
    doc: "What the skill may touch. What is not named here is not granted.",
    keys: &[
        optional("filesystem", Type::Table(&FILESYSTEM), "", "", "Folders below the skill's own storage."),
        optional(
            "http_egress_allowlist",
            Type::Strings,
            "[]",
            "[\"api.acme.example\"]",
            "Hosts that the skill may call over HTTP: bare names, without scheme, port or path. `*` needs `wildcard_opt_in.http_egress`.",
        ),
        optional(
            "secrets",
            Type::Tables(&SECRET),
            "[]",
            "",
            "Secrets that the skill may read, each a scope with its key names.",
        ),
        optional(
            "device_capabilities",
            Type::Strings,
            "[]",
            "[]",
            "Device capabilities by name. A daemon's default audit policy fails every skill that names one.",
        ),
        optional("node_capabilities", Type::Strings, "[]", "[]", "Node capabilities by name."),
        optional("quotas", Type::Table(&QUOTAS), "", "", "What one call may use up."),
        optional(
            "wildcard_opt_in",
            Type::Table(&WILDCARD_OPT_IN),
            "",
            "",
            "Where `*` is meant: a wildcard without its opt-in is refused.",
        ),
    ],
};

static FILESYSTEM: TableShape = TableShape {
    path: "capabilities.filesystem",
    doc: "Folders below the skill's own storage, as relative paths with `/`.",
    keys: &[
        optional(
            "read_roots",
            Type::Strings,
            "[]",
            "[\"data\"]",
            "Folders to read. A daemon 0.1.0 grants nothing for them.",
        ),
        optional("write_roots", Type::Strings, "[]", "[\"out\"]", "Folders to read and write."),
    ],
};

static SECRET: TableShape = TableShape {
    path: "capabilities.secrets[]",
    doc: "Secrets of one scope.",
    keys: &[
        required(
            "scope",
            Type::String,
            "\"skill:acme.weather\"",
            "Whose secrets: `global`, `principal:<id>`, `channel:<id>` or `skill:<id>`.",
        ),
        required(
            "key_names",
            Type::Strings,
            "[\"api_key\"]",
            "Which of them, by name; at least one. `*` needs `wildcard_opt_in.secrets`.",
        ),
    ],
};

static QUOTAS: TableShape = TableShape {
    path: "capabilities.quotas",
    doc: "What one call may use up.",
    keys: &[
        optional("wall_clock_timeout_ms", Type::U64, "30000", "5000", "Milliseconds of real time, more than 0."),
        optional(
            "fuel_budget",
            Type::U64,
            "10000000",
            "10000000",
            "Units of work, about one for each WebAssembly instruction; more than 0.",
        ),
        optional(
            "max_memory_bytes",
            Type::U64,
            "67108864",
            "67108864",
            "Bytes of linear memory, at least 65536 (one page).",
        ),
    ],
};

static WILDCARD_OPT_IN: TableShape = TableShape {
    path: "capabilities.wildcard_opt_in",
    doc: "Where `*` is meant. Each flag that is on fails a daemon's default audit policy.",
    keys: &[
        optional("filesystem", Type::Boolean, "false", "false", "Allows `*` in filesystem roots."),
        optional("http_egress", Type::Boolean, "false", "false", "Allows `*` in egress hosts."),
        optional("secrets", Type::Boolean, "false", "false", "Allows `*` in secret key names."),
        optional("device", Type::Boolean, "false", "false", "Allows `*` in device capabilities."),
        optional("node", Type::Boolean, "false", "false", "Allows `*` in node capabilities."),
    ],
};

static COMPAT: TableShape = TableShape {
    path: "compat",
    doc: "The daemons that the skill works with.",
    keys: &[
        KeyShape {
            name: "required_protocol_major",
            alias: Some("min_protocol_major"),
            ty: Type::U32,
            required: true,
            default: "",
            example: "1",
            doc: "The protocol that the skill speaks. A daemon with a lower one refuses it; Palyra 0.1.0 speaks 1.",
        },
        KeyShape {
            name: "min_palyra_version",
            alias: Some("min_runtime_version"),
            ty: Type::String,
            required: true,
            default: "",
            example: "\"0.1.0\"",
            doc: "The oldest daemon that runs the skill, as three numbers.",
        },
        optional(
            "max_palyra_version",
            Type::String,
            "",
            "\"1.0.0\"",
            "The newest daemon that runs the skill, itself included.",
        ),
    ],
};

static INTEGRITY: TableShape = TableShape {
    path: "integrity",
    doc: "The hashes of the packaged files. Written by packaging, which replaces what stands here.",
    keys: &[optional("files", Type::Tables(&INTEGRITY_FILE), "[]", "", "One for each packaged file.")],
};

static INTEGRITY_FILE: TableShape = TableShape {
    path: "integrity.files[]",
    doc: "The hash of one packaged file.",
    keys: &[
        required("path", Type::String, "\"modules/tool.wasm\"", "The file's path in the artifact."),
        required("sha256", Type::String, "\"\"", "The SHA-256 of its content, 64 lower-case hex digits."),
    ],
};

static BUILDER: TableShape = TableShape {
    path: "builder",
    doc: "Where a generated skill comes from. Leave it out of a skill written by hand.",
    keys: &[
        required("experimental", Type::Boolean, "true", "Must be true: generated skills are experimental."),
        required("source_kind", Type::String, "\"routine\"", "What the skill was generated from."),
        required("source_ref", Type::String, "\"routine:42\"", "Which one that was."),
        required("rollout_flag", Type::String, "\"skills.generated\"", "The flag that switches the skill on."),
        optional("review_status", Type::String, "\"\"", "\"pending\"", "How far its review has come."),
        required("checklist", Type::Table(&CHECKLIST), "", "What its review rests on."),
    ],
};

static CHECKLIST: TableShape = TableShape {
    path: "builder.checklist",
    doc: "What the review of a generated skill rests on.",
    keys: &[
        required(
            "capability_declaration_path",
            Type::String,
            "\"review/capabilities.md\"",
            "The declaration of its capabilities, a relative path.",
        ),
        required("provenance_path", Type::String, "\"review/provenance.json\"", "Its provenance, a relative path."),
        required("test_harness_path", Type::String, "\"review/harness.toml\"", "Its tests, a relative path."),
        optional("review_notes", Type::String, "\"\"", "\"\"", "What the reviewer noted."),
    ],
};

static OPERATOR: TableShape = TableShape {
    path: "operator",
    doc: "What an operator sees and sets. Manifest version 2 only.",
    keys: &[
        optional("display_name", Type::String, "", "\"Weather\"", "The name in an operator's lists."),
        optional("summary", Type::String, "", "\"Weather for any place\"", "The skill in one line."),
        optional(
            "description",
            Type::String,
            "",
            "\"Tells today's weather and warns of storms.\"",
            "The skill in a paragraph.",
        ),
        optional("categories", Type::Strings, "[]", "[\"weather\"]", "Where it is listed: labels of `a-z 0-9 . _ -`."),
        optional("tags", Type::Strings, "[]", "[\"forecast\"]", "What it is found by: labels of `a-z 0-9 . _ -`."),
        optional(
            "docs_url",
            Type::String,
            "",
            "\"https://docs.acme.example/weather\"",
            "Its documentation: an `https://` address without spaces and without `#`.",
        ),
        optional("plugin", Type::Table(&PLUGIN), "", "", "What a daemon calls where nothing else is said."),
        optional("config", Type::Table(&CONFIG), "", "", "What an operator can configure."),
    ],
};

static PLUGIN: TableShape = TableShape {
    path: "operator.plugin",
    doc: "What a daemon calls where nothing else is said.",
    keys: &[
        optional("default_tool_id", Type::String, "", "\"acme.weather.today\"", "One of the declared tools."),
        optional(
            "default_module_path",
            Type::String,
            "",
            "\"modules/tool.wasm\"",
            "One of the packaged modules: below `modules/`, ending in `.wasm`.",
        ),
        optional(
            "default_entrypoint",
            Type::String,
            "",
            "\"run\"",
            "The export to call instead of `run`: of `a-z 0-9 _ -`.",
        ),
        optional("contracts", Type::Tables(&CONTRACT), "[]", "", "What the plug-in offers to its host."),
    ],
};

static CONTRACT: TableShape = TableShape {
    path: "operator.plugin.contracts[]",
    doc: "One thing that the plug-in offers to its host.",
    keys: &[
        required("kind", Type::Enum(CONTRACT_KINDS), "\"memory_provider\"", "What it offers."),
        optional("version", Type::U32, "1", "1", "The version of the contract; only 1 exists."),
    ],
};

static CONFIG: TableShape = TableShape {
    path: "operator.config",
    doc: "What an operator can configure.",
    keys: &[
        optional("schema_version", Type::U32, "1", "1", "The version of this set of properties, from 1."),
        optional(
            "required",
            Type::Strings,
            "[]",
            "[\"city\"]",
            "Properties that an operator must set; each is declared below.",
        ),
        optional(
            "properties",
            Type::Map(&PROPERTY),
            "{}",
            "",
            "The properties, each an `[operator.config.properties.<key>]` section.",
        ),
    ],
};

static PROPERTY: TableShape = TableShape {
    path: "operator.config.properties.*",
    doc: "One thing that an operator can configure.",
    keys: &[
        required("type", Type::Enum(PROPERTY_TYPES), "\"string\"", "The type of its value."),
        optional("title", Type::String, "", "\"City\"", "The label beside the field."),
        optional("description", Type::String, "", "\"The place to report on\"", "The text below the field."),
        optional(
            "default",
            Type::Any,
            "",
            "\"Paris\"",
            "The value where none is set: of the declared type, and one of `enum_values` where those are given.",
        ),
        optional("redacted", Type::Boolean, "false", "true", "Whether its value is kept out of logs and reports."),
        optional(
            "enum_values",
            Type::Strings,
            "[]",
            "[\"Paris\", \"Rome\"]",
            "The only values allowed, for a property of type string.",
        ),
    ],
};
